# The answer of a write comes when this node serves it: the next evaluation sees
# it, whichever worker took the write and whichever evaluates, on connections
# that were there and on new ones, with notifications and without.

use lib 't/lib';
use Flagship::Api;
use Flagship::PgRelay;

use constant { WORKERS => 3, ROUNDS => 20 };

my $pg = Flagship::Postgres->new;
my $relay = Flagship::PgRelay->new($pg);
my $n = 0;

# Those of %%PORT1%% say who they are, and connections are dealt out to them
my %conf = (wait => '50ms', source => sprintf('"%s" pool=2', $relay->conninfo),
    http => <<'EOT');
server {
    listen 127.0.0.1:%%PORT1%% reuseport;
    add_header Worker $pid always;
    location / { flagship_api; flagship_write_wait 20s; }
}
EOT

my $api = Flagship::Api->new(pg => $pg, workers => WORKERS, %conf);

is($api->post('/flags', { key => 'counter', type => 'number',
    enabled => true, variants => { on => 0 }, default_variant => 'on' })
    ->status, 201, 'a flag');


sub ask {
    my ($c, $method, $uri, $body) = @_;

    $c->request($method, $uri, headers => $api->headers(body => $body),
        defined $body ? (body => $api->bytes($body)) : ());

    return $c->response;
}


# A connection to each of the workers that asks nothing but $uri, and what it
# answered

sub everybody {
    my ($uri) = @_;

    my (%connection, %answer);

    for (1 .. 1000) {
        my $c = $api->t->connect(port => $api->t->port(1));
        my $r = ask($c, 'GET', $uri);
        my $worker = $r->header('Worker');

        # whoever answers more than once answers the same
        $answer{$worker}{ $r->body } = $r;
        $connection{$worker} = $c;

        return (\%connection, map { values %$_ } values %answer)
            if keys %connection == WORKERS;
    }

    die 'not all of the workers answer';
}


# What all workers say that the flag is, one after the other

sub values_of {
    my ($kept) = @_;

    my $uri = '/evaluate/counter?user_id=a';
    my @kept = map { ask($kept->{$_}, 'GET', $uri) } sort keys %$kept;
    my (undef, @new) = everybody($uri);

    my %values = map { $_->json->{value} => 1 } @kept, @new;

    return join ' ', sort keys %values;
}


sub change { $n++; return { variants => { on => $n } } }


sub seen_by_all {
    my ($kept) = everybody('/live');
    my @workers = sort keys %$kept;
    my (@pending, @wrong);

    for (1 .. ROUNDS) {
        my $r = ask($kept->{ $workers[$n % WORKERS] }, 'PATCH',
            '/flags/counter', change());
        my $values = values_of($kept);

        push @pending, $n if $r->status != 200
            || defined $r->header('Flagship-Applied');
        push @wrong, "$n: $values" if $values ne $n;
    }

    is_deeply(\@pending, [], 'each write is answered when it is served');
    is_deeply(\@wrong, [], 'and all see it at once');

    return $kept;
}


subtest 'with notifications' => sub {
    my $kept = seen_by_all();

    # the leader has it only later
    $relay->stop_at('flagship.delta', 'sent');

    my $r = $api->patch('/flags/counter', change());

    is($r->header('Flagship-Applied'), 'pending', 'who does not wait is told');
    is(values_of($kept), $n - 1, 'and it is seen by nobody');

    $relay->go;
    seen_by_all();
};


subtest 'without them' => sub {
    ok($api->config(%conf, refresh => '1h notify=off')->reload(wait => 1),
        'a reload');
    seen_by_all();
};


done_testing;
