# Gates.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [
        flag('open'),
        flag('shut', enabled => 0),
        flag('fails', type => 'string', variants => { a => 'x' },
            default_variant => 'a', rules => [ { serve => 'nosuch' } ]),
        flag('ab', type => 'string', variants => { a => 'x', b => 'x' },
            default_variant => 'b', off_variant => 'a', rules => [ { when =>
            { '==' => [ { var => 'ab' }, 'a' ] }, serve => 'a' } ]),
        flag('token', rules => [ { when =>
            { '==' => [ { var => 'token' }, 'secret' ] }, serve => 'on' } ]),
    ],
    http => <<'EOT',
        flagship_attribute ab $arg_ab;
        flagship_attribute token $arg_token;
        error_page 410 /gone.html;
        error_log %%DIR%%/error.log info;
EOT
    server => <<'EOT',
        root %%DIR%%/www;
        location / { proxy_pass %%UP%%; }

        location /open { flagship_gate open; proxy_pass %%UP%%; }
        location /shut { flagship_gate shut; proxy_pass %%UP%%; }
        location /fails { flagship_gate fails; proxy_pass %%UP%%; }
        location /unknown { flagship_gate nosuch; proxy_pass %%UP%%; }
        location /fails/open {
            flagship_gate fails default=open; proxy_pass %%UP%%; }
        location /unknown/open {
            flagship_gate nosuch default=open; proxy_pass %%UP%%; }
        location /shut/open {
            flagship_gate shut default=open; proxy_pass %%UP%%; }

        location /both {
            flagship_gate open; flagship_gate shut otherwise=451;
            proxy_pass %%UP%%;
            location /both/own { flagship_gate open; proxy_pass %%UP%%; }
            location /both/off { flagship_gate off; proxy_pass %%UP%%; }
            location /both/inherited { proxy_pass %%UP%%; }
        }

        location /enabled { flagship_gate ab; proxy_pass %%UP%%; }
        location /variant { flagship_gate ab variant=b; proxy_pass %%UP%%; }
        location /off-variant { flagship_gate shut variant=off;
            proxy_pass %%UP%%; }

        location /status { flagship_gate shut otherwise=503;
            proxy_pass %%UP%%; }
        location /gone { flagship_gate shut otherwise=410;
            proxy_pass %%UP%%; }
        location /named { flagship_gate shut otherwise=@sorry;
            proxy_pass %%UP%%; }
        location /uri { flagship_gate shut otherwise=/sorry?from=$uri;
            proxy_pass %%UP%%; }
        location /variable { flagship_gate shut otherwise=$arg_to;
            proxy_pass %%UP%%; }
        location @sorry { return 200 "sorry $uri"; }
        location /sorry { return 200 "sorry $arg_from"; }
        location = /gone.html { internal; return 200 gone; }

        location /file/ { flagship_gate token; }
        location /alias/ { flagship_gate token; alias %%DIR%%/www/file/; }
        location /list/ { flagship_gate token; autoindex on; }
        location /index/ { flagship_gate token; index a.txt; }
        location /try/ {
            flagship_gate token;
            try_files $uri /file/a.txt =500;
        }
        location /mirrored/ {
            flagship_gate token;
            mirror /mirror;
            proxy_pass %%UP%%;
        }
        location = /mirror { internal; proxy_pass %%UP%%/mirror; }
        location /sliced/ {
            flagship_gate token;
            slice 10;
            proxy_set_header Range $slice_range;
            proxy_pass %%UP%%;
        }
        location /satisfy {
            satisfy any;
            deny all;
            auth_basic x;
            auth_basic_user_file %%DIR%%/users;
            flagship_gate shut;
            proxy_pass %%UP%%;
        }

        location /late { flagship_gate shut; return 200 late; }
        location /early { flagship_gate shut early; return 200 early; }
        location /early/open { flagship_gate open early; return 200 early; }
        location /early/named {
            flagship_gate shut early otherwise=@sorry;
            rewrite ^ /late last;
        }
        location /if {
            flagship_gate shut;
            if ($arg_if) { set $x 1; }
            proxy_pass %%UP%%;
        }
        location /limited {
            flagship_gate shut;
            limit_except GET { allow all; }
            proxy_pass %%UP%%;
        }
EOT
    more => <<'EOT',
        server {
            listen 127.0.0.1:%%PORT1%%;
            root %%DIR%%/www;
            flagship_gate shut otherwise=404;
            error_page 404 /404.txt;

            location / { proxy_pass %%UP%%; }
            location = /404.txt { }
            location /public { flagship_gate off; proxy_pass %%UP%%; }
            location /hop { flagship_gate shut otherwise=/hop2;
                proxy_pass %%UP%%; }
            location /hop2 { return 200 hop2; }
            location /own { flagship_gate shut otherwise=/own2;
                proxy_pass %%UP%%; }
            location /own2 { flagship_gate shut otherwise=@own3;
                proxy_pass %%UP%%; }
            location @own3 { return 200 own3; }
            location /loop { flagship_gate shut otherwise=/loop;
                proxy_pass %%UP%%; }
            location /ping { flagship_gate shut otherwise=/pong;
                proxy_pass %%UP%%; }
            location /pong { flagship_gate shut otherwise=/ping;
                proxy_pass %%UP%%; }
            location /custom { flagship_gate shut otherwise=403;
                error_page 403 /custom/403; proxy_pass %%UP%%; }
            location /noted {
                flagship_gate shut otherwise=@noted; proxy_pass %%UP%%; }
            location @noted {
                flagship_headers open;
                proxy_pass %%UP%%;
            }
        }

        server {
            listen 127.0.0.1:%%PORT2%%;
            flagship_environment nosuch;
            location / { flagship_gate open; proxy_pass %%UP%%; }
            location /open { flagship_gate open default=open;
                proxy_pass %%UP%%; }
            location /variant { flagship_gate open variant=on default=open;
                proxy_pass %%UP%%; }
        }
EOT
    stopped => 1,
);

$t->write_file('www/file/a.txt', 'a');
$t->write_file('www/list/a.txt', 'a');
$t->write_file('www/index/a.txt', 'a');
$t->write_file('www/404.txt', 'not here');
$t->write_file('users', "u:{PLAIN}p\n");
$t->run;

sub status_is {
    my ($uri, $want, $name, %o) = @_;

    $t->upstream->clear;

    my $r = $t->http($o{method} // 'GET', $uri, %o);

    is($r->status, $want, $name);

    return $r;
}

status_is('/open', 200, 'an enabled flag lets pass');
status_is('/shut', 404, 'a disabled one does not');
is(scalar(() = $t->upstream->requests), 0, 'the upstream is not asked');
status_is('/fails', 404, 'a failing flag closes');
status_is('/unknown', 404, 'so does an unknown one');
status_is('/fails/open', 200, 'unless default=open');
status_is('/unknown/open', 200, 'unless default=open');
status_is('/shut/open', 404, 'which is for flags that do not answer');
status_is('/', 404, 'no flag set: closed', port => $t->port(2));
status_is('/open', 200, 'unless default=open', port => $t->port(2));
status_is('/variant', 200, 'also with a variant', port => $t->port(2));

status_is('/both', 451, 'several gates must all pass');
status_is('/both/own', 200, 'a location has its own in their place');
status_is('/both/off', 200, 'or none');
status_is('/both/inherited', 451, 'or the inherited');

status_is('/enabled', 200, 'a flag of strings is enabled');
status_is('/enabled?ab=a', 404, 'where it serves not its off_variant');
status_is('/variant', 200, 'with a variant, that one');
status_is('/variant?ab=a', 404, 'and no other');
status_is('/off-variant', 200, 'and nothing else counts');

status_is('/status', 503, 'otherwise: a status');
is(status_is('/gone', 410, 'with an error page')->body, 'gone', 'its body');
is(status_is('/named', 200, 'a named location')->body, 'sorry /named',
    'its body');
is(status_is('/uri', 200, 'a URI with variables')->body, 'sorry /uri',
    'its body');
is(status_is('/variable?to=/sorry', 200, 'of a variable')->body, 'sorry ',
    'its body');
status_is('/variable?to=sorry', 404, 'a variable that gave none');
status_is('/variable', 404, 'or was empty');
is(scalar $t->lines(qr/\[error\].*flagship: "otherwise"/), 2, 'are logged');

for my $case ([ '/file/a.txt', 200, qr/^a$/ ],
    [ '/alias/a.txt', 200, qr/^a$/ ], [ '/list/', 200, qr/a\.txt/ ],
    [ '/index/', 200, qr/^a$/ ], [ '/try/', 200, qr/^a$/ ],
    [ '/mirrored/', 200, qr/upstream/ ], [ '/sliced/', 200, qr/upstream/ ])
{
    my ($uri, $status, $body) = @$case;

    status_is($uri, 404, "$uri is gated");
    is(scalar(() = $t->upstream->requests), 0, 'nobody is asked');
    like(status_is("$uri?token=secret", $status, "$uri is open")->body,
        $body, 'its body');

    # a mirror is not waited for by its request
    ok(wait_for(sub { 2 == (() = $t->upstream->requests) }), 'both are asked')
        if $uri eq '/mirrored/';
}

status_is('/satisfy', 404, 'satisfy any cannot pass over a gate',
    headers => [ Authorization => 'Basic dTpw' ]);

is(status_is('/late', 200, 'return comes before a gate')->body, 'late',
    'its body');
status_is('/early', 404, 'unless it is early');
is(status_is('/early/open', 200, 'an early one lets pass, too')->body,
    'early', 'its body');
is(status_is('/early/named', 200, 'early, a named location')->body,
    'sorry /early/named', 'its body');
status_is('/if?if=1', 404, 'an if inherits its location\'s gates');
status_is('/limited', 404, 'so does limit_except', method => 'DELETE');

my $port = $t->port(1);

sub server_is { status_is(@_, port => $port) }

is(server_is('/', 404, 'a gate of the server')->body, 'not here',
    'does not hold for its error page');
server_is('/public', 200, 'flagship_gate off');
is(server_is('/hop', 200, 'nor for where it leads to')->body, 'hop2', 'body');
is(server_is('/own', 200, 'gates of locations hold')->body, 'own3', 'body');
server_is('/loop', 404, 'a gate that leads to itself does not loop');
server_is('/ping', 404, 'nor do two');
server_is('/custom', 403, 'nor does an error page behind its own gate');
server_is('/noted', 200, 'a named location that proxies');
is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
    'X-Feature-open true', 'has headers of its own');

is(scalar $t->lines(qr/cycle/), 0, 'nginx never had to break a cycle');

my $c = $t->connect;
$c->request('GET', '/shut', headers => [ Upgrade => 'websocket',
    Connection => 'Upgrade' ]);
is($c->response->status, 404, 'an upgrade is stopped');

$c = $t->connect;
$c->request('POST', '/shut', body => 'x' x 100000);
is($c->response->status, 404, 'a body is thrown away');
$c->request('GET', '/open');
is($c->response->status, 200, 'and the connection goes on');

done_testing;
