# The corpus of every fuzzed target once more, under sanitizers; `make fuzz`
# looks for more.

use strict;
use warnings;

use File::Basename qw(basename);
use File::Temp ();
use Test::More;

my $build = $ENV{FLAGSHIP_TEST_BUILD} // 'build';
my $dir = File::Temp->newdir;

# images change with their format: they are made of the documents

mkdir "$dir/image";
system("$build/flagshipctl image $_ -o $dir/image/" . basename($_)
    . ' >/dev/null 2>&1') for 'conf/flags.json', glob 't/fuzz/corpus/document/*';


for my $target (map { basename($_, '.c') } glob 't/fuzz/*.c') {
    next if $target eq 'replay';

    my @corpus = glob $target eq 'image' ? "$dir/image/*"
        : "t/fuzz/corpus/$target/*";

    cmp_ok(scalar @corpus, '>', 2, "$target: a corpus");

    open my $out, '-|', "$build/replay/$target @corpus 2>&1"
        or die "cannot run: $!";
    my $said = do { local $/; <$out> // '' };
    close $out;

    is($?, 0, "$target: nothing found") or diag $said;
    like($said, qr/^@{[scalar @corpus]} replayed$/m, "$target: all replayed");
}


done_testing;
