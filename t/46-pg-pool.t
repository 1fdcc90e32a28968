# The pool of connections: its bounds, its queue, and what it lets through.

use lib 't/lib';
use Flagship::Test;
use Flagship::PgProbe;
use Flagship::Postgres;

my $pg = Flagship::Postgres->new(deploy => 0, conf => { max_connections => 12 });
my $conninfo = $pg->conninfo(tcp => 1);

# one who gets none of the connections that are kept for superusers
$pg->sql('CREATE ROLE app LOGIN');
my $app = $pg->conninfo(tcp => 1, user => 'app');

my $p = Flagship::PgProbe->new(<<"EOT");
location /one {
    pool_probe "$conninfo" size=1 queue=3 query_timeout=60000
               queue_timeout=60000;
}
location /four { pool_probe "$conninfo" size=4 queue=2000; }
location /hasty { pool_probe "$conninfo" size=1 queue_timeout=200; }
location /short { pool_probe "$conninfo" size=2 query_timeout=300; }
location /brief { pool_probe "$conninfo" size=3 idle_timeout=2000; }
location /many { pool_probe "$app" size=20 queue=2000; }
EOT

my $t = $p->test;


sub backends {
    return $pg->sql("SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'flagship pool'");
}


sub idle {
    my ($at) = @_;

    return wait_for(sub {
        my $is = $p->stat($at);
        return !$is->{busy} && !$is->{waiting} && !$is->{connecting};
    });
}


# A call that takes as long as the test likes

sub held {
    my ($at, $sql, %o) = @_;

    my $session = $pg->session;

    $session->sql('SELECT pg_advisory_lock(7)');
    my $call = $p->calling($at, "SELECT pg_advisory_xact_lock(7); $sql", %o);
    ok(wait_for(sub { $p->stat($at)->{busy} }), "under way: $sql");

    return ($call, $session);
}


subtest 'calls' => sub {
    is(join(',', %{ $p->stat('/one') }{qw(idle)}), 'idle,0',
        'nothing is connected before the first');

    my $is = $p->call('/one', 'SELECT $1::int + 1', params => [ 41 ]);
    is("$is->{done} $is->{first} $is->{early}", '1 42 0', 'a read');

    $is = $p->call('/one', 'SELECT nothing FROM nowhere');
    is("$is->{done} $is->{state}", '1 42P01', 'an error of the server is an answer');

    $p->call('/one', 'CREATE TABLE w (v int)', write => 1);
    $is = $p->call('/one', 'INSERT INTO w SELECT $1::int RETURNING v',
        params => [ 7 ], write => 1);
    is("$is->{done} $is->{first}", '1 7', 'a write');
    is($pg->sql('SELECT v FROM w'), 7, 'is done');

    is($p->stat('/one')->{idle}, 1, 'over one connection: one for writes'
        . ' took the place of one for reads');

    $is = $p->call('/one', "SELECT repeat('x', 2000) FROM generate_series(1, 3000)",
        single => 1);
    is("$is->{done} $is->{rows} $is->{bytes}", '1 3000 6000000', 'row by row');

    is($p->call('/one', 'SELECT 1; SELECT 2')->{rows}, 2, 'two statements');
};


subtest 'a thousand calls over four connections' => sub {
    my $is = $p->call('/four', 'SELECT $1::int', params => [ 3 ], calls => 1000);

    is("$is->{done} $is->{rows} $is->{early}", '1000 1000 0', 'all are answered');
    # the last of them may come too late to be given a call
    ok(wait_for(sub { $p->stat('/four')->{idle} == 4 }), 'over four');
    is(backends(), 5, 'as the server counts them');

    $is = $p->call('/four', 'INSERT INTO w VALUES (1)', write => 1, calls => 200);
    is($is->{done}, 200, 'and writes');
    is($pg->sql('SELECT count(*) FROM w WHERE v = 1'), 200, 'each once');
    cmp_ok($p->stat('/four')->{idle}, '<=', 4, 'over no more');
};


subtest 'the queue has a bound' => sub {
    my ($slow, $hold) = held('/one', 'SELECT 1');
    my @calling = map { $p->calling('/one', "SELECT $_") } 1 .. 3;

    ok(wait_for(sub { $p->stat('/one')->{waiting} == 3 }), 'three wait');

    my $is = $p->call('/one', 'SELECT 5');
    is("$is->{busy} $is->{retry} $is->{early}", '1 1 0', 'a fourth is refused');

    $hold->close;

    is(join(' ', map { $_->answer->{done} } $slow, @calling), '1 1 1 1',
        'those before it are answered');
    is($p->stat('/one')->{refused}, 1, 'and it is counted');
};


subtest 'and a deadline' => sub {
    my $slow = $p->calling('/hasty', 'SELECT pg_sleep(60)');
    ok(wait_for(sub { $p->stat('/hasty')->{busy} == 1 }), 'one is busy');

    my $is = $p->call('/hasty', 'SELECT 1', calls => 3);
    is("$is->{busy} $is->{done}", '3 0', 'those that wait are told');

    # the server is asked in another connection to end it
    $pg->sql("SELECT pg_cancel_backend(pid) FROM pg_stat_activity
        WHERE query LIKE 'SELECT pg_sleep(60)%'");
    is($slow->answer->{state}, '57014', 'what was under way goes on');
    is($p->call('/hasty', 'SELECT 1')->{done}, 1, 'and then there is room');
};


subtest 'the order of calls' => sub {
    my ($slow, $hold) = held('/one', 'SELECT 1');
    my @later;

    for my $n (1 .. 3) {
        push @later, $p->calling('/one',
            "INSERT INTO w VALUES (100 + $n) RETURNING (SELECT count(*) FROM w
                WHERE v > 100)", write => 1);
        ok(wait_for(sub { $p->stat('/one')->{waiting} == $n }), "$n wait");
    }

    $hold->close;

    is(join(' ', map { $_->answer->{first} } @later), '0 1 2', 'first in, first out');
};


subtest 'the server ends a statement first' => sub {
    my $is = $p->call('/short', 'SELECT pg_sleep(60)');

    is("$is->{done} $is->{state}", '1 57014', 'a known outcome');
    is($p->stat('/short')->{idle}, 1, 'and the connection lives on');
};


subtest 'idle connections are closed' => sub {
    my $before = backends();

    $p->call('/brief', 'SELECT pg_sleep(0.05)', calls => 3);
    is($p->stat('/brief')->{idle}, 3, 'three are kept');
    ok(wait_for(sub { $p->stat('/brief')->{idle} == 0 }), 'for a while');
    ok(wait_for(sub { backends() == $before }), 'the server sees them leave');
    is($p->call('/brief', 'SELECT 1')->{done}, 1, 'the next call makes another');
};


subtest 'nothing is left of one who was there before' => sub {
    idle('/one');

    my $pid = sub { $p->call('/one', 'SELECT pg_backend_pid()', @_)->{first} };
    my $first = $pid->();

    is($p->call('/one', 'BEGIN')->{done}, 1, 'a transaction left open');
    isnt($pid->(), $first, 'is not another one\'s: the connection is closed');

    $first = $pid->();
    $p->call('/one', 'BEGIN; SELECT nothing FROM nowhere');
    isnt($pid->(), $first, 'nor is a failed one');

    $first = $pid->();
    $p->call('/one', "SELECT set_config('flagship.actor', 'me', true)");
    my $is = $p->call('/one', "SELECT current_setting('flagship.actor', true)");
    is($is->{first}, '', 'a setting of a transaction ends with it');
    is($pid->(), $first, 'on the same connection');
};


subtest 'more than the server grants' => sub {
    idle('/four');

    my $is = $p->call('/many', 'SELECT pg_sleep(0.01)', calls => 300);

    is($is->{done}, 300, 'all are answered over those that it does');
    my @said = $t->lines(qr/share the connections that are there/);
    cmp_ok(scalar @said, '<', 4, 'which is said, and not for each');
    like($said[0], qr/\[warn\].*too many clients|\[warn\].*remaining connection slots/,
        'with the cause');
};


subtest 'back-pressure' => sub {
    idle('/one');

    my $slow = $p->calling('/one',
        "SELECT repeat('x', 10000) FROM generate_series(1, 3000)", single => 1,
        suspend => 10);

    ok(wait_for(sub {
        $pg->sql("SELECT wait_event FROM pg_stat_activity
            WHERE query LIKE 'SELECT repeat(''x'', 10000)%'
              AND application_name = 'flagship pool'") eq 'ClientWrite';
    }), 'the server waits');

    $p->ask('/one', op => 'resume');

    my $is = $slow->answer;
    is("$is->{done} $is->{rows}", '1 3000', 'and goes on');
    is($p->call('/one', 'SELECT 1')->{done}, 1, 'the connection is fit for more');
};


subtest 'a client that goes away frees its place' => sub {
    # before it was sent
    $p->call('/one', 'BEGIN');     # so that the next connection is for reads
    my ($slow, $hold) = held('/one', 'SELECT 1');

    my $gone = $p->calling('/one', 'INSERT INTO w VALUES (999)', write => 1);
    ok(wait_for(sub { $p->stat('/one')->{waiting} == 1 }), 'another waits');
    $gone->close;
    ok(wait_for(sub { $p->stat('/one')->{waiting} == 0 }), 'and goes');
    $hold->close;
    is($slow->answer->{done}, 1, 'the first is answered');
    is($pg->sql('SELECT count(*) FROM w WHERE v = 999'), 0, 'the other never ran');

    # while it runs: the result is dropped
    ($gone, $hold) = held('/one', 'INSERT INTO w VALUES (998)', write => 1);
    $gone->close;
    $hold->close;
    ok(idle('/one'), 'its end is awaited');
    is($pg->sql('SELECT count(*) FROM w WHERE v = 998'), 1, 'it was done');
    is($p->call('/one', 'SELECT 17')->{first}, 17, 'the next gets its own answer');

    # between rows
    $gone = $p->calling('/one', 'SELECT generate_series(1, 1000000)',
        single => 1, suspend => 5);
    ok(wait_for(sub { $p->stat('/one')->{busy} == 1 }), 'rows come');
    $gone->close;
    ok(wait_for(sub { $p->stat('/one')->{busy} == 0 }), 'its connection is closed');
    is($p->call('/one', 'SELECT 18')->{first}, 18, 'the next gets its own answer');

    # by itself, in its own handler
    for my $single (0, 1) {
        $p->calling('/one', 'SELECT 1; SELECT 2; SELECT 3', cancel => 2,
            single => $single)->answer;
        ok(idle('/one'), 'in a handler');
        is($p->call('/one', 'SELECT 19')->{first}, 19, 'the next gets its own');
    }

    # connecting
    my $hundred = $p->calling('/four', 'SELECT pg_sleep(0.01)', calls => 100);
    ok(wait_for(sub { $p->stat('/four')->{waiting} > 0 }), 'a hundred wait');
    $hundred->close;
    ok(wait_for(sub { $p->stat('/four')->{waiting} == 0 }), 'and go at once');
    ok(idle('/four'), 'nothing is left of them');
};


subtest 'no descriptor is lost' => sub {
    my $fds;

    for my $round (1 .. 4) {
        $p->call('/brief', 'SELECT 1', calls => 30);
        $p->calling('/brief', 'SELECT generate_series(1, 100000)', single => 1,
            suspend => 5)->close for 1 .. 5;
        $p->call('/brief', 'BEGIN', calls => 5);

        ok(wait_for(sub {
            my $is = $p->stat('/brief');
            return !grep { $is->{$_} } qw(idle busy connecting waiting);
        }), "round $round ends");

        $fds //= $p->fds;
    }

    ok(wait_for(sub { $p->fds == $fds }), 'as many as before');
};


done_testing;
