# The schema's own tests: each t/sql/*.sql is a pgTAP script that rolls back
# what it does, so all run in one database, as whoever they say.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

use Flagship::Postgres;

chdir abs_path(dirname(__FILE__) . '/..') or die "no checkout: $!";

my $pg = Flagship::Postgres->new;

# not into a schema of ours: its tests list what is there
$pg->sql('CREATE SCHEMA tap');
$pg->sql('CREATE EXTENSION pgtap SCHEMA tap');
$pg->sql(qq{ALTER DATABASE "@{[$pg->database]}" SET search_path = public, tap});
$pg->sql('GRANT USAGE ON SCHEMA tap TO PUBLIC');

for my $file (sort glob 't/sql/*.sql') {
    subtest basename($file, '.sql') => sub {
        open my $fh, '-|', 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1',
            '-d', $pg->conninfo, '-f', $file or die "no psql: $!";

        my ($planned, $run, @said) = (undef, 0);

        while (my $line = <$fh>) {
            if ($line =~ /^(not )?ok \d+(?: - (.*))?$/) {
                $run++;
                ok(!$1, $2 // 'unnamed');

            } elsif ($line =~ /^1\.\.(\d+)$/) {
                $planned = $1;

            } elsif ($line =~ /^#\s?(.*)/) {
                diag $1;

            } elsif ($line =~ /\S/) {
                push @said, $line;
            }
        }

        ok(close $fh, 'psql ran to the end');
        is($run, $planned, 'as many tests as planned');
        is(join('', @said), '', 'nothing else was said');
    };
}

done_testing;
