//! Snapshots, as the committer takes them: it has the state at hand, and their place in the log is its to give.

use std::sync::Arc;

use fjall::Readable;

use super::{
    CheckOutcome, Checked, CheckedEvent, Effect, Origin,
    check::{key_for, system_body},
    committer::Committer,
    group::{Group, Slot},
    parse::ParsedEvent,
    rows::Rows,
    seal::{Terms, compress_where_it_pays, seal},
};
use crate::{
    AggregateRef, AppendError, Body, EventKind, EventReceipt, EventType, Expected, Header, Json, ReadError, Receipt,
    SchemaBook, Version, book,
    files::Files,
    json,
    keys::KeptKey,
    merkle,
    rows::{self, SnapshotRow},
};

const SNAPSHOT_TAKEN: &str = "$snapshot_taken";
/// Who takes a snapshot that nobody asked for.
const STORE: &str = "$store";

/// A state to be kept.
pub(super) struct Due {
    name: AggregateRef,
    version: Version,
    /// Canonical.
    state: String,
}

/// Whether an event tells of a snapshot.
pub(crate) fn is_snapshot_taken(header: &Header) -> bool {
    header.aggregate == book::snapshots() && header.event_type.as_str() == SNAPSHOT_TAKEN
}

/// After how many events of an aggregate of a type a snapshot is taken; 0: never.
pub(super) fn threshold(files: &Files, book: &SchemaBook, name: &AggregateRef) -> u32 {
    if name.kind.is_system() {
        return 0;
    }
    let own = book.active(&name.kind).and_then(|active| active.schema.document().snapshot_threshold());
    own.unwrap_or(files.snapshot_threshold)
}

/// A request for a snapshot of an aggregate as it is when its turn comes.
pub(crate) fn check_snapshot(name: AggregateRef, actor: &str) -> Result<Checked, AppendError> {
    let actor = system_body("{}", actor, None)?.actor;
    let origin = Origin::Snapshot(name.clone(), Arc::clone(&actor));
    Ok(Checked {
        origin,
        outcome: CheckOutcome::Snapshot(name, actor),
        keyed: false,
        book: None,
        judged_by: None,
        lane: None,
    })
}

impl Slot {
    /// The snapshot that an event makes due, which was just placed: one is due at each multiple of the threshold. Within a
    /// patched request only the last state is known, so it waits for that one.
    pub(super) fn due(&mut self, name: &AggregateRef, threshold: u32, knows_state: bool) -> Option<Due> {
        let version = self.head.version;
        self.is_due |= threshold > 0 && version.get().is_multiple_of(threshold.into());
        if !self.is_due || !knows_state {
            return None;
        }
        self.is_due = false;
        Some(self.now(name))
    }

    fn now(&self, name: &AggregateRef) -> Due {
        Due { name: name.clone(), version: self.head.version, state: json::canonical_object(&self.head.state) }
    }
}

impl Committer {
    /// Takes the snapshots that a request made due, after its events: those stand side by side.
    pub(super) fn take_due(
        &mut self,
        due: Vec<Due>,
        group: &mut Group<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<(), ReadError> {
        for due in due {
            match self.begin(group) {
                Ok(()) => drop(self.take(&due, &STORE.into(), group, rows)?),
                Err(error) => tracing::warn!(name = %due.name, %error, "no snapshot is taken"),
            }
        }
        Ok(())
    }

    /// Takes a snapshot that was asked for, unless there is one. The outer error is why nothing more can be written.
    pub(super) fn take_on_demand(
        &mut self,
        name: &AggregateRef,
        actor: &Arc<str>,
        group: &mut Group<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<Result<Receipt, AppendError>, ReadError> {
        let durability = self.files.durability;
        let due = match self.on_demand(name, group) {
            Ok(Ok(due)) => due,
            Ok(Err(known)) => return Ok(Ok(known)),
            Err(error) => return Ok(Err(error)),
        };
        let receipt = self.take(&due, actor, group, rows)?;
        Ok(Ok(Receipt { events: vec![receipt], durability, duplicate: false }))
    }

    /// What is to be kept, or the receipt of the snapshot that is there already.
    fn on_demand(&mut self, name: &AggregateRef, group: &mut Group<'_>) -> Result<Result<Due, Receipt>, AppendError> {
        let Some(slot) = group.existing(&mut self.heads, name)? else {
            let (expected, actual) = ("an existing aggregate".to_owned(), Version::default());
            return Err(AppendError::WrongVersion { event: 0, aggregate: name.clone(), expected, actual });
        };
        let (due, key) = (slot.now(name), rows::snapshot_key(slot.head.number, slot.head.version));
        let durability = self.files.durability;
        let known = |event, duplicate| Receipt { events: vec![event], durability, duplicate };
        if let Some(taken) = group.snapshots.get(&key) {
            // It is written with this group, and shares its fate.
            return Ok(Err(known(taken.clone(), false)));
        }
        if let Some(row) = group.at.get(&self.files.spaces.snapshots, key).map_err(ReadError::from)? {
            let position = SnapshotRow::decode(&row).map_err(ReadError::from)?.position;
            return Ok(Err(known(self.files.header_at(&group.at, position)?.receipt(), true)));
        }
        self.begin(group)?;
        Ok(Ok(due))
    }

    /// Makes sure that the aggregate is at hand in which snapshots are recorded.
    fn begin(&mut self, group: &mut Group<'_>) -> Result<(), ReadError> {
        let log = book::snapshots();
        let key = key_for(&self.files, &group.at, &log)?;
        group.touch(&mut self.heads, &log, &key)
    }

    fn take(
        &mut self,
        due: &Due,
        actor: &Arc<str>,
        group: &mut Group<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<EventReceipt, ReadError> {
        let files = Arc::clone(&self.files);
        let salt: [u8; 32] = rand::random();
        let hash = merkle::snapshot(&salt, due.state.as_bytes());
        let payload = serde_json::json!({
            "aggregate_type": due.name.kind, "aggregate_id": due.name.id, "version": due.version, "hash": hash,
        });
        let Some(log) = group.slots.get_mut(&book::snapshots()) else { unreachable!("begun before") };
        log.changed = true;
        let event = self.event(&payload, actor, Arc::clone(&log.head.key));
        let sequenced = self.sequence.place(&files, &group.at, event, &mut log.head, &mut rows.tiles)?;
        let receipt = sequenced.event.receipt();
        rows.event(sequenced);

        let Some(slot) = group.slots.get(&due.name) else { unreachable!("it is of this group") };
        let (key, head) = (&slot.head.key, &slot.head);
        let plain = [&salt, due.state.as_bytes()].concat();
        let (plain, compressed) = compress_where_it_pays(plain);
        let sealed = key.cipher.seal(&files.snapshot_binding(key, &due.name, due.version), &plain);
        let row = SnapshotRow { position: receipt.position, key_id: *key.id(), hash, compressed, sealed };
        let key = rows::snapshot_key(head.number, due.version);
        rows.snapshot(key, &row);
        group.snapshots.insert(key, receipt.clone());
        Ok(receipt)
    }

    fn event(&self, payload: &serde_json::Value, actor: &Arc<str>, key: Arc<KeptKey>) -> CheckedEvent {
        let body = Body {
            actor: Arc::clone(actor),
            payload: Json::trusted(payload.to_string()),
            metadata: None,
            extensions: None,
            note: None,
        };
        let event = ParsedEvent {
            aggregate: book::snapshots(),
            event_type: EventType::trusted(SNAPSHOT_TAKEN),
            kind: EventKind::System,
            expected: Expected::Any,
            occurred_at: None,
            recipients: crate::Recipients::Everyone,
            body,
            members: None,
        };
        let terms = Terms { effect: Effect::None, follows: None, needs: Vec::new(), snapshot_threshold: 0 };
        seal(&self.files, event, terms, key, None, self.sequence.recorded_at)
    }
}
