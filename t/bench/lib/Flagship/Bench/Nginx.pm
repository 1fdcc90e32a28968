package Flagship::Bench::Nginx;

# One nginx for a bench, on a free port, pinned.

use strict;
use warnings;

use parent qw(Flagship::Bench::Server);

use Flagship::Bench::Server qw(write_file);
use Flagship::Process qw(children_of title_of);


# Options: http (text inside http {}), server (text inside server {}), modules
# (list of paths), workers, pin ("tested", "load" or "none").

sub start {
    my ($class, $bench, $name, %options) = @_;

    my $self = $class->new($bench, $name);
    my ($port, $prefix) = @$self{qw(port prefix)};

    my $modules = join '', map { "load_module $_;\n" }
        @{ $options{modules} // [] };
    my $temp = join '', map { "    ${_}_temp_path $prefix/$_;\n" }
        qw(client_body proxy fastcgi uwsgi scgi);
    my $workers = $options{workers} // 1;
    my $listen = $workers > 1 ? 'reuseport' : '';

    write_file("$prefix/nginx.conf", <<"CONF");
$modules
worker_processes $workers;
pid $prefix/pid;
error_log $prefix/error.log;
events {
    worker_connections 1024;
}
http {
$temp
    access_log off;
    keepalive_requests 1000000000;
    keepalive_timeout 3600;
@{[ $options{http} // '' ]}
    server {
        listen 127.0.0.1:$port $listen;
@{[ $options{server} // '' ]}
    }
}
CONF

    return $self->run($workers, $bench->pin($options{pin} // 'load'), nginx(),
        '-p', $prefix, '-c', "$prefix/nginx.conf", '-e', "$prefix/error.log",
        '-g', 'daemon off;');
}


sub nginx { return $ENV{FLAGSHIP_TEST_NGINX} // '/usr/sbin/nginx' }


# The workers: children of the master whose title says so.

sub workers {
    my ($self) = @_;

    return grep { title_of($_) eq 'nginx: worker process' }
        children_of($self->{master});
}


sub quit { return 'QUIT' }


1;
