# Keys of the API over HTTP: made, with the secret once; never more than one's
# own; revoked.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(neighbour => 1);

$api->key('admin@default/dev');
wait_for(sub { $api->get('/api-keys', as => 'admin@default/dev')->status == 200 });

sub with { my ($key) = @_; return (as => undef, headers => [ 'X-API-Key' => $key ]) }


subtest 'a key is made' => sub {
    my $r = $api->post('/api-keys', { name => 'Laptop', role => 'viewer',
        expires_at => '2099-01-02T03:04:05Z' }, as => 'admin');

    is($r->status, 201, 'created') or diag $r->body;
    is($r->header('Cache-Control'), 'no-store', 'not to be kept');

    my $k = $r->json;

    is($r->header('Location'), "/api-keys/$k->{id}", 'it says where');
    is($r->header('ETag'), qq("$k->{id}-1"), 'its tag');
    like($k->{key}, qr/^flagship_\Q$k->{id}\E_[A-Za-z0-9]{43}$/, 'the key');
    is_deeply($k, { id => $k->{id}, tenant => 'default', environment => undef,
        name => 'Laptop', role => 'viewer', see_unexposed => false,
        expires_at => '2099-01-02T03:04:05.000000Z', revoked_at => undef,
        version => 1, created_at => $k->{created_at},
        updated_at => $k->{updated_at}, key => $k->{key} }, 'and its fields');

    is($api->get('/flags', with($k->{key}))->status, 200, 'it opens at once');
    is($api->get('/api-keys', with($k->{key}))->status, 403,
        'as far as its role goes');

    my ($secret) = $k->{key} =~ /_([^_]+)$/;
    my $got = $api->get("/api-keys/$k->{id}", as => 'admin');
    is($got->status, 200, 'it is read');
    unlike($got->body, qr/\Q$secret\E|"key"|hash/, 'without the secret');
    unlike($api->get('/api-keys', as => 'admin')->body, qr/\Q$secret\E/,
        'nor is it in the list');
    is($api->pg->sql("SELECT count(*) FROM flagship.audit
        WHERE (coalesce(before, '{}')::text || coalesce(after, '{}')::text)
            LIKE '%$secret%'"), 0, 'nor in the audit');
    unlike($api->t->log, qr/\Q$secret\E/, 'nor in the log');

    my $r2 = $api->delete("/api-keys/$k->{id}", as => 'admin');
    is($r2->status, 204, 'revoked');
    is($api->get('/flags', with($k->{key}))->status, 401, 'it opens no more');
    ok($api->get("/api-keys/$k->{id}", as => 'admin')->json->{revoked_at},
        'it is still to be seen');
    $api->problem_is($api->delete("/api-keys/$k->{id}", as => 'admin'), 404,
        'and revoked once');

    my $dry = $api->post('/api-keys?dry_run=true', { role => 'viewer' },
        as => 'admin');
    is($dry->status, 200, 'a dry run');
    ok(!exists $dry->json->{key}, 'gives no key');
    $api->problem_is($api->get('/api-keys/' . $dry->json->{id},
        as => 'admin'), 404, 'and makes none');
};


subtest 'never more than one\'s own' => sub {
    my $dev = 'admin@default/dev';
    my @cases = (
        # by, body, status, [tenant, environment]
        [ 'admin', { role => 'client' }, 201, 'default', undef ],
        [ 'admin', { role => 'admin' }, 201, 'default', undef ],
        [ 'admin', { role => 'operator' }, 403 ],
        [ 'admin', { role => 'viewer', env => 'dev' }, 201, 'default', 'dev' ],
        [ 'admin', { role => 'viewer', tenant => 'default' }, 201, 'default',
            undef ],
        [ 'admin', { role => 'viewer', tenant => 'acme' }, 403 ],
        [ 'admin', { role => 'viewer', environment => 'nowhere' }, 404 ],
        [ $dev, { role => 'admin' }, 201, 'default', 'dev' ],
        [ $dev, { role => 'viewer', environment => 'dev' }, 201, 'default',
            'dev' ],
        [ $dev, { role => 'viewer', environment => 'prod' }, 403 ],
        [ 'editor', { role => 'client' }, 403 ],
        [ 'operator', { role => 'operator' }, 201, 'default', undef ],
        [ 'operator', { role => 'operator', tenant => undef }, 201, undef,
            undef ],
        [ 'operator', { role => 'admin', tenant => 'acme' }, 201, 'acme',
            undef ],
        [ 'operator', { role => 'admin', tenant => undef }, 422 ],
        [ 'operator', { role => 'operator', tenant => undef, env => 'dev' },
            422 ],
        [ 'operator', { role => 'admin', tenant => 'nobody' }, 404 ],
    );

    for my $case (@cases) {
        my ($by, $body, $status, $tenant, $environment) = @$case;
        my $name = "$by: " . $Flagship::Api::json->encode($body);
        my $r = $api->post('/api-keys', $body, as => $by);

        if ($status != 201) {
            $api->problem_is($r, $status, $name);
            next;
        }

        is($r->status, 201, $name) or diag $r->body;
        is_deeply([ @{ $r->json }{qw(tenant environment)} ],
            [ $tenant, $environment ], 'bound to what it should be');
    }

    is($api->post('/api-keys?env=dev', { role => 'client' }, as => 'admin')
        ->json->{environment}, 'dev', 'the query names the environment');
    $api->problem_is($api->post('/api-keys?env=dev', { role => 'client',
        environment => 'prod' }, as => 'admin'), 422, 'or both, alike');
};


subtest 'what is refused' => sub {
    my @cases = (
        [ {}, '/role: is needed' ],
        [ { role => 'king' }, qr{^/role: must be "client"} ],
        [ { role => 'viewer', expires_at => 'soon' }, qr{^/expires_at: must be} ],
        [ { role => 'viewer', expires_at => '2001-01-01T00:00:00Z' },
            '/expires_at: is in the past' ],
        [ { role => 'viewer', see_unexposed => 'yes' }, qr{^/see_unexposed: } ],
        [ { role => 'viewer', id => 'mine' }, qr{^/id: } ],
        [ { role => 'viewer', hash => 'mine' }, qr{^/hash: unknown field} ],
        [ { role => 'viewer', name => 'n' x 201 }, qr{^/name: } ],
    );

    for my $case (@cases) {
        my $r = $api->post('/api-keys', $case->[0], as => 'admin');
        $api->problem_is($r, 422, $Flagship::Api::json->encode($case->[0])
            =~ s/^(.{60}).*/$1/r);
        ref $case->[1] ? like(Flagship::Api::errors($r), $case->[1], 'and why')
            : is(Flagship::Api::errors($r), $case->[1], 'and why');
    }

    $api->problem_is($api->call($_, '/api-keys/x', as => 'admin', body => {}),
        405, "$_ is no way to change one") for qw(PUT PATCH);
};


subtest 'who sees which' => sub {
    my $dev = 'admin@default/dev';
    my %id = map { $_ => $api->{ids}{$_} } keys %{ $api->{ids} };
    my $ids = sub {
        my ($as, $query) = @_;
        return { map { $_->{id} => 1 } @{ $api->get("/api-keys?limit=500"
            . ($query // ''), as => $as)->json->{api_keys} } };
    };

    my $mine = $ids->('admin');
    ok($mine->{ $id{'viewer@default'} }, 'an admin those of the tenant');
    ok(!$mine->{ $id{'viewer@acme'} }, 'of no other');
    ok(!$mine->{ $id{operator} }, 'and none of all');
    ok($ids->('operator')->{ $id{operator} }, 'which an operator does');
    ok($ids->('operator', '&tenant=acme')->{ $id{'viewer@acme'} },
        'and those of the tenant that he names');

    my $bound = $ids->($dev);
    ok($bound->{ $id{'editor@default/dev'} } && !$bound->{ $id{'viewer@default'} },
        'a bound admin those of the environment');
    my $some = $ids->('admin', '&role=viewer&env=dev');
    ok($some->{ $id{'viewer@default/dev'} } && !$some->{ $id{'editor@default/dev'} }
        && !$some->{ $id{'viewer@default'} }, 'by role and environment');
    ok(!grep({ $_ eq $id{'viewer@default'} } keys %{ $ids->('admin',
        '&revoked=true') }), 'or those that are revoked');

    $api->problem_is($api->get("/api-keys/$id{'viewer@acme'}", as => 'admin'),
        404, 'another tenant\'s is none');
    $api->problem_is($api->delete("/api-keys/$id{'viewer@acme'}",
        as => 'admin'), 404, 'to revoke');
    $api->problem_is($api->get("/api-keys/$id{'viewer@default'}", as => $dev),
        404, 'nor another environment\'s');
    $api->problem_is($api->delete("/api-keys/$id{'viewer@default'}",
        as => $dev), 404, 'to revoke');
    $api->problem_is($api->get('/api-keys', as => 'editor'), 403, 'editors');

    my $above = $api->post('/api-keys', { role => 'operator',
        tenant => 'default' }, as => 'operator')->json;
    $api->problem_is($api->delete("/api-keys/$above->{id}", as => 'admin'),
        403, 'one of a role above is not an admin\'s to revoke');
    is($api->delete("/api-keys/$above->{id}", as => 'operator')->status, 204,
        'but an operator\'s');
};


subtest 'one that is bound is bound' => sub {
    my $k = $api->post('/api-keys', { role => 'editor', environment => 'dev' },
        as => 'admin')->json;

    is($api->call('POST', '/flags', as => undef, body => { key => 'by-bound' },
        headers => [ 'X-API-Key' => $k->{key} ])->json->{environment}, 'dev',
        'to its environment');
    is($api->get('/flags?env=prod', with($k->{key}))->status, 403,
        'and no other');
    is($api->pg->sql('SELECT actor FROM flagship.audit ORDER BY id DESC LIMIT 1'),
        "key:$k->{id}", 'the audit knows it by its id');
};


done_testing;
