# PostgreSQL, the network, the worker and the client go away at every point of
# a write: what was acknowledged is there, what is there is audited, and the
# next write finds a sound pool.

use lib 't/lib';
use Flagship::Api;
use Flagship::PgRelay;

use POSIX ();

my $pg = Flagship::Postgres->new;
my $relay = Flagship::PgRelay->new($pg);
my $api = Flagship::Api->new(pg => $pg, workers => 1, refresh => '1s',
    source => sprintf('"%s" pool=2 listen="%s"', $relay->conninfo,
        $pg->conninfo(tcp => 1)));
my $t = $api->t;

$t->allow(qr/exited on signal 9/);

# of PostgreSQL's answer, in its order
my @points = qw(query sent 1 2 T D C Z);
my $n = 0;


# A write that stops at a point: its key, and a socket with the answer to come

sub begin {
    my ($point) = @_;

    my $key = 'k' . ++$n;

    $relay->stop_at('create_segment', $point);

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $t->port) or die "cannot connect: $!";
    my $body = qq({"key":"$key","when":true});

    $socket->syswrite("POST /segments HTTP/1.0\r\nHost: a\r\n"
        . 'X-API-Key: ' . $api->key('editor@default') . "\r\n"
        . "Content-Type: application/json\r\nContent-Length: "
        . length($body) . "\r\n\r\n$body");

    ok(wait_for(sub { $relay->reached }), "$point: it stands there");

    return ($key, $socket);
}


sub answer {
    my ($socket) = @_;

    local $/;
    my $text = readline($socket) // '';

    return ($text =~ m{^HTTP/1\.\d (\d+)})[0] // 'none', $text;
}


sub there {
    my ($key) = @_;

    return $pg->sql("SELECT count(*) FROM flagship.segments WHERE key = '$key'");
}


# What must hold whatever happened

sub sound {
    my ($what) = @_;

    is($pg->sql(q{SELECT count(*) FROM flagship.segments s
        WHERE NOT EXISTS (SELECT FROM flagship.audit a
            WHERE a.entity_id = s.id::text AND a.action = 'create')}), 0,
        "$what: nothing is there that was not audited");
    is($pg->sql(q{SELECT count(*) FROM flagship.audit a
        WHERE a.entity = 'segment' AND NOT EXISTS (
            SELECT FROM flagship.segments s WHERE s.id::text = a.entity_id)}),
        0, "$what: nothing was audited that is not there");

    # more than the pool has places
    my $ok = 0;

    for my $i (1 .. 5) {
        my $key = 'after' . ++$n;

        wait_for(sub {
            my $r = $api->post('/segments', { key => $key, when => true });
            return $r->status == 201 || $r->status == 409;
        }) and there($key) == 1 and $ok++;
    }

    is($ok, 5, "$what: the next writes are done");
}


sub locks { return $pg->sql('SELECT count(*) FROM pg_locks l
    JOIN pg_stat_activity a USING (pid)
    WHERE a.application_name LIKE \'flagship%\' AND NOT l.granted') }


subtest 'the network is cut' => sub {
    for my $point (@points) {
        my ($key, $socket) = begin($point);

        # what it has got PostgreSQL does
        ok(wait_for(sub { there($key) }), "$point: it was done")
            if $point ne 'query';

        $relay->cut;

        my ($status, $text) = answer($socket);

        is($status, 503, "$point: the client is told");
        like($text, qr/whether this was done is not known/, "$point: what is known");
        like($text, qr/^Retry-After: \d/m, "$point: and when to come again");
        is(there($key), $point eq 'query' ? 0 : 1, "$point: and so it is");
        sound($point);
    }
};


subtest 'PostgreSQL is killed' => sub {
    for my $point (qw(query sent 1 Z)) {
        my ($key, $socket) = begin($point);

        $pg->kill;

        my ($status, $text) = answer($socket);

        is($status, 503, "$point: the client is told");
        like($text, qr/is not known/, "$point: what is known");

        my $r = $api->post('/segments', { key => "down$n", when => true });
        $api->problem_is($r, 503, "$point: the next one");
        like($r->body, qr/nothing was done|is not known/, "$point: and what");
        is($api->get('/evaluate/none?user_id=u', as => 'client')->status, 404,
            "$point: evaluation goes on");

        $pg->start;
        sound($point);
    }
};


subtest 'the worker is killed' => sub {
    for my $point (@points) {
        my ($key, $socket) = begin($point);
        my ($worker) = $t->workers;

        kill 'KILL', $worker;
        ok(wait_for(sub { grep { $_ != $worker } $t->workers }),
            "$point: another takes its place");
        $relay->go;

        is((answer($socket))[0], 'none', "$point: nobody was told anything");
        ok(wait_for(sub {
            $api->get('/segments', as => 'viewer')->status == 200
        }), "$point: the new one answers");
        sound($point);
    }
};


subtest 'the client leaves' => sub {
    my $fds;

    for my $point (@points) {
        my ($key, $socket) = begin($point);

        close $socket;
        ok(wait_for(sub {
            $t->get('/live'); $t->get('/live')->status == 200
        }), "$point: the worker goes on");
        $relay->go;

        ok(wait_for(sub { there($key) }), "$point: what was begun is done");
        sound($point);

        # places that were lost would be missing here
        is(join(' ', map { $_->status } map { $api->post('/segments',
            { key => 'more' . ++$n, when => true }) } 1 .. 3), '201 201 201',
            "$point: both places serve");
        $fds //= fds();
        cmp_ok(fds(), '<=', $fds + 4, "$point: no descriptor is lost");
    }
};


sub fds {
    my ($worker) = $t->workers;
    my @fds = glob "/proc/$worker/fd/*";

    return scalar @fds;
}


# The lock of the revision is another's: nothing has been done yet

subtest 'while it waits for its turn' => sub {
    for my $how (qw(client network worker terminated)) {
        my $session = $pg->session;
        $session->sql('BEGIN; SELECT flagship.take_revision()');

        my ($key, $socket) = begin('sent');

        ok(wait_for(sub { locks() }), "$how: it waits");
        is(there($key), 0, "$how: nothing is done");

        if ($how eq 'client') {
            close $socket;

        } elsif ($how eq 'network') {
            $relay->cut;
            is((answer($socket))[0], 503, "$how: the client is told");

        } elsif ($how eq 'worker') {
            my ($worker) = $t->workers;
            kill 'KILL', $worker;
            wait_for(sub { grep { $_ != $worker } $t->workers });

        } else {
            $pg->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE '%create_segment%' AND pid <> pg_backend_pid()});
            $relay->go;
            is((answer($socket))[0], 503, "$how: the client is told");
        }

        $relay->go;
        $session->sql('ROLLBACK');
        $session->close;

        ok(wait_for(sub { !locks() }), "$how: its turn comes");
        sound($how);
    }
};


# In the queue and before a connection is there, nothing was sent

subtest 'while it waits for a place' => sub {
    my $session = $pg->session;
    $session->sql('BEGIN; SELECT flagship.take_revision()');

    my @busy = map { $api->key('editor@default'); my $s = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $t->port);
        my $body = qq({"key":"queue$_","when":true});
        $s->syswrite("POST /segments HTTP/1.0\r\nHost: a\r\nX-API-Key: "
            . $api->key('editor@default') . "\r\nContent-Type: application/json"
            . "\r\nContent-Length: " . length($body) . "\r\n\r\n$body");
        $s } 1 .. 5;

    ok(wait_for(sub { locks() == 2 }), 'two run, the others wait');

    close $busy[4];
    $pg->kill;

    my @said = map { [ answer($busy[$_]) ] } 0 .. 3;

    is(join(' ', map { $_->[0] } @said), '503 503 503 503', 'all are told');
    is(scalar(grep { $_->[1] =~ /is not known/ } @said), 2, 'two do not know');
    is(scalar(grep { $_->[1] =~ /nothing was done/ } @said), 2, 'two do');

    $pg->start;
    is($pg->sql(q{SELECT count(*) FROM flagship.segments
        WHERE key LIKE 'queue%'}), 0, 'nothing was done');
    sound('in the queue');
};


# Two keys on one place of the pool, one after the other

subtest 'actors are never mixed up' => sub {
    my @who = ('editor@default', 'admin@default', 'editor@acme', 'admin@acme');
    my %want;

    for my $round (1 .. 40) {
        my $who = $who[$round % @who];
        my $r = $api->post('/segments', { key => "actor$round", when => true },
            as => $who);
        is($r->status, 201, "$round: written") or diag $r->body;
        $want{ $r->json->{id} } = $api->actor($who);

        # what fails must leave nothing behind either
        $api->post('/segments', { key => "actor$round", when => true },
            as => $who[($round + 1) % @who]) if $round % 3 == 0;
    }

    # and all at once, over two places
    my @clients = map { my $n = $_; my $pid = fork // die; if (!$pid) {
        my $ok = 0;
        for my $i (1 .. 25) {
            my $r = $api->post('/segments', { key => "actor-$n-$i", when => true,
                name => $api->actor($who[$n]) }, as => $who[$n]);
            $ok++ if $r->status == 201;
        }
        POSIX::_exit($ok == 25 ? 0 : 1);
    } $pid } 0 .. 3;

    is(join(' ', map { waitpid $_, 0; $? } @clients), '0 0 0 0', 'at once');
    is($pg->sql(q{SELECT count(*) FROM flagship.audit a JOIN flagship.segments s
        ON s.id::text = a.entity_id WHERE a.entity_key LIKE 'actor-%'
        AND a.actor = s.name}), 100, 'each by who wrote it');

    my %is = map { @$_ } $pg->rows(q{SELECT entity_id, actor FROM flagship.audit
        WHERE entity = 'segment' AND entity_key SIMILAR TO 'actor[0-9]+'});

    is($is{$_}, $want{$_}, "by $want{$_}") for keys %want;

    # what a human does in between is his own
    $pg->sql(q{INSERT INTO flagship.segments (key, "when") VALUES ('byhand', 'true')});
    is($pg->sql(q{SELECT actor FROM flagship.audit ORDER BY id DESC LIMIT 1}),
        'postgres', 'by hand');
};


done_testing;
