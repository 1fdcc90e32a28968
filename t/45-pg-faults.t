# PostgreSQL and name servers that die or hang: the deadline is kept, requests
# go on, the worker may leave, and nothing is left behind.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres qw(black_hole);
use Flagship::PgProbe;
use Flagship::Port qw(free_port);
use Flagship::Postgres;

use Time::HiRes qw(time);

my $pg = Flagship::Postgres->new(deploy => 0);
my $conninfo = $pg->conninfo(tcp => 1);

# a name server that hears and does not answer: the lock of a port is a
# socket of UDP
my $dead = free_port();

my $hole = black_hole();

my $endless = Flagship::FakePostgres->new('endless');

sub probe {
    return Flagship::PgProbe->new(<<"EOT");
resolver 127.0.0.1:$dead;
resolver_timeout 60s;
location /pg { pg_probe "$conninfo" timeout=1500 query_timeout=1500; }
location /hole {
    pg_probe "host=127.0.0.1 port=$hole->{port}" timeout=60000;
}
location /name {
    pg_probe "host=db.example,127.0.0.1 port=@{[$pg->port]} user=postgres
              dbname=flagship" timeout=1500 resolver;
}
location /long-name { pg_probe "host=db.example" timeout=60000 resolver; }
location /hang {
    pg_probe "host=a.hang port=@{[$pg->port]} user=postgres dbname=flagship"
             timeout=1500;
}
location /nobody { pg_probe "host=nobody.hang" timeout=5000; }
location /nobodies {
    pg_probe "host=nobody.hang,nobody.hang,nobody.hang" timeout=5000;
}
location /endless {
    pg_probe "host=127.0.0.1 port=@{[$endless->port]}" query_timeout=300;
}
EOT
}

my $p = probe();
my $t = $p->test;


# Requests are answered while a sub is true: a loop that is blocked would
# answer none of them.  The figure is for the eye; what never ends fails.

sub answered_while {
    my ($while) = @_;

    my ($n, $longest, $end) = (0, 0, time + 60);

    while ($while->()) {
        my $start = time;

        return 0 if $start > $end;

        my $status = $t->get('/ping')->status;
        my $took = time - $start;

        $n++ if $status == 200;
        $longest = $took if $took > $longest;
    }

    note sprintf '%d requests meanwhile, the longest took %.1f ms', $n,
        $longest * 1000;

    return $n;
}


subtest 'killed while idle and while it works' => sub {
    for my $how (qw(fast immediate)) {
        $p->open('/pg');
        $p->open('/pg', id => 1);
        $p->query('/pg', 'SELECT pg_sleep(60)', id => 1, wait => 0);

        $pg->stop($how);

        ok(wait_for(sub { !grep { $p->state(id => $_)->{open} } 0, 1 }),
            "$how: both are gone");

        my ($idle, $busy) = map { $p->state(id => $_) } 0, 1;

        is("$idle->{errors} $busy->{errors}", '1 1', "$how: one error each");
        like($idle->{error}, qr/\A127\.0\.0\.1:\d+: \w|\Aserver closed/,
            "$how: the idle one says why");

        my $is = $p->open('/pg');
        like($is->{error}, qr/Connection refused/, "$how: none is let in");

        $pg->start;
        is($p->open('/pg')->{ready}, 1, "$how: until it is back");
        $p->close;
    }

    $p->open('/pg');
    $pg->sql('SELECT pg_terminate_backend(pid) FROM pg_stat_activity '
        . "WHERE application_name = 'flagship probe'");
    ok(wait_for(sub { !$p->state->{open} }), 'a backend is terminated');
    like($p->state->{error}, qr/terminating connection due to administrator/,
        'which is said in its words');

    $p->open('/pg');
    $p->query('/pg', 'LISTEN x');
    $pg->kill;
    ok(wait_for(sub { !$p->state->{open} }), 'the machine dies');
    $pg->start;
};


subtest 'frozen' => sub {
    $p->open('/pg');
    $p->open('/pg', id => 1);
    $p->query('/pg', 'SELECT pg_sleep(60)', id => 1, wait => 0);

    $pg->freeze;

    like($p->query('/pg', 'SELECT 1')->{error},
        qr/no answer to a query within 1500 ms/, 'a query');
    ok(wait_for(sub { !$p->state(id => 1)->{open} }), 'a query before it');
    like($p->open('/pg')->{error}, qr/no connection within 1500 ms/,
        'a connection');

    $p->open('/pg', wait => 0);
    ok(answered_while(sub { $p->state->{open} }) > 5, 'requests go on');

    $pg->thaw;

    is($p->open('/pg')->{ready}, 1, 'thawed');
    $p->close;
};


subtest 'rows without end' => sub {
    $p->open('/endless');
    $p->query('/endless', 'SELECT 1', single => 1, wait => 0);

    ok(answered_while(sub { $p->state->{open} }) > 5, 'requests go on');

    like($p->state->{error}, qr/no answer to a query within 300 ms/,
        'the deadline is kept');
    ok($p->state->{rows} > 10, 'while rows come');
};


subtest 'a name server that is dead' => sub {
    $p->open('/name', wait => 0);

    ok(answered_while(sub { $p->state->{open} && !$p->state->{ready} }) > 5,
        'requests go on');

    my $is = $p->state;

    like($is->{peer}, qr/\A127\.0\.0\.1:/, 'the next host is taken');
    is($is->{errors}, 0, 'without an error');

    $is = $p->query('/name', 'SELECT 1');
    is($is->{first}, 1, 'and answers');
    $p->close;

    $p->open('/long-name', wait => 0);
    is($p->close->{open}, 0, 'closed while it is asked');
};


# The C library's resolver, which the probe holds up for names of "hang" as
# long as a file of that name is there

subtest 'the system has no answer' => sub {
    my $hang = $t->write_file('hang', '');
    my $asked = $p->state->{lookups};

    $p->open('/hang', id => $_, wait => 0) for 0 .. 19;

    ok(answered_while(sub { !grep { $p->state(id => $_)->{errors} } 0 .. 19 })
        > 5, 'requests go on');
    ok(wait_for(sub { !grep { $p->state(id => $_)->{open} } 0 .. 19 }),
        'all meet their deadline');
    like($p->state(id => 19)->{error},
        qr/\Aa\.hang:\d+: its name was not resolved within 1500 ms\z/,
        'and say so');

    # again and again, on the thread that still hangs
    $p->open('/hang', id => $_) for 0 .. 2;
    is($p->state->{lookups} - $asked, 1, 'one name holds up one thread');

    $p->open('/hang', id => $_, wait => 0) for 0 .. 9;
    $p->close(id => $_) for 0 .. 4;
    unlink $hang;

    ok(wait_for(sub { !grep { !$p->state(id => $_)->{ready} } 5 .. 9 }),
        'the answer serves those that still wait');
    is($p->state(id => 5)->{peer}, 'a.hang:' . $pg->port, 'by their name');
    $p->close(id => $_) for 5 .. 9;

    $p->open('/hang');
    is($p->state->{lookups} - $asked, 2, 'a later one asks again');
    $p->close;

    like($p->open('/nobody')->{error}, qr/\Anobody\.hang:\d+: Name or service/,
        'no such name');
};


# The next name is asked for when the last one's answer is taken

subtest 'a thread has one task after another' => sub {
    my $before = $p->state;

    $p->open('/nobodies');

    my $after = $p->state;

    is($after->{lookups} - $before->{lookups}, 3, 'three names');
    cmp_ok($after->{threads} - $before->{threads}, '<=', 1,
        'at most one thread more');

    my ($worker) = $p->test->workers;

    ok(wait_for(sub { 1 == (() = glob "/proc/$worker/task/*") }),
        'which ends when there is nothing more to do');
};


subtest 'fifty connections and failures' => sub {
    my $fds;

    for my $round (1 .. 3) {
        for my $n (1 .. 17) {
            $p->open('/pg', id => $n);
            $p->open('/nobody', id => $n + 20);
            $p->open('/name', id => $n + 40, wait => 0);
            $p->close(id => $n + 40) if $n % 2;
        }

        ok(wait_for(sub {
            !grep { my $is = $p->state(id => $_ + 40);
                $is->{open} && !$is->{ready} } 1 .. 17
        }), "round $round: all have ended");

        $p->close(id => $_) for 1 .. 60;

        $fds //= $p->fds;
    }

    is($p->fds, $fds, 'no more descriptors than before');

    ok(wait_for(sub {
        $pg->sql('SELECT count(*) FROM pg_stat_activity '
            . "WHERE application_name = 'flagship probe' AND state = 'idle'")
                == 0;
    }), 'and no more backends');
};


subtest 'a worker that leaves' => sub {
    my %open = (idle => '/pg', connecting => '/hole', asking => '/long-name');

    for my $state (sort keys %open) {
        my $q = probe();

        $q->open($open{$state}, $state eq 'idle' ? () : (wait => 0));
        $q->test->get('/ping');

        is($q->state->{open}, 1, "$state: under way");

        my $start = time;
        $q->test->stop;

        note sprintf '%s: left within %.0f ms', $state, (time - $start) * 1000;

        $q->test->check;

        like($q->test->log, qr/the worker is exiting/, "$state: and said so")
            if $state ne 'asking';
    }

    my $q = probe();
    $q->open('/pg');
    $q->query('/pg', 'SELECT pg_sleep(60)', wait => 0);
    ok($q->test->reload(wait => 1), 'a reload: the old worker leaves');
    is($q->open('/pg')->{ready}, 1, 'the new one connects');

    # a thread ends before its worker does
    my $hang = $q->test->write_file('hang', '');
    $q->open('/hang', wait => 0);
    $q->open('/hang', id => 1, wait => 0);
    $q->close(id => 1);

    my ($worker) = $q->test->workers;
    kill 'QUIT', $worker;
    ok(wait_for(sub { $q->test->log =~ /gracefully shutting down/ }),
        'a worker leaves while a thread asks');
    unlink $hang;
    ok(wait_for(sub { !grep { $_ == $worker } $q->test->processes }),
        'when that has its answer');
};


done_testing;
