# TLS: libpq changes its socket under way, decrypts more than it reads, and
# leaves errors that are not nginx's.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres;
use Flagship::PgProbe;
use Flagship::Postgres;

use File::Temp ();

plan(skip_all => 'no openssl') if system('openssl version >/dev/null 2>&1');

my $dir = File::Temp->newdir('flagship-tls-XXXXXXXX', TMPDIR => 1);
chmod 0755, $dir;

system("openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost"
    . " -addext subjectAltName=DNS:localhost -keyout $dir/key.pem"
    . " -out $dir/cert.pem >/dev/null 2>&1") == 0 or die 'no certificate';

chmod 0600, "$dir/key.pem";

my $plain = Flagship::Postgres->new(deploy => 0);
my $pg = Flagship::Postgres->new(deploy => 0);

# the server's key is its own
system("cp $dir/cert.pem $dir/key.pem " . $pg->dir . '/data && chown '
    . "--reference=" . $pg->dir . '/data ' . $pg->dir . '/data/*.pem') == 0
        or die 'no key';
$pg->{conf} = { ssl => 'on', ssl_cert_file => "'" . $pg->dir
    . "/data/cert.pem'", ssl_key_file => "'" . $pg->dir . "/data/key.pem'" };
$pg->restart;

my ($host, $port) = ('host=localhost hostaddr=127.0.0.1 user=postgres '
    . 'dbname=flagship port=', $pg->port);
my $mute = Flagship::FakePostgres->new('silent');

my $p = Flagship::PgProbe->new(<<"EOT");
location /plain { pg_probe "$host@{[$plain->port]} sslmode=prefer"; }
location /plain-require { pg_probe "$host@{[$plain->port]} sslmode=require"; }
location /require { pg_probe "$host$port sslmode=require"; }
location /prefer { pg_probe "$host$port sslmode=prefer"; }
location /allow { pg_probe "$host$port sslmode=allow"; }
location /disable { pg_probe "$host$port sslmode=disable"; }
location /full {
    pg_probe "$host$port sslmode=verify-full sslrootcert=$dir/cert.pem";
}
location /wrong-name {
    pg_probe "host=other.example hostaddr=127.0.0.1 port=$port user=postgres
              sslmode=verify-full sslrootcert=$dir/cert.pem";
}
location /no-root {
    pg_probe "$host$port sslmode=verify-full sslrootcert=$dir/none.pem";
}
location /silent {
    pg_probe "$host@{[$mute->port]} sslmode=require" timeout=300;
}
location /resolved {
    pg_probe "host=localhost port=$port user=postgres dbname=flagship
              sslmode=verify-full sslrootcert=$dir/cert.pem";
}
}
server {
    listen 127.0.0.1:%%PORT1%% ssl;
    ssl_certificate $dir/cert.pem;
    ssl_certificate_key $dir/key.pem;
    location / { return 200 secret; }
EOT

my $used = 'SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()';


# Only connections of this kind are let in, as soon as the server has read it

sub only {
    my ($type) = @_;

    my $hba = $pg->dir . '/data/pg_hba.conf';

    open my $fh, '>', $hba or die "cannot write $hba: $!";
    print {$fh} "local all all trust\n$type all all 127.0.0.1/32 trust\n";
    close $fh;

    $pg->sql('SELECT pg_reload_conf()');
}


sub connects {
    my ($uri, $ssl, $name) = @_;

    my $is = $p->open($uri);
    is($is->{ready}, 1, $name) or diag $is->{error};
    is($p->query($uri, $used)->{first}, $ssl, "$name: TLS $ssl");
    $p->close;
}


connects('/plain', 'f', 'prefer, a server without TLS');
connects('/prefer', 't', 'prefer');
connects('/require', 't', 'require');
connects('/allow', 'f', 'allow');
connects('/disable', 'f', 'disable');
connects('/full', 't', 'verify-full');
connects('/resolved', 't', 'verify-full, its name resolved by us');

like($p->open('/plain-require')->{error}, qr/server does not support SSL/,
    'require, a server without TLS');


# The first socket is refused, and another takes its number

subtest 'another socket with the same number' => sub {
    only('hostnossl');
    ok(wait_for(sub { $p->open('/require')->{error} }),
        'TLS is not let in');
    connects('/prefer', 'f', "prefer, number $_") for 1 .. 5;

    only('hostssl');
    ok(wait_for(sub { $p->open('/disable')->{error} }),
        'nothing else is let in');
    connects('/allow', 't', "allow, number $_") for 1 .. 5;
};


subtest 'much over TLS' => sub {
    my $big = "SELECT repeat('x', 2000) FROM generate_series(1, 3000)";

    $p->open('/require');
    is($p->query('/require', $big)->{bytes}, 6_000_000, '6 MB at once');
    is($p->query('/require', $big, single => 1)->{bytes}, 6_000_000,
        '6 MB row by row');
    is($p->query('/require', 'SELECT $1', pad => 5_000_000)->{bytes},
        5_000_000, '5 MB there and back');

    $p->query('/require', 'LISTEN x');
    $pg->sql("SELECT pg_notify('x', repeat('n', 5000) || n)
        FROM generate_series(1, 500) n");
    ok(wait_for(sub { $p->state->{notified} == 500 }),
        'notifications of 2.5 MB while idle');
    $p->close;
};


subtest 'errors stay with libpq' => sub {
    for (1 .. 3) {
        like($p->open('/wrong-name')->{error}, qr/does not match host name/,
            'another name');
        like($p->open('/no-root')->{error}, qr/none\.pem/,
            'no certificate to trust');
        like($p->open('/silent')->{error}, qr/no connection within 300 ms/,
            'no handshake');

        is($p->test->curl('-k', 'https://127.0.0.1:' . $p->test->port(1)),
            'secret', "nginx's own TLS");
    }
};


done_testing;
