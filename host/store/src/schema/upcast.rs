//! Upcasts: how the payload of an old event reads under today's names, as far as the schema itself says it. What it leaves to
//! extensions is in `upcasting`. The log keeps what was written; this is for readers.

use serde_json::{Map, Value};

use super::{compiled::Schema, document::Upcast};

impl Schema {
    /// Whether an event that was checked with version `from_version` has another shape today.
    pub(crate) fn upcasts_from(&self, from_version: u32) -> bool {
        self.document.upcasts.last().is_some_and(|last| last.from.get() >= from_version)
    }

    /// What gives the payload of an event that was checked with version `from_version` today's shape: every upcast from that
    /// version on, in their order.
    pub(super) fn upcasts_of(&self, from_version: u32) -> impl Iterator<Item = &Upcast> {
        self.document.upcasts.iter().filter(move |upcast| upcast.from.get() >= from_version)
    }
}

impl Upcast {
    /// Gives the members of a payload their new names, and fills in what was not there.
    ///
    /// The names of one upcast change at once, so that two may be swapped, and none of them changes where a new one is taken.
    /// A default fills in only what is missing, in an object that is there. Defaults complete *one* event for its
    /// reader: a state is folded from payloads without them, or a later event would set what it never said.
    pub(super) fn apply(&self, payload: &mut Map<String, Value>) {
        if let Some(renamed) = self.renamed(payload) {
            *payload = renamed;
        }
        for (path, value) in &self.default {
            path.put_into_holder(payload, value);
        }
    }

    /// The payload under its new names; none where one of them is taken.
    fn renamed(&self, payload: &Map<String, Value>) -> Option<Map<String, Value>> {
        let mut payload = payload.clone();
        let taken: Vec<_> =
            self.rename.iter().filter_map(|(from, to)| Some((to, from.remove(&mut payload)?))).collect();
        for (to, value) in taken {
            to.put(&mut payload, value)?;
        }
        Some(payload)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::SchemaDocument;

    fn upcast(upcasts: &Value, from: u32, payload: Value) -> Value {
        let document = json!({"aggregate": "order", "upcasts": upcasts});
        let schema = Schema::new(SchemaDocument::parse(&document.to_string()).expect("valid"));
        let Value::Object(mut payload) = payload else { panic!("an object") };
        schema.upcasts_of(from).for_each(|upcast| upcast.apply(&mut payload));
        Value::Object(payload)
    }

    #[test]
    fn upcasts_apply_in_order_from_the_version_on() {
        let upcasts = json!([
            {"from": 1, "rename": {"/sum": "/amount"}, "default": {"/currency": "EUR"}},
            {"from": 3, "rename": {"/amount": "/total/value", "/currency": "/total/currency"}},
        ]);
        let new = json!({"total": {"value": 5, "currency": "EUR"}});
        assert_eq!(upcast(&upcasts, 1, json!({"sum": 5})), new);
        assert_eq!(upcast(&upcasts, 2, json!({"amount": 5, "currency": "EUR"})), new);
        assert_eq!(upcast(&upcasts, 2, json!({"sum": 5})), json!({"sum": 5}));
        assert_eq!(upcast(&upcasts, 4, json!({"amount": 5})), json!({"amount": 5}));
    }

    #[test]
    fn names_change_at_once_and_nothing_is_lost() {
        let swap = json!([{"from": 1, "rename": {"/a": "/b", "/b": "/a"}}]);
        assert_eq!(upcast(&swap, 1, json!({"a": 1, "b": 2})), json!({"a": 2, "b": 1}));
        // A null removes, and is renamed like any other value.
        assert_eq!(upcast(&swap, 1, json!({"a": null})), json!({"b": null}));
        let onto = json!([{"from": 1, "rename": {"/a": "/b", "/c": "/d/e"}}]);
        assert_eq!(upcast(&onto, 1, json!({"a": 1, "b": 2})), json!({"a": 1, "b": 2}));
        assert_eq!(upcast(&onto, 1, json!({"c": 1, "d": 2})), json!({"c": 1, "d": 2}));
        assert_eq!(upcast(&onto, 1, json!({"c": 1, "d": {"f": 2}})), json!({"d": {"e": 1, "f": 2}}));
    }

    #[test]
    fn defaults_fill_in_what_is_missing_in_objects_that_are_there() {
        let defaults = json!([{"from": 1, "default": {"/a": {"b": 1}, "/c/d": 2}}]);
        assert_eq!(upcast(&defaults, 1, json!({})), json!({"a": {"b": 1}}));
        assert_eq!(upcast(&defaults, 1, json!({"a": null, "c": {}})), json!({"a": null, "c": {"d": 2}}));
        assert_eq!(upcast(&defaults, 1, json!({"c": {"d": 3}})), json!({"a": {"b": 1}, "c": {"d": 3}}));
    }
}
