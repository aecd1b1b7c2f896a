//! A domain, a subscription to it, and a clock that the test turns.

use std::time::{Duration, Instant};

use eventdbx_sandbox::{Sandbox, SandboxOptions};
use eventdbx_store::{Domain, DomainName, Draft, MasterKey, Micros, NewEvent, OpenOptions, Position, system_clock};
use serde_json::Value;

use crate::{
    plugins::{PayloadMode, PluginLimits, Plugins, source::Source},
    subscriptions::{definition::Definition, subscription::Subscription},
    wire::{NackRequest, SubscriptionDelivery},
};

pub(super) const TIMEOUT: Duration = Duration::from_secs(30);

pub(super) struct World {
    pub(super) domain: Domain,
    pub(super) source: Source,
    pub(super) now: Instant,
    _plugins: Plugins,
    _dir: tempfile::TempDir,
}

impl World {
    pub(super) fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let name: DomainName = "default".parse().unwrap();
        let options = OpenOptions::new(system_clock());
        let domain = Domain::open(&dir.path().join("log"), name.clone(), &MasterKey::generate(), options).unwrap();
        let options = SandboxOptions { cache_dir: dir.path().join("cache"), cache_key: [0; 32] };
        let sandbox = Sandbox::new(options).unwrap();
        let plugins = Plugins::open(domain.clone(), &name, dir.path(), sandbox, PluginLimits::default()).unwrap();
        Self { domain, source: plugins.source(), now: Instant::now(), _plugins: plugins, _dir: dir }
    }

    pub(super) fn append(&self, aggregate: &str, event_type: &str) -> u64 {
        let (kind, id) = aggregate.split_once('/').unwrap();
        let event = NewEvent::new(kind, id, event_type, r#"{"n":1}"#);
        self.domain.append(Draft::one(event, "tester")).unwrap().events[0].position.get()
    }

    /// Appends `count` events, round robin to `aggregates` aggregates.
    pub(super) fn append_many(&self, count: u64, aggregates: u64) {
        for from in (0..count).step_by(500) {
            let events = (from..count.min(from + 500))
                .map(|n| NewEvent::new("thing", &format!("t{}", n % aggregates), "changed", r#"{"n":1}"#));
            self.domain.append(Draft { events: events.collect(), key: None, actor: "tester".to_owned() }).unwrap();
        }
    }

    /// To all things, of which an event may fail three times.
    pub(super) fn definition(&self) -> Definition {
        Definition {
            types: vec!["thing".to_owned()],
            ids: Vec::new(),
            events: Vec::new(),
            payload_mode: PayloadMode::EventOnly,
            from: Position::new(1),
            ack_timeout_ms: u64::try_from(TIMEOUT.as_millis()).unwrap(),
            max_attempts: 3,
            created_at: Micros::new(1),
            created_by: "tester".to_owned(),
            generation: self.source.db().next_generation().unwrap(),
        }
    }

    pub(super) fn open(&self, definition: &Definition) -> Subscription {
        Subscription::open(&self.source, "s", definition.clone()).unwrap()
    }

    pub(super) fn subscribe(&self) -> Subscription {
        self.open(&self.definition())
    }

    pub(super) fn take(&self, subscription: &mut Subscription, member: &str, most: usize) -> Vec<SubscriptionDelivery> {
        subscription.take(member, most, self.now).unwrap().rows
    }

    /// Acknowledges; none of them may be stale.
    pub(super) fn ack(&self, subscription: &mut Subscription, deliveries: &[SubscriptionDelivery]) {
        let answer = subscription.ack(&acks(deliveries), self.now).unwrap();
        assert_eq!((answer.acknowledged, &*answer.stale), (deliveries.len() as u64, &[][..]));
    }

    /// Refuses; what comes again may come at once. Answers how many are parked.
    pub(super) fn nack(&self, subscription: &mut Subscription, delivery: &SubscriptionDelivery) -> u64 {
        let reason = Some("no room".to_owned());
        let request = NackRequest { acks: vec![delivery.ack.clone()], delay_ms: Some(0), reason };
        let answer = subscription.nack(&request, self.now).unwrap();
        assert_eq!((answer.returned + answer.parked, &*answer.stale), (1, &[][..]));
        answer.parked
    }
}

pub(super) fn acks(deliveries: &[SubscriptionDelivery]) -> Vec<String> {
    deliveries.iter().map(|delivery| delivery.ack.clone()).collect()
}

pub(super) fn event(delivery: &SubscriptionDelivery) -> Value {
    serde_json::from_str(delivery.event.get()).unwrap()
}

pub(super) fn positions(deliveries: &[SubscriptionDelivery]) -> Vec<u64> {
    deliveries.iter().map(|delivery| event(delivery)["position"].as_u64().unwrap()).collect()
}

pub(super) fn aggregate(delivery: &SubscriptionDelivery) -> String {
    event(delivery)["aggregate_id"].as_str().unwrap().to_owned()
}
