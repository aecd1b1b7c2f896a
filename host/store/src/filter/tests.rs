//! Tests of the room as a whole: real rows, real expressions.

use std::sync::Arc;

use super::*;
use crate::{
    Aggregate, AggregateNumber, AggregateRef, Body, Digest, Event, EventKind, Header, Json, Micros, Position, Version,
};

mod faults;
mod hostile;
pub(crate) mod naive;
mod sorting;
mod speed;
mod table;

/// 2013-01-01T10:15:00Z.
const RECORDED: Micros = Micros::new(1_357_035_300_000_000);

fn event(payload: &str) -> Event {
    let header = Header {
        position: Position::new(42),
        number: AggregateNumber::new(7),
        aggregate: AggregateRef::new("order", "o-1").expect("a name"),
        version: Version::new(3),
        event_id: "0198c2f0-5a7e-7cc3-98c4-dc0c0c07398f".parse().expect("a UUID"),
        event_type: "order_changed".parse().expect("a type"),
        recorded_at: RECORDED,
        occurred_at: Some("2013-01-01T05:15:00-05:00".into()),
        schema_version: 2,
        kind: EventKind::Payload,
        recipients: crate::Recipients::Everyone,
        digest: Digest::default(),
    };
    let body = Body {
        actor: Arc::from("alice"),
        payload: Json::trusted(payload),
        metadata: Some(Json::trusted(r#"{"source":"web","tags":["a","b"]}"#)),
        extensions: Some(Json::trusted(r#"{"@trace":"t-9"}"#)),
        note: None,
    };
    Event { header, body }
}

fn aggregate(state: &str) -> Aggregate {
    Aggregate {
        name: AggregateRef::new("order", "o-1").expect("a name"),
        version: Version::new(3),
        archived: true,
        root: Digest::default(),
        last_position: Position::new(42),
        created_at: RECORDED,
        updated_at: Micros::new(RECORDED.get() + 1),
        state: Json::trusted(state),
    }
}

fn filter(text: &str, subject: Subject) -> Filter {
    Filter::parse(text, subject).unwrap_or_else(|fault| panic!("{fault}"))
}
