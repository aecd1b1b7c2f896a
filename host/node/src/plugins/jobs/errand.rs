//! What a track that runs for a job does differently from one that is its own.

use eventdbx_sandbox::DeliveryMode;
use eventdbx_store::{
    Position,
    plugindb::{Cursor, Generation},
};

use super::Span;

/// What a track that runs for a job does differently.
#[derive(Debug)]
pub(in crate::plugins) struct Errand {
    /// What it delivers.
    pub(in crate::plugins) span: Span,
    /// It goes no further than this for now.
    pub(in crate::plugins) end: Position,
    /// Most items of a batch.
    pub(in crate::plugins) items: usize,
    /// What its deliveries are marked as.
    pub(in crate::plugins) mode: DeliveryMode,
    /// The generation whose tables it reads and writes, and where that one is; none: its own.
    pub(in crate::plugins) tables_of: Option<(Generation, Cursor)>,
}
