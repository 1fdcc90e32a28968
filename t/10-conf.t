# What a configuration may say, and what nginx says of the rest.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(flags => [], stopped => 1);

$t->allow(qr/\[emerg\]/);


# Whether `nginx -t` takes it, and what it said

sub said {
    my ($http, %o) = @_;

    $t->config(join "\n", '%%GLOBALS%%', 'events { }', 'http {', '%%HTTP%%',
        $o{bare} ? () : ('flagship_zone 1m;',
            'flagship_file %%DIR%%/flags.json;'),
        $http, '}');

    return $t->test_config;
}

sub refused {
    my ($http, $why, %o) = @_;

    my ($said, $ok) = said($http, %o);
    my $name = $http =~ s/\s+/ /gr;

    ok(!$ok, "refused: $name") or diag $said;
    like($said, $why, '... and why');
}

sub taken {
    my ($http, $warned, %o) = @_;

    my ($said, $ok) = said($http, %o);
    my $name = $http =~ s/\s+/ /gr;

    ok($ok, "taken: $name") or diag $said;

    if ($warned) {
        like($said, $warned, '... with a warning');

    } else {
        unlike($said, qr/\[warn\]/, '... without a warning');
    }
}

sub location { "server { location / { $_[0] } }" }


# who may do what

taken("flagship_anonymous $_;") for qw(none client viewer editor admin);
taken(location('flagship_anonymous admin;'));
refused('flagship_anonymous operator;',
    qr/invalid role "operator" in "flagship_anonymous" directive/);
refused('flagship_anonymous Admin;', qr/invalid role "Admin"/);
refused('flagship_anonymous admin; flagship_anonymous admin;',
    qr/"flagship_anonymous" directive is duplicate/);


# the zone

refused('flagship_zone 2m;', qr/"flagship_zone" directive is duplicate/);
refused("flagship_zone $_; flagship_file x;", qr/invalid zone size "\Q$_\E"/,
    bare => 1) for qw(x -1 1.5m);
refused('flagship_zone 255k; flagship_file x;',
    qr/zone size "255k" is too small/, bare => 1);
taken('flagship_zone 256k; flagship_file x;', undef, bare => 1);

# without a zone the module is not there, and what needs it says so

taken('flagship_tenant a; flagship_header_prefix Y-; flagship_headers off;
    flagship_strip on; flagship_targeting_key $arg_u;
    flagship_attribute a $arg_a; flagship_response_headers off;
    flagship_identity off; server { flagship_gate off; }', undef, bare => 1);

for my $needs ([ flagship_headers => 'flagship_headers on;' ],
    [ flagship_response_headers => 'flagship_response_headers a;' ],
    [ flagship_gate => 'server { flagship_gate a; }' ],
    [ flagship_variable => 'flagship_variable $a a;' ],
    [ flagship_identity => 'flagship_identity cookie=a;' ],
    [ flagship_status => location('flagship_status live;') ],
    [ flagship_api => location('flagship_api;') ],
    [ flagship_file => 'flagship_file x;' ],
    [ flagship_postgres => 'flagship_postgres dbname=x;' ])
{
    my ($name, $text) = @$needs;

    refused($text, qr/"$name" directive needs "flagship_zone" in .*conf:\d+/,
        bare => 1);
}

refused(location("return 200 \$flagship_$_;"),
    qr/"\$flagship_$_" variable needs "flagship_zone"/, bare => 1)
    for qw(value_x enabled_x flags identity);

# headers

refused("flagship_header_prefix $_;", qr/"flagship_header_prefix" directive/)
    for '""', 'X- Y- Z-';
refused("flagship_header_prefix $_;", qr/invalid header prefix "\Q$_\E"/)
    for qw(X_A 1a -a X: a/b);
refused('flagship_header_prefix ' . 'a' x 65 . ';', qr/longer than 64/);
refused('flagship_header_prefix x-for;', qr/would remove "X-Forwarded-For"/);
refused('flagship_header_prefix H;', qr/would remove "Host"/);
refused('flagship_header_prefix A-; flagship_header_prefix B-;',
    qr/is duplicate/);
refused(location('flagship_header_prefix A-;'), qr/not allowed here/);
taken('flagship_header_prefix Flag-; server { flagship_header_prefix F2-; }');

refused('flagship_strip maybe;', qr/invalid value "maybe" in "flagship_strip"/);
refused(location('flagship_strip off;'), qr/not allowed here/);

refused("$_ on; $_ on;", qr/"$_" directive is duplicate/),
refused("$_;", qr/invalid number of arguments in "$_"/),
refused("$_ a on;", qr/"on" cannot be combined/),
refused("$_ a a;", qr/duplicate flag "a"/),
refused("$_ a -b;", qr/invalid flag key "-b"/),
taken("$_ a b.c d_e F-1; server { $_ off; location / { $_ on; } }"),
taken("$_ a.b a_b; server { }", qr/\[warn\].*flag "a_b" is not sent/)
    for qw(flagship_headers flagship_response_headers);

refused('flagship_headers "";', qr/invalid flag key ""/);
refused('flagship_headers ' . 'k' x 129 . ';', qr/invalid flag key "k+"/);
refused("flagship_headers_limit $_;", qr/invalid number/) for qw(x -1);
refused("flagship_headers_limit $_;", qr/must be between 1 and 1000/)
    for 0, 1001;
taken('flagship_headers_limit 1; server { flagship_headers_limit 1000; }');

# tenant, environment, context

for my $name (qw(flagship_tenant flagship_environment)) {
    refused("$name;", qr/invalid number of arguments in "$name"/);
    refused("$name \"\";", qr/"$name" directive must not be empty/);
    refused("$name a; $name b;", qr/"$name" directive is duplicate/);
    refused("$name \$flagship_value_x;", qr/flags cannot be decided by flags/);
    taken("$name \$host; server { $name a; location / { $name b; } }");
}

refused('flagship_targeting_key $flagship_variant_x;',
    qr/flags cannot be decided by flags: variable "\$flagship_variant_x"/);
refused('flagship_targeting_key $nosuch;', qr/unknown "nosuch" variable/);
refused('flagship_targeting_key $flagship_nosuch;',
    qr/unknown "flagship_nosuch" variable/);
refused('flagship_targeting_key a; flagship_targeting_key b;',
    qr/is duplicate/);
taken('flagship_targeting_key $flagship_identity;
    server { flagship_targeting_key $arg_a; }');

refused('flagship_attribute a;', qr/invalid number of arguments/);
refused('flagship_attribute a b int;', qr/invalid type "int" of attribute "a"/);
refused("flagship_attribute $_ b;", qr/invalid attribute name/)
    for qw(a. .a a..b .), '""', '"a b"', "'a\"'", "\"a\xc3\xa4\"";
refused("flagship_attribute $_ b;", qr/attribute name "\Q$_\E" is reserved/)
    for qw(targetingKey targetingKey.a);
refused('flagship_attribute a b; flagship_attribute a c;',
    qr/duplicate attribute "a"/);
refused('flagship_attribute a b json; flagship_attribute a.b c;',
    qr/attribute "a.b" conflicts with "a"/);
refused('flagship_attribute a.b.c b; flagship_attribute a.b c;',
    qr/attribute "a.b" conflicts with "a.b.c"/);
refused('flagship_attribute a $flagship_enabled_x;',
    qr/flags cannot be decided by flags/);
taken('flagship_attribute a b; flagship_attribute ab $arg_c number;
    flagship_attribute x.y d boolean; flagship_attribute x.z d json;
    server { flagship_attribute a c; }');

# gates

refused('flagship_gate a;', qr/not allowed here/);
refused(location('if ($arg_a) { flagship_gate a; }'), qr/not allowed here/);
refused('server { flagship_gate; }', qr/invalid number of arguments/);
refused("server { flagship_gate $_; }", qr/invalid flag key/) for '""', '@a';
refused("server { flagship_gate a $_; }", qr/invalid parameter "\Q$_\E"/)
    for qw(variant= otherwise= otherwise=x otherwise=399 otherwise=600
        otherwise=40x otherwise=@ otherwise=$ default=closed default=
        earlier b);
refused("server { flagship_gate a $_ $_; }", qr/invalid parameter "\Q$_\E"/)
    for qw(variant=a otherwise=404 default=open early);
refused('server { flagship_gate a otherwise=/$nosuch; }',
    qr/unknown "nosuch" variable/);
refused("server { $_ }", qr/"off" cannot be combined with gates/)
    for 'flagship_gate a; flagship_gate off;',
        'flagship_gate off; flagship_gate a;';
refused('server { flagship_gate off; flagship_gate off; }', qr/is duplicate/);
taken('server { flagship_gate a; flagship_gate b variant=x otherwise=@n
    default=open early; location / { flagship_gate off; }
    location /x { flagship_gate a otherwise=/x?y=$uri; }
    location /y { flagship_gate a otherwise=$arg_x; }
    location /z { flagship_gate a otherwise=599; } }');

# a gate that is passed by

taken(location("flagship_gate a; $_"), qr/\[warn\].*location "\/" returns or rewrites before its gate of flag "a" in .*:\d+/)
    for 'return 200;', 'rewrite ^ /x last;', 'rewrite ^ /x;',
        'rewrite ^ http://x/;', 'rewrite ^ /x redirect;',
        'if ($arg_a) { return 403; }', 'set $a b; return 200 $a;';
taken('server { flagship_gate a; location / { return 200; } }', qr/returns or/);
taken(location($_)) for 'flagship_gate a early; return 200;',
    'flagship_gate a; rewrite ^ /x break;', 'flagship_gate a; set $x 1;',
    'flagship_gate a; if ($uri ~ "^/(.)") { set $x $1; }',
    'flagship_gate a; if ($arg_a) { rewrite ^ /y break; }',
    'flagship_gate a; proxy_pass http://127.0.0.1:1;', 'return 200;';

# a cache that knows no flags

my $cache = 'proxy_cache_path x keys_zone=c:1m; proxy_cache c;';
my $fastcgi = 'fastcgi_cache_path x keys_zone=c:1m; fastcgi_cache c;';

sub cached { "$cache server { location / { proxy_pass http://127.0.0.1:1;
    $_[0] } }" }

taken(cached("flagship_headers on; $_"),
    qr/\[warn\].*location "\/" caches answers.*"proxy_cache_key"/)
    for '', 'proxy_cache_key $uri;', 'proxy_cache_key "a$scheme$host$args";',
        'proxy_cache_key constant;';
taken(cached($_)) for '', 'flagship_headers off;',
    'proxy_cache off; flagship_headers on;',
    'flagship_headers on; proxy_cache_key $uri$flagship_cache_key;',
    'flagship_headers a; proxy_cache_key $uri$flagship_variant_a;';
taken("map \$flagship_variant_a \$side { on 1; }"
    . cached('flagship_headers on; proxy_cache_key $uri$side;'));
taken("flagship_variable \$a a variant;"
    . cached('flagship_headers on; proxy_cache_key $uri$a;'));
taken("$fastcgi fastcgi_cache_key \$uri; server { location / {
    flagship_headers on; fastcgi_pass 127.0.0.1:1; } }",
    qr/\[warn\].*"fastcgi_cache_key"/);
taken("$fastcgi fastcgi_cache_key \$uri\$flagship_cache_key; server {
    location / { flagship_headers on; fastcgi_pass 127.0.0.1:1; } }");

# identity

refused("flagship_identity $_;", qr/invalid parameter "\Q$_\E"/)
    for qw(cookie= cookie=a/b cookie=a=b nothing ttl=x ttl=0 domain= path=x
        samesite=x other=1 secret=x);
refused('flagship_identity ttl=1d;',
    qr/"flagship_identity" directive must name a cookie/);
refused('flagship_identity cookie=a; flagship_identity cookie=b;',
    qr/is duplicate/);
refused("flagship_identity cookie=a \"path=/a$_\";", qr/invalid parameter/)
    for ' b', "\\; HttpOnly", "\x01";
taken('flagship_identity cookie=a.B_c-1 ttl=400d domain=.example.com path=/a
    samesite=STRICT; server { flagship_identity off; }');

# variables

refused("flagship_variable $_;", qr/invalid variable name/) for 'a a', '$ a';
refused("flagship_variable \$a $_;", qr/invalid flag key/) for '""', '$b';
refused("flagship_variable \$a a $_;", qr/invalid parameter/)
    for 'x', 'value variant', 'default=a default=b', 'defaul=t';
refused('flagship_variable $a a; flagship_variable $a b;',
    qr/the duplicate "a" variable/);
refused('flagship_variable $args a;', qr/the duplicate "args" variable/);
refused('flagship_variable $uri a;', qr/the duplicate "uri" variable/);
refused('flagship_variable $a a; ' . location('set $a b;'),
    qr/the duplicate "a" variable/);
refused(location('return 200 $flagship_valu_x;'), qr/unknown "flagship_valu_x"/);
refused(location('flagship_variable $a a;'), qr/not allowed here/);
taken('flagship_variable $a a.b-C; flagship_variable $b a default=;
    flagship_variable $c a variant "default=x y"; flagship_variable $d a
    default=1 enabled;');

# status

refused(location('flagship_status alive;'),
    qr/invalid value "alive" in "flagship_status" directive/);
refused(location('flagship_status live; flagship_status live;'),
    qr/is duplicate/);
refused('flagship_status live;', qr/not allowed here/);
taken(location('flagship_status live;'));

# API

refused("server { location $_ { flagship_api; } }",
    qr/"flagship_api" directive must be in a location that is a prefix/)
    for '~ /x', '= /x', '@x';
refused(location('flagship_api; flagship_api;'), qr/is duplicate/);
refused('flagship_api;', qr/not allowed here/);
refused(location("flagship_api $_;"), qr/invalid parameter "$_"/)
    for qw(on docs=);
taken(location('flagship_api; location /x/y { flagship_api; }'));

refused("flagship_cors $_;", qr/invalid origin "\Q$_\E"/)
    for qw(https://a.example/ https://A.example a.example https:// null
        https://a.example/x write);
refused("flagship_cors $_;", qr/needs either origins or "\*"/)
    for 'writes', '* https://a.example';
refused('flagship_cors off; flagship_cors *;', qr/is duplicate/);
taken('flagship_cors https://a.example http://[::1]:80; '
    . location('flagship_cors off; flagship_api; location /x {
        flagship_cors * writes; }'));
refused('flagship_write_wait x;', qr/invalid value/);
taken('flagship_write_wait 10ms; ' . location('flagship_write_wait 2s;'));

done_testing;
