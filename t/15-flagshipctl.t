# flagshipctl: each subcommand, run as people run it.

use strict;
use warnings;

use lib 't/lib';

use Cwd qw(abs_path);
use File::Basename qw(dirname);
use File::Temp ();
use Flagship::Conformance;
use IO::Select ();
use IPC::Open3 qw(open3);
use JSON::PP ();
use Symbol qw(gensym);
use Test::More;

chdir abs_path(dirname(__FILE__) . '/..') or die "no checkout: $!";

my $ctl = ($ENV{FLAGSHIP_TEST_BUILD} // 'build') . '/flagshipctl';
my $public = $ENV{FLAGSHIP_CONFORMANCE} // '../shared/conformance';
my $dir = File::Temp->newdir('flagship-ctl-XXXXXXXX', TMPDIR => 1);
my $json = JSON::PP->new->utf8->allow_nonref->canonical;

plan skip_all => "$ctl is not built" unless -x $ctl;


sub slurp {
    my ($file) = @_;

    open my $fh, '<:raw', $file or die "cannot read $file: $!";
    local $/;

    return scalar <$fh>;
}


sub spill {
    my ($name, $text) = @_;

    open my $fh, '>:raw', "$dir/$name" or die "cannot write $name: $!";
    print $fh ref $text ? $json->encode($text) : $text;
    close $fh or die;

    return "$dir/$name";
}


# What it writes, what it complains, how it ends; files stand between, so that
# no pipe fills up

sub ctl {
    my ($in, @args) = @_;

    my $from = spill('in', $in // '');
    my $pid = fork // die "cannot fork: $!";

    if (!$pid) {
        alarm 60;
        open STDIN, '<', $from or die;
        open STDOUT, '>', "$dir/out" or die;
        open STDERR, '>', "$dir/err" or die;
        exec $ctl, @args or die "cannot run $ctl: $!";
    }

    waitpid $pid, 0;

    return (slurp("$dir/out"), slurp("$dir/err"),
        $? & 127 ? "signal $?" : $? >> 8);
}


sub lines {
    my ($out, $err, $code) = ctl(join('', map { ref ? $json->encode($_) . "\n"
        : "$_\n" } @{ shift() }), @_);

    is($code, 0, "@_[0..0] ends well") or diag $err;

    return map { $json->decode($_) } split /\n/, $out;
}


subtest 'usage' => sub {
    my ($out, $err, $code) = ctl('');
    is($code, 2, 'no command');
    like($err, qr/\Ausage: /, 'says how');

    ($out, $err, $code) = ctl('', '--help');
    is($code, 0, '--help');
    like($out, qr/\Ausage: .*Exit codes:/s, 'goes to standard output');

    ($out, $err, $code) = ctl('', 'explain');
    is($code, 2, 'an unknown command');
    like($err, qr/unknown command "explain"/, 'is named');

    for my $command (qw(logic eval check image inspect export)) {
        ($out, $err, $code) = ctl('', $command, '--help');
        is($code, 0, "$command --help");
        like($out, qr/\Ausage: flagshipctl $command/, 'says how');
        unlike($out, qr/^.{81}/m, 'in 80 columns');

        ($out, $err, $code) = ctl('', $command, '--colour');
        is($code, 2, "$command with an unknown option");
        like($err, qr/unknown option "--colour"/, 'which is named');
    }

    for (['eval'], ['check'], ['image', 'x'], ['inspect'],
        ['eval', 'a', 'b'], ['eval', 'a', '--flag'],
        ['eval', 'a', '--batch', '--flag', 'b'], ['eval', 'a', '--batch=1'],
        ['eval', 'conf/flags.json', '--fractional', '4'],
        ['logic', 'file'], ['export'], ['export', 'a', '--format', 'xml'],
        ['check', "$dir/none"], ['check', "$dir"],
        ['image', 'conf/flags.json', '-o', "$dir/none/x"])
    {
        ($out, $err, $code) = ctl('', @$_);
        is($code, 2, "wrong: @$_");
        isnt($err, '', 'and it says what');
    }
};


subtest 'logic' => sub {
    my @got = lines([
        { rule => { '+' => [1, 2] } },
        { rule => { var => 'a.1' }, data => { a => [1, 'x'] } },
        { rule => { var => '' }, data => 5 },
        { rule => undef },
        { rule => { cat => [{ var => 'u' }] }, data => { u => "\x{fc}" } },
        'bad', '', '[]', '{"data": 1}', '{"rule": 1, "rule": 2}',
        { rule => { nope => 1 } },
        { rule => { if => [1, { nope => 1 }] } },
        { rule => { segment => 'nope' } },
        { rule => { '*' => [2, { var => 'n' }] }, data => { n => 21 } },
    ], 'logic');

    is_deeply([ map { $_->{result} } @got[0 .. 4, 13] ],
        [ 3, 'x', 5, undef, "\x{fc}", 42 ], 'results');

    like($got[$_->[0]]{error}, $_->[1], "error: $_->[1]")
        for [5, qr/not JSON at byte 0/], [6, qr/not JSON/],
            [7, qr/"rule" and "data"/], [8, qr/"rule" and "data"/],
            [9, qr/name twice/], [10, qr/unknown operator "nope"/],
            [11, qr{\A/if/1: unknown operator "nope"}],
            [12, qr/no segment "nope"/];

    is(scalar @got, 14, 'a line for each');

    # regular expressions: a table, a program, a text; what is refused, where
    my $m = sub { { rule => { matches => [@_] } } };

    @got = lines([
        $m->('user-12', '^user-[0-9]+$'), $m->('user-x', '^user-[0-9]+$'),
        $m->('abbb' x 8, '(a|b)*a(a|b){19}$'), $m->('MAX', 'a', 'i'),
        $m->("\x{df}", '^.$'), $m->(12, '1'),
        $m->('a' x 4000, '(a+)+$'), $m->('a' x 4000 . '!', '^(a|aa)+$'),
        $m->('a', '(a)\\1'), $m->('a', { var => 'p' }), $m->('a', 'a', 'x'),
    ], 'logic');

    is_deeply([ map { $_->{result} } @got[0 .. 7] ],
        [ (JSON::PP::true, JSON::PP::false, JSON::PP::true, JSON::PP::true,
            JSON::PP::true, undef, JSON::PP::true, JSON::PP::false) ],
        'matches');

    like($got[$_->[0]]{error}, $_->[1], "error: $_->[1]")
        for [8, qr{\A/matches/1: the pattern at byte 3: back-references}],
            [9, qr{\A/matches/1: .* constant string}],
            [10, qr{\A/matches/2: .* "i"}];

    # more than are compiled together, errors among them, none mixed up
    @got = lines([ map { $_ % 7 ? { rule => { '+' => [{ var => 'n' }, $_] },
        data => { n => 1000 } } : { rule => { segment => "s$_" } } } 1 .. 3000 ],
        'logic');

    is_deeply(\@got, [ map { $_ % 7 ? { result => 1000 + $_ }
        : { error => qq{there is no segment "s$_"} } } 1 .. 3000 ],
        '3000 lines in order');

    my ($out) = ctl("{\"rule\": 1}\r\n{\"rule\": 2}", 'logic');
    is($out, "{\"result\":1}\n{\"result\":2}\n",
        'other ends of lines, and none at the last');

    ($out) = ctl('', 'logic');
    is($out, '', 'nothing of nothing');

    ($out) = ctl(qq({"rule": {"cat": ["@{['x' x 1_000_000]}", "y"]}}\n), 'logic');
    is(length $out, length qq({"result":null}\n),
        'a result that no scratch holds is null');

    for my $mib (3, 66) {
        ($out) = ctl('{"rule": "' . 'x' x ($mib << 20) . qq("}\n{"rule": 1}\n),
            'logic');
        like($out, qr/\A\{"(?:result|error)":[^\n]*\n\{"result":1\}\n\z/,
            "a line of $mib MiB does not harm the next");
    }
};


subtest 'an answer comes when the input pauses' => sub {
    my $pid = open3(my $in, my $out, undef, $ctl, 'logic');
    my $ready = IO::Select->new($out);

    $in->autoflush(1);

    for my $n (1 .. 3) {
        print $in qq({"rule": $n}\n{"rule": );
        ok($ready->can_read(30), "line $n is answered");
        is(scalar <$out>, qq({"result":$n}\n), 'itself');
        print $in qq("x"}\n);
        is(scalar <$out>, qq({"result":"x"}\n), 'and the one cut in two');
    }

    close $in;
    waitpid $pid, 0;
    is($?, 0, 'the end of the input is the end');
};


my $flags = {
    flags => [
        { key => 'on-for-all', enabled => JSON::PP::true },
        { key => 'plan', type => 'string', enabled => JSON::PP::true,
          variants => { gold => "au\x{fc}", tin => 'sn' },
          default_variant => 'tin', metadata => { team => 'a', own => 1 },
          rules => [ { when => { '==' => [{ var => 'user.plan' }, 'pro'] },
              serve => 'gold' } ] },
        { key => 'odd', type => 'string', enabled => JSON::PP::true,
          variants => { a => 'x' }, default_variant => 'a',
          rules => [ { serve => { var => 'which' } } ] },
        { key => 'off', type => 'number', enabled => JSON::PP::false,
          variants => { a => 1 }, default_variant => 'a' },
    ],
    environments => [ { key => 'prod', metadata => { team => 'set', v => 7 } } ],
};

my $file = spill('flags.json', $flags);


subtest 'eval' => sub {
    my ($out, $err, $code) = ctl('', 'eval', $file, '--flag', 'plan',
        '--context', '{"user": {"plan": "pro"}}');

    is($code, 0, 'a flag');
    is($err, '', 'quietly');
    is_deeply($json->decode($out), { key => 'plan', value => "au\x{fc}",
        variant => 'gold', reason => 'TARGETING_MATCH',
        metadata => { team => 'a', own => 1, v => 7 } },
        'its body, the set\'s metadata under its own');

    ($out) = ctl('{"user": {"plan": "pro"}}', 'eval', $file, '--flag=plan',
        '--context=-');
    is($json->decode($out)->{variant}, 'gold', 'a context from standard input');

    ($out) = ctl('', 'eval', $file, '--flag', 'plan');
    is($json->decode($out)->{reason}, 'DEFAULT', 'no context is an empty one');

    ($out, $err, $code) = ctl('', 'eval', $file, '--flag', 'off');
    is_deeply($json->decode($out), { key => 'off', reason => 'DISABLED',
        metadata => { team => 'set', v => 7 } }, 'no value, no "value"');
    is($code, 0, 'is no error');

    for (['nope', '{}', 'FLAG_NOT_FOUND'], ['odd', '{"which": "b"}', 'GENERAL'],
        ['plan', '[]', 'INVALID_CONTEXT'], ['plan', '{', 'INVALID_CONTEXT'],
        ['plan', '{"a": 1, "a": 2}', 'INVALID_CONTEXT'])
    {
        my ($key, $context, $error) = @$_;

        ($out, $err, $code) = ctl('', 'eval', $file, '--flag', $key,
            '--context', $context);
        my $body = $json->decode($out);

        is($code, 1, "$key in $context");
        is($body->{errorCode}, $error, "is $error");
        is($body->{key}, $key, 'with its key');
        ok(!grep({ !/\A(?:key|errorCode|errorDetails)\z/ } keys %$body),
            'and nothing else');
    }

    # why: the same body, and a member more
    my @asked = map { my $user = $_; map { { flag => $_, context => {
        targetingKey => $user, which => 'b', user => { plan => $_ } } } }
        qw(plan odd off nope) } qw(a b);
    my @plain = lines(\@asked, 'eval', $file, '--batch');
    my @why = lines(\@asked, 'eval', $file, '--batch', '--explain');
    my @traces = map { delete $_->{trace} } @why;

    is_deeply(\@why, \@plain, '--explain answers the same');
    is_deeply([ map { $_ && $_->{flag} } @traces ],
        [ map { $_->{errorCode} && $_->{errorCode} eq 'FLAG_NOT_FOUND' ? undef
            : $_->{key} } @plain ], 'with a trace of each flag that exists');
    is_deeply([ map { $_ && $_->{variant} } @traces ],
        [ map { $_->{variant} } @plain ], 'which says the same');

    ($out) = ctl('', 'eval', spill('why.json', { flags => [ { key => 'f',
        enabled => JSON::PP::true, rules => [ { name => 'pro', when =>
            { '==' => [ { var => 'plan' }, 'pro' ] }, serve => 'on' } ] } ] }),
        '--explain', '--context', '{"plan": "free"}');
    is_deeply($json->decode($out)->{flags}[0]{trace}{rules}, [ { index => 0,
        name => 'pro', asked => JSON::PP::true, holds => JSON::PP::false,
        steps => [ { op => '==', attribute => 'plan', value => 'free',
            with => 'pro', holds => JSON::PP::false } ] } ],
        'a rule, and what its condition saw');

    ($out, $err, $code) = ctl('', 'eval', $file, '--context', '{"which": "b"}');
    my $all = $json->decode($out);
    is($code, 0, 'all flags');
    is_deeply([ map { $_->{key} } @{ $all->{flags} } ],
        [ qw(odd off on-for-all plan) ], 'in the order of their keys');
    is_deeply($all->{metadata}, { team => 'set', v => 7 }, 'the set\'s metadata');
    is($all->{flags}[0]{errorCode}, 'GENERAL', 'an error among them');

    ($out, $err, $code) = ctl('', 'eval', $file, '--context', '5');
    is($code, 1, 'all flags in no context');
    like($out, qr/\A\{"errorCode":"INVALID_CONTEXT","errorDetails":/, 'have no key');

    my @got = lines([
        { flag => 'plan', context => { user => { plan => 'pro' } } },
        { flag => 'plan' }, { context => {} }, { flag => 'nope' },
        { flag => 'plan', context => 1 }, { flag => 1 }, 'x', '[]',
    ], 'eval', $file, '--batch');

    is_deeply([ map { $_->{variant} // $_->{errorCode} // scalar @{ $_->{flags} } }
        @got ], [ 'gold', 'tin', 4, 'FLAG_NOT_FOUND', ('INVALID_CONTEXT') x 4 ],
        'a batch, in order');

    my $bad = spill('bad.json', { flags => [ { key => 'good', enabled => JSON::PP::true },
        { key => 'bad', enabled => 5 } ] });

    ($out, $err, $code) = ctl('', 'eval', $bad, '--flag', 'good');
    is($code, 0, 'a bad flag does not spoil its neighbour');
    like($err, qr{\A\Q$bad\E: /flags/1/enabled: }, 'but is named');

    ($out, $err, $code) = ctl('', 'eval', $bad, '--flag', 'bad');
    is($json->decode($out)->{errorCode}, 'PARSE_ERROR', 'itself it is an error');
};


subtest 'flag sets' => sub {
    my $several = spill('several.json', { flags => [
        map { { key => 'f', environment => $_->[1], tenant => $_->[0],
            enabled => JSON::PP::true, variants => { "$_->[0]-$_->[1]" => JSON::PP::true },
            default_variant => "$_->[0]-$_->[1]" } }
        ['default', 'prod'], ['default', 'dev'], ['acme', 'dev'] ] });

    for (['default-prod'], ['default-dev', '--environment', 'dev'],
        ['acme-dev', '--tenant', 'acme', '--environment', 'dev'],
        ['acme-dev', '--tenant', 'acme'])
    {
        my ($want, @options) = @$_;
        my ($out) = ctl('', 'eval', $several, '--flag', 'f', @options);
        is($json->decode($out)->{variant}, $want, "@options");
    }

    my ($out, $err, $code) = ctl('', 'eval', $several, '--tenant', 'nobody');
    is($code, 2, 'a set that is not there');
    like($err, qr{default/prod default/dev acme/dev}, 'those that are');

    my $one = spill('one.json', { flags => [ { key => 'f', tenant => 'acme',
        environment => 'dev', enabled => JSON::PP::true } ] });
    ($out) = ctl('', 'eval', $one, '--flag', 'f');
    is($json->decode($out)->{variant}, 'on', 'the only one needs no name');
};


subtest 'generations of fractional' => sub {
    my $split = spill('split.json', { flags => { f => { state => 'ENABLED',
        variants => { map { $_ => $_ } 'a' .. 'd' }, defaultVariant => 'a',
        targeting => { fractional => [ map { [ $_, 25 ] } 'a' .. 'd' ] } } } });

    my @asked = map { { flag => 'f', context => { targetingKey => "user$_" } } }
        1 .. 50;
    my @first = map { $_->{variant} } lines(\@asked, 'eval', $split, '--batch',
        '--fractional', 1);
    my @second = map { $_->{variant} } lines(\@asked, 'eval', $split, '--batch',
        '--fractional', 2);
    my @plain = map { $_->{variant} } lines(\@asked, 'eval', $split, '--batch');

    is_deeply(\@plain, \@second, 'the second is the default');
    isnt("@first", "@second", 'the first assigns otherwise');

    my @third = map { $_->{variant} } lines(\@asked, 'eval', $split, '--batch',
        '--fractional', 3);
    isnt("@third", "@second", 'and so does the third');
};


subtest 'check' => sub {
    my ($out, $err, $code) = ctl('', 'check', $file, 'conf/flags.json');
    is("$out$err", '', 'nothing to say');
    is($code, 0, 'is well');

    my @many = map { { key => "f$_", enabled => 1 } } 0 .. 99;
    my $many = spill('many.json', { flags => \@many });
    my $broken = spill('broken.json', qq({"flags": [\n  {"key": "a",}]}));
    my $cycle = spill('cycle.json', { flags => [
        map({ { key => $_->[0], enabled => JSON::PP::true,
            prerequisites => [ { flag => $_->[1], variant => 'on' } ] } }
            [ 'a', 'b' ], [ 'b', 'a' ]),
        { key => 'c~/', enabled => JSON::PP::true } ],
        segments => [ { key => 's', when => { nope => 1 } } ] });
    my $flagd = spill('flagd.json', { flags => {
        'a/b' => { state => 'ENABLED', variants => { x => 1 } },
        good => { state => 'ENABLED', variants => { x => 1 },
            defaultVariant => 'x', targeting => { if => [ 1, { nope => 1 } ] } } } });

    ($out, $err, $code) = ctl('', 'check', $many);
    is($code, 1, 'errors');
    is_deeply([ $out =~ m{^\Q$many\E: (/flags/\d+)/enabled: .}mg ],
        [ map { "/flags/$_" } 0 .. 99 ], 'all of them are named');

    ($out, $err, $code) = ctl('', 'check', $broken, $cycle, $flagd);
    is($code, 1, 'several files');
    like($out, qr{^\Q$broken\E: /flags/0.*: .*\(line 2, byte \d+ of it\)$}m,
        'no JSON, with its place');
    like($out, qr{^\Q$cycle\E: /flags/[01]: it asks for itself}m, 'a cycle');
    like($out, qr{^\Q$cycle\E: /flags/2[^:]*: }m, 'a key that is none');
    like($out, qr{^\Q$cycle\E: /segments/0/when: unknown operator "nope"$}m,
        'a segment');
    like($out, qr{^\Q$flagd\E: /flags/a~1b[^:]*: }m, 'a key in a pointer');
    like($out, qr{^\Q$flagd\E: /flags/good/targeting/if/1: unknown operator}m,
        'flagd\'s form');

    ($out, $err, $code) = ctl('', 'check', '--json', $many, $broken);
    my $all = $json->decode($out);

    is($code, 1, '--json');
    is($all->{errors}, 101, 'counted');
    is(scalar @{ $all->{messages} }, 101, 'listed');
    is_deeply([ sort keys %{ $all->{messages}[0] } ],
        [ qw(file key message pointer severity) ], 'with their parts');
    is($all->{messages}[5]{pointer}, '/flags/5/enabled', 'a place');

    my $warns = spill('warns.json', { flags => { f => { state => 'ENABLED',
        variants => { x => 1 }, defaultVariant => 'x',
        targeting => { fractional => [ [ 'x', 0 ] ] } } } });

    ($out, $err, $code) = ctl('', 'check', $warns);
    is($code, 0, 'a warning is no error');
    like($out, qr{: /flags/f/targeting: warning: .* \[fractional\]$}m,
        'but said, and of which kind');

    # what compiles and is hardly meant; eval is not asked for it
    $warns = spill('lint.json', { flags => [ { key => 'f', rules => [ {
        when => { '<' => [ { var => 'age' }, 18 ] }, serve => 'on' } ] } ] });

    ($out) = ctl('', 'check', $warns);
    like($out, qr{: /flags/0/rules/0/when/</0: warning: .* \[unguarded-order\]$},
        'a lint');

    ($out) = ctl('', 'check', '--json', $warns);
    is_deeply([ map { "$_->{lint} $_->{key}" }
        @{ $json->decode($out)->{messages} } ], [ 'unguarded-order f' ],
        'by name');
    is_deeply($json->decode($out)->{flags}, [ { file => $warns,
        tenant => 'default', environment => 'prod', key => 'f',
        portability => 'lowered' } ], 'how portable each flag is');

    ($out, $err) = ctl('', 'eval', $warns);
    is($err, '', 'eval is silent');
};


subtest 'export' => sub {
    ctl('', 'image', $file, '-o', "$dir/e.img");

    my ($ours, $err, $code) = ctl('', 'export', "$dir/e.img");
    is("$code$err", '0', 'Flagship\'s form');

    # in and out again
    ctl('', 'image', spill('e.json', $ours), '-o', "$dir/f.img");
    is((ctl('', 'export', "$dir/f.img"))[0], $ours, 'the same document');

    my %had = map { delete @$_{qw(tenant environment)}; ($_->{key} => $_) }
        @{ $json->decode(slurp($file))->{flags} };
    my %has = map { delete @$_{qw(tenant environment)}; ($_->{key} => $_) }
        @{ $json->decode($ours)->{flags} };
    is_deeply([ sort keys %has ], [ sort keys %had ], 'all flags');
    is_deeply($has{plan}, $had{plan}, 'as they came');

    (my $flagd, $err, $code) = ctl('', 'export', "$dir/e.img",
        '--format=flagd');
    is($code, 0, 'flagd\'s form');

    spill('flagd.json', $flagd);

    for my $context ('{}', '{"user": {"plan": "pro"}, "which": "b"}') {
        for my $flag (sort keys %had) {
            my ($one, $other) = map { my $body = $json->decode((ctl('',
                'eval', $_, '--flag', $flag, '--context', $context))[0]);
                join ' ', map { $_ // '-' }
                    @$body{qw(variant errorCode)} } $file, "$dir/flagd.json";
            is($other, $one, "$flag decides the same in $context");
        }
    }

    spill('no.json', { flags => [ { key => 'f', rollout => 5 },
        { key => 'g', enabled => JSON::PP::true } ] });
    ctl('', 'image', "$dir/no.json", '-o', "$dir/no.img");
    ($flagd, $err, $code) = ctl('', 'export', "$dir/no.img", '--format',
        'flagd');
    is($code, 1, 'a flag that flagd has no form for');
    like($err, qr/: f: flagd has no rollout/, 'is named');
    is_deeply([ keys %{ $json->decode($flagd)->{flags} } ], ['g'],
        'and left out');

    # id sets, whose members follow the image
    ctl('', 'image', spill('in.json', { sets => { vip => [ 'b', 'a' ] },
        flags => [ { key => 'f', enabled => JSON::PP::true, rules => [ {
            when => { in_set => [ { var => 'id' }, 'vip' ] },
            serve => 'on' } ] } ] }), '-o', "$dir/in.img");

    ($ours, $err, $code) = ctl('', 'export', "$dir/in.img");
    is("$code$err", '0', 'a set in Flagship\'s form');
    is_deeply($json->decode($ours)->{sets}, { vip => [ 'a', 'b' ] },
        'with its members');

    ($flagd, $err, $code) = ctl('', 'export', "$dir/in.img", '--format=flagd');
    is("$code$err", '0', 'and in flagd\'s');
    is_deeply([ sort @{ $json->decode($flagd)->{flags}{f}{targeting}{if}[0]{in}[1] } ],
        [ 'a', 'b' ], 'as a list');
};


subtest 'image and inspect' => sub {
    my ($out, $err, $code) = ctl('', 'image', $file, '-o', "$dir/a.img");
    is("$code$out$err", '0', 'written');

    ctl('', 'image', $file, '-o', "$dir/b.img");
    is(slurp("$dir/a.img"), slurp("$dir/b.img"), 'the same bytes each time');

    ($out, $err, $code) = ctl('', 'inspect', "$dir/a.img");
    is($code, 0, 'inspected');
    like($out, qr/^bytes: ${\ -s "$dir\/a.img"}$/m, 'its length');
    like($out, qr/^flags: 4$/m, 'its flags');
    like($out, qr/^plan string 2 lowered$/m, 'one of them');
    like($out, qr/^off number 1 portable off static$/m, 'and one that is off');

    my $image = slurp("$dir/a.img");

    for ('', substr($image, 0, 100), $image . "\0" x 64,
        substr($image, 0, 300) . 'x' . substr($image, 301))
    {
        ($out, $err, $code) = ctl('', 'inspect', spill('bad.img', $_));
        is($code, 1, 'a bad image of ' . length . ' bytes');
        is($out, '', 'has nothing');
        isnt($err, '', 'but a reason');
    }

    ($out, $err, $code) = ctl('', 'image', spill('bad.json', { flags => [
        { key => 'bad', enabled => 5 } ] }), '-o', "$dir/c.img");
    is($code, 1, 'a flag that does not compile');
    ok(-s "$dir/c.img", 'is an image all the same');
    ($out) = ctl('', 'inspect', "$dir/c.img");
    like($out, qr/^bad \w+ \d+ broken/m, 'that says so');
};


subtest 'id sets' => sub {
    my $when = sub { { in_set => [ { var => 'u' }, $_[0] ] } };
    my $file = spill('sets.json', { sets => { staff => [ 'al', '5', 'al' ],
            unused => ['x'] }, flags => [ { key => 'f', enabled => JSON::PP::true,
            rules => [ { when => $when->('staff'), serve => 'on' } ] } ] });

    for (['"al"', 'on'], ['"bo"', 'off'], [5, 'on'], ['"x"', 'off']) {
        my ($out) = ctl('', 'eval', $file, '--flag', 'f', '--context',
            "{\"u\": $_->[0]}");
        is($json->decode($out)->{variant}, $_->[1], "$_->[0] is $_->[1]");
    }

    my ($out) = ctl(qq({"flag":"f","context":{"u":"al"}}\n) x 2, 'eval', $file,
        '--batch');
    is(() = $out =~ /"variant":"on"/g, 2, 'in a batch');

    my ($err, $code);

    ctl('', 'image', $file, '-o', "$dir/sets.img");
    ($out, $err, $code) = ctl('', 'inspect', "$dir/sets.img");
    is("$code$err", '0', 'an image with a set');
    like($out, qr/^sets: 1$/m, 'has those that are used');
    like($out, qr/^set staff 2 \d+$/m, 'and their members');

    my $image = slurp("$dir/sets.img");

    for (substr($image, 0, -64), substr($image, 0, -1) . 'x',
        $image . substr($image, -64), $image . 'x')
    {
        ($out, $err, $code) = ctl('', 'inspect', spill('bad.img', $_));
        is("$code$out", '1', 'a bad one of ' . length . ' bytes');
        isnt($err, '', 'with a reason');
    }

    ($out, $err, $code) = ctl('', 'check', spill('bad.json', {
        sets => { 'a/b' => [ 'x', 5 ] }, flags => [ { key => 'f',
            rules => [ { when => $when->('none'), serve => 'on' } ] } ] }));
    is($code, 1, 'errors');
    like($out, qr{: /sets/a~1b/1: an id is a string}, 'of a set');
    like($out, qr{: /flags/0/rules/0/when/in_set/1: there is no set "none"},
        'and of a flag that lacks one');
};


subtest 'JsonLogic\'s suites' => sub {
    my @files = sort glob "$public/jsonlogic/*.json";
    plan skip_all => "$public/jsonlogic is not there" unless @files;

    my @cases = jsonlogic(@files);
    my @got = lines([ map { { rule => $_->{rule},
        exists $_->{data} ? (data => $_->{data}) : () } } @cases ], 'logic');

    is(scalar @got, scalar @cases, scalar @cases . ' cases, all answered');

    my %n = (right => 0, other => 0);
    my @wrong;

    for my $i (0 .. $#cases) {
        my $verdict = logic_verdict($cases[$i], $got[$i]);

        $n{$verdict}++;
        push @wrong, $json->encode($cases[$i]) . ' gave '
            . $json->encode($got[$i]) if $verdict eq 'wrong';
    }

    is(scalar @wrong, 0, 'none is wrong') or diag join "\n", @wrong;
    cmp_ok($n{right}, '>', 450, "$n{right} right");
    note("$n{other} of other operators");
};


subtest 'flagd\'s test bed' => sub {
    plan skip_all => "$public/flagd is not there" unless -f "$public/flagd/cases.json";

    my @cases = @{ $json->decode(slurp("$public/flagd/cases.json")) };
    my @got = lines([ map { { flag => $_->{key}, context => $_->{context} } }
        @cases ], 'eval', "$public/flagd/flags.json", '--batch');

    is(scalar @got, scalar @cases, scalar @cases . ' cases, all answered');

    my @wrong;

    for my $i (0 .. $#cases) {
        my ($case, $got) = ($cases[$i], $got[$i]);
        my $why = flagd_verdict($case, $got);

        push @wrong, "$why: " . $json->encode($case) . ' gave ' . $json->encode($got)
            if $why;
    }

    is(scalar @wrong, 0, 'none is wrong') or diag join "\n", @wrong;

    my ($out) = ctl('', 'eval', "$public/flagd/flags.json");
    my $all = $json->decode($out);

    is_deeply([ grep { $_ } map { ofrep($_) } @{ $all->{flags} } ], [],
        'all flags at once have OFREP\'s form');
    is_deeply([ grep { !/\A(?:flags|metadata)\z/ } keys %$all ], [],
        'with nothing beside them');
};


done_testing;
