//! `dbx domain list|show`.

use eventdbx_node::wire::{DomainDetails, DomainState, DomainStatus};

use super::rows;
use crate::{
    output::{self, GREEN, YELLOW},
    session::{Session, Target},
};

/// List domains, and say everything about one
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// List the domains; * is the one that is worked in
    List,
    /// Say everything about a domain
    Show {
        /// The domain [default: the one that is worked in]
        name: Option<String>,
    },
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::List => {
                let answer = session.get("/v1/domains").await?;
                rows::print(session.format, &answer, |rows| table(rows, &session.domain))
            }
            Self::Show { name } => {
                let name = name.as_deref().unwrap_or(&session.domain);
                let answer = session.get(Target::new("/v1/domains").segment(name)).await?;
                session.format.answer(&answer, details)
            }
        }
    }
}

/// Domains as a table. What is not served says why below it.
pub(super) fn table(domains: &[DomainStatus], current: &str) -> String {
    let mut table = output::table(["", "domain", "position", "events", "aggregates", "plugins", "durability", "root"]);
    output::numbers(&mut table, &[2, 3, 4, 5]);
    for domain in domains {
        let number = |number: Option<u64>| number.map_or_else(|| "-".to_owned(), output::count);
        table.add_row([
            if domain.name == current { "*" } else { "" }.to_owned(),
            domain.name.clone(),
            number(domain.position),
            number(domain.events),
            number(domain.aggregates),
            number(domain.plugins),
            domain.durability.clone().unwrap_or_else(|| state(domain).to_owned()),
            domain.root.iter().flat_map(|root| root.chars().take(16)).collect(),
        ]);
    }
    let reasons = domains.iter().filter_map(|domain| {
        let reason = domain.reason.as_ref()?;
        Some(format!("{YELLOW}{}{YELLOW:#}  {reason}", domain.name))
    });
    std::iter::once(output::render(&table)).chain(reasons).collect::<Vec<_>>().join("\n")
}

fn details(details: &DomainDetails) -> String {
    let DomainDetails { status: domain, mode, created_at, disk_bytes, remote } = details;
    let state = match domain.state {
        DomainState::Open => format!("{GREEN}open{GREEN:#}"),
        DomainState::Failed | DomainState::Deleting => format!("{YELLOW}{}{YELLOW:#}", state(domain)),
    };
    let count = |number: Option<u64>| number.map(output::count);
    let remote = remote.as_ref().map_or_else(
        || "none".to_owned(),
        |remote| {
            format!("{}, key {}, set {} by {}", remote.address, remote.key_fingerprint, remote.set_at, remote.set_by)
        },
    );
    let pairs = [
        ("domain", Some(domain.name.clone())),
        ("state", Some(state)),
        ("reason", domain.reason.clone()),
        ("created", created_at.clone()),
        ("position", count(domain.position)),
        ("root", domain.root.clone()),
        ("events", count(domain.events)),
        ("aggregates", count(domain.aggregates)),
        ("durability", domain.durability.clone()),
        ("mode", mode.clone()),
        ("plugins", count(domain.plugins)),
        ("on disk", Some(output::bytes(*disk_bytes))),
        ("remote", Some(remote)),
    ];
    output::pairs(pairs.into_iter().filter_map(|(name, value)| Some((name, value?))))
}

fn state(domain: &DomainStatus) -> &'static str {
    match domain.state {
        DomainState::Open => "open",
        DomainState::Failed => "failed",
        DomainState::Deleting => "deleting",
    }
}
