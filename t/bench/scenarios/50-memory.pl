# What a worker takes: the same nginx without the module, with flags from a
# file, and with flags from PostgreSQL, after some requests.  "Private" is what
# the machine has less for each worker; libraries and the zone are shared.

package Flagship::Bench::Scenario::Memory;

use strict;
use warnings;

use List::Util qw(max);

use Flagship::Bench;
use Flagship::Bench::Database;
use Flagship::Bench::Flags;
use Flagship::Bench::Nginx;


sub run {
    my ($bench) = @_;

    my $flags = 10;
    my $database = Flagship::Bench::Database->start;
    my $file = "$bench->{dir}/memory.json";

    $database->session->sql('INSERT INTO flagship.flags (key, enabled, rollout) '
        . "SELECT 'flag_' || i, true, 50 FROM generate_series(1, $flags) i");
    Flagship::Bench::Nginx::write_file($file,
        Flagship::Bench::Flags::document(
            Flagship::Bench::Flags::mixed($flags)));

    my %source = (
        'bare nginx' => undef,
        'flags from a file' => "flagship_file $file;\n",
        'flags from PostgreSQL'
            => "flagship_postgres \"@{[ $database->conninfo ]}\";\n",
    );

    my %memory;

    for (1 .. $bench->{rounds}) {
        for my $name (sort keys %source) {
            my $got = worker($bench, $source{$name});
            push @{ $memory{$name}{$_} }, $got->{$_} for keys %$got;
        }
    }

    for my $kind (qw(private rss)) {
        my $bare = $memory{'bare nginx'}{$kind};

        for my $name ('flags from a file', 'flags from PostgreSQL') {
            my $with = $memory{$name}{$kind};
            my @more = map { ($with->[$_] - $bare->[$_]) / 1024 } 0 .. $#$with;

            $bench->figure("memory: a worker over bare nginx, $name, "
                . ($kind eq 'rss' ? 'resident' : 'private'), 'KiB', \@more,
                $kind eq 'private' ? (most => 2048) : ());
        }
    }
}


# The larger of two workers, one of which syncs.

sub worker {
    my ($bench, $source) = @_;

    my $nginx = Flagship::Bench::Nginx->start($bench, 'memory',
        pin     => 'tested',
        workers => 2,
        modules => $source
            ? ["$bench->{build}/ngx_http_flagship_module.so"] : [],
        http    => $source ? "flagship_zone 8m;\n$source"
            . "flagship_targeting_key \$cookie_uid;\n" : '',
        server  => $source ? "location / {\n"
            . "    add_header X-Flags \$flagship_cache_key;\n"
            . "    return 200 \"ok\\n\";\n}\n"
            . "location = /ready { flagship_status ready; }\n"
            : "location / { return 200 \"ok\\n\"; }\n");

    $nginx->until_ready if $source;

    $nginx->load('/', seconds => 1);

    my @all = map { $nginx->memory($_) } $nginx->workers;

    return { map { my $kind = $_; $kind => max(map { $_->{$kind} } @all) }
             qw(private rss) };
}


return { title => 'memory of a worker', run => \&run };
