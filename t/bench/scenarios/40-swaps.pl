# The 99th percentile of requests while the flag set is exchanged ten times a
# second, against the same requests while as many transactions change another
# table.

package Flagship::Bench::Scenario::Swaps;

use strict;
use warnings;

use Time::HiRes qw(sleep);

use Flagship::Bench;
use Flagship::Bench::Database;
use Flagship::Bench::Nginx;


sub run {
    my ($bench) = @_;

    my $flags = $bench->{short} ? 50 : 1000;
    my $database = Flagship::Bench::Database->start;
    my $session = $database->session;

    $session->sql('CREATE TABLE public.other (n integer)');
    $session->sql('INSERT INTO public.other VALUES (0)');
    $session->sql('INSERT INTO flagship.flags (key, enabled, rollout) '
        . "SELECT 'flag_' || i, true, 50 FROM generate_series(1, $flags) i");

    my $upstream = Flagship::Bench::Nginx->start($bench, 'upstream',
        server => 'location / { return 200 "ok\n"; }');

    my $nginx = Flagship::Bench::Nginx->start($bench, 'swaps',
        pin     => 'tested',
        modules => ["$bench->{build}/ngx_http_flagship_module.so"],
        http    => "upstream application {\n"
            . "    server 127.0.0.1:$upstream->{port};\n    keepalive 64;\n}\n"
            . "flagship_zone 32m;\n"
            . "flagship_postgres \"@{[ $database->conninfo ]}\";\n"
            . "flagship_targeting_key \$cookie_uid;\n",
        server  => "location / {\n    proxy_http_version 1.1;\n"
            . "    proxy_set_header Connection '';\n"
            . '    flagship_headers ' . join(' ', map { "flag_$_" } 1 .. 10)
            . ";\n    proxy_pass http://application;\n}\n"
            . "location = /revision { return 200 \$flagship_revision; }\n"
            . "location = /ready { flagship_status ready; }\n");

    $nginx->until_ready;

    my %sql = (
        swaps => 'UPDATE flagship.flags SET rollout = 100 - rollout + 1 '
            . "WHERE key = 'flag_1'",
        quiet => 'UPDATE public.other SET n = n + 1',
    );

    my $got = $bench->interleave({
        map { my $sql = $sql{$_}; my $swaps = $_ eq 'swaps';
              ($_ => sub { under($bench, $nginx, $database, $sql, $swaps) }) }
            keys %sql
    });

    $bench->figure("swaps: p99 of requests, $_", 'us',
        Flagship::Bench::ratios(@{ $got->{$_} }{qw(p99 runs)}))
        for qw(quiet swaps);
    $bench->figure('swaps: p99 of requests, 10 swaps a second / quiet', 'x',
        Flagship::Bench::ratios($got->{swaps}{p99}, $got->{quiet}{p99}),
        most => 1.2);
}


# A load while the statement runs ten times a second in a process of its own.

sub under {
    my ($bench, $nginx, $database, $sql, $swaps) = @_;

    my $before = settled($nginx);
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        my $done;
        $SIG{TERM} = sub { $done = 1 };
        my $session = $database->session;

        until ($done) {
            $session->sql($sql);
            sleep 0.1;
        }

        $session->close;
        require POSIX;
        POSIX::_exit(0);
    }

    my $seconds = $bench->{short} ? 1 : 3;
    my $got = $nginx->load('/', seconds => $seconds, connections => 8);

    kill 'TERM', $pid;
    waitpid $pid, 0;

    my $changed = settled($nginx) - $before;

    die "$changed changes in $seconds s\n"
        if $swaps ? $changed < 1 : $changed > 0;

    $bench->note("swaps: $changed in $seconds s, on a machine that is too busy")
        if $swaps && $changed < 4 * $seconds;

    return { p99 => $got->{p99}, runs => 1 };
}


# The revision, once the last change has arrived.

sub settled {
    my ($nginx) = @_;

    my ($revision, $before) = ($nginx->get('/revision'), -1);

    while ($revision != $before) {
        sleep 0.5;
        $before = $revision;
        $revision = $nginx->get('/revision');
    }

    return $revision;
}


return { title => 'requests while flag sets are exchanged', run => \&run };
