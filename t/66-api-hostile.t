# A hostile client: requests of a seeded generator get only what the contract
# names, a problem document each, and nothing that anybody would have to look
# into.
#
# FLAGSHIP_TEST_REQUESTS and FLAGSHIP_TEST_SEED: how many, and which.

use lib 't/lib';
use Flagship::Api;

my $n = $ENV{FLAGSHIP_TEST_REQUESTS} // 1500;
my $seed = $ENV{FLAGSHIP_TEST_SEED} // 20;

srand $seed;
diag "seed $seed" if $ENV{FLAGSHIP_TEST_SEED};

my $api = Flagship::Api->new(http => 'client_max_body_size 100k;'
    . 'client_body_buffer_size 2k;');

$api->post('/flags', { key => 'a', enabled => true });
$api->post('/segments', { key => 's', when => true });
$api->post('/sets', { key => 'x' });

my @known = (200, 201, 204, 304, 400, 401, 403, 404, 405, 409, 412, 413, 415,
    422, 429);


sub one { $_[ rand @_ ] }

sub bytes { join '', map { chr rand 256 } 1 .. rand $_[0] }


sub path {
    my @parts = map { one(qw(flags segments sets api-keys audit evaluate users
        live ready health openapi.json docs members restore a s x u1 .. . %2e%2e
        %2F %00 %ff %c3%bc a%20b), '', 'a;b', 'x' x one(1, 130, 3000),
        '01936f6e-1d5e-7c31-a3c3-5b3e6f4d2a10') } 1 .. 1 + rand 4;

    return '/' . join one('/', '/', '/', '//'), @parts;
}


sub query {
    return '' if rand > 0.5;

    return '?' . join one('&', '&&', ';'), map { one(qw(limit cursor sort search
            tag enabled archived env environment tenant purge dry_run explain
            user_id key entity since until x), bytes(6) =~ s/[\s#]//gr)
        . one('', '=', '==') . one(qw(1 0 -1 true false null prod dev acme key
            -key 1e999 999999999999999999999 % %zz %00 %ff %c3 ' " \\),
            "' or 1=1--", 'x' x 500, bytes(9)) =~ s/[\s#]//gr } 1 .. 1 + rand 4;
}


sub value {
    my ($depth) = @_;

    return one('null', 'true', 'false', 0, -1, '1e999', '1.5', '""', '"on"',
        '"a"', '"\u0000"', '"\ud800"', "\"\xff\"", '"' . 'x' x 5000 . '"', '{}',
        '[]', '{"a":1,"a":2}', '2026-01-01', '"2026-01-01T00:00:00Z"',
        '{"==":[{"var":"a"},1]}', '[{"when":true,"serve":"on"}]',
        '[{"serve":{"split":{"on":1,"off":1e400}}}]', '{"segment":"s"}',
        '{"in_set":[{"var":"a"},"x"]}', '{"on":true,"off":false}',
        '{"matches":[{"var":"a"},"(((("]}') if $depth > 2 || rand > 0.4;

    return '[' . join(',', map { value($depth + 1) } 1 .. rand 4) . ']'
        if rand > 0.5;

    return object($depth + 1);
}


sub object {
    my ($depth) = @_;

    return '{' . join(',', map { '"' . one(qw(key flag_name name type enabled
        status state variants default_variant off_variant rules user_ids rollout
        rollout_percentage targeting_rules percentage prerequisites enable_at
        disable_at expose metadata tags description id tenant environment env
        version when criteria role expires_at see_unexposed context
        targetingKey default_value off_value nosuch), '\u0000', '') . '":'
        . value($depth) } 1 .. rand 6) . '}';
}


sub body {
    my $text = one(object(0), object(0), object(0), value(0), '', '[' x 1000,
        bytes(2000), 'x' x 110_000);

    return rand > 0.9 ? substr $text, 0, rand length $text : $text;
}


my (%seen, @wrong);

for my $i (1 .. $n) {
    my $method = one(qw(GET GET POST POST PUT PATCH DELETE HEAD OPTIONS FROB));
    my $uri = path() . query();
    my $as = one(qw(admin admin editor viewer client editor@acme operator), undef);
    my @headers;

    push @headers, 'Content-Type' => one('application/json', 'application/json',
        'application/merge-patch+json', 'text/plain', 'x', 'text/plain;charset=x')
            if rand > 0.2;
    push @headers, one('If-Match', 'If-None-Match') => one('*', '"x"', 'W/"x"',
        '"', 'x,y', ',' x 20, '"' . 'x' x 900 . '"') if rand > 0.7;
    push @headers, Authorization => one('Bearer x', 'Basic eDp4', '', 'Bearer')
        if rand > 0.95;
    push @headers, Origin => 'null' if rand > 0.9;

    my $r = eval { $api->call($method, $uri, as => $as, headers => \@headers,
        rand > 0.3 ? (body => body()) : ()) };
    my $what = substr "$i: $method $uri", 0, 200;

    if (!$r) {
        push @wrong, "$what: no answer";
        next;
    }

    $seen{ $r->status }++;

    push @wrong, "$what: " . $r->status
        unless grep { $_ == $r->status } @known;

    # what nginx refuses before it has a location is its own
    next if $r->status < 400 || $method eq 'HEAD'
        || $r->status == 400 && $r->body =~ /<center>nginx/;

    push @wrong, "$what: no problem" unless ($r->header('Content-Type') // '')
        eq 'application/problem+json' && eval { $r->json->{status} == $r->status };
}

is_deeply(\@wrong, [], "$n requests") or diag join "\n", splice @wrong, 0, 20;
cmp_ok($seen{$_} // 0, '>', 0, "some were $_") for 200, 400, 404, 405, 415, 422;

is_deeply([ grep { !/\[(?:info|notice|debug)\]/ && /flagship:/ }
    $api->t->lines(qr/./) ], [], 'no line of ours above "notice"');

done_testing;
