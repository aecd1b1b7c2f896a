//! The committer: one thread per domain, through which every acknowledged byte goes.
//!
//! It takes what queued up during the last sync, places it, writes it as one fjall batch with one sync, and answers. There
//! is no timer: a lone request is written at once, and the more there are the more share a sync. Nothing is shown to
//! anyone before it is synced.

use std::{collections::HashMap, sync::Arc, thread::JoinHandle, time::Instant};

use fjall::PersistMode;

use super::{
    CheckOutcome, CheckedEvent, Effect, Lane, Submission,
    group::{Group, NotAdmitted, Slot},
    heads::Heads,
    queue::{Reply, Waiting},
    rows::Rows,
    sequence::Sequence,
};
use crate::{
    AggregateRef, AppendError, Committed, Durability, Position, ReadError, Receipt, SchemaBook, SubmitError, Unsettled,
    anchor::AnchorWriter, domain::Shared, files::Files, limits,
};

/// What the committer's thread owns.
pub(crate) struct Committer {
    pub(crate) files: Arc<Files>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) anchor: AnchorWriter,
    pub(crate) sequence: Sequence,
    pub(crate) heads: Heads,
    /// Mode and schemas as of the last event that was placed.
    pub(crate) book: Arc<SchemaBook>,
}

/// What becomes of the requests of a group. All are answered after the commit: one that must be checked again has to find
/// what this group wrote.
#[derive(Default)]
struct Answers {
    committed: Vec<(Receipt, Reply)>,
    turned_away: Vec<(SubmitError, Reply)>,
}

impl Committer {
    /// Starts the thread. It ends when all senders of the queue are gone.
    pub(crate) fn start(self, waiting: Waiting) -> std::io::Result<JoinHandle<()>> {
        std::thread::Builder::new().name("dbx-committer".into()).spawn(move || self.run(&waiting))
    }

    fn run(mut self, waiting: &Waiting) {
        while let Some(submissions) = waiting.next_group() {
            if let Err(reason) = self.commit(submissions) {
                tracing::error!(%reason, "writes are stopped");
                self.shared.stop(reason);
                break;
            }
        }
        // Only after a failure is anyone left to be answered.
        while let Some(submissions) = waiting.next_group() {
            for submission in submissions {
                (submission.reply)(Err(self.shared.stopped().into()));
            }
        }
    }

    /// Commits a group and answers its requests. The error says why nothing more can be written.
    fn commit(&mut self, submissions: Vec<Submission>) -> Result<(), String> {
        let files = Arc::clone(&self.files);
        let first = self.sequence.last.next();
        let mut group = Group::new(&files);
        let mut rows = Rows::new(&files);
        let mut answers = Answers::default();
        self.start_group();
        if let Err(error) = self.place_all(submissions, &mut group, &mut rows, &mut answers) {
            let reason = error.to_string();
            answers.fail(&AppendError::Stopped(reason.clone()));
            return Err(reason);
        }
        if self.sequence.last >= first
            && let Err(error) = self.write(first, &mut group.slots, &mut rows)
        {
            let reason = error.to_string();
            answers.fail(&AppendError::OutcomeUnknown(reason.clone()));
            return Err(reason);
        }
        self.keep(group.slots);
        self.announce(rows.events);
        answers.send();
        Ok(())
    }

    fn start_group(&mut self) {
        let now = (self.files.clock)();
        let last = self.sequence.recorded_at;
        if now.get() + limits::CLOCK_JUMP_MICROS < last.get() {
            tracing::warn!(now = %now.to_rfc3339(), last = %last.to_rfc3339(), "the clock went back: recorded times stand still until it catches up");
        }
        self.sequence.start_group(now);
    }

    /// Admits the requests in turn, and places the events of those that are admitted.
    fn place_all(
        &mut self,
        submissions: Vec<Submission>,
        group: &mut Group<'_>,
        rows: &mut Rows<'_>,
        answers: &mut Answers,
    ) -> Result<(), ReadError> {
        for Submission { checked, reply } in submissions {
            let lane = checked.lane;
            if lane.as_ref().is_some_and(Lane::is_broken) {
                answers.turned_away.push((SubmitError::Moved(Unsettled(checked.origin)), reply));
                continue;
            }
            let events = match checked.outcome {
                CheckOutcome::Write(events) => events,
                CheckOutcome::Known(receipt) => {
                    answers.committed.push((receipt, reply));
                    continue;
                }
                CheckOutcome::Snapshot(name, actor) => {
                    match self.take_on_demand(&name, &actor, group, rows)? {
                        Ok(receipt) => answers.committed.push((receipt, reply)),
                        Err(error) => answers.turned_away.push((error.into(), reply)),
                    }
                    continue;
                }
            };
            let admitted = match (&checked.book, &checked.judged_by) {
                (Some(book), _) if !self.decides_as(book, &events) => Err(NotAdmitted::Moved),
                (_, Some(by)) if !self.files.is_judged_by(by) => Err(NotAdmitted::Moved),
                _ => group.admit(&mut self.heads, &self.book, &events, checked.keyed),
            };
            if let (Err(_), Some(lane)) = (&admitted, &lane) {
                lane.break_off();
            }
            match admitted {
                Ok(()) => {
                    let receipt = self.place(events, group, rows)?;
                    answers.committed.push((receipt, reply));
                }
                Err(NotAdmitted::Refused(error)) => answers.turned_away.push((error.into(), reply)),
                Err(NotAdmitted::Moved) => {
                    answers.turned_away.push((SubmitError::Moved(Unsettled(checked.origin)), reply))
                }
            }
        }
        Ok(())
    }

    /// Whether the book of now decides about events as the one that they were checked under.
    fn decides_as(&self, book: &Arc<SchemaBook>, events: &[CheckedEvent]) -> bool {
        Arc::ptr_eq(book, &self.book)
            || events.iter().all(|event| {
                let kind = &event.aggregate.kind;
                !matches!(event.effect, Effect::Switch(_)) && self.book.rule(kind).is_same(&book.rule(kind))
            })
    }

    fn place(
        &mut self,
        events: Vec<CheckedEvent>,
        group: &mut Group<'_>,
        rows: &mut Rows<'_>,
    ) -> Result<Receipt, ReadError> {
        let mut receipts = Vec::with_capacity(events.len());
        let mut snapshots = Vec::new();
        for mut event in events {
            let Some(slot) = group.slots.get_mut(&event.aggregate) else { unreachable!("admitted before") };
            if !slot.changed
                && let Some(schema) = self.book.referring_schema(&event.aggregate.kind)
            {
                slot.referred = self.files.targets(schema, &slot.head.state);
            }
            slot.changed = true;
            let change = event.effect.take_switch();
            let threshold = event.snapshot_threshold;
            let knows_state = !matches!(event.effect, Effect::Evaluated { state: None, .. });
            let sequenced = self.sequence.place(&self.files, &group.at, event, &mut slot.head, &mut rows.tiles)?;
            if let Some(change) = change {
                self.book = Arc::new(self.book.after(&change, &sequenced.event)?);
            }
            snapshots.extend(slot.due(&sequenced.event.header.aggregate, threshold, knows_state));
            receipts.push(sequenced.event.receipt());
            rows.event(sequenced);
        }
        self.take_due(snapshots, group, rows)?;
        Ok(Receipt { events: receipts, durability: self.files.durability, duplicate: false })
    }

    /// Writes what the group placed: one batch, one sync.
    fn write(
        &mut self,
        first: Position,
        slots: &mut HashMap<AggregateRef, Slot>,
        rows: &mut Rows<'_>,
    ) -> Result<(), fjall::Error> {
        for (name, slot) in slots.iter_mut().filter(|(_, slot)| slot.changed) {
            rows.head(name, &mut slot.head);
            let schema = self.book.referring_schema(&name.kind);
            let refers = schema.map(|schema| self.files.targets(schema, &slot.head.state)).unwrap_or_default();
            rows.links(name, slot.head.number, &slot.referred, &refers);
        }
        rows.commit_record(first, &mut self.sequence);
        let mode = match self.files.durability {
            Durability::Sync => PersistMode::SyncData,
            Durability::Os => PersistMode::Buffer,
        };
        let started = Instant::now();
        rows.take_batch().durability(Some(mode)).commit()?;
        self.shared.count_commit(started.elapsed());
        Ok(())
    }

    /// Keeps the heads of the group for the next one.
    fn keep(&mut self, slots: HashMap<AggregateRef, Slot>) {
        for (name, slot) in slots {
            if slot.head.version.get() > 0 {
                self.heads.put(name, slot.head);
            }
        }
    }

    /// Shows what is committed: to readers of the head, to the anchor, to the listeners.
    fn announce(&self, events: Vec<Arc<crate::Event>>) {
        if events.is_empty() {
            return;
        }
        let head = self.sequence.head();
        self.shared.publish(head, self.sequence.aggregates, &self.book);
        self.anchor.advance(head);
        self.shared.tell(&Committed { events });
    }
}

impl Answers {
    fn send(self) {
        for (receipt, reply) in self.committed {
            reply(Ok(receipt));
        }
        for (error, reply) in self.turned_away {
            reply(Err(error));
        }
    }

    /// The group failed: requests that were admitted share its fate, the others keep their own answer.
    fn fail(self, error: &AppendError) {
        for (receipt, reply) in self.committed {
            reply(if receipt.duplicate { Ok(receipt) } else { Err(error.clone().into()) });
        }
        for (error, reply) in self.turned_away {
            reply(Err(error));
        }
    }
}
