//! The journals of the log, looked at before the database opens them.
//!
//! fjall takes a journal as far as it can read it: at damage it cuts the file there, without a word, and with it whatever
//! was acknowledged behind; and where the last batch is as long as it should be and not whole, it refuses to open for ever.
//! So the journals are walked first, and one of two things is decided, before anything is changed:
//!
//! - The damage lies in what was acknowledged: the log does not open, and every byte stays where it is.
//! - It is the torn end of a write that nobody was told of, as a power cut leaves it: it is set aside (kept in a file of
//!   its own, and reported), and the log opens without it.
//!
//! What was acknowledged is known from the anchor, and from the batches themselves: where writes are synced before they are
//! answered, a batch begins only after the one before it was synced.

mod walk;

#[cfg(test)]
pub(crate) mod tests;

use std::{
    fs::{self, File, OpenOptions},
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use self::walk::{Ending, Walked, holds_a_batch, walk};
use crate::{Durability, OpenError, Position};

/// Bytes that are read from a journal at a time.
const BUFFER_BYTES: usize = 256 * 1024;

/// Looks at the journals in `log`, and sets a torn end aside; answers where it lies now.
///
/// `anchored` is the last position that is known to have been acknowledged.
pub(crate) fn inspect(
    log: &Path,
    set_aside: &Path,
    anchored: Option<Position>,
    durability: Durability,
) -> Result<Option<PathBuf>, OpenError> {
    let mut last = None;
    let mut journals = journals(log).map_err(OpenError::files(log))?.into_iter();
    while let Some(path) = journals.next() {
        let walked = walk_file(&path).map_err(OpenError::files(&path))?;
        last = walked.last.or(last);
        if walked.ending == Ending::Clean {
            continue;
        }
        let damage = Damage { journal: path, at: walked.end, last, later: journals.collect() };
        return match damage.was_acknowledged(anchored, durability).map_err(OpenError::files(&damage.journal))? {
            true => Err(damage.refusal(anchored)),
            false => damage.set_aside(set_aside).map(Some).map_err(OpenError::files(set_aside)),
        };
    }
    Ok(None)
}

/// The journals, oldest first. None where there is no log yet.
fn journals(log: &Path) -> io::Result<Vec<PathBuf>> {
    if !log.exists() {
        return Ok(Vec::new());
    }
    let mut found = Vec::new();
    for entry in fs::read_dir(log)? {
        let path = entry?.path();
        let number = path.file_stem().and_then(|stem| stem.to_str()?.parse::<u64>().ok());
        if let (Some(number), true) = (number, path.extension().is_some_and(|extension| extension == "jnl")) {
            found.push((number, path));
        }
    }
    found.sort();
    Ok(found.into_iter().map(|(_, path)| path).collect())
}

fn walk_file(path: &Path) -> io::Result<Walked> {
    walk(BufReader::with_capacity(BUFFER_BYTES, File::open(path)?))
}

/// A journal that goes on, after its last whole batch, with what is none.
struct Damage {
    journal: PathBuf,
    /// Where the last whole batch ends.
    at: u64,
    /// Last position that is whole, as far as the journals tell.
    last: Option<Position>,
    /// Journals that were written after this one.
    later: Vec<PathBuf>,
}

impl Damage {
    fn was_acknowledged(&self, anchored: Option<Position>, durability: Durability) -> io::Result<bool> {
        if let (Some(anchored), Some(last)) = (anchored, self.last)
            && last < anchored
        {
            return Ok(true);
        }
        Ok(durability == Durability::Sync && self.is_followed_by_a_batch()?)
    }

    fn is_followed_by_a_batch(&self) -> io::Result<bool> {
        for later in &self.later {
            if walk_file(later)?.end > 0 {
                return Ok(true);
            }
        }
        // The first byte is the start of the batch that is broken.
        Ok(holds_a_batch(self.tail()?.get(1..).unwrap_or_default()))
    }

    /// Everything behind the last whole batch but the zeros at the end.
    fn tail(&self) -> io::Result<Vec<u8>> {
        let mut file = File::open(&self.journal)?;
        file.seek(SeekFrom::Start(self.at))?;
        let mut tail = Vec::new();
        file.read_to_end(&mut tail)?;
        let end = tail.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
        tail.truncate(end);
        Ok(tail)
    }

    fn refusal(&self, anchored: Option<Position>) -> OpenError {
        let (path, at) = (self.journal.clone(), self.at);
        OpenError::JournalDamaged {
            path,
            at,
            whole: self.last.unwrap_or_default(),
            anchored: anchored.unwrap_or_default(),
        }
    }

    /// Copies what is torn, and cuts it off once the copy is on the disk.
    fn set_aside(&self, dir: &Path) -> io::Result<PathBuf> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let name = self.journal.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let copy = (0..).map(|n| dir.join(format!("{name}.{}.{n}", self.at))).find(|path| !path.exists());
        let copy = copy.ok_or(io::ErrorKind::AlreadyExists)?;
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&copy)?;
        file.write_all(&self.tail()?)?;
        file.sync_all()?;
        File::open(dir)?.sync_all()?;
        let journal = OpenOptions::new().write(true).open(&self.journal)?;
        journal.set_len(self.at)?;
        journal.sync_all()?;
        let (journal, at) = (self.journal.display(), self.at);
        tracing::warn!(%journal, at, copy = %copy.display(), "the torn end of a write that was not acknowledged is set aside");
        Ok(copy)
    }
}
