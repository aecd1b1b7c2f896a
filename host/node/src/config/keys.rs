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
    limit("limits.memory_bytes", "linear memory of one instance of a plugin"),
    limit("limits.table_elements", "entries of all WebAssembly tables of one instance"),
    limit("limits.instances", "core instances within one component"),
    limit("limits.batch_cpu_ms", "CPU time of one batch"),
    limit("limits.batch_wall_ms", "wall time of one batch"),
    limit("limits.start_cpu_ms", "CPU time of making an instance and of its init"),
    limit("limits.start_wall_ms", "wall time of the same"),
    limit("limits.query_cpu_ms", "CPU time of one query"),
    limit("limits.query_wall_ms", "wall time of one query"),
    limit(
        "limits.fuel",
        "what one call of a schema extension or a payload mode may burn, about one unit for each instruction",
    ),
    limit("limits.output_bytes", "text that one call returns"),
    limit("limits.host_call_bytes", "what one crossing may hand to the host"),
    limit("limits.read_bytes", "what one read may hand to a plugin"),
    limit("limits.scan_entries", "entries of one page of a scan"),
    limit("limits.key_bytes", "a key of a table"),
    limit("limits.value_bytes", "a value in a table"),
    limit("limits.write_bytes", "writes of one batch"),
    limit("limits.outbound_connections", "open connections of one transport"),
    limit("limits.outbound_send_bytes", "what a transport hands over in one request or send"),
    limit("limits.outbound_receive_bytes", "the body of one answer to a transport"),
    limit("limits.outbound_call_ms", "wall time of one call to the outside"),
    limit("limits.outbound_batch_ms", "wall time of all calls to the outside in one batch"),
    limit("limits.log_lines", "log lines of one call; the rest is counted"),
    limit("limits.log_line_bytes", "one log line; the rest of it is cut off"),
    limit("limits.metric_names", "names of counters and gauges in one call"),
    limit("limits.gateway_cpu_ms", "CPU time of one request to a gateway"),
    limit("limits.gateway_wall_ms", "wall time of one request to a gateway"),
    limit("limits.gateway_request_bytes", "the body of a request to a gateway"),
    limit("limits.gateway_response_bytes", "the body of an answer of a gateway"),
    limit("limits.gateway_client_calls", "what one request to a gateway may ask of the domain"),
    limit("limits.http_header_bytes", "headers of a message to or from a gateway"),
    limit("limits.handles", "handles of the host that an instance holds at a time"),
    Key { name: "daemon.log_level", range: None, doc: "error, warn, info, debug or trace" },
    Key {
        name: "daemon.body_mib",
        range: Some(1..=1024),
        doc: "largest body of a request; an import and a component apart",
    },
    Key { name: "daemon.component_mib", range: Some(1..=1024), doc: "largest component that can be sent" },
    Key { name: "daemon.connections", range: Some(1..=65_536), doc: "connections at a time; further ones wait" },
    Key { name: "daemon.shutdown_seconds", range: Some(0..=3600), doc: "how long requests in flight may take on stop" },
    Key {
        name: "telemetry.otlp_endpoint",
        range: None,
        doc: "base URL of a collector of traces, e.g. http://127.0.0.1:4318; OTEL_EXPORTER_OTLP_ENDPOINT goes before it",
    },
];

/// A limit on each instance of a plugin.
const fn limit(name: &'static str, doc: &'static str) -> Key {
    Key { name, range: Some(1..=TIB), doc }
}

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
        config.telemetry.otlp_endpoint = Some("x".into());
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
