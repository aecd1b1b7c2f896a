//! `dbx schema list`.

use eventdbx_node::wire::SchemaRow;

use crate::{command::rows, output, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        rows::print(session.format, &session.get(session.at(["schemas"])).await?, table)
    }
}

fn table(rows: &[SchemaRow]) -> String {
    let mut table = output::table(["type", "active", "versions", "fields", "events", "updated", "by", ""]);
    output::numbers(&mut table, &[1, 2, 3, 4]);
    for row in rows {
        let marks = [("locked", row.locked), ("redactable", row.redactable)];
        let marks: Vec<&str> = marks.into_iter().filter_map(|(name, set)| set.then_some(name)).collect();
        table.add_row([
            &row.aggregate_type,
            &row.active.map_or_else(|| "none".to_owned(), |active| active.to_string()),
            &row.versions.to_string(),
            &row.fields.to_string(),
            &(if row.events == 0 { "any".to_owned() } else { row.events.to_string() }),
            &row.updated_at,
            &row.updated_by,
            &marks.join(", "),
        ]);
    }
    output::render(&table)
}
