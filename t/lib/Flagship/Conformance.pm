package Flagship::Conformance;

# What others' suites expect, held against the answers of flagshipctl.
#
#   my @cases = jsonlogic(@files);            # { rule, data, result | error }
#   my $verdict = logic_verdict($case, $answer);
#   my $why = flagd_verdict($case, $body);    # { type, fallback, expect }
#   my $why = ofrep($body);                   # '' where it is OFREP's
#
# A verdict on logic is 'right', 'other' (an operator that is not JsonLogic's)
# or 'wrong'; the others are '' or a word for what is wrong.

use strict;
use warnings;

use Exporter qw(import);
use JSON::PP ();

our @EXPORT = qw(jsonlogic logic_verdict flagd_verdict ofrep);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;


# json-logic's files: objects, lists [rule, data, result], and headings

sub jsonlogic {
    my (@files) = @_;

    my @cases;

    for my $file (@files) {
        open my $fh, '<', $file or die "cannot read $file: $!\n";
        my $text = do { local $/; <$fh> };

        for my $case (@{ $json->decode($text) }) {
            next if !ref $case;

            $case = { rule => $case->[0], data => $case->[1],
                result => $case->[2] } if ref $case eq 'ARRAY';

            die "$file: no rule in " . $json->encode($case) . "\n"
                unless exists $case->{rule};

            push @cases, { %$case, file => $file };
        }
    }

    return @cases;
}


# Where the reference throws, ours answers

sub logic_verdict {
    my ($case, $got) = @_;

    return 'other' if ($got->{error} // '') =~ /unknown operator "(?:throw|val)"/;

    return exists $got->{result} && (exists $case->{error}
        || $json->encode($got->{result}) eq $json->encode($case->{result}))
        ? 'right' : 'wrong';
}


# A client that gets no value takes its fallback

sub flagd_verdict {
    my ($case, $got) = @_;

    my $expect = $case->{expect};
    my $value = exists $got->{value} ? $got->{value} : $case->{fallback};
    my $why = ofrep($got);

    return $why if $why;

    if (($expect->{error} // '') eq 'TYPE_MISMATCH') {
        return typed($case->{type}, $value) ? 'no mismatch' : '';
    }

    if ($expect->{error}) {
        return ($got->{errorCode} // '') ne $expect->{error} ? 'error' : '';
    }

    return 'value' if exists $expect->{value}
        && $json->encode($value) ne $json->encode($expect->{value});
    return 'reason' if exists $expect->{reason}
        && ($got->{reason} // '') ne $expect->{reason};

    return '';
}


# What a body must be, by OFREP's description: which members, of which types

sub ofrep {
    my ($body) = @_;

    my %may = exists $body->{errorCode}
        ? map { $_ => 1 } qw(key errorCode errorDetails metadata)
        : map { $_ => 1 } qw(key value variant reason metadata);

    for (keys %$body) {
        return "a member $_" unless $may{$_};
    }

    for (qw(key variant reason errorCode errorDetails)) {
        return "$_ is no string" if exists $body->{$_}
            && (ref $body->{$_} || $json->encode($body->{$_}) !~ /\A"/);
    }

    return 'no key' unless length $body->{key};

    if (exists $body->{errorCode}) {
        return "error $body->{errorCode}" unless $body->{errorCode}
            =~ /\A(?:PARSE_ERROR|TARGETING_KEY_MISSING|INVALID_CONTEXT|GENERAL
                |FLAG_NOT_FOUND)\z/x;

    } else {
        # DEFAULT is sent as flagd sends it
        return 'reason ' . ($body->{reason} // 'none') unless ($body->{reason} // '')
            =~ /\A(?:STATIC|TARGETING_MATCH|SPLIT|DISABLED|DEFAULT)\z/;
        return 'a variant without a value'
            if exists $body->{variant} != exists $body->{value};
    }

    for (values %{ $body->{metadata} // {} }) {
        return 'metadata' if ref && !JSON::PP::is_bool($_) || !defined;
    }

    return '';
}


# A client that asks for another type sees its own error

sub typed {
    my ($type, $value) = @_;

    my $text = $json->encode($value);

    return $type eq 'Boolean' ? JSON::PP::is_bool($value)
        : $type eq 'String' ? $text =~ /\A"/
        : $type eq 'Integer' ? $text =~ /\A-?\d+\z/
        : $type eq 'Float' ? $text =~ /\A-?\d/
        : ref $value eq 'HASH';
}


1;
