//! A stream of bytes to one target, with TLS where the grant says so.

use std::{
    io::{self, ErrorKind, Read, Write},
    net::{TcpStream, ToSocketAddrs},
    sync::Arc,
    time::{Duration, Instant},
};

use eventdbx_sandbox::{Connection, OutboundError};
use rustls::{ClientConfig, ClientConnection, StreamOwned, pki_types::ServerName};

use super::address::allowed;

/// A target that takes bytes.
pub(super) struct StreamTarget {
    pub(super) host: String,
    pub(super) port: u16,
    /// With TLS, if there is a configuration of it.
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) private: bool,
}

/// An open connection.
pub(super) enum Stream {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl StreamTarget {
    pub(super) fn connect(&self, timeout: Duration) -> Result<Stream, OutboundError> {
        let deadline = Instant::now() + timeout;
        let found = (self.host.as_str(), self.port).to_socket_addrs();
        let found = found.map_err(|_| OutboundError::Unreachable("its name leads nowhere".to_owned()))?;
        let addresses = allowed(found, self.private).map_err(|refused| OutboundError::Denied(refused.to_string()))?;
        let mut failed = OutboundError::Unreachable("no connection in time".to_owned());
        for address in addresses {
            match TcpStream::connect_timeout(&address, left(deadline)) {
                Ok(tcp) => return self.wrap(tcp, deadline),
                Err(error) => failed = OutboundError::Unreachable(error.kind().to_string()),
            }
        }
        Err(failed)
    }

    fn wrap(&self, mut tcp: TcpStream, deadline: Instant) -> Result<Stream, OutboundError> {
        let refused = |error: io::Error| OutboundError::Unreachable(error.to_string());
        tcp.set_nodelay(true).map_err(refused)?;
        let Some(config) = &self.tls else { return Ok(Stream::Plain(tcp)) };
        let name = ServerName::try_from(self.host.clone()).map_err(|error| tls_failed(&error))?;
        let mut tls = ClientConnection::new(Arc::clone(config), name).map_err(|error| tls_failed(&error))?;
        while tls.is_handshaking() {
            tcp.set_read_timeout(Some(left(deadline))).map_err(refused)?;
            tls.complete_io(&mut tcp).map_err(|error| tls_failed(&error))?;
        }
        Ok(Stream::Tls(Box::new(StreamOwned::new(tls, tcp))))
    }
}

/// The daemon's log says more than a plugin is told: the reason may quote the name of the host.
pub(super) fn tls_failed(error: &dyn std::fmt::Display) -> OutboundError {
    tracing::warn!(%error, "a target of a plugin cannot be reached over TLS");
    OutboundError::Unreachable("TLS failed, e.g. because its certificate is not accepted".to_owned())
}

/// Time that is left; never nothing, which the system would take for an error.
fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now()).max(Duration::from_millis(1))
}

impl Stream {
    fn socket(&self) -> &TcpStream {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => &tls.sock,
        }
    }

    fn bytes(&mut self) -> &mut dyn ReadWrite {
        match self {
            Self::Plain(tcp) => tcp,
            Self::Tls(tls) => tls,
        }
    }
}

trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

impl Connection for Stream {
    fn send(&mut self, bytes: &[u8], timeout: Duration) -> Result<(), OutboundError> {
        let deadline = Instant::now() + timeout;
        let mut rest = bytes;
        while !rest.is_empty() {
            if Instant::now() >= deadline {
                return Err(OutboundError::TimedOut);
            }
            self.socket().set_write_timeout(Some(left(deadline))).map_err(|error| told(&error))?;
            match self.bytes().write(rest) {
                Ok(0) => return Err(OutboundError::Closed),
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(told(&error)),
            }
        }
        self.bytes().flush().map_err(|error| told(&error))
    }

    fn receive(&mut self, max: usize, timeout: Duration) -> Result<Vec<u8>, OutboundError> {
        /// A buffer of this size costs nothing, and holds what usually comes at once.
        const USUAL: usize = 64 << 10;

        let deadline = Instant::now() + timeout;
        let mut bytes = vec![0; max.min(USUAL)];
        loop {
            self.socket().set_read_timeout(Some(left(deadline))).map_err(|error| told(&error))?;
            match self.bytes().read(&mut bytes) {
                Ok(read) => {
                    bytes.truncate(read);
                    return Ok(bytes);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted && Instant::now() < deadline => {}
                Err(error) => return Err(told(&error)),
            }
        }
    }
}

/// What a plugin is told. No address is in it.
fn told(error: &io::Error) -> OutboundError {
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => OutboundError::TimedOut,
        ErrorKind::BrokenPipe
        | ErrorKind::ConnectionReset
        | ErrorKind::ConnectionAborted
        | ErrorKind::NotConnected
        | ErrorKind::UnexpectedEof => OutboundError::Closed,
        kind => OutboundError::Other(kind.to_string()),
    }
}
