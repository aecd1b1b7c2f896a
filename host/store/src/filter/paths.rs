//! The values that a filter or sort order reads, each in its slot: where they come from and how they get there.

use super::{ClearFields, Datum, Document, Field, Path, Row, expression::Slot, extract::Tree, subject::Source};

/// What a filter or sort order needs beside the fields that stand in clear.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a set of five names, each asked for by name")]
pub struct Needs {
    /// Anything of what is sealed in an event: actor, note, payload, metadata, extensions.
    pub body: bool,
    /// The payload of an event.
    pub payload: bool,
    /// Actor, note or metadata of an event.
    pub envelope: bool,
    /// The extensions of an event.
    pub extensions: bool,
    /// The state of an aggregate.
    pub state: bool,
}

/// The wanted values. Equal paths share a slot.
#[derive(Debug, Clone, Default)]
pub(super) struct Paths {
    sources: Vec<Source>,
    documents: Vec<(Document, Tree)>,
}

/// The values of one row by slot; none: not read yet.
pub(super) type Slots<'r> = Vec<Option<Datum<'r>>>;

impl Paths {
    /// The slot of a source, which is given one if it has none.
    pub(super) fn slot(&mut self, source: Source) -> Slot {
        if let Some(slot) = self.sources.iter().position(|known| *known == source) {
            return slot;
        }
        let slot = self.sources.len();
        if let Source::Document(document, path) = &source {
            let known = self.documents.iter().position(|(known, _)| known == document);
            let index = known.unwrap_or_else(|| {
                self.documents.push((*document, Tree::default()));
                self.documents.len() - 1
            });
            self.documents[index].1.want(path, slot);
        }
        self.sources.push(source);
        slot
    }

    /// The field in clear that a slot holds; none: it holds something else.
    pub(super) fn field(&self, slot: Slot) -> Option<Field> {
        match self.sources[slot] {
            Source::Field(field) => Some(field),
            _ => None,
        }
    }

    /// The paths into what clients wrote and schemas describe: payloads and states.
    pub(super) fn contents(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|source| match source {
            Source::Document(Document::Payload | Document::State, path) => Some(path),
            _ => None,
        })
    }

    pub(super) fn needs(&self) -> Needs {
        let mut needs = Needs::default();
        for source in &self.sources {
            match source {
                Source::Field(_) => {}
                Source::Document(Document::State, _) => needs.state = true,
                Source::Document(document, _) => {
                    needs.body = true;
                    needs.payload |= *document == Document::Payload;
                    needs.envelope |= *document == Document::Metadata;
                    needs.extensions |= *document == Document::Extensions;
                }
                Source::Actor | Source::Note => (needs.body, needs.envelope) = (true, true),
            }
        }
        needs
    }

    /// Reads the fields that stand in clear.
    pub(super) fn clear<'r>(&self, row: &'r impl ClearFields) -> Slots<'r> {
        let known = self.sources.iter().map(|source| match source {
            Source::Field(field) => Some(row.field(*field)),
            _ => None,
        });
        known.collect()
    }

    /// Reads the others: each JSON text in one pass, however many paths lead into it.
    pub(super) fn sealed<'r>(&self, row: &'r impl Row, slots: &mut Slots<'r>) {
        for (slot, source) in slots.iter_mut().zip(&self.sources) {
            match source {
                Source::Field(_) => {}
                Source::Actor => *slot = Some(Datum::optional(row.actor())),
                Source::Note => *slot = Some(Datum::optional(row.note())),
                Source::Document(..) => *slot = Some(Datum::Null),
            }
        }
        for (document, tree) in &self.documents {
            if let Some(text) = row.document(*document) {
                tree.extract(text, slots);
            }
        }
    }
}
