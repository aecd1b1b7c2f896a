//! `dbx restrict`: how strictly a domain holds what is written against schemas.

use eventdbx_node::wire::{ModeRequest, ModeView};
use hyper::Method;

use crate::{
    output::{self, BOLD, GREEN, YELLOW},
    session::Session,
};

/// Show how strictly schemas hold in a domain, or switch it at once
///
/// off: nothing is checked. default: where a type has a schema it is enforced, other types take anything. strict: no schema,
/// no write. A switch takes effect between two commits, rewrites no history, and is an event.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// off, default or strict; without it, the mode is shown
    #[arg(value_name = "MODE")]
    mode: Option<String>,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["mode"]);
        let Some(mode) = self.mode else {
            let answer = session.get(target).await?;
            return session
                .format
                .answer(&answer, |view: &ModeView| format!("{BOLD}{}{BOLD:#}  {}", view.mode, meaning(&view.mode)));
        };
        let body = serde_json::to_vec(&ModeRequest { mode })?;
        let answer = session.call(Method::PUT, target.as_ref(), body.into()).await?;
        session.format.answer(&answer, sentence)?;
        for warning in serde_json::from_str::<ModeView>(&answer)?.warnings {
            output::note(&format!("{YELLOW}warning:{YELLOW:#} {warning}"));
        }
        Ok(())
    }
}

fn sentence(view: &ModeView) -> String {
    let ModeView { domain, mode, previous, .. } = view;
    let meaning = meaning(mode);
    if mode == previous {
        return format!("{domain} is in mode {mode} already: {meaning}");
    }
    format!("{GREEN}switched{GREEN:#} {domain} from {previous} to {mode}: {meaning}")
}

fn meaning(mode: &str) -> &'static str {
    match mode {
        "off" => "nothing is checked",
        "strict" => "no schema, no write",
        _ => "where a type has a schema it is enforced",
    }
}
