package Flagship::Bench::Database;

# A database with the schema for a scenario, on one PostgreSQL that all share
# and that writes as a server in earnest does.

use strict;
use warnings;

use Flagship::Postgres;

my $server;
my $count = 0;


sub start {
    my ($class) = @_;

    $server //= Flagship::Postgres->new(deploy => 0, conf => {
        fsync              => 'on',
        synchronous_commit => 'on',
        full_page_writes   => 'on',
        autovacuum         => 'on',
        shared_buffers     => '128MB',
        max_wal_size       => '1GB',
    });

    my $name = 'bench_' . ++$count;
    $server->create($name, deployed => 1);

    return bless { name => $name }, $class;
}


sub conninfo { my ($self) = @_; return $server->conninfo(dbname => $self->{name}) }
sub session  { my ($self) = @_; return $server->session(dbname => $self->{name}) }


1;
