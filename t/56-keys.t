#!/usr/bin/perl

# API keys: from the tables to every worker, and which credentials are taken.
# A location says who asks, by $flagship_role and $flagship_actor.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Flagship::Postgres;
use Flagship::Source;
use Flagship::Test;


my $pg = Flagship::Postgres->new;
my $info = $pg->conninfo(tcp => 1);


sub config {
    my ($t, $source, $zone) = @_;

    $zone //= '1m';

    return $t->config(<<"EOT");
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone $zone;
    $source

    server {
        listen 127.0.0.1:%%PORT%%;
        underscores_in_headers on;

        location / {
            return 200 "\$flagship_role \$flagship_actor";
        }

        location /api/ { flagship_api; }

        location /open/ {
            flagship_anonymous viewer;
            return 200 "\$flagship_role \$flagship_actor";

            location /open/more/ {
                flagship_anonymous editor;
                return 200 "\$flagship_role \$flagship_actor";
            }

            location /open/as_much/ {
                return 200 "\$flagship_role \$flagship_actor";
            }
        }
    }
}
EOT
}


sub secret { "secret of $_[0]" =~ s/ /-/gr }

sub key { "flagship_$_[0]_" . secret($_[0]) }

sub insert {
    my ($id, $role, %o) = @_;

    my $tenant = exists $o{tenant} ? $o{tenant} // 'NULL' : "'default'";
    my $expires = $o{expires} // 'NULL';

    return "INSERT INTO flagship.api_keys (id, role, tenant, expires_at, hash)
        VALUES ('$id', '$role', $tenant, $expires,
                sha256('@{[ secret($id) ]}'))";
}

sub sql { $pg->sql("BEGIN; $_[0]; COMMIT") }

my $t;

sub who {
    my ($headers, $uri) = @_;
    return $t->http('GET', $uri // '/', headers => $headers)->body;
}

sub becomes_who {
    my ($headers, $want, $name) = @_;

    my $is;
    my $done = wait_for(sub { $is = who($headers); $is eq $want });

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    ok($done, $name) or diag $is;
}


sql(insert('keyofadmin', 'admin'));
sql(insert('keyofclient', 'client'));

$t = config(Flagship::Test->new(workers => 2),
    qq(flagship_postgres "$info"; flagship_refresh 1h;))->run;


subtest 'who has no credential' => sub {
    becomes_who([], 'none anonymous', 'has no role');

    is(who([], '/open/'), 'viewer anonymous', 'or the one it is given');
    is(who([], '/open/more/'), 'editor anonymous', 'there');
    is(who([], '/open/as_much/'), 'viewer anonymous', 'which is inherited');
    is(who([ Authorization => 'Basic YTpi' ]), 'none anonymous',
        'another scheme is not ours');
};


subtest 'who has a key' => sub {
    my $key = key('keyofadmin');
    my $admin = 'admin key:keyofadmin';

    is(who([ 'X-API-Key' => $key ]), $admin, 'in a header of its own');
    is(who([ 'x-api-KEY' => $key ], '/open/'), $admin,
        'whatever anonymous requests may');
    is(who([ Authorization => "Bearer $key" ]), $admin, 'as a bearer');
    is(who([ Authorization => "bEARER  $key" ]), $admin,
        'of a scheme in any case');
    is(who([ Authorization => "Bearer $key", 'X-API-Key' => $key ]), $admin,
        'both ways, if it is the same');
    is(who([ Authorization => 'Basic YTpi', 'X-API-Key' => $key ]), $admin,
        'beside what is not ours');
    is(who([ 'X-API-Key' => key('keyofclient') ]), 'client key:keyofclient',
        'each its own');
};


subtest 'credentials that are none' => sub {
    my ($admin, $client) = map { key($_) } qw(keyofadmin keyofclient);
    my $secret = secret('keyofadmin');

    # on a location that is open: nobody falls back to that
    my $refused = sub {
        my ($headers, $name) = @_;

        local $Test::Builder::Level = $Test::Builder::Level + 1;

        is(who($headers, '/open/'), ' ', $name);
    };

    for ('', 'x', 'flagship', 'flagship_', 'flagship__', 'flagship_keyofadmin',
        'flagship_keyofadmin_', "flagship__$secret", "flagship_short_$secret",
        "flagship_key-of-admin_$secret", "Flagship_keyofadmin_$secret",
        "flagship_keyofadmin $secret", "flagship_$secret",
        'flagship_keyofadmin_' . 'x' x 257, 'flagship_' . 'x' x 33 . '_y',
        'flagship_' . 'x' x 3000, "$admin ", "\"$admin\"")
    {
        next if $_ eq "$admin ";    # nginx takes blanks off
        $refused->([ 'X-API-Key' => $_ ], "malformed: " . substr $_, 0, 40);
        $refused->([ Authorization => "Bearer $_" ], '... as a bearer');
    }

    $refused->([ Authorization => $admin ], 'a key without a scheme');
    $refused->([ Authorization => "Basic $admin" ], 'or of another one');
    $refused->([ Authorization => '' ], 'a header without anything');
    $refused->([ 'X-API-Key' => key('keyofnobody') ], 'one that is not known');
    $refused->([ 'X-API-Key' => "flagship_keyofadmin_wrong" ],
        'another secret');
    $refused->([ 'X-API-Key' => "${admin}x" ], 'more than the secret');
    $refused->([ 'X-API-Key' => substr $admin, 0, -1 ], 'less than it');
    $refused->([ 'X-API-Key' => "flagship_keyofclient_$secret" ],
        "another key's secret");

    $refused->([ 'X-API-Key' => $admin, Authorization => "Bearer $client" ],
        'two that differ');
    $refused->([ 'X-API-Key' => $admin, Authorization => 'Bearer x' ],
        'one that is, one that is none');
    $refused->([ 'X-API-Key' => $admin, 'X-API-Key' => $admin ],
        'a header that is sent twice');
    $refused->([ 'X-API-Key' => $admin, 'x-api-key' => $client ],
        'with two keys');

    # nginx refuses some repeated headers itself
    my $r = $t->http('GET', '/open/', headers => [
        Authorization => "Bearer $admin", Authorization => "Bearer $admin" ]);
    ok($r->status == 400 || $r->body eq ' ', 'likewise');

    is(who([ 'X_API_Key' => $admin ], '/open/'), 'viewer anonymous',
        'a header of another name is none at all');
};


subtest 'what changes in the tables' => sub {
    my $key = [ 'X-API-Key' => key('newkey123') ];

    is(who($key), ' ', 'a key that there is not');

    my $live = sub {
        scalar $t->lines(qr/is live, 0 flag sets changed/);
    };
    my $before = $live->();

    sql(insert('newkey123', 'viewer'));
    becomes_who($key, 'viewer key:newkey123', 'is known once there is');
    cmp_ok($live->(), '==', $before + 1, 'no flag set was compiled for that');

    sql("UPDATE flagship.api_keys SET role = 'editor' WHERE id = 'newkey123'");
    becomes_who($key, 'editor key:newkey123', 'another role');

    sql("UPDATE flagship.api_keys SET revoked_at = now()
        WHERE id = 'newkey123'");
    becomes_who($key, ' ', 'revoked');
    is(who([ 'X-API-Key' => key('keyofadmin') ]), 'admin key:keyofadmin',
        'and no other');

    sql("UPDATE flagship.api_keys SET revoked_at = NULL
        WHERE id = 'newkey123'");
    becomes_who($key, 'editor key:newkey123', 'taken back');

    sql("UPDATE flagship.api_keys SET hash = sha256('other')
        WHERE id = 'newkey123'");
    becomes_who($key, ' ', 'another secret');
    is(who([ 'X-API-Key' => 'flagship_newkey123_other' ]),
        'editor key:newkey123', 'which is taken');

    sql("INSERT INTO flagship.flags (key, enabled) VALUES ('a', true);"
        . insert('otherkey1', 'client'));
    becomes_who([ 'X-API-Key' => key('otherkey1') ], 'client key:otherkey1',
        'with a flag in one transaction');

    sql("DELETE FROM flagship.api_keys WHERE id IN ('newkey123')");
    becomes_who([ 'X-API-Key' => 'flagship_newkey123_other' ], ' ',
        'deleted');

    sql("INSERT INTO flagship.tenants (key) VALUES ('acme');"
        . insert('keyofacme', 'client', tenant => "'acme'"));
    becomes_who([ 'X-API-Key' => key('keyofacme') ], 'client key:keyofacme',
        'of another tenant');
    sql("DELETE FROM flagship.tenants WHERE key = 'acme'");
    becomes_who([ 'X-API-Key' => key('keyofacme') ], ' ', 'which goes');

    sql(insert('keyofall1', 'operator', tenant => undef));
    becomes_who([ 'X-API-Key' => key('keyofall1') ], 'operator key:keyofall1',
        'of all tenants');

    sql(join ';', map { insert("manykeys$_", 'client') } 1 .. 500);
    becomes_who([ 'X-API-Key' => key('manykeys500') ],
        'client key:manykeys500', 'many at once');
    is(who([ 'X-API-Key' => key('manykeys1') ]), 'client key:manykeys1',
        'each of them');
};


subtest 'expiry' => sub {
    my $key = [ 'X-API-Key' => key('keyoflate') ];

    sql(insert('keyoflate', 'client', expires => "now() + interval '1 hour'"));
    becomes_who($key, 'client key:keyoflate', 'before its time');

    sql("UPDATE flagship.api_keys SET expires_at = now() - interval '1 second'
        WHERE id = 'keyoflate'");
    becomes_who($key, ' ', 'after it');

    sql("UPDATE flagship.api_keys SET expires_at = now() + interval '3 seconds'
        WHERE id = 'keyoflate'");
    becomes_who($key, 'client key:keyoflate', 'a moment before it');

    my $revision = $pg->sql('SELECT revision FROM flagship.revision');

    becomes_who($key, ' ', 'a moment later');
    is($pg->sql('SELECT revision FROM flagship.revision'), $revision,
        'nobody had to say so');
};


subtest 'rows that no constraint would let in' => sub {
    my $key = [ 'X-API-Key' => key('brokenkey') ];

    $pg->sql("ALTER TABLE flagship.api_keys
        DROP CONSTRAINT api_keys_hash_length,
        DROP CONSTRAINT api_keys_role_known,
        DROP CONSTRAINT api_keys_tenant_needed");

    sql(insert('brokenkey', 'client'));
    becomes_who($key, 'client key:brokenkey', 'a key');

    for ("hash = 'short'", "role = 'root'", 'tenant = NULL') {
        my ($column) = split / /;

        sql("UPDATE flagship.api_keys SET $_ WHERE id = 'brokenkey'");
        becomes_who($key, ' ', "with a wrong $column is worth nothing");

        sql("UPDATE flagship.api_keys SET tenant = 'default', role = 'client',
            hash = sha256('@{[ secret('brokenkey') ]}')
            WHERE id = 'brokenkey'");
        becomes_who($key, 'client key:brokenkey', 'until it is mended');
    }

    is($t->lines(qr/\[error\].*flagship: .*API key "brokenkey" at/), 3,
        'a line each');
    is(who([ 'X-API-Key' => key('keyofadmin') ]), 'admin key:keyofadmin',
        'the others are none the worse');
};


subtest 'a zone of another size' => sub {
    my $key = [ 'X-API-Key' => key('keyofadmin') ];

    # what the new workers know they have of the old zone
    $pg->stop;
    $t->allow(qr/flagship/);

    ok(config($t, qq(flagship_postgres "$info"; flagship_refresh 1h;), '2m')
        ->reload(wait => 1), 'a reload');
    is(who($key), 'admin key:keyofadmin', 'takes the keys along');

    $pg->start;
    sql("UPDATE flagship.api_keys SET revoked_at = now()
        WHERE id = 'keyofadmin'");
    becomes_who($key, ' ', 'and they are kept up to date');
};


subtest 'everything anew' => sub {
    my $key = [ 'X-API-Key' => key('freshkey1') ];

    $pg->sql('TRUNCATE flagship.api_keys');
    becomes_who([ 'X-API-Key' => key('keyofclient') ], ' ', 'all are gone');

    sql(insert('freshkey1', 'admin'));
    becomes_who($key, 'admin key:freshkey1', 'a new one');

    # a whole load finds the same
    $pg->sql('UPDATE flagship.revision SET epoch = gen_random_uuid();
        SELECT pg_notify($$flagship$$, $$99999999$$)');
    ok(wait_for(sub { $t->lines(qr/\[warn\].*epoch.*loading everything/) > 1 }),
        'loaded');
    is(who($key), 'admin key:freshkey1', 'is the same');
};


subtest 'the log' => sub {
    my @ours = $t->lines(qr/flagship: .*secret-of/);

    is(scalar @ours, 0, 'has no secret') or diag $ours[0];
    ok($t->lines(qr/\[info\].*API key "keyofnobody" is not known/),
        'and says which key was refused');
    ok($t->lines(qr/\[info\].*API key "keyofadmin" has another secret/),
        'and why');
    ok($t->lines(qr/\[info\].*API key "keyoflate" has expired/),
        'each in its own words');
};

$t->stop;


subtest 'before the first catalog' => sub {
    $pg->stop;

    $t = config(Flagship::Test->new,
        qq(flagship_postgres "$info"; flagship_refresh 1h;));
    $t->allow(qr/flagship/);
    $t->run;

    is(who([]), ' ', 'nobody is known');
    is(who([ 'X-API-Key' => key('freshkey1') ]), ' ', 'a key neither');

    $pg->start;
    becomes_who([ 'X-API-Key' => key('freshkey1') ], 'admin key:freshkey1',
        'then it is');
    $t->stop;
};


subtest 'a file' => sub {
    $t = Flagship::Test->new;
    $t->write_file('flags.json', document(a => 1));
    config($t, 'flagship_file %%DIR%%/flags.json;')->run;

    is(who([]), 'none anonymous', 'is nobody');
    is(who([ 'X-API-Key' => key('freshkey1') ]), ' ', 'has no keys');
};


# What is served is the file's until PostgreSQL answers

subtest 'a file, then PostgreSQL' => sub {
    my $api = sub {
        $t->http('GET', '/api/flags', headers => [ 'X-API-Key' => $_[0] ]);
    };

    is($api->(key('freshkey1'))->status, 401, 'of a file nobody has a key');

    $pg->stop;
    $t->allow(qr/flagship/);
    ok(config($t, qq(flagship_postgres "$info"; flagship_refresh 1h;))
        ->reload(wait => 1), 'a reload');

    my $r = $api->(key('freshkey1'));

    is($r->status, 503, 'nobody knows yet');
    is($r->header('Retry-After'), 1, 'when to come again');
    is($r->json->{detail}, 'the API keys have not been loaded yet', 'and why');
    is(who([ 'X-API-Key' => key('freshkey1') ]), ' ', 'in variables, too');
    is($api->('flagship_')->status, 401, 'what is no key never will be one');
    is($t->get('/api/flags')->status, 401, 'nor who has none');

    $pg->start;
    becomes_who([ 'X-API-Key' => key('freshkey1') ], 'admin key:freshkey1',
        'until it answers');
    is($api->(key('freshkey1'))->status, 200, 'which lets it in');
    is($api->(key('keyofnobody'))->status, 401, 'and nobody else');
};


done_testing;
