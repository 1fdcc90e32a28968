# A lasting id for visitors without one.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [
        flag('half', type => 'string', variants => { a => 'a', b => 'b' },
            default_variant => 'a',
            rules => [ { serve => { split => { a => 50, b => 50 } } } ]),
        flag('shut', enabled => 0),
    ],
    http => <<'EOT',
        flagship_targeting_key $flagship_identity;
        proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;
EOT
    server => <<'EOT',
        location / { return 200 nothing; }

        location /id {
            flagship_identity cookie=Visitor.id;
            return 200 "$flagship_identity $flagship_variant_half";
        }
        location /unread {
            flagship_identity cookie=v;
            return 204;
        }
        location /all {
            flagship_identity cookie=v ttl=1d domain=example.com path=/x
                samesite=none;
            return 404;
        }
        location /strict { flagship_identity cookie=v samesite=strict;
            flagship_gate shut; return 200; }
        location /off { flagship_identity off; return 200; }
        location /proxied {
            flagship_identity cookie=v;
            flagship_headers half;
            proxy_cache cache;
            proxy_cache_valid 1h;
            proxy_cache_key $uri$flagship_cache_key;
            proxy_pass %%UP%%;
        }
        location /elsewhere { return 200 "$flagship_identity"; }
        location /chained {
            flagship_identity cookie=v;
            error_page 404 /elsewhere;
            if ($flagship_identity = x) { return 500; }
            return 404;
        }
EOT
);

my $form = qr/[A-Za-z0-9_-]{22}/;

my $r = $t->get('/id');
my ($id, $variant) = split / /, $r->body;

like($id, qr/^$form$/, '128 bits, base64url, in the same request');
like($variant, qr/^[ab]$/, 'by which flags are decided');
is($r->header('Set-Cookie'), "Visitor.id=$id; Path=/; Max-Age=31536000; "
    . 'HttpOnly; SameSite=Lax', 'and set as a cookie');
is($r->header('Cache-Control'), 'no-store', 'of an answer that is not kept');

isnt((split / /, $t->get('/id')->body)[0], $id, 'another has another');

for (1 .. 3) {
    $r = $t->get('/id', Cookie => "a=b; Visitor.id=$id; c=d");

    is($r->body, "$id $variant", 'who brings it keeps it, and the variant');
    is($r->header('Set-Cookie'), undef, 'no new cookie');
    is($r->header('Cache-Control'), undef, 'and the answer may be kept');
}

for my $good ('x' x 16, 'A.b_c-9' . '0' x 57) {
    like($t->get('/id', Cookie => "Visitor.id=$good")->body, qr/^$good /,
        'an id of the form is taken: ' . length $good);
}

for my $bad ('', 'x' x 15, 'x' x 65, 'x' x 20 . '%', "x\xff" x 10,
    'x' x 20 . '"')
{
    $r = $t->get('/id', Cookie => "Visitor.id=$bad");
    like($r->body, qr/^$form /, 'any other is replaced');
    like($r->header('Set-Cookie'), qr/^Visitor.id=$form;/, 'by a new one');
}

like($t->get('/unread')->header('Set-Cookie'), qr/^v=$form; /,
    'a visitor gets one though nobody asks for it');
like($t->get('/all')->header('Set-Cookie'), qr{^v=$form;[ ]Path=/x;[ ]
    Max-Age=86400;[ ]Domain=example\.com;[ ]HttpOnly;[ ]SameSite=None;[ ]
    Secure$}x,
    'all parameters, on an error');
like($t->get('/strict')->header('Set-Cookie'), qr/SameSite=Strict$/,
    'samesite=strict');
is($t->get('/off')->header('Set-Cookie'), undef, 'off');
is($t->get('/')->header('Set-Cookie'), undef, 'nowhere else');

$r = $t->get('/chained');
is($r->header('Set-Cookie') =~ s/;.*//r, 'v=' . $r->body,
    'an id that was given is set, wherever the answer is made');

# a cached page may be everyone's, a cookie never

my %seen;

for (1 .. 40) {
    $r = $t->get('/proxied');
    $seen{ $r->header('Set-Cookie') =~ s/;.*//r }++;
}

is(scalar keys %seen, 40, 'each visitor of a cached page has another id');
is(scalar(() = $t->upstream->requests), 2, 'though there are two pages');

$t->upstream->clear;
$r = $t->get('/proxied?header=Cache-Control:public,max-age=60'
    . '&header=Expires:Thu,01%20Jan%202099%2000:00:00%20GMT');
is($r->header('Cache-Control'), 'no-store', 'whatever the upstream allows');
is($r->header('Expires'), undef, 'in either way');

done_testing;
