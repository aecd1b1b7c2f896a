//! The one place where an event gets its version, its position and its time: the order of a domain is decided here and
//! nowhere else. (A cluster would have it decided by a replicated log instead.)

use std::{ops::Range, sync::Arc};

use super::{CheckedEvent, Effect, heads::LiveHead};
use crate::{
    AggregateNumber, Digest, Event, Head, Header, Micros, Position, ReadError,
    digest::event_digest,
    domain::{ARCHIVED, RESTORED},
    files::{Files, StoredTree},
    json,
    merkle::{self, CompleteTile, Edge, Tile, TileSource},
    rows::{CommitRecord, EventRow},
};

/// The end of the log, as the committer advances it.
pub(crate) struct Sequence {
    origin: [u8; 16],
    pub(crate) last: Position,
    pub(crate) recorded_at: Micros,
    pub(crate) aggregates: u64,
    pub(crate) tree: Edge,
    /// Hash of the last commit record.
    pub(crate) previous: Digest,
}

/// An event in its place, with the rows that it makes.
pub(crate) struct Sequenced {
    pub(crate) event: Arc<Event>,
    pub(crate) row: Vec<u8>,
}

/// Tiles that a group completed. They are not on disk before the group is, and later ones may build on them.
#[derive(Default)]
pub(crate) struct Tiles {
    pub(crate) completed: Vec<(AggregateNumber, CompleteTile)>,
}

impl Sequence {
    /// Goes on after the last commit record, given with its hash; none: an empty log.
    pub(crate) fn new(origin: [u8; 16], tree: Edge, last: Option<(&CommitRecord, Digest)>) -> Self {
        let start = Self {
            origin,
            last: Position::default(),
            recorded_at: Micros::default(),
            aggregates: 0,
            tree,
            previous: Digest::default(),
        };
        match last {
            None => start,
            Some((record, hash)) => Self {
                last: record.last,
                recorded_at: record.recorded_at,
                aggregates: record.aggregates,
                previous: hash,
                ..start
            },
        }
    }

    /// The end of the log as it is now.
    pub(crate) fn head(&self) -> Head {
        Head { position: self.last, root: self.tree.root(), recorded_at: self.recorded_at }
    }

    /// Starts a group at `now`, but never before the group before it.
    pub(crate) fn start_group(&mut self, now: Micros) {
        self.recorded_at = self.recorded_at.max(now);
    }

    /// Gives an admitted event its place after `head` and folds it into it.
    pub(crate) fn place(
        &mut self,
        files: &Files,
        at: &fjall::Snapshot,
        event: CheckedEvent,
        head: &mut LiveHead,
        tiles: &mut Tiles,
    ) -> Result<Sequenced, ReadError> {
        self.last = self.last.next();
        if head.version.get() == 0 {
            self.aggregates += 1;
            head.number = AggregateNumber::new(self.aggregates);
            head.created_at = self.recorded_at;
        }
        head.version = head.version.next();
        head.last_position = self.last;
        head.updated_at = self.recorded_at;
        let mut header = Header {
            position: self.last,
            number: head.number,
            aggregate: event.aggregate,
            version: head.version,
            event_id: event.event_id,
            event_type: event.event_type,
            recorded_at: self.recorded_at,
            occurred_at: event.occurred_at,
            schema_version: event.follows.as_ref().map_or(0, |follows| follows.version),
            kind: event.kind,
            recipients: event.recipients,
            digest: Digest::default(),
        };
        match header.event_type.as_str() {
            ARCHIVED => head.archived = true,
            RESTORED => head.archived = false,
            _ => {}
        }
        header.digest =
            event_digest(&self.origin, &header, &event.body.actor, event.commitment_kind, &event.commitments);
        fold(head, event.effect);
        tiles.push(files, at, head.number, &mut head.tree, header.digest)?;
        let leaf = merkle::domain_leaf(self.last, &header.digest);
        tiles.push(files, at, AggregateNumber::default(), &mut self.tree, leaf)?;

        let row = EventRow {
            header,
            key_id: *event.key.id(),
            commitment_kind: event.commitment_kind,
            compressed: event.compressed,
            sealed: event.sealed,
        };
        let encoded = row.encode();
        Ok(Sequenced { event: Arc::new(Event { header: row.header, body: event.body }), row: encoded })
    }
}

fn fold(head: &mut LiveHead, effect: Effect) {
    match effect {
        Effect::None | Effect::Switch(_) | Effect::Archive { .. } | Effect::Evaluated { state: None, .. } => {}
        Effect::Merge { members, growth } => {
            json::merge(&mut head.state, members);
            head.state_bytes += growth;
        }
        Effect::Evaluated { state: Some(state), .. } => head.state = state,
    }
}

impl Tiles {
    fn push(
        &mut self,
        files: &Files,
        at: &fjall::Snapshot,
        number: AggregateNumber,
        tree: &mut Edge,
        leaf: Digest,
    ) -> Result<(), ReadError> {
        let stored = files.tree(at, number, tree.size());
        let source = Overlaid { completed: &self.completed, number, stored };
        let mut full = Vec::new();
        tree.push(leaf, &source, &mut full)?;
        self.completed.extend(full.into_iter().map(|tile| (number, tile)));
        Ok(())
    }
}

/// A tree on disk with the tiles of the group at hand over it.
struct Overlaid<'a> {
    completed: &'a [(AggregateNumber, CompleteTile)],
    number: AggregateNumber,
    stored: StoredTree<'a>,
}

impl TileSource for Overlaid<'_> {
    type Error = ReadError;

    fn size(&self) -> u64 {
        self.stored.size()
    }

    fn tile(&self, level: u8, index: u64) -> Result<Tile, ReadError> {
        let wanted = (self.number, level, index);
        match self.completed.iter().find(|(number, tile)| (*number, tile.level, tile.index) == wanted) {
            Some((_, tile)) => Ok(tile.tile.clone()),
            None => self.stored.tile(level, index),
        }
    }

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Digest>, ReadError> {
        // What an edge has not seen was there before the group.
        self.stored.leaves(range)
    }
}
