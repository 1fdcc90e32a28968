# PgBouncer in transaction mode before PostgreSQL: the API through it, and
# changes heard on a direct connection, or looked for where there is none.

use lib 't/lib';
use Flagship::Api;

use Flagship::Port qw(free_port);
use Flagship::Process qw(until_true);
use IO::Socket::INET ();
use POSIX ();

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" }
    split(/:/, $ENV{PATH}), '/usr/sbin';

plan(skip_all => 'there is no pgbouncer') unless $pgbouncer;


# Two server connections, which clients take turns at

sub pooler {
    my ($pg) = @_;

    my $port = free_port();
    my $dir = $pg->dir . "/pooler-$port";

    mkdir $dir or die "cannot create $dir: $!";

    my %file = (
        'users.txt' => qq("postgres" ""\n),
        'pgbouncer.ini' => <<"EOT");
[databases]
flagship = host=127.0.0.1 port=@{[ $pg->port ]} dbname=@{[ $pg->database ]}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = $port
unix_socket_dir =
auth_type = trust
auth_file = $dir/users.txt
pool_mode = transaction
default_pool_size = 2
logfile = $dir/log
EOT

    for my $name (keys %file) {
        open my $fh, '>', "$dir/$name" or die "cannot write $dir/$name: $!";
        print {$fh} $file{$name};
        close $fh;
    }

    my ($uid, $gid) = (stat $pg->dir . '/data')[4, 5];

    chown $uid, $gid, $dir, glob "$dir/*";

    my $pid = fork // die "cannot fork: $!";

    if ($pid == 0) {
        open STDIN, '<', '/dev/null';
        open STDOUT, '>>', "$dir/out";
        open STDERR, '>&', \*STDOUT;

        if ($> == 0) {
            POSIX::setgid($gid);
            POSIX::setuid($uid);
        }

        exec $pgbouncer, "$dir/pgbouncer.ini" or POSIX::_exit(127);
    }

    until_true(60, sub {
        die 'pgbouncer did not start' if waitpid($pid, 1) == $pid;

        return IO::Socket::INET->new(PeerAddr => '127.0.0.1',
            PeerPort => $port);
    }) or die 'pgbouncer does not listen';

    return { pid => $pid, dir => $dir,
        info => "host=127.0.0.1 port=$port dbname=flagship user=postgres" };
}


my @poolers;

END {
    my $status = $?;

    kill 'KILL', $_->{pid} for @poolers;
    waitpid $_->{pid}, 0 for @poolers;
    $? = $status;
}


sub works {
    my ($api, $name) = @_;

    my $served = sub { $api->get("/evaluate/$_[0]?user_id=u", as => 'client') };

    is($api->post('/flags', { key => "f$_", enabled => true })->status, 201,
        "$name: flag $_ is made") for 1 .. 6;
    is($served->("f$_")->json->{value}, true, 'and served') for 1 .. 6;
    is($api->patch('/flags/f1', { enabled => false })->status, 200, 'changed');
    is($served->('f1')->json->{value}, false, 'and served');
    is(scalar @{ $api->get('/flags', as => 'viewer')->json->{flags} }, 6,
        'listed');
    is($api->post('/flags', { key => 'f1' })->status, 409, 'refused');

    # a setting of a transaction that leaked would sign the next one's change
    for (1 .. 10) {
        my $as = $_ % 2 ? 'editor' : 'admin';

        $api->patch('/flags/f2', { description => "by $as" }, as => $as);
        is($api->pg->sql('SELECT actor FROM flagship.audit
            ORDER BY id DESC LIMIT 1'), $api->actor($as), "signed by $as");
    }

    $api->pg->sql("UPDATE flagship.flags SET description = 'by hand'");
    is($api->pg->sql('SELECT actor FROM flagship.audit
        ORDER BY id DESC LIMIT 1'), 'postgres', 'and by nobody of them here');

    $api->pg->sql("UPDATE flagship.flags SET enabled = false
        WHERE key = 'f3'");
    ok(wait_for(sub { !$served->('f3')->json->{value} }),
        'what SQL changes is served');
}


subtest 'with a direct connection to listen on' => sub {
    my $pg = Flagship::Postgres->new;

    push @poolers, my $pooler = pooler($pg);

    my $api = Flagship::Api->new(pg => $pg, source => sprintf
        '"%s" listen="%s" pool=4', $pooler->{info}, $pg->conninfo(tcp => 1));

    works($api, 'listening');
    is($api->t->lines(qr/\[(?:warn|error)\]/), 0, 'without a complaint')
        or diag $api->t->log;
    $api->t->check;
};


subtest 'with nothing but the pooler' => sub {
    my $pg = Flagship::Postgres->new;

    push @poolers, my $pooler = pooler($pg);

    my $api = Flagship::Api->new(pg => $pg, refresh => '200ms notify=off',
        source => sprintf '"%s" pool=4', $pooler->{info});

    works($api, 'polling');
    is($api->t->lines(qr/\[(?:warn|error)\]/), 0, 'without a complaint')
        or diag $api->t->log;
    $api->t->check;
};


done_testing;
