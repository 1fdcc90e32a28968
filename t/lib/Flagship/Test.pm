package Flagship::Test;

# Drives a real nginx with the module, and watches it.
#
#   use Flagship::Test;                      # brings Test::More too
#
#   my $t = Flagship::Test->new;
#   $t->config(<<'EOT')->run;
#   %%GLOBALS%%
#   events {}
#   http {
#       %%HTTP%%
#       flagship_zone 8m;
#       server { listen 127.0.0.1:%%PORT%%; ... }
#   }
#   EOT
#   is($t->get('/', 'X-A' => 1)->status, 200, 'a sentence');
#   done_testing;
#
# Tokens: %%GLOBALS%% (load_module, pid, error_log, user, daemon off, ...),
# %%HTTP%% (temporary paths, access_log), %%DIR%%, %%MODULE%%, %%MODULES%%
# (Debian's folder of modules), %%PORT%% or %%PORT0%% %%PORT1%% ... (free
# ports, the same number each time), %%USER%% (of the workers), %%NAME%% for
# each pair of set(NAME => value).
#
# done_testing stops what runs and adds the checks of every test: no alert,
# crit or emerg in the log, no sanitizer report, no worker lost, no open
# socket left, all processes gone in time.  allow(qr/.../) excuses lines.
#
# Environment: FLAGSHIP_MODULE (default build/ngx_http_flagship_module.so),
# FLAGSHIP_SANITIZE=1 (it was built with sanitizers), FLAGSHIP_TEST_LEAVE=1
# (keep the folders), FLAGSHIP_TEST_LOG=debug, FLAGSHIP_TEST_NGINX=binary.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter ();
use File::Basename qw(dirname);
use File::Path qw(make_path);
use File::Temp ();
use JSON::PP ();
use Test::More ();

use Flagship::HTTP;
use Flagship::Port qw(free_port);
use Flagship::Process qw(until_true);

use parent qw(Flagship::Nginx);

my @more = grep { $_ ne 'done_testing' } @Test::More::EXPORT;

our @EXPORT = (@more, qw(done_testing wait_for json));

our $top = abs_path(dirname(__FILE__) . '/../../..');

my $patience = $Flagship::Nginx::patience;
my @all;

# the names that a test file gets are in our package too
Test::More->import(import => \@more);

$SIG{PIPE} = 'IGNORE';

# so that END has its say
$SIG{$_} = sub { exit 1 } for qw(INT TERM);


sub import {
    strict->import;
    warnings->import;
    goto &Exporter::import;
}


# workers => N, user => name of the workers' user where we are root

sub new {
    my ($class, %o) = @_;

    my $self = bless {
        top     => $top,
        dir     => _folder(),
        user    => $o{user} // 'www-data',
        workers => $o{workers} // 1,
        binary  => $ENV{FLAGSHIP_TEST_NGINX} // '/usr/sbin/nginx',
        module  => abs_path($ENV{FLAGSHIP_MODULE}
            // "$top/build/ngx_http_flagship_module.so"),
        ports   => [],
        tokens  => {},
        allow   => [],
        owner   => $$,
    }, $class;

    push @all, $self;

    return $self;
}


sub dir    { $_[0]{dir} }
sub pid    { $_[0]{pid} }
sub user   { $> == 0 ? $_[0]{user} : scalar getpwuid $> }
sub port   { $_[0]{ports}[ $_[1] // 0 ] //= free_port() }
sub log    { $_[0]->read_file('error.log') }


# Excuses lines of the log from the checks at the end

sub allow {
    my ($self, @matches) = @_;

    push @{ $self->{allow} }, @matches;

    return $self;
}


# Runs the sub before it is stopped and checked

sub at_end {
    my ($self, $sub) = @_;

    push @{ $self->{at_end} }, $sub;

    return $self;
}


# Tokens of one's own

sub set {
    my ($self, %o) = @_;

    $self->{tokens} = { %{ $self->{tokens} }, %o };

    return $self;
}


# Lines of the error log that match

sub lines {
    my ($self, $match) = @_;

    return grep { $_ =~ $match } split /\n/, $self->log;
}


sub read_file {
    my ($self, $name) = @_;

    open my $fh, '<', "$self->{dir}/$name" or return '';
    local $/;

    return <$fh> // '';
}


# By a rename, as a careful writer would: no reader sees half of it

sub write_file {
    my ($self, $name, $text, $mode) = @_;

    my $path = "$self->{dir}/$name";
    my $folder = dirname($path);

    make_path($folder) unless -d $folder;

    open my $fh, '>', "$path.new" or croak "cannot write $path: $!";
    print {$fh} $text;
    close $fh or croak "cannot write $path: $!";

    chmod $mode // 0644, "$path.new";
    rename "$path.new", $path or croak "cannot rename to $path: $!";

    return $path;
}


# A folder that the workers may write to

sub write_folder {
    my ($self, $name) = @_;

    my $path = "$self->{dir}/$name";
    make_path($path);

    if ($> == 0) {
        my ($uid, $gid) = (getpwnam $self->{user})[2, 3];
        chown $uid, $gid, $path;
    }

    return $path;
}


sub expand {
    my ($self, $text) = @_;

    my %fixed = (
        GLOBALS => sub { $self->_globals },
        HTTP    => sub { $self->_http },
        DIR     => sub { $self->{dir} },
        MODULE  => sub { $self->{module} },
        MODULES => sub { '/usr/lib/nginx/modules' },
        USER    => sub { $self->user },
    );

    $text =~ s{%%([A-Z][A-Z0-9_]*)%%}{
        my $name = $1;
        exists $self->{tokens}{$name} ? $self->{tokens}{$name}
            : $fixed{$name} ? $fixed{$name}->()
            : $name =~ /\APORT(\d*)\z/ ? $self->port($1 || 0)
            : croak "unknown token %%$name%%"
    }gex;

    return $text;
}


sub config {
    my ($self, $text) = @_;

    $self->write_file('nginx.conf', $self->expand($text));

    return $self;
}


# What `nginx -t` says, and whether it accepted the configuration

sub test_config {
    my ($self) = @_;

    my $pid = open(my $fh, '-|') // croak "cannot fork: $!";

    if ($pid == 0) {
        open STDERR, '>&', \*STDOUT;
        $self->execute('-t');
    }

    my $said = do { local $/; <$fh> // '' };
    close $fh;

    return wantarray ? ($said, $? == 0) : $said;
}


# One request on a connection of its own; options as Flagship::HTTP's

sub http {
    my ($self, $method, $uri, %o) = @_;

    my $c = $self->connect(%o);
    my @headers = @{ $o{headers} // [] };

    push @headers, Connection => 'close' unless ($o{version} // '') eq '1.0';

    $c->request($method, $uri, %o, headers => \@headers);

    return $c->response // croak "no answer to $method $uri";
}


sub get {
    my ($self, $uri, @headers) = @_;

    return $self->http('GET', $uri, headers => \@headers);
}


sub connect {
    my ($self, %o) = @_;

    return Flagship::HTTP->connect(
        port => $self->port, timeout => $patience,
        map { $_ => $o{$_} } grep { exists $o{$_} }
            qw(port unix address timeout host),
    );
}


# What curl prints, for what the raw client does not speak (HTTP/2, TLS)

sub curl {
    my ($self, @args) = @_;

    open my $fh, '-|', 'curl', '-sS', '--max-time', $patience, @args
        or croak "no curl: $!";
    local $/;

    return <$fh> // '';
}


# Waits until the sub returns true and returns that; false when it is late

sub wait_for {
    shift if ref $_[0] ne 'CODE';
    my ($condition, $timeout) = @_;

    return until_true($timeout // $patience, $condition);
}


sub json {
    return JSON::PP->new->utf8->allow_nonref->canonical->decode($_[-1]);
}


sub done_testing {
    $_->() for map { @{ $_->{at_end} // [] } } @all;
    $_->check for @all;
    Test::More::done_testing();
}


sub _globals {
    my ($self) = @_;

    my $level = $ENV{FLAGSHIP_TEST_LOG} // 'info';

    my @lines = (
        "load_module $self->{module};",
        'daemon off;',
        "pid $self->{dir}/nginx.pid;",
        "error_log $self->{dir}/error.log $level;",
        "worker_processes $self->{workers};",
    );

    push @lines, "user $self->{user};" if $> == 0;

    push @lines, map { "env $_;" }
        qw(LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS)
            if $Flagship::Nginx::sanitize;

    return join "\n", @lines;
}


sub _http {
    my ($self) = @_;

    return join "\n", "access_log $self->{dir}/access.log;",
        map { "${_}_temp_path $self->{dir}/temp_$_;" }
            qw(client_body proxy fastcgi uwsgi scgi);
}


# Under the temporary folder, open to the workers' user

sub _folder {
    my $dir = File::Temp->newdir('flagship-test-XXXXXXXX', TMPDIR => 1,
        CLEANUP => !$ENV{FLAGSHIP_TEST_LEAVE});

    chmod 0755, $dir;
    Test::More::diag("kept: $dir") if $ENV{FLAGSHIP_TEST_LEAVE};

    return $dir;
}


END {
    my $status = $?;

    for my $self (grep { $_->{owner} == $$ } @all) {
        $self->_kill;
    }

    @all = ();
    $? = $status;
}


1;
