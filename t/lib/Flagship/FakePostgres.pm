package Flagship::FakePostgres;

# Servers that behave badly, one process each.
#
#   my $f = Flagship::FakePostgres->new('silent');
#   $f->port; $f->count;                # connections accepted so far
#
# silent      accepts and says nothing
# close       accepts and closes
# reset       accepts and resets
# garbage     answers with what is no protocol
# half        logs in as far as the password was accepted, then nothing
# mute        logs in, and answers no query
# primary     logs in, and answers the question for its role
# standby     the same, in recovery
# readonly    the same, a primary with default_transaction_read_only
# denied      the same, with an error for an answer
# odd         the same, with an answer that makes no sense
# drip        a primary that sends byte by byte
# cut         a primary that closes in the midst of a row
# bouncer     a primary that refuses "options", as PgBouncer does
# refuse      logs nobody in, with an error of 57P03
# endless     a primary that answers a query with rows without end
#
# black_hole() gives a port where connections hang: nobody accepts there and
# the queue is full.

use strict;
use warnings;

use Carp qw(croak);
use Exporter qw(import);
use IO::Socket::INET ();
use POSIX ();
use Socket qw(SOL_SOCKET SO_LINGER);
use Time::HiRes qw(sleep);

use Flagship::Port qw(free_port);

our @EXPORT_OK = qw(black_hole);

my %login = map { $_ => 1 }
    qw(mute primary standby readonly odd denied bouncer drip cut endless);


sub new {
    my ($class, $mode) = @_;

    my $port = free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 64,
        ReuseAddr => 1,
    ) or croak "cannot listen: $!";

    pipe my $read, my $write or croak "no pipe: $!";

    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        setpgrp 0, 0;
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        $SIG{CHLD} = 'IGNORE';
        close $read;

        while (1) {
            my $client = $listen->accept or next;

            syswrite $write, '.';

            my $child = fork // POSIX::_exit(1);

            if ($child == 0) {
                close $listen;
                eval { _serve($client, $mode) };
                POSIX::_exit(0);
            }
        }
    }

    close $write;
    $read->blocking(0);

    return bless { pid => $pid, port => $port, owner => $$, count => 0,
        read => $read }, $class;
}


sub port { $_[0]{port} }


sub count {
    my ($self) = @_;

    my $n = sysread $self->{read}, my $dots, 4096;
    $self->{count} += $n // 0;

    return $self->{count};
}


# The socket and those that fill its queue live as long as what is returned

sub black_hole {
    my $port = free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 1,
        ReuseAddr => 1,
    ) or croak "cannot listen: $!";

    my @held = map {
        IO::Socket::INET->new(PeerAddr => "127.0.0.1:$port", Blocking => 0)
    } 1 .. 4;

    return { port => $port, held => [ $listen, @held ] };
}


sub _serve {
    my ($c, $mode) = @_;

    return if $mode eq 'close';

    if ($mode eq 'reset') {
        setsockopt $c, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
        return;
    }

    _forever($c) if $mode eq 'silent';

    if ($mode eq 'garbage') {
        syswrite $c, "HTTP/1.0 400 Bad Request\r\n\r\n" . "x" x 20_000;
        _forever($c);
    }

    my $start = _exactly($c, unpack('N', _exactly($c, 4)) - 4);

    # SSLRequest
    while (unpack('N', $start) == 80877103) {
        syswrite $c, 'N';
        $start = _exactly($c, unpack('N', _exactly($c, 4)) - 4);
    }

    my $say = $mode eq 'drip'
        ? sub { for (split //, join '', @_) { syswrite $c, $_; sleep 0.0005 } }
        : sub { syswrite $c, join('', @_) or POSIX::_exit(0) };

    if ($mode eq 'bouncer' && $start =~ /\0options\0/) {
        $say->(_message('E', "SFATAL\0VFATAL\0C08P01\0"
            . "Munsupported startup parameter: options\0\0"));
        return;
    }

    if ($mode eq 'refuse') {
        $say->(_message('E', "SFATAL\0VFATAL\0C57P03\0"
            . "Mthe database system is starting up\0\0"));
        return;
    }

    $say->(_message('R', pack 'N', 0));
    _forever($c) if !$login{$mode};

    $say->(_message('S', "server_version\0" . "15.0\0"),
        _message('S', "client_encoding\0UTF8\0"),
        _message('K', pack 'NN', $$, 1), _message('Z', 'I'));

    _forever($c) if $mode eq 'mute';

    while (1) {
        my $type = _exactly($c, 1);
        my $body = _exactly($c, unpack('N', _exactly($c, 4)) - 4);

        return if $type eq 'X';
        next if $type ne 'Q';

        _answer($mode, $body, $say);
    }
}


sub _answer {
    my ($mode, $query, $say) = @_;

    my @role = $mode eq 'standby' ? qw(t on)
        : $mode eq 'readonly' ? qw(f on)
        : $mode eq 'odd' ? ('f') : qw(f off);

    if ($mode eq 'denied') {
        $say->(_message('E', "SERROR\0VERROR\0C42501\0Mnot for you\0\0"),
            _message('Z', 'I'));
        return;
    }

    if ($query =~ /pg_is_in_recovery/) {
        $say->(_columns(scalar @role), _row(@role),
            _message('C', "SELECT 1\0"), _message('Z', 'I'));
        return;
    }

    if ($mode eq 'cut') {
        $say->(_columns(1), substr _row('x' x 100), 0, 50);
        POSIX::_exit(0);
    }

    if ($mode eq 'endless') {
        $say->(_columns(1));
        $say->(_row('x' x 1000)) while getppid() != 1;
    }

    $say->(_columns(1), _row($mode), _message('C', "SELECT 1\0"),
        _message('Z', 'I'));
}


sub _message { return $_[0] . pack('N', 4 + length $_[1]) . $_[1] }


sub _columns {
    my ($n) = @_;

    return _message('T', pack('n', $n)
        . join '', map { "c$_\0" . pack 'NnNnNn', 0, 0, 25, -1, -1, 0 } 1 .. $n);
}


sub _row {
    my (@values) = @_;

    return _message('D', pack('n', scalar @values)
        . join '', map { pack('N', length) . $_ } @values);
}


sub _exactly {
    my ($c, $n) = @_;

    my $bytes = '';

    while (length $bytes < $n) {
        sysread $c, $bytes, $n - length $bytes, length $bytes
            or POSIX::_exit(0);
    }

    return $bytes;
}


# Until the other side leaves

sub _forever {
    my ($c) = @_;

    1 while sysread $c, my $bytes, 65536;
    POSIX::_exit(0);
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    local ($?, $@, $!);

    kill 'KILL', -$self->{pid};
    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}


1;
