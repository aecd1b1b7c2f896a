//! `dbx schema history`: versions, and who switched between them when.

use eventdbx_node::wire::SchemaVersions;

use super::Kind;
use crate::{output, session::Session};

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    kind: Kind,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let answer = session.get(session.at(["schemas", &self.kind.kind, "versions"])).await?;
        session.format.answer(&answer, text)
    }
}

fn text(history: &SchemaVersions) -> String {
    let mut versions = output::table(["version", "written", "by", "changes", "", "note"]);
    output::numbers(&mut versions, &[0]);
    for row in &history.rows {
        let narrowing = row.changes.iter().filter(|change| change.narrows).count();
        let changes = match (row.version, row.changes.len()) {
            (1, _) => "the first".to_owned(),
            (_, all) if narrowing > 0 => format!("{all}, {narrowing} narrow"),
            (_, all) => all.to_string(),
        };
        versions.add_row([
            row.version.to_string().as_str(),
            &row.recorded_at,
            &row.actor,
            &changes,
            if row.active { "active" } else { "" },
            row.note.as_deref().unwrap_or_default(),
        ]);
    }
    let mut switches = output::table(["position", "when", "by", "what"]);
    output::numbers(&mut switches, &[0]);
    for switch in &history.switches {
        let what = match switch.version {
            Some(version) => {
                format!("version {version} {}", if switch.what == "set" { "written" } else { &switch.what })
            }
            None => switch.what.clone(),
        };
        switches.add_row([&switch.position.to_string(), &switch.recorded_at, &switch.actor, &what]);
    }
    format!("{}\n\n{}", output::render(&versions), output::render(&switches))
}
