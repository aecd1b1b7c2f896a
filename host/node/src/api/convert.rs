//! From the store's own types to the JSON of the wire, and from a request to a draft.

use eventdbx_store::{
    AggregateRow, BodyKind, Draft, Durability, EventKind, Expected, Json, NewEvent, NewRecipient, Priority, Receipt,
    Recipients, SnapshotInfo, VerifyReport,
};

use super::{
    ApiError,
    sight::{Content, View},
};
use crate::{
    grant::Grant,
    wire::{self, ErrorCode, Expect, Raw},
};

/// The draft of a request.
pub(super) fn draft(request: wire::AppendRequest, grant: &Grant) -> Result<Draft, ApiError> {
    let events = request.events.into_iter().enumerate();
    let events = events.map(|(index, event)| new_event(event).map_err(|what| refused(index, what)));
    Ok(Draft { events: events.collect::<Result<_, _>>()?, key: request.key, actor: grant.actor().to_owned() })
}

/// One event of a draft; the error says what is missing or too much.
pub(crate) fn new_event(event: wire::AppendEvent) -> Result<NewEvent, &'static str> {
    let (body_kind, body) = match (event.payload, event.patch) {
        (Some(payload), None) => (BodyKind::Payload, text(payload)),
        (None, Some(patch)) => (BodyKind::Patch, text(patch)),
        (None, None) => return Err("one of `payload` and `patch` is needed"),
        (Some(_), Some(_)) => return Err("`payload` and `patch` exclude each other"),
    };
    let publish = match (event.emit, event.publish) {
        (Some(false), publish) if publish.is_empty() => Some(Vec::new()),
        (Some(false), _) => return Err("`publish` and an `emit` of false exclude each other"),
        (_, publish) if publish.is_empty() => None,
        (_, publish) => Some(publish.into_iter().map(recipient).collect()),
    };
    Ok(NewEvent {
        aggregate_type: event.aggregate_type,
        aggregate_id: event.aggregate_id,
        event_type: event.event_type,
        body_kind,
        body,
        metadata: event.metadata.map(text),
        extensions: event.extensions.map(text),
        note: event.note,
        occurred_at: event.occurred_at,
        publish,
        expected: match event.expect {
            Expect::Any => Expected::Any,
            Expect::None => Expected::NoAggregate,
            Expect::Existing => Expected::Existing,
            Expect::Version(version) => Expected::Exact(version),
        },
    })
}

fn recipient(publish: wire::Publish) -> NewRecipient {
    let priority = match publish.priority {
        wire::Priority::Normal => Priority::Normal,
        wire::Priority::Urgent => Priority::Urgent,
    };
    NewRecipient { name: publish.plugin, mode: publish.mode, priority }
}

/// Recipients, as they are asked for: whether the event is delivered at all, and to whom alone.
fn publish(recipients: &Recipients) -> (Option<bool>, Vec<wire::Publish>) {
    let Recipients::Only(list) = recipients else { return (None, Vec::new()) };
    let publish = list.iter().map(|recipient| wire::Publish {
        plugin: recipient.name.to_string(),
        mode: recipient.mode.as_ref().map(ToString::to_string),
        priority: match recipient.priority {
            Priority::Normal => wire::Priority::Normal,
            Priority::Urgent => wire::Priority::Urgent,
        },
    });
    (list.is_empty().then_some(false), publish.collect())
}

fn text(raw: Raw) -> String {
    Box::<str>::from(raw).into()
}

fn refused(event: usize, what: &str) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, format!("event {event}: {what}"))
}

pub(super) fn receipt(receipt: &Receipt) -> wire::AppendResponse {
    let events = receipt.events.iter().map(|event| wire::EventReceipt {
        aggregate_type: event.aggregate.kind.to_string(),
        aggregate_id: event.aggregate.id.to_string(),
        event_id: event.event_id.to_string(),
        position: event.position.get(),
        version: event.version.get(),
        recorded_at: event.recorded_at.to_rfc3339(),
        digest: event.digest.to_string(),
    });
    wire::AppendResponse {
        events: events.collect(),
        durability: durability(receipt.durability).to_owned(),
        duplicate: receipt.duplicate,
        warnings: Vec::new(),
    }
}

pub(super) fn durability(durability: Durability) -> &'static str {
    match durability {
        Durability::Sync => "sync",
        Durability::Os => "os",
    }
}

/// An event, as far as `view` shows it.
pub(super) fn event(event: &eventdbx_store::Event, view: &View) -> Result<wire::Event, ApiError> {
    let (header, body) = (&event.header, &event.body);
    let Content { json: content, upcast } = view.content(event)?;
    let (kind, payload, patch) = match header.kind {
        EventKind::Payload => (wire::EventBodyKind::Payload, Some(content), None),
        EventKind::Patch => (wire::EventBodyKind::Patch, None, Some(content)),
        EventKind::System => (wire::EventBodyKind::System, Some(content), None),
    };
    let (emit, publish) = publish(&header.recipients);
    Ok(wire::Event {
        position: header.position.get(),
        aggregate_type: header.aggregate.kind.to_string(),
        aggregate_id: header.aggregate.id.to_string(),
        version: header.version.get(),
        event_id: header.event_id.to_string(),
        event_type: header.event_type.to_string(),
        kind,
        payload,
        patch,
        metadata: body.metadata.as_ref().map(raw).transpose()?,
        extensions: body.extensions.as_ref().map(raw).transpose()?,
        note: body.note.as_deref().map(str::to_owned),
        actor: body.actor.to_string(),
        recorded_at: header.recorded_at.to_rfc3339(),
        occurred_at: header.occurred_at.as_deref().map(str::to_owned),
        emit,
        publish,
        schema_version: header.schema_version,
        upcast,
        digest: header.digest.to_string(),
    })
}

pub(super) fn aggregate_row(aggregate: &AggregateRow, view: &View) -> Result<wire::AggregateRow, ApiError> {
    let state = aggregate.state.as_ref().map(|state| view.state(&aggregate.name.kind, state));
    Ok(wire::AggregateRow {
        aggregate_type: aggregate.name.kind.to_string(),
        aggregate_id: aggregate.name.id.to_string(),
        version: aggregate.version.get(),
        archived: aggregate.archived,
        created_at: aggregate.created_at.to_rfc3339(),
        updated_at: aggregate.updated_at.to_rfc3339(),
        root: aggregate.root.to_string(),
        last_position: aggregate.last_position.get(),
        state: state.transpose()?,
    })
}

pub(super) fn snapshot_info(info: &SnapshotInfo) -> wire::SnapshotInfo {
    wire::SnapshotInfo {
        version: info.version.get(),
        hash: info.hash.to_string(),
        recorded_at: info.recorded_at.to_rfc3339(),
        position: info.position.get(),
    }
}

pub(super) fn verify_report(report: VerifyReport) -> wire::VerifyReport {
    wire::VerifyReport {
        events: report.events,
        aggregates: report.aggregates,
        root: report.root.to_string(),
        findings: report.findings,
    }
}

/// Stored JSON as it is embedded in an answer: its line breaks, which are whitespace wherever they stand, as spaces.
pub(super) fn raw(json: &Json) -> Result<Raw, ApiError> {
    serde_json::value::to_raw_value(json)
        .map_err(|error| ApiError::new(ErrorCode::Integrity, format!("stored JSON cannot be read: {error}")))
}
