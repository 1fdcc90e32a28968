#!/usr/bin/perl

# Rows that should not be, in front of nginx: each is written while requests
# run; it harms no other flag, and the log says once what is wrong with it.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Flagship::Load;
use Flagship::Malformed;
use Flagship::Postgres;
use Flagship::Source;
use Flagship::Test;


my @kinds = Flagship::Malformed->kinds;
my $pg = Flagship::Postgres->new(conf => { shared_buffers => '64MB' });
my $n = 0;

# null is as good as no field, and what is for people is not compiled
my $taken = qr/\bnull\b|\bNULL\b|metadata:|without a name|name that is a number/;

# an evaluation of each flag of the set, and of those that ask for others
my $watched = 'flagship_headers on;';


sub start {
    my ($database) = @_;

    my $info = $pg->conninfo(tcp => 1, dbname => $database);

    return answers(['healthy'], qq(flagship_postgres "$info";
        flagship_refresh 1h;), http => $watched, zone => '64m')->run;
}


# The healthy flag changes: what came before it was read, and did no harm

sub goes_on {
    my ($t, $session, $name) = @_;

    set_flags($session, healthy => ++$n);

    my $is = wait_for(sub { (now($t)->{healthy} // '') eq $n });

    ok($is, $name);

    return $is;
}


sub watch {
    my ($t) = @_;

    return Flagship::Load->new($t, clients => 1, pause => 0.005, check => sub {
        my ($is, $last) = @_;

        return 'no value' if ($is->{healthy} // '') eq '';
        return $last && $is->{healthy} < $last->{healthy}
            ? "$last->{healthy}, then $is->{healthy}" : '';
    });
}


# Lines of the log on a row; its key as the log writes it

sub lines {
    my ($kind, $log) = @_;

    my ($tenant, $environment, $key) = map {
        my $text = substr $_ // '', 0, 128;
        $text =~ s/[\x00-\x1f\x7f]/?/g;
        quotemeta $text;
    } @$kind{qw(tenant environment key)};

    my $where = quotemeta($kind->{pointer} // '');

    my $what = $kind->{entity} eq 'flag'
        ? qq(tenant "$tenant" environment "$environment" flag "$key")
        : $kind->{entity} eq 'segment' ? qq(tenant "$tenant" segment "$key")
            : qq(tenant "$tenant" environment "$environment");

    # linking knows flags, not places in them
    return grep { /\[(?:error|warn)\].*flagship: $what at "(?:$where|")/ }
        split /\n/, $log;
}


cmp_ok(scalar @kinds, '>=', 200, scalar(@kinds) . ' kinds of rows');


subtest 'with the constraints' => sub {
    my $session = $pg->session;

    set_flags($session, healthy => ++$n);

    my $t = start($pg->database);
    becomes($t, { healthy => $n }, 'loaded');

    my $load = watch($t);
    my $written = 0;

    for my $kind (@kinds) {
        eval { $session->sql($kind->{sql}); 1 } or next;

        $written++;
        goes_on($t, $session, "$kind->{name}: no harm") or last;
    }

    note "$written rows were taken";

    my $said = $load->stop;

    is($said->{wrong} + $said->{cut}, 0, 'no request noticed')
        or diag explain $said;
    note "$said->{requests} requests";

    $t->check;
};


subtest 'without them' => sub {
    $pg->create('disarmed', deployed => 1);

    my $armed = $pg->session(dbname => 'disarmed');
    my $s = $pg->session(dbname => 'disarmed');

    set_flags($armed, healthy => ++$n);

    $s->sql(Flagship::Malformed->disarm);
    $s->sql(Flagship::Malformed->unwatched);

    my $t = start('disarmed');
    becomes($t, { healthy => $n }, 'loaded');

    my $load = watch($t);
    my @written;

    for my $kind (@kinds) {
        next if !defined $kind->{raw};

        eval { $s->sql($kind->{raw}); 1 } or next;
        $s->sql(Flagship::Malformed->tell($kind));

        push @written, $kind;
        goes_on($t, $armed, "$kind->{name}: no harm") or last;
    }

    my $log = $t->log;

    for my $kind (@written) {
        my @said = lines($kind, $log);

        if (defined $kind->{compiles} && !$kind->{compiles}) {
            next if $kind->{name} =~ $taken;

            ok(@said, "$kind->{name}: said")
                or diag join ' ', map { "$_=" . ($kind->{$_} // 'NULL') }
                    qw(entity tenant environment key pointer);

        } elsif (defined $kind->{compiles}) {
            ok(!grep({ /\[error\]/ } @said), "$kind->{name}: nothing to say")
                or diag @said;
        }
    }

    # everything once more, and for a new worker the worst of it

    my $lines = $t->lines(qr/\[error\].*flagship: tenant/);

    $s->sql('UPDATE flagship.revision SET epoch = gen_random_uuid(),
        revision = revision + 1');
    goes_on($t, $armed, 'a reload in full');

    is($t->lines(qr/\[error\].*flagship: tenant/), $lines,
        'and nothing is said again');

    my $said = $load->stop;

    is($said->{wrong} + $said->{cut}, 0, 'no request noticed')
        or diag explain $said;
    note "$said->{requests} requests";

    $t->check;

    $t = start('disarmed');
    ok(wait_for(sub { (now($t)->{healthy} // '') eq $n }),
        'a host that holds nothing yet loads what there is');

    $t->check;
};


done_testing;
