# docs/language.md says what the engine does: each operator of the compiler's
# table, each lint, each limit and each known deviation is there, and every
# example gives what stands behind it.

use lib 't/lib';
use strict;
use warnings;

use File::Temp ();
use JSON::PP ();
use Test::More;


my $build = $ENV{FLAGSHIP_TEST_BUILD} // 'build';
my $ctl = "$build/flagshipctl";
my $json = JSON::PP->new->utf8->allow_nonref->canonical;
my $dir = File::Temp->newdir;
my $page = slurp('docs/language.md');
my @examples = examples($page);

plan skip_all => "$ctl is not built" unless -x $ctl;


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "cannot read $file: $!";
    local $/;

    return scalar <$fh>;
}


# The lines that a command gives to these lines

sub lines {
    my ($lines, @command) = @_;

    open my $in, '>:raw', "$dir/in" or die "in: $!";
    print $in map { $json->encode($_) . "\n" } @$lines;
    close $in or die "in: $!";

    open my $out, '-|:raw', 'sh', '-c', 'exec "$@" 2>/dev/null <' . "$dir/in",
        'sh', @command or die "@command: $!";
    my @got = map { $json->decode($_) } <$out>;
    close $out;

    is(scalar @got, scalar @$lines, "@command[0, 1]: a line for each");

    return @got;
}


# Blocks of ```logic, ```flagd and ```flags under their headings.  Each is a
# rule or a document and the lines behind it: [left of the arrow, right of it].

sub examples {
    my ($markdown) = @_;

    my ($heading, @found) = ('');

    while ($markdown =~ /^(?:\#\#\#?[ ]([^\n]+)
                            |```(logic|flagd|flags)(?:[ ](\S+))?\n(.*?)^```)$
                        /gmsx)
    {
        if (defined $1) {
            $heading = $1;
            next;
        }

        my ($kind, $option, $text) = ($2, $3, $4);
        my ($subject, @cases) = ('');

        for my $line (split /\n/, $text) {
            my ($left, $right) = $line =~ /^(.*?)\s*->\s+(.+)$/;
            my $new = $kind ne 'flags' && $line =~ /^\S/;

            if (@cases && $new) {
                push @found, [$heading, $kind, $option, $subject, [@cases]];
                ($subject, @cases) = ('');
            }

            if (!defined $right) {
                $subject .= $line;

            } elsif ($new) {
                $subject .= $left;
                push @cases, ['{}', $right];

            } else {
                push @cases, [$left =~ s/^\s+//r, $right];
            }
        }

        push @found, [$heading, $kind, $option, $subject, [@cases]];
    }

    return map { { heading => $_->[0], kind => $_->[1], option => $_->[2],
                   text => $_->[3], subject => parsed($_->[3]),
                   cases => $_->[4] } } @found;
}


sub parsed {
    my ($text) = @_;

    my $v;

    eval { $v = $json->decode($text); 1 } or die "no JSON: $text: $@";

    return $v;
}


# The operators that a value has anywhere

sub operators {
    my ($v) = @_;

    return ref $v eq 'ARRAY' ? map { operators($_) } @$v
        : ref $v eq 'HASH'
            ? ((keys %$v == 1 ? keys %$v : ()),
               map { operators($_) } values %$v)
        : ();
}


sub section {
    my ($title) = @_;

    my ($text) = $page =~ /^## \Q$title\E\n(.*?)(?=^## |\z)/ms;

    return $text // die "no section \"$title\"";
}


subtest 'every operator has its section, with an example' => sub {
    my ($table) = slurp('src/core/flagship_operator.c')
        =~ /^const flagship_operator_t  flagship_operators\[\] = \{(.*?)^\};/ms;
    my @operators = $table =~ /\{ flagship_string\("([^"]+)"\)/g;
    my %has = map { $_ => 1 } map { /`([^`]+)`/g }
        section('Operators') =~ /^### (.+)$/mg;

    cmp_ok(scalar @operators, '>', 40, 'the table of operators is read');
    is_deeply([sort keys %has], [sort @operators], 'sections');

    for my $op (@operators) {
        ok((grep { $_->{heading} =~ /`\Q$op\E`/
                   && grep { $_ eq $op } operators($_->{subject}) } @examples),
            "$op has an example");
    }
};


# What the references answer is asked for afterwards, all at once

my @theirs;

subtest 'examples of rules' => sub {
    for my $generation (1, 2, 3) {
        my (@lines, @want);

        for my $e (grep { $_->{kind} eq 'logic' } @examples) {
            next if ($e->{option} // 'fractional=2')
                ne "fractional=$generation";

            for my $case (@{ $e->{cases} }) {
                my ($left, $right) = @$case;

                if ($left eq 'json-logic-js') {
                    push @theirs, [$left, $e, $lines[-1]{data}, $right,
                                   $want[-1][1]];
                    next;
                }

                push @lines, { rule => $e->{subject}, data => parsed($left) };
                push @want, ["$e->{text} of $left", $right];
            }
        }

        my @got = lines(\@lines, $ctl, 'logic', '--fractional', $generation);

        for my $i (0 .. $#want) {
            my ($name, $right) = @{ $want[$i] };

            if ($right =~ /^error (.+)$/) {
                like($got[$i]{error} // '', qr/\Q$1\E/, $name);

            } else {
                is($json->encode($got[$i]),
                    $json->encode({ result => parsed($right) }), $name);
            }
        }
    }
};


# A decision as the page writes it

sub decision {
    my ($body) = @_;

    return "error $body->{errorCode}" if $body->{errorCode};

    return (exists $body->{variant}
        ? "$body->{variant}: " . $json->encode($body->{value}) : 'no value')
        . ", $body->{reason}";
}


subtest 'examples of flags' => sub {
    for my $e (grep { $_->{kind} ne 'logic' } @examples) {
        my $document = $e->{kind} eq 'flags' ? $e->{subject} : { flags => {
            f => { state => 'ENABLED', variants => { a => 'a', b => 'b' },
                   defaultVariant => 'a', targeting => $e->{subject} } } };
        my (@lines, @want, @lints);

        open my $fh, '>:raw', "$dir/flags.json" or die "flags.json: $!";
        print $fh $json->encode($document);
        close $fh or die "flags.json: $!";

        for my $case (@{ $e->{cases} }) {
            my ($left, $right) = @$case;

            if ($left eq 'flagd-core') {
                push @theirs, [$left, $e, $lines[-1]{context}, $right,
                               $want[-1][1]];

            } elsif ($left eq 'check') {
                push @lints, $right;

            } else {
                my ($flag, $context) = $e->{kind} eq 'flags'
                    ? split(/ /, $left, 2) : ('f', $left);

                push @lines, { flag => $flag, context => parsed($context) };
                push @want, ["$flag of $context", $right];
            }
        }

        my @got = lines(\@lines, $ctl, 'eval', "$dir/flags.json", '--batch');

        for my $i (0 .. $#want) {
            is($e->{kind} eq 'flags' ? decision($got[$i])
                : $json->encode($got[$i]{variant}), $want[$i][1], $want[$i][0]);
        }

        my $checked = $json->decode(
            scalar `$ctl check --json '$dir/flags.json'`);

        is_deeply([map { ($_->{lint} // 'error') . " $_->{pointer}" }
            @{ $checked->{messages} }], \@lints,
            "$e->{heading}: what is linted");
    }
};


subtest 'every known deviation has its section, and each shows one' => sub {
    my @known = slurp('t/diff/deviations.mjs') =~ /^\s+name: '(.+)',$/mg;
    my @sections = map { section($_) =~ /^### (.+)$/mg }
        'Where it differs from JsonLogic', 'Where it differs from flagd';

    cmp_ok(scalar @known, '>', 5, 'the deviations are read');
    is_deeply([sort @sections], [sort @known], 'sections');

    for my $name (@known) {
        ok((grep { $_->[1]{heading} eq $name } @theirs), "$name: an example");
    }
};


subtest 'what the references answer' => sub {
    my @got = lines([map { { engine => $_->[0], rule => $_->[1]{subject},
                             deviation => $_->[1]{heading}, data => $_->[2] } }
                     @theirs], 'node', "$build/diff/reference.mjs");

    for my $i (0 .. $#theirs) {
        my ($engine, $e, undef, $theirs, $ours) = @{ $theirs[$i] };

        is($json->encode($got[$i]{is}), $json->encode(parsed($theirs)),
            "$engine: $e->{text}");
        isnt($theirs, $ours, 'is another answer');
        is($json->encode($got[$i]{deviating}), $json->encode(parsed($ours)),
            "which \"$e->{heading}\" explains");
    }
};


subtest 'every lint is there, and every one there is a lint' => sub {
    my %told;

    for my $file (glob 'src/core/*.c') {
        next if $file =~ /flagship_export/;
        $told{$_} = 1 for slurp($file) =~ /_warn\([^";]+"([a-z-]+)"/g;
    }

    my @listed = map { /`([a-z-]+)`/g }
        section('Lints') =~ /^\| (`.+?) \|/mg;

    cmp_ok(scalar keys %told, '>', 10, 'the sources are read');
    is_deeply([sort @listed], [sort keys %told], 'lints');
};


subtest 'limits are those of the sources' => sub {
    my %value;

    for my $file (glob 'src/core/*.h src/core/flagship_operator_regex.c') {
        for (slurp($file) =~ /^#define (FLAGSHIP_.+)$/mg) {
            my ($name, $number, $shift)
                = /^(\w+) +\(?(0x[0-9a-f]{1,8}|\d+)u?\b(?: << (\d+))?/
                or next;

            $value{$name} = ($number =~ /^0x/ ? hex $number : $number)
                << ($shift // 0);
        }
    }

    my $limits = section('Limits') =~ s/(?<=\d)[ ](?=\d{3}\b)//gr;
    my %unit = (MiB => 1 << 20, KiB => 1 << 10);

    $limits =~ s/(\d+) ([MK]iB)/$1 * $unit{$2}/ge;

    for my $name (qw(MAX_DOCUMENT MAX_FLAG MAX_DEPTH MAX_NODES MAX_LOOPS
        MAX_NESTING MAX_SLOTS MAX_KEY IDSET_MAX_ID REGEX_PATTERN REGEX_BYTES
        MAX_STEPS SCRATCH))
    {
        my $is = $value{"FLAGSHIP_$name"} // 'unknown';

        like($limits, qr/\b$is\b/, "$name: $is");
    }
};


done_testing;
