//! The interface `client` of the contract, on top of [`Client`]: who may call it when, and how often.

pub use crate::wire::eventdbx::plugin::client::{
    Aggregate, Answer, Appended, ClientError, Content, Event, EventPage, Expectation, NewEvent, Reason, Receipt,
};
use crate::{
    call::{CallState, Phase},
    limits::Limit,
    outcome::{Halt, Trap},
    wire::eventdbx::plugin::client as wire,
};

/// The domain as a gateway sees it. Calls block; whether something is granted is the implementor's to judge.
pub trait Client: Send {
    /// Writes events, all or none.
    ///
    /// # Errors
    ///
    /// The guest is told which of [`ClientError`] it was.
    fn append(&mut self, events: Vec<NewEvent>, key: Option<String>) -> Result<Appended, ClientError>;

    /// Reads an aggregate with its state.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    fn read_aggregate(&mut self, kind: &str, id: &str) -> Result<Aggregate, ClientError>;

    /// Reads a page of an aggregate's history.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    fn read_events(&mut self, asked: EventsAsked<'_>) -> Result<EventPage, ClientError>;

    /// Asks a read model.
    ///
    /// # Errors
    ///
    /// As for [`append`](Self::append).
    fn query(&mut self, question: Question<'_>) -> Result<Answer, ClientError>;
}

/// Which page of a history.
#[derive(Debug, Clone, Copy)]
pub struct EventsAsked<'a> {
    /// Type of the aggregate.
    pub kind: &'a str,
    /// Its id.
    pub id: &'a str,
    /// The first version.
    pub from_version: u64,
    /// Most events.
    pub limit: u32,
    /// The text of its events may have about so many bytes.
    pub bytes: u64,
}

/// What a read model is asked.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// Name of the read model.
    pub plugin: &'a str,
    /// Name of the query.
    pub name: &'a str,
    /// JSON text.
    pub params: &'a str,
    /// Cursor of a page, as an earlier answer gave it.
    pub cursor: Option<&'a str>,
    /// The answer is to have the log up to this position in it.
    pub wait_for: Option<u64>,
}

type Told<T> = wasmtime::Result<Result<T, ClientError>>;

impl wire::Host for CallState {
    fn append(&mut self, events: Vec<NewEvent>, idempotency_key: Option<String>) -> Told<Appended> {
        Ok(self.domain("client.append")?.append(events, idempotency_key))
    }

    fn read_aggregate(&mut self, aggregate_type: String, aggregate_id: String) -> Told<Aggregate> {
        Ok(self.domain("client.read-aggregate")?.read_aggregate(&aggregate_type, &aggregate_id))
    }

    fn read_events(
        &mut self,
        aggregate_type: String,
        aggregate_id: String,
        from_version: u64,
        limit: u32,
    ) -> Told<EventPage> {
        let bytes = self.limits.read_bytes / 2;
        let asked = EventsAsked { kind: &aggregate_type, id: &aggregate_id, from_version, limit, bytes };
        Ok(self.domain("client.read-events")?.read_events(asked))
    }

    fn query(
        &mut self,
        plugin: String,
        name: String,
        params: String,
        cursor: Option<String>,
        wait_for: Option<u64>,
    ) -> Told<Answer> {
        let (plugin, name, params, cursor) = (&*plugin, &*name, &*params, cursor.as_deref());
        Ok(self.domain("client.query")?.query(Question { plugin, name, params, cursor, wait_for }))
    }
}

impl CallState {
    /// Counts a call that is allowed while a request is answered, and nowhere else.
    fn domain(&mut self, function: &str) -> wasmtime::Result<&mut dyn Client> {
        self.host_calls += 1;
        self.client_calls += 1;
        if self.phase != Phase::Request {
            let message = format!("the plugin may not call `{function}` in {}", self.phase.name());
            return Err(Halt::Trapped(Trap::forbidden(message)).into());
        }
        if self.client_calls > self.limits.gateway_client_calls {
            let what = format!("the plugin calls its domain for the {}th time in one request", self.client_calls);
            return Err(Halt::Trapped(Trap::broke(Limit::GatewayClientCalls, &self.limits, what)).into());
        }
        let client = self.host.as_deref_mut().and_then(crate::Host::client);
        client.ok_or_else(|| Halt::Trapped(Trap::forbidden(format!("`{function}` leads nowhere"))).into())
    }
}
