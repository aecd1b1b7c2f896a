//! What can happen to a store. Names, keys and values come from small pools, so that requests meet.

use eventdbx_store::{NewRecipient, Priority};
use proptest::{collection::vec, option, prelude::*};
use serde_json::{Map, Value, json};

/// Aggregates that clients write to; one name is a prefix of another.
pub(crate) const AGGREGATES: [&str; 4] = ["order/o-1", "order/o-10", "parcel/p-1", "a/o-1"];
const EVENT_TYPES: [&str; 3] = ["created", "changed", "line.added"];
const KEYS: [&str; 4] = ["k", "k/0", "k/1", "retry-17"];
const MEMBERS: [&str; 4] = ["a", "b", "list", "é"];
const PATHS: [&str; 9] = ["/a", "/b", "/a/b", "/b/a", "/list", "/list/-", "/list/0", "/list/1", "/é"];

#[derive(Debug, Clone)]
pub(crate) enum Operation {
    Append(Request),
    /// An earlier request once more, with other white space.
    Retry(usize),
    /// The key of an earlier request, with what another one says.
    ReuseKey(usize, Request),
    Archive(usize),
    Restore(usize),
    Record(Value),
    Snapshot(usize),
    Restart,
    Compare,
}

#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) events: Vec<Wish>,
    pub(crate) key: Option<&'static str>,
}

/// An event to be written.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    pub(crate) aggregate: usize,
    pub(crate) event_type: &'static str,
    pub(crate) body: Body,
    pub(crate) metadata: Option<Value>,
    pub(crate) extensions: Option<Value>,
    pub(crate) note: Option<String>,
    pub(crate) occurred_at: Option<&'static str>,
    pub(crate) publish: Option<Vec<NewRecipient>>,
    pub(crate) expect: Expect,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Payload(Value),
    Patch(Value),
}

/// What is expected of the version; `Exact` is relative to the one that the aggregate has.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Expect {
    Any,
    NoAggregate,
    Existing,
    Exact(i64),
}

pub(crate) fn operations() -> impl Strategy<Value = Vec<Operation>> {
    let which = 0..AGGREGATES.len();
    let operation = prop_oneof![
        12 => request().prop_map(Operation::Append),
        3 => any::<usize>().prop_map(Operation::Retry),
        2 => (any::<usize>(), request()).prop_map(|(which, request)| Operation::ReuseKey(which, request)),
        1 => which.clone().prop_map(Operation::Archive),
        2 => which.clone().prop_map(Operation::Restore),
        2 => which.prop_map(Operation::Snapshot),
        1 => object().prop_map(Operation::Record),
        1 => Just(Operation::Restart),
        1 => Just(Operation::Compare),
    ];
    vec(operation, 1..60)
}

fn request() -> impl Strategy<Value = Request> {
    let many = vec(wish(), 100..=140).prop_map(|wishes| wishes.into_iter().map(undemanding).collect());
    let events = prop_oneof![8 => vec(wish(), 1..=1), 4 => vec(wish(), 2..=6), 1 => many];
    let key = option::weighted(0.4, prop::sample::select(&KEYS[..]));
    (events, key).prop_map(|(events, key)| Request { events, key })
}

fn wish() -> impl Strategy<Value = Wish> {
    let expect = prop_oneof![
        20 => Just(Expect::Any),
        1 => Just(Expect::NoAggregate),
        2 => Just(Expect::Existing),
        3 => Just(Expect::Exact(0)),
        1 => (-2..=2_i64).prop_map(Expect::Exact),
    ];
    let body = prop_oneof![8 => object().prop_map(Body::Payload), 1 => patch().prop_map(Body::Patch)];
    let extensions = prop_oneof![Just(json!({"@trace": 7})), Just(json!({"@a": {"b": [null]}, "@c": "d"}))];
    let time = prop::sample::select(&["2013-01-01T05:15:00-05:00", "2013-01-01T10:15:00.25Z"][..]);
    let rest = (option::weighted(0.2, object()), option::weighted(0.2, extensions), option::of("[a-zé]{0,12}"));
    let head = (0..AGGREGATES.len(), prop::sample::select(&EVENT_TYPES[..]), body, option::weighted(0.2, time), expect);
    let publish = option::weighted(0.2, publish());
    (head, rest, publish).prop_map(|(head, (metadata, extensions, note), publish)| {
        let (aggregate, event_type, body, occurred_at, expect) = head;
        Wish { aggregate, event_type, body, metadata, extensions, note, occurred_at, publish, expect }
    })
}

/// Nobody, or some.
fn publish() -> impl Strategy<Value = Vec<NewRecipient>> {
    let mode = option::of(prop::sample::select(&["event-only", "discreet"][..]));
    let recipient = (mode, any::<bool>()).prop_map(|(mode, urgent)| {
        let priority = if urgent { Priority::Urgent } else { Priority::Normal };
        NewRecipient { name: String::new(), mode: mode.map(str::to_owned), priority }
    });
    vec(recipient, 0..3).prop_map(|mut list| {
        list.iter_mut().zip(["mailer", "bus:1"]).for_each(|(recipient, name)| name.clone_into(&mut recipient.name));
        list
    })
}

/// Of a hundred demanding events one would always be refused, and all with it.
fn undemanding(wish: Wish) -> Wish {
    let body = match wish.body {
        Body::Patch(_) => Body::Payload(json!({"list": []})),
        body => body,
    };
    Wish { body, expect: Expect::Any, ..wish }
}

fn patch() -> impl Strategy<Value = Value> {
    let path = || prop::sample::select(&PATHS[..]);
    let operation = prop_oneof![
        4 => (path(), value()).prop_map(|(path, value)| json!({"op": "add", "path": path, "value": value})),
        1 => path().prop_map(|path| json!({"op": "remove", "path": path})),
        1 => (path(), value()).prop_map(|(path, value)| json!({"op": "replace", "path": path, "value": value})),
        1 => (path(), value()).prop_map(|(path, value)| json!({"op": "test", "path": path, "value": value})),
        1 => (path(), path()).prop_map(|(from, path)| json!({"op": "copy", "from": from, "path": path})),
        1 => (path(), path()).prop_map(|(from, path)| json!({"op": "move", "from": from, "path": path})),
    ];
    vec(operation, 1..4).prop_map(Value::Array)
}

fn object() -> impl Strategy<Value = Value> {
    vec((prop::sample::select(&MEMBERS[..]), value()), 0..4).prop_map(members)
}

fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        2 => Just(Value::Null),
        1 => any::<bool>().prop_map(Value::from),
        2 => (-9_i64..9).prop_map(Value::from),
        1 => Just(json!(9_007_199_254_740_991_i64)),
        2 => "[a-c\"\\\\é\u{1f600}]{0,6}".prop_map(Value::from),
        // Long enough to be compressed.
        1 => Just(Value::from("lorem ipsum ".repeat(60))),
    ];
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Value::Array),
            vec((prop::sample::select(&MEMBERS[..]), inner), 0..3).prop_map(members),
        ]
    })
}

fn members(pairs: Vec<(&'static str, Value)>) -> Value {
    Value::Object(pairs.into_iter().map(|(name, value)| (name.to_owned(), value)).collect::<Map<_, _>>())
}
