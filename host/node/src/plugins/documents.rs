//! The schemas that the deliveries of a batch name: each once, however many events were checked with it.

use eventdbx_sandbox::SchemaDocument;
use eventdbx_store::{AggregateType, SchemaBook};

use super::cut::Cut;

/// The schemas of a batch.
#[derive(Default)]
pub(super) struct Documents {
    documents: Vec<(AggregateType, u32, String)>,
    /// By item: which of them.
    places: Vec<Option<u32>>,
}

impl Documents {
    /// Those of a batch that was cut, as its mode names them.
    pub(super) fn of(cut: &Cut, book: &SchemaBook) -> Self {
        let mut documents = Self::default();
        for item in &cut.items {
            let kind = &item.header().aggregate.kind;
            let place = item.schema(book).map(|stored| {
                let same = |known: &(AggregateType, u32, String)| known.0 == *kind && known.1 == stored.version;
                documents.documents.iter().position(same).unwrap_or_else(|| {
                    let text = stored.schema.document().to_json();
                    documents.documents.push((kind.clone(), stored.version, text));
                    documents.documents.len() - 1
                })
            });
            // A batch has no more schemas than items, of which there are few.
            documents.places.push(place.and_then(|place| u32::try_from(place).ok()));
        }
        documents
    }

    /// As they are handed over.
    pub(super) fn handed(&self) -> Vec<SchemaDocument<'_>> {
        let documents = self.documents.iter().map(|(kind, version, text)| SchemaDocument {
            aggregate_type: kind.as_str(),
            schema_version: *version,
            document: text,
        });
        documents.collect()
    }

    /// Which of them each item names.
    pub(super) fn places(&self) -> impl Iterator<Item = Option<u32>> {
        self.places.iter().copied()
    }
}
