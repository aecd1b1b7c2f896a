//! What can go wrong.

use std::hint::black_box;

use crate::bindings::{
    eventdbx::plugin::{
        host::{self, Level},
        state::{self, Entry, KeyRange, Mutation},
        types::Failure,
    },
    exports::eventdbx::plugin::meta::{Descriptor, FieldFilter, Kind},
};

/// Goes wrong in a batch, if the type of an event says so.
pub fn event(event_type: &str) {
    match event_type {
        "loop_forever" => spin(),
        "allocate" => allocate(),
        "grow_memory" => grow_memory(),
        "recurse" => drop(black_box(recurse(1))),
        "trap" => panic!("asked to trap"),
        "divide_by_zero" => drop(black_box(1 / black_box(0_u64))),
        "flood_log" => flood_log(),
        "shout_log" => host::log(Level::Info, &"x".repeat(40 << 20), None),
        "long_log" => host::log(Level::Info, &"x".repeat(100_000), None),
        "garbage_log" => host::log(Level::Info, "fields follow", Some("{\"half\":")),
        "bad_utf8" => bad_utf8(),
        "outgrow_tables" => outgrow_tables(),
        "shout" => shout(),
        "shout_by_reference" => shout_by_reference(),
        "large_value" => put(b"value", vec![0; 2 << 20]),
        "large_key" => put(&vec![0; 8 << 10], Vec::new()),
        "many_metrics" => (0..1_000).for_each(|number| host::counter_add(&format!("metric_{number}"), 1)),
        "bad_metric" => host::counter_add("Not a name", 1),
        "count" => host::counter_add("counted", 1),
        "undeclared_table" => drop(state::get("other", b"key")),
        "read_much" => drop(state::get_many("totals", &vec![b"large".to_vec(); 1_000])),
        "scan" => scan(),
        "clear" => state::clear("totals"),
        _ => {}
    }
}

/// Goes wrong in `init` or `check-config`, if the configuration says so.
pub fn config(config: &str, phase: &str) -> Result<(), Failure> {
    let asked = |what: &str| config.contains(&format!("\"{phase}\":\"{what}\""));
    if asked("trap") {
        panic!("asked to trap in {phase}");
    }
    if asked("loop") {
        spin();
    }
    if asked("write") {
        put(b"key", Vec::new());
    }
    if asked("log") {
        host::log(Level::Info, "starting", Some("{\"at\":\"init\"}"));
    }
    if asked("refuse") {
        return Err(Failure { code: "no-thanks".to_owned(), message: "asked to refuse".to_owned(), detail: None });
    }
    Ok(())
}

/// Goes wrong in `describe`.
pub fn describe(word: &str, descriptor: &mut Descriptor) {
    match word {
        "loop" => spin(),
        "trap" => panic!("asked to trap"),
        "log" => host::log(Level::Info, "let me out", None),
        "read" => drop(state::get("totals", b"sum")),
        "garbage" => {
            descriptor.name = "Not A Name".to_owned();
            descriptor.config_schema = "{".to_owned();
            descriptor.selector.fields = FieldFilter::Only(vec!["no-pointer".to_owned()]);
            descriptor.tables.push(descriptor.tables[0].clone());
        }
        "queries" => descriptor.queries.clear(),
        "kind" => descriptor.kind = Kind::Transport,
        "huge" => descriptor.config_schema = format!("\"{}\"", "x".repeat(5 << 20)),
        // Not mischief, but other versions of the same plugin.
        "newer" => descriptor.version = "1.1.0".to_owned(),
        "rebuilt" => (descriptor.version, descriptor.state_version) = ("2.0.0".to_owned(), 2),
        "greedy" => {
            descriptor.version = "1.2.0".to_owned();
            descriptor.capabilities.push("everything".to_owned());
        }
        _ => {}
    }
}

/// Never returns.
pub fn spin() -> ! {
    let mut turns = 0_u64;
    loop {
        turns = black_box(turns + 1);
    }
}

fn allocate() {
    let mut kept = Vec::new();
    loop {
        kept.push(black_box(vec![1_u8; 1 << 20]));
    }
}

#[cfg(target_arch = "wasm32")]
fn grow_memory() {
    // 1 GiB at once; a refusal is ignored, as an attacker would.
    while core::arch::wasm32::memory_grow::<0>(16_384) != usize::MAX {}
}

#[cfg(not(target_arch = "wasm32"))]
fn grow_memory() {
    unreachable!("only guests grow their memory");
}

/// Not a tail call, and with a frame of its own.
#[expect(unconditional_recursion, reason = "that is the point")]
fn recurse(depth: u64) -> u64 {
    black_box(recurse(black_box(depth + 1)) + depth)
}

fn bad_utf8() {
    let half = black_box(*b"half a \xe2\x82");
    // SAFETY: none. Nobody here reads it as text, and the host must find out that it is not.
    host::log(Level::Info, unsafe { str::from_utf8_unchecked(&half) }, None);
}

fn flood_log() {
    for number in 0..100_000 {
        host::log(Level::Info, &format!("line {number}"), None);
    }
}

/// Each write is small, and there is no end to them.
fn outgrow_tables() {
    for number in 0_u64.. {
        put(&number.to_be_bytes(), vec![0; 64 << 10]);
    }
}

/// 40 MiB in one crossing.
fn shout() {
    let value = vec![0_u8; 1 << 20];
    let mutations = vec![Mutation::Put(Entry { key: b"key".to_vec(), value }); 40];
    state::apply("totals", &mutations);
}

/// A GiB in one crossing, out of one MiB: every value lies at the same place.
fn shout_by_reference() {
    let value = vec![0_u8; 1 << 20];
    let mutations: Vec<Mutation> = (0..1024_u32)
        .map(|number| {
            // SAFETY: none by the rules. Nothing is written there, and all of it is forgotten below.
            let value = unsafe { Vec::from_raw_parts(value.as_ptr().cast_mut(), value.len(), value.len()) };
            Mutation::Put(Entry { key: number.to_be_bytes().to_vec(), value })
        })
        .collect();
    state::apply("totals", &mutations);
    std::mem::forget(mutations);
}

fn put(key: &[u8], value: Vec<u8>) {
    state::apply("totals", &[Mutation::Put(Entry { key: key.to_vec(), value })]);
}

/// Reads its own writes among what was committed, both ways, in pages of two, and panics if they are not as they should be.
fn scan() {
    let mutations: Vec<Mutation> = ["b", "d"].map(|key| Mutation::Put(entry(key, "new"))).into();
    state::apply("totals", &mutations);
    state::apply("totals", &[Mutation::Remove(b"c".to_vec())]);
    let forward = pages(false);
    let mut backward = pages(true);
    backward.reverse();
    assert_eq!(forward, backward);
    host::log(Level::Info, &forward.join(" "), None);
}

fn pages(reverse: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut range = KeyRange { start: Some(b"a".to_vec()), end: Some(b"z".to_vec()), reverse, limit: 2 };
    loop {
        let page = state::scan("totals", &range);
        assert!(page.entries.len() <= 2);
        let text = |entry: Entry| String::from_utf8_lossy(&[entry.key, entry.value].join(&b'=')).into_owned();
        found.extend(page.entries.into_iter().map(text));
        match page.next {
            Some(next) if reverse => range.end = Some(next),
            Some(next) => range.start = Some(next),
            None => return found,
        }
    }
}

fn entry(key: &str, value: &str) -> Entry {
    Entry { key: key.into(), value: value.into() }
}
