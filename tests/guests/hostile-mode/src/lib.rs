//! A payload mode that misbehaves on request: `what` in its configuration says how.

#![cfg(target_arch = "wasm32")]

use std::cell::RefCell;

use eventdbx_plugin_sdk::{
    Descriptor, export_payload_mode,
    shape::{About, Content, PayloadMode},
};
use serde_json::{Value, json};

export_payload_mode!(Hostile);

pub struct Hostile;

#[derive(serde::Deserialize)]
pub struct Config {
    what: String,
}

thread_local! {
    /// All that it was ever given.
    static HOARD: RefCell<Vec<Value>> = const { RefCell::new(Vec::new()) };
}

impl PayloadMode for Hostile {
    type Config = Config;

    fn describe() -> Descriptor {
        Descriptor::new().every_part().config_schema(json!({}))
    }

    fn shape(config: &Config, about: &About<'_>, content: &mut Content) -> bool {
        match config.what.as_str() {
            "loop" => loop {
                std::hint::black_box(());
            },
            "trap" => panic!("as was asked"),
            "memory" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(std::hint::black_box(Vec::<u8>::with_capacity(1 << 20)));
                }
            }
            "words" => content.payload = Some(json!({ "words": "x".repeat(5 << 20) })),
            "array" => content.payload = Some(json!([])),
            "key" => content.extensions = Some(json!({ "no-at": 1 })),
            "put-in" => {
                content.state = Some(json!({ "put": "in" }));
                content.metadata = Some(json!({ "put": "in" }));
            }
            "hoard" => HOARD.with_borrow_mut(|hoard| {
                hoard.extend(content.payload.take());
                content.payload = Some(json!({ "hoard": hoard }));
            }),
            "only-shipped" => return about.event_type == "shipped",
            _ => {}
        }
        true
    }
}
