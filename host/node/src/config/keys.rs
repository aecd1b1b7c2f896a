//! The table of keys: name, bounds, meaning.

use std::ops::RangeInclusive;

/// One key of the configuration.
#[derive(Debug)]
pub struct Key {
    /// Dotted name, e.g. `log.durability`.
    pub name: &'static str,
    /// Bounds of a number.
    pub range: Option<RangeInclusive<i64>>,
    /// What it means.
    pub doc: &'static str,
}

const GIB: i64 = 1 << 30;
const TIB: i64 = 1 << 40;

/// Every key that there is.
pub const KEYS: &[Key] = &[
    Key {
        name: "log.durability",
        range: None,
        doc: "\"sync\": a write is answered once it is on the disk; \"os\": once the system took it, a power cut may lose it",
    },
    Key {
        name: "log.block_cache_mib",
        range: Some(1..=1_048_576),
        doc: "blocks of the log kept in memory, per domain",
    },
    Key {
        name: "log.snapshot_threshold",
        range: Some(0..=u32::MAX as i64),
        doc: "a snapshot after so many events of an aggregate, where its schema says no other number; 0: never",
    },
    Key {
        name: "keys.master_key_file",
        range: None,
        doc: "file with the master key (64 hex digits, mode 0600); DBX_MASTER_KEY goes before it; none: master.key here",
    },
    Key { name: "plugins.batch_items", range: Some(1..=65_536), doc: "most events handed to a plugin at a time" },
    Key { name: "plugins.batch_bytes", range: Some(65_536..=GIB), doc: "most bytes handed to a plugin at a time" },
    Key {
        name: "plugins.recent_bytes",
        range: Some(0..=TIB),
        doc: "recent events handed over from memory, per domain",
    },
    Key { name: "plugins.page_cache_bytes", range: Some(0..=TIB), doc: "pages of the log kept for the next plugin" },
    Key {
        name: "plugins.state_cache_bytes",
        range: Some(0..=TIB),
        doc: "folded states kept in memory; the rest spills",
    },
    Key { name: "plugins.block_cache_bytes", range: Some(0..=TIB), doc: "block cache of the plugins' database" },
    Key { name: "plugins.table_bytes", range: Some(0..=TIB), doc: "most bytes in the tables of one plugin" },
    Key { name: "plugins.parked", range: Some(0..=1_000_000), doc: "most parked aggregates of one plugin" },
    Key { name: "plugins.log_lines", range: Some(0..=1_000_000), doc: "lines of a plugin's log that are kept" },
    Key { name: "plugins.queries", range: Some(1..=1024), doc: "queries that run at the same time" },
    Key {
        name: "plugins.drop_in",
        range: None,
        doc: "domains (e.g. [\"default\"]) whose folder `drop-in` is watched: a component put there is installed",
    },
    Key {
        name: "plugins.gateway_threads",
        range: Some(1..=64),
        doc: "requests that one gateway answers at the same time",
    },
    Key {
        name: "plugins.gateway_waiting",
        range: Some(0..=65_536),
        doc: "requests that wait for one gateway; more are answered busy",
    },
    Key { name: "daemon.log_level", range: None, doc: "error, warn, info, debug or trace" },
    Key {
        name: "daemon.body_mib",
        range: Some(1..=1024),
        doc: "largest body of a request; an import and a component apart",
    },
    Key { name: "daemon.component_mib", range: Some(1..=1024), doc: "largest component that can be sent" },
    Key { name: "daemon.connections", range: Some(1..=65_536), doc: "connections at a time; further ones wait" },
    Key { name: "daemon.shutdown_seconds", range: Some(0..=3600), doc: "how long requests in flight may take on stop" },
];

/// The key of this name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

/// The section in which a key stands, and its name there.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_once('.').unwrap_or(("", name))
}

/// The keys that somebody who wrote `name` may have meant: those most like it, or else those of its section.
pub(super) fn near(name: &str) -> Vec<&'static str> {
    let (section, leaf) = split(name);
    let like = |key: &&Key| distance(name, key.name) <= 3 || split(key.name).1 == leaf;
    let found: Vec<_> = KEYS.iter().filter(like).map(|key| key.name).collect();
    if !found.is_empty() {
        return found;
    }
    let in_section: Vec<_> = KEYS.iter().map(|key| key.name).filter(|key| split(key).0 == section).collect();
    if in_section.is_empty() { KEYS.iter().map(|key| key.name).collect() } else { in_section }
}

/// Edits that turn one text into the other (Levenshtein).
fn distance(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.len()).collect();
    for (i, a) in from.bytes().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.bytes().enumerate() {
            let replaced = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[to.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn the_table_and_the_types_have_the_same_keys() {
        let mut config = Config::default();
        config.keys.master_key_file = Some("x".into());
        let table = toml::Table::try_from(&config).unwrap();
        let mut typed: Vec<String> = table
            .iter()
            .flat_map(|(section, keys)| {
                keys.as_table().unwrap().keys().map(move |key| format!("{section}.{key}")).collect::<Vec<_>>()
            })
            .collect();
        let mut listed: Vec<String> = KEYS.iter().map(|key| key.name.to_owned()).collect();
        typed.sort();
        listed.sort();
        assert_eq!(typed, listed);
    }

    #[test]
    fn defaults_are_within_their_bounds() {
        let table = toml::Table::try_from(Config::default()).unwrap();
        for key in KEYS {
            let (section, leaf) = split(key.name);
            let value = table[section].get(leaf).and_then(toml::Value::as_integer);
            if let (Some(range), Some(value)) = (&key.range, value) {
                assert!(range.contains(&value), "{}", key.name);
            }
        }
    }

    #[test]
    fn a_slip_finds_what_was_meant() {
        assert_eq!(near("log.durabilty"), ["log.durability"]);
        assert_eq!(near("durability"), ["log.durability"]);
        assert_eq!(near("log.nonsense"), ["log.durability", "log.block_cache_mib", "log.snapshot_threshold"]);
        assert_eq!(near("nothing").len(), KEYS.len());
    }
}
