# Core without nginx: a C program linked with libflagship.a, run once a round,
# so that each round has an address layout of its own.

package Flagship::Bench::Scenario::Core;

use strict;
use warnings;

use Flagship::Bench;


my %figure = (
    'evaluation: static'               => ['ns', most => 6],
    'evaluation: two conditions'       => ['ns', most => 20],
    'evaluation: split'                => ['ns', most => 25],
    'evaluation: 11 rules with semver' => ['ns', most => 80],
    'evaluation: list of 1000 ids'     => ['ns', most => 15],
    'evaluation from text: static'         => ['ns', most => 120],
    'evaluation from text: two conditions' => ['ns', most => 130],
    'evaluation from text: split'          => ['ns', most => 150],
    'evaluation from text: 11 rules with semver' => ['ns', most => 220],
    'evaluation from text: list of 1000 ids'     => ['ns', most => 140],
    'evaluation: all of 100 flags'                    => ['us', most => 1.0],
    'evaluation from text: all of 100 flags as OFREP' => ['us', most => 1.5],
    'context: GB/s of 10 members'      => ['GB/s', least => 1.5],
    'context: GB/s of 100 members'     => ['GB/s', least => 1.5],
    'context: GB/s of 4000 members'    => ['GB/s', least => 1.5],
    'load: flags from JSON to an image' => ['ms', most => 15],
    'load: one change among them'       => ['ms', most => 5],
    'memory: image bytes a simple flag' => ['bytes', most => 400],
    map { id_set($_) } 1000, 100_000, 1_000_000
);


sub id_set {
    my ($n) = @_;

    return (
        (map { ("evaluation: set of $n ids, $_"
                => ['ns', most => $n > 100_000 ? 30 : 15]) }
            qw(members others mixed)),
        (map { ("evaluation: set of $n ids, $_, cold" => ['ns']) }
            qw(members others mixed)),
        "id set: building one of $n ids"
            => ['ms', $n == 1_000_000 ? (most => 50) : ()],
        "id set: bytes an id beside its own, of $n"
            => ['bytes', most => 25]);
}


sub run {
    my ($bench) = @_;

    my $flags = $bench->{short} ? 500 : 10_000;
    my (@names, %values);

    for my $round (1 .. $bench->{rounds}) {
        my @command = ($bench->pin('tested'),
                       "$bench->{build}/bench/core", $flags);

        open my $core, '-|', @command or die "$command[-2]: $!";

        while (defined(my $line = <$core>)) {
            my ($name, $value) = $line =~ /^(.+)\t([\d.]+)$/ or die $line;
            push @names, $name if !$values{$name};
            push @{ $values{$name} }, $value;
        }

        close $core or die "build/bench/core failed\n";
    }

    for my $name (@names) {
        my ($unit, @target) = @{ $figure{$name} // ['ns'] };
        my $title = $name =~ /^load/ ? "$name ($flags flags)" : $name;

        $bench->figure("core, $title", $unit, $values{$name}, @target);
    }
}


return { title => 'evaluations, compiling and linking in core', run => \&run };
