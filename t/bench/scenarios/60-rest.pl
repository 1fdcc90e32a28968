# The REST API with 16 clients that keep their connections: reads, writes and
# evaluations, beside the same endpoints of a FastAPI service (see its file in
# fastapi/), one worker and one PostgreSQL for both.  Then what a write costs
# over the function call that it is, what writes do to the requests that nginx
# proxies meanwhile, and what a worker needs for lists of many flags.
#
# Without what `make bench` installs for the service, the API stands alone.

package Flagship::Bench::Scenario::Rest;

use strict;
use warnings;

use DBI ();
use JSON::PP ();
use POSIX ();
use Time::HiRes qw(sleep time);

use Flagship::Bench;
use Flagship::Bench::Database;
use Flagship::Bench::FastAPI;
use Flagship::Bench::Flags;
use Flagship::Bench::Nginx;
use Flagship::Bench::Server qw(read_file);
use Flagship::Process qw(until_true);

use constant {
    KEY     => 'flagship_benchkey_secret-of-the-bench',
    CLIENTS => 16,
    WRITERS => 4,
    FLAGS   => 100,
    PAUSE   => 3,
};

# what is asked, how many times faster it should be, and whether the service
# could also answer from its memory
my @asked = (
    { name => 'get',        title => 'GET a flag',           least => 10 },
    { name => 'list',       title => 'GET 100 flags',        least => 10 },
    { name => 'patch',      title => 'PATCH a flag',         least => 2 },
    { name => 'evaluate',   title => 'GET an evaluation',    least => 50,
      cached => 1 },
    { name => 'user_flag',  title => "GET a user's flag",    least => 50,
      cached => 1 },
    { name => 'user_flags', title => "GET a user's 100 flags", least => 50,
      cached => 1 },
);


# An nginx with the API on a database of its own, where the flags are; aside as
# the database's.

sub start {
    my ($bench, $flags, %options) = @_;

    my $database = Flagship::Bench::Database->start(aside => $options{aside});
    my $session = $database->session;
    my $document = Flagship::Bench::Flags::document(
        Flagship::Bench::Flags::mixed($flags));

    $session->sql(q{INSERT INTO flagship.api_keys (id, tenant, role, hash)
        VALUES ('benchkey', 'default', 'editor', sha256('}
        . KEY =~ s/.*_//r . q{'))});
    $session->sql("INSERT INTO flagship.flags (key, type, enabled, variants, "
        . 'default_variant, off_variant, rules, user_ids, rollout) '
        . "SELECT key, type, enabled, variants, default_variant, off_variant, "
        . "coalesce(rules, '[]'), coalesce(user_ids, '[]'), rollout "
        . 'FROM json_populate_recordset(NULL::flagship.flags, '
        . "'$document'::json->'flags')");
    $session->sql('ANALYZE');

    my $nginx = Flagship::Bench::Nginx->start($bench, 'rest',
        pin     => 'tested',
        modules => ["$bench->{build}/ngx_http_flagship_module.so"],
        http    => "flagship_zone 64m;\nflagship_postgres \""
            . $database->conninfo . '" pool=' . CLIENTS . ";\n"
            . ($options{http} // ''),
        server  => "location = /ready { flagship_status ready; }\n"
            . ($options{server} // '')
            . "location / { flagship_api; flagship_write_wait 20s; }\n");

    $nginx->until_ready;
    $nginx->{database} = $database;

    return $nginx;
}


sub header { return { 'X-API-Key' => KEY } }


# A rollout that is another one than the last.

my $patches = 0;

sub next_patch {
    return sprintf '{"rollout": %.3f}', ++$patches % 99991 / 1000;
}


sub patch {
    my ($nginx, $socket, $flag) = @_;

    my ($status, $body) = $nginx->ask('PATCH', "/flags/$flag",
        socket => $socket, headers => header(), body => next_patch());

    die "a PATCH is $status:\n$body\n" if $status != 200;
}


# Nothing is measured that does not do what it should.

sub check {
    my ($server) = @_;

    my $json = JSON::PP->new->utf8;

    my $ask = sub {
        my ($method, $path, %options) = @_;
        my ($status, $body) = $server->ask($method, $path,
                                           headers => header(), %options);

        die "$server->{name}: $method $path is $status:\n$body\n"
            if $status != 200;
        return $json->decode($body);
    };

    my $list = $ask->('GET', '/flags?limit=100');
    die "$server->{name}: a wrong list\n" if @{ $list->{flags} } != FLAGS;

    my $flag = $ask->('GET', '/flags/checkout_01');
    my $changed = $ask->('PATCH', '/flags/checkout_01',
                         body => '{"rollout": 12.5}');

    die "$server->{name}: a change changed nothing\n"
        if $changed->{version} != $flag->{version} + 1
           || $changed->{rollout} != 12.5;

    my %seen;

    for my $user (1 .. 40) {
        my $query = "user$user/flags/checkout_03?country=de&plan=pro";
        $seen{ $ask->('GET', "/users/$query")->{enabled} ? 'on' : 'off' }++;
    }

    die "$server->{name}: all users got the same\n" if keys %seen < 2;

    my $all = $ask->('GET', '/users/user7/flags?country=de&plan=pro');
    die "$server->{name}: wrong flags of a user\n"
        if @{ $all->{flags} } != FLAGS
           || grep { !defined $_->{variant} } @{ $all->{flags} };
}


# Each write has its version, its audit row and its revision.

sub check_writes {
    my ($server, $schema) = @_;

    my ($versions, $rows, $revision) = split /\t/,
        $server->{database}->session->sql("SELECT (SELECT sum(version - 1) FROM "
            . "$schema.flags), (SELECT count(*) FROM $schema.audit WHERE "
            . "action = 'update'), (SELECT revision FROM $schema.revision)");

    die "$server->{name}: $versions versions, $rows rows of the audit, "
        . "revision $revision\n"
        if $versions != $rows || $revision < $rows || $rows == 0;
}


sub beside {
    my ($bench, $nginx) = @_;

    my $peer;

    check($nginx);

    if (Flagship::Bench::FastAPI::python($bench)) {
        $peer = Flagship::Bench::FastAPI->start($bench, 'FastAPI',
            key   => KEY,
            pool  => CLIENTS,
            flags => Flagship::Bench::Flags::document(
                         Flagship::Bench::Flags::mixed(FLAGS)));
        check($peer);

    } else {
        $bench->note('rest: FastAPI is not installed (make bench does that): '
            . 'the API is measured alone');
    }

    my @do = grep { !$bench->{short}
                    || $_->{name} =~ /^(?:get|patch|evaluate)$/ } @asked;
    my %subs;

    for my $ask (@do) {
        my $name = $ask->{name};

        $subs{"$name nginx"} = sub { load($nginx, $name, '') };

        next if !$peer;

        $subs{"$name FastAPI"} = sub { load($peer, $name, '') };
        $subs{"$name cached"} = sub { load($peer, $name, '/cached') }
            if $ask->{cached};
    }

    my $got = $bench->interleave(\%subs);

    check_writes($nginx, 'flagship');
    check_writes($peer, 'public') if $peer;

    report($bench, $got, @do);
}


sub load {
    my ($server, $asked, $folder) = @_;

    return $server->load('/', script => 'rest.lua', connections => CLIENTS,
                         arguments => [$asked, KEY, FLAGS, $folder]);
}


sub report {
    my ($bench, $got, @do) = @_;

    my (%rate, %cpu);

    for my $name (keys %$got) {
        my $g = $got->{$name};
        $rate{$name} = Flagship::Bench::ratios($g->{requests}, $g->{seconds});
        $cpu{$name} = [map { $_ / 1000 }
                       @{ Flagship::Bench::ratios($g->{cpu}, $g->{requests}) }];
    }

    for my $ask (@do) {
        my ($name, $title) = @$ask{qw(name title)};

        for my $who (grep { $rate{"$name $_"} } qw(nginx FastAPI cached)) {
            my $of = $who eq 'cached' ? 'FastAPI from memory' : $who;

            $bench->figure("rest: $title, $of, throughput", 'req/s',
                           $rate{"$name $who"});
            $bench->figure("rest: $title, $of, worker CPU a request", 'us',
                           $cpu{"$name $who"});
            next if $who eq 'nginx';

            $bench->figure("rest: $title, throughput, nginx / $of", 'x',
                Flagship::Bench::ratios($rate{"$name nginx"},
                                        $rate{"$name $who"}),
                $who eq 'FastAPI' ? (least => $ask->{least}) : ());
            $bench->figure("rest: $title, worker CPU, $of / nginx", 'x',
                Flagship::Bench::ratios($cpu{"$name $who"},
                                        $cpu{"$name nginx"}));
        }
    }
}


# One client, one write after another, each through the API and through the
# function in turn.

sub writes {
    my ($bench, $nginx) = @_;

    my $socket = $nginx->connect;
    my ($name, $where, $port) = map { $nginx->{database}->$_ }
        qw(name socket port);
    my $dbh = DBI->connect("dbi:Pg:dbname=$name;host=$where;port=$port",
        'postgres', '', { RaiseError => 1, AutoCommit => 1 });
    my $call = $dbh->prepare('SELECT * FROM flagship.change_flag(?, ?, ?, ?, '
        . '?, NULL, ?, NULL, false)', { pg_server_prepare => 0 });
    my $flag = Flagship::Bench::Flags::key(1);
    my @rounds;

    my %write = (
        function => sub {
            $call->execute('key:benchkey', 'default', 'prod', $flag,
                           next_patch(), '{rollout}');
            my ($outcome) = $call->fetchrow_array;
            die "$outcome\n" if $outcome ne 'changed';
            $call->finish;
        },
        nginx => sub { patch($nginx, $socket, $flag) },
    );

    for my $round (1 .. $bench->{rounds}) {
        my %ms;

        for (1 .. ($bench->{short} ? 10 : 200)) {
            for my $how (sort keys %write) {
                my $start = time;
                $write{$how}->();
                push @{ $ms{$how} }, 1000 * (time - $start);
            }
        }

        push @rounds, { map { $_ => Flagship::Bench::median($ms{$_}) }
                        keys %ms };
    }

    my %median = map { my $how = $_; $how => [map { $_->{$how} } @rounds] }
        keys %write;

    $bench->figure('rest: a write, the function on one connection', 'ms',
                   $median{function});
    $bench->figure('rest: a write, PATCH, served when answered', 'ms',
                   $median{nginx});
    $bench->figure('rest: a write, PATCH / the function', 'x',
        Flagship::Bench::ratios($median{nginx}, $median{function}),
        most => 1.3);
}


# The 99th percentile of what the same worker proxies, with 200 writes a
# second through the API and without.
#
# What is asked for is how long writes hold the worker's event loop, which has
# a processor of its own.  PostgreSQL, which has a machine of its own in use,
# would take a third of that one and preempt the loop: it stands aside, and so
# do the writers.  Requests come from clients that pause and not as fast as can
# be, since that would leave PostgreSQL nothing of the other processor, and it
# could not make the writes.

sub inline {
    my ($bench) = @_;

    my $upstream = Flagship::Bench::Nginx->start($bench, 'upstream',
        server => 'location / { return 200 "ok\n"; }');
    my $nginx = start($bench, FLAGS,
        aside  => $bench,
        http   => "upstream application {\n"
            . "    server 127.0.0.1:$upstream->{port};\n    keepalive 64;\n}\n"
            . "flagship_targeting_key \$cookie_uid;\n",
        server => "location /app {\n    proxy_http_version 1.1;\n"
            . "    proxy_set_header Connection '';\n    flagship_headers "
            . join(' ', map { Flagship::Bench::Flags::key($_) } 1 .. 10)
            . ";\n    proxy_pass http://application;\n}\n");

    my $got = $bench->interleave({
        'no writes'           => sub { proxied($bench, $nginx, 0) },
        '200 writes a second' => sub { proxied($bench, $nginx, 1) },
    });

    my %p99 = map {
        $_ => Flagship::Bench::ratios(@{ $got->{$_} }{qw(p99 runs)})
    } keys %$got;

    $bench->figure("rest: p99 of proxied requests, $_", 'us', $p99{$_})
        for 'no writes', '200 writes a second';
    $bench->figure('rest: p99 of proxied requests, 200 writes a second / '
        . 'no writes', 'x', Flagship::Bench::ratios(
            @p99{'200 writes a second', 'no writes'}), most => 1.2);
}


sub proxied {
    my ($bench, $nginx, $writes) = @_;

    my $revision = revision($nginx);
    my @writers = $writes ? map { writer($bench, $nginx, $_) } 1 .. WRITERS
                          : ();
    my $seconds = $bench->{short} ? 1 : 2;

    if ($writes) {
        until_true(60, sub { revision($nginx) > $revision })
            or die "no write in a minute\n";
        $revision = revision($nginx);
    }

    my $got = $nginx->load('/app', seconds => $seconds, connections => 16,
                           arguments => [PAUSE]);
    my $written = revision($nginx) - $revision;

    kill 'TERM', @writers;
    waitpid $_, 0 for @writers;

    die "$written writes in $seconds s\n" if !$writes && $written;

    $bench->note("rest: $written writes in $seconds s, on a machine that is "
                 . 'too busy')
        if $writes && $written < 190 * $seconds;

    return { p99 => $got->{p99}, runs => 1 };
}


sub revision {
    my ($nginx) = @_;

    return $nginx->{database}->session->sql(
        'SELECT revision FROM flagship.revision');
}


# A process that makes its part of 200 writes a second, none at the moment of
# another's, until it is told to stop.

sub writer {
    my ($bench, $nginx, $n) = @_;

    my $pid = fork() // die "fork: $!";
    return $pid if $pid;

    my $done;
    $SIG{TERM} = sub { $done = 1 };
    $bench->aside($$);

    my $socket = $nginx->connect;
    my $flag = Flagship::Bench::Flags::key(20 + $n);
    my $pause = WRITERS / 200;
    my $next = time + $pause * $n / WRITERS;

    until ($done) {
        sleep($next - time) if $next > time;
        $next += $pause;
        patch($nginx, $socket, $flag);
    }

    POSIX::_exit(0);
}


# How much larger a worker ever is than before the first request, while 16
# clients at once walk through all flags in pages, and while as many ask for a
# user's.

sub memory {
    my ($bench) = @_;

    my $flags = $bench->{short} ? 1_000 : 10_000;
    my $nginx = start($bench, $flags);
    my %asked = (
        'pages of 500' => sub { pages($nginx) },
        'all flags of a user' => sub { together($nginx, '/users/u/flags') },
    );
    my ($worker) = $nginx->workers;
    my %more;

    forget_peak($worker);
    my $before = peak($worker);

    for (1 .. ($bench->{short} ? 1 : 3)) {
        for my $what (sort keys %asked) {
            forget_peak($worker);
            $asked{$what}->();
            push @{ $more{$what} }, peak($worker) - $before;
        }
    }

    $bench->figure("rest: memory of a worker, $flags flags, 16 clients, $_",
                   'KiB', $more{$_}) for sort keys %more;
}


# The peak of a process's resident memory starts anew.

sub forget_peak {
    my ($pid) = @_;

    open my $fh, '>', "/proc/$pid/clear_refs" or die "clear_refs: $!\n";
    print $fh "5\n";
    close $fh or die "clear_refs: $!\n";
}


sub peak {
    my ($pid) = @_;

    return (read_file("/proc/$pid/status") =~ /^VmHWM:\s+(\d+) kB/m)[0];
}


sub pages {
    my ($nginx) = @_;

    my $cursor = '';

    while (1) {
        my @bodies = together($nginx, "/flags?limit=500$cursor");
        my ($next) = $bodies[0] =~ /"next_cursor":"([^"]+)"/ or last;
        $cursor = "&cursor=$next";
    }
}


# The same from all clients, none of which reads before all have asked.

sub together {
    my ($nginx, $path) = @_;

    my @sockets = map { $nginx->connect } 1 .. CLIENTS;

    print $_ "GET $path HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        . 'X-API-Key: ' . KEY . "\r\n\r\n" for @sockets;

    sleep 0.2;

    return map { local $/; my $answer = readline $_;
                 die "$path: $answer\n" if $answer !~ m{^HTTP/1\.1 200 };
                 $answer } @sockets;
}


sub run {
    my ($bench) = @_;

    my $nginx = start($bench, FLAGS);

    beside($bench, $nginx);
    writes($bench, $nginx);
    undef $nginx;

    inline($bench);
    memory($bench);
}


return { title => 'the REST API, beside a FastAPI service', run => \&run };
