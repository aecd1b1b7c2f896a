//! How a job stands, as far as people are told.

use serde::Deserialize;

use crate::output::{self, GREEN, YELLOW};

/// The answer of the job routes.
#[derive(Debug, Deserialize)]
pub(crate) struct Job {
    pub(crate) id: u64,
    pub(crate) plugin: String,
    work: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    actor: String,
    aggregate_type: Option<String>,
    aggregate_id: Option<String>,
    pub(crate) from: u64,
    pub(crate) to: u64,
    pub(crate) position: u64,
    payload_mode: String,
    rate: Option<u32>,
    deliveries: u64,
    left_out: u64,
    parked: u64,
    pub(crate) generation: u64,
    started_at: String,
    ended_at: Option<String>,
    differences: Option<Vec<Differences>>,
}

/// How a table of a dry run differs from the live one.
#[derive(Debug, Deserialize)]
struct Differences {
    table: String,
    equal: u64,
    only_live: u64,
    only_replay: u64,
    differing: u64,
    sample: Vec<Sampled>,
}

#[derive(Debug, Deserialize)]
struct Sampled {
    row: String,
    key: String,
}

impl Job {
    pub(crate) fn is_running(&self) -> bool {
        self.state == "running"
    }

    /// What came of it: one line, and what a dry run found.
    pub(crate) fn outcome(&self) -> String {
        let Self { id, plugin, payload_mode, .. } = self;
        let verb = match self.state.as_str() {
            "done" => "replayed",
            "running" => "replaying",
            other => other,
        };
        let taken = output::some(self.deliveries, "event");
        let line = format!("{GREEN}{verb}{GREEN:#} {plugin}, with {payload_mode}: {taken} (job {id})");
        [Some(line), self.remark(), self.found()].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    /// Everything.
    pub(super) fn details(&self) -> String {
        let mut pairs = vec![
            ("job", format!("{} ({} of {})", self.id, self.work, self.plugin)),
            ("state", self.state.clone()),
            ("stretch", self.stretch()),
            ("come as far as", self.progress()),
            ("payload mode", self.payload_mode.clone()),
            ("taken", output::some(self.deliveries, "event")),
            (
                "left out",
                format!("{}, {} parked", output::some(self.left_out, "event"), output::some(self.parked, "aggregate")),
            ),
            ("generation", self.generation.to_string()),
            ("asked for by", format!("{}, {}", self.actor, self.started_at)),
        ];
        pairs
            .extend(self.rate.map(|rate| ("rate", format!("at most {} a second", output::some(rate.into(), "event")))));
        pairs.extend(self.ended_at.clone().map(|at| ("ended", at)));
        [Some(output::pairs(pairs)), self.remark(), self.found()].into_iter().flatten().collect::<Vec<_>>().join("\n")
    }

    fn remark(&self) -> Option<String> {
        self.reason.as_ref().map(|reason| format!("{YELLOW}{reason}{YELLOW:#}"))
    }

    fn stretch(&self) -> String {
        let aggregates = match (&self.aggregate_type, &self.aggregate_id) {
            (Some(kind), Some(id)) => format!("{kind}/{id}, "),
            (Some(kind), None) => format!("{kind}, "),
            _ => String::new(),
        };
        format!("{aggregates}positions {} to {}", output::count(self.from), output::count(self.to))
    }

    fn progress(&self) -> String {
        format!("{} of {}", output::count(self.position), output::count(self.to))
    }

    /// What a dry run found, table by table.
    fn found(&self) -> Option<String> {
        let differences = self.differences.as_ref()?;
        let mut table = output::table(["table", "equal", "only live", "only in the replay", "differing"]);
        output::numbers(&mut table, &[1, 2, 3, 4]);
        for found in differences {
            table.add_row([
                &found.table,
                &output::count(found.equal),
                &output::count(found.only_live),
                &output::count(found.only_replay),
                &output::count(found.differing),
            ]);
        }
        let sampled = differences.iter().flat_map(|found| {
            found.sample.iter().map(move |sampled| format!("{} {}: {}", found.table, sampled.row, sampled.key))
        });
        let lines: Vec<_> = std::iter::once(output::render(&table)).chain(sampled).collect();
        Some(lines.join("\n"))
    }
}

/// A table of jobs.
pub(super) fn table(rows: &[Job]) -> String {
    let mut table = output::table(["job", "plugin", "work", "state", "stretch", "come as far as", "asked for by"]);
    output::numbers(&mut table, &[0]);
    for job in rows {
        table.add_row([
            &job.id.to_string(),
            &job.plugin,
            &job.work,
            &job.state,
            &job.stretch(),
            &job.progress(),
            &job.actor,
        ]);
    }
    output::render(&table)
}
