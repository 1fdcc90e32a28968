package Flagship::Bench::Database;

# A database for a scenario, with the schema (or schema => 0, without), on one
# PostgreSQL that all share and that writes as a server in earnest does; or with
# aside => $bench on another such one, which stands aside from all that is
# measured, as one on a machine of its own would.

use strict;
use warnings;

use Flagship::Postgres;
use Flagship::Process qw(children_of);

my %servers;
my $count = 0;


sub start {
    my ($class, %options) = @_;

    my $server = $servers{ $options{aside} ? 'aside' : 'beside' }
        //= server($options{aside});

    my $name = 'bench_' . ++$count;
    $server->create($name, deployed => $options{schema} // 1);

    return bless { name => $name, server => $server }, $class;
}


sub server {
    my ($aside) = @_;

    my $server = Flagship::Postgres->new(deploy => 0, conf => {
        fsync              => 'on',
        synchronous_commit => 'on',
        full_page_writes   => 'on',
        autovacuum         => 'on',
        shared_buffers     => '128MB',
        max_wal_size       => '1GB',
    });

    if ($aside) {
        $aside->aside($_) for $server->pid, children_of($server->pid);
    }

    return $server;
}


sub name     { return $_[0]{name} }
sub socket   { return $_[0]{server}->socket }
sub port     { return $_[0]{server}->port }
sub conninfo { my ($self) = @_; return $self->{server}->conninfo(dbname => $self->{name}) }
sub session  { my ($self) = @_; return $self->{server}->session(dbname => $self->{name}) }


1;
