#!/usr/bin/perl

# PostgreSQL goes away in every way it can, while requests run: not one of
# them fails, waits or changes its answer, and the next change is served soon
# after its return.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(sleep time);

use Flagship::Load;
use Flagship::Postgres;
use Flagship::Source;
use Flagship::Test;


my $pg = Flagship::Postgres->new;
my $info = $pg->conninfo(tcp => 1);
my $n = 1;


sub start {
    my (%o) = @_;

    return answers(['a', 'b'], qq(flagship_postgres "$info" timeout=500ms;
        flagship_refresh 500ms;), %o)->run;
}


# Values of one transaction, and never an older one than before

sub check {
    my ($is, $last) = @_;

    return "a=$is->{a} b=$is->{b}" if $is->{a} eq '' || $is->{a} ne $is->{b};

    return $last && $is->{a} < $last->{a} ? "$last->{a}, then $is->{a}" : '';
}


# From the commit until it is served

sub change {
    my ($t) = @_;

    $n++;
    set_flags($pg, a => $n, b => $n);

    my $began = time;
    wait_for(sub { now($t)->{a} eq $n }) or return 1e9;

    return time - $began;
}


sub nobody_noticed {
    my ($load) = @_;

    my $said = $load->stop;

    is($said->{wrong} + $said->{cut}, 0, 'no request noticed')
        or diag explain $said;
    cmp_ok($said->{slowest}, '<', 5, 'none waited');
    note sprintf '%d requests, the slowest %.1f ms', $said->{requests},
        $said->{slowest} * 1000;
}


set_flags($pg, a => $n, b => $n);


my %fault = (
    'stopped' => [ sub { $pg->stop }, sub { $pg->start } ],
    'stopped at once' => [ sub { $pg->stop('immediate') },
        sub { $pg->start } ],
    'killed' => [ sub { $pg->kill }, sub { $pg->start } ],
    'frozen' => [ sub { $pg->freeze }, sub { $pg->thaw } ],
    'restarted' => [ sub { $pg->restart }, sub { } ],
    'cutting connections' => [
        sub { $pg->sql("SELECT pg_terminate_backend(pid)
            FROM pg_stat_activity WHERE application_name = 'flagship'") },
        sub { } ],
);

for my $name (sort keys %fault) {
    my ($fails, $returns) = @{ $fault{$name} };

    subtest "PostgreSQL is $name" => sub {
        my $t = start();

        becomes($t, { a => $n, b => $n }, 'loaded');

        my $load = Flagship::Load->new($t, check => \&check);

        in_time(2, 'the next change after its return', sub {
            my $was = now($t)->{revision};

            $fails->();
            sleep 3 if $name ne 'restarted';

            is(now($t)->{revision}, $was, 'what was loaded is served');

            $returns->();

            return change($t);
        });

        nobody_noticed($load);

        cmp_ok(scalar $t->lines(qr/\[error\].*flagship/), '<=', 4,
            'and the log is not flooded');
        $t->check;
    };
}


subtest 'only its backend is frozen' => sub {
    my $t = start();

    becomes($t, { a => $n, b => $n }, 'loaded');

    my $load = Flagship::Load->new($t, check => \&check);

    in_time(5, 'another connection is made', sub {
        my $pid = $pg->sql("SELECT pid FROM pg_stat_activity
            WHERE application_name = 'flagship'");

        kill 'STOP', $pid;

        my $took = change($t);

        kill 'CONT', $pid;

        return $took;
    });

    nobody_noticed($load);
    $t->check;
};


subtest 'its tables are locked' => sub {
    my $t = start();

    becomes($t, { a => $n, b => $n }, 'loaded');

    my $load = Flagship::Load->new($t, check => \&check);
    my $lock = $pg->session;

    $lock->sql('BEGIN; LOCK TABLE flagship.revision, flagship.flags');
    sleep 4;

    is(now($t)->{a}, $n, 'what was loaded is served');
    $lock->sql('COMMIT');

    in_time(2, 'the next change', sub { change($t) });

    nobody_noticed($load);
    $t->check;
};


subtest 'it is not there at the start' => sub {
    $pg->stop;

    my $t = start();

    is(now($t)->{a}, '', 'nginx starts and serves defaults');
    ok(wait_for(sub {
        $t->lines(qr/\[error\].*flagship.*no flags are loaded yet/) == 1
    }), 'the log says why');

    $pg->start;

    becomes($t, { a => $n, b => $n }, 'and loads when it is there');
    ok(wait_for(sub { $t->lines(qr/answers again/) == 1 }),
        'the log says so');

    $t->check;
};


subtest 'its schema is not there' => sub {
    $pg->create('empty');

    my $t = answers(['a'], sprintf 'flagship_postgres "%s";',
        $pg->conninfo(tcp => 1, dbname => 'empty'))->run;

    ok(wait_for(sub { $t->lines(qr/\[error\].*flagship.*schema/) == 1 }),
        'the log says so') or diag $t->log;

    sleep 3;
    is($t->lines(qr/\[error\]/), 1, 'once');

    $t->check;
};


subtest 'its connections are not stormed' => sub {
    my $t = start(workers => 8);

    becomes($t, { a => $n, b => $n }, 'loaded');

    $pg->sql('ALTER SYSTEM SET log_connections = on');
    $pg->sql('SELECT pg_reload_conf()');
    $pg->sql('ALTER DATABASE flagship ALLOW_CONNECTIONS false',
        dbname => 'postgres');
    $pg->sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'flagship'", dbname => 'postgres');

    my $refused = sub {
        scalar(() = $pg->log =~ /is not currently accepting connections/g);
    };

    my $from = $refused->();
    my $began = time;

    sleep 4;

    my $rate = ($refused->() - $from) / (time - $began);

    $pg->sql('ALTER DATABASE flagship ALLOW_CONNECTIONS true',
        dbname => 'postgres');

    cmp_ok($rate, '>', 0, 'it is tried');
    cmp_ok($rate, '<=', 5, 'but not often');
    note sprintf '%.1f connections a second', $rate;

    in_time(2, 'the next change', sub { change($t) });
    $t->check;
};


# Frozen while the thread works, so that the worker hears at once that it must
# go and that its tick is due, and never that the thread has ended.

subtest 'the leader is told to go while its thread compiles' => sub {
    $pg->sql("INSERT INTO flagship.flags (key, enabled, rules)
        SELECT 'filler_' || g, true, json_build_array(json_build_object(
               'when', json_build_object('==', json_build_array(
                   json_build_object('var', 'v' || g), 'x' || g)),
               'serve', 'on'))
          FROM generate_series(1, 3000) g");

    my $t = answers(['a', 'b'], qq(flagship_postgres "$info";))->run;
    my $caught = 0;

    becomes($t, { a => $n, b => $n }, 'loaded');

    for (1 .. 5) {
        my $pid;

        wait_for(sub { $pid = leader($t, $pg) }) or die 'nobody leads';
        wait_for(sub { 1 == (() = glob "/proc/$pid/task/*") })
            or die 'a thread stays';
        $pg->sql("UPDATE flagship.flags SET description = description || '.'
            WHERE key LIKE 'filler_%'");

        # not wait_for(), which sleeps
        my $until = time + 5;
        my $threads = 1;

        until ($threads > 1 || time > $until) {
            $threads = () = glob "/proc/$pid/task/*";
        }

        kill 'STOP', $pid;
        $caught += (() = glob "/proc/$pid/task/*") > 1;

        sleep 0.2;
        kill 'QUIT', $pid;
        kill 'CONT', $pid;
        ok(wait_for(sub { !kill 0, $pid }), "worker $pid has gone");
    }

    note "the thread was caught $caught times of 5";
    is($t->lines(qr/\[error\]/), 0, 'and to go is no fault');

    in_time(2, 'the next change', sub { change($t) });

    $pg->sql("DELETE FROM flagship.flags WHERE key LIKE 'filler_%'");
    $t->check;
};


done_testing;
