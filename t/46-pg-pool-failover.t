# The pool over a primary and a standby that takes its place.

use lib 't/lib';
use Flagship::Test;
use Flagship::PgProbe;
use Flagship::Postgres;

my $pg = Flagship::Postgres->new(deploy => 0);
$pg->sql('CREATE TABLE w (v int)');

my $standby = $pg->standby;
my $hosts = sprintf 'host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres '
    . 'dbname=flagship', $pg->port, $standby->port;
my $turned = sprintf 'host=127.0.0.1,127.0.0.1 port=%d,%d user=postgres '
    . 'dbname=flagship', $standby->port, $pg->port;

my $p = Flagship::PgProbe->new(<<"EOT");
location /first { pool_probe "$hosts" size=3; }
location /last { pool_probe "$turned" size=3; }
location /spread {
    pool_probe "$hosts target_session_attrs=prefer-standby" size=3;
}
EOT

my @pools = qw(/first /last /spread);


sub inserted {
    my ($at, $value) = @_;

    return $p->call($at, 'INSERT INTO w VALUES ($1::int) RETURNING v',
        params => [ $value ], write => 1);
}


subtest 'a primary and a standby' => sub {
    my $where = 'SELECT pg_is_in_recovery()';

    is($p->call('/first', $where)->{first}, 'f', 'reads go to the first');
    is($p->call('/last', $where)->{first}, 't', 'whatever it is');
    is($p->call('/spread', $where)->{first}, 't', 'or to the one preferred');

    is(inserted($_, 1)->{done}, 1, "$_: writes to the primary") for @pools;
    is($pg->sql('SELECT count(*) FROM w'), 3, 'which has them');
};


subtest 'the primary dies' => sub {
    $pg->kill;

    for my $at (@pools) {
        my $is;

        # connections that died may have been found dead, or not yet
        ok(wait_for(sub { $is = inserted($at, 2); $is->{away} }),
            "$at: writes are refused");
        is($is->{results}, 0, "$at: without a result");
        ok(wait_for(sub { $p->call($at, 'SELECT 7')->{done} }),
            "$at: reads go on");
    }

    is($standby->sql('SELECT count(*) FROM w WHERE v = 2'), 0, 'none was done');
};


subtest 'the standby takes its place' => sub {
    $standby->promote;

    ok(wait_for(sub { inserted($_, 3)->{done} }), "$_: writes are taken again")
        for @pools;
    is($standby->sql('SELECT count(*) FROM w WHERE v = 3'), 3, 'by the new one');
    is($p->call($_, 'SELECT 1', calls => 30)->{done}, 30, "$_: and reads")
        for @pools;
    ok(scalar $p->test->lines(qr/takes writes again/), 'which is said');
};


done_testing;
