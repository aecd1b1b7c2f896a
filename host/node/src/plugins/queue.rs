//! The queue of a generation: delivering again what is parked, or giving it up.

use std::sync::Arc;

use eventdbx_sandbox::{Handled, Outcome};
use eventdbx_store::{AggregateNumber, Domain, Event, EventQuery, Position, ReadError, Version};

use super::{
    cut::{Cut, CutError, Extent, Gathered},
    parking::{self, Edited, Grounds, ParkedRow},
    selector::Selector,
    settle::grounds,
    states::StateError,
    track::{Fault, Progress, Track},
};

/// Some events of a parked stretch.
pub(super) struct Stretch {
    /// Those that the plugin is to see, in order.
    pub(super) events: Vec<Arc<Event>>,
    /// Where the stretch goes on behind them; none: it ends with them.
    pub(super) rest: Option<(Position, Version)>,
}

impl Stretch {
    /// Reads at most `most` events of what `parked` holds up to a position.
    pub(super) fn read(
        domain: &Domain,
        selector: &Selector,
        parked: &ParkedRow,
        to: Position,
        most: usize,
    ) -> Result<Self, ReadError> {
        let page = domain.events(&EventQuery {
            aggregate: Some(parked.aggregate.clone()),
            from: Some(parked.version.get()),
            limit: most,
            system: true,
            ..EventQuery::default()
        })?;
        let rest = page.rows.last().filter(|last| page.more && last.header.position < to);
        let rest = rest.map(|last| (last.header.position.next(), last.header.version.next()));
        let seen = page.rows.into_iter().filter(|event| event.header.position <= to && selector.admits_event(event));
        Ok(Self { events: seen.map(Arc::new).collect(), rest })
    }
}

/// A batch of a parked stretch.
struct ParkedCut {
    cut: Cut,
    /// Where the stretch goes on behind it.
    rest: Option<(Position, Version)>,
}

impl Track {
    /// Delivers what an aggregate has parked, in order, up to where the generation is; then its later events are delivered
    /// with all others again. Each batch is committed together with how far the stretch has come, so that nothing is
    /// handled twice whatever happens. Answers whether all of it went well; if not, the rest stays parked.
    pub(super) fn retry_parked(&mut self, number: AggregateNumber) -> Result<bool, Fault> {
        let mut most = usize::MAX;
        while let Some(parked) = self.parked.get(&number).cloned() {
            let ParkedCut { cut, rest } = match self.cut_parked(&parked, most) {
                Ok(cut) => cut,
                Err(CutError::Mode(fault)) if fault.items > 1 => {
                    most = fault.items / 2;
                    continue;
                }
                Err(CutError::Mode(fault)) => {
                    let grounds = Grounds { code: "mode-failed".to_owned(), reason: fault.to_string() };
                    return self.stays_parked(number, parked, grounds);
                }
                Err(CutError::Rows(error)) => return Err(error.into()),
            };
            let Some(first) = cut.items.first() else {
                self.commit_stretch(number, parked, 0, rest, Handled::default())?;
                continue;
            };
            let (position, version) = (first.header().position, first.header().version);
            let parked = ParkedRow { position, version, ..parked };
            let delivered = match self.deliver(&cut, self.cursor.position) {
                Ok(delivered) => delivered,
                Err(stop) => {
                    let grounds = Grounds { code: "not-started".to_owned(), reason: stop.to_string() };
                    return self.stays_parked(number, parked, grounds);
                }
            };
            match delivered.outcome {
                Outcome::Done(handled) => {
                    if !self.commit_stretch(number, parked, cut.items.len(), rest, handled)? {
                        return Ok(false);
                    }
                    self.instance = delivered.instance;
                }
                Outcome::Poison(_) | Outcome::Halted(_) if cut.items.len() > 1 => most = cut.items.len() / 2,
                Outcome::Retry { failure, done, .. } if 0 < done && done < cut.items.len() && self.sends() => {
                    // What was sent is not sent again; the rest stays parked.
                    let next = cut.items[done].header();
                    let rest = (next.position, next.version);
                    self.commit_stretch(number, parked.clone(), done, Some(rest), Handled::default())?;
                    let parked = ParkedRow { position: rest.0, version: rest.1, ..parked };
                    return self.stays_parked(number, parked, failure.into());
                }
                outcome => return self.stays_parked(number, parked, why(outcome)),
            }
        }
        Ok(true)
    }

    /// Gives up what an aggregate has parked up to where the generation is.
    pub(super) fn discard_parked(&mut self, number: AggregateNumber) -> Result<(), Fault> {
        self.commit_with(self.standstill(0), Handled::default(), &[], &[number]).map(drop)
    }

    /// Keeps the payload that an operator wants the first event of a parked stretch delivered with.
    pub(super) fn edit_parked(&mut self, number: AggregateNumber, edited: Edited) -> Result<(), Fault> {
        let Some(row) = self.parked.get(&number).cloned() else { return Ok(()) };
        let row = ParkedRow { edited: Some(edited), ..row };
        self.commit_with(self.standstill(0), Handled::default(), &[(number, row)], &[]).map(drop)
    }

    fn cut_parked(&self, parked: &ParkedRow, most: usize) -> Result<ParkedCut, CutError> {
        let (limits, to) = (&self.services.limits, self.cursor.position);
        let items = most.clamp(1, limits.batch_items);
        let Stretch { events, mut rest } =
            Stretch::read(&self.services.domain, &self.program.selector, parked, to, items)
                .map_err(StateError::from)?;
        let extent = Extent { from: parked.position, to, items, bytes: limits.batch_bytes };
        let (cutter, mut gathered) = (self.cutter(), Gathered::at(to, self.tree.clone()));
        for event in events {
            let place = (event.header.position, event.header.version);
            if !parking::take(&cutter, &mut gathered, parked, event, extent)? {
                rest = Some(place);
                break;
            }
        }
        Ok(ParkedCut { cut: cutter.finish(gathered)?, rest })
    }

    /// Commits a part of a stretch together with where it goes on.
    fn commit_stretch(
        &mut self,
        number: AggregateNumber,
        parked: ParkedRow,
        items: usize,
        rest: Option<(Position, Version)>,
        handled: Handled,
    ) -> Result<bool, Fault> {
        let progress = self.standstill(items);
        match rest {
            Some((position, version)) => {
                let edited = parked.edited.clone().filter(|edited| edited.position >= position);
                let row = ParkedRow { position, version, edited, ..parked };
                self.commit_with(progress, handled, &[(number, row)], &[])
            }
            None => self.commit_with(progress, handled, &[], &[number]),
        }
    }

    fn stays_parked(&mut self, number: AggregateNumber, parked: ParkedRow, grounds: Grounds) -> Result<bool, Fault> {
        let attempts = parked.attempts.saturating_add(1);
        let row = ParkedRow { attempts, code: grounds.code, reason: grounds.reason, ..parked };
        self.commit_with(self.standstill(0), Handled::default(), &[(number, row)], &[])?;
        Ok(false)
    }

    /// A commit that leaves the cursor where it is.
    pub(super) fn standstill(&self, items: usize) -> Progress {
        Progress { end: self.cursor.position, root: self.cursor.root, items, left_out: 0 }
    }
}

pub(super) fn why(outcome: Outcome<Handled>) -> Grounds {
    match outcome {
        Outcome::Poison(item) => item.failure.into(),
        Outcome::Retry { failure, .. } | Outcome::Fatal(failure) => failure.into(),
        Outcome::Halted(halt) => grounds(&halt),
        Outcome::Done(_) => Grounds { code: String::new(), reason: String::new() },
    }
}
