//! A schema extension that misbehaves on request, written against the bare contract, because the SDK would not let it.
//!
//! It brings the column type `hostile`, whose *value* names what goes wrong; any other text is accepted.

#![cfg(target_arch = "wasm32")]

use eventdbx_plugin_sdk::extension::bindings::{
    eventdbx::plugin::types::{Failure, Parts, Violation},
    exports::eventdbx::plugin::{
        column_types::{self, ColumnType, TypeDeclaration, TypedValue, Verdict},
        meta,
        rules::{self, ProposedEvent, RuleDeclaration},
    },
};

struct Hostile;

eventdbx_plugin_sdk::extension::bindings::export_extension!(
    Hostile with_types_in eventdbx_plugin_sdk::extension::bindings
);

/// The version of the contract that this was built against.
#[used]
#[unsafe(link_section = "eventdbx:api")]
static API: [u8; 5] = *b"0.1.0";

impl meta::Guest for Hostile {
    fn describe() -> meta::Descriptor {
        meta::Descriptor {
            name: "hostile-extension".into(),
            version: "0.1.0".into(),
            kind: meta::Kind::SchemaExtension,
            config_schema: "{}".into(),
            selector: meta::Selector {
                aggregate_types: Vec::new(),
                aggregate_ids: Vec::new(),
                event_types: Vec::new(),
                parts: Parts::empty(),
                fields: meta::FieldFilter::All,
            },
            tables: Vec::new(),
            queries: Vec::new(),
            state_version: 1,
            capabilities: Vec::new(),
        }
    }

    fn check_config(_: String) -> Result<(), Failure> {
        Ok(())
    }

    fn init(_: meta::StartContext) -> Result<(), Failure> {
        Ok(())
    }
}

impl column_types::Guest for Hostile {
    fn declared() -> Vec<TypeDeclaration> {
        vec![TypeDeclaration { name: "hostile".into(), params_schema: "{}".into(), description: String::new() }]
    }

    fn check_params(columns: Vec<ColumnType>) -> Vec<Vec<Violation>> {
        columns.iter().map(|_| Vec::new()).collect()
    }

    fn check_values(values: Vec<TypedValue>) -> Vec<Verdict> {
        let mut answers = Vec::new();
        for value in &values {
            match value.value.trim_matches('"') {
                "loop" => loop {
                    std::hint::black_box(());
                },
                "fill" => {
                    let mut block = vec![0_u8; 1 << 20];
                    loop {
                        let byte = block[0].wrapping_add(1);
                        std::hint::black_box(&mut block).fill(byte);
                    }
                }
                "memory" => loop {
                    std::mem::forget(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
                },
                // Some of it at each call: one day there is no room left in this instance.
                "leak" => std::mem::forget(std::hint::black_box(vec![1_u8; 20 << 20])),
                "trap" => panic!("on request"),
                "deep" => drop(std::hint::black_box(deep(u64::MAX))),
                "words" => {
                    let message = "x".repeat(8 << 20);
                    answers.push(Verdict::Rejected(vec![Violation { path: String::new(), code: "x".into(), message }]));
                    continue;
                }
                "no-json" => {
                    answers.push(Verdict::Normalized("{".into()));
                    continue;
                }
                "silent" => continue,
                _ => {}
            }
            answers.push(Verdict::Accepted);
        }
        answers
    }

    fn index_keys(values: Vec<TypedValue>) -> Vec<Option<Vec<u8>>> {
        values.iter().map(|_| None).collect()
    }
}

impl rules::Guest for Hostile {
    fn declared() -> Vec<RuleDeclaration> {
        Vec::new()
    }

    fn check_append(events: Vec<ProposedEvent>) -> Vec<Vec<Violation>> {
        events.iter().map(|_| Vec::new()).collect()
    }
}

fn deep(levels: u64) -> u64 {
    if std::hint::black_box(levels) == 0 { 0 } else { std::hint::black_box(deep(levels - 1)) + 1 }
}
