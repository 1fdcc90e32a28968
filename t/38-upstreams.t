# Upstreams that are not proxied HTTP, other modules, and the order in which
# they are loaded.

use lib 't/lib';
use Flagship::Edge;

use Flagship::Gateway;

my %gateway = map { $_ => Flagship::Gateway->new($_) } qw(fastcgi uwsgi scgi);

# Debian's modules, loaded before ours or after
my $modules = join "\n", map { "load_module %%MODULES%%/$_.so;" }
    qw(ndk_http_module ngx_http_lua_module ngx_http_js_module);

for my $name (qw(after before)) {

    my $t = edge(
        main => $modules,
        set => { map { uc, $gateway{$_}->port } keys %gateway },
        flags => [ flag('a'), flag('b', enabled => 0), flag('shut',
            enabled => 0),
            flag('user', type => 'string', default_variant => 'no',
                variants => { yes => 'yes', no => 'no' },
                rules => [ { when => { '==' => [ { var => 'user' }, 'bob' ] },
                    serve => 'yes' } ]) ],
        http => <<'EOT',
            flagship_attribute user $arg_user;
            js_path %%DIR%%;
            js_import flags.js;
            lua_package_path "/usr/share/lua/5.1/?.lua;;";
            ignore_invalid_headers off;
            underscores_in_headers on;
EOT
        server => <<'EOT',
            location /fastcgi {
                flagship_headers a b user;
                fastcgi_param REQUEST_METHOD $request_method;
                fastcgi_param VARIABLE $flagship_variant_user;
                fastcgi_pass 127.0.0.1:%%FASTCGI%%;
            }
            location /uwsgi {
                flagship_headers a b user;
                uwsgi_param REQUEST_METHOD $request_method;
                uwsgi_param VARIABLE $flagship_variant_user;
                uwsgi_pass 127.0.0.1:%%UWSGI%%;
            }
            location /scgi {
                flagship_headers a b user;
                scgi_param REQUEST_METHOD $request_method;
                scgi_param VARIABLE $flagship_variant_user;
                scgi_pass 127.0.0.1:%%SCGI%%;
            }
            location /grpc {
                flagship_headers a b user;
                grpc_set_header Variable $flagship_variant_user;
                grpc_pass grpc://127.0.0.1:%%PORT1%%;
            }
            location /grpc/override {
                flagship_headers a b user;
                grpc_set_header X-Feature-A mine;
                grpc_pass grpc://127.0.0.1:%%PORT1%%;
            }
            location /js { js_content flags.answer; }
            location /js/forged { js_content flags.forged; }
            location /lua {
                content_by_lua_block {
                    ngx.say(ngx.var.flagship_value_user, " ",
                            ngx.var.flagship_enabled_b, " ",
                            ngx.var.flagship_enabled_nosuch, " ",
                            tostring(ngx.req.get_headers()["X-Feature-A"]))
                }
            }
            location /lua/forged {
                rewrite_by_lua_block {
                    ngx.ctx.seen = tostring(
                        ngx.req.get_headers()["X-Feature-A"])
                }
                access_by_lua_block {
                    ngx.req.set_header("X-Feature-A", "by Lua")
                    ngx.req.set_header("X-Feature-Other", "by Lua")
                }
                header_filter_by_lua_block {
                    ngx.header["X-Seen"] = ngx.ctx.seen
                    ngx.header["X-Response"] = ngx.header["X-Feature-B"]
                }
                flagship_headers a user;
                flagship_response_headers b;
                proxy_pass %%UP%%;
            }
            location /lua/gated {
                flagship_gate shut early;
                rewrite_by_lua_block { ngx.exit(204) }
            }
            location /lua/exec {
                flagship_headers a;
                content_by_lua_block { ngx.exec("/lua/then") }
            }
            location /lua/then {
                flagship_headers user;
                proxy_pass %%UP%%;
            }
EOT
        more => <<'EOT',
            # HTTP/2 is what grpc_pass speaks; it goes on as HTTP/1.1
            server {
                listen 127.0.0.1:%%PORT1%% http2;
                flagship_strip off;
                location / { proxy_pass %%UP%%; }
            }
EOT
        stopped => 1,
    );

    $t->write_file('flags.js', <<'EOT');
function answer(r) {
    r.return(200, [r.variables.flagship_value_user,
        r.variables.flagship_enabled_b, r.variables.flagship_enabled_nosuch,
        r.variables['flagship_value_user']].join(' '));
}
function forged(r) { r.return(200, String(r.headersIn['X-Feature-A'])); }
export default { answer, forged };
EOT

    if ($name eq 'before') {
        my $conf = $t->read_file('nginx.conf');

        $conf =~ s/^(load_module [^\n]*\n)(.*)((?:^load_module [^\n]*\n)+)/$2$3$1/ms;
        $t->config($conf);
        like($t->read_file('nginx.conf'), qr/js_module\.so;\n.*flagship/s,
            'the order is the other');
    }

    $t->run;

    my @forged = ('X-Feature-A' => 'forged', X_Feature_A => 'forged',
        'X.Feature.User' => 'forged', 'x-feature-other' => 'forged');

    for my $protocol (qw(fastcgi uwsgi scgi)) {
        my $r = $t->get("/$protocol?user=bob", @forged);

        is(join(' ', sort grep { /FEATURE|VARIABLE/i } split /\n/, $r->body),
            'HTTP_X_FEATURE_A=true HTTP_X_FEATURE_B=false '
            . 'HTTP_X_FEATURE_USER=yes VARIABLE=yes', "$name: $protocol");
    }

    is($t->injected('/grpc?user=bob', @forged),
        'x-feature-a: true; x-feature-b: false; x-feature-user: yes',
        "$name: gRPC");
    is(join(' ', map { "@$_" } $t->upstream->headers(qr/variable/i)),
        'variable yes', "$name: a variable in its headers");
    is($t->injected('/grpc/override', @forged),
        'x-feature-a: mine; x-feature-b: false; x-feature-user: no',
        "$name: grpc_set_header goes before a flag");

    is($t->get('/js?user=bob')->body, 'yes 0 0 yes', "$name: njs");
    is($t->get('/js/forged', 'X-Feature-A' => 'x')->body, 'undefined',
        "$name: njs sees no forgery");
    is($t->get('/lua?user=bob', 'X-Feature-A' => 'x')->body, "yes 0 0 nil\n",
        "$name: Lua");

    $t->upstream->clear;
    my $r = $t->get('/lua/forged', 'X-Feature-A' => 'x');
    is($r->header('X-Seen'), 'nil', "$name: Lua sees no forgery");
    is($r->header('X-Response'), 'false',
        "$name: but the response's headers");
    is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
        'X-Feature-Other by Lua X-Feature-a true X-Feature-user no',
        "$name: what Lua set of the same name is replaced");

    is($t->get('/lua/gated')->status, 404,
        "$name: an early gate is before Lua");
    is($t->injected('/lua/exec'), 'X-Feature-user: no', "$name: ngx.exec");

    $t->stop;
}

done_testing;
