# Flags over HTTP: made, read, changed, archived, purged, restored; every
# manner of them.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(neighbour => 1);

sub is_rfc3339 {
    like($_[0], qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$/, $_[1]);
}

sub rows { scalar $api->pg->sql(q{SELECT count(*) FROM flagship.audit
    WHERE tenant = 'default'}) }


subtest 'a flag is made' => sub {
    my $r = $api->post('/flags', { key => 'first', enabled => true });

    is($r->status, 201, 'created') or diag $r->body;
    is($r->header('Location'), '/flags/first', 'it says where');
    is($r->header('Content-Type'), 'application/json', 'JSON');
    like($r->header('Flagship-Revision'), qr/^\d+$/, 'its revision');
    is($r->header('Flagship-Applied'), undef, 'which is served');
    is($r->header('Vary'), 'Authorization, X-API-Key', 'by who asks');

    my $flag = $r->json;
    my $id = $flag->{id};

    like($id, qr/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, 'an id');
    is($r->header('ETag'), qq("$id-1"), 'a tag');
    is_rfc3339($flag->{$_}, $_) for qw(created_at updated_at);

    is_deeply($flag, {
        id => $id, tenant => 'default', environment => 'prod', key => 'first',
        name => '', description => '', tags => [], metadata => {},
        type => 'boolean', enabled => true,
        variants => { on => true, off => false },
        default_variant => 'off', off_variant => 'off', rules => [],
        user_ids => [], rollout => 100, prerequisites => [],
        enable_at => undef, disable_at => undef, expose => true, version => 1,
        created_at => $flag->{created_at}, updated_at => $flag->{updated_at},
        archived_at => undef }, 'with all its fields');
    like($r->body, qr/^\{"id":.*"tenant":.*"environment":.*"key":.*"name":.*
        "description":.*"tags":.*"metadata":.*"type":.*"enabled":.*"variants":
        .*"default_variant":.*"off_variant":.*"rules":.*"user_ids":.*"rollout":
        .*"prerequisites":.*"enable_at":.*"disable_at":.*"expose":.*"version":
        .*"created_at":.*"updated_at":.*"archived_at":/sx, 'in their order');

    for my $uri ('/flags/first', "/flags/$id", '/flags/' . uc $id,
        '/flags/first?environment=prod') {
        my $got = $api->get($uri, as => 'viewer');

        is($got->status, 200, "GET $uri");
        is($got->body, $r->body, 'is the same');
        is($got->header('ETag'), qq("$id-1"), 'with its tag');
    }

    is($api->get('/evaluate/first?user_id=u', as => 'client')->json->{value},
        true, 'and it is served');

    my $same = $api->get('/flags/first',
        headers => [ 'If-None-Match' => qq("$id-1") ]);
    is($same->status, 304, 'not again to who has it');
    is($same->body, '', 'without a body');
    is($api->get('/flags/first', headers => [ 'If-None-Match' => qq("$id-2") ])
        ->status, 200, 'but to who has another');

    my $head = $api->call('HEAD', '/flags/first');
    is($head->status . $head->body, 200, 'HEAD');
    is($head->header('Content-Length'), length $r->body, 'has the length');

    $api->problem_is($api->post('/flags', { key => 'first' }), 409,
        'a second one of the key');
    is($api->post('/flags', { key => 'first', environment => 'dev' })->status,
        201, 'but in another environment');
};


subtest 'where it is' => sub {
    my $r = $api->post('/flags', { key => 'where', env => 'dev' });

    is($r->json->{environment}, 'dev', 'the body names it');
    is($r->header('Location'), '/flags/where?environment=dev', 'with its way');
    is($api->get($r->header('Location'))->body, $r->body, 'which leads there');
    is($api->get('/flags/where')->status, 404, 'not in prod');
    is($api->get("/flags/" . $r->json->{id})->status, 200, 'the id finds it');
    is($api->get("/flags/" . $r->json->{id} . '?env=prod')->status, 404,
        'but not in another environment that is named');

    $api->problem_is($api->post('/flags?env=dev', { key => 'x',
        environment => 'prod' }), 422, 'two environments');
    $api->problem_is($api->post('/flags', { key => 'x', env => 'nowhere' }),
        404, 'one that is none');
    $api->problem_is($api->post('/flags', { key => 'x',
        tenant_id => 'acme' }), 422, 'another tenant',
        q{/tenant_id: must be the flag's own, "default"});

    is($api->post('/flags', { key => 'where' }, as => 'editor@default/dev')
        ->status, 409, 'a bound key is in its environment');
    $api->problem_is($api->get('/flags/where?env=prod',
        as => 'viewer@default/dev'), 403, 'and in no other');
    $api->problem_is($api->get('/flags/first', as => 'viewer@acme'), 404,
        'another tenant sees nothing');
    $api->problem_is($api->get('/flags/' . $r->json->{id},
        as => 'viewer@acme'), 404, 'nor by its id');
    $api->problem_is($api->put('/flags/' . $r->json->{id}, { enabled => true },
        as => 'editor@acme'), 404, 'nor changes it');
    is($api->get('/flags/where?tenant=default&env=dev', as => 'operator')
        ->status, 200, 'an operator names the tenant');
};


subtest 'a change' => sub {
    $api->post('/flags', { key => 'change', user_ids => [ 'a' ],
        metadata => { a => 1, b => 'x' }, enabled => true });

    my $id = $api->get('/flags/change')->json->{id};
    my $r = $api->put('/flags/change', { rollout => 12.5 });

    is($r->status, 200, 'PUT') or diag $r->body;
    is($r->json->{rollout}, 12.5, 'changes the field');
    is_deeply($r->json->{user_ids}, [ 'a' ], 'and no other');
    is($r->json->{version}, 2, 'is a version');
    is($r->header('ETag'), qq("$id-2"), 'with its tag');
    like($r->header('Flagship-Revision'), qr/^\d+$/, 'and revision');

    $r = $api->patch('/flags/change', { metadata => { a => undef, c => true },
        name => 'n' });
    is_deeply($r->json->{metadata}, { b => 'x', c => true },
        'PATCH merges metadata by name');
    is($r->json->{name}, 'n', 'and replaces the others');
    is($api->call('PATCH', '/flags/change', body => '{"name":"m"}',
        headers => [ 'Content-Type' => 'application/merge-patch+json' ])
        ->json->{name}, 'm', 'a merge patch');
    is($api->call('PATCH', '/flags/change', body => '{"name":"m"}',
        headers => [ 'Content-Type' => 'text/plain' ])->status, 415,
        'not plain text');

    $r = $api->put("/flags/$id", { rules => [ { when =>
        { '==' => [ { var => 'country' }, 'DE' ] }, serve => 'on' } ] });
    is($r->json->{rules}[0]{serve}, 'on', 'by id, with rules');
    is($api->get('/evaluate/change?user_id=u&country=DE', as => 'client')
        ->json->{reason}, 'TARGETING_MATCH', 'which are served');

    $r = $api->put('/flags/change', { rollout => undef, rules => undef,
        enabled => undef, metadata => undef, default_variant => undef,
        user_ids => undef });
    is_deeply([ @{ $r->json }{qw(rollout rules enabled metadata
        default_variant user_ids)} ], [ undef, [], false, {}, undef, [] ],
        'null');

    my ($before, $rows) = ($api->get('/flags/change')->body, rows());
    my $flag = $api->get('/flags/change')->json;

    for my $nothing ({}, { enabled => false }, $flag,
        { rules => [] }, { variants => { off => false, on => true } },
        { metadata => { none => undef } }) {
        $r = $api->put('/flags/change', $nothing);
        is($r->status, 200, 'a change of nothing');
        is($r->body, $before, 'changes nothing');
        like($r->header('Flagship-Revision'), qr/^\d+$/, 'has a revision');
    }

    is(rows(), $rows, 'and leaves no trace');

    $api->problem_is($api->put('/flags/nobody', { enabled => true }), 404,
        'of a flag that is not there');
    $api->problem_is($api->put('/flags/nobody', { enabled => 'x' }), 404,
        'also a wrong one');
    $api->problem_is($api->put('/flags/change', { key => 'other',
        environment => 'prod', tenant => 'default', id => $id }), 422,
        'the key cannot be changed', qq(/key: must be the flag's own, "change"));
    $api->problem_is($api->put('/flags/change', { id => "x$id" }), 422,
        'nor the id', qq(/id: must be the flag's own, "$id"));
};


subtest 'numbers and texts stay as they were written' => sub {
    my $body = '{"key":"exact", "type":"json","variants":{"on":'
        . '{"n":9007199254740993, "f":1.50, "e":1E3, "s":"\u00fc\/"},"off":0},'
        . '"metadata":{"big":12345678901234567890}}';
    my $r = $api->call('POST', '/flags', body => $body,
        headers => [ 'Content-Type' => 'application/json' ]);

    is($r->status, 201, 'made') or diag $r->body;

    for my $got ($r->body, $api->get('/flags/exact')->body) {
        like($got, qr/"variants":\{"on":\{"n":9007199254740993,"f":1.50,
            "e":1E3,"s":"\\u00fc\\\/"\},"off":0\}/x, 'variants');
        like($got, qr/"metadata":\{"big":\s*12345678901234567890\}/, 'metadata');
    }

    is($api->pg->sql(q{SELECT name FROM flagship.flags
        WHERE tenant = 'default' AND key = 'exact'}), '', 'no name');
    is($api->post('/flags', { key => 'utf8', name => "\x{fc}\x{1f600}\"\\" })
        ->json->{name}, "\x{fc}\x{1f600}\"\\", 'any character');
    is($api->pg->sql(q{SELECT octet_length(name) FROM flagship.flags
        WHERE tenant = 'default' AND key = 'utf8'}), 8, 'as UTF-8');
};


subtest 'what is wrong is said, all of it, where it is' => sub {
    my $r = $api->post('/flags', { key => 'a b', enabled => 'yes',
        rolout => 5, rules => [ { serve => 'on', when => { bogus => 1 } } ],
        tags => [ 1 ], disable_at => 'soon' });
    is($r->status, 422, 'a new flag');
    is(join("\n", sort split /\n/, Flagship::Api::errors($r)), join("\n",
        '/disable_at: "soon" is not an RFC 3339 time',
        '/enabled: must be true or false',
        '/key: a key has 1 to 128 of A-Z a-z 0-9 . _ -, begins with a letter '
            . 'or digit, and is no UUID',
        '/rolout: unknown field "rolout"; the nearest is "rollout"',
        '/rules/0/when: unknown operator "bogus"',
        '/tags/0: must be a string'), 'everything');

    $api->post('/flags', { key => 'strings', variants =>
        { a => 'x', b => 'y' } });
    $api->post('/flags', { key => 'wrong', rules => [ { serve => 'on' } ] });

    $api->problem_is($api->put('/flags/strings', { rollout => 5 }), 422,
        'a rollout without "on"', '/rollout: needs a variant "on"');
    $api->problem_is($api->put('/flags/strings',
        { targeting_rules => { user_ids => [ 1 ] } }), 422,
        'ids without "on"',
        '/targeting_rules/user_ids: needs a variant "on"');
    $api->problem_is($api->put('/flags/wrong', { rollout => 100.0000001,
        status => 1 }), 422, 'of a change', join "\n",
        '/status: must be true or false',
        '/rollout: must be a number of 0 ... 100 with up to six decimals');

    $api->problem_is($api->put('/flags/wrong', { variants =>
        { a => true, on => 1 }, off_variant => 5 }), 422, 'and what was not sent',
        join "\n", '/off_variant: must be a string',
        '/variants/on: must be a boolean, as the flag is',
        '/default_variant: "off" is none of the variants',
        '/off_variant: "off" is none of the variants');

    $api->put('/flags/wrong', { enable_at => '2030-01-01T00:00:00Z' });
    $api->problem_is($api->put('/flags/wrong',
        { disable_at => '2029-01-01T00:00:00Z' }), 422, 'an end before',
        '/disable_at: "disable_at" must be after "enable_at"');
    $api->problem_is($api->post('/flags', { key => 'big',
        description => 'x' x 1_000_100 }), 422, 'a very big one',
        ': the flag has more than a million bytes');
    $api->problem_is($api->post('/flags', { key => 'n', name => 'x' x 201 }),
        422, 'a long name', '/name: must have at most 200 characters');

    $api->problem_is($api->call('POST', '/flags', body => '{"key":"a",}',
        headers => [ 'Content-Type' => 'application/json' ]), 400, 'no JSON');
    $api->problem_is($api->call('POST', '/flags',
        body => '{"key":"a","key":"b"}',
        headers => [ 'Content-Type' => 'application/json' ]), 400,
        'a member twice');
    $api->problem_is($api->post('/flags', [ 1 ]), 400, 'no object');
    $api->problem_is($api->post('/flags?dry_run=maybe', { key => 'a' }), 422,
        'an argument', '#/query/dry_run: must be true or false');
    $api->problem_is($api->post('/flags?name=a%20b&rollout=x&enabled=1', undef),
        422, 'of the query', join "\n",
        '#/query/rollout: must be a number',
        '#/query/enabled: must be true or false',
        '#/query/name: stands for the key, and a key has 1 to 128 of A-Z a-z '
            . '0-9 . _ -, begins with a letter or digit, and is no UUID');
    $api->problem_is($api->post('/flags?key=a&key=b', undef), 422,
        'an argument twice', "#/query: an argument is given twice\n"
            . '#/query/key: is needed');
};


subtest 'what a flag names must be there' => sub {
    $api->pg->sql(q{INSERT INTO flagship.segments (key, "when")
        VALUES ('staff', '{"var": "staff"}')});
    wait_for(sub { $api->post('/flags?dry_run=true', { key => 'probe',
        rules => [ { when => { segment => 'staff' }, serve => 'on' } ] })
        ->status == 200 });

    is($api->post('/flags', { key => 'named', rules => [
        { when => { segment => 'staff' }, serve => 'on' } ] })->status, 201,
        'a segment that is there');
    $api->problem_is($api->post('/flags', { key => 'x', rules => [ { when =>
        { and => [ { segment => 'stuff' }, true ] }, serve => 'on' } ] }), 422,
        'one that is not',
        '/rules/0/when/and/0/segment: there is no segment "stuff"');
    $api->problem_is($api->put('/flags/named', { rules => [ { when =>
        { in_set => [ { var => 'id' }, 'vip' ] }, serve => 'on' } ] }), 422,
        'a set', '/rules/0/when/in_set/1: there is no set "vip"');

    my $r = $api->put('/flags/named', { prerequisites => [
        { flag => 'first', variant => 'on' },
        { flag => 'nobody', variant => 'on' },
        { flag => 'first', variant => 'blue' } ] });
    $api->problem_is($r, 422, 'prerequisites',
        qq{/prerequisites/1/flag: there is no flag "nobody"\n}
        . qq{/prerequisites/2/variant: that flag has no variant "blue"});

    is($api->put('/flags/named', { prerequisites => [
        { flag => 'first', variant => 'on' } ] })->status, 200, 'one');
    $api->problem_is($api->put('/flags/first', { rules => [ { when =>
        { '==' => [ { flag => 'named' }, 'on' ] }, serve => 'on' } ] }), 422,
        'a way back',
        '/rules/0/when/==/0/flag: "named" asks for what asks for it');

    $r = $api->put('/flags/first', { rules => [ { when =>
        { '==' => [ { flag => 'ghost' }, 'on' ] }, serve => 'on' } ] });
    is($r->status, 200, 'a flag that is not there is no error');
    is_deeply($r->json->{warnings}, [ {
        pointer => '/rules/0/when/==/0/flag',
        detail => 'there is no flag "ghost"', lint => 'no-flag' } ],
        'but a warning');
    is($api->get('/flags/first')->json->{warnings}, undef,
        'which is no field');

    $r = $api->post('/flags', { key => 'never',
        enable_at => '2030-01-01T00:00:00Z', rules => [ { when =>
        { '<' => [ { var => 'age' }, 18 ] }, serve => 'on' } ] });
    is(join(' ', sort map { "$_->{lint} $_->{pointer}" }
        @{ $r->json->{warnings} }),
        'never-on /enable_at unguarded-order /rules/0/when/</0', 'lints')
            or diag $r->body;
};


subtest 'what is archived' => sub {
    my $id = $api->post('/flags', { key => 'old', enabled => true })->json->{id};
    my $r = $api->delete('/flags/old');

    is($r->status . $r->body, 204, 'DELETE');
    like($r->header('Flagship-Revision'), qr/^\d+$/, 'with its revision');
    is($api->get('/evaluate/old?user_id=u', as => 'client')->status, 404,
        'it is served no more');

    for my $method (qw(GET DELETE)) {
        $api->problem_is($api->call($method, '/flags/old'), 404,
            "$method of its key");
    }
    $api->problem_is($api->put('/flags/old', { enabled => true }), 404, 'PUT');
    $api->problem_is($api->put("/flags/$id", { enabled => true }), 404,
        'PUT by id');
    $api->problem_is($api->put("/flags/$id", { rules => [] }), 404,
        'PUT of rules by id');
    $api->problem_is($api->delete("/flags/$id"), 404, 'DELETE by id');

    is_rfc3339($api->get("/flags/$id")->json->{archived_at}, 'GET by id');
    is($api->get('/flags/old?archived=true')->json->{id}, $id,
        'GET by key, if asked');

    $r = $api->post('/flags', { key => 'old' });
    is($r->status, 201, 'its key is free');
    isnt($r->json->{id}, $id, 'for another flag');
    is($r->json->{version}, 1, 'which begins anew');

    $api->problem_is($api->post("/flags/$id/restore", undef), 409,
        'no restore while the key is taken');
    is($api->delete('/flags/old')->status, 204, 'until it is free');
    $r = $api->post("/flags/$id/restore", undef);
    is($r->status, 200, 'then it is restored') or diag $r->body;
    is($r->json->{archived_at}, undef, 'live');
    is($r->json->{version}, 3, 'a new version');
    is($api->get('/evaluate/old?user_id=u', as => 'client')->json->{value},
        true, 'and served');
    is($api->post("/flags/$id/restore", undef)->json->{version}, 3,
        'again is nothing');
    $api->problem_is($api->post('/flags/old/restore', undef), 404,
        'not by its key');
    $api->problem_is($api->post("/flags/$id/restore", undef,
        as => 'editor@acme'), 404, 'nor from another tenant');

    $api->problem_is($api->delete('/flags/old?purge=true'), 403,
        'an editor does not purge');
    is($api->delete('/flags/old?purge=true', as => 'admin')->status, 204,
        'an admin does');
    $api->problem_is($api->get("/flags/$id"), 404, 'for good');
    is($api->delete('/flags/old?purge=true&archived=true', as => 'admin')
        ->status, 204, 'also what is archived');
    $api->problem_is($api->get('/flags/old?archived=true'), 404, 'is gone');
};


subtest 'versions that must match' => sub {
    my $id = $api->post('/flags', { key => 'match' })->json->{id};
    my $if = sub { headers => [ 'If-Match' => $_[0] ] };
    my $r = $api->put('/flags/match', { enabled => true }, $if->(qq("$id-1")));

    is($r->status, 200, 'the current one');
    $r = $api->put('/flags/match', { enabled => false }, $if->(qq("$id-1")));
    $api->problem_is($r, 412, 'an old one');
    is($r->json->{current}{version}, 2, 'with the current');
    is($r->header('ETag'), qq("$id-2"), 'and its tag');
    $api->problem_is($api->put('/flags/match', { rules => [] },
        $if->(qq("$id-1"))), 412, 'of a change that reads first');
    $api->problem_is($api->put('/flags/match', { bogus => [] },
        $if->(qq("$id-1"))), 412, 'or is wrong');
    $api->problem_is($api->delete('/flags/match', $if->(qq("$id-1"))), 412,
        'of DELETE');
    $api->problem_is($api->put('/flags/match', { rollout => 1 },
        $if->(qq(W/"$id-2"))), 412, 'a weak one');
    is($api->put('/flags/match', { rollout => 1 }, $if->(qq("x", "$id-2")))
        ->status, 200, 'one of several');
    is($api->put('/flags/match', { rollout => 2 }, $if->('*'))->status, 200,
        'any');
    is($api->delete('/flags/match', $if->(qq("$id-4")))->status, 204, 'DELETE');
    $api->problem_is($api->post("/flags/$id/restore", undef,
        $if->(qq("$id-4"))), 412, 'of a restore');
};


subtest 'dry runs' => sub {
    my $id = $api->post('/flags', { key => 'dry' })->json->{id};
    my $rows = rows();

    my $r = $api->post('/flags?dry_run=true', { key => 'wet' });
    is($r->status, 200, 'POST');
    is($r->json->{key}, 'wet', 'shows it');
    is($r->header('Location'), undef, 'but it is nowhere');
    is($api->put('/flags/dry?dry_run=true', { rollout => 7 })
        ->json->{rollout}, 7, 'PUT');
    is($api->put('/flags/dry?dry_run=true', { rules => [ { serve => 'on' } ] })
        ->json->{version}, 2, 'PUT of rules');
    $r = $api->delete('/flags/dry?dry_run=true');
    is($r->status, 200, 'DELETE');
    is_rfc3339($r->json->{archived_at}, 'shows what it would be');
    is($api->delete('/flags/dry?dry_run=true&purge=true', as => 'admin')
        ->json->{key}, 'dry', 'purge');
    $api->problem_is($api->post('/flags?dry_run=true', { key => 'dry' }), 409,
        'what would not be done');
    $api->problem_is($api->put('/flags/dry?dry_run=true', { rollout => -1 }),
        422, 'is said');
    is($api->post('/flags?name=byquery&dry_run=true', undef)->json->{key},
        'byquery', 'by query');

    is(rows(), $rows, 'nothing was written');
    is($api->get('/flags/dry')->json->{version}, 1, 'nothing changed');
    is($api->get('/flags/wet')->status, 404, 'nothing is there');
};


# Every kind of value in every field, of a new flag and of one that is there:
# it is taken or refused, and what is taken is served.

subtest 'any value in any field' => sub {
    my @fields = qw(id tenant environment key name description tags metadata
        type enabled variants default_variant off_variant rules user_ids
        rollout prerequisites enable_at disable_at expose version created_at
        updated_at archived_at tenant_id env flag_name status state
        default_variation rollout_percentage targeting_rules default_value
        off_value);
    my @values = ('null', 'true', 'false', '0', '-1', '1e300', '50.0',
        '99999999999999999999', '""', '"on"', '"a b"', '"2026-01-01T00:00:00Z"',
        '"0000-01-01T00:00:00Z"', '"9999-12-31T23:59:60Z"',
        '"\\u007f\\ud83d\\ude00"', '[]', '[null]', '[1, "a"]', '[[]]', '{}',
        '{"on": null}', '{"": 1}', '{"on": true, "off": 1}',
        '[{"flag": "first", "variant": "on"}]', '[{"serve": null}]',
        '[{"serve": {"split": {}}}]', '[{"key": "on", "weight": 0}]',
        '[{"key": "on", "weight": 1e300}]', '{"percentage": {}}',
        '{"user_ids": 5}', '"' . 'x' x 300 . '"', '"prod"', '"default"');
    my $headers = $api->headers(body => {});
    my ($c, %seen, @odd);

    my $send = sub {
        my ($method, $uri, $body) = @_;

        $c->request($method, $uri, headers => $headers, body => $body);
        my $r = $c->response or die "no answer to $body";

        $seen{ $r->status }++;
        push @odd, "$method $uri $body: " . $r->status . ' ' . $r->body
            unless $r->status =~ /^(?:200|201|404|409|422)$/;

        return $r;
    };

    my $n = 0;

    for my $field (@fields) {
        # nginx closes a connection after a thousand requests
        $c = $api->t->connect;

        for my $value (@values) {
            my $key = 'any-' . ++$n;
            my $named = $field =~ /^(?:key|flag_name)$/ ? '' : qq("key":"$key",);

            $send->('POST', '/flags', qq({$named"$field":$value}));
            $send->('POST', '/flags', qq({"key":"$key","enabled":true}));
            $send->('PUT', "/flags/$key", qq({"$field":$value}));
        }
    }

    is("@odd[ 0 .. ($#odd > 4 ? 4 : $#odd) ]", '', 'taken or refused');
    is(join(' ', sort keys %seen), '200 201 404 409 422', 'all of it happens');

    # what was taken compiles
    is($api->pg->sql(q{SELECT count(*) FROM flagship.flags WHERE key LIKE 'any-%'
        AND enabled AND archived_at IS NULL}) > 100, 1, 'many were taken');

    my $flags = $api->post('/evaluate', { context => {
        targetingKey => 'u' } }, as => 'client')->json->{flags};
    is(join(' ', grep { defined } map { $_->{error_code}
        && $_->{error_code} eq 'PARSE_ERROR' ? $_->{key} : undef } @$flags), '',
        'and none of it is broken');
    is(join("\n", $api->t->lines(qr/\[(?:error|crit|alert|emerg)\]/)), '',
        'and nobody was alarmed');
};


subtest 'who may' => sub {
    for my $case ([ GET => '/flags', 'viewer' ],
        [ GET => '/flags/first', 'viewer' ],
        [ POST => '/flags', 'editor', { key => 'may' } ],
        [ PUT => '/flags/first', 'editor', {} ],
        [ PATCH => '/flags/first', 'editor', {} ],
        [ DELETE => '/flags/nobody', 'editor' ],
        [ GET => '/audit', 'viewer' ],
        [ GET => '/flags/first/audit', 'viewer' ]) {
        my ($method, $uri, $least, $body) = @$case;
        my $allowed = 0;

        for my $role (qw(client viewer editor admin)) {
            $allowed ||= $role eq $least;
            my $status = $api->call($method, $uri, as => $role,
                body => $body)->status;
            ok($allowed ? $status != 403 && $status != 401 : $status == 403,
                "$method $uri as $role: $status");
        }

        is($api->call($method, $uri, as => undef, body => $body)->status, 401,
            "$method $uri as nobody");
    }

    my $r = $api->call('OPTIONS', '/flags/first', as => undef);
    is($r->status . ' ' . $r->header('Allow'),
        '204 GET, HEAD, PUT, PATCH, DELETE, OPTIONS', 'OPTIONS');
    $r = $api->call('POST', '/flags/first');
    $api->problem_is($r, 405, 'POST');
    is($r->header('Allow'), 'GET, HEAD, PUT, PATCH, DELETE, OPTIONS', 'Allow');
};


subtest 'the actor' => sub {
    $api->put('/flags/change', { description => 'by ' . $_ }, as => $_)
        for qw(editor admin);
    is($api->pg->sql(q{SELECT string_agg(actor, ' ' ORDER BY id) FROM (
        SELECT * FROM flagship.audit WHERE tenant = 'default'
         ORDER BY id DESC LIMIT 2) l}),
        join(' ', map { $api->actor($_) } qw(editor admin)), 'is the key');
};


done_testing;
