package Flagship::PgRelay;

# Stands between a client and PostgreSQL, and stops one query at a point.
#
#   my $relay = Flagship::PgRelay->new($pg);
#   $relay->conninfo;                      # to PostgreSQL through it
#
#   $relay->stop_at('create_flag', 'D');   # the next query that has this text
#   $relay->reached;                       # it stands there
#   $relay->cut;                           # both sides are closed
#   $relay->go;                            # or it goes on
#
# Points: "query", of which PostgreSQL has nothing yet; "sent", of which it has
# all; a type of message of its answer ("1" parse, "2" bind, "T" columns, "D"
# row, "C" complete, "Z" ready), of which that one and what follows it are not
# passed on.  One process; connections that are not stopped go on.

use strict;
use warnings;

use Carp qw(croak);
use File::Temp ();
use IO::Select ();
use IO::Socket::INET ();
use POSIX ();
use Time::HiRes qw(sleep);

use Flagship::Port qw(free_port);
use Flagship::Process qw(until_true);


sub new {
    my ($class, $pg) = @_;

    my $port = free_port();
    my $listen = IO::Socket::INET->new(
        LocalAddr => '127.0.0.1', LocalPort => $port, Listen => 64,
        ReuseAddr => 1,
    ) or croak "cannot listen: $!";

    my $self = bless {
        pg => $pg, port => $port, owner => $$,
        dir => File::Temp->newdir('flagship-relay-XXXXXXXX', TMPDIR => 1),
    }, $class;

    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        $SIG{PIPE} = 'IGNORE';
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);
        _relay($listen, $pg->port, "$self->{dir}");
        POSIX::_exit(0);
    }

    $self->{pid} = $pid;

    return $self;
}


sub conninfo {
    my ($self, %o) = @_;

    return $self->{pg}->conninfo(tcp => 1, sslmode => 'disable', %o,
        port => $self->{port});
}


sub stop_at {
    my ($self, $text, $point) = @_;

    unlink map { "$self->{dir}/$_" } qw(reached order);
    $self->_write(plan => "$text\n$point");

    return $self;
}


sub reached { -e "$_[0]{dir}/reached" }


sub cut { $_[0]->_order('cut') }
sub go  { $_[0]->_order('go') }


sub _order {
    my ($self, $order) = @_;

    $self->_write(order => $order);

    return until_true(20, sub { !-e "$self->{dir}/order" });
}


sub _write {
    my ($self, $name, $text) = @_;

    open my $fh, '>', "$self->{dir}/$name.new" or croak "cannot write: $!";
    print {$fh} $text;
    close $fh;
    rename "$self->{dir}/$name.new", "$self->{dir}/$name";
}


sub _read {
    my ($file) = @_;

    open my $fh, '<', $file or return;
    local $/;

    return scalar <$fh>;
}


sub _relay {
    my ($listen, $port, $dir) = @_;

    my $select = IO::Select->new($listen);
    my (%pair, $stopped);

    my $close = sub {
        my ($c) = @_;

        for my $socket (@$c{qw(client server)}) {
            delete $pair{$socket};
            $select->remove($socket);
            close $socket;
        }

        if ($stopped && $stopped == $c) {
            undef $stopped;
        }
    };

    while (getppid() != 1) {

        if ($stopped && (my $order = _read("$dir/order"))) {
            my $c = $stopped;

            undef $stopped;

            if ($order eq 'cut') {
                $close->($c);

            } else {
                syswrite $c->{ $c->{held_for} }, delete $c->{held}
                    if length $c->{held};
                delete $c->{point};
            }

            unlink "$dir/order";

        } elsif (-e "$dir/order") {
            unlink "$dir/order";
        }

        for my $socket ($select->can_read(0.02)) {

            if ($socket == $listen) {
                my $client = $listen->accept or next;
                my $server = IO::Socket::INET->new(
                    PeerAddr => "127.0.0.1:$port") or next;
                my $c = { client => $client, server => $server, in => '' };

                @pair{ $client, $server } = ($c, $c);
                $select->add($client, $server);
                next;
            }

            my $c = $pair{$socket} or next;

            if (!sysread $socket, my $bytes, 65536) {
                $close->($c);

            } elsif ($socket == $c->{client}) {
                $stopped = $c if _from_client($c, $bytes, $dir);

            } else {
                $stopped = $c if _from_server($c, $bytes, $dir);
            }
        }
    }
}


sub _from_client {
    my ($c, $bytes, $dir) = @_;

    my ($text, $point) = split /\n/, _read("$dir/plan") // '';

    if (defined $text && index($bytes, $text) >= 0) {
        unlink "$dir/plan";

        if ($point eq 'query') {
            @$c{qw(held held_for)} = ($bytes, 'server');
            return _reached($dir);
        }

        $c->{point} = $point;
    }

    syswrite $c->{server}, $bytes;

    if (($c->{point} // '') eq 'sent') {
        @$c{qw(held held_for)} = ('', 'client');
        return _reached($dir);
    }

    return 0;
}


# Whole messages; all after the point are held

sub _from_server {
    my ($c, $bytes, $dir) = @_;

    if (defined $c->{held}) {
        $c->{held} .= $bytes;
        return 0;
    }

    if (!defined $c->{point}) {
        syswrite $c->{client}, $bytes;
        return 0;
    }

    $c->{in} .= $bytes;

    while (length $c->{in} >= 5) {
        my $length = 1 + unpack 'N', substr $c->{in}, 1, 4;

        last if length $c->{in} < $length;

        if (substr($c->{in}, 0, 1) eq $c->{point}) {
            @$c{qw(held held_for)} = ($c->{in}, 'client');
            $c->{in} = '';
            return _reached($dir);
        }

        syswrite $c->{client}, substr $c->{in}, 0, $length, '';
    }

    return 0;
}


sub _reached {
    my ($dir) = @_;

    open my $fh, '>', "$dir/reached";

    return 1;
}


sub DESTROY {
    my ($self) = @_;

    return if $self->{owner} != $$;

    local ($?, $@, $!);

    kill 'KILL', $self->{pid};
    waitpid $self->{pid}, 0;
}


1;
