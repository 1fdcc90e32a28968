# Many who change at once: no update is lost, no version skipped, no change
# without its entry in the audit, whoever writes.

use lib 't/lib';
use Flagship::Api;
use Flagship::Process qw(at_once);

my $api = Flagship::Api->new(pool => 4);


# The audit of a flag is a chain: each before is the last after

sub chain_of {
    my ($id) = @_;

    return $api->pg->sql(qq{
        SELECT concat_ws(' ', count(*),
               count(*) FILTER (WHERE (after ->> 'version')::int = n),
               count(*) FILTER (WHERE n = 1 OR before::jsonb = last::jsonb),
               count(DISTINCT revision))
          FROM (SELECT *, row_number() OVER (ORDER BY id) AS n,
                       lag(after) OVER (ORDER BY id) AS last
                  FROM flagship.audit WHERE entity_id = '$id') a});
}


subtest 'with If-Match' => sub {
    my $id = $api->post('/flags', { key => 'guarded', metadata => { n => 0 } })
        ->json->{id};

    # each adds one to what it has read, until it was let in five times

    my @said = at_once(50, sub {
        my ($done, $tries) = (0, 0);

        while ($done < 5 && $tries++ < 2000) {
            my $r = $api->get('/flags/guarded');
            my $n = $r->json->{metadata}{n};

            $r = $api->put('/flags/guarded', { metadata => { n => $n + 1 } },
                headers => [ 'If-Match' => $r->header('ETag') ]);

            if ($r->status == 200) {
                $done++;

            } elsif ($r->status != 412) {
                return "status " . $r->status . ' ' . $r->body . "\n";
            }
        }

        return "$done\n";
    });

    is(join('', @said), "5\n" x 50, 'all were let in');

    my $flag = $api->get('/flags/guarded')->json;

    is($flag->{version}, 251, 'each 200 is a version');
    is($flag->{metadata}{n}, 250, 'and none was lost');
    is(chain_of($id), '251 251 251 251', 'the audit is a chain');
};


subtest 'without' => sub {
    my $id = $api->post('/flags', { key => 'open' })->json->{id};

    my @said = at_once(20, sub {
        my ($i) = @_;
        my $fine = 0;

        for my $k (1 .. 5) {
            my $body = $k % 2
                ? { metadata => { "client$i" => $k } }
                : { rules => [ { name => "client $i, $k", when =>
                    { '==' => [ { var => 'a' }, "$i.$k" ] }, serve => 'on' } ],
                    metadata => { "client$i" => $k } };

            $fine += $api->put('/flags/open', $body)->status == 200;
        }

        return "$fine\n";
    });

    is(join('', @said), "5\n" x 20, 'all succeed');

    my $flag = $api->get('/flags/open')->json;

    is($flag->{version}, 101, 'each is a version');
    is_deeply($flag->{metadata}, { map { ("client$_" => 5) } 1 .. 20 },
        'what each has written last stands beside the others');
    like($flag->{rules}[0]{name}, qr/^client \d+, 4$/, 'or the last write won');
    is(chain_of($id), '101 101 101 101', 'the audit is a chain');
};


subtest 'beside SQL' => sub {
    my $id = $api->post('/flags', { key => 'both', rollout => 0 })->json->{id};

    my @said = at_once(8, sub {
        my ($i) = @_;

        for my $k (1 .. 10) {
            if ($i % 2) {
                my $r = $api->put('/flags/both', { variants => { on => true,
                    off => false, "v$i$k" => true } });
                return $r->body if $r->status != 200;

            } else {
                system('psql', '-XqAt', '-d', $api->pg->conninfo, '-c', qq{
                    UPDATE flagship.flags SET rollout = rollout + 1
                     WHERE environment = 'prod' AND key = 'both'}) == 0
                    or return "psql failed\n";
            }
        }

        return '';
    });

    is(join('', @said), '', 'all succeed');

    my $flag = $api->get('/flags/both')->json;

    is($flag->{rollout}, 40, 'no update of SQL is lost');
    is($flag->{version}, 81, 'each is a version');
    is(chain_of($id), '81 81 81 81', 'the audit is a chain');
};


subtest 'made once' => sub {
    my @said = at_once(20, sub {
        return $api->post('/flags', { key => 'once' })->status . "\n";
    });

    is(join('', sort @said), "201\n" . "409\n" x 19, 'by one of them');
    is($api->pg->sql(q{SELECT count(*) FROM flagship.flags
        WHERE key = 'once'}), 1, 'there is one');
};


subtest 'two tenants, one key each, one pool' => sub {
    my @as = ('editor@default', 'editor@acme');

    $api->post('/flags', { key => 'shared' }, as => $_) for @as;

    my @said = at_once(10, sub {
        my ($i) = @_;
        my $as = $as[ $i % 2 ];
        my $tenant = $as =~ s/.*\@//r;

        for my $k (1 .. 10) {
            my $r = $api->put('/flags/shared', { name => "$tenant $i.$k" },
                as => $as);
            return $r->body if $r->status != 200
                || $r->json->{tenant} ne $tenant
                || $r->json->{name} ne "$tenant $i.$k";

            my ($flag) = grep { $_->{key} eq 'shared' }
                @{ $api->get('/flags?search=shared', as => $as)
                    ->json->{flags} };
            return "saw $flag->{name}\n" if $flag->{name} !~ /^$tenant /;
        }

        return '';
    });

    is(join('', @said), '', 'neither sees the other');
    is($api->pg->sql(q{
        SELECT count(*) FROM flagship.audit
         WHERE entity_key = 'shared'
           AND (after ->> 'tenant' <> tenant
                OR actor <> 'key:editor' || tenant || 'key00000')}), 0,
        'no actor was mixed up');
};


subtest 'served in the order of commits' => sub {
    wait_for(sub { $api->t->get('/health')->json->{revision}
        == $api->pg->sql('SELECT revision FROM flagship.revision') });
    is($api->t->get('/health')->json->{revision},
        $api->pg->sql('SELECT revision FROM flagship.revision'),
        'all is served');
    is($api->get('/users/u/flags/guarded', as => 'client')->status, 200,
        'as it is');
};


# Those that ask for nothing would hold up what comes after them.  A leader that
# was held up for long may be followed by another, which asks once more.

subtest 'one question for each write' => sub {
    my $asked = sub {
        return scalar(() = $api->pg->log =~ /FROM flagship\.delta\(/g);
    };
    my $n = 0;
    my $write = sub {
        return $api->put('/flags/asked', { rollout => ++$n })->status;
    };

    $api->post('/flags', { key => 'asked' });
    $api->pg->sql(q{ALTER SYSTEM SET log_statement = 'all'});
    $api->pg->sql('SELECT pg_reload_conf()');
    ok(wait_for(sub { $write->() == 200 && $asked->() }), 'they are logged');

    my $before = $asked->();

    is(join(' ', map { $write->() } 1 .. 20), join(' ', (200) x 20),
        'written, one after the other');
    cmp_ok($asked->() - $before, '<', 30, 'and no more was asked for');

    $api->pg->sql('ALTER SYSTEM RESET log_statement');
    $api->pg->sql('SELECT pg_reload_conf()');
};


done_testing;
