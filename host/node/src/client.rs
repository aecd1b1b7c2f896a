//! A client of the daemon's socket: HTTP/1.1 over a Unix socket, one connection that is kept.
//!
//! For the command line and for tests. It knows nothing of the routes; it moves requests, answers and lines.

use std::{
    io,
    path::{Path, PathBuf},
};

use bytes::{Buf as _, Bytes, BytesMut};
use futures_util::StreamExt as _;
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::BoxBody};
use hyper::{
    Method, Request, Response, StatusCode,
    body::{Frame, Incoming},
    client::conn::http1::{self, SendRequest},
    header::{self, HeaderMap, HeaderName, HeaderValue},
};
use hyper_util::rt::TokioIo;
use serde::de::DeserializeOwned;
use tokio::{
    net::UnixStream,
    sync::mpsc,
    task::{AbortHandle, spawn},
};
use tokio_stream::wrappers::ReceiverStream;

use crate::wire::{ErrorBody, WireError};

/// Body of a request: given whole ([`whole`]) or piece by piece ([`pieces`]).
pub type RequestBody = BoxBody<Bytes, io::Error>;

/// One connection to the daemon. Requests go one after the other.
#[derive(Debug)]
pub struct Client {
    socket: PathBuf,
    sender: SendRequest<RequestBody>,
    connection: AbortHandle,
    /// The last answer may have ended before its request did: hyper does not reliably take such a connection up again.
    spent: bool,
}

/// Why there is no answer to use.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// Nothing listens there.
    #[error("no daemon answers at {}: {source}", socket.display())]
    Unreachable {
        /// The socket.
        socket: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The connection broke before the answer was there: the request may have had its effect or not.
    #[error("the connection to the daemon broke: {0}")]
    Broken(#[source] hyper::Error),
    /// The request cannot be put into HTTP.
    #[error("not a request: {0}")]
    BadRequest(#[source] hyper::http::Error),
    /// The daemon refused.
    #[error("{}", .0.message)]
    Refused(Box<WireError>),
    /// The answer is not what this client understands.
    #[error("the daemon's answer cannot be read ({status}): {source}")]
    Unreadable {
        /// Its status.
        status: StatusCode,
        /// Why.
        source: serde_json::Error,
    },
}

impl Client {
    /// Connects to the socket of a daemon.
    ///
    /// # Errors
    ///
    /// When nothing listens there.
    pub async fn connect(socket: &Path) -> Result<Self, ClientError> {
        let stream = UnixStream::connect(socket)
            .await
            .map_err(|source| ClientError::Unreachable { socket: socket.to_owned(), source })?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(ClientError::Broken)?;
        let connection = spawn(async move { drop(connection.await) }).abort_handle();
        Ok(Self { socket: socket.to_owned(), sender, connection, spent: false })
    }

    /// Sends a request and waits for the whole answer, whatever its status.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn request(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, Bytes), ClientError> {
        let response = self.stream(method, path, whole(body)).await?;
        let status = response.status();
        let body = response.into_body().collect().await.map_err(ClientError::Broken)?;
        Ok((status, body.to_bytes()))
    }

    /// The same, with headers in the request and in the answer.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn exchange(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: impl Into<Bytes>,
    ) -> Result<(StatusCode, HeaderMap, Bytes), ClientError> {
        let (head, body) = self.send(method, path, headers, whole(body)).await?.into_parts();
        let body = body.collect().await.map_err(ClientError::Broken)?;
        Ok((head.status, head.headers, body.to_bytes()))
    }

    /// Sends a request and reads the answer as `T`.
    ///
    /// # Errors
    ///
    /// When the connection breaks, the daemon refuses, or its answer is not a `T`.
    pub async fn call<T: DeserializeOwned>(
        &mut self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Result<T, ClientError> {
        let (status, body) = self.request(method, path, body).await?;
        if !status.is_success() {
            return Err(refusal(status, &body));
        }
        serde_json::from_slice(&body).map_err(|source| ClientError::Unreadable { status, source })
    }

    /// Sends a request whose body may still be growing, and returns as soon as the answer has begun.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn stream(
        &mut self,
        method: Method,
        path: &str,
        body: RequestBody,
    ) -> Result<Response<Incoming>, ClientError> {
        self.send(method, path, &[], body).await
    }

    async fn send(
        &mut self,
        method: Method,
        path: &str,
        headers: &[(HeaderName, HeaderValue)],
        body: RequestBody,
    ) -> Result<Response<Incoming>, ClientError> {
        let mut request = Request::builder().method(method).uri(path).header(header::HOST, "eventdbx");
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let request = request.body(body).map_err(ClientError::BadRequest)?;
        if self.spent {
            let socket = self.socket.clone();
            *self = Self::connect(&socket).await?;
        }
        self.sender.ready().await.map_err(ClientError::Broken)?;
        self.sender.send_request(request).await.map_err(ClientError::Broken)
    }

    /// Like [`stream`](Self::stream), for answers of one JSON value per line. The request after it gets a new connection.
    ///
    /// # Errors
    ///
    /// When the connection breaks or the daemon refuses.
    pub async fn lines(&mut self, method: Method, path: &str, body: RequestBody) -> Result<Lines, ClientError> {
        let response = self.stream(method, path, body).await?;
        self.spent = true;
        let status = response.status();
        if status.is_success() {
            return Ok(Lines { body: response.into_body(), buffer: BytesMut::new(), searched: 0 });
        }
        let body = response.into_body().collect().await.map_err(ClientError::Broken)?;
        Err(refusal(status, &body.to_bytes()))
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

/// The lines of a streamed answer. The [`Client`] that it came from must be kept while it is read.
#[derive(Debug)]
pub struct Lines {
    body: Incoming,
    buffer: BytesMut,
    searched: usize,
}

impl Lines {
    /// The next line, without its end; none: the answer is complete.
    ///
    /// # Errors
    ///
    /// When the connection breaks.
    pub async fn next(&mut self) -> Result<Option<Bytes>, ClientError> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.buffer.split_to(self.searched + end).freeze();
                self.buffer.advance(1);
                self.searched = 0;
                return Ok(Some(line));
            }
            self.searched = self.buffer.len();
            match self.body.frame().await {
                Some(Ok(frame)) => {
                    if let Some(data) = frame.data_ref() {
                        self.buffer.extend_from_slice(data);
                    }
                }
                Some(Err(error)) => return Err(ClientError::Broken(error)),
                None if self.buffer.is_empty() => return Ok(None),
                None => {
                    self.searched = 0;
                    return Ok(Some(self.buffer.split().freeze()));
                }
            }
        }
    }
}

/// A body that is known whole.
pub fn whole(body: impl Into<Bytes>) -> RequestBody {
    Full::new(body.into()).map_err(|never| match never {}).boxed()
}

/// A body that is sent piece by piece, and ends when the sender is dropped. An error breaks the request off.
#[must_use]
pub fn pieces(buffered: usize) -> (mpsc::Sender<io::Result<Bytes>>, RequestBody) {
    let (sender, receiver) = mpsc::channel(buffered);
    let frames = ReceiverStream::new(receiver).map(|piece: io::Result<Bytes>| piece.map(Frame::data));
    (sender, BoxBody::new(StreamBody::new(frames)))
}

/// What an answer that is no success says.
fn refusal(status: StatusCode, body: &[u8]) -> ClientError {
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => ClientError::Refused(Box::new(body.error)),
        Err(source) => ClientError::Unreadable { status, source },
    }
}
