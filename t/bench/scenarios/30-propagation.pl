# From COMMIT to the answer of every worker: in a set of a few flags with
# notifications, without them (the poll alone), and in a set of 10 000 flags,
# there also what a change costs all the workers together.
#
# The clock starts when COMMIT is sent, so PostgreSQL's own work on it is part
# of the figure: what that is alone, most of it the disk's, stands beside it.
# A change gives a flag the next number; each worker is asked
# on a connection of its own until it answers with that number or a later one.

package Flagship::Bench::Scenario::Propagation;

use strict;
use warnings;

use List::Util qw(min);
use Time::HiRes qw(sleep time);

use Flagship::Bench;
use Flagship::Bench::Database;
use Flagship::Bench::Flags;
use Flagship::Bench::Nginx;

use constant WORKERS => 4;

# what the last change gave the flag
my $last_number = 0;


sub start {
    my ($bench, $name, $source) = @_;

    return Flagship::Bench::Nginx->start($bench, $name,
        pin     => 'none',
        workers => WORKERS,
        modules => ["$bench->{build}/ngx_http_flagship_module.so"],
        http    => "flagship_zone 64m;\n$source\n",
        server  => "location = /pid { return 200 \$pid; }\n"
            . "location = /counter { return 200 \$flagship_value_counter; }\n"
            . "location = /ready { flagship_status ready; }\n");
}


# A connection to each worker.

sub connections {
    my ($nginx) = @_;

    my %of;

    for (1 .. 10_000) {
        my $socket = $nginx->connect;
        $of{ $nginx->get('/pid', socket => $socket) } //= $socket;
        return values %of if keys %of == WORKERS;
    }

    die "not every worker answers\n";
}


# Seconds until all workers serve the change, and until COMMIT has its answer.

sub change {
    my ($nginx, $session, $number, @sockets) = @_;

    $session->sql('BEGIN');
    $session->sql(update($number));

    my $start = time;
    my $committed;

    $session->send('COMMIT');

    while (@sockets) {
        $committed //= time - $start if $session->ready;

        my $socket = shift @sockets;
        my $seen = $nginx->get('/counter', socket => $socket);

        next if $seen =~ /^\d+$/ && $seen >= $number;

        push @sockets, $socket;
        die "change $number is not served:\n" . $nginx->log_text
            if time > $start + 30;
    }

    my $seconds = time - $start;
    $session->result;

    return ($seconds, $committed // time - $start);
}


sub changes {
    my ($nginx, $session, $n) = @_;

    my @sockets = connections($nginx);
    my (@served, @committed);

    for (1 .. $n) {
        sleep 0.01 + rand 0.02;

        my ($served, $committed) = change($nginx, $session, ++$last_number,
                                          @sockets);

        push @served, 1000 * $served;
        push @committed, 1000 * $committed;
    }

    return (\@served, \@committed);
}


# The same without waiting for one change before the next: whoever waits meets
# the poll at its beginning each time.

sub stream {
    my ($nginx, $session, $n) = @_;

    my @sockets = connections($nginx);
    my @seen = map { $last_number } @sockets;
    my $served = $last_number;
    my $last = $served + $n;
    my $next = time;
    my (%sent, @ms);

    while ($served < $last) {
        if ($last_number < $last && time >= $next) {
            my $number = ++$last_number;

            $sent{$number} = time;
            $session->sql(update($number));
            $next = time + rand 0.2;
        }

        for my $i (0 .. $#sockets) {
            $seen[$i] = $nginx->get('/counter', socket => $sockets[$i]);
        }

        my $now = time;

        while ($served < min(@seen)) {
            push @ms, 1000 * ($now - $sent{ ++$served });
        }

        die "changes are not served:\n" . $nginx->log_text if $now > $next + 30;
        sleep 0.002;
    }

    return \@ms;
}


sub update {
    my ($number) = @_;

    return "UPDATE flagship.flags SET variants = '{\"on\": $number}' "
        . "WHERE environment = 'prod' AND key = 'counter'";
}


# The samples in as many parts as there are rounds, one quantile of each.

sub quantiles {
    my ($bench, $ms, $q) = @_;

    my $size = int(@$ms / $bench->{rounds}) || 1;
    my @all = @$ms;
    my @parts;

    push @parts, Flagship::Bench::quantile([splice @all, 0, $size], $q)
        while @all >= $size;

    return \@parts;
}


sub report {
    my ($bench, $what, $ms, %target) = @_;

    $bench->figure("$what, p50", 'ms', quantiles($bench, $ms, 0.5));
    $bench->figure("$what, p99", 'ms', [Flagship::Bench::quantile($ms, 0.99)],
                   %target);
    $bench->figure("$what, all", 'ms', $ms);
}


# Milliseconds that all workers together take for a change, threads included,
# beyond what they take idle; each value is of ten changes.

sub cost {
    my ($bench, $nginx, $session) = @_;

    my $idle = $nginx->cpu;
    my $start = time;
    sleep($bench->{short} ? 0.5 : 3);
    my $per_second = ($nginx->cpu - $idle) / (time - $start);

    my @ms;

    for (1 .. $bench->{rounds}) {
        my $cpu = $nginx->cpu;
        my $begin = time;

        for (1 .. 10) {
            $session->sql(update(++$last_number));
            sleep 0.1;
        }

        push @ms, ($nginx->cpu - $cpu - $per_second * (time - $begin)) / 1e7;
    }

    return \@ms;
}


sub run {
    my ($bench) = @_;

    $last_number = 0;

    my $short = $bench->{short};
    my $database = Flagship::Bench::Database->start;
    my $session = $database->session;
    my $source = 'flagship_postgres "' . $database->conninfo . '";';
    my $n = $short ? 10 : 500;
    my $nginx;

    $session->sql("INSERT INTO flagship.flags (key, type, enabled, variants, "
        . "default_variant) "
        . "VALUES ('counter', 'number', true, '{\"on\": 0}', 'on')");

    $nginx = start($bench, 'notified', $source);
    $nginx->until_ready;

    my ($served, $committed) = changes($nginx, $session, $n);

    report($bench, 'propagation: commit to every worker', $served, most => 10);
    report($bench, 'propagation: of that, until COMMIT is answered',
           $committed);
    undef $nginx;

    $nginx = start($bench, 'polled',
                   "$source\nflagship_refresh 1s notify=off;");
    $nginx->until_ready;
    report($bench, "propagation: the same by a poll every second alone",
           stream($nginx, $session, $n));
    undef $nginx;

    my $flags = $short ? 500 : 10_000;

    $session->sql("INSERT INTO flagship.flags (key, enabled, rollout) "
        . "SELECT 'simple_flag_' || i, true, i % 100 "
        . "FROM generate_series(1, $flags - 1) i");

    loading($bench, $source, $flags);

    $nginx = start($bench, 'many', $source);
    $nginx->until_ready;

    ($served) = changes($nginx, $session, $short ? 5 : 200);

    report($bench, "propagation: commit to every worker, $flags flags",
           $served);
    $bench->figure("propagation: worker CPU a change, $flags flags", 'ms',
                   cost($bench, $nginx, $session), most => 5);
}


# From the start of nginx to ready.

sub loading {
    my ($bench, $source, $flags) = @_;

    my $file = "$bench->{dir}/many.json";

    Flagship::Bench::Nginx::write_file($file,
        Flagship::Bench::Flags::document(
            map { Flagship::Bench::Flags::flag("simple_flag_$_", 'rollout') }
                1 .. $flags));

    my %source = ('no flags' => undef, 'a file' => "flagship_file $file;",
                  'PostgreSQL' => $source);
    my %ms;

    for (1 .. $bench->{rounds}) {
        for my $name (sort keys %source) {
            my $start = time;
            my $nginx = $source{$name}
                ? start($bench, 'loading', $source{$name})
                : Flagship::Bench::Nginx->start($bench, 'bare',
                                                pin => 'none',
                                                workers => WORKERS);

            $nginx->until_ready if $source{$name};
            push @{ $ms{$name} }, 1000 * (time - $start);
        }
    }

    $bench->figure('load: start of nginx, without the module', 'ms',
                   $ms{'no flags'});
    $bench->figure("load: start of nginx to ready, $flags flags in $_", 'ms',
                   $ms{$_}) for 'a file', 'PostgreSQL';
}


return { title => 'from COMMIT to every worker', run => \&run };
