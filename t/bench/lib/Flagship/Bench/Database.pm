package Flagship::Bench::Database;

# A database for a scenario, with the schema (or schema => 0, without), on one
# PostgreSQL that all share and that writes as a server in earnest does.

use strict;
use warnings;

use Flagship::Postgres;

my $server;
my $count = 0;


sub start {
    my ($class, %options) = @_;

    $server //= Flagship::Postgres->new(deploy => 0, conf => {
        fsync              => 'on',
        synchronous_commit => 'on',
        full_page_writes   => 'on',
        autovacuum         => 'on',
        shared_buffers     => '128MB',
        max_wal_size       => '1GB',
    });

    my $name = 'bench_' . ++$count;
    $server->create($name, deployed => $options{schema} // 1);

    return bless { name => $name }, $class;
}


sub name     { return $_[0]{name} }
sub socket   { return $server->socket }
sub port     { return $server->port }
sub conninfo { my ($self) = @_; return $server->conninfo(dbname => $self->{name}) }
sub session  { my ($self) = @_; return $server->session(dbname => $self->{name}) }


1;
