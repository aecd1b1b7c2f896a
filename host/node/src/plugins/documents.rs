//! A batch as it is handed over: its deliveries, and the schemas that they name, each once, however many events were checked
//! with it.

use eventdbx_sandbox::{Delivery, SchemaDocument};
use eventdbx_store::{AggregateType, SchemaBook};

use super::cut::Cut;

/// The schemas of a batch.
#[derive(Default)]
struct Documents {
    documents: Vec<(AggregateType, u32, String)>,
    /// By item: which of them.
    places: Vec<Option<u32>>,
}

impl Cut {
    /// Lends the deliveries of the batch, with the schemas that they name, as a guest is handed them.
    pub(super) fn lend<T>(
        &self,
        book: &SchemaBook,
        take: impl FnOnce(&[SchemaDocument<'_>], &[Delivery<'_>]) -> T,
    ) -> T {
        let (ids, places) = self.event_ids();
        let documents = Documents::of(self, book);
        let items = self.items.iter().zip(places).zip(documents.places());
        let items: Vec<Delivery<'_>> =
            items.map(|((item, place), schema)| item.delivery(&ids[place], schema)).collect();
        take(&documents.handed(), &items)
    }
}

impl Documents {
    /// Those of a batch that was cut, as its mode names them.
    fn of(cut: &Cut, book: &SchemaBook) -> Self {
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
    fn handed(&self) -> Vec<SchemaDocument<'_>> {
        let documents = self.documents.iter().map(|(kind, version, text)| SchemaDocument {
            aggregate_type: kind.as_str(),
            schema_version: *version,
            document: text,
        });
        documents.collect()
    }

    /// Which of them each item names.
    fn places(&self) -> impl Iterator<Item = Option<u32>> {
        self.places.iter().copied()
    }
}
