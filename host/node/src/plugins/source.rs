//! The log for those who follow it from outside the sandbox: cut by the selectors and payload modes of plugins.

use std::{collections::HashMap, fmt, sync::Arc};

use eventdbx_sandbox::{Fields, Parts, Selector as Widest};
use eventdbx_store::{
    AggregateNumber, AggregateRef, Clock, CompactRange, Domain, Event, EventQuery, Position, Version,
    plugindb::PluginDb,
};
use serde_json::value::RawValue;

use super::{
    PayloadMode, PluginPriority,
    cut::{CutError, Cutter, Extent, Gathered, Item},
    feed::Row,
    priority,
    selector::Selector,
    services::Services,
    slice::Slice,
};

/// What plugins and subscriptions of a domain share.
#[derive(Clone)]
pub(crate) struct Source(Arc<Services>);

/// Which events are followed, and what is shown of them.
pub(crate) struct Selection {
    selector: Selector,
    mode: PayloadMode,
}

/// An event that was asked for, cut.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) number: AggregateNumber,
    pub(crate) aggregate: AggregateRef,
    pub(crate) position: Position,
    pub(crate) version: Version,
    /// JSON of the parts that the payload mode names.
    pub(crate) event: Box<RawValue>,
    /// The schema that it was checked with, where the mode names it and there was one.
    pub(crate) schema: Option<Box<RawValue>>,
}

/// Why there is nothing to be had of the log.
#[derive(Debug)]
pub(crate) enum Unread {
    /// The component of the payload mode failed.
    Mode(String),
    /// Anything else: the daemon or its disk is at fault.
    Other(String),
}

/// What a stretch of the log has.
pub(crate) struct Scanned {
    pub(crate) found: Vec<Found>,
    /// Last position that was looked at.
    pub(crate) end: Position,
}

impl Selection {
    /// Compiles globs over aggregate types, ids and event types; every bad one is reported.
    pub(crate) fn new(
        types: &[String],
        ids: &[String],
        events: &[String],
        mode: PayloadMode,
    ) -> Result<Self, Vec<String>> {
        let widest = Widest {
            aggregate_types: types.to_vec(),
            aggregate_ids: ids.to_vec(),
            event_types: events.to_vec(),
            parts: Parts { payload: true, state: true, schema: true, envelope: true, extensions: true },
            fields: Fields::All,
        };
        Ok(Self { selector: Selector::new(&widest, &[], &[])?, mode })
    }

    /// The same, for the subscription of this name: it also gets what names it.
    pub(crate) fn named(self, name: &str) -> Self {
        Self { selector: self.selector.named(name), ..self }
    }
}

impl Source {
    pub(super) fn new(services: &Arc<Services>) -> Self {
        Self(Arc::clone(services))
    }

    pub(crate) fn domain(&self) -> &Domain {
        &self.0.domain
    }

    pub(crate) fn db(&self) -> &PluginDb {
        &self.0.db
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Whether a payload mode is built in, or was made for the domain.
    pub(crate) fn has_mode(&self, mode: PayloadMode) -> bool {
        Slice::of(mode, &self.0.modes.current()).is_some()
    }

    /// Something was committed to the plugins' database.
    pub(crate) fn committed(&self) {
        self.0.keeper.committed();
    }

    /// There are generations to delete.
    pub(crate) fn sweep(&self) {
        self.0.keeper.sweep();
    }

    /// Cuts the log behind a position: so many events, and so many bytes, at most.
    pub(crate) fn cut(
        &self,
        selection: &Selection,
        behind: Position,
        items: usize,
        bytes: usize,
    ) -> Result<Scanned, Unread> {
        let (from, to) = (behind.next(), self.0.domain.head().position);
        if to < from {
            return Ok(Scanned { found: Vec::new(), end: behind });
        }
        let parked = HashMap::new();
        let cutter = self.cutter(selection, &parked);
        let cut = cutter.cut(Extent { from, to, items, bytes }, &CompactRange::new());
        let cut = cut.map_err(unread)?;
        let found = cut.items.iter().map(|item| self.found(item)).collect::<Result<_, _>>();
        Ok(Scanned { found: found.map_err(Unread::Other)?, end: cut.end })
    }

    /// The events of one aggregate from a version on and up to a position: the first `most` of them.
    pub(crate) fn stretch(
        &self,
        selection: &Selection,
        aggregate: &AggregateRef,
        from: Version,
        to: Position,
        most: usize,
    ) -> Result<Vec<Found>, Unread> {
        let parked = HashMap::new();
        let (cutter, mut from, mut found) = (self.cutter(selection, &parked), from, Vec::new());
        let extent = Extent { from: Position::new(1), to, items: most, bytes: usize::MAX };
        let other = |error: &dyn fmt::Display| Unread::Other(error.to_string());
        loop {
            let page = self.0.domain.events(&EventQuery {
                aggregate: Some(aggregate.clone()),
                from: Some(from.get()),
                limit: most,
                system: true,
                ..EventQuery::default()
            });
            let page = page.map_err(|error| other(&error))?;
            let last = page.rows.last().map(|event| event.header.version);
            let wanted = |event: &Event| event.header.position <= to && selection.selector.admits(&event.header);
            for event in page.rows.into_iter().filter(wanted) {
                if found.len() >= most {
                    break;
                }
                // One at a time: these are few, and the mode may leave any of them out.
                let mut gathered = Gathered::at(to, CompactRange::new());
                let taken = cutter.take(&mut gathered, Row::Open(Arc::new(event)), None, extent);
                taken.map_err(|error| other(&error))?;
                let cut = cutter.finish(gathered).map_err(unread)?;
                for item in &cut.items {
                    found.push(self.found(item).map_err(Unread::Other)?);
                }
            }
            match last {
                Some(last) if page.more && found.len() < most => from = last.next(),
                _ => return Ok(found),
            }
        }
    }

    fn cutter<'a>(
        &'a self,
        selection: &'a Selection,
        parked: &'a HashMap<AggregateNumber, super::parking::ParkedRow>,
    ) -> Cutter<'a> {
        Cutter::new(&self.0, &selection.selector, parked, selection.mode)
    }

    fn found(&self, item: &Item) -> Result<Found, String> {
        let header = item.header();
        let book = self.0.domain.schemas();
        let schema = item.schema(&book).map(|stored| RawValue::from_string(stored.schema.document().to_json()));
        Ok(Found {
            number: header.number,
            aggregate: header.aggregate.clone(),
            position: header.position,
            version: header.version,
            event: item.shown().map_err(|error| error.to_string())?,
            schema: schema.transpose().map_err(|error| error.to_string())?,
        })
    }
}

fn unread(error: CutError) -> Unread {
    match error {
        CutError::Rows(error) => Unread::Other(error.to_string()),
        CutError::Mode(fault) => Unread::Mode(fault.to_string()),
    }
}

/// Has the scheduler prefer every ordinary thread to this one.
pub(crate) fn lower_priority() {
    priority::lower(PluginPriority::Normal);
}
