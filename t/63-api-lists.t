# Lists of flags and the audit: every filter and order, cursors, and many rows
# without holding them.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(workers => 1, neighbour => 1);


# All pages of a list: what of each row is asked for, and how many pages

sub pages {
    my ($uri, $field, %o) = @_;

    my ($cursor, $pages, @found) = ('', 0);
    my $member = delete $o{member} // 'flags';

    do {
        my $r = $api->get($uri . ($uri =~ /\?/ ? '&' : '?')
            . ($cursor ? "cursor=$cursor" : ''), as => 'viewer', %o);

        $r->status == 200 or die $r->body;
        push @found, map { $_->{$field} } @{ $r->json->{$member} };
        $cursor = $r->json->{next_cursor};
        $pages++;
    } while (defined $cursor && $pages < 1000);

    return ($pages, @found);
}

$api->pg->sql(q{
    INSERT INTO flagship.flags (key, name, description, tags, enabled,
                                created_at)
    SELECT chr(96 + i) || 'flag', 'Name ' || (27 - i),
           CASE i % 3 WHEN 0 THEN '100% _done_ \ ' ELSE 'plain' END,
           CASE i % 2 WHEN 0 THEN '["ui", "even"]' ELSE '["odd"]' END::json,
           i % 4 = 0, '2026-01-01'::timestamptz + ((i * 7) % 26) * interval '1 us'
      FROM generate_series(1, 26) i;
    INSERT INTO flagship.flags (environment, key) VALUES ('dev', 'in-dev');
    INSERT INTO flagship.flags (tenant, key) VALUES ('acme', 'of-acme');
    INSERT INTO flagship.flags (key, archived_at)
    SELECT 'old', '2026-01-01'::timestamptz + i * interval '1 s'
      FROM generate_series(1, 5) i;
});


subtest 'a list' => sub {
    my $r = $api->get('/flags', as => 'viewer');

    is($r->status, 200, 'is there');
    is($r->header('Content-Type'), 'application/json', 'as JSON');

    my $list = $r->json;

    is_deeply([ sort keys %$list ], [qw(flags next_cursor)], 'its members');
    is(scalar @{ $list->{flags} }, 26, 'all flags, no archived ones');
    is($list->{next_cursor}, undef, 'and no more');
    is_deeply($list->{flags}[0], $api->get('/flags/aflag')->json,
        'each as it is by itself');

    is(join(' ', map { $_->{key} } @{ $api->get('/flags?env=dev')
        ->json->{flags} }), 'in-dev', 'of an environment');
    is(join(' ', map { $_->{key} } @{ $api->get('/flags', as => 'viewer@acme')
        ->json->{flags} }), 'of-acme', 'of a tenant');
    is($api->get('/flags', as => 'viewer@default/dev')->json->{flags}[0]{key},
        'in-dev', 'of a bound key');
    is($api->get('/flags?env=nowhere')->body,
        '{"flags":[],"next_cursor":null}', 'an empty one');
    is($api->call('HEAD', '/flags')->status, 200, 'HEAD');
};


subtest 'pages' => sub {
    my $all = join ' ', map { "${_}flag" } 'a' .. 'z';

    for my $limit (1, 2, 5, 25, 26, 27, 500) {
        my ($pages, @keys) = pages("/flags?limit=$limit", 'key');

        is("@keys", $all, "of $limit");
        is($pages, int((26 + $limit - 1) / $limit), 'as few as there can be');
    }

    for my $sort (qw(key name created_at updated_at -key -name -created_at)) {
        my ($field) = $sort =~ /(\w+)$/;
        my (undef, @one) = pages("/flags?limit=7&sort=$sort", $field);
        my (undef, @ids) = pages("/flags?limit=7&sort=$sort", 'id');
        my @sorted = sort @one;

        @sorted = reverse @sorted if $sort =~ /^-/;
        is("@one", "@sorted", "by $sort");
        is(scalar keys %{ { map { $_ => 1 } @ids } }, 26, 'each once');
    }

    my (undef, @old) = pages('/flags?archived=true&limit=2', 'id');
    is(scalar keys %{ { map { $_ => 1 } @old } }, 5,
        'archived ones of one key');
    is(join(' ', (pages('/flags?archived=true&limit=2', 'key'))[ 1 .. 5 ]),
        'old old old old old', 'that they are');
};


subtest 'filters' => sub {
    my $count = sub { my ($n, @found) = pages(shift, 'key'); scalar @found };

    is($count->('/flags?enabled=true'), 6, 'enabled');
    is($count->('/flags?enabled=false'), 20, 'not enabled');
    is($count->('/flags?tag=ui'), 13, 'tag');
    is($count->('/flags?tag=nobody'), 0, 'of nobody');
    is($count->('/flags?tag=ui&enabled=true&limit=2'), 6, 'both, in pages');
    is($count->('/flags?search=AFLAG'), 1, 'search in the key');
    is($count->('/flags?search=name%2026'), 1, 'in the name');
    is($count->('/flags?search=100%25%20_done_%20%5C'), 8,
        'in the description, literally');
    is($count->('/flags?search=100_'), 0, 'not as a pattern');
    is($count->('/flags?search='), 26, 'for nothing');
    is($count->(q{/flags?search='%3B--}), 0, 'for anything');
};


subtest 'what is wrong' => sub {
    for my $case ([ 'limit=0', 'limit', 'must be a number from 1 to 500' ],
        [ 'limit=501', 'limit', 'must be a number from 1 to 500' ],
        [ 'limit=-1', 'limit', 'must be a number from 1 to 500' ],
        [ 'limit=a', 'limit', 'must be a number from 1 to 500' ],
        [ 'sort=rules', 'sort', 'is none of the fields to sort by' ],
        [ 'sort=key;', 'sort', 'is none of the fields to sort by' ],
        [ 'enabled=1', 'enabled', 'must be true or false' ],
        [ 'archived=', 'archived', 'must be true or false' ],
        [ 'cursor=', 'cursor', 'is none of a list in this order' ],
        [ 'cursor=!!', 'cursor', 'is none of a list in this order' ],
        [ 'cursor=AAAA', 'cursor', 'is none of a list in this order' ]) {
        my ($query, $name, $detail) = @$case;

        $api->problem_is($api->get("/flags?$query"), 422, $query,
            "#/query/$name: $detail");
    }

    my $cursor = $api->get('/flags?limit=1&sort=name')->json->{next_cursor};
    $api->problem_is($api->get("/flags?cursor=$cursor"), 422,
        'the cursor of another order',
        '#/query/cursor: is none of a list in this order');

    require MIME::Base64;
    $cursor = MIME::Base64::encode_base64url(
        "created_at\nno uuid\n2026-01-01T00:00:00Z");
    is($api->get("/flags?sort=created_at&cursor=$cursor")->status, 422,
        'one made up');
    is($api->get('/flags/bflag')->status, 200, 'nothing is broken');
};


subtest 'the audit' => sub {
    my $id = $api->post('/flags', { key => 'seen', enabled => true },
        as => 'admin')->json->{id};
    $api->put('/flags/seen', { rollout => 5 });
    $api->post('/flags', { key => 'seen', env => 'dev' });
    $api->delete('/flags/seen');

    my $r = $api->get('/audit?limit=3', as => 'viewer');
    is($r->status, 200, 'is there') or diag $r->body;

    my $list = $r->json;

    is_deeply([ sort keys %$list ], [qw(audit next_cursor)], 'its members');
    is_deeply([ map { "$_->{action} $_->{environment}" } @{ $list->{audit} } ],
        [ 'archive prod', 'create dev', 'update prod' ], 'newest first');

    my $entry = $list->{audit}[2];

    is_deeply([ sort keys %$entry ], [ sort qw(id tenant environment actor
        entity entity_id entity_key action before after revision ts) ],
        'what an entry has');
    is("$entry->{tenant} $entry->{entity} $entry->{entity_key}",
        'default flag seen', 'what of');
    is($entry->{actor}, $api->actor('editor'), 'who');
    is("$entry->{before}{rollout} $entry->{after}{rollout}", '100 5',
        'from what to what');
    like($entry->{ts}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/, 'when');
    like($entry->{after}{updated_at}, qr/^\d{4}-\d\d-\d\dT[\d:.]+Z$/,
        'as a flag is read');

    my $of = sub {
        my (undef, @found) = pages($_[0], 'action', member => 'audit');
        return join ' ', @found;
    };

    is($of->("/flags/$id/audit"), 'archive update create', 'of a flag by id');
    is($of->("/flags/$id/audit?limit=1"), 'archive update create', 'in pages');
    is($of->('/flags/seen/audit?archived=true'), 'archive update create',
        'by the key that it had');
    is($of->('/flags/seen/audit?env=dev'), 'create', 'by its key');
    is($of->("/flags/$id/audit?action=update"), 'update', 'filtered');
    $api->problem_is($api->get('/flags/seen/audit'), 404, 'which it has no more');
    $api->problem_is($api->get("/flags/$id/audit", as => 'viewer@acme'), 404,
        'not of another tenant');
    $api->problem_is($api->get("/flags/$id/audit?env=dev"), 404,
        'nor of another environment');
    is($of->('/audit?key=seen'), 'archive create update create', 'by key');
    is($of->('/audit?key=seen&env=dev'), 'create', 'by environment');
    is($of->('/audit?key=seen&actor=' . $api->actor('admin')), 'create',
        'by actor');
    is($of->('/audit?entity=environment&limit=2'),
        join(' ', ('create') x 3), 'by entity');
    is($of->('/audit?key=seen&action=archive'), 'archive', 'by action');

    my $ts = $entry->{ts};
    is($of->("/audit?key=seen&since=$ts"), 'archive create update', 'since');
    is($of->("/audit?key=seen&until=$ts"), 'create', 'until');
    is($of->("/audit?key=seen&sort=id"), 'create update create archive',
        'oldest first');
    $api->problem_is($api->get('/audit?since=yesterday'), 422, 'no time',
        '#/query/since: must be an RFC 3339 time');

    unlike($api->get('/audit?limit=500', as => 'viewer@acme')->body,
        qr/"tenant":"default"/, 'another tenant sees its own');
    unlike($api->get('/audit?limit=500', as => 'viewer@default/dev')->body,
        qr/"environment":"prod"/, 'a bound key that of its environment');

    $api->delete("/flags/$id?purge=true", as => 'admin');
    is($of->("/flags/$id/audit"), 'purge archive update create',
        'also of what was purged');
};


subtest 'ten thousand' => sub {
    $api->pg->sql(q{
        INSERT INTO flagship.flags (environment, key, description)
        SELECT 'staging', 'many-' || to_char(i, 'FM00000'), repeat('x', 1000)
          FROM generate_series(1, 10000) i});

    # the same worker reads and compiles them, which takes memory, too
    my $revision = $api->pg->sql('SELECT revision FROM flagship.revision');
    ok(wait_for(sub {
        $api->t->get('/health')->json->{revision} >= $revision
    }), 'are served');

    my ($worker) = $api->t->workers;
    my $memory = sub {
        open my $fh, '<', "/proc/$worker/status" or die;
        my ($kb) = join('', <$fh>) =~ /^VmRSS:\s+(\d+)/m;
        return $kb;
    };

    # fifteen megabytes are much for a JSON parser in Perl
    my ($before, $cursor, $pages, @keys) = (undef, '', 0);

    do {
        my $body = $api->get("/flags?env=staging&limit=500$cursor")->body;

        push @keys, $body =~ /"key":"(many-\d+)"/g;
        $before //= $memory->();
        $cursor = $body =~ /\],"next_cursor":"([\w-]+)"\}\z/
            ? "&cursor=$1" : '';
        $pages++;
    } while ($cursor && $pages < 1000);

    is($pages, 20, 'in twenty pages of at most 500');
    is(scalar @keys, 10000, 'all of them');
    is("$keys[0] $keys[-1]", 'many-00001 many-10000', 'in their order');

    # a page alone is three quarters of a megabyte, all fifteen
    my $grown = $memory->() - $before;
    cmp_ok($grown, '<', 4096, "memory: $grown kB more")
        unless $ENV{FLAGSHIP_SANITIZE};

    my $c = $api->t->connect;
    $c->request('GET', '/flags?env=staging&limit=500',
        headers => $api->headers);
    wait_for(sub { $api->pg->sql(q{SELECT count(*) FROM pg_stat_activity
        WHERE application_name LIKE 'flagship api%' AND state <> 'idle'}) == 0 });
    is(() = $c->response->body =~ /"key":"many-/g, 500,
        'a client that waits gets all, and holds no connection');
};


done_testing;
