package Flagship::Edge;

# A gateway whose flags come from a file, for tests of what a request meets.
# It brings Flagship::Test too.
#
#   my $t = edge(
#       flags  => [ flag('a'), flag('b', enabled => 0) ],
#       http   => 'flagship_targeting_key $arg_user;',
#       server => 'location / { flagship_headers on; proxy_pass %%UP%%; }',
#       more   => 'server { ... }',          # beside the gateway's server
#       main   => 'load_module ...;',        # above events
#       set    => { NAME => 'value' },       # %%NAME%%
#   );
#   is($t->get('/?user=1')->json->{headers}{'x-feature-a'}, 'true', 'on');
#
#   $t->flags(flag('a', enabled => 0));      # written, and served
#
# %%UP%% is an echoing upstream, http://127.0.0.1:port, made where it is used;
# /ready answers in the gateway's server.

use strict;
use warnings;

use Exporter ();
use JSON::PP ();

use Flagship::Echo;
use Flagship::Test;

use parent -norequire, qw(Flagship::Test);

our @EXPORT = (@Flagship::Test::EXPORT, qw(edge flag true false text));

my %upstream;


sub import {
    strict->import;
    warnings->import;
    goto &Exporter::import;
}


sub true  { JSON::PP::true }
sub false { JSON::PP::false }


# A flag: enabled, and whatever fields are given

sub flag {
    my ($key, %fields) = @_;

    my $enabled = delete $fields{enabled} // 1;

    return { key => $key, enabled => $enabled ? true : false, %fields };
}


# A flag of strings that serves the one given; undef: none

sub text {
    my ($key, $value, %fields) = @_;

    return flag($key, type => 'string', variants => { it => $value },
        default_variant => 'it', %fields);
}


sub edge {
    my (%o) = @_;

    my $t = Flagship::Edge->new(%{ $o{options} // {} });

    my $text = join '', map { $_ // '' } @o{qw(http server more)};

    if ($text =~ /%%UP%%/) {
        $upstream{$t} = Flagship::Echo->new;
        $t->set(UP => 'http://127.0.0.1:' . $upstream{$t}->port);
    }

    $t->set(%{ $o{set} // {} });
    $t->write_flags(@{ $o{flags} // [] });

    $t->config(join "\n", '%%GLOBALS%%', $o{main} // '',
        'events {', $o{events} // '', '}',
        'http {', '%%HTTP%%', 'flagship_zone ' . ($o{zone} // '8m') . ';',
        'flagship_file %%DIR%%/flags.json;', $o{http} // '',
        'server {', $o{listen} // 'listen 127.0.0.1:%%PORT%%;',
        'location = /ready { flagship_status ready; }',
        $o{server} // '', '}', $o{more} // '', '}');

    return $o{stopped} ? $t : $t->run;
}


sub upstream { $upstream{ $_[0] } }


# Flags, or a whole document where it is one hash with "flags"

sub write_flags {
    my ($self, @flags) = @_;

    my $document = (@flags == 1 && exists $flags[0]{flags})
        ? $flags[0] : { flags => \@flags };

    $self->write_file('flags.json',
        JSON::PP->new->utf8->canonical->encode($document));
}


sub revision { $_[0]->get('/ready')->json->{revision} }


# Writes, and waits until every new request is decided by it

sub flags {
    my ($self, @flags) = @_;

    my $before = $self->revision;

    $self->write_flags(@flags);
    wait_for(sub { $self->revision > $before }) or die 'flags are not served';
}


# Injected headers as the upstream saw them, of one request: "Name: value"

sub injected {
    my ($self, $uri, @headers) = @_;

    $self->upstream->clear;
    $self->get($uri, @headers);

    return join '; ', map { "$_->[0]: $_->[1]" }
        $self->upstream->headers(qr/^x[^a-z0-9]feature/i);
}


1;
