# Queries, results, notifications and notices on one connection.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres;
use Flagship::PgProbe;
use Flagship::Postgres;

my $pg = Flagship::Postgres->new(deploy => 0);
my ($folder, $tcp) = ($pg->conninfo, $pg->conninfo(tcp => 1));

my %fake = map { $_ => Flagship::FakePostgres->new($_) } qw(drip cut);

my $p = Flagship::PgProbe->new(<<"EOT",
location /unix { pg_probe "$folder" query_timeout=20000; }
location /tcp { pg_probe "$tcp" query_timeout=20000; }
location /localhost {
    pg_probe "host=localhost port=@{[$pg->port]} user=postgres dbname=flagship";
}
location /options {
    pg_probe "$tcp options='-c work_mem=1MB -c statement_timeout=7000'";
}
location /short { pg_probe "$tcp" query_timeout=300; }
location /drip { pg_probe "host=127.0.0.1 port=$fake{drip}{port}" writable; }
location /cut { pg_probe "host=127.0.0.1 port=$fake{cut}{port}" writable; }
EOT
    # what libpq would obey
    main => join ' ', map { "env $_;" } 'TZ=UTC', 'PGHOSTADDR=192.0.2.1',
        'PGOPTIONS=--bogus', 'PGSSLMODE=bogus', 'PGAPPNAME=bogus',
        'PGTZ=Asia/Tokyo', 'PGTARGETSESSIONATTRS=bogus', 'PGSERVICE=bogus');

my $t = $p->test;


for my $at ('/unix', '/tcp', '/localhost') {

    subtest "a connection by $at" => sub {
        my $is = $p->open($at);

        is($is->{ready}, 1, 'ready') or diag $is->{error};
        is($is->{idle}, 1, 'and idle');
        like($is->{peer}, $at eq '/unix' ? qr{\A/.*/socket:\d+\z}
            : $at eq '/tcp' ? qr/\A127\.0\.0\.1:\d+\z/
            : qr/\Alocalhost:\d+\z/, 'its peer');

        $is = $p->query($at, 'SELECT generate_series(1, 3)');
        is("$is->{rows} $is->{first} $is->{results} $is->{done}", '3 1 1 1',
            'rows in one result, then the end');

        $is = $p->query($at, 'SELECT generate_series(1, 3)', single => 1);
        is("$is->{rows} $is->{results} $is->{done}", '3 5 2',
            'row by row: three, and the empty end');

        $is = $p->query($at, 'SELECT $1::int + 1, $2', params => [ 41, 'x' ]);
        is($is->{first}, 42, 'parameters');

        $is = $p->query($at, 'SELECT $2::text, $1', params => [ 'x', undef ]);
        is($is->{first}, '(null)', 'one of them null');

        $is = $p->query($at, 'SELECT 1; SELECT 2; SELECT 3');
        is("$is->{rows} $is->{done}", '3 5', 'three statements in one');

        $is = $p->query($at, 'SELECT nothing FROM nowhere');
        like($is->{error}, qr/relation "nowhere" does not exist/,
            'an error of the server is a result');
        is($is->{idle}, 1, 'and the connection lives on');

        # 16 KB a read: both ways of a result that comes in many
        my $big = "SELECT repeat('x', 2000) FROM generate_series(1, 3000)";

        is($p->query($at, $big)->{bytes}, 6_000_000, '6 MB at once');
        is($p->query($at, $big, single => 1)->{bytes}, 6_000_000,
            '6 MB row by row');

        # more than the socket takes at once
        $is = $p->query($at, 'SELECT $1', pad => 9_000_000);
        is($is->{bytes}, 9_000_000, '9 MB there and back');

        is($p->close->{open}, 0, 'closed');
    };
}


subtest 'nothing of the environment' => sub {
    is($p->open('/tcp')->{ready}, 1, 'connected where the conninfo says');

    is($p->query('/tcp', 'SHOW application_name')->{first}, 'flagship probe',
        'with our name');
    is($p->query('/tcp', 'SHOW client_encoding')->{first}, 'UTF8',
        'in UTF-8');
    is($p->query('/tcp', 'SHOW timezone')->{first}, 'UTC',
        'in the server\'s time zone');

    $p->close;
};


subtest 'one query at a time' => sub {
    $p->open('/tcp');

    is($p->query('/tcp', 'SELECT pg_sleep(60)', wait => 0)->{idle}, 0,
        'one is under way');
    is($p->query('/tcp', 'SELECT 1')->{status}, 409, 'another is refused');

    $p->close;

    $p->open('/tcp');
    $p->query('/tcp', 'BEGIN');
    is($p->state->{idle}, 0, 'an open transaction is not fit for a pool');
    $p->query('/tcp', 'ROLLBACK');
    is($p->state->{idle}, 1, 'a closed one is');
    $p->close;

    is($p->query('/tcp', 'SELECT 1')->{status}, 409, 'none on a closed one');
};


subtest 'a query has a deadline' => sub {
    $p->open('/short');

    my $is = $p->query('/short', 'SELECT pg_sleep(60)');

    like($is->{error}, qr/\A127\.0\.0\.1:\d+: no answer to a query within 300 ms\z/,
        'it is over, and says why');
    is("$is->{open} $is->{errors} $is->{done}", '0 1 0',
        'the connection too; no end was reported');
};


subtest 'the server gives up too' => sub {
    my $waits = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' "
        . "AND query LIKE '%60 + 0%' AND pid <> pg_backend_pid()";

    $p->open('/short');
    $p->query('/short', 'SELECT pg_sleep(60 + 0)');

    ok(wait_for(sub { $pg->sql($waits) == 0 }), 'what we have given up');

    $p->open('/tcp');
    is($p->query('/tcp', 'SHOW statement_timeout')->{first}, '21s',
        'by a limit beyond ours');

    $p->open('/options');
    is($p->query('/options', 'SHOW statement_timeout')->{first}, '7s',
        'or that of the conninfo');
    is($p->query('/options', 'SHOW work_mem')->{first}, '1MB',
        'whose options are all kept');
    $p->close;
};


subtest 'COPY is not spoken' => sub {
    $p->open('/tcp');
    like($p->query('/tcp', 'COPY (SELECT 1) TO STDOUT')->{error},
        qr/COPY is not supported/, 'out');

    $p->open('/tcp');
    $p->query('/tcp', 'CREATE TABLE IF NOT EXISTS c (v int)');
    like($p->query('/tcp', 'COPY c FROM STDIN')->{error},
        qr/COPY is not supported/, 'in');
};


subtest 'notifications' => sub {
    $p->open('/tcp');
    $p->query('/tcp', 'LISTEN flagship');

    $pg->notify('flagship', 7);

    ok(wait_for(sub { $p->state->{notified} == 1 }), 'one comes while idle');
    is($p->state->{payload}, 7, 'with its payload');

    $pg->sql("SELECT pg_notify('flagship', 'n' || n)
        FROM generate_series(1, 1000) n");

    ok(wait_for(sub { $p->state->{notified} == 1001 }),
        'a thousand come at once');
    is($p->query('/tcp', 'SELECT 1')->{first}, 1, 'and a query after them');

    $p->close;
};


subtest 'notices go to the log, and not without end' => sub {
    $p->open('/tcp');

    $p->query('/tcp', 'DO $$ BEGIN FOR i IN 1 .. 1000 LOOP '
        . "RAISE NOTICE E'number %\\nand more %', i, repeat('x', 5000); "
        . 'END LOOP; END $$');

    my @lines = $t->lines(qr/NOTICE: number \d+ and more x+/);

    is(scalar @lines, 16, 'sixteen of a query');
    like($lines[0], qr/\[info\].*flagship: 127\.0\.0\.1:\d+: NOTICE: number 1 /,
        'as information');
    ok(length $lines[0] < 800, 'cut');
    like($lines[-1], qr/more are not logged/, 'the last one says so');

    $p->query('/tcp', 'DO $$ BEGIN RAISE WARNING $a$second$a$; END $$');
    is(scalar $t->lines(qr/WARNING: second/), 1, 'the next query has its own');

    $p->close;
};


subtest 'a handler may close the connection' => sub {
    my $is = $p->open('/tcp', close => 'ready');
    is("$is->{ready} $is->{open}", '1 0', 'on_ready');

    $p->open('/tcp', close => 'row');
    $is = $p->query('/tcp', 'SELECT generate_series(1, 9)', single => 1);
    is("$is->{rows} $is->{done} $is->{open}", '1 0 0', 'on_result, at a row');

    $p->open('/tcp', close => 'done');
    $is = $p->query('/tcp', 'SELECT 1');
    is("$is->{rows} $is->{done} $is->{open}", '1 1 0', 'on_result, at the end');

    $p->open('/tcp', close => 'notify');
    $p->query('/tcp', 'LISTEN flagship');
    $pg->sql("SELECT pg_notify('flagship', 'n' || n)
        FROM generate_series(1, 100) n");
    ok(wait_for(sub { !$p->state->{open} }), 'on_notify');
    is($p->state->{notified}, 1, 'and hears no more');
};


subtest 'strange senders' => sub {
    my $is = $p->open('/drip');
    is($is->{ready}, 1, 'one byte at a time: ready') or diag $is->{error};
    is($p->query('/drip', 'SELECT 1')->{first}, 'drip', 'and a row');
    $p->close;

    $p->open('/cut');
    $is = $p->query('/cut', 'SELECT 1');
    like($is->{error}, qr/server closed the connection/, 'half a row');
    is("$is->{errors} $is->{done} $is->{open}", '1 0 0', 'is an error');
};


done_testing;
