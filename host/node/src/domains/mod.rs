//! The domains of a data directory: opened at start, made and deleted while the daemon runs.
//!
//! Every domain is a directory `domains/NAME` with a log, keys, plugins and settings of its own. `default` always exists:
//! it is where the log tells of the others (`$domain/NAME`), and a daemon does not start without it. Another one that does
//! not open is listed with the reason, and everything else goes on.
//!
//! A domain is found by its *slot*, which says what becomes of it. Whoever makes or deletes a domain takes its slot first,
//! so that two never do so at once.

mod deletion;
mod opener;
mod remote;
mod told;

use std::{
    collections::{BTreeMap, btree_map::Entry},
    fs, io,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    thread,
};

use eventdbx_store::{Domain, DomainName};
use tokio_util::sync::CancellationToken;

pub(crate) use self::{
    deletion::{Deleted, delete, finish_default},
    opener::{Logs, OpenFailure, Opener},
    remote::{Remote, RemoteError},
};
use crate::{api::ApiError, daemon::StartError, node::DomainNode, wire::ErrorCode};

/// The domain that always exists.
pub(crate) const DEFAULT: &str = "default";

/// Names that no domain may have, since `$domain/NAME` tells of something else.
const RESERVED: [&str; 3] = ["remote", "settings", "snapshots"];

/// Domains that are opened at the same time: opening waits for the disk more than it computes.
const OPENED_AT_A_TIME: usize = 8;

/// Every domain, and what becomes of it.
pub(crate) struct Domains {
    opener: Opener,
    slots: RwLock<BTreeMap<DomainName, Slot>>,
}

/// What becomes of a domain.
#[derive(Clone)]
pub(crate) enum Slot {
    /// It is served.
    Open(Arc<DomainNode>),
    /// It did not open.
    Failed(Arc<OpenFailure>),
    /// It is being made.
    Creating,
    /// It is being deleted.
    Deleting,
}

impl Domains {
    /// Opens every domain that lies in the data directory, `default` first, and finishes deletions that were broken off.
    pub(crate) fn open(opener: Opener, default: DomainNode) -> Result<Self, StartError> {
        let dir = opener.data_dir().domains();
        let broken = |source| StartError::Domains { path: dir.clone(), source };
        deletion::finish_all(opener.data_dir(), &default.log).map_err(broken)?;
        let mut slots = BTreeMap::new();
        let mut names = domains_in(&opener).map_err(broken)?;
        names.retain(|name| *name != default.name);
        for (name, opened) in open_all(&opener, names) {
            let slot = match opened {
                Ok(domain) => {
                    told::found(&default.log, &name);
                    Slot::Open(Arc::new(domain))
                }
                Err(failure) => {
                    tracing::error!(domain = %name, reason = failure.reason, "a domain does not open");
                    Slot::Failed(Arc::new(failure))
                }
            };
            slots.insert(name, slot);
        }
        slots.insert(default.name.clone(), Slot::Open(Arc::new(default)));
        Ok(Self { opener, slots: RwLock::new(slots) })
    }

    /// The domain of this name, if it is served.
    pub(crate) fn get(&self, name: &str) -> Result<Arc<DomainNode>, ApiError> {
        match self.slot(name) {
            Some(Slot::Open(domain)) => Ok(domain),
            Some(Slot::Failed(failure)) => Err(failure.error(name)),
            Some(Slot::Deleting) => Err(being_deleted(name)),
            Some(Slot::Creating) | None => Err(missing(name)),
        }
    }

    /// What becomes of a domain; none: there is none of this name.
    pub(crate) fn slot(&self, name: &str) -> Option<Slot> {
        self.read().get(&name.parse::<DomainName>().ok()?).cloned()
    }

    /// The directory of a domain.
    pub(crate) fn dir(&self, name: &DomainName) -> PathBuf {
        self.opener.data_dir().domain(name)
    }

    /// Every domain with what becomes of it, by name, but for those that are only being made.
    pub(crate) fn slots(&self) -> Vec<(DomainName, Slot)> {
        let slots = self.read();
        let known = slots.iter().filter(|(_, slot)| !matches!(slot, Slot::Creating));
        known.map(|(name, slot)| (name.clone(), slot.clone())).collect()
    }

    /// Every domain that is served, by name.
    pub(crate) fn opened(&self) -> Vec<Arc<DomainNode>> {
        let slots = self.read();
        let open = slots.values().filter_map(|slot| if let Slot::Open(domain) = slot { Some(domain) } else { None });
        open.cloned().collect()
    }

    /// What is cancelled when requests to a domain are to end. It does not keep the domain open.
    pub(crate) fn closing(&self, name: &str) -> Option<CancellationToken> {
        match self.read().get(&name.parse::<DomainName>().ok()?) {
            Some(Slot::Open(domain)) => Some(domain.closing.clone()),
            _ => None,
        }
    }

    /// Lets every domain go: each closes once the last request to it is done.
    pub(crate) fn close(&self) {
        self.write().clear();
    }

    /// Makes a domain. Blocks.
    pub(crate) fn create(&self, name: &str, actor: &str) -> Result<Arc<DomainNode>, ApiError> {
        let name = checked(name)?;
        let taken = self.take(&name)?;
        let default = self.get(DEFAULT)?;
        if self.opener.data_dir().domain(&name).exists() && Domain::lies_in(&self.opener.data_dir().domain(&name)) {
            let message = format!("a directory of domain {name} is there that the daemon has not opened");
            return Err(ApiError::new(ErrorCode::Conflict, message).hint("`dbx restart` opens it; or move it away"));
        }
        let domain = self.opener.open(&name).map_err(|failure| failure.error(name.as_str()))?;
        if let Err(error) = told::created(&default.log, &name, actor) {
            drop(domain);
            deletion::undo(self.opener.data_dir(), &name);
            return Err(error);
        }
        tracing::info!(domain = %name, actor, "a domain was made");
        let domain = Arc::new(domain);
        taken.settle(Slot::Open(Arc::clone(&domain)));
        Ok(domain)
    }

    /// Takes the slot of a domain that is to be made.
    fn take(&self, name: &DomainName) -> Result<Taken<'_>, ApiError> {
        match self.write().entry(name.clone()) {
            Entry::Vacant(vacant) => drop(vacant.insert(Slot::Creating)),
            Entry::Occupied(occupied) => {
                return Err(match occupied.get() {
                    Slot::Open(_) | Slot::Failed(_) => {
                        let hint = format!("`dbx checkout {name}` works in it, `dbx domain show {name}` tells of it");
                        ApiError::new(ErrorCode::Conflict, format!("domain {name} exists already")).hint(hint)
                    }
                    Slot::Creating => busy(name, "made"),
                    Slot::Deleting => busy(name, "deleted"),
                });
            }
        }
        Ok(Taken { domains: self, name: name.clone(), otherwise: None })
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<DomainName, Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<DomainName, Slot>> {
        self.slots.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A slot that was taken, and becomes what it was before unless something is settled.
struct Taken<'a> {
    domains: &'a Domains,
    name: DomainName,
    otherwise: Option<Slot>,
}

impl Taken<'_> {
    fn settle(mut self, slot: Slot) {
        self.otherwise = Some(slot);
    }
}

impl Drop for Taken<'_> {
    fn drop(&mut self) {
        let mut slots = self.domains.write();
        match self.otherwise.take() {
            Some(slot) => drop(slots.insert(self.name.clone(), slot)),
            None => drop(slots.remove(&self.name)),
        }
    }
}

/// Opens domains, several at a time.
fn open_all(opener: &Opener, names: Vec<DomainName>) -> Vec<(DomainName, Result<DomainNode, OpenFailure>)> {
    let threads = names.len().min(OPENED_AT_A_TIME);
    let names = Mutex::new(names.into_iter());
    let next = || names.lock().unwrap_or_else(PoisonError::into_inner).next();
    let open_some = || {
        let opened = std::iter::from_fn(|| {
            let name = next()?;
            let opened = opener.open(&name);
            Some((name, opened))
        });
        opened.collect::<Vec<_>>()
    };
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(open_some)).collect();
        // NOTE: a worker does not panic: what panics in it is a failure of one domain.
        workers.into_iter().filter_map(|worker| worker.join().ok()).flatten().collect()
    })
}

/// A name that a domain may be made with.
fn checked(name: &str) -> Result<DomainName, ApiError> {
    let name: DomainName = name.parse()?;
    if RESERVED.contains(&name.as_str()) {
        return Err(ApiError::new(ErrorCode::BadRequest, format!("the name {name} is EventDBX's own")));
    }
    Ok(name)
}

/// The names of the domains that lie in the data directory.
fn domains_in(opener: &Opener) -> io::Result<Vec<DomainName>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(opener.data_dir().domains())? {
        let entry = entry?;
        let name = entry.file_name().to_str().and_then(|name| name.parse::<DomainName>().ok());
        match name {
            Some(name) if Domain::lies_in(&entry.path()) => names.push(name),
            _ => tracing::warn!(path = %entry.path().display(), "no domain: it is left alone"),
        }
    }
    Ok(names)
}

pub(crate) fn missing(name: &str) -> ApiError {
    ApiError::not_found(format_args!("domain {name:?}"))
        .hint("`dbx domain list` lists what there is; `dbx checkout NAME --create` makes one")
}

pub(crate) fn being_deleted(name: &str) -> ApiError {
    ApiError::not_found(format_args!("domain {name:?} any more: it is being deleted"))
}

fn busy(name: &DomainName, what: &str) -> ApiError {
    ApiError::new(ErrorCode::Busy, format!("domain {name} is being {what}")).hint("wait a moment, then try again")
}
