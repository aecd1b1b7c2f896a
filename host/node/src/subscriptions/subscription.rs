//! One subscription at work: reads the log ahead of its members, hands out, takes acknowledgements, parks.

use std::{
    collections::BTreeMap,
    sync::Arc,
    time::{Duration, Instant},
};

use eventdbx_store::{AggregateNumber, Position};

use super::{
    definition::Definition,
    limits,
    parked::{ParkedRow, Standing},
    pending::{Entry, Pending},
    progress::Progress,
};
use crate::{
    api::ApiError,
    plugins::source::{Selection, Source, Unread},
    wire::{AckAnswer, ErrorCode, NackAnswer, NackRequest, SubscriptionDelivery, SubscriptionParked},
};

/// Stretches of the log that are read for one request at most: what is still wanted then, the next request reads.
const STRETCHES: usize = 4;
/// Events that are read at a time.
const STRETCH_EVENTS: usize = 256;
const STRETCH_BYTES: usize = 512 * 1024;
/// Events of a parked aggregate that are read at a time when it is delivered again.
const RETRIED_EVENTS: usize = 32;

/// A subscription at work.
pub(super) struct Subscription {
    pub(super) name: String,
    pub(super) definition: Definition,
    source: Source,
    /// Or why it cannot be read any more; that concerns nobody else in the domain.
    selection: Result<Selection, String>,
    pub(super) progress: Progress,
    pub(super) pending: Pending,
    /// Position up to which the log was read.
    read: Position,
    caught_up: bool,
    /// Number of the last delivery. Begins anywhere, so that no delivery of an earlier run is taken for one of this.
    serial: u64,
    /// When each member was heard of last.
    pub(super) members: BTreeMap<Arc<str>, Instant>,
    pub(super) last_error: Option<String>,
    /// It was deleted: whoever still has it does nothing with it.
    pub(super) deleted: bool,
}

/// What a request for deliveries gets.
pub(super) struct Handed {
    pub(super) rows: Vec<SubscriptionDelivery>,
    /// The log was not read to its end: ask again at once.
    pub(super) more: bool,
    /// When something becomes due without anybody doing anything.
    pub(super) next_due: Option<Instant>,
}

impl Subscription {
    /// Takes a subscription up where it was left.
    pub(super) fn open(source: &Source, name: &str, definition: Definition) -> Result<Self, String> {
        let selection = definition.selection().map(|it| it.named(name)).map_err(|faults| faults.join("; "));
        let behind = Position::new(definition.from.get().saturating_sub(1));
        let progress = Progress::open(source, definition.generation, behind)?;
        Ok(Self {
            name: name.to_owned(),
            source: source.clone(),
            last_error: selection.as_ref().err().cloned(),
            selection,
            read: progress.cursor.position,
            progress,
            pending: Pending::default(),
            caught_up: false,
            serial: rand::random::<u32>().into(),
            members: BTreeMap::new(),
            definition,
            deleted: false,
        })
    }

    /// Gives a member what is free for it.
    pub(super) fn take(&mut self, member: &str, most: usize, now: Instant) -> Result<Handed, ApiError> {
        let member = self.join(member, now)?;
        if let Err(reason) = &self.selection {
            let message = format!("subscription {} cannot be read: {reason}", self.name);
            return Err(ApiError::new(ErrorCode::Unavailable, message).hint("delete it, and make it anew"));
        }
        self.expire(now);
        self.retry_parked().map_err(|unread| self.unread(unread))?;
        let (mut free, mut more) = (self.pending.free(&member, most, now), true);
        for _ in 0..STRETCHES {
            if free.len() >= most || !more {
                break;
            }
            more = self.read_on().map_err(|unread| self.unread(unread))?;
            free = self.pending.free(&member, most, now);
        }
        let until = now + self.definition.ack_timeout();
        let rows: Vec<_> = free.into_iter().filter_map(|position| self.hand_out(position, &member, until)).collect();
        self.progress.cursor.counters.batches += u64::from(!rows.is_empty());
        self.commit().map_err(internal)?;
        Ok(Handed { more: more && rows.is_empty(), rows, next_due: self.pending.next_due(now) })
    }

    /// Takes note of a member; those that hold nothing and were not heard of for long are forgotten.
    fn join(&mut self, name: &str, now: Instant) -> Result<Arc<str>, ApiError> {
        if name.is_empty() || name.len() > limits::MEMBER_BYTES || name.chars().any(char::is_control) {
            let message =
                format!("a member's name has 1 to MEMBER_BYTES = {} bytes, all of them text", limits::MEMBER_BYTES);
            return Err(ApiError::parameter(ErrorCode::BadRequest, "member", "bad-name", message));
        }
        let patience = self.definition.ack_timeout() + limits::LONGEST_WAIT;
        let pending = &self.pending;
        self.members.retain(|name, heard| now < *heard + patience || pending.held_by(name) > 0);
        let known = self.members.get_key_value(name).map(|(name, _)| Arc::clone(name));
        let member = known.unwrap_or_else(|| Arc::from(name));
        if !self.members.contains_key(&member) && self.members.len() >= limits::MEMBERS {
            let message = format!("{} has {} members, which is the limit MEMBERS", self.name, limits::MEMBERS);
            return Err(ApiError::new(ErrorCode::Busy, message));
        }
        self.members.insert(Arc::clone(&member), now);
        Ok(member)
    }

    /// Takes back what was not acknowledged in time.
    fn expire(&mut self, now: Instant) {
        while let Some(position) = self.pending.overdue(now) {
            self.progress.cursor.counters.traps += 1;
            self.fail(position, None, now, "it was not acknowledged in time".to_owned());
        }
    }

    /// Reads the next stretches of parked aggregates that are delivered again.
    fn retry_parked(&mut self) -> Result<(), Unread> {
        let retried = |row: &ParkedRow| row.standing == Standing::Retried;
        let waits = |number: AggregateNumber| self.pending.first_of(number).is_none();
        let rows = self.progress.parked.iter().filter(|(number, row)| retried(row) && waits(**number));
        let rows: Vec<_> = rows.map(|(number, row)| (*number, row.clone())).collect();
        for (number, mut row) in rows {
            let found =
                self.source.stretch(self.selection()?, &row.aggregate, row.version, self.read, RETRIED_EVENTS)?;
            if found.is_empty() {
                row.standing = Standing::Settled(self.read);
                self.progress.park(number, row);
            }
            for found in found {
                self.pending.insert(Entry::new(found, self.phase(), true));
            }
        }
        Ok(())
    }

    /// Reads a stretch of the log; false: there is nothing to read, or no room for it.
    fn read_on(&mut self) -> Result<bool, Unread> {
        let room = self.pending.room().min(limits::SETTLED_AHEAD.saturating_sub(self.progress.ahead()));
        let head = self.source.domain().head().position;
        if self.read >= head {
            self.caught_up = true;
            return Ok(false);
        }
        if room == 0 {
            return Ok(false);
        }
        let scanned = self.source.cut(self.selection()?, self.read, room.min(STRETCH_EVENTS), STRETCH_BYTES)?;
        self.read = scanned.end;
        let phase = self.phase();
        for found in scanned.found {
            let covered = self.progress.parked.get(&found.number).is_some_and(|row| row.covers(found.position));
            if covered {
                self.progress.cursor.counters.left_out += 1;
            } else if !self.progress.is_settled(found.position) {
                self.pending.insert(Entry::new(found, phase, false));
            }
        }
        Ok(true)
    }

    fn selection(&self) -> Result<&Selection, Unread> {
        self.selection.as_ref().map_err(|reason| Unread::Other(reason.clone()))
    }

    /// What a member is told when nothing can be read: that, and not events as the payload mode would not have them.
    fn unread(&mut self, unread: Unread) -> ApiError {
        match unread {
            Unread::Mode(message) => {
                self.last_error = Some(message.clone());
                ApiError::new(ErrorCode::Unavailable, message)
                    .hint("upgrade the mode, or make the subscription with another")
            }
            Unread::Other(message) => internal(message),
        }
    }

    fn phase(&self) -> &'static str {
        if self.caught_up { "live" } else { "catch-up" }
    }

    fn hand_out(&mut self, position: Position, member: &Arc<str>, until: Instant) -> Option<SubscriptionDelivery> {
        self.serial += 1;
        let entry = self.pending.hold(position, member, self.serial, until)?;
        Some(SubscriptionDelivery {
            ack: format!("{position}.{:x}", self.serial),
            domain: self.source.domain().name().to_string(),
            subscription: self.name.clone(),
            attempt: entry.attempt,
            phase: entry.phase.to_owned(),
            payload_mode: self.definition.payload_mode.to_string(),
            event: entry.found.event.clone(),
            schema: entry.found.schema.clone(),
        })
    }

    /// Settles deliveries.
    pub(super) fn ack(&mut self, acks: &[String], now: Instant) -> Result<AckAnswer, ApiError> {
        check_count(acks)?;
        self.expire(now);
        let mut answer = AckAnswer::default();
        for ack in acks {
            match self.counted(ack)? {
                Some(position) => {
                    self.settle(position);
                    answer.acknowledged += 1;
                }
                None => answer.stale.push(ack.clone()),
            }
        }
        self.progress.cursor.counters.deliveries += answer.acknowledged;
        self.commit().map_err(internal)?;
        Ok(answer)
    }

    /// Takes deliveries back that could not be dealt with.
    pub(super) fn nack(&mut self, request: &NackRequest, now: Instant) -> Result<NackAnswer, ApiError> {
        check_count(&request.acks)?;
        let delay = request.delay_ms.map(Duration::from_millis);
        if delay.is_some_and(|delay| delay > limits::LONGEST_PAUSE) {
            let message = format!("it is at most LONGEST_PAUSE = {} ms", limits::LONGEST_PAUSE.as_millis());
            return Err(ApiError::parameter(ErrorCode::BadRequest, "delay_ms", "out-of-range", message));
        }
        self.expire(now);
        let reason = request.reason.as_deref().unwrap_or("its member refused it");
        let reason: String = reason.chars().take(limits::REASON_CHARS).collect();
        let mut answer = NackAnswer::default();
        for ack in &request.acks {
            let Some(position) = self.counted(ack)? else {
                answer.stale.push(ack.clone());
                continue;
            };
            let failures = self.pending.get(position).map_or(0, |entry| entry.failures);
            let pause = delay.unwrap_or_else(|| pause(failures));
            match self.fail(position, Some(now + pause), now, reason.clone()) {
                true => answer.parked += 1,
                false => answer.returned += 1,
            }
        }
        self.commit().map_err(internal)?;
        Ok(answer)
    }

    /// The event of a delivery, if that delivery is the one that counts.
    fn counted(&self, ack: &str) -> Result<Option<Position>, ApiError> {
        let parts = ack.split_once('.');
        let parts = parts.and_then(|(at, serial)| Some((at.parse().ok()?, u64::from_str_radix(serial, 16).ok()?)));
        let Some((position, serial)) = parts else {
            let message = "it is not the `ack` of a delivery";
            return Err(ApiError::parameter(ErrorCode::BadRequest, "acks", "bad-ack", message));
        };
        let position = Position::new(position);
        Ok(self.pending.is_held(position, serial).then_some(position))
    }

    fn settle(&mut self, position: Position) {
        let Some(entry) = self.pending.remove(position) else { return };
        if !entry.aside {
            self.progress.settle(position);
            return;
        }
        let number = entry.found.number;
        let Some(mut row) = self.progress.parked.get(&number).cloned() else { return };
        let (position, version) = match self.pending.first_of(number) {
            Some(first) => (first.found.position, first.found.version),
            None => (entry.found.position.next(), entry.found.version.next()),
        };
        // Never back: an event beyond may have been acknowledged before.
        if version > row.version {
            (row.position, row.version) = (position, version);
        }
        self.progress.park(number, row);
    }

    /// Takes an event back that failed, or parks it; answers whether it is parked.
    fn fail(&mut self, position: Position, not_before: Option<Instant>, now: Instant, reason: String) -> bool {
        self.progress.cursor.counters.retries += 1;
        let failures = self.pending.fail(position, not_before);
        self.last_error = Some(format!("position {position}: {reason}"));
        let Some(entry) = self.pending.get(position).filter(|_| failures >= self.definition.max_attempts) else {
            return false;
        };
        let (number, found, aside) = (entry.found.number, Arc::clone(&entry.found), entry.aside);
        if !aside && self.progress.parked_count() >= limits::PARKED {
            let most = limits::PARKED;
            self.last_error = Some(format!(
                "position {position}: {reason}. It would be parked, but {most} aggregates are, which is the limit PARKED: \
                 retry or discard them"
            ));
            self.pending.postpone(position, now + limits::LONGEST_PAUSE);
            return false;
        }
        self.pending.remove_all(number);
        self.progress.park(number, ParkedRow::new(&found, failures, reason, (self.source.clock())()));
        true
    }

    /// What is parked, oldest first.
    pub(super) fn queue(&self) -> Vec<SubscriptionParked> {
        let rows = self.progress.parked.iter().filter(|(_, row)| !matches!(row.standing, Standing::Settled(_)));
        let mut rows: Vec<_> = rows.map(|(number, row)| row.told(*number)).collect();
        rows.sort_by_key(|row| row.first_position);
        rows
    }

    /// Has parked aggregates delivered again.
    pub(super) fn retry(&mut self, id: &str) -> Result<usize, ApiError> {
        self.decide(id, |row| row.standing = Standing::Retried)
    }

    /// Gives up what aggregates have parked up to now.
    pub(super) fn discard(&mut self, id: &str) -> Result<usize, ApiError> {
        let head = self.head();
        self.decide(id, |row| row.standing = Standing::Settled(head))
    }

    fn decide(&mut self, id: &str, decide: impl Fn(&mut ParkedRow)) -> Result<usize, ApiError> {
        let rows = self.progress.parked.iter().filter(|(_, row)| !matches!(row.standing, Standing::Settled(_)));
        let rows: Vec<_> = rows
            .filter(|(number, _)| id == "all" || number.to_string() == id)
            .map(|(number, row)| (*number, row.clone()))
            .collect();
        if rows.is_empty() && id != "all" {
            return Err(ApiError::not_found(format_args!("parked aggregate {id} in subscription {}", self.name)));
        }
        let decided = rows.len();
        for (number, mut row) in rows {
            self.pending.remove_all(number);
            decide(&mut row);
            self.progress.park(number, row);
        }
        self.commit().map_err(internal)?;
        Ok(decided)
    }

    /// Keeps how far it got: everything is settled up to the first event on the way that is not.
    fn commit(&mut self) -> Result<(), String> {
        let to = self.pending.first().map_or(self.read, |first: Position| Position::new(first.get() - 1));
        self.progress.commit(&self.source, to)
    }

    /// Age of the first position that is not settled, in milliseconds; 0: there is none.
    pub(super) fn lag_ms(&self) -> u64 {
        let domain = self.source.domain();
        let behind = self.progress.cursor.position;
        if behind >= domain.head().position {
            return 0;
        }
        let Some(Ok(first)) = domain.scan(behind.next()).next() else { return 0 };
        (self.source.clock())().get().saturating_sub(first.header.recorded_at.get()) / 1000
    }

    pub(super) fn head(&self) -> Position {
        self.source.domain().head().position
    }
}

/// The pause after so many failures and one more.
fn pause(failures: u32) -> Duration {
    limits::FIRST_PAUSE.saturating_mul(1 << failures.min(16)).min(limits::LONGEST_PAUSE)
}

fn check_count(acks: &[String]) -> Result<(), ApiError> {
    if acks.len() <= limits::ACKS {
        return Ok(());
    }
    let message = format!("there are {}; the limit ACKS is {}", acks.len(), limits::ACKS);
    Err(ApiError::parameter(ErrorCode::BadRequest, "acks", "too-many", message))
}

fn internal(error: String) -> ApiError {
    ApiError::new(ErrorCode::Internal, error)
}
