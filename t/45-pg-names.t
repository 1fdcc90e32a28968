# Names of hosts: nginx's resolver, and the addresses that it gives.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres;
use Flagship::PgProbe;

use IO::Socket::INET ();
use POSIX ();

my $primary = Flagship::FakePostgres->new('primary');
my $standby = Flagship::FakePostgres->new('standby');
my $close = Flagship::FakePostgres->new('close');
my $pair = $primary->port;

# A name server with answers by the first label: a and its numbers are the
# last parts of addresses in 127.0.0, many has one of them thirty times, alias
# leads to a-1, none has none, silent gets no answer, and others do not exist

my ($dns, $server) = name_server();

my $p = Flagship::PgProbe->new(<<"EOT");
resolver 127.0.0.1:$dns ipv6=off valid=60s;
resolver_timeout 60s;
location /one { pg_probe "host=a-1.test port=$pair" timeout=60000 resolver; }
location /alias {
    pg_probe "host=alias.test port=$pair" timeout=60000 resolver;
}
location /two { pg_probe "host=a-9-1.test port=$pair" timeout=60000 resolver; }
location /many {
    pg_probe "host=many.test port=@{[$close->port]}" timeout=60000 resolver;
}
location /none { pg_probe "host=none.test" timeout=60000 resolver; }
location /absent { pg_probe "host=absent.test" timeout=60000 resolver; }
location /silent {
    resolver_timeout 300ms;
    pg_probe "host=silent.test" timeout=60000 resolver;
}
location /next {
    pg_probe "host=absent.test,a-1.test port=1,$pair" timeout=60000 resolver;
}
location /wrong {
    pg_probe "host=a-1.test port=@{[$standby->port]}" timeout=60000 writable
             resolver;
}
EOT


for my $again ('', ', known') {
    is($p->open('/one')->{peer}, "a-1.test:$pair", "one address$again");
    is($p->open('/alias')->{ready}, 1, "an alias$again");

    # in whatever order they come
    is($p->open('/two')->{ready}, 1, "two, one of which refuses$again");

    my $before = $close->count;
    $p->open('/many');
    is($close->count - $before, 16, "sixteen of thirty are tried$again");

    like($p->open('/none')->{error}, qr/\Anone\.test:5432: /,
        "a name without addresses$again");
    like($p->open('/absent')->{error},
        qr/\Aabsent\.test:5432: Host not found\z/, "no such name$again");
    like($p->open('/silent')->{error},
        qr/\Asilent\.test:5432: Operation timed out\z/, "no answer$again");
    is($p->open('/next')->{ready}, 1, "the next host$again");
    like($p->open('/wrong')->{error},
        qr/\Aa-1\.test:\d+ \(127\.0\.0\.1\): it is a standby\z/,
        "a host that is not fit, with its address$again");
}


my $fds = $p->fds;

for my $uri (qw(/one /two /absent /silent)) {
    $p->open($uri, id => $_, wait => 0) for 1 .. 10;
    $p->close(id => $_) for 1 .. 10;
}

is($p->fds, $fds, 'ten at once, all closed while names are asked');


like(Flagship::PgProbe->new(<<'EOT')->open('/name')->{error},
location /name { pg_probe "host=a.test" resolver; }
EOT
    qr/no resolver defined for its name/, 'no resolver');


sub name_server {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        Proto => 'udp') or die "no socket: $!";

    my $pid = fork // die "cannot fork: $!";

    if ($pid == 0) {
        $SIG{$_} = 'DEFAULT' for qw(INT TERM);

        while (my $from = recv $socket, my $query, 512, 0) {
            my $answer = answer($query);
            send $socket, $answer, 0, $from if defined $answer;
        }

        POSIX::_exit(0);
    }

    return ($socket->sockport, bless \$pid, 'NameServer');
}


sub answer {
    my ($query) = @_;

    my $question = substr $query, 12;
    my ($labels) = $question =~ /\A((?:[^\0].*?)?\0)/s or return undef;
    my $first = substr $labels, 1, ord $labels;
    my ($code, @records) = (0);

    if ($first eq 'silent') {
        return undef;

    } elsif ($first eq 'alias') {
        push @records, record(5, "\3a-1\4test\0");
        push @records, "\3a-1\4test\0" . pack 'nnNna4', 1, 1, 60, 4,
            "\x7f\0\0\1";

    } elsif ($first eq 'many') {
        push @records, (record(1, "\x7f\0\0\1")) x 30;

    } elsif ($first =~ s/\Aa-//) {
        push @records, map { record(1, "\x7f\0\0" . chr) } split /-/, $first;

    } elsif ($first ne 'none') {
        $code = 3;
    }

    return substr($query, 0, 2) . pack('nnnnn', 0x8180 | $code, 1,
        scalar @records, 0, 0) . $labels . pack('nn', 1, 1)
        . join '', @records;
}


sub record {
    my ($type, $data) = @_;

    return pack 'nnnNn/a*', 0xc00c, $type, 1, 60, $data;
}


sub NameServer::DESTROY {
    my ($self) = @_;

    local ($?, $@, $!);
    kill 'KILL', $$self;
    waitpid $$self, 0;
}


done_testing;
