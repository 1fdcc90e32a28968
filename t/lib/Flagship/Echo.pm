package Flagship::Echo;

# An upstream that answers with what it got: tools/demo/upstream, which see
# for what a query may ask of it (?status=503, ?delay=1, ?header=A:b, ...).
#
#   my $up = Flagship::Echo->new(name => 'blue');
#   proxy_pass http://127.0.0.1:$up->port;
#
#   my $got = $t->get('/')->json;      # {upstream, method, uri, headers, body}
#   my @all = $up->requests;           # all so far, headers as [name, value]
#   my @flags = $up->headers(qr/^X-Feature-/i);  # of the latest, in order

use strict;
use warnings;

use Carp qw(croak);
use File::Basename qw(dirname);
use File::Spec ();
use File::Temp ();
use IO::Socket::INET ();
use JSON::PP ();
use Time::HiRes qw(sleep time);

use Flagship::Port qw(free_port);

my $program = File::Spec->rel2abs(
    dirname(__FILE__) . '/../../../tools/demo/upstream');


sub new {
    my ($class, %o) = @_;

    my $log = File::Temp->new(TEMPLATE => 'flagship-echo-XXXXXXXX',
        TMPDIR => 1);
    my $self = bless {
        port => $o{port} // free_port(),
        name => $o{name} // 'echo',
        log  => $log,
        owner => $$,
    }, $class;

    return $self->start;
}


sub port { $_[0]{port} }


sub start {
    my ($self) = @_;

    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        exec $^X, $program, '--port', $self->{port}, '--name', $self->{name},
            '--log', $self->{log}->filename, '--with-parent'
                or POSIX::_exit(127);
    }

    $self->{pid} = $pid;

    my $deadline = time + 20;

    until (IO::Socket::INET->new("127.0.0.1:$self->{port}")) {
        croak 'the echo upstream did not start'
            if time > $deadline || waitpid($pid, 1) != 0;
        sleep 0.01;
    }

    return $self;
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    kill 'KILL', $pid;
    waitpid $pid, 0;
}


sub requests {
    my ($self) = @_;

    open my $fh, '<', $self->{log}->filename or croak "no log: $!";

    return map { JSON::PP->new->latin1->decode($_) } grep { /\n\z/ } <$fh>;
}


# [name, value] pairs of the latest request whose name matches

sub headers {
    my ($self, $match) = @_;

    my ($last) = reverse $self->requests;

    return grep { $_->[0] =~ $match } @{ $last->{headers} // [] };
}


# Forgets what was asked so far

sub clear {
    my ($self) = @_;

    truncate $self->{log}->filename, 0;
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);

    $self->stop if $self->{owner} == $$;
}


1;
