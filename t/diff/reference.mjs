// What a reference answers, and what it answers with one of the deviations in
// place: for examples of the documentation.
//
//   node reference.mjs <LINES
//
// A line {"engine", "deviation", "rule", "data"} gives {"is", "deviating"}.
// Of flagd-core the rule is the targeting of a flag with variants a and b,
// and the answer the variant.

import { createInterface } from 'node:readline';

import { FlagdCore } from '@openfeature/flagd-core';

import { deviating, flagd, plain } from './deviations.mjs';

const quiet = { error() {}, warn() {}, info() {}, debug() {} };


function variant(targeting, context) {
    const core = new FlagdCore(undefined, quiet);

    core.setConfigurations(JSON.stringify({ flags: { f: {
        state: 'ENABLED', variants: { a: 'a', b: 'b' }, defaultVariant: 'a',
        targeting,
    } } }));

    return core.getFlag('f').evaluate(context, quiet).variant;
}


for await (const line of createInterface({ input: process.stdin })) {
    const { engine, deviation, rule, data } = JSON.parse(line);

    const [is, instead] = engine === 'flagd-core'
        ? [variant(rule, data), variant(flagd.find((d) =>
            d.name === deviation).rewrite(rule, data), data)]
        : [deviating([])(rule, data), deviating([deviation])(rule, data)];

    console.log(JSON.stringify({ is: plain(is), deviating: plain(instead) }));
}
