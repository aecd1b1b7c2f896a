//! `dbx aggregate referrers`: who refers to an aggregate.

use eventdbx_node::wire::Referrer;

use super::Name;
use crate::{
    command::pages::{Limit, Pages},
    output,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    name: Name,
    /// Aggregates of this domain, which name the other one with its domain
    #[arg(long, value_name = "DOMAIN")]
    r#in: Option<String>,
    /// Go on where a page ended, with all else as it was there
    #[arg(long, value_name = "C")]
    cursor: Option<String>,
    /// At most this many, or all
    #[arg(long, value_name = "N|all", default_value = "100")]
    limit: Limit,
    /// References in fields that schemas hide too
    #[arg(long)]
    hidden: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session.at(["aggregates", &self.name.kind, &self.name.id, "referrers"]);
        let target = target.query("in", self.r#in).flag("hidden", self.hidden);
        let first = self.cursor.map(|cursor| ("cursor", cursor));
        Pages { target, first, limit: self.limit }.print(session, table).await
    }
}

fn table(rows: &[Referrer]) -> String {
    let mut table = output::table(["aggregate", "version", "by", ""]);
    output::numbers(&mut table, &[1]);
    for row in rows {
        let name = format!("{}/{}", row.aggregate_type, row.aggregate_id);
        let archived = if row.archived { "archived" } else { "" };
        table.add_row([&name, &row.version.to_string(), &row.paths.join(", "), archived]);
    }
    output::render(&table)
}
