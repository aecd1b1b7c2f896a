//! Strong references: what they name must be there, and not archived, when they are written.
//!
//! Which ones an event writes is found on the caller's thread. Whether they hold is for the committer to say: what they
//! name may be created by a request that was taken just before, and archived by another.

use fjall::{Readable, Snapshot};
use serde_json::{Map, Value};

use super::parse::ParsedEvent;
use crate::{
    AggregateRef, Domain, ReadError, Reason, Schema, Violation,
    files::Files,
    keys,
    rows::HeadRow,
    schema::{Integrity, Link},
};

/// What an event needs to be there.
pub(crate) struct Need {
    /// Where the reference stands: a JSON Pointer into the event.
    path: String,
    pub(crate) target: AggregateRef,
    hidden: bool,
}

/// How an aggregate stands that a reference names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    Missing,
    Archived,
    There,
}

/// What an event needs that writes `after` where `before` was; `below`: what the members are of, e.g. `/payload`. A strong
/// reference into another domain adds to `found`: nobody here can answer for it.
pub(super) fn needs(
    files: &Files,
    schema: &Schema,
    below: &str,
    (before, after): (&[Link], &Map<String, Value>),
    found: &mut Vec<Violation>,
) -> Vec<Need> {
    let own = files.keys.keyring.name();
    let links = schema.links(after).into_iter();
    let written = links.filter(|link| link.integrity == Integrity::Strong && !before.contains(link));
    let mut needs = Vec::new();
    for Link { pointer, domain, target, hidden, .. } in written {
        match domain.filter(|domain| domain != own) {
            None => needs.push(Need { path: format!("{below}{pointer}"), target, hidden }),
            Some(_) => found.push(Violation {
                pointer,
                rule: "reference",
                expected: "an aggregate of this domain, since the reference is strong".to_owned(),
                actual: "one of another domain".to_owned(),
            }),
        }
    }
    needs
}

impl Need {
    /// Why the event at `index` is refused; none: the need is met.
    pub(super) fn unmet(&self, index: usize, standing: Standing) -> Option<Reason> {
        let what = match standing {
            Standing::There => return None,
            Standing::Missing => "does not exist",
            Standing::Archived => "is archived",
        };
        let message = match self.hidden {
            true => format!("the aggregate that it refers to {what}"),
            false => format!("it refers to {}, which {what}", self.target),
        };
        Some(Reason { event: index, path: self.path.clone(), code: "reference", message })
    }
}

/// How an aggregate stands on the disk. One that the request itself writes to is there.
pub(super) fn standing(files: &Files, at: &Snapshot, name: &AggregateRef) -> Result<Standing, ReadError> {
    let Some(number) = keys::number_of(at, &files.spaces, name)? else { return Ok(Standing::Missing) };
    let row = at.get(&files.spaces.heads, number.get().to_be_bytes())?;
    let row = row.ok_or_else(|| ReadError::Damaged(format!("{name}: its head row is missing")))?;
    Ok(if HeadRow::decode(&row)?.archived { Standing::Archived } else { Standing::There })
}

impl Domain {
    /// Adds the strong references of a state that stands, whatever events led to it, as far as what they name is not there.
    ///
    /// # Errors
    ///
    /// When the log cannot be read.
    pub fn check_references(
        &self,
        schema: &Schema,
        state: &Map<String, Value>,
        out: &mut Vec<Violation>,
    ) -> Result<(), ReadError> {
        if !schema.refers() {
            return Ok(());
        }
        let files = &self.inner.files;
        let at = files.db.snapshot();
        for need in needs(files, schema, "", (&[], state), out) {
            let Some(reason) = need.unmet(0, standing(files, &at, &need.target)?) else { continue };
            let actual = if need.hidden { "one that is hidden".to_owned() } else { need.target.to_string() };
            let expected = format!("an aggregate that can be referred to ({})", reason.message);
            out.push(Violation { pointer: reason.path, rule: reason.code, expected, actual });
        }
        Ok(())
    }
}

/// The needs of a request that is refused anyway, as far as they are not met: all is said at once.
pub(super) fn unmet(
    files: &Files,
    at: &Snapshot,
    events: &[ParsedEvent],
    needs: &[Vec<Need>],
) -> Result<Vec<Reason>, ReadError> {
    let mut reasons = Vec::new();
    for (index, need) in needs.iter().enumerate().flat_map(|(index, needs)| needs.iter().map(move |need| (index, need)))
    {
        if !events.iter().any(|event| event.aggregate == need.target) {
            reasons.extend(need.unmet(index, standing(files, at, &need.target)?));
        }
    }
    Ok(reasons)
}
