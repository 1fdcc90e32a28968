# t/conformance/run reads others' checkouts in their own layout, and passes
# over nothing.

use strict;
use warnings;

use File::Path qw(make_path);
use File::Temp ();
use Test::More;

my $build = $ENV{FLAGSHIP_TEST_BUILD} // 'build';
my $dir = File::Temp->newdir;


sub spill {
    my ($name, $text) = @_;

    make_path("$dir/$name" =~ s{/[^/]+\z}{}r);
    open my $fh, '>', "$dir/$name" or die "cannot write $name: $!";
    print {$fh} $text;
    close $fh;
}


sub run {
    my $said = `t/conformance/run --build $build @_ 2>&1`;

    return ($said, $? >> 8);
}


spill('logic/suites/index.json', '["a.json","deep/b.json"]');
spill('logic/suites/a.json', '["a heading",{"rule":{"+":[1,2]},"result":3},
    [{"var":"x"},{"x":[1]},[1]],{"rule":{"throw":"x"},"error":{"type":"x"}}]');
spill('logic/suites/deep/b.json', '[{"rule":{"/":[1,0]},"error":{"type":"NaN"}}]');

my ($said, $code) = run("$dir/logic");
is($said, "not JsonLogic's own operator: throw, 1 cases\n3 passed, 0 failed\n",
    'compat-tables');
is($code, 0, 'pass');

spill('logic/suites/deep/b.json', '[{"rule":{"+":[1,0]},"result":2}]');
($said, $code) = run("$dir/logic");
like($said, qr/^failed: .* gave \{"result":1\}\n(?:.*\n)?2 passed, 1 failed$/m,
    'another answer');
is($code, 1, 'fails');

spill('logic/suites/index.json', '["a.json","gone.json"]');
($said, $code) = run("$dir/logic");
like($said, qr/gone\.json/, 'a file that is not there');
isnt($code, 0, 'is no case less');


spill('flagd/evaluator/flags/flags.json', '{"flags":{"f":{"state":"ENABLED",
    "variants":{"a":"x","b":"y"},"defaultVariant":"b","targeting":{"if":[
    {"==":[{"var":"user.name"},"jo"]},"a"]}},"g":{"state":"ENABLED",
    "variants":{"a":1.5},"defaultVariant":"a"}}}');

my $feature = <<'EOT';
@some
Feature: One

  # a comment
  Background:
    Given an evaluator

  @tag
  Scenario Outline: By name
    Given a String-flag with key "f" and a fallback value "z"
    And a context containing a nested property with outer key "user" and inner key "name", with value "<name>"
    When the flag was evaluated with details
    Then the resolved details value should be "<value>"
    And the reason should be "<reason>"

    Examples: all
      | name | value | reason          |
      | jo   | x     | TARGETING_MATCH |
      | al   | y     | DEFAULT         |

  Scenario: Mismatch
    Given a Integer-flag with key "g" and a fallback value "3"
    When the flag was evaluated with details
    Then the error-code should be "TYPE_MISMATCH"
EOT

spill('flagd/evaluator/gherkin/one.feature', $feature);
($said, $code) = run("$dir/flagd");
is($said, "3 passed, 0 failed\n", 'flagd\'s test bed');
is($code, 0, 'passes');

spill('flagd/evaluator/gherkin/one.feature', $feature =~ s/\| y /| x /r);
($said, $code) = run("$dir/flagd");
like($said, qr/^failed: one\.feature: By name: value: .*\n2 passed, 1 failed$/m,
    'another value');
is($code, 1, 'fails');

spill('flagd/evaluator/gherkin/one.feature', $feature . "    And it rains\n");
($said, $code) = run("$dir/flagd");
like($said, qr/Mismatch: an unknown step: it rains/, 'a step that is not known');
isnt($code, 0, 'is no scenario less');

mkdir "$dir/none";
($said, $code) = run("$dir/none");
like($said, qr/is no checkout/, 'another folder');
isnt($code, 0, 'is refused');


done_testing;
