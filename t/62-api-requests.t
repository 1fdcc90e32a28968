# docs/requests.http, each request as it stands: it works, or ends as its title
# says.

use lib 't/lib';
use Flagship::Api;

my $api = Flagship::Api->new(location => 'flagship_anonymous viewer;',
    neighbour => 1);
my $n = 0;

open my $fh, '<', "$Flagship::Test::top/docs/requests.http" or die $!;
my ($head, @requests) = split /^###/m, do { local $/; <$fh> };

my %value = $head =~ /^\@(\w+) = (.*)$/mg;
is_deeply([ sort keys %value ], [qw(key url)], 'what is to be filled in');

$value{url} = '';
$value{key} = $api->key('admin@default');

my $with_key = qr/^X-API-Key: \Q$value{key}\E\n/m;

for (@requests) {
    s/\{\{(\w+)\}\}/$value{$1} \/\/ die "no value: $1"/ge;

    my ($title, $method, $uri, $headers, $body) =
        /\A ?([^\n]*)\n([A-Z]+) (\S+)\n((?:[\w-]+: [^\n]*\n)*)(?:\n(.*?))?\s*\z/s
            or die "no request: $_";
    my ($status) = $title =~ /\((\d+)/;

    # the neighbour has no anonymous requests: those are the location's tenant's
    my $keyed = $headers =~ s/$with_key//;
    my $r = $api->call($method, $uri, as => $keyed ? 'admin' : undef,
        neighbour => $keyed ? 'admin' : 'viewer',
        headers => [ $headers =~ /^([\w-]+): (.*)$/mg ],
        length($body // '') ? (body => $body) : ());

    like($r->status, $status ? qr/^$status$/ : qr/^2/, "$method $uri")
        or diag $r->body;
    $n++;
}

cmp_ok($n, '>', 15, 'all of them');

done_testing;
