//! What a power cut and a bad disk leave of a journal, tried on copies of a log that was being written.

use std::{
    fs,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

use crate::{
    Domain, Draft, Durability, MasterKey, NewEvent, OpenError, OpenOptions, Position, anchor, seal::Keyring,
    system_clock,
};

const EVENTS: u64 = 60;

/// A log that is written, and copies of it as a crash would leave it.
struct Crash {
    // IMPORTANT: fields are dropped in their order, and the domain closes into its directory.
    domain: Domain,
    dir: tempfile::TempDir,
    master: MasterKey,
}

impl Crash {
    fn new() -> Self {
        let (dir, master) = (tempfile::tempdir().expect("a directory"), MasterKey::generate());
        let domain = open(&dir.path().join("live"), &master, Durability::Sync).expect("opens");
        let crash = Self { domain, dir, master };
        (0..EVENTS).for_each(|n| crash.append(n));
        crash
    }

    fn append(&self, n: u64) {
        let payload = format!(r#"{{"n":{n},"text":"{}"}}"#, "word ".repeat(80));
        let event = NewEvent::new("order", &format!("o-{}", n % 7), "order_changed", &payload);
        self.domain.append(Draft::one(event, "alice")).expect("appends");
    }

    /// A copy as of now, its anchor naming the last event.
    fn copy(&self, name: &str) -> PathBuf {
        let (live, copy) = (self.dir.path().join("live"), self.dir.path().join(name));
        let keyring = Keyring::read(&live.join("keyring"), &self.master).expect("opens");
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(60);
        loop {
            let anchored = anchor::read(&live.join("anchor"), keyring.domain_id(), &keyring.verifying_key());
            if anchored.expect("reads").is_some_and(|head| head == self.domain.head()) {
                break;
            }
            assert!(std::time::Instant::now() < deadline, "the anchor lags behind for ever");
            std::thread::yield_now();
        }
        copy_dir(&live, &copy);
        copy
    }

    /// A copy with one event more than its anchor knows of, which was therefore, for all that it knows, never acknowledged.
    fn copy_with_a_last_batch(&self, name: &str) -> (PathBuf, Journal) {
        let copy = self.copy(name);
        let before = Journal::of(&copy);
        self.append(EVENTS);
        fs::copy(Journal::path(&self.dir.path().join("live")), &before.0).expect("copies");
        (copy, before)
    }

    fn open(&self, dir: &Path) -> Result<Domain, OpenError> {
        open(dir, &self.master, Durability::Sync)
    }
}

fn open(dir: &Path, master: &MasterKey, durability: Durability) -> Result<Domain, OpenError> {
    let options = OpenOptions { durability, ..OpenOptions::new(system_clock()) };
    Domain::open(dir, "default".parse().expect("a name"), master, options)
}

/// The one journal of a small log, and how much of it was written when it was looked at.
struct Journal(PathBuf, u64);

impl Journal {
    fn path(dir: &Path) -> PathBuf {
        let journals = super::journals(&dir.join("log")).expect("lists");
        journals.into_iter().next_back().expect("a journal")
    }

    fn of(dir: &Path) -> Self {
        let path = Self::path(dir);
        let walked = super::walk_file(&path).expect("reads");
        assert_eq!(walked.ending, super::Ending::Clean);
        Self(path, walked.end)
    }

    fn overwrite(&self, at: u64, bytes: &[u8]) {
        let file = fs::File::options().write(true).open(&self.0).expect("opens");
        file.write_all_at(bytes, at).expect("writes");
    }

    fn flip(&self, at: u64) {
        let mut byte = [0];
        fs::File::open(&self.0).expect("opens").read_exact_at(&mut byte, at).expect("reads");
        self.overwrite(at, &[!byte[0]]);
    }
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("makes");
    for entry in fs::read_dir(from).expect("lists") {
        let path = entry.expect("lists").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy_dir(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copies");
        }
    }
}

#[track_caller]
fn assert_sound(domain: &Domain, events: u64) {
    let report = domain.verify(None, &mut |_, _| {}).expect("reads").expect("a report");
    assert_eq!((report.events, report.findings), (events, Vec::new()));
}

#[test]
fn a_crash_loses_nothing() {
    let crash = Crash::new();
    let domain = crash.open(&crash.copy("copy")).expect("opens");
    assert_eq!(domain.set_aside(), None);
    assert_sound(&domain, EVENTS);
}

#[test]
fn damage_in_what_was_acknowledged_is_refused_and_nothing_is_changed() {
    let crash = Crash::new();
    let end = Journal::of(&crash.copy("whole")).1;
    let zeros = [0; 4096];
    // A page at the beginning, one in the middle, one byte in the middle, and the last batch.
    for (name, at, page) in
        [("a", 0, true), ("b", end / 2 / 4096 * 4096, true), ("c", end / 2, false), ("d", end - 300, false)]
    {
        let copy = crash.copy(name);
        let journal = Journal::of(&copy);
        if page {
            journal.overwrite(at, &zeros)
        } else {
            journal.flip(at)
        }
        let damaged = fs::read(&journal.0).expect("reads");
        for _ in 0..2 {
            match crash.open(&copy).err() {
                Some(OpenError::JournalDamaged { at: found, whole, .. }) => {
                    assert!(found <= at && whole.get() < EVENTS, "{name}: byte {found}, position {whole}");
                }
                other => panic!("{name}: {other:?}"),
            }
            assert!(fs::read(&journal.0).expect("reads") == damaged, "{name}: the journal was touched");
        }
    }
}

#[test]
fn a_torn_last_batch_that_nobody_was_told_of_is_set_aside() {
    let crash = Crash::new();
    let (copy, before) = crash.copy_with_a_last_batch("copy");
    let whole = Journal::of(&copy).1;
    assert!(whole > before.1);
    type Tear<'a> = (&'a str, &'a dyn Fn(&Journal));
    let tails: [Tear<'_>; 4] = [
        ("an inner page that did not reach the disk", &|journal| journal.overwrite(before.1 + 100, &[0; 64])),
        ("a byte", &|journal| journal.flip(before.1 + 200)),
        ("its end", &|journal| journal.overwrite(whole - 40, &[0; 40])),
        ("its beginning", &|journal| journal.overwrite(before.1, &[0; 20])),
    ];
    for (number, (what, tear)) in tails.iter().enumerate() {
        let torn = crash.dir.path().join(format!("torn-{number}"));
        copy_dir(&copy, &torn);
        let journal = Journal::of(&torn);
        tear(&journal);
        let domain = crash.open(&torn).unwrap_or_else(|error| panic!("{what}: {error}"));
        let aside = domain.set_aside().unwrap_or_else(|| panic!("{what}: not set aside")).to_owned();
        assert_eq!(domain.head().position, Position::new(EVENTS), "{what}");
        assert!(fs::metadata(aside).expect("kept").len() > 0);
        assert_sound(&domain, EVENTS);
        let event = NewEvent::new("order", "o-1", "order_changed", "{}");
        domain.append(Draft::one(event, "alice")).expect("goes on");
        drop(domain);
        assert_sound(&crash.open(&torn).expect("opens"), EVENTS + 1);
    }
}

#[test]
fn without_a_sync_per_commit_the_anchor_alone_says_what_was_acknowledged() {
    let crash = Crash::new();
    let (copy, before) = crash.copy_with_a_last_batch("copy");
    crash.append(EVENTS + 1);
    fs::copy(Journal::path(&crash.dir.path().join("live")), &before.0).expect("copies");
    // The last batch but one is torn, the last one whole: a power cut may do so where nothing was synced in between.
    Journal(before.0.clone(), 0).flip(before.1 + 200);
    assert!(matches!(crash.open(&copy).err(), Some(OpenError::JournalDamaged { .. })));
    let domain = open(&copy, &crash.master, Durability::Os).expect("opens");
    assert!(domain.set_aside().is_some());
    assert_sound(&domain, EVENTS);
}
