package Flagship::PgProbe;

# src/pg alone in a real nginx: a small module that opens connections and runs
# queries on request (t/pg/), compiled for the tests.
#
#   my $p = Flagship::PgProbe->new(<<"EOT");       # inside a server {}
#   location /a { pg_probe "host=... port=..." timeout=500; }
#   EOT
#   $p->open('/a');                    # { ready => 1, peer => ... }
#   $p->query('/a', 'SELECT 1');       # { rows => 1, first => 1, ... }
#   $p->query('/a', 'SELECT $1', params => [ 7 ], single => 1);
#   $p->state; $p->close;              # each takes id => N, 0 by default
#   $p->parse('host=a,b');             # what becomes of a conninfo
#   $p->fds;                           # of the worker
#
# and calls of a pool, in a location that says pool_probe "conninfo" size=2:
#
#   $p->call('/b', 'SELECT 1', write => 1);         # { done => 1, rows => 1 }
#   my $get = $p->calling('/b', 'SELECT pg_sleep(9)');  # under way
#   $get->close;                       # the client goes away
#   $get->answer;                      # or waits
#   $p->stat('/b');                    # { idle => 1, busy => 0, ... }

use strict;
use warnings;

use Carp qw(croak);
use Fcntl qw(:flock);
use Flagship::Process qw(files_of);
use Flagship::Test ();
use IO::Socket::INET ();
use JSON::PP ();

my $top = $Flagship::Test::top;


sub new {
    my ($class, $locations, %o) = @_;

    local $ENV{FLAGSHIP_MODULE} = _module();

    my $t = Flagship::Test->new;
    $t->set(LOCATIONS => $t->expand($locations), MAIN => $o{main} // '',
        EVENTS => $o{events} // '');

    my $self = bless { t => $t }, $class;

    $t->config(<<'EOT');
%%GLOBALS%%
%%MAIN%%
events { %%EVENTS%% }
http {
    %%HTTP%%
    server {
        listen 127.0.0.1:%%PORT%%;
        location /ping { return 200 pong; }
        location /parse { pg_probe host=/nowhere; }
        %%LOCATIONS%%
    }
}
EOT

    $t->run unless $o{idle};

    return $self;
}


sub test { $_[0]{t} }


sub open {
    my ($self, $uri, %o) = @_;

    return $self->ask($uri, op => 'open', %o);
}


sub query {
    my ($self, $uri, $sql, %o) = @_;

    my $params = delete $o{params} // [];

    return $self->ask($uri, op => 'query', sql => $sql, %o,
        map { ("p$_" => $params->[$_ - 1] // 'NULL') } 1 .. @$params);
}


sub state { shift->ask('/parse', op => 'state', @_) }
sub close { shift->ask('/parse', op => 'close', @_) }
sub parse { $_[0]->ask('/parse', op => 'parse', text => $_[1]) }


sub call {
    my ($self, $uri, $sql, %o) = @_;

    return $self->ask($uri, $self->_call($sql, %o));
}


sub calling {
    my ($self, $uri, $sql, %o) = @_;

    my $asked = $self->uri($uri, $self->_call($sql, %o));
    my $socket = IO::Socket::INET->new(
        PeerAddr => '127.0.0.1', PeerPort => $self->{t}->port,
    ) or croak "cannot connect: $!";

    $socket->syswrite("GET $asked HTTP/1.0\r\n\r\n");

    return bless { socket => $socket }, 'Flagship::PgProbe::Calling';
}


sub _call {
    my ($self, $sql, %o) = @_;

    my $params = delete $o{params} // [];

    return (op => 'call', sql => $sql, %o,
        map { ("p$_" => $params->[$_ - 1]) } 1 .. @$params);
}


sub stat { $_[0]->ask($_[1], op => 'stat') }


sub uri {
    my ($self, $uri, %o) = @_;

    return "$uri?" . join '&', map {
        "$_=" . $o{$_} =~ s/([^A-Za-z0-9_.-])/sprintf '%%%02X', ord $1/ger
    } sort keys %o;
}


sub ask {
    my ($self, $uri, %o) = @_;

    my $r = $self->{t}->get($self->uri($uri, %o));

    return { status => $r->status } if $r->status != 200;

    return JSON::PP->new->utf8->decode($r->body);
}


sub worker {
    my ($self) = @_;

    return ($self->{t}->workers)[0];
}


sub fds {
    my ($self) = @_;

    my @fds = files_of($self->worker);

    return scalar @fds;
}


# Built once for a state of the sources, beside the module

sub _module {
    my $build = $ENV{FLAGSHIP_TEST_BUILD} // "$top/build";
    my $sanitize = $Flagship::Nginx::sanitize ? '-sanitize' : '';
    my $module = "$build/pg-probe$sanitize.so";
    my @sources = (glob("$top/src/*.c"), glob("$top/src/pg/*.c"),
        glob("$top/t/pg/*.c"));
    my @known = (@sources, __FILE__, glob("$top/src/pg/*.h"),
        glob("$top/src/*.h"));

    croak "$build/nginx is not configured: run make first"
        unless -f "$build/nginx/ngx_auto_config.h";

    CORE::open my $lock, '>>', "$build/pg-probe.lock"
        or croak "cannot lock: $!";
    flock $lock, LOCK_EX;

    my $made = (CORE::stat $module)[9] // 0;
    return $module unless grep { (CORE::stat $_)[9] >= $made } @known;

    my $nginx = ($ENV{NGINX_SRC} // '/usr/share/nginx/src') . '/src';

    my @flags = $sanitize
        ? ('-O1', '-fsanitize=address,undefined',
            '-fno-sanitize-recover=undefined', '-fno-omit-frame-pointer',
            '-DFLAGSHIP_SANITIZE=1')
        : ('-O1');

    push @flags, split ' ', $ENV{FLAGSHIP_PROBE_FLAGS} // '';

    my @command = (
        split(' ', 'gcc -shared -fPIC -g -W -Wall -Wpointer-arith'
            . ' -Wno-unused-parameter -Werror -Wl,-Bsymbolic -Wl,--wrap=getaddrinfo'), @flags,
        (map { "-I$nginx/$_" } qw(core event event/modules os/unix http
            http/modules http/v2)),
        "-I$build/nginx", '-I' . `pg_config --includedir` =~ s/\n//r,
        "-I$top/src", "-I$top/src/pg",
        '-o', "$module.new", @sources, qw(-lpq -lssl -lcrypto));

    system(@command) == 0 or croak 'the probe module does not compile';
    rename "$module.new", $module or croak "cannot rename to $module: $!";

    return $module;
}


package Flagship::PgProbe::Calling;

sub answer {
    my ($self) = @_;

    my $text = do { local $/; readline $self->{socket} } // '';

    return $text =~ /\r\n\r\n(\{.*\})\z/s
        ? JSON::PP->new->utf8->decode($1) : { text => $text };
}


sub close { delete $_[0]{socket} }


1;
