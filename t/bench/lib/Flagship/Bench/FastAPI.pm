package Flagship::Bench::FastAPI;

# The service of t/bench/fastapi, one process of it, on a database of its own.
# It is there where `make bench` has installed what it needs.

use strict;
use warnings;

use parent qw(Flagship::Bench::Server);

use Flagship::Bench::Database;
use Flagship::Bench::Server qw(write_file);


sub python {
    my ($bench) = @_;

    my $python = "$bench->{build}/bench/fastapi/bin/python";

    return -e "$bench->{build}/bench/fastapi/installed" ? $python : undef;
}


# Options: flags (a document of them), key (what its clients send), pool
# (connections).  Its database is {database}.

sub start {
    my ($class, $bench, $name, %options) = @_;

    my $database = Flagship::Bench::Database->start(schema => 0);
    my $self = $class->new($bench, $name);
    my ($port, $prefix) = @$self{qw(port prefix)};

    $self->{database} = $database;

    local $ENV{DATABASE_URL} = 'postgresql+psycopg://postgres@/'
        . $database->name . '?host=' . $database->socket . '&port='
        . $database->port;
    local $ENV{API_KEY} = $options{key};
    local $ENV{POOL} = $options{pool};
    local $ENV{PYTHONDONTWRITEBYTECODE} = 1;

    my $home = "$bench->{top}/t/bench/fastapi";

    write_file("$prefix/flags.json", $options{flags});

    system("'" . python($bench) . "' '$home/service.py' <'$prefix/flags.json'"
        . " >>'$prefix/stderr' 2>&1") == 0
        or die "\"$name\" has no flags:\n" . $self->log_text;

    return $self->run(1, $bench->pin('tested'), python($bench), '-m',
        'uvicorn', 'service:app', '--app-dir', $home, '--host', '127.0.0.1',
        '--port', $port, '--loop', 'uvloop', '--http', 'httptools',
        '--no-access-log', '--log-level', 'warning');
}


sub workers { return $_[0]{master} }
sub quit    { return 'TERM' }


1;
