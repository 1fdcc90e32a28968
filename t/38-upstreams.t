# Upstreams that are not proxied HTTP, other modules, and the order in which
# they are loaded.

use lib 't/lib';
use Flagship::Edge;

use Flagship::Port qw(free_port);
use IO::Socket::INET;

# a FastCGI responder that answers with its parameters

sub fastcgi {
    my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => free_port(), Listen => 10, ReuseAddr => 1)
            or die "no socket: $!";

    my $pid = fork // die "cannot fork: $!";

    return ($socket->sockport, $pid) if $pid;

    $SIG{ALRM} = 'DEFAULT';
    alarm 60;

    while (my $c = $socket->accept) {
        my ($params, $buffer) = ('', '');

        while (1) {
            my $head = take($c, 8) // last;
            my (undef, $type, $id, $len, $pad) = unpack 'CCnnC', $head;
            my $content = $len ? take($c, $len) : '';
            take($c, $pad) if $pad;

            $params .= $content if $type == 4;

            if ($type == 5 && $len == 0) {
                my $out = "Content-Type: text/plain\r\n\r\n"
                    . join "\n", map { "$_->[0]=$_->[1]" } pairs($params);

                print {$c} pack('CCnnCC', 1, 6, $id, length $out, 0, 0), $out,
                    pack('CCnnCC', 1, 6, $id, 0, 0, 0),
                    pack('CCnnCCNCC3', 1, 3, $id, 8, 0, 0, 0, 0, 0, 0, 0);
                last;
            }
        }

        close $c;
    }

    POSIX::_exit(0);
}

sub take {
    my ($c, $n) = @_;

    my $got = '';

    while (length $got < $n) {
        sysread $c, $got, $n - length $got, length $got or return;
    }

    return $got;
}

sub pairs {
    my ($bytes) = @_;

    my @pairs;

    while (length $bytes) {
        my @len = map {
            my $n = unpack 'C', $bytes;
            my $size = $n < 128 ? 1 : 4;
            $n = unpack('N', $bytes) & 0x7fffffff if $size == 4;
            substr $bytes, 0, $size, '';
            $n;
        } 1 .. 2;

        push @pairs, [ map { substr $bytes, 0, $_, '' } @len ];
    }

    return @pairs;
}

my ($port, $pid) = fastcgi();

# Debian's modules, loaded before ours or after
my $modules = join "\n", map { "load_module %%MODULES%%/$_.so;" }
    qw(ndk_http_module ngx_http_lua_module ngx_http_js_module);

for my $name (qw(after before)) {

    my $t = edge(
        main => $modules,
        set => { FASTCGI => $port },
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

    my $r = $t->get('/fastcgi?user=bob', 'X-Feature-A' => 'forged',
        X_Feature_A => 'forged', 'X.Feature.User' => 'forged');

    is(join(' ', sort grep { /FEATURE|VARIABLE/i } split /\n/, $r->body),
        'HTTP_X_FEATURE_A=true HTTP_X_FEATURE_B=false '
        . 'HTTP_X_FEATURE_USER=yes VARIABLE=yes', "$name: FastCGI");

    is($t->get('/js?user=bob')->body, 'yes 0 0 yes', "$name: njs");
    is($t->get('/js/forged', 'X-Feature-A' => 'x')->body, 'undefined',
        "$name: njs sees no forgery");
    is($t->get('/lua?user=bob', 'X-Feature-A' => 'x')->body, "yes 0 0 nil\n",
        "$name: Lua");

    $t->upstream->clear;
    $r = $t->get('/lua/forged', 'X-Feature-A' => 'x');
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

kill 'KILL', $pid;
waitpid $pid, 0;

done_testing;
