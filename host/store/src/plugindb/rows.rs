//! Sealing rows: every value is bound to the kind of its row and to its whole key.

use super::{PluginDb, PluginDbError};
use crate::seal::RecordKind;

/// What a row is: the first byte of its additional data.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Plugin,
    Cursor,
    Table,
    Parked,
    State,
}

impl Kind {
    const fn byte(self) -> u8 {
        match self {
            Self::Plugin | Self::Cursor => RecordKind::PluginConfig as u8,
            Self::Table => RecordKind::PluginTable as u8,
            Self::Parked => RecordKind::Parked as u8,
            Self::State => RecordKind::FoldState as u8,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Plugin => "plugins",
            Self::Cursor => "cursors",
            Self::Table => "tables",
            Self::Parked => "parked",
            Self::State => "states",
        }
    }
}

impl PluginDb {
    pub(super) fn seal(&self, kind: Kind, key: &[u8], value: &[u8]) -> Vec<u8> {
        self.0.cipher.seal(&binding(kind, key), value)
    }

    pub(super) fn unseal(&self, kind: Kind, key: &[u8], sealed: &[u8]) -> Result<Vec<u8>, PluginDbError> {
        self.0.cipher.open(&binding(kind, key), sealed).ok_or_else(|| damaged(kind.name()))
    }
}

pub(super) fn damaged(keyspace: &str) -> PluginDbError {
    PluginDbError::Damaged(format!("a row of `{keyspace}` does not open"))
}

/// The last eight bytes of a key, as a number.
pub(super) fn last_u64(key: &[u8]) -> Option<u64> {
    key.last_chunk().map(|bytes| u64::from_be_bytes(*bytes))
}

fn binding(kind: Kind, key: &[u8]) -> Vec<u8> {
    let mut binding = Vec::with_capacity(1 + key.len());
    binding.push(kind.byte());
    binding.extend_from_slice(key);
    binding
}
