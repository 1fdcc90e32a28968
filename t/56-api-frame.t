# The frame of the API: paths, methods, problems, what nginx itself answers.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [ flag('a') ],
    http => <<'EOT',
        limit_req_zone $server_port zone=one:1m rate=1r/m;
        client_max_body_size 1k;
EOT
    server => <<'EOT',
        error_page 403 404 413 429 500 503 /page.html;
        location = /page.html { return 200 "<html>"; }
        location / { flagship_api; }
        location /api/ { flagship_api; client_max_body_size 8m; }
        location /v1 { flagship_api; }
        location /denied/ { flagship_api; deny all; }
        location /limited/ {
            flagship_api;
            limit_req zone=one;
            limit_req_status 429;
        }
        location /busy/ { flagship_api; limit_req zone=one; }
        location /own/ {
            flagship_api;
            error_page 403 /page.html;
            deny all;
        }
        location /only/ { flagship_api; limit_except GET { deny all; } }
        location /if/ {
            flagship_api;
            if ($arg_x) { add_header X-If 1; }
        }
        location /sub { auth_request /live; return 200 "passed"; }
        location /ssi { ssi on; ssi_types *; root %%DIR%%; }
        location /none { flagship_api; flagship_environment none; }
EOT
    options => { workers => 1 },
);


# A problem document of this status

sub problem_is {
    my ($r, $status, $what) = @_;

    is($r->status, $status, "$what: $status");
    is($r->header('Content-Type'), 'application/problem+json',
        "$what: a problem");

    my $p = eval { $r->json } // {};

    is_deeply([ map { defined $p->{$_} ? 1 : 0 }
        qw(type title status detail instance) ], [ (1) x 5 ],
        "$what: all members") or diag $r->head, $r->body;
    is($p->{status}, $status, "$what: status");

    return $p;
}


subtest 'probes' => sub {
    for my $prefix ('', '/api', '/v1', '/if', '/only') {
        my $r = $t->get("$prefix/live");

        is($r->status, 200, "$prefix/live");
        is_deeply($r->json, { status => 'live' }, 'live');
        is($r->header('Content-Type'), 'application/json', 'as JSON');
        is($r->header('Cache-Control'), 'no-store', 'not to be kept');
        ok(!defined $r->header('Vary'), 'the same for everyone');
        is_deeply($t->get("$prefix/ready")->json,
            { status => 'ready', revision => 1 }, "$prefix/ready");
    }

    my $r = $t->get('/health');
    my $health = $r->json;

    is($r->status, 200, 'health');
    like(delete $health->{age}, qr/\A[0-9]\z/, 'seconds since it was checked');
    is_deeply($health, { status => 'healthy', revision => 1,
        source => 'file', database => undef }, 'what it says');

    $r = $t->get('/none/ready');
    is($r->status, 503, 'not ready without the flag set');
    is($r->json->{environment}, 'none', 'which is named');
    $r = $t->get('/none/health');
    is($r->status, 503, 'and not healthy');
    is($r->json->{status}, 'unavailable', 'but unavailable');
    is($t->get('/if/live?x=1')->header('X-If'), 1, 'in an "if"');
    is($t->get('/sub')->body, 'passed', 'as a subrequest');
};


subtest 'paths' => sub {
    for my $path (qw(/ /liv /live/ /lives /live/x /LIVE /live%2f /api /api/
        /v1 /v1live /v1/ /v12/live /api/api/live /live; /live. /%6cive/..x
        /.well-known), '/live%20', '/live%ff')
    {
        my $p = problem_is($t->get($path), 404, $path);
        is($p->{instance}, $path, "$path: instance");
    }

    is($t->get($_)->status, 200, $_)
        for qw(//live /./live /x/../live /%6cive /api//live /live?x=%41
            /api/../live);

    is(problem_is($t->get('/nosuch?key=secret'), 404, 'a query')->{instance},
        '/nosuch', 'is not repeated');
    like(problem_is($t->get('/%22%3Cb%3E'), 404, 'odd bytes')->{instance},
        qr{^/%22}, 'are as they came');
    problem_is($t->get("/\xff\xc3"), 404, 'raw bytes');
    problem_is($t->get('/' . 'x' x 4000), 404, 'a long path');
};


subtest 'methods' => sub {
    for my $method (qw(POST PUT PATCH DELETE MKCOL LOCK FROB)) {
        my $r = $t->http($method, '/live');

        problem_is($r, 405, $method);
        is($r->header('Allow'), 'GET, HEAD, OPTIONS', 'what is allowed');
    }

    my $r = $t->http('OPTIONS', '/health');
    is($r->status, 204, 'OPTIONS');
    is($r->header('Allow'), 'GET, HEAD, OPTIONS', 'what is allowed');
    is($r->body, '', 'no body');
    problem_is($t->http('OPTIONS', '/nosuch'), 404, 'OPTIONS of nothing');

    my $get = $t->get('/live');
    $r = $t->http('HEAD', '/live');
    is($r->status, 200, 'HEAD');
    is($r->body, '', 'without a body');
    is($r->header('Content-Length'), length $get->body, 'but its length');

    $r = $t->http('HEAD', '/nosuch');
    is($r->status, 404, 'HEAD of nothing');
    is($r->header('Content-Type'), 'application/problem+json', 'its type');
    is($r->body, '', 'without a body');
};


subtest 'errors that nginx makes' => sub {
    like(problem_is($t->get('/denied/live'), 403, 'deny')->{detail},
        qr/configuration/, 'says who');

    my $r;
    for (1 .. 3) {
        $r = $t->get('/limited/live');
    }
    problem_is($r, 429, 'limit_req');
    is($r->header('Retry-After'), 1, 'when to come again');
    is(scalar(my @n = $r->headers('Cache-Control')), 1, 'headers once');

    $r = $t->get('/busy/live');
    problem_is($r, 503, 'limit_req_status is 503');
    is($r->header('Retry-After'), 1, 'when to come again');

    $r = $t->http('POST', '/live', body => 'x' x 1100);
    problem_is($r, 413, 'a large body');

    problem_is($t->http('POST', '/only/live'), 403, 'limit_except');

    $r = $t->http('HEAD', '/denied/live');
    is($r->status, 403, 'HEAD');
    is($r->body, '', 'without a body');

    is($t->get('/own/live')->body, '<html>',
        'an error page of the location itself is somebody\'s will');
    is($t->get('/page.html')->body, '<html>', 'there is one above');
};


subtest 'bodies of routes that take none' => sub {
    my $c = $t->connect;

    $c->request('GET', '/api/live', body => 'x' x 100_000);
    $c->request('POST', '/api/live', body => 'y' x 100_000);
    $c->request('GET', '/api/nosuch',
        headers => [ 'Transfer-Encoding' => 'chunked' ],
        body => "5\r\nGET /\r\n0\r\n\r\n");
    $c->request('GET', '/live');

    is($c->response->status, 200, 'one that is not asked for');
    is($c->response->status, 405, 'of a method that is none');
    is($c->response->status, 404, 'in chunks');
    is($c->response->status, 200, 'all on one connection');

    $c = $t->connect;
    $c->request('POST', '/live', headers => [ 'Transfer-Encoding' => 'chunked' ],
        body => "zz\r\n");
    my $r = $c->response;
    is($r->status, 405, 'broken chunks');
    ok($c->closed, 'end the connection');

    $c = $t->connect;
    $c->request('POST', '/api/live', headers => [ 'Content-Length' => 10 ],
        body => 'abc');
    is($c->response->status, 405, 'an answer before the body is here');
    $c->send('defghij');
    $c->request('GET', '/live');
    is($c->response->status, 200, 'which is not read as a request');

    $c = $t->connect;
    $c->request('POST', '/api/live', headers => [ 'Content-Length' => 3,
        Expect => '100-continue' ]);
    is($c->response->status, 405, '100-continue');

    is($t->http('GET', '/live', version => '1.0')->status, 200, 'HTTP/1.0');
};


subtest 'conditional requests are ours' => sub {
    my $r = $t->get('/live', 'If-Match' => '"x"', 'If-None-Match' => '*',
        'If-Unmodified-Since' => 'Thu, 01 Jan 1970 00:00:00 GMT');

    is($r->status, 200, 'not of what has no tag');
};


subtest 'the query' => sub {
    problem_is($t->get("/live?$_"), 400, $_)
        for qw(%ff a=%ff a=%00 %00=a a=% a=%4 a=%zz a=%c3 a=%ed%a0%80),
            "a=\xff", join('&', map { "a$_" } 0 .. 256);

    is($t->get("/live?$_")->status, 200, $_)
        for qw(a=%c3%bc & &&a&= a=b&a=b %C3%BC=+ a==&), '',
            join('&', map { "a$_" } 0 .. 255);
};


done_testing;
