# make run and make stop, in copies of the checkout: what starts, where it
# lies, what survives a crash.

# sanitizers: no

use Flagship::Test;

use Cwd qw(abs_path);
use File::Temp ();

my $top = $Flagship::Test::top;
my $built = $ENV{FLAGSHIP_MODULE} // "$top/build/ngx_http_flagship_module.so";
my @copies;

delete @ENV{ grep { /\A(?:PG|FLAGSHIP_[A-Z]*(?:PORT|URL)|DATABASE_URL)/ }
    keys %ENV };


# A checkout that has been built, as far as the scripts look at it

sub copy {
    my ($dir, $mode) = @_;

    my $home = File::Temp->newdir('flagship-demo-XXXXXXXX', TMPDIR => 1);
    chmod $mode // 0755, $home;

    my $path = "$home/$dir";
    system('mkdir', '-p', "$path/build") == 0 or die;
    system('cp', '-a', (map { "$top/$_" } qw(tools sql Makefile)), $path) == 0
        or die;
    system('cp', $built, "$path/build/") == 0 or die;
    system('mkdir', "$path/build/docs") == 0 or die;
    system('touch', map { "$path/build/docs/$_.html" } qw(docs redoc)) == 0
        or die;

    push @copies, { home => $home, path => $path };

    return $path;
}


sub call {
    my ($path, $script, %env) = @_;

    local @ENV{ keys %env } = values %env;

    my $said = `timeout 120 '$path/tools/$script' 2>&1`;

    return wantarray ? ($said, $? == 0) : $said;
}


# As a shell would see it after `. run/env`

sub env {
    my ($path) = @_;

    return map { /^(\w+)=(.*)/ ? ($1 => $2) : () }
        split /\n/, `env -i sh -c '. "$path/run/env" && /usr/bin/env'`;
}


sub status {
    return `curl -s -o /dev/null -w '%{http_code}' '$_[0]'`;
}


sub psql {
    my ($env, @args) = @_;

    local @ENV{ keys %$env } = values %$env;
    open my $fh, '-|', 'psql', '-XAtq', @args or die;
    local $/;

    return (<$fh> // '') =~ s/\n\z//r;
}


sub processes {
    my ($path) = @_;

    my $run = abs_path("$path/run");

    return grep { index(`tr '\\0' ' ' 2>/dev/null </proc/$_/cmdline`, $run) >= 0 }
        map { m{/proc/(\d+)} } glob '/proc/[0-9]*';
}


my $path = copy('main');
my ($said, $ok) = call($path, 'run');

ok($ok, 'starts') or BAIL_OUT($said);

my %env = env($path);

like($said, qr/\Q$env{FLAGSHIP_DEMO_URL}\E/, 'says where the demo is');
like($said, qr/\bmake stop\b/, 'says how to stop');
like($said, qr/^  1\. .*^  2\. .*^  3\. /ms, 'says three things to try');

is(status("$env{FLAGSHIP_URL}/live"), 200, 'it lives');
is(status("$env{FLAGSHIP_URL}/ready"), 200, 'it is ready');
like(`curl -s '$env{FLAGSHIP_URL}/users/alice/flags/instant_search'`,
    qr/"key":"instant_search"/, 'the API answers anybody');
is(status("$env{FLAGSHIP_URL}/docs"), 200, 'a page to try it');

subtest 'the API as the README shows it' => sub {
    my ($lines) = do { local (@ARGV, $/) = "$top/README.md"; <> }
        =~ /^## The API\n(?:(?!    ).*\n)+((?:    .*\n|\n)+)/m;
    my @lines = $lines =~ /^    (.*)$/mg;

    cmp_ok(scalar(grep { /^curl/ } @lines), '>', 8, 'it is found');

    # what sets variables is for all
    my $set = join "\n", grep { !/^curl|^#|run\/env/ } @lines;

    for (grep { /^curl/ } @lines) {
        local @ENV{ keys %env } = values %env;
        my $curl = "$set\n" . s/^curl/curl -sf -o $path\/said/r;

        is(system('bash', '-c', $curl), 0, $_);
    }
};


ok(psql(\%env, '-c', 'SELECT count(*) FROM (SELECT DISTINCT key FROM'
    . ' flagship.flags) AS keys') >= 24, 'the sample is there');
is(psql(\%env, '-d', $env{DATABASE_URL}, '-c', 'SELECT current_user'),
    $env{PGUSER}, 'DATABASE_URL leads to the same');

like($env{FLAGSHIP_API_KEY}, qr/\Aflagship_[0-9a-f]{16}_[0-9a-f]{64}\z/,
    'an API key');
like($said, qr/\Q$env{FLAGSHIP_API_KEY}\E/, 'is printed');
is(psql(\%env, '-c', "SELECT tenant, role FROM flagship.api_keys WHERE hash"
    . " = sha256(split_part('$env{FLAGSHIP_API_KEY}', '_', 3)::bytea)"),
    'default|admin', 'and is an admin\'s');
is((stat "$path/run/$_")[2] & 077, 0, "run/$_ is its owner's alone")
    for qw(env api_key);

my $demo = "$env{FLAGSHIP_DEMO_URL}/?user=alice";

like(`curl -s '$demo'`, qr/"X-Feature-page-footer": "true"/i,
    'the application gets decisions');
like(`curl -s '$demo'`, qr/"X-Feature-instant-search": "false"/i,
    'before the change');

psql(\%env, '-c', "UPDATE flagship.flags SET rollout = 100
    WHERE environment = 'prod' AND key = 'instant_search'");

ok(wait_for(sub { `curl -s '$demo'` =~ /"X-Feature-instant-search": "true"/i }),
    'a change in SQL decides requests');

is(status("$env{FLAGSHIP_DEMO_URL}/beta/?user=alice"), 200, 'the gate, open');
is(status("$env{FLAGSHIP_DEMO_URL}/beta/?user=bob"), 404, 'the gate, closed');

($said, $ok) = call($path, 'run');
ok($ok && $said =~ /already running/, 'a second one finds it');
is({ env($path) }->{FLAGSHIP_API_KEY}, $env{FLAGSHIP_API_KEY},
    'and keeps the API key');
is(psql(\%env, '-c', 'SELECT count(*) FROM flagship.api_keys'), 1,
    'of which there is one');

($said, $ok) = call($path, 'seed');
ok($ok, 'make seed, once more') or diag $said;
is(psql(\%env, '-c', "SELECT rollout FROM flagship.flags WHERE environment ="
    . " 'prod' AND key = 'instant_search'"), 100, 'undoes no change');

if ($> == 0) {
    my @root = grep { (stat "/proc/$_")[4] == 0 } processes($path);
    is(scalar @root, 1, 'of its processes, only nginx\'s master is root');
}

subtest 'after a crash' => sub {
    kill 'KILL', map { `head -n 1 '$path/run/$_'` =~ /(\d+)/ }
        qw(nginx/nginx.pid upstream.pid pg/data/postmaster.pid);

    my ($said, $ok) = call($path, 'run');
    ok($ok, 'starts again') or diag $said;

    my %now = env($path);
    is(status("$now{FLAGSHIP_URL}/ready"), 200, 'is ready');
    like(`curl -s '$now{FLAGSHIP_DEMO_URL}/?user=alice'`,
        qr/"X-Feature-instant-search": "true"/i, 'with the flags of before');
    is($now{FLAGSHIP_API_KEY}, $env{FLAGSHIP_API_KEY}, 'and the API key');
    %env = %now;
};

subtest 'beside another copy' => sub {
    my $other = copy('main');
    my ($said, $ok) = call($other, 'run', %env);
    ok($ok, 'starts, whatever the shell has of the first') or diag $said;

    my %other = env($other);

    isnt($other{$_}, $env{$_}, "$_ is its own")
        for qw(FLAGSHIP_URL FLAGSHIP_DEMO_URL DATABASE_URL PGHOST PGPORT);

    call($other, 'stop');
    is(status("$env{FLAGSHIP_URL}/ready"), 200, 'its end is not ours');
};

subtest 'ports are given' => sub {
    call($path, 'stop');

    my %port = map { $_ => Flagship::Port::free_port() }
        qw(FLAGSHIP_PORT FLAGSHIP_DEMO_PORT);

    open my $fh, '>', "$path/.env" or die;
    print {$fh} "# ports\nFLAGSHIP_PORT='$port{FLAGSHIP_PORT}'\n",
        "FLAGSHIP_DEMO_PORT=1\n";
    close $fh;

    my ($said, $ok) = call($path, 'run',
        FLAGSHIP_DEMO_PORT => $port{FLAGSHIP_DEMO_PORT});
    ok($ok, 'starts') or diag $said;

    my %now = env($path);
    is($now{FLAGSHIP_URL}, "http://127.0.0.1:$port{FLAGSHIP_PORT}",
        'one by .env');
    is($now{FLAGSHIP_DEMO_URL}, "http://127.0.0.1:$port{FLAGSHIP_DEMO_PORT}",
        'one by the environment, which wins');

    call($path, 'stop');

    my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1',
        LocalPort => $port{FLAGSHIP_PORT}, Listen => 1, ReuseAddr => 1);
    ($said, $ok) = call($path, 'run');
    ok(!$ok && $said =~ /port $port{FLAGSHIP_PORT} .*taken/,
        'and refused where they are taken') or diag $said;
};

($said, $ok) = call($path, 'stop');
ok($ok, 'stops');
is(scalar processes($path), 0, 'all of it');

subtest 'in a closed folder with a long name' => sub {
    my $long = copy('x' x 150 . '/main', 0700);
    my ($said, $ok) = call($long, 'run');
    ok($ok, 'starts') or diag $said;

    my %env = env($long);
    is(status("$env{FLAGSHIP_URL}/ready"), 200, 'is ready');
    is(psql(\%env, '-c', 'SELECT 1'), 1, 'run/env leads to the database');

    ok(-l "$long/run", 'the run folder lies elsewhere');
    my $run = abs_path("$long/run");
    like($said, qr/\Q$run\E/, 'and is printed');

    call($long, 'stop');
    is(scalar processes($long), 0, 'make stop finds it');
    system('rm', '-rf', $run);
};

done_testing;


END {
    my $status = $?;

    call($_->{path}, 'stop') for @copies;
    $? = $status;
}
