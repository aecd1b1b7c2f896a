//! Cutting a batch: from rows of the log to deliveries that carry exactly what a payload mode names.
//!
//! Two steps, in this order, and nobody gets at the first without the second: rows are [`Gathered`], as much of each as the
//! receiver may see and the mode names; then, where the mode is a component, it has its say ([`shape`]), and what comes out
//! is a [`Cut`], the only thing that can be handed over.

mod shape;
mod shown;

use std::{borrow::Cow, collections::HashMap, fmt::Write, ops::Range, sync::Arc};

use eventdbx_sandbox::{Delivery, Envelope, Parts, Replacement};
use eventdbx_store::{
    AggregateNumber, CompactRange, Event, EventKind, Header, Json, Position, ReadError, SchemaBook, Shape,
    StoredSchema, limits::PAYLOAD_BYTES,
};

use super::{
    PayloadMode,
    ahead::Ahead,
    feed::Row,
    fields::FieldFilter,
    jobs::Span,
    parking::ParkedRow,
    selector::Selector,
    services::Services,
    shaping::{Lens, ModeFault},
    slice::{ModeMap, Slice},
    states::StateError,
    track::Progress,
};

/// Rows that are looked at for one batch: a selector that drops nearly everything still commits its cursor now and then.
const SCAN_ROWS: u64 = 16_384;

/// What a batch is cut with.
pub(super) struct Cutter<'a> {
    services: &'a Services,
    selector: &'a Selector,
    /// Only events of this stretch; none: of the whole log.
    span: Option<&'a Span>,
    /// What was delivered before its turn and is passed over; none: nothing was.
    ahead: Option<&'a Ahead>,
    parked: &'a HashMap<AggregateNumber, ParkedRow>,
    slice: Slice,
    /// The modes of the domain's own, as they are for this batch.
    modes: Arc<ModeMap>,
    mode: PayloadMode,
    /// The component that shapes what the mode lets through, if it is one.
    lens: Option<Lens>,
}

/// Why nothing can be cut.
#[derive(Debug, thiserror::Error)]
pub(super) enum CutError {
    #[error(transparent)]
    Rows(#[from] StateError),
    #[error(transparent)]
    Mode(#[from] ModeFault),
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

/// A batch before the component of its mode had its say: it can be added to, and not be looked at.
pub(super) struct Gathered(Cut);

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
    /// The payload, where fields were cut out of it.
    payload: Option<String>,
    state: Option<State>,
    parts: Parts,
    /// What the component of its mode made of payload, state, metadata and extensions.
    shaped: Option<Replacement>,
}

/// The state of an aggregate.
enum State {
    Whole(Json),
    /// Without the fields that are not to be seen.
    Cut(String),
}

impl<'a> Cutter<'a> {
    /// Cuts in a mode, as it is defined now, what a selector lets through.
    pub(super) fn new(
        services: &'a Services,
        selector: &'a Selector,
        parked: &'a HashMap<AggregateNumber, ParkedRow>,
        mode: PayloadMode,
    ) -> Self {
        let modes = services.modes.current();
        let (slice, lens) = (selector.slice(mode, &modes), selector.lens(mode, &modes));
        Self { services, selector, span: None, ahead: None, parked, slice, modes, mode, lens }
    }

    /// Cuts only what lies in a stretch.
    pub(super) fn within(self, span: Option<&'a Span>) -> Self {
        Self { span, ..self }
    }

    /// Passes over what was delivered before its turn.
    pub(super) fn behind(self, ahead: &'a Ahead) -> Self {
        Self { ahead: Some(ahead), ..self }
    }

    /// Cuts a batch. It ends at its last item, or where the log ends, or where enough rows were looked at.
    /// `tree` is the domain's tree up to where it begins.
    pub(super) fn cut(&self, mut extent: Extent, tree: &CompactRange) -> Result<Cut, CutError> {
        loop {
            match self.finish(self.gather(extent, tree)?) {
                // So what comes before an event that the mode cannot cope with is delivered, and no batch is too large for it.
                Err(CutError::Mode(fault)) if fault.items > 1 => extent.items = fault.items / 2,
                other => return other,
            }
        }
    }

    /// The rows of a batch.
    pub(super) fn gather(&self, extent: Extent, tree: &CompactRange) -> Result<Gathered, StateError> {
        let mut gathered = Gathered::at(Position::new(extent.from.get() - 1), tree.clone());
        let cut = &mut gathered.0;
        let to = extent.to.get().min(cut.end.get() + SCAN_ROWS);
        while cut.end.get() < to {
            let window = self.services.feed.window(cut.end.next())?;
            for index in 0..window.len() {
                let header = window.header(index);
                if header.position.get() > to {
                    break;
                }
                if self.span.is_none_or(|span| span.admits(header))
                    && !self.ahead.is_some_and(|ahead| ahead.has(header))
                    && self.selector.admits(header)
                    && self.selector.passes(header, || window.row(index))?
                    && !cut.leave_out(self.parked, header)
                {
                    let item = self.item(window.row(index), None)?;
                    if !cut.take(item, extent) {
                        return Ok(gathered);
                    }
                }
                cut.pass(window.header(index));
                if cut.items.len() >= extent.items {
                    return Ok(gathered);
                }
            }
        }
        Ok(gathered)
    }

    /// Takes a row into a batch, unless that has content and no more room. An operator may have given its event another payload
    /// (JSON) to be delivered with: it is cut as any payload is, and the state stays that of the log.
    pub(super) fn take(
        &self,
        gathered: &mut Gathered,
        row: Row,
        payload: Option<&str>,
        extent: Extent,
    ) -> Result<bool, StateError> {
        Ok(gathered.0.take(self.item(row, payload)?, extent))
    }

    /// Everything that the delivery of a row carries; opens the row only if something of it is needed.
    fn item(&self, row: Row, payload: Option<&str>) -> Result<Item, StateError> {
        let slice = self.slice_of(row.header());
        let parts = slice.parts;
        if parts.payload || parts.envelope || parts.extensions {
            row.event()?;
        }
        let state = if parts.state { Some(State::Whole(self.services.states.after(row.event()?)?)) } else { None };
        let row = match payload {
            Some(payload) => edited(&row, payload)?,
            None => row,
        };
        let item = Item { row, payload: None, state, parts, shaped: None };
        if slice.fields.is_empty() { Ok(item) } else { item.without(&slice.fields) }
    }

    /// What is delivered of an event: what is of any, and of that no more than its writer lets this recipient see.
    fn slice_of(&self, header: &Header) -> Cow<'_, Slice> {
        match self.selector.mode_of(header) {
            Some(mode) => {
                let most = Slice::of(mode, &self.modes).unwrap_or_default();
                Cow::Owned(self.slice.clone().and(most))
            }
            None => Cow::Borrowed(&self.slice),
        }
    }
}

/// An event with another payload.
fn edited(row: &Row, payload: &str) -> Result<Row, StateError> {
    let mut event = Event::clone(row.event()?);
    let damaged = |fault| ReadError::Damaged(format!("the payload of a parked event: {fault}"));
    event.body.payload = Json::parse(payload, Shape::Any, PAYLOAD_BYTES).map_err(damaged)?;
    Ok(Row::Open(Arc::new(event)))
}

impl Item {
    /// Cuts out the fields that are not to be seen, of the parts that the delivery carries.
    fn without(mut self, fields: &[Arc<FieldFilter>]) -> Result<Self, StateError> {
        let unreadable = |error: serde_json::Error| ReadError::Damaged(format!("stored JSON cannot be read: {error}"));
        if self.parts.payload {
            let event = self.row.event()?;
            let mut payload = event.body.payload.value().map_err(unreadable)?;
            for fields in fields {
                if event.header.kind == EventKind::Patch {
                    fields.cut_patch(&mut payload);
                } else {
                    payload = fields.cut(payload);
                }
            }
            self.payload = Some(payload.to_string());
        }
        if let Some(State::Whole(state)) = &self.state {
            let state = state.value().map_err(unreadable)?;
            let cut = fields.iter().fold(state, |state, fields| fields.cut(state));
            self.state = Some(State::Cut(cut.to_string()));
        }
        Ok(self)
    }

    /// The payload, as much of it as may be seen.
    fn payload(&self) -> Option<&str> {
        if let Some(shaped) = &self.shaped {
            return shaped.payload.as_deref();
        }
        let event = self.row.opened().filter(|_| self.parts.payload)?;
        Some(self.payload.as_deref().unwrap_or(event.body.payload.as_str()))
    }

    fn state(&self) -> Option<&str> {
        if let Some(shaped) = &self.shaped {
            return shaped.state.as_deref();
        }
        self.state.as_ref().map(|state| match state {
            State::Whole(json) => json.as_str(),
            State::Cut(text) => text,
        })
    }

    fn metadata(&self) -> Option<&str> {
        if let Some(shaped) = &self.shaped {
            return shaped.metadata.as_deref();
        }
        let event = self.row.opened().filter(|_| self.parts.envelope)?;
        event.body.metadata.as_ref().map(Json::as_str)
    }

    fn extensions(&self) -> Option<&str> {
        if let Some(shaped) = &self.shaped {
            return shaped.extensions.as_deref();
        }
        let event = self.row.opened().filter(|_| self.parts.extensions)?;
        event.body.extensions.as_ref().map(Json::as_str)
    }
}

impl Gathered {
    /// A batch without items.
    pub(super) fn at(end: Position, tree: CompactRange) -> Self {
        Self(Cut { items: Vec::new(), end, tree, left_out: 0, bytes: 0 })
    }

    /// How far it goes.
    pub(super) fn progress(&self) -> Progress {
        self.0.progress()
    }

    /// The domain's tree up to there.
    pub(super) fn into_tree(self) -> CompactRange {
        self.0.tree
    }
}

impl Cut {
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
    fn take(&mut self, item: Item, extent: Extent) -> bool {
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
        let state = self.state().map_or(0, str::len);
        let content = self.row.opened().map_or(0, shown::content_bytes);
        state + content + 256
    }

    /// The delivery, borrowed from the item. `schema` is the place of its schema among those of the batch.
    pub(super) fn delivery<'a>(&'a self, event_id: &'a str, schema: Option<u32>) -> Delivery<'a> {
        let (parts, header) = (self.parts, self.header());
        let body = self.row.opened().map(|event| &event.body);
        Delivery {
            position: header.position.get(),
            event_id,
            aggregate_type: header.aggregate.kind.as_str(),
            aggregate_id: header.aggregate.id.as_str(),
            version: header.version.get(),
            event_type: header.event_type.as_str(),
            recorded_at_ms: header.recorded_at.get() / 1000,
            occurred_at: header.occurred_at.as_deref(),
            payload: self.payload(),
            state: self.state(),
            schema,
            envelope: body.filter(|_| parts.envelope).map(|body| Envelope {
                actor: Some(&*body.actor),
                note: body.note.as_deref(),
                metadata: self.metadata(),
                digest: &header.digest.0,
            }),
            extensions: self.extensions(),
        }
    }
}
