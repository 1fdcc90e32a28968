package Flagship::Process;

# What /proc knows of processes, waiting for what they do, and several at once.

use strict;
use warnings;

use Exporter qw(import);
use POSIX ();
use Time::HiRes qw(sleep time);

our @EXPORT_OK = qw(at_once children_of files_of group_of members_of title_of
    until_true);


# Waits until the sub returns true and returns that; false when it is late

sub until_true {
    my ($seconds, $condition) = @_;

    my $deadline = time + $seconds;
    my $pause = 0.002;

    while (1) {
        my $is = $condition->();
        return $is if $is;
        return 0 if time > $deadline;

        sleep $pause;
        $pause *= 1.5 if $pause < 0.05;
    }
}


# Runs the sub in so many processes, each with its number from 1; the lines
# that they return

sub at_once {
    my ($n, $sub) = @_;

    my @pipes;

    for my $i (1 .. $n) {
        my $pid = open(my $fh, '-|') // die "no process: $!";

        if (!$pid) {
            my $said = eval { $sub->($i) };
            print STDOUT $said // "died: $@";
            close STDOUT;
            POSIX::_exit(0);
        }

        push @pipes, $fh;
    }

    return map { my $fh = $_; my @lines = <$fh>; close $fh; @lines } @pipes;
}


sub children_of {
    my ($parent) = @_;

    return grep { (_stat($_))[0] == $parent } _pids();
}


# What it has open, but for pipes: that of threads stays a moment longer than
# their tasks

sub files_of {
    my ($pid) = @_;

    return grep { (readlink($_) // '') !~ /\Apipe:/ } glob "/proc/$pid/fd/*";
}


sub group_of {
    my ($pid) = @_;

    return (_stat($pid))[1];
}


sub members_of {
    my ($group) = @_;

    return grep { group_of($_) == $group } _pids();
}


# Its command line, which nginx writes as it goes; '' where it is gone

sub title_of {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/cmdline" or return '';

    return (<$fh> // '') =~ tr/\0/ /r =~ s/ +\z//r;
}


sub _pids {
    opendir my $dh, '/proc' or die "no /proc: $!\n";

    return grep { /\A\d+\z/ } readdir $dh;
}


# Parent and group; of a zombie, nothing

sub _stat {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return (0, 0);

    # the name may hold blanks and parentheses; state, parent, group follow
    my ($state, $parent, $group) = (<$fh> // '') =~ /.*\) (\S) (\d+) (\d+)/s;

    return ($state // 'Z') eq 'Z' ? (0, 0) : ($parent, $group);
}


1;
