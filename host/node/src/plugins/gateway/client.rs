//! The domain as a gateway asks it: under its grants, as its own actor, and without what schemas hide.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use eventdbx_sandbox::gateway::{
    Aggregate, Answer, Appended, Client, ClientError, Content, Event, EventPage, EventsAsked, Expectation, NewEvent,
    Question, Reason, Receipt,
};
use eventdbx_store::{
    self as store, AggregateRef, AppendError, BodyKind, Domain, Draft, EventKind, EventQuery, Expected, Position,
    ReadError, limits::PAGE_ROWS,
};

use super::{Access, grants::Missing};
use crate::{
    api::View,
    plugins::{
        PluginError, QueryError,
        query::{Queries, Question as Asked},
    },
};

/// A query waits no longer than until so long before the request has to be answered.
const TIME_TO_ANSWER: Duration = Duration::from_secs(1);

/// The domain, for one request.
pub(super) struct DomainClient {
    pub(super) domain: Domain,
    pub(super) queries: Arc<Queries>,
    pub(super) access: Arc<Access>,
    /// Name of the gateway.
    pub(super) gateway: String,
    /// When the request has to be answered.
    pub(super) deadline: Instant,
}

impl DomainClient {
    fn denied(&self, missing: Missing, word: &str) -> ClientError {
        let gateway = &self.gateway;
        ClientError::Denied(match missing {
            Missing::Grant => {
                format!("{word} is not granted to {gateway}: `dbx plugin config {gateway} --grant {word}`")
            }
            Missing::Ask => format!("the component of {gateway} does not ask for {word}, so that no grant lets it"),
        })
    }

    /// The aggregate of that name, if it may be read.
    fn readable(&self, kind: &str, id: &str) -> Result<AggregateRef, ClientError> {
        let name = AggregateRef::new(kind, id).map_err(|error| ClientError::NotFound(error.to_string()))?;
        self.access.may_read(&name).map_err(|missing| self.denied(missing, &format!("read={kind}/{id}")))?;
        Ok(name)
    }

    fn view(&self) -> View {
        View::without_hidden(self.domain.schemas())
    }
}

impl Client for DomainClient {
    fn append(&mut self, events: Vec<NewEvent>, key: Option<String>) -> Result<Appended, ClientError> {
        for event in &events {
            let (kind, id) = (&event.aggregate_type, &event.aggregate_id);
            let allowed = self.access.may_append(kind, id);
            allowed.map_err(|missing| self.denied(missing, &format!("append={kind}/{id}")))?;
        }
        let events = events.into_iter().map(new_event).collect();
        let receipt = self.domain.append(Draft { events, key, actor: format!("plugin:{}", self.gateway) });
        let receipt = receipt.map_err(not_written)?;
        let told = |event: &store::EventReceipt| Receipt {
            event_id: event.event_id.to_string(),
            position: event.position.get(),
            version: event.version.get(),
        };
        Ok(Appended { receipts: receipt.events.iter().map(told).collect(), duplicate: receipt.duplicate })
    }

    fn read_aggregate(&mut self, kind: &str, id: &str) -> Result<Aggregate, ClientError> {
        let name = self.readable(kind, id)?;
        let aggregate = self.domain.aggregate(&name).map_err(|error| unread(&error))?;
        let aggregate = aggregate.ok_or_else(|| ClientError::NotFound(format!("aggregate {name}")))?;
        let state = self.view().state(&name.kind, &aggregate.state).map_err(unshown)?;
        Ok(Aggregate {
            version: aggregate.version.get(),
            archived: aggregate.archived,
            created_at_ms: aggregate.created_at.get() / 1000,
            updated_at_ms: aggregate.updated_at.get() / 1000,
            state: state.get().to_owned(),
        })
    }

    fn read_events(&mut self, asked: EventsAsked<'_>) -> Result<EventPage, ClientError> {
        let name = self.readable(asked.kind, asked.id)?;
        let limit = (asked.limit as usize).clamp(1, PAGE_ROWS);
        let from = Some(asked.from_version.max(1));
        let query = EventQuery { aggregate: Some(name.clone()), from, limit, system: true, ..EventQuery::default() };
        let page = self.domain.events(&query).map_err(|error| unread(&error))?;
        if page.rows.is_empty() && self.domain.aggregate(&name).map_err(|error| unread(&error))?.is_none() {
            return Err(ClientError::NotFound(format!("aggregate {name}")));
        }
        let (view, mut events, mut bytes) = (self.view(), Vec::new(), 0);
        for row in &page.rows {
            let event = shown(row, &view)?;
            bytes += weight(&event);
            if bytes > asked.bytes && !events.is_empty() {
                return Ok(EventPage { events, next: Some(row.header.version.get()) });
            }
            events.push(event);
        }
        let next = page.last.filter(|_| page.more).map(|last| last + 1);
        Ok(EventPage { events, next })
    }

    fn query(&mut self, question: Question<'_>) -> Result<Answer, ClientError> {
        let Question { plugin, name, params, cursor, wait_for } = question;
        self.access.may_ask(plugin).map_err(|missing| self.denied(missing, &format!("query={plugin}")))?;
        let left = self.deadline.saturating_duration_since(Instant::now()).saturating_sub(TIME_TO_ANSWER);
        let wait = (Position::new(wait_for.unwrap_or_default()), left);
        let answer = self.queries.ask(plugin, Asked { query: name, params, cursor }, Some(wait)).map_err(unanswered)?;
        Ok(Answer { body: answer.body.get().to_owned(), next: answer.next, as_of: answer.as_of })
    }
}

fn new_event(event: NewEvent) -> store::NewEvent {
    let (body_kind, body) = match event.content {
        Content::Payload(json) => (BodyKind::Payload, json),
        Content::Patch(json) => (BodyKind::Patch, json),
    };
    store::NewEvent {
        aggregate_type: event.aggregate_type,
        aggregate_id: event.aggregate_id,
        event_type: event.event_type,
        body_kind,
        body,
        metadata: event.metadata,
        extensions: event.extensions,
        note: event.note,
        occurred_at: event.occurred_at,
        expected: match event.expect {
            Expectation::Any => Expected::Any,
            Expectation::NewAggregate => Expected::NoAggregate,
            Expectation::Existing => Expected::Existing,
            Expectation::Exactly(version) => Expected::Exact(version),
        },
        publish: None,
    }
}

fn not_written(error: AppendError) -> ClientError {
    match error {
        AppendError::Refused(reasons) => ClientError::Refused(reasons.into_iter().map(reason).collect()),
        AppendError::WrongVersion { actual, .. } => ClientError::WrongVersion(actual.get()),
        AppendError::KeyReused { .. } => ClientError::KeyReused,
        AppendError::Archived { .. } => ClientError::Archived,
        AppendError::Busy(reason) => ClientError::Busy(reason.to_owned()),
        AppendError::OutcomeUnknown(_) => ClientError::OutcomeUnknown,
        AppendError::Stopped(_) | AppendError::Unreadable(_) => ClientError::Failed(error.to_string()),
    }
}

fn reason(reason: store::Reason) -> Reason {
    let event = u32::try_from(reason.event).unwrap_or(u32::MAX);
    Reason { event, path: reason.path, code: reason.code.to_owned(), message: reason.message }
}

fn unread(error: &ReadError) -> ClientError {
    ClientError::Failed(error.to_string())
}

fn unshown(error: crate::api::ApiError) -> ClientError {
    ClientError::Failed(error.into_body().error.message)
}

fn unanswered(error: PluginError) -> ClientError {
    match error {
        PluginError::NotFound { what, name } => ClientError::NotFound(format!("{what} {name}")),
        PluginError::Query(QueryError::Unknown { .. }) => ClientError::NotFound(error.to_string()),
        PluginError::Query(QueryError::BadParams(message)) => {
            ClientError::Refused(vec![Reason { event: 0, path: String::new(), code: "bad-params".to_owned(), message }])
        }
        PluginError::Busy(_) | PluginError::WaitTimeout { .. } => ClientError::Busy(error.to_string()),
        other => ClientError::Failed(other.to_string()),
    }
}

/// An event, as far as it is shown.
fn shown(event: &store::Event, view: &View) -> Result<Event, ClientError> {
    let (header, body) = (&event.header, &event.body);
    let json = view.content(event).map_err(unshown)?.json.get().to_owned();
    Ok(Event {
        position: header.position.get(),
        event_id: header.event_id.to_string(),
        version: header.version.get(),
        event_type: header.event_type.to_string(),
        recorded_at_ms: header.recorded_at.get() / 1000,
        occurred_at: header.occurred_at.as_deref().map(str::to_owned),
        content: match header.kind {
            EventKind::Patch => Content::Patch(json),
            EventKind::Payload | EventKind::System => Content::Payload(json),
        },
        metadata: body.metadata.as_ref().map(|json| json.as_str().to_owned()),
        extensions: body.extensions.as_ref().map(|json| json.as_str().to_owned()),
        note: body.note.as_deref().map(str::to_owned),
        actor: body.actor.to_string(),
    })
}

fn weight(event: &Event) -> u64 {
    let (Content::Payload(json) | Content::Patch(json)) = &event.content;
    let parts = [&event.metadata, &event.extensions, &event.note].map(|part| part.as_ref().map_or(0, String::len));
    (json.len() + parts.iter().sum::<usize>()) as u64
}
