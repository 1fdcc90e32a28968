# The sample: loads, loads again without harm, and shows every kind of rule.

use strict;
use warnings;

use Test::More;

use Flagship::Postgres;

my $pg = Flagship::Postgres->new;

$pg->sql('CREATE ROLE writer LOGIN IN ROLE flagship_admin');


sub load {
    open my $fh, '-|', 'sh', '-c', 'exec psql "$@" 2>&1', 'psql', '-Xq', '-d',
        $pg->conninfo(user => 'writer'), '-f', 'sql/sample.sql'
            or die "no psql: $!";
    my $said = do { local $/; <$fh> // '' };

    ok(close $fh, 'loads') or diag $said;
    is($said, '', 'quietly');
}


sub state_of {
    return $pg->sql(q{
        SELECT string_agg(t::text, E'\n' ORDER BY t::text)
          FROM (SELECT f::text FROM flagship.flags f
                UNION ALL SELECT s::text FROM flagship.segments s
                UNION ALL SELECT e::text FROM flagship.environments e
                UNION ALL SELECT r::text FROM flagship.revision r
                UNION ALL SELECT a::text FROM flagship.audit a) AS t});
}


load();
my $first = state_of();
load();
is(state_of(), $first, 'twice is as once');

cmp_ok($pg->sql('SELECT count(DISTINCT key) FROM flagship.flags'), '>=', 24,
    'at least 24 flags');
is($pg->sql(q{SELECT string_agg(DISTINCT environment, ' ')
    FROM flagship.flags WHERE tenant = 'default'}), 'dev prod staging',
    'over dev, staging and prod');
is($pg->sql(q{SELECT string_agg(key, ' ') FROM flagship.flags WHERE key IN
    ('new_feature', 'beta_search', 'new_ui', 'new_checkout_flow',
     'dark-mode')}), '', 'none that the requests of the manual make');
is($pg->sql(q{SELECT string_agg(DISTINCT actor, ' ') FROM flagship.audit
    WHERE entity = 'flag'}), 'sample', 'the audit says where they come from');

my $rules = $pg->sql(q{SELECT string_agg(coalesce(rules::text, ''), '')
    FROM flagship.flags}) . $pg->sql(q{SELECT string_agg("when"::text, '')
    FROM flagship.segments});

like($rules, qr/"\Q$_\E": ?[\[{"]/, "shows $_") for qw(var == != === >= < <= in
    and or ! !! if cat starts_with ends_with sem_ver fractional segment rollout
    flag time split by);

for my $kind ("type = 'boolean'", "type = 'string'", "type = 'number'",
    "type = 'json'", 'rollout < 100', 'rollout = 100',
    "user_ids::text <> '[]'", "prerequisites::text <> '[]'", 'NOT enabled',
    'off_variant IS NULL', 'default_variant IS NULL', 'NOT expose',
    "metadata::text <> '{}'", "tags::text <> '[]'",
    'enable_at < disable_at', "key = 'beta_area'", "key = 'checkout_backend'")
{
    cmp_ok($pg->sql("SELECT count(*) FROM flagship.flags WHERE $kind"), '>', 0,
        "has a flag of $kind");
}

# what a person did stays
$pg->sql(q{UPDATE flagship.flags SET rollout = 3 WHERE key = 'page_footer'});
$pg->sql(q{UPDATE flagship.flags SET archived_at = now()
    WHERE key = 'greeting'});
$pg->sql(q{DELETE FROM flagship.flags WHERE key = 'theme'
    AND environment = 'prod'});
load();
is($pg->sql(q{SELECT string_agg(rollout::text, ' ') FROM flagship.flags
    WHERE key = 'page_footer'}), '3 3 3', 'a changed flag keeps its change');
is($pg->sql(q{SELECT count(*) FROM flagship.flags
    WHERE key = 'greeting' AND archived_at IS NULL}), 0,
    'an archived one stays archived');
is($pg->sql(q{SELECT count(*) FROM flagship.flags WHERE key = 'theme'}), 3,
    'one that is missing comes back');

done_testing;
