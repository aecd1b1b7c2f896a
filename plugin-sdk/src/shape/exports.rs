//! Between the contract and the trait: what stands behind the exports of a payload mode.

use std::marker::PhantomData;

use serde_json::Value;

use super::{
    About, Content, Exported,
    bindings::{
        eventdbx::plugin::types::{Batch, Delivery, Failure},
        exports::eventdbx::plugin::{
            meta,
            shape::{self, Replacement, Shaped},
        },
    },
};
use crate::{error::misfit, guest::parse_config};

/// Stands for `M` towards the bindings.
pub struct Guest<M>(PhantomData<M>);

impl<M: Exported> meta::Guest for Guest<M> {
    fn describe() -> meta::Descriptor {
        descriptor(M::describe().into_contract(M::NAME, M::VERSION, 1))
    }

    fn check_config(config: String) -> Result<(), Failure> {
        read::<M>(&config).map(drop)
    }

    fn init(context: meta::StartContext) -> Result<(), Failure> {
        let config = read::<M>(&context.config)?;
        M::config().with(|cell| cell.set(config)).map_err(|_| failure("started-twice", "an instance starts once"))
    }
}

impl<M: Exported> shape::Guest for Guest<M> {
    fn shape_batch(batch: Batch) -> Result<Vec<Shaped>, Failure> {
        M::config().with(|config| {
            let config = config.get().ok_or_else(|| failure("not-started", "`init` comes before anything else"))?;
            batch.items.iter().map(|item| shaped::<M>(config, item)).collect()
        })
    }
}

crate::meta::descriptor!(PayloadMode);

fn shaped<M: Exported>(config: &M::Config, item: &Delivery) -> Result<Shaped, Failure> {
    let about =
        About { aggregate_type: &item.aggregate_type, aggregate_id: &item.aggregate_id, event_type: &item.event_type };
    let metadata = item.envelope.as_ref().and_then(|envelope| envelope.metadata.as_ref());
    let before = Content {
        payload: parsed(item.payload.as_ref())?,
        state: parsed(item.state.as_ref())?,
        metadata: parsed(metadata)?,
        extensions: parsed(item.extensions.as_ref())?,
    };
    let mut content = before.clone();
    if !M::shape(config, &about, &mut content) {
        return Ok(Shaped::LeaveOut);
    }
    // What was not touched goes out byte for byte.
    if content == before {
        return Ok(Shaped::Keep);
    }
    let text = |part: Option<Value>| part.map(|value| value.to_string());
    Ok(Shaped::Replace(Replacement {
        payload: text(content.payload),
        state: text(content.state),
        metadata: text(content.metadata),
        extensions: text(content.extensions),
    }))
}

fn parsed(text: Option<&String>) -> Result<Option<Value>, Failure> {
    let value = text.map(|text| serde_json::from_str(text)).transpose();
    value.map_err(|error| failure("not-json", &misfit(&error)))
}

fn read<M: Exported>(config: &str) -> Result<M::Config, Failure> {
    parse_config(config).map_err(|refused| failure(&refused.code, &refused.message))
}

fn failure(code: &str, message: &str) -> Failure {
    Failure { code: code.into(), message: message.into(), detail: None }
}
