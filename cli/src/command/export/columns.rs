//! The columns of a table: fixed ones, and one for each top-level member that any state has.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::cells::Row;
use crate::fail::{Failure, Kind};

/// Most columns for members of states: each is held in memory and written for every row.
const EXPORT_COLUMNS: usize = 10_000;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    Boolean,
    Integer,
    Number,
    Text,
    /// A time as the daemon writes it.
    Time,
    /// JSON text: nested values, or values of several kinds.
    Json,
}

/// Columns in their order.
#[derive(Debug, Default)]
pub(super) struct Columns {
    fixed: &'static [(&'static str, Values)],
    /// None: nothing but null was seen.
    state: BTreeMap<String, Option<Values>>,
}

/// A column, and where its values are found.
#[derive(Debug, Clone, Copy)]
pub(super) enum Column<'a> {
    Member(&'a str),
    OfState(&'a str),
}

const OF_STATES: &[(&str, Values)] = &[
    ("aggregate_type", Values::Text),
    ("aggregate_id", Values::Text),
    ("version", Values::Integer),
    ("archived", Values::Boolean),
    ("created_at", Values::Time),
    ("updated_at", Values::Time),
    ("last_position", Values::Integer),
    ("root", Values::Text),
];

const OF_EVENTS: &[(&str, Values)] = &[
    ("position", Values::Integer),
    ("aggregate_type", Values::Text),
    ("aggregate_id", Values::Text),
    ("version", Values::Integer),
    ("event_id", Values::Text),
    ("event_type", Values::Text),
    ("kind", Values::Text),
    ("payload", Values::Json),
    ("patch", Values::Json),
    ("metadata", Values::Json),
    ("extensions", Values::Json),
    ("note", Values::Text),
    ("actor", Values::Text),
    ("recorded_at", Values::Time),
    // As it was given: its offset says something.
    ("occurred_at", Values::Text),
    ("emit", Values::Boolean),
    ("publish", Values::Json),
    ("schema_version", Values::Integer),
    ("digest", Values::Text),
];

impl Columns {
    pub(super) fn of_events() -> Self {
        Self { fixed: OF_EVENTS, state: BTreeMap::new() }
    }

    pub(super) fn of_states() -> Self {
        Self { fixed: OF_STATES, state: BTreeMap::new() }
    }

    /// Makes room for the state of a row.
    pub(super) fn see(&mut self, row: &str) -> anyhow::Result<()> {
        for (name, value) in Row::read(row)?.state {
            let values = Values::of(value);
            match (self.state.get_mut(name.as_ref()), values) {
                (Some(known), Some(values)) => *known = Some(known.map_or(values, |known| known.with(values))),
                (Some(_), None) => {}
                (None, values) => drop(self.state.insert(name.into_owned(), values)),
            }
        }
        if self.state.len() > EXPORT_COLUMNS {
            let message = format!("the states have more members than EXPORT_COLUMNS allows ({EXPORT_COLUMNS})");
            return Err(Failure::new(Kind::Refused, message)
                .hint("export as json or ndjson, which have no columns")
                .into());
        }
        Ok(())
    }

    /// Fails where the state of a row has a member without a column: it came after the columns were looked for.
    pub(super) fn fit(&self, row: &Row<'_>) -> anyhow::Result<()> {
        match row.state.keys().find(|name| !self.state.contains_key(name.as_ref())) {
            None => Ok(()),
            Some(name) => Err(self.changed(name)),
        }
    }

    /// What is said when the states changed between the two readings.
    pub(super) fn changed(&self, name: &str) -> anyhow::Error {
        Failure::new(Kind::Busy, format!("the states changed while they were exported: {name} is not what it was"))
            .hint("export again; json and ndjson are written in one reading")
            .into()
    }

    /// Every column with its name and what its values are.
    pub(super) fn each(&self) -> impl Iterator<Item = (Column<'_>, String, Values)> {
        let fixed = self.fixed.iter().map(|(name, values)| (Column::Member(name), (*name).to_owned(), *values));
        fixed.chain(
            self.state
                .iter()
                .map(|(name, values)| (Column::OfState(name), format!("state.{name}"), values.unwrap_or(Values::Json))),
        )
    }
}

impl Column<'_> {
    /// The value that a row has in this column.
    pub(super) fn of<'r>(self, row: &Row<'r>) -> Option<&'r RawValue> {
        match self {
            Self::Member(name) => row.member(name),
            Self::OfState(name) => row.of_state(name),
        }
    }
}

impl Values {
    /// None: null, which goes with everything.
    fn of(value: &RawValue) -> Option<Self> {
        let text = value.get();
        match text.as_bytes().first() {
            Some(b'n') => None,
            Some(b't' | b'f') => Some(Self::Boolean),
            Some(b'"') => Some(Self::Text),
            Some(b'{' | b'[') => Some(Self::Json),
            _ if text.parse::<i64>().is_ok() => Some(Self::Integer),
            _ => Some(Self::Number),
        }
    }

    /// What holds values of both.
    fn with(self, other: Self) -> Self {
        match (self, other) {
            (one, other) if one == other => one,
            (Self::Integer | Self::Number, Self::Integer | Self::Number) => Self::Number,
            _ => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_the_union_of_what_states_have_by_name() {
        let mut columns = Columns::of_states();
        for state in [r#"{"b":1,"a":"x","n":null}"#, r#"{"b":1.5,"c":[1],"n":true}"#, r#"{"a":2,"c":{}}"#] {
            columns.see(&format!(r#"{{"version":1,"state":{state}}}"#)).unwrap();
        }
        let of_state: Vec<_> = columns.each().skip(OF_STATES.len()).map(|(_, name, values)| (name, values)).collect();
        let expected = [
            ("state.a", Values::Json),
            ("state.b", Values::Number),
            ("state.c", Values::Json),
            ("state.n", Values::Boolean),
        ];
        assert_eq!(of_state, expected.map(|(name, values)| (name.to_owned(), values)));
        assert!(columns.fit(&Row::read(r#"{"state":{"d":1}}"#).unwrap()).is_err());
    }
}
