# Pages of other origins: flagship_cors.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [ flag('a') ],
    http => 'flagship_anonymous viewer; limit_req_zone $server_port'
        . ' zone=one:1m rate=1r/m;',
    server => <<'EOT',
        flagship_cors https://a.example http://localhost:3000;
        location / { flagship_api; }
        location /off/ { flagship_api; flagship_cors off; }
        location /any/ { flagship_api; flagship_cors *; }
        location /writes/ {
            flagship_api;
            flagship_cors https://a.example writes;
        }
        location /limited/ {
            flagship_api;
            limit_req zone=one;
            limit_req_status 429;
        }
EOT
);


sub from {
    my ($origin, $method, $uri, @headers) = @_;

    return $t->http($method, $uri,
        headers => [ Origin => $origin, @headers ]);
}

sub allowed { $_[0]->header('Access-Control-Allow-Origin') }


for my $origin ('https://a.example', 'http://localhost:3000') {
    my $r = from($origin, 'GET', '/evaluate/a');

    is($r->status, 200, "from $origin");
    is(allowed($r), $origin, 'which is listed');
    like($r->header('Access-Control-Expose-Headers'), qr/\bETag\b/,
        'headers may be read');
    ok(!defined $r->header('Access-Control-Allow-Credentials'),
        'never with credentials');
    is($r->header('Vary'), 'Authorization, X-API-Key, Origin',
        'caches tell them apart');
}

for my $origin (qw(https://b.example https://a.example.evil.org
    https://evila.example http://a.example https://a.example:443
    HTTPS://A.EXAMPLE null * ), 'https://a.example ,x', '')
{
    my $r = from($origin, 'GET', '/evaluate/a');

    is($r->status, 200, "from '$origin'");
    ok(!defined allowed($r), 'which is not listed');
    like($r->header('Vary'), qr/Origin/, 'caches tell them apart');
}

my $r = $t->get('/evaluate/a');
ok(!defined allowed($r), 'not from a page');
like($r->header('Vary'), qr/Origin/, 'caches tell that apart, too');

is(allowed(from('https://a.example', 'GET', $_)), 'https://a.example', $_)
    for qw(/live /nosuch /evaluate/nosuch /evaluate/a?x=%ff);

from('https://a.example', 'GET', '/limited/live') for 1 .. 2;
$r = from('https://a.example', 'GET', '/limited/live');
is($r->status, 429, 'an error of nginx');
is(allowed($r), 'https://a.example', 'can be read, too');

my @preflight = ('OPTIONS', '/evaluate/a',
    'Access-Control-Request-Method' => 'POST');

$r = from('https://a.example', @preflight);
is($r->status, 204, 'preflight');
is(allowed($r), 'https://a.example', 'the origin');
is($r->header('Access-Control-Allow-Methods'), 'GET, HEAD, POST',
    'the methods');
like($r->header('Access-Control-Allow-Headers'), qr/X-API-Key/, 'the key');
is($r->header('Access-Control-Max-Age'), 600, 'kept for a while');
is($r->header('Allow'), 'GET, HEAD, POST, OPTIONS', 'as any OPTIONS');

$r = from('https://b.example', @preflight);
is($r->status, 204, 'preflight of another');
ok(!defined $r->header($_), "no $_") for qw(Access-Control-Allow-Origin
    Access-Control-Allow-Methods Access-Control-Allow-Headers);

$r = from('https://a.example', 'GET', '/off/evaluate/a');
ok(!defined allowed($r), 'off');
is($r->header('Vary'), 'Authorization, X-API-Key', 'the same for all origins');

$r = from('https://b.example', 'GET', '/any/evaluate/a');
is(allowed($r), '*', 'any');

done_testing;
