package Flagship::Zone;

# A Flagship::Test of src/zone alone: nginx with the probe module of t/zone.
#
#   my $t = Flagship::Zone->new(workers => 2);
#   $t->zone('8m', 'probe_every 20 64k 4;')->run;
#   my @worker = $t->each_worker;            # a connection to each of them
#   $t->publish(1, 'a.dev:1000,b.prod:500', whole => 1);
#   my $read = $t->ask('read');              # what one worker serves

use strict;
use warnings;

use Carp qw(croak);
use File::Basename qw(dirname);

use parent qw(Flagship::Test);


sub new {
    my ($class, %o) = @_;

    my $module = $ENV{FLAGSHIP_MODULE}
        // "$Flagship::Test::top/build/ngx_http_flagship_module.so";

    my $build = dirname($module);
    my @flavour = $ENV{FLAGSHIP_SANITIZE} ? 'sanitize' : ();

    system("$Flagship::Test::top/t/zone/build", $build, @flavour) == 0
        or croak 'the probe does not compile';

    local $ENV{FLAGSHIP_MODULE} = "$build/zone/ngx_http_flagship_zone_probe.so";

    return $class->SUPER::new(%o);
}


# The configuration; reload() applies it to one that runs

sub zone {
    my ($self, $size, $more, $main) = @_;

    $more //= '';
    $main //= '';

    return $self->config(<<"EOT");
%%GLOBALS%%
thread_pool default threads=2;
$main
events {}
http {
    %%HTTP%%
    probe_zone $size;
    $more
    server {
        listen 127.0.0.1:%%PORT%%;
        keepalive_requests 1000000;
        location / { probe; }
    }
}
EOT
}


# One request, in a connection of its own or the given one; the answer's JSON

sub ask {
    my ($self, $what, %o) = @_;

    my $c = delete $o{on};
    my $uri = "/?do=$what" . join '', map { "&$_=$o{$_}" } sort keys %o;

    return $self->get($uri)->json unless $c;

    $c->request('GET', $uri);

    my $r = $c->response;

    return $r && $r->json;
}


sub publish {
    my ($self, $revision, $sets, %o) = @_;

    return $self->ask('publish', revision => $revision, sets => $sets, %o);
}


# A connection to each worker: its pid, and the connection to ask it on

sub each_worker {
    my ($self) = @_;

    my %workers = map { $_ => undef } $self->workers;

    for (1 .. 1000) {
        my $c = $self->connect;
        $workers{ $self->ask('pid', on => $c)->{pid} } //= $c;

        return map { { pid => $_, on => $workers{$_} } } sort keys %workers
            if !grep { !defined } values %workers;
    }

    croak 'some worker never answers';
}


1;
