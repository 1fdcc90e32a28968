# Ways to run nginx, and to ask it, that must all answer.

use lib 't/lib';
use Flagship::Edge;

use Flagship::Process qw(title_of);
use IO::Socket::INET;
use Socket qw(SHUT_WR);

my @flags = (flag('a'), flag('b', enabled => 0), flag('shut', enabled => 0));

my $server = <<'EOT';
    flagship_headers on;
    location / { return 200 "$flagship_value_a $flagship_value_b\n"; }
    location /proxied { proxy_pass %%UP%%; }
    location /shut { flagship_gate shut early; return 200; }
EOT

sub answers {
    my ($t, $name) = @_;

    is($t->get('/')->body, "true false\n", "$name: variables");
    is($t->injected('/proxied', 'X-Feature-A' => 'x'),
        'X-Feature-a: true; X-Feature-b: false; X-Feature-shut: false',
        "$name: headers");
    is($t->get('/ready')->json->{status}, 'ready', "$name: ready");
}

# the configuration's own text, with lines in place of the harness's

sub edited {
    my ($t, $match, $replace) = @_;

    my $conf = $t->read_file('nginx.conf');

    $conf =~ s/$match/$replace/ or die "no $match";

    return $t->config($conf);
}


{
    my $t = edge(flags => \@flags, server => $server, stopped => 1,
        main => 'master_process off;');

    $t->run;
    answers($t, 'master_process off');
    $t->flags(flag('a', enabled => 0), flag('b'), flag('shut'));
    is($t->get('/')->body, "false true\n", 'and takes a change');
    $t->stop;
}

{
    my $t = edge(flags => \@flags, server => $server, stopped => 1);

    edited($t, qr/^daemon off;/m, 'daemon on;')->run;
    answers($t, 'daemon on');
    $t->stop;
}

{
    my $t = edge(flags => \@flags, server => $server,
        options => { workers => 64 }, events => 'worker_connections 32;',
        listen => 'listen 127.0.0.1:%%PORT%% reuseport;');

    ok(wait_for(sub { 64 == $t->workers }), '64 workers');
    answers($t, 'of which any');
    $t->flags(flag('a', enabled => 0), flag('b'), flag('shut'));

    # with reuseport each connection meets another worker
    ok(wait_for(sub { 200 == grep { $t->get('/')->body eq "false true\n" }
        1 .. 200 }), 'take a change');
    $t->stop;
}

{
    my $t = edge(flags => \@flags, server => $server . <<'EOT',
            location /cached {
                proxy_cache cache;
                proxy_cache_valid 1h;
                proxy_cache_key $uri$flagship_cache_key;
                proxy_pass %%UP%%;
            }
EOT
        http => 'proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;');

    # which is started after the workers
    ok(wait_for(sub { grep { title_of($_) =~ /cache manager/ } $t->processes }),
        'a cache manager');
    answers($t, 'beside it');
    is($t->get('/cached')->status, 200, 'and a cache');
    $t->stop;
}

{
    my $t = edge(flags => \@flags, server => $server, stopped => 1,
        listen => 'listen 127.0.0.1:%%PORT%%;'
            . 'listen 127.0.0.1:%%PORT1%% http2;'
            . 'listen 127.0.0.1:%%PORT2%% ssl http2;'
            . 'ssl_certificate %%DIR%%/cert; ssl_certificate_key %%DIR%%/key;'
            . 'flagship_identity cookie=v;');

    my $dir = $t->dir;

    system("openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=localhost"
        . " -keyout $dir/key -out $dir/cert 2>$dir/openssl.log") == 0
            or die 'no certificate';
    $t->run;

    my $base = 'http://127.0.0.1:' . $t->port(1);

    is($t->curl('--http2-prior-knowledge', "$base/"), "true false\n",
        'HTTP/2');
    is($t->curl('--http2-prior-knowledge', '-o/dev/null', '-w%{http_code}',
        "$base/shut"), '404', 'a gate');

    $base = 'https://127.0.0.1:' . $t->port(2);
    $t->upstream->clear;

    my $said = $t->curl('-k', '--http2', '-i', '-HX-Feature-A: x',
        '-Hx-feature-q: x', map { "$base/proxied?$_" } 1 .. 5);

    is(scalar(() = $said =~ m{^HTTP/2 200}mg), 5, 'HTTP/2 over TLS');
    is(scalar(() = $said =~ /^set-cookie: v=.*; Secure\r$/mg), 5,
        'where cookies are secure');
    is(join('; ', map { join ' ', map { $_->[1] } grep { $_->[0] =~ /feature/i }
        @{ $_->{headers} } } $t->upstream->requests),
        join('; ', ('true false false') x 5), 'several on one connection');
    is($t->http('GET', '/', version => '1.0', host => undef)->body,
        "true false\n", 'HTTP/1.0');

    my $c = $t->connect;
    $c->send("GET /\r\n");
    is($c->rest, "true false\n", 'HTTP/0.9');

    $c = $t->connect;
    $c->request('GET', "/?$_", headers => [ 'X-Feature-A' => 'x' ])
        for 1 .. 20;
    is(join('', map { $c->response->body } 1 .. 20), "true false\n" x 20,
        'pipelined');

    $c = $t->connect;
    $c->send("GET / HTTP/1.1\r\nHost: a\r\nX-Fea");
    $c->send("ture-A: x\r\n\r\n");
    is($c->response->body, "true false\n", 'a header in two pieces');

    $t->stop;
}

{
    # a set that the zone has room for twice: the live one and the next

    my $set = sub { map { text("f$_", $_[0] . 'x' x 4000) } 1 .. $_[1] };

    my $t = edge(flags => [ $set->(1, 12) ], zone => '256k', server => <<'EOT');
        location /ws {
            flagship_headers f1;
            proxy_http_version 1.1;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection upgrade;
            proxy_pass http://127.0.0.1:%%PORT1%%;
        }
EOT

    my $ws = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $t->port(1), Listen => 1, ReuseAddr => 1);

    my $c = $t->connect;
    $c->request('GET', '/ws', headers => [ Upgrade => 'websocket',
        Connection => 'Upgrade' ]);

    my $peer = $ws->accept;
    my $head = '';
    $head .= <$peer> until $head =~ /\r\n\r\n/;
    like($head, qr/^X-Feature-f1: 1x+\r$/m, 'an upgrade has headers');

    $peer->autoflush(1);
    print {$peer} "HTTP/1.1 101 Switching Protocols\r\n"
        . "Upgrade: websocket\r\nConnection: upgrade\r\n\r\n";
    is($c->response->status, 101, 'and is let through');

    $t->flags($set->($_, 12)) for 2 .. 5;

    is_deeply([ $t->lines(qr/\[(?:warn|error)\]/) ], [],
        'and holds no generation: four others found room');

    print {$peer} "ping\n";
    is($c->line, 'ping', 'it lives');
    $c->close;
    close $peer;
    $t->stop;
}

{
    my $t = edge(flags => \@flags, server => $server, stopped => 1);

    edited($t, qr/^daemon off;/m, 'daemon on;')->run;

    my $old = $t->pid;
    my %mine = map { $_ => 1 } $t->workers;

    kill 'USR2', $old;
    ok(wait_for(sub { $t->read_file('nginx.pid') =~ /^(\d+)\n/ && $1 != $old
        && -e $t->dir . '/nginx.pid.oldbin' }), 'a second binary');

    my ($new) = $t->read_file('nginx.pid') =~ /(\d+)/;

    kill 'WINCH', $old;
    ok(wait_for(sub { !grep { title_of($_) } keys %mine }),
        'the first one\'s workers leave');
    answers($t, 'the second answers');

    kill 'HUP', $old;
    ok(wait_for(sub { $t->workers > 0 }), 'the first one starts workers');
    kill 'QUIT', $new;
    ok(wait_for(sub { !title_of($new) || !kill 0, $new }), 'and is alone');
    ok(wait_for(sub { $t->read_file('nginx.pid') =~ /^$old\n/ }), 'again');
    answers($t, 'back');
    $t->flags(flag('a', enabled => 0), flag('b'), flag('shut'));
    is($t->get('/')->body, "false true\n", 'and takes a change');
    $t->stop;
}

done_testing;
