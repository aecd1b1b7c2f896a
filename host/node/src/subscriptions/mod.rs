//! External subscriptions: programs that are not WebAssembly follow the log by name.
//!
//! ```text
//! log ─▶ source (selector, payload mode, as for plugins) ─▶ pending ─▶ members ─▶ acknowledged ─▶ cursor
//!                                                              ▲          │ refused, or too late
//!                                                              └──────────┴─▶ parked, after so many times
//! ```
//!
//! A subscription is no queue of copies but a cursor over the log, like a plugin. It reads ahead of its members a little,
//! remembers who holds what (in memory: after a restart all that is not acknowledged is delivered again), and keeps what
//! is settled: the cursor below which everything is, the positions beyond it that are too, and what is parked. Delivery is
//! at least once. Nobody waits for a member: an append knows nothing of subscriptions.

mod clerk;
mod definition;
pub(crate) mod limits;
mod parked;
mod pending;
mod progress;
mod subscription;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use eventdbx_store::AggregateRef;
use tokio::sync::watch;

use self::{
    clerk::Clerk,
    definition::{Checked, Definition},
    subscription::{Handed, Subscription},
};
use crate::{
    api::ApiError,
    grant::Grant,
    plugins::source::Source,
    wire::{
        self, AckAnswer, ErrorCode, NackAnswer, NackRequest, SubscriptionDelivery, SubscriptionParked,
        SubscriptionRequest,
    },
};

/// Type of the aggregates in which the log tells what became of subscriptions.
const HISTORY: &str = "$subscription";

/// The subscriptions of one domain.
pub(crate) struct Subscriptions {
    source: Source,
    known: Mutex<BTreeMap<String, Known>>,
    /// Held while one is made or deleted.
    changing: Mutex<()>,
    clerk: Clerk,
}

/// A subscription, and the sign that its deliveries have moved.
#[derive(Clone)]
struct Known {
    subscription: Arc<Mutex<Subscription>>,
    moved: watch::Sender<()>,
}

/// What a request for deliveries gets now.
pub(crate) struct Deliveries {
    pub(crate) rows: Vec<SubscriptionDelivery>,
    /// There is more to read: ask again at once.
    pub(crate) more: bool,
    /// When it is worth asking again even if nothing happens.
    pub(crate) next_due: Option<Instant>,
}

impl Subscriptions {
    /// Takes up what there is.
    ///
    /// # Errors
    ///
    /// When a record cannot be read.
    pub(crate) fn open(source: Source) -> Result<Self, String> {
        let mut known = BTreeMap::new();
        for (name, record) in source.db().subscriptions().map_err(|error| error.to_string())? {
            let definition = Definition::decode(&record).map_err(|error| format!("subscription {name}: {error}"))?;
            let subscription = Subscription::open(&source, &name, definition);
            known.insert(
                name.clone(),
                Known::new(subscription.map_err(|error| format!("subscription {name}: {error}"))?),
            );
        }
        let clerk = Clerk::new(source.domain().name().clone());
        Ok(Self { source, known: Mutex::new(known), changing: Mutex::default(), clerk })
    }

    /// Whether there is a subscription of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        lock(&self.known).contains_key(name)
    }

    /// Makes a subscription. Blocks.
    pub(crate) fn create(&self, grant: &Grant, request: SubscriptionRequest) -> Result<wire::Subscription, ApiError> {
        let _changing = lock(&self.changing);
        let name = request.name.clone();
        let history = AggregateRef::new(HISTORY, &name)?;
        let Checked { mode, from, ack_timeout_ms, max_attempts } = Checked::new(&request, &self.source)?;
        let known = lock(&self.known).len();
        if lock(&self.known).contains_key(&name) {
            let message = format!("a subscription named {name} is there already");
            return Err(ApiError::new(ErrorCode::Conflict, message).hint("choose another name, or delete it first"));
        }
        if known >= limits::SUBSCRIPTIONS {
            let message = format!("there are {known} subscriptions, which is the limit SUBSCRIPTIONS");
            return Err(ApiError::new(ErrorCode::Refused, message).hint("delete one that nobody reads"));
        }
        let definition = Definition {
            types: request.types,
            ids: request.ids,
            events: request.events,
            payload_mode: mode,
            from,
            ack_timeout_ms,
            max_attempts,
            created_at: (self.source.clock())(),
            created_by: grant.actor().to_owned(),
            generation: self.source.db().next_generation().map_err(internal)?,
        };
        self.tell(&history, "$subscription_created", &definition.announcement(), grant)?;
        self.source.db().save_subscription(&name, &definition.encode()).map_err(internal)?;
        let known = Known::new(Subscription::open(&self.source, &name, definition).map_err(internal)?);
        let told = known.told();
        lock(&self.known).insert(name, known);
        Ok(told)
    }

    /// Deletes a subscription, with all that it remembers. Blocks.
    pub(crate) fn delete(&self, grant: &Grant, name: &str) -> Result<(), ApiError> {
        let _changing = lock(&self.changing);
        let known = self.find(name)?;
        self.tell(&AggregateRef::new(HISTORY, name)?, "$subscription_deleted", "{}", grant)?;
        // IMPORTANT: the lock is held until the row is gone, so that nothing is committed to its generation any more.
        let mut subscription = known.lock()?;
        lock(&self.known).remove(name);
        subscription.deleted = true;
        self.source.db().remove_subscription(name, subscription.definition.generation).map_err(internal)?;
        drop(subscription);
        self.source.sweep();
        known.moved.send_replace(());
        Ok(())
    }

    /// How all of them stand, by name. Blocks.
    pub(crate) fn list(&self, _: &Grant) -> Vec<wire::Subscription> {
        let known: Vec<_> = lock(&self.known).values().cloned().collect();
        known.iter().map(Known::told).collect()
    }

    /// How one stands. Blocks.
    pub(crate) fn get(&self, _: &Grant, name: &str) -> Result<wire::Subscription, ApiError> {
        Ok(self.find(name)?.told())
    }

    /// Something that changes when the deliveries of a subscription have moved, but for new events.
    pub(crate) fn moves(&self, name: &str) -> Result<watch::Receiver<()>, ApiError> {
        Ok(self.find(name)?.moved.subscribe())
    }

    /// Gives a member what is free for it.
    pub(crate) async fn take(&self, _: &Grant, name: &str, member: &str, most: usize) -> Result<Deliveries, ApiError> {
        let (known, member) = (self.find(name)?, member.to_owned());
        let most = most.clamp(1, limits::BATCH_EVENTS);
        self.work(known, move |subscription| {
            let Handed { rows, more, next_due } = subscription.take(&member, most, Instant::now())?;
            Ok(Deliveries { rows, more, next_due })
        })
        .await
    }

    /// Settles deliveries.
    pub(crate) async fn ack(&self, _: &Grant, name: &str, acks: Vec<String>) -> Result<AckAnswer, ApiError> {
        let known = self.find(name)?;
        let moved = known.moved.clone();
        let answer = self.work(known, move |subscription| subscription.ack(&acks, Instant::now())).await?;
        moved.send_replace(());
        Ok(answer)
    }

    /// Takes deliveries back that could not be dealt with.
    pub(crate) async fn nack(&self, _: &Grant, name: &str, request: NackRequest) -> Result<NackAnswer, ApiError> {
        let known = self.find(name)?;
        let moved = known.moved.clone();
        let answer = self.work(known, move |subscription| subscription.nack(&request, Instant::now())).await?;
        moved.send_replace(());
        Ok(answer)
    }

    /// What a subscription has parked. Blocks.
    pub(crate) fn queue(&self, _: &Grant, name: &str) -> Result<Vec<SubscriptionParked>, ApiError> {
        Ok(self.find(name)?.lock()?.queue())
    }

    /// Delivers what an entry (or `all`) has parked again; answers how many entries. Blocks.
    pub(crate) fn retry(&self, _: &Grant, name: &str, id: &str) -> Result<usize, ApiError> {
        let known = self.find(name)?;
        let retried = known.lock()?.retry(id)?;
        known.moved.send_replace(());
        Ok(retried)
    }

    /// Gives up what an entry (or `all`) has parked up to now; answers how many entries. Blocks.
    pub(crate) fn discard(&self, _: &Grant, name: &str, id: &str) -> Result<usize, ApiError> {
        let known = self.find(name)?;
        let discarded = known.lock()?.discard(id)?;
        known.moved.send_replace(());
        Ok(discarded)
    }

    fn find(&self, name: &str) -> Result<Known, ApiError> {
        lock(&self.known).get(name).cloned().ok_or_else(|| missing(name))
    }

    async fn work<T: Send + 'static>(
        &self,
        known: Known,
        work: impl FnOnce(&mut Subscription) -> Result<T, ApiError> + Send + 'static,
    ) -> Result<T, ApiError> {
        self.clerk.ask(move || work(&mut *known.lock()?)).await
    }

    /// Tells the log what becomes of a subscription.
    fn tell(&self, history: &AggregateRef, event: &str, payload: &str, grant: &Grant) -> Result<(), ApiError> {
        self.source.domain().record(history, event, payload, grant.actor())?;
        Ok(())
    }
}

impl Known {
    fn new(subscription: Subscription) -> Self {
        Self { subscription: Arc::new(Mutex::new(subscription)), moved: watch::Sender::default() }
    }

    fn lock(&self) -> Result<MutexGuard<'_, Subscription>, ApiError> {
        let subscription = lock(&self.subscription);
        if subscription.deleted { Err(missing(&subscription.name)) } else { Ok(subscription) }
    }

    /// How it stands.
    fn told(&self) -> wire::Subscription {
        let subscription = lock(&self.subscription);
        let Subscription { name, definition, progress, pending, members, last_error, .. } = &*subscription;
        let (held, waiting) = pending.holdings();
        let (cursor, counters, head) = (progress.cursor.position, progress.cursor.counters, subscription.head());
        let members = members.keys().map(|member| wire::SubscriptionMember {
            name: member.to_string(),
            in_flight: held.get(member).copied().unwrap_or(0),
        });
        wire::Subscription {
            name: name.clone(),
            types: definition.types.clone(),
            ids: definition.ids.clone(),
            events: definition.events.clone(),
            payload_mode: definition.payload_mode.to_string(),
            from: definition.from.get(),
            ack_timeout_ms: definition.ack_timeout_ms,
            max_attempts: definition.max_attempts,
            created_at: definition.created_at.to_rfc3339(),
            created_by: definition.created_by.clone(),
            cursor: cursor.get(),
            head: head.get(),
            lag_events: head.get().saturating_sub(cursor.get()),
            lag_ms: subscription.lag_ms(),
            in_flight: held.values().sum(),
            waiting,
            parked: progress.parked_count() as u64,
            acknowledged: counters.deliveries,
            failures: counters.retries,
            timeouts: counters.traps,
            members: members.collect(),
            last_error: last_error.clone(),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn missing(name: &str) -> ApiError {
    ApiError::not_found(format_args!("subscription {name}")).hint("`dbx subscription list` lists what there is")
}

fn internal(error: impl std::fmt::Display) -> ApiError {
    ApiError::new(ErrorCode::Internal, error.to_string())
}
