package Flagship::Malformed;

# Rows that no flag set should ever hold, as a person with psql writes them,
# or a restore, or a table whose constraints somebody has dropped.
#
#   for my $kind (Flagship::Malformed->kinds) { ... }
#
#     name     what is wrong with it, one line, unique
#     entity   flag, segment or environment
#     tenant, environment, key    what the row is known by; undef: NULL
#     sql      writes it with constraints and triggers on
#     expect   what becomes of that: "refused", or "harmless": it is taken,
#              and whoever reads it must cope
#     raw      writes it with both off; undef: cannot be written at all
#     compiles 1: the row as "raw" writes it is a flag (segment, environment)
#              like any other; 0: it must be refused when loaded; undef: either
#     pointer  where it is wrong: the JSON Pointer starts so; undef: no matter,
#              or not in one place (cycles, segments that do not exist)
#
# For "raw", in a database of its own:
#
#   $pg->sql(Flagship::Malformed->disarm);           # once
#   $session->sql(Flagship::Malformed->unwatched);   # in the session
#   eval { $session->sql($kind->{raw}) };
#   $session->sql(Flagship::Malformed->tell($kind)); # a revision that names it

use strict;
use warnings;

my $q = 0;
my @kinds;


sub kinds {
    _collect() unless @kinds;

    return @kinds;
}


# No CHECK, NOT NULL, key or index that would refuse a row any more

sub disarm {
    return <<'SQL';
DO $$
DECLARE
    it record;
BEGIN
    FOR it IN SELECT conrelid::regclass AS rel, conname
                FROM pg_constraint
               WHERE connamespace = 'flagship'::regnamespace
                 AND conrelid::regclass::text IN (
                     'flagship.flags', 'flagship.segments',
                     'flagship.environments', 'flagship.tenants')
               ORDER BY contype
    LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE',
                       it.rel, it.conname);
    END LOOP;

    FOR it IN SELECT attrelid::regclass AS rel, attname
                FROM pg_attribute
               WHERE attrelid IN ('flagship.flags'::regclass,
                                  'flagship.segments'::regclass,
                                  'flagship.environments'::regclass)
                 AND attnotnull AND attnum > 0
    LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I DROP NOT NULL',
                       it.rel, it.attname);
    END LOOP;

    FOR it IN SELECT indexrelid::regclass AS index
                FROM pg_index
               WHERE indrelid IN ('flagship.flags'::regclass,
                                  'flagship.segments'::regclass,
                                  'flagship.environments'::regclass)
    LOOP
        EXECUTE format('DROP INDEX %s', it.index);
    END LOOP;
END $$;
SQL
}


sub unwatched { return 'SET session_replication_role = replica' }


# One revision that names the rows, as the triggers would have made it

sub tell {
    my ($class, @told) = @_;

    my $values = join ",\n", map {
        my $kind = $_;
        '(' . join(', ', map { _literal($_) } $kind->{entity},
            @$kind{qw(tenant environment key)}) . ')'
    } @told;

    return <<"SQL";
BEGIN;
UPDATE flagship.revision SET revision = revision + 1;
INSERT INTO flagship.changes
       (revision, entity, id, tenant, environment, key, operation)
SELECT r.revision, v.entity, '', v.tenant, v.environment,
       CASE v.entity WHEN 'environment' THEN NULL ELSE v.key END, 'update'
  FROM flagship.revision r,
       (VALUES $values) AS v (entity, tenant, environment, key);
SELECT pg_notify('flagship', revision::text) FROM flagship.revision;
COMMIT
SQL
}


# What a column is given: a string, undef for NULL, or a reference to SQL

sub _literal {
    my ($value) = @_;

    return 'NULL' unless defined $value;
    return $$value if ref $value;

    $value =~ s/'/''/g;

    return "'$value'";
}


my %column = (
    flag => {
        id              => \'gen_random_uuid()',
        tenant          => 'default',
        environment     => 'prod',
        name            => '',
        description     => '',
        tags            => '[]',
        metadata        => '{}',
        type            => 'boolean',
        enabled         => \'true',
        variants        => '{"on": true, "off": false}',
        default_variant => 'off',
        off_variant     => 'off',
        rules           => '[]',
        user_ids        => '[]',
        rollout         => undef,
        prerequisites   => '[]',
        enable_at       => undef,
        disable_at      => undef,
        expose          => \'true',
        version         => 1,
        created_at      => \'now()',
        updated_at      => \'now()',
        archived_at     => undef,
    },
    segment => {
        id          => \'gen_random_uuid()',
        tenant      => 'default',
        name        => '',
        description => '',
        when        => 'true',
        version     => 1,
        created_at  => \'now()',
        updated_at  => \'now()',
        archived_at => undef,
    },
    environment => {
        id          => \'gen_random_uuid()',
        tenant      => 'default',
        name        => '',
        description => '',
        fractional  => 2,
        metadata    => '{}',
        version     => 1,
        created_at  => \'now()',
        updated_at  => \'now()',
    },
);


sub _insert {
    my ($entity, %row) = @_;

    my @names = sort keys %row;

    return "INSERT INTO flagship.${entity}s ("
        . join(', ', map { qq("$_") } @names) . ') VALUES ('
        . join(', ', map { _literal($row{$_}) } @names) . ')';
}


# kind(entity, name, expect, compiles, pointer, column => value ...); "also"
# holds further rows, each [ entity, column => value ... ]

sub kind {
    my ($entity, $name, $expect, $compiles, $pointer, %row) = @_;

    my @also = @{ delete $row{also} // [] };
    my $unwritable = delete $row{unwritable};

    $row{key} = sprintf 'bad_%03d', ++$q unless exists $row{key};

    # the simple form must not add what the row does not say
    my %said = $entity eq 'flag'
        ? ((map { $_ => $column{flag}{$_} }
            qw(enabled type variants default_variant off_variant rules)),
            %row)
        : $entity eq 'segment' ? (when => 'true', %row) : %row;

    my @sql = _insert($entity, %said);
    my @raw = _insert($entity, %{ $column{$entity} }, %row);

    for my $more (@also) {
        my ($other, %columns) = @$more;

        push @sql, _insert($other,
            $other eq 'segment' ? (when => 'true')
                : $other eq 'flag' ? (enabled => \'true') : (),
            %columns);
        push @raw, _insert($other, %{ $column{$other} }, %columns);
    }

    push @kinds, {
        name        => $name,
        entity      => $entity,
        tenant      => exists $row{tenant} ? $row{tenant} : 'default',
        environment => $entity eq 'environment' ? $row{key}
            : $entity eq 'segment' ? undef
            : exists $row{environment} ? $row{environment} : 'prod',
        key         => $row{key},
        sql         => join(";\n", @sql),
        raw         => $unwritable ? undef : join(";\n", @raw),
        expect      => $expect,
        compiles    => $compiles,
        pointer     => $pointer,
    };
}


sub flag        { kind('flag', @_) }
sub segment     { kind('segment', @_) }
sub environment { kind('environment', @_) }


sub nested {
    my ($depth, $open, $close) = @_;

    return ($open x $depth) . 'true' . ($close x $depth);
}


sub _collect {
    _keys();
    _types();
    _variants();
    _defaults();
    _rules();
    _conditions();
    _serves();
    _lists();
    _rollouts();
    _prerequisites();
    _schedules();
    _metadata();
    _columns();
    _segments();
    _environments();
}


sub _keys {
    my %bad = (
        'empty'              => '',
        'a blank'            => ' ',
        'with a blank'       => 'a b',
        'with a slash'       => 'a/b',
        'with a quote'       => q(a'b"c),
        'with a line feed'   => "a\nX-Evil: 1",
        'with a control'     => "a\x01b",
        'not ASCII'          => "\x{fc}ber",
        'starts with -'      => '-a',
        'starts with .'      => '.a',
        'starts with _'      => '_a',
        'shaped like a UUID' => '3f0c1f0e-7a55-4a3e-9f0d-0c6f0f7d9a11',
        'of 129 bytes'       => 'k' x 129,
        'of 2000 bytes'      => 'k' x 2000,
        'NULL'               => undef,
    );

    for my $what (sort keys %bad) {
        flag("key $what", 'refused', undef, undef, key => $bad{$what});
        segment("segment key $what", 'refused', undef, undef,
            key => $bad{$what});
    }

    flag('two live flags of one key', 'refused', undef, undef,
        key => 'bad_twin',
        also => [ [ flag => key => 'bad_twin', rollout => 5 ] ]);
    flag('a live flag beside an archived one of its key', 'harmless', 1, undef,
        key => 'bad_shadow',
        also => [ [ flag => key => 'bad_shadow',
            archived_at => '2020-01-01' ] ]);
}


sub _types {
    for my $type ('', 'Boolean', 'bool', 'object', 'integer', 'string ', 'null') {
        flag("type '$type'", 'refused', 0, '/type', type => $type);
    }

    flag('type NULL', 'harmless', undef, '/type', type => undef);
    flag('type of 100 kB', 'refused', 0, '/type',
        type => \q{repeat('t', 100000)});
}


sub _variants {
    my %value = (
        string => '"x"', number => 1, boolean => 'true', null => 'null',
        array => '[]', object => '{}',
    );

    for my $type (qw(boolean string number)) {
        for my $other (sort keys %value) {
            next if $other eq $type;
            flag("variant of type $other in a flag of type $type", 'refused',
                0, '/variants', type => $type,
                variants => qq({"a": $value{$type}, "b": $value{$other}}),
                default_variant => 'a', off_variant => 'a');
        }
    }

    my %bad = (
        'null'      => 'null', 'an array' => '[true]', 'a string' => '"on"',
        'a number'  => '1', 'true' => 'true', 'an empty object' => '{}',
        'a variant without a name'  => '{"on": true, "": false}',
        'two variants of one name'  => '{"on": true, "off": false, "on": false}',
    );

    for my $what (sort keys %bad) {
        flag("variants: $what", 'refused',
            $what =~ /^null|without a name/ ? undef : 0, '/variants',
            variants => $bad{$what}, default_variant => undef,
            off_variant => undef);
    }

    flag('variants NULL', 'harmless', undef, '/variants', variants => undef);

    my %number = (
        'too large for a double' => '1e999', 'of 1000 digits' => '1' x 1000,
        'of which zero is left'  => '1e-999', 'negative zero' => '-0',
        'with an exponent that no numeric has' => '1e999999',
    );

    for my $what (sort keys %number) {
        flag("number $what",
            $what =~ /no numeric/ ? 'refused' : 'harmless',
            $what =~ /double|1000|numeric/ ? 0 : undef, '/variants',
            type => 'number', variants => qq({"a": $number{$what}}),
            default_variant => 'a', off_variant => 'a');
    }

    my %text = (
        'a NUL'            => ['\u0000', 'refused', 0],
        'half a surrogate' => ['\ud800', 'refused', 0],
        'surrogates in the wrong order' => ['\udc00\ud800', 'refused', 0],
        'a line feed'      => ['a\r\nX-Evil: 1', 'harmless', 1],
        'controls'         => ['\u0001\u007f', 'harmless', 1],
    );

    for my $what (sort keys %text) {
        my ($escape, $expect, $compiles) = @{ $text{$what} };

        flag("value with $what", $expect, $compiles, '/variants',
            type => 'string', variants => qq({"a": "$escape"}),
            default_variant => 'a', off_variant => 'a');
        flag("variant name with $what", $expect, $compiles, '/variants',
            type => 'string', variants => qq({"a": "x", "$escape": "y"}),
            default_variant => 'a', off_variant => 'a');
    }

    for my $depth (60, 70, 1000, 4000) {
        flag("json value $depth deep", 'harmless', $depth < 64 ? 1 : 0,
            '/variants', type => 'json',
            variants => '{"a": ' . nested($depth, '[', ']') . '}',
            default_variant => 'a', off_variant => 'a');
    }

    flag('json value 1000000 deep', 'refused', 0, undef, type => 'json',
        variants => \q{('{"a": ' || repeat('[', 1000000)
            || repeat(']', 1000000) || '}')::json},
        default_variant => 'a', off_variant => 'a', unwritable => 1);
    flag('json value with two members of one name', 'harmless', 0,
        '/variants', type => 'json',
        variants => '{"a": {"b": 1, "b": 2}}', default_variant => 'a',
        off_variant => 'a');
    flag('value of 900 kB', 'harmless', undef, '/variants', type => 'string',
        variants => \q{json_build_object('a', repeat('x', 900000))},
        default_variant => 'a', off_variant => 'a');
    flag('value of 3 MB', 'refused', undef, undef, type => 'string',
        variants => \q{json_build_object('a', repeat('x', 3000000))},
        default_variant => 'a', off_variant => 'a');
    flag('20000 variants', 'harmless', undef, '/variants', type => 'number',
        variants => \q{(SELECT json_object_agg('v' || i, i)
                          FROM generate_series(1, 20000) i)},
        default_variant => 'v1', off_variant => 'v1');

    for my $text ('{', '{"a": }', '{"a": 1,}', '{"a": 01}', '{"a": NaN}',
        '{"a": 1} x', "{'a': 1}", '{"a": "\x"}')
    {
        flag("variants that are no JSON: $text", 'refused', 0, undef,
            type => 'number', variants => $text, default_variant => undef,
            off_variant => undef, unwritable => 1);
    }
}


sub _defaults {
    for my $column (qw(default_variant off_variant)) {
        for my $name ('On', '', 'none', "on\n", 'x' x 5000) {
            my $shown = length $name > 20 ? 'of 5000 bytes' : "'$name'";

            $shown =~ s/\n/\\n/;
            flag("$column $shown", 'refused', 0, "/$column",
                $column => $name);
        }
    }
}


# The outer form, which constraints know

sub _rules {
    my %bad = (
        'null' => 'null', 'an object' => '{}', 'a string' => '"on"',
        'a number' => '7', 'true' => 'true', 'a list of null' => '[null]',
        'a list of names' => '["on"]', 'a list of lists' => '[[]]',
        'an empty rule' => '[{}]',
        'a rule that serves nothing' => '[{"when": true}]',
        'an unknown member' => '[{"serve": "on", "if": true}]',
        'a member in capitals' => '[{"Serve": "on"}]',
        'a name that is a number' => '[{"name": 1, "serve": "on"}]',
        'a name that is null' => '[{"name": null, "serve": "on"}]',
        q(flagd's targeting) => '{"if": [true, "on", "off"]}',
    );

    for my $what (sort keys %bad) {
        flag("rules: $what", 'refused', $what =~ /^null|name/ ? undef : 0,
            '/rules', rules => $bad{$what});
    }

    flag('rules NULL', 'harmless', undef, '/rules', rules => undef);
    flag('rules with two members of one name', 'harmless', 0, '/rules',
        rules => '[{"serve": "on", "serve": "off"}]');
    flag('5000 rules', 'harmless', undef, '/rules',
        rules => \q{(SELECT json_agg(json_build_object('when',
            json_build_object('==', json_build_array(
                json_build_object('var', 'a'), i)), 'serve', 'on'))
                FROM generate_series(1, 5000) i)});
    flag('rules of 3 MB', 'refused', undef, undef,
        rules => \q{json_build_array(json_build_object('name',
            repeat('x', 3000000), 'serve', 'on'))});
}


# What only the compiler can tell: taken by SQL

sub _conditions {
    my %bad = (
        'an unknown operator'        => '{"nonsense": [1]}',
        'an operator in capitals'    => '{"VAR": "a"}',
        'an operator without a name' => '{"": [1]}',
        'an operator with a blank'   => '{"== ": [1, 1]}',
        'two members of one name'    => '{"==": [1, 1], "==": [1, 2]}',
        'an unknown segment'         => '{"segment": "nowhere"}',
        'a segment of no name'       => '{"segment": ""}',
        'a segment that is a number' => '{"segment": 7}',
        'a segment that is worked out' => '{"segment": {"var": "a"}}',
        'a segment without arguments'  => '{"segment": []}',
        'a flag that is worked out'  => '{"==": [{"flag": {"var": "a"}}, "on"]}',
        'a flag that is a list'      => '{"==": [{"flag": [["a"]]}, "on"]}',
        'a set that does not exist'  => '{"in_set": [{"var": "a"}, "nowhere"]}',
        'a set that is worked out'   => '{"in_set": ["a", {"var": "b"}]}',
        'a time that is none'        => '{">": [1, {"time": ["yesterday"]}]}',
        'a thirteenth month'         => '{">": [1, {"time": ["2026-13-01T00:00:00Z"]}]}',
        'a time without a zone'      => '{">": [1, {"time": ["2026-01-01T00:00:00"]}]}',
        'a NUL in a text'            => ['{"==": [{"var": "a"}, "\u0000"]}'],
        'half a surrogate'           => ['{"==": [{"var": "a"}, "\udfff"]}'],
        'a number too large'         => '{"<": [{"var": "a"}, 1e999]}',
    );

    for my $what (sort keys %bad) {
        my $list = ref $bad{$what};
        my $when = $list ? $bad{$what}[0] : $bad{$what};

        my $pointer = $what eq 'an unknown segment' ? undef : '/rules';

        flag("when: $what", $list ? 'refused' : 'harmless', 0, $pointer,
            rules => qq([{"when": $when, "serve": "on"}]));
        flag("deep in when: $what", $list ? 'refused' : 'harmless', 0,
            $pointer,
            rules => qq([{"when": {"and": [true, {"!": [$when]}]},)
                . ' "serve": "on"}]');
    }

    # odd, and yet something that JsonLogic has an answer to
    my %odd = (
        'null' => 'null', 'a string' => '"x"', 'a list' => '[]',
        'an object of two members' => '{"a": 1, "b": 2}',
        'an empty object' => '{}', 'an operator of too few' => '{"==": []}',
        'a var of an object' => '{"var": {"a": 1, "b": 2}}',
        'a var of numbers' => '{"var": [1, 2, 3]}',
        'sem_ver of nothing' => '{"sem_ver": []}',
        'starts_with of numbers' => '{"starts_with": [1, 2]}',
        'in of no list' => '{"in": [1, 2]}',
        'a flag that does not exist' => '{"==": [{"flag": "nowhere"}, "on"]}',
    );

    for my $what (sort keys %odd) {
        flag("when: $what", 'harmless', undef, undef,
            rules => qq([{"when": $odd{$what}, "serve": "on"}]));
    }

    for my $depth (50, 100, 2000) {
        flag("condition $depth deep", 'harmless', $depth < 60 ? undef : 0,
            '/rules', rules => '[{"when": ' . nested($depth, '{"!":[', ']}')
                . ', "serve": "on"}]');
    }

    flag('a condition of 50000 parts', 'harmless', undef, '/rules',
        rules => \q{json_build_array(json_build_object('when',
            json_build_object('or', (SELECT json_agg(json_build_object('==',
                json_build_array(1, 2))) FROM generate_series(1, 50000))),
            'serve', 'on'))});
    flag('a list of 100000 to look in', 'harmless', undef, '/rules',
        rules => \q{json_build_array(json_build_object('when',
            json_build_object('in', json_build_array(
                json_build_object('var', 'a'),
                (SELECT json_agg(i) FROM generate_series(1, 100000) i))),
            'serve', 'on'))});
    flag('a flag that asks itself', 'harmless', 0, undef,
        key => 'bad_self',
        rules => '[{"when": {"==": [{"flag": "bad_self"}, "on"]}, "serve": "on"}]');
    flag('two flags that ask each other', 'harmless', undef, undef,
        key => 'bad_ask_a',
        rules => '[{"when": {"==": [{"flag": "bad_ask_b"}, "on"]}, "serve": "on"}]',
        also => [ [ flag => key => 'bad_ask_b', rules =>
            '[{"when": {"==": [{"flag": "bad_ask_a"}, "on"]}, "serve": "on"}]' ] ]);
}


sub _serves {
    my %refused = (
        'a split of nothing'          => '{"split": {}}',
        'a split of zeros'            => '{"split": {"on": 0, "off": 0}}',
        'a negative weight'           => '{"split": {"on": -1, "off": 2}}',
        'a weight that is text'       => '{"split": {"on": "50", "off": 50}}',
        'a weight that is null'       => '{"split": {"on": null, "off": 1}}',
        'a weight that is true'       => '{"split": {"on": true}}',
        'a weight of seven decimals'  => '{"split": {"on": 0.0000001, "off": 1}}',
        'a weight too large'          => '{"split": {"on": 2147483648}}',
        'weights too large together'  => '{"split": {"on": 2147483647, "off": 1}}',
        'weights too large by decimals' => '{"split": {"on": 2147483.647, "off": 0.000001}}',
        'a split that is a list'      => '{"split": ["on", "off"]}',
        'a split that is a name'      => '{"split": "on"}',
        'a split with two weights of one name' => '{"split": {"on": 1, "on": 2}}',
        'a split with an unknown member' => '{"split": {"on": 1}, "seed": 7}',
        'an unknown operator'         => '{"nonsense": []}',
    );

    for my $what (sort keys %refused) {
        flag("serve: $what", 'harmless', 0, '/rules',
            rules => qq([{"serve": $refused{$what}}]));
    }

    my %odd = (
        'an unknown variant' => '"red"', 'no name' => '""', 'a number' => '7',
        'a list' => '["on"]', 'an empty object' => '{}',
        'a split of an unknown variant' => '{"split": {"red": 1}}',
        'a fractional of nothing' => '{"fractional": []}',
        'a fractional of zeros' => '{"fractional": [["on", 0]]}',
        'a fractional of halves' => '{"fractional": [["on", 0.5], ["off", 0.5]]}',
        'a fractional of texts' => '{"fractional": [["on", "1"]]}',
        'a fractional too large' => '{"fractional": [["on", 2147483647], ["off", 9]]}',
        'a fractional of deep lists' => '{"fractional": [[["on", 1]]]}',
        'by null' => '{"split": {"on": 1}, "by": null}',
        'by a list' => '{"split": {"on": 1}, "by": []}',
    );

    for my $what (sort keys %odd) {
        flag("serve: $what", 'harmless', undef, undef,
            rules => qq([{"serve": $odd{$what}}]));
    }
}


sub _lists {
    my %bad = (
        'null' => 'null', 'an object' => '{}', 'a text' => '"alice"',
        'numbers' => '[1, 2]', 'a null in it' => '["alice", null]',
        'a list in it' => '[["alice"]]', 'an object in it' => '[{}]',
    );

    for my $what (sort keys %bad) {
        flag("user_ids: $what", 'refused', $what eq 'null' ? undef : 0,
            '/user_ids',
            user_ids => $bad{$what});
        flag("tags: $what", 'refused', undef, undef, tags => $bad{$what});
    }

    flag('user_ids without a variant on', 'refused', 0, undef,
        type => 'string', variants => '{"a": "x"}', default_variant => 'a',
        off_variant => 'a', user_ids => '["alice"]');
    flag('user_ids NULL', 'harmless', undef, '/user_ids', user_ids => undef);
    flag('user_ids with a NUL', 'refused', 0, '/user_ids',
        user_ids => '["a\u0000b"]');
    flag('user_ids of no characters', 'harmless', undef, '/user_ids',
        user_ids => '[""]');
    flag('user_ids twice the same', 'harmless', 1, undef,
        user_ids => '["alice", "alice"]');
    flag('60000 user_ids', 'harmless', undef, '/user_ids',
        user_ids => \q{(SELECT json_agg('user' || i)
                          FROM generate_series(1, 60000) i)});
    flag('a user id of 900 kB', 'harmless', undef, '/user_ids',
        user_ids => \q{json_build_array(repeat('x', 900000))});
    flag('2000000 user_ids', 'refused', undef, undef,
        user_ids => \q{(SELECT json_agg(i::text)
                          FROM generate_series(1, 2000000) i)});
}


sub _rollouts {
    for my $rollout (-1, -0.000001, 100.000001, 101, '1e300', 'NaN',
        'Infinity', '-Infinity', '0.0000001', '33.33333333333')
    {
        flag("rollout $rollout", 'refused', 0, '/rollout',
            rollout => $rollout);
    }

    flag('rollout -0.0', 'harmless', 1, undef, rollout => '-0.0');
    flag('rollout 50.0000000000', 'harmless', 1, undef,
        rollout => '50.0000000000');
    flag('rollout without a variant on', 'refused', 0, undef,
        type => 'string', variants => '{"a": "x"}', default_variant => 'a',
        off_variant => 'a', rollout => 50);
}


sub _prerequisites {
    my %bad = (
        'null' => 'null', 'an object' => '{"flag": "a", "variant": "on"}',
        'a list of names' => '["a"]', 'a list of null' => '[null]',
        'an empty one' => '[{}]', 'no variant' => '[{"flag": "a"}]',
        'no flag' => '[{"variant": "on"}]',
        'a variant that is true' => '[{"flag": "a", "variant": true}]',
        'a flag that is a number' => '[{"flag": 1, "variant": "on"}]',
        'an unknown member' => '[{"flag": "a", "variant": "on", "or": 1}]',
    );

    for my $what (sort keys %bad) {
        flag("prerequisites: $what", 'refused',
            $what eq 'null' ? undef : 0, '/prerequisites',
            prerequisites => $bad{$what});
    }

    flag('prerequisites NULL', 'harmless', undef, '/prerequisites',
        prerequisites => undef);
    flag('a flag that needs itself', 'refused', 0, undef,
        key => 'bad_need',
        prerequisites => '[{"flag": "bad_need", "variant": "on"}]');
    flag('a flag that needs one that does not exist', 'harmless', undef,
        undef, prerequisites => '[{"flag": "nowhere", "variant": "on"}]');
    flag('two flags that need each other', 'harmless', undef,
        undef, key => 'bad_need_a',
        prerequisites => '[{"flag": "bad_need_b", "variant": "on"}]',
        also => [ [ flag => key => 'bad_need_b',
            prerequisites => '[{"flag": "bad_need_a", "variant": "on"}]' ] ]);
    flag('three flags that need one another', 'harmless', undef,
        undef, key => 'bad_ring_a',
        prerequisites => '[{"flag": "bad_ring_b", "variant": "on"}]',
        also => [ [ flag => key => 'bad_ring_b',
                prerequisites => '[{"flag": "bad_ring_c", "variant": "on"}]' ],
            [ flag => key => 'bad_ring_c', rules =>
                '[{"when": {"==": [{"flag": "bad_ring_a"}, "on"]}, "serve": "on"}]' ] ]);
    flag('5000 prerequisites', 'harmless', undef, '/prerequisites',
        prerequisites => \q{(SELECT json_agg(json_build_object(
            'flag', 'f' || i, 'variant', 'on'))
            FROM generate_series(1, 5000) i)});
}


sub _schedules {
    flag('a schedule that ends before it starts', 'refused', undef, undef,
        enable_at => '2030-01-01Z', disable_at => '2029-01-01Z');
    flag('a schedule of no time', 'refused', undef, undef,
        enable_at => '2030-01-01Z', disable_at => '2030-01-01Z');

    for my $column (qw(enable_at disable_at)) {
        for my $time ('infinity', '-infinity', '0044-03-15 BC',
            '10000-01-01Z', '200000-01-01Z')
        {
            flag("$column $time", 'refused', undef, undef, $column => $time);
        }
    }
}


sub _metadata {
    my %bad = (
        'null' => 'null', 'a list' => '[]', 'a text' => '"x"',
        'an object in it' => '{"a": {}}', 'a list in it' => '{"a": [1]}',
        'a null in it' => '{"a": null}',
        'two members of one name' => '{"a": 1, "a": 2}',
        'a NUL' => '{"a": "\u0000"}',
    );

    for my $what (sort keys %bad) {
        flag("metadata: $what", 'refused',
            $what =~ /NUL|two members/ ? 0 : undef, '/metadata',
            metadata => $bad{$what});
        environment("environment metadata: $what", 'refused', undef, undef,
            metadata => $bad{$what});
    }

    flag('metadata NULL', 'harmless', undef, '/metadata', metadata => undef);
    flag('metadata: a number too large', 'harmless', 0, '/metadata',
        metadata => '{"a": 1e999}');
    flag('metadata of 900 kB', 'harmless', undef, '/metadata',
        metadata => \q{json_build_object('a', repeat('x', 900000))});
}


sub _columns {
    for my $column (qw(enabled expose)) {
        flag("$column NULL", 'refused', undef, undef, $column => undef);
    }

    for my $version (0, -1, 2147483647) {
        flag("version $version", 'harmless', undef, undef,
            version => $version);
    }

    flag('version NULL', 'harmless', undef, undef, version => undef);
    flag('tenant NULL', 'refused', undef, undef, tenant => undef);
    flag('environment NULL', 'refused', undef, undef, environment => undef);
    flag('a tenant that does not exist', 'refused', undef, undef,
        tenant => 'nobody');
    flag('an environment that does not exist', 'refused', undef, undef,
        environment => 'nowhere');
    flag('a tenant of 2000 bytes', 'refused', undef, undef,
        tenant => 't' x 2000);
    flag('a name of 5000 bytes', 'refused', undef, undef, name => 'n' x 5000);
    flag('every document null', 'refused', undef, undef,
        map { $_ => 'null' } qw(variants rules user_ids prerequisites metadata
            tags));
    flag('every column NULL', 'refused', undef, undef,
        map { $_ => undef } grep { $_ !~ /^(?:id|tenant|environment)$/ }
            keys %{ $column{flag} });
}


sub _segments {
    my %bad = (
        'an unknown operator'   => '{"nonsense": [1]}',
        'an unknown segment'    => '{"segment": "nowhere"}',
        'two members of one name' => '{"==": [1, 1], "==": [1, 2]}',
        'a time that is none'   => '{"time": ["never"]}',
        'a NUL'                 => '{"==": [{"var": "a"}, "\u0000"]}',
        'half a surrogate'      => '{"==": [{"var": "a"}, "\ud800"]}',
        'a number too large'    => '{"<": [{"var": "a"}, 1e999]}',
        'a flag that is worked out' => '{"flag": {"var": "a"}}',
    );

    for my $what (sort keys %bad) {
        segment("segment: $what", 'harmless', 0, undef, when => $bad{$what});
    }

    my %odd = (null => 'null', 'a text' => '"x"', 'a list' => '[]',
        'an empty object' => '{}', 'a number' => '0');

    for my $what (sort keys %odd) {
        segment("segment: $what", 'harmless', undef, undef,
            when => $odd{$what});
    }

    segment('segment NULL', 'refused', 0, undef, when => undef);
    segment('segment 2000 deep', 'harmless', 0, undef,
        when => nested(2000, '{"!":[', ']}'));
    segment('segment of 3 MB', 'refused', undef, undef,
        when => \q{json_build_object('==', json_build_array(1,
            repeat('x', 3000000)))});
    segment('a segment that asks itself', 'harmless', 0, undef,
        key => 'bad_circle', when => '{"segment": "bad_circle"}');
    segment('two segments that ask each other', 'harmless', undef, undef,
        key => 'bad_circle_a', when => '{"segment": "bad_circle_b"}',
        also => [ [ segment => key => 'bad_circle_b',
            when => '{"segment": "bad_circle_a"}' ] ]);
    segment('a segment and a flag that ask each other', 'harmless', undef,
        undef, key => 'bad_circle_c',
        when => '{"==": [{"flag": "bad_circle_d"}, "on"]}',
        also => [ [ flag => key => 'bad_circle_d', rules =>
            '[{"when": {"segment": "bad_circle_c"}, "serve": "on"}]' ] ]);
}


sub _environments {
    for my $fractional (0, 4, -1, 32767) {
        environment("fractional $fractional", 'refused', undef, undef,
            fractional => $fractional);
    }

    environment('fractional NULL', 'refused', undef, undef,
        fractional => undef);
    environment('environment metadata NULL', 'refused', undef, undef,
        metadata => undef);
    environment('environment key with a slash', 'refused', undef, undef,
        key => 'a/b');
    environment('environment key empty', 'refused', undef, undef, key => '');
    environment('environment of a tenant that does not exist', 'refused',
        undef, undef, tenant => 'nobody');
    environment('two environments of one key', 'refused', undef, undef,
        key => 'bad_env', also => [ [ environment => key => 'bad_env' ] ]);
}


1;
