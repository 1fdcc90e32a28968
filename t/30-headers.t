# Decisions as request headers.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [
        flag('b_c.d'),
        flag('a'),
        flag('off', enabled => 0),
        flag('hidden', expose => false),
        text('empty', ''),
        text('utf8', "caf\x{e9} \x{1f600}"),
        text('crlf', "a\r\nX-Evil: 1"),
        text('tab', "a\tb"),
        text('del', "a\x7f"),
        text('long', 'x' x 4097),
        text('fits', 'y' x 4096),
        flag('number', type => 'number', variants => { on => 0.1 },
            default_variant => 'on'),
        flag('json', type => 'json', default_variant => 'on',
            variants => { on => { k => [ 1, "\x{fc}" ] } }),
        flag('none', type => 'string', variants => { a => 'x' },
            default_variant => undef, enabled => 0, off_variant => undef),
        flag('broken', type => 'boolean', variants => { on => true },
            default_variant => 'missing'),
        flag('user', type => 'string', default_variant => 'no',
            variants => { yes => 'yes', no => 'no' },
            rules => [ { when => { '==' => [ { var => 'user' }, 'bob' ] },
                         serve => 'yes' } ]),
        flag('follows', expose => false, rules => [
            { when => { '==' => [ { var => 'given' }, 'yes' ] },
              serve => 'on' } ], default_variant => 'off'),
        (map { text("text-$_", 't' x $_, expose => false) } 63 .. 66),
    ],
    http => <<'EOT',
        flagship_attribute user $arg_user;
        map $flagship_value_user $given { default $flagship_value_user; }
        flagship_attribute given $given;
        flagship_headers_limit 100;
EOT
    server => <<'EOT',
        location / { proxy_pass %%UP%%; }

        location /all/ { flagship_headers on; proxy_pass %%UP%%; }

        location /named/ {
            flagship_headers hidden b_c.d nosuch user crlf empty none;
            proxy_pass %%UP%%;

            location /named/inherited/ { proxy_pass %%UP%%; }
            location /named/off/ { flagship_headers off; proxy_pass %%UP%%; }
            location /named/other/ { flagship_headers a; proxy_pass %%UP%%; }
        }

        location /long/ {
            flagship_headers text-65 text-63 user text-66 text-64;
            proxy_pass %%UP%%;
        }

        location /follows/ {
            flagship_headers user follows;
            proxy_pass %%UP%%;
        }

        location /override/ {
            flagship_headers a user;
            proxy_set_header X-Feature-A mine;
            proxy_pass %%UP%%;
        }

        location /dropped/ {
            flagship_headers a;
            proxy_pass_request_headers off;
            proxy_pass %%UP%%;
        }

        location /limit/ {
            flagship_headers on;
            flagship_headers_limit 2;
            proxy_pass %%UP%%;
        }
EOT
    more => <<'EOT',
        server {
            listen 127.0.0.1:%%PORT1%%;
            flagship_header_prefix Flag-;
            location / { flagship_headers a; proxy_pass %%UP%%; }
        }
EOT
);

is($t->injected('/'), '', 'headers are off by default');

my $all = $t->injected('/all/?user=bob');

is($all, join('; ', 'X-Feature-a: true', 'X-Feature-b-c-d: true',
    'X-Feature-empty: ', 'X-Feature-fits: ' . 'y' x 4096,
    'X-Feature-json: {"k":[1,"\u00fc"]}', 'X-Feature-number: 0.1',
    'X-Feature-off: false',
    'X-Feature-user: yes', "X-Feature-utf8: caf\xc3\xa9 \xf0\x9f\x98\x80"),
    'all exposed flags with a value that can be sent, by key, once');

is($t->injected('/named/?user=bob'), 'X-Feature-hidden: true; '
    . 'X-Feature-b-c-d: true; X-Feature-user: yes; X-Feature-empty: ',
    'flags by name: exposed or not, in their order, those with a value');

like($t->injected('/named/inherited/'), qr/hidden: true.*user: no/,
    'a list is inherited');
is($t->injected('/named/off/'), '', 'and switched off');
is($t->injected('/named/other/'), 'X-Feature-a: true', 'and replaced');

is($t->injected('/long/?user=bob'), join('; ',
    (map { "X-Feature-text-$_: " . 't' x $_ } 65, 63), 'X-Feature-user: yes',
    (map { "X-Feature-text-$_: " . 't' x $_ } 66, 64)), 'texts short and long');

is($t->injected("/follows/?user=$_->[0]"),
    "X-Feature-user: $_->[1]; X-Feature-follows: $_->[2]",
    'a flag may ask for what the one before it gave')
    for [ 'bob', 'yes', 'true' ], [ 'al', 'no', 'false' ];

is($t->injected('/override/'), 'X-Feature-A: mine; X-Feature-user: no',
    'proxy_set_header goes before a flag');
is($t->injected('/dropped/'), '', 'proxy_pass_request_headers off drops');

is($t->injected('/limit/'), 'X-Feature-a: true; X-Feature-b-c-d: true',
    'the limit');
$t->injected('/limit/');
is(scalar $t->lines(qr/flagship: \d+ exposed flags.*are not sent/), 1,
    'which is logged once');

$t->upstream->clear;
$t->http('GET', '/', port => $t->port(1), headers => ['X-Feature-a', 'x',
    'flag_a', 'y']);
is_deeply([ grep { $_->[0] =~ /feature|flag/i }
    @{ ($t->upstream->requests)[0]{headers} } ],
    [ [ 'X-Feature-a', 'x' ], [ 'Flag-a', 'true' ] ],
    'another prefix injects and strips by itself');

$t->flags(map { text(sprintf('f%03d', $_), 'z' x 1000) } 0 .. 9);

my @sent = split /; /, $t->injected('/all/');
is(scalar @sent, 8, 'eight KiB of headers at most');
like($sent[0], qr/^X-Feature-f000: z/, 'the first in order of keys');

$t->flags(flag('A-b'), flag('a.b', expose => false), flag('a_b'));

is($t->injected('/all/'), 'X-Feature-A-b: true',
    'of keys that meet in one name the least is sent');

$t->flags({ flags => [] });

is($t->injected('/all/', 'X-Feature-A' => 1), '', 'no flags, no headers');

done_testing;
