//! A schema extension that misbehaves on request, written against the bare contract, because the SDK would not let it.
//!
//! It brings the column type `hostile`, whose *value* names what goes wrong; any other text is accepted. Which version of it
//! this is, the *module* says, in [`VERSION`], which tests overwrite in the built file. The *configuration* may name a text that
//! is rejected (`{"reject":"this"}`).

#![cfg(target_arch = "wasm32")]

use std::sync::OnceLock;

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

/// Which version this is: the word after the colon, up to the first dot. Tests overwrite it in the built module.
#[used]
static VERSION: [u8; 40] = *b"hostile-version:first...................";

/// The text that the configuration has rejected.
static REJECTED: OnceLock<String> = OnceLock::new();

fn version() -> String {
    // SAFETY: a plain read of a static. Volatile, as its bytes in the module may have been overwritten.
    let marker = unsafe { std::ptr::read_volatile(&raw const VERSION) };
    String::from_utf8_lossy(&marker).split(['.', ':']).nth(1).unwrap_or_default().to_owned()
}

/// The text of a member of a small JSON object.
fn member<'c>(config: &'c str, name: &str) -> Option<&'c str> {
    config.split_once(&format!("\"{name}\":\""))?.1.split('"').next()
}

impl meta::Guest for Hostile {
    fn describe() -> meta::Descriptor {
        let (number, capabilities) = match version().as_str() {
            "newer" => ("0.2.0", Vec::new()),
            "lacking" => ("0.3.0", Vec::new()),
            "strict" => ("0.4.0", Vec::new()),
            "greedy" => ("0.5.0", vec!["everything".to_owned()]),
            "grasping" => ("0.6.0", Vec::new()),
            _ => ("0.1.0", Vec::new()),
        };
        meta::Descriptor {
            name: "hostile-extension".into(),
            version: number.into(),
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
            capabilities,
        }
    }

    fn check_config(config: String) -> Result<(), Failure> {
        match member(&config, "check") {
            Some(_) => Err(Failure { code: "no-thanks".into(), message: "asked to refuse".into(), detail: None }),
            None => Ok(()),
        }
    }

    fn init(context: meta::StartContext) -> Result<(), Failure> {
        if let Some(rejected) = member(&context.config, "reject") {
            // Set once: an instance is started once.
            let _ = REJECTED.set(rejected.to_owned());
        }
        Ok(())
    }
}

impl column_types::Guest for Hostile {
    fn declared() -> Vec<TypeDeclaration> {
        let names: &[&str] = match version().as_str() {
            "newer" => &["hostile", "meek"],
            "lacking" => &["meek"],
            "grasping" => &["hostile", "iban"],
            _ => &["hostile"],
        };
        let declaration = |name: &&str| TypeDeclaration {
            name: (*name).to_owned(),
            params_schema: "{}".into(),
            description: String::new(),
        };
        names.iter().map(declaration).collect()
    }

    fn check_params(columns: Vec<ColumnType>) -> Vec<Vec<Violation>> {
        let refused = version() == "strict";
        columns.iter().map(|_| if refused { vec![violation("takes other parameters")] } else { Vec::new() }).collect()
    }

    fn check_values(values: Vec<TypedValue>) -> Vec<Verdict> {
        let (mut answers, newer) = (Vec::new(), version() == "newer");
        for value in &values {
            let text = value.value.trim_matches('"');
            if REJECTED.get().is_some_and(|rejected| rejected == text) {
                answers.push(Verdict::Rejected(vec![violation("the configuration rejects it")]));
                continue;
            }
            match text {
                "old" if newer => {
                    answers.push(Verdict::Rejected(vec![violation("version 0.2.0 rejects it")]));
                    continue;
                }
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

fn violation(message: &str) -> Violation {
    Violation { path: String::new(), code: "hostile".into(), message: message.into() }
}

fn deep(levels: u64) -> u64 {
    if std::hint::black_box(levels) == 0 { 0 } else { std::hint::black_box(deep(levels - 1)) + 1 }
}
