//! `dbx schema activate|rollback`: another version in force.

use eventdbx_node::wire::ActivateRequest;

use super::{
    Kind,
    document::{active, show},
};
use crate::{
    fail::{self, Failure},
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Activate {
    #[command(flatten)]
    kind: Kind,
    /// The version, as `dbx schema history` lists them
    #[arg(value_name = "VERSION")]
    version: u32,
    /// Also if it refuses states that are there
    #[arg(long)]
    force: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Rollback {
    #[command(flatten)]
    kind: Kind,
    /// Also if it refuses states that are there
    #[arg(long)]
    force: bool,
}

impl Activate {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let request = ActivateRequest { version: self.version, expect: None, force: self.force };
        send(session, &self.kind.kind, &request).await
    }
}

impl Rollback {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let kind = &self.kind.kind;
        let now = active(session, kind).await?.version;
        let Some(version) = now.checked_sub(1).filter(|version| *version > 0) else {
            let message = format!("version 1 of the schema of {kind} is active: there is none before it");
            return Err(Failure::new(fail::Kind::Refused, message)
                .hint(format!("`dbx schema remove {kind}` takes it out of force"))
                .into());
        };
        send(session, kind, &ActivateRequest { version, expect: Some(now), force: self.force }).await
    }
}

async fn send(session: &Session, kind: &str, request: &ActivateRequest) -> anyhow::Result<()> {
    let answer = session.post(session.at(["schemas", kind, "activate"]), request).await?;
    show(session, &answer, false)
}
