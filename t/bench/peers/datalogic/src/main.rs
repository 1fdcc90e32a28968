//! datalogic-rs, asked as ../../peers.c asks Flagship; see Peers.pm.
//!
//! A flag is its targeting, compiled, with the default variant behind it.

use std::collections::HashMap;
use std::hint::black_box;

use datalogic_rs::{datavalue::OwnedDataValue, Engine, Logic, ParsedData, Session};

const CONTEXTS: usize = 256;

struct Flag {
    key: String,
    default: String,
    rule: Option<Logic>,
}

struct Flags {
    list: Vec<Flag>,
    index: HashMap<String, usize>,
}

#[repr(C)]
struct Timespec {
    sec: i64,
    nsec: i64,
}

extern "C" {
    fn clock_gettime(clock: i32, at: *mut Timespec) -> i32;
}

const CLOCK_PROCESS_CPUTIME_ID: i32 = 2;

fn now() -> f64 {
    let mut at = Timespec { sec: 0, nsec: 0 };

    unsafe { clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &mut at) };

    at.sec as f64 * 1e9 + at.nsec as f64
}

fn member<'a>(value: &'a OwnedDataValue, name: &str) -> Option<&'a OwnedDataValue> {
    match value {
        OwnedDataValue::Object(members) => {
            members.iter().find(|(n, _)| n.as_str() == name).map(|(_, v)| v)
        }
        _ => None,
    }
}

fn load(engine: &Engine, text: &str) -> Flags {
    let document = OwnedDataValue::from_json(text).expect("flags are JSON");
    let mut flags = Flags { list: Vec::new(), index: HashMap::new() };

    let Some(OwnedDataValue::Object(members)) = member(&document, "flags") else {
        panic!("no flags");
    };

    for (key, flag) in members {
        let default = member(flag, "defaultVariant")
            .and_then(|v| v.as_str()).expect("a default").to_string();
        let rule = member(flag, "targeting")
            .map(|rule| engine.compile(rule).expect("a rule compiles"));

        flags.index.insert(key.to_string(), flags.list.len());
        flags.list.push(Flag { key: key.to_string(), default, rule });
    }

    flags
}

macro_rules! variant {
    ($session:expr, $flag:expr, $data:expr) => {
        match &$flag.rule {
            None => $flag.default.as_str(),
            Some(rule) => {
                let is = $session.eval_borrowed(rule, $data).expect("no error");
                is.as_str().unwrap_or($flag.default.as_str())
            }
        }
    };
}

/// The passes of fn over contexts that take so long, as ns of one call.
fn timed(milliseconds: f64, mut pass: impl FnMut(), calls: usize) -> f64 {
    pass();

    let start = now();
    let mut passes = 0;

    loop {
        pass();
        passes += 1;

        let is = now() - start;

        if is >= milliseconds * 1e6 {
            return is / (passes * calls) as f64;
        }
    }
}

/// What callgrind counts.
#[no_mangle]
#[inline(never)]
pub fn counted(pass: &mut dyn FnMut()) {
    pass();
}

fn answers(session: &mut Session, flags: &Flags, texts: &[&str], turn: bool) {
    let mut out = String::new();

    for (i, text) in texts.iter().enumerate() {
        let data = ParsedData::from_json(text).expect("a context is JSON");
        let n = flags.list.len();
        let asked: Vec<usize> = if turn { vec![i * 7919 % n] } else { (0..n).collect() };

        for (k, f) in asked.into_iter().enumerate() {
            if k > 0 {
                out.push(' ');
            }

            out.push_str(variant!(session, flags.list[f], &data));
            session.reset();
        }

        out.push('\n');
    }

    print!("{out}");
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (mode, file, contexts) = (&args[1], &args[2], &args[3]);
    let option = args.get(4).map(|s| s.as_str()).unwrap_or("");

    let text = std::fs::read_to_string(file).expect("a file of flags");
    let lines = std::fs::read_to_string(contexts).expect("a file of contexts");
    let texts: Vec<&str> = lines.lines().collect();

    let engine = Engine::new();
    let start = now();
    let flags = load(&engine, &text);
    let compiled = now() - start;

    let mut session = engine.session();

    if mode == "answers" {
        answers(&mut session, &flags, &texts, option == "turn");
        return;
    }

    let texts = &texts[..CONTEXTS.min(texts.len())];
    let data: Vec<ParsedData> = texts.iter()
        .map(|t| ParsedData::from_json(t).expect("a context is JSON")).collect();
    let n = texts.len();

    if mode == "count" {
        let flag = &flags.list[flags.index[option]];
        let mut pass = || {
            for d in &data {
                black_box(variant!(session, flag, d));
                session.reset();
            }
        };

        pass();
        counted(&mut pass);
        return;
    }

    let ms: f64 = option.parse().expect("milliseconds");

    if mode == "turn" {
        println!("compile\t{:.4}", flags.list.len() as f64 / compiled * 1e9);

        let all: Vec<String> = flags.list.iter().map(|f| f.key.clone()).collect();
        let mut k = 0;
        let ns = timed(ms, || {
            for d in &data {
                k = (k + 7919) % all.len();
                let flag = &flags.list[flags.index[all[k].as_str()]];
                black_box(variant!(session, flag, d));
                session.reset();
            }
        }, n);
        println!("turn\t{ns:.3}");

        let ns = timed(ms, || {
            for d in &data {
                for flag in flags.list.iter().take(100) {
                    black_box(variant!(session, flag, d));
                }
                session.reset();
            }
        }, n);
        println!("bulk\t{ns:.3}");
        return;
    }

    for flag in flags.list.iter().filter(|f| f.rule.is_some()) {
        let ns = timed(ms, || {
            for d in &data {
                black_box(variant!(session, flag, d));
                session.reset();
            }
        }, n);
        println!("{}\t{ns:.3}", flag.key);

        let ns = timed(ms, || {
            for t in texts {
                black_box(variant!(session, flag, *t));
                session.reset();
            }
        }, n);
        println!("{} from text\t{ns:.3}", flag.key);
    }
}
