# Core beside the field's engines: the same flags and contexts, after all have
# given the same answers.  What an engine cannot take is left out, and an
# engine that is not built.

package Flagship::Bench::Scenario::Peers;

use strict;
use warnings;

use List::Util qw(max min);

use Flagship::Bench;
use Flagship::Bench::Peers;


# How many there are of what, in full and in a short round

my %size = (
    contexts => [10_000, 200],
    many     => [10_000, 200],
    lists    => [[1000, 100_000, 1_000_000], [1000]],
    million  => [1_000_000, 0],
    lines    => [200_000, 2000],
    ms       => [50, 1],
);


# An engine's modes, of every engine in turn; what is timed there and back is
# in sums of two.

sub rounds {
    my ($bench, $engines, $mode, $files, $contexts, $ms, %options) = @_;

    my $all = $bench->interleave({ map {
        my $name = $_;
        ($name => sub {
            return Flagship::Bench::Peers::figures($bench,
                @{ $engines->{$name} }, $mode,
                $files->{$name} // $files->{others}, $contexts, $ms);
        })
    } keys %$engines }, %options);

    if (!$bench->{short}) {
        for my $of (values %$all) {
            $_ = [map { $_ / 2 } @$_] for values %$of;
        }
    }

    return $all;
}


# A line for each engine, and how much slower the best of the others is.

sub figures {
    my ($bench, $all, $key, $title, $unit, %target) = @_;

    my @others;

    for my $name ('flagship', grep { $_ ne 'flagship' } sort keys %$all) {
        my $values = $all->{$name}{$key} // next;

        $bench->figure("peers, $title: $name", $unit, $values,
                       $name eq 'flagship' ? %target : ());
        push @others, $values if $name ne 'flagship';
    }

    return if !@others;

    my $ours = $all->{flagship}{$key};
    my @ratio = map { my $i = $_;
        $unit eq 'ns' ? min(map { $_->[$i] } @others) / $ours->[$i]
                      : $ours->[$i] / max(map { $_->[$i] } @others)
    } 0 .. $#$ours;

    $bench->figure("peers, $title: the others' best to ours", 'x', \@ratio);
}


sub run {
    my ($bench) = @_;

    my $short = $bench->{short} ? 1 : 0;
    my %n = map { $_ => $size{$_}[$short] } keys %size;
    my $engines = Flagship::Bench::Peers::engines($bench);
    my $contexts = Flagship::Bench::Peers::contexts($bench, $n{contexts});
    my $same = 0;

    for my $name (qw(datalogic-rs flagd-core json-logic-engine)) {
        $bench->note("$name is not built, and left out")
            if !$engines->{$name};
    }

    # a flag of each kind

    my $kinds = Flagship::Bench::Peers::write_file($bench, 'kinds',
        Flagship::Bench::Peers::kinds());
    my %files = (flagship => $kinds, others => $kinds);

    $same += Flagship::Bench::Peers::agree($bench, $engines, \%files,
                                           $contexts);

    my $all = rounds($bench, $engines, 'measure', \%files, $contexts, $n{ms});

    for my $key (sort keys %{ $all->{flagship} }) {
        figures($bench, $all, $key, $key =~ tr/_/ /r, 'ns');
    }

    count($bench, $engines, \%files, $contexts,
          grep { !/ from text$/ } sort keys %{ $all->{flagship} });

    # many flags, which the engine that has JsonLogic's operators alone
    # cannot take

    my %all = map { $_ => $engines->{$_} }
        grep { $_ ne 'json-logic-engine' } keys %$engines;
    my $many = Flagship::Bench::Peers::write_file($bench, 'many',
        Flagship::Bench::Peers::many($n{many}));

    %files = (flagship => $many, others => $many);
    $same += Flagship::Bench::Peers::agree($bench, \%all, \%files, $contexts,
                                           'turn');

    $all = rounds($bench, \%all, 'turn', \%files, $contexts, $n{ms},
                  rounds => min(3, $bench->{rounds}));

    figures($bench, $all, 'turn', "in turn among $n{many} flags", 'ns');
    figures($bench, $all, 'bulk', 'all of 100 flags', 'ns', most => 1000);
    figures($bench, $all, 'compile', "compiling $n{many} flags", 'per s');

    # id lists

    for my $ids (@{ $n{lists} }) {
        my $list = Flagship::Bench::Peers::list($bench, $ids);

        $same += Flagship::Bench::Peers::agree($bench, $engines, $list,
                                               $contexts);

        $all = rounds($bench, $engines, 'measure', $list, $contexts, $n{ms},
                      rounds => min(3, $bench->{rounds}));

        figures($bench, $all, 'list', "list of $ids ids", 'ns',
                most => $ids < 1_000_000 ? 15 : 30);

        # what callgrind runs takes it a while to read
        count($bench, $engines, $list, $contexts, 'list') if $ids == 1000;

        unlink values %$list;
    }

    $bench->note("$same answers of others, to $n{contexts} contexts, are"
                 . ' ours');

    alone($bench, $contexts, \%n);
}


# What is ours only

sub alone {
    my ($bench, $contexts, $n) = @_;

    if ($n->{million}) {
        my $is = Flagship::Bench::Peers::figures($bench,
            "$bench->{build}/bench/peers", 'million', $n->{million}, $contexts,
            $n->{ms});

        $bench->figure("peers, in turn among $n->{million} flags: flagship",
                       'ns', [$is->{turn}]);
    }

    my @kinds = values %{ Flagship::Bench::Peers::kinds()->{flags} };
    my @rules = map { JSON::PP->new->canonical->encode($_->{targeting}) }
        grep { $_->{targeting} } @kinds;
    my @data = split /\n/, Flagship::Bench::Peers::slurp($contexts);

    my $lines = Flagship::Bench::Peers::write_file($bench, 'lines', join '',
        map { '{"rule":' . $rules[$_ % @rules] . ',"data":'
              . $data[$_ % @data] . "}\n" } 0 .. $n->{lines} - 1);
    my @rates;

    for (1 .. $bench->{rounds}) {
        my $before = (times)[2] + (times)[3];

        system('sh', '-c', 'exec "$@" logic <"$0" >/dev/null', $lines,
               $bench->pin('tested'), "$bench->{build}/flagshipctl") == 0
            or die "flagshipctl logic fails\n";

        my $took = (times)[2] + (times)[3] - $before;
        push @rates, $n->{lines} / ($took || 0.01);
    }

    $bench->figure('flagshipctl logic', 'per s', \@rates, least => 200_000);
}


# Instructions of the flags of a file, where there is a valgrind: the same on
# every machine, whatever else it does.

sub count {
    my ($bench, $engines, $files, $contexts, @keys) = @_;

    return if $bench->{short};

    if (system('command -v valgrind >/dev/null') != 0) {
        $bench->note('without valgrind, instructions are not counted');
        return;
    }

    for my $key (@keys) {
        for my $name (grep { $engines->{$_} } qw(flagship datalogic-rs)) {
            next if $key eq 'static' && $name ne 'flagship';

            my ($counted) = map { /Collected : (\d+)/ ? $1 : () }
                Flagship::Bench::Peers::lines($bench, 'sh', '-c',
                    'exec "$@" 2>&1', 'sh', 'valgrind', '--tool=callgrind',
                    '--callgrind-out-file=/dev/null',
                    '--toggle-collect=counted', @{ $engines->{$name} },
                    'count', $files->{$name} // $files->{others}, $contexts,
                    $key);

            die "callgrind counts nothing of $name\n" if !$counted;

            $bench->figure('peers, instructions of ' . ($key =~ tr/_/ /r)
                           . ": $name", 'instr', [$counted / 256]);
        }
    }
}


return { title => 'core beside the engines of others', run => \&run };
