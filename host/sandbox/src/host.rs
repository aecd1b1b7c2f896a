//! The world as a plugin sees it: one trait, which the owner of the sandbox implements.
//!
//! The host side only *reads* tables. What a plugin writes stays in the overlay of its call and is handed out when, and
//! only when, the call succeeds.

use crate::{gateway::Client, outbound::Outbound};

/// What an instance reads from, and logs to. One value serves one instance. Whatever kinds of plugins have and others have
/// not (tables, a domain, targets) is not there unless it is offered.
pub trait Host: Send {
    /// The committed value of a key. The table is an index into [`Descriptor::tables`](crate::Descriptor::tables).
    ///
    /// # Errors
    ///
    /// When the host cannot read. It ends the call as [`Halt::HostFailed`](crate::Halt::HostFailed), which is not the
    /// plugin's fault.
    fn get(&mut self, _table: usize, _key: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Ok(None)
    }

    /// The first committed entries of a range, in its direction: at most so many, and no more once their keys and
    /// values reach so many bytes, but at least one if there is one.
    ///
    /// # Errors
    ///
    /// As for [`get`](Self::get).
    fn scan(
        &mut self,
        _table: usize,
        _range: &KeyRange,
        _max_entries: usize,
        _max_bytes: usize,
    ) -> Result<ScanPage, HostError> {
        Ok(ScanPage::default())
    }

    /// A log line, within the limits, with `fields` a JSON object. Lines of a call that fails are logged too.
    fn log(&mut self, level: Level, message: &str, fields: Option<&str>);

    /// What a gateway may ask of its domain; none: nothing.
    fn client(&mut self) -> Option<&mut dyn Client> {
        None
    }

    /// What a transport may reach; none: nothing.
    fn outbound(&mut self) -> Option<&mut dyn Outbound> {
        None
    }
}

/// Keys from `start` (included) to `end` (left out), bytewise.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyRange {
    /// First key; none: the first of the table.
    pub start: Option<Vec<u8>>,
    /// Key after the last; none: the end of the table.
    pub end: Option<Vec<u8>>,
    /// From the end to the start.
    pub reverse: bool,
}

/// Some entries of a range.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScanPage {
    /// Keys and values, in the direction of the range.
    pub entries: Vec<(Vec<u8>, Vec<u8>)>,
    /// Whether the range may hold more than these.
    pub more: bool,
}

/// How much a log line matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every step.
    Trace,
    /// What helps to find a mistake.
    Debug,
    /// What an operator may want to know.
    Info,
    /// What an operator should know.
    Warn,
    /// What failed.
    Error,
}

/// The host could not do what it was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct HostError(String);

impl HostError {
    /// Says why.
    #[must_use]
    pub fn new(reason: impl std::fmt::Display) -> Self {
        Self(reason.to_string())
    }
}
