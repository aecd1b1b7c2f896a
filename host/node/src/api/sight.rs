//! Hidden fields: the one place where they are taken out of what leaves by the API.
//!
//! A type whose *active* schema hides fields has them taken out of every payload, patch and state, however old, unless the
//! caller asks for them and may see them. Deliveries to plugins do not come through here: selectors govern those.

use std::sync::Arc;

use eventdbx_store::{AggregateType, Event, EventKind, Filter, Json, Path, Schema, SchemaBook, Sort};
use serde_json::value::to_raw_value;

use super::{ApiError, convert};
use crate::{
    grant::Grant,
    node::DomainNode,
    wire::{ErrorCode, Raw},
};

/// Whether a request sees hidden fields. Only a grant gives one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    all: bool,
}

/// What a request sees of a domain, by the schemas of one moment.
pub(super) struct View {
    /// None: everything.
    book: Option<Arc<SchemaBook>>,
}

impl Sight {
    /// What the holder of a grant sees, who asks for hidden fields or does not.
    pub(super) fn new(grant: &Grant, hidden: bool) -> Result<Self, ApiError> {
        if hidden && !grant.may_see_hidden() {
            return Err(ApiError::new(ErrorCode::Denied, "hidden fields are not shown to this caller"));
        }
        Ok(Self { all: hidden })
    }

    /// The view by the schemas of now.
    pub(super) fn of(self, domain: &DomainNode) -> View {
        View { book: (!self.all).then(|| domain.log.schemas()) }
    }
}

impl View {
    /// The payload or patch of an event.
    pub(super) fn content(&self, event: &Event) -> Result<Raw, ApiError> {
        let is_patch = event.header.kind == EventKind::Patch;
        self.shown(&event.header.aggregate.kind, &event.body.payload, |schema, value| {
            if is_patch { schema.remove_hidden_from_patch(value) } else { schema.remove_hidden(value) }
        })
    }

    /// The state of an aggregate.
    pub(super) fn state(&self, kind: &AggregateType, state: &Json) -> Result<Raw, ApiError> {
        self.shown(kind, state, Schema::remove_hidden)
    }

    /// Whether rows of a type (none: of any) may be chosen by a filter and put into an order: who does not see a field must not
    /// find out its value by asking for it.
    pub(super) fn permits(
        &self,
        kind: Option<&AggregateType>,
        filter: Option<&Filter>,
        sort: Option<&Sort>,
    ) -> Result<(), ApiError> {
        let Some(book) = &self.book else { return Ok(()) };
        let read: Vec<&Path> =
            filter.into_iter().flat_map(Filter::contents).chain(sort.into_iter().flat_map(Sort::contents)).collect();
        let kinds = book.kinds().filter(|one| kind.is_none_or(|kind| kind == *one));
        for schema in kinds.filter_map(|kind| book.active(kind)).map(|active| &active.schema) {
            for hidden in schema.hidden_pointers() {
                if let Some(path) = read.iter().find(|path| reaches(path, &hidden)) {
                    let message = format!("`{path}` reads the field {hidden}, which schemas hide");
                    return Err(ApiError::new(ErrorCode::Denied, message)
                        .hint("who may see it asks for it: `hidden=true`, in the terminal `--hidden`"));
                }
            }
        }
        Ok(())
    }

    /// JSON as it is, byte for byte, unless something had to be taken out.
    fn shown(
        &self,
        kind: &AggregateType,
        json: &Json,
        remove: impl FnOnce(&Schema, &mut serde_json::Value),
    ) -> Result<Raw, ApiError> {
        let active = self.book.as_ref().and_then(|book| book.active(kind));
        let Some(schema) = active.map(|active| &active.schema).filter(|schema| schema.hides()) else {
            return convert::raw(json);
        };
        let unreadable = |error| ApiError::new(ErrorCode::Integrity, format!("stored JSON cannot be read: {error}"));
        let whole = json.value().map_err(unreadable)?;
        let mut shown = whole.clone();
        remove(schema, &mut shown);
        if shown == whole { convert::raw(json) } else { to_raw_value(&shown).map_err(unreadable) }
    }
}

/// Whether a path leads to a hidden field, into it, or to something that it is part of. Into the operations of a JSON Patch,
/// which are numbered, it may lead to any.
fn reaches(path: &Path, hidden: &str) -> bool {
    let Ok(hidden) = Path::parse(hidden) else { return true };
    let numbered = path.segments().next().is_some_and(|first| first.bytes().all(|byte| byte.is_ascii_digit()));
    numbered || path.segments().zip(hidden.segments()).all(|(one, other)| one == other)
}
