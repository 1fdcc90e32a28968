package Flagship::Neighbour;

# Another tenant beside the one of a suite: whatever the suite asks the API for
# by a key of the tenant "default", the neighbour asks for at the same time by
# its own key of that role.  Neither may see anything of the other.
#
#   my $api = Flagship::Api->new(neighbour => 1);      # and that is all
#
# What the suite asks for without a key, or not through the API's object, the
# neighbour asks for by the key that the suite says:
#
#   my $r = $api->call('GET', '/flags', as => undef, neighbour => 'viewer');
#
#   my $asked = $api->neighbour && $api->neighbour->ask('GET', '/flags',
#       as => 'viewer@default');
#   ...
#   $api->neighbour->hear($asked, $r) if $asked;
#
# The suite's own tests say that its tenant is as if it were alone; those of
# the neighbour are added at the end.

use strict;
use warnings;

use Test::More ();

use constant TENANT => 'neighbour';


sub new {
    my ($class, $api) = @_;

    my $self = bless {
        api => $api, asked => 0, answered => 0, of => {}, wrong => [],
    }, $class;

    $api->pg->sql(sprintf q{INSERT INTO flagship.tenants (key) VALUES ('%s')},
        TENANT);

    $self->{keys} = { map { ($_ => $api->key($_)) } map { _own($_) }
        qw(client viewer editor admin viewer@default/dev editor@default/dev) };

    return $self;
}


# The name of its key where the suite takes one of its tenant

sub _own {
    my ($as) = @_;

    my ($role, $environment) = $as =~ m{^(\w+)(?:\@default(/.+)?)?$} or return;

    return "$role\@" . TENANT . ($environment // '');
}


# Asks, and leaves the answer until the suite has its own

sub ask {
    my ($self, $method, $uri, %o) = @_;

    my $as = _own($o{neighbour} // $o{as} // '') // '';

    return unless exists $self->{keys}{$as};

    my $c = $self->{api}->t->connect;

    $c->request($method, $uri, headers => [ Connection => 'close',
        @{ $self->{api}->headers(%o, as => $as) } ],
        defined $o{body} ? (body => $self->{api}->bytes($o{body})) : ());

    return { c => $c, what => "$method $uri", uri => $uri };
}


sub hear {
    my ($self, $asked, $r) = @_;

    my $own = $asked->{c}->response or die "no answer to $asked->{what}";

    $self->{asked}++;
    $self->{answered}++ if $own->status < 300;

    $self->_wrong($asked, 'status ' . $own->status) if $own->status >= 500;

    $self->_read($asked, $r, 'default');
    $self->_read($asked, $own, TENANT);

    # of what has an id of the other's there is at most an empty list
    if ($own->status < 300 && $own->body !~ /^\{"audit":\[\]/
        && grep { ($self->{of}{$_} // '') eq 'default' }
            split m{[/?&=]}, $asked->{uri}) {
        $self->_wrong($asked, 'was let to it');
    }
}


# Nothing in an answer is of anybody else; a problem repeats what was asked

sub _read {
    my ($self, $asked, $r, $tenant) = @_;

    return if $r->status >= 400;

    my $text = $r->body . ($r->header('ETag') // '');

    while ($text =~ /"id":"([^"]+)","tenant":"([^"]*)"/g) {
        $self->{of}{$1} //= $2;
    }

    for my $other ($text =~ /"tenant":"([^"]*)"/g) {
        $self->_wrong($asked, "$tenant sees $other") if $other ne $tenant;
    }

    for my $id ($text =~ /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g) {
        my $of = $self->{of}{$id} // $tenant;
        $self->_wrong($asked, "$tenant sees $id of $of") if $of ne $tenant;
    }
}


sub _wrong {
    my ($self, $asked, $why) = @_;

    push @{ $self->{wrong} }, "$asked->{what}: $why";
}


sub check {
    my ($self) = @_;

    my $api = $self->{api};

    Test::More::cmp_ok($self->{answered}, '>', 0, "neighbour: asked for"
        . " $self->{asked} things and got some");
    Test::More::is_deeply([ splice @{ $self->{wrong} }, 0, 20 ], [],
        'neighbour: neither saw anything of the other');

    my ($cursor, %actors) = ('');

    do {
        my $page = $api->call('GET', "/audit?limit=500$cursor",
            as => 'viewer@' . TENANT)->json;

        $actors{"$_->{tenant} $_->{actor}"}++ for @{ $page->{audit} };
        $cursor = defined $page->{next_cursor}
            ? "&cursor=$page->{next_cursor}" : '';
    } while ($cursor);

    my %known = map { (TENANT . ' ' . $api->actor($_) => 1) }
        keys %{ $self->{keys} };

    # its environments and keys were made by hand
    Test::More::is_deeply([ grep { !$known{$_} && $_ ne TENANT . ' postgres' }
        sort keys %actors ], [], 'neighbour: in its audit is nobody else');
    Test::More::is($api->pg->sql(q{
        SELECT count(*) FROM flagship.audit a
          JOIN flagship.api_keys k ON a.actor = 'key:' || k.id
         WHERE k.tenant <> a.tenant}), 0, 'neighbour: nor elsewhere');
}


1;
