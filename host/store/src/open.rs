//! Opening a domain: its lock, its keys, its database, and the proof that the log is the one that was acknowledged.

use std::{
    fs::{self, File, TryLockError},
    io::Write,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    sync::{Arc, RwLock},
};

use fjall::{CompressionType, Database, PersistMode};

use crate::{
    AggregateNumber, Domain, DomainName, Durability, Head, MasterKey, OpenError, OpenOptions, Position, ReadError,
    anchor::{self, AnchorWriter, SyncLog},
    book,
    domain::{Inner, Shared},
    files::Files,
    journal,
    keys::Keys,
    merkle::{self, Edge},
    rows::{CommitRecord, Keyspaces},
    seal::Keyring,
    write::{Committer, Heads, Queue, Sequence},
};

/// File of the keys.
pub(crate) const KEYRING: &str = "keyring";
/// The same while it is written.
pub(crate) const UNFINISHED_KEYRING: &str = "keyring.new";
/// Directory of the database.
pub(crate) const LOG: &str = "log";

/// Where the parts of a domain lie in its directory.
struct Paths {
    dir: PathBuf,
    lock: PathBuf,
    keyring: PathBuf,
    anchor: PathBuf,
    log: PathBuf,
    set_aside: PathBuf,
}

impl Domain {
    /// Opens the domain in `dir`, or makes it when there is none yet. Blocks until its log is known to be whole as far as
    /// its anchor goes.
    ///
    /// # Errors
    ///
    /// Why it does not open. A directory in use, a wrong master key and a missing keyring are found before anything is
    /// written.
    pub fn open(dir: &Path, name: DomainName, master: &MasterKey, options: OpenOptions) -> Result<Self, OpenError> {
        let paths = Paths::of(dir);
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(OpenError::files(dir))?;
        let lock = take_lock(&paths)?;
        let keyring = Arc::new(open_keyring(&paths, &name, master, &options)?);
        let anchored = anchor::read(&paths.anchor, keyring.domain_id(), &keyring.verifying_key())
            .map_err(OpenError::files(&paths.anchor))?;

        let OpenOptions { durability, clock, snapshot_threshold, .. } = options;
        let position = anchored.map(|head| head.position);
        let set_aside = journal::inspect(&paths.log, &paths.set_aside, position, durability)?;

        let db = Database::builder(&paths.log)
            .cache_size(options.block_cache_bytes)
            .journal_compression(CompressionType::None)
            .open()?;
        let spaces = Keyspaces::open(&db)?;
        let keys = Keys::new(Arc::clone(&keyring), spaces.clone());
        let files =
            Arc::new(Files { db, spaces, keys, clock, durability, snapshot_threshold, extensions: RwLock::default() });

        let (sequence, aggregates) = last_commit(&files)?;
        let head = sequence.head();
        check_anchor(&files, &paths, anchored, head)?;
        let sync_log = (durability == Durability::Os).then(|| sync_of(&files));
        let (id, key) = (*keyring.domain_id(), keyring.signing_key().clone());
        let anchor = AnchorWriter::start(&paths.anchor, id, key, head, sync_log);
        let anchor = anchor.map_err(OpenError::files(&paths.anchor))?;

        let book = Arc::new(book::load(&files, &files.db.snapshot())?);
        let shared = Arc::new(Shared::new(head, aggregates, Arc::clone(&book)));
        let (queue, waiting) = Queue::new();
        let committer = Committer {
            files: Arc::clone(&files),
            shared: Arc::clone(&shared),
            anchor,
            sequence,
            heads: Heads::new(),
            book,
        };
        let committer = committer.start(waiting).map_err(OpenError::files(dir))?;
        let inner =
            Inner { name, files, shared, set_aside, queue: Some(queue), committer: Some(committer), _lock: lock };
        Ok(Self { inner: Arc::new(inner) })
    }
}

impl Paths {
    fn of(dir: &Path) -> Self {
        Self {
            dir: dir.to_owned(),
            lock: dir.join("lock"),
            keyring: dir.join(KEYRING),
            anchor: dir.join("anchor"),
            log: dir.join(LOG),
            set_aside: dir.join("set-aside"),
        }
    }
}

/// Takes the lock of a domain's directory: while it is held, nobody opens the domain.
pub(crate) fn lock(dir: &Path) -> Result<File, OpenError> {
    take_lock(&Paths::of(dir))
}

/// The lock falls with the process, however it ends.
fn take_lock(paths: &Paths) -> Result<File, OpenError> {
    let file = File::options().create(true).truncate(false).write(true).open(&paths.lock);
    let mut file = file.map_err(OpenError::files(&paths.lock))?;
    file.try_lock().map_err(|error| match error {
        TryLockError::WouldBlock => OpenError::InUse(paths.dir.clone()),
        TryLockError::Error(source) => OpenError::Files { path: paths.lock.clone(), source },
    })?;
    let pid = std::process::id().to_string();
    file.set_len(0).and_then(|()| file.write_all(pid.as_bytes())).map_err(OpenError::files(&paths.lock))?;
    Ok(file)
}

fn open_keyring(
    paths: &Paths,
    name: &DomainName,
    master: &MasterKey,
    options: &OpenOptions,
) -> Result<Keyring, OpenError> {
    if paths.keyring.exists() {
        let keyring = Keyring::read(&paths.keyring, master).map_err(OpenError::keyring(&paths.keyring))?;
        if keyring.name() != name {
            let (path, found, expected) = (paths.dir.clone(), keyring.name().clone(), name.clone());
            return Err(OpenError::OtherDomain { path, found, expected });
        }
        return Ok(keyring);
    }
    if paths.log.exists() {
        return Err(OpenError::KeyringMissing(paths.dir.clone()));
    }
    let keyring = Keyring::create(name, (options.clock)());
    keyring.write_new(&paths.keyring, master).map_err(OpenError::keyring(&paths.keyring))?;
    Ok(keyring)
}

/// What an anchor needs before it may name commits that were answered without a sync.
fn sync_of(files: &Arc<Files>) -> SyncLog {
    let files = Arc::clone(files);
    Box::new(move || files.db.persist(PersistMode::SyncData).map_err(std::io::Error::other))
}

/// Where the log goes on, and how many aggregates it has.
fn last_commit(files: &Files) -> Result<(Sequence, u64), OpenError> {
    let origin = *files.keys.keyring.domain_id();
    let Some(last) = files.spaces.commits.last_key_value() else {
        return Ok((Sequence::new(origin, Edge::default(), None), 0));
    };
    let encoded = last.value()?;
    let record = CommitRecord::decode(&encoded).map_err(ReadError::from)?;
    let at = files.db.snapshot();
    let tree = files.tree(&at, AggregateNumber::default(), record.last.get());
    let range = merkle::range_at(&tree, record.last.get())?;
    if range.root() != record.root {
        let what = format!("the events up to position {} are not those of its commit record", record.last);
        return Err(ReadError::Damaged(what).into());
    }
    let aggregates = record.aggregates;
    Ok((Sequence::new(origin, Edge::at(range), Some((&record, CommitRecord::hash(&encoded)))), aggregates))
}

/// The log must reach its anchor, and be the one that the anchor was signed for.
fn check_anchor(files: &Files, paths: &Paths, anchored: Option<Head>, head: Head) -> Result<(), OpenError> {
    let Some(anchored) = anchored else {
        // Only the very first start has a reason to find none.
        let fresh = head.position == Position::default() && !paths.anchor.exists();
        return if fresh { Ok(()) } else { Err(OpenError::AnchorMissing(paths.dir.clone())) };
    };
    if head.position < anchored.position {
        let missing = anchored.position.get() - head.position.get();
        return Err(OpenError::BehindAnchor { anchored: anchored.position, found: head.position, missing });
    }
    let at = files.db.snapshot();
    let tree = files.tree(&at, AggregateNumber::default(), head.position.get());
    if merkle::root_at(&tree, anchored.position.get())? != anchored.root {
        return Err(OpenError::OtherHistory(anchored.position));
    }
    Ok(())
}
