//! What a transport is sent before its turn: an urgent event overtakes what waits of other aggregates.
//!
//! Invariant: an event never overtakes one of its own aggregate. All that waits of the aggregate up to the urgent event goes
//! ahead with it, as one batch, and up to where that went is kept, in the commit of the batch. When the cursor comes by, it
//! passes over what was sent. So each event is sent as often as without any of this, whatever crashes when.

use std::{collections::HashMap, sync::Arc};

use eventdbx_sandbox::{Failure, Halt, Handled, Level, Outcome, TableWrites, Writes};
use eventdbx_store::{
    AggregateNumber, Event, EventQuery, Header, Position,
    plugindb::{Generation, PluginDb},
};

use super::{
    cut::{Cut, Extent, Gathered},
    feed::Row,
    settle::words,
    track::{Fault, Purpose, Track},
};

/// Urgent events that are looked at before each batch.
const URGENT_LOOKED_AT: usize = 64;
/// Times in a row that sending ahead may ask for a retry, before the event is left to its turn.
const TRIES: u32 = 3;
/// The one table of a transport's generation: up to which position each aggregate was sent ahead.
const SENT: u16 = 0;

/// What was sent before its turn.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// By aggregate, the position up to which its events were sent; all of them lie behind the cursor.
    sent: HashMap<AggregateNumber, Position>,
    /// Urgent events up to here wait for their turn.
    left: Position,
    /// Retries in a row that were asked for.
    tries: u32,
}

impl Ahead {
    /// Takes up what a generation was sent before its turn.
    pub(super) fn open(db: &PluginDb, generation: Generation) -> Result<Self, Fault> {
        let mut sent = HashMap::new();
        for row in db.tables(generation).range(SENT, None, None) {
            let (key, value) = row?;
            let (Ok(number), Ok(position)) = (key.try_into(), value.try_into()) else {
                return Err(Fault::Ahead);
            };
            let [number, position] = [number, position].map(u64::from_be_bytes);
            sent.insert(AggregateNumber::new(number), Position::new(position));
        }
        Ok(Self { sent, ..Self::default() })
    }

    /// Whether an event was sent.
    pub(super) fn has(&self, header: &Header) -> bool {
        self.sent.get(&header.number).is_some_and(|end| header.position <= *end)
    }

    /// Adds to a commit that moves the cursor what need not be kept any longer.
    pub(super) fn forget(&self, up_to: Position, handled: &mut Handled) {
        for (number, _) in self.sent.iter().filter(|(_, end)| **end <= up_to) {
            write(handled, *number, None);
        }
    }

    /// The cursor has come to a position.
    pub(super) fn passed(&mut self, position: Position) {
        self.sent.retain(|_, end| *end > position);
    }
}

fn write(handled: &mut Handled, number: AggregateNumber, end: Option<Position>) {
    let tables = &mut handled.writes.tables;
    if tables.is_empty() {
        tables.push(TableWrites::default());
    }
    let end = end.map(|end| end.get().to_be_bytes().to_vec());
    tables[usize::from(SENT)].entries.insert(number.get().to_be_bytes().to_vec(), end);
}

impl Track {
    /// Sends an urgent event that waits, with what waits before it in its aggregate. False: there is none.
    pub(super) fn send_ahead(&mut self, head: Position) -> Result<bool, Fault> {
        if !self.sends() || self.purpose != Purpose::Live || self.errand.is_some() || self.trouble.is_narrowing() {
            return Ok(false);
        }
        let Some((urgent, cut)) = self.next_urgent(head)? else { return Ok(false) };
        let delivered = match self.deliver(&cut, head) {
            Ok(delivered) => delivered,
            Err(stop) => {
                self.did_not_start(&stop);
                return Ok(true);
            }
        };
        match delivered.outcome {
            Outcome::Done(_) => {
                self.commit_ahead(&cut, cut.items.len())?;
                (self.instance, self.ahead.tries) = (delivered.instance, 0);
            }
            Outcome::Retry { failure, after, done } => {
                self.commit_ahead(&cut, done)?;
                self.ahead.tries += 1;
                if self.ahead.tries >= TRIES {
                    self.leave(urgent, &failure);
                }
                self.retry_later(head, &failure, after);
            }
            Outcome::Poison(item) => {
                self.commit_ahead(&cut, item.index as usize)?;
                self.leave(urgent, &item.failure);
            }
            Outcome::Fatal(failure) => self.stop(format!("it cannot go on: {}", words(&failure))),
            Outcome::Halted(Halt::HostFailed(error)) => drop(self.broke(&error.to_string())),
            Outcome::Halted(halt) => {
                self.cursor.counters.traps += 1;
                let failure = Failure { code: "halted".to_owned(), message: halt.to_string(), detail: None };
                self.leave(urgent, &failure);
            }
        }
        Ok(true)
    }

    /// The first urgent event that can go ahead, with what goes before it.
    fn next_urgent(&self, head: Position) -> Result<Option<(Position, Cut)>, Fault> {
        // The next event in turn overtakes nobody.
        let from = self.cursor.position.next().next().max(self.ahead.left.next());
        for position in self.services.domain.urgent(from, head, URGENT_LOOKED_AT)? {
            let row = self.services.feed.window(position)?.row(0);
            let header = row.header();
            let goes = self.program.selector.is_urgent(header)
                && !self.ahead.has(header)
                && !self.parked.contains_key(&header.number)
                && self.program.selector.admits_event(row.event()?);
            if goes && let Some(cut) = self.cut_ahead(header)? {
                return Ok(Some((position, cut)));
            }
        }
        Ok(None)
    }

    /// What waits of an aggregate up to an event, this included; none: it is more than a batch holds, or
    /// something that a component shapes.
    fn cut_ahead(&self, urgent: &Header) -> Result<Option<Cut>, Fault> {
        let limits = &self.services.limits;
        let waits = |event: &Event| event.header.position > self.cursor.position && !self.ahead.has(&event.header);
        let page = self.services.domain.events(&EventQuery {
            aggregate: Some(urgent.aggregate.clone()),
            from: Some(urgent.version.get()),
            reverse: true,
            // One more than fits, to learn of it.
            limit: limits.batch_items + 1,
            system: true,
            ..EventQuery::default()
        })?;
        if (page.more || page.rows.len() > limits.batch_items) && page.rows.last().is_some_and(waits) {
            return Ok(None);
        }
        let extent =
            Extent { from: urgent.position, to: urgent.position, items: limits.batch_items, bytes: limits.batch_bytes };
        let (cutter, mut gathered) = (self.cutter(), Gathered::at(self.cursor.position, self.tree.clone()));
        for event in page.rows.into_iter().rev().filter(waits).filter(|event| self.program.selector.admits_event(event))
        {
            if !cutter.take(&mut gathered, Row::Open(Arc::new(event)), None, extent)? {
                return Ok(None);
            }
        }
        // A component may leave events out, and fail: what it shapes keeps its turn.
        Ok(cutter.finish_unshaped(gathered))
    }

    /// Commits that the first items of a batch were sent before their turn; the cursor stays.
    fn commit_ahead(&mut self, cut: &Cut, sent: usize) -> Result<(), Fault> {
        let Some(last) = sent.min(cut.items.len()).checked_sub(1) else { return Ok(()) };
        let header = cut.items[last].header();
        let (number, end) = (header.number, header.position);
        let mut handled = Handled { writes: Writes::default(), ..Handled::default() };
        write(&mut handled, number, Some(end));
        if self.commit_with(self.standstill(sent), handled, &[], &[])? {
            self.ahead.sent.insert(number, end);
        }
        Ok(())
    }

    /// Leaves an urgent event, and those before it, to their turn: whatever ails them is dealt with then.
    fn leave(&mut self, urgent: Position, failure: &Failure) {
        (self.ahead.left, self.ahead.tries) = (urgent, 0);
        self.note(
            Level::Warn,
            &format!("position {urgent} was not sent ahead, and waits for its turn: {}", words(failure)),
        );
    }
}
