//! The stage of a domain: events that are put aside until one commit writes them all, or none.
//!
//! They lie in one sealed file of the domain's directory ([`contents`]), which is written anew with each change. Whatever is
//! known of a batch before it takes a place in the log is checked when an event is staged, with all that are staged before
//! it, since they are one request; the commit checks again ([`commit`]).
//!
//! Whoever stages, drops or commits has the stage to itself meanwhile, so that no event is lost between two of them.
//! Everything in here blocks.

mod commit;
mod contents;
mod refusal;

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{Mutex, MutexGuard, PoisonError},
};

use eventdbx_store::{Domain, Draft, NewEvent};
use zeroize::Zeroizing;

use self::{
    contents::Contents,
    refusal::{Staged, Which},
};
use crate::{
    api::{ApiError, new_event},
    private_file,
    wire::{self, AppendEvent, ErrorCode, StagedEvent},
};

/// The file, in the directory of the domain.
const FILE: &str = "stage";

/// The stage of one domain.
pub(crate) struct Stage {
    path: PathBuf,
    turn: Mutex<()>,
}

impl Stage {
    /// The stage of the domain in this directory.
    pub(crate) fn in_dir(dir: &Path) -> Self {
        Self { path: dir.join(FILE), turn: Mutex::default() }
    }

    /// Everything that is staged.
    pub(crate) fn list(&self, log: &Domain) -> Result<wire::Stage, ApiError> {
        let _turn = self.turn();
        let contents = self.read(log)?;
        let rows = contents.events.clone();
        Ok(contents.told(rows))
    }

    /// Puts events aside, behind those that are staged already: all of them or none.
    pub(crate) fn put(
        &self,
        log: &Domain,
        events: Vec<AppendEvent>,
        at: &str,
        by: &str,
    ) -> Result<wire::Stage, ApiError> {
        if events.is_empty() {
            return Err(ApiError::new(ErrorCode::BadRequest, "there is no event to be staged"));
        }
        let _turn = self.turn();
        let mut contents = self.read(log)?;
        contents.settled()?;
        let new = events.iter().enumerate().map(|(index, event)| Staged::new(Which::New(index), event));
        let staged: Vec<_> = contents.staged().chain(new).collect();
        check(log, &staged, by)?;
        let rows: Vec<StagedEvent> = events.into_iter().map(|event| contents.add(event, at, by)).collect();
        self.write(log, &contents)?;
        Ok(contents.told(rows))
    }

    /// Drops one event.
    pub(crate) fn drop_one(&self, log: &Domain, id: u64) -> Result<wire::Dropped, ApiError> {
        let _turn = self.turn();
        let mut contents = self.read(log)?;
        contents.settled()?;
        let found = contents.events.iter().position(|staged| staged.id == id);
        contents.events.remove(found.ok_or_else(|| ApiError::not_found(format_args!("staged event {id}")))?);
        self.write(log, &contents)?;
        Ok(wire::Dropped { dropped: 1 })
    }

    /// Drops everything, also what nobody can read any more.
    pub(crate) fn drop_all(&self, log: &Domain) -> Result<wire::Dropped, ApiError> {
        let _turn = self.turn();
        let mut contents = self.open(log)?.unwrap_or_default();
        let dropped = contents.events.len() as u64;
        contents.empty();
        self.write(log, &contents)?;
        Ok(wire::Dropped { dropped })
    }

    fn turn(&self) -> MutexGuard<'_, ()> {
        // Whoever panicked left the file as it was.
        self.turn.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, log: &Domain) -> Result<Contents, ApiError> {
        self.open(log)?.ok_or_else(|| {
            let message = format!("{} does not open: it is damaged, or another domain's", self.path.display());
            ApiError::new(ErrorCode::Integrity, message)
                .hint("what was staged is lost: `dbx stage drop all` begins anew")
        })
    }

    /// None: it does not open.
    fn open(&self, log: &Domain) -> Result<Option<Contents>, ApiError> {
        match fs::read(&self.path) {
            Ok(sealed) => {
                let opened = log.open_stage(&sealed).map(Zeroizing::new);
                Ok(opened.and_then(|plain| serde_json::from_slice(&plain).ok()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(Contents::default())),
            Err(error) => Err(self.disk(&error)),
        }
    }

    fn write(&self, log: &Domain, contents: &Contents) -> Result<(), ApiError> {
        let plain = serde_json::to_vec(contents).map(Zeroizing::new).map_err(io::Error::other);
        let written = plain.and_then(|plain| private_file::replace(&self.path, &log.seal_stage(&plain)));
        written.map_err(|error| self.disk(&error))
    }

    fn disk(&self, error: &io::Error) -> ApiError {
        ApiError::new(ErrorCode::Internal, format!("{}: {error}", self.path.display()))
    }
}

/// Checks events as the one request that they will be, and keeps nothing of it.
fn check(log: &Domain, staged: &[Staged<'_>], actor: &str) -> Result<(), ApiError> {
    let draft = Draft { events: new_events(staged)?, key: None, actor: actor.to_owned() };
    log.check(draft).map(drop).map_err(|error| refusal::of(error, staged))
}

fn new_events(staged: &[Staged<'_>]) -> Result<Vec<NewEvent>, ApiError> {
    let events = staged.iter().map(|staged| {
        let refused = |what| ApiError::new(ErrorCode::BadRequest, format!("{}: {what}", staged.which));
        new_event(staged.event.clone()).map_err(refused)
    });
    events.collect()
}

#[cfg(test)]
mod tests;
