#!/usr/bin/perl

# A minute in which workers are killed, nginx is reloaded and flags change all
# the time, with every answer checked; then what fifty reloads leave behind.
#
# FLAGSHIP_STRESS=seconds makes it another time.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use POSIX ();
use Time::HiRes qw(sleep time);

use Flagship::Load;
use Flagship::Postgres;
use Flagship::Process qw(files_of);
use Flagship::Source;
use Flagship::Test;


my $seconds = $ENV{FLAGSHIP_STRESS} // 60;
my $pg = Flagship::Postgres->new;
my $info = $pg->conninfo(tcp => 1);
my @keys = qw(a b c);

# so that an image has a weight, and one that is lost is missed
$pg->sql("INSERT INTO flagship.flags (key, enabled, rules)
    SELECT 'filler_' || g, true, json_build_array(json_build_object(
           'when', json_build_object('==', json_build_array(
               json_build_object('var', 'v' || g), 'x' || g)),
           'serve', 'on'))
      FROM generate_series(1, 100) g");

set_flags($pg, map { $_ => 1 } @keys);


# One generation, and never an older one than this client has seen

sub check {
    my ($is, $last) = @_;

    my $text = join ' ', map { "$_=" . ($is->{$_} // '') } @keys;

    return $text if !$is->{a} || grep { $is->{$_} ne $is->{a} } @keys;

    return $last && $is->{a} < $last->{a} ? "$last->{a}, then $text" : '';
}


# Another process that changes the flags until it is told to end; exits with
# a file that holds the last value

sub publisher {
    my ($file, $pause) = @_;

    my $pid = fork // die "cannot fork: $!";

    return $pid if $pid;

    my $n = 1;
    my $done;

    $SIG{TERM} = sub { $done = 1 };

    my $s = $pg->session;

    until ($done) {
        $n++;
        $s->sql("UPDATE flagship.flags SET variants = '{\"v\":\"$n\"}'
            WHERE key IN ('a', 'b', 'c') AND environment = 'prod'");
        sleep $pause;
    }

    $s->close;

    open my $fh, '>', $file or POSIX::_exit(1);
    print {$fh} $n;
    close $fh;

    POSIX::_exit(0);
}


sub end {
    my ($pid, $file) = @_;

    kill 'TERM', $pid;
    waitpid $pid, 0;

    open my $fh, '<', $file or die "the publisher left nothing: $!";

    return <$fh>;
}


subtest "$seconds seconds of kills, reloads and changes" => sub {
    my $t = answers(\@keys, qq(flagship_postgres "$info";
        flagship_refresh 1s;), workers => 4, zone => '4m')->run;

    $t->allow(qr/exited on signal 9/);
    # nginx's own words for a worker that died where it could not matter
    $t->allow(qr/shared memory zone "\w+" was locked by \d+/);

    becomes($t, { a => 1 }, 'loaded');

    my $load = Flagship::Load->new($t, clients => 3, check => \&check);
    my $file = $t->dir . '/published';
    my $publisher = publisher($file, 0.02);
    my $until = time + $seconds;
    my ($kills, $reloads) = (0, 0);
    my $reload_at = time + 3.5;

    while (time < $until) {
        my @workers = $t->workers;

        if (@workers) {
            kill 'KILL', $workers[ rand @workers ];
            $kills++;
        }

        if (time > $reload_at) {
            kill 'HUP', $t->pid;
            $reloads++;
            $reload_at = time + 3.5;
        }

        sleep 0.3 + rand 0.8;
    }

    my $last = end($publisher, $file);

    becomes($t, { map { $_ => $last } @keys }, 'the last change is served');

    my $said = $load->stop;

    is($said->{wrong}, 0, 'no answer was wrong') or diag explain $said;

    # the listening socket is shared: a worker takes with it what it had
    # accepted, and no more
    cmp_ok($said->{cut}, '<=', 3 * $kills, 'only those of the killed failed');

    is($t->lines(qr/zone "\w+" is full/), 0, 'the zone never was full');

    diag sprintf '%d requests, %d wrong, %d cut by %d kills; %d reloads, '
        . '%d changes, %d generations', @$said{qw(requests wrong cut)},
        $kills, $reloads, $last - 1,
        scalar $t->lines(qr/flagship: revision \d+ is live/);

    $t->check;
};


# What the workers hold: the most memory of one, in KiB, and their fds

sub holds {
    my ($t) = @_;

    my ($rss, $fds) = (0, 0);

    for my $pid ($t->workers) {
        my ($of) = _file("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;

        $rss = $of if $of > $rss;
        $fds += () = files_of($pid);
    }

    my $master = () = glob '/proc/' . $t->pid . '/fd/*';

    return ($rss, $fds, $master);
}


sub _file {
    my ($path) = @_;

    open my $fh, '<', $path or return '';
    local $/;

    return <$fh> // '';
}


# A fresh set of workers that has loaded, listened and answered

sub fresh {
    my ($t, $n) = @_;

    $t->reload(wait => 1) or die 'no reload';

    set_flags($pg, map { $_ => $n } @keys);
    becomes($t, { a => $n }, 'fresh workers listen');

    now($t) for 1 .. 200;
}


subtest 'fifty reloads and five hundred changes' => sub {
    # a zone in which what is lost would soon be missed
    my $t = answers(\@keys, qq(flagship_postgres "$info";
        flagship_refresh 1s;), workers => 2, zone => '1m')->run;

    fresh($t, 100_000);
    fresh($t, 100_001);

    my ($rss, $fds, $master) = holds($t);
    my $load = Flagship::Load->new($t, clients => 2, check => \&check);
    my $s = $pg->session;
    my $n = 100_001;

    for (1 .. 50) {
        for (1 .. 10) {
            $n++;
            $s->sql("UPDATE flagship.flags SET variants = '{\"v\":\"$n\"}'
                WHERE key IN ('a', 'b', 'c') AND environment = 'prod'");
            sleep 0.002;
        }

        $t->reload(wait => 1) or die 'no reload';
    }

    becomes($t, { a => $n }, 'the last change is served');

    my $said = $load->stop;

    is($said->{wrong} + $said->{cut}, 0, 'no request noticed')
        or diag explain $said;

    fresh($t, $n + 1);

    my ($rss_then, $fds_then, $master_then) = holds($t);

    # a sanitizer keeps what is freed for a while
    cmp_ok($rss_then, '<=', $rss + ($ENV{FLAGSHIP_SANITIZE} ? 65536 : 1024),
        'a fresh worker is as small');
    is($fds_then, $fds, 'and has as many files');
    is($master_then, $master, 'so has the master');
    is($t->lines(qr/zone "\w+" is full/), 0, 'the zone never was full');

    note "$rss KiB, then $rss_then KiB; $said->{requests} requests";

    $t->check;
};


done_testing;
