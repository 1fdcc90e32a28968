package Flagship::Bench::Nginx;

# One nginx for a bench: started on a free port, pinned, asked, measured and
# stopped.

use strict;
use warnings;

use IO::Socket::INET;
use Time::HiRes qw(sleep time);

use Flagship::Port qw(free_port);
use Flagship::Process qw(children_of title_of);

my $count = 0;
my %running;


# Options: http (text inside http {}), server (text inside server {}), modules
# (list of paths), workers, pin ("tested", "load" or "none").

sub start {
    my ($class, $bench, $name, %options) = @_;

    my $port = free_port();
    my $prefix = "$bench->{dir}/" . ++$count . "-$name";

    my $self = bless {
        bench  => $bench,
        name   => $name,
        port   => $port,
        prefix => $prefix,
        owner  => $$,
    }, $class;

    mkdir $prefix or die "mkdir $prefix: $!";

    my $modules = join '', map { "load_module $_;\n" }
        @{ $options{modules} // [] };
    my $temp = join '', map { "    ${_}_temp_path $prefix/$_;\n" }
        qw(client_body proxy fastcgi uwsgi scgi);
    my $workers = $options{workers} // 1;
    my $listen = $workers > 1 ? 'reuseport' : '';

    write_file("$prefix/nginx.conf", <<"CONF");
$modules
worker_processes $workers;
pid $prefix/pid;
error_log $prefix/error.log;
events {
    worker_connections 1024;
}
http {
$temp
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
@{[ $options{http} // '' ]}
    server {
        listen 127.0.0.1:$port $listen;
@{[ $options{server} // '' ]}
    }
}
CONF

    my @pin = $bench->pin($options{pin} // 'load');
    my $pid = fork() // die "fork: $!";

    if ($pid == 0) {
        open STDERR, '>>', "$prefix/stderr";
        exec @pin, nginx(), '-p', $prefix, '-c', "$prefix/nginx.conf",
            '-e', "$prefix/error.log", '-g', 'daemon off;';
        exit 127;
    }

    $self->{master} = $pid;
    $running{$pid} = $self;

    my $deadline = time + 20;

    while (1) {
        last if $self->workers >= $workers && $self->connect;
        $self->broken if waitpid($pid, 1) == $pid || time > $deadline;
        sleep 0.002;
    }

    return $self;
}


sub nginx { return $ENV{FLAGSHIP_TEST_NGINX} // '/usr/sbin/nginx' }


sub broken {
    my ($self) = @_;

    die "nginx \"$self->{name}\" does not start:\n"
        . join '', map { read_file("$self->{prefix}/$_") } qw(stderr error.log);
}


sub connect {
    my ($self) = @_;

    return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
                                 PeerPort => $self->{port});
}


# The workers: children of the master whose title says so.

sub workers {
    my ($self) = @_;

    return grep { title_of($_) eq 'nginx: worker process' }
        children_of($self->{master});
}


# Nanoseconds on a processor so far, of all the workers' threads.

sub cpu {
    my ($self) = @_;

    my $sum = 0;

    for my $pid ($self->workers) {
        $sum += (split ' ', read_file($_))[0] // 0
            for glob "/proc/$pid/task/*/schedstat";
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


# One request on a connection of its own (or a given one, kept alive): status
# and body.

sub get {
    my ($self, $path, %options) = @_;

    my $socket = $options{socket} // $self->connect // die "connect: $!";
    my $kept = $options{socket} ? 'keep-alive' : 'close';
    my $headers = join '', map { "$_: $options{headers}{$_}\r\n" }
        sort keys %{ $options{headers} // {} };

    print $socket "GET $path HTTP/1.1\r\nHost: localhost\r\n"
        . "Connection: $kept\r\n$headers\r\n";

    my ($head, $length) = ('', 0);

    while (defined(my $line = <$socket>)) {
        last if $line eq "\r\n";
        $head .= $line;
    }

    my ($status) = $head =~ m{^HTTP/1\.1 (\d+)};
    ($length) = $head =~ /^Content-Length: (\d+)/mi;
    read $socket, my $body, $length // 0;

    return wantarray ? ($status, $body, $head) : $body;
}


# Loads the server with wrk.  Returns requests, seconds, cpu (ns of the
# workers), p50 and p99 (us); dies unless every answer was a good one.  On a
# machine that is so busy that none came at all, it tries again.

sub load {
    my ($self, $path, %options) = @_;

    my $got;

    for (1 .. 5) {
        $got = $self->load_once($path, %options);
        return $got if $got->{requests};
    }

    die "nginx \"$self->{name}\" did not answer in time\n";
}


sub load_once {
    my ($self, $path, %options) = @_;

    my $bench = $self->{bench};
    my $seconds = $options{seconds} // $bench->{seconds};
    my $connections = $options{connections} // 16;
    my @command = ($bench->pin('load'), 'wrk', '-t', 1, '-c', $connections,
        '-d', "${seconds}s", '-s', "$bench->{top}/t/bench/requests.lua",
        "http://127.0.0.1:$self->{port}$path");

    my $before = $self->cpu;

    open my $wrk, '-|', @command or die "wrk: $!";
    my $out = do { local $/; <$wrk> };
    close $wrk or die "wrk failed:\n$out";

    my $cpu = $self->cpu - $before;

    my %got = $out =~ /^(\w+)=(\d+)$/mg;

    if (!defined $got{requests} || $got{errors}) {
        die "nginx \"$self->{name}\" answered wrongly:\n$out"
            . read_file("$self->{prefix}/error.log");
    }

    return {
        requests => $got{requests},
        seconds  => $got{duration} / 1e6,
        cpu      => $cpu,
        p50      => $got{p50},
        p99      => $got{p99},
    };
}


# Where the configuration has a /ready.

sub until_ready {
    my ($self) = @_;

    my $deadline = time + 60;

    while (($self->get('/ready'))[0] != 200) {
        die "nginx \"$self->{name}\" is not ready:\n" . $self->log_text
            if time > $deadline;
        sleep 0.005;
    }
}


sub log_text {
    my ($self) = @_;

    return read_file("$self->{prefix}/error.log");
}


sub stop {
    my ($self) = @_;

    my $pid = delete $self->{master} or return;

    delete $running{$pid};
    kill 'QUIT', $pid;

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
