package Flagship::Api;

# The API on a PostgreSQL of the test's own, with keys of every role.
#
#   use Flagship::Api;                      # brings Test::More and JSON too
#
#   my $api = Flagship::Api->new;
#   my $r = $api->put('/flags/a', { rollout => 5 });       # as an editor
#   my $r = $api->get('/flags', as => 'viewer@acme');
#   my $r = $api->call('DELETE', '/flags/a', as => 'admin',
#       headers => [ 'If-Match' => '"..."' ]);
#
# A key is named role@tenant or role@tenant/environment; the tenant is
# "default" where none is named.  as => undef sends none.  Bodies that are
# references are sent as JSON.

use strict;
use warnings;

use Exporter ();
use JSON::PP ();

use Flagship::Neighbour;
use Flagship::Postgres;
use Flagship::Test;

our @EXPORT = (@Flagship::Test::EXPORT, qw(true false));

our $json = JSON::PP->new->utf8->allow_nonref->canonical;


sub import {
    strict->import;
    warnings->import;
    goto &Exporter::import;
}


sub true  { JSON::PP::true }
sub false { JSON::PP::false }


# workers, http, server, location, pool, refresh, wait: of the configuration;
# api: parameters of flagship_api; neighbour => 1: another tenant is busy, too
# (in the round without sanitizers: once will do)

sub new {
    my ($class, %o) = @_;

    my $pg = $o{pg} // Flagship::Postgres->new;
    my $t = Flagship::Test->new(workers => $o{workers} // 2);
    my $self = bless { pg => $pg, t => $t, keys => {} }, $class;

    $pg->sql(q{INSERT INTO flagship.tenants (key) VALUES ('acme')});

    for my $name (map { ("$_\@default", "$_\@acme") }
        qw(client viewer editor admin)) {
        $self->key($name);
    }

    $self->key('operator');
    $self->key('editor@default/dev');
    $self->key('viewer@default/dev');

    my $neighbour = $o{neighbour} && !$ENV{FLAGSHIP_SANITIZE}
        && Flagship::Neighbour->new($self);

    $self->config(%o)->run;

    # keys travel with the flags
    wait_for(sub { $self->get('/flags')->status == 200 })
        or die 'the API does not come up';

    if ($neighbour) {
        $self->{neighbour} = $neighbour;
        $t->at_end(sub { $neighbour->check });
    }

    return $self;
}


# Another configuration, for a reload

sub config {
    my ($self, %o) = @_;

    my $info = $self->{pg}->conninfo(tcp => 1);

    return $self->{t}->config(<<"EOT");
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone @{[ $o{zone} // '32m' ]};
    flagship_postgres @{[ $o{source} // qq("$info" pool=) . ($o{pool} // 4) ]};
    flagship_refresh @{[ $o{refresh} // '1h' ]};
    @{[ $o{http} // '' ]}

    server {
        listen 127.0.0.1:%%PORT%%;
        @{[ $o{server} // '' ]}

        location / {
            flagship_api @{[ $o{api} // '' ]};
            flagship_write_wait @{[ $o{wait} // '20s' ]};
            @{[ $o{location} // '' ]}
        }
    }
}
EOT
}


sub t  { $_[0]{t} }
sub pg { $_[0]{pg} }
sub neighbour { $_[0]{neighbour} }


# The key of that name, made where it is new

sub key {
    my ($self, $name) = @_;

    return $self->{keys}{$name} if $self->{keys}{$name};

    my ($role, $tenant, $environment) =
        $name =~ m{^(\w+)(?:\@([^/]+)(?:/(.+))?)?$} or die "no name: $name";
    my $id = $name =~ s/[^A-Za-z0-9]//gr . 'key00000';
    my $secret = "secret-of-$id";

    $tenant //= $role eq 'operator' ? undef : 'default';

    $self->{pg}->sql(sprintf q{INSERT INTO flagship.api_keys
        (id, tenant, environment, role, hash)
        VALUES ('%s', %s, %s, '%s', sha256('%s'))}, $id,
        defined $tenant ? "'$tenant'" : 'NULL',
        defined $environment ? "'$environment'" : 'NULL', $role, $secret);

    $self->{ids}{$name} = $id;

    return $self->{keys}{$name} = "flagship_${id}_$secret";
}


# Who the audit says that was

sub actor {
    my ($self, $name) = @_;

    return 'key:' . $self->{ids}{ $self->_name($name) };
}


sub _name {
    my ($self, $name) = @_;

    return $name if $name =~ /\@/ || $name eq 'operator';
    return "$name\@default";
}


sub headers {
    my ($self, %o) = @_;

    my $as = exists $o{as} ? $o{as} : 'editor';

    return [ defined $as ? ('X-API-Key' => $self->key($self->_name($as)))
        : (), ref $o{body} ? ('Content-Type' => 'application/json') : (),
        @{ $o{headers} // [] } ];
}


sub call {
    my ($self, $method, $uri, %o) = @_;

    $o{as} = 'editor' unless exists $o{as};

    my $beside = $self->{neighbour}
        && $self->{neighbour}->ask($method, $uri, %o);

    my $r = $self->{t}->http($method, $uri, headers => $self->headers(%o),
        defined $o{body} ? (body => $self->bytes($o{body})) : ());

    $self->{neighbour}->hear($beside, $r) if $beside;

    return $r;
}


sub bytes {
    my ($self, $body) = @_;

    return ref $body ? $json->encode($body) : $body;
}


sub get    { my ($self, $uri, %o) = @_; return $self->call('GET', $uri, %o) }
sub delete { my ($self, $uri, %o) = @_; return $self->call('DELETE', $uri, %o) }

sub post   { my ($self, $uri, $body, %o) = @_;
    return $self->call('POST', $uri, body => $body, %o) }
sub put    { my ($self, $uri, $body, %o) = @_;
    return $self->call('PUT', $uri, body => $body, %o) }
sub patch  { my ($self, $uri, $body, %o) = @_;
    return $self->call('PATCH', $uri, body => $body, %o) }


# A problem with a status; its errors as "pointer: detail" lines

sub errors {
    my ($r) = @_;

    return join "\n", map { "$_->{pointer}: $_->{detail}" }
        @{ $r->json->{errors} // [] };
}


sub problem_is {
    my ($self, $r, $status, $name, $errors) = @_;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    my $type = $r->header('Content-Type') // '';

    return is($r->status . " $type", "$status application/problem+json", $name)
        && is($r->json->{status}, $status, '... which it says itself')
        && (!defined $errors || is(errors($r), $errors, '... and why'))
        || diag $r->body;
}


1;
