//! The rows to be exported, page by page, so that memory is bounded whatever a domain holds.

use anyhow::Context;
use eventdbx_node::wire::{DomainDetails, Raw};
use serde::Deserialize;

use crate::{
    command::pages::{PAGE_ROWS, Page},
    session::{Session, Target},
};

/// What is exported.
pub(super) struct Listing<'a> {
    pub(super) session: &'a Session,
    pub(super) kind: Option<&'a str>,
    pub(super) archived: bool,
    pub(super) events: bool,
    /// Position of the last event that is exported.
    pub(super) as_of: u64,
}

/// The pages of a listing.
pub(super) struct Pages<'a> {
    listing: &'a Listing<'a>,
    target: Target,
    next: Next,
}

enum Next {
    First,
    At(String),
    End,
}

/// As much of an event as decides whether it is exported.
#[derive(Deserialize)]
struct Placed {
    position: u64,
}

/// Position at which the log ends now.
pub(super) async fn head(session: &Session) -> anyhow::Result<u64> {
    let details: DomainDetails = serde_json::from_str(&session.get(session.at([])).await?)?;
    details.status.position.context("the domain is not served")
}

impl<'a> Listing<'a> {
    pub(super) fn pages(&'a self) -> Pages<'a> {
        let target = if self.events {
            self.session.at(["events"]).query("type", self.kind)
        } else {
            let target = self.session.at(["aggregates"]).query("type", self.kind);
            target.flag("archived", self.archived).flag("include_state", true)
        };
        Pages { listing: self, target, next: Next::First }
    }
}

impl Pages<'_> {
    /// The next page; none: that was all.
    pub(super) async fn next(&mut self) -> anyhow::Result<Option<Vec<Raw>>> {
        let begin = match &self.next {
            Next::End => return Ok(None),
            Next::First => None,
            Next::At(cursor) => Some(cursor),
        };
        let target = self.target.clone().query("cursor", begin).query("limit", Some(PAGE_ROWS));
        let Page { mut rows, next } = serde_json::from_str(&self.listing.session.get(target).await?)?;
        self.next = next.map_or(Next::End, Next::At);
        if self.listing.events {
            self.end_at_head(&mut rows)?;
        }
        Ok(Some(rows))
    }

    /// Leaves out what came after the export began.
    fn end_at_head(&mut self, rows: &mut Vec<Raw>) -> anyhow::Result<()> {
        while let Some(last) = rows.last() {
            if serde_json::from_str::<Placed>(last.get())?.position <= self.listing.as_of {
                break;
            }
            rows.pop();
            self.next = Next::End;
        }
        Ok(())
    }
}
