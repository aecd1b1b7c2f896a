//! Deleting a domain, so that neither a crash nor a request in flight leaves half of one.
//!
//! 1. Its slot says so: new requests are refused. With `force` its directory is *marked*: from here on the deletion is
//!    finished whatever happens, at the next start if need be.
//! 2. Plugins stop, streams end, requests in flight are waited for. When nobody has it open any more, the end of its log is
//!    final: without `force` an event that came in meanwhile ends the deletion here, and the domain is served again.
//! 3. The log of `default` tells of it.
//! 4. The directory becomes `.deleting-NAME`, the keys in it are destroyed, and then it is removed.

use std::{fs, io, path::Path, sync::Arc, time::Duration};

use eventdbx_store::{Domain, DomainName, Head, OpenError};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::{DEFAULT, Domains, OpenFailure, Slot, Taken, busy, missing, told};
use crate::{
    api::ApiError,
    data_dir::DataDir,
    node::{DomainNode, Node},
    private_file,
    wire::ErrorCode,
};

/// File in the directory of a domain that is to be deleted.
const MARK: &str = "deleting";

/// How long a deletion is waited for beyond the patience with requests in flight, before it goes on by itself.
const MARGIN: Duration = Duration::from_secs(5);

/// How often the lock of a closing log is tried, and the pause between: a check that nobody waits for any more may hold
/// the log for a moment.
const LOCK_ATTEMPTS: u32 = 3000;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// Whether a deletion is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// Nothing is left.
    Gone,
    /// It waits for requests in flight, and goes on by itself.
    GoesOn,
}

/// What the mark says, for the log of `default`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deletion {
    pub(super) actor: String,
    /// Position of the last event; none: the domain did not open.
    pub(super) position: Option<u64>,
    pub(super) root: Option<String>,
    /// Why it did not open.
    pub(super) reason: Option<String>,
}

/// A domain whose slot was taken.
struct Doomed<'a> {
    taken: Taken<'a>,
    /// None: it did not open.
    domain: Option<Arc<DomainNode>>,
    force: bool,
    deletion: Deletion,
}

/// Deletes a domain. Whoever gives up waiting does not end the deletion.
pub(crate) async fn delete(node: Arc<Node>, name: String, force: bool, actor: String) -> Result<Deleted, ApiError> {
    let patience = Duration::from_secs(node.settings.shutdown_seconds) + MARGIN;
    // NOTE: a task of its own, since a client that goes away takes its handler with it.
    let deletion = tokio::spawn(async move { node.domains.delete(&name, force, &actor).await });
    match tokio::time::timeout(patience, deletion).await {
        Err(_) => Ok(Deleted::GoesOn),
        Ok(Err(_)) => Err(ApiError::new(ErrorCode::Internal, "the deletion was broken off")),
        Ok(Ok(outcome)) => outcome.map(|()| Deleted::Gone),
    }
}

impl Domains {
    async fn delete(&self, name: &str, force: bool, actor: &str) -> Result<(), ApiError> {
        let Doomed { mut taken, domain, force, mut deletion } = self.doom(name, force, actor)?;
        let dir = self.opener.data_dir().domain(&taken.name);
        if force {
            mark(&dir, &deletion).map_err(|error| disk(&dir, &error))?;
        }
        if let Some(domain) = domain {
            // IMPORTANT: the slot must not keep open what is waited for.
            taken.otherwise = None;
            let head = close(domain).await;
            deletion.at(head);
            if !force && head.position.get() > 0 {
                self.serve_again(taken);
                return Err(has_events(name, head.position.get()));
            }
        }
        // NOTE: what follows blocks for no longer than a disk needs; a runtime with several threads bears that.
        tokio::task::block_in_place(|| self.destroy(taken, &deletion, &dir))
    }

    /// Takes the slot of a domain that may be deleted.
    fn doom(&self, name: &str, force: bool, actor: &str) -> Result<Doomed<'_>, ApiError> {
        let name: DomainName = name.parse()?;
        let mut slots = self.write();
        let slot = slots.get_mut(&name).ok_or_else(|| missing(name.as_str()))?;
        let mut deletion = Deletion { actor: actor.to_owned(), position: None, root: None, reason: None };
        let domain = match slot {
            Slot::Creating => return Err(busy(&name, "made")),
            Slot::Deleting => return Err(busy(&name, "deleted")),
            Slot::Failed(_) if !force => {
                let message = format!("domain {name} did not open, so that nobody can say what is in it");
                return Err(refused(message));
            }
            Slot::Open(_) if name.as_str() == DEFAULT && !force => {
                return Err(refused("the domain default always exists: with force it is emptied".to_owned()));
            }
            Slot::Open(domain) => {
                let head = domain.log.head();
                if head.position.get() > 0 && !force {
                    return Err(has_events(name.as_str(), head.position.get()));
                }
                deletion.at(head);
                Some(Arc::clone(domain))
            }
            Slot::Failed(failure) => {
                deletion.reason = Some(failure.reason.clone());
                None
            }
        };
        let before = std::mem::replace(slot, Slot::Deleting);
        drop(slots);
        Ok(Doomed { taken: Taken { domains: self, name, otherwise: Some(before) }, domain, force, deletion })
    }

    /// Tells of it, destroys the keys, and removes the rest. Nobody has the domain open.
    fn destroy(&self, mut taken: Taken<'_>, deletion: &Deletion, dir: &Path) -> Result<(), ApiError> {
        let name = taken.name.clone();
        taken.otherwise = None;
        let is_default = name.as_str() == DEFAULT;
        let prepared = mark(dir, deletion).map_err(|error| disk(dir, &error)).and_then(|()| match is_default {
            // Its own log cannot tell; the one that takes its place will.
            true => Ok(()),
            false => Ok(told::deleted(&self.get(DEFAULT)?.log, &name, deletion)?),
        });
        if let Err(error) = prepared {
            self.serve_again(taken);
            return Err(error);
        }
        let grave = self.opener.data_dir().grave(&name);
        if let Err(error) = bury(dir, &grave) {
            let reason = format!("it is to be deleted, and the disk refuses: {error}; the next start goes on");
            let answer = ApiError::new(ErrorCode::Internal, format!("domain {name}: {reason}"));
            let failure = OpenFailure { code: ErrorCode::Internal, reason };
            taken.settle(Slot::Failed(Arc::new(failure)));
            return Err(answer);
        }
        tracing::info!(domain = %name, actor = deletion.actor, "a domain was deleted");
        if is_default {
            match self.opener.open(&name) {
                Ok(domain) => {
                    let told = told::deleted(&domain.log, &name, deletion);
                    taken.settle(Slot::Open(Arc::new(domain)));
                    told?;
                }
                Err(failure) => {
                    tracing::error!(
                        reason = failure.reason,
                        "the domain default was not made anew: restart the daemon"
                    );
                    let answer = failure.error(DEFAULT);
                    taken.settle(Slot::Failed(Arc::new(failure)));
                    return Err(answer);
                }
            }
        }
        remove(&grave);
        Ok(())
    }

    /// Serves a domain again that is not deleted after all.
    fn serve_again(&self, taken: Taken<'_>) {
        let mark = self.opener.data_dir().domain(&taken.name).join(MARK);
        if let Err(error) = fs::remove_file(&mark)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::error!(path = %mark.display(), %error, "remove it, or the next start deletes the domain");
        }
        let slot = match self.opener.open(&taken.name) {
            Ok(domain) => Slot::Open(Arc::new(domain)),
            Err(failure) => Slot::Failed(Arc::new(failure)),
        };
        taken.settle(slot);
    }
}

/// Ends everything that uses a domain, and waits until nobody has it open. Answers where its log ended.
async fn close(domain: Arc<DomainNode>) -> Head {
    let (closing, closed, log) = (domain.closing.clone(), domain.closed.clone(), domain.log.clone());
    closing.cancel();
    let stopped = spawn_blocking(move || domain.plugins.shutdown()).await;
    if stopped.is_err() {
        tracing::error!("stopping the plugins of a domain panicked");
    }
    closed.cancelled().await;
    let head = log.head();
    tokio::task::block_in_place(|| drop(log));
    head
}

impl Deletion {
    /// Where the log ends.
    fn at(&mut self, head: Head) {
        self.position = Some(head.position.get());
        self.root = Some(head.root.to_string());
    }

    fn read(dir: &Path) -> Option<Self> {
        serde_json::from_slice(&fs::read(dir.join(MARK)).ok()?).ok()
    }
}

/// Buries `default`, if it was to be deleted when the daemon ended.
pub(crate) fn finish_default(data_dir: &DataDir) -> io::Result<()> {
    let name: DomainName = DEFAULT.parse().map_err(io::Error::other)?;
    let dir = data_dir.domain(&name);
    if dir.join(MARK).exists() { bury(&dir, &data_dir.grave(&name)).map_err(io::Error::other) } else { Ok(()) }
}

/// Finishes every deletion that was broken off, and has the log tell of those that it does not tell of yet.
pub(super) fn finish_all(data_dir: &DataDir, log: &Domain) -> io::Result<()> {
    for entry in fs::read_dir(data_dir.domains())? {
        let path = entry?.path();
        let Some(file) = path.file_name().and_then(|file| file.to_str()) else { continue };
        let buried = file.strip_prefix(DataDir::GRAVE);
        let Ok(name) = buried.unwrap_or(file).parse::<DomainName>() else { continue };
        if buried.is_none() && !path.join(MARK).exists() {
            continue;
        }
        let grave = data_dir.grave(&name);
        let done = bury(&path, &grave).map_err(io::Error::other).and_then(|()| match Deletion::read(&grave) {
            Some(deletion) => told::deleted(log, &name, &deletion).map_err(io::Error::other),
            None => Ok(()),
        });
        match done {
            Ok(()) => remove(&grave),
            Err(error) => {
                tracing::error!(domain = %name, %error, "a deletion cannot be finished: the next start tries")
            }
        }
    }
    Ok(())
}

/// Takes back a domain that was made a moment ago.
pub(super) fn undo(data_dir: &DataDir, name: &DomainName) {
    let grave = data_dir.grave(name);
    match bury(&data_dir.domain(name), &grave) {
        Ok(()) => remove(&grave),
        Err(error) => tracing::error!(domain = %name, %error, "what was made of it is left over"),
    }
}

/// Destroys the keys of a domain, as soon as its lock is free. A directory that is not there has none.
fn bury(dir: &Path, grave: &Path) -> Result<(), OpenError> {
    if !dir.exists() {
        return Ok(());
    }
    if dir != grave && grave.exists() {
        // What is left of an older domain of that name: its keys went first.
        Domain::bury(grave, grave)?;
        remove(grave);
    }
    let mut attempts = 0;
    loop {
        match Domain::bury(dir, grave) {
            Err(OpenError::InUse(_)) if attempts < LOCK_ATTEMPTS => std::thread::sleep(LOCK_PAUSE),
            outcome => return outcome,
        }
        attempts += 1;
    }
}

/// Removes what is left of a domain without keys. What cannot be removed now is removed at the next start.
fn remove(grave: &Path) {
    if let Err(error) = fs::remove_dir_all(grave)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::warn!(path = %grave.display(), %error, "what is left of a domain was not removed");
    }
}

fn mark(dir: &Path, deletion: &Deletion) -> io::Result<()> {
    private_file::replace(&dir.join(MARK), &serde_json::to_vec(deletion)?)
}

fn disk(path: &Path, error: &io::Error) -> ApiError {
    ApiError::new(ErrorCode::Internal, format!("{}: {error}", path.display()))
}

fn refused(message: String) -> ApiError {
    ApiError::new(ErrorCode::Refused, message)
        .hint("with force it is deleted all the same, and its keys are destroyed: nothing brings it back")
}

fn has_events(name: &str, events: u64) -> ApiError {
    refused(format!("domain {name} has {events} event{}", if events == 1 { "" } else { "s" }))
}
