//! Questions to the plugins, and whether the answers are right.

use std::time::Instant;

use anyhow::Context;
use eventdbx_node::wire::VerifyReport;
use serde_json::{Value, json, value::to_raw_value};

use super::{flights::Flights, story::Story};
use crate::{
    command::{
        aggregate,
        plugin::{self, Job, Request},
        query::Question,
    },
    output,
    session::Session,
};

/// How long a plugin may take to read the rest of the log.
const PATIENCE_MS: u64 = 120_000;

/// The state of things after the import.
pub(super) struct Answers<'a> {
    pub(super) session: &'a Session,
    pub(super) flights: &'a Flights,
    /// Position of the last event.
    pub(super) position: u64,
}

impl Answers<'_> {
    /// Asks every read model and compares with what was counted from the source.
    pub(super) async fn compare(&self, story: &mut Story) -> anyhow::Result<()> {
        let expected = self.flights.expected.as_ref();

        let since = Instant::now();
        let carriers = self.ask("punctuality", "carriers", None).await?;
        let right = expected.map(|expected| &expected.carriers);
        judge(story, since, &format!("carriers: {}", busiest_carriers(&carriers)), &carriers, right)?;

        let since = Instant::now();
        let hours = self.ask("airport-hours", "departures", None).await?;
        let right = expected.map(|expected| &expected.departures_by_hour);
        judge(story, since, &format!("departures: {}", busiest_hours(&hours)), &hours, right)?;

        let since = Instant::now();
        let top = self.ask("aircraft-miles", "top", Some(json!({ "n": 10 }))).await?;
        let right = expected.map(|expected| &expected.aircraft_miles_top10);
        judge(story, since, &format!("aircraft: {}", farthest(&top)), &top, right)?;

        let since = Instant::now();
        let total = self.ask("aircraft-miles", "total", None).await?;
        let right = expected.map(|expected| &expected.aircraft_miles_total);
        let miles = output::count(total.as_u64().unwrap_or_default());
        judge(story, since, &format!("aircraft: {miles} miles in all"), &total, right)
    }

    /// Lets a plugin read everything again with another payload mode: its answer must stay.
    pub(super) async fn replay(&self, name: &str, payload_mode: &str, story: &mut Story) -> anyhow::Result<()> {
        let before = self.ask(name, "counts", None).await?;
        let since = Instant::now();
        let request = Request::with_mode(payload_mode);
        let answer = plugin::replay(self.session, name, &request).await?;
        let job: Job = serde_json::from_str(&answer)?;
        let detail = format!("{name} with {payload_mode}, into generation {} beside the live one", job.generation);
        story.rated("replay", since, self.flights.lines(), &detail)?;
        let since = Instant::now();
        let after = self.ask(name, "counts", None).await?;
        let counts = after.as_object();
        let events: u64 = counts.map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum());
        let types = output::some(counts.map_or(0, |counts| counts.len() as u64), "type");
        let same = if before == after { ", as before" } else { "" };
        story.step("query", since, &format!("counts: {} of {types}{same}", output::some(events, "event")))?;
        if before == after && events == self.flights.lines() {
            return Ok(());
        }
        story.wrong(format!("counted {before} before and {after} after the replay of {} events", self.flights.lines()))
    }

    /// Recomputes an aggregate and the whole domain.
    pub(super) async fn verify(&self, story: &mut Story) -> anyhow::Result<()> {
        let name = self.flights.first()?;
        for aggregate in [Some((name.kind.as_str(), name.id.as_str())), None] {
            let since = Instant::now();
            let answer = aggregate::verify::request(self.session, aggregate).await?;
            let report: VerifyReport = serde_json::from_str(&answer)?;
            let what = aggregate.map_or_else(|| "the domain".to_owned(), |(kind, id)| format!("{kind}/{id}"));
            let root: String = report.root.chars().take(16).collect();
            let events = output::some(report.events, "event");
            story.rated("verify", since, report.events, &format!("{what}: {events} recomputed, root {root}…"))?;
            aggregate::verify::judge(report)?;
        }
        Ok(())
    }

    async fn ask(&self, plugin: &str, query: &str, params: Option<Value>) -> anyhow::Result<Value> {
        let params = params.map(|params| to_raw_value(&params)).transpose()?;
        let wait = Some(self.position);
        let question = Question { params, wait, timeout_ms: Some(PATIENCE_MS), ..Question::default() };
        let answer = question.ask(self.session, plugin, query).await?;
        serde_json::from_str(answer.body.get()).with_context(|| format!("reading the answer of {plugin} {query}"))
    }
}

/// Tells an answer, and whether it is the expected one.
fn judge(
    story: &mut Story,
    since: Instant,
    detail: &str,
    answer: &Value,
    expected: Option<&Value>,
) -> anyhow::Result<()> {
    let Some(expected) = expected else { return story.step("query", since, detail) };
    if answer == expected {
        return story.step("query", since, &format!("{detail}; as expected"));
    }
    story.step("query", since, detail)?;
    story.wrong(format!("expected {expected}, got {answer}"))
}

/// The three carriers with most departures.
fn busiest_carriers(carriers: &Value) -> String {
    let members = carriers.as_object().into_iter().flatten();
    let departed = members.map(|(name, counts)| (name.as_str(), counts["departed"].as_u64().unwrap_or_default()));
    format!("{} departures", largest(departed))
}

/// The three hours with most departures.
fn busiest_hours(hours: &Value) -> String {
    let members = hours.as_object().into_iter().flatten();
    let departures = members.map(|(hour, number)| (hour.as_str(), number.as_u64().unwrap_or_default()));
    format!("{} departures", largest(departures))
}

/// The three aircraft that flew farthest.
fn farthest(top: &Value) -> String {
    let pairs = top.as_array().into_iter().flatten();
    let miles = pairs.map(|pair| (pair[0].as_str().unwrap_or_default(), pair[1].as_u64().unwrap_or_default()));
    format!("{} miles", largest(miles))
}

fn largest<'a>(numbers: impl Iterator<Item = (&'a str, u64)>) -> String {
    let mut numbers: Vec<_> = numbers.collect();
    numbers.sort_by_key(|(_, number)| std::cmp::Reverse(*number));
    let first = numbers.iter().take(3).map(|(name, number)| format!("{name} {}", output::count(*number)));
    first.collect::<Vec<_>>().join(", ")
}
