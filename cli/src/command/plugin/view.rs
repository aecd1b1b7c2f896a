//! How a plugin stands, as far as people are told.

use std::time::Duration;

use eventdbx_node::plugins::{DomainGrants, FieldList};
use serde::Deserialize;

use crate::output::{self, GREEN, YELLOW};

/// The answer of the plugin routes.
#[derive(Debug, Deserialize)]
pub(crate) struct Plugin {
    pub(crate) name: String,
    version: String,
    kind: String,
    component: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) payload_mode: String,
    priority: String,
    aggregates: Vec<String>,
    events: Vec<String>,
    filter: Option<String>,
    fields: FieldList,
    emit: bool,
    max_mode: Option<String>,
    signer: Option<String>,
    kept: Vec<Kept>,
    pub(crate) generation: u64,
    pub(crate) cursor: u64,
    pub(crate) head: u64,
    lag_events: u64,
    lag_ms: u64,
    parked: u64,
    attempt: u32,
    batches: u64,
    pub(crate) deliveries: u64,
    retries: u64,
    traps: u64,
    cpu_ms: u64,
    table_bytes: u64,
    pub(crate) last_error: Option<String>,
    #[serde(default)]
    targets: Vec<Target>,
    gateway: Option<Gateway>,
    extension: Option<Extension>,
    pub(crate) rebuild: Option<Rebuild>,
    drop_in: Option<String>,
}

/// What ran before.
#[derive(Debug, Deserialize)]
pub(crate) struct Kept {
    version: String,
    generation: u64,
}

/// What a gateway may do, and what became of its requests.
#[derive(Debug, Deserialize)]
struct Gateway {
    grants: DomainGrants,
    requests: u64,
    failed: u64,
    turned_away: u64,
}

/// What a schema extension brings, and who uses it.
#[derive(Debug, Deserialize)]
struct Extension {
    types: Vec<String>,
    rules: Vec<String>,
    upcasters: Vec<String>,
    schemas: Vec<String>,
}

/// What a transport may reach.
#[derive(Debug, Deserialize)]
pub(crate) struct Target {
    name: String,
    url: String,
    private: bool,
    own_ca: bool,
    secret_headers: Vec<String>,
    circuit: String,
    failures: u64,
    last_error: Option<String>,
}

/// A generation that is being built beside the live one.
#[derive(Debug, Deserialize)]
pub(crate) struct Rebuild {
    pub(crate) generation: u64,
    pub(crate) cursor: u64,
    pub(crate) head: u64,
    payload_mode: String,
    pub(crate) version: Option<String>,
    pub(crate) reason: Option<String>,
}

impl Plugin {
    /// One line: what became of it.
    pub(super) fn sentence(&self, done: &str) -> String {
        let Self { name, version, state, .. } = self;
        match self.takes_deliveries() {
            false => format!("{GREEN}{done}{GREEN:#} {name} {version}: {state}"),
            true => self.sentence_with(done, &self.payload_mode),
        }
    }

    /// The same, where its deliveries were cut in another mode than the installed one.
    pub(super) fn sentence_with(&self, done: &str, payload_mode: &str) -> String {
        let Self { name, version, state, .. } = self;
        format!("{GREEN}{done}{GREEN:#} {name} {version}, with {payload_mode}: {state}")
    }

    /// Everything.
    pub(super) fn details(&self) -> String {
        let mut pairs = vec![
            ("plugin", format!("{} {} ({})", self.name, self.version, self.kind)),
            ("state", self.state()),
            ("component", self.component.clone()),
        ];
        pairs.extend(match (&self.extension, &self.gateway) {
            (Some(extension), _) => extension.told(),
            (_, Some(gateway)) => gateway.told(self.cpu_ms),
            (None, None) if self.is_mode() => Vec::new(),
            (None, None) => self.deliveries(),
        });
        if let Some(signer) = &self.signer {
            pairs.push(("signed by", signer.clone()));
        }
        if !self.kept.is_empty() {
            let kept = self.kept.iter().map(|kept| match self.takes_deliveries() {
                false => kept.version.clone(),
                true => format!("{} (generation {})", kept.version, kept.generation),
            });
            pairs.push(("can go back to", kept.collect::<Vec<_>>().join(", ")));
        }
        pairs.extend(self.targets.iter().map(|target| ("target", target.sentence())));
        if let Some(error) = &self.last_error {
            pairs.push(("last error", error.clone()));
        }
        if let Some(rebuild) = &self.rebuild {
            pairs.push(("rebuild", rebuild.sentence()));
        }
        if let Some(reason) = &self.drop_in {
            pairs.push(("drop-in folder", format!("{YELLOW}not applied{YELLOW:#}: {reason}")));
        }
        output::pairs(pairs)
    }

    fn takes_deliveries(&self) -> bool {
        self.extension.is_none() && self.gateway.is_none() && !self.is_mode()
    }

    /// What is delivered to it, and what became of that.
    fn deliveries(&self) -> Vec<(&'static str, String)> {
        let mut pairs = vec![
            ("payload mode", self.payload_mode.clone()),
            ("priority", self.priority.clone()),
            ("aggregates", globs(&self.aggregates)),
            ("events", globs(&self.events)),
            ("generation", self.generation.to_string()),
            ("read up to", format!("{} of {}", output::count(self.cursor), output::count(self.head))),
            ("lag", self.lag()),
            ("taken", format!("{} in {}", output::some(self.deliveries, "event"), batches(self.batches))),
            ("parked", output::some(self.parked, "aggregate")),
            ("failures", format!("{} retries, {} traps", output::count(self.retries), output::count(self.traps))),
            ("CPU time", output::duration(Duration::from_millis(self.cpu_ms))),
            ("tables", output::bytes(self.table_bytes)),
        ];
        if self.attempt > 1 {
            pairs.push(("next try", format!("number {} of the same batch", self.attempt)));
        }
        if let Some(filter) = &self.filter {
            pairs.push(("filter", filter.clone()));
        }
        if self.fields != FieldList::default() {
            pairs.push(("fields", super::mode::fields(&self.fields)));
        }
        if !self.emit {
            pairs.push(("is fed", fed(false).to_owned()));
        }
        if let Some(mode) = &self.max_mode {
            pairs.push(("at most", mode.clone()));
        }
        pairs
    }

    /// Whether it is a payload mode, which shapes what others are delivered.
    fn is_mode(&self) -> bool {
        self.kind == "payload-mode"
    }

    /// The state, with the reason if there is one.
    fn state(&self) -> String {
        match &self.reason {
            Some(reason) => format!("{YELLOW}{}{YELLOW:#}: {reason}", self.state),
            None => self.state.clone(),
        }
    }

    fn lag(&self) -> String {
        match self.lag_events {
            0 => "none".to_owned(),
            events => {
                format!("{}, {}", output::some(events, "event"), output::duration(Duration::from_millis(self.lag_ms)))
            }
        }
    }
}

/// Which of the events that it selects a plugin gets.
pub(super) fn fed(emit: bool) -> &'static str {
    match emit {
        true => "with what it selects",
        false => "with events alone that name it (--publish)",
    }
}

impl Gateway {
    fn told(&self, cpu_ms: u64) -> Vec<(&'static str, String)> {
        let Self { grants: granted, requests, failed, turned_away } = self;
        let failures = format!("{} unanswered, {} turned away", output::count(*failed), output::count(*turned_away));
        vec![
            ("may", grants(granted)),
            ("requests", output::count(*requests)),
            ("failures", failures),
            ("CPU time", output::duration(Duration::from_millis(cpu_ms))),
        ]
    }
}

/// What a gateway may do, as it was granted.
pub(super) fn grants(grants: &DomainGrants) -> String {
    let verbs = [("append", &grants.append), ("read", &grants.read), ("query", &grants.query)];
    let words = verbs.iter().flat_map(|(verb, globs)| globs.iter().map(move |glob| format!("{verb}={glob}")));
    let words: Vec<_> = words.collect();
    if words.is_empty() { "nothing".to_owned() } else { words.join(", ") }
}

impl Extension {
    fn told(&self) -> Vec<(&'static str, String)> {
        let names = |names: &[String]| if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        vec![
            ("column types", names(&self.types)),
            ("rules", names(&self.rules)),
            ("upcasters", names(&self.upcasters)),
            ("used by", if self.schemas.is_empty() { "no schema".to_owned() } else { self.schemas.join(", ") }),
        ]
    }
}

impl Target {
    fn sentence(&self) -> String {
        let Self { name, url, circuit, failures, .. } = self;
        let private = if self.private { ", private addresses too" } else { "" };
        let ca = if self.own_ca { ", authorities of its own" } else { "" };
        let secrets = self.secret_headers.iter().map(|header| format!(", {header} put in")).collect::<String>();
        let failures = match &self.last_error {
            Some(error) if *failures > 0 => format!(", {} in a row: {error}", output::some(*failures, "failure")),
            _ => String::new(),
        };
        format!("{name} = {url}{private}{ca}{secrets}; circuit {circuit}{failures}")
    }
}

impl Rebuild {
    fn sentence(&self) -> String {
        let Self { generation, cursor, head, payload_mode, version, reason } = self;
        let version = version.as_ref().map(|version| format!(" for version {version}")).unwrap_or_default();
        let reason = reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
        format!(
            "generation {generation}{version} with {payload_mode}, {} of {}{reason}",
            output::count(*cursor),
            output::count(*head)
        )
    }
}

/// A table of plugins.
pub(crate) fn table(rows: &[Plugin]) -> String {
    let mut table =
        output::table(["plugin", "version", "kind", "state", "payload mode", "read up to", "lag", "parked"]);
    output::numbers(&mut table, &[5, 6, 7]);
    for row in rows {
        let of_deliveries = match row.takes_deliveries() {
            true => [row.payload_mode.clone(), output::count(row.cursor), row.lag(), output::count(row.parked)],
            false => Default::default(),
        };
        let plugin = [row.name.clone(), row.version.clone(), row.kind.clone(), row.state.clone()];
        table.add_row(plugin.into_iter().chain(of_deliveries));
    }
    output::render(&table)
}

fn globs(globs: &[String]) -> String {
    if globs.is_empty() { "any".to_owned() } else { globs.join(", ") }
}

fn batches(number: u64) -> String {
    if number == 1 { "1 batch".to_owned() } else { format!("{} batches", output::count(number)) }
}
