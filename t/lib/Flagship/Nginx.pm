package Flagship::Nginx;

# The life of one nginx under test: started, reloaded, stopped, and looked
# over at its end.  Flagship::Test adds configuration and requests.

use strict;
use warnings;

use Carp qw(croak);
use IO::Socket::IP ();
use IO::Socket::UNIX ();
use POSIX qw(:sys_wait_h);
use Test::More ();

use Flagship::Process qw(children_of members_of title_of until_true);

our $sanitize = $ENV{FLAGSHIP_SANITIZE};
our $patience = $sanitize ? 60 : 20;


sub run {
    my ($self) = @_;

    croak 'it runs already' if $self->{pid};

    $self->write_folder('sanitizer') if $sanitize;

    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        setpgrp 0, 0;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/stderr.log";
        open STDERR, '>&', \*STDOUT;
        $self->execute;
    }

    $self->{pid} = $self->{group} = $pid;

    my $conf = $self->read_file('nginx.conf') =~ s/^\s*#.*$//mgr;
    my @listen = _listeners($conf);
    my $single = $conf =~ /\bmaster_process\s+off\b/;
    my $left;

    my $is = until_true($patience, sub {
        $left ||= waitpid($pid, WNOHANG) == $pid;

        if ($self->read_file('nginx.pid') !~ /\A(\d+)\n\z/) {
            return $left && 'gone';
        }

        # with `daemon on` the process that we started has left its place
        $self->{pid} = $1;
        return 'gone' if !kill 0, $1;

        # until that one has ended, nginx ignores USR2: it takes it for the
        # master of an upgrade
        return 0 if $1 != $pid && !$left;

        return 0 if !$single && !$self->_settled;

        return (grep { !_answers($_) } @listen) ? 0 : 'up';
    });

    if (!$is || $is ne 'up') {
        my $said = $self->log . $self->read_file('stderr.log');
        $self->_kill;
        croak "nginx did not start:\n$said";
    }

    $self->{group} = getpgrp $self->{pid};

    return $self;
}


# True when only new workers serve and, with wait => 1, the old ones have
# left; false when nginx refused the configuration.

sub reload {
    my ($self, %o) = @_;

    my %old = map { $_ => 1 } $self->processes;
    my $refusals = $self->lines(qr/\[emerg\]/);

    kill 'HUP', $self->{pid} or croak "no nginx to reload: $!";

    my $is = until_true($patience, sub {
        return 'refused' if $self->lines(qr/\[emerg\]/) > $refusals;

        my @serving = $self->workers;
        return 0 if !$self->_settled || !@serving || grep { $old{$_} } @serving;
        return 'fresh' if !$o{wait};

        return (grep { $old{$_} } $self->processes) ? 0 : 'fresh';
    }) or croak "nginx did not reload:\n" . $self->log;

    return $is eq 'fresh';
}


# Pids of the workers that serve; of all processes but the master

sub workers {
    my ($self) = @_;

    return grep { title_of($_) eq 'nginx: worker process' } $self->processes;
}


sub processes {
    my ($self) = @_;

    return $self->{pid} ? children_of($self->{pid}) : ();
}


# Stops by the signal (QUIT: gracefully); who is late is noted for the checks

sub stop {
    my ($self, $signal) = @_;

    my $pid = $self->{pid} or return $self;

    kill $signal // 'QUIT', $pid;

    until_true($patience, sub { waitpid $pid, WNOHANG; !kill 0, $pid })
        or push @{ $self->{late} }, "nginx $pid did not stop in time";

    push @{ $self->{late} }, map { "process $_ was left: " . title_of($_) }
        grep { $_ != $pid } members_of($self->{group});

    $self->_kill;

    return $self;
}


sub check {
    my ($self) = @_;

    return if $self->{checked}++ || !-f "$self->{dir}/nginx.conf";

    $self->stop;

    my @lines = split /\n/, $self->log . $self->read_file('stderr.log')
        . $self->_reports;

    my %bad = (
        'no alert, crit or emerg is logged'
            => qr/\[(?:alert|crit|emerg)\]/,
        'no process was lost'
            => qr/exited on signal|exited with (?:fatal )?code [1-9]/,
        'no sanitizer has anything to report'
            => qr/Sanitizer|runtime error:/,
        'no socket and no error is left behind'
            => qr/open socket #|stale global SSL error/,
    );

    for my $name (sort keys %bad) {
        my @found = grep { $_ =~ $bad{$name} } @lines;

        for my $allowed (@{ $self->{allow} }) {
            @found = grep { $_ !~ $allowed } @found;
        }

        Test::More::ok(!@found, "nginx: $name")
            or Test::More::diag(join "\n", splice @found, 0, 20);
    }

    if (my $reports = $self->_reports) {
        Test::More::diag($reports);
    }

    my @late = @{ $self->{late} // [] };

    Test::More::ok(!@late, 'nginx: all processes left in time')
        or Test::More::diag(join "\n", @late);
}


# What the sanitizers have written, without what nginx itself leaks: a leak is
# ours where our module is among its callers

sub _reports {
    my ($self) = @_;

    my $text = '';

    for my $file (glob "$self->{dir}/sanitizer/*") {
        my $report = $self->read_file($file =~ s{.*/sanitizer/}{sanitizer/}r);

        my @leaks = $report =~ /^((?:Dir|Indir)ect leak of.*?\n)\n/msg;

        if (@leaks) {
            @leaks = grep { /flagship|unknown module/ } @leaks;
            $report = @leaks ? join "\n", 'LeakSanitizer:', @leaks : '';
        }

        $text .= $report;
    }

    return $text;
}


# Becomes nginx; the sanitizers' runtimes go before Debian's binary

sub execute {
    my ($self, @args) = @_;

    if ($sanitize) {
        $ENV{LD_PRELOAD} = join ' ',
            map { `gcc -print-file-name=$_` =~ s/\n//r }
            qw(libasan.so libubsan.so);

        # a file a process; whole stacks, for whose leak it is stands deep in
        # them; leaks of nginx's own must not look like a worker's failure
        my $common = "log_path=$self->{dir}/sanitizer/report";

        $ENV{ASAN_OPTIONS} = "$common:detect_leaks=1:detect_odr_violation=0"
            . ':fast_unwind_on_malloc=0:malloc_context_size=50:exitcode=0';
        $ENV{UBSAN_OPTIONS} = "$common:print_stacktrace=1";
    }

    exec $self->{binary}, '-p', $self->{dir}, '-c', 'nginx.conf',
        '-e', 'error.log', @args or POSIX::_exit(127);
}


# All processes are there and have finished starting: until then they bear their
# parent's title

sub _settled {
    my ($self) = @_;

    my ($n) = $self->read_file('nginx.conf') =~ /^\s*worker_processes\s+(\d+)/m;
    my @titles = map { title_of($_) } $self->processes;

    return 0 if grep { $_ eq '' || /\Anginx: master/ } @titles;

    return ($n // 1) <= grep { $_ eq 'nginx: worker process' } @titles;
}


# Where the configuration listens, as far as a client on this host can tell

sub _listeners {
    my ($conf) = @_;

    my %seen;

    return grep { !$seen{$_}++ }
        map { s/\A(?:0\.0\.0\.0|\*):|\A(?=\d+\z)/127.0.0.1:/r }
        $conf =~ /\blisten\s+([^\s;]+)/g;
}


sub _answers {
    my ($address) = @_;

    return $address =~ /\Aunix:(.*)/
        ? IO::Socket::UNIX->new(Peer => $1)
        : IO::Socket::IP->new(PeerAddr => $address, Timeout => 5);
}


sub _kill {
    my ($self) = @_;

    my $pid = delete $self->{pid} or return;

    kill 'KILL', -$self->{group};
    kill 'KILL', $pid;
    waitpid $pid, 0;
    unlink "$self->{dir}/nginx.pid";
}


1;
