//! Why a domain does not open, and why something cannot be read.

use std::path::PathBuf;

use crate::{DomainName, Position, rows::RowFault, seal::KeyringError};

/// Why a domain does not open. Nothing was written, except where a variant says so.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another process has it open.
    #[error("{} is in use by another process: stop that one first", .0.display())]
    InUse(PathBuf),
    /// The master key is not the one that it was made with.
    #[error("the master key does not open {}: give the key that the domain was created with", .0.display())]
    WrongMasterKey(PathBuf),
    /// Its keyring cannot be used.
    #[error("the keyring {} cannot be used: {reason}", .path.display())]
    Keyring {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The directory belongs to a domain of another name.
    #[error("{} holds the domain {found}, not {expected}", .path.display())]
    OtherDomain {
        /// The directory.
        path: PathBuf,
        /// Whose it is.
        found: DomainName,
        /// Whose it should be.
        expected: DomainName,
    },
    /// There is a log without a keyring: without its keys nothing in it can be read.
    #[error("{} has a log but no keyring: put the keyring back from a backup", .0.display())]
    KeyringMissing(PathBuf),
    /// There is a log without an anchor, so that nothing shows whether it is whole.
    #[error("{} has a log but no usable anchor: put the file `anchor` back from a backup", .0.display())]
    AnchorMissing(PathBuf),
    /// A journal is damaged in what was acknowledged. Nothing was changed.
    #[error(
        "{} is damaged behind byte {at}: the log is whole up to position {whole} at least, and events up to {anchored} at \
         least were acknowledged. Nothing was changed: put the store back from a backup, or the file from where it is whole",
        .path.display()
    )]
    JournalDamaged {
        /// The journal.
        path: PathBuf,
        /// Where its last whole batch ends.
        at: u64,
        /// Last position that is whole, as far as the journals tell; 0: they do not.
        whole: Position,
        /// Position that the anchor names.
        anchored: Position,
    },
    /// The log ends before its anchor: acknowledged events are gone.
    #[error(
        "the log ends at position {found}, but events up to {anchored} were acknowledged: {missing} are missing. The \
         store was rolled back or damaged: put it back from a backup"
    )]
    BehindAnchor {
        /// Position that the anchor names.
        anchored: Position,
        /// Position of the last event that is there.
        found: Position,
        /// How many are missing.
        missing: u64,
    },
    /// The log is not the one that the anchor vouches for.
    #[error("the log up to position {0} is not the one that its anchor was signed for: history was changed")]
    OtherHistory(Position),
    /// Something in it cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The file system refused.
    #[error("{}: {source}", .path.display())]
    Files {
        /// What it was about.
        path: PathBuf,
        /// What it said.
        source: std::io::Error,
    },
}

/// Why something cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ReadError {
    /// What is there does not fit together: damage, or a change from outside. `verify` tells all.
    #[error("damaged: {0}")]
    Damaged(String),
    /// A listing was to go on behind a row that is not there.
    #[error("there is no {0} to go on behind: it was read from another log, or from this one before it was put back")]
    NoSuchPlace(String),
    /// The disk or the database refused.
    #[error("the disk refused: {0}")]
    Disk(String),
}

impl From<fjall::Error> for ReadError {
    fn from(error: fjall::Error) -> Self {
        Self::Disk(error.to_string())
    }
}

impl From<RowFault> for ReadError {
    fn from(fault: RowFault) -> Self {
        Self::Damaged(fault.to_string())
    }
}

impl OpenError {
    pub(crate) fn files(path: &std::path::Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Files { path, source }
    }

    pub(crate) fn keyring(path: &std::path::Path) -> impl FnOnce(KeyringError) -> Self {
        let path = path.to_owned();
        move |error| match error {
            KeyringError::WrongMasterKey => Self::WrongMasterKey(path),
            other => Self::Keyring { path, reason: other.to_string() },
        }
    }
}

impl From<fjall::Error> for OpenError {
    fn from(error: fjall::Error) -> Self {
        Self::Read(error.into())
    }
}
