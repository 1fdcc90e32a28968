package Flagship::Postgres::Session;

# A psql that stays, for what spans several statements: transactions beside
# one another, settings of a session, LISTEN.
#
#   $s->sql('BEGIN');            # waits for the end; dies on an error
#   $s->send('UPDATE ...');      # does not wait, for what will block
#   $s->result;                  # then does

use strict;
use warnings;

use Carp qw(croak);
use IPC::Open3 qw(open3);
use Time::HiRes qw(time);

use constant PATIENCE => 60;


sub new {
    my ($class, $conninfo) = @_;

    # errors come in line with the output, so that none is lost
    my $pid = open3(my $in, my $out, undef,
        'psql', '-XAtqn', '-F', "\t", '-v', 'VERBOSITY=verbose',
        '-d', $conninfo);

    binmode $in, ':utf8';

    return bless {
        pid => $pid, in => $in, out => $out, buffer => '', n => 0,
        owner => $$,
    }, $class;
}


sub send {
    my ($self, $sql) = @_;

    my $mark = '@' . $$ . '.' . ++$self->{n} . '@';

    $self->{mark} = $mark;

    local $SIG{PIPE} = 'IGNORE';

    print { $self->{in} } "$sql\n;\n\\echo :ERROR $mark\n";
    $self->{in}->flush;

    return $self;
}


# True when the statement has ended

sub ready {
    my ($self) = @_;

    $self->_fill(0);

    return index($self->{buffer}, $self->{mark}) >= 0;
}


sub result {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // PATIENCE);
    my $end;

    while (($end = index $self->{buffer}, " $self->{mark}\n") < 0) {
        my $left = $deadline - time;

        croak "SQL did not end in time, so far: '$self->{buffer}'"
            if $left <= 0;

        $self->_fill($left) // croak "psql left: $self->{buffer}";
    }

    my $text = substr $self->{buffer}, 0, $end, '';
    substr $self->{buffer}, 0, length($self->{mark}) + 2, '';

    # :ERROR speaks of the last statement; the text knows of those before
    my $failed = $text =~ s/(true|false)\z// && $1 eq 'true';

    croak $text if $failed || $text =~ /^(?:ERROR|FATAL):  /m;

    chomp $text;

    return $text;
}


sub sql {
    my ($self, $sql, $timeout) = @_;

    return $self->send($sql)->result($timeout);
}


sub close {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    CORE::close $self->{in};
    CORE::close $self->{out};

    kill 'TERM', $pid;
    waitpid $pid, 0;
}


# Bytes read, 0 when there were none in time, undef when psql left

sub _fill {
    my ($self, $timeout) = @_;

    my $bits = '';
    vec($bits, fileno $self->{out}, 1) = 1;

    return 0 unless select $bits, undef, undef, $timeout;

    my $n = sysread $self->{out}, $self->{buffer}, 65536,
        length $self->{buffer};

    return $n || undef;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);

    $self->close if $self->{owner} == $$;
}


1;
