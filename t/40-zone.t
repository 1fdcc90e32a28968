# The shared memory zone alone, in a real nginx: what is published is read, by
# whom, and until when; reloads; a full zone; two leaders; workers that die.
# 41-zone-torture.t does all of it at once.

use strict;
use warnings;

use FindBin;
use lib "$FindBin::Bin/lib";

use Time::HiRes qw(time);

use Flagship::Test;
use Flagship::Zone;


# "used" is compared between publications of one form: a catalog has room for
# the sets of its base and those that were named

sub wait_images {
    my ($t, $n) = @_;

    my $stat;
    wait_for(sub { $stat = $t->ask('stat'); $stat->{images} == $n });

    return $stat;
}


subtest 'publishing and reading' => sub {
    my $t = Flagship::Zone->new->zone('1m')->run;

    is_deeply($t->ask('read')->{sets}, {}, 'at first there is nothing');

    my $empty = $t->ask('stat');

    is($t->publish(10, 'b.prod:500,a.dev:100,a.b:9000', whole => 1)->{code},
        'ok', 'a whole load');

    my $read = $t->ask('read');

    is($read->{bad}, 0, 'all images are whole');
    is($read->{generation}, 1, 'it is the first generation');
    is($read->{revision}, 10, 'its revision');
    is($read->{epoch}, 'e', 'its epoch');
    is_deeply($read->{sets}, { 'a.b' => 10, 'a.dev' => 10, 'b.prod' => 10 },
        'all its sets');
    is($t->ask('stat')->{images}, 3, 'three images');

    is($t->publish(11, 'a.dev:300000,c.x:64,b.prod:0')->{code}, 'ok',
        'one changes, one is new, one goes');

    $read = $t->ask('read');

    is($read->{bad}, 0, 'all images are whole');
    is_deeply($read->{sets}, { 'a.b' => 10, 'a.dev' => 11, 'c.x' => 11 },
        'what was not named stays');

    is(wait_images($t, 3)->{images}, 3, 'what nobody lists is freed');

    is($t->publish(12, 'a.dev:=,z.z:70,z.z:80', whole => 1)->{code}, 'ok',
        'a whole load with a live image, and a name given twice');

    $read = $t->ask('read');

    is($read->{bad}, 0, 'all images are whole');
    is_deeply($read->{sets}, { 'a.dev' => 11, 'z.z' => 12 },
        'the live image is kept, others are gone');

    is($t->publish(13, '', whole => 1)->{code}, 'ok', 'nothing is left');
    is_deeply($t->ask('read')->{sets}, {}, 'no sets');
    is(wait_images($t, 0)->{images}, 0, 'no image remains');

    my $stat = $t->ask('stat');

    is($stat->{publications}, 4, 'publications are counted');
    is($stat->{catalogs}, 1, 'one catalog remains');
    cmp_ok($stat->{used} - $empty->{used}, '<', 1024, 'the memory is back');
};


subtest 'blobs of three kinds' => sub {
    my $t = Flagship::Zone->new->zone('1m')->run;

    is($t->publish(1,
        'keys/.:2000,set/a.x:3000,a.x:500,set/a.b:900,a.b:700',
        whole => 1)->{code}, 'ok', 'a whole load');

    my $read = $t->ask('read');

    is($read->{bad}, 0, 'each is found under its kind and name, and whole');
    is($read->{nsets}, 2, 'two of them are flag sets');
    is_deeply($read->{sets}, { 'a.b' => 1, 'a.x' => 1, 'set/a.b' => 1,
        'set/a.x' => 1, 'keys/.' => 1 }, 'one name may be of two kinds');

    is($t->publish(2, 'keys/.:1000')->{code}, 'ok', 'the keys change');

    my $stat = wait_images($t, 5);

    is($t->publish(2, 'keys/.:1000', force => 1)->{code}, 'ok',
        'and again');

    $read = $t->ask('read');

    is($read->{bad}, 0, 'all blobs are whole');
    is_deeply($read->{sets}, { 'a.b' => 1, 'a.x' => 1, 'set/a.b' => 1,
        'set/a.x' => 1, 'keys/.' => 2 }, 'nothing else');
    is(wait_images($t, 5)->{used}, $stat->{used}, 'the old ones are freed');

    # what is free then does not suffice for a copy of any large one

    is($t->publish(3, 'set/a.l:700000')->{code}, 'ok', 'a large set');
    is($t->publish(4, 'set/a.l:=,keys/.:=,a.x:0,a.b:600,set/a.b:0',
        whole => 1)->{code}, 'ok', 'what is live is not copied');

    $read = $t->ask('read');

    is($read->{bad}, 0, 'all blobs are whole');
    is($read->{nsets}, 1, 'one flag set');
    is_deeply($read->{sets}, { 'a.b' => 4, 'set/a.l' => 3, 'keys/.' => 2 },
        'what a whole load does not name, or drops, is gone');

    is($t->publish(5, 'keys/.:0')->{code}, 'ok', 'the keys are dropped');
    is_deeply($t->ask('read')->{sets}, { 'a.b' => 4, 'set/a.l' => 3 },
        'they are gone');
};


subtest 'revisions and epochs' => sub {
    my $t = Flagship::Zone->new->zone('1m')->run;

    is($t->publish(10, 'a.a:100')->{code}, 'ok', 'a first');
    is($t->publish(9, 'a.a:100')->{code}, 'declined', 'an older one');
    is($t->publish(9, 'a.a:100', force => 1)->{code}, 'declined',
        'an older one, forced');
    is($t->publish(10, 'a.a:100')->{code}, 'declined', 'the same');
    is($t->publish(10, 'a.a:100', force => 1)->{code}, 'ok',
        'the same, forced');
    is($t->publish(20, 'a.a:100', epoch => 'f')->{code}, 'declined',
        'another epoch');
    is($t->publish(3, 'a.a:100', epoch => 'f', force => 1)->{code}, 'ok',
        'another epoch, forced');
    is($t->ask('stat')->{revision}, 3, 'the revision went back');

    my $epoch = '0' x 37;
    is($t->publish(4, 'a.a:1', epoch => $epoch, force => 1)->{code}, 'error',
        'an epoch that is too long');

    $t->ask('touch', revision => 7);
    is($t->ask('stat')->{revision}, 3, 'who does not lead touches nothing');

    $t->ask('lead', ms => 60_000);
    $t->ask('touch', revision => 7);
    $t->ask('touch', revision => 6);

    my $generation = $t->ask('read')->{generation};

    is($t->ask('stat')->{revision}, 7, 'the leader moves the revision on');
    is($generation, 3, 'without a generation');
    is($t->publish(7, 'a.a:100', epoch => 'f')->{code}, 'declined',
        'up to there nothing is new');
    is($t->publish(8, 'a.a:100', epoch => 'f')->{code}, 'ok', 'behind it is');
    is($t->publish(2, 'a.a:100', epoch => 'f', back => 1)->{code}, 'ok',
        'a source that went back');
    is($t->ask('stat')->{revision}, 2, 'is followed');
};


subtest 'a request keeps its generation' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('2m')->run;

    $t->publish(1, 'a.a:50000,b.b:50000');

    my @slow = map { $_->{on} } $t->each_worker;

    $_->request('GET', '/?do=read&wait=1500') for @slow;

    # until it was read, the request may see a later one

    ok(wait_for(sub { $t->ask('stat')->{publications} == 1 }), 'asked');
    is($t->publish($_, 'a.a:50000')->{code}, 'ok', "publication $_")
        for 2 .. 8;

    my @read = map { $_->response->json } @slow;

    for my $read (@read) {
        is($read->{bad}, 0, 'all images were whole to the end');
        cmp_ok($read->{revision}, '<=', 8, 'of a generation that there was');
    }

    my $stat = wait_images($t, 2);

    is($stat->{images}, 2, 'then the old images are freed');
    is($stat->{catalogs}, 1, 'and the catalogs');
};


subtest 'a full zone' => sub {
    my $t = Flagship::Zone->new->zone('512k')->run;

    is($t->publish(1, 'a.a:150000')->{code}, 'ok', 'one that fits');

    my $full = $t->publish(2, 'a.a:400000');

    is($full->{code}, 'again', 'one that does not');
    cmp_ok($full->{needed}, '>', 400_000, 'what it needs');
    cmp_ok($full->{available}, '<', 400_000, 'what there is');

    is($t->publish(2, 'a.a:400000')->{code}, 'again', 'once more');
    is($t->ask('stat')->{full}, 1, 'the gauge');
    is($t->ask('stat')->{needed}, $full->{needed}, 'what was needed');

    is_deeply($t->ask('read')->{sets}, { 'a.a' => 1 }, 'the old one serves');

    is($t->publish(2, 'a.a:100000')->{code}, 'ok', 'a smaller one');

    my $stat = $t->ask('stat');

    is($stat->{full}, 0, 'the gauge');
    is($stat->{publish_failed}, 1, 'changes of state are counted');
    is($t->lines(qr/\[error\].*flagship: zone "flagship" is full/), 1,
        'one line');
    is($t->lines(qr/\[notice\].*takes publications again/), 1,
        'and one when it recovered');

    is($t->publish(3, join ',', map { "t$_.x:1000" } 1 .. 200)->{code},
        'ok', 'many small ones');
    is($t->publish($_, 'x.x:100', whole => 1)->{code}, 'ok', 'all go')
        for 4, 5;

    cmp_ok(wait_images($t, 1)->{largest}, '>', 400_000,
        'freed neighbours are one piece');
};


subtest 'no slot is left' => sub {
    my $t = Flagship::Zone->new->zone('1m')->run;

    my $revision = 0;
    my @slow;

    for (1 .. 31) {
        $t->publish(++$revision, 'a.a:1000');
        push @slow, $t->connect;
        $t->ask('pid', on => $slow[-1]);
        $slow[-1]->request('GET', '/?do=read&wait=60000');

        # it has its view once the one worker answered a later one
        $t->ask('pid');
    }

    is($t->publish(++$revision, 'a.a:1000')->{code}, 'ok', 'the last slot');
    is($t->publish(++$revision, 'a.a:1000')->{code}, 'again', 'none left');
    is($t->ask('stat')->{catalogs}, 32, 'all are held');

    $_->close for @slow;

    ok(wait_for(sub { $t->publish($revision, 'a.a:1000')->{code} eq 'ok' }),
        'when the requests are gone there are');
    is($t->lines(qr/requests hold all 32 older generations/), 1, 'one line');
};


subtest 'a worker is killed' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('2m')->run;

    $t->allow(qr/exited on signal 9/, qr/zone "flagship" was locked by/);
    $t->publish(1, 'a.a:100,b.b:1000');
    $t->publish(2, 'a.a:100000');

    my $used = wait_images($t, 2)->{used};
    my $revision = 2;

    for my $step (qw(reserve copy commit)) {
        my $before = $t->ask('read')->{generation};
        my $c = $t->connect;

        $revision++;
        $c->request('GET', "/?do=publish&revision=$revision"
            . "&sets=a.a:100000&die=$step");

        is($c->response, undef, "behind $step");

        my $read = $t->ask('read');

        is($read->{bad}, 0, 'all images are whole');
        is($read->{generation}, $before + ($step eq 'commit'),
            'it is live, or it never was');
        is(wait_images($t, 2)->{used}, $used, 'the memory is back');
    }

    is($t->ask('stat')->{revision}, $revision, 'the number is that served');

    # one that reads

    my ($reader) = $t->each_worker;
    $reader->{on}->request('GET', '/?do=read&wait=60000');
    $t->publish(++$revision, 'a.a:100000') for 1 .. 3;
    kill 'KILL', $reader->{pid};

    is(wait_images($t, 2)->{used}, $used, 'reading: the memory is back');

    # one that has the mutex

    my $c = $t->connect;
    $c->request('GET', '/?do=lock&die=1');
    is($c->response, undef, 'with the mutex');
    ok(wait_for(sub { $t->publish($revision + 1, 'a.a:99')->{code} eq 'ok' }),
        'the next publication takes it');
};


subtest 'a worker is stopped with the mutex' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('2m')->run;

    $t->publish(1, 'a.a:100000,b.b:1000');

    my ($stopped, $other) = $t->each_worker;

    $stopped->{on}->request('GET', '/?do=lock');

    ok(wait_for(sub { _state($stopped->{pid}) eq 'T' }), 'it stopped');

    my $start = time;
    my $answer = $t->publish(2, 'a.a:100000', on => $other->{on});

    is($answer->{code}, 'again', 'publishing has to wait');
    is($answer->{needed}, 0, 'not for memory');
    $t->publish(2, 'a.a:100000', on => $other->{on});

    is($t->ask('read', on => $other->{on})->{bad}, 0, 'reading has not');
    is($t->ask('stat', on => $other->{on})->{full}, 1, 'the gauge');
    cmp_ok(time - $start, '<', 5, 'nobody waits for the mutex');

    kill 'CONT', $stopped->{pid};

    is($stopped->{on}->response->status, 200, 'it goes on');
    is($t->publish(2, 'a.a:100000', on => $other->{on})->{code}, 'ok',
        'so does publishing');
    is($t->lines(qr/\[error\].*is locked by process $stopped->{pid};/), 1,
        'one line');
};


subtest 'two publishers' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('2m')->run;

    $t->publish(0, 'a.a:100,b.b:1000');
    $t->publish(1, 'a.a:1000');

    my $used = wait_images($t, 2)->{used};
    my ($one, $two) = $t->each_worker;

    is($t->publish(2, 'a.a:2000', park => 1, on => $one->{on})->{code},
        'parked', 'one is ready to commit');
    is($t->publish(3, 'b.b:3000', on => $two->{on})->{code}, 'ok',
        'the other is faster');
    is($t->ask('commit', on => $one->{on})->{code}, 'declined',
        'the first is overtaken');

    my $read = $t->ask('read');

    is($read->{bad}, 0, 'all images are whole');
    is_deeply($read->{sets}, { 'a.a' => 1, 'b.b' => 3 }, 'nothing is lost');

    is($t->publish(4, 'a.a:2000', park => 1, on => $one->{on})->{code},
        'parked', 'one is ready to commit');
    is($t->ask('abort', on => $one->{on})->{code}, 'ok', 'and gives up');
    is($t->publish(4, 'a.a:1000', on => $two->{on})->{code}, 'ok',
        'the other publishes');
    is($t->publish(5, 'b.b:1000', on => $one->{on})->{code}, 'ok',
        'and the first again');

    is(wait_images($t, 2)->{used}, $used, 'the memory is back');
};


subtest 'the lease' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('1m')->run;

    $t->allow(qr/exited on signal 9/);

    my ($one, $two) = $t->each_worker;
    my $lead = sub {
        my ($worker, $ms) = @_;
        return $t->ask('lead', ms => $ms, on => $worker->{on})->{leads};
    };

    is($lead->($one, 60_000), 1, 'one leads');
    is($lead->($two, 60_000), 0, 'the other does not');
    is($lead->($one, 60_000), 1, 'it renews');

    $t->ask('resign', on => $two->{on});
    is($lead->($two, 60_000), 0, 'only its own lease can be given up');

    $t->ask('resign', on => $one->{on});
    is($lead->($two, 60_000), 1, 'one resigned');

    kill 'KILL', $two->{pid};
    ok(wait_for(sub { $lead->($one, 100) }), 'one died');

    my ($new) = grep { $_->{pid} != $one->{pid} } $t->each_worker;
    ok(wait_for(sub { $lead->($new, 60_000) }), 'one let it run out');
};


subtest 'reloads' => sub {
    my $t = Flagship::Zone->new(workers => 2)->zone('2m')->run;

    $t->publish(5, 'a.a:100000,b.b:1000,set/a.a:50000,keys/.:700');

    my ($leader) = $t->each_worker;

    $t->ask('lead', ms => 60_000, on => $leader->{on});
    $t->ask('touch', revision => 6, on => $leader->{on});
    $t->ask('fail');
    wait_images($t, 4);

    ok($t->reload(wait => 1), 'the same size');
    is($t->ask('read')->{generation}, 1, 'the zone is kept');

    my $slow = $t->connect;
    $t->ask('pid', on => $slow);
    $slow->request('GET', '/?do=read&wait=1000');

    for my $size ('3m', '1m', '4m') {
        my $before = $t->ask('read');

        ok($t->zone($size)->reload, "now $size");

        my $read = $t->ask('read');

        is($read->{bad}, 0, 'all images are whole');
        is_deeply({ %$read, pid => 0 }, { %$before, pid => 0 },
            'it is what it was');
        is($t->ask('stat')->{revision}, 6, 'its revision, too');
        is($t->ask('stat')->{failures}, 1, 'and the counters');
    }

    is($slow->response->json->{bad}, 0, 'the old worker keeps its zone');

    $t->allow(qr/too small for the flags that are served/);
    is($t->publish(7, 'a.a:1000000')->{code}, 'ok', 'a large one');
    ok(!$t->zone('512k')->reload, 'a zone that cannot hold it is refused');
    is($t->ask('read')->{bad}, 0, 'the old one serves');
    is($t->publish(8, 'a.a:1000')->{code}, 'ok', 'and is written');

    ok($t->zone('512k')->reload(wait => 1), 'now it can');
    is($t->ask('read')->{revision}, 8, 'and does');

    $t->publish(9, 'a.a:1000');

    my $used = wait_images($t, 4)->{used};

    for (1 .. 10) {
        $t->reload(wait => 1) or last;
        $t->publish(9 + $_, 'a.a:1000');
    }

    is(wait_images($t, 4)->{used}, $used, 'reloads cost no memory');
};


subtest 'published by the master' => sub {
    my $t = Flagship::Zone->new(workers => 2);

    my $cache = 'proxy_cache_path %%DIR%%/cache keys_zone=c:1m;';

    $t->zone('1m', "probe_master 1 a.a:1000; $cache");

    my ($said, $right) = $t->test_config;
    ok($right, 'the configuration is tested') or diag($said);

    $t->run;
    is($t->ask('read')->{revision}, 1, 'before the first request');

    my $slow = $t->connect;
    $t->ask('pid', on => $slow);
    $slow->request('GET', '/?do=read&wait=500');
    $t->ask('pid');

    for my $revision (2 .. 4) {
        $t->zone('1m', "probe_master $revision a.a:200000; $cache");
        ok($t->reload, 'while old workers read');
        is($t->ask('read')->{revision}, $revision, 'it is served');
    }

    my $read = $slow->response->json;

    is($read->{bad}, 0, 'the old ones read what they read');
    is(wait_images($t, 1)->{images}, 1, 'old images are freed');
};


subtest 'without a master' => sub {
    my $t = Flagship::Zone->new;

    $t->zone('1m', 'probe_master 1 a.a:1000;', 'master_process off;')->run;

    is($t->ask('read')->{revision}, 1, 'published before the start');

    $t->publish($_, 'a.a:100000') for 2 .. 40;

    my $read = $t->ask('read');

    is($read->{bad}, 0, 'all images are whole');
    is($read->{revision}, 40, 'and the newest');

    is(wait_images($t, 1)->{images}, 1, 'old images are freed');
    is($t->ask('lead', ms => 1000)->{leads}, 1, 'the one process leads');
};


subtest 'a zone that is too small' => sub {
    my $t = Flagship::Zone->new->zone('16k');

    $t->allow(qr/is too small/);

    my ($said, $right) = $t->test_config;

    ok(!$right, 'is refused');
    like($said, qr/flagship: zone "flagship" is too small/, 'with a reason');
};


sub _state {
    my ($pid) = @_;

    open my $fh, '<', "/proc/$pid/stat" or return '';

    return (<$fh> // '') =~ /.*\) (\S)/s ? $1 : '';
}


done_testing;
