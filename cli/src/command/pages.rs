//! Listings: pages are fetched one after the other until the limit is reached, and a listing that ends early says so.

use std::str::FromStr;

use eventdbx_node::wire::Raw;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;

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

/// A listing to be printed.
pub(crate) struct Pages {
    /// Path and filters, without cursor and limit.
    pub(crate) target: Target,
    /// Name of the parameter that says where a page begins; the command's option has the same name.
    pub(crate) cursor: &'static str,
    /// Where the first page begins.
    pub(crate) first: Option<String>,
    /// How many rows are wanted.
    pub(crate) limit: Limit,
}

/// One page, as the API gives it.
#[derive(Deserialize)]
pub(super) struct Page {
    pub(super) rows: Vec<Raw>,
    /// A number or a text, depending on the listing.
    pub(super) next: Option<Raw>,
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
        let mut cursor = self.first;
        let next = loop {
            let wanted = self.limit.0.map_or(PAGE_ROWS, |limit| (limit - printed - rows.len()).min(PAGE_ROWS));
            let target = self.target.clone().query(self.cursor, cursor.as_ref()).query("limit", Some(wanted));
            let page: Page = serde_json::from_str(&session.get(target).await?)?;
            rows.extend(page.rows);
            if session.format == Format::Ndjson {
                printed += rows.len();
                rows.drain(..).try_for_each(|row| output::line(row.get()))?;
            }
            cursor = page.next.as_deref().map(plain);
            if cursor.is_none() || self.limit.0.is_some_and(|limit| printed + rows.len() >= limit) {
                break page.next;
            }
        };
        match session.format {
            Format::Ndjson => {}
            Format::Json => output::line(&document(&rows, next.as_ref())?)?,
            Format::Table if rows.is_empty() => output::note("nothing found"),
            Format::Table => {
                let rows: Result<Vec<T>, _> = rows.iter().map(|row| serde_json::from_str(row.get())).collect();
                output::line(&table(&rows?))?;
            }
        }
        if let Some(next) = next.as_deref().map(plain) {
            output::note(&format!("there is more: --{} {next}, or --limit all", self.cursor));
        }
        Ok(())
    }
}

fn document(rows: &[Raw], next: Option<&Raw>) -> anyhow::Result<String> {
    let (rows, next) = (serde_json::to_string(rows)?, serde_json::to_string(&next)?);
    Ok(json::pretty(&format!(r#"{{"rows":{rows},"next":{next}}}"#)))
}

/// A cursor as it is written on the command line.
pub(super) fn plain(cursor: &RawValue) -> String {
    serde_json::from_str(cursor.get()).unwrap_or_else(|_| cursor.get().to_owned())
}
