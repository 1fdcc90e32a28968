#!/usr/bin/perl

# A file as the source: every way in which files change, and files that are
# none.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(sleep time);

use Flagship::Source;
use Flagship::Test;


sub start {
    my ($text, %o) = @_;

    my $t = Flagship::Test->new(workers => 2);

    $t->write_file('flags.json', $text) if defined $text;
    $t->set(FILE => $t->dir . '/flags.json');

    return configure($t, ['a', 'b'], 'flagship_file %%FILE%%;', %o)->run;
}


# Writes in place: the file stays the same one, whatever its size

sub in_place {
    my ($t, $text) = @_;

    open my $fh, '+<', $t->dir . '/flags.json' or die "cannot open: $!";
    print {$fh} $text;
    truncate $fh, length $text;
    close $fh;
}


subtest 'the first request' => sub {
    my $t = start(document(a => 1, b => 1));

    is(now($t)->{a}, 1, 'is decided');

    my $revision = now($t)->{revision};

    ok($t->reload(wait => 1), 'a reload');
    is(now($t)->{a}, 1, 'serves it still');
    is(now($t)->{revision}, $revision, 'and publishes nothing');

    $t->check;
};


# How many threads a process has

sub threads { return scalar(() = glob "/proc/$_[0]/task/*") }


# And how many ends of pipes

sub pipes {
    return scalar grep { (readlink($_) // '') =~ /\Apipe:/ }
        glob "/proc/$_[0]/fd/*";
}


subtest 'ways to change a file' => sub {
    my $t = start(document(a => 10, b => 1));

    in_place($t, document(a => 11, b => 1));
    becomes($t, { a => 11 }, 'in place, of the same size');

    for my $n (12 .. 31) {
        in_place($t, document(a => $n, b => 1));
    }

    becomes($t, { a => 31 }, 'in place, many times in a moment');

    $t->write_file('new.json', document(a => 32));
    rename $t->dir . '/new.json', $t->dir . '/flags.json';
    becomes($t, { a => 32, b => '' }, 'by a rename');

    # as Kubernetes does it: flags.json -> ..data/flags.json, ..data -> folder
    for my $n (1, 2, 3) {
        mkdir $t->dir . "/v$n";
        $t->write_file("v$n/flags.json", document(a => 40 + $n));
    }

    symlink 'v1', $t->dir . '/data';
    symlink 'data/flags.json', $t->dir . '/link';
    rename $t->dir . '/link', $t->dir . '/flags.json';
    becomes($t, { a => 41 }, 'by a link');

    for my $n (2, 3) {
        symlink "v$n", $t->dir . '/next';
        rename $t->dir . '/next', $t->dir . '/data';
        becomes($t, { a => 40 + $n }, 'by a link on the way');
    }

    my ($was) = now($t)->{revision};

    utime undef, undef, $t->dir . '/v3/flags.json';
    $t->write_file('v3/flags.json', document(a => 43));
    $t->write_file('v3/flags.json', document(a => 43, b => 2));
    becomes($t, { a => 43, b => 2 }, 'a change after one that was none');

    is(now($t)->{revision}, $was + 1, 'what is the same is no revision');

    is($t->lines(qr/\[(?:error|warn)\]/), 0, 'nothing to complain of');

    ok(wait_for(sub { !grep { threads($_) != 1 } $t->workers }),
        'no thread stays when there is nothing to do');

    # the other worker has had none, and both have what they were given
    ok(wait_for(sub {
        my ($one, $other) = map { pipes($_) } $t->workers;
        $one == $other;
    }), 'nor a pipe');

    $t->check;
};


subtest 'files that are none' => sub {
    my $t = start(document(a => 1, b => 1));
    my $file = $t->dir . '/flags.json';

    my @bad = (
        [ '' => qr/is empty/, 'an empty one' ],
        [ '{}' => qr/is no flag document/, 'an empty object' ],
        [ '{"flags": 1}' => qr/is no flag document/, 'flags of a wrong type' ],
        [ 'null' => qr/is no flag document/, 'null' ],
        [ "\0\0\0\0" => qr/is no valid JSON at byte 0/, 'zeros' ],
        [ substr(document(a => 2), 0, -2) => qr/is no valid JSON at byte \d+/,
            'half of one' ],
        [ undef, qr/cannot be read;.*\(2: No such file/, 'one that is gone' ],
    );

    for my $bad (@bad) {
        my ($text, $why, $name) = @$bad;

        if (defined $text) {
            $t->write_file('flags.json', $text);

        } else {
            unlink $file;
        }

        ok(wait_for(sub { $t->lines(qr/\[error\].*flagship: file .*$why/) }),
            "$name is logged") or diag $t->log;
        is(now($t)->{a}, 1, 'and the last flags serve');
    }

    mkdir $file;
    ok(wait_for(sub { $t->lines(qr/is no regular file/) }),
        'a folder is logged');
    rmdir $file;

    system('mkfifo', $file) == 0 or die 'no fifo';
    is(now($t)->{a}, 1, 'with a pipe the last flags serve');
    unlink $file;

    $t->write_file('flags.json', document(a => 2, b => 2));
    becomes($t, { a => 2 }, 'a good one is taken');
    ok(wait_for(sub { $t->lines(qr/is good again/) == 1 }), 'which is logged');

    is($t->lines(qr/is empty/), 1, 'each trouble was logged once');

    $t->write_file('flags.json', '{"flags": []}');
    becomes($t, { a => '', b => '' }, 'an explicit empty list empties');

    $t->write_file('flags.json', document(a => 3));
    becomes($t, { a => 3 }, 'and is left again');

    $t->write_file('flags.json', '{"flags": {}}');
    becomes($t, { a => '' }, 'an explicit empty object too');

    $t->check;
};


subtest 'a file that is being written' => sub {
    my $t = start(document(a => 1, b => 1));
    my $text = document(map { ("x$_" => 1) } 1 .. 2000);

    for my $n (2 .. 5) {
        my $all = document(a => $n, map { ("x$_" => 1) } 1 .. 2000);

        open my $fh, '>', $t->dir . '/flags.json' or die "cannot open: $!";
        $fh->autoflush(1);

        for (my $at = 0; $at < length $all; $at += 40_000) {
            print {$fh} substr $all, $at, 40_000;
            is(now($t)->{a}, $n - 1, 'the last flags serve');
            sleep 0.05;
        }

        close $fh;

        becomes($t, { a => $n }, 'until it is whole');
    }

    # slower than anybody writes: the trouble may be logged then

    $t->check;
};


subtest 'a flag that is refused' => sub {
    my $t = start(document(a => 1, b => 1));

    $t->write_file('flags.json', document(b => 2, a => \<<'EOT'));
{"key": "a", "type": "string", "enabled": true, "variants": {"v": "2"},
 "default_variant": "v", "rules": [{"when": {"no_such": []}, "serve": "v"}]}
EOT

    becomes($t, { a => 1, b => 2 }, 'keeps its last good form, alone');

    my $match = qr{\[error\].*tenant\ "default"\ environment\ "prod"
        \ flag\ "a"\ at\ "/rules/0.*no_such}x;

    ok(wait_for(sub { $t->lines($match) == 1 }), 'it is logged')
        or diag $t->log;

    $t->write_file('flags.json', document(b => 3, a => \<<'EOT'));
{"key": "a", "type": "string", "enabled": true, "variants": {"v": "2"},
 "default_variant": "v", "rules": [{"when": {"no_such": []}, "serve": "v"}]}
EOT

    becomes($t, { a => 1, b => 3 }, 'others go on');
    is($t->lines($match), 1, 'and it is not logged again');

    $t->write_file('flags.json', document(a => 4, b => 4));
    becomes($t, { a => 4, b => 4 }, 'until it is mended');

    $t->check;
};


subtest 'no file at the start' => sub {
    my $t = start(undef);

    is(now($t)->{a}, '', 'defaults are served');
    is($t->lines(qr/cannot be read.*no flags are loaded yet/), 1,
        'it is logged');

    $t->write_file('flags.json', document(a => 1));
    becomes($t, { a => 1 }, 'and loaded when it is there');

    $t->check;
};


subtest 'a file of flagd' => sub {
    my $t = start('{"flags": {"a": {"state": "ENABLED",
        "variants": {"v": "flagd"}, "defaultVariant": "v"}}}');

    is(now($t)->{a}, 'flagd', 'is taken');

    $t->check;
};


subtest 'the size of the zone' => sub {
    my $t = start(document(a => 1, b => 1), zone => '256k');
    my $long = 'x' x 4000;

    $t->write_file('flags.json',
        document(a => 2, map { ("long$_" => $long) } 1 .. 60));

    ok(wait_for(sub { $t->lines(qr/\[error\].*flagship/) }),
        'too many flags are logged') or diag $t->log;
    is(now($t)->{a}, 1, 'the last ones serve');

    my $lines = $t->lines(qr/\[error\].*flagship/);

    sleep 2.5;
    is($t->lines(qr/\[error\].*flagship/), $lines, 'no line for each retry');

    $t->write_file('flags.json', document(a => 3));
    becomes($t, { a => 3 }, 'fewer are taken, without a reload');

    $t->write_file('flags.json',
        document(a => 4, map { ("long$_" => $long) } 1 .. 60));

    ok(wait_for(sub { $t->lines(qr/\[error\].*flagship/) > $lines }),
        'too many again');

    configure($t, ['a', 'b'], 'flagship_file %%FILE%%;', zone => '8m');
    ok($t->reload(wait => 1), 'a larger zone');
    becomes($t, { a => 4 }, 'has room');

    $t->check;
};


subtest 'the leader is killed' => sub {
    my $t = start(document(a => 1, b => 1));

    $t->allow(qr/exited on signal 9/);

    for my $n (2 .. 4) {
        wait_for(sub { $t->workers == 2 });
        kill 'KILL', ($t->workers)[$n % 2];
        $t->write_file('flags.json', document(a => $n));
        becomes($t, { a => $n }, 'changes are seen');
    }

    $t->check;
};


subtest 'one process' => sub {
    my $t = start(document(a => 1, b => 1), main => 'master_process off;');

    is(now($t)->{a}, 1, 'serves');

    $t->write_file('flags.json', document(a => 2));
    becomes($t, { a => 2 }, 'and sees changes');

    $t->check;
};


done_testing;
