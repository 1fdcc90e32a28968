// The engines of npm, asked as ../peers.c asks Flagship; see Peers.pm.
//
//   node javascript.mjs PACKAGES ENGINE MODE FLAGS CONTEXTS [OPTION]
//
// PACKAGES is the folder where they are installed, ENGINE flagd-core or
// json-logic-engine.  The latter has JsonLogic's operators alone, so flags
// with others are left out, and a flag is its targeting as the compiler makes
// it, with the default variant behind it.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const CONTEXTS = 256;
const BEYOND = ['fractional', 'sem_ver', 'starts_with', 'ends_with'];

const [packages, engine, mode, file, contexts, option] = process.argv.slice(2);
const require = createRequire(`${packages}/package.json`);
const quiet = { error() {}, warn() {}, info() {}, debug() {} };


// Nanoseconds of the whole process: its compiler and collector are part of it

function now() {
    const { user, system } = process.cpuUsage();

    return (user + system) * 1e3;
}


function loadFlagd(text) {
    const { FlagdCore } = require('@openfeature/flagd-core');
    const core = new FlagdCore(undefined, quiet);

    core.setConfigurations(text);

    return {
        keys: [...core.getFlags().keys()],
        find: (key) => {
            const flag = core.getFlag(key);
            return (context) => flag.evaluate(context, quiet).variant;
        },
        get: (key, context) => core.getFlag(key).evaluate(context, quiet)
            .variant,
    };
}


function loadLogic(text) {
    const { LogicEngine } = require('json-logic-engine');
    const logic = new LogicEngine();
    const flags = new Map();

    for (const [key, flag] of Object.entries(JSON.parse(text).flags)) {
        const fallback = flag.defaultVariant;

        if (flag.targeting && !BEYOND.some((op) =>
            JSON.stringify(flag.targeting).includes(`"${op}"`)))
        {
            const rule = logic.build(flag.targeting);
            flags.set(key, (context) => rule(context) ?? fallback);
        }
    }

    return {
        keys: [...flags.keys()],
        find: (key) => flags.get(key),
        get: (key, context) => flags.get(key)(context),
    };
}


// The passes over contexts that take so long, as ns of one call

function timed(milliseconds, pass, calls) {
    pass();

    const start = now();

    for (let passes = 1; ; passes++) {
        pass();

        const is = now() - start;

        if (is >= milliseconds * 1e6) {
            return is / (passes * calls);
        }
    }
}


let sink;

function answers(flags, texts) {
    texts.forEach((text, i) => {
        const context = JSON.parse(text);
        const { keys } = flags;
        const asked = option === 'turn' ? [keys[i * 7919 % keys.length]] : keys;

        console.log(asked.map((key) => flags.get(key, context)).join(' '));
    });
}


function turn(flags, data, compiled) {
    const { keys } = flags;
    const first = keys.slice(0, 100).map(flags.find);
    let k = 0;

    console.log(`compile\t${(keys.length / compiled * 1e9).toFixed(4)}`);

    const one = timed(Number(option), () => {
        for (const context of data) {
            k = (k + 7919) % keys.length;
            sink = flags.get(keys[k], context);
        }
    }, data.length);

    const all = timed(Number(option), () => {
        for (const context of data) {
            for (const flag of first) {
                sink = flag(context);
            }
        }
    }, data.length);

    console.log(`turn\t${one.toFixed(3)}\nbulk\t${all.toFixed(3)}`);
}


function measure(flags, data, texts) {
    for (const key of flags.keys) {
        const flag = flags.find(key);

        const native = timed(Number(option), () => {
            for (const context of data) {
                sink = flag(context);
            }
        }, data.length);

        const text = timed(Number(option), () => {
            for (const context of texts) {
                sink = flag(JSON.parse(context));
            }
        }, texts.length);

        console.log(`${key}\t${native.toFixed(3)}\n`
            + `${key} from text\t${text.toFixed(3)}`);
    }
}


const text = readFileSync(file, 'utf8');
const texts = readFileSync(contexts, 'utf8').trimEnd().split('\n');

const start = now();
const flags = engine === 'flagd-core' ? loadFlagd(text) : loadLogic(text);
const compiled = now() - start;

if (mode === 'keys') {
    console.log(flags.keys.join('\t'));

} else if (mode === 'answers') {
    answers(flags, texts);

} else {
    const some = texts.slice(0, CONTEXTS);
    const data = some.map((t) => JSON.parse(t));

    if (mode === 'turn') {
        turn(flags, data, compiled);

    } else {
        measure(flags, data, some);
    }
}
