//! Where the aggregates stand, as the committer knows it: what is on disk and what the group at hand adds.

use std::sync::Arc;

use quick_cache::{Weighter, unsync::Cache};
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, Micros, Position, ReadError, Version, files::Files, keys::KeptKey, limits,
    merkle::Edge,
};

/// An aggregate between two groups.
pub(crate) struct LiveHead {
    pub(crate) number: AggregateNumber,
    pub(crate) version: Version,
    pub(crate) archived: bool,
    /// Whether its name and key are on disk, or will be with the group at hand.
    pub(crate) written: bool,
    pub(crate) last_position: Position,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) key: Arc<KeptKey>,
    pub(crate) tree: Edge,
    pub(crate) state: Map<String, Value>,
    /// At least as many bytes as the canonical state has.
    pub(crate) state_bytes: usize,
}

impl LiveHead {
    /// An aggregate that no event was written to yet.
    pub(crate) fn unborn(key: Arc<KeptKey>) -> Self {
        Self {
            number: AggregateNumber::default(),
            version: Version::default(),
            archived: false,
            written: false,
            last_position: Position::default(),
            created_at: Micros::default(),
            updated_at: Micros::default(),
            key,
            tree: Edge::default(),
            state: Map::new(),
            state_bytes: 2,
        }
    }
}

/// The committer's own cache: nobody else reads or writes it, so that it needs no lock.
pub(crate) struct Heads {
    cache: Cache<AggregateRef, LiveHead, HeadWeight>,
}

#[derive(Clone)]
struct HeadWeight;

impl Weighter<AggregateRef, LiveHead> for HeadWeight {
    fn weight(&self, name: &AggregateRef, head: &LiveHead) -> u64 {
        // A parsed state takes some four times its text.
        let bytes = 512 + name.id.as_str().len() + 4 * head.state_bytes + head.tree.memory();
        bytes as u64
    }
}

impl Heads {
    pub(crate) fn new() -> Self {
        let items = usize::try_from(limits::HEAD_CACHE_BYTES / 1024).unwrap_or(usize::MAX);
        Self { cache: Cache::with_weighter(items, limits::HEAD_CACHE_BYTES, HeadWeight) }
    }

    /// Takes a head out, from memory or from disk; none when the aggregate does not exist.
    pub(crate) fn take(
        &mut self,
        files: &Files,
        at: &fjall::Snapshot,
        name: &AggregateRef,
    ) -> Result<Option<LiveHead>, ReadError> {
        if let Some((_, head)) = self.cache.remove(name) {
            return Ok(Some(head));
        }
        Ok(files.head_of(at, name)?.map(|head| LiveHead {
            number: head.number,
            version: head.version,
            archived: head.archived,
            written: true,
            last_position: head.last_position,
            created_at: head.created_at,
            updated_at: head.updated_at,
            key: head.key,
            tree: Edge::at(head.tree),
            state_bytes: head.state_bytes,
            state: head.state,
        }))
    }

    /// Keeps a head for the next group.
    pub(crate) fn put(&mut self, name: AggregateRef, head: LiveHead) {
        self.cache.insert(name, head);
    }
}
