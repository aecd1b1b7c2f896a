//! The owner's socket: bound where only the owner can reach it, served until the daemon stops.

use std::{
    convert::Infallible,
    fs, io,
    os::unix::fs::{FileTypeExt as _, PermissionsExt as _},
    panic::AssertUnwindSafe,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use axum::{
    Router,
    response::{IntoResponse as _, Response},
};
use futures_util::FutureExt as _;
use hyper::{Request, body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{UnixListener, UnixStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::Service as _;

use crate::{api::ApiError, data_dir::DataDirLock, grant::Grant, wire::ErrorCode};

/// Longest path of a socket, in bytes: the kernel takes 107, and the name may grow.
pub const SOCKET_PATH_BYTES: usize = 100;

/// How long the loop rests when the system refuses a connection, e.g. for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the socket cannot be bound.
#[derive(Debug, thiserror::Error)]
pub enum SocketError {
    /// The kernel takes no longer path.
    #[error(
        "the path of the socket has {length} bytes, more than SOCKET_PATH_BYTES = {SOCKET_PATH_BYTES}: take a data \
         directory with a shorter path ({})",
        path.display()
    )]
    PathTooLong {
        /// The path.
        path: PathBuf,
        /// Its length.
        length: usize,
    },
    /// Something else lies where the socket must be.
    #[error("{} is there and is no socket: move it away", .0.display())]
    NotASocket(PathBuf),
    /// The system says no.
    #[error("{}: {source}", path.display())]
    System {
        /// The path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// Fails when the path is too long for a socket.
pub(crate) fn check_path(path: &Path) -> Result<(), SocketError> {
    let length = path.as_os_str().len();
    if length > SOCKET_PATH_BYTES {
        return Err(SocketError::PathTooLong { path: path.to_owned(), length });
    }
    Ok(())
}

/// Binds the socket. A socket that is there is stale, which is only known because the lock is held.
pub(crate) fn bind(path: &Path, _held: &DataDirLock) -> Result<UnixListener, SocketError> {
    check_path(path)?;
    let system = |source| SocketError::System { path: path.to_owned(), source };
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.file_type().is_socket() => fs::remove_file(path).map_err(system)?,
        Ok(_) => return Err(SocketError::NotASocket(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(system(error)),
    }
    // NOTE: until the mode is set, the check of the peer's user keeps others out.
    let listener = UnixListener::bind(path).map_err(system)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(system)?;
    Ok(listener)
}

/// Accepts connections until `stop`, then waits for the requests in flight.
pub(crate) async fn serve(listener: UnixListener, router: Router, connections: usize, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let permits = Arc::new(Semaphore::new(connections));
    let accept = async {
        while let Ok(permit) = Arc::clone(&permits).acquire_owned().await {
            match listener.accept().await {
                Ok((stream, _)) => drop(tracker.spawn(connection(stream, router.clone(), stop.clone(), permit))),
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    };
    stop.run_until_cancelled(accept).await;
    tracker.close();
    tracker.wait().await;
}

/// Serves one connection, every request of it under the grant of its peer.
async fn connection(stream: UnixStream, router: Router, stop: CancellationToken, _permit: OwnedSemaphorePermit) {
    let grant = Grant::of_peer(&stream).inspect_err(|error| tracing::warn!(%error, "a peer was refused"));
    let grant = grant.map_err(|error| error.to_string());
    let service = service_fn(|request: Request<Incoming>| {
        let (router, grant) = (router.clone(), grant.clone());
        async move { Ok::<_, Infallible>(answer(router, grant, request).await) }
    });
    let mut serving = std::pin::pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    let ended = match stop.run_until_cancelled(serving.as_mut()).await {
        Some(ended) => ended,
        None => {
            serving.as_mut().graceful_shutdown();
            serving.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection broke");
    }
}

/// Answers one request. A panic is our mistake, and the client's request fails alone.
async fn answer(mut router: Router, grant: Result<Grant, String>, mut request: Request<Incoming>) -> Response {
    match grant {
        Ok(grant) => request.extensions_mut().insert(grant),
        Err(message) => return ApiError::new(ErrorCode::Denied, message).into_response(),
    };
    match AssertUnwindSafe(router.call(request)).catch_unwind().await {
        Ok(Ok(response)) => response,
        Ok(Err(never)) => match never {},
        Err(_) => ApiError::new(ErrorCode::Internal, "a mistake of ours; the daemon's log says where").into_response(),
    }
}
