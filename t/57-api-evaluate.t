# Flags asked over HTTP: /evaluate and /users.

use lib 't/lib';
use Flagship::Edge;

sub is_value { return { '==' => [ { var => $_[0] }, $_[1] ] } }

my $t = edge(
    zone  => '16m',
    flags => [ {
        flags => [
            flag('static'),
            flag('off', enabled => 0),
            flag('half', rollout => 50),
            flag('secret', expose => false),
            flag('listed', user_ids => ['alice', '42']),
            text('note', "a\"\\\x{fc}\x{1f600}\n", off_variant => 'it',
                metadata => { owner => 'me', both => 'flag' }),
            text('gone', 'x', enabled => 0, default_variant => undef),
            flag('number', type => 'number', variants => { big => JSON::PP->new
                ->allow_nonref->allow_bignum->decode('9007199254740993'),
                one => 1.5 }, default_variant => 'one',
                rules => [ { when => is_value('big', 'yes'),
                    serve => 'big' } ]),
            flag('json', type => 'json', default_variant => 'x',
                variants => { x => { a => [ 1, undef, true ] } }),
            flag('bad', rules => [ { serve => 'nosuch' } ]),
            flag('who', type => 'string', variants => { yes => 'yes',
                no => 'no', list => 'list', user => 'user' },
                default_variant => 'no', rules => [
                    { when => { in => [ 'a', { var => 'x' } ] },
                        serve => 'list' },
                    { when => is_value('country', "\x{d6}sterreich"),
                        serve => 'yes' },
                    { when => { and => [ is_value('user_id', 'bob'),
                        is_value('targetingKey', 'bob') ] },
                        serve => 'user' } ]),
            flag('reserved', rules => [ { when => { or => [
                { '!!' => [ { var => 'tenant' } ] },
                { '!!' => [ { var => 'env' } ] },
                { '!!' => [ { var => 'environment' } ] },
                { '!!' => [ { var => 'explain' } ] } ] }, serve => 'on' } ]),
            text('where', 'dev', environment => 'dev'),
            text('where', 'acme', tenant => 'acme'),
        ],
        environments => [ { key => 'prod',
            metadata => { team => 'x', both => 'set' } } ],
    } ],
    http => 'flagship_anonymous viewer;',
    server => <<'EOT',
        location / { flagship_api; }
        location /client/ { flagship_api; flagship_anonymous client; }
        location /none/ { flagship_api; flagship_anonymous none; }
        location /acme/ { flagship_api; flagship_tenant acme; }
        location /dev/ { flagship_api; flagship_environment dev; }
        location /small/ { flagship_api; client_body_buffer_size 1k;
            client_max_body_size 0; }
EOT
);


sub post {
    my ($uri, $body, @headers) = @_;

    return $t->http('POST', $uri, headers => [ @headers ],
        body => ref $body ? JSON::PP->new->utf8->encode($body) : $body);
}


sub problem_is {
    my ($r, $status, $code, $what) = @_;

    is($r->status, $status, $what);
    is($r->header('Content-Type'), 'application/problem+json', '... a problem');
    is($r->header('Cache-Control'), 'no-store', '... not to be kept');
    is($r->json->{error_code}, $code, '... its code');

    return $r->json;
}


subtest 'one flag' => sub {
    my %meta = (metadata => { team => 'x', both => 'set' });
    my %want = (
        static => { enabled => true, value => true, variant => 'on',
            reason => 'STATIC' },
        off => { enabled => false, value => false, variant => 'off',
            reason => 'DISABLED' },
        secret => { enabled => true, value => true, variant => 'on',
            reason => 'STATIC' },
        json => { enabled => true, value => { a => [ 1, undef, true ] },
            variant => 'x', reason => 'STATIC' },
        bad => { enabled => false, value => undef, variant => undef,
            reason => 'ERROR', error_code => 'GENERAL' },
        gone => { enabled => false, value => undef, variant => undef,
            reason => 'DISABLED' },
        note => { enabled => false, value => "a\"\\\x{fc}\x{1f600}\n",
            variant => 'it', reason => 'STATIC',
            metadata => { team => 'x', both => 'flag', owner => 'me' } },
    );

    for my $key (sort keys %want) {
        my $r = $t->get("/evaluate/$key");

        is($r->status, 200, $key);
        is_deeply($r->json, { key => $key, %meta, %{ $want{$key} } },
            'what it is') or diag $r->body;
        is($r->header('Cache-Control'), 'no-store', 'not to be kept');
        is($r->header('Content-Type'), 'application/json', 'JSON');
        is($r->header('Vary'), 'Authorization, X-API-Key', 'by who asks');
        is_deeply(post("/evaluate/$key", {})->json, $r->json, 'the same by POST');
        is_deeply($t->get("/users/u/flags/$key")->json,
            { %{ $r->json }, user_id => 'u' }, 'and of a user');
    }

    like($t->get('/evaluate/number?big=yes')->body,
        qr/"value":9007199254740993,/, 'numbers keep their text');
    is($t->http('HEAD', '/evaluate/static')->header('Content-Length'),
        length $t->get('/evaluate/static')->body, 'HEAD');

    my $p = problem_is($t->get('/evaluate/nosuch'), 404, 'FLAG_NOT_FOUND',
        'an unknown flag');
    like($p->{detail}, qr/"nosuch"/, 'which is named');
    problem_is($t->get('/users/u/flags/nosuch'), 404, 'FLAG_NOT_FOUND',
        'of a user');
    problem_is($t->get('/evaluate/static?env=nosuch'), 404, 'FLAG_NOT_FOUND',
        'an unknown environment');
};


subtest 'contexts of a query' => sub {
    my $variant = sub { $t->get("/evaluate/who?$_[0]")->json->{variant} };

    is($variant->(''), 'no', 'none');
    is($variant->('country=%C3%96sterreich'), 'yes', 'percent and UTF-8');
    is($variant->('x=a&x=b'), 'list', 'a repeated name is a list');
    is($variant->('x=b&country=y&x=a'), 'list', 'wherever it stands');
    is($variant->('x=ba'), 'list', 'a single one is a string');
    is($variant->('x=b&x=c'), 'no', 'without the element');
    is($variant->('user_id=bob'), 'user', 'user_id is the targeting key, too');
    is($variant->('user_id=bob&targetingKey=x'), 'no', 'unless there is one');
    is($variant->('user_id=bob&user_id=eve'), 'no', 'nor a list');
    is($variant->('=a&&x'), 'no', 'a name that is empty');

    is($t->get('/users/bob/flags/who')->json->{variant}, 'user', 'of a path');
    is($t->get('/users/bob/flags/who?user_id=eve&targetingKey=x')
        ->json->{variant}, 'user', 'which cannot be overridden');
    is($t->get('/users/bob/flags/who?x=a')->json->{variant}, 'list',
        'with other attributes');
    is($t->get('/users/%22%C3%BC%22/flags/who')->json->{user_id},
        "\"\x{fc}\"", 'any name');
    is($t->get('/evaluate/listed?user_id=42')->json->{reason},
        'TARGETING_MATCH', 'a listed id');
    is($t->get('/evaluate/listed?user_id=')->json->{reason},
        'DEFAULT', 'an empty one is none');

    for my $reserved (qw(tenant environment env explain)) {
        my $value = $reserved eq 'explain' ? 'false' : 'prod';
        my $r = $t->get("/evaluate/reserved?$reserved=$value");
        is($r->json->{variant} // $r->status,
            $reserved eq 'tenant' ? 403 : 'off', "$reserved is no attribute");
    }
};


subtest 'contexts of a body' => sub {
    my $variant = sub {
        my $r = post('/evaluate/who', { context => $_[0] });
        return $r->json->{variant} // $r->status;
    };

    is($variant->({}), 'no', 'empty');
    is($variant->({ x => ['a'] }), 'list', 'a list');
    is($variant->({ user_id => 'bob' }), 'user',
        'user_id is the targeting key, too');
    is($variant->({ user_id => 'bob', targetingKey => 'eve' }), 'no',
        'unless there is one');
    is($variant->({ user_id => 'bob', targetingKey => undef }), 'no',
        'even one that is null');
    is(post('/evaluate/listed', { context => { user_id => 42 } })
        ->json->{variant}, 'on', 'a number as its text');
    is(post('/evaluate/half', { context => { user_id => 'user3' } })
        ->json->{reason}, $t->get('/evaluate/half?user_id=user3')
        ->json->{reason}, 'percentages are the same');
    is(post('/evaluate/who', { context => {}, env => 'prod',
        environment => 'prod' })->json->{variant}, 'no', 'an environment');

    problem_is(post('/evaluate/who', $_), 400, 'INVALID_CONTEXT',
        "refused: $_")
        for '', '[]', '1', '{', '{}x', '{"a":1,"a":2}', "{\"a\":\"\xff\"}",
            '{"context":1}', '{"context":null}', '{"context":[]}',
            '{"a":1e999}', '{"a":"\u0000"}', ('[' x 70);
    is_deeply(problem_is(post('/evaluate/who', '{"context":{"a":tru}}'), 400,
        'INVALID_CONTEXT', 'with its place')->{errors}[0]{pointer},
        '/context/a', 'as a pointer');
    problem_is(post('/evaluate/who', '{"user":"x"}'), 422, undef,
        'a field that is none');

    problem_is(post('/evaluate/who', '{}', 'Content-Type' => $_), 415, undef,
        "not $_")
        for 'text/plain', 'application/x-www-form-urlencoded',
            'application/json; charset=iso-8859-1', 'application/jsonx', 'json';
    problem_is(post('/evaluate/who', '{}', 'Content-Encoding' => 'gzip'), 415,
        undef, 'nor compressed');
    is(post('/evaluate/who', '{}', 'Content-Type' => $_)->status, 200, $_)
        for 'application/json', 'APPLICATION/JSON; charset="UTF-8"',
            'application/json;charset=utf-8';

    my $pad = sub { '{"context":{"x":"a"}' . ' ' x ($_[0] - 21) . '}' };

    is(post('/evaluate/who', $pad->(65536))->json->{variant}, 'list', '64 KiB');
    is(post('/small/evaluate/who', $pad->(65536))->json->{variant}, 'list',
        'in a file');
    is($t->http('POST', '/small/evaluate/who',
        headers => [ 'Transfer-Encoding' => 'chunked' ],
        body => sprintf("%x\r\n%s\r\n", 30000, substr($pad->(60000), 0, 30000))
            . sprintf("%x\r\n%s\r\n0\r\n\r\n", 30000,
                substr($pad->(60000), 30000)))->json->{variant}, 'list',
        'in chunks');
    problem_is(post('/evaluate/who', $pad->(65537)), 413, undef, 'over 64 KiB');
    problem_is($t->http('POST', '/small/evaluate/who',
        headers => [ 'Transfer-Encoding' => 'chunked' ],
        body => sprintf("%x\r\n%s\r\n0\r\n\r\n", 65537, $pad->(65537))),
        413, undef, 'also in chunks');

    my $c = $t->connect;
    $c->request('POST', '/small/evaluate/who', body => $pad->(200_000));
    $c->request('POST', '/evaluate/who', body => '{}',
        headers => [ 'Content-Type' => 'text/plain' ]);
    $c->request('GET', '/live');
    is($c->response->status, 413, 'refused before it is read');
    is($c->response->status, 415, 'and another');
    is($c->response->status, 200, 'the connection goes on');
};


subtest 'all flags' => sub {
    my $r = post('/evaluate', { context => { user_id => 'bob' } });
    my $all = $r->json;
    my @keys = map { $_->{key} } @{ $all->{flags} };

    is($r->status, 200, 'POST /evaluate');
    is_deeply([ sort keys %$all ], [ 'flags', 'revision' ], 'its members');
    is($all->{revision}, 1, 'the revision');
    is_deeply(\@keys, [ sort qw(static off half secret listed note gone number
        json bad who reserved) ], 'all, by key');
    is($r->header('Cache-Control'), 'no-store', 'not to be kept');

    is_deeply($_, $t->get("/evaluate/$_->{key}?user_id=bob")->json, $_->{key})
        for @{ $all->{flags} };

    $r = $t->get('/users/bob/flags')->json;
    is(delete $r->{user_id}, 'bob', 'of a user');
    is_deeply($r, $all, 'the same');

    is_deeply(post('/evaluate', { environment => 'dev' })->json->{flags}[0]
        {value}, 'dev', 'of another environment');
    is($t->http('GET', '/evaluate')->status, 405, 'not by GET');
    is($t->http('GET', '/evaluate')->header('Allow'), 'POST, OPTIONS',
        'which is said');
};


subtest 'who may see what' => sub {
    problem_is($t->get('/client/evaluate/secret'), 404, 'FLAG_NOT_FOUND',
        'a flag that is not exposed');
    is_deeply([ grep { $_->{key} eq 'secret' }
        @{ $t->get('/client/users/a/flags')->json->{flags} } ], [],
        'in a list');
    is($t->get('/client/evaluate/static')->status, 200, 'others');

    my $r = $t->get('/none/evaluate/static');
    problem_is($r, 401, undef, 'nobody');
    like($r->header('WWW-Authenticate'), qr/^Bearer/, 'is told how');
    problem_is($t->get('/evaluate/static', 'X-API-Key' => 'x'), 401, undef,
        'a key that is none is not anonymous');
    is($t->get('/none/live')->status, 200, 'but probes are for everyone');

    $r = $t->get('/client/evaluate/static?explain=true');
    problem_is($r, 403, undef, 'clients see no rules');
    is($t->get('/client/evaluate/static?explain=false')->status, 200, 'false');
    problem_is($t->get('/evaluate/static?explain=1'), 422, undef, 'else');
};


subtest 'tenant and environment' => sub {
    my $value = sub {
        my $r = $t->get($_[0]);
        return $r->status == 200 ? $r->json->{value} : $r->status;
    };

    is($value->('/dev/evaluate/where'), 'dev', 'of the location');
    is($value->('/evaluate/where?env=dev'), 'dev', 'env');
    is($value->('/evaluate/where?environment=dev'), 'dev', 'environment');
    is($value->('/evaluate/where?environment=dev&env=dev'), 'dev', 'both');
    is($value->('/dev/evaluate/static?env=prod'), 1, 'the query first');
    is($value->('/acme/evaluate/where'), 'acme', 'another tenant');
    is($value->('/evaluate/where'), 404, 'whose flags are no others\'');
    is($value->('/evaluate/where?env=dev&environment=prod'), 422, 'not two');
    is($value->('/evaluate/where?env=dev&env=prod'), 422, 'nor by one name');
    is($value->('/evaluate/where?env='), 422, 'not empty');
    is($value->('/evaluate/where?tenant=acme'), 403, 'no tenant');

    my $r = post('/evaluate/where?env=dev', { env => 'prod' });
    is($r->status, 422, 'query and body disagree');
    is($r->json->{errors}[0]{pointer}, '/env', 'which is named');
    is(post('/evaluate/where', { env => 'dev' })->json->{value}, 'dev',
        'the body');
    is(post('/evaluate/where', { env => 1 })->status, 422, 'which is a string');
};


subtest 'why' => sub {
    my $r = $t->get('/evaluate/who?explain=true&country=x');
    my $trace = $r->json->{trace};

    is($r->status, 200, 'explain');
    is($trace->{flag}, 'who', 'of this flag');
    is(scalar @{ $trace->{rules} }, 3, 'all its rules');
    is($trace->{variant}, 'no', 'and what came of it');

    my $plain = { %{ $r->json } };
    delete $plain->{trace};
    is_deeply($plain, $t->get('/evaluate/who?country=x')->json, 'else the same');
    ok((grep { $_->{trace} } @{ post('/evaluate?explain=true', {})
        ->json->{flags} }), 'of all flags');
};


subtest 'before the first flag set' => sub {
    my $cold = edge(
        stopped => 1,
        http => 'flagship_anonymous viewer;',
        server => 'location / { flagship_api; }',
    );

    unlink $cold->dir . '/flags.json';
    $cold->run;

    my $r = $cold->get('/evaluate/a');
    problem_is($r, 503, 'PROVIDER_NOT_READY', 'nothing is loaded');
    is($r->header('Retry-After'), 1, 'when to come again');
    is($cold->get('/evaluate/a', 'X-API-Key' => 'x')->status, 503,
        'nobody is refused then');
    is($cold->get('/live')->status, 200, 'live');
    is($cold->get('/ready')->status, 503, 'not ready');
    is($cold->get('/health')->json->{status}, 'unavailable', 'unavailable');
};


done_testing;
