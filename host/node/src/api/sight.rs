//! What a caller sees of events and states: the one place where hidden fields are taken out of what leaves by the API, and
//! where old events are given today's shape for those who ask for it.
//!
//! A type whose *active* schema hides fields has them taken out of every payload, patch and state, however old, unless the
//! caller asks for them and may see them. Deliveries to plugins do not come through here: selectors govern those.

use std::sync::Arc;

use eventdbx_store::{AggregateType, Event, EventKind, Filter, Json, Path, Schema, SchemaBook, Sort, schema::Link};
use serde_json::{Map, Value, value::to_raw_value};

use super::{ApiError, convert};
use crate::{
    grant::Grant,
    node::DomainNode,
    wire::{ErrorCode, Raw},
};

/// Whether a request sees hidden fields, and old events in today's shape. Only a grant gives one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sight {
    all: bool,
    upcast: bool,
}

/// What a request sees of a domain, by the schemas of one moment.
pub(crate) struct View {
    book: Arc<SchemaBook>,
    sight: Sight,
}

/// What is shown of an event's payload or patch.
pub(crate) struct Content {
    pub(crate) json: Raw,
    /// Whether it has another shape than it was written in.
    pub(super) upcast: bool,
}

impl Sight {
    /// What the holder of a grant sees, who asks for hidden fields or does not.
    pub(super) fn new(grant: &Grant, hidden: bool) -> Result<Self, ApiError> {
        if hidden && !grant.may_see_hidden() {
            return Err(ApiError::new(ErrorCode::Denied, "hidden fields are not shown to this caller"));
        }
        Ok(Self { all: hidden, upcast: false })
    }

    /// With old events in the shape that the active schemas give them, or as they were written.
    pub(super) fn upcast(self, upcast: bool) -> Self {
        Self { upcast, ..self }
    }

    /// The view by the schemas of now.
    pub(super) fn of(self, domain: &DomainNode) -> View {
        View { book: domain.log.schemas(), sight: self }
    }
}

impl View {
    /// The view of somebody to whom no hidden field is ever shown.
    pub(crate) fn without_hidden(book: Arc<SchemaBook>) -> Self {
        Self { book, sight: Sight { all: false, upcast: false } }
    }

    /// The payload or patch of an event.
    pub(crate) fn content(&self, event: &Event) -> Result<Content, ApiError> {
        let is_patch = event.header.kind == EventKind::Patch;
        let upcast = self.sight.upcast.then(|| self.book.upcast(event)).flatten();
        let payload = upcast.as_ref().unwrap_or(&event.body.payload);
        let json = self.shown(&event.header.aggregate.kind, payload, |schema, value| {
            if is_patch { schema.remove_hidden_from_patch(value) } else { schema.remove_hidden(value) }
        })?;
        Ok(Content { json, upcast: upcast.is_some() })
    }

    /// The references in a state as it is shown, which must not be asked of one that has more.
    pub(super) fn links(&self, kind: &AggregateType, shown: &Raw) -> Vec<Link> {
        let Some(active) = self.book.active(kind).filter(|active| active.schema.refers()) else { return Vec::new() };
        let state: Map<String, Value> = serde_json::from_str(shown.get()).unwrap_or_default();
        active.schema.links(&state)
    }

    /// Whether a field that holds a reference may be named.
    pub(super) fn sees(&self, link: &Link) -> bool {
        self.sight.all || !link.hidden
    }

    /// The state of an aggregate.
    pub(crate) fn state(&self, kind: &AggregateType, state: &Json) -> Result<Raw, ApiError> {
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
        if self.sight.all {
            return Ok(());
        }
        let book = &self.book;
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
        remove: impl FnOnce(&Schema, &mut Value),
    ) -> Result<Raw, ApiError> {
        let active = self.book.active(kind).filter(|_| !self.sight.all);
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
