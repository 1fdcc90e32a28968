#!/usr/bin/perl

# Whatever is done to the tables by SQL is seen at the edge.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Flagship::Postgres;
use Flagship::Source;
use Flagship::Test;


my $pg = Flagship::Postgres->new;
my $info = $pg->conninfo(tcp => 1);
my $t = Flagship::Test->new;

# a server for each flag set that the test looks at
my @sets = ([ 'default', 'prod' ], [ 'default', 'dev' ], [ 'default', 'qa' ],
    [ 'acme', 'prod' ]);

my $keys = join ' ', map { "$_=\$flagship_value_$_" } qw(a b c d);
my $n = 0;
my $servers = join '', map { <<"EOT" } @sets;
    server {
        listen 127.0.0.1:%%PORT@{[ $n++ ]}%%;

        flagship_tenant $_->[0];
        flagship_environment $_->[1];
        flagship_attribute plan \$arg_plan;

        location / {
            return 200 "$keys";
        }
    }
EOT

$t->config(<<"EOT")->run;
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone 8m;
    flagship_postgres "$info";
    flagship_refresh 1h;
$servers
}
EOT


# The values of a set, and what they are to become

sub look {
    my ($set, $query) = @_;

    my $r = $t->http('GET', '/' . ($query // ''), port => $t->port($set));

    return Flagship::Source::values($r->body);
}


sub becomes_at {
    my ($set, $want, $name, $query) = @_;

    my $is;
    my $done = wait_for(sub {
        $is = look($set, $query);
        return !grep { $is->{$_} ne $want->{$_} } keys %$want;
    });

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($done, $name)
        or diag join ' ', map { "$_=$is->{$_}" } sort keys %$is;
}


sub sql { $pg->sql("BEGIN; $_[0]; COMMIT") }


subtest 'flags' => sub {
    sql("INSERT INTO flagship.flags (key, enabled) VALUES ('a', true)");
    becomes_at(0, { a => 'true', b => '' }, 'inserted, in the simple form');

    sql("UPDATE flagship.flags SET enabled = false WHERE key = 'a'");
    becomes_at(0, { a => 'false' }, 'switched off');

    sql("UPDATE flagship.flags SET enabled = true, rollout = 0,
        user_ids = '[\"u\"]' WHERE key = 'a'");
    becomes_at(0, { a => 'false' }, 'for one user only');

    sql("UPDATE flagship.flags SET rollout = 100, user_ids = '[]'
        WHERE key = 'a'");
    becomes_at(0, { a => 'true' }, 'for all');

    sql("UPDATE flagship.flags SET key = 'b' WHERE key = 'a'");
    becomes_at(0, { a => '', b => 'true' }, 'renamed');

    sql("UPDATE flagship.flags SET archived_at = now() WHERE key = 'b'");
    becomes_at(0, { b => '' }, 'archived');

    sql("INSERT INTO flagship.flags (key, type, enabled, variants,
        default_variant, off_variant)
        VALUES ('b', 'string', true, '{\"x\": \"new\"}', 'x', 'x')");
    becomes_at(0, { b => 'new' }, 'another one of the same key');

    sql("DELETE FROM flagship.flags WHERE key = 'b'
        AND archived_at IS NOT NULL");
    sql("INSERT INTO flagship.flags (key, enabled) VALUES ('c', true)");
    becomes_at(0, { b => 'new', c => 'true' },
        'the archived one is deleted, the other serves on');

    sql("UPDATE flagship.flags SET environment = 'dev' WHERE key = 'c'");
    becomes_at(0, { c => '' }, 'moved away');
    becomes_at(1, { c => 'true' }, 'to another environment');

    sql("DELETE FROM flagship.flags WHERE key = 'b'");
    becomes_at(0, { b => '' }, 'deleted');

    sql("INSERT INTO flagship.flags (key, enabled)
        SELECT 'many_' || g, true FROM generate_series(1, 500) g;
        INSERT INTO flagship.flags (key, enabled) VALUES ('d', true)");
    becomes_at(0, { d => 'true' }, 'many at once');
};


subtest 'segments' => sub {
    sql("INSERT INTO flagship.segments (key, \"when\")
        VALUES ('payers', '{\"==\": [{\"var\": \"plan\"}, \"pro\"]}')");

    for my $environment ('prod', 'dev') {
        sql("INSERT INTO flagship.flags (environment, key, type, enabled,
            variants, default_variant, off_variant, rules)
            VALUES ('$environment', 'a', 'string', true,
                    '{\"yes\": \"yes\", \"no\": \"no\"}', 'no', 'no',
                    '[{\"when\": {\"segment\": \"payers\"},
                       \"serve\": \"yes\"}]')");
    }

    becomes_at(0, { a => 'yes' }, 'are asked', '?plan=pro');
    becomes_at(0, { a => 'no' }, 'and say no', '?plan=free');
    becomes_at(1, { a => 'yes' }, 'in each environment', '?plan=pro');

    sql("UPDATE flagship.segments
        SET \"when\" = '{\"==\": [{\"var\": \"plan\"}, \"free\"]}'
        WHERE key = 'payers'");

    becomes_at(0, { a => 'yes' }, 'a change', '?plan=free');
    becomes_at(1, { a => 'yes' }, 'concerns them all', '?plan=free');
};


subtest 'environments and tenants' => sub {
    sql("INSERT INTO flagship.environments (tenant, key)
        VALUES ('default', 'qa')");
    sql("INSERT INTO flagship.flags (environment, key, type, enabled,
        variants, default_variant, off_variant, rules)
        VALUES ('qa', 'a', 'string', true,
                '{\"yes\": \"yes\", \"no\": \"no\"}', 'no', 'no',
                '[{\"when\": {\"segment\": \"payers\"}, \"serve\": \"yes\"}]')");
    becomes_at(2, { a => 'yes' }, 'a new one has the segments of its tenant',
        '?plan=free');

    sql("INSERT INTO flagship.environments (tenant, key)
        VALUES ('default', 'both');
        INSERT INTO flagship.flags (environment, key, enabled)
        VALUES ('both', 'a', true);
        UPDATE flagship.flags SET environment = 'qa', key = 'b'
         WHERE environment = 'both'");
    becomes_at(2, { a => 'yes', b => 'true' }, 'in one transaction',
        '?plan=free');

    sql("UPDATE flagship.environments SET fractional = 3 WHERE key = 'qa'");
    sql("INSERT INTO flagship.flags (environment, key, enabled)
        VALUES ('qa', 'c', true)");
    becomes_at(2, { a => 'yes', c => 'true' }, 'another generation of splits',
        '?plan=free');

    sql("DELETE FROM flagship.environments
        WHERE tenant = 'default' AND key = 'qa'");
    becomes_at(2, { a => '', b => '', c => '' },
        'deleted, with its flags');
    becomes_at(0, { d => 'true' }, 'and no other');

    sql("INSERT INTO flagship.tenants (key) VALUES ('acme')");
    sql("INSERT INTO flagship.environments (tenant, key)
        VALUES ('acme', 'prod') ON CONFLICT DO NOTHING");
    sql("INSERT INTO flagship.flags (tenant, environment, key, enabled)
        VALUES ('acme', 'prod', 'a', true)");
    becomes_at(3, { a => 'true', d => '' }, 'a tenant has its own flags');

    sql("DELETE FROM flagship.tenants WHERE key = 'acme'");
    becomes_at(3, { a => '' }, 'which go with it');
};


subtest 'a rollback' => sub {
    my $s = $pg->session;

    $s->sql("BEGIN");
    $s->sql("INSERT INTO flagship.flags (key, enabled) VALUES ('b', true)");
    $s->sql("ROLLBACK");

    sql("INSERT INTO flagship.flags (key, enabled) VALUES ('c', true)");
    becomes_at(0, { b => '', c => 'true' }, 'is no change');
};


subtest 'transactions that overlap' => sub {
    my ($one, $two) = ($pg->session, $pg->session);

    for my $round (1 .. 20) {
        $one->sql("BEGIN; UPDATE flagship.flags SET enabled = $_
            WHERE key = 'c' AND environment = 'prod'")
            for $round % 2 ? 'false' : 'true';

        # waits for the first one, and commits after it
        $two->send("UPDATE flagship.flags SET enabled = $_
            WHERE key = 'd' AND environment = 'prod'")
            for $round % 2 ? 'false' : 'true';

        $one->sql('COMMIT');
        $two->result;

        my $want = $round % 2 ? 'false' : 'true';

        becomes_at(0, { c => $want, d => $want }, "round $round");
    }
};


# Blocks read, and not a time: the plan may not depend on statistics, which a
# table that was just filled does not have.

subtest 'thousands at once' => sub {
    my $base = $pg->sql('SELECT revision FROM flagship.revision');

    for my $table (qw(flags segments)) {
        $pg->sql("ALTER TABLE flagship.$table SET (autovacuum_enabled = off)");
    }

    sql("INSERT INTO flagship.flags (key, enabled)
        SELECT 'bulk_' || g, true FROM generate_series(1, 2000) g");
    sql("INSERT INTO flagship.segments (key, \"when\")
        SELECT 'bulk_' || g, 'true' FROM generate_series(1, 2000) g");

    my ($rows, $blocks) = $pg->sql("EXPLAIN (ANALYZE, BUFFERS)
        SELECT d.* FROM flagship.revision r,
               flagship.delta(r.epoch, $base) d")
        =~ /rows=(\d+) loops=1\).*?Buffers: shared hit=(\d+)/s;

    cmp_ok($rows, '>', 4000, 'everything that was made is told');
    cmp_ok($blocks / $rows, '<', 50, 'by an index');
    note sprintf '%.1f blocks a row', $blocks / $rows;

    sql("INSERT INTO flagship.flags (key, environment, enabled)
        VALUES ('d', 'dev', true)");
    becomes_at(1, { d => 'true' }, 'and read');
    sql("DELETE FROM flagship.flags WHERE key LIKE 'bulk_%'");
    sql("DELETE FROM flagship.segments WHERE key LIKE 'bulk_%'");
};


subtest 'tables that are emptied' => sub {
    sql('TRUNCATE flagship.flags');
    becomes_at(0, { a => '', c => '', d => '' }, 'flags are gone');

    sql("INSERT INTO flagship.flags (key, enabled) VALUES ('a', true)");
    becomes_at(0, { a => 'true' }, 'and come again');

    is($t->lines(qr/\[warn\].*epoch/), 1, 'which is another epoch');
};


subtest 'a reader that is far behind' => sub {
    sql("UPDATE flagship.flags SET enabled = false");
    becomes_at(0, { a => 'false' }, 'up to date');

    # what was changed is not known any more
    $pg->sql('BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE flagship.revision SET revision = revision + 5,
               trimmed = revision + 4;
        DELETE FROM flagship.changes;
        UPDATE flagship.flags SET enabled = true; COMMIT;
        SELECT pg_notify($$flagship$$, revision::text)
          FROM flagship.revision');

    becomes_at(0, { a => 'true' }, 'reads everything');
};


done_testing;
