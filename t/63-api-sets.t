# Id sets and their members over HTTP.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(zone => '64m', neighbour => 1,
    location => 'client_max_body_size 16m;');

sub rows { scalar $api->pg->sql(q{SELECT count(*) FROM flagship.audit
    WHERE tenant = 'default'}) }
sub text { ('Content-Type' => 'text/plain') }


subtest 'a set is made' => sub {
    my $r = $api->post('/sets', { key => 'vip', name => 'VIPs',
        members => [ 'b', 'a', 'b', 7 ] });

    is($r->status, 201, 'created') or diag $r->body;
    is($r->header('Location'), '/sets/vip', 'it says where');

    my $s = $r->json;

    is($r->header('ETag'), qq("$s->{id}-$s->{version}"), 'its tag');
    is_deeply($s, { id => $s->{id}, tenant => 'default', key => 'vip',
        name => 'VIPs', description => '', size => 3,
        version => $s->{version}, created_at => $s->{created_at},
        updated_at => $s->{updated_at} }, 'with all its fields');
    is($api->get($_, as => 'viewer')->body, $r->body, "GET $_")
        for '/sets/vip', "/sets/$s->{id}";
    is($api->get('/sets/vip/members')->body, '["7","a","b"]', 'its members');

    is($api->post('/sets', { key => 'empty' })->json->{size}, 0, 'one of none');
    $api->problem_is($api->post('/sets', { key => 'vip' }), 409, 'exists');
    is($api->post('/sets', { key => 'vip' }, as => 'editor@acme')->status, 201,
        'not for another tenant');
    $api->problem_is($api->post('/sets', { key => 'x' }, as => 'viewer'), 403,
        'who only reads');
    $api->problem_is($api->post('/sets', { key => 'x' },
        as => 'editor@default/dev'), 403, 'who is bound to an environment');

    $api->problem_is($api->post('/sets', { key => 'x', size => 1,
        members => [ '', 'ok', {}, "a\nb", 'x' x 1025 ], nmae => 1 }), 422,
        'all that is wrong', <<'EOT' =~ s/\n\z//r);
/nmae: unknown field "nmae"; the nearest is "name"
/members/0: must have 1 to 1024 bytes
/members/2: must be a string
/members/3: must not have control characters
/members/4: must have 1 to 1024 bytes
EOT
    $api->problem_is($api->post('/sets', { key => 'x', members => 'a' }), 422,
        'no list', '/members: must be an array of ids');
};


subtest 'members' => sub {
    my $uri = '/sets/vip/members';
    my $all = sub { join ' ', @{ $api->get($uri, as => 'viewer')->json } };
    my $before = rows();

    my $r = $api->post($uri, [ 'c', 'a' ]);
    is($r->status . $r->json->{size}, '2004', 'POST adds') or diag $r->body;
    is($all->(), '7 a b c', 'what was not there');
    ok($r->header('Flagship-Revision'), 'a revision');

    $r = $api->call('DELETE', $uri, body => [ '7', 'x' ]);
    is($r->status . $r->json->{size}, '2003', 'DELETE removes') or diag $r->body;
    is($all->(), 'a b c', 'what was there');

    $api->problem_is($api->put($uri, "x\ny"), 400, 'a body of no type is JSON');
    $api->problem_is($api->call($_, $uri), 400, "$_ of nothing")
        for qw(PUT POST DELETE);
    is($api->call('POST', $uri, headers => [ text() ])->json->{size}, 3,
        'but no lines are none');
    $r = $api->put($uri, "x\r\ny\n\n\"q\\\nc", headers => [ text() ]);
    is($r->status . $r->json->{size}, '2004', 'PUT replaces, by lines')
        or diag $r->body;
    is($all->(), '"q\\ c x y', 'all of it');
    is($api->post($uri, "z\n", headers => [ text() ])->json->{size}, 5,
        'lines are added');
    is($api->call('DELETE', $uri, body => "z\ny", headers => [ text() ])
        ->json->{size}, 3, 'and removed');
    is($api->put($uri, [ 1, 2.50, 'a' ])->json->{size}, 3, 'an array');
    is($all->(), '1 2.5 a', 'whose numbers are strings then');

    $before = rows();
    is($api->post($uri, [ 'a' ])->status, 200, 'nothing new');
    is($api->put($uri, [ 'a', '1', '2.5', 'a' ])->status, 200, 'nothing else');
    is(rows(), $before, 'is no change');

    my $tag = $api->get('/sets/vip')->header('ETag');
    is($api->get($uri)->header('ETag'), $tag, 'members have the set\'s tag');
    is($api->get($uri, headers => [ 'If-None-Match' => $tag ])->status, 304,
        'and are not sent again');
    $r = $api->post($uri, [ 'b' ], headers => [ 'If-Match' => '"x-1"' ]);
    $api->problem_is($r, 412, 'only the version that was meant');
    is($r->json->{current}{key}, 'vip', 'with what is there');
    is($api->post($uri, [ 'b' ], headers => [ 'If-Match' => $tag ])->status,
        200, 'which is');
    is($api->put("$uri?dry_run=true", [])->json->{size}, 0, 'a dry run');
    is($all->(), '1 2.5 a b', 'does nothing');

    $api->problem_is($api->post($uri, { a => 1 }), 422, 'no list',
        ': must be an array of ids');
    $api->problem_is($api->post($uri, [ 'a', [ 'b', 'c' ], '' ]), 422,
        'no ids', "/1: must be a string\n/2: must have 1 to 1024 bytes");
    $api->problem_is($api->post($uri, "a\n" . 'x' x 1025 . "\nb\tc\n",
        headers => [ text() ]), 422, 'no lines', <<'EOT' =~ s/\n\z//r);
/1: must have 1 to 1024 bytes
/2: must not have control characters
EOT
    $api->problem_is($api->post($uri, "\xff\n", headers => [ text() ]), 400,
        'not UTF-8');
    $api->problem_is($api->post('/sets/none/members', [ 'a' ]), 404, 'no set');
    $api->problem_is($api->get('/sets/none/members'), 404, 'none to read');
    is($api->get('/sets/vip/members', as => 'viewer@acme')->body, '[]',
        'another tenant has its own');
    $api->problem_is($api->post($uri, [ 'a' ], as => 'viewer'), 403,
        'who only reads');
};


subtest 'a change' => sub {
    is($api->put('/sets/vip', { description => 'D' })->json->{description}, 'D',
        'PUT merges');
    is($api->patch('/sets/vip', { name => undef })->json->{name}, '', 'PATCH');

    my $r = $api->put('/sets/vip', { members => [] });
    $api->problem_is($r, 422, 'members have their own place',
        '/members: are changed at /sets/vip/members');
    $api->problem_is($api->put('/sets/vip', { key => 'x' }), 422, 'the key',
        '/key: must be the set\'s own, "vip"');
    $api->problem_is($api->put('/sets/none', {}), 404, 'none');
    $api->problem_is($api->put('/sets/vip', { name => 'x' },
        headers => [ 'If-Match' => '"x"' ]), 412, 'another version');
};


subtest 'deleted when nothing looks into it' => sub {
    $api->pg->sql(q{INSERT INTO flagship.segments (key, "when")
        VALUES ('in', '{"in_set": [{"var": "id"}, "vip"]}')});

    my $r = $api->delete('/sets/vip');
    $api->problem_is($r, 409, 'in use');
    is_deeply($r->json->{users}, [ { entity => 'segment', key => 'in' } ],
        'by this');

    $api->delete('/segments/in');
    is($api->delete('/sets/vip')->status, 204, 'deleted');
    $api->problem_is($api->get('/sets/vip'), 404, 'gone');
    $api->problem_is($api->delete('/sets/vip'), 404, 'once');
};


subtest 'the list' => sub {
    is(join(' ', map { $_->{key} } @{ $api->get('/sets')->json->{sets} }),
        'empty', 'of the tenant');
};


subtest 'a hundred thousand' => sub {
    my @ids = map { sprintf 'user-%06d', $_ } 1 .. 100_000;
    my $uri = '/sets/empty/members';
    my $r;

    # in parts, which a busy machine writes in time, too
    for my $n (0 .. 9) {
        $r = $api->post($uri, join("\n", @ids[$n * 10_000 .. $n * 10_000 + 9_999]),
            headers => [ text() ]);
        is($r->status . $r->json->{size}, '200' . ($n + 1) * 10_000, 'come')
            or diag $r->body;
    }

    $r = $api->get($uri);
    is($r->status, 200, 'and go');
    is_deeply($r->json, \@ids, 'all of them, in order');
    is($r->header('ETag'), $api->get('/sets/empty')->header('ETag'),
        'with the tag');
    is($api->get($uri, headers => [ 'If-None-Match' => $r->header('ETag') ])
        ->status, 304, 'and not again');

    # one who reads none of it holds nobody up
    my @slow = map { my $s = IO::Socket::INET->new(PeerAddr => '127.0.0.1',
        PeerPort => $api->t->port); $s->syswrite("GET $uri HTTP/1.1\r\n"
        . "Host: a\r\nX-API-Key: " . $api->key('viewer@default') . "\r\n\r\n");
        $s } 1 .. 12;
    is($api->post($uri, [ "again-$_" ])->status, 200, 'others write') for 1 .. 3;
    close $_ for @slow;

    is($api->call('DELETE', $uri, body => [ @ids[0 .. 19_999] ])->json->{size},
        80_003, 'removed');
    is($api->put($uri, [ 'a', 'user-050000' ])->json->{size}, 2, 'or replaced');
};


done_testing;
