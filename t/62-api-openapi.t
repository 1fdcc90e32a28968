# docs/openapi.yaml: it says what the table of routes says, it is valid in
# itself, and what it shows works.

use lib 't/lib';
use Flagship::Api;

my $build = $ENV{FLAGSHIP_TEST_BUILD} // "$Flagship::Test::top/build";
my $api = json(slurp("$build/docs/openapi.json"));


sub slurp {
    my ($path) = @_;

    open my $fh, '<:raw', $path or die "$path: $!: make docs";
    local $/;
    return scalar <$fh>;
}


# What a $ref leads to

sub resolve {
    my ($node) = @_;

    while (ref $node eq 'HASH' && exists $node->{'$ref'}) {
        my $ref = $node->{'$ref'};
        $node = $api;
        $node = $node->{$_} for split m{/}, $ref =~ s{^#/}{}r;
    }

    return $node;
}


# All operations: [ METHOD, path, operation, parameters ]

sub operations {
    my @all;

    for my $path (sort keys %{ $api->{paths} }) {
        my $item = $api->{paths}{$path};

        for my $method (qw(post put patch get delete)) {
            my $op = $item->{$method} or next;

            push @all, [ uc $method, $path, $op, [ map { resolve($_) }
                @{ $item->{parameters} // [] }, @{ $op->{parameters} // [] } ] ];
        }
    }

    return @all;
}


# What is wrong with a value, by a schema; nothing where it fits

sub misfits {
    my ($value, $schema, $at) = @_;

    $schema = resolve($schema);

    my @types = map { ref $_ ? @$_ : $_ } $schema->{type} // ();
    my $type = !defined $value ? 'null' : ref $value eq 'ARRAY' ? 'array'
        : ref $value eq 'HASH' ? 'object'
        : JSON::PP::is_bool($value) ? 'boolean'
        : JSON::PP->new->allow_nonref->encode($value) =~ /^"/ ? 'string'
        : $value =~ /^-?\d+$/ ? 'integer' : 'number';

    return "$at is $type" if @types
        && !grep { $_ eq $type || $_ eq 'number' && $type eq 'integer' } @types;

    return "$at is $value" if $schema->{enum} && defined $value
        && !grep { defined && $_ eq $value } @{ $schema->{enum} };

    return "$at is $value" if exists $schema->{const}
        && $schema->{const} ne $value;

    if ($type eq 'array' && $schema->{items}) {
        return map { misfits($value->[$_], $schema->{items}, "$at/$_") }
            0 .. $#$value;
    }

    return if $type ne 'object' || !$schema->{properties};

    return (map({ "$at has no $_" } grep { !exists $value->{$_} }
            @{ $schema->{required} // [] }),
        map { exists $schema->{properties}{$_}
            ? misfits($value->{$_}, $schema->{properties}{$_}, "$at/$_")
            : "$at/$_ is not described" } sort keys %$value);
}


subtest 'the table of routes' => sub {
    my @rows = slurp("$Flagship::Test::top/src/api/"
        . 'ngx_http_flagship_api_routes.c')
            =~ /\{ "(\/[^"]*)", NGX_HTTP_([A-Z]+),/g;
    my %described = map { ("$_->[0] $_->[1]" => 1) } operations();

    cmp_ok(scalar @rows, '>', 20, 'is read');

    while (my ($path, $method) = splice @rows, 0, 2) {
        ok(delete $described{"$method $path"}, "$method $path");
    }

    is_deeply([ sort keys %described ], [], 'and no other is described');
};


subtest 'valid in itself' => sub {
    my (%ids, @refs);
    my @todo = $api;

    while (defined(my $node = shift @todo)) {
        push @todo, grep { ref } ref $node eq 'HASH' ? values %$node
            : ref $node eq 'ARRAY' ? @$node : ();
        push @refs, $node->{'$ref'} if ref $node eq 'HASH'
            && exists $node->{'$ref'};
    }

    is_deeply([ grep { !defined resolve({ '$ref' => $_ }) } @refs ], [],
        'every reference leads somewhere');

    for (operations()) {
        my ($method, $path, $op, $parameters) = @$_;
        my $name = "$method $path";

        ok($op->{operationId} && !$ids{ $op->{operationId} }++,
            "$name: a name of its own");
        ok($op->{summary}, "$name: a summary");
        is_deeply([ sort map { $_->{name} } grep { $_->{in} eq 'path' }
            @$parameters ], [ sort $path =~ /\{(\w+)\}/g ],
            "$name: the path's parameters");

        my ($good) = grep { /^2/ } sort keys %{ $op->{responses} };
        ok($good, "$name: what comes of it");

        is_deeply([ map { misfits($_->{example}, $_->{schema}, $_->{name}) }
            grep { exists $_->{example} } @$parameters ], [],
            "$name: examples of parameters fit");

        for my $content (map { values %{ resolve($_)->{content} // {} } }
            $op->{requestBody} // (), values %{ $op->{responses} })
        {
            next unless exists $content->{example};
            is_deeply([ misfits($content->{example}, $content->{schema}, '') ],
                [], "$name: an example fits");
        }
    }
};


# What is made comes first, then what is done with it, last its end

sub rank {
    my ($method, $path) = @_;

    return $method eq 'POST' && $path !~ /\{|evaluate/ ? 0
        : $path =~ /restore$/ ? 3
        : $method eq 'DELETE' && $path =~ /\}$/ ? 2 : 1;
}


subtest 'what it shows works' => sub {
    my $http = Flagship::Api->new(api => "docs=$build/docs",
        neighbour => 1);
    my %id;

    for (sort { rank(@$a) <=> rank(@$b) } operations()) {
        my ($method, $path, $op, $parameters) = @$_;

        my %value = map { $_->{name} => $_->{example} } grep {
            exists $_->{example} } @$parameters;
        my ($collection) = $path =~ m{^(/[\w-]+)};

        $value{id} = $id{$collection};

        my $uri = $path =~ s/\{(\w+)\}/$value{$1}/gr;
        my @query = map { ref $_->{example}
                ? map { "$_->[0]=$_->[1]" } [ %{ $_->{example} } ]
                : "$_->{name}=$_->{example}" }
            grep { $_->{in} eq 'query' && exists $_->{example} } @$parameters;

        $uri .= '?' . join '&', @query if @query;

        my $body = $op->{requestBody} && resolve($op->{requestBody})->{content};

        for my $type ($body ? sort keys %$body : undef) {
            my $example = $type && $body->{$type}{example};
            my $r = $http->call($method, $uri, as => 'admin', !$type ? () : (
                headers => [ 'Content-Type' => $type ],
                body => ref $example ? $Flagship::Api::json->encode($example)
                    : $example));
            my $name = "$method $uri";
            my $described = resolve($op->{responses}{ $r->status });

            like($r->status, qr/^2/, $name) or diag $r->body;
            ok($described, 'is described') or next;

            my @headers = qw(ETag Flagship-Revision Location);

            is_deeply([ grep { $described->{headers}
                    && $described->{headers}{$_} } @headers ],
                [ grep { defined $r->header($_) } @headers ],
                'its headers, too') unless $op->{security};

            next if $r->status == 204;

            my $content = $described->{content}{ $r->header('Content-Type') };
            ok($content, 'its type, too') or next;

            if ($r->header('Content-Type') =~ /json/ && $path ne '/openapi.json')
            {
                my $json = $r->json;

                is_deeply([ misfits($json, $content->{schema}, '') ], [],
                    'its fields, too') or diag $r->body;
                $id{$collection} = $json->{id} if $r->status == 201;
            }
        }
    }

    is_deeply($http->get('/openapi.json')->json, $api, 'it is what is served');

    my $r = $http->get('/evaluate/nosuch');
    is_deeply([ misfits($r->json,
        $api->{components}{schemas}{Problem}, '') ], [], 'problems fit');
};


subtest 'the pages load nothing from elsewhere' => sub {
    plan skip_all => 'npm was not there' unless -f "$build/docs/.lock";

    for my $page (qw(docs redoc)) {
        my $html = slurp("$build/docs/$page.html");

        my @parts = $html =~ /(?:src|href)="([^"]*)"/g;
        cmp_ok(scalar @parts, '>', 1, "$page loads something");
        is_deeply([ grep { !/^docs\/[\w.-]+$/ || !-f "$build/$_" } @parts ],
            [], 'which is there');
        unlike($html, qr{<script>|\sstyle=|\son\w+=}, 'no script of its own');
    }

    unlike(slurp("$build/docs/redoc.standalone.js"), qr/cdn\.redoc/,
        'no picture either');
};


done_testing;
