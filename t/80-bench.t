# A short round of every scenario of the bench: each runs, checks what it
# measures, and reports in the form that others read.  No figure matters here.
#
# alone

use lib 't/lib';
use strict;
use warnings;

use File::Temp ();
use JSON::PP ();
use Test::More;


my $build = $ENV{FLAGSHIP_TEST_BUILD} // 'build';
my $out = File::Temp->new(SUFFIX => '.json');

my $table = `t/bench/run --short --build '$build' --out '$out' 2>&1`;

is($?, 0, 'every scenario runs') or diag $table;

my $figures = JSON::PP->new->utf8->decode(do { local $/; readline $out });
my %seen;

cmp_ok(scalar @$figures, '>', 40, 'there are figures');

subtest 'each figure is whole' => sub {
    for my $f (@$figures) {
        my $name = $f->{name};

        ok(!$seen{$name}++, "$name: once");
        is_deeply([sort keys %$f], [qw(max median met min name target unit)],
            "$name: its members");
        ok($f->{min} <= $f->{median} && $f->{median} <= $f->{max},
            "$name: in order");
        is(defined $f->{target}, defined $f->{met},
            "$name: met where there is a target");
        like($table, qr/^\Q$name\E  /m, "$name: in the table");
    }
};

for my $part (qw(headers core peers propagation load swaps memory rest)) {
    ok((grep { /^$part\b/ } keys %seen), "$part is measured");
}

done_testing;
