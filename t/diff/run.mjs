// Flagship's engine against the field's own, on random rules and contexts.
//
//   node run.mjs --build FOLDER [--pairs N] [--seed S] [--only logic|flagd]
//
// logic   rules of JsonLogic: json-logic-js against `flagshipctl logic`
// flagd   flagd documents: @openfeature/flagd-core against `flagshipctl eval`
//
// A difference that deviations.mjs explains is counted under its name; the
// first that it does not is printed as it can be tried by hand, and the exit
// code is 1.  The same seed gives the same pairs.

import { spawnSync } from 'node:child_process';
import { unlinkSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

import { FlagdCore } from '@openfeature/flagd-core';

import { deviating, flagd, logic, same, structure } from './deviations.mjs';
import { Random, context, document, object, rule } from './random.mjs';

const BATCH = 2000;
const SHOWN = 10;

const { values: option } = parseArgs({ options: {
    build: { type: 'string', default: 'build' },
    pairs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
} });

const pairs = Number(option.pairs);
const random = new Random(Number(option.seed));
const quiet = { error() {}, warn() {}, info() {}, debug() {} };
const counts = new Map();
let unexplained = 0;


function ctl(args, lines) {
    const run = spawnSync(`${option.build}/flagshipctl`, args, {
        input: lines.map((line) => JSON.stringify(line) + '\n').join(''),
        maxBuffer: 1 << 30,
    });

    if (run.error || run.signal) {
        throw run.error ?? new Error(`flagshipctl: ${run.signal}`);
    }

    const answers = run.stdout.toString().split('\n');

    if (answers.pop() !== '' || answers.length !== lines.length) {
        throw new Error(`flagshipctl gave ${answers.length} answers to`
            + ` ${lines.length} lines: ${run.stderr}`);
    }

    return answers.map((line) => JSON.parse(line));
}


function explained(name) {
    counts.set(name, (counts.get(name) ?? 0) + 1);
}


function differs(what) {
    if (++unexplained <= SHOWN) {
        console.log('differs: ' + JSON.stringify(what));
    }
}


// What the reference throws has no result

function result(apply, { rule, data }) {
    try {
        return { is: apply(rule, data) };
    } catch (e) {
        return { thrown: e.message };
    }
}


function compareLogic() {
    const names = [...logic.map((d) => d.name), structure.name];
    const reference = deviating([]);
    const all = deviating(names);
    const each = names.map((name) => [name, deviating([name])]);

    for (let done = 0; done < pairs; done += BATCH) {
        const batch = Array.from({ length: Math.min(BATCH, pairs - done) },
            () => ({ rule: rule(random), data: object(random) }));

        ctl(['logic'], batch).forEach((answer, i) => {
            const agrees = (apply) => {
                const is = result(apply, batch[i]);
                return 'is' in is && 'result' in answer
                    && same(is.is, answer.result);
            };

            if (agrees(reference)) {
                return;
            }

            const one = each.find(([, apply]) => agrees(apply));

            if (one || agrees(all)) {
                explained(one ? one[0] : 'several of these together');

            } else {
                differs({ ...batch[i], flagship: answer,
                    'json-logic-js': result(reference, batch[i]),
                    deviating: result(all, batch[i]) });
            }
        });
    }
}


function evaluate(flags, key, about) {
    const core = new FlagdCore(undefined, quiet);

    core.setConfigurations(JSON.stringify(flags));

    return core.getFlag(key).evaluate(about, quiet);
}


function compareFlagd() {
    const FLAGS = 20;
    const file = `${option.build}/diff-document.json`;

    for (let done = 0; done < pairs; done += BATCH) {
        const flags = document(random, FLAGS);
        const core = new FlagdCore(undefined, quiet);
        const batch = Array.from({ length: Math.min(BATCH, pairs - done) },
            (_, i) => ({ flag: 'f' + i % FLAGS, context: context(random) }));

        core.setConfigurations(JSON.stringify(flags));
        writeFileSync(file, JSON.stringify(flags));

        ctl(['eval', file, '--batch'], batch).forEach((ours, i) => {
            const { flag, context } = batch[i];
            const agrees = (is) => ours.errorCode
                ? ours.errorCode === is.errorCode
                : !is.errorCode && same(ours.value, is.value)
                    && ours.variant === is.variant
                    && ours.reason === is.reason;
            const theirs = core.getFlag(flag).evaluate(context, quiet);

            if (agrees(theirs)) {
                return;
            }

            const is = flags.flags[flag];
            const why = flagd.find(({ rewrite }) => agrees(evaluate(
                { flags: { [flag]: { ...is,
                    targeting: rewrite(is.targeting, context) } } },
                flag, context)));

            if (why) {
                explained(why.name);

            } else {
                differs({ flag, context, is, flagship: ours,
                    'flagd-core': theirs });
            }
        });
    }

    unlinkSync(file);
}


const suites = { logic: compareLogic, flagd: compareFlagd };

for (const [name, compare] of Object.entries(suites)) {
    if (option.only && option.only !== name) {
        continue;
    }

    counts.clear();
    compare();

    console.log(`${name}: ${pairs} pairs, seed ${option.seed},`
        + ` ${unexplained} unexplained`);

    for (const [why, n] of [...counts].sort((a, b) => b[1] - a[1])) {
        console.log(`  ${String(n).padStart(8)}  ${why}`);
    }
}

process.exitCode = unexplained ? 1 : 0;
