//! Cutting a batch: from rows of the log to deliveries that carry exactly what a payload mode names.

use std::{collections::HashMap, fmt::Write, ops::Range, sync::Arc};

use eventdbx_sandbox::{Delivery, Envelope, Parts};
use eventdbx_store::{
    AggregateNumber, CompactRange, Digest, Event, Header, Json, Position, ReadError, SchemaBook, Shape, StoredSchema,
    limits::PAYLOAD_BYTES,
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    PayloadMode,
    feed::{Feed, Row},
    jobs::Span,
    parking::ParkedRow,
    selector::Selector,
    states::{StateError, States},
    track::Progress,
};

/// Rows that are looked at for one batch: a selector that drops nearly everything still commits its cursor now and then.
const SCAN_ROWS: u64 = 16_384;

/// What a batch is cut with.
pub(super) struct Cutter<'a> {
    pub(super) feed: &'a Feed,
    pub(super) states: &'a States,
    pub(super) selector: &'a Selector,
    /// Only events of this stretch; none: of the whole log.
    pub(super) span: Option<&'a Span>,
    pub(super) parked: &'a HashMap<AggregateNumber, ParkedRow>,
    pub(super) mode: PayloadMode,
}

/// How far a batch may go.
#[derive(Debug, Clone, Copy)]
pub(super) struct Extent {
    /// First position.
    pub(super) from: Position,
    /// Last position that may be looked at.
    pub(super) to: Position,
    /// Most items.
    pub(super) items: usize,
    /// Most bytes of content, unless a single item has more.
    pub(super) bytes: usize,
}

/// A batch, cut and not yet delivered.
pub(super) struct Cut {
    pub(super) items: Vec<Item>,
    /// Last position that was looked at.
    pub(super) end: Position,
    /// The domain's tree up to there.
    pub(super) tree: CompactRange,
    /// Items that were left out because their aggregate is parked.
    pub(super) left_out: u64,
    bytes: usize,
}

/// One event with all that its delivery carries.
pub(super) struct Item {
    row: Row,
    state: Option<Json>,
    parts: Parts,
}

/// The parts that a payload mode names.
pub(super) const fn parts(mode: PayloadMode) -> Parts {
    let event = matches!(mode, PayloadMode::All | PayloadMode::EventOnly | PayloadMode::EventAndSchema);
    Parts {
        payload: event,
        state: matches!(mode, PayloadMode::All | PayloadMode::StateOnly),
        schema: matches!(mode, PayloadMode::All | PayloadMode::SchemaOnly | PayloadMode::EventAndSchema),
        envelope: event || matches!(mode, PayloadMode::ExtensionsOnly),
        extensions: event || matches!(mode, PayloadMode::ExtensionsOnly),
    }
}

/// The parts that both have.
pub(super) const fn common(a: Parts, b: Parts) -> Parts {
    Parts {
        payload: a.payload && b.payload,
        state: a.state && b.state,
        schema: a.schema && b.schema,
        envelope: a.envelope && b.envelope,
        extensions: a.extensions && b.extensions,
    }
}

impl Cutter<'_> {
    /// Cuts a batch. It ends at its last item, or where the log ends, or where enough rows were looked at.
    /// `tree` is the domain's tree up to where it begins.
    pub(super) fn cut(&self, extent: Extent, tree: &CompactRange) -> Result<Cut, StateError> {
        let mut cut = Cut::at(Position::new(extent.from.get() - 1), tree.clone());
        let to = extent.to.get().min(cut.end.get() + SCAN_ROWS);
        while cut.end.get() < to {
            let window = self.feed.window(cut.end.next())?;
            for index in 0..window.len() {
                let header = window.header(index);
                if header.position.get() > to {
                    break;
                }
                let wanted = self.span.is_none_or(|span| span.admits(header)) && self.selector.admits(header);
                if wanted && !cut.leave_out(self.parked, header) {
                    let item = self.item(window.row(index))?;
                    if !cut.take(item, extent) {
                        return Ok(cut);
                    }
                }
                cut.pass(window.header(index));
                if cut.items.len() >= extent.items {
                    return Ok(cut);
                }
            }
        }
        Ok(cut)
    }

    /// Everything that the delivery of a row carries; opens the row only if something of it is needed.
    pub(super) fn item(&self, row: Row) -> Result<Item, StateError> {
        let parts = self.selector.parts(self.mode);
        if parts.payload || parts.envelope || parts.extensions {
            row.event()?;
        }
        let state = if parts.state { Some(self.states.after(row.event()?)?) } else { None };
        Ok(Item { row, state, parts })
    }
}

impl Cut {
    /// A batch without items.
    pub(super) fn at(end: Position, tree: CompactRange) -> Self {
        Self { items: Vec::new(), end, tree, left_out: 0, bytes: 0 }
    }

    fn pass(&mut self, header: &Header) {
        self.end = header.position;
        self.tree.push(header.leaf());
    }

    pub(super) fn progress(&self) -> Progress {
        Progress { end: self.end, root: self.tree.root(), items: self.items.len(), left_out: self.left_out }
    }

    fn leave_out(&mut self, parked: &HashMap<AggregateNumber, ParkedRow>, header: &Header) -> bool {
        // Nearly always nothing is parked.
        let out = !parked.is_empty() && parked.contains_key(&header.number);
        self.left_out += u64::from(out);
        out
    }

    /// Takes an item, unless the batch has content and no more room.
    pub(super) fn take(&mut self, item: Item, extent: Extent) -> bool {
        let bytes = item.bytes();
        if !self.items.is_empty() && self.bytes + bytes > extent.bytes {
            return false;
        }
        self.bytes += bytes;
        self.items.push(item);
        true
    }

    /// Text of all event ids, and where each stands in it.
    pub(super) fn event_ids(&self) -> (String, Vec<Range<usize>>) {
        let mut text = String::with_capacity(self.items.len() * 36);
        let mut ranges = Vec::with_capacity(self.items.len());
        for item in &self.items {
            let start = text.len();
            // Writing to a string does not fail.
            let _ = write!(text, "{}", item.header().event_id);
            ranges.push(start..text.len());
        }
        (text, ranges)
    }
}

impl Item {
    /// The same with another payload, which is JSON. The state stays that of the log.
    pub(super) fn with_payload(self, payload: &str) -> Result<Self, StateError> {
        let mut event = Event::clone(self.row.event()?);
        let damaged = |fault| ReadError::Damaged(format!("the payload of a parked event: {fault}"));
        event.body.payload = Json::parse(payload, Shape::Any, PAYLOAD_BYTES).map_err(damaged)?;
        Ok(Self { row: Row::Open(Arc::new(event)), ..self })
    }

    pub(super) fn header(&self) -> &Header {
        self.row.header()
    }

    /// The schema that the event was checked with, if the delivery carries it and there was one.
    pub(super) fn schema<'b>(&self, book: &'b SchemaBook) -> Option<&'b StoredSchema> {
        let header = self.header();
        if self.parts.schema { book.version(&header.aggregate.kind, header.schema_version) } else { None }
    }

    /// Bytes of its content, about: all that the row holds, whichever part of it is delivered.
    fn bytes(&self) -> usize {
        let state = self.state.as_ref().map_or(0, |state| state.as_str().len());
        let content = self.row.opened().map_or(0, content_bytes);
        state + content + 256
    }

    /// The delivery, borrowed from the item. `schema` is the place of its schema among those of the batch.
    pub(super) fn delivery<'a>(&'a self, event_id: &'a str, schema: Option<u32>) -> Delivery<'a> {
        let (parts, header) = (self.parts, self.header());
        let body = self.row.opened().map(|event| &event.body);
        let text = |json: &'a Option<Json>| json.as_ref().map(Json::as_str);
        Delivery {
            position: header.position.get(),
            event_id,
            aggregate_type: header.aggregate.kind.as_str(),
            aggregate_id: header.aggregate.id.as_str(),
            version: header.version.get(),
            event_type: header.event_type.as_str(),
            recorded_at_ms: header.recorded_at.get() / 1000,
            occurred_at: header.occurred_at.as_deref(),
            payload: body.filter(|_| parts.payload).map(|body| body.payload.as_str()),
            state: self.state.as_ref().map(Json::as_str),
            schema,
            envelope: body.filter(|_| parts.envelope).map(|body| Envelope {
                actor: Some(&*body.actor),
                note: body.note.as_deref(),
                metadata: text(&body.metadata),
                digest: &header.digest.0,
            }),
            extensions: body.filter(|_| parts.extensions).and_then(|body| text(&body.extensions)),
        }
    }
}

/// A delivery as people see it.
#[derive(Serialize)]
struct Shown<'a> {
    position: u64,
    event_id: String,
    aggregate_type: &'a str,
    aggregate_id: &'a str,
    version: u64,
    event_type: &'a str,
    recorded_at: String,
    occurred_at: Option<&'a str>,
    payload: Option<&'a Json>,
    state: Option<&'a Json>,
    actor: Option<&'a str>,
    note: Option<&'a str>,
    metadata: Option<&'a Json>,
    extensions: Option<&'a Json>,
    digest: Option<Digest>,
}

impl Item {
    /// The delivery as people see it: the same parts as the plugin gets.
    pub(super) fn shown(&self) -> serde_json::Result<Box<RawValue>> {
        let (parts, header) = (self.parts, self.header());
        let body = self.row.opened().map(|event| &event.body);
        let envelope = body.filter(|_| parts.envelope);
        serde_json::value::to_raw_value(&Shown {
            position: header.position.get(),
            event_id: header.event_id.to_string(),
            aggregate_type: header.aggregate.kind.as_str(),
            aggregate_id: header.aggregate.id.as_str(),
            version: header.version.get(),
            event_type: header.event_type.as_str(),
            recorded_at: header.recorded_at.to_rfc3339(),
            occurred_at: header.occurred_at.as_deref(),
            payload: body.filter(|_| parts.payload).map(|body| &body.payload),
            state: self.state.as_ref(),
            actor: envelope.map(|body| &*body.actor),
            note: envelope.and_then(|body| body.note.as_deref()),
            metadata: envelope.and_then(|body| body.metadata.as_ref()),
            extensions: body.filter(|_| parts.extensions).and_then(|body| body.extensions.as_ref()),
            digest: parts.envelope.then_some(header.digest),
        })
    }
}

fn content_bytes(event: &std::sync::Arc<Event>) -> usize {
    let body = &event.body;
    let text = |json: &Option<Json>| json.as_ref().map_or(0, |json| json.as_str().len());
    body.payload.as_str().len() + text(&body.metadata) + text(&body.extensions)
}
