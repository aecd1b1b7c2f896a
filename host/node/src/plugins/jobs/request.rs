//! What is asked for when something is to be replayed, and what is checked before it begins.

use eventdbx_sandbox::Descriptor;
use eventdbx_store::{Domain, Instant, Micros, Position};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{Span, Work, record::NamedTable, span::first_at};
use crate::plugins::{PayloadMode, PluginError};

/// The capability by which a read model says that an event may be delivered to its live tables twice.
const IDEMPOTENT: &str = "idempotent";

/// What is to be replayed, and how. Nothing at all: the whole log, into new tables that then replace the live ones.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ReplayRequest {
    /// Only aggregates of this type.
    pub aggregate_type: Option<String>,
    /// Only the aggregate with this id; needs the type.
    pub aggregate_id: Option<String>,
    /// First position.
    pub from: Option<u64>,
    /// Last position; none: the end of the log as it is now.
    pub to: Option<u64>,
    /// Only events that were recorded at this time or later (RFC 3339, or a date).
    pub since: Option<String>,
    /// Only events that were recorded before this time.
    pub until: Option<String>,
    /// What its deliveries carry; none: as installed.
    pub payload_mode: Option<PayloadMode>,
    /// Deliver into tables that are thrown away, and tell how they differ from the live ones.
    pub dry_run: bool,
    /// Most events a second; none: as fast as it goes.
    pub rate: Option<u32>,
}

/// A replay that was checked and can begin.
#[derive(Debug)]
pub(in crate::plugins) struct Plan {
    pub(in crate::plugins) work: Work,
    pub(in crate::plugins) span: Span,
    pub(in crate::plugins) payload_mode: PayloadMode,
    pub(in crate::plugins) rate: Option<u32>,
    pub(in crate::plugins) tables: Vec<NamedTable>,
    pub(in crate::plugins) now: Micros,
}

impl Plan {
    /// Checks a request against what the plugin can do, and finds the stretch. Every reason that can be found at once is
    /// reported.
    pub(in crate::plugins) fn new(
        request: &ReplayRequest,
        (name, descriptor): (&str, &Descriptor),
        installed_mode: PayloadMode,
        (domain, now): (&Domain, Micros),
    ) -> Result<Self, PluginError> {
        let mut faults = Vec::new();
        let payload_mode = request.payload_mode.unwrap_or(installed_mode);
        if request.rate == Some(0) {
            faults.push("`rate` is 0, with which a replay never ends: give at least 1 event a second".to_owned());
        }
        let span = span(request, domain, &mut faults)?;
        let tables = descriptor.tables.iter();
        let tables = tables.map(|table| NamedTable { name: table.name.clone(), key_format: table.key_format.clone() });
        let tables: Vec<_> = tables.collect();
        let work = match (request.dry_run, tables.is_empty(), span.is_whole()) {
            (true, ..) => Work::DryRun,
            (false, false, true) => Work::Rebuild,
            (false, ..) => Work::Stretch,
        };
        faults.extend(refusal(work, name, descriptor, &span));
        if faults.is_empty() {
            Ok(Self { work, span, payload_mode, rate: request.rate, tables, now })
        } else {
            Err(PluginError::Invalid(faults))
        }
    }
}

/// Why a plugin does not bear this work, and what to do instead.
fn refusal(work: Work, name: &str, descriptor: &Descriptor, span: &Span) -> Option<String> {
    let tables = !descriptor.tables.is_empty();
    let idempotent = descriptor.capabilities.iter().any(|capability| capability == IDEMPOTENT);
    match work {
        Work::DryRun if !tables => Some(format!("{name} keeps no tables, so that a dry run has nothing to compare")),
        Work::Stretch if !tables && span.is_whole() => {
            Some(format!("{name} would send everything once more: say so with a stretch, e.g. `from` = 1"))
        }
        Work::Stretch if tables && !idempotent => Some(format!(
            "{name} does not say that it is idempotent: a stretch alone would count its events twice in the live tables. \
             Replay the whole log, which builds new tables; or see with a dry run what would differ. An author whose tables \
             bear an event twice declares the capability `{IDEMPOTENT}`"
        )),
        _ => None,
    }
}

/// The stretch that a request names.
fn span(request: &ReplayRequest, domain: &Domain, faults: &mut Vec<String>) -> Result<Span, PluginError> {
    let head = domain.head().position;
    let mut span = Span::whole();
    match request.aggregate_type.as_ref().map(|kind| kind.parse()).transpose() {
        Ok(kind) => span.aggregate_type = kind,
        Err(fault) => faults.push(fault.to_string()),
    }
    match request.aggregate_id.as_ref().map(|id| id.parse()).transpose() {
        Ok(id) => span.aggregate_id = id,
        Err(fault) => faults.push(fault.to_string()),
    }
    if request.aggregate_id.is_some() && request.aggregate_type.is_none() {
        faults.push("`aggregate_id` needs `aggregate_type`: an id is one within a type".to_owned());
    }
    for (what, position) in [("from", request.from), ("to", request.to)] {
        match position {
            Some(0) => faults.push(format!("`{what}` is 0: positions begin at 1")),
            Some(position) if position > head.get() => {
                faults.push(format!("`{what}` is {position}, but the log ends at {head}"));
            }
            _ => {}
        }
    }
    let since = time("since", request.since.as_deref(), faults);
    let until = time("until", request.until.as_deref(), faults);
    if !faults.is_empty() {
        return Ok(span);
    }
    let found = |time: Instant| first_at(domain, head, time).map_err(|error| PluginError::Internal(error.to_string()));
    let since = since.map(found).transpose()?;
    let until = until.map(found).transpose()?;
    let first = since.map_or(1, Position::get).max(request.from.unwrap_or(1));
    let last = until.map_or(head.get(), |end| end.get() - 1).min(request.to.unwrap_or(head.get()));
    span.from = Position::new(first);
    // A part of the log ends somewhere; the whole of it goes on for as long as events come.
    let part = span.aggregate_type.is_some() || request.from.is_some() || request.to.is_some();
    if part || since.is_some() || until.is_some() {
        span.to = Some(Position::new(last));
        if first > last {
            faults.push("there is no event in this stretch of the log".to_owned());
        }
    }
    Ok(span)
}

fn time(what: &str, text: Option<&str>, faults: &mut Vec<String>) -> Option<Instant> {
    let text = text?;
    let time = Instant::parse(text);
    if time.is_none() {
        let shown: String = text.chars().take(40).collect();
        faults.push(format!(
            "`{what}` is {shown:?}, which is no time: give one like 2013-01-01T05:17:00-05:00, or a date"
        ));
    }
    time
}
