# One request, one answer: redirects, subrequests, error pages, and the
# modules that make them.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [ flag('a'), flag('b', enabled => 0), flag('c'),
        flag('shut', enabled => 0),
        flag('user', type => 'string', default_variant => 'no',
            variants => { yes => 'yes', no => 'no' },
            rules => [ { when => { '==' => [ { var => 'user' }, 'bob' ] },
                         serve => 'yes' } ]),
        flag('password', rules => [ { when =>
            { '==' => [ { var => 'remote' }, 'u' ] }, serve => 'on' } ]) ],
    http => <<'EOT',
        flagship_attribute user $arg_user;
        flagship_attribute remote $remote_user;
        proxy_cache_path %%DIR%%/cache keys_zone=cache:1m;
        log_format f '$uri [$flagship_flags]';
        access_log %%DIR%%/flags.log f;
EOT
    server => <<'EOT',
        root %%DIR%%/www;

        location /plain { proxy_pass %%UP%%; }

        # from one location to another
        location /try { flagship_headers a b; try_files /nosuch /listed; }
        location /listed { flagship_headers b c; proxy_pass %%UP%%; }
        location /try/off { flagship_headers a b; try_files /nosuch /plain; }
        location /try/same { try_files /nosuch /same; }
        location /rewritten { flagship_headers a; rewrite ^ /listed last; }
        location /named { flagship_headers a; try_files /nosuch @named; }
        location @named { flagship_headers c; proxy_pass %%UP%%; }
        location /index/ { flagship_headers a; index nosuch /listed; }
        location /error {
            flagship_headers a;
            error_page 404 = /listed;
            try_files /nosuch =404;
        }
        location /intercepted {
            flagship_headers a;
            proxy_intercept_errors on;
            error_page 503 = @named;
            proxy_pass %%UP%%;
        }
        location /accel { flagship_headers a; proxy_pass %%UP%%; }
        location /internal { internal; flagship_headers c;
            proxy_pass %%UP%%; }

        # subrequests
        location /auth {
            auth_request /authorize;
            auth_request_set $who $upstream_http_x_who;
            flagship_attribute user $who;
            flagship_headers user;
            proxy_pass %%UP%%;
        }
        location = /authorize {
            flagship_headers a;
            proxy_pass %%UP%%/?header=X-Who:bob;
        }
        location /mirrored {
            mirror /mirror;
            mirror_request_body on;
            flagship_headers a;
            proxy_pass %%UP%%;
        }
        location = /mirror { internal; flagship_headers c;
            proxy_pass %%UP%%/mirror; }
        location /ssi {
            ssi on;
            default_type text/html;
            root %%DIR%%/www;
            flagship_headers a;
        }
        location /included { flagship_headers c; proxy_pass %%UP%%; }
        location /included/gated { flagship_gate shut; proxy_pass %%UP%%; }
        location /sub {
            sub_filter UP $flagship_value_a;
            sub_filter_types *;
            proxy_pass %%UP%%;
        }
        location /slice {
            slice 10;
            flagship_headers a;
            proxy_cache cache;
            proxy_cache_valid 1h;
            proxy_cache_key $uri$slice_range$flagship_cache_key;
            proxy_set_header Range $slice_range;
            proxy_pass http://127.0.0.1:%%PORT1%%;
        }
        location /post {
            flagship_headers a;
            post_action /after;
            proxy_pass %%UP%%;
        }
        location /after { flagship_headers c; proxy_pass %%UP%%; }
        location /background {
            flagship_headers a;
            proxy_cache cache;
            proxy_cache_valid 1s;
            proxy_cache_key $uri$flagship_cache_key;
            proxy_cache_use_stale updating;
            proxy_cache_background_update on;
            add_header X-Cache $upstream_cache_status;
            proxy_pass %%UP%%;
        }
        location /basic {
            auth_basic x;
            auth_basic_user_file %%DIR%%/users;
            flagship_headers password;
            proxy_pass %%UP%%;
        }
        location /unverified {
            if ($flagship_enabled_password) { return 200 believed; }
            return 200 no;
        }
EOT
    more => <<'EOT',
        server {
            listen 127.0.0.1:%%PORT1%%;
            flagship_strip off;
            root %%DIR%%/www;
            location / { add_header X-Seen $http_x_feature_a; }
        }
EOT
    stopped => 1,
);

$t->write_file('users', "u:{PLAIN}p\n");
$t->write_file('www/slice', '0123456789' x 5);
$t->write_file('www/ssi', '<!--# echo var="flagship_value_a" -->'
    . '<!--# echo var="flagship_enabled_b" -->'
    . '<!--# include virtual="/included" -->'
    . '<!--# include virtual="/included/gated" -->'
    . '<!--# if expr="$flagship_variant_user = no" -->end<!--# endif -->');
$t->write_folder('www/index');
$t->run;

sub is_injected {
    my ($uri, $want, $name) = @_;

    is($t->injected($uri), join('; ', map { /(.+)=(.+)/; "X-Feature-$1: $2" }
        split / /, $want), $name);
}

is_injected('/try', 'b=false c=true', 'the location that proxies decides');
is_injected('/try/off', '', 'also that there are none');
is_injected('/rewritten', 'b=false c=true', 'rewrite');
is_injected('/named', 'c=true', 'a named location');
is_injected('/index/', 'b=false c=true', 'index');
is_injected('/error', 'b=false c=true', 'an error page');

$t->injected('/intercepted?status=503');
is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } $t->upstream->requests ],
    [ ['X-Feature-a true'], ['X-Feature-c true'] ],
    'an error of the upstream, whose page is proxied');

$t->injected('/accel?header=X-Accel-Redirect:/internal');
is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } $t->upstream->requests ],
    [ ['X-Feature-a true'], ['X-Feature-c true'] ], 'X-Accel-Redirect');

is($t->injected('/basic', Authorization => 'Basic dTpw'),
    'X-Feature-password: true', 'flags are decided after access control');
is($t->get('/unverified', Authorization => 'Basic dTp4')->body, 'believed',
    'one that is read in the rewrite phase is not');

# subrequests

is($t->injected('/auth'), 'X-Feature-user: yes',
    'auth_request_set is known in time');

my ($asked) = $t->upstream->requests;
is(scalar(grep { $_->[0] =~ /feature/i } @{ $asked->{headers} }), 0,
    'the authorisation sees no flags');

$t->upstream->clear;
$t->http('POST', '/mirrored', body => 'x' x 50000);
ok(wait_for(sub { 2 == (() = $t->upstream->requests) }), 'a mirror');
is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } $t->upstream->requests ],
    [ (['X-Feature-a true']) x 2 ], 'shares its request\'s headers');

$t->upstream->clear;
my $body = $t->get('/ssi')->body;
like($body, qr/^true0\{.*"\/included".*\}.*404 Not Found.*end$/s,
    'SSI: variables by name, includes, a gate');
is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
    'X-Feature-a true', 'an include shares the headers, too');

like($t->get('/sub?body=UP')->body, qr/true/, 'sub_filter');

my $r = $t->get('/slice');
is($r->body, '0123456789' x 5, 'slices');
is($r->header('X-Seen'), 'true', 'with headers');
is($t->get('/slice')->body, '0123456789' x 5, 'from the cache');

$t->upstream->clear;
$t->get('/post');
ok(wait_for(sub { 2 == (() = $t->upstream->requests) }), 'post_action');
is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } $t->upstream->requests ],
    [ ['X-Feature-a true'], ['X-Feature-c true'] ],
    'has headers of its own location');

$t->upstream->clear;
$t->get('/background?size=10');
ok(wait_for(sub { $t->get('/background?size=10')->header('X-Cache')
    eq 'STALE' }), 'a stale page');
ok(wait_for(sub { 2 <= (() = $t->upstream->requests) }), 'is asked for anew');
is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } ($t->upstream->requests)[0, 1] ],
    [ (['X-Feature-a true']) x 2 ], 'with the headers');

# a generation holds for a whole request

my $slow = $t->connect;
$slow->request('GET', '/plain?delay=2');        # nothing is pinned
my $held = $t->connect;
$held->request('POST', '/intercepted?status=503&user=bob',
    headers => [ 'Content-Length' => 4 ]);
$held->send('ab');
ok(wait_for(sub { $t->get('/try')->status == 200 }), 'others go on');

$t->flags(flag('a', enabled => 0), flag('c', enabled => 0));
$t->upstream->clear;
$held->send('cd');
$held->response;

is_deeply([ map { [ map { "@$_" } grep { $_->[0] =~ /feature/i }
    @{ $_->{headers} } ] } grep { $_->{uri} =~ /intercepted/ }
    $t->upstream->requests ],
    [ ['X-Feature-a true'], ['X-Feature-c true'] ],
    'a request under way keeps its generation');

$slow->response;
$t->stop;

unlike($t->read_file('flags.log'), qr/\[[^]]*=[^]]*;;|\[;/,
    'all of them were logged');

done_testing;
