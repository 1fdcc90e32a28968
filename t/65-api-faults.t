# PostgreSQL, the network, the worker and the client go away at every point of
# a write: what was acknowledged is there, what is there is audited, and the
# next write finds a sound pool.

use lib 't/lib';
use Flagship::Api;
use Flagship::PgRelay;
use Flagship::Process qw(at_once);
use Flagship::Writes;

my $pg = Flagship::Postgres->new;
my $relay = Flagship::PgRelay->new($pg);
my $api = Flagship::Api->new(pg => $pg, workers => 1, refresh => '1s',
    source => sprintf('"%s" pool=2 listen="%s"', $relay->conninfo,
        $pg->conninfo(tcp => 1)));
my $t = $api->t;
my $w = Flagship::Writes->new($api);

$t->allow(qr/exited on signal 9/);

# of PostgreSQL's answer, in its order
my @points = qw(query sent 1 2 T D C Z);


# A write that stops at a point

sub begin {
    my ($point) = @_;

    $relay->stop_at('create_segment', $point);

    my @begun = $w->begin;

    ok(wait_for(sub { $relay->reached }), "$point: it stands there");

    return @begun;
}


subtest 'the network is cut' => sub {
    for my $point (@points) {
        my ($key, $socket) = begin($point);

        # what it has got PostgreSQL does
        ok(wait_for(sub { $w->there($key) }), "$point: it was done")
            if $point ne 'query';

        $relay->cut;

        my ($status, $text) = $w->answer($socket);

        is($status, 503, "$point: the client is told");
        like($text, qr/whether this was done is not known/, "$point: what is known");
        like($text, qr/^Retry-After: \d/m, "$point: and when to come again");
        is($w->there($key), $point eq 'query' ? 0 : 1, "$point: and so it is");
        $w->sound($point);
    }
};


subtest 'PostgreSQL is killed' => sub {
    for my $point (qw(query sent 1 Z)) {
        my ($key, $socket) = begin($point);

        $pg->kill;

        my ($status, $text) = $w->answer($socket);

        is($status, 503, "$point: the client is told");
        like($text, qr/is not known/, "$point: what is known");

        my $r = $api->post('/segments', { key => $w->key, when => true });
        $api->problem_is($r, 503, "$point: the next one");
        like($r->body, qr/nothing was done|is not known/, "$point: and what");
        is($api->get('/evaluate/none?user_id=u', as => 'client')->status, 404,
            "$point: evaluation goes on");

        $pg->start;
        $w->sound($point);
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

        is(($w->answer($socket))[0], 'none', "$point: nobody was told anything");
        ok(wait_for(sub {
            $api->get('/segments', as => 'viewer')->status == 200
        }), "$point: the new one answers");
        $w->sound($point);
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

        ok(wait_for(sub { $w->there($key) }), "$point: what was begun is done");
        $w->sound($point);

        # places that were lost would be missing here
        is(join(' ', map { $_->status } map { $api->post('/segments',
            { key => $w->key, when => true }) } 1 .. 3), '201 201 201',
            "$point: both places serve");
        $fds //= $w->fds;
        cmp_ok($w->fds, '<=', $fds + 4, "$point: no descriptor is lost");
    }
};


# The lock of the revision is another's: nothing has been done yet

subtest 'while it waits for its turn' => sub {
    for my $how (qw(client network worker terminated)) {
        my $session = $pg->session;
        $session->sql('BEGIN; SELECT flagship.take_revision()');

        my ($key, $socket) = begin('sent');

        ok(wait_for(sub { $w->locks }), "$how: it waits");
        is($w->there($key), 0, "$how: nothing is done");

        if ($how eq 'client') {
            close $socket;

        } elsif ($how eq 'network') {
            $relay->cut;
            is(($w->answer($socket))[0], 503, "$how: the client is told");

        } elsif ($how eq 'worker') {
            my ($worker) = $t->workers;
            kill 'KILL', $worker;
            wait_for(sub { grep { $_ != $worker } $t->workers });

        } else {
            $pg->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE query LIKE '%create_segment%' AND pid <> pg_backend_pid()});
            $relay->go;
            is(($w->answer($socket))[0], 503, "$how: the client is told");
        }

        $relay->go;
        $session->sql('ROLLBACK');
        $session->close;

        ok(wait_for(sub { !$w->locks }), "$how: its turn comes");
        $w->sound($how);
    }
};


# In the queue and before a connection is there, nothing was sent

subtest 'while it waits for a place' => sub {
    my $session = $pg->session;
    $session->sql('BEGIN; SELECT flagship.take_revision()');

    my @busy = map { [ $w->begin ] } 1 .. 5;

    ok(wait_for(sub { $w->locks == 2 }), 'two run, the others wait');

    close $busy[4][1];
    $pg->kill;

    my @said = map { [ $w->answer($busy[$_][1]) ] } 0 .. 3;

    is(join(' ', map { $_->[0] } @said), '503 503 503 503', 'all are told');
    is(scalar(grep { $_->[1] =~ /is not known/ } @said), 2, 'two do not know');
    is(scalar(grep { $_->[1] =~ /nothing was done/ } @said), 2, 'two do');

    $pg->start;
    is(join(' ', map { $w->there($_->[0]) } @busy), '0 0 0 0 0',
        'nothing was done');
    $w->sound('in the queue');
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
    my @said = at_once(4, sub {
        my ($n) = @_;
        my $as = $who[$n - 1];

        return join '', map { $api->post('/segments',
            { key => "actor-$n-$_", when => true, name => $api->actor($as) },
            as => $as)->status . "\n" } 1 .. 25;
    });

    is(join('', @said), "201\n" x 100, 'at once');
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
