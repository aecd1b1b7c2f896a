//! As much of Redis' protocol (RESP 2) as it takes to send a command and to learn whether it was carried out.

use std::time::Duration;

use eventdbx_plugin_sdk::{Connection, Failure, HandleError, Network, OutboundError};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(10);
/// Errors that pass: the server starts, is full, fails over.
const TRANSIENT: [&str; 8] = ["BUSY", "CLUSTERDOWN", "LOADING", "MASTERDOWN", "MISCONF", "OOM", "READONLY", "TRYAGAIN"];
/// Errors that concern the plugin rather than one event.
const REFUSING: [&str; 4] = ["DENIED", "NOAUTH", "NOPERM", "WRONGPASS"];

/// A server, and the connection to it while there is one.
pub(crate) struct Redis {
    target: String,
    password: Option<String>,
    connection: Option<Box<dyn Connection>>,
}

impl Redis {
    pub(crate) fn new(target: String, password: Option<String>) -> Self {
        Self { target, password, connection: None }
    }

    /// Sends a command; `Ok` says that the server has carried it out.
    pub(crate) fn command(&mut self, network: &dyn Network, words: &[&str]) -> Result<(), HandleError> {
        // Taken out, and put back only if all goes well: a connection of which nobody knows how it stands is dropped.
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => self.connect(network)?,
        };
        exchange(&mut *connection, words)?;
        self.connection = Some(connection);
        Ok(())
    }

    fn connect(&self, network: &dyn Network) -> Result<Box<dyn Connection>, HandleError> {
        let mut connection = network.connect(&self.target)?;
        if let Some(password) = &self.password {
            exchange(&mut *connection, &["AUTH", password])?;
        }
        Ok(connection)
    }
}

fn exchange(connection: &mut dyn Connection, words: &[&str]) -> Result<(), HandleError> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    for word in words {
        bytes.extend(format!("${}\r\n{word}\r\n", word.len()).into_bytes());
    }
    connection.send(&bytes)?;
    let line = read_line(connection)?;
    match line.split_at_checked(1) {
        Some(("+" | ":", _)) => Ok(()),
        // A bulk string: its length, and then a line with its bytes. We send no command that answers with line breaks.
        Some(("$", _)) => read_line(connection).map(drop).map_err(Into::into),
        Some(("-", error)) => Err(refusal(error)),
        _ => Err(HandleError::fatal("no-redis", "what answers does not speak Redis' protocol")),
    }
}

/// What the server says stands in the message, but for what it might quote of ours.
fn refusal(error: &str) -> HandleError {
    let code = error.split(' ').next().unwrap_or_default();
    let failure = Failure::new("redis", format!("the server answers {code}"));
    if TRANSIENT.contains(&code) {
        HandleError::Retry(failure, None)
    } else if REFUSING.contains(&code) {
        HandleError::Fatal(failure)
    } else {
        HandleError::Poison(failure)
    }
}

fn read_line(connection: &mut dyn Connection) -> Result<String, OutboundError> {
    let mut line = Vec::new();
    loop {
        match connection.receive(1, PATIENCE)?.as_slice() {
            [] => return Err(OutboundError::Closed),
            [b'\n'] => return Ok(String::from_utf8_lossy(&line).trim_end().to_owned()),
            bytes => line.extend(bytes),
        }
    }
}
