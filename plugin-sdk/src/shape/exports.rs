//! Between the contract and the trait: what stands behind the exports of a payload mode.

use std::marker::PhantomData;

use serde_json::Value;

use super::{
    About, Content, Exported,
    bindings::{
        eventdbx::plugin::types::{Batch, Delivery, Failure, Parts},
        exports::eventdbx::plugin::{
            meta,
            shape::{self, Replacement, Shaped},
        },
    },
};
use crate::{bindings::exports::eventdbx::plugin::meta as shared, error::misfit};

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

/// Each world has types of its own for what it exports, however alike they are.
fn descriptor(descriptor: shared::Descriptor) -> meta::Descriptor {
    meta::Descriptor {
        name: descriptor.name,
        version: descriptor.version,
        kind: meta::Kind::PayloadMode,
        config_schema: descriptor.config_schema,
        selector: meta::Selector {
            aggregate_types: descriptor.selector.aggregate_types,
            aggregate_ids: descriptor.selector.aggregate_ids,
            event_types: descriptor.selector.event_types,
            parts: Parts::from_bits_truncate(descriptor.selector.parts.bits()),
            fields: match descriptor.selector.fields {
                shared::FieldFilter::All => meta::FieldFilter::All,
                shared::FieldFilter::Only(pointers) => meta::FieldFilter::Only(pointers),
                shared::FieldFilter::Except(pointers) => meta::FieldFilter::Except(pointers),
            },
        },
        // Those are a read model's.
        tables: Vec::new(),
        queries: Vec::new(),
        state_version: descriptor.state_version,
        capabilities: descriptor.capabilities,
    }
}

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
    serde_json::from_str(config).map_err(|error| failure("bad-config", &misfit(&error)))
}

fn failure(code: &str, message: &str) -> Failure {
    Failure { code: code.into(), message: message.into(), detail: None }
}
