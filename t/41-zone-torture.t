# The zone under everything at once: a publication each 20 ms, readers that
# hold what they read, workers killed at any moment, reloads, changed sizes.
# Every image that any worker ever reads must be whole.
#
# FLAGSHIP_TORTURE=seconds makes it longer.

# alone

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(sleep time);

use Flagship::Test;
use Flagship::Zone;

my $seconds = $ENV{FLAGSHIP_TORTURE} // 8;
my $seed = $ENV{FLAGSHIP_SEED} // int rand 1e9;

my $t = Flagship::Zone->new(workers => 4);
my $every = 'probe_every 20 400k 4;';

# killed workers, some of them with the mutex; who waits for a dead worker's
# connection hears of it

$t->allow(qr/exited on signal 9/, qr/zone "flagship" was locked by/);
$t->zone('8m', $every)->run;

diag("seed $seed");
srand $seed;


# Reads until the deadline; what was read, lost with its worker, and wrong

sub client {
    my ($wait, $deadline) = @_;

    my %n = (read => 0, lost => 0, wrong => 0);

    while (time < $deadline) {
        my $c = eval { $t->connect } or next;
        my $generation = 0;

        while (time < $deadline) {
            my $read = eval { $t->ask('read', wait => $wait, on => $c) };

            if (!$read) {
                $n{lost}++;
                last;
            }

            $n{read}++;

            # one connection, one worker: it never goes back

            if ($read->{bad} || $read->{generation} < $generation) {
                $n{wrong}++;
            }

            $generation = $read->{generation};

            sleep 0.002 if !$wait;
        }
    }

    return \%n;
}


sub start {
    my (@task) = @_;

    pipe my $out, my $in or die "no pipe: $!";

    my $pid = fork // die "cannot fork: $!";

    if ($pid == 0) {
        close $out;
        srand $seed + $$;
        print {$in} JSON::PP->new->encode(client(@task));
        close $in;
        require POSIX;
        POSIX::_exit(0);
    }

    close $in;

    return [ $pid, $out ];
}


ok(wait_for(sub { $t->ask('read')->{revision} }), 'something is published');

my $deadline = time + $seconds;
my @clients = map { start($_, $deadline) } 0, 0, 0, 300, 300, 1000;
my ($kills, $reloads, $size) = (0, 0, 8);
my ($kill, $reload) = (time + 0.5, time + 2);

while (time < $deadline) {
    sleep 0.05;

    if (time > $kill && (my @workers = $t->workers)) {
        $kills += kill 'KILL', $workers[ rand @workers ];
        $kill = time + 0.2 + rand 0.6;
    }

    if (time > $reload) {

        # each second time of another size

        $size = $size == 8 ? 12 : 8 if $reloads++ % 2;

        $t->zone("${size}m", $every);
        kill 'HUP', $t->pid;
        $reload = time + 1 + rand 2;
    }
}

my %n = (read => 0, lost => 0, wrong => 0);

for my $client (@clients) {
    my ($pid, $out) = @$client;
    my $said = json(do { local $/; <$out> });

    waitpid $pid, 0;
    $n{$_} += $said->{$_} for keys %n;
}

# quiet: what is left is what is live

ok($t->zone("${size}m")->reload(wait => 1), 'it still reloads');

my $read = $t->ask('read');
my $sets = keys %{ $read->{sets} };
my $stat;

ok(wait_for(sub { $stat = $t->ask('stat'); $stat->{catalogs} == 1 }),
    'one catalog remains');
is($stat->{images}, $sets, 'with its images');
is($read->{bad}, 0, 'which are whole');
is($n{wrong}, 0, 'no answer was wrong');
cmp_ok($n{read}, '>', 100, 'many were read');
cmp_ok($stat->{revision}, '>', $seconds * 5, 'much was published');
is($stat->{revision}, $read->{revision}, 'the newest of it is served');

diag("$n{read} reads, $n{wrong} wrong, $n{lost} lost with their worker; "
    . "$stat->{revision} publications, $kills kills, $reloads reloads");

done_testing;
