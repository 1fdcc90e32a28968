# Who may: every route and method of the table, asked by every role, of the own
# tenant, of another one, and of another environment.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(neighbour => 1);

my %rank = (NONE => 0, CLIENT => 1, VIEWER => 2, EDITOR => 3, ADMIN => 4,
    OPERATOR => 5);
my @rows;

open my $fh, '<', "$Flagship::Test::top/src/api/ngx_http_flagship_api_routes.c"
    or die $!;
my $table = do { local $/; <$fh> };

while ($table =~ /\{\s"(\/[^"]*)",\sNGX_HTTP_([A-Z]+),\s*
    NGX_HTTP_FLAGSHIP_ROLE_([A-Z]+),([^}]*)\}/gx) {
    my ($path, $method, $role, $rest) = ($1, $2, $3, $4);

    push @rows, { path => $path, method => $method, role => $rank{$role},
        open => scalar $rest =~ /ROUTE_OPEN/ };
}

cmp_ok(scalar @rows, '>', 40, 'the table is read');

# what is there, in the tenant "default" and its "prod"

my %id = (flags => $api->post('/flags', { key => 'mine' })->json->{id});

$id{segments} = $api->post('/segments', { key => 'mine', when => true })
    ->json->{id};
is($api->post('/sets', { key => 'mine' })->status, 201, 'a set');
$id{'api-keys'} = $api->post('/api-keys', { role => 'client' }, as => 'admin')
    ->json->{id};


sub uri {
    my ($row, %value) = @_;

    my ($resource) = $row->{path} =~ m{^/([\w-]+)};

    %value = (flag => $value{key}, user_id => 'u', file => 'x',
        id => $value{key} eq 'mine' ? $id{$resource}
            : $resource eq 'api-keys' ? '0' x 16
            : '00000000-0000-4000-8000-000000000000', %value);

    return $row->{path} =~ s/\{(\w+)\}/$value{$1}/gr;
}


# A body that can be read and asks for nothing

sub status {
    my ($row, $as, $uri) = @_;

    my $body = $row->{path} =~ /members/ ? [] : {};

    return $api->call($row->{method}, $uri, as => $as,
        $row->{method} =~ /^P/ || ref $body eq 'ARRAY' ? (body => $body) : ())
            ->status;
}


sub passes { $_[0] !~ /^(?:401|403|405|5..)$/ }


for my $row (@rows) {
    my $name = "$row->{method} $row->{path}";
    my $uri = uri($row, key => 'nosuch');
    my @wrong;

    for my $role (qw(NONE CLIENT VIEWER EDITOR ADMIN OPERATOR)) {
        my $as = $role eq 'NONE' ? undef : lc $role;
        my $status = status($row, $as, $uri);

        my $right = $row->{open} || $rank{$role} >= $row->{role}
            ? $status == 503 && $row->{open} || passes($status)
            : $status == ($role eq 'NONE' ? 401 : 403);

        push @wrong, "$role: $status" unless $right;
    }

    is_deeply(\@wrong, [], "$name: by role");

    next if $row->{open};

    # a key that is none is nobody's, also where nobody may

    is($api->call($row->{method}, $uri, as => undef, headers =>
        [ 'X-API-Key' => 'flagship_0000000000000000_x' ])->status, 401,
        "$name: a key that is none");

    # no tenant but the key's own, unless an operator names one

    is(status($row, 'admin', "$uri?tenant=acme"), 403, "$name: tenant=");
    ok(passes(status($row, 'operator', "$uri?tenant=acme")),
        "$name: tenant= by an operator");

    # what another tenant has is not there

    if ($row->{path} =~ /\{(?:key|id|flag)\}/) {
        is(status($row, 'admin@acme', uri($row, key => 'mine')), 404,
            "$name: another tenant's");
    }

    # a key of one environment is refused for another

    my %bound = (1 => 'viewer@default/dev', 2 => 'viewer@default/dev',
        3 => 'editor@default/dev');

    if ($bound{ $row->{role} }) {
        is(status($row, $bound{ $row->{role} }, "$uri?environment=prod"), 403,
            "$name: another environment");
    }
}

is($api->get('/flags/mine')->json->{version}, 1, 'nothing was done to a flag');
is($api->get('/sets/mine')->json->{version}, 1, 'nor to a set');
is($api->get('/segments/mine')->json->{version}, 1, 'nor to a segment');
is($api->get("/api-keys/$id{'api-keys'}", as => 'admin')->json->{revoked_at},
    undef, 'nor to a key');

done_testing;
