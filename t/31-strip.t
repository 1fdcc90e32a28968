# A client cannot hand anyone a decision of their own.

use lib 't/lib';
use Flagship::Edge;

my $t = edge(
    flags => [ flag('a'), flag('b', enabled => 0) ],
    http => 'ignore_invalid_headers off; underscores_in_headers on;',
    listen => 'listen 127.0.0.1:%%PORT%%; listen 127.0.0.1:%%PORT2%% http2;',
    server => <<'EOT',
        location / { proxy_pass %%UP%%; }
        location /on/ { flagship_headers on; proxy_pass %%UP%%; }
        location /seen { return 200 "[$http_x_feature_a]"; }
        location /auth/ {
            auth_request /authorize;
            flagship_headers a;
            proxy_pass %%UP%%;
        }
        location = /authorize { proxy_pass %%UP%%; }
        if ($http_x_feature_door) { return 403; }
EOT
    more => <<'EOT',
        server {
            listen 127.0.0.1:%%PORT1%%;
            flagship_strip off;
            location / { proxy_pass %%UP%%; }
            location /on/ { flagship_headers on; proxy_pass %%UP%%; }
        }
EOT
);

my @spellings = map { ($_ => 'forged') } qw(X-Feature-A x-feature-a
    X-FEATURE-A X_Feature_A X.Feature.A x~feature*a X-Feature- X-Feature-Zzz);

sub forged { $t->injected($_[0], @spellings, @_[ 1 .. $#_ ]) }

is(forged('/'), '', 'no spelling of the prefix reaches an upstream');
is(forged('/on/'), 'X-Feature-a: true; X-Feature-b: false',
    'what does is ours');

is($t->get('/seen', 'X-Feature-A' => 'x')->body, '[]',
    'no variable reads it');
is($t->get('/', 'X-Feature-Door' => '1')->status, 200,
    'nor what runs first on server level');

is($t->injected('/', 'X-Featur' => 1, 'X-Features' => 2, 'Feature' => 3),
    'X-Features: 2', 'a name that only resembles the prefix stays');

forged('/auth/');
my ($auth, $proxied) = $t->upstream->requests;
is($auth->{uri}, '/authorize', 'an authorisation is asked');
is_deeply([ grep { $_->[0] =~ /feature/i } @{ $auth->{headers} } ], [],
    'and sees no forgery');
is_deeply([ grep { $_->[0] =~ /feature/i } @{ $proxied->{headers} } ],
    [ [ 'X-Feature-a', 'true' ] ], 'nor flags that are not yet decided');

# where in nginx's list of headers they stand must not matter: its parts hold
# twenty, the first elements, the last, all of one part or all there are

for my $case ([ first => 1, 2 ], [ middle => 10, 12 ], [ 'a part' => 21, 40 ],
    [ 'the end of a part' => 15, 20 ], [ 'the second part' => 18, 60 ],
    [ last => 60, 60 ])
{
    my ($name, $from, $to) = @$case;

    my @headers = map { $_ >= $from && $_ <= $to
        ? ("X-Feature-N$_" => 'forged') : ("H$_" => "v$_") } 1 .. 60;

    for my $uri (qw(/ /on/)) {
        $t->upstream->clear;
        $t->http('GET', $uri, headers => \@headers, host => undef,
            version => '1.0');

        my ($got) = $t->upstream->requests;
        my @want = map { [ "H$_", "v$_" ] }
            grep { $_ < $from || $_ > $to } 1 .. 60;

        push @want, [ 'X-Feature-a', 'true' ], [ 'X-Feature-b', 'false' ]
            if $uri eq '/on/';

        is_deeply([ grep { $_->[0] !~ /^(host|connection)$/i }
            @{ $got->{headers} } ], \@want, "forged headers: $name, $uri");
    }
}

$t->upstream->clear;
$t->http('GET', '/on/', headers => [ map { ("X-Feature-$_" => 1) } 1 .. 45 ],
    host => undef, version => '1.0');
is_deeply([ grep { $_->[0] =~ /feature/i }
    @{ ($t->upstream->requests)[0]{headers} } ],
    [ [ 'X-Feature-a', 'true' ], [ 'X-Feature-b', 'false' ] ],
    'a request that has no other header');

$t->upstream->clear;
$t->curl('--http2-prior-knowledge', '-HX-Feature-A: forged',
    '-Hx_feature_a: forged', 'http://127.0.0.1:' . $t->port(2) . '/on/');
is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
    'X-Feature-a true X-Feature-b false', 'HTTP/2');

$t->upstream->clear;
$t->http('GET', '/', port => $t->port(1),
    headers => [ 'X-Feature-A' => 'kept', 'X_Feature_Z' => 'kept' ]);
is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
    'X-Feature-A kept X_Feature_Z kept', 'flagship_strip off keeps them');

$t->upstream->clear;
$t->http('GET', '/on/', port => $t->port(1),
    headers => [ 'X_Feature_A' => 'old', 'X-Feature-Z' => 'kept' ]);
is(join(' ', map { "@$_" } $t->upstream->headers(qr/feature/i)),
    'X-Feature-Z kept X-Feature-a true X-Feature-b false',
    'but what is injected is sent once');

done_testing;
