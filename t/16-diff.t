# The engine against the field's own, on random rules: t/diff/run.mjs.  What
# it found once stands here as it was found.

use strict;
use warnings;

use IPC::Open3 qw(open3);
use Test::More;

my $build = $ENV{FLAGSHIP_TEST_BUILD} // 'build';


my @found = (
    # a loop before the end of a branch: its body went on behind the branch
    '{"if":[{"var":"u"},{"all":[{"var":"l"},{"var":""}]}]}',
        '{"u":1,"l":[1,2]}', 'true',
    '{"if":[{"var":"u"},{"all":[{"var":"l"},{"var":""}]}]}',
        '{"u":0,"l":[1,2]}', 'null',
    '{"*":[{"if":[{"var":"u"},{"reduce":[{"var":"l"},{"max":['
        . '{"var":"accumulator"},{"var":"current"}]},0]},{"var":"o"}]},2]}',
        '{"u":1,"l":[3,7,5],"o":4}', '14',
    '{"*":[{"if":[{"var":"u"},{"reduce":[{"var":"l"},{"max":['
        . '{"var":"accumulator"},{"var":"current"}]},0]},{"var":"o"}]},2]}',
        '{"u":0,"l":[3,7,5],"o":4}', '8',
    '{"map":[{"var":"l"},{"if":[{"var":""},{"some":[{"var":""},'
        . '{"var":""}]}]}]}', '{"l":[[0,1],[0],[]]}', '[true,false,null]',
    '{"or":[{"none":[{"var":"l"},{"var":""}]},{"and":[{"var":"u"},'
        . '{"some":[{"var":"l"},{"var":""}]}]}]}', '{"u":1,"l":[0,3]}', 'true',
);

while (my ($rule, $data, $result) = splice @found, 0, 3) {
    is(answer(qq({"rule":$rule,"data":$data})), qq({"result":$result}),
        "$rule of $data");
}


# a million by `make diff`

my $said = `node $build/diff/run.mjs --build $build --pairs 20000 2>&1`;

is($?, 0, '20 000 random rules and 20 000 flags') or diag $said;
is(() = $said =~ /\b20000 pairs, seed 1, 0 unexplained$/mg, 2, 'are compared')
    or diag $said;


sub answer {
    my ($line) = @_;

    my $pid = open3(my $in, my $out, undef, "$build/flagshipctl", 'logic');

    print {$in} "$line\n";
    close $in;

    my $said = do { local $/; <$out> // '' };
    waitpid $pid, 0;

    return $said =~ s/\n\z//r;
}


done_testing;
