//! `dbx aggregate list`: the aggregates of a domain, in the order of their names or in another one.

use eventdbx_node::wire::AggregateRow;

use crate::{
    command::pages::{Limit, Pages, Selection},
    output,
    session::Session,
};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only aggregates of this type
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// Begin after this aggregate
    #[arg(long, value_name = "TYPE/ID", conflicts_with_all = ["cursor", "sort"])]
    after: Option<String>,
    /// At most this many, or all
    #[arg(long, value_name = "N|all", default_value = "100")]
    limit: Limit,
    /// Archived ones too
    #[arg(long)]
    archived: bool,
    /// EventDBX's own too, which keep the history of plugins and settings
    #[arg(long)]
    system: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let target = session
            .at(["aggregates"])
            .query("type", self.kind)
            .flag("archived", self.archived)
            .flag("system", self.system);
        let (target, first) = (self.selection.of(target), self.selection.first("after", self.after));
        Pages { target, first, limit: self.limit }.print(session, table).await
    }
}

fn table(rows: &[AggregateRow]) -> String {
    let mut table = output::table(["aggregate", "version", "updated", ""]);
    output::numbers(&mut table, &[1]);
    for row in rows {
        let name = format!("{}/{}", row.aggregate_type, row.aggregate_id);
        let archived = if row.archived { "archived" } else { "" };
        table.add_row([&name, &row.version.to_string(), &row.updated_at, archived]);
    }
    output::render(&table)
}
