# The documentation cannot drift away from what it describes: links lead
# somewhere, every directive and variable is there, SQL runs as printed.

use lib 't/lib';
use strict;
use warnings;

use Test::More;
use Flagship::Postgres;

use File::Basename qw(dirname);


my @pages = ('README.md', 'CONTRIBUTING.md', glob 'docs/*.md');
my %text = map { $_ => slurp($_) } @pages;


sub slurp {
    my ($path) = @_;

    open my $fh, '<', $path or die "$path: $!";
    local $/;
    return scalar <$fh>;
}


# GitHub's anchors of a page's headings

sub anchors {
    my ($markdown) = @_;

    return map { lc(s/[^\w\s-]//gr) =~ s/\s+/-/gr } $markdown =~ /^#+ (.+)$/mg;
}


subtest 'every link within the repository leads somewhere' => sub {
    for my $page (@pages) {
        my @broken;

        for my $link ($text{$page} =~ /\]\(([^)\s]+)\)/g) {
            next if $link =~ /^https?:/;

            my ($path, $anchor) = split /#/, $link;
            my $target = !length $path ? $page
                : (dirname($page) eq '.' ? '' : dirname($page) . '/') . $path;
            $target =~ s{[^/]+/\.\./}{}g;

            push @broken, $link
                if !-e $target || defined $anchor
                   && !grep { $_ eq $anchor } anchors($text{$target});
        }

        is_deeply(\@broken, [], "$page: none is broken");
    }
};


subtest 'every directive has its section, and every section its directive'
    => sub {
    my @commands = slurp('ngx_http_flagship_module.c')
        =~ /\{\s*ngx_string\("(flagship_\w+)"\)/g;
    my @sections = $text{'docs/directives.md'} =~ /^## (flagship_\w+)$/mg;

    cmp_ok(scalar @commands, '>', 10, 'the command table is read');
    is_deeply([sort @sections], [sort @commands], 'directives');

    for my $name (@commands) {
        like($text{'docs/directives.md'}, qr/^    Syntax:   $name(?: [^;]+)?;/m,
            "$name has its syntax");
        like($text{'README.md'}, qr/`$name[ `]/, "$name is in the README");
    }
};


subtest 'the SQL of the documentation runs as it is printed' => sub {
    my $session = Flagship::Postgres->new->session;

    for my $sql ($text{'docs/sql.md'} =~ /^```sql\n(.*?)^```/gms) {
        eval { $session->sql($sql) };
        is($@, '', (split /\n/, $sql)[0]);
    }
};


done_testing;
