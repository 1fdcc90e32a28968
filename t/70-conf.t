# Every configuration of conf/ runs as it is in the file: only ports, the
# module's path and the places of log and pid are another.

use lib 't/lib';
use Flagship::Test;
use Flagship::Postgres;


my $pg = Flagship::Postgres->new;
my $session = $pg->session;

$session->sql(slurp('sql/sample.sql'));

# the rights that docs/sql.md gives to nginx's login are enough
$session->sql('CREATE ROLE edge LOGIN IN ROLE flagship_edge');
$ENV{DATABASE_URL} = $pg->conninfo(user => 'edge');


# conf/ in a folder of its own, the ports of this run in place of the file's

sub conf {
    my ($name) = @_;

    my $t = Flagship::Test->new;

    $t->write_file('local.conf', slurp('conf/local.conf'));
    $t->write_file('flags.json', slurp('conf/flags.json'));
    mkdir $t->dir . '/build' or die "build: $!";

    return $t->config(elsewhere($t, slurp("conf/$name.conf")));
}


sub elsewhere {
    my ($t, $text) = @_;

    my (%port, $n);

    # the first one of the file is the one to ask
    $port{$1} //= $t->port($n++) while $text =~ /127\.0\.0\.1:(8\d\d\d)/g;

    $text =~ s/127\.0\.0\.1:(8\d\d\d)/127.0.0.1:$port{$1}/g;

    $text =~ s{^( *load_module)\s+\S+;}{$1 $t->{module};}m;
    $text =~ s{^error_log\s+\S+;}{error_log error.log info;}m;
    $text =~ s{^pid\s+\S+;}{pid nginx.pid;}m;

    # the sanitizers' runtimes are told by the environment
    $text = join('', map { "env $_;\n" }
        qw(LD_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS LSAN_OPTIONS)) . $text
            if $ENV{FLAGSHIP_SANITIZE};

    return $text;
}


sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;
    return scalar <$fh>;
}


# Started, and serving flags

sub start {
    my ($t) = @_;

    $t->run;
    ok(wait_for(sub { $t->get('/ready')->status == 200 }), 'it is ready');
}


# A change of a flag in production, by SQL

sub change {
    my ($key, $what) = @_;

    $session->sql("UPDATE flagship.flags SET $what "
        . "WHERE environment = 'prod' AND key = '$key'");
}


subtest 'gitops.conf: flags from a file' => sub {
    my $t = conf('gitops');
    my @as = (Cookie => 'uid=alice');

    start($t);

    like($t->get('/', @as)->body, qr/^new-search: true$/m,
        'who is listed has the flag');
    like($t->get('/', @as, 'X-Country' => 'at')->body,
        qr/^banner: Willkommen$/m, 'a rule decides by an attribute');
    like($t->get('/', @as)->body, qr/^page size: (10|50)$/m,
        'a variable is a header, too');
    like($t->get('/', 'X-Feature-New-Search' => 'forged')->body,
        qr/^new-search: false$/m, 'a forged header does not arrive');

    my $text = slurp('conf/flags.json');

    $t->write_file('flags.json', $text =~ s/"alice"/"bob"/r);

    ok(wait_for(sub { $t->get('/', Cookie => 'uid=bob')->body
                      =~ /^new-search: true$/m }),
        'a change of the file is served');

    $t->write_file('flags.json', substr $text, 0, 300);

    ok(wait_for(sub { $t->lines(qr/flagship: .*flags\.json/) }),
        'a broken file is logged');
    like($t->get('/', Cookie => 'uid=bob')->body, qr/^new-search: true$/m,
        'and the last flags serve');
};


subtest 'the configuration of the README is one' => sub {
    my ($text) = slurp('README.md')
        =~ /^## A first configuration\n\n((?:    .*\n|\n)+)/m;
    my $t = Flagship::Test->new;
    my $port = $t->port;

    $t->write_file('local.conf',
        slurp('conf/local.conf') . "access_log off;\n");
    mkdir $t->dir . '/build' or die "build: $!";

    $text =~ s/listen 80;/listen 127.0.0.1:$port;/;
    $text =~ s/^( +http \{)$/    pid nginx.pid;\n$1\n        include local.conf;/m;
    $t->config(elsewhere($t, $text));

    my ($said, $accepted) = $t->test_config;
    ok($accepted, 'nginx takes it') or diag $said;
    unlike($said, qr/flagship: /, 'and has nothing to remark');
};


subtest 'the document of docs/language.md is one' => sub {
    my ($document) = slurp('docs/language.md')
        =~ /^## Documents\n\n((?:    .*\n|\n)+)/m;
    my $t = conf('gitops');

    $t->write_file('flags.json', $document);
    start($t);

    is($t->lines(qr/\[(?:warn|error)\] .*flagship: /), 0, 'nothing is refused')
        or diag $t->log;
};


subtest 'headers.conf: decisions as headers' => sub {
    my $t = conf('headers');
    my @alice = (Cookie => 'uid=alice', 'X-Country' => 'ES');

    start($t);

    my $body = $t->get('/', @alice)->body;

    like($body, qr/^greeting: Hola$/m, 'a text by country');
    like($body, qr/^admin-toolbar: true$/m, 'a list of ids');
    like($body, qr/^compact-tables: (true|false)$/m, 'a percentage');
    like($body, qr/^trace-sampling: $/m, 'a flag that is not exposed');

    like($t->get('/', 'X-Feature-Greeting' => 'forged')->body,
        qr/^greeting: Hello$/m, 'a forged header does not arrive');

    $body = $t->get('/internal/', @alice)->body;

    like($body, qr/^trace-sampling: 1$/m, 'a flag by its name, exposed or not');
    like($body, qr/^admin-toolbar: $/m, 'and no other');

    change('compact_tables', "rollout = 0");
    ok(wait_for(sub { $t->get('/', @alice)->body
                      =~ /^compact-tables: false$/m }),
        'a change is served');

    like($t->get('/preview/', @alice)->body, qr/^compact-tables: true$/m,
        'another environment has flags of its own');
    is($t->get('/live')->status, 200, 'live');
};


subtest 'gate.conf: locations for some' => sub {
    my $t = conf('gate');
    my @alice = (Cookie => 'uid=alice');

    start($t);

    is($t->get('/beta/')->status, 404, 'not there for everyone');
    is($t->get('/beta/', @alice)->body, "/beta/\n", 'there for who is listed');
    is($t->get('/beta/', 'X-Email' => 'a@example.com')->status, 200,
        'and for whom a segment holds');

    is($t->get('/export/')->body, "We will be back soon.\n",
        'a part that is switched off explains itself');
    is($t->get('/export/')->status, 503, 'with its status');
    is($t->get('/beta/export/', @alice)->status, 503, 'both gates must pass');
    is($t->get('/beta/export/')->status, 404, 'the first decides first');

    change('export_pdf', 'enabled = true');
    ok(wait_for(sub { $t->get('/export/')->status == 200 }), 'switched on');
    is($t->get('/beta/export/', @alice)->status, 200, 'now both pass');

    my %where = map { $t->get('/video/', 'X-Email' => "u$_\@x.org")->body => 1 }
        1 .. 60;
    is_deeply([sort keys %where], ["/classic/\n", "/video/\n"],
        'a variant passes, others go elsewhere');

    is($t->get('/beta/version')->status, 404, 'early: before return');
    is($t->get('/beta/version', @alice)->body, "beta\n", 'early: passes');
};


subtest 'canary.conf: a share goes to another upstream and stays' => sub {
    my $t = conf('canary');

    start($t);

    my $first = $t->get('/');
    my ($cookie) = ($first->header('Set-Cookie') // '')
        =~ /^(visitor=[\w-]{16,})/;

    ok($cookie, 'a visitor gets an id') or return;

    my %same = map { $t->get('/', Cookie => $cookie)->body => 1 } 1 .. 20;
    is_deeply([keys %same], [$first->body], 'and stays where they were');

    my %seen;
    $seen{ $t->get('/')->body }++ for 1 .. 200;

    is_deeply([sort keys %seen], ["blue\n", "green\n"], 'both are met');
    cmp_ok($seen{"green\n"}, '<', $seen{"blue\n"}, 'the canary by fewer');

    ok(wait_for(sub { $t->read_file('build/canary-access.log')
                      =~ /flags="checkout_backend=(?:blue|green)"/ }),
        'the log has the decision');
};


subtest 'admin.conf: the API on a server of its own' => sub {
    $session->sql('CREATE ROLE admin LOGIN IN ROLE flagship_admin');
    local $ENV{DATABASE_URL} = $pg->conninfo(user => 'admin');

    my $key = $session->sql("SELECT key FROM flagship.create_api_key("
        . "'default', 'admin', 'a test')");
    my $t = conf('admin');
    my @key = ('X-API-Key' => $key);

    start($t);

    my $r = $t->get('/evaluate/greeting');
    is($r->status, 401, 'nobody without a key');
    is($r->header('Content-Type'), 'application/problem+json', 'a problem');

    ok(wait_for(sub { $t->get('/evaluate/greeting', @key)->status == 200 }),
        'a key is known');
    is($t->get('/evaluate/greeting?country=ES', @key)->json->{value}, 'Hola',
        'and may ask');

    $r = $t->get('/evaluate/greeting', @key,
        Origin => 'https://admin.example.com');
    is($r->header('Access-Control-Allow-Origin'), 'https://admin.example.com',
        'a page of the origin that is listed');
    $r = $t->get('/evaluate/greeting', @key, Origin => 'https://example.com');
    is($r->header('Access-Control-Allow-Origin'), undef, 'and no other');

    my $c = $t->connect;
    $c->request('GET', '/evaluate/greeting') for 1 .. 200;

    for (1 .. 200) {
        $r = $c->response;
        last if $r->status == 429;
    }

    is($r->status, 429, 'who asks too often');
    is($r->header('Content-Type'), 'application/problem+json', 'a problem');
    is($r->header('Retry-After'), 1, 'that says when to come again');
    is($t->get('/evaluate/greeting', @key)->status, 200,
        'which is nothing to others');

    like($t->get('/metrics')->body, qr/^flagship_/m, 'numbers for Prometheus');

    my @log;
    ok(wait_for(sub { @log = grep { $_->{status} == 200 } map { json($_) }
        split /\n/, $t->read_file('build/admin-access.log') }), 'a log of JSON');
    like($log[0]{actor}, qr/^key:[0-9a-f]{16}$/, 'who');
    is($log[0]{path}, '/evaluate/greeting', 'what');
    is($log[0]{role}, 'admin', 'as what');
    unlike($t->read_file('build/admin-access.log'),
        qr/\Q@{[ (split '_', $key)[2] ]}\E/, 'and no secret');
};


subtest 'cache.conf: one copy for each combination of variants' => sub {
    my $t = conf('cache');

    start($t);

    my $get = sub {
        my $r = $t->get('/', 'X-Country' => $_[0]);
        return $r->header('X-Cache') . ' ' . ($r->body =~ /^greeting: (.*)$/m)[0];
    };

    is($get->('DE'), 'MISS Hallo', 'the first of a variant');
    is($get->('AT'), 'HIT Hallo', 'another visitor with the same variant');
    is($get->('ES'), 'MISS Hola', 'another variant');
    is($get->('DE'), 'HIT Hallo', 'each keeps its copy');

    change('greeting', "default_variant = 'fr'");
    ok(wait_for(sub { $get->('US') =~ /Bonjour/ }), 'a change of the flag');
    is($get->('DE'), 'HIT Hallo', 'leaves the copies of other variants');
};


done_testing;
