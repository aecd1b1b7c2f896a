//! The open files of a domain, and the look-ups that reading and writing share.
//!
//! Everything that goes into one answer is read from one snapshot, which the caller passes in as `at`.

use std::{
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use fjall::{Database, Readable, Snapshot};
use serde_json::{Map, Value};

use crate::{
    AggregateNumber, AggregateRef, Clock, Digest, Durability, Event, Header, Json, Micros, Position, ReadError,
    Version,
    keys::{self, KeptKey, Keys},
    merkle::{self, CompactRange, SaltSeed, Tile, TileSource},
    rows::{self, EventView, HeadRow, Keyspaces},
    schema::{Extensions, Provided},
    seal::{Binding, RecordKind},
    unseal::Unsealer,
};

/// How long closing waits for memtables to reach the disk.
const CLOSE_PATIENCE: Duration = Duration::from_secs(20);

/// The database of a log with its keys.
pub(crate) struct Files {
    pub(crate) db: Database,
    pub(crate) spaces: Keyspaces,
    pub(crate) keys: Keys,
    pub(crate) clock: Clock,
    pub(crate) durability: Durability,
    pub(crate) snapshot_threshold: u32,
    /// Who decides about the types and rules that extensions bring; none: nobody yet.
    pub(crate) extensions: RwLock<Option<Arc<dyn Extensions>>>,
}

/// The head of an aggregate as it was at a snapshot.
pub(crate) struct StoredHead {
    pub(crate) number: AggregateNumber,
    pub(crate) version: Version,
    pub(crate) archived: bool,
    pub(crate) last_position: Position,
    pub(crate) created_at: Micros,
    pub(crate) updated_at: Micros,
    pub(crate) tree: CompactRange,
    pub(crate) key: Arc<KeptKey>,
    pub(crate) state: Map<String, Value>,
    pub(crate) state_bytes: usize,
}

/// A row of `log`, opened.
pub(crate) struct OpenedRow {
    pub(crate) event: Event,
    pub(crate) seed: SaltSeed,
    pub(crate) commitment_kind: u8,
}

impl Files {
    /// Whether it is still they who decide for extensions: none was exchanged since.
    pub(crate) fn is_judged_by(&self, provided: &Arc<Provided>) -> bool {
        self.extensions().is_some_and(|extensions| Arc::ptr_eq(&extensions.provided(), provided))
    }

    /// Who decides about the types and rules that extensions bring.
    pub(crate) fn extensions(&self) -> Option<Arc<dyn Extensions>> {
        self.extensions.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The head of an aggregate; none when it does not exist.
    pub(crate) fn head_of(&self, at: &Snapshot, name: &AggregateRef) -> Result<Option<StoredHead>, ReadError> {
        let Some(number) = keys::number_of(at, &self.spaces, name)? else { return Ok(None) };
        self.head_of_number(at, number, name).map(Some)
    }

    pub(crate) fn head_of_number(
        &self,
        at: &Snapshot,
        number: AggregateNumber,
        name: &AggregateRef,
    ) -> Result<StoredHead, ReadError> {
        let damaged = |what: &str| ReadError::Damaged(format!("{name}: {what}"));
        let row = at.get(&self.spaces.heads, number.get().to_be_bytes())?;
        let row = row.ok_or_else(|| damaged("its head row is missing"))?;
        let head = HeadRow::decode(&row)?;
        let key = self.keys.of_row(number, name, head.key_id)?;
        let binding = self.state_binding(&key, name, head.version);
        let state = key.cipher.open(&binding, head.sealed_state);
        let state = state.ok_or_else(|| damaged("its state does not open"))?;
        Ok(StoredHead {
            number,
            version: head.version,
            archived: head.archived,
            last_position: head.last_position,
            created_at: head.created_at,
            updated_at: head.updated_at,
            tree: head.tree,
            key,
            state_bytes: state.len(),
            state: Json::members(&state).ok_or_else(|| damaged("its state is not a JSON object"))?,
        })
    }

    /// What the sealed state of an aggregate is bound to.
    pub(crate) fn state_binding(&self, key: &KeptKey, name: &AggregateRef, version: Version) -> Vec<u8> {
        self.version_binding(RecordKind::State, key, name, version)
    }

    /// What a sealed snapshot is bound to.
    pub(crate) fn snapshot_binding(&self, key: &KeptKey, name: &AggregateRef, version: Version) -> Vec<u8> {
        self.version_binding(RecordKind::Snapshot, key, name, version)
    }

    fn version_binding(&self, kind: RecordKind, key: &KeptKey, name: &AggregateRef, version: Version) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(128);
        Binding::new(&mut bytes, kind, key.id(), self.keys.keyring.domain_id())
            .field(name.kind.as_str().as_bytes())
            .field(name.id.as_str().as_bytes())
            .number(version.get())
            .finish();
        bytes
    }

    /// The event at the position that a row of `index` or `ids` holds.
    pub(crate) fn event_at_row(&self, at: &Snapshot, row: &[u8]) -> Result<Event, ReadError> {
        let position = Position::new(rows::number(row, "index")?);
        let value = self.log_row(at, position)?;
        Ok(self.open_row(position, &value)?.event)
    }

    /// The row of `log` at a position that must exist.
    pub(crate) fn log_row(&self, at: &Snapshot, position: Position) -> Result<fjall::Slice, ReadError> {
        let row = at.get(&self.spaces.log, position.get().to_be_bytes())?;
        row.ok_or_else(|| ReadError::Damaged(format!("position {position}: its row is missing")))
    }

    /// Unseals a row of `log`.
    pub(crate) fn open_row(&self, position: Position, value: &[u8]) -> Result<OpenedRow, ReadError> {
        let view = EventView::decode(position, value)?;
        let mut unsealer = Unsealer::default();
        let parts = unsealer.open(self, &view)?;
        let event = Event { header: view.header(), body: parts.body() };
        Ok(OpenedRow { event, seed: parts.seed, commitment_kind: view.commitment_kind })
    }

    /// Position of a version that must exist.
    pub(crate) fn position_of(
        &self,
        at: &Snapshot,
        number: AggregateNumber,
        version: Version,
    ) -> Result<Position, ReadError> {
        let row = at.get(&self.spaces.index, rows::index_key(number, version))?;
        let missing = || ReadError::Damaged(format!("aggregate {number}: version {version} has no index row"));
        Ok(Position::new(rows::number(&row.ok_or_else(missing)?, "index")?))
    }

    /// Header of the row at a position that must exist.
    pub(crate) fn header_at(&self, at: &Snapshot, position: Position) -> Result<Header, ReadError> {
        Ok(EventView::decode(position, &self.log_row(at, position)?)?.header())
    }

    /// A tree as it lies on disk, with its first `size` leaves: an aggregate's, or, by number 0, the domain's own.
    pub(crate) fn tree<'a>(&'a self, at: &'a Snapshot, number: AggregateNumber, size: u64) -> StoredTree<'a> {
        StoredTree { files: self, at, number, size }
    }

    /// Flushes what is in memory, so that the next open has no journal to read. Gives up after a while: a disk that takes
    /// no flush must not keep the process from ending, and the journal has everything.
    pub(crate) fn close(&self) -> fjall::Result<()> {
        self.db.persist(fjall::PersistMode::SyncAll)?;
        let spaces = self.spaces.all();
        for space in spaces {
            space.rotate_memtable()?;
        }
        let deadline = Instant::now() + CLOSE_PATIENCE;
        // NOTE: fjall offers nothing to wait on but its own endless loop over the same count.
        while spaces.iter().any(|space| space.sealed_memtable_count() > 0) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }
}

/// A Merkle tree by its stored tiles and, at its right edge, by the digests in the log rows.
pub(crate) struct StoredTree<'a> {
    files: &'a Files,
    at: &'a Snapshot,
    number: AggregateNumber,
    size: u64,
}

impl TileSource for StoredTree<'_> {
    type Error = ReadError;

    fn size(&self) -> u64 {
        self.size
    }

    fn tile(&self, level: u8, index: u64) -> Result<Tile, ReadError> {
        let row = self.at.get(&self.files.spaces.tiles, rows::tile_key(self.number, level, index))?;
        row.and_then(|row| Tile::decode(&row)).ok_or_else(|| {
            ReadError::Damaged(format!("tree {}: tile {index} of level {level} is missing or damaged", self.number))
        })
    }

    fn leaves(&self, range: Range<u64>) -> Result<Vec<Digest>, ReadError> {
        range.map(|index| self.leaf(index)).collect()
    }
}

impl StoredTree<'_> {
    fn leaf(&self, index: u64) -> Result<Digest, ReadError> {
        if self.number.get() == 0 {
            let position = Position::new(index + 1);
            let digest = self.files.header_at(self.at, position)?.digest;
            return Ok(merkle::domain_leaf(position, &digest));
        }
        let position = self.files.position_of(self.at, self.number, Version::new(index + 1))?;
        Ok(self.files.header_at(self.at, position)?.digest)
    }
}
