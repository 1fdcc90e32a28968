package Flagship::Bench::Peers;

# What the engines are compared by: flags, contexts, id lists, and how each
# engine is asked.  The same calls give the same files.
#
# An engine is a program; its modes are those of t/bench/peers.c, and where
# that is JSON, every engine reads the same file.

use strict;
use warnings;

use JSON::PP ();


my $json = JSON::PP->new->utf8->canonical;

my @countries = qw(de at ch fr us gb pl br);


# The engines that are built here, by name: the command and the flags that it
# can take.

sub engines {
    my ($bench) = @_;

    my $build = $bench->{build};
    my $js = "$bench->{top}/t/bench/peers/javascript.mjs";
    my %engine = (flagship => ["$build/bench/peers"]);

    if (-x "$build/bench/datalogic") {
        $engine{'datalogic-rs'} = ["$build/bench/datalogic"];
    }

    if (-d "$build/diff/node_modules/json-logic-engine") {
        $engine{$_} = ['node', $js, "$build/diff", $_]
            for qw(flagd-core json-logic-engine);
    }

    return \%engine;
}


sub write_file {
    my ($bench, $name, $text) = @_;

    open my $fh, '>:raw', "$bench->{dir}/$name" or die "$name: $!";
    print $fh ref $text ? $json->encode($text) : $text;
    close $fh or die "$name: $!";

    return "$bench->{dir}/$name";
}


# JSON lines.  Every fourth has no age.

sub contexts {
    my ($bench, $n) = @_;

    srand 7;

    return write_file($bench, 'contexts', join '', map {
        $json->encode({
            targetingKey => "user$_",
            email   => "user$_\@example." . (rand() < 0.5 ? 'com' : 'org'),
            country => $countries[rand @countries],
            plan    => rand() < 0.3 ? 'pro' : 'free',
            version => join('.', 1 + int rand 4, int rand 13, 0),
            (rand() < 0.75 ? (age => 14 + int rand 60) : ()),
            beta    => rand() < 0.5 ? JSON::PP::true : JSON::PP::false,
            device  => 'phone',
            locale  => 'en-GB',
            company => 'Example Limited',
        }) . "\n" } 0 .. $n - 1);
}


# A condition that decides between on and off

sub on {
    my ($when) = @_;

    return { if => [$when, 'on', 'off'] };
}


sub var { return { var => $_[0] } }


sub flag {
    my ($targeting, @variants) = @_;

    my %variants = @variants ? map { $_ => $_ } @variants
        : (on => JSON::PP::true, off => JSON::PP::false);

    return { state => 'ENABLED', variants => \%variants,
             defaultVariant => $variants[0] // 'off',
             ($targeting ? (targeting => $targeting) : ()) };
}


sub split_by {
    my ($salt, @parts) = @_;

    return { fractional => [{ cat => [$salt, var('targetingKey')] }, @parts] };
}


# One flag of each kind, under its name with "_" for a blank.

sub kinds {
    my @eight = map { ["v$_", 10 + $_ % 2 * 5] } 1 .. 8;

    my @chain = map { ({ and => [{ '==' => [var('country'), chr(97 + $_) . 'x'] },
        { sem_ver => [var('version'), '>=', "$_.0.0"] }] }, 'on') } 0 .. 9;

    return { flags => {
        'static'         => flag(undef),
        'one_condition'  => flag(on({ '==' => [var('plan'), 'pro'] })),
        'two_conditions' => flag(on({ and => [
            { in => [var('country'), ['de', 'at', 'ch']] },
            { '==' => [var('plan'), 'pro'] } ] })),
        'four_conditions' => flag(on({ and => [
            { '!=' => [var('age'), undef] }, { '>=' => [var('age'), 18] },
            { in => [var('country'), ['de', 'at', 'ch', 'us', 'gb']] },
            { '!' => [{ '==' => [var('plan'), 'pro'] }] } ] })),
        'suffix'         => flag(on({ ends_with => [var('email'),
                                                    '@example.com'] })),
        'semver'         => flag(on({ sem_ver => [var('version'), '>=',
                                                  '2.5.0'] })),
        'split'          => flag(split_by('split', ['on', 25], ['off', 75])),
        'split_of_eight' => flag(split_by('eight', @eight),
                                 map { $_->[0] } @eight),
        '11_rules_with_semver' => flag({ if => [@chain,
            { sem_ver => [var('version'), '>=', '1.0.0'] },
            split_by('chain', ['on', 50], ['off', 50]), 'off'] }),
        'list_of_20_ids' => flag(on({ in => [var('targetingKey'),
            [map { 'user' . $_ * 37 } 0 .. 19]] })),
    } };
}


# Many flags: of ten, two are static, the others of one kind each, every one
# with constants of its own.

sub many {
    my ($n) = @_;

    my @make = (
        sub { undef },
        sub { undef },
        sub { on({ '==' => [var('plan'), $_[0] % 3 ? 'pro' : "plan$_[0]"] }) },
        sub { on({ and => [{ in => [var('country'), ['de', 'at', "x$_[0]"]] },
                           { '==' => [var('plan'), 'pro'] }] }) },
        sub { on({ and => [{ in => [var('country'), ['fr', "y$_[0]"]] },
                           { '==' => [var('device'), 'phone'] }] }) },
        sub { on({ and => [{ '!=' => [var('age'), undef] },
                           { '>=' => [var('age'), $_[0] % 60] },
                           { in => [var('country'), ['de', 'us', 'gb']] },
                           { '!' => [{ '==' => [var('plan'), 'pro'] }] }] }) },
        sub { on({ ends_with => [var('email'),
                                 $_[0] % 2 ? '.com' : "\@example$_[0].org"] }) },
        sub { on({ sem_ver => [var('version'), '>=',
                               join('.', $_[0] % 5, $_[0] % 13, 0)] }) },
        sub { split_by("flag$_[0]", ['on', $_[0] % 100],
                       ['off', 100 - $_[0] % 100]) },
        sub { on({ in => [var('targetingKey'),
                          [map { 'user' . $_ * ($_[0] + 1) } 0 .. 19]] }) },
    );

    return { flags => { map { sprintf('flag%05d', $_)
        => flag($make[$_ % 10]->($_)) } 0 .. $n - 1 } };
}


# A flag that is on for those of a list: for us an id set, for the others the
# list in the rule.  Every other of the contexts' users is in, or as many as go
# into half of the list, evenly over its length.

sub list {
    my ($bench, $n) = @_;

    my $in = $n / 2 < 5000 ? $n / 2 : 5000;
    my $every = $n / $in;
    my $ids = join ',', map { '"user' . ($_ % $every ? 1_000_000 + $_
        : 2 * $_ / $every) . '"' } 0 .. $n - 1;

    return {
        flagship => write_file($bench, "set-$n", qq({"sets":{"ids":[$ids]},)
            . '"flags":[{"key":"list","enabled":true,"rules":[{"when":'
            . '{"in_set":[{"var":"targetingKey"},"ids"]},"serve":"on"}]}]}'),
        others => write_file($bench, "list-$n", '{"flags":{"list":{"state":'
            . '"ENABLED","variants":{"on":true,"off":false},"defaultVariant":'
            . '"off","targeting":{"if":[{"in":[{"var":"targetingKey"},'
            . "[$ids]]},\"on\",\"off\"]}}}}"),
    };
}


# What a command writes, as lines

sub lines {
    my ($bench, @command) = @_;

    open my $out, '-|', $bench->pin('tested'), @command or die "@command: $!";
    chomp(my @lines = <$out>);
    close $out or die "@command fails\n";

    return @lines;
}


# "name<TAB>number" lines

sub figures {
    return { map { /^(.+)\t([\d.]+)$/ or die "a figure: $_\n"; ($1 => $2) }
        lines(@_) };
}


# Dies where an engine gives another answer than Flagship to any context.
# "files" are those of the engines by name, or of the "others".

sub agree {
    my ($bench, $engines, $files, $contexts, @option) = @_;

    my @ours = lines($bench, @{ $engines->{flagship} }, 'answers',
                     $files->{flagship}, $contexts, @option);
    my @keys = sort keys %{ $json->decode(slurp($files->{others}))->{flags} };
    my $same = 0;

    for my $name (grep { $_ ne 'flagship' } sort keys %$engines) {
        my @command = (@{ $engines->{$name} }, 'answers', $files->{others},
                       $contexts, @option);
        my @theirs = lines($bench, @command);
        my @asked = @keys;

        if ($name eq 'json-logic-engine') {
            @asked = split /\t/, (lines($bench, @{ $engines->{$name} }, 'keys',
                                        $files->{others}, $contexts))[0];
        }

        my %asked = map { $_ => 1 } @asked;
        my @columns = @option ? 0 : grep { $asked{$keys[$_]} } 0 .. $#keys;

        for my $i (0 .. $#ours) {
            my $is = join ' ', (split / /, $ours[$i])[@columns];

            die "$name answers \"$theirs[$i]\", Flagship \"$is\","
                . " to context $i of $files->{others}\n" if $theirs[$i] ne $is;

            $same += @columns;
        }
    }

    return $same;
}


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "$file: $!";
    local $/;

    return scalar <$fh>;
}


1;
