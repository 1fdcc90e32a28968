package Flagship::Gateway;

# Upstreams that are spoken to in FastCGI, uwsgi or SCGI.  Each answers with
# the variables that it got, "NAME=value", one a line, in their order.
#
#   my $up = Flagship::Gateway->new('uwsgi');
#   uwsgi_pass 127.0.0.1:$up->port;

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::INET ();
use POSIX ();

my %speaks = (
    fastcgi => \&_fastcgi,
    uwsgi   => \&_uwsgi,
    scgi    => \&_scgi,
);


sub new {
    my ($class, $protocol) = @_;

    my $answer = $speaks{$protocol} // croak "no such protocol: $protocol";

    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => 0, Listen => 10) or croak "no socket: $!";

    my $parent = $$;
    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        $SIG{ALRM} = sub { POSIX::_exit(0) if getppid != $parent; alarm 1 };
        alarm 1;

        while (1) {
            my $c = $socket->accept // next;
            $answer->($c);
            close $c;
        }
    }

    return bless { port => $socket->sockport, pid => $pid, owner => $$ },
        $class;
}


sub port { $_[0]{port} }


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}


sub _take {
    my ($c, $n) = @_;

    my $got = '';

    while (length $got < $n) {
        my $more = sysread $c, $got, $n - length $got, length $got;
        next if !defined $more && $!{EINTR};
        return if !$more;
    }

    return $got;
}


sub _text { join "\n", map { "$_->[0]=$_->[1]" } @_ }


sub _fastcgi {
    my ($c) = @_;

    my $params = '';

    while (1) {
        my $head = _take($c, 8) // return;
        my (undef, $type, $id, $len, $pad) = unpack 'CCnnC', $head;
        my $content = $len ? _take($c, $len) : '';
        _take($c, $pad) if $pad;

        $params .= $content if $type == 4;

        if ($type == 5 && $len == 0) {
            my $out = "Content-Type: text/plain\r\n\r\n"
                . _text(_fastcgi_pairs($params));

            print {$c} pack('CCnnCC', 1, 6, $id, length $out, 0, 0), $out,
                pack('CCnnCC', 1, 6, $id, 0, 0, 0),
                pack('CCnnCCNCC3', 1, 3, $id, 8, 0, 0, 0, 0, 0, 0, 0);
            return;
        }
    }
}


sub _fastcgi_pairs {
    my ($bytes) = @_;

    my @pairs;

    while (length $bytes) {
        my @len = map {
            my $n = unpack 'C', $bytes;
            my $size = $n < 128 ? 1 : 4;
            $n = unpack('N', $bytes) & 0x7fffffff if $size == 4;
            substr $bytes, 0, $size, '';
            $n;
        } 1 .. 2;

        push @pairs, [ map { substr $bytes, 0, $_, '' } @len ];
    }

    return @pairs;
}


sub _uwsgi {
    my ($c) = @_;

    my (undef, $size) = unpack 'CvC', _take($c, 4) // return;
    my @all = unpack '(v/a)*', $size ? _take($c, $size) // return : '';
    my @pairs;

    push @pairs, [ splice @all, 0, 2 ] while @all;

    print {$c} "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n",
        _text(@pairs);
}


sub _scgi {
    my ($c) = @_;

    my $size = '';

    while ((my $byte = _take($c, 1) // return) ne ':') {
        $size .= $byte;
    }

    my @all = split /\0/, _take($c, $size) // return, -1;
    my @pairs;

    _take($c, 1);                                   # the comma behind it

    push @pairs, [ splice @all, 0, 2 ] while @all > 1;

    print {$c} "Status: 200 OK\r\nContent-Type: text/plain\r\n\r\n",
        _text(@pairs);
}


1;
