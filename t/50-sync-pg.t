#!/usr/bin/perl

# PostgreSQL as the source: loading, listening, polling, who leads, and a
# database that becomes another one.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(sleep time);

use Flagship::Load;
use Flagship::Postgres;
use Flagship::Source;
use Flagship::Test;


my $pg = Flagship::Postgres->new;
my $info = $pg->conninfo(tcp => 1);

set_flags($pg, a => 1, b => 1);


subtest 'a change is served without being asked for' => sub {
    my $t = answers(['a', 'b'], qq(flagship_postgres "$info";
        flagship_refresh 1h;))->run;

    becomes($t, { a => 1, b => 1 }, 'what is there is loaded');

    set_flags($pg, a => 2);
    becomes($t, { a => 2, b => 1 }, 'a notification makes it served');

    set_flags($pg, a => 3, b => 3);
    becomes($t, { a => 3, b => 3 }, 'two flags in one transaction');

    set_flags($pg, b => undef);
    becomes($t, { a => 3, b => '' }, 'one that was deleted is gone');

    my $session = $pg->session;

    for my $n (10 .. 59) {
        set_flags($session, a => $n);
    }

    becomes($t, { a => 59 }, 'fifty changes in a row end with the last');

    my $revision = now($t)->{revision};

    is($revision, ($pg->rows('SELECT revision FROM flagship.revision'))[0][0],
        'the revision is the database\'s');

    $pg->notify('flagship', 'nothing that is a number');
    $pg->notify('flagship', 4_000_000_000);
    $pg->notify('other', 1);

    set_flags($pg, a => 60);
    becomes($t, { a => 60 }, 'notifications of nothing do no harm');

    is($pg->rows("SELECT pid FROM pg_stat_activity
        WHERE application_name = 'flagship'"), 1, 'one connection a host');

    $t->stop;
    $t->check;
};


subtest 'polling alone' => sub {
    set_flags($pg, a => 60);

    my $t = answers(['a'], qq(flagship_postgres "$info";
        flagship_refresh 200ms notify=off;))->run;

    becomes($t, { a => 60 }, 'what is there is loaded');

    is($pg->sql("SELECT count(*) FROM pg_stat_activity
        WHERE application_name = 'flagship' AND query ILIKE 'LISTEN%'"), '0',
        'nothing listens');

    set_flags($pg, a => 61);
    becomes($t, { a => 61 }, 'a poll finds a change');

    $t->check;
};


subtest 'notifications that do not come' => sub {
    set_flags($pg, a => 61);

    my $t = answers(['a'], qq(flagship_postgres "$info";
        flagship_refresh 200ms;))->run;

    becomes($t, { a => 61 }, 'loaded');

    my $connection = sub {
        join ' ', map { $_->[0] } $pg->rows("SELECT pid
            FROM pg_stat_activity WHERE application_name = 'flagship'");
    };

    my $first = $connection->();

    my $silent = sub {
        my ($n) = @_;
        $pg->sql("BEGIN; SET LOCAL session_replication_role = replica;
            UPDATE flagship.flags SET variants = '{\"v\":\"$n\"}'
             WHERE key = 'a' AND environment = 'prod';
            UPDATE flagship.revision SET revision = revision + 1;
            INSERT INTO flagship.changes
                (revision, entity, id, tenant, environment, key, operation)
            SELECT r.revision, 'flag', f.id, f.tenant, f.environment, f.key,
                   'update'
              FROM flagship.revision r, flagship.flags f
             WHERE f.key = 'a' AND f.environment = 'prod'; COMMIT");
    };

    $silent->(62);
    becomes($t, { a => 62 }, 'a poll finds what was not notified');

    $silent->(63);
    becomes($t, { a => 63 }, 'and again');

    ok(wait_for(sub { my $is = $connection->(); $is && $is ne $first }),
        'a new connection listens');

    is($t->lines(qr/changes come without a notification/), 1,
        'which is logged once');

    set_flags($pg, a => 64);
    becomes($t, { a => 64 }, 'notifications are back');

    ok(wait_for(sub { $t->lines(qr/notifications come again/) }),
        'which is logged too');

    $t->check;
};


subtest 'who leads' => sub {
    set_flags($pg, a => 64);

    my $t = answers(['a'], qq(flagship_postgres "$info";
        flagship_refresh 1h;), workers => 3)->run;

    $t->allow(qr/exited on signal 9/);

    becomes($t, { a => 64 }, 'loaded');

    for my $n (65 .. 67) {
        my $leader = leader($t, $pg);

        ok($leader, 'one worker leads') or last;

        kill 'KILL', $leader;

        set_flags($pg, a => $n);
        becomes($t, { a => $n }, 'it is killed: another takes over');
    }

    my $leader = leader($t, $pg);
    kill 'STOP', $leader;

    # asked of the others, as the kernel gives the stopped one its share
    my $served = wait_for(sub {
        my $c = $t->connect(timeout => 1);
        my $is = eval {
            $c->request('GET', '/', headers => [ Connection => 'close' ]);
            Flagship::Source::values($c->response->body);
        };
        set_flags($pg, a => 70) if !$is || $is->{a} ne '70';
        return $is && $is->{a} eq '70';
    }, 60);

    ok($served, 'it is stopped: another takes over when the lease is out');

    kill 'CONT', $leader;

    ok(wait_for(sub { $t->lines(qr/another one leads/) }),
        'the stopped one finds that it does not lead any more');

    set_flags($pg, a => 71);
    becomes($t, { a => 71 }, 'and changes go on');

    ok(wait_for(sub {
        $pg->rows("SELECT pid FROM pg_stat_activity
            WHERE application_name = 'flagship'") == 1;
    }), 'one connection a host again');

    $t->check;
};


subtest 'the database becomes another one' => sub {
    my $t = answers(['a', 'b'], qq(flagship_postgres "$info";
        flagship_refresh 200ms;))->run;

    set_flags($pg, a => 80, b => 80);
    becomes($t, { a => 80, b => 80 }, 'loaded');

    # a backup comes back: same epoch, older content, a smaller number
    $pg->sql("BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE flagship.flags SET variants = '{\"v\":\"7\"}'
         WHERE key = 'a' AND environment = 'prod';
        DELETE FROM flagship.flags WHERE key = 'b';
        UPDATE flagship.revision SET revision = revision - 3; COMMIT");

    becomes($t, { a => 7, b => '' }, 'a step back is taken');
    is($t->lines(qr/\[warn\].*went back from revision/), 1, 'with a warning');

    set_flags($pg, a => 81);
    becomes($t, { a => 81 }, 'and it goes on from there');

    $pg->sql("BEGIN; SET LOCAL session_replication_role = replica;
        UPDATE flagship.flags SET variants = '{\"v\":\"8\"}'
         WHERE key = 'a' AND environment = 'prod';
        UPDATE flagship.revision SET revision = revision - 1,
               epoch = gen_random_uuid(); COMMIT");

    becomes($t, { a => 8 }, 'another epoch is taken');
    is($t->lines(qr/\[warn\].*epoch/), 1, 'with a warning');

    set_flags($pg, a => 82);
    becomes($t, { a => 82 }, 'and it goes on from there too');

    $t->check;
};


subtest 'a reload' => sub {
    set_flags($pg, a => 82);

    my $source = qq(flagship_postgres "$info"; flagship_refresh 1h;);
    my $t = answers(['a'], $source)->run;

    becomes($t, { a => 82 }, 'loaded');

    my $load = Flagship::Load->new($t, check => sub {
        my ($is, $last) = @_;
        return 'nothing' if $is->{a} eq '';
        return $last && $is->{a} < $last->{a} ? "$last->{a}, then $is->{a}" : '';
    });

    for my $n (83 .. 87) {
        ok($t->reload(wait => 1), 'reloads');
        set_flags($pg, a => $n);
        becomes($t, { a => $n }, 'the new workers listen');
    }

    configure($t, ['a'], $source, zone => '6m');
    ok($t->reload(wait => 1), 'reloads with another size of the zone');

    set_flags($pg, a => 88);
    becomes($t, { a => 88 }, 'the new workers listen');

    my $said = $load->stop;

    is($said->{wrong} + $said->{cut}, 0, 'no request noticed')
        or diag explain $said;

    $t->check;
};


subtest 'two ways to the database' => sub {
    set_flags($pg, a => 88);

    my $t = answers(['a'], qq(flagship_postgres "host=127.0.0.1 port=1"
        listen="$info" timeout=1s;))->run;

    becomes($t, { a => 88 }, 'listen= is the one that is listened on');

    $t->check;
};


subtest 'where the conninfo stands' => sub {
    set_flags($pg, a => 88);

    my $t = Flagship::Test->new;

    $t->write_file('conninfo', "$info\n");
    $t->set(FILE => $t->dir . '/conninfo');

    configure($t, ['a'], 'flagship_postgres file=%%FILE%%;')->run;
    becomes($t, { a => 88 }, 'in a file');
    $t->stop;
    $t->check;

    local $ENV{FLAGSHIP_TEST_DATABASE} = $info;

    $t = answers(['a'], 'flagship_postgres env=FLAGSHIP_TEST_DATABASE;')->run;
    becomes($t, { a => 88 }, 'in the environment');
    ok($t->reload(wait => 1), 'also at a reload');
    $t->check;
};


subtest 'configurations that are refused' => sub {
    my %refused = (
        'flagship_postgres "x=1";' => qr/x/,
        'flagship_postgres env=FLAGSHIP_TEST_NONE;'
            => qr/environment has no "FLAGSHIP_TEST_NONE"/,
        'flagship_postgres file=/nonexistent/file;' => qr{/nonexistent/file},
        qq(flagship_postgres "$info" pool=0;) => qr/"pool=0"/,
        qq(flagship_postgres "$info" timeout=soon;) => qr/"timeout=soon"/,
        qq(flagship_postgres "$info" what=1;) => qr/"what=1"/,
        qq(flagship_postgres "$info"; flagship_postgres "$info";)
            => qr/is duplicate/,
        qq(flagship_postgres "$info"; flagship_file flags.json;)
            => qr/one source/,
        qq(flagship_postgres "$info"; flagship_refresh 0;)
            => qr/"0" of "flagship_refresh"/,
        qq(flagship_postgres "$info"; flagship_refresh 1s notify=maybe;)
            => qr/"notify=maybe"/,
        '' => qr/has no source/,
    );

    for my $source (sort keys %refused) {
        my $t = answers(['a'], $source);
        my ($said, $accepted) = $t->allow(qr/emerg/)->test_config;

        ok(!$accepted, $source || 'no source');
        like($said, $refused{$source}, 'and it is said why');
    }

    my $t = answers(['a'], 'flagship_postgres "host=192.0.2.1
        password=correct-horse port=nonsense";')->allow(qr/emerg/);

    unlike($t->test_config, qr/correct-horse/, 'no password is printed');
};


subtest 'nginx -t needs no database' => sub {
    my $t = answers(['a'], 'flagship_postgres
        "host=no.such.host.example password=correct-horse";');
    my ($said, $accepted) = $t->test_config;

    ok($accepted, 'accepted') or diag $said;
    unlike($said, qr/correct-horse/, 'no password is printed');
};


done_testing;
