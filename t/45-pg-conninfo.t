# What becomes of a conninfo: hosts, parameters, and what is refused before
# anything is connected to.

use lib 't/lib';
use Flagship::Test;
use Flagship::PgProbe;

my $p = Flagship::PgProbe->new('');

my $name63 = join '.', ('x' x 60) x 4;


# text, role and hosts as host|hostaddr|port|peer, then parameters

my @accepted = (
    [ '', 0, '||5432|:5432|local' ],
    [ 'host=db', 0, 'db||5432|db:5432|name' ],
    [ 'host=db port=6543', 0, 'db||6543|db:6543|name' ],
    [ "host = 'db'  port = 1 ", 0, 'db||1|db:1|name' ],
    [ "\n host=db\n port=1\n", 0, 'db||1|db:1|name' ],
    [ 'host=localhost', 0, 'localhost||5432|localhost:5432' ],
    [ 'host=10.0.0.1', 0, '10.0.0.1|10.0.0.1|5432|10.0.0.1:5432' ],
    [ 'host=::1', 0, '::1|::1|5432|[::1]:5432' ],
    [ 'host=fe80::1%eth0', 0,
        'fe80::1%eth0|fe80::1%eth0|5432|[fe80::1%eth0]:5432' ],
    [ 'host=db hostaddr=10.0.0.1', 0, 'db|10.0.0.1|5432|db:5432' ],
    [ 'hostaddr=10.0.0.1', 0, '|10.0.0.1|5432|10.0.0.1:5432' ],
    [ 'hostaddr=10.0.0.1,::1 port=1,2', 0,
        '|10.0.0.1|1|10.0.0.1:1', '|::1|2|[::1]:2' ],
    [ 'host=/run/pg', 0, '/run/pg||5432|/run/pg:5432|local' ],
    [ 'host=@abstract', 0, '@abstract||5432|@abstract:5432|local' ],
    [ 'host=a,b,/c', 0, 'a||5432|a:5432|name', 'b||5432|b:5432|name',
        '/c||5432|/c:5432|local' ],
    [ 'host=a,b port=1,2', 0, 'a||1|a:1|name', 'b||2|b:2|name' ],
    [ 'host=a,b port=,2', 0, 'a||5432|a:5432|name', 'b||2|b:2|name' ],
    [ 'host=a,b port=7', 0, 'a||7|a:7|name', 'b||7|b:7|name' ],
    [ 'host=a, port=7', 0, 'a||7|a:7|name', '||7|:7|local' ],
    [ 'host=a_b-c.d.', 0, 'a_b-c.d.||5432|a_b-c.d.:5432|name' ],
    [ 'postgresql://', 0, '||5432|:5432|local' ],
    [ 'postgres://db', 0, 'db||5432|db:5432|name' ],
    [ 'postgresql://db:1/x', 0, 'db||1|db:1|name', dbname => 'x' ],
    [ "  postgresql://db/x\n", 0, 'db||5432|db:5432|name', dbname => 'x' ],
    [ 'postgresql://u:p%40%2F%3A@db:1/x%20y', 0, 'db||1|db:1|name',
        user => 'u', password => 'p@/:', dbname => 'x y' ],
    [ 'postgresql://[::1]:1,a:2,b/x', 0, '::1|::1|1|[::1]:1',
        'a||2|a:2|name', 'b||5432|b:5432|name' ],
    [ 'postgresql:///x?host=/run/pg&port=9', 0,
        '/run/pg||9|/run/pg:9|local', dbname => 'x' ],
    [ 'postgresql://%2Frun%2Fpg/x', 0, '/run/pg||5432|/run/pg:5432|local' ],
    [ 'postgresql://db/x?options=-c%20work_mem%3D1MB&user=a@b', 0,
        'db||5432|db:5432|name', options => '-c work_mem=1MB',
        user => 'a@b' ],
    [ 'postgresql+psycopg2://db/x', 0, 'db||5432|db:5432|name' ],
    [ 'postgres+asyncpg://u:p@db/x', 0, 'db||5432|db:5432|name',
        user => 'u', password => 'p' ],
    [ 'host=db dbname=postgresql+x://y', 0, 'db||5432|db:5432|name',
        dbname => 'postgresql+x://y' ],
    [ 'host=db sslmode=verify-full', 0, 'db||5432|db:5432|name',
        sslmode => 'verify-full' ],
    [ 'host=db gssencmode=prefer keepalives_idle=7', 0,
        'db||5432|db:5432|name', gssencmode => 'prefer',
        keepalives_idle => 7, keepalives_count => 3 ],
    [ 'host=db application_name=x', 0, 'db||5432|db:5432|name',
        application_name => 'x' ],
    [ 'host=db client_encoding=utf8', 0, 'db||5432|db:5432|name',
        client_encoding => 'utf8' ],
    [ 'host=db sslrootcert=/etc/ca.pem passfile=/etc/pass', 0,
        'db||5432|db:5432|name', sslrootcert => '/etc/ca.pem',
        passfile => '/etc/pass' ],
    [ 'host=db sslkey=pkcs11:x', 0, 'db||5432|db:5432|name',
        sslkey => 'pkcs11:x' ],
    [ 'host=db sslrootcert=ca.pem', 0, 'db||5432|db:5432|name',
        sslrootcert => $p->test->dir . '/ca.pem' ],
    [ 'host=db ssl_min_protocol_version=tlsv1.2 '
        . 'ssl_max_protocol_version=TLSv1.3', 0, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=any', 0, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=read-write', 1, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=read-only', 2, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=primary', 3, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=standby', 4, 'db||5432|db:5432|name' ],
    [ 'host=db target_session_attrs=prefer-standby', 5,
        'db||5432|db:5432|name' ],
    [ "host=$name63.example port=65535", 0, undef ],
    [ 'host=/' . 'x' x 90, 0, undef ],
);

subtest 'accepted' => sub {
    for (@accepted) {
        my ($text, $role, @rest) = @$_;
        my $got = $p->parse($text);
        my $name = $text =~ s/\n/\\n/gr;

        if (exists $got->{error}) {
            fail("$name: $got->{error}");
            next;
        }

        my @hosts;
        push @hosts, shift @rest while @rest && ($rest[0] // '|') =~ /\|/;
        my %params = @rest;

        is($got->{role}, $role, "$name: role");
        is_deeply($got->{hosts}, \@hosts, "$name: hosts") if defined $hosts[0];
        is($got->{params}{$_}, $params{$_}, "$name: $_") for sort keys %params;
    }
};


my @refused = (
    [ 'host=a,b port=1,2,3', '2 hosts, but 3 ports' ],
    [ 'port=1,2', '1 hosts, but 2 ports' ],
    [ 'host=a,b hostaddr=10.0.0.1',
        '2 hosts, but 1 values of "hostaddr"' ],
    [ 'host=a port=abc', 'the port of host 1 is not a number' ],
    [ 'host=a,b port=1,70000', 'the port of host 2 is not a number' ],
    [ 'host=a port=0', 'the port of host 1 is not a number' ],
    [ 'host=a port=-1', 'the port of host 1 is not a number' ],
    [ 'host=a port=000001', 'the port of host 1 is not a number' ],
    [ 'postgresql://a:70000/x', 'the port of host 1 is not a number' ],
    [ 'host=a hostaddr=b', '"hostaddr" of host 1 is not an IP address' ],
    [ 'host=a hostaddr=10.0.0.256', '"hostaddr" of host 1' ],
    [ 'host=a/b', 'host 1 is neither a name' ],
    [ "host='a b'", 'host 1 is neither a name' ],
    [ 'host=b@c', 'host 1 is neither a name' ],
    [ 'host=1:2:x', 'host 1 is neither a name' ],
    [ 'host=' . 'a' x 256, 'the name of host 1 is too long' ],
    [ 'host=/' . 'x' x 100, 'the socket folder of host 1 is too long' ],
    [ 'host=a sslmode=bogus', '"sslmode" must be one of: disable allow' ],
    [ 'host=a sslmode=Require', '"sslmode" must be one of' ],
    [ 'host=a target_session_attrs=leader',
        '"target_session_attrs" must be one of: any read-write' ],
    [ 'host=a gssencmode=on', '"gssencmode" must be one of' ],
    [ 'host=a channel_binding=on', '"channel_binding" must be one of' ],
    [ 'host=a sslsni=2', '"sslsni" must be one of: 0 1' ],
    [ 'host=a keepalives=yes', '"keepalives" must be one of: 0 1' ],
    [ 'host=a keepalives_idle=3s', '"keepalives_idle" must be a number' ],
    [ 'host=a connect_timeout=-1', '"connect_timeout" must be a number' ],
    [ 'host=a tcp_user_timeout=99999999', 'must be a number from 0 to' ],
    [ 'host=a ssl_min_protocol_version=SSLv3', 'must be one of: TLSv1 ' ],
    [ 'host=a ssl_max_protocol_version=TLSv1.1', 'is less than' ],
    [ 'host=a ssl_min_protocol_version=TLSv1.3 '
        . 'ssl_max_protocol_version=TLSv1.2', 'is less than' ],
    [ 'host=a client_encoding=latin1', '"client_encoding" must be one of' ],
    [ 'service=x', '"service" is not supported' ],
    [ 'host=a replication=true', '"replication" is not supported' ],
    [ 'host=a bogus=1', 'invalid connection option "bogus"' ],
    [ 'postgresql://u:p@a/x?ssl=1', 'invalid URI query parameter: "ssl"' ],
    [ 'postgresql://[::1/x', 'looking for matching "]"' ],
    [ 'postgresqlx://a', 'a URI begins with "postgresql://"' ],
    [ 'postgresx+y://a', 'a URI begins with "postgresql://"' ],
    [ 'host', 'missing "=" after "host"' ],
    [ "host='a", 'unterminated quoted string' ],
    [ "host=a\0b", 'zero byte' ],
);

is($p->parse('host=localhost,/x,::1')->{names}, 0, 'nothing to be resolved');
is($p->parse('host=localhost,a')->{names}, 1, 'a name');


subtest 'refused' => sub {
    for (@refused) {
        my ($text, $message) = @$_;
        my $name = substr $text =~ s/[\0\n]/./gr, 0, 60;

        like($p->parse($text)->{error}, qr/\Q$message/, $name);
    }
};


# Each holds "s3cr" and "t9x" on either side of what goes wrong

my @secret = (
    'host=a password=s3cr t9x',
    'host=a password=s3cr t9x=1',
    "host=a password='s3cr t9x",
    'host=a passwd=s3cr-t9x',
    'host=a PASSWORD=s3cr-t9x',
    'host=a password=s3cr-t9x port=x',
    'host=s3cr/t9x password=1',
    'host=a password=s3cr-t9x sslmode=s3cr-t9x',
    'postgresql://u:s3cr@t9x@db/x',
    'postgresql://u:s3cr/t9x@db/x',
    'postgresql://u:1/s3cr-t9x@db',
    'postgresql://u:s3cr%zzt9x@db/x',
    'postgresql://u:s3cr%00t9x@db/x',
    'postgresql://u:s3cr/x?t9x@db',
    'postgresql://u:s3cr/x?t9x=@db',
    'postgresql://u:s3cr[t9x/x',
    'postgresql://u:s3cr-t9x@[::1/x',
    'postgresql://u:s3cr-t9x@db:x/x',
    'postgresql://u:s3cr-t9x@db/x?bogus=1',
    'postgresql://u:s3cr-t9x@db/x?password=s3cr&t9x=1',
    'postgresql://u:s3cr-t9x@db/x?password=s3cr-t9x&a',
    'postgresql+x+y:s3cr-t9x@db/x',
);

subtest 'no password in a message' => sub {
    for my $text (@secret) {
        my $error = $p->parse($text)->{error};

        ok(defined $error, "refused: $text") or next;
        unlike($error, qr/s3cr|t9x/, $error);
    }
};


subtest 'in a configuration' => sub {
    my $bad = Flagship::PgProbe->new(<<'EOT', idle => 1);
location /a { pg_probe "host=a,b port=1,2,3 password=s3cret"; }
EOT
    my ($said, $ok) = $bad->test->test_config;

    ok(!$ok, 'refused');
    like($said, qr/\[emerg\].*2 hosts, but 3 ports in .*nginx\.conf:\d+/,
        'with file and line');
    unlike($said, qr/s3cret/, 'and no password');

    unlink $bad->test->dir . '/nginx.conf';
};


done_testing;
