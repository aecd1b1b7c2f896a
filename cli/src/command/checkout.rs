//! `dbx checkout`: choose the domain to work in, make one, delete one, give one a remote.

use bytes::Bytes;
use clap::builder::NonEmptyStringValueParser;
use eventdbx_node::wire::{DomainDetails, DomainState, RemoteRequest, RemoteView};
use hyper::{Method, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{
    checkout::{DEFAULT, Memory},
    fail::{Failure, Kind},
    input,
    output::{self, BOLD, GREEN, YELLOW},
    session::{Session, Target},
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The domain
    #[arg(value_parser = NonEmptyStringValueParser::new())]
    name: Option<String>,
    /// Make it first; one that exists is refused
    #[arg(long, requires = "name")]
    create: bool,
    /// Delete it instead: its keys are destroyed, and nothing brings it back
    #[arg(long, requires = "name", conflicts_with_all = ["create", "remote", "forget_remote"])]
    delete: bool,
    /// Delete it although there are events in it, although it is checked out, or although it is default, which is emptied
    #[arg(long, requires = "delete")]
    force: bool,
    /// Where its events will be pushed to and pulled from; nothing contacts it yet
    #[arg(long, value_name = "HOST:PORT", requires = "key")]
    remote: Option<String>,
    /// Public key of the remote: 64 hex digits
    #[arg(long, value_name = "HEX", requires = "remote")]
    key: Option<String>,
    /// Token for the remote, from a file or from standard input; without it, from DBX_TOKEN. It is stored sealed
    #[arg(long, value_name = "@FILE|-", requires = "remote", allow_hyphen_values = true)]
    token: Option<String>,
    /// Forget the remote, with its token
    #[arg(long, conflicts_with = "remote")]
    forget_remote: bool,
}

/// What became of it.
#[derive(Serialize, Deserialize)]
struct CheckedOut {
    domain: String,
    created: bool,
    remote: Option<RemoteView>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match &self.name {
            Some(name) if self.delete => delete(session, name, self.force).await,
            None if self.remote.is_none() && !self.forget_remote => {
                let domain = &session.domain;
                let answer = json!({ "domain": domain }).to_string();
                session.format.answer(&answer, |_: &serde_json::Value| domain.clone())
            }
            _ => self.check_out(session).await,
        }
    }

    async fn check_out(self, session: &Session) -> anyhow::Result<()> {
        let remote = self.remote_request()?;
        let domain = self.name.as_deref().unwrap_or(&session.domain);
        let memory = self.name.is_some().then(|| memory(session)).transpose()?;
        if self.create {
            session.call(Method::PUT, path(domain).as_ref(), Bytes::new()).await?;
        }
        let setting = path(domain).segment("remote");
        if let Some(remote) = &remote {
            session.call(Method::PUT, setting.as_ref(), serde_json::to_vec(remote)?.into()).await?;
        } else if self.forget_remote {
            session.call(Method::DELETE, setting.as_ref(), Bytes::new()).await?;
        }
        let details: DomainDetails = serde_json::from_str(&session.get(path(domain)).await?)?;
        if details.status.state != DomainState::Open {
            let reason = details.status.reason.unwrap_or_else(|| format!("domain {domain} is being deleted"));
            return Err(Failure::new(Kind::Refused, reason).hint("`dbx domain list` lists what there is").into());
        }
        match memory {
            Some(memory) if domain == DEFAULT => memory.forget()?,
            Some(memory) => memory.write(domain)?,
            None => {}
        }
        let done = CheckedOut { domain: domain.to_owned(), created: self.create, remote: details.remote };
        session.format.answer(&serde_json::to_string(&done)?, |done: &CheckedOut| self.sentences(done))?;
        if remote.is_some() {
            output::note("the remote is stored, and contacted by nothing: pushing and pulling are to come");
        }
        if self.name.is_some() && session.pinned && session.domain != domain {
            let pinned = &session.domain;
            output::note(&format!("{YELLOW}note:{YELLOW:#} DBX_DOMAIN or --domain goes before it, and says {pinned}"));
        }
        Ok(())
    }

    /// The remote that is asked for. Read before anything is done: a file that is not there changes nothing.
    fn remote_request(&self) -> anyhow::Result<Option<RemoteRequest>> {
        let (Some(address), Some(key)) = (&self.remote, &self.key) else { return Ok(None) };
        let token = input::secret("--token", self.token.as_deref(), "DBX_TOKEN")?;
        Ok(Some(RemoteRequest { address: address.clone(), key: key.clone(), token }))
    }

    fn sentences(&self, done: &CheckedOut) -> String {
        let CheckedOut { domain, created, remote } = done;
        let mut sentences = Vec::new();
        if *created {
            sentences.push(format!("{GREEN}created{GREEN:#} domain {BOLD}{domain}{BOLD:#}"));
        }
        if self.name.is_some() {
            sentences.push(format!("{GREEN}checked out{GREEN:#} domain {BOLD}{domain}{BOLD:#}"));
        }
        match remote {
            Some(remote) if self.remote.is_some() => {
                let RemoteView { address, key_fingerprint, .. } = remote;
                sentences.push(format!("{GREEN}set{GREEN:#} its remote to {address}, key {key_fingerprint}"));
            }
            None if self.forget_remote => sentences.push(format!("{GREEN}forgot{GREEN:#} its remote")),
            _ => {}
        }
        sentences.join("\n")
    }
}

async fn delete(session: &Session, name: &str, force: bool) -> anyhow::Result<()> {
    let memory = Memory::of(&session.data_dir);
    let checked_out = memory.as_ref().map(Memory::read).transpose()?.flatten();
    let is_checked_out = checked_out.as_deref() == Some(name);
    if is_checked_out && !force {
        return Err(Failure::new(Kind::Refused, format!("domain {name} is checked out"))
            .hint("check out another one first: `dbx checkout default`; or add --force")
            .into());
    }
    let target = path(name).flag("force", force);
    let (status, _) = session.exchange(Method::DELETE, target.as_ref(), Bytes::new()).await?;
    let gone = status != StatusCode::ACCEPTED;
    if let Some(memory) = memory.filter(|_| is_checked_out) {
        memory.forget()?;
    }
    let answer = json!({ "deleted": name, "gone": gone }).to_string();
    session.format.answer(&answer, |_: &serde_json::Value| match name {
        DEFAULT if gone => format!("{GREEN}emptied{GREEN:#} domain {DEFAULT}: its old keys are destroyed"),
        _ if gone => format!("{GREEN}deleted{GREEN:#} domain {name}: its keys are destroyed"),
        _ => format!("{YELLOW}deleting{YELLOW:#} domain {name}, once the requests to it are done"),
    })?;
    if is_checked_out {
        output::note(&format!("{DEFAULT} is checked out now"));
    }
    Ok(())
}

fn memory(session: &Session) -> anyhow::Result<Memory> {
    Memory::of(&session.data_dir).ok_or_else(|| {
        Failure::new(Kind::Usage, "there is no home directory to remember a domain in")
            .hint("name a directory: DBX_STATE_DIR; or name the domain each time: --domain NAME")
            .into()
    })
}

/// The path of a domain.
fn path(name: &str) -> Target {
    Target::new("/v1/domains").segment(name)
}
