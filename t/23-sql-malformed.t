# Rows that should not be: the constraints refuse them or they do no harm, and
# without the constraints the function that nginx reads by still answers.

use strict;
use warnings;

use Test::More;

use Flagship::Malformed;
use Flagship::Postgres;

my @kinds = Flagship::Malformed->kinds;
my $pg = Flagship::Postgres->new(conf => { shared_buffers => '64MB' });


cmp_ok(scalar @kinds, '>=', 200, scalar(@kinds) . ' kinds of rows');

my %seen;
is(join(', ', grep { $seen{$_}++ } map { $_->{name} } @kinds), '',
    'each of its own name');


subtest 'with the constraints' => sub {
    my $s = $pg->session;

    $s->sql(q{INSERT INTO flagship.flags (key) VALUES ('healthy')});

    for my $kind (@kinds) {
        $s->sql('BEGIN');
        eval { $s->sql($kind->{sql}) };

        my $error = $@;

        if ($error) {
            # a constraint, or a text that is no json, number or key of ours
            like($error, qr/^ERROR:  (?:23|22|54)\w{3}: /m,
                "$kind->{name}: refused by name");

        } else {
            is($s->sql(q{SELECT count(*) FROM flagship.delta(NULL, NULL)
                WHERE entity = 'flag' AND key = 'healthy'}), 1,
                "$kind->{name}: no harm to its neighbour");
        }

        is($error ? 'refused' : 'harmless', $kind->{expect},
            "$kind->{name}: $kind->{expect}") or diag $error;

        $s->sql('ROLLBACK');
    }
};


subtest 'without them' => sub {
    $pg->create('disarmed', deployed => 1);

    my $s = $pg->session(dbname => 'disarmed');

    $s->sql(q{INSERT INTO flagship.flags (key) VALUES ('healthy')});
    $s->sql(Flagship::Malformed->disarm);
    $s->sql(Flagship::Malformed->unwatched);

    my ($epoch, $revision) = split /\t/,
        $s->sql('SELECT epoch, revision FROM flagship.revision');
    my @written;

    for my $kind (@kinds) {
        if (!defined $kind->{raw}) {
            next;
        }

        eval { $s->sql($kind->{raw}) };
        is($@, '', "$kind->{name}: written") and push @written, $kind;
    }

    eval { $s->sql(Flagship::Malformed->tell(@written)) };
    is($@, '', 'all are told');

    is($s->sql("SELECT count(*) FROM flagship.flags f
        WHERE archived_at IS NULL"),
        $s->sql("SELECT count(*) FROM flagship.delta(NULL, NULL)
        WHERE entity = 'flag' AND document IS NOT NULL"),
        'a full read has every flag');
    is($s->sql("SELECT count(*) FROM flagship.delta('$epoch', $revision)
        WHERE entity = 'flag' AND document IS NULL AND tenant = 'default'
          AND environment = 'prod' AND key <> '' AND key LIKE 'bad%'"), 0,
        'a delta has every flag that is named');
    is($s->sql("SELECT document FROM flagship.delta(NULL, NULL)
        WHERE key = 'healthy'"),
        $pg->sql("SELECT flagship.flag_text(f) FROM flagship.flags f
            WHERE key = 'healthy'", dbname => 'disarmed'),
        'the healthy one is as it was');
    is($s->sql(q{SELECT count(*) FROM flagship.delta(NULL, NULL) d
        WHERE entity = 'flag'
          AND (substr(document, 1, 8) <> '{"key":"' OR right(document, 1) <> '}')
          AND key IS NOT NULL}), 0, 'and every document is an object');

    # one by one, too: a delta of a single row
    my $n = 0;

    for my $kind (@written) {
        ($revision) = $s->sql('SELECT revision FROM flagship.revision');
        $s->sql(Flagship::Malformed->tell($kind));
        eval {
            $s->sql("SELECT length(document)
                FROM flagship.delta('$epoch', $revision)");
        };
        $n++ if $@ eq '';
    }

    is($n, scalar @written, 'each alone can be read');
};


done_testing;
