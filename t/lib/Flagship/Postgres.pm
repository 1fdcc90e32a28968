package Flagship::Postgres;

# A PostgreSQL of the test's own: it may be stopped, killed and frozen
# without anybody else noticing.
#
#   my $pg = Flagship::Postgres->new;               # schema deployed
#   my $pg = Flagship::Postgres->new(deploy => 0);  # an empty database
#   my $pg = Flagship::Postgres->new(conf => { max_connections => 10 });
#
#   $pg->sql('UPDATE ...');         # dies when SQL fails; returns the text
#   my @rows = $pg->rows('SELECT ...');             # arrays of columns
#   my $s = $pg->session;           # a psql that stays: $s->sql('BEGIN')
#   $pg->create('other', deployed => 1);            # one more database
#   $pg->conninfo;  $pg->conninfo(user => 'x', tcp => 1);
#   $pg->notify('flagship', 7);
#   $pg->stop; $pg->start; $pg->kill; $pg->freeze; $pg->thaw;
#   my $standby = $pg->standby;     # follows it, until $standby->promote
#
# initdb and sqitch run once for a state of sql/ and leave a folder of files
# under build/; each test starts from a copy.  As root the server runs as an
# unprivileged user.  Access is by trust, over a socket in a folder of ours
# and a loopback port.

use strict;
use warnings;

use Carp qw(croak);
use Cwd qw(abs_path);
use Digest::SHA ();
use Fcntl qw(:flock);
use File::Basename qw(dirname);
use File::Temp ();
use POSIX qw(WUNTRACED);
use Time::HiRes qw(sleep time);

use Flagship::Port qw(free_port);
use Flagship::Process qw(children_of group_of until_true);
use Flagship::Postgres::Session;

my $top = abs_path(dirname(__FILE__) . '/../../..');
my $bin = _binaries();
my $user = $> == 0 ? _unprivileged() : undef;
my $database = 'flagship';
my $pristine = 'flagship_pristine';
my @all;

# so that END has its say
$SIG{$_} = sub { exit 1 } for qw(INT TERM);


sub new {
    my ($class, %o) = @_;

    my $self = _bare($class, conf => $o{conf});

    _run('cp', '-a', _template() . '/.', "$self->{dir}/data");
    _run('chown', '-R', "$user:", "$self->{dir}/data") if defined $user;

    $self->start;
    $self->create($database, deployed => $o{deploy} // 1);

    return $self;
}


sub _bare {
    my ($class, %o) = @_;

    my $dir = File::Temp->newdir('flagship-pg-XXXXXXXX', TMPDIR => 1);
    chmod 0755, $dir;

    mkdir "$dir/$_" or croak "cannot make $dir/$_: $!" for qw(data socket);
    chmod 0700, "$dir/data";
    chmod 0755, "$dir/socket";
    _run('chown', "$user:", "$dir/data", "$dir/socket") if defined $user;

    my $self = bless {
        dir      => $dir,
        port     => free_port(),
        database => $database,
        conf     => $o{conf} // {},
        owner    => $$,
    }, $class;

    push @all, $self;

    return $self;
}


sub dir      { $_[0]{dir} }
sub port     { $_[0]{port} }
sub socket   { "$_[0]{dir}/socket" }
sub database { $_[0]{database} }
sub pid      { $_[0]{pid} }
sub bin      { $bin }


# For flagship_postgres, psql and the like; user, dbname, tcp => 1, and any
# other parameter of libpq

sub conninfo {
    my ($self, %o) = @_;

    my %p = (
        user   => 'postgres',
        dbname => $self->{database},
        port   => $self->{port},
        delete $o{tcp}
            ? (host => '127.0.0.1')
            : (host => $self->socket),
        %o,
    );

    return join ' ', map { "$_=$p{$_}" } sort keys %p;
}


sub start {
    my ($self) = @_;

    # what was committed outlives a kill: only the machine's end would take it
    my %conf = (
        listen_addresses        => "'127.0.0.1'",
        port                    => $self->{port},
        unix_socket_directories => "'" . $self->socket . "'",
        fsync                   => 'off',
        full_page_writes        => 'off',
        shared_buffers          => '16MB',
        max_wal_size            => '64MB',
        autovacuum              => 'off',
        timezone                => "'UTC'",
        log_min_messages        => 'warning',
        %{ $self->{conf} },
    );

    open my $fh, '>', "$self->{dir}/test.conf" or croak "cannot write: $!";
    print {$fh} map { "$_ = $conf{$_}\n" } sort keys %conf;
    close $fh;

    my $pid = fork // croak "cannot fork: $!";

    if ($pid == 0) {
        setpgrp 0, 0;
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$self->{dir}/log";
        open STDERR, '>&', \*STDOUT;

        exec _as(), "$bin/postgres", '-D', "$self->{dir}/data",
            '-c', "config_file=$self->{dir}/test.conf",
            '-c', "hba_file=$self->{dir}/data/pg_hba.conf"
                or POSIX::_exit(127);
    }

    $self->{pid} = $pid;

    until_true(60, sub {
        croak 'PostgreSQL did not start: ' . $self->log
            if waitpid($pid, 1) == $pid;

        return system("$bin/pg_isready", '-q', '-h', $self->socket,
            '-p', $self->{port}) == 0;
    }) or croak 'PostgreSQL did not start: ' . $self->log;

    return $self;
}


# fast: sessions are cut; smart: they are waited for; immediate: as a crash

sub stop {
    my ($self, $how) = @_;

    my $pid = delete $self->{pid} or return $self;
    my %signal = (smart => 'TERM', fast => 'INT', immediate => 'QUIT');

    kill $signal{ $how // 'fast' }, $pid;
    waitpid $pid, 0;

    return $self;
}


# One more server, which follows this one

sub standby {
    my ($self) = @_;

    my $other = _bare(ref $self, conf => $self->{conf});

    _run(_as(), "$bin/pg_basebackup", '-D', "$other->{dir}/data", '-R',
        '-X', 'stream', '-c', 'fast', '-d', $self->conninfo(dbname => 'postgres'));

    return $other->start;
}


sub promote {
    my ($self) = @_;

    $self->sql('SELECT pg_promote()');

    return $self;
}


sub restart {
    my ($self, $how) = @_;

    return $self->stop($how)->start;
}


# SIGKILL to all of it, as when the machine dies

sub kill {
    my ($self) = @_;

    my $pid = $self->{pid} or return $self;

    # a stopped server starts no backend that would be missed below
    CORE::kill 'STOP', $pid;
    waitpid $pid, WUNTRACED;

    my @backends = $self->backends;

    delete $self->{pid};
    CORE::kill 'KILL', $pid, @backends;
    waitpid $pid, 0;

    # a next server refuses to start beside a backend that still dies
    until_true(20, sub { !grep { group_of($_) } @backends });

    return $self;
}


# Nobody answers, nothing is refused: connections and queries just hang

sub freeze {
    my ($self) = @_;

    CORE::kill 'STOP', $self->{pid}, $self->backends;

    return $self;
}


sub thaw {
    my ($self) = @_;

    CORE::kill 'CONT', $self->{pid}, $self->backends;

    return $self;
}


# Processes of the server but the first

sub backends {
    my ($self) = @_;

    return $self->{pid} ? children_of($self->{pid}) : ();
}


sub log {
    my ($self) = @_;

    open my $fh, '<', "$self->{dir}/log" or return '';
    local $/;

    return <$fh> // '';
}


# deployed => 1: with the schema as sql/ deploys it

sub create {
    my ($self, $name, %o) = @_;

    my $from = $o{deployed} ? $pristine : 'template0';

    $self->sql("CREATE DATABASE \"$name\" TEMPLATE \"$from\"",
        dbname => 'postgres');

    # a copied sequence believes that the log has its next values, which a
    # killed server would then give once more
    $self->sql('CHECKPOINT');

    return $self;
}


# The output without decoration; dies with psql's words where it failed.
# fails => 1 turns that round: returns the error, dies where there is none.

sub sql {
    my ($self, $sql, %o) = @_;

    my $fails = delete $o{fails};
    my $session = $self->session(%o);
    my $text = eval { $session->sql($sql) };
    my $error = $@;

    $session->close;

    if ($fails) {
        croak "no error from: $sql" unless $error;
        return $error;
    }

    croak $error if $error;

    return $text;
}


sub rows {
    my ($self, $sql, %o) = @_;

    return map { [ split /\t/, $_, -1 ] } split /\n/, $self->sql($sql, %o);
}


sub session {
    my ($self, %o) = @_;

    return Flagship::Postgres::Session->new($self->conninfo(%o));
}


sub notify {
    my ($self, $channel, $payload) = @_;

    $self->sql("SELECT pg_notify('$channel', '$payload')");
}


# sqitch on one of our databases: $pg->sqitch('revert', '-y')

sub sqitch {
    my ($self, @args) = @_;

    my %o = ref $args[-1] ? %{ pop @args } : ();

    local $ENV{PGHOST} = $self->socket;
    local $ENV{PGPORT} = $self->{port};
    local $ENV{PGUSER} = $o{user} // 'postgres';
    local $ENV{SQITCH_USER_CONFIG} = '/dev/null';
    local $ENV{SQITCH_SYSTEM_CONFIG} = '/dev/null';
    local $ENV{SQITCH_FULLNAME} = 'Flagship tests';
    local $ENV{SQITCH_EMAIL} = 'tests@localhost';

    my ($command, @rest) = @args;
    my $target = 'db:pg:' . ($o{dbname} // $self->{database});

    open my $fh, '-|', 'sh', '-c', 'cd "$0" && exec sqitch "$@" 2>&1',
        "$top/sql", $command, '--target', $target, @rest
            or croak "no sqitch: $!";

    my $said = do { local $/; <$fh> // '' };

    close $fh or croak "sqitch $command failed:\n$said";

    return $said;
}


# The folder of an initialised cluster with $pristine in it, made once for
# the present state of sql/

sub _template {
    my $build = $ENV{FLAGSHIP_TEST_BUILD} // "$top/build";
    my $digest = Digest::SHA->new(1);

    for my $file ("$bin/postgres", __FILE__, _schema()) {
        my ($size, $time) = (stat $file)[7, 9];
        $digest->add($file eq "$bin/postgres" ? "$file $size $time\0"
            : "$file\0");
        $digest->addfile($file) if $file ne "$bin/postgres";
    }

    my $home = "$build/test-pg";
    my $path = "$home/" . substr $digest->hexdigest, 0, 16;

    system('mkdir', '-p', $home) == 0 or croak "cannot make $home";
    open my $lock, '>>', "$home/lock" or croak "cannot lock $home: $!";
    flock $lock, LOCK_EX;

    return $path if -d $path;

    my $self = _bare(__PACKAGE__);

    _run(_as(), "$bin/initdb", '-D', "$self->{dir}/data", '-U', 'postgres',
        '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync',
        '--wal-segsize=1');

    $self->start;
    $self->sql("CREATE DATABASE $pristine", dbname => 'postgres');

    $self->sqitch('deploy', '--verify', { dbname => $pristine })
        if -f "$top/sql/sqitch.plan";

    $self->stop;

    # states of sql/ that are no more are not worth their disk space
    _run('sh', '-c', 'rm -rf "$0"/????????????????', $home);
    _run('cp', '-a', "$self->{dir}/data", "$path.new");
    rename "$path.new", $path or croak "cannot rename to $path: $!";

    return $path;
}


sub _schema {
    return sort map { chomp; $_ }
        `find '$top/sql' -type f \\( -name '*.sql' -o -name 'sqitch.*' \\) 2>/dev/null`;
}


sub _binaries {
    my ($newest) = sort { ($b =~ m{/(\d+)/})[0] <=> ($a =~ m{/(\d+)/})[0] }
        grep { -x "$_/initdb" } glob '/usr/lib/postgresql/*/bin';

    return $newest // croak 'PostgreSQL is not installed';
}


sub _unprivileged {
    my ($name) = grep { defined getpwnam $_ } qw(postgres nobody);

    return $name // croak 'no unprivileged user to run PostgreSQL';
}


sub _as {
    return defined $user
        ? ('setpriv', "--reuid=$user", '--regid=' . (getpwnam $user)[3],
            '--clear-groups', '--')
        : ();
}


sub _run {
    my (@command) = @_;

    open my $fh, '-|', 'sh', '-c', 'exec "$0" "$@" 2>&1', @command
        or croak "cannot run $command[0]: $!";

    my $said = do { local $/; <$fh> // '' };

    close $fh or croak "@command failed:\n$said";
}


sub DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);

    if ($self->{owner} == $$) {
        $self->thaw if $self->{pid};
        $self->stop('immediate');
    }
}


END {
    my $status = $?;

    for my $self (grep { $_->{owner} == $$ } @all) {
        $self->DESTROY;
    }

    @all = ();
    $? = $status;
}


1;
