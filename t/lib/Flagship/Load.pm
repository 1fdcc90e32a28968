package Flagship::Load;

# Requests all the while, from processes of their own, each answer checked.
#
#   my $load = Flagship::Load->new($t, clients => 3,
#       check => sub { my ($is, $last) = @_; $is->{a} eq $is->{b} });
#   ...
#   my $said = $load->stop;
#
# check gets the values of an answer (see Flagship::Source) and those of the
# one before it, and returns what is wrong with it, or '' when nothing is.
#
# What was counted: requests, right answers; wrong, ones that check did not
# like or that were no 200; cut, connections that ended without an answer;
# slowest, in seconds; wrongs, the first few in words.

use strict;
use warnings;

use IO::Socket::INET ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use Flagship::Source ();


# pause => seconds between requests

sub new {
    my ($class, $t, %o) = @_;

    my $self = bless { pids => [], files => [], owner => $$ }, $class;

    for my $n (1 .. $o{clients} // 2) {
        my $file = $t->dir . "/load-$n-" . int(rand 1e9);
        my $pid = fork // die "cannot fork: $!";

        if ($pid == 0) {
            _client($t->port, $file, %o);
            POSIX::_exit(0);
        }

        push @{ $self->{pids} }, $pid;
        push @{ $self->{files} }, $file;
    }

    return $self;
}


sub stop {
    my ($self) = @_;

    my %sum = (requests => 0, wrong => 0, cut => 0, slowest => 0, wrongs => []);

    kill 'TERM', @{ $self->{pids} };
    waitpid $_, 0 for splice @{ $self->{pids} };

    for my $file (@{ $self->{files} }) {
        open my $fh, '<', $file or die "a client left nothing: $!";
        my $one = JSON::PP::decode_json(do { local $/; <$fh> });

        $sum{$_} += $one->{$_} for qw(requests wrong cut);
        $sum{slowest} = $one->{slowest} if $one->{slowest} > $sum{slowest};
        push @{ $sum{wrongs} }, @{ $one->{wrongs} };
    }

    return \%sum;
}


sub _client {
    my ($port, $file, %o) = @_;

    my %count = (requests => 0, wrong => 0, cut => 0, slowest => 0,
        wrongs => []);
    my ($done, $last);

    $SIG{TERM} = sub { $done = 1 };
    $SIG{PIPE} = 'IGNORE';

    while (!$done) {
        my $began = time;
        my $answer = _ask($port);
        my $took = time - $began;
        my $wrong;

        $count{slowest} = $took if $took > $count{slowest};

        if (!defined $answer) {
            $count{cut}++;
            next;
        }

        if ($answer =~ m{\AHTTP/1\.1 200 .*?\r\n\r\n(.*)\z}s) {
            my $is = Flagship::Source::values($1);
            $wrong = $o{check}->($is, $last);
            $last = $is;

        } else {
            $wrong = $answer;
        }

        if ($wrong) {
            $count{wrong}++;
            push @{ $count{wrongs} }, $wrong if @{ $count{wrongs} } < 5;

        } else {
            $count{requests}++;
        }

        sleep $o{pause} if $o{pause};
    }

    open my $fh, '>', $file or POSIX::_exit(1);
    print {$fh} JSON::PP::encode_json(\%count);
    close $fh;
}


# A connection for each request: the next one may be any worker's

sub _ask {
    my ($port) = @_;

    my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $port, Timeout => 20) or return;

    print {$socket} "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        or return;

    my $answer = '';

    while (1) {
        my $n = sysread $socket, $answer, 65536, length $answer;
        return if !defined $n && !$!{EINTR};
        last if defined $n && $n == 0;
    }

    return length $answer ? $answer : undef;
}


sub DESTROY {
    my ($self) = @_;

    if ($self->{owner} == $$ && @{ $self->{pids} }) {
        kill 'KILL', @{ $self->{pids} };
        waitpid $_, 0 for @{ $self->{pids} };
    }
}


1;
