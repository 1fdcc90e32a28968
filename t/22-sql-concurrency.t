# Many writers at once: none deadlocks, the order of revisions is the order of
# commits, so that a reader of deltas ends up with what is there; the audit has
# no gaps; and each transaction notifies once.
#
# alone

use strict;
use warnings;

use File::Temp ();
use Test::More;

use Flagship::Postgres;

use constant {
    CLIENTS      => 8,
    TRANSACTIONS => 10_000,
};

# with the vacuum that the dead rows of ten thousand writes need
my $pg = Flagship::Postgres->new(conf => {
    shared_buffers     => '64MB',
    autovacuum         => 'on',
    autovacuum_naptime => 1,
});
my $dir = File::Temp->newdir;

# What people and programs do, in every order of rows; :a to :d are drawn anew
# for each transaction.
my %scripts = (
    'two_flags@4' => <<'SQL',
BEGIN;
UPDATE flagship.flags SET rollout = :c
 WHERE environment = 'prod' AND key = 'f:a';
UPDATE flagship.flags SET rollout = :d
 WHERE environment = 'prod' AND key = 'f:b';
COMMIT;
SQL
    'one_flag@3' => <<'SQL',
UPDATE flagship.flags SET enabled = NOT enabled
 WHERE environment = 'prod' AND key = 'f:a';
SQL
    'segment_and_flag@2' => <<'SQL',
BEGIN;
UPDATE flagship.segments SET "when" = '{"<": [{"var": "a"}, :c]}'
 WHERE key = 's:a';
UPDATE flagship.flags SET description = ':d'
 WHERE environment = 'prod' AND key = 'f:b';
COMMIT;
SQL
    'flag_and_segment@2' => <<'SQL',
BEGIN;
UPDATE flagship.flags SET description = ':d'
 WHERE environment = 'prod' AND key = 'f:a';
UPDATE flagship.segments SET "when" = '{"<": [{"var": "b"}, :c]}'
 WHERE key = 's:b';
COMMIT;
SQL
    'create@2' => <<'SQL',
INSERT INTO flagship.flags (environment, key, enabled)
VALUES ('dev', 'n:a', true), ('staging', 'n:b', true) ON CONFLICT DO NOTHING;
SQL
    'delete@1' => <<'SQL',
DELETE FROM flagship.flags WHERE key IN ('n:a', 'n:b');
SQL
    'archive@2' => <<'SQL',
BEGIN;
UPDATE flagship.flags SET archived_at = now()
 WHERE key = 'f:a' AND archived_at IS NULL AND environment = 'dev';
INSERT INTO flagship.flags (environment, key) VALUES ('dev', 'f:a')
ON CONFLICT DO NOTHING;
COMMIT;
SQL
    'rename@1' => <<'SQL',
UPDATE flagship.flags SET key = 'm' || pg_current_xact_id()
 WHERE environment = 'dev' AND key = 'n:a';
SQL
    'settings@1' => <<'SQL',
BEGIN;
UPDATE flagship.environments SET fractional = 1 + :a % 3 WHERE key = 'dev';
UPDATE flagship.flags SET rollout = :c WHERE key = 'f:b';
COMMIT;
SQL
    'environment@1' => <<'SQL',
BEGIN;
DELETE FROM flagship.environments WHERE key = 'e:a';
INSERT INTO flagship.environments (key) VALUES ('e:b') ON CONFLICT DO NOTHING;
INSERT INTO flagship.flags (environment, key) VALUES ('e:b', 'f:a')
ON CONFLICT DO NOTHING;
COMMIT;
SQL
    'taken_back@1' => <<'SQL',
BEGIN;
UPDATE flagship.flags SET rollout = :c
 WHERE environment = 'prod' AND key = 'f:a';
ROLLBACK;
SQL
    'half_taken_back@1' => <<'SQL',
BEGIN;
SAVEPOINT half;
UPDATE flagship.flags SET rollout = :c
 WHERE environment = 'prod' AND key = 'f:a';
ROLLBACK TO half;
UPDATE flagship.flags SET rollout = :d
 WHERE environment = 'prod' AND key = 'f:b';
COMMIT;
SQL
    'read_then_write@2' => <<'SQL',
BEGIN;
SELECT flagship.take_revision();
SELECT * FROM flagship.flags
 WHERE environment = 'prod' AND key IN ('f:a', 'f:b') FOR UPDATE;
UPDATE flagship.flags SET metadata = '{"n": :c}'
 WHERE environment = 'prod' AND key = 'f:b';
COMMIT;
SQL
    'set@1' => <<'SQL',
BEGIN;
INSERT INTO flagship.set_members (set, id)
SELECT 'v', 'u' || i FROM generate_series(:a, :a + 5) i ON CONFLICT DO NOTHING;
DELETE FROM flagship.set_members WHERE id = 'u:b';
COMMIT;
SQL
    'nothing@1' => <<'SQL',
UPDATE flagship.flags SET enabled = enabled
 WHERE environment = 'prod' AND key = 'f:a';
SQL
);

$pg->sql(q{INSERT INTO flagship.flags (environment, key)
    SELECT e.key, 'f' || i FROM flagship.environments e,
           generate_series(1, 12) i});
$pg->sql(q{INSERT INTO flagship.segments (key, "when")
    SELECT 's' || i, 'true' FROM generate_series(1, 12) i});
$pg->sql(q{INSERT INTO flagship.sets (key) VALUES ('v')});

my @arguments;

for my $script (sort keys %scripts) {
    my ($name) = split /@/, $script;

    open my $fh, '>', "$dir/$name" or die "cannot write: $!";
    print {$fh} "\\set a random(1, 12)\n\\set b random(1, 12)\n"
        . "\\set c random(0, 100)\n\\set d random(0, 100)\n$scripts{$script}";
    close $fh;

    push @arguments, '-f', "$dir/$script";
}


# A reader, as nginx is one: what it holds, and how it got there

my $reader = $pg->session;
my ($epoch, $revision, %held, %way);
my $backwards = 0;

sub read_on {
    my $known = defined $epoch ? "'$epoch', $revision" : 'NULL, NULL';
    my ($first, @rows) = split /\n/, $reader->sql(
        qq{SELECT entity, tenant, environment, key, document,
                  document IS NULL AS gone
             FROM flagship.delta($known)});
    my (undef, $of, undef, $now, $way) = split /\t/, $first;

    $way{$way}++;
    $backwards++ if defined $revision && $now < $revision;
    %held = () if $way eq 'full';

    for my $row (@rows) {
        my ($entity, $tenant, $environment, $key, $document, $gone)
            = split /\t/, $row;
        my $name = "$entity $tenant $environment $key";

        if ($gone eq 't') {
            delete $held{$name};

        } else {
            $held{$name} = $document;
        }
    }

    ($epoch, $revision) = ($of, $now);
}

read_on();

open my $bench, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', $pg->bin . '/pgbench',
    '-n', '-c', CLIENTS, '-j', 1, '-t', TRANSACTIONS / CLIENTS,
    '--random-seed=20261121', '-h', $pg->socket, '-p', $pg->port,
    '-U', 'postgres', @arguments, $pg->database or die "no pgbench: $!";

my $bits = '';
vec($bits, fileno $bench, 1) = 1;

my $said = '';

while (1) {
    if (select my $ready = $bits, undef, undef, 0.02) {
        last unless sysread $bench, $said, 65536, length $said;
    }

    read_on();
}

ok(close $bench, 'all transactions ran') or diag $said;
like($said, qr{actually processed: (\d+)/\1$}m, 'to their end');
like($said, qr/failed transactions: 0 \(/, 'none failed');
unlike($said, qr/deadlock/, 'no deadlock');
is($pg->sql(q{SELECT deadlocks FROM pg_stat_database
    WHERE datname = current_database()}), 0, 'nor does PostgreSQL know of one');

read_on();

is($way{full}, 1, 'the reader read everything once');
cmp_ok($way{delta}, '>', 50, "and changes $way{delta} times");
is($backwards, 0, 'never went back');

my %end = %held;

undef $epoch;
read_on();

is_deeply(\%end, \%held, 'and holds what is there');

is($pg->sql(q{SELECT count(*) FROM (
    SELECT revision - lag(revision) OVER (ORDER BY revision) AS step
      FROM (SELECT DISTINCT revision FROM flagship.audit) r) s
     WHERE step <> 1}), 0, 'every revision has its audit, without a gap');
is($pg->sql(q{SELECT max(revision) FROM flagship.audit}),
    $pg->sql('SELECT revision FROM flagship.revision'), 'up to the last');
is($pg->sql(q{SELECT count(*) FROM (
    SELECT revision, lag(revision) OVER (ORDER BY id) AS last
      FROM flagship.audit) a WHERE revision < last}), 0,
    'in the order of its entries');
is($pg->sql(q{SELECT count(*) FROM (
    SELECT before::text,
           lag(after::text) OVER (PARTITION BY entity_id ORDER BY id) AS last
      FROM flagship.audit WHERE entity <> 'set') a
     WHERE before <> coalesce(last, before)}), 0,
    'where an entry ends the next begins');
is($pg->sql(q{SELECT count(*) FROM flagship.flags f
    WHERE version <> (SELECT count(*) FROM flagship.audit a
                       WHERE a.entity_id = f.id::text)}), 0,
    'and each version has its entry');
is($pg->sql(q{SELECT size - (SELECT count(*) FROM flagship.set_members)
    FROM flagship.sets}), 0, 'a set knows its size');


subtest 'notifications' => sub {
    my $s = $pg->session;
    my $heard = sub {
        my $text = $s->sql('SELECT 1');
        return [ $text =~
            /Asynchronous notification "(\w+)" with payload "(\d+)"/g ];
    };

    $s->sql('LISTEN flagship');

    my $last = $pg->sql('SELECT revision FROM flagship.revision');

    $pg->sql(q{BEGIN;
        UPDATE flagship.flags SET rollout = 1.5;
        UPDATE flagship.segments SET "when" = 'false';
        INSERT INTO flagship.flags (key, rollout) VALUES ('heard', 1.5);
        COMMIT});
    is_deeply($heard->(), [ 'flagship', $last + 1 ],
        'one a transaction, with the revision');

    $pg->sql(q{UPDATE flagship.flags SET rollout = 1.5});
    $pg->sql(q{BEGIN; UPDATE flagship.flags SET rollout = 2; ROLLBACK});
    is_deeply($heard->(), [], 'none where nothing has changed');

    $pg->sql(q{DELETE FROM flagship.environments WHERE key = 'prod'});
    is_deeply($heard->(), [ 'flagship', $last + 2 ], 'one for a cascade');

    $pg->sql(q{TRUNCATE flagship.flags, flagship.segments});
    is_deeply($heard->(), [ 'flagship', $last + 3 ], 'one for a TRUNCATE');
};


subtest 'writers wait for one another' => sub {
    my ($one, $two) = ($pg->session, $pg->session);

    $one->sql(q{BEGIN; INSERT INTO flagship.flags (environment, key)
        VALUES ('dev', 'x')});
    $two->sql('BEGIN');
    $two->send(q{UPDATE flagship.flags SET enabled = true WHERE key = 'y'});

    my $waits = q{SELECT count(*) FROM pg_locks WHERE NOT granted};

    until ($pg->sql($waits)) { }
    ok(!$two->ready, 'the second waits, whatever it writes');

    my $last = $pg->sql('SELECT revision FROM flagship.revision');

    $one->sql('COMMIT');
    $two->result;
    $two->sql(q{INSERT INTO flagship.flags (environment, key)
        VALUES ('dev', 'y')});
    $two->sql('COMMIT');

    is($pg->sql(q{SELECT string_agg(concat_ws(' ', key, revision), ', '
        ORDER BY revision) FROM flagship.changes WHERE key IN ('x', 'y')}),
        sprintf('x %d, y %d', $last + 1, $last + 2),
        'and comes second, in number, too');
};


done_testing;
