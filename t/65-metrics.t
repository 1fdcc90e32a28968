#!/usr/bin/perl

# What is counted, and how flagship_metrics says it: each evaluation of a
# request once, in all workers, across reloads, crashes and other zones.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Flagship::Source;
use Flagship::Test;


my @flags = (
    '{"key":"a","enabled":true,"variants":{"on":true,"off":false},'
        . '"default_variant":"on","off_variant":"off",'
        . '"rules":[{"when":{"==":[{"var":"plan"},"pro"]},"serve":"off"}]}',
    '{"key":"b","type":"string","enabled":false,'
        . '"variants":{"x":"one","y":"two"},"default_variant":"x",'
        . '"off_variant":"y"}',
    '{"key":"c","enabled":true,"variants":{"on":true,"off":false},'
        . '"default_variant":"on","off_variant":"off",'
        . '"prerequisites":[{"flag":"a","variant":"on"}]}');


# One asks what was decided before it

my @asks = map { '{"environment":"asks","enabled":true,'
    . '"variants":{"on":true,"off":false},"default_variant":"on",'
    . "\"off_variant\":\"off\",$_}" }
    '"key":"a"', '"key":"c"',
    '"key":"b","rules":[{"when":{"==":[{"var":"decided"},"a=on"]},'
        . '"serve":"off"}]';


# In prod, and the first one in dev

sub flags {
    my @more = @_;

    my $dev = $flags[0] =~ s/\{/{"environment":"dev",/r;

    return '{"flags":[' . join(',', @flags, $dev, @asks, @more) . ']}';
}


sub config {
    my ($t, %o) = @_;

    my $zone = $o{zone} // '1m';
    my $many = join "\n", map { "add_header X-M \$flagship_value_m$_;" }
        1 .. $o{many} // 0;

    return $t->config(<<"EOT");
%%GLOBALS%%
events {}
http {
    %%HTTP%%
    flagship_zone $zone;
    flagship_file %%DIR%%/flags.json;
    flagship_attribute plan \$arg_plan;
    map \$flagship_flags \$decided { default \$flagship_flags; }
    flagship_attribute decided \$decided;
    flagship_response_headers off;

    server {
        listen 127.0.0.1:%%PORT%%;

        location = /metrics { flagship_metrics; }

        location /pid { return 200 \$pid; }

        location /a {
            return 200 "\$flagship_value_a\$flagship_variant_a\$flagship_reason_a";
        }

        location /b { return 200 "\$flagship_value_b"; }
        location /c { return 200 "\$flagship_value_c"; }
        location /none { return 200 "\$flagship_value_nothing"; }
        location /many {
            $many
            return 200 \$pid;
        }

        location /dev {
            flagship_environment dev;
            return 200 "\$flagship_value_a";
        }

        location /inject {
            flagship_headers on;
            flagship_response_headers a c;
            rewrite ^/inject/again /inject/once last;
            proxy_pass http://127.0.0.1:%%PORT%%/echo;
            add_header X-Log "\$flagship_value_a \$flagship_value_b";
        }

        location /asks {
            flagship_environment asks;
            flagship_headers on;
            proxy_pass http://127.0.0.1:%%PORT%%/echo;
        }

        location /echo { return 204; }

        location /api/ {
            flagship_api;
            flagship_anonymous viewer;
        }

        location /gated {
            flagship_gate a;
            flagship_gate c;
            proxy_pass http://127.0.0.1:%%PORT%%/echo;
        }
    }
}
EOT
}


# The samples as { 'name{labels}' => value }; dies where the text is not what
# the format says

sub metrics {
    my ($t) = @_;

    my $r = $t->get('/metrics');
    my $text = $r->body;

    $r->status == 200 && $text =~ /\n\z/ or die "no metrics: $text";

    my (%sample, %type, %help, $name);

    for my $line (split /\n/, $text) {
        if ($line =~ /\A# HELP ([a-z_]+) (\S.*)\z/) {
            die "$1 twice" if $help{$1}++;
            $name = $1;

        } elsif ($line =~ /\A# TYPE ([a-z_]+) (counter|gauge)\z/) {
            my ($of, $is) = ($1, $2);

            die "type of $of" if $of ne $name || $type{$of};
            die "$of is a $is" if ($is eq 'counter') != ($of =~ /_total\z/);
            $type{$of} = $is;

        } elsif ($line =~ /\A(([a-z_]+)(?:\{(.*)\})?) ([0-9]+)\z/) {
            my ($key, $labels, $value) = ($1, $3, $4);

            die "$key is no $name" if $2 ne $name || !$type{$name};
            die "$key twice" if exists $sample{$key};

            if (defined $labels) {
                my $label = qr/[a-z_]+="(?:[^"\\\n]|\\[\\"n])*"/;
                die "labels of $key" if $labels !~ /\A$label(?:,$label)*\z/;
            }

            $sample{$key} = $value;

        } else {
            die "a line: $line";
        }
    }

    return \%sample;
}


# Evaluations as { 'environment flag variant reason' => value }

sub counted {
    my ($t) = @_;

    my $m = metrics($t);
    my %counted;

    for (keys %$m) {
        /\Aflagship_evaluations_total\{(.*)\}/ or next;
        my %l = $1 =~ /(\w+)="((?:[^"\\]|\\.)*)"/g;

        if ($l{flag} eq '') {
            $counted{other} = $m->{$_};
            next;
        }

        is($l{tenant}, 'default', 'of the tenant');
        $counted{"$l{environment} $l{flag} $l{variant} $l{reason}"} = $m->{$_};
    }

    return \%counted;
}


# Does something, and what that added

sub adds {
    my ($t, $do, $want, $name) = @_;

    my $before = counted($t);
    $do->();
    my $after = counted($t);

    my %added = map { ($_ => $after->{$_} - ($before->{$_} // 0)) }
        grep { $after->{$_} != ($before->{$_} // 0) } keys %$after;

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    is_deeply(\%added, $want, $name);
}


my $t = Flagship::Test->new(workers => 2);

$t->write_file('flags.json', flags());
config($t)->run;


subtest 'the form' => sub {
    my $r = $t->get('/metrics');

    is($r->header('Content-Type'), 'text/plain; version=0.0.4; charset=utf-8',
        'its type');

    my $m = metrics($t);

    is((grep { /\Aflagship_build_info\{version="[0-9.]+",nginx="[0-9.]+"\}\z/ }
        keys %$m), 1, 'the versions');
    is($m->{flagship_workers}, 2, 'the workers');
    is($m->{flagship_snapshot_revision}, 1, 'the revision');
    cmp_ok($m->{flagship_snapshot_age_seconds}, '<', 300, 'its age');
    is($m->{'flagship_flags{tenant="default",environment="prod"}'}, 3,
        'the flags of a set');
    is($m->{'flagship_flags{tenant="default",environment="dev"}'}, 1,
        'and of another');
    is($m->{'flagship_quarantined_flags{tenant="default",environment="prod"}'},
        0, 'all compile');
    is($m->{flagship_publications_total}, 1, 'one publication');
    is($m->{flagship_shm_full}, 0, 'there is room');
    is($m->{flagship_generations}, 1, 'one generation');
    cmp_ok($m->{'flagship_shm_bytes{state="used"}'}
        + $m->{'flagship_shm_bytes{state="free"}'}, '>', 900_000,
        'all the memory');
    cmp_ok($m->{flagship_shm_largest_free_bytes}, '<=',
        $m->{'flagship_shm_bytes{state="free"}'}, 'its largest piece');
    is_deeply(counted($t), { other => 0 }, 'nothing is counted yet');

    is($t->http('HEAD', '/metrics')->body, '', 'HEAD has no body');
    is($t->http('POST', '/metrics')->status, 405, 'POST is not allowed');
};


subtest 'an evaluation is counted' => sub {
    adds($t, sub { $t->get('/a') }, { 'prod a on DEFAULT' => 1 },
        'once a request, however often it is read');
    adds($t, sub { $t->get('/a?plan=pro') for 1 .. 3 },
        { 'prod a off TARGETING_MATCH' => 3 }, 'by what came of it');
    adds($t, sub { $t->get('/b') }, { 'prod b y DISABLED' => 1 },
        'one that is off');
    adds($t, sub { $t->get('/dev') }, { 'dev a on DEFAULT' => 1 },
        'by its environment');
    adds($t, sub { $t->get('/c') }, { 'prod c on DEFAULT' => 1 },
        'without those it depends on');
    adds($t, sub { $t->get('/none') }, {}, 'one that there is not is none');
    adds($t, sub { $t->get('/pid') }, {}, 'nor is a request without flags');

    my $all = { 'prod a on DEFAULT' => 1, 'prod b y DISABLED' => 1,
        'prod c on DEFAULT' => 1 };

    adds($t, sub { $t->get('/inject/once') }, $all,
        'headers, response headers and variables of one request');
    adds($t, sub { $t->get('/inject/again') }, $all,
        'after an internal redirect');
    adds($t, sub { $t->get('/asks') }, { 'asks a on STATIC' => 1,
        'asks b off TARGETING_MATCH' => 1, 'asks c on STATIC' => 1 },
        'where one of them asks for those before it');
    adds($t, sub { $t->get('/gated') },
        { 'prod a on DEFAULT' => 1, 'prod c on DEFAULT' => 1 }, 'gates');
};


subtest 'an evaluation over HTTP' => sub {
    adds($t, sub { $t->get('/api/evaluate/a?plan=pro') },
        { 'prod a off TARGETING_MATCH' => 1 }, 'is one');
    adds($t, sub { $t->get('/api/users/u/flags/b?env=prod') },
        { 'prod b y DISABLED' => 1 }, 'for a user');
    adds($t, sub { $t->http('POST', '/api/evaluate', body => '{}',
        headers => [ 'Content-Type' => 'application/json' ]) },
        { 'prod a on DEFAULT' => 1, 'prod b y DISABLED' => 1,
          'prod c on DEFAULT' => 1 }, 'of all flags, one each');
    adds($t, sub { $t->get('/api/evaluate/nothing') }, {},
        'of one that there is not, none');
};


subtest 'other generations' => sub {
    my $before = counted($t);

    for my $round (1 .. 5) {
        $t->write_file('flags.json', flags(qq({"key":"r$round",)
            . '"enabled":true,"variants":{"on":true,"off":false},'
            . '"default_variant":"on","off_variant":"off"}'));
        ok(wait_for(sub { metrics($t)->{flagship_publications_total}
            == $round + 1 }), "generation $round");
        $t->get('/a') for 1 .. 10;
        $t->get('/dev');
    }

    my $after = counted($t);

    is($after->{'prod a on DEFAULT'} - $before->{'prod a on DEFAULT'}, 50,
        'counts go on');
    is($after->{'dev a on DEFAULT'} - $before->{'dev a on DEFAULT'}, 5,
        'each set\'s its own');
};


subtest 'workers that come and go' => sub {
    $t->allow(qr/exited on signal 9/);

    my $total = counted($t)->{'prod a on DEFAULT'};
    my $n = 0;

    # both of them count
    my %seen;
    ok(wait_for(sub {
        my $c = $t->connect;
        $c->request('GET', '/a');
        $c->response;
        $n++;
        $c->request('GET', '/pid');
        $seen{ $c->response->body } = 1;
        keys %seen == 2;
    }), 'two workers');
    is(counted($t)->{'prod a on DEFAULT'}, $total + $n, 'the sum of both');

    for my $round (1 .. 3) {
        my ($pid) = $t->workers;
        kill 'KILL', $pid;
        ok(wait_for(sub { !grep({ $_ == $pid } $t->workers)
            && $t->workers == 2 }), "a worker is killed, $round");
        $t->get('/a') for 1 .. 7;
        $n += 7;
        is(counted($t)->{'prod a on DEFAULT'}, $total + $n,
            'nothing is lost');
    }

    for my $round (1 .. 5) {
        ok($t->reload(wait => 1), "reload $round");
        $t->get('/a') for 1 .. 7;
        $n += 7;
        is(counted($t)->{'prod a on DEFAULT'}, $total + $n,
            'nothing is lost');
    }

    is(metrics($t)->{flagship_workers}, 2, 'two workers again');

    for my $zone ('2m', '512k') {
        ok(config($t, zone => $zone)->reload(wait => 1), "a zone of $zone");
        is(counted($t)->{'prod a on DEFAULT'}, $total + $n,
            'takes the counts over');
        $t->get('/a') for 1 .. 7;
        $n += 7;
        is(counted($t)->{'prod a on DEFAULT'}, $total + $n, 'and goes on');
    }
};

$t->stop;


subtest 'more than there is room for' => sub {
    my $n = 400;

    $t = Flagship::Test->new(workers => 2);
    $t->write_file('flags.json', flags(map { qq({"key":"m$_","enabled":true,)
        . '"variants":{"on":true,"off":false},"default_variant":"on",'
        . '"off_variant":"off"}' } 1 .. $n));
    config($t, zone => '512k', many => $n)->run;

    my %seen;
    my $requests = 0;

    # in both workers, and in one of them again
    ok(wait_for(sub {
        $requests++;
        my ($pid) = $t->get('/many')->body =~ /\A(\d+)/;
        $seen{$pid}++;
        keys %seen == 2 && $requests > 3;
    }), 'both workers');

    my $counted = counted($t);
    my $other = delete $counted->{other};
    my $sum = 0;
    $sum += $counted->{$_} for keys %$counted;

    cmp_ok($other, '>', 0, 'some are counted as one');
    is($sum + $other, $n * $requests, 'and none is lost');
    cmp_ok(scalar keys %$counted, '>', 100, 'the others by their names');
    is((grep { $counted->{$_} != $requests } keys %$counted), 0, 'exactly');
    is($t->lines(qr/\[warn\].*flagship: .*has no room for more/), 1,
        'one line');
    is($t->get('/a')->body, 'trueonDEFAULT', 'and no harm');
    $other++;

    ok(config($t, zone => '4m', many => $n)->reload(wait => 1),
        'a larger zone');
    $t->get('/many');
    $counted = counted($t);
    is($counted->{other}, $other, 'keeps what there was');
    is($counted->{'prod m400 on STATIC'} + 0 > 0, 1, 'and has room for all');
};


subtest 'before there are flags' => sub {
    $t->stop;
    $t = Flagship::Test->new;
    $t->allow(qr/flagship/);
    config($t)->run;

    my $m = metrics($t);

    is($m->{flagship_snapshot_revision}, 0, 'no revision');
    ok(!exists $m->{flagship_snapshot_age_seconds}, 'and no age');
    is($t->get('/a')->body, 'ERROR', 'no values');
    is_deeply(counted($t), { other => 0 }, 'nothing is counted');
};


done_testing;
