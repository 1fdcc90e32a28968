# What a request tells its flags, and which flag set it is asked of.

use lib 't/lib';
use Flagship::Edge;

# a flag that names the first condition that holds

sub first_of {
    my ($key, @cases) = @_;

    my %variants = (none => 'none');
    my @rules;

    while (my ($name, $when) = splice @cases, 0, 2) {
        $variants{$name} = $name;
        push @rules, { when => $when, serve => $name };
    }

    return flag($key, type => 'string', variants => \%variants,
        default_variant => 'none', rules => \@rules);
}

sub is_value { return { '===' => [ { var => $_[0] }, $_[1] ] } }

my $t = edge(
    flags => [
        first_of('text', one => is_value('text', '1'),
            number => is_value('text', 1), null => is_value('text', undef),
            utf8 => is_value('text', "\x{fc}")),
        first_of('number', one => is_value('number', 1),
            exp => is_value('number', 1500), null => is_value('number', undef)),
        first_of('boolean', true => is_value('boolean', true),
            false => is_value('boolean', false),
            null => is_value('boolean', undef)),
        first_of('json', string => is_value('json', 'a'),
            object => is_value('json.a.b', 'c'),
            array => is_value('json.1', 2), null => is_value('json', undef)),
        first_of('nested', leaf => is_value('user.plan', 'pro'),
            deep => is_value('user.geo.country', 'de'),
            object => { '!!' => [ { var => 'user' } ] }),
        first_of('key', alice => is_value('targetingKey', 'alice'),
            null => is_value('targetingKey', undef)),
        first_of('whole', in => { in => [ { var => 'list' },
            [ 'x', 'y' ] ] }),
        first_of('time', late => { '>' => [ { var => '$flagd.timestamp' },
            1_500_000_000 ] }),
        first_of('method', get => is_value('method', 'GET')),
        first_of('address', real => is_value('address', '192.0.2.7')),
        first_of('loop', a => is_value('loop', 'a')),
        first_of('now', nothing => is_value('sent.status', '000')),
        first_of('later', nothing => is_value('sent.status', '000')),
        first_of('object', nothing => { some => [ [ { var => 'sent' } ],
            is_value('status', '000') ] }),
        flag('half', rollout => 50),
        flag('listed', user_ids => ['alice']),
    ],
    http => <<'EOT',
        flagship_targeting_key $arg_user;
        flagship_attribute text $arg_text;
        flagship_attribute number $arg_number number;
        flagship_attribute boolean $arg_boolean boolean;
        flagship_attribute json $http_json json;
        flagship_attribute user.plan $arg_plan;
        flagship_attribute user.geo.country $arg_country;
        flagship_attribute user.age $arg_age number;
        flagship_attribute method $request_method;
        flagship_attribute address $remote_addr;
        flagship_attribute loop $loop;
        flagship_attribute sent.status $status;
        log_format kept '$uri $flagship_value_later $flagship_value_object';
        map $flagship_value_loop $loop { default a; }
        set_real_ip_from 127.0.0.1;
EOT
    server => <<'EOT',
        location / {
            add_header Text $flagship_value_text;
            add_header Number $flagship_value_number;
            add_header Boolean $flagship_value_boolean;
            add_header JSON $flagship_value_json;
            add_header Nested $flagship_value_nested;
            add_header Key $flagship_value_key;
            add_header Time $flagship_value_time;
            add_header Method $flagship_value_method;
            add_header Address $flagship_value_address;
            add_header Loop $flagship_value_loop;
            add_header Half $flagship_value_half;
            add_header Listed $flagship_value_listed;
            return 204;
        }
        location /kept/ {
            access_log %%DIR%%/kept.log kept;
            set $now $flagship_value_now;
            add_header Now $now;
            alias %%DIR%%/;
        }
        location /kept/object {
            access_log %%DIR%%/kept.log kept;
            set $now $flagship_value_object;
            add_header Now $now;
            return 204;
        }
        location /own {
            flagship_attribute text constant;
            add_header Number $flagship_value_number;
            return 204;
        }
EOT
);

sub header_is {
    my ($uri, $name, $want, $what, @headers) = @_;

    is($t->get($uri, @headers)->header($name), $want, $what);
}

header_is('/?text=1', Text => 'one', 'a string is a string');
header_is('/', Text => 'null', 'an absent value is an absent attribute');
header_is('/?text=', Text => 'null', 'so is an empty one');

header_is('/?number=1', Number => 'one', 'a number');
header_is('/?number=1.5e3', Number => 'exp', 'a number as JSON writes it');
header_is("/?number=$_", Number => 'null', "a number, not: $_")
    for qw(x 1x 0x1 NaN 1e999 -), '';

header_is("/?boolean=$_->[0]", Boolean => $_->[1], "a boolean: $_->[0]")
    for [ true => 'true' ], [ 1 => 'true' ], [ false => 'false' ],
        [ 0 => 'false' ], [ yes => 'null' ], [ TRUE => 'null' ],
        [ '' => 'null' ];

header_is('/', JSON => $_->[1], "json: $_->[0]", JSON => $_->[0])
    for [ '"a"' => 'string' ], [ '{"a":{"b":"c"}}' => 'object' ],
        [ '[1,2]' => 'array' ], [ 'null' => 'null' ], [ '{' => 'null' ],
        [ '{"a":1,"a":2}' => 'null' ], [ '' => 'null' ],
        [ '[' x 100 => 'null' ], [ '"\u0000"' => 'null' ],
        [ '{"a":1}' => 'none' ], [ '"a" x' => 'null' ],
        [ "\"\xff\"" => 'null' ];

header_is('/?plan=pro', Nested => 'leaf', 'dots nest');
header_is('/?country=de', Nested => 'deep', 'deeply');
header_is('/?age=7', Nested => 'object', 'and what is above is an object');

header_is('/?user=alice', Key => 'alice', 'the targeting key');
header_is('/', Key => 'null', 'is absent');
header_is('/?user=', Key => 'null', 'or empty, which is absent');
header_is('/', Time => 'late', 'the time');
header_is('/', Method => 'get', 'any variable');
header_is('/', Address => 'real', 'an address is the one realip leaves',
    'X-Real-IP' => '192.0.2.7');
header_is('/', Loop => 'a', 'a flag that an attribute depends on is not asked');
ok(scalar $t->lines(qr/\[error\].*flagship: an attribute .* asks for a flag/),
    'which is logged');
# what was read first stays, though the variable changes

$t->write_file('large', 'x' x 2 ** 24);
$t->write_file('small', 'x');

my $reader = $t->connect;
$reader->request('GET', '/kept/large');
header_is("/kept/$_", Now => 'nothing', "nothing is sent yet: $_")
    for qw(object small);
is($reader->response->header('Now'), 'nothing', 'nor of what is large');

ok(wait_for(sub { 3 == (() = $t->read_file('kept.log') =~ /\n/g) }), 'logged');
is_deeply([ sort split /\n/, $t->read_file('kept.log') ],
    [ map { "/kept/$_ nothing nothing" } qw(large object small) ],
    'for every flag, when it is sent, too');

header_is('/?user=alice', Listed => 'true', 'a listed id');
header_is('/?user=bob', Listed => 'false', 'another');
header_is('/', Half => 'false', 'no key, no percentage');

my %half;
$half{ $t->get("/?user=user$_")->header('Half') }++ for 1 .. 60;
is_deeply([ sort keys %half ], [ 'false', 'true' ], 'half of them');

header_is('/own?number=1', Number => 'null',
    'attributes of a location are in place of those above');

# tenants and environments

$t->stop;

$t = edge(
    flags => [ { flags => [
        text('where', 'default/prod'),
        text('where', 'default/dev', environment => 'dev'),
        text('where', 'acme/prod', tenant => 'acme'),
        (map { text('where', "default/$_", environment => $_) }
            'e10' .. 'e40'),
    ] } ],
    http => 'map $arg_t $mapped { "" ""; default $arg_t; }'
        . 'map $flagship_value_where $loop { default ""; }',
    server => <<'EOT',
        location / { return 200 $flagship_value_where; }
        location /dev { flagship_environment dev;
            return 200 $flagship_value_where; }
        location /acme { flagship_tenant acme;
            return 200 $flagship_value_where; }
        location /by { flagship_tenant $arg_t; flagship_environment $arg_e;
            return 200 "<$flagship_value_where>"; }
        location /many { flagship_environment $arg_e;
            flagship_headers on; proxy_pass %%UP%%; }
        location /loop { flagship_tenant $loop;
            return 200 "<$flagship_value_where>"; }
        location = /acme/ready { flagship_tenant acme;
            flagship_status ready; }
        location = /by/ready { flagship_tenant $mapped;
            flagship_environment $arg_e; flagship_status ready; }
        location = /live { flagship_status live; }

        location /first {
            flagship_tenant acme;
            flagship_headers where;
            try_files /nosuch /then;
        }
        location /then {
            flagship_tenant default;
            flagship_environment dev;
            flagship_headers where;
            proxy_pass %%UP%%;
        }
EOT
);

sub body_is { is($t->get($_[0])->body, $_[1], $_[2]) }

body_is('/', 'default/prod', 'the default flag set');
body_is('/dev', 'default/dev', 'another environment');
body_is('/acme', 'acme/prod', 'another tenant');
body_is('/by?t=acme&e=prod', '<acme/prod>', 'by variables');
body_is('/by?t=default&e=dev', '<default/dev>', 'by variables');
body_is('/by?t=acme&e=dev', '<>', 'one that is not there');
body_is('/by?e=prod', '<>', 'no name is none');
body_is('/loop', '<>', 'nor is one that depends on a flag');
ok(scalar $t->lines(qr/\[error\].*flagship: the name of the tenant .* asks/),
    'which is logged');
is($t->injected('/first'), 'X-Feature-where: acme/prod',
    'the first choice holds for the whole request');

my $waiting = $t->connect;
$waiting->request('POST', '/many?e=e10',
    headers => [ 'Content-Length' => 2 ]);
is_deeply([ map { $t->injected("/many?e=$_") } 'e11' .. 'e40' ],
    [ map { "X-Feature-where: default/$_" } 'e11' .. 'e40' ],
    'more flag sets than a worker keeps headers of');
$waiting->send('ab');
is($waiting->response->json->{headers}{'X-Feature-where'}, 'default/e10',
    'a request under way keeps its own');

is_deeply($t->get('/live')->json, { status => 'live' }, 'live');
is_deeply($t->get('/acme/ready')->json, { status => 'ready', revision => 1 },
    'ready');

my $r = $t->get('/by/ready?t=acme&e=dev');
is($r->status, 503, 'not ready without that flag set');
is_deeply($r->json, { status => 'not ready', tenant => 'acme',
    environment => 'dev', detail => 'no such flag set' }, 'which is named');
is($r->header('Content-Type'), 'application/json', 'as JSON');
is($r->header('Cache-Control'), 'no-store', 'not to be kept');

$r = $t->get("/by/ready?t=%22\xff\"\\&e=");
is($r->status, 503, 'any bytes');
is(eval { $r->json->{environment} }, '', 'are JSON');

is($t->http('HEAD', '/live')->status, 200, 'HEAD');
is($t->http('HEAD', '/live')->body, '', 'without a body');
is($t->http($_, '/live')->status, 405, $_) for qw(POST PUT DELETE OPTIONS);

done_testing;
