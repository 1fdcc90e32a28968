// Random values, contexts, rules and flags, all from one seed.
//
// Rules are grown to a small depth with a leaning to what people write:
// attributes against literals.  Data is drawn so that paths often exist, types
// often fit, and strings often look like numbers, versions or each other.

const NAMES = ['a', 'b', 'c', 'd', 'list', 'user', 'email', 'targetingKey'];

const STRINGS = ['', ' ', '0', '1', '10', '2', '-1', '+3', '1.5', '1e3', '0x10',
    'abc', 'ab', 'b', 'abcd', 'true', 'false', 'null', '12abc', ' 7 ', 'é',
    'éa', '日本', '😀', '￿', 'a,b', '1,2', '.', 'on', 'off', 'a.b', 'length'];

const NUMBERS = [0, 1, -1, 2, 3, 10, 0.5, -2.5, 1e3, 1e21, 1e-7, 123456789,
    9007199254740991, 0.1, 100];

const VERSIONS = ['1.0.0', '1.2.3', '2.0.0', 'v1.2.3', '1.2.3-rc.1',
    '1.2.3-rc.2', '1.2.3-alpha', '10.0.0', '1.2.3+build', '0.1.0'];


export class Random {

    // mulberry32: small, fast, and the same everywhere
    constructor(seed) {
        this.state = seed >>> 0;
    }

    next() {
        this.state = (this.state + 0x6d2b79f5) >>> 0;

        let t = this.state;
        t = Math.imul(t ^ (t >>> 15), t | 1);
        t ^= t + Math.imul(t ^ (t >>> 7), t | 61);

        return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
    }

    below(n) {
        return Math.floor(this.next() * n);
    }

    chance(p) {
        return this.next() < p;
    }

    pick(list) {
        return list[this.below(list.length)];
    }

    many(most, make) {
        return Array.from({ length: this.below(most + 1) }, make);
    }
}


function scalar(r) {
    const n = r.below(10);

    return n < 4 ? r.pick(STRINGS)
        : n < 7 ? r.pick(NUMBERS)
        : n < 8 ? r.chance(0.5)
        : n < 9 ? null
        : r.below(2000) - 1000;
}


export function value(r, depth = 2) {
    const n = depth > 0 ? r.below(10) : 0;

    return n < 7 ? scalar(r)
        : n < 9 ? r.many(4, () => value(r, depth - 1))
        : object(r, depth - 1);
}


export function object(r, depth = 2) {
    const is = {};

    for (const name of NAMES) {
        if (r.chance(0.5)) {
            is[name] = name === 'list' ? r.many(4, () => value(r, depth - 1))
                : name === 'user' ? object2(r, depth) : value(r, depth);
        }
    }

    return is;
}


function object2(r, depth) {
    return depth > 0 ? object(r, depth - 1) : { a: scalar(r) };
}


function path(r) {
    const n = r.below(12);

    return n < 8 ? r.pick(NAMES)
        : n < 9 ? 'user.' + r.pick(NAMES)
        : n < 10 ? 'list.' + r.below(3)
        : n < 11 ? r.pick(['', 'absent', 'a.b.c', 'a.length', 'list.length'])
        : r.below(3);
}


function variable(r) {
    return { var: r.chance(0.7) ? path(r) : [path(r), scalar(r)] };
}


const MANY = ['+', '*', 'cat', 'min', 'max', 'merge', 'and', 'or', 'if', '?:'];
const TWO = ['==', '===', '!=', '!==', '<', '<=', '>', '>=', '-', '/', '%',
    'in', 'substr'];
const LOOPS = ['map', 'filter', 'all', 'some', 'none'];


// A rule of JsonLogic's core

export function rule(r, depth = 3) {
    if (depth <= 0 || r.chance(0.15)) {
        return r.chance(0.6) ? variable(r)
            : r.chance(0.8) ? scalar(r) : r.many(3, () => scalar(r));
    }

    const arg = () => rule(r, depth - 1);
    const n = r.below(20);

    if (n < 8) {
        const op = r.pick(TWO);
        const list = [arg(), arg()];

        if (op === 'substr') {
            return { substr: [arg(), r.below(7) - 3,
                ...(r.chance(0.5) ? [r.below(7) - 3] : [])] };
        }

        if ((op === '<' || op === '<=') && r.chance(0.2)) {
            list.push(arg());
        }

        return { [op]: list };
    }

    if (n < 13) {
        return { [r.pick(MANY)]: Array.from({ length: 1 + r.below(4) }, arg) };
    }

    if (n < 15) {
        return { [r.pick(['!', '!!', '-', '+', 'cat', 'max'])]: r.chance(0.5)
            ? [arg()] : arg() };
    }

    if (n < 17) {
        return { [r.pick(LOOPS)]: [r.chance(0.7) ? { var: 'list' } : arg(),
            r.chance(0.5) ? { [r.pick(TWO.slice(0, 8))]: [{ var: '' },
                scalar(r)] } : arg()] };
    }

    if (n < 18) {
        return { reduce: [{ var: 'list' },
            { [r.pick(['+', '*', 'cat', 'max', '-'])]:
                [{ var: 'accumulator' }, { var: 'current' }] }, scalar(r)] };
    }

    if (n < 19) {
        return r.chance(0.5) ? { missing: r.many(3, () => r.pick(NAMES)) }
            : { missing_some: [r.below(3), r.many(3, () => r.pick(NAMES))] };
    }

    return variable(r);
}


// A condition as flags have them: types mostly fit

function condition(r, depth = 2) {
    const n = r.below(depth > 0 ? 14 : 9);
    const at = { var: r.pick(['plan', 'country', 'email', 'user.group']) };

    switch (n) {
    case 0:
        return { [r.pick(['==', '!='])]:
            [at, r.pick(['beta', 'de', 'a@example.com', ''])] };
    case 1:
        return { [r.pick(['===', '!=='])]:
            [at, r.pick(['beta', 'de', '', 7, true, null])] };
    case 2:
        return { in: [at, r.many(4, () => r.pick(['beta', 'de', 'us', 'x']))] };
    case 3:
        return { in: [r.pick(['@', 'be', 'x']), at] };
    case 4:
        return { [r.pick(['<', '<=', '>', '>='])]: [{ var: 'age' },
            r.pick([18, 21, 0, 65.5])] };
    case 5:
        return { [r.pick(['starts_with', 'ends_with'])]:
            [at, r.pick(['a', '@example.com', 'be', ''])] };
    case 6:
        return { sem_ver: [{ var: 'version' },
            r.pick(['=', '!=', '<', '<=', '>', '>=', '^', '~']),
            r.pick(VERSIONS)] };
    case 7:
        return { '!!': [at] };
    case 8:
        return { '==': [{ var: '$flagd.flagKey' }, r.pick(['f0', 'f1'])] };
    case 9:
        return { '!': [condition(r, depth - 1)] };
    case 10:
        return { if: [condition(r, depth - 1), condition(r, depth - 1),
            condition(r, depth - 1)] };
    default:
        return { [r.pick(['and', 'or'])]:
            Array.from({ length: 1 + r.below(3) },
                () => condition(r, depth - 1)) };
    }
}


function serve(r, variants) {
    const n = r.below(10);

    if (n < 5) {
        return r.pick(variants);
    }

    if (n < 8) {
        const parts = variants.map((name) => r.chance(0.8)
            ? [name, r.pick([1, 10, 25, 50, 0, 7])] : [name]);

        return { fractional: r.chance(0.4) ? parts
            : [r.pick([{ cat: [{ var: '$flagd.flagKey' }, { var: 'email' }] },
                { var: 'email' }, { var: 'targetingKey' }]), ...parts] };
    }

    return n < 9 ? null : r.pick(['absent', true, false, 1]);
}


function targeting(r, variants, depth = 2) {
    const rest = depth > 0 && r.chance(0.5) ? targeting(r, variants, depth - 1)
        : serve(r, variants);

    return { if: [condition(r), serve(r, variants), rest] };
}


const FLAG_VARIANTS = {
    boolean: { on: true, off: false, true: true, false: false },
    string: { red: 'r', blue: 'b', green: '' },
    number: { one: 1, 1: 1.5, big: 1e21 },
    json: { full: { a: [1, null], b: 'é' }, none: {} },
};

// A flagd document of n flags, f0 ... f<n-1>

export function document(r, n) {
    const flags = {};

    for (let i = 0; i < n; i++) {
        const type = r.pick(Object.keys(FLAG_VARIANTS));
        const variants = FLAG_VARIANTS[type];
        const names = Object.keys(variants);

        flags['f' + i] = {
            state: 'ENABLED',
            variants,
            defaultVariant: r.pick(names),
            ...(r.chance(0.9) ? { targeting: targeting(r, names) } : {}),
            ...(r.chance(0.1) ? { metadata: { owner: 'x', n: i } } : {}),
        };
    }

    return { flags, ...(r.chance(0.3) ? { metadata: { set: 1 } } : {}) };
}


export function context(r) {
    const is = {};
    const add = (name, p, make) => {
        if (r.chance(p)) {
            is[name] = make();
        }
    };

    add('targetingKey', 0.8, () => 'user' + r.below(1000));
    add('email', 0.7, () => r.pick(['a', 'b', 'user' + r.below(99)])
        + r.pick(['@example.com', '@x.org', '']));
    add('plan', 0.6, () => r.pick(['beta', 'free', 'pro', 'é', '']));
    add('country', 0.6, () => r.pick(['de', 'us', 'fr']));
    add('age', 0.6, () => r.pick([17, 18, 21, 65.5, 99]));
    add('version', 0.6, () => r.pick(VERSIONS));
    add('user', 0.4, () => ({ group: r.pick(['beta', 'x']) }));

    return is;
}
