package Flagship::Source;

# What the tests of sources share: an nginx that answers with the values of
# some flags, and flags whose value is a text that a test chose.
#
#   my $t = answers([qw(a b)], "flagship_postgres \"...\";");
#   set_flags($pg, a => 1, b => 2);         # one transaction
#   becomes($t, { a => 1 }, 'a sentence');
#   my $is = now($t);                       # { pid, revision, a, b }
#
# The answer of / is one line, "pid=1 revision=2 a=1 b=2", of one generation.

use strict;
use warnings;

use Exporter qw(import);
use Test::More ();
use Time::HiRes qw(time);

use Flagship::Test ();
use Flagship::Process qw(until_true);

our @EXPORT = qw(answers configure set_flags now values becomes document in_time
    leader);


# workers => N, zone => '8m', main => '...', http => '...': added to the
# configuration

sub answers {
    my ($flags, $source, %o) = @_;

    my $t = Flagship::Test->new(workers => $o{workers} // 2);

    return configure($t, $flags, $source, %o);
}


sub configure {
    my ($t, $flags, $source, %o) = @_;

    my $zone = $o{zone} // '8m';
    my $main = $o{main} // '';
    my $http = $o{http} // '';
    my $values = join ' ', map { "$_=\$flagship_value_$_" } @$flags;

    return $t->config(<<"EOT");
%%GLOBALS%%
$main
events {
    worker_connections 512;
}

http {
    %%HTTP%%

    flagship_zone $zone;
    $source
    $http

    server {
        listen 127.0.0.1:%%PORT%%;

        location / {
            return 200 "pid=\$pid revision=\$flagship_revision $values";
        }
    }
}
EOT
}


sub values {
    my ($text) = @_;

    return { map { split /=/, $_, 2 } split / /, $text };
}


sub now {
    my ($t) = @_;

    return Flagship::Source::values($t->get('/')->body);
}


# Flags of default/prod that have one variant; undef removes one

sub set_flags {
    my ($pg, %flags) = @_;

    my $sql = '';

    for my $key (sort keys %flags) {
        my $value = $flags{$key};

        if (!defined $value) {
            $sql .= "DELETE FROM flagship.flags WHERE key = '$key'"
                . " AND environment = 'prod';";
            next;
        }

        $sql .= <<"EOT";
INSERT INTO flagship.flags (key, type, enabled, variants, default_variant,
    off_variant)
SELECT '$key', 'string', true, '{"v":"$value"}', 'v', 'v'
 WHERE NOT EXISTS (SELECT FROM flagship.flags WHERE key = '$key'
                     AND environment = 'prod' AND archived_at IS NULL);
UPDATE flagship.flags SET variants = '{"v":"$value"}'
 WHERE key = '$key' AND environment = 'prod' AND archived_at IS NULL
   AND variants::text <> '{"v":"$value"}';
EOT
    }

    # a session that lasts: a change is to cost what a change costs
    my $session = $pg->isa('Flagship::Postgres') ? $pg->session : $pg;

    $session->sql("BEGIN; $sql COMMIT");
}


# The same as a file's text: a value that is a reference is a whole document

sub document {
    my (%flags) = @_;

    return '{"flags":[' . join(',', map {
        ref $flags{$_} ? ${ $flags{$_} }
            : qq({"key":"$_","type":"string","enabled":true,)
                . qq("variants":{"v":"$flags{$_}"},"default_variant":"v",)
                . qq("off_variant":"v"})
    } sort keys %flags) . ']}';
}


# Waits until the answer has these values, and tests that it came to that

sub becomes {
    my ($t, $want, $name) = @_;

    my $is;

    my $done = until_true($Flagship::Nginx::patience, sub {
        $is = now($t);
        return !grep { ($is->{$_} // '') ne $want->{$_} } keys %$want;
    });

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok($done, $name)
        or Test::More::diag(join ' ', map { "$_=$is->{$_}" } sort keys %$is);

    return $done;
}


# Tests that the scenario, which returns the seconds it took, is done in time.
# Other work on the machine may hold it up: five times as long will do, and it
# may miss that once.

sub in_time {
    my ($seconds, $name, $scenario) = @_;

    my $took;

    for (1 .. 2) {
        $took = $scenario->($_);
        last if $took <= $seconds * 5;
    }

    local $Test::Builder::Level = $Test::Builder::Level + 1;

    Test::More::ok($took <= $seconds * 5, $name);
    Test::More::note(sprintf '%s: %.3f s', $name, $took);
}


# The worker that has a connection to PostgreSQL, by the database's own list

sub leader {
    my ($t, $pg) = @_;

    my %inode = map { $_ => 1 } _peers($pg);

    for my $pid ($t->workers) {
        for my $link (glob "/proc/$pid/fd/*") {
            my $to = readlink $link or next;
            return $pid if $to =~ /\Asocket:\[(\d+)\]\z/ && $inode{$1};
        }
    }

    return;
}


# Inodes of this side's ends of the connections to its port on the loopback

sub _peers {
    my ($pg) = @_;

    my $port = sprintf '%04X', $pg->port;

    open my $fh, '<', '/proc/net/tcp' or die "cannot read /proc/net/tcp: $!";

    return map { (split ' ')[9] } grep { (split ' ')[2] =~ /:$port\z/ } <$fh>;
}


1;
