//! Asks a gateway as the host does, over a domain in memory: no daemon, no socket.

use std::{
    cell::RefCell,
    collections::{HashMap, VecDeque},
    rc::Rc,
};

use serde_json::Value;

use super::log::merge;
use crate::{
    StartContext, StartReason,
    gateway::{
        self, Aggregate, Answered, Appended, Client, ClientError, Content, EventPage, Expectation, Gateway, Incoming,
        NewEvent, Receipt, Reply, StoredEvent,
    },
};

/// A gateway, and the domain that it is installed in.
pub struct Front<G> {
    gateway: G,
    domain: Domain,
}

impl<G: Gateway> Front<G> {
    /// Starts the gateway with a configuration, in a domain without events.
    ///
    /// # Panics
    /// When the gateway does not start.
    pub fn new(config: &Value) -> Self {
        let context = StartContext { domain: "default".to_owned(), reason: StartReason::FirstStart };
        let gateway = gateway::make(&config.to_string(), &context)
            .unwrap_or_else(|failure| panic!("the gateway does not start: {failure}"));
        Self { gateway, domain: Domain::default() }
    }

    /// Its domain.
    pub fn domain(&self) -> Domain {
        self.domain.clone()
    }

    /// Hands a request over.
    pub fn call(&self, request: &Incoming) -> Reply {
        self.gateway.answer(request, &self.domain).unwrap_or_else(|reply| reply)
    }
}

/// A domain in memory, in which everything is granted. It merges payloads, as the store does, and takes no patches, which
/// are the host's business; schemas, too.
#[derive(Clone, Default)]
pub struct Domain(Rc<RefCell<Kept>>);

/// A read model that the test stands in for: from the parameters to the answer.
type Answerer = dyn Fn(&Value) -> Value;

#[derive(Default)]
struct Kept {
    events: Vec<(String, String, StoredEvent)>,
    states: HashMap<(String, String), (u64, Value)>,
    keys: HashMap<String, (Vec<String>, Vec<Receipt>)>,
    queries: HashMap<(String, String), Box<Answerer>>,
    failures: VecDeque<ClientError>,
}

impl Domain {
    /// The next call fails like this; may be called several times.
    pub fn fail(&self, error: ClientError) {
        self.0.borrow_mut().failures.push_back(error);
    }

    /// Stands in for a query of a read model.
    pub fn answers(&self, plugin: &str, query: &str, answer: impl Fn(&Value) -> Value + 'static) {
        self.0.borrow_mut().queries.insert((plugin.to_owned(), query.to_owned()), Box::new(answer));
    }

    /// What was written: the aggregate as `TYPE/ID`, the type of the event, and its payload.
    ///
    /// # Panics
    /// When a payload is no JSON.
    pub fn events(&self) -> Vec<(String, String, Value)> {
        let told = |(kind, id, event): &(String, String, StoredEvent)| {
            let (Content::Payload(json) | Content::Patch(json)) = &event.content;
            let payload = serde_json::from_str(json).unwrap_or_else(|error| panic!("a payload is no JSON: {error}"));
            (format!("{kind}/{id}"), event.event_type.clone(), payload)
        };
        self.0.borrow().events.iter().map(told).collect()
    }

    fn failing(&self) -> Result<(), ClientError> {
        self.0.borrow_mut().failures.pop_front().map_or(Ok(()), Err)
    }
}

impl Client for Domain {
    fn append(&self, events: Vec<NewEvent>, key: Option<&str>) -> Result<Appended, ClientError> {
        self.failing()?;
        let mut kept = self.0.borrow_mut();
        let content: Vec<_> = events.iter().map(|event| format!("{:?}", event.0)).collect();
        if let Some((known, receipts)) = key.and_then(|key| kept.keys.get(key)) {
            let receipts = receipts.clone();
            return if *known == content {
                Ok(Appended { receipts, duplicate: true })
            } else {
                Err(ClientError::KeyReused)
            };
        }
        let mut receipts = Vec::new();
        for NewEvent(event) in events {
            let position = kept.events.len() as u64 + 1;
            let name = (event.aggregate_type, event.aggregate_id);
            let (version, state) =
                kept.states.entry(name.clone()).or_insert_with(|| (0, Value::Object(Default::default())));
            let expected = match event.expect {
                Expectation::Any => true,
                Expectation::NewAggregate => *version == 0,
                Expectation::Existing => *version > 0,
                Expectation::Exactly(wanted) => *version == wanted,
            };
            if !expected {
                return Err(ClientError::WrongVersion(*version));
            }
            let Content::Payload(payload) = &event.content else {
                return Err(ClientError::Failed("the domain of a test takes no patches".to_owned()));
            };
            let parsed = serde_json::from_str(payload).map_err(|error| ClientError::Failed(error.to_string()))?;
            merge(state, &parsed);
            *version += 1;
            let (version, event_id) = (*version, format!("event-{position}"));
            receipts.push(Receipt { event_id: event_id.clone(), position, version });
            kept.events.push((
                name.0,
                name.1,
                StoredEvent {
                    position,
                    event_id,
                    version,
                    event_type: event.event_type,
                    recorded_at_ms: position,
                    occurred_at: event.occurred_at,
                    content: event.content,
                    metadata: event.metadata,
                    extensions: event.extensions,
                    note: event.note,
                    actor: "test".to_owned(),
                },
            ));
        }
        if let Some(key) = key {
            kept.keys.insert(key.to_owned(), (content, receipts.clone()));
        }
        Ok(Appended { receipts, duplicate: false })
    }

    fn aggregate(&self, aggregate_type: &str, aggregate_id: &str) -> Result<Aggregate, ClientError> {
        self.failing()?;
        let kept = self.0.borrow();
        let name = (aggregate_type.to_owned(), aggregate_id.to_owned());
        let missing = || ClientError::NotFound(format!("aggregate {aggregate_type}/{aggregate_id}"));
        let (version, state) = kept.states.get(&name).ok_or_else(missing)?;
        let (version, state) = (*version, state.to_string());
        Ok(Aggregate { version, archived: false, created_at_ms: 1, updated_at_ms: version, state })
    }

    fn events(
        &self,
        aggregate_type: &str,
        aggregate_id: &str,
        from: u64,
        limit: u32,
    ) -> Result<EventPage, ClientError> {
        self.failing()?;
        let kept = self.0.borrow();
        let of_it = kept.events.iter().filter(|(kind, id, _)| kind == aggregate_type && id == aggregate_id);
        let mut events: Vec<_> = of_it.map(|(.., event)| event.clone()).filter(|event| event.version >= from).collect();
        if events.is_empty() && !kept.states.contains_key(&(aggregate_type.to_owned(), aggregate_id.to_owned())) {
            return Err(ClientError::NotFound(format!("aggregate {aggregate_type}/{aggregate_id}")));
        }
        let next = events.get(limit as usize).map(|event| event.version);
        events.truncate(limit as usize);
        Ok(EventPage { events, next })
    }

    fn query(
        &self,
        plugin: &str,
        name: &str,
        params: &Value,
        _cursor: Option<&str>,
        _wait_for: Option<u64>,
    ) -> Result<Answered, ClientError> {
        self.failing()?;
        let kept = self.0.borrow();
        let known = kept.queries.get(&(plugin.to_owned(), name.to_owned()));
        let answer = known.ok_or_else(|| ClientError::NotFound(format!("query {name} of {plugin}")))?;
        Ok(Answered { body: answer(params).to_string(), next: None, as_of: kept.events.len() as u64 })
    }
}
