# The requests of the services that Flagship replaces, word for word as the
# contract prints them, on an empty environment: by a shell and curl.  Keys are
# added to the writes that lack them.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(location => 'flagship_anonymous viewer;',
    neighbour => 1);
my $url = 'http://127.0.0.1:' . $api->t->port;
my $key = $api->key('editor@default');


# The neighbour does the same without a shell

sub beside {
    my ($command) = @_;

    my ($method) = $command =~ /-X ([A-Z]+)/;
    my ($uri) = $command =~ /\$URL([^\s"]*)/;
    my ($body) = $command =~ / -d '(.*)'$/;

    utf8::encode($body) if defined $body;

    return $api->neighbour->ask($method // 'GET', $uri,
        as => $method ? 'editor@default' : 'viewer@default',
        defined $body ? (body => $body,
            headers => [ 'Content-Type' => 'application/json' ]) : ());
}


# What the command prints: of jq the text, else the response

sub shell {
    my ($command) = @_;

    my $asked = $api->neighbour && $command !~ /\| jq/ && beside($command);

    local $ENV{URL} = $url;

    $command =~ s/\x{2026}/$key/ if $command =~ /X-API-Key/;
    $command =~ s/^curl -X (?:POST|PUT) \S+/$& -H "X-API-Key: $key"/
        unless $command =~ /X-API-Key/;
    $command =~ s/^curl/curl -sS -i/
        unless $command =~ /\| jq/;

    utf8::encode($command);

    my $said = `$command`;

    is($?, 0, $command);

    return $said if $command =~ /\| jq/;

    my ($head, $body) = split /\r\n\r\n/, $said, 2;
    my $r = Flagship::HTTP::Response->parse($head);

    $r->{body} = $body;
    $api->neighbour->hear($asked, $r) if $asked;

    return $r;
}


sub answers {
    my ($command, $status, $want) = @_;

    my $r = shell($command);
    my $json = $r->json;

    is($r->status, $status, "... $status") or diag $r->body;

    my %has = map { $_ => $json->{$_} } keys %$want;
    is_deeply(\%has, $want, '... what its author expects') or diag $r->body;

    return $json;
}


subtest 'a flag for half of the users' => sub {
    answers(q[curl -X POST $URL/flags -H 'Content-Type: application/json' -d '{"flag_name":"new_feature","status":true,"rollout_percentage":50.0,"description":"New feature for 50% of users"}'],
        201, { key => 'new_feature', enabled => true, rollout => 50,
            description => 'New feature for 50% of users',
            type => 'boolean', variants => { on => true, off => false } });

    # 69.252121 of SEMANTICS is not below 50
    answers(q[curl $URL/users/user123/flags/new_feature], 200,
        { key => 'new_feature', user_id => 'user123', enabled => false,
            value => false, reason => 'DEFAULT' });
};


subtest 'one that grows' => sub {
    is($api->post('/flags', { key => 'beta_search', enabled => true,
        rollout => 72 })->status, 201, 'made');

    SKIP: {
        skip 'no jq', 1 unless grep { -x "$_/jq" } split /:/, $ENV{PATH};

        is(shell(q[curl -s $URL/users/user1/flags/beta_search | jq .enabled]),
            "true\n", 'user1, 71, is in');
    }

    answers(q[curl -X PUT $URL/flags/beta_search -H 'Content-Type: application/json' -d '{"rollout_percentage": 50.0}'],
        200, { key => 'beta_search', rollout => 50, version => 2,
            enabled => true });
    answers(q[curl $URL/users/user1/flags/beta_search], 200,
        { enabled => false });
    answers(q[curl $URL/users/user3/flags/beta_search], 200,
        { enabled => true });
};


subtest 'by the query string' => sub {
    answers(q[curl -X POST "$URL/flags?name=new_ui&env=dev&enabled=true&rollout=25"],
        201, { key => 'new_ui', name => 'new_ui', environment => 'dev',
            enabled => true, rollout => 25 });
    answers(q[curl "$URL/flags/new_ui?env=dev"], 200,
        { key => 'new_ui', environment => 'dev', rollout => 25 });
    answers(q[curl "$URL/flags/new_ui"], 404, { status => 404 });
};


subtest 'with targeting rules' => sub {
    my $flag = answers(qq[curl -X POST \$URL/flags -H 'Content-Type: application/json' -H 'X-API-Key: \x{2026}' -d '{"name":"new_checkout_flow","type":"boolean","default_value":"true","enabled":true,"targeting_rules":{"user_ids":["alice","bob"],"percentage":50}}'],
        201, { key => 'new_checkout_flow', name => 'new_checkout_flow',
            type => 'boolean', enabled => true, rollout => 50,
            user_ids => [qw(alice bob)], default_variant => 'off',
            off_variant => 'off', variants => { on => true, off => false } });

    # alice is listed, 123 is 40.041011
    answers(q[curl "$URL/evaluate/new_checkout_flow?user_id=alice"], 200,
        { value => true, reason => 'TARGETING_MATCH' });
    answers(q[curl "$URL/evaluate/new_checkout_flow?user_id=123&country=US"],
        200, { key => 'new_checkout_flow', value => true, enabled => true,
            variant => 'on', reason => 'SPLIT' });

    answers(qq[curl -X PUT \$URL/flags/new_checkout_flow -H 'Content-Type: application/json' -H 'X-API-Key: \x{2026}' -d '{"enabled":false,"targeting_rules":{"percentage":75}}'],
        200, { id => $flag->{id}, enabled => false, rollout => 75,
            user_ids => [qw(alice bob)], version => 2 });
    answers(q[curl "$URL/evaluate/new_checkout_flow?user_id=123&country=US"],
        200, { value => false, enabled => false, reason => 'DISABLED' });
};


subtest 'with a name beside the key' => sub {
    answers(qq[curl -X POST \$URL/flags -H 'Content-Type: application/json' -d '{"key":"dark-mode","name":"Dark mode","description":"\x{2026}","enabled":true}'],
        201, { key => 'dark-mode', name => 'Dark mode',
            description => "\x{2026}", enabled => true, rollout => 100 });
    answers(q[curl $URL/users/anyone/flags/dark-mode], 200,
        { enabled => true });
};


subtest 'health' => sub {
    is(shell(q[curl $URL/health])->status, 200, '... 200');
};


subtest 'writing needs a key' => sub {
    is($api->post('/flags', { key => 'x' }, as => undef)->status, 401,
        'which it has not');
    is($api->get('/flags', as => undef)->status, 200, 'reading is open here');
};


done_testing;
