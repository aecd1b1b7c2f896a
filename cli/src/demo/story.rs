//! How the demo is told: a line per step, with what happened and how long it took.

use std::time::{Duration, Instant};

use serde::Serialize;

use super::flights::Flights;
use crate::{
    fail::{Failure, Kind},
    output::{self, BOLD, DIM, Format, GREEN, YELLOW},
};

/// Columns of a line before its time.
const WIDTH: usize = 84;

/// What happened so far.
pub(super) struct Story {
    format: Format,
    began: Instant,
    steps: Vec<Step>,
    wrong: Vec<String>,
}

#[derive(Serialize)]
struct Step {
    step: &'static str,
    detail: String,
    millis: u128,
}

impl Story {
    pub(super) fn begin(format: Format, flights: &Flights) -> anyhow::Result<Self> {
        if format == Format::Table {
            let (version, events) = (env!("CARGO_PKG_VERSION"), output::some(flights.lines(), "event"));
            output::line(&format!("{BOLD}EventDBX {version}{BOLD:#}: {} as {events}\n", flights.title))?;
        }
        Ok(Self { format, began: Instant::now(), steps: Vec::new(), wrong: Vec::new() })
    }

    /// Tells a step that began at `since` and is done.
    pub(super) fn step(&mut self, step: &'static str, since: Instant, detail: &str) -> anyhow::Result<()> {
        self.tell(step, since.elapsed(), detail, "")
    }

    /// Tells a step in which so many events went by.
    pub(super) fn rated(
        &mut self,
        step: &'static str,
        since: Instant,
        events: u64,
        detail: &str,
    ) -> anyhow::Result<()> {
        let elapsed = since.elapsed();
        self.tell(step, elapsed, detail, &output::rate(events, elapsed))
    }

    fn tell(&mut self, step: &'static str, elapsed: Duration, detail: &str, rate: &str) -> anyhow::Result<()> {
        let step = Step { step, detail: detail.to_owned(), millis: elapsed.as_millis() };
        match self.format {
            Format::Table => {
                let took = output::duration(elapsed);
                let width = WIDTH.saturating_sub(detail.chars().count());
                let verb = step.step;
                output::line(&format!(
                    "  {GREEN}{verb:9}{GREEN:#}{detail}{:width$}{DIM}{took:>8} {rate:>11}{DIM:#}",
                    ""
                ))?;
            }
            Format::Ndjson => output::line(&serde_json::to_string(&step)?)?,
            Format::Json => {}
        }
        self.steps.push(step);
        Ok(())
    }

    /// Keeps in mind that something is not as it should be; the end of the story will say so.
    pub(super) fn wrong(&mut self, what: String) -> anyhow::Result<()> {
        if self.format == Format::Table {
            output::line(&format!("  {YELLOW}wrong{YELLOW:#}    {what}"))?;
        }
        self.wrong.push(what);
        Ok(())
    }

    /// Says something that is no step.
    pub(super) fn remark(&self, text: &str) -> anyhow::Result<()> {
        match self.format {
            Format::Table => output::line(&format!("\n{text}")),
            Format::Json | Format::Ndjson => {
                output::note(text);
                Ok(())
            }
        }
    }

    /// Tells how it ended. Fails if anything was wrong.
    pub(super) fn end(self) -> anyhow::Result<()> {
        let took = output::duration(self.began.elapsed());
        match self.format {
            Format::Table if self.wrong.is_empty() => {
                output::line(&format!("\n{GREEN}Everything was as expected{GREEN:#}, in {took}."))?;
            }
            Format::Json => {
                let document = serde_json::json!({ "wrong": self.wrong, "steps": self.steps });
                output::line(&crate::json::pretty(&document.to_string()))?;
            }
            Format::Table | Format::Ndjson => {}
        }
        if self.wrong.is_empty() {
            return Ok(());
        }
        Err(Failure::new(Kind::Other, "not everything was as expected").details(self.wrong).into())
    }
}
