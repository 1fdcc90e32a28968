# What 1, 10 and 50 decided headers cost a proxied request, beside as many
# constants and beside others that decide.  Every server here proxies to one
# upstream with the same settings; what they do besides is their only
# difference.  All of them are started anew in each round, so that the luck of
# an address layout is one round's.

package Flagship::Bench::Scenario::Headers;

use strict;
use warnings;

use Flagship::Bench::Flags;
use Flagship::Bench::Nginx;

use constant MODULES => $ENV{NGINX_MODULES} // '/usr/lib/nginx/modules';


# A server: { name, n (headers), modules, http, location }.

sub servers {
    my ($bench) = @_;

    my @servers = ({ name => 'plain', n => 0 });

    for my $n (1, 10, 50) {
        push @servers, flags($bench, "flags-$n", $n, 'mixed'),
            constants($n), flags($bench, "rollouts-$n", $n, 'rollouts'),
            split_clients($n);
    }

    push @servers, lua($_), njs($_) for 1, 10;

    return grep { $_->{name} =~ /$bench->{servers}/
                  && (!$bench->{short} || $_->{n} <= 10) } @servers;
}


sub flags {
    my ($bench, $name, $n, $set) = @_;

    my $file = "$bench->{dir}/$name.json";
    my @flags = Flagship::Bench::Flags->can($set)->($n);

    Flagship::Bench::Nginx::write_file($file,
        Flagship::Bench::Flags::document(@flags));

    return {
        name     => $name,
        n        => $n,
        modules  => ["$bench->{build}/ngx_http_flagship_module.so"],
        http     => "flagship_zone 8m;\nflagship_file $file;\n"
            . "flagship_targeting_key \$cookie_uid;\n"
            . "flagship_attribute country \$http_x_country;\n"
            . "flagship_attribute plan \$cookie_plan;\n",
        location => 'flagship_headers on;',
    };
}


sub constants {
    my ($n) = @_;

    return {
        name     => "constants-$n",
        n        => $n,
        location => join('', map { 'proxy_set_header '
            . Flagship::Bench::Flags::header($_) . " true;\n" } 1 .. $n),
    };
}


sub split_clients {
    my ($n) = @_;

    return {
        name     => "split_clients-$n",
        n        => $n,
        http     => join('', map { "split_clients \"\${cookie_uid}:"
            . Flagship::Bench::Flags::key($_)
            . "\" \$split_$_ { 50% true; * false; }\n" } 1 .. $n),
        location => join('', map { 'proxy_set_header '
            . Flagship::Bench::Flags::header($_) . " \$split_$_;\n" } 1 .. $n),
    };
}


sub lua {
    my ($n) = @_;

    return {
        name     => "lua-$n",
        n        => $n,
        modules  => [MODULES . '/ndk_http_module.so',
                     MODULES . '/ngx_http_lua_module.so'],
        http     => <<'LUA' =~ s/COUNT/$n/r,
init_by_lua_block {
    names, keys = {}, {}
    for i = 1, COUNT do
        names[i] = string.format("X-Feature-checkout-%02d", i)
        keys[i] = string.format(":checkout_%02d", i)
    end
}
LUA
        location => <<'LUA',
access_by_lua_block {
    local set, crc32 = ngx.req.set_header, ngx.crc32_short
    local user = ngx.var.cookie_uid
    for i = 1, #keys do
        set(names[i], crc32(user .. keys[i]) % 100 < 50 and "true" or "false")
    end
}
LUA
    };
}


sub njs {
    my ($n) = @_;

    return {
        name     => "njs-$n",
        n        => $n,
        modules  => [MODULES . '/ngx_http_js_module.so'],
        script   => "import crypto from 'crypto';\n"
            . "function decide(r, key) {\n"
            . "    return parseInt(crypto.createHash('md5')\n"
            . "        .update(r.variables.cookie_uid + ':' + key)\n"
            . "        .digest('hex').slice(0, 8), 16) % 100 < 50\n"
            . "        ? 'true' : 'false';\n}\nexport default {\n"
            . join(",\n", map { "    f$_: (r) => decide(r, '"
                . Flagship::Bench::Flags::key($_) . "')" } 1 .. $n) . "\n};\n",
        http     => "js_import flags from SCRIPT;\n"
            . join('', map { "js_set \$js_$_ flags.f$_;\n" } 1 .. $n),
        location => join('', map { 'proxy_set_header '
            . Flagship::Bench::Flags::header($_) . " \$js_$_;\n" } 1 .. $n),
    };
}


sub start {
    my ($bench, $server, $upstream) = @_;

    my $http = $server->{http} // '';

    if ($server->{script}) {
        my $path = "$bench->{dir}/$server->{name}.js";
        Flagship::Bench::Nginx::write_file($path, $server->{script});
        $http =~ s/SCRIPT/$path/;
    }

    my $proxy = "proxy_http_version 1.1;\nproxy_set_header Connection '';\n"
        . ($server->{location} // '');

    return Flagship::Bench::Nginx->start($bench, $server->{name},
        pin     => 'tested',
        modules => $server->{modules},
        http    => "upstream application {\n"
            . "    server 127.0.0.1:$upstream->{port};\n"
            . "    keepalive 64;\n    keepalive_requests 1000000000;\n}\n$http",
        server  => "location / {\n$proxy\nproxy_pass http://application;\n}\n");
}


# Answers a few bytes, and at /headers what it got.

sub upstream {
    my ($bench) = @_;

    my $all = join ' ', map { my $v = lc Flagship::Bench::Flags::header($_);
                              $v =~ tr/-/_/; "\$http_$v" } 1 .. 50;

    return Flagship::Bench::Nginx->start($bench, 'upstream',
        server => "location / { return 200 \"ok\\n\"; }\n"
                . "location /headers { return 200 \"$all\"; }\n");
}


# Nothing is measured that does not do what it should.

sub check {
    my ($server, $nginx) = @_;

    my %seen;

    for my $user (1 .. 40) {
        my $body = $nginx->get('/headers', headers => {
            'Cookie' => "uid=user$user; plan=pro", 'X-Country' => 'de' });
        my @values = split ' ', $body;

        die "$server->{name}: $server->{n} headers expected, got \"$body\"\n"
            if @values != $server->{n} || grep { !/^(true|false)$/ } @values;

        $seen{$body} = 1;
    }

    die "$server->{name}: all visitors got the same\n"
        if $server->{n} && $server->{name} !~ /^constants/ && keys %seen < 2;
}


sub run {
    my ($bench) = @_;

    my @servers = servers($bench);
    my $upstream = upstream($bench);
    my %nginx;

    my $got = $bench->interleave(
        { map { my $name = $_->{name};
                ($name => sub { $nginx{$name}->load('/') }) } @servers },
        before => sub {
            for my $server (@servers) {
                my $nginx = start($bench, $server, $upstream);
                $nginx{ $server->{name} } = $nginx;
                check($server, $nginx);
            }
        },
        after => sub { %nginx = () },
    );

    report($bench, $got, @servers);
}


sub report {
    my ($bench, $got, @servers) = @_;

    my (%cpu, %rate);

    for my $name (keys %$got) {
        my $g = $got->{$name};
        $cpu{$name} = [map { $_ / 1000 }
                       @{ Flagship::Bench::ratios($g->{cpu}, $g->{requests}) }];
        $rate{$name} = Flagship::Bench::ratios($g->{requests}, $g->{seconds});
    }

    for my $name (map { $_->{name} } @servers) {
        $bench->figure("headers: $name, worker CPU a request", 'us',
                       $cpu{$name});
        $bench->figure("headers: $name, throughput", 'req/s', $rate{$name});
    }

    my $ratio = sub {
        my ($above, $below, %options) = @_;

        return if !$cpu{$above} || !$cpu{$below};

        $bench->figure("headers: CPU a request, $above / $below", 'x',
            Flagship::Bench::ratios($cpu{$above}, $cpu{$below}), %options);
    };

    $ratio->('flags-1', 'plain', most => 1.03);
    $ratio->("flags-$_", "constants-$_", $_ == 10 ? (most => 1.00) : ())
        for 1, 10, 50;
    $ratio->("flags-$_", 'plain') for 10, 50;
    $ratio->("constants-$_", 'plain') for 1, 10, 50;
    $ratio->("rollouts-$_", "split_clients-$_") for 1, 10, 50;
    $ratio->("rollouts-$_", "lua-$_") for 1, 10;
    $ratio->("rollouts-$_", "njs-$_") for 1, 10;

    return if !$rate{plain};

    for my $name (map { $_->{name} } @servers) {
        next if $name eq 'plain';

        $bench->figure("headers: throughput, $name / plain", 'x',
            Flagship::Bench::ratios($rate{$name}, $rate{plain}));
    }
}


return { title => 'headers on proxied requests', run => \&run };
