# The zone's protocol under all schedules with few switches and deaths; see
# t/zone/model.c.  FLAGSHIP_MODEL="1 100000" looks at many more.

use strict;
use warnings;

use Cwd qw(abs_path);
use File::Basename qw(dirname);

my $top = abs_path(dirname(__FILE__) . '/..');
my $build = $ENV{FLAGSHIP_TEST_BUILD} // "$top/build";
my @options = split ' ', $ENV{FLAGSHIP_MODEL} // '37 2000';

system("$top/t/zone/build", $build) == 0 or die "the model does not compile\n";

exec "$build/zone/model", @options or die "no model: $!\n";
