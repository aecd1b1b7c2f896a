//! Where an export goes: standard output, or a file that is there only when it is whole.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Context;
use tempfile::NamedTempFile;

/// Bytes that are gathered before they are written.
const BUFFER_BYTES: usize = 256 << 10;

/// Where an export goes.
pub(super) enum Destination {
    /// Standard output, and whether its reader has gone.
    Stdout(Arc<AtomicBool>),
    /// Something that is there and no file of its own, such as a pipe: written as it is.
    Special(PathBuf),
    /// A file beside the one that it becomes. It goes with this, unless it is kept.
    File { draft: NamedTempFile, path: PathBuf },
}

impl Destination {
    /// Standard output, or a file that nobody sees yet.
    pub(super) fn open(path: Option<&Path>) -> anyhow::Result<Self> {
        let Some(path) = path else { return Ok(Self::Stdout(Arc::default())) };
        // Behind a link, the file itself is replaced.
        let path = fs::canonicalize(path).or_else(|_| std::path::absolute(path))?;
        if fs::metadata(&path).is_ok_and(|metadata| !metadata.is_file() && !metadata.is_dir()) {
            return Ok(Self::Special(path));
        }
        let dir = path.parent().unwrap_or(Path::new("/"));
        let draft = tempfile::Builder::new().prefix(".dbx-export-").tempfile_in(dir);
        let draft = draft.with_context(|| format!("writing {}", path.display()))?;
        Ok(Self::File { draft, path })
    }

    pub(super) fn writer(&mut self) -> anyhow::Result<Box<dyn Write + Send>> {
        let out: Box<dyn Write + Send> = match self {
            Self::Stdout(gone) => Box::new(Watched { out: io::stdout(), gone: Arc::clone(gone) }),
            Self::Special(path) => Box::new(File::options().write(true).open(path)?),
            Self::File { draft, .. } => Box::new(draft.reopen()?),
        };
        Ok(Box::new(BufWriter::with_capacity(BUFFER_BYTES, out)))
    }

    /// Whether nobody reads standard output any more: then there is nothing left to do, and nothing went wrong.
    pub(super) fn reader_is_gone(&self) -> bool {
        matches!(self, Self::Stdout(gone) if gone.load(Ordering::Relaxed))
    }

    /// Gives the file its name, now that it is whole. Answers which file it is.
    pub(super) fn keep(self) -> anyhow::Result<Option<PathBuf>> {
        match self {
            Self::Stdout(_) => Ok(None),
            Self::Special(path) => Ok(Some(path)),
            Self::File { draft, path } => {
                let kept = draft.as_file().sync_all().and_then(|()| draft.persist(&path).map_err(|error| error.error));
                kept.with_context(|| format!("writing {}", path.display()))?;
                Ok(Some(path))
            }
        }
    }
}

/// Standard output, and somebody who sees whether it is read.
struct Watched {
    out: io::Stdout,
    gone: Arc<AtomicBool>,
}

impl Watched {
    fn seen<T>(&self, outcome: io::Result<T>) -> io::Result<T> {
        if outcome.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::BrokenPipe) {
            self.gone.store(true, Ordering::Relaxed);
        }
        outcome
    }
}

impl Write for Watched {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let outcome = self.out.write(bytes);
        self.seen(outcome)
    }

    fn flush(&mut self) -> io::Result<()> {
        let outcome = self.out.flush();
        self.seen(outcome)
    }
}
