//! Every limit of subscriptions, in one table. An error that reports a broken limit names it as it is named here.

use std::{ops::RangeInclusive, time::Duration};

/// Subscriptions of one domain: each holds a window in memory.
pub(super) const SUBSCRIPTIONS: usize = 64;
/// Members of one subscription that were heard of lately, or hold deliveries.
pub(super) const MEMBERS: usize = 64;
/// Longest name of a member, in bytes.
pub(super) const MEMBER_BYTES: usize = 128;
/// Globs of each kind that a subscription may name.
pub(super) const GLOBS: usize = 64;
/// Deliveries that one member may hold without having acknowledged them.
pub(super) const IN_FLIGHT: usize = 256;
/// Events of a subscription that are read from the log and not settled yet.
pub(super) const WINDOW_EVENTS: usize = 1024;
/// Bytes of these.
pub(super) const WINDOW_BYTES: usize = 2 << 20;
/// Events that may be settled ahead of one that is not.
pub(super) const SETTLED_AHEAD: usize = 16 * 1024;
/// Most deliveries of one answer.
pub(super) const BATCH_EVENTS: usize = IN_FLIGHT;
/// Most bytes of one answer; it always has at least one delivery.
pub(super) const BATCH_BYTES: usize = 1 << 20;
/// Aggregates that a subscription may have parked. Beyond, what fails is tried on and on, at the longest pause.
pub(super) const PARKED: usize = 1000;
/// Acknowledgements of one request.
pub(super) const ACKS: usize = 4 * IN_FLIGHT;
/// Longest reason of a refusal, in characters: longer ones are cut.
pub(super) const REASON_CHARS: usize = 500;
/// How long a member may take to acknowledge, unless the subscription says otherwise; and what it may say.
pub(super) const ACK_TIMEOUT: Duration = Duration::from_secs(30);
pub(super) const ACK_TIMEOUTS: RangeInclusive<u64> = 100..=3_600_000;
/// How often an event may fail before it is parked, unless the subscription says otherwise; and what it may say.
pub(super) const ATTEMPTS: u32 = 5;
pub(super) const MAX_ATTEMPTS: RangeInclusive<u32> = 1..=100;
/// The pause after the first refusal of an event. It doubles with each that follows, up to the longest.
pub(super) const FIRST_PAUSE: Duration = Duration::from_secs(1);
pub(super) const LONGEST_PAUSE: Duration = Duration::from_secs(300);
/// Requests that may wait for the thread of a domain's subscriptions.
pub(super) const WAITING_REQUESTS: usize = 1024;
/// How long a request for deliveries may wait for some.
pub(crate) const LONGEST_WAIT: Duration = Duration::from_secs(60);
