//! Stands in for the host.

use serde_json::Value;

use super::{Log, memory::Memory};
use crate::{
    HandleError, Query, QueryError, ReadModel, StartContext, StartReason,
    bindings::{
        exports::eventdbx::plugin::meta::Descriptor,
        types::{Batch, Delivery, DeliveryMode, Parts},
    },
    deliver::{self, Refusal},
    guest,
};

/// Events that one call gets at most, as with the host.
const BATCH: usize = 256;

/// A read model with its tables, as the host would run it: events come in batches, only those that it asked for, and with
/// only the parts that it asked for; the writes of a batch count if all of it was handled.
pub struct Runner<M> {
    model: M,
    descriptor: Descriptor,
    tables: Memory,
    cursor: u64,
    parts: Parts,
    skipped: usize,
}

impl<M: ReadModel> Default for Runner<M> {
    fn default() -> Self {
        Self::new()
    }
}

impl<M: ReadModel> Runner<M> {
    /// Starts the model with the configuration `{}`.
    ///
    /// # Panics
    /// When the model does not start.
    pub fn new() -> Self {
        Self::with_config(&serde_json::json!({}))
    }

    /// Starts the model with a configuration.
    ///
    /// # Panics
    /// When the model does not start.
    pub fn with_config(config: &Value) -> Self {
        let context = StartContext { domain: "default".to_owned(), reason: StartReason::FirstStart };
        let model = guest::make(&config.to_string(), &context)
            .unwrap_or_else(|failure| panic!("the model does not start: {failure}"));
        let descriptor = M::describe().into_contract("test", "0.0.0", M::STATE_VERSION);
        let tables = Memory::new(descriptor.tables.iter().map(|table| table.name.clone()));
        Self { model, descriptor, tables, cursor: 0, parts: Parts::all(), skipped: 0 }
    }

    /// From now on deliveries carry neither payload nor state, as under the payload mode `extensions-only`.
    #[must_use]
    pub fn extensions_only(mut self) -> Self {
        self.parts = Parts::ENVELOPE | Parts::EXTENSIONS;
        self
    }

    /// Delivers what the log has beyond the last delivery.
    ///
    /// # Panics
    /// When an event is not handled; [`Runner::try_deliver`] returns the reason instead.
    pub fn deliver(&mut self, log: &Log) -> &mut Self {
        if let Err((position, error)) = self.try_deliver(log) {
            panic!("the event at position {position} was not handled: {error}");
        }
        self
    }

    /// Delivers what the log has beyond the last delivery, up to the first event that is not handled.
    ///
    /// # Errors
    /// The position of that event, and why. Its whole batch is undone; the batches before it count.
    pub fn try_deliver(&mut self, log: &Log) -> Result<&mut Self, (u64, HandleError)> {
        let items = cut(log, &self.descriptor, self.parts, self.cursor);
        for items in items.chunks(BATCH) {
            self.batch(items.to_vec(), log.len() as u64)?;
        }
        self.cursor = log.len() as u64;
        Ok(self)
    }

    /// Asks the model.
    ///
    /// # Errors
    /// What the model says, or that it has not declared the query.
    ///
    /// # Panics
    /// When an answer is not JSON, which [`Answer::new`](crate::Answer::new) rules out.
    pub fn query(&self, name: &str, params: impl Into<Value>) -> Result<Value, QueryError> {
        if !self.descriptor.queries.iter().any(|query| query.name == name) {
            return Err(QueryError::UnknownQuery);
        }
        let params = params.into().to_string();
        let answer = deliver::answer(&self.model, &Query::new(name, &params, None), &self.tables)?;
        Ok(serde_json::from_str(&answer.body).expect("answers are made by serde_json"))
    }

    /// How many events the model has left out on purpose.
    pub fn skipped(&self) -> usize {
        self.skipped
    }

    fn batch(&mut self, items: Vec<Delivery>, head_position: u64) -> Result<(), (u64, HandleError)> {
        let batch = Batch {
            domain: "default".to_owned(),
            mode: DeliveryMode::CatchUp,
            payload_mode: "all".to_owned(),
            attempt: 1,
            head_position,
            schemas: Vec::new(),
            items,
        };
        let before = self.tables.clone();
        let done = deliver::deliver(&self.model, &batch, &self.tables);
        let skipped = done.map_err(|Refusal { index, error }| {
            self.tables = before;
            (batch.items[index as usize].position, error)
        })?;
        self.skipped += skipped.len();
        self.cursor = batch.items.last().map_or(self.cursor, |last| last.position);
        Ok(())
    }
}

/// The deliveries behind a position that a plugin gets, with the parts that it asked for.
pub(super) fn cut(log: &Log, descriptor: &Descriptor, parts: Parts, from: u64) -> Vec<Delivery> {
    let selector = &descriptor.selector;
    let parts = parts & selector.parts;
    let admitted = log.deliveries().iter().filter(|delivery| {
        delivery.position > from
            && any(&selector.aggregate_types, &delivery.aggregate_type)
            && any(&selector.event_types, &delivery.event_type)
    });
    let cut = |delivery: &Delivery| {
        let mut delivery = delivery.clone();
        delivery.payload = delivery.payload.filter(|_| parts.contains(Parts::PAYLOAD));
        delivery.state = delivery.state.filter(|_| parts.contains(Parts::STATE));
        delivery.envelope = delivery.envelope.filter(|_| parts.contains(Parts::ENVELOPE));
        delivery.extensions = delivery.extensions.filter(|_| parts.contains(Parts::EXTENSIONS));
        delivery
    };
    admitted.map(cut).collect()
}

fn any(globs: &[String], name: &str) -> bool {
    globs.is_empty() || globs.iter().any(|glob| matches(glob.as_bytes(), name.as_bytes()))
}

/// `*` stands for any text, `?` for any one byte.
fn matches(glob: &[u8], name: &[u8]) -> bool {
    match (glob.split_first(), name.split_first()) {
        (None, None) => true,
        (Some((b'*', rest)), _) if matches(rest, name) => true,
        (Some((b'*', _)), Some((_, name))) => matches(glob, name),
        (Some((wanted, rest)), Some((byte, name))) => (wanted == byte || *wanted == b'?') && matches(rest, name),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs() {
        for (glob, name, expected) in [
            ("*", "", true),
            ("flight_*", "flight_arrived", true),
            ("flight_*", "flight", false),
            ("*_arrived", "flight_arrived", true),
            ("f?ight", "flight", true),
            ("flight", "flights", false),
        ] {
            assert_eq!(matches(glob.as_bytes(), name.as_bytes()), expected, "{glob} {name}");
        }
    }
}
