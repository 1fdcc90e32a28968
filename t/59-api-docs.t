# The API's description and its pages, as a build has left them in a folder.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    stopped => 1,
    server => <<'EOT',
        location / { flagship_api docs=%%DIR%%/docs; }
        location /api/ { flagship_api docs=docs; }
        location /none/ { flagship_api; }
EOT
);

my %type = ('docs.html' => 'text/html', 'redoc.html' => 'text/html',
    'openapi.json' => 'application/json', 'swagger-ui.css' => 'text/css',
    'swagger.js' => 'text/javascript', 'redoc.js' => 'text/javascript',
    'swagger-ui-bundle.js' => 'text/javascript',
    'redoc.standalone.js' => 'text/javascript', 'icon.png' => 'image/png');

$t->write_file("docs/$_", "this is $_\n") for keys %type;
$t->write_file('docs/secret.txt', 'a secret');
$t->run;

for my $prefix ('', '/api') {
    for my $file (sort keys %type) {
        my $path = "$prefix/" . ($file =~ /^(docs|redoc)\.html$/ ? $1
            : $file eq 'openapi.json' ? $file : "docs/$file");
        my $r = $t->get($path);

        is($r->status, 200, $path);
        is($r->body, "this is $file\n", 'the file');
        is($r->header('Content-Type'), $type{$file}, 'its type');
        like($r->header('Content-Security-Policy'), qr/script-src 'self';/,
            'no script but our own');
        is($r->header('X-Content-Type-Options'), 'nosniff', 'as it is');

        my $tag = $r->header('ETag');
        is($t->get($path, 'If-None-Match' => $tag)->status, 304, 'not again');
        is($t->http('HEAD', $path)->header('Content-Length'),
            length $r->body, 'HEAD');
        is($t->http('POST', $path)->status, 405, 'not POST');
    }
}

for my $path (qw(/docs/ /docs/secret.txt /docs/docs.html /docs/openapi.json
    /docs/../docs/secret.txt /docs/..%2fdocs%2fsecret.txt /docs/%2e%2e
    /docs/swagger.js%00 /docs/SWAGGER.JS /docs/nginx.conf /docs/swagger.js/
    /docs/redoc.js%2f..%2fsecret.txt /none/docs /none/openapi.json
    /none/docs/swagger.js))
{
    my $r = $t->get($path);
    is($r->status, $path =~ /%00/ ? 400 : 404, $path);
}

unlink $t->dir . '/docs/swagger-ui.css';
my $r = $t->get('/docs/swagger-ui.css');
is($r->status, 404, 'a file that was not built');
like($r->json->{detail}, qr/not installed/, 'which is said');

done_testing;
