//! Listings: which rows and in which order, pages that are fetched one after the other until the limit is reached, and a
//! word about how to go on where there is more.

use std::str::FromStr;

use eventdbx_node::wire::Raw;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    json,
    output::{self, Format},
    session::{Session, Target},
};

/// Most rows that one page of the API has.
pub(super) const PAGE_ROWS: usize = 1000;

/// How many rows are wanted.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Limit(Option<usize>);

impl FromStr for Limit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self(None)),
            _ => match text.parse() {
                Ok(number) if number > 0 => Ok(Self(Some(number))),
                _ => Err("a number from 1, or all".to_owned()),
            },
        }
    }
}

/// Which rows, and in which order.
#[derive(Debug, clap::Args)]
pub(crate) struct Selection {
    /// Only rows that pass, e.g. "event_type = 'order_paid' AND payload.total > 100"; see docs/CLI.md
    #[arg(long, value_name = "EXPR")]
    filter: Option<String>,
    /// In this order, e.g. "payload.total desc, recorded_at"; unless it begins with recorded_at, all rows are read for it
    #[arg(long, value_name = "PATHS")]
    sort: Option<String>,
    /// Only what was recorded at this time or later: RFC 3339, or a date, which begins in UTC
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// Only what was recorded before this time
    #[arg(long, value_name = "TIME")]
    until: Option<String>,
    /// Go on where a page ended, with all else as it was there
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
}

impl Selection {
    /// The parameters that every page has.
    pub(crate) fn of(&self, target: Target) -> Target {
        target
            .query("filter", self.filter.as_ref())
            .query("sort", self.sort.as_ref())
            .query("since", self.since.as_ref())
            .query("until", self.until.as_ref())
    }

    /// Where the first page begins: at the cursor, or where the option `name` says.
    pub(crate) fn first(&self, name: &'static str, value: Option<String>) -> Option<(&'static str, String)> {
        let cursor = self.cursor.clone().map(|cursor| ("cursor", cursor));
        cursor.or_else(|| value.map(|value| (name, value)))
    }
}

/// A listing to be printed.
pub(crate) struct Pages {
    /// Path and what every page has, without cursor and limit.
    pub(crate) target: Target,
    /// Where the first page begins: a parameter and its value.
    pub(crate) first: Option<(&'static str, String)>,
    /// How many rows are wanted.
    pub(crate) limit: Limit,
}

/// One page, as the API gives it.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) rows: Vec<Raw>,
    pub(super) next: Option<String>,
}

impl Pages {
    /// Prints the rows: as lines while they come, or as one document or table at the end.
    pub(crate) async fn print<T: DeserializeOwned>(
        self,
        session: &Session,
        table: impl FnOnce(&[T]) -> String,
    ) -> anyhow::Result<()> {
        let mut rows: Vec<Raw> = Vec::new();
        let mut printed = 0;
        let mut begin = self.first;
        let next = loop {
            let wanted = self.limit.0.map_or(PAGE_ROWS, |limit| (limit - printed - rows.len()).min(PAGE_ROWS));
            let target = match &begin {
                Some((name, value)) => self.target.clone().query(name, Some(value)),
                None => self.target.clone(),
            };
            let page: Page = serde_json::from_str(&session.get(target.query("limit", Some(wanted))).await?)?;
            rows.extend(page.rows);
            if session.format == Format::Ndjson {
                printed += rows.len();
                rows.drain(..).try_for_each(|row| output::line(row.get()))?;
            }
            let Some(next) = page.next else { break None };
            if self.limit.0.is_some_and(|limit| printed + rows.len() >= limit) {
                break Some(next);
            }
            begin = Some(("cursor", next));
        };
        match session.format {
            Format::Ndjson => {}
            Format::Json => output::line(&document(&rows, next.as_deref())?)?,
            Format::Table if rows.is_empty() => output::note("nothing found"),
            Format::Table => {
                let rows: Result<Vec<T>, _> = rows.iter().map(|row| serde_json::from_str(row.get())).collect();
                output::line(&table(&rows?))?;
            }
        }
        if let Some(next) = next {
            output::note(&format!("there is more: --cursor {next}, or --limit all"));
        }
        Ok(())
    }
}

fn document(rows: &[Raw], next: Option<&str>) -> anyhow::Result<String> {
    let (rows, next) = (serde_json::to_string(rows)?, serde_json::to_string(&next)?);
    Ok(json::pretty(&format!(r#"{{"rows":{rows},"next":{next}}}"#)))
}
