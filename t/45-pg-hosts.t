# Hosts in their order: each has its time, and only one of the right role is
# taken.

use lib 't/lib';
use Flagship::Test;
use Flagship::FakePostgres qw(black_hole);
use Flagship::PgProbe;
use Flagship::Port qw(free_port);

# what a host may take here, in milliseconds
my $timeout = 400;

my %port = (refused => free_port());
my $hole = black_hole();
my @fakes;

$port{hole} = $hole->{port};

for my $mode (qw(silent close reset garbage half mute primary standby
    readonly odd denied bouncer refuse))
{
    push @fakes, my $fake = Flagship::FakePostgres->new($mode);
    $port{$mode} = $fake->port;
}

my (%location, $locations);


# A location for hosts, the last of which is the one that answers

sub at {
    my ($hosts, $more, $options) = @_;

    my $key = join '|', $hosts, $more // '', $options // '';

    return $location{$key} if $location{$key};

    my @hosts = split / /, $hosts;
    my $conninfo = 'host=' . join(',', ('127.0.0.1') x @hosts)
        . ' port=' . join(',', map { $port{$_} } @hosts)
        . ' ' . ($more // '');
    my $uri = '/' . (1 + keys %location);

    $locations .= "location = $uri { pg_probe \"$conninfo\" timeout=$timeout "
        . ($options // '') . "; }\n";

    return $location{$key} = $uri;
}


# hosts, conninfo, options, the one that is taken (undef: none), why not

my @cases = (
    [ 'primary', '', '', 'primary' ],
    [ 'refused primary', '', '', 'primary' ],
    [ 'refused refused refused primary', '', '', 'primary' ],
    [ 'hole primary', '', '', 'primary' ],
    [ 'bouncer', '', '', 'bouncer' ],
    [ 'refused bouncer primary', '', 'writable', 'bouncer' ],
    [ 'bouncer', 'options=--a=b', '', undef,
        'unsupported startup parameter: options' ],
    [ 'silent primary', '', '', 'primary' ],
    [ 'close primary', '', '', 'primary' ],
    [ 'close close primary', '', '', 'primary' ],
    [ 'reset primary', '', '', 'primary' ],
    [ 'garbage primary', '', '', 'primary' ],
    [ 'half primary', '', '', 'primary' ],
    [ 'refuse primary', '', '', 'primary' ],
    [ 'mute primary', '', '', 'mute' ],
    [ 'mute primary', '', 'writable', 'primary' ],
    [ 'odd primary', '', 'writable', 'primary' ],
    [ 'standby primary', '', '', 'standby' ],
    [ 'standby primary', '', 'writable', 'primary' ],
    [ 'readonly primary', '', 'writable', 'readonly' ],

    [ 'standby readonly primary', 'target_session_attrs=read-write', '',
        'primary' ],
    [ 'primary readonly', 'target_session_attrs=read-only', '', 'readonly' ],
    [ 'primary standby', 'target_session_attrs=read-only', '', 'standby' ],
    [ 'standby readonly', 'target_session_attrs=primary', '', 'readonly' ],
    [ 'primary readonly standby', 'target_session_attrs=standby', '',
        'standby' ],
    [ 'primary standby', 'target_session_attrs=prefer-standby', '',
        'standby' ],
    [ 'close primary readonly', 'target_session_attrs=prefer-standby', '',
        'primary' ],
    [ 'standby primary', 'target_session_attrs=prefer-standby', 'writable',
        'primary' ],

    [ 'refused', '', '', undef, 'Connection refused' ],
    [ 'close', '', '', undef, 'server closed the connection' ],
    [ 'hole', '', '', undef, "no connection within $timeout ms" ],
    [ 'silent', '', '', undef, "no connection within $timeout ms" ],
    [ 'mute', '', 'writable', undef,
        "no answer about its role within $timeout ms" ],
    [ 'odd', '', 'writable', undef, 'its answer about its role' ],
    [ 'denied', '', 'writable', undef, 'not for you' ],
    [ 'refuse', '', '', undef, 'the database system is starting up' ],
    [ 'standby', '', 'writable', undef, 'it is a standby' ],
    [ 'readonly', 'target_session_attrs=read-write', '', undef,
        'it is read-only' ],
    [ 'primary', 'target_session_attrs=read-only', '', undef,
        'it is not read-only' ],
    [ 'primary', 'target_session_attrs=standby', '', undef,
        'it is not a standby' ],
    [ 'close refused', 'target_session_attrs=prefer-standby', '', undef,
        'Connection refused' ],
    [ 'silent', 'connect_timeout=1', '', undef,
        'no connection within 1000 ms' ],
    [ 'refused silent standby', '', 'writable', undef,
        'Connection refused; 127.0.0.1:' . $port{silent}
            . ": no connection within $timeout ms; 127.0.0.1:"
            . "$port{standby}: it is a standby" ],
    [ join(' ', ('refused') x 40), '', '', undef, 'Connection refused; ' ],
);

at(@$_[0 .. 2]) for @cases;
at($_, 'connect_timeout=100') for qw(hole silent half);

$locations .= 'location /folder { pg_probe "port=1 user=x"; }'
    . 'location /nowhere { pg_probe "host=/nowhere port=1 user=x"; }';

my $p = Flagship::PgProbe->new($locations);

my $fds;

for my $round (1, 2) {

    for (@cases) {
        my ($hosts, $more, $options, $taken, $why) = @$_;
        my $name = join ' ', grep { $_ ne '' } substr($hosts, 0, 40), $more,
            $options;

        my $is = $p->open(at(@$_[0 .. 2]));

        if (defined $taken) {
            is($is->{peer}, "127.0.0.1:$port{$taken}", "$name: $taken")
                or diag $is->{error};
            is($is->{errors}, 0, "$name: no error");

        } else {
            is($is->{ready}, 0, "$name: none");
            is($is->{errors}, 1, "$name: one error");
            like($is->{error}, qr/\Q$why/, "$name: and why");
            ok(length $is->{error} <= 1024, "$name: within bounds");
        }

        $p->close;
    }

    # what nginx opens once is open after the first round
    $fds //= $p->fds;
}

ok(wait_for(sub { $p->fds == $fds }), 'no descriptor was left behind');


# Sockets of a folder: the one libpq was built with, and none at all

like($p->open('/folder')->{error}, qr{socket "/\S+/\.s\.PGSQL\.1" failed: No such file},
    "no server in libpq's own folder");
like($p->open('/nowhere')->{error},
    qr{socket "/nowhere/\.s\.PGSQL\.1" failed: No such file}, 'no folder');


# An attempt that hangs is not waited for

for my $hosts ('hole', 'silent', 'half') {

    for my $events (0, 1) {
        $p->open(at($hosts, 'connect_timeout=100'), wait => 0);
        $p->test->get('/ping') for 1 .. $events * 5;
        is($p->state->{open}, 1, "$hosts: under way");
        is($p->close->{open}, 0, "$hosts: and closed");
    }
}

ok(wait_for(sub { $p->fds == $fds }), 'nor by those');


subtest 'no connections of nginx are left' => sub {
    my $q = Flagship::PgProbe->new($locations,
        events => 'worker_connections 16;');
    my $uri = at('primary', '', '');

    my @ready = map { $q->open($uri, id => $_) } 0 .. 19;

    # some go to the listening socket, the client and nginx itself
    my $n = grep { $_->{ready} } @ready;
    ok($n >= 8 && $n < 16, "$n connections");
    like($ready[19]{error}, qr/worker_connections are not enough/,
        'then one fails');

    $q->close(id => $_) for 0 .. 19;
    is($q->open($uri)->{ready}, 1, 'until others are closed');
};


done_testing;
