# Segments over HTTP: as flags, and not removed while something asks for them.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(neighbour => 1);
my $when = { '==' => [ { var => 'plan' }, 'pro' ] };

sub rows { scalar $api->pg->sql(q{SELECT count(*) FROM flagship.audit
    WHERE tenant = 'default'}) }


subtest 'a segment is made' => sub {
    my $r = $api->post('/segments', { key => 'pro', name => 'Pros',
        when => $when });

    is($r->status, 201, 'created') or diag $r->body;
    is($r->header('Location'), '/segments/pro', 'it says where');
    like($r->header('Flagship-Revision'), qr/^\d+$/, 'its revision');

    my $s = $r->json;

    is($r->header('ETag'), qq("$s->{id}-1"), 'its tag');
    is_deeply($s, { id => $s->{id}, tenant => 'default', key => 'pro',
        name => 'Pros', description => '', when => $when, version => 1,
        created_at => $s->{created_at}, updated_at => $s->{updated_at},
        archived_at => undef }, 'with all its fields');
    is($api->pg->sql(q{SELECT actor FROM flagship.audit
        WHERE tenant = 'default' ORDER BY id DESC LIMIT 1}),
        $api->actor('editor'), 'the audit says who');

    for my $uri ('/segments/pro', "/segments/$s->{id}",
        '/segments/' . uc $s->{id}) {
        my $got = $api->get($uri, as => 'viewer');
        is($got->body, $r->body, "GET $uri");
        is($got->header('ETag'), $r->header('ETag'), 'with its tag');
    }

    is($api->get('/segments/pro', headers => [ 'If-None-Match' =>
        $r->header('ETag') ])->status, 304, 'not again to who has it');

    $api->post('/flags', { key => 'f', enabled => true,
        rules => [ { when => { segment => 'pro' }, serve => 'on' } ] });
    is($api->get('/evaluate/f?user_id=u&plan=pro', as => 'client')->json->{value},
        true, 'it is served');

    $api->post('/sets', { key => 'whole-set', members => [ 'u' ] });
    is($api->post('/segments', { key => 'in-set', when => { in_set =>
        [ { var => 'user_id' }, 'whole-set' ] } })->status, 201,
        'it may look into a set that is there');
    is($api->delete('/segments/in-set?purge=true', as => 'admin')->status, 204,
        'which is undone');

    my $warned = $api->post('/segments', { key => 'w',
        when => { flag => 'nobody' } })->json->{warnings};
    is("$warned->[0]{pointer}: $warned->[0]{detail}",
        '/when/flag: there is no flag "nobody"', 'what is odd is said');
    is($api->delete('/segments/w?purge=true', as => 'admin')->status, 204,
        'and can be undone');

    $api->problem_is($api->post('/segments', { key => 'pro', when => true }),
        409, 'a second one of the key');
    is($api->post('/segments', { key => 'pro', when => true },
        as => 'editor@acme')->status, 201, 'but for another tenant');
    is($api->post('/segments', { name => 'by-name', criteria => false })
        ->json->{key}, 'by-name', 'a name will do, and criteria is when');
};


subtest 'what is refused' => sub {
    my $before = rows();
    my @cases = (
        [ {}, '/key: is needed
/when: is needed' ],
        [ { key => 'a b', when => true }, qr{^/key: } ],
        [ { key => 'x', when => 1 }, qr{^/when: must be a condition} ],
        [ { key => 'x', criteria => { nope => [] } },
            qr{^/criteria: unknown operator "nope"|^/criteria/nope: } ],
        [ { key => 'x', when => { and => [ true, { segment => 'none' } ] } },
            qr{^/when/and/1.*: there is no segment "none"} ],
        [ { key => 'x', when => { in_set => [ { var => 'a' }, 'none' ] } },
            qr{^/when/in_set.*: there is no set "none"} ],
        [ { key => 'x', when => { segment => 'x' } }, qr{^/when} ],
        [ { key => 'x', when => true, whne => 1 },
            qr{^/whne: unknown field "whne"; the nearest is "when"} ],
        [ { key => 'x', when => true, tenant => 'acme' }, qr{^/tenant: } ],
        [ { key => 'x', when => true, id => 'y' }, qr{^/id: } ],
        [ { key => 'x', when => true, criteria => false }, qr{^/} ],
        [ { key => 'x', when => true, name => 'n' x 201 }, qr{^/name: } ],
    );

    for my $case (@cases) {
        my ($body, $errors) = @$case;
        my $r = $api->post('/segments', $body);
        my $name = $Flagship::Api::json->encode($body);

        $api->problem_is($r, 422, substr $name, 0, 70);
        ref $errors ? like(Flagship::Api::errors($r), $errors, 'and why')
            : is(Flagship::Api::errors($r), $errors, 'and why');
    }

    $api->problem_is($api->post('/segments', []), 400, 'no object');
    $api->problem_is($api->post('/segments', '{"key":"x","key":"y"}',
        headers => [ 'Content-Type' => 'application/json' ]), 400,
        'a member twice');
    $api->problem_is($api->post('/segments', { key => 'x', when => true },
        as => 'viewer'), 403, 'who only reads');
    $api->problem_is($api->post('/segments', { key => 'x', when => true },
        as => 'editor@default/dev'), 403, 'who is bound to an environment');
    $api->problem_is($api->post('/segments?tenant=none',
        { key => 'x', when => true }, as => 'operator'), 404, 'no such tenant');
    is(rows(), $before, 'none of it left anything');
};


subtest 'a change' => sub {
    my $is = $api->get('/segments/pro')->json;
    my $before = rows();

    my $r = $api->put('/segments/pro', { description => 'D' });
    is($r->status, 200, 'PUT') or diag $r->body;
    is($r->json->{description} . $r->json->{name}, 'DPros', 'merges');
    is($r->header('ETag'), qq("$is->{id}-2"), 'another version');
    is($api->get('/segments/pro')->body, $r->body, 'to be read');

    is($api->patch('/segments/' . $is->{id}, { criteria => { '==' => [
        { var => 'plan' }, 'max' ] } }, headers => [ 'Content-Type' =>
        'application/merge-patch+json' ])->json->{version}, 3, 'PATCH, by id');
    is($api->get('/evaluate/f?user_id=u&plan=max', as => 'client')->json->{value},
        true, 'it is served');
    is(rows(), $before + 2, 'each is audited');

    for my $same ({}, { name => 'Pros' }, { key => 'pro', tenant_id => 'default',
        id => $is->{id}, version => 99 }) {
        $r = $api->put('/segments/pro', $same);
        is($r->status . $r->json->{version}, '2003', 'a change of nothing')
            or diag $r->body;
    }
    is(rows(), $before + 2, 'is none');

    $api->problem_is($api->put('/segments/pro', { when => undef }), 422,
        'there is no default', undef);
    $api->problem_is($api->put('/segments/pro', { key => 'other' }), 422,
        'another key', '/key: must be the segment\'s own, "pro"');
    $api->problem_is($api->put('/segments/none', { name => 'x' }), 404, 'none');
    $api->problem_is($api->put('/segments/pro', { name => 'x' },
        as => 'editor@acme', headers => [ 'If-Match' => '"x-1"' ]), 412,
        'of another tenant\'s own');

    # each through the other
    $api->post('/segments', { key => 'outer', when => { segment => 'pro' } });
    $api->problem_is($api->put('/segments/pro', { when => { '!' => {
        segment => 'outer' } } }), 422, 'a way back to itself');

    is($api->put('/segments/pro?dry_run=true', { name => 'dry' })->json->{name},
        'dry', 'a dry run says what would be');
    is($api->get('/segments/pro')->json->{name}, 'Pros', 'and does nothing');
};


subtest 'only the version that was meant' => sub {
    my $tag = $api->get('/segments/pro')->header('ETag');

    for my $match ('"x-1"', $tag =~ s/\d+"$/99"/r) {
        my $r = $api->put('/segments/pro', { name => 'no' },
            headers => [ 'If-Match' => $match ]);
        $api->problem_is($r, 412, "If-Match: $match");
        is($r->json->{current}{name}, 'Pros', 'with what is there');
        is($r->header('ETag'), $tag, 'and its tag');
    }

    is($api->put('/segments/pro', { name => 'Yes' },
        headers => [ 'If-Match' => qq("x-1", $tag) ])->status, 200, $tag);
    is($api->put('/segments/pro', { name => 'Pros' },
        headers => [ 'If-Match' => '*' ])->status, 200, '*');
    $api->problem_is($api->delete('/segments/pro',
        headers => [ 'If-Match' => $tag ]), 412, 'DELETE');
};


subtest 'removed when nothing asks for it' => sub {
    my $r = $api->delete('/segments/pro');

    $api->problem_is($r, 409, 'in use');
    is_deeply($r->json->{users}, [
        { entity => 'flag', environment => 'prod', key => 'f' },
        { entity => 'segment', key => 'outer' } ], 'by these');
    $api->problem_is($api->delete('/segments/pro?purge=true', as => 'admin'),
        409, 'not purged either');
    $api->problem_is($api->delete('/segments/pro?purge=true'), 403,
        'which is for admins');

    is($api->delete('/flags/f')->status, 204, 'the flag goes');
    is($api->delete('/segments/outer')->status, 204, 'the other segment goes');

    my $id = $api->get('/segments/pro')->json->{id};
    $r = $api->delete('/segments/pro?dry_run=true');
    is($r->status, 200, 'a dry run') or diag $r->body;
    ok($r->json->{archived_at}, 'says what would be');

    $r = $api->delete('/segments/pro');
    is($r->status . $r->body, '204', 'it goes');
    like($r->header('Flagship-Revision'), qr/^\d+$/, 'with a revision');
    $api->problem_is($api->get('/segments/pro'), 404, 'it is gone');
    $api->problem_is($api->delete('/segments/pro'), 404, 'for good');
    is($api->get('/segments/pro?archived=true')->json->{id}, $id,
        'but among the archived');
    ok($api->get("/segments/$id")->json->{archived_at}, 'or by its id');
    $api->problem_is($api->put("/segments/$id", { name => 'x' }), 404,
        'not to be changed');

    $api->problem_is($api->call('POST', '/segments/pro/restore'), 404,
        'restored by its id alone');
    is($api->call('POST', "/segments/$id/restore")->status, 200, 'restored');
    is($api->get('/segments/pro')->status, 200, 'it is back');
    $api->delete('/segments/pro');
    $api->post('/segments', { key => 'pro', when => true });
    $api->problem_is($api->call('POST', "/segments/$id/restore"), 409,
        'while its key is free');
    is($api->delete("/segments/$id?purge=true", as => 'admin')->status, 204,
        'purged');
    $api->problem_is($api->get("/segments/$id"), 404, 'and gone');
};


subtest 'the list' => sub {
    my %all = map { $_ => 1 } map { $_->{key} }
        @{ $api->get('/segments')->json->{segments} };
    is_deeply([ sort keys %all ], [ 'by-name', 'pro' ], 'all of the tenant');

    $api->post('/segments', { key => "s$_", when => true }) for 1 .. 5;

    my ($cursor, @seen);

    do {
        my $r = $api->get('/segments?limit=2' . ($cursor ? "&cursor=$cursor" : ''),
            as => 'viewer')->json;
        push @seen, map { $_->{key} } @{ $r->{segments} };
        $cursor = $r->{next_cursor};
    } while ($cursor);

    is("@seen", 'by-name pro s1 s2 s3 s4 s5', 'page by page');
    is(join(' ', map { $_->{key} } @{ $api->get('/segments?search=S3')
        ->json->{segments} }), 's3', 'by a search');
    is(join(' ', map { $_->{key} } @{ $api->get('/segments?sort=-key&limit=2')
        ->json->{segments} }), 's5 s4', 'the other way round');
    is(scalar @{ $api->get('/segments?archived=true')->json->{segments} }, 1,
        'archived ones');
    $api->problem_is($api->get('/segments?sort=when'), 422, 'not by anything');
    is(join(' ', map { $_->{key} } @{ $api->get('/segments',
        as => 'viewer@acme')->json->{segments} }), 'pro', 'of their own tenant');
};


done_testing;
