# The client, the worker and PostgreSQL go away wherever a write waits that is
# not with PostgreSQL: for its body, for a connection, for a place in the pool,
# for this node to serve it, and for the client to take the answer.

use lib 't/lib';
use Flagship::Api;
use Flagship::PgRelay;
use Flagship::Writes;

use Time::HiRes qw(time);

my $pg = Flagship::Postgres->new;
my $relay = Flagship::PgRelay->new($pg);

# %%PORT1%% waits until what was written is served, and has short buffers
my $api = Flagship::Api->new(pg => $pg, workers => 1, refresh => '1s',
    wait => '50ms', source => sprintf('"%s" pool=2', $relay->conninfo),
    http => <<'EOT');
server {
    listen 127.0.0.1:%%PORT1%% sndbuf=8k;
    location / { flagship_api; flagship_write_wait 60s; }
    location = /metrics { flagship_metrics; }
}
EOT
my $t = $api->t;
my $w = Flagship::Writes->new($api);
my @who = ('the client', 'the worker', 'PostgreSQL');

$t->allow(qr/exited on signal 9/);


# One of the three leaves; of the worker there is a next one at the end

sub gone {
    my ($who, $socket) = @_;

    if ($who eq 'the client') {
        my $fds = $w->fds;
        close $socket;
        ok(wait_for(sub { $w->fds < $fds }), "$who: its connection is closed");

    } elsif ($who eq 'the worker') {
        my ($worker) = $t->workers;
        kill 'KILL', $worker;
        ok(wait_for(sub { grep { $_ != $worker } $t->workers }),
            "$who: another takes its place");

    } else {
        $pg->kill;
    }
}


sub served {
    return $t->get('/health')->json->{revision}
        == $pg->sql('SELECT revision FROM flagship.revision');
}


sub metric {
    my ($name) = @_;

    my $text = $t->http('GET', '/metrics', port => $t->port(1))->body;

    return ($text =~ /^\Q$name\E ([\d.]+)$/m)[0];
}


subtest 'for its body' => sub {
    for my $who (@who) {
        my ($key, $socket) = $w->begin(half => 1);

        # which nginx has accepted before the next one
        is($t->get('/live')->status, 200, "$who: others are answered");
        gone($who, $socket);

        if ($who eq 'PostgreSQL') {
            $w->finish($socket);

            my ($status, $text) = $w->answer($socket);
            is($status, 503, "$who: the client is told");
            like($text, qr/nothing was done|is not known/, "$who: what is known");
            $pg->start;

        } elsif ($who eq 'the worker') {
            is(($w->answer($socket))[0], 'none', "$who: nobody is told");
        }

        is($w->there($key), 0, "$who: nothing was done");
        $w->sound($who);
    }
};


# Of its startup packet PostgreSQL has nothing, and of the answer we have all
# but the end

subtest 'for a connection' => sub {
    for my $case ((map { [ $_, 'query' ] } @who), [ 'PostgreSQL', 'Z' ]) {
        my ($who, $point) = @$case;
        my $name = "$who, $point";

        # a worker that has none
        ok($t->reload(wait => 1), "$name: begins anew");
        $relay->stop_at('flagship api', $point);

        my ($key, $socket) = $w->begin;

        ok(wait_for(sub { $relay->reached }), "$name: it stands there");
        gone($who, $socket);
        $relay->go;

        if ($who eq 'PostgreSQL') {
            my ($status, $text) = $w->answer($socket);
            is($status, 503, "$name: the client is told");
            like($text, qr/nothing was done/, "$name: that nothing was done");
            $pg->start;
        }

        $w->sound($name);
        is($w->there($key), 0, "$name: nothing was done");
    }
};


# Two have the places, a third one waits

subtest 'for a place' => sub {
    for my $who (@who) {
        my $session = $pg->session;
        my $began = time;

        $session->sql('BEGIN; SELECT flagship.take_revision()');

        my @busy = map { [ $w->begin ] } 1 .. 2;
        ok(wait_for(sub { $w->locks == 2 }), "$who: two have the places");

        my ($key, $socket) = $w->begin;
        ok(wait_for(sub { metric('flagship_db_waiting') }),
            "$who: the third one waits");

        gone($who, $socket);

        # for longer than that neither of the others waits
        my $soon = time - $began < 4;

        if ($who eq 'PostgreSQL') {
            my ($status, $text) = $w->answer($socket);
            is($status, 503, "$who: the client is told");
            like($text, qr/nothing was done/, "$who: that nothing was done")
                if $soon;
            $pg->start;

        } else {
            $session->sql('ROLLBACK');
        }

        $session->close;
        ok(wait_for(sub { !$w->locks }), "$who: the places are free");
        $w->sound($who);
        is($w->there($key), 0, "$who: nothing was done") if $soon;
    }
};


# What the leader reads is held up: the change is there, and not served

sub unserved {
    my ($name, %o) = @_;

    ok(wait_for(\&served), "$name: all is served");
    $relay->stop_at('flagship.delta', 'sent');

    my ($key, $socket) = $w->begin(%o);

    ok(wait_for(sub { $relay->reached && $w->there($key) && !served() }),
        "$name: it is written, not served");

    return ($key, $socket);
}


subtest 'to be served' => sub {
    for my $who (@who) {
        my ($key, $socket) = unserved($who, port => $t->port(1));

        ok(!IO::Select->new($socket)->can_read(0), "$who: nobody is told yet");
        gone($who, $socket);
        $relay->go;

        if ($who eq 'PostgreSQL') {
            $pg->start;

            my ($status, $text) = $w->answer($socket);
            is($status, 201, "$who: the client is told when it is");
            unlike($text, qr/^Flagship-Applied/m, "$who: without reserve");
            ok(served(), "$who: it is");

        } else {
            ok(wait_for(\&served), "$who: it will be");
        }

        is($w->there($key), 1, "$who: it is there");
        $w->sound($who);
    }

    my ($key, $socket) = unserved('nobody leaves');
    my ($status, $text) = $w->answer($socket);

    is($status, 201, 'who does not wait for long is told');
    like($text, qr/^Flagship-Applied: pending\r$/m, 'that it is not served yet');

    my ($revision) = $text =~ /^Flagship-Revision: (\d+)\r$/m;

    cmp_ok($t->get('/health')->json->{revision}, '<', $revision, 'which is so');
    $relay->go;
    ok(wait_for(sub { $t->get('/health')->json->{revision} >= $revision }),
        'until it is');
};


subtest 'for the client to take the answer' => sub {
    my $ids = join ',', map { qq("user-$_-of-a-long-list") } 1 .. 20_000;
    my $when = qq({"in":[{"var":"user_id"},[$ids]]});

    for my $who (@who) {
        my ($key, $socket) = $w->begin(when => $when, port => $t->port(1),
            rcvbuf => 4096);

        ok(wait_for(sub { IO::Select->new($socket)->can_read(0) }),
            "$who: the answer begins");
        is($w->there($key), 1, "$who: it is written");
        gone($who, $socket);

        my ($status, $text) = $who eq 'the client' ? () : $w->answer($socket);

        if ($who eq 'the worker') {
            unlike($text, qr/\}\z/, "$who: the answer breaks off");

        } elsif ($who eq 'PostgreSQL') {
            is($status, 201, "$who: the client gets its answer");
            like($text, qr/"key":"$key".*\Q$ids\E.*\}\z/s, "$who: all of it");
            $pg->start;
        }

        is($w->there($key), 1, "$who: it stays");
        $w->sound($who);
    }
};


subtest 'what the pool does is in the metrics' => sub {
    my $session = $pg->session;

    ok(wait_for(sub { metric('flagship_db_connections{state="idle"}') }),
        'connections that rest');
    is(metric('flagship_db_connections{state="busy"}'), 0, 'while nobody works');

    my $refused = metric('flagship_db_refused_total');
    my $unknown = metric('flagship_db_unknown_total');

    $session->sql('BEGIN; SELECT flagship.take_revision()');

    my @begun = map { [ $w->begin ] } 1 .. 5;

    ok(wait_for(sub {
        metric('flagship_db_connections{state="busy"}') == 2
            && metric('flagship_db_connections{state="idle"}') == 0
            && metric('flagship_db_waiting') == 3
    }), 'two work, three wait');

    $pg->kill;
    $w->answer($_->[1]) for @begun;

    ok(wait_for(sub { metric('flagship_db_unknown_total') == $unknown + 2
        && metric('flagship_db_refused_total') == $refused + 3 }),
        'what became of them');
    is(metric('flagship_db_waiting'), 0, 'nobody waits');
    ok(wait_for(sub { metric('flagship_db_connections{state="busy"}') == 0 }),
        'nobody works');

    $pg->start;
    $w->sound('after that');
};


done_testing;
