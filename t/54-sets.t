#!/usr/bin/perl

# Id sets: rules at the edge that look into them, from PostgreSQL and from a
# file.  A change of a set reaches the next request and compiles nothing.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Flagship::Api ();
use Flagship::Postgres;
use Flagship::Test;


my $servers = <<'EOT';
    server {
        listen 127.0.0.1:%%PORT0%%;

        flagship_attribute user $arg_user;
        flagship_attribute n $arg_user number;

        location / {
            return 200 "a=$flagship_value_a b=$flagship_value_b n=$flagship_value_n reason=$flagship_reason_a";
        }

        location /api/ {
            flagship_api;
            flagship_anonymous client;
        }

        location /dev {
            flagship_environment dev;
            return 200 "a=$flagship_value_a b=$flagship_value_b n=$flagship_value_n reason=$flagship_reason_a";
        }
    }
EOT


sub look {
    my ($t, $user, $path) = @_;

    my $r = $t->http('GET', ($path // '/') . "?user=$user");

    return { map { split /=/, $_, 2 } split / /, $r->body };
}


sub becomes {
    my ($t, $user, $want, $name, $path) = @_;

    my $is;
    my $done = wait_for(sub {
        $is = look($t, $user, $path);
        return !grep { $is->{$_} ne $want->{$_} } keys %$want;
    });

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($done, $name)
        or diag join ' ', map { "$_=$is->{$_}" } sort keys %$is;
}


subtest 'PostgreSQL' => sub {
    my $pg = Flagship::Postgres->new;
    my $info = $pg->conninfo(tcp => 1);
    my $t = Flagship::Test->new(workers => 2);

    my $sql = sub { $pg->sql("BEGIN; $_[0]; COMMIT") };

    my $flag = sub {
        my ($key, $set, $environment) = @_;

        my $var = $key eq 'n' ? 'n' : 'user';

        $environment //= 'prod';

        return "INSERT INTO flagship.flags (environment, key, enabled, rules)
            VALUES ('$environment', '$key', true, '[{\"when\": {\"in_set\":
                    [{\"var\": \"$var\"}, \"$set\"]}, \"serve\": \"on\"}]');";
    };

    $sql->("INSERT INTO flagship.sets (key) VALUES ('staff');
        INSERT INTO flagship.set_members (set, id)
        VALUES ('staff', 'alice'), ('staff', '42');" . $flag->('a', 'staff')
        . $flag->('a', 'staff', 'dev') . $flag->('n', 'staff'));

    $t->config(<<"EOT")->run;
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone 16m;
    flagship_postgres "$info";
    flagship_refresh 1h;
$servers
}
EOT

    becomes($t, 'alice', { a => 'true' }, 'a member');
    becomes($t, 'bob', { a => 'false' }, 'no member');
    becomes($t, 42, { a => 'true', n => 'true' }, 'a number, as its text');
    is(look($t, 'alice')->{reason}, 'TARGETING_MATCH', 'the reason');
    becomes($t, 'alice', { a => 'true' }, 'in the other environment', '/dev');

    $sql->("INSERT INTO flagship.set_members (set, id)
        VALUES ('staff', 'bob')");
    becomes($t, 'bob', { a => 'true' }, 'a member is added');
    becomes($t, 'bob', { a => 'true' }, 'everywhere', '/dev');

    $sql->("DELETE FROM flagship.set_members WHERE id = 'alice'");
    becomes($t, 'alice', { a => 'false' }, 'a member is removed');

    is($t->lines(qr/ 0 flag sets changed/), 2,
        'and neither changed a flag set');

    # what is not there is refused, and the flag works once it is

    $sql->($flag->('b', 'beta'));
    ok(wait_for(sub { $t->lines(qr/flag "b".*there is no set "beta"/) }),
        'a flag that lacks a set is refused');
    becomes($t, 'eve', { b => '' }, 'and has no value');

    $sql->("INSERT INTO flagship.sets (key) VALUES ('beta');
        INSERT INTO flagship.set_members (set, id) VALUES ('beta', 'eve')");
    becomes($t, 'eve', { b => 'true' }, 'until the set is there');

    # removed, renamed

    $sql->("DELETE FROM flagship.sets WHERE key = 'beta'");
    ok(wait_for(sub { $t->lines(qr/there is no set "beta" any more/) }),
        'a set that is removed is missed');
    becomes($t, 'eve', { b => 'true' },
        'but kept for the last good form of the flag');

    $sql->($flag->('c', 'beta'));
    ok(wait_for(sub { $t->lines(qr/flag "c".*there is no set "beta"/) }),
        'and for nothing else');

    $sql->("INSERT INTO flagship.sets (key) VALUES ('gamma');
        INSERT INTO flagship.set_members (set, id) VALUES ('gamma', 'zoe')");
    $sql->("UPDATE flagship.sets SET key = 'beta' WHERE key = 'gamma'");
    becomes($t, 'zoe', { b => 'true' }, 'a set that takes its name');
    becomes($t, 'eve', { b => 'false' }, 'has its own members');

    # what a set may hold

    $sql->("INSERT INTO flagship.set_members (set, id)
        SELECT 'staff', 'user-' || g FROM generate_series(1, 100000) g");
    becomes($t, 'user-100000', { a => 'true' }, 'a hundred thousand');
    becomes($t, 'user-1', { a => 'true' }, 'the first');
    becomes($t, 'user-50001', { a => 'true' }, 'one between');
    becomes($t, 'user-100001', { a => 'false' }, 'and no more');

    ok($t->reload(wait => 1), 'a reload');
    becomes($t, 'user-50001', { a => 'true' }, 'serves them still');

    $sql->('TRUNCATE flagship.set_members');
    becomes($t, 'user-1', { a => 'false', b => 'false' }, 'emptied');
    becomes($t, 'zoe', { b => 'false' }, 'all of them');

    $sql->("INSERT INTO flagship.set_members (set, id)
        VALUES ('staff', E'\\u00e9\"\\\\'), ('staff', repeat('x', 1024))");
    becomes($t, 'x' x 1024, { a => 'true' }, 'a long id');
    becomes($t, '%C3%A9%22%5C', { a => 'false' },
        'what is escaped is not what is asked for');

    $t->check;
};


sub file {
    my ($members, %o) = @_;

    my $set = $o{name} // 'staff';

    return "{\"sets\": {\"$set\": $members}, \"flags\": ["
        . join(',', map { '{"key": "' . $_ . '", "enabled": true, "rules":'
            . ' [{"when": {"in_set": [{"var": "' . ($_ eq 'n' ? 'n' : 'user')
            . '"}, "staff"]}, "serve": "on"}]}' } @{ $o{flags} // ['a'] })
        . ']}';
}


subtest 'a file' => sub {
    my $t = Flagship::Test->new(workers => 2);

    $t->write_file('flags.json', file('["alice", "42"]', flags => [ 'a', 'n' ]));
    $t->set(FILE => $t->dir . '/flags.json');

    $t->config(<<"EOT")->run;
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone 8m;
    flagship_file %%FILE%%;
$servers
}
EOT

    is(look($t, 'alice')->{a}, 'true', 'a member, at the first request');
    is(look($t, 'bob')->{a}, 'false', 'no member');
    is(look($t, 42)->{n}, 'true', 'a number');

    for my $user ('alice', 'bob') {
        my $r = $t->http('GET', "/api/evaluate/a?user=$user");

        like($r->body, $user eq 'alice' ? qr/"value":true/ : qr/"value":false/,
            "the API says the same of $user");
    }

    $t->write_file('flags.json', file('["bob"]', flags => [ 'a', 'n' ]));
    becomes($t, 'bob', { a => 'true' }, 'other members');
    becomes($t, 'alice', { a => 'false' }, 'take their place');

    $t->write_file('flags.json', file('["alice", 5]', flags => [ 'a', 'n' ]));
    ok(wait_for(sub { $t->lines(qr{/sets/staff/1.* an id is a string}) }),
        'members that are none are told');
    becomes($t, 'bob', { a => 'true' }, 'the last good ones serve on');

    $t->write_file('flags.json', file('[]', name => 'other'));
    ok(wait_for(sub { $t->lines(qr/there is no set "staff"/) }),
        'a set that is gone is missed');
    becomes($t, 'bob', { a => 'true' }, 'and kept');

    $t->write_file('flags.json', file('[]', name => 'other', flags => []));
    becomes($t, 'bob', { a => '' }, 'until nobody needs it');

    $t->write_file('flags.json', file('["zoe"]'));
    becomes($t, 'zoe', { a => 'true' }, 'there again');
    becomes($t, 'bob', { a => 'false' }, 'with its own members');

    $t->check;
};


subtest 'flags that are written over HTTP' => sub {
    my $api = Flagship::Api->new;
    my $flag = sub { { key => 'f', enabled => Flagship::Api::true,
        rules => [ { when => { in_set => [ { var => 'user' }, 'staff' ] },
            serve => 'on' } ] } };

    is($api->post('/flags', $flag->())->status, 422,
        'a set that is not there');

    $api->pg->sql("INSERT INTO flagship.sets (key) VALUES ('staff');
        INSERT INTO flagship.set_members (set, id) VALUES ('staff', 'alice')");

    my $r;
    ok(wait_for(sub { ($r = $api->post('/flags', $flag->()))->status == 201 }),
        'one that is') or diag $r->body;

    is($api->get("/evaluate/f?user=$_", as => 'client')->json->{variant},
        $_ eq 'alice' ? 'on' : 'off', $_) for 'alice', 'bob';

    # kept for this flag alone

    $api->pg->sql("DELETE FROM flagship.sets");
    ok(wait_for(sub { $api->t->lines(qr/no set "staff" any more/) }), 'gone');
    is($api->get('/evaluate/f?user=alice', as => 'client')->json->{variant},
        'on', 'it serves on');
    is($api->post('/flags', { %{ $flag->() }, key => 'g' })->status, 422,
        'and is not there for another');

    $api->t->check;
};


done_testing;
