package Flagship::Bench;

# What every scenario shares: rounds that are interleaved, figures of all
# rounds, the table and the JSON that come of them.
#
# A scenario is a file in scenarios/ whose value is a reference to a hash:
#
#     { title => 'what it measures', run => sub { my ($bench) = @_; ... } }
#
# It calls $bench->figure() for each line of the table.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use JSON::PP ();
use List::Util qw(min max);
use POSIX ();


sub new {
    my ($class, %options) = @_;

    my $top = abs_path(dirname(__FILE__) . '/../../../..');

    my $self = bless {
        top     => $top,
        build   => "$top/build",
        rounds  => 7,
        seconds => 1,
        short   => 0,
        servers => '',
        figures => [],
        notes   => [],
        cpus    => [cpus()],
        %options,
    }, $class;

    # workers run as another user where we are root
    $self->{dir} = File::Temp->newdir('flagship-bench-XXXXXX', TMPDIR => 1);
    chmod 0755, $self->{dir};

    return $self;
}


# The processors that we may run on.

sub cpus {
    open my $fh, '<', '/proc/self/status' or return (0);
    my ($list) = map { /^Cpus_allowed_list:\s*(\S+)/ ? $1 : () } <$fh>;
    close $fh;

    return map { /^(\d+)-(\d+)$/ ? ($1 .. $2) : $_ } split /,/, $list // '0';
}


# The command prefix that pins what is measured ("tested") to the last
# processor, what asks it ("load") to the first, and anything else to none.

sub pin {
    my ($self, $what) = @_;

    my @cpus = @{ $self->{cpus} };

    return () if @cpus < 2;
    return ('taskset', '-c', $what eq 'tested' ? $cpus[-1]
                             : $what eq 'load' ? $cpus[0]
                             : join ',', @cpus);
}


# Puts a process that runs already aside, with all that it will start: to the
# processor of what asks, and there behind everything else (but not where no
# figure matters, and a busy machine would leave it nothing).

sub aside {
    my ($self, $pid) = @_;

    my (undef, undef, $cpu) = $self->pin('load');

    for my $command (defined $cpu ? "taskset -apc $cpu $pid" : (),
        $self->{short} ? () : "chrt --all-tasks --idle --pid 0 $pid")
    {
        my $said = `$command 2>&1`;
        die "$command: $said" if $? && kill 0, $pid;
    }
}


# Runs each of the named subs once a pass, in a rotated order there and back,
# so that a machine that slowly changes its speed changes it for all alike.
# A sub returns a hash of numbers; those of a round are added up.  "before" and
# "after" frame each round.  Returns { name => { key => [one for each round] }}.

sub interleave {
    my ($self, $subs, %options) = @_;

    my @names = sort keys %$subs;
    my %all;

    for my $round (1 .. $options{rounds} // $self->{rounds}) {
        my @order = @names;
        push @order, shift @order for 2 .. $round;

        my %sum;

        $options{before}->($round) if $options{before};

        for my $name (@order, $self->{short} ? () : reverse @order) {
            my $got = $subs->{$name}->();
            $sum{$name}{$_} += $got->{$_} for keys %$got;
        }

        $options{after}->($round) if $options{after};

        for my $name (@names) {
            push @{ $all{$name}{$_} }, $sum{$name}{$_}
                for keys %{ $sum{$name} };
        }

        $self->progress("round $round");
    }

    return \%all;
}


sub progress {
    my ($self, $text) = @_;

    print STDERR "# $text\n" if !$self->{short};
}


# What does not belong into the table, but must be known beside it.

sub note {
    my ($self, $text) = @_;

    push @{ $self->{notes} }, $text;
    print STDERR "# $text\n";
}


# One line of the table: the values of all rounds (or of all samples).  A
# target is a bound of the median: "most" of what should be small, "least" of
# what should be large.

sub figure {
    my ($self, $name, $unit, $values, %options) = @_;

    my ($target, $met);
    my $median = median($values);

    if (defined $options{most}) {
        $target = $options{most};
        $met = $median <= $target;
    }

    if (defined $options{least}) {
        $target = $options{least};
        $met = $median >= $target;
    }

    push @{ $self->{figures} }, {
        name   => $name,
        unit   => $unit,
        min    => min(@$values),
        median => $median,
        max    => max(@$values),
        target => $target,
        met    => $met,
        least  => defined $options{least},
    };

    return $median;
}


sub median { return quantile($_[0], 0.5) }


sub quantile {
    my ($values, $q) = @_;

    my @sorted = sort { $a <=> $b } @$values;
    my $place = $q * (@sorted - 1);
    my $low = POSIX::floor($place);
    my $high = POSIX::ceil($place);

    return $sorted[$low] + ($sorted[$high] - $sorted[$low]) * ($place - $low);
}


# Element by element: the rounds of two series belong together.

sub ratios {
    my ($above, $below) = @_;

    return [map { $above->[$_] / $below->[$_] } 0 .. $#$above];
}


sub table {
    my ($self) = @_;

    my $width = max(map { length $_->{name} } @{ $self->{figures} });
    my $text = sprintf "%-*s  %-6s %10s %10s %10s   %s\n",
        $width, 'name', 'unit', 'min', 'median', 'max', 'target';

    for my $f (@{ $self->{figures} }) {
        $text .= sprintf "%-*s  %-6s %10s %10s %10s   %s\n",
            $width, $f->{name}, $f->{unit},
            (map { number($f->{$_}) } qw(min median max)),
            defined $f->{target}
                ? sprintf('%s %s, %s', $f->{least} ? '>=' : '<=',
                          number($f->{target}), $f->{met} ? 'met' : 'MISSED')
                : '';
    }

    return $text;
}


sub number {
    my ($n) = @_;

    return sprintf '%.0f', $n if abs $n >= 1000;
    return sprintf '%.1f', $n if abs $n >= 100;
    return sprintf '%.2f', $n if abs $n >= 10;
    return sprintf '%.3f', $n;
}


sub json {
    my ($self) = @_;

    my $json = JSON::PP->new->canonical->allow_nonref;
    my @lines;

    for my $f (@{ $self->{figures} }) {
        my %out = (
            name   => $f->{name},
            unit   => $f->{unit},
            (map { $_ => 0 + sprintf '%.6g', $f->{$_} } qw(min median max)),
            target => defined $f->{target} ? 0 + $f->{target} : undef,
            met    => !defined $f->{met} ? undef
                      : $f->{met} ? JSON::PP::true : JSON::PP::false,
        );

        push @lines, '  {' . join(', ', map { "\"$_\": " . $json->encode($out{$_}) }
            qw(name unit min median max target met)) . '}';
    }

    return "[\n" . join(",\n", @lines) . "\n]\n";
}


1;
