# Variables.

use lib 't/lib';
use Flagship::Edge;

# what a location returns, written over several lines
sub one_line { $_[0] =~ s/"\n\s*"//gr }

my $t = edge(
    flags => [
        flag('lit'),
        flag('off', enabled => 0),
        flag('none', type => 'string', variants => { a => 'x' },
            enabled => 0, default_variant => undef, off_variant => undef),
        text('empty', ''),
        text('crlf', "a\r\nb"),
        text('Dark-Mode', 'folded'),
        text('dark.mode', 'folded later'),
        text('page_size', 'exact'),
        text('page-size', 'folded'),
        flag('user', type => 'string', default_variant => 'no',
            variants => { yes => 'y', no => 'n' },
            rules => [ { when => { '==' => [ { var => 'user' }, 'bob' ] },
                         serve => 'yes' } ]),
        flag('fails', type => 'string', variants => { a => 'x' },
            default_variant => 'a', rules => [ { serve => { var => 'user' } }
            ]),
        flag('hidden', expose => false),
    ],
    http => <<'EOT',
        flagship_attribute user $arg_user;
        flagship_variable $exact page-size;
        flagship_variable $missing nosuch default=fallback;
        flagship_variable $nothing none value default=fallback;
        flagship_variable $blank empty default=fallback;
        flagship_variable $unsent crlf default=fallback;
        flagship_variable $which user variant;
        flagship_variable $why user reason;
        flagship_variable $is lit enabled;
        flagship_variable $failing fails enabled default=1;
        flagship_variable $bad nosuch enabled;

        map $flagship_variant_user $pool { yes blue; default green; }
        log_format flags '$uri [$flagship_flags] $flagship_revision'
            ' $flagship_reason_hidden $flagship_variant_user';
        access_log %%DIR%%/flags.log flags;
        access_log %%DIR%%/some.log flags if=$flagship_enabled_user;
EOT
    server => one_line(<<'EOT'),
        location /value { return 200 "on=$flagship_value_lit"
            " off=$flagship_value_off none=$flagship_value_none"
            " empty=$flagship_value_empty no=$flagship_value_nosuch"
            " crlf=$flagship_value_crlf user=$flagship_value_user"; }

        location /variant { return 200 "on=$flagship_variant_lit"
            " off=$flagship_variant_off none=$flagship_variant_none"
            " no=$flagship_variant_nosuch user=$flagship_variant_user"; }

        location /reason { return 200 "on=$flagship_reason_lit"
            " off=$flagship_reason_off none=$flagship_reason_none"
            " no=$flagship_reason_nosuch user=$flagship_reason_user"
            " fails=$flagship_reason_fails"; }

        location /enabled { return 200 "on=$flagship_enabled_lit"
            " off=$flagship_enabled_off none=$flagship_enabled_none"
            " no=$flagship_enabled_nosuch user=$flagship_enabled_user"
            " fails=$flagship_enabled_fails"; }

        location /folded { return 200 "$flagship_value_dark_mode"
            " $flagship_value_page_size $flagship_value_dark-mode"; }

        location /defined { return 200 "$exact $missing $nothing"
            " <$blank> $unsent $which $why $is $failing $bad"; }

        location /if {
            if ($flagship_enabled_user) { return 200 yes; }
            if ($flagship_enabled_off) { return 200 wrong; }
            return 200 no;
        }

        location /pool { return 200 $pool; }

        location /lists {
            flagship_headers lit user;
            proxy_pass %%UP%%;
        }

        location /key {
            flagship_headers user hidden;
            return 200 $flagship_cache_key;
        }
        location /key/on { flagship_headers on;
            return 200 $flagship_cache_key; }
        location /key/all { return 200 $flagship_cache_key; }
        location /revision { return 200 $flagship_revision; }
EOT
    more => one_line(<<'EOT'),
        server {
            listen 127.0.0.1:%%PORT1%%;
            flagship_environment nosuch;
            location / { return 200 "<$flagship_value_lit>"
                "<$flagship_variant_lit><$flagship_reason_lit>"
                "<$flagship_enabled_lit><$missing><$is><$flagship_flags>"
                "<$flagship_cache_key>"; }
        }
EOT
);

sub is_body {
    my ($uri, $want, $name) = @_;

    is($t->get($uri)->body, $want, $name);
}

is_body('/value?user=bob', 'on=true off=false none= empty= no= crlf= user=y',
    'values, where there is one that may be sent');
is_body('/variant', 'on=on off=off none= no= user=no', 'variants');
is_body('/reason', 'on=STATIC off=DISABLED none=DISABLED no=ERROR '
    . 'user=DEFAULT fails=DEFAULT', 'reasons');
is_body('/reason?user=zz', 'on=STATIC off=DISABLED none=DISABLED no=ERROR '
    . 'user=DEFAULT fails=ERROR', 'a flag that fails');
is_body('/enabled', 'on=1 off=0 none=0 no=0 user=1 fails=1', 'enabled');
is_body('/enabled?user=zz', 'on=1 off=0 none=0 no=0 user=1 fails=0',
    'a failing flag is not enabled');
is_body('/folded', 'folded exact -mode',
    'folded names, an exact one first, nginx ends them at a dash');
is_body('/defined?user=bob',
    'folded fallback fallback <> fallback yes TARGETING_MATCH 1 1 0',
    'flagship_variable, a default where there is no value');
is_body('/if', 'yes', 'if');
is_body('/pool?user=bob', 'blue', 'map');
is_body('/pool', 'green', 'map');

$t->get('/lists?user=bob');
ok(wait_for(sub { 2 == grep { $t->read_file($_) =~ m{^/lists .*\n}m }
    qw(flags.log some.log) }), 'logged');
like($t->read_file('flags.log'), qr{^/lists \[lit=on;user=yes\] 1 STATIC yes$}m,
    'what was evaluated, by key; what was not is evaluated for the log');
like($t->read_file('some.log'), qr{^/lists }m, 'access_log if=');

is_body('/revision', '1', 'the revision');

my $bob = $t->get('/key?user=bob')->body;
my $ann = $t->get('/key?user=ann')->body;

like($bob, qr/^[0-9a-f]{32}$/, 'a cache key');
isnt($bob, $ann, 'is another for other variants');
isnt($t->get('/key/on')->body, $ann, 'of other flags');

$t->flags(flag('user', type => 'string', default_variant => 'no',
    variants => { yes => 'changed', no => 'n' }, rules => [ { when =>
    { '==' => [ { var => 'user' }, 'bob' ] }, serve => 'yes' } ]),
    flag('hidden'), flag('other'));

is_body('/key?user=bob', $bob, 'the same across revisions');
is_body('/revision', '2', 'which count');
is($t->get('/key/on')->body, $t->get('/key/all')->body,
    'all exposed ones where none is injected');

is($t->http('GET', '/', port => $t->port(1))->body,
    '<><><ERROR><0><fallback><0><>' . '<d41d8cd98f00b204e9800998ecf8427e>',
    'where there is no flag set');

# requests that nginx refuses are logged as well

for my $case ([ 400 => "GET / HTTP/1.1\r\nHost: a b\r\n\r\n" ],
    [ 400 => "nonsense\r\n\r\n" ],
    [ 413 => "POST /413 HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n"
    ],
    [ 414 => 'GET /' . 'a' x 40000 . " HTTP/1.1\r\n\r\n" ])
{
    my ($status, $bytes) = @$case;
    my $c = $t->connect;

    $c->send($bytes);
    is($c->response->status, $status, "a $status is logged and answered");
}

$t->connect->send("GET /499 HT");

is($t->get('/revision')->status, 200, 'and nothing is lost');

done_testing;
