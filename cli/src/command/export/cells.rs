//! A row of JSON, taken apart into the cells of a table.

use std::{borrow::Cow, collections::BTreeMap};

use anyhow::Context;
use serde_json::value::RawValue;

use crate::json;

/// Members in the order of their names.
type Members<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

/// One row.
pub(super) struct Row<'a> {
    members: Members<'a>,
    pub(super) state: Members<'a>,
}

impl<'a> Row<'a> {
    pub(super) fn read(row: &'a str) -> anyhow::Result<Self> {
        let mut members: Members<'a> = serde_json::from_str(row).context("a row of the daemon's cannot be read")?;
        let state = members.remove("state").map(|state| serde_json::from_str(state.get())).transpose()?;
        Ok(Self { members, state: state.unwrap_or_default() })
    }

    /// A member of the row; none: absent or null.
    pub(super) fn member(&self, name: &str) -> Option<&'a RawValue> {
        present(self.members.get(name))
    }

    /// A member of the state; none: absent or null.
    pub(super) fn of_state(&self, name: &str) -> Option<&'a RawValue> {
        present(self.state.get(name))
    }
}

fn present<'a>(value: Option<&&'a RawValue>) -> Option<&'a RawValue> {
    value.copied().filter(|value| value.get() != "null")
}

/// A value as the text of a cell: a string without its quotes, anything else as JSON.
pub(super) fn text(value: &RawValue) -> String {
    serde_json::from_str(value.get()).unwrap_or_else(|_| json::compact(value.get()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_row_is_taken_apart() {
        let row = Row::read(r#"{"n":1,"none":null,"state":{"a\"b":"x\ny","list":[1, "é"],"gone":null}}"#).unwrap();
        assert_eq!(row.member("n").map(text).as_deref(), Some("1"));
        assert!(row.member("none").is_none() && row.of_state("gone").is_none() && row.of_state("n").is_none());
        assert_eq!(row.of_state("a\"b").map(text).as_deref(), Some("x\ny"));
        assert_eq!(row.of_state("list").map(text).as_deref(), Some("[1,\"é\"]"));
    }
}
