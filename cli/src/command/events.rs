//! `dbx events`: the log, page by page or as it grows.

use eventdbx_node::{
    client,
    wire::{Event, EventBodyKind, Raw},
};
use hyper::Method;

use super::pages::{Limit, Pages, Selection};
use crate::{
    json,
    output::{self, DIM},
    session::Session,
};

/// Most characters of a body that people are shown.
const BODY_CHARS: usize = 72;

/// Read the log: all of it, of a type, or of one aggregate
///
/// Events of the whole domain and of a type are counted by position, those of one aggregate by version.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Only events of aggregates of this type
    #[arg(value_name = "TYPE")]
    kind: Option<String>,
    /// Only events of this aggregate
    #[arg(value_name = "ID")]
    id: Option<String>,
    #[command(flatten)]
    selection: Selection,
    /// Begin at this position; of one aggregate, at this version
    #[arg(long, value_name = "P", conflicts_with_all = ["cursor", "sort"])]
    from: Option<u64>,
    /// At most this many, or all
    #[arg(long, value_name = "N|all", default_value = "100")]
    limit: Limit,
    /// Last events first
    #[arg(long, conflicts_with = "sort")]
    reverse: bool,
    /// Go on with new events as they are written, until interrupted
    #[arg(long, conflicts_with_all = ["limit", "reverse", "sort", "until", "cursor"])]
    follow: bool,
    /// EventDBX's own events too, whose types begin with $
    #[arg(long)]
    system: bool,
    /// With the fields that schemas hide
    #[arg(long)]
    hidden: bool,
    /// Old events in the shape that the active schema gives them: renamed, and completed with defaults
    #[arg(long)]
    upcast: bool,
}

impl Args {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        if self.follow {
            return self.follow(session).await;
        }
        let target = match (&self.kind, &self.id) {
            (Some(kind), Some(id)) => session.at(["aggregates", kind, id, "events"]),
            _ => session.at(["events"]).query("type", self.kind.as_ref()).flag("system", self.system),
        };
        let first = self.selection.first("from", self.from.map(|from| from.to_string()));
        let target = self.selection.of(target).flag("reverse", self.reverse).flag("hidden", self.hidden);
        let target = target.flag("upcast", self.upcast);
        Pages { target, first, limit: self.limit }.print(session, table).await
    }

    async fn follow(self, session: &Session) -> anyhow::Result<()> {
        let target = self
            .selection
            .of(session.at(["events"]))
            .flag("follow", true)
            .query("from", self.from)
            .query("type", self.kind)
            .query("id", self.id)
            .flag("system", self.system)
            .flag("hidden", self.hidden)
            .flag("upcast", self.upcast);
        let mut client = session.connect().await?;
        let mut lines = client.lines(Method::GET, target.as_ref(), client::whole("")).await?;
        while let Some(line) = lines.next().await? {
            session.format.answer(&String::from_utf8_lossy(&line), sentence)?;
        }
        Ok(())
    }
}

/// Events as people see them.
pub(super) fn table(rows: &[Event]) -> String {
    let mut table = output::table(["position", "recorded", "aggregate", "version", "event", "body"]);
    output::numbers(&mut table, &[0, 3]);
    for event in rows {
        table.add_row([
            &event.position.to_string(),
            &event.recorded_at,
            &format!("{}/{}", event.aggregate_type, event.aggregate_id),
            &event.version.to_string(),
            &event_and_recipients(event),
            &body(event),
        ]);
    }
    output::render(&table)
}

/// One event on one line, for a listing without end.
fn sentence(event: &Event) -> String {
    let Event { position, recorded_at, aggregate_type, aggregate_id, version, .. } = event;
    let (event_type, body) = (event_and_recipients(event), body(event));
    format!(
        "{position} {DIM}{recorded_at}{DIM:#} {aggregate_type}/{aggregate_id} {version} {event_type} {DIM}{body}{DIM:#}"
    )
}

/// The type of an event; and to whom it goes, where its writer said so.
fn event_and_recipients(event: &Event) -> String {
    let to: Vec<&str> = event.publish.iter().map(|publish| publish.plugin.as_str()).collect();
    match (event.emit, to.is_empty()) {
        (Some(false), _) => format!("{} (to nobody)", event.event_type),
        (_, true) => event.event_type.clone(),
        (_, false) => format!("{} (to {})", event.event_type, to.join(", ")),
    }
}

fn body(event: &Event) -> String {
    let raw: Option<&Raw> = match event.kind {
        EventBodyKind::Patch => event.patch.as_ref(),
        EventBodyKind::Payload | EventBodyKind::System => event.payload.as_ref(),
    };
    output::cut(&raw.map(|raw| json::compact(raw.get())).unwrap_or_default(), BODY_CHARS)
}
