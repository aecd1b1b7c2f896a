//! Subscriptions: what is asked for, what is delivered, what is acknowledged.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Raw;

/// What is asked for when a subscription is made.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubscriptionRequest {
    /// Its name, made as an aggregate id.
    pub name: String,
    /// Globs that an aggregate type must match; none: any.
    #[serde(default)]
    pub types: Vec<String>,
    /// Globs that an aggregate id must match; none: any.
    #[serde(default)]
    pub ids: Vec<String>,
    /// Globs that an event type must match; none: any but EventDBX's own, which begin with `$`.
    #[serde(default)]
    pub events: Vec<String>,
    /// What deliveries carry; none: `all`.
    #[serde(default)]
    pub payload_mode: Option<String>,
    /// Where it begins: `beginning`, `end`, or a position; none: `beginning`.
    #[serde(default)]
    pub from: Option<String>,
    /// How long a delivery may stay without an acknowledgement before it is made again; none: 30000.
    #[serde(default)]
    pub ack_timeout_ms: Option<u64>,
    /// How often an event may fail before it is parked; none: 5.
    #[serde(default)]
    pub max_attempts: Option<u32>,
}

/// How a subscription stands.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Subscription {
    /// Its name.
    pub name: String,
    /// Globs that an aggregate type must match; none: any.
    pub types: Vec<String>,
    /// Globs that an aggregate id must match; none: any.
    pub ids: Vec<String>,
    /// Globs that an event type must match; none: any but EventDBX's own.
    pub events: Vec<String>,
    /// What deliveries carry.
    pub payload_mode: String,
    /// First position that is wanted.
    pub from: u64,
    /// How long a delivery may stay without an acknowledgement.
    pub ack_timeout_ms: u64,
    /// How often an event may fail before it is parked.
    pub max_attempts: u32,
    /// When it was made (RFC 3339).
    pub created_at: String,
    /// By whom.
    pub created_by: String,
    /// Position up to which everything is settled: acknowledged, parked, discarded, or not asked for.
    pub cursor: u64,
    /// End of the log.
    pub head: u64,
    /// Positions behind the cursor.
    pub lag_events: u64,
    /// Age of the first of them, in milliseconds; 0: none.
    pub lag_ms: u64,
    /// Deliveries that were made and are not acknowledged yet.
    pub in_flight: u64,
    /// Events that were read and wait to be delivered.
    pub waiting: u64,
    /// Parked aggregates.
    pub parked: u64,
    /// Deliveries that were acknowledged.
    pub acknowledged: u64,
    /// Times that a delivery was refused, or not acknowledged in time.
    pub failures: u64,
    /// Those of them that were not acknowledged in time.
    pub timeouts: u64,
    /// Who was heard of lately, or holds deliveries.
    pub members: Vec<SubscriptionMember>,
    /// The last thing that went wrong, since the daemon started.
    pub last_error: Option<String>,
}

/// A member of a subscription's group.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionMember {
    /// Its name.
    pub name: String,
    /// Deliveries that it holds.
    pub in_flight: u64,
}

/// The subscriptions of a domain, by name.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Subscriptions {
    /// How they stand.
    pub rows: Vec<Subscription>,
}

/// One event, delivered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionDelivery {
    /// Names the delivery for its acknowledgement. Opaque.
    pub ack: String,
    /// The domain.
    pub domain: String,
    /// The subscription.
    pub subscription: String,
    /// How often the event was delivered, this time included; counted from 1 again when the daemon starts, and when what was
    /// parked is retried.
    pub attempt: u32,
    /// `catch-up` until the subscription has seen the end of the log, then `live`.
    pub phase: String,
    /// The mode that cut it.
    pub payload_mode: String,
    /// Identity, types and times of the event, and the parts that the mode names; others are `null`.
    #[schema(value_type = Object)]
    pub event: Raw,
    /// The schema that the event was checked with, where the mode names it and there was one.
    #[schema(value_type = Option<Object>)]
    pub schema: Option<Raw>,
}

/// Deliveries, those of one aggregate in its order.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionDeliveries {
    /// The deliveries; none: there was nothing in time.
    pub rows: Vec<SubscriptionDelivery>,
}

/// Deliveries that are dealt with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AckRequest {
    /// The `ack` of each.
    pub acks: Vec<String>,
}

/// What came of acknowledging.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct AckAnswer {
    /// How many are acknowledged.
    pub acknowledged: u64,
    /// Those that came too late, or before a restart: the events are delivered again, or were.
    pub stale: Vec<String>,
}

/// Deliveries that could not be dealt with.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NackRequest {
    /// The `ack` of each.
    pub acks: Vec<String>,
    /// After how long they may come again; none: a pause that doubles with each failure.
    #[serde(default)]
    pub delay_ms: Option<u64>,
    /// Why, for whoever looks at what is parked.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What came of refusing.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct NackAnswer {
    /// How many are to be delivered again.
    pub returned: u64,
    /// How many are parked.
    pub parked: u64,
    /// Those that came too late, or before a restart.
    pub stale: Vec<String>,
}

/// An aggregate that a subscription has parked: an event failed too often, and waits with all that follow it there.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionParked {
    /// Names the entry for retry and discard.
    pub id: String,
    /// Type of the aggregate.
    pub aggregate_type: String,
    /// Id of the aggregate.
    pub aggregate_id: String,
    /// Position of its first event that is not settled.
    pub first_position: u64,
    /// How often that failed.
    pub attempts: u32,
    /// What went wrong last.
    pub reason: String,
    /// When it was parked (RFC 3339).
    pub parked_at: String,
    /// Whether it is being delivered again.
    pub retried: bool,
}

/// What a subscription has parked, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionQueue {
    /// The entries.
    pub rows: Vec<SubscriptionParked>,
}

/// How many entries were dealt with.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct SubscriptionDealt {
    /// How many.
    pub entries: u64,
}
