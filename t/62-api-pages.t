# /docs and /redoc in a real browser: what they show is there, with no word in
# the console and nothing that the policy of the page would refuse.
#
# sanitizers: no

use lib 't/lib';
use Flagship::Edge;

my $build = $ENV{FLAGSHIP_TEST_BUILD} // "$Flagship::Test::top/build";
my ($chromium) = grep { -x } map { "$_/chromium" } split /:/, $ENV{PATH};

plan(skip_all => 'there is no chromium (apt-get install chromium)')
    unless $chromium;

my $t = edge(server => <<"EOT");
    location / { flagship_api docs=$build/docs; }
    location /api/ { flagship_api docs=$build/docs; }
    location = /broken { default_type text/html; add_header
        Content-Security-Policy "script-src 'self'";
        return 200 "<link rel=icon href=data:,><p id=ok><script>1</script>"; }
EOT


# The page as it is when its scripts are done, and what the browser said

sub browse {
    my ($path) = @_;

    my $home = $t->dir . '/browser';
    my @command = ('timeout', '-k', 10, 300, $chromium, '--headless',
        '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage',
        '--no-first-run', '--disable-background-networking',
        "--user-data-dir=$home", '--enable-logging=stderr',
        '--virtual-time-budget=60000', '--dump-dom',
        'http://127.0.0.1:' . $t->port . $path);

    open my $fh, '-|', 'sh', '-c', 'exec "$@" 2>"$0"', "$home.log", @command
        or die "no $chromium: $!";
    my $page = do { local $/; <$fh> // '' };

    close $fh or diag "$chromium: $?";

    return ($page, grep { /CONSOLE/ } split /\n/, $t->read_file('browser.log'));
}


my ($page, @said) = browse('/broken');

like($page, qr/id="ok"/, 'a page is read');
like("@said", qr/Content Security Policy/, 'and what it must not is told');

my %shows = (
    docs  => [ qr/class="opblock/, qr{data-path="/flags/\{key\}"} ],
    redoc => [ qr/data-section-id="[^"]*flags/i, qr{/flags/\{key\}} ],
);

for my $path (qw(/docs /api/redoc)) {
    my ($name) = $path =~ /(\w+)$/;

    ($page, @said) = browse($path);

    like($page, $_, "$path shows the API") for @{ $shows{$name} };
    is_deeply(\@said, [], "$path: the browser has nothing to say");
}

is_deeply([ grep { $_ !~ /"GET [^ "]+ HTTP[^"]*" (?:200|304)/ }
    split /\n/, $t->read_file('access.log') ], [], 'all that it asked for is there');

done_testing;
