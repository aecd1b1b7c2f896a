//! The anchor: the last head of the log, signed, in a file of its own beside the database.
//!
//! A root kept inside the store that it vouches for cannot reveal a rollback. The anchor is written after the sync of the
//! commit that it names (where commits are answered without one, the log is synced first), and is itself synced at least every second, so it is never ahead of the log and at most a second
//! behind it. A log that ends before its anchor has lost acknowledged events.
//!
//! The file has two slots of [`SLOT_BYTES`], written in turn, so that a torn write leaves the one before.

use std::{
    fs::File,
    io,
    os::unix::fs::FileExt,
    path::Path,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

use crate::{Digest, Head, Micros, Position};

const MAGIC: &[u8; 8] = b"EDBXANC1";
const SLOT_BYTES: u64 = 512;
const SIGNED_BYTES: usize = 80;
/// The anchor is written at most this often …
const WRITE_INTERVAL: Duration = Duration::from_millis(10);
/// … and synced at least this often while the log grows.
const SYNC_INTERVAL: Duration = Duration::from_secs(1);

/// Reads the newest slot whose signature holds; none when the file is missing or holds none.
pub(crate) fn read(path: &Path, domain_id: &[u8; 16], key: &VerifyingKey) -> io::Result<Option<Head>> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let slots = bytes.chunks(SLOT_BYTES as usize).filter_map(|slot| decode(slot, domain_id, key));
    Ok(slots.max_by_key(|head| head.position))
}

/// magic ‖ domain id ‖ position ‖ recorded at ‖ root, zero-padded to 80 bytes, then an Ed25519 signature over these.
fn encode(head: &Head, domain_id: &[u8; 16], key: &SigningKey) -> Vec<u8> {
    let mut out = Vec::with_capacity(SLOT_BYTES as usize);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(domain_id);
    out.extend_from_slice(&head.position.get().to_be_bytes());
    out.extend_from_slice(&head.recorded_at.get().to_be_bytes());
    out.extend_from_slice(&head.root.0);
    out.resize(SIGNED_BYTES, 0);
    let signature = key.sign(&out);
    out.extend_from_slice(&signature.to_bytes());
    out.resize(SLOT_BYTES as usize, 0);
    out
}

fn decode(slot: &[u8], domain_id: &[u8; 16], key: &VerifyingKey) -> Option<Head> {
    let (signed, rest) = slot.split_at_checked(SIGNED_BYTES)?;
    let signature = Signature::from_bytes(rest.first_chunk()?);
    key.verify_strict(signed, &signature).ok()?;
    let (magic, rest) = signed.split_first_chunk::<8>()?;
    let (id, rest) = rest.split_first_chunk::<16>()?;
    let (position, rest) = rest.split_first_chunk::<8>()?;
    let (recorded_at, rest) = rest.split_first_chunk::<8>()?;
    let root = rest.first_chunk::<32>()?;
    (magic == MAGIC && id == domain_id).then(|| Head {
        position: Position::new(u64::from_be_bytes(*position)),
        root: Digest(*root),
        recorded_at: Micros::new(u64::from_be_bytes(*recorded_at)),
    })
}

/// Makes the log as durable as an anchor for it must be.
pub(crate) type SyncLog = Box<dyn Fn() -> io::Result<()> + Send>;

/// Writes the anchor on a thread of its own: signing and syncing it never hold up a commit.
pub(crate) struct AnchorWriter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    pending: Mutex<Pending>,
    changed: Condvar,
}

#[derive(Default)]
struct Pending {
    head: Option<Head>,
    closing: bool,
}

impl AnchorWriter {
    /// Starts the writer, and has `head` on disk before it returns. Where commits are not synced when they are answered,
    /// `sync_log` syncs them before an anchor names them.
    pub(crate) fn start(
        path: &Path,
        domain_id: [u8; 16],
        key: SigningKey,
        head: Head,
        sync_log: Option<SyncLog>,
    ) -> io::Result<Self> {
        let file = File::options().create(true).truncate(false).write(true).open(path)?;
        let now = Instant::now();
        let mut slots = Slots { file, domain_id, key, sync_log, next: 0, last_write: now, last_sync: now };
        // Both slots, so that neither holds a head from before a repair.
        slots.write(&head)?;
        slots.write(&head)?;
        slots.sync()?;
        if let Some(parent) = path.parent() {
            File::open(parent)?.sync_all()?;
        }
        let shared = Arc::new(Shared { pending: Mutex::default(), changed: Condvar::new() });
        let thread = std::thread::Builder::new().name("dbx-anchor".into()).spawn({
            let shared = Arc::clone(&shared);
            move || run(&shared, &mut slots)
        })?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Names the head of a commit. Returns at once.
    pub(crate) fn advance(&self, head: Head) {
        lock(&self.shared.pending).head = Some(head);
        self.shared.changed.notify_one();
    }
}

impl Drop for AnchorWriter {
    fn drop(&mut self) {
        lock(&self.shared.pending).closing = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic of the writer was reported when it happened; there is nothing to add to it here.
            let _ = thread.join();
        }
    }
}

struct Slots {
    file: File,
    domain_id: [u8; 16],
    key: SigningKey,
    sync_log: Option<SyncLog>,
    next: u64,
    last_write: Instant,
    last_sync: Instant,
}

impl Slots {
    /// Time between two writes: a sync of the log is not to be had every few milliseconds.
    fn write_interval(&self) -> Duration {
        if self.sync_log.is_some() { SYNC_INTERVAL } else { WRITE_INTERVAL }
    }

    fn write(&mut self, head: &Head) -> io::Result<()> {
        self.last_write = Instant::now();
        // IMPORTANT: an anchor must never name what a power cut can still take back.
        if let Some(sync_log) = &self.sync_log {
            sync_log()?;
        }
        let slot = encode(head, &self.domain_id, &self.key);
        self.file.write_all_at(&slot, self.next * SLOT_BYTES)?;
        self.next ^= 1;
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.last_sync = Instant::now();
        self.file.sync_data()
    }
}

fn run(shared: &Shared, slots: &mut Slots) {
    let mut unsynced = false;
    loop {
        let (head, closing) = next(shared, slots, unsynced);
        if let Some(head) = &head {
            report(slots.write(head));
            unsynced = true;
        }
        if unsynced && (closing || slots.last_sync.elapsed() >= SYNC_INTERVAL) {
            report(slots.sync());
            unsynced = false;
        }
        if closing {
            return;
        }
    }
}

/// Waits until a head is due to be written, until what was written is due to be synced, or for the end.
fn next(shared: &Shared, slots: &Slots, unsynced: bool) -> (Option<Head>, bool) {
    let mut pending = lock(&shared.pending);
    loop {
        let until_write = slots.write_interval().saturating_sub(slots.last_write.elapsed());
        let until_sync = SYNC_INTERVAL.saturating_sub(slots.last_sync.elapsed());
        let waits = [pending.head.is_some().then_some(until_write), unsynced.then_some(until_sync)];
        let wait = waits.into_iter().flatten().min().unwrap_or(Duration::MAX);
        if pending.closing || wait.is_zero() {
            let due = pending.closing || until_write.is_zero();
            return (if due { pending.head.take() } else { None }, pending.closing);
        }
        let woken = shared.changed.wait_timeout(pending, wait);
        pending = woken.unwrap_or_else(PoisonError::into_inner).0;
    }
}

fn lock(pending: &Mutex<Pending>) -> MutexGuard<'_, Pending> {
    pending.lock().unwrap_or_else(PoisonError::into_inner)
}

fn report(result: io::Result<()>) {
    if let Err(error) = result {
        // The log itself is whole; only the protection against a rollback lags until the next write.
        tracing::error!(%error, "the anchor could not be written");
    }
}
