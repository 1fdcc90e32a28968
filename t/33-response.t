# Decisions as response headers.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [ flag('a'), flag('b', enabled => 0),
        flag('hidden', expose => false), text('crlf', "x\r\nEvil: 1") ],
    http => 'proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;',
    server => <<'EOT',
        flagship_response_headers on;
        root %%DIR%%/www;

        location / { proxy_pass %%UP%%; }
        location /off/ { flagship_response_headers off; proxy_pass %%UP%%; }
        location /list/ { flagship_response_headers hidden b nosuch;
            proxy_pass %%UP%%; }
        location /return { return 204; }
        location /redirect { return 302 /; }
        location /static.txt { }
        location /added { add_header X-Feature-A mine always;
            add_header X-Other $flagship_value_b; return 200; }
        location /cached {
            proxy_cache cache;
            proxy_cache_valid 1h;
            proxy_cache_key $uri;
            add_header X-Cache $upstream_cache_status;
            proxy_pass %%UP%%;
        }
        location /page { error_page 404 /static.txt; return 404; }
        location /many {
            add_header B1 1; add_header B2 1; add_header B3 1;
            add_header B4 1; add_header B5 1; add_header B6 1;
            add_header B7 1; add_header B8 1; add_header B9 1;
            add_header B10 1; add_header B11 1; add_header B12 1;
            return 200;
        }
EOT
    stopped => 1,
);

$t->write_file('www/static.txt', 'static');
$t->run;

sub features {
    my ($r) = @_;

    return join ' ', sort grep { /^x-feature/i } split /\r?\n/, $r->head;
}

my $both = 'X-Feature-a: true X-Feature-b: false';

is(features($t->get('/')), $both, 'a proxied answer');
is(features($t->get('/?header=x-feature-A:forged&header=X-Feature-C:kept')),
    "X-Feature-C: kept $both", 'the upstream\'s own of those names are out');
is(features($t->get('/off/?header=X-Feature-A:kept')), 'X-Feature-A: kept',
    'off');
is(features($t->get('/list/')), 'X-Feature-b: false', 'exposed flags only');
is(features($t->get($_)), $both, $_)
    for qw(/return /redirect /static.txt /page);
is(features($t->get('/?status=500')), $both, 'an error of the upstream');
is(features($t->http('HEAD', '/')), $both, 'HEAD');
is(features($t->get('/static.txt', 'If-Modified-Since' =>
    $t->get('/static.txt')->header('Last-Modified'))), $both, 'a 304');
is(features($t->get('/static.txt', Range => 'bytes=100-')), $both, 'a 416');
is(features($t->http('GET', '/x', headers => [ 'Content-Length' => 'x' ])),
    $both, 'a 400');
is(features($t->get('/added')), "X-Feature-A: mine $both", 'add_header adds');
is($t->get('/added')->header('X-Other'), 'false', 'and may read variables');
is(scalar(() = $t->get('/many')->head =~ /^B\d+: 1\r?$/mg), 12,
    'later filters find room for theirs');

is(features($t->get('/cached')), $both, 'what is cached');
$t->flags(flag('a', enabled => 0));
my $r = $t->get('/cached');
is($r->header('X-Cache'), 'HIT', 'and comes from the cache');
is(features($r), 'X-Feature-a: false', 'has what is decided now');

done_testing;
