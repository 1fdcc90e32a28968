package Flagship::HTTP;

# A raw HTTP/1.x client: what is sent is what the test wrote, byte for byte,
# and what came back is kept in order and in full.
#
#   my $c = Flagship::HTTP->connect(port => 8080);
#   $c->request('GET', '/', headers => [ 'X-A' => 1, 'X-A' => 2 ]);
#   $c->request('GET', '/next');             # pipelined
#   my $first = $c->response;                # answers in the order asked
#   my $second = $c->response;
#
# A response is an object:
#
#   $r->status   $r->reason   $r->body   $r->json
#   $r->header('Name')     the value; joined with ", " where it is repeated
#   $r->headers('Name')    all its values
#   $r->head               the status line and headers as they came
#
# Everything has a deadline; past it, the client dies and says what it has.

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::IP ();
use IO::Socket::UNIX ();
use Socket qw(SHUT_WR);
use Time::HiRes qw(time);


# port => N, address => '127.0.0.1', or unix => path; timeout => seconds

sub connect {
    my ($class, %o) = @_;

    my $timeout = $o{timeout} // 20;

    my $socket = defined $o{unix}
        ? IO::Socket::UNIX->new(Peer => $o{unix}, Timeout => $timeout)
        : IO::Socket::IP->new(
            PeerHost => $o{address} // '127.0.0.1',
            PeerPort => $o{port},
            Timeout  => $timeout,
        );

    croak 'cannot connect to ' . ($o{unix} // $o{port} // 'no port') . ": $@"
        unless $socket;

    $socket->blocking(0);

    return bless {
        socket  => $socket,
        timeout => $timeout,
        host    => $o{host} // 'localhost',
        buffer  => '',
        eof     => 0,
        asked   => [],
    }, $class;
}


# Options: headers => [ name => value, ... ] sent as they are and in order,
# body, version => '1.0' | '1.1', host => the Host header (undef: none).
# Content-Length is added for a body that has no framing of its own.

sub request {
    my ($self, $method, $uri, %o) = @_;

    my $version = $o{version} // '1.1';
    my $host = exists $o{host} ? $o{host} : $self->{host};
    my @headers = @{ $o{headers} // [] };
    my $text = "$method $uri HTTP/$version\r\n";

    $text .= "Host: $host\r\n" if defined $host;

    my $framed = 0;

    while (my ($name, $value) = splice @headers, 0, 2) {
        $framed = 1 if $name =~ /^(?:content-length|transfer-encoding)$/i;
        $text .= "$name: $value\r\n";
    }

    if (defined $o{body} && !$framed) {
        $text .= 'Content-Length: ' . length($o{body}) . "\r\n";
    }

    push @{ $self->{asked} }, $method;

    return $self->send("$text\r\n" . ($o{body} // ''));
}


sub send {
    my ($self, $bytes) = @_;

    my $deadline = time + $self->{timeout};
    my $at = 0;

    local $SIG{PIPE} = 'IGNORE';

    while ($at < length $bytes) {
        my $n = syswrite $self->{socket}, $bytes, length($bytes) - $at, $at;

        if (defined $n) {
            $at += $n;
            next;
        }

        croak "cannot send: $!" unless $!{EAGAIN} || $!{EINTR};

        $self->_wait(1, $deadline) or croak 'timed out while sending';
    }

    return $self;
}


# Tells the server that no more bytes follow; answers can still be read

sub finish {
    my ($self) = @_;

    shutdown $self->{socket}, SHUT_WR;

    return $self;
}


sub close {
    my ($self) = @_;

    CORE::close $self->{socket};
}


# The next answer; undef where the server closed without one.  Interim
# answers (1xx) are skipped, except 101.

sub response {
    my ($self) = @_;

    my $deadline = time + $self->{timeout};
    my $method = shift @{ $self->{asked} } // 'GET';
    my $r;

    while (1) {
        my $head = $self->_until("\r\n\r\n", $deadline);
        return undef unless defined $head;

        $r = Flagship::HTTP::Response->parse($head);
        last if $r->status >= 200 || $r->status == 101;
    }

    if ($method eq 'HEAD' || $r->status == 101 || $r->status == 204
        || $r->status == 304)
    {
        return $r;
    }

    my $encoding = $r->header('Transfer-Encoding') // '';
    my $length = $r->header('Content-Length');

    if ($encoding =~ /chunked/i) {
        $r->{body} = $self->_chunked($deadline);

    } elsif (defined $length) {
        $r->{body} = $self->_exactly($length, $deadline);

    } else {
        $r->{body} = $self->rest;
    }

    return $r;
}


# All bytes up to the end of the connection, unparsed

sub rest {
    my ($self) = @_;

    my $deadline = time + $self->{timeout};

    while (!$self->{eof}) {
        $self->_fill($deadline) or $self->_late('the end');
    }

    my $bytes = $self->{buffer};
    $self->{buffer} = '';

    return $bytes;
}


# One line of a stream without its end; undef at the end or when it is late

sub line {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    until ($self->{buffer} =~ /\n/) {
        return undef if $self->{eof} || !$self->_fill($deadline);
    }

    $self->{buffer} =~ s/\A([^\n]*)\n//;

    return $1 =~ s/\r\z//r;
}


# True where the server closes within the time, sending nothing more

sub closed {
    my ($self, $timeout) = @_;

    my $deadline = time + ($timeout // $self->{timeout});

    while (!$self->{eof} && $self->{buffer} eq '') {
        $self->_fill($deadline) or return 0;
    }

    return $self->{eof} && $self->{buffer} eq '';
}


sub _chunked {
    my ($self, $deadline) = @_;

    my $body = '';

    while (1) {
        my $line = $self->_until("\r\n", $deadline) // '';
        $line =~ /\A([0-9a-fA-F]+)/ or croak "not a chunk: '$line'";

        my $size = hex $1;
        last if $size == 0;

        $body .= $self->_exactly($size, $deadline);
        $self->_until("\r\n", $deadline);
    }

    1 while ($self->_until("\r\n", $deadline) // "\r\n") ne "\r\n";

    return $body;
}


sub _until {
    my ($self, $end, $deadline) = @_;

    my $at;

    while (($at = index $self->{buffer}, $end) < 0) {

        if ($self->{eof}) {
            return undef if $self->{buffer} eq '';
            croak "closed in the midst of an answer: '$self->{buffer}'";
        }

        $self->_fill($deadline) or $self->_late('a header');
    }

    return substr $self->{buffer}, 0, $at + length($end), '';
}


sub _exactly {
    my ($self, $n, $deadline) = @_;

    while (length $self->{buffer} < $n) {
        croak 'closed in the midst of a body' if $self->{eof};
        $self->_fill($deadline) or $self->_late('a body');
    }

    return substr $self->{buffer}, 0, $n, '';
}


sub _fill {
    my ($self, $deadline) = @_;

    while (1) {
        my $n = sysread $self->{socket}, $self->{buffer}, 65536,
            length $self->{buffer};

        if ($n) {
            return 1;
        }

        if (defined $n || $!{ECONNRESET}) {
            $self->{eof} = 1;
            $self->{reset} = !defined $n;
            return 1;
        }

        croak "cannot read: $!" unless $!{EAGAIN} || $!{EINTR};

        $self->_wait(0, $deadline) or return 0;
    }
}


sub _wait {
    my ($self, $write, $deadline) = @_;

    my $left = $deadline - time;
    return 0 if $left <= 0;

    my $bits = '';
    vec($bits, fileno $self->{socket}, 1) = 1;

    return 0 != ($write
        ? select undef, $bits, undef, $left
        : select $bits, undef, undef, $left);
}


sub _late {
    my ($self, $what) = @_;

    croak "timed out waiting for $what, got: '$self->{buffer}'";
}


package Flagship::HTTP::Response;

use JSON::PP ();


sub parse {
    my ($class, $head) = @_;

    my ($line, @fields) = split /\r\n/, $head;

    my ($version, $status, $reason)
        = $line =~ m{\AHTTP/(\d\.\d) (\d{3})(?: (.*))?\z}
            or Carp::croak("not an HTTP answer: '$line'");

    return bless {
        head    => $head,
        version => $version,
        status  => $status,
        reason  => $reason // '',
        fields  => [ map { [ /\A([^:]*):\s*(.*?)\s*\z/ ] } @fields ],
        body    => '',
    }, $class;
}


sub status  { $_[0]{status} }
sub reason  { $_[0]{reason} }
sub version { $_[0]{version} }
sub head    { $_[0]{head} }
sub body    { $_[0]{body} }
sub json    { JSON::PP->new->utf8->allow_nonref->decode($_[0]{body}) }


sub headers {
    my ($self, $name) = @_;

    return map { $_->[1] } grep { lc $_->[0] eq lc $name }
        @{ $self->{fields} };
}


sub header {
    my ($self, $name) = @_;

    my @values = $self->headers($name);

    return @values ? join(', ', @values) : undef;
}


1;
