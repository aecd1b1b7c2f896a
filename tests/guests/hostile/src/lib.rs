//! A read model that misbehaves on request, written against the bare contract, because the SDK would not let it.
//!
//! - Batches: the *type of an event* names what goes wrong ([`misbehave`]). Every other event is counted and its position
//!   added up, so that the query `sum` shows whether each was handled exactly once.
//! - `init` and `check-config`: the *configuration* names it, e.g. `{"init":"trap"}`.
//! - `describe`: the *module* names it, in [`DESCRIBE`], which tests overwrite in the built file.
//! - Queries: the *name of the query* names it.

mod allocator;
mod bindings;
mod mischief;

use bindings::{
    eventdbx::plugin::{
        state::{self, Entry, Mutation},
        types::{Ack, Batch, Failure, HandleError, ItemFailure, Parts, RetryHint},
    },
    exports::eventdbx::plugin::{
        handler, meta,
        queryable::{self, Answer, QueryError},
    },
};

struct Hostile;

bindings::export!(Hostile with_types_in bindings);

/// The version of the contract that this was built against.
#[cfg(target_arch = "wasm32")]
#[used]
#[unsafe(link_section = "eventdbx:api")]
static API: [u8; 5] = *b"0.1.0";

/// What goes wrong in `describe`: the word after the colon, up to the first dot. Tests overwrite it in the built module.
#[used]
static DESCRIBE: [u8; 40] = *b"hostile-describe:nothing................";

const TABLE: &str = "totals";

impl meta::Guest for Hostile {
    fn describe() -> meta::Descriptor {
        // SAFETY: a plain read of a static. Volatile, as its bytes in the module may have been overwritten.
        let marker = unsafe { std::ptr::read_volatile(&raw const DESCRIBE) };
        let word = String::from_utf8_lossy(&marker);
        let word = word.split(['.', ':']).nth(1).unwrap_or_default().to_owned();
        let mut descriptor = describe();
        mischief::describe(&word, &mut descriptor);
        descriptor
    }

    fn check_config(config: String) -> Result<(), Failure> {
        mischief::config(&config, "check")
    }

    fn init(context: meta::StartContext) -> Result<(), Failure> {
        mischief::config(&context.config, "init")
    }
}

impl handler::Guest for Hostile {
    fn handle_batch(batch: Batch) -> Result<Ack, HandleError> {
        let mut skipped = Vec::new();
        let mut totals = Totals::load();
        for (index, item) in batch.items.iter().enumerate() {
            let index = index as u32;
            mischief::event(&item.event_type);
            match item.event_type.as_str() {
                "poison" => return Err(HandleError::Poison(item_failure(index))),
                "poison_out_of_range" => return Err(HandleError::Poison(item_failure(batch.items.len() as u32))),
                "retry" => return Err(HandleError::Retry(retry(Some(20)))),
                "retry_forever" => return Err(HandleError::Retry(retry(None))),
                "retry_once" if batch.attempt == 1 => return Err(HandleError::Retry(retry(Some(0)))),
                "fatal" => return Err(HandleError::Fatal(failure("gave-up"))),
                "huge_failure" => {
                    let message = "x".repeat(8 << 20);
                    return Err(HandleError::Fatal(Failure { message, ..failure("huge") }));
                }
                "garbage_json" => return Err(HandleError::Fatal(garbage())),
                "skip" => skipped.push(item_failure(index)),
                "skip_out_of_range" => skipped.push(item_failure(u32::MAX)),
                _ => totals.add(item.position),
            }
        }
        totals.store();
        let asks = |what: &str| batch.items.iter().any(|item| item.event_type == what);
        if asks("trap_next_batch") {
            allocator::refuse();
        }
        if asks("trap_after_return") {
            let last = item_failure(0);
            // It is moved into the answer as it lies, and freed when the host has read that.
            allocator::keep(last.failure.code.as_ptr());
            skipped.push(last);
        }
        Ok(Ack { skipped })
    }
}

impl queryable::Guest for Hostile {
    fn query(name: String, params: String, cursor: Option<String>) -> Result<Answer, QueryError> {
        let body = match name.as_str() {
            "sum" => {
                let totals = Totals::load();
                format!("{{\"sum\":{},\"count\":{}}}", totals.sum, totals.count)
            }
            "echo" => params,
            "garbage" => "{\"sum\":".to_owned(),
            "huge" => format!("\"{}\"", "x".repeat(5 << 20)),
            "bad-params" => return Err(QueryError::BadParams("never good enough".to_owned())),
            "fail" => return Err(QueryError::Failed(failure("no-answer"))),
            "page" => return Ok(page(cursor.as_deref())),
            "loop" => mischief::spin(),
            "write" => {
                Totals { sum: 0, count: 0 }.store();
                "null".to_owned()
            }
            _ => return Err(QueryError::UnknownQuery),
        };
        Ok(Answer { body, next: None })
    }
}

/// Three pages of a number each.
fn page(cursor: Option<&str>) -> Answer {
    let number: u32 = cursor.and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
    Answer { body: number.to_string(), next: (number < 2).then(|| (number + 1).to_string()) }
}

/// What a well-behaved read model would keep.
struct Totals {
    sum: u64,
    count: u64,
}

impl Totals {
    fn load() -> Self {
        let values = state::get_many(TABLE, &[b"sum".to_vec(), b"count".to_vec()]);
        let number = |value: &Option<Vec<u8>>| {
            let bytes = value.as_deref().and_then(|bytes| bytes.try_into().ok());
            bytes.map_or(0, u64::from_be_bytes)
        };
        Self { sum: number(&values[0]), count: number(&values[1]) }
    }

    fn add(&mut self, position: u64) {
        self.sum += position;
        self.count += 1;
    }

    fn store(&self) {
        let put =
            |key: &str, number: u64| Mutation::Put(Entry { key: key.into(), value: number.to_be_bytes().to_vec() });
        state::apply(TABLE, &[put("sum", self.sum), put("count", self.count)]);
    }
}

fn failure(code: &str) -> Failure {
    Failure { code: code.to_owned(), message: format!("asked to fail with {code}"), detail: None }
}

fn garbage() -> Failure {
    Failure { detail: Some("{\"half\":".to_owned()), ..failure("garbage") }
}

fn item_failure(index: u32) -> ItemFailure {
    ItemFailure { index, failure: failure("rotten") }
}

fn retry(after_ms: Option<u32>) -> RetryHint {
    RetryHint { failure: failure("not-now"), after_ms, done: 0 }
}

fn describe() -> meta::Descriptor {
    let query = |name: &str| meta::QueryDeclaration {
        name: name.to_owned(),
        params_schema: "{}".to_owned(),
        result_schema: "{}".to_owned(),
    };
    let queries = ["sum", "echo", "garbage", "huge", "bad-params", "fail", "page", "loop", "write"];
    meta::Descriptor {
        name: "hostile".to_owned(),
        version: "1.0.0".to_owned(),
        kind: meta::Kind::ReadModel,
        config_schema: "{\"type\":\"object\"}".to_owned(),
        selector: meta::Selector {
            aggregate_types: Vec::new(),
            aggregate_ids: Vec::new(),
            event_types: Vec::new(),
            parts: Parts::PAYLOAD | Parts::STATE | Parts::SCHEMA | Parts::ENVELOPE | Parts::EXTENSIONS,
            fields: meta::FieldFilter::All,
        },
        tables: vec![meta::TableDeclaration {
            name: TABLE.to_owned(),
            key_format: "text".to_owned(),
            value_format: "u64".to_owned(),
        }],
        queries: queries.into_iter().map(query).collect(),
        state_version: 1,
        capabilities: Vec::new(),
    }
}
