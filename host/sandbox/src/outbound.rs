//! The network as a transport sees it: two traits, which the owner of the sandbox implements.
//!
//! A target is a name here. Which addresses stand behind it, how they are reached and what secrets go along is the owner's
//! business, and never passes through this crate.

use std::time::Duration;

/// What a transport may reach. Calls block, for at most the time that they are given.
pub trait Outbound: Send {
    /// Makes one HTTP request.
    ///
    /// # Errors
    ///
    /// The guest is told which of [`OutboundError`] it was.
    fn http(&mut self, request: HttpRequest, most: &Exchange) -> Result<HttpResponse, OutboundError>;

    /// Opens a connection.
    ///
    /// # Errors
    ///
    /// As for [`http`](Self::http).
    fn connect(&mut self, target: &str, timeout: Duration) -> Result<Box<dyn Connection>, OutboundError>;
}

/// An open connection; it ends when it is dropped.
pub trait Connection: Send {
    /// Sends all bytes.
    ///
    /// # Errors
    ///
    /// As for [`Outbound::http`].
    fn send(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), OutboundError>;

    /// Waits for the first bytes; none: the stream has ended.
    ///
    /// # Errors
    ///
    /// As for [`Outbound::http`]; after [`OutboundError::TimedOut`] it may be asked again.
    fn receive(&mut self, max: usize, timeout: Duration) -> Result<Vec<u8>, OutboundError>;
}

/// A request of a guest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HttpRequest {
    /// The name of its target.
    pub target: String,
    /// E.g. `POST`.
    pub method: String,
    /// Appended to the URL of the target.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Bytes.
    pub body: Vec<u8>,
}

/// How much one exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exchange {
    /// From the look-up of the address to the last byte of the answer.
    pub timeout: Duration,
    /// Bytes of the body of the answer.
    pub response_bytes: u64,
}

/// The answer to a request, whatever its status.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpResponse {
    /// E.g. 200.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Bytes.
    pub body: Vec<u8>,
}

/// Why something outside was not reached, or did not answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutboundError {
    /// It may not be asked.
    #[error("denied: {0}")]
    Denied(String),
    /// No connection came about.
    #[error("unreachable: {0}")]
    Unreachable(String),
    /// No answer in time.
    #[error("no answer in time")]
    TimedOut,
    /// More than the limit that the text names.
    #[error("too large: {0}")]
    TooLarge(String),
    /// The connection has ended.
    #[error("the connection has ended")]
    Closed,
    /// The exchange broke off.
    #[error("{0}")]
    Other(String),
}
