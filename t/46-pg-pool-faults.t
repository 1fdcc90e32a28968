# The pool while PostgreSQL dies, hangs, comes back or changes its role, and
# while workers leave: every call ends, in one way, and says what is known.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres qw(black_hole);
use Flagship::PgProbe;
use Flagship::Port qw(free_port);
use Flagship::Postgres;

my $pg = Flagship::Postgres->new(deploy => 0);
my $conninfo = $pg->conninfo(tcp => 1);

my %fake = map { $_ => Flagship::FakePostgres->new($_) }
    qw(standby endless cut mute primary);
my $hole = black_hole();
my $nobody = free_port();

# a primary that stays one in name only
$pg->sql('CREATE ROLE reader LOGIN');
$pg->sql('ALTER ROLE reader SET default_transaction_read_only = on');

my $p = Flagship::PgProbe->new(<<"EOT");
location /pg { pool_probe "$conninfo" size=3; }
location /none { pool_probe "host=127.0.0.1 port=$nobody"; }
location /hole {
    pool_probe "host=127.0.0.1 port=$hole->{port}" timeout=60000
               queue_timeout=300;
}
location /standby {
    pool_probe "host=127.0.0.1,127.0.0.1 port=$fake{standby}{port},$nobody
                user=x";
}
location /both {
    pool_probe "host=127.0.0.1,127.0.0.1
                port=$fake{standby}{port},@{[$pg->port]} user=postgres
                dbname=flagship" size=2;
}
location /read-only {
    pool_probe "@{[$pg->conninfo(tcp => 1, user => 'reader')]}" size=2;
}
location /endless {
    pool_probe "host=127.0.0.1 port=$fake{endless}{port} user=x"
               query_timeout=300;
}
location /cut {
    pool_probe "host=127.0.0.1 port=$fake{cut}{port} user=x" size=1;
}
EOT

my $t = $p->test;


sub idle {
    my ($at) = @_;

    return wait_for(sub {
        my $is = $p->stat($at);
        return !$is->{busy} && !$is->{waiting} && !$is->{connecting};
    });
}


sub terminate {
    my ($like) = @_;

    $pg->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'flagship pool' AND query LIKE '$like'");
}


subtest 'away' => sub {
    for my $write (0, 1) {
        my $is = $p->call('/none', 'SELECT 1', write => $write, calls => 20);

        is("$is->{away} $is->{early} $is->{retry}", '20 0 1',
            'all calls are told, and when to come again');
        is($p->call('/none', 'SELECT 1', write => $write)->{away}, 1,
            'those after them, too');
    }

    is(scalar $t->lines(qr/Connection refused.*(?:reads|writes) are refused/), 2,
        'it is said once for reads and once for writes');
};


subtest 'one looks for it, the others do not wait' => sub {
    # the first attempt is cut short by ending PostgreSQL's life
    $pg->stop;
    is($p->call('/pg', 'SELECT 1')->{away}, 1, 'away');

    ok(wait_for(sub { $p->call('/pg', 'SELECT 1')->{away} }), 'and away');
    $pg->start;

    ok(wait_for(sub { $p->call('/pg', 'SELECT 1')->{done} }), 'back');
    ok(scalar $t->lines(qr/takes reads again/), 'which is said');

    my $first = $p->calling('/hole', 'SELECT 1');
    ok(wait_for(sub { $p->stat('/hole')->{connecting} }), 'a black hole');
    is($first->answer->{busy}, 1, 'holds nobody longer than the queue may');
};


subtest 'killed before it was sent' => sub {
    $p->call('/pg', 'SELECT 1', write => 1, calls => 3);
    ok(idle('/pg'), 'idle');

    # the worker learns of both at once
    kill 'STOP', $p->worker;
    my $next = $p->calling('/pg', 'SELECT 2', write => 1);
    terminate('%');
    ok(wait_for(sub {
        $pg->sql("SELECT count(*) FROM pg_stat_activity
            WHERE application_name = 'flagship pool'") == 0;
    }), 'all are gone');
    kill 'CONT', $p->worker;

    is($next->answer->{done}, 1, 'the call takes another connection');
};


subtest 'killed after it was sent' => sub {
    for my $write (0, 1) {
        my $sent = $p->calling('/pg', 'SELECT pg_sleep(60)', write => $write);

        ok(wait_for(sub { terminate('%pg_sleep(60)%') =~ /t/ }), 'terminated');

        my $is = $sent->answer;
        is("$is->{unknown} $is->{done} $is->{results}", '1 0 0',
            'the outcome is unknown, and no result came');
    }

    my $unknown = $p->stat('/pg')->{unknown};
    my $sent = $p->calling('/pg', 'SELECT pg_sleep(60)', write => 1);
    ok(wait_for(sub { $p->stat('/pg')->{busy} }), 'sent');
    $pg->kill;
    is($sent->answer->{unknown}, 1, 'the whole server dies');
    is($p->stat('/pg')->{unknown}, $unknown + 1, 'which is counted');
    is($p->call('/pg', 'SELECT 1', write => 1)->{away}, 1, 'the next is told');
    $pg->start;
    ok(wait_for(sub { $p->call('/pg', 'SELECT 1', write => 1)->{done} }), 'back');
};


subtest 'killed while rows come' => sub {
    my $sent = $p->calling('/pg',
        "SELECT repeat('y', 10000) FROM generate_series(1, 100000)", single => 1,
        suspend => 10);

    ok(wait_for(sub { terminate("SELECT repeat(''y''%") =~ /t/ }),
        'terminated');
    ok(wait_for(sub { terminate("SELECT repeat(''y''%") eq '' }), 'gone');
    $p->ask('/pg', op => 'resume');

    my $is = $sent->answer;
    is("$is->{unknown} $is->{done}", '1 0', 'it is said');
    ok($is->{rows} >= 10, 'after some rows');

    $is = $p->call('/cut', 'SELECT 1', single => 1);
    is("$is->{unknown} $is->{rows}", '1 0', 'half a row is none');
    is($p->call('/cut', 'SELECT 1', calls => 3)->{unknown}, 3,
        'again and again');
};


subtest 'rows without end meet the deadline' => sub {
    my $is = $p->call('/endless', 'SELECT 1', single => 1);

    is($is->{unknown}, 1, 'over');
    ok($is->{rows} > 10, 'after some rows');
};


subtest 'frozen' => sub {
    $p->call('/pg', 'SELECT 1', calls => 3);

    my @sent = map { $p->calling('/pg', 'SELECT pg_sleep(60)') } 1 .. 3;
    ok(wait_for(sub { $p->stat('/pg')->{busy} == 3 }), 'all are busy');

    $pg->freeze;
    my $waits = $p->calling('/pg', 'SELECT 1');

    is(join(' ', map { $_->answer->{unknown} } @sent), '1 1 1',
        'our own deadline ends them');
    my $is = $waits->answer;
    is($is->{busy} + $is->{away}, 1, 'and what waited');

    $pg->thaw;
    ok(wait_for(sub { $p->call('/pg', 'SELECT 1')->{done} }), 'thawed');
};


subtest 'writes need a primary' => sub {
    my $is = $p->call('/standby', 'SELECT 1');
    is("$is->{done} $is->{first}", '1 standby', 'a standby reads');

    $is = $p->call('/standby', 'SELECT 1', write => 1);
    is("$is->{away} $is->{results}", '1 0', 'and writes nothing');
    is($p->call('/standby', 'SELECT 1')->{done}, 1, 'reads go on');
    is(scalar $t->lines(qr/it is a standby.*writes are refused/), 1, 'it is said');

    $is = $p->call('/both', 'SELECT 1', write => 1);
    is("$is->{done} $is->{first}", '1 1', 'the next host is a primary');
    $is = $p->call('/both', 'SELECT 1', calls => 20);
    is($is->{done}, 20, 'reads go to either');
};


subtest 'a primary that takes no writes any more' => sub {
    $p->call('/pg', 'SELECT 1', calls => 3, write => 1);
    ok(idle('/pg'), 'three connections to it');

    $pg->sql('CREATE TABLE w (v int)');
    $pg->sql('ALTER SYSTEM SET default_transaction_read_only = on');
    $pg->sql('SELECT pg_reload_conf()');
    ok(wait_for(sub { $pg->sql('SHOW default_transaction_read_only') eq 'on' }),
        'read-only');

    # as after a failover: connections that were there still refuse
    my $is;
    ok(wait_for(sub {
        $is = $p->call('/pg', 'INSERT INTO w VALUES (1)', write => 1);
        return $is->{away};
    }), 'refused');
    is("$is->{results} $is->{unknown}", '0 0', 'without a result, and known');
    is($p->call('/pg', 'SELECT 7')->{first}, 7, 'reads go on');

    $pg->sql('BEGIN READ WRITE; COMMIT');
    $pg->sql('ALTER SYSTEM RESET default_transaction_read_only');
    $pg->sql('SELECT pg_reload_conf()');

    ok(wait_for(sub {
        $p->call('/pg', 'INSERT INTO w VALUES (2)', write => 1)->{done}
    }), 'until it does');
    is($pg->sql('SELECT count(*) FROM w'), 1, 'one row, once');

    # a connection that was a writer and is one no more, while others are
    $p->call('/pg', "SET default_transaction_read_only = on", write => 1,
        calls => 1);
    $is = $p->call('/pg', 'INSERT INTO w VALUES (3)', write => 1);
    is("$is->{done} $is->{away}", '1 0', 'is dropped, and another one found');
    is($pg->sql('SELECT count(*) FROM w WHERE v = 3'), 1, 'for the same call');

    $is = $p->call('/read-only', 'CREATE TABLE x ()', write => 1);
    is("$is->{away} $is->{results}", '1 0', 'one that never did');
    ok(scalar $t->lines(qr/the primary is read-only; writes are refused/),
        'which is said');
};


subtest 'no descriptor is lost' => sub {
    my $q = Flagship::PgProbe->new(<<"EOT");
location /pg { pool_probe "$conninfo" size=3; }
location /none { pool_probe "host=127.0.0.1 port=$nobody"; }
location /cut {
    pool_probe "host=127.0.0.1 port=$fake{cut}{port} user=x" size=1;
}
EOT
    my $fds;

    for my $round (1 .. 3) {
        $q->call('/none', 'SELECT 1', calls => 20);
        $q->call('/cut', 'SELECT 1', calls => 4);

        my @held = map { $q->calling('/pg', 'SELECT pg_sleep(60)') } 1 .. 3;
        ok(wait_for(sub { $q->stat('/pg')->{busy} == 3 }), 'all are busy');
        terminate('%pg_sleep(60)%');
        is(join(' ', map { $_->answer->{unknown} } @held), '1 1 1', 'and told');

        ok(wait_for(sub {
            return !grep { my $is = $q->stat("/$_"); grep { $is->{$_} }
                qw(idle busy connecting waiting) } qw(pg none cut);
        }), 'none is left');

        $fds //= $q->fds;
    }

    ok(wait_for(sub { $q->fds == $fds }), 'as many as before');
};


subtest 'a worker that leaves' => sub {
    for my $how (qw(reload quit)) {
        my $q = Flagship::PgProbe->new(<<"EOT");
location /pg { pool_probe "$conninfo" size=2; }
EOT
        $q->call('/pg', 'SELECT 1', calls => 2);

        my $session = $pg->session;
        $session->sql('SELECT pg_advisory_lock(8)');

        # two are sent, one waits
        my @calls = map {
            $q->calling('/pg', "SELECT pg_advisory_xact_lock(8); SELECT $_",
                write => $_ % 2)
        } 1 .. 3;
        ok(wait_for(sub {
            my $is = $q->stat('/pg');
            return $is->{busy} + $is->{connecting} == 2 && $is->{waiting};
        }), "$how: under way");

        my ($worker) = $q->test->workers;
        kill $how eq 'reload' ? 'HUP' : 'QUIT', $q->test->{pid};
        ok(wait_for(sub { $q->test->log =~ /gracefully shutting down/ }),
            "$how: the worker is to leave");
        $session->close;

        is(join(' ', map { $_->answer->{done} // 'none' } @calls), '1 1 1',
            "$how: all calls are answered");
        ok(wait_for(sub { !kill 0, $worker }), "$how: it leaves");

        $q->test->stop;
        $q->test->check;
    }

    # with a lot that is idle
    my $q = Flagship::PgProbe->new(<<"EOT");
location /pg { pool_probe "$conninfo" size=4; }
EOT
    $q->call('/pg', 'SELECT 1', calls => 4);
    ok($q->test->reload(wait => 1), 'idle connections hold nobody');
    is($q->call('/pg', 'SELECT 1')->{done}, 1, 'the new worker has its own');
};


done_testing;
