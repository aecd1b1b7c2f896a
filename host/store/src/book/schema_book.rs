//! The book: mode and schemas at one place in the log. It never changes; a switch makes a new one.

use std::{collections::BTreeMap, sync::Arc};

use super::{Change, Mode};
use crate::{AggregateType, Event, Micros, Position, ReadError, Schema, schema::Use};

/// Mode and schemas of a domain at one place in its log.
#[derive(Debug, Clone, Default)]
pub struct SchemaBook {
    epoch: u64,
    mode: Mode,
    types: BTreeMap<AggregateType, Arc<Versions>>,
}

/// The schemas of one aggregate type.
#[derive(Debug, Clone, Default)]
struct Versions {
    /// Version n at index n - 1.
    all: Vec<StoredSchema>,
    active: Option<u32>,
    /// Position of the last switch: what is active has been so from there on.
    switched_at: Position,
}

/// A version of a schema, as it stands in the log.
#[derive(Debug, Clone)]
pub struct StoredSchema {
    /// Its version: 1, 2, 3 … within the aggregate type.
    pub version: u32,
    /// What it says, ready for checking.
    pub schema: Arc<Schema>,
    /// What of extensions it uses, as they were when it was written.
    pub uses: Arc<[Use]>,
    /// When it was written.
    pub recorded_at: Micros,
    /// Position of its `$schema_set`.
    pub position: Position,
    /// Who wrote it.
    pub actor: Arc<str>,
    /// A remark of whoever wrote it.
    pub note: Option<Arc<str>>,
}

/// What holds for events of an aggregate type.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Rule<'b> {
    /// Nothing.
    Free,
    /// They follow this schema.
    Follow(&'b StoredSchema),
    /// There is no schema, and without one nothing is written.
    NoSchema,
}

impl Rule<'_> {
    /// Whether both decide alike about everything.
    pub(crate) fn is_same(&self, other: &Rule<'_>) -> bool {
        match (self, other) {
            (Self::Free, Rule::Free) | (Self::NoSchema, Rule::NoSchema) => true,
            // A version is made once, so the same one is the same object.
            (Self::Follow(one), Rule::Follow(other)) => Arc::ptr_eq(&one.schema, &other.schema),
            _ => false,
        }
    }
}

impl SchemaBook {
    /// How many switches led to it.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The mode of the domain.
    #[must_use]
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The aggregate types that have a schema or had one, in order.
    pub fn kinds(&self) -> impl Iterator<Item = &AggregateType> {
        self.types.keys()
    }

    /// The schema of a type that is in force now, whatever the mode; none: it has none, or it was removed.
    #[must_use]
    pub fn active(&self, kind: &AggregateType) -> Option<&StoredSchema> {
        let versions = self.types.get(kind)?;
        versions.get(versions.active?)
    }

    /// A version of a type's schema.
    #[must_use]
    pub fn version(&self, kind: &AggregateType, version: u32) -> Option<&StoredSchema> {
        self.types.get(kind)?.get(version)
    }

    /// All versions of a type's schema, the first one first.
    pub fn versions(&self, kind: &AggregateType) -> impl DoubleEndedIterator<Item = &StoredSchema> {
        self.types.get(kind).into_iter().flat_map(|versions| &versions.all)
    }

    /// The active schemas that have columns for references, each with the position from which on it has been active.
    pub(crate) fn referring(&self) -> impl Iterator<Item = (&AggregateType, &Arc<Schema>, Position)> {
        self.types.iter().filter_map(|(kind, versions)| {
            let active = versions.get(versions.active?)?;
            active.schema.refers().then_some((kind, &active.schema, versions.switched_at))
        })
    }

    /// The active schema of a type, if it has columns for references.
    pub(crate) fn referring_schema(&self, kind: &AggregateType) -> Option<&Arc<Schema>> {
        self.active(kind).map(|active| &active.schema).filter(|schema| schema.refers())
    }

    /// What holds for events that clients write to aggregates of a type.
    pub(crate) fn rule(&self, kind: &AggregateType) -> Rule<'_> {
        match (self.mode, self.active(kind)) {
            (Mode::Off, _) | (Mode::Default, None) => Rule::Free,
            (Mode::Default | Mode::Strict, Some(schema)) => Rule::Follow(schema),
            (Mode::Strict, None) => Rule::NoSchema,
        }
    }

    /// The book after a switch, which `event` put into the log.
    ///
    /// # Errors
    ///
    /// When the switch does not follow from this book: it was written once, so that is damage.
    pub(crate) fn after(&self, change: &Change, event: &Event) -> Result<Self, ReadError> {
        let mut book = self.clone();
        book.epoch += 1;
        let fits = match change {
            Change::Mode { to, .. } => {
                book.mode = *to;
                true
            }
            Change::Set { kind, version, schema, uses } => {
                let versions = Arc::make_mut(book.types.entry(kind.clone()).or_default());
                versions.push(*version, schema, uses, event)
            }
            Change::Activate { kind, version } => book.make_active(kind, Some(*version), event.header.position),
            Change::Remove { kind } => book.make_active(kind, None, event.header.position),
        };
        let position = event.header.position;
        let damaged = || ReadError::Damaged(format!("position {position}: it names a schema that is not there"));
        fits.then_some(book).ok_or_else(damaged)
    }

    fn make_active(&mut self, kind: &AggregateType, version: Option<u32>, at: Position) -> bool {
        let Some(versions) = self.types.get_mut(kind) else { return false };
        if version.is_some_and(|version| versions.get(version).is_none()) {
            return false;
        }
        let versions = Arc::make_mut(versions);
        (versions.active, versions.switched_at) = (version, at);
        true
    }
}

impl Versions {
    fn get(&self, version: u32) -> Option<&StoredSchema> {
        self.all.get(usize::try_from(version.checked_sub(1)?).ok()?)
    }

    fn push(&mut self, version: u32, schema: &Arc<Schema>, uses: &Arc<[Use]>, event: &Event) -> bool {
        if usize::try_from(version) != Ok(self.all.len() + 1) {
            return false;
        }
        self.all.push(StoredSchema {
            version,
            schema: Arc::clone(schema),
            uses: Arc::clone(uses),
            recorded_at: event.header.recorded_at,
            position: event.header.position,
            actor: Arc::clone(&event.body.actor),
            note: event.body.note.clone(),
        });
        (self.active, self.switched_at) = (Some(version), event.header.position);
        true
    }
}
