package Flagship::Port;

# Ports for tests that run beside others.  A port is ours while we hold the
# UDP port of the same number: a lock that no crash can leave behind.  They
# are taken below the range that the kernel gives to outgoing connections.

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET ();

our @EXPORT_OK = qw(free_port);

my @locks;


sub free_port {

    for (1 .. 1000) {
        my $port = 10_000 + int rand 20_000;

        my $lock = IO::Socket::INET->new(
            LocalAddr => '127.0.0.1', LocalPort => $port, Proto => 'udp',
        ) or next;

        # without SO_REUSEADDR, so that a port in TIME_WAIT is left alone
        IO::Socket::INET->new(
            LocalAddr => '0.0.0.0', LocalPort => $port, Proto => 'tcp',
            Listen => 1,
        ) or next;

        push @locks, $lock;

        return $port;
    }

    die "no free port\n";
}


1;
