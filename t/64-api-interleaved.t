# Clients of the API and sessions of SQL, of two tenants, write flags, segments
# and sets at once: nobody fails, what was acknowledged is served, and the order
# of revisions is the order of commits.
#
# FLAGSHIP_TEST_TRANSACTIONS and FLAGSHIP_TEST_SEED: how many, and which.

use lib 't/lib';
use Flagship::Api;
use Flagship::Process qw(at_once);

use POSIX qw(ceil);

use constant {
    API => [ 'editor@default', 'editor@acme', 'admin@default', 'admin@acme',
             'editor@default', 'editor@acme' ],
    SQL => [ 'alice', 'bob', 'carol' ],
    KEYS => 6,
};

my $n = $ENV{FLAGSHIP_TEST_TRANSACTIONS}
    // ($ENV{FLAGSHIP_SANITIZE} ? 1_200 : 10_000);
my $seed = $ENV{FLAGSHIP_TEST_SEED} // 20261127;

my $pg = Flagship::Postgres->new(conf => {
    shared_buffers     => '64MB',
    autovacuum         => 'on',
    autovacuum_naptime => 1,
    max_wal_size       => '1GB',
    wal_keep_size      => '1GB',
});
my $api = Flagship::Api->new(pg => $pg, pool => 3,
    server => 'keepalive_requests 1000000;');
my @tenants = qw(default acme);

$pg->sql("CREATE ROLE $_ LOGIN IN ROLE flagship_admin") for @{ +SQL };


# What is served of it all: f1 to f6 by themselves, g1 to g6 by the segments s1
# to s6, "v" and "w" by the sets of that name

for my $tenant (@tenants) {
    my @as = (as => "editor\@$tenant");
    my $in = { type => 'string', variants => { yes => 'yes', no => 'no' },
        default_variant => 'no', enabled => true };

    for my $i (1 .. KEYS) {
        $api->post('/segments', { key => "s$i", when => {
            '==' => [ { var => 'n' }, -1 ] } }, @as);
        $api->post('/flags', { %$in, key => "g$i", rules => [
            { when => { segment => "s$i" }, serve => 'yes' } ] }, @as);
        $api->post('/flags', { %$in, key => "f$i",
            variants => { no => 'none' } }, @as);
    }

    for my $key (qw(v w)) {
        $api->post('/sets', { key => $key }, @as);
        $api->post('/flags', { %$in, key => $key, rules => [ { when => {
            in_set => [ { var => 'user_id' }, $key ] }, serve => 'yes' } ] },
            @as);
    }
}

my $first = $pg->sql('SELECT revision FROM flagship.revision');
my $log = $pg->sql('SELECT pg_current_wal_insert_lsn()');


sub one { $_[ rand @_ ] }
sub any { 1 + int rand KEYS }

# each a sub of its own that keeps nothing between clients but what it made

sub api_client {
    my ($i, $times) = @_;

    my $as = API->[ $i - 1 ];
    my $c = $api->t->connect(timeout => 120);
    my (@members, @flags, $said);

    srand $seed + $i;

    my $call = sub {
        my ($allowed, $method, $uri, $body, @headers) = @_;

        $c->request($method, $uri,
            headers => $api->headers(as => $as, body => {}, headers => \@headers),
            body => defined $body ? $Flagship::Api::json->encode($body) : '');

        my $r = $c->response // die "no answer to $method $uri\n";

        $r->status =~ $allowed
            or die "$method $uri: " . $r->status . ' ' . $r->body . "\n";
        die "$method $uri is not served\n" if $r->header('Flagship-Applied');

        return $r;
    };

    for my $k (1 .. $times) {
        my $token = "a$i.$k";
        my $what = one(('flag') x 8, ('guarded') x 3, ('segment') x 4,
            ('member') x 3, 'members', 'create', 'archive', 'dry');
        my $key = 'f' . any();
        my $flag = { description => $token, variants => { no => $token } };
        my $r;

        if ($what eq 'flag') {
            $r = $call->(qr/200/, 'PUT', "/flags/$key", $flag);

        } elsif ($what eq 'guarded') {
            $r = $call->(qr/200/, 'GET', "/flags/$key");
            $r = $call->(qr/200|412/, 'PATCH', "/flags/$key", $flag,
                'If-Match' => $r->header('ETag'));
            $said .= "nothing $token 0\n", next if $r->status == 412;

        } elsif ($what eq 'segment') {
            $r = $call->(qr/200/, 'PUT', '/segments/s' . any(),
                { description => $token,
                  when => { '==' => [ { var => 'n' }, $i * 100_000 + $k ] } });

        } elsif ($what eq 'member' && @members > 5) {
            $token = splice @members, rand @members, 1;
            $r = $call->(qr/200/, 'DELETE', '/sets/v/members', [ $token ]);

        } elsif ($what eq 'member') {
            push @members, $token;
            $r = $call->(qr/200/, 'POST', '/sets/v/members', [ $token, $token ]);

        } elsif ($what eq 'members') {
            $r = $call->(qr/200/, 'PUT', '/sets/w/members', [ 'same', $token ]);

        } elsif ($what eq 'create' || $what eq 'archive' && !@flags) {
            push @flags, "a$i.$k";
            $r = $call->(qr/201/, 'POST', '/flags', { key => $token,
                description => $token, enabled => true, type => 'string',
                variants => { no => $token }, default_variant => 'no',
                off_variant => 'no' });

        } elsif ($what eq 'archive') {
            $token = splice @flags, rand @flags, 1;
            $r = $call->(qr/204/, 'DELETE', "/flags/$token");

        } else {
            $call->(qr/200/, 'PUT', "/flags/$key?dry_run=true", $flag);
            $said .= "nothing $token 0\n";
            next;
        }

        $said .= "done $token " . $r->header('Flagship-Revision') . ' '
            . $api->actor($as) . "\n";
    }

    return $said;
}


# Of both tenants in one transaction, rows in any order

sub sql_session {
    my ($i, $times) = @_;

    my $user = SQL->[ $i - 1 ];
    my $s = $pg->session(user => $user);
    my (@made, $said);

    srand $seed + 100 + $i;

    my $flag = sub {
        my ($token, $key) = @_;

        return "UPDATE flagship.flags SET description = '$token',"
            . qq( variants = '{"no":"$token"}' WHERE environment = 'prod' AND)
            . " archived_at IS NULL AND key = '"
            . ($key // 'f' . any()) . "' AND tenant = '" . one(@tenants) . "';";
    };

    my $segment = sub {
        my ($token, $k) = @_;

        return "UPDATE flagship.segments SET description = '$token',"
            . qq( "when" = '{"==":[{"var":"n"},$k]}' WHERE key = 's) . any()
            . "' AND tenant = '" . one(@tenants) . "';";
    };

    for my $k (1 .. $times) {
        my $token = "s$i.$k";
        my $number = (10 + $i) * 100_000 + $k;
        my $tenant = one(@tenants);
        my $what = one(('flag') x 4, ('flags') x 4, ('flag, segment') x 2,
            ('segment, flag') x 2, 'first', 'members', 'member', 'create',
            'rename', 'back', 'half');
        my $sql = 'BEGIN;';
        my $done = 'done';

        if ($what eq 'flag') {
            $sql .= $flag->($token);

        } elsif ($what eq 'flags') {
            $sql .= $flag->($token) . $flag->($token);

        } elsif ($what eq 'flag, segment') {
            $sql .= $flag->($token) . $segment->($token, $number);

        } elsif ($what eq 'segment, flag') {
            $sql .= $segment->($token, $number) . $flag->($token);

        } elsif ($what eq 'first') {
            my $key = 'f' . any();
            $sql .= "SELECT FROM flagship.take_revision();"
                . "SELECT FROM flagship.flags WHERE key IN ('$key', 'f"
                . any() . "') FOR UPDATE;" . $flag->($token, $key);

        } elsif ($what eq 'members') {
            $sql .= "INSERT INTO flagship.set_members (tenant, set, id)"
                . " VALUES ('default', 'v', '$token'), ('acme', 'v', '$token');"
                . $flag->($token);

        } elsif ($what eq 'member') {
            $sql .= "DELETE FROM flagship.set_members WHERE set = 'v' AND id"
                . " IN (SELECT id FROM flagship.set_members WHERE set = 'v'"
                . " AND id LIKE 's$i.%' ORDER BY id LIMIT 1);"
                . $flag->($token);

        } elsif ($what eq 'create' || $what eq 'rename' && !@made) {
            push @made, [ $tenant, $token ];
            $sql .= "INSERT INTO flagship.flags (tenant, key, description, type,"
                . " enabled, variants, default_variant, off_variant) VALUES"
                . " ('$tenant', '$token', '$token', 'string', true,"
                . qq{ '{"no":"$token"}', 'no', 'no');};

        } elsif ($what eq 'rename') {
            my ($of, $old) = @{ splice @made, rand @made, 1 };
            push @made, [ $of, $token ];
            $sql .= "UPDATE flagship.flags SET key = '$token',"
                . " description = '$token' WHERE tenant = '$of'"
                . " AND key = '$old';";

        } elsif ($what eq 'back') {
            $sql .= $flag->($token) . $segment->($token, $number);
            $done = 'nothing';

        } else {
            $sql .= 'SAVEPOINT half;' . $flag->("$token-not")
                . 'ROLLBACK TO half;' . $flag->($token);
        }

        $sql .= 'SELECT flagship.take_revision();'
            . ($done eq 'done' ? 'COMMIT' : 'ROLLBACK');

        my $revision = $s->sql($sql, 120);

        $said .= "$done $token " . ($done eq 'done' ? $revision : 0)
            . " $user\n";
    }

    $s->close;

    return $said;
}


my $clients = @{ +API };
my $sessions = @{ +SQL };

# as many of the one as of the other
my @said = at_once($clients + $sessions, sub {
    my ($i) = @_;

    return $i <= $clients
        ? api_client($i, ceil $n / 2 / $clients)
        : sql_session($i - $clients, ceil $n / 2 / $sessions);
});

my (%token, %actor, $twice);

for (@said) {
    my ($done, $token, $revision, $actor) = /^(done|nothing) (\S+) (\d+) ?(.*)$/
        or next;

    next if $done eq 'nothing';

    $twice++ if exists $actor{$revision};
    $token{$revision} = $token;
    $actor{$revision} = $actor;
}

my @failed = grep { !/^(?:done|nothing) / } @said;

is(join('', splice @failed, 0, 20), '', "none fails, seed $seed");
cmp_ok(scalar @said, '>=', $n, 'of ' . @said . ' transactions');
is($pg->sql(q{SELECT deadlocks FROM pg_stat_database
    WHERE datname = current_database()}), 0, 'PostgreSQL knows of no deadlock');
is($twice, undef, 'no two have one revision');


subtest 'the audit' => sub {
    my (%seen, %said, @wrong);

    for ($pg->rows(qq{
        SELECT revision, actor,
               concat_ws(' ', before ->> 'description', before ->> 'key',
                         before ->> 'members',
                         after ->> 'description', after ->> 'members')
          FROM flagship.audit WHERE revision > $first ORDER BY id})) {
        my ($revision, $actor, $text) = @$_;

        $seen{$revision} = 1;
        $said{$revision} .= " $text";
        push @wrong, "$revision: by $actor, not " . ($actor{$revision} // 'known')
            if $actor ne ($actor{$revision} // '');
    }

    push @wrong, map { "$_: $token{$_} is lost" }
        grep { !$seen{$_} || $said{$_} !~ /(?<![\w.])\Q$token{$_}\E(?![\w.])/ }
        keys %token;

    is(scalar @wrong, 0, 'has each change and no other, by who made it')
        or diag join "\n", splice @wrong, 0, 20;
    is($pg->sql(q{SELECT count(*) FROM (
        SELECT before::text, after ->> 'tenant' AS of, tenant,
               lag(after::text) OVER (PARTITION BY entity_id ORDER BY id) AS last
          FROM flagship.audit
         WHERE coalesce(after, before) ->> 'version' IS NOT NULL) a
         WHERE before <> coalesce(last, before) OR of <> tenant}), 0,
        'where an entry ends the next begins');

    for my $table (qw(flags segments sets)) {
        is($pg->sql(qq{SELECT count(*) FROM flagship.$table t WHERE version <>
            (SELECT count(*) FROM flagship.audit a WHERE entity_id = t.id::text
                AND after ->> 'version' IS NOT NULL)}), 0,
            "each version of $table has its entry");
    }
};


# The log of PostgreSQL says which transaction was before which

subtest 'the order of commits' => sub {
    my $last = $pg->sql('SELECT revision FROM flagship.revision');
    my (%place, %revision);

    open my $fh, '-|', $pg->bin . '/pg_waldump', '-p', $pg->dir . '/data/pg_wal',
        '-r', 'Transaction', '-s', $log, '-e',
        $pg->sql('SELECT pg_current_wal_flush_lsn()') or die "no pg_waldump: $!";

    while (<$fh>) {
        my ($xid) = /tx:\s+(\d+),.*desc: COMMIT/ or next;

        $place{$_} = $. for $xid, /; subxacts: ([\d ]+)/ ? split / /, $1 : ();
    }

    ok(close $fh, 'is read');

    $revision{ $_->[0] }{ $_->[1] } = 1 for $pg->rows(qq{
        SELECT DISTINCT revision, xmin FROM flagship.audit
         WHERE revision > $first});

    my ($before, @wrong) = (0);

    for my $revision ($first + 1 .. $last) {
        my @places = map { $place{$_} // 0 } keys %{ $revision{$revision} // {} };

        push @wrong, $revision unless @places
            && !grep { $_ != $places[0] } @places and $places[0] > $before;
        $before = $places[0] // 0;
    }

    is_deeply([ splice @wrong, 0, 20 ], [], 'is that of the revisions');
    is($pg->sql(qq{SELECT count(*) FROM (SELECT revision - lag(revision)
        OVER (ORDER BY revision) AS step FROM (SELECT DISTINCT revision
          FROM flagship.changes) r) s WHERE step <> 1}), 0,
        'and of the changes, without a gap');
};


subtest 'what is served' => sub {
    my $last = $pg->sql('SELECT revision FROM flagship.revision');

    ok(wait_for(sub {
        $api->t->get('/health')->json->{revision} == $last
    }), 'is the last');

    for my $tenant (@tenants) {
        my $evaluate = sub {
            my ($uri, %context) = @_;

            return $api->post($uri, { context => \%context },
                as => "client\@$tenant")->json;
        };

        my %want = map { @$_ } $pg->rows(qq{
            SELECT key, variants ->> 'no' FROM flagship.flags
             WHERE tenant = '$tenant' AND archived_at IS NULL});

        is_deeply({ map { ($_->{key} => $_->{value}) }
            @{ $evaluate->('/evaluate', n => 0)->{flags} } }, \%want,
            "$tenant: " . keys(%want) . ' flags');

        for ($pg->rows(qq{SELECT right(key, -1), "when" #>> '{==,1}'
            FROM flagship.segments WHERE tenant = '$tenant'})) {
            my ($i, $number) = @$_;

            is($evaluate->("/evaluate/g$i", n => 0 + $number)->{value},
                'yes', "$tenant: segment s$i");
        }

        my @ids = ('nobody', map { $_->[0] } $pg->rows(
            'SELECT DISTINCT id FROM flagship.set_members'));

        # some that were and are no more
        my %was = map { $_ => 1 } grep { /\./ } values %token;
        push @ids, (sort keys %was)[ map { rand keys %was } 1 .. 50 ];

        my %in = map { ("$_->[0] $_->[1]" => 1) } $pg->rows(qq{
            SELECT set, id FROM flagship.set_members
             WHERE tenant = '$tenant'});
        my @wrong;

        for my $id (@ids) {
            push @wrong, "$_ $id" for grep {
                $evaluate->("/evaluate/$_", user_id => $id)->{value}
                    ne ($in{"$_ $id"} ? 'yes' : 'no') } qw(v w);
        }

        is_deeply(\@wrong, [], "$tenant: " . @ids . ' ids');
    }
};


done_testing;
