//! The index of references, as the committer keeps it and as it is built for a schema that comes to states that are there.
//!
//! The committer compares the references of a state before and after a group, and writes the difference with the group. A
//! schema that becomes active has the states of its type indexed by whoever made it so, beside the committer. Both may
//! leave a row too many, never one too few: a state that is written after the switch is indexed by the committer, and one
//! that was written before it is seen by whoever builds.

use std::{collections::BTreeSet, sync::Arc};

use fjall::Readable;
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, AggregateType, Domain, DomainName, Position, ReadError, Schema,
    files::Files,
    rows::{self, Target},
};

/// Rows that are written at once while a type is indexed.
const BUILD_ROWS: usize = 1000;

impl Files {
    /// The row key of an aggregate that is referred to. The own domain may be named, or not.
    pub(crate) fn target(&self, domain: Option<&DomainName>, name: &AggregateRef) -> Target {
        let keyring = &self.keys.keyring;
        Target::new(keyring.id_key(), domain.filter(|domain| *domain != keyring.name()), name)
    }

    /// What a state refers to.
    pub(crate) fn targets(&self, schema: &Schema, state: &Map<String, Value>) -> BTreeSet<Target> {
        schema.links(state).iter().map(|link| self.target(link.domain.as_ref(), &link.target)).collect()
    }
}

impl Domain {
    /// Makes sure that all references are in the index, as the active schemas have them. Costs nothing where they are.
    ///
    /// # Errors
    ///
    /// When a state cannot be read, or the disk refuses.
    pub(crate) fn index_links(&self) -> Result<(), ReadError> {
        let files = &self.inner.files;
        let (book, head) = (self.schemas(), self.head().position);
        for (kind, schema, since) in book.referring() {
            let indexed = files.spaces.links.get(rows::indexed_key(kind))?;
            let indexed = indexed.map(|row| rows::number(&row, "links")).transpose()?.unwrap_or_default();
            if indexed < since.get() {
                build(files, kind, schema, head)?;
            }
        }
        Ok(())
    }
}

/// Indexes the states of a type as they are at `head` or later.
fn build(files: &Files, kind: &AggregateType, schema: &Arc<Schema>, head: Position) -> Result<(), ReadError> {
    let at = files.db.snapshot();
    let (mut batch, mut gathered) = (files.db.batch(), 0);
    for row in at.prefix(&files.spaces.names, rows::kind_prefix(kind)) {
        let (key, value) = row.into_inner()?;
        let number = AggregateNumber::new(rows::number(&value, "names")?);
        let name = name_of(&key)?;
        for target in files.targets(schema, &files.head_of_number(&at, number, &name)?.state) {
            batch.insert(&files.spaces.links, rows::link_key(target, number), key.clone());
            gathered += 1;
        }
        if gathered >= BUILD_ROWS {
            std::mem::replace(&mut batch, files.db.batch()).commit()?;
            gathered = 0;
        }
    }
    batch.insert(&files.spaces.links, rows::indexed_key(kind), head.get().to_be_bytes());
    Ok(batch.commit()?)
}

/// The name that stands in a row, as a key of `names`.
pub(crate) fn name_of(key: &[u8]) -> Result<AggregateRef, ReadError> {
    rows::name_of_key(key).ok_or_else(|| ReadError::Damaged("a name does not decode".into()))
}
