//! What a transport may ask of the outside: requests and connections to targets that the operator granted.

use std::{fmt, time::Duration};

use crate::{Failure, HandleError};

/// The network, as far as it was granted. In the sandbox it is the host's; in a native test it is
/// [`testing::Outside`](crate::testing::Outside).
pub trait Network {
    /// Makes one HTTP request. Any status is an answer; see [`Response::accepted`].
    ///
    /// # Errors
    /// See [`OutboundError`]; `?` in [`send`](crate::Transport::send) makes of each what the host should do.
    fn http(&self, request: &Request) -> Result<Response, OutboundError>;

    /// Opens a connection. It may be kept from one event to the next, and is closed when it is dropped.
    ///
    /// # Errors
    /// Like [`Network::http`].
    fn connect(&self, target: &str) -> Result<Box<dyn Connection>, OutboundError>;
}

/// A stream of bytes to a target. After an error other than [`OutboundError::TimedOut`] of a `receive`, drop it.
pub trait Connection {
    /// Sends all bytes. That they were taken is not said: only an answer says that.
    ///
    /// # Errors
    /// Like [`Network::http`].
    fn send(&mut self, bytes: &[u8]) -> Result<(), OutboundError>;

    /// Waits for the first bytes and returns what is there, at most `max`; nothing: the stream has ended.
    ///
    /// # Errors
    /// Like [`Network::http`].
    fn receive(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, OutboundError>;
}

/// An HTTP request to a target.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The name of the target.
    pub target: String,
    /// E.g. `POST`.
    pub method: String,
    /// Begins with `/`; appended to the URL of the target.
    pub path: String,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Bytes.
    pub body: Vec<u8>,
    /// None: the limit of the host.
    pub timeout: Option<Duration>,
}

impl Request {
    /// A `POST` of some bytes.
    pub fn post(target: &str, path: &str, body: impl Into<Vec<u8>>) -> Self {
        Self {
            target: target.to_owned(),
            method: "POST".to_owned(),
            path: path.to_owned(),
            body: body.into(),
            ..Self::default()
        }
    }

    /// With this header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }
}

/// The answer to a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// E.g. 200.
    pub status: u16,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    /// Bytes.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, whatever the case of its name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(header, _)| header.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// Whether the other side has taken what was sent.
    ///
    /// # Errors
    /// [`HandleError::Retry`] for a status that may pass (408, 425, 429, 5xx), after the time that the other side names;
    /// [`HandleError::Poison`] for any other that is not 2xx: the same request would be refused again.
    pub fn accepted(&self) -> Result<(), HandleError> {
        let failure =
            || Failure::new(format!("http-{}", self.status), format!("the answer has status {}", self.status));
        match self.status {
            200..300 => Ok(()),
            408 | 425 | 429 | 500.. => {
                let seconds = self.header("retry-after").and_then(|value| value.trim().parse().ok());
                Err(HandleError::Retry(failure(), seconds.map(Duration::from_secs)))
            }
            _ => Err(HandleError::Poison(failure())),
        }
    }
}

/// Why something outside was not reached, or did not answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OutboundError {
    /// It may not be asked, and asking again does not help.
    Denied(String),
    /// No connection came about: nothing was sent.
    Unreachable(String),
    /// No answer in time. The other side may have got the request.
    TimedOut,
    /// The request, or its answer, is larger than the limit that the text names.
    TooLarge(String),
    /// The connection has ended.
    Closed,
    /// The exchange broke off. The other side may have got the request.
    Other(String),
}

impl fmt::Display for OutboundError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Denied(reason) => write!(f, "it may not be asked: {reason}"),
            Self::Unreachable(reason) => write!(f, "it cannot be reached: {reason}"),
            Self::TimedOut => f.write_str("it did not answer in time"),
            Self::TooLarge(reason) => write!(f, "too large: {reason}"),
            Self::Closed => f.write_str("the connection has ended"),
            Self::Other(reason) => write!(f, "the exchange broke off: {reason}"),
        }
    }
}

impl std::error::Error for OutboundError {}

/// What is denied stops the plugin, since no event can be sent then; what is too large concerns one event; all else passes.
impl From<OutboundError> for HandleError {
    fn from(error: OutboundError) -> Self {
        let message = error.to_string();
        match error {
            OutboundError::Denied(_) => Self::Fatal(Failure::new("denied", message)),
            OutboundError::TooLarge(_) => Self::Poison(Failure::new("too-large", message)),
            OutboundError::Unreachable(_) => Self::Retry(Failure::new("unreachable", message), None),
            OutboundError::TimedOut => Self::Retry(Failure::new("timed-out", message), None),
            OutboundError::Closed => Self::Retry(Failure::new("closed", message), None),
            OutboundError::Other(_) => Self::Retry(Failure::new("broken-off", message), None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(status: u16, headers: &[(&str, &str)]) -> Result<(), HandleError> {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: Vec::new() }.accepted()
    }

    #[test]
    fn a_status_says_what_the_host_should_do() {
        assert_eq!(status(204, &[]), Ok(()));
        let Err(HandleError::Retry(failure, after)) = status(503, &[("Retry-After", "7")]) else { panic!("no retry") };
        assert_eq!((failure.code.as_str(), after), ("http-503", Some(Duration::from_secs(7))));
        assert!(matches!(status(429, &[]), Err(HandleError::Retry(_, None))));
        assert!(matches!(status(302, &[]), Err(HandleError::Poison(_))));
        assert!(matches!(status(404, &[]), Err(HandleError::Poison(_))));
    }
}
