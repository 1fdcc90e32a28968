package Flagship::Bench::Server;

# A server for a bench, one of those beside this file: asked, loaded, measured
# and stopped.  It is a hash of bench, name, port, prefix (its folder), master
# (its first process) and owner (the process that started it), and says which
# processes answer (workers) and what tells it to stop (quit).

use strict;
use warnings;

use Exporter qw(import);
use IO::Socket::INET;
use Scalar::Util qw(weaken);
use Time::HiRes qw(clock_gettime sleep time);

use Flagship::Port qw(free_port);

our @EXPORT_OK = qw(read_file write_file);

my $count = 0;
my %running;    # by its first process, none kept alive by being here


# One that is yet to run, with a port and a folder that are free.

sub new {
    my ($class, $bench, $name) = @_;

    my $prefix = "$bench->{dir}/" . ++$count . "-$name";
    mkdir $prefix or die "mkdir $prefix: $!";

    return bless {
        bench  => $bench,
        name   => $name,
        port   => free_port(),
        prefix => $prefix,
    }, $class;
}


# Runs the command and waits until its workers are there and one answers.

sub run {
    my ($self, $workers, @command) = @_;

    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDOUT, '>>', "$self->{prefix}/stderr";
        open STDERR, '>&', \*STDOUT;
        exec @command;
        exit 127;
    }

    $self->{master} = $pid;
    $self->{owner} = $$;
    weaken($running{$pid} = $self);

    my $deadline = time + 60;

    while (1) {
        last if $self->workers >= $workers && $self->connect;
        $self->broken if waitpid($pid, 1) == $pid || time > $deadline;
        sleep 0.002;
    }

    return $self;
}


sub broken {
    my ($self) = @_;

    die "\"$self->{name}\" does not start:\n" . $self->log_text;
}


sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port});
}


# Nanoseconds on a processor so far, of all the workers' threads, those that
# have ended too: a process's clock, whose number clock_getcpuclockid() makes.

sub cpu {
    my ($self) = @_;

    my $sum = 0;

    for my $pid ($self->workers) {
        my $seconds = clock_gettime(-8 * ($pid + 1) + 2);

        die "worker $pid is gone\n" if $seconds < 0;
        $sum += 1e9 * $seconds;
    }

    return $sum;
}


# Bytes: resident, and resident in this process alone.

sub memory {
    my ($self, $pid) = @_;

    my %kb = read_file("/proc/$pid/smaps_rollup") =~ /^(\w+):\s+(\d+) kB/mg;

    return { rss => 1024 * $kb{Rss},
             private => 1024 * ($kb{Private_Clean} + $kb{Private_Dirty}) };
}


# One request on a connection of its own (or a given one, kept alive), with a
# body where one is given: status, body and head of the answer, or its body.

sub get { my ($self, @what) = @_; return $self->ask('GET', @what) }


sub ask {
    my ($self, $method, $path, %options) = @_;

    my $socket = $options{socket} // $self->connect // die "connect: $!";
    my $body = $options{body};
    my %headers = (
        'Connection' => $options{socket} ? 'keep-alive' : 'close',
        defined $body ? ('Content-Type'   => 'application/json',
                         'Content-Length' => length $body) : (),
        %{ $options{headers} // {} },
    );

    print $socket "$method $path HTTP/1.1\r\nHost: localhost\r\n",
        (map { "$_: $headers{$_}\r\n" } sort keys %headers), "\r\n",
        $body // '';

    my $head = '';

    while (defined(my $line = <$socket>)) {
        last if $line eq "\r\n";
        $head .= $line;
    }

    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    my $answer = $head =~ /^Transfer-Encoding: chunked/mi
        ? chunks($socket)
        : bytes($socket, ($head =~ /^Content-Length: (\d+)/mi)[0] // 0);

    return wantarray ? ($status, $answer, $head) : $answer;
}


sub bytes {
    my ($socket, $length) = @_;

    read $socket, (my $bytes), $length;

    return $bytes;
}


sub chunks {
    my ($socket) = @_;

    my $all = '';

    while (defined(my $line = <$socket>)) {
        my $chunk = bytes($socket, hex(($line =~ /(\w+)/)[0]));

        <$socket>;
        return $all if $chunk eq '';
        $all .= $chunk;
    }

    return $all;
}


# Loads the server with wrk: one of the scripts beside run, with what that is to
# be told.  Returns requests, seconds, cpu (ns of the workers), p50 and p99
# (us); dies unless every answer was a good one.  On a machine that is so busy
# that none came at all, it tries again.

sub load {
    my ($self, $path, %options) = @_;

    my $got;

    for (1 .. 5) {
        $got = $self->load_once($path, %options);
        return $got if $got->{requests};
    }

    die "\"$self->{name}\" did not answer in time\n";
}


sub load_once {
    my ($self, $path, %options) = @_;

    my $bench = $self->{bench};
    my $seconds = $options{seconds} // $bench->{seconds};
    my $connections = $options{connections} // 16;
    my @command = ($bench->pin('load'), 'wrk', '-t', 1, '-c', $connections,
        '-d', "${seconds}s", '--timeout', '60s',
        '-s', "$bench->{top}/t/bench/" . ($options{script} // 'requests.lua'),
        "http://127.0.0.1:$self->{port}$path", '--',
        @{ $options{arguments} // [] });

    my $before = $self->cpu;

    open my $wrk, '-|', @command or die "wrk: $!";
    my $out = do { local $/; <$wrk> };
    close $wrk or die "wrk failed:\n$out";

    my $cpu = $self->cpu - $before;

    my %got = $out =~ /^(\w+)=(\d+)$/mg;

    if (!defined $got{requests} || $got{errors}) {
        die "\"$self->{name}\" answered wrongly:\n$out" . $self->log_text;
    }

    return {
        requests => $got{requests},
        seconds  => $got{duration} / 1e6,
        cpu      => $cpu,
        p50      => $got{p50},
        p99      => $got{p99},
    };
}


# Where it has a /ready.

sub until_ready {
    my ($self) = @_;

    my $deadline = time + 60;

    while (($self->get('/ready'))[0] != 200) {
        die "\"$self->{name}\" is not ready:\n" . $self->log_text
            if time > $deadline;
        sleep 0.005;
    }
}


sub log_text {
    my ($self) = @_;

    return join '', map { read_file("$self->{prefix}/$_") }
        qw(stderr error.log);
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{master} or return;

    delete $running{$pid};
    kill $self->quit, $pid;

    my $deadline = time + 10;

    while (waitpid($pid, 1) == 0) {
        if (time > $deadline) {
            kill 'TERM', $pid;
            $deadline = time + 10;
        }

        sleep 0.02;
    }
}


sub DESTROY {
    my ($self) = @_;

    $self->stop if $self->{owner} == $$;
}


# Whatever way the bench ends.
END {
    for my $self (values %running) {
        $self->stop if $self->{owner} == $$;
    }
}


sub read_file {
    my ($path) = @_;

    open my $fh, '<', $path or return '';
    local $/;
    return <$fh> // '';
}


sub write_file {
    my ($path, $text) = @_;

    # renamed over, so that nobody reads half of it
    open my $fh, '>', "$path.new" or die "$path.new: $!";
    print $fh $text;
    close $fh or die "$path.new: $!";
    rename "$path.new", $path or die "$path: $!";
}


1;
