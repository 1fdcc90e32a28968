// Every known difference between a reference and Flagship, with its reason.
//
// For json-logic-js a deviation is an operator of the reference, written again
// as Flagship's contract has it: where both answers differ, the reference is
// asked once more with these in place, and the difference is explained only if
// it gives our answer then.  For flagd-core a deviation is a rewritten rule.

import { createRequire } from 'node:module';

const path = createRequire(import.meta.url).resolve('json-logic-js');


function isObject(v) {
    return typeof v === 'object' && v !== null;
}

// A text as JsonLogic's coercion reads it here: a JSON number, no more

function toNumber(v) {
    if (v === null || v === undefined) {
        return 0;
    }

    if (typeof v === 'boolean' || typeof v === 'number') {
        return Number(v);
    }

    if (typeof v !== 'string') {
        return NaN;
    }

    const text = v.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '');

    const number = text === '' ? 0
        : /^[+-]?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/.test(text)
            ? Number(text) : NaN;

    return Number.isFinite(number) ? number : NaN;
}

function number(v) {
    return Number.isFinite(v) ? v : null;
}

function equal(a, b) {
    if (isObject(a) || isObject(b)) {
        return false;
    }

    if (a === null || b === null) {
        return a === b;
    }

    return typeof a === 'string' && typeof b === 'string' ? a === b
        : toNumber(a) === toNumber(b);
}

function strict(a, b) {
    return !isObject(a) && !isObject(b) && a === b;
}

function bytes(a, b) {
    return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function compares(test) {
    return (a, b) => {
        if (typeof a === 'string' && typeof b === 'string') {
            return test(bytes(a, b), 0);
        }

        const x = toNumber(a), y = toNumber(b);

        return test(x, y);
    };
}

// Every neighbouring pair; fewer than two are too few

function chain(test) {
    return (...args) => args.length < 2 ? null
        : args.slice(1).every((v, i) => test(args[i], v));
}

function text(v) {
    return v === null || v === undefined ? ''
        : Array.isArray(v) ? v.map(text).join(',')
        : String(v);
}

// The value at a path of data: only members of objects, elements of arrays

function look(data, name) {
    if (name === null || name === undefined || name === '') {
        return data;
    }

    if (isObject(name)) {
        return undefined;
    }

    for (const step of String(name).split('.')) {
        if (Array.isArray(data)) {
            data = /^(0|[1-9]\d*)$/.test(step) ? data[step] : undefined;

        } else if (isObject(data) && Object.hasOwn(data, step)) {
            data = data[step];

        } else {
            return undefined;
        }
    }

    return data;
}

function missing(data, names) {
    return names.filter((name) => {
        const is = look(data, name);
        return is === null || is === undefined;
    });
}


export const logic = [
    {
        name: 'equality of lists and of null',
        reason: 'lists and objects equal nothing, null equals only null',
        operators: {
            '==': chain(equal),
            '!=': chain((a, b) => !equal(a, b)),
            '===': chain(strict),
            '!==': chain((a, b) => !strict(a, b)),
        },
    },
    {
        name: 'order',
        reason: 'texts by bytes, not by UTF-16 units; else numbers as JSON'
            + ' writes them, and no list is one; every neighbouring pair',
        operators: {
            '<': chain(compares((a, b) => a < b)),
            '<=': chain(compares((a, b) => a <= b)),
            '>': chain(compares((a, b) => a > b)),
            '>=': chain(compares((a, b) => a >= b)),
        },
    },
    {
        name: 'arithmetic',
        reason: 'a text is a number where it is one as a whole, and what is'
            + ' no finite number is null',
        operators: {
            '+': (...args) => number(args.reduce((a, b) => a + toNumber(b), 0)),
            '*': (...args) => number(args.reduce((a, b) => a * toNumber(b), 1)),
            '-': (...args) => args.length === 0 ? null
                : args.length === 1 ? number(-toNumber(args[0]))
                : number(args.map(toNumber).reduce((a, b) => a - b)),
            '/': (...args) => args.length === 0 ? null
                : args.length === 1 ? number(1 / toNumber(args[0]))
                : number(args.map(toNumber).reduce((a, b) =>
                    b === 0 ? NaN : a / b)),
            '%': (...args) => args.length < 2 ? null
                : number(args.map(toNumber).reduce((a, b) => a % b)),
            min: (...args) => args.length === 0 ? null
                : number(Math.min(...args.map(toNumber))),
            max: (...args) => args.length === 0 ? null
                : number(Math.max(...args.map(toNumber))),
        },
    },
    {
        name: 'texts',
        reason: 'substr counts characters, not UTF-16 units, and takes texts;'
            + ' in a text is a text, a number or a boolean',
        operators: {
            in: (a, b) => Array.isArray(b)
                ? b.some((v) => strict(a ?? null, v ?? null)
                    || (a ?? null) === null && (v ?? null) === null)
                : typeof b !== 'string' || isObject(a) || a === null
                    || a === undefined ? false : b.includes(String(a)),
            cat: (...args) => args.map(text).join(''),
            substr: (source, start, length) => {
                if (isObject(source)) {
                    return null;
                }

                const list = [...text(source)];
                const rest = list.slice(start < 0
                    ? Math.max(0, list.length + start) : start);

                return rest.slice(0, length === undefined ? rest.length
                    : length < 0 ? Math.max(0, rest.length + length)
                    : length).join('');
            },
        },
    },
    {
        name: 'attributes',
        reason: 'a step into a text or a number is absent, JavaScript\'s own'
            + ' properties are none; missing is what is absent or null',
        operators: {
            var(name, otherwise) {
                const is = look(this ?? null, name);
                return is === undefined ? otherwise ?? null : is;
            },
            missing(...args) {
                return missing(this ?? null, Array.isArray(args[0]) ? args[0]
                    : args);
            },
            missing_some(need, names) {
                const list = Array.isArray(names) ? names : [];
                const are = missing(this ?? null, list);
                return list.length - are.length >= need ? [] : are;
            },
        },
    },
];


// What json-logic-js decides by itself, around its operators

export const structure = {
    name: 'structure',
    reason: 'and, or of nothing are false; an argument that is no list but'
        + ' gives one is the list of arguments of + * - / % min max cat merge',
};

const SPREAD = ['+', '*', '-', '/', '%', 'min', 'max', 'cat', 'merge'];


// A json-logic-js of its own, with the deviations of these names

export function deviating(names) {
    const require = createRequire(import.meta.url);

    delete require.cache[path];
    const reference = require('json-logic-js');
    const apply = reference.apply;

    for (const deviation of logic) {
        if (names.includes(deviation.name)) {
            for (const [op, code] of Object.entries(deviation.operators)) {
                reference.add_operation(op, code);
            }
        }
    }

    if (!names.includes(structure.name)) {
        return reference.apply;
    }

    reference.apply = (rule, data) => {
        if (!reference.is_logic(rule)) {
            return apply(rule, data);
        }

        const op = reference.get_operator(rule);
        const values = rule[op];

        if (op === 'and' || op === 'or') {
            return Array.isArray(values) && values.length === 0 ? false
                : apply(rule, data);
        }

        if (SPREAD.includes(op) && !Array.isArray(values)) {
            const is = reference.apply(values, data);

            // results stand for themselves, whatever they look like
            return apply({ [op]: (Array.isArray(is) ? is : [is])
                .map((v) => ({ literal: [() => v] })) }, data);
        }

        return op === 'literal' ? values[0]() : apply(rule, data);
    };

    return reference.apply;
}


// As JSON would carry it

export function plain(v) {
    if (v === undefined || v === null
        || typeof v === 'number' && !Number.isFinite(v))
    {
        return null;
    }

    return Array.isArray(v) ? v.map(plain)
        : isObject(v) ? Object.fromEntries(Object.entries(v)
            .map(([name, is]) => [name, plain(is)]))
        : v;
}

export function same(a, b) {
    if (Object.is(a, -0)) {
        a = 0;
    }

    if (Object.is(b, -0)) {
        b = 0;
    }

    return JSON.stringify(plain(a)) === JSON.stringify(plain(b));
}


// A targeting as flagd-core has to be given it to decide as Flagship does

export const flagd = [
    {
        name: 'fractional by null',
        reason: 'a value to split by that is null counts as not given, as in'
            + ' the specification of flagd; flagd-core takes it for a bucket',
        rewrite: (targeting, context) => map(targeting, (op, args) =>
            op === 'fractional' && args.length && !Array.isArray(args[0])
                && typeof args[0]?.var === 'string'
                && (look(context, args[0].var) ?? null) === null
                ? { [op]: args.slice(1) } : { [op]: args }),
    },
    {
        name: 'cat of null',
        reason: 'null is no text, as in JsonLogic; flagd-core writes the word',
        rewrite: (targeting, context) => map(targeting, (op, args) =>
            ({ [op]: op === 'cat' && Array.isArray(args)
                ? args.map((v) => typeof v?.var === 'string'
                    && !v.var.startsWith('$flagd')
                    && (look(context, v.var) ?? null) === null ? '' : v)
                : args })),
    },
];

function map(rule, code) {
    if (Array.isArray(rule)) {
        return rule.map((v) => map(v, code));
    }

    return isObject(rule) ? Object.assign({}, ...Object.entries(rule)
        .map(([op, args]) => code(op, map(args, code)))) : rule;
}
