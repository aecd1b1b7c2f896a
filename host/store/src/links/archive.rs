//! Archiving an aggregate that others refer to: their schemas say whether it may be, and what becomes of the references.
//!
//! Who refers to it is found out on the caller's thread. The committer only looks whether somebody else does by now, or one
//! of those moved on; then it is found out again.

use std::collections::HashMap;

use crate::{
    AggregateRef, AppendError, Domain, Json, Reason, Version, limits,
    schema::{Link, OnArchive},
};

use super::referrers::{Candidate, candidates};

/// Those that are named in a refusal at most.
const NAMED: usize = 10;

/// What archiving an aggregate does to those that refer to it.
#[derive(Debug, Default)]
pub(crate) struct ArchivePlan {
    /// All that may refer to it, at the versions at which they were looked at.
    pub(crate) seen: HashMap<AggregateRef, Version>,
    /// The references that are removed, as a JSON Patch for each aggregate.
    pub(crate) removals: Vec<(AggregateRef, Json)>,
}

impl Domain {
    /// Finds out who refers to an aggregate that is to be archived.
    ///
    /// # Errors
    ///
    /// Refused with `referred-to` where a reference forbids it, and with `referrers` where more than
    /// [`ARCHIVE_REFERRERS`](limits::ARCHIVE_REFERRERS) aggregates may refer to it.
    pub(crate) fn plan_archive(&self, name: &AggregateRef) -> Result<ArchivePlan, AppendError> {
        self.index_links()?;
        let files = &self.inner.files;
        let (book, at) = (self.schemas(), files.db.snapshot());
        let (mut plan, mut holders) = (ArchivePlan::default(), Vec::new());
        for candidate in candidates(files, &at, &book, files.target(None, name), None) {
            let Candidate { referrer, .. } = candidate?;
            if plan.seen.len() >= limits::ARCHIVE_REFERRERS {
                let most = limits::ARCHIVE_REFERRERS;
                let message = format!("more than ARCHIVE_REFERRERS ({most}) aggregates refer to {name}");
                return Err(refused("referrers", message));
            }
            plan.seen.insert(referrer.name.clone(), referrer.version);
            // Nothing can be written to an archived one, and nobody reads it as if it were in use.
            if referrer.archived || referrer.name == *name {
                continue;
            }
            holders.extend(referrer.links.iter().find(|link| link.on_archive == OnArchive::Restrict).map(|link| {
                let field = if link.hidden { "a hidden field" } else { &link.pointer };
                format!("{} (by {field})", referrer.name)
            }));
            plan.removals.extend(removal(&referrer.links).map(|patch| (referrer.name, patch)));
        }
        if holders.is_empty() {
            return Ok(plan);
        }
        let more = holders.len().saturating_sub(NAMED);
        let named = holders.into_iter().take(NAMED).collect::<Vec<_>>().join(", ");
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Err(refused(
            "referred-to",
            format!("{name} is referred to by {named}{more}: archive those first, or change their references"),
        ))
    }
}

/// The patch that takes out the references that go when what they name is archived.
fn removal(links: &[Link]) -> Option<Json> {
    let removed = links.iter().filter(|link| link.on_archive == OnArchive::Nullify);
    let operations: Vec<_> = removed.map(|link| serde_json::json!({ "op": "remove", "path": link.pointer })).collect();
    (!operations.is_empty()).then(|| Json::trusted(serde_json::Value::Array(operations).to_string()))
}

fn refused(code: &'static str, message: String) -> AppendError {
    AppendError::Refused(vec![Reason { event: 0, path: String::new(), code, message }])
}
