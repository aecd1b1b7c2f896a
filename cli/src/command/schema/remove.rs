//! `dbx schema remove`.

use bytes::Bytes;
use hyper::Method;

use super::{Kind, document::show};
use crate::session::Session;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["schemas", &self.kind.kind]);
        let answer = session.call(Method::DELETE, target.as_ref(), Bytes::new()).await?;
        show(session, &answer, false)
    }
}
