//! Changes to the schema of a type: decided on the book of now, and written on no other.

use eventdbx_store::{
    AggregateType, Domain, Mode, Receipt, Schema, SchemaBook, SchemaDocument,
    schema::{Change, ChangeKind, diff},
};
use serde_json::{Value, json, value::to_raw_value};

use super::standing::refused_states;
use crate::{
    api::ApiError,
    wire::{CheckExample, ErrorCode, Raw, Reason, SchemaChange, SchemaWritten},
};

/// The version that must be in force for a change to be made; 0: none may be.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Expected(pub(crate) Option<u32>);

/// A change that was asked for.
pub(crate) struct Edit<'a> {
    pub(crate) log: &'a Domain,
    pub(crate) actor: &'a str,
    pub(crate) expected: Expected,
    /// Also if it refuses states that are there.
    pub(crate) force: bool,
    /// Only say what would happen.
    pub(crate) dry_run: bool,
}

impl Edit<'_> {
    /// Writes a document as the next version, and makes it the active one.
    pub(crate) fn put(&self, document: SchemaDocument, note: Option<&str>) -> Result<SchemaWritten, ApiError> {
        let (book, kind) = (self.log.schemas(), document.aggregate().clone());
        let mut outcome = self.judge(&book, &document)?;
        let next = book.versions(&kind).next_back().map_or(1, |last| last.version + 1);
        let same = book.active(&kind).filter(|active| *active.schema.document() == document);
        outcome.version = Some(same.map_or(next, |active| active.version));
        if !self.dry_run {
            let (version, receipt) = self.log.put_schema(document, self.actor, note)?;
            outcome.version = Some(version);
            outcome.note(&receipt);
        }
        Ok(outcome)
    }

    /// Makes a version that is there the active one.
    pub(crate) fn activate(&self, kind: &AggregateType, version: u32) -> Result<SchemaWritten, ApiError> {
        let book = self.log.schemas();
        let stored = book.version(kind, version);
        let stored =
            stored.ok_or_else(|| ApiError::not_found(format_args!("version {version} of a schema of {kind}")))?;
        let mut outcome = self.judge(&book, stored.schema.document())?;
        outcome.version = Some(version);
        outcome.note(&self.log.activate_schema(kind, version, self.actor)?);
        Ok(outcome)
    }

    /// Takes the active schema out of force.
    pub(crate) fn remove(&self, kind: &AggregateType) -> Result<SchemaWritten, ApiError> {
        let book = self.log.schemas();
        self.expected.hold(&book, kind)?;
        let active = book.active(kind).ok_or_else(|| ApiError::not_found(format_args!("active schema of {kind}")))?;
        let mut outcome = SchemaWritten {
            aggregate_type: kind.to_string(),
            version: None,
            previous: Some(active.version),
            written: false,
            position: None,
            changes: changes(diff(active.schema.document(), &accepts_all(kind)?))?,
            warnings: Vec::new(),
            refused_states: Vec::new(),
        };
        outcome.warnings.extend(shown_again(&book, kind, None));
        if book.mode() == Mode::Strict {
            outcome.warnings.push(format!("the domain is in strict mode: nothing more can be written to {kind}"));
        }
        outcome.note(&self.log.remove_schema(kind, self.actor)?);
        Ok(outcome)
    }

    /// What making a document the active one changes, unless it is refused.
    fn judge(&self, book: &SchemaBook, document: &SchemaDocument) -> Result<SchemaWritten, ApiError> {
        let kind = document.aggregate();
        self.expected.hold(book, kind)?;
        let active = book.active(kind);
        let found = match active {
            Some(active) => diff(active.schema.document(), document),
            None => diff(&accepts_all(kind)?, document),
        };
        let narrowing = found.iter().filter(|change| change.narrows).count();
        let refused =
            if narrowing > 0 { refused_states(self.log, kind, &Schema::new(document.clone()))? } else { Vec::new() };
        if !refused.is_empty() && !self.force && !self.dry_run {
            return Err(refuses(kind, &refused));
        }
        Ok(SchemaWritten {
            aggregate_type: kind.to_string(),
            version: None,
            previous: active.map(|active| active.version),
            written: false,
            position: None,
            changes: changes(found)?,
            warnings: warnings(book, document, narrowing, &refused),
            refused_states: refused,
        })
    }
}

impl Expected {
    fn hold(self, book: &SchemaBook, kind: &AggregateType) -> Result<(), ApiError> {
        let active = book.active(kind).map_or(0, |active| active.version);
        let Some(expected) = self.0.filter(|expected| *expected != active) else { return Ok(()) };
        let message = match (active, expected) {
            (0, expected) => format!("{kind} has no active schema, not version {expected}"),
            (active, 0) => format!("{kind} has a schema already: version {active} is active"),
            (active, expected) => format!("version {active} of the schema of {kind} is active, not {expected}"),
        };
        Err(ApiError::new(ErrorCode::Conflict, message).hint("read it again, and decide anew: nothing was changed"))
    }
}

impl SchemaWritten {
    /// Notes what the log says.
    fn note(&mut self, receipt: &Receipt) {
        self.written = !receipt.duplicate;
        self.position = receipt.events.first().map(|event| event.position.get());
    }
}

/// The refusal of a schema that what is there does not fit.
fn refuses(kind: &AggregateType, refused: &[CheckExample]) -> ApiError {
    let count = counted(refused);
    let message = format!("the schema refuses the state of {count} of type {kind}: nothing was changed");
    let reasons = refused.iter().enumerate().flat_map(|(index, example)| {
        let name = format!("{}/{}", example.aggregate_type, example.aggregate_id);
        example.violations.iter().map(move |violation| Reason {
            event: index,
            path: violation.path.clone(),
            code: violation.rule.clone(),
            message: format!("{name}: expected {}, found {}", violation.expected, violation.actual),
        })
    });
    ApiError::new(ErrorCode::Conflict, message)
        .reasons(reasons.collect())
        .hint("mend those aggregates first, or force it: they stay as they are, and their next events must mend them")
}

fn counted(refused: &[CheckExample]) -> String {
    match refused.len() {
        1 => "1 aggregate".to_owned(),
        super::EXAMPLES => format!("{} aggregates or more", super::EXAMPLES),
        many => format!("{many} aggregates"),
    }
}

fn warnings(book: &SchemaBook, document: &SchemaDocument, narrowing: usize, refused: &[CheckExample]) -> Vec<String> {
    let (mut warnings, kind) = (Vec::new(), document.aggregate());
    if document.is_locked() {
        warnings.push(format!("it is locked: nothing more can be written to {kind}"));
    }
    match narrowing {
        0 => {}
        _ if book.active(kind).is_none() => {
            warnings.push(format!("{kind} had no schema: events that were accepted before may be refused now"));
        }
        1 => warnings.push("1 change narrows: events that were accepted before may be refused now".to_owned()),
        many => warnings.push(format!("{many} changes narrow: events that were accepted before may be refused now")),
    }
    if let Some(first) = refused.first() {
        let what = first.violations.first().map_or_else(String::new, |violation| {
            format!(" at {}: expected {}, found {}", violation.path, violation.expected, violation.actual)
        });
        let name = format!("{}/{}", first.aggregate_type, first.aggregate_id);
        warnings.push(format!("it refuses the state of {}, e.g. {name}{what}", counted(refused)));
    }
    warnings.extend(shown_again(book, kind, Some(&Schema::new(document.clone()))));
    if book.mode() == Mode::Off {
        warnings.push("the domain is in mode off: nothing is checked".to_owned());
    }
    warnings
}

/// What people should know when fields that are hidden now will not be.
fn shown_again(book: &SchemaBook, kind: &AggregateType, next: Option<&Schema>) -> Option<String> {
    let mut shown = book.active(kind)?.schema.hidden_pointers();
    let hidden = next.map(Schema::hidden_pointers).unwrap_or_default();
    // What lies in a hidden field is hidden with it.
    shown.retain(|pointer| !hidden.iter().any(|above| pointer == above || pointer.starts_with(&format!("{above}/"))));
    (!shown.is_empty()).then(|| format!("what was hidden is shown to everybody: {}", shown.join(", ")))
}

/// What holds for a type without a schema.
fn accepts_all(kind: &AggregateType) -> Result<SchemaDocument, ApiError> {
    SchemaDocument::parse(&json!({ "aggregate": kind, "additional": true }).to_string()).map_err(|faults| {
        ApiError::new(ErrorCode::Internal, format!("no schema can be written for {kind}: {faults:?}"))
    })
}

/// What changes from one schema to another.
pub(crate) fn changes_between(old: &SchemaDocument, new: &SchemaDocument) -> Result<Vec<SchemaChange>, ApiError> {
    changes(diff(old, new))
}

fn changes(found: Vec<Change>) -> Result<Vec<SchemaChange>, ApiError> {
    found.into_iter().map(change).collect()
}

fn change(change: Change) -> Result<SchemaChange, ApiError> {
    let raw = |value: Option<Value>| -> Result<Option<Raw>, ApiError> {
        let unreadable = |error: serde_json::Error| ApiError::new(ErrorCode::Internal, error.to_string());
        value.as_ref().map(to_raw_value).transpose().map_err(unreadable)
    };
    let kind = match change.kind {
        ChangeKind::Added => "added",
        ChangeKind::Removed => "removed",
        ChangeKind::Changed => "changed",
    };
    Ok(SchemaChange {
        pointer: change.pointer,
        kind: kind.to_owned(),
        from: raw(change.from)?,
        to: raw(change.to)?,
        narrows: change.narrows,
    })
}
