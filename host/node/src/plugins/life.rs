//! What becomes of an installed plugin: paused, upgraded, rolled back. What of it is recorded, and what a flip makes of it.

use eventdbx_store::plugindb::Generation;
use serde::{Deserialize, Serialize};

use super::{
    extensions::Brings,
    record::{Rebuild, Record},
};
use crate::limits::KEPT_VERSIONS;

/// What became of a plugin since it was installed.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Life {
    /// Nothing is delivered, but queries are answered.
    pub(super) paused: bool,
    /// Whose tables the rebuild makes, where that is not the live component.
    pub(super) upgrade: Option<Code>,
    /// What it can go back to, newest last.
    pub(super) kept: Vec<Kept>,
    /// What an operator consented to when an upgrade asked for more.
    pub(super) consented: Vec<String>,
    /// The version that ran before.
    pub(super) upgraded_from: Option<String>,
    /// Id of the key that signed the component.
    pub(super) signer: Option<String>,
    /// What it brings for schemas.
    pub(super) brings: Brings,
    /// What was taken from the drop-in folder last: the hash of all its files.
    pub(super) drop_in: Option<String>,
}

/// Which component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Code {
    pub(super) component: String,
    pub(super) version: String,
    pub(super) queries: Vec<String>,
    pub(super) signer: Option<String>,
}

/// A component with the tables that it made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Kept {
    #[serde(flatten)]
    pub(super) code: Code,
    pub(super) generation: Generation,
}

impl Record {
    /// Exchanges the component and keeps the one before. Answers the generations that nothing names any more.
    pub(super) fn exchange(&mut self, code: Code, generation: Generation) -> Vec<Generation> {
        let before = Code {
            component: std::mem::replace(&mut self.component, code.component),
            version: std::mem::replace(&mut self.version, code.version),
            queries: std::mem::replace(&mut self.queries, code.queries),
            signer: std::mem::replace(&mut self.life.signer, code.signer),
        };
        self.life.upgraded_from = Some(before.version.clone());
        self.life.kept.push(Kept { code: before, generation: self.generation });
        self.generation = generation;
        let excess = self.life.kept.len().saturating_sub(KEPT_VERSIONS);
        let dropped: Vec<_> = self.life.kept.drain(..excess).map(|kept| kept.generation).collect();
        let named = self.generations();
        dropped.into_iter().filter(|generation| !named.contains(generation)).collect()
    }

    /// Puts the generation that is being rebuilt in the place of the live one. Answers those that nothing names any more.
    pub(super) fn flip(&mut self) -> Vec<Generation> {
        let Some(rebuild) = self.rebuild.take() else { return Vec::new() };
        match self.life.upgrade.take() {
            Some(code) => self.exchange(code, rebuild.generation),
            None => self.renew(rebuild.generation),
        }
    }

    /// Takes another live generation for the same component; those components that shared the tables share the new ones.
    /// Answers the generation that was live.
    pub(super) fn renew(&mut self, generation: Generation) -> Vec<Generation> {
        let old = std::mem::replace(&mut self.generation, generation);
        let shared = self.life.kept.iter_mut().filter(|kept| kept.generation == old);
        shared.for_each(|kept| kept.generation = generation);
        vec![old]
    }

    /// Gives up a rebuild that is on its way. Answers the generations that nothing names any more.
    pub(super) fn give_up_rebuild(&mut self) -> Vec<Generation> {
        self.life.upgrade = None;
        self.rebuild.take().map(|rebuild| rebuild.generation).into_iter().collect()
    }

    /// Begins to build tables for another component beside the live ones.
    pub(super) fn build_for(&mut self, code: Code, generation: Generation) {
        self.rebuild = Some(Rebuild { generation, payload_mode: self.payload_mode });
        self.life.upgrade = Some(code);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(version: &str) -> Code {
        Code { component: version.to_owned(), version: version.to_owned(), queries: Vec::new(), signer: None }
    }

    /// Generations are numbered by the database; here they are read from JSON.
    fn generation(number: u32) -> Generation {
        serde_json::from_value(number.into()).unwrap()
    }

    fn record() -> Record {
        let record = serde_json::json!({
            "component": "1", "version": "1", "kind": "read-model", "queries": [], "payload_mode": "all",
            "aggregates": [], "events": [], "config": {}, "enabled": true, "generation": 1, "rebuild": null,
        });
        serde_json::from_value(record).unwrap()
    }

    #[test]
    fn an_upgrade_keeps_what_was_and_no_more_than_so_many() {
        let mut record = record();
        assert_eq!(record.exchange(code("2"), generation(1)), []);
        record.build_for(code("3"), generation(2));
        assert_eq!(record.flip(), []);
        assert_eq!((record.version.as_str(), record.generation), ("3", generation(2)));
        record.build_for(code("4"), generation(3));
        assert_eq!(record.flip(), []);
        record.build_for(code("5"), generation(4));
        assert_eq!(record.flip(), [], "version 2 still has the tables that it shared with version 1");
        record.build_for(code("6"), generation(5));
        assert_eq!(record.flip(), [generation(1)]);
        let kept: Vec<_> = record.life.kept.iter().map(|kept| kept.code.version.as_str()).collect();
        assert_eq!(kept, ["3", "4", "5"]);
    }

    #[test]
    fn components_that_share_tables_share_those_of_a_replay() {
        let mut record = record();
        record.exchange(code("2"), generation(1));
        record.rebuild = Some(Rebuild { generation: generation(7), payload_mode: record.payload_mode });
        assert_eq!(record.flip(), [generation(1)]);
        assert_eq!(record.life.kept[0].generation, generation(7));
        assert_eq!(record.generations(), [generation(7)]);
    }
}
