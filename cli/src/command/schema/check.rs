//! `dbx schema check`: history against a schema, with a bar while it runs.

use std::time::Duration;

use anyhow::Context;
use eventdbx_node::{
    client,
    wire::{CheckExample, CheckProgress, CheckReply, CheckReport},
};
use hyper::Method;
use indicatif::{ProgressBar, ProgressStyle};

use super::Kind;
use crate::{
    fail::{self, Failure},
    output::{self, GREEN, YELLOW},
    schema_file::File,
    session::Session,
};

/// Examples that people are shown.
const EXAMPLES: usize = 10;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
    /// A file with the schema to check with, or - for standard input [default: the active schema]
    #[arg(value_name = "FILE")]
    file: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let document = match &self.file {
            None => String::new(),
            Some(name) => {
                let file = File::read(name)?;
                file.check()?;
                file.of(&self.kind.kind)?.to_json()
            }
        };
        let report = self.check(session, document).await?;
        session.format.answer(&serde_json::to_string(&report)?, text)?;
        judge(&report)
    }

    async fn check(&self, session: &Session, document: String) -> anyhow::Result<CheckReport> {
        let bar = Bar::new();
        let mut client = session.connect().await?;
        let target = session.at(["schemas", &self.kind.kind, "check"]);
        let mut lines = client.lines(Method::POST, target.as_ref(), client::whole(document)).await?;
        loop {
            let line = lines.next().await?.context("the daemon ended the check without a word")?;
            match serde_json::from_slice(&line)? {
                CheckReply::Progress(progress) => bar.show(&progress),
                CheckReply::Report(report) => return Ok(report),
                CheckReply::Error(refusal) => return Err(fail::from_answer(&refusal.error).into()),
            }
        }
    }
}

/// A bar on standard error, or nothing where that is no terminal. It goes when it is dropped.
struct Bar(ProgressBar);

impl Bar {
    fn new() -> Self {
        let bar = ProgressBar::new(0);
        if let Ok(style) = ProgressStyle::with_template("{bar:32.cyan/dim} {percent:>3}%  {msg}  {eta} left") {
            bar.set_style(style.progress_chars("━━─"));
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    fn show(&self, progress: &CheckProgress) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.checked);
        let events = output::some(progress.checked, "event");
        self.0.set_message(format!("{events} checked, {} refused", output::count(progress.refused)));
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

fn text(report: &CheckReport) -> String {
    let (events, aggregates) = (output::some(report.events, "event"), output::some(report.aggregates, "aggregate"));
    let with = report.version.map_or_else(|| "the schema".to_owned(), |version| format!("version {version}"));
    if report.refused_events == 0 && report.refused_states == 0 {
        return format!("{GREEN}checked{GREEN:#} {events} of {aggregates} with {with}: 0 refused");
    }
    let mut table = output::table(["rule", "at", "events", "states"]);
    output::numbers(&mut table, &[2, 3]);
    for rule in &report.rules {
        table.add_row([&rule.rule, &rule.path, &output::count(rule.events), &output::count(rule.states)]);
    }
    let mut parts = vec![
        format!(
            "{YELLOW}checked{YELLOW:#} {events} of {aggregates} with {with}: {} and {} refused",
            output::some(report.refused_events, "event"),
            output::some(report.refused_states, "state")
        ),
        String::new(),
        output::render(&table),
        String::new(),
    ];
    parts.extend(report.examples.iter().take(EXAMPLES).map(example));
    if report.examples.len() > EXAMPLES {
        parts.push("… --format json shows more of them".to_owned());
    }
    parts.join("\n")
}

fn example(example: &CheckExample) -> String {
    let CheckExample { aggregate_type, aggregate_id, version, .. } = example;
    let what = match (&example.event_type, example.position) {
        (Some(event), Some(position)) => format!("{event} at position {position}"),
        _ => "as it stands".to_owned(),
    };
    let violations = example.violations.iter().map(|violation| {
        format!("\n  {}: expected {}, found {}", violation.path, violation.expected, violation.actual)
    });
    format!("{aggregate_type}/{aggregate_id} version {version}, {what}{}", violations.collect::<String>())
}

fn judge(report: &CheckReport) -> anyhow::Result<()> {
    if report.refused_events == 0 && report.refused_states == 0 {
        return Ok(());
    }
    let (events, states) = (output::some(report.refused_events, "event"), output::some(report.refused_states, "state"));
    Err(Failure::new(
        fail::Kind::Refused,
        format!("the schema would refuse {events} and {states}: nothing was changed"),
    )
    .into())
}
