# The rules of the house that a machine can check.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(basename dirname);
use Test::More;

chdir abs_path(dirname(__FILE__) . '/..') or die "no checkout: $!";

my @sources = sort grep { -f } 'ngx_http_flagship_module.c',
    glob 'src/*.[ch] src/*/*.[ch]';
my @units = sort glob 't/unit/*.[ch]';
my @tools = sort glob 'tools/*.[ch]';
my %text = map { $_ => scalar slurp($_) } @sources, @units, @tools;

# what a room may include, by DESIGN's arrows: itself and these
my %below = (
    core => [],
    zone => [qw(core)],
    pg   => [],
    sync => [qw(core zone pg)],
    edge => [qw(core zone)],
    auth => [qw(core zone)],
    api  => [qw(core zone pg sync auth)],
);


sub slurp {
    my ($file) = @_;

    open my $fh, '<', $file or die "cannot read $file: $!";
    local $/ unless wantarray;

    return <$fh>;
}


# One test a rule: all places that break it, as file:line

sub none {
    my ($name, @places) = @_;

    my $n = @places;

    ok(!$n, $name) or diag join "\n", splice(@places, 0, 20), "$n in all";
}


# file:line of each line that matches, comments and strings blanked if asked

sub places {
    my ($match, $files, $prepare) = @_;

    my @found;

    for my $file (@$files) {
        my $text = $prepare ? $prepare->($text{$file}) : $text{$file};
        my $n = 0;

        for my $line (split /\n/, $text) {
            $n++;
            push @found, "$file:$n: $line" if $line =~ $match;
        }
    }

    return @found;
}


# The code alone: the same lines, with comments and literals emptied

sub code {
    my ($text) = @_;

    $text =~ s{(/\*.*?\*/)|"((?:\\.|[^"\\\n])*)"|'(?:\\.|[^'\\\n])+'}{
        defined $1 ? $1 =~ tr/\n//cdr : defined $2 ? '""' : '0'
    }gesx;

    return $text;
}


subtest 'layout' => sub {
    my @files = (@sources, @units, @tools);

    none('no tabs', places(qr/\t/, \@files));
    none('no blanks at the end', places(qr/[ \r]$/, \@files));
    none('at most 80 columns', places(qr/^.{81}/, \@files));
    none('comments are /* */', places(qr{//}, \@files, \&code));

    none('one newline at the end',
        grep { $text{$_} !~ /[^\n]\n\z/ } @files);

    none('at most two empty lines', grep { $text{$_} =~ /\n{4}/ } @files);

    none('always braces', map { unbraced($_) } @files);

    none('a function starts at the margin, its type above',
        places(qr/^(?:static\s+)?(?:inline\s+)?\w[\w\s\*]*\s\**\w+\([^;]*\)\s*\{/,
            \@files, \&code));

    none('two empty lines between functions',
        map { my $file = $_; map { "$file: $_" }
            code($text{$file}) =~ /^\}\n\n?(?=\w)(.*)/mg } @files);
};


# A condition or a loop whose statement does not open a brace

sub unbraced {
    my ($file) = @_;

    my $code = code($text{$file});

    # lines stay lines; the while of do {} while has its own form
    $code =~ s/^[ \t]*#.*(?:\\\n.*)*/"\n" x ($& =~ tr{\n}{})/gme;
    $code =~ s/\}\s*while\b/}/g;

    my @found;

    while ($code =~ m{
        (?: \b(?:if|for|while)\s*(\((?:[^()]++|(?1))*\)) | \belse\b(?!\s*if\b) )
        \s* (?!\{) \S }xg)
    {
        my $line = 1 + (substr($code, 0, $-[0]) =~ tr/\n//);
        push @found, "$file:$line";
    }

    return @found;
}


subtest 'files' => sub {
    none('no file of over 1000 lines',
        grep { ($text{$_} =~ tr/\n//) > 1000 } @sources, @tools);

    none('each opens with a comment on what it holds',
        grep { $text{$_} !~ m{\A\n?(?:/\*.*?\*/\s*)?/\*}s } @sources, @tools);

    none('no function of over 120 lines', map { long_functions($_) } @sources, @tools);

    none('core is named flagship_, the rest ngx_http_flagship_',
        grep { basename($_) !~ (m{^src/core/} ? qr/^flagship_/
            : qr/^ngx_http_flagship/) } @sources);

    my %seen;
    none('tools are named after their program',
        grep { basename($_) !~ /^flagshipctl/ } @tools);

    none('every name is there once', grep { $seen{ basename($_) }++ } @sources);
};


sub long_functions {
    my ($file) = @_;

    my ($start, $n, @found) = (0, 0);

    for my $line (split /\n/, $text{$file}) {
        $n++;

        if ($line eq '{') {
            $start = $n;

        } elsif ($line eq '}') {
            push @found, "$file:$start: " . ($n - $start - 1) . ' lines'
                if $start && $n - $start - 1 > 120;
            $start = 0;
        }
    }

    return @found;
}


subtest 'rooms' => sub {
    my @core = grep { m{^src/core/} } @sources;

    none('core knows neither nginx nor libpq',
        places(qr/^\s*#\s*include\s*[<"](?:ngx_|nginx|libpq|postgres)/,
            \@core));

    none('only pg knows libpq',
        places(qr/^\s*#\s*include\s*[<"](?:libpq|postgres)/,
            [ grep { !m{^src/pg/} } @sources ]));

    my %room = map { m{^src/(\w+)/(.*)} ? ($2 => $1) : () } @sources;

    for my $from (sort keys %below) {
        my %may = map { $_ => 1 } $from, @{ $below{$from} };
        my @found;

        for my $file (grep { m{^src/$from/} } @sources) {
            for ($text{$file} =~ /^\s*#\s*include\s*"(?:.*\/)?([^"]+)"/mg) {
                push @found, "$file: $_"
                    if $room{$_} && !$may{ $room{$_} };
            }
        }

        none("$from: "
            . join(', ', @{ $below{$from} } ? @{ $below{$from} } : 'nothing')
            . ' below it', @found);
    }
};


subtest 'what must not be called' => sub {

    none('nothing that blocks a worker',
        places(qr/\b(?:PQexec\w*|PQconnectdb\w*|PQprepare|PQdescribe\w+
            |PQcancel|PQreset|PQping\w*|PQgetCopyData
            |gethostbyname\w*|ngx_msleep|ngx_sleep|usleep|nanosleep
            |(?<!ngx_)sleep|system|popen|waitpid)\s*\(/x,
            \@sources, \&code),
        # but in a thread
        places(qr/\bgetaddrinfo\s*\(/,
            [ grep { !/_pg_resolve\.c$/ } @sources ], \&code));

    none('nothing without a bound',
        places(qr/\b(?:strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(/,
            [ @sources, @tools ], \&code));

    none('nothing that belongs to one thread only, in core',
        places(qr/\b(?:localtime|gmtime|strerror|setlocale|rand|random)\s*\(/,
            [ grep { m{^src/core/} } @sources ], \&code));

    none('no SHA256() and its like, which OpenSSL 3 made slow',
        places(qr/\b(?:SHA1|SHA256|SHA512|MD5)\s*\(/, \@sources, \&code));

    none('version differences stand in one file',
        places(qr/\bnginx_version\b/,
            [ grep { !/_compat\.h$/ } @sources ], \&code));
};


subtest 'everything under version control' => sub {

    my @names = -e '.git'
        ? map { chomp; $_ } `git ls-files -co --exclude-standard`
        : map { chomp; s{^\./}{}r } `find . -type f -not -path './build/*' -not -path './run/*'`;

    plan skip_all => 'no list of files' unless @names;

    my (@open, @paths, @modes);

    for my $file (grep { -f && -T _ } @names) {
        my $n = 0;

        for my $line (slurp($file)) {
            $n++;

            # written apart, or this file would find itself
            push @open, "$file:$n"
                if $line =~ /\b(?:TO${\''}DO|FIX${\''}ME|HA${\''}CK)\b/;

            push @paths, "$file:$n: $line"
                if $line =~ m{(?:^|[^A-Za-z0-9_.\$%])/(?:work|farm|root|home)/};
        }

        push @modes, $file
            if !-x $file && (slurp($file))[0] =~ /^#!/;
    }

    none('nothing is left open', @open);
    none('no paths of one machine', @paths);
    none('scripts may be run', @modes);
    none('no large files', grep { -s > 400_000 } @names);
    none('no file names with blanks', grep { /\s/ } @names);
};


subtest 'clang compiles it without a warning' => sub {

    my ($clang) = grep { -x } map { "/usr/bin/clang$_" } qw(-14 -16 -19), '';
    my $objs = ($ENV{FLAGSHIP_TEST_BUILD} // 'build') . '/nginx';
    my $nginx = '/usr/share/nginx/src';

    plan skip_all => 'no clang' unless $clang;
    plan skip_all => 'not built' unless -f "$objs/ngx_auto_config.h";

    $objs = abs_path($objs);

    my @rooms = map { "-I$_" } 'src', grep { -d } glob 'src/*';
    my @nginx = map { "-I$_" } $objs, glob("$nginx/src/*"),
        "$nginx/src/http/modules", "$nginx/src/http/v2",
        "$nginx/src/event/modules", "$nginx/src/os/unix",
        '/usr/include/postgresql';

    for my $file (grep { /\.c$/ } @sources, @tools) {
        my @flags = $file =~ m{^(?:src/core|tools)/}
            ? qw(-std=c11 -D_GNU_SOURCE -Isrc/core -Itools)
            : (@rooms, @nginx, '-Wno-unused-parameter');

        open my $fh, '-|', $clang, '-fsyntax-only', '-W', '-Wall', '-Werror',
            '-Wpointer-arith', '-Wno-unused-parameter', @flags, $file
                or die "cannot run $clang: $!";
        my $said = do { local $/; <$fh> };

        ok(close($fh) , $file);
    }

    pass('all were looked at');
};


done_testing;
