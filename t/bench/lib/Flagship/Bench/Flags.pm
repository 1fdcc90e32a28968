package Flagship::Bench::Flags;

# The flags that scenarios decide, as documents.

use strict;
use warnings;

use JSON::PP ();


# One of the kinds below.

sub flag {
    my ($key, $kind) = @_;

    my $flag = {
        key             => $key,
        type            => 'boolean',
        enabled         => JSON::PP::true,
        variants        => { on => JSON::PP::true, off => JSON::PP::false },
        default_variant => 'off',
        off_variant     => 'off',
    };

    kinds()->{$kind}->($flag);

    return $flag;
}


sub kinds {
    return {
        static => sub { $_[0]{default_variant} = 'on' },

        rollout => sub { $_[0]{rollout} = 50 },

        split => sub {
            $_[0]{rules} = [{ serve => { split => { on => 25, off => 75 } } }];
        },

        conditions => sub {
            $_[0]{rules} = [{
                when  => { and => [{ in => [{ var => 'country' },
                                            ['de', 'at', 'ch']] },
                                   { '==' => [{ var => 'plan' }, 'pro'] }] },
                serve => 'on',
            }];
        },

        ids => sub {
            $_[0]{user_ids} = [map { 'user' . 7 * $_ } 1 .. 50];
        },
    };
}


# What a real set looks like: all kinds in turn.

sub mixed {
    my ($n) = @_;

    my @kinds = qw(rollout conditions split ids static);

    return map { flag(key($_), $kinds[($_ - 1) % @kinds]) } 1 .. $n;
}


sub rollouts {
    my ($n) = @_;

    return map { flag(key($_), 'rollout') } 1 .. $n;
}


sub key    { return sprintf 'checkout_%02d', $_[0] }
sub header { return sprintf 'X-Feature-checkout-%02d', $_[0] }


sub document {
    return JSON::PP->new->canonical->encode({ flags => [@_] });
}


1;
