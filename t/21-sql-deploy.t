# The migrations: an empty database and a role that may create roles are all
# they need; they come off again, and on again as before; roles are shared
# with the other databases of a cluster.

use strict;
use warnings;

use Test::More;

use Flagship::Postgres;

my $pg = Flagship::Postgres->new(deploy => 0);
my @roles = qw(flagship_admin flagship_edge flagship_metrics flagship_owner);

# the tests' own template is gone, so that no database but ours uses the roles
$pg->sql('DROP DATABASE flagship_pristine', dbname => 'postgres');
$pg->sql("DROP ROLE $_", dbname => 'postgres') for @roles;

$pg->sql('CREATE ROLE deployer LOGIN CREATEROLE', dbname => 'postgres');
$pg->sql("CREATE DATABASE $_ OWNER deployer", dbname => 'postgres')
    for qw(one two);


sub sqitch {
    my ($command, $dbname, @args) = @_;

    my $said = eval {
        $pg->sqitch($command, @args, { dbname => $dbname, user => 'deployer' });
    };
    my $error = $@;

    return ($said // '', $error);
}


sub deployed {
    my ($dbname) = @_;

    my ($said, $error) = sqitch('deploy', $dbname, '--verify');

    is($error, '', "deploys to $dbname");
    unlike($said, qr/ERROR|WARNING|NOTICE/, 'without a word more than needed');
}


sub reverted {
    my ($dbname) = @_;

    my (undef, $error) = sqitch('revert', $dbname, '-y');

    is($error, '', "reverts $dbname");
}


sub dump_of {
    my ($dbname) = @_;

    my $bin = $pg->bin;
    my $socket = $pg->socket;
    my $port = $pg->port;
    my $text = `$bin/pg_dump -s -h '$socket' -p $port -U postgres $dbname`;

    is($?, 0, "dumps $dbname");

    # newer versions of pg_dump mark each dump with a random word
    $text =~ s/^\\(?:un)?restrict .*\n//mg;

    return $text;
}


sub roles {
    return $pg->sql(q{SELECT rolname FROM pg_roles
        WHERE rolname LIKE 'flagship\_%' ORDER BY 1}, dbname => 'postgres');
}


sub changes {
    my ($dbname) = @_;

    return $pg->sql('SELECT change FROM sqitch.changes ORDER BY committed_at',
        dbname => $dbname);
}


subtest 'deploy, revert, deploy' => sub {
    deployed('one');

    my $first = dump_of('one');
    my $changes = changes('one');

    cmp_ok(scalar(split /\n/, $changes), '>=', 5, 'in sensible steps');
    like($first, qr/CREATE TABLE flagship\.flags/, 'the flags are there');
    is(roles(), join("\n", @roles), 'so are the roles');
    is((sqitch('verify', 'one'))[1], '', 'and it verifies');

    reverted('one');

    unlike(dump_of('one'), qr/flagship/, 'nothing of ours is left');
    is(roles(), '', 'nor are the roles');

    deployed('one');

    is(dump_of('one'), $first, 'the same as the first time');
};


subtest 'half way' => sub {
    my $whole = dump_of('one');

    is((sqitch('revert', 'one', '-y', '--to', 'tenants'))[1], '',
        'back to the tenants');
    is((sqitch('verify', 'one', '--to', 'tenants'))[1], '',
        'which still verify');
    is($pg->sql(q{SELECT count(*) FROM flagship.tenants}, dbname => 'one'), 1,
        'and are there');

    deployed('one');

    is(dump_of('one'), $whole, 'the same as before');
};


subtest 'every change is verified' => sub {
    my @changes = split /\n/, changes('one');

    $pg->sql($_, dbname => 'one') for
        'CREATE DATABASE bare OWNER deployer';

    for my $change (@changes) {
        open my $fh, '-|', 'sh', '-c', 'exec psql "$@" 2>&1', 'psql', '-XAtq',
            '-v', 'ON_ERROR_STOP=1', '-d', $pg->conninfo(dbname => 'bare'),
            '-f', "sql/verify/$change.sql" or die "no psql: $!";
        my $said = do { local $/; <$fh> };

        ok(!close $fh, "$change is not there, and that is seen");
    }
};


subtest 'roles of two databases' => sub {
    deployed('two');
    reverted('two');

    is(roles(), join("\n", @roles), 'stay while another one needs them');
    is($pg->sql(q{SELECT count(*) FROM flagship.tenants}, dbname => 'one'), 1,
        'which is unharmed');

    deployed('two');
    reverted('one');

    $pg->sql('CREATE ROLE app LOGIN IN ROLE flagship_admin',
        dbname => 'postgres');
    reverted('two');

    like(roles(), qr/^flagship_admin$/m, 'and while a role is their member');
    unlike(roles(), qr/^flagship_(?:owner|edge|metrics)$/m,
        'the others are gone');
};


subtest 'another role goes on' => sub {
    $pg->sql('CREATE ROLE second LOGIN CREATEROLE', dbname => 'postgres');
    deployed('two');

    $pg->sql('CREATE DATABASE three OWNER second', dbname => 'postgres');
    eval {
        $pg->sqitch('deploy', '--verify', { dbname => 'three',
            user => 'second' });
    };
    is($@, '', 'with roles that somebody else has made');
};


subtest 'text search is there already' => sub {
    $pg->sql('CREATE DATABASE four OWNER deployer', dbname => 'postgres');
    $pg->sql('CREATE SCHEMA ext; CREATE EXTENSION pg_trgm SCHEMA ext',
        dbname => 'four');

    like((sqitch('deploy', 'four'))[1],
        qr/flagship_owner may not use the schema ext/,
        'where it may not be used, that is said');

    $pg->sql('GRANT USAGE ON SCHEMA ext TO PUBLIC', dbname => 'four');
    deployed('four');
    reverted('four');
    is($pg->sql(q{SELECT count(*) FROM pg_extension WHERE extname = 'pg_trgm'},
        dbname => 'four'), 1, 'and stays');
};


done_testing;
