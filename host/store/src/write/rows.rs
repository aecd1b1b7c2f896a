//! The rows of a group, gathered into one fjall batch.

use std::{collections::BTreeSet, sync::Arc};

use fjall::OwnedWriteBatch as WriteBatch;

use super::{
    heads::LiveHead,
    sequence::{Sequence, Sequenced, Tiles},
};
use crate::{
    AggregateNumber, AggregateRef, Event, Position,
    files::Files,
    json,
    rows::{self, CommitRecord, HeadRow, SnapshotRow, Target},
};

/// What a group will write.
pub(crate) struct Rows<'a> {
    files: &'a Files,
    batch: WriteBatch,
    pub(crate) events: Vec<Arc<Event>>,
    pub(crate) tiles: Tiles,
}

impl<'a> Rows<'a> {
    pub(crate) fn new(files: &'a Files) -> Self {
        Self { files, batch: files.db.batch(), events: Vec::new(), tiles: Tiles::default() }
    }

    /// The three rows of an event; and a fourth, if it is urgent.
    pub(crate) fn event(&mut self, sequenced: Sequenced) {
        let spaces = &self.files.spaces;
        let header = &sequenced.event.header;
        let position = header.position.get().to_be_bytes();
        self.batch.insert(&spaces.log, position, sequenced.row);
        self.batch.insert(&spaces.index, rows::index_key(header.number, header.version), position);
        self.batch.insert(&spaces.ids, header.event_id.0, position);
        if header.recipients.is_urgent() {
            self.batch.insert(&spaces.urgent, position, []);
        }
        self.events.push(sequenced.event);
    }

    /// A snapshot.
    pub(crate) fn snapshot(&mut self, key: [u8; 16], row: &SnapshotRow<Vec<u8>>) {
        self.batch.insert(&self.files.spaces.snapshots, key, row.encode());
    }

    /// The head of an aggregate after the group; for a new one its name and key too.
    pub(crate) fn head(&mut self, name: &AggregateRef, head: &mut LiveHead) {
        let spaces = &self.files.spaces;
        let number = head.number.get().to_be_bytes();
        if !head.written {
            self.batch.insert(&spaces.names, rows::name_key(name), number);
            self.batch.insert(&spaces.keys, number, head.key.key.wrap(&self.files.keys.keyring, head.number));
            head.written = true;
        }
        let state = json::canonical_object(&head.state);
        head.state_bytes = state.len();
        let binding = self.files.state_binding(&head.key, name, head.version);
        let row = HeadRow {
            version: head.version,
            archived: head.archived,
            last_position: head.last_position,
            created_at: head.created_at,
            updated_at: head.updated_at,
            key_id: *head.key.id(),
            tree: head.tree.range().clone(),
            sealed_state: head.key.cipher.seal(&binding, state.as_bytes()),
        };
        self.batch.insert(&spaces.heads, number, row.encode());
    }

    /// The rows of what an aggregate refers to, as far as that changed.
    pub(crate) fn links(
        &mut self,
        name: &AggregateRef,
        number: AggregateNumber,
        before: &BTreeSet<Target>,
        after: &BTreeSet<Target>,
    ) {
        let links = &self.files.spaces.links;
        for gone in before.difference(after) {
            self.batch.remove(links, rows::link_key(*gone, number));
        }
        for new in after.difference(before) {
            self.batch.insert(links, rows::link_key(*new, number), rows::name_key(name));
        }
    }

    /// The record of the batch, which the next one will name, and the tiles that it completed.
    pub(crate) fn commit_record(&mut self, first: Position, sequence: &mut Sequence) {
        let spaces = &self.files.spaces;
        for (number, tile) in self.tiles.completed.drain(..) {
            let key = rows::tile_key(number, tile.level, tile.index);
            self.batch.insert(&spaces.tiles, key, tile.tile.bytes().as_slice());
        }
        let record = CommitRecord {
            first,
            last: sequence.last,
            recorded_at: sequence.recorded_at,
            aggregates: sequence.aggregates,
            root: sequence.tree.root(),
            previous: sequence.previous,
        };
        let encoded = record.encode();
        sequence.previous = CommitRecord::hash(&encoded);
        self.batch.insert(&spaces.commits, record.last.get().to_be_bytes(), encoded);
    }

    pub(crate) fn take_batch(&mut self) -> WriteBatch {
        std::mem::replace(&mut self.batch, self.files.db.batch())
    }
}
