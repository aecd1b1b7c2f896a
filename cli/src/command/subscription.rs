//! `dbx subscription`: make, watch and delete subscriptions; `dbx subscribe` reads one.

use eventdbx_node::wire::{
    AckAnswer, AckRequest, NackAnswer, NackRequest, Subscription, SubscriptionDealt, SubscriptionParked,
    SubscriptionRequest,
};
use hyper::Method;
use serde_json::json;

use super::rows;
use crate::{
    output::{self, GREEN, YELLOW},
    session::Session,
};

/// Make, watch and delete subscriptions
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Command {
    /// Make a subscription; it begins at the beginning of the log, unless told otherwise
    Create(Create),
    /// List subscriptions, with what is in flight and how far they are behind
    List,
    /// Say everything about a subscription
    Show(Name),
    /// Delete a subscription, with its place in the log and all that it has parked
    Delete(Name),
    /// Acknowledge deliveries that were read with --no-ack, or over the API
    Ack(Ack),
    /// Refuse deliveries: they come again later, and are parked after too many failures
    Nack(Nack),
    /// Look after what failed too often
    #[command(subcommand)]
    Queue(Queue),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Create {
    /// Its name
    name: String,
    /// Only aggregate types like this (with * and ?); may be repeated
    #[arg(long = "type", value_name = "GLOB")]
    types: Vec<String>,
    /// Only aggregate ids like this (with * and ?); may be repeated
    #[arg(long = "id", value_name = "GLOB")]
    ids: Vec<String>,
    /// Only event types like this (with * and ?); may be repeated
    #[arg(long = "event", value_name = "GLOB")]
    events: Vec<String>,
    /// What each delivery carries, as of plugins [default: all]
    #[arg(long, value_name = "MODE")]
    payload_mode: Option<String>,
    /// Where it begins [default: beginning]
    #[arg(long, value_name = "beginning|end|P")]
    from: Option<String>,
    /// How long a delivery may stay without an acknowledgement before it is made again, in milliseconds [default: 30000]
    #[arg(long, value_name = "MS")]
    ack_timeout: Option<u64>,
    /// How often an event may fail before it is parked, with all that follows in its aggregate [default: 5]
    #[arg(long, value_name = "N")]
    max_attempts: Option<u32>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Name {
    /// Name of the subscription
    name: String,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Ack {
    /// Name of the subscription
    name: String,
    /// The `ack` of each delivery
    #[arg(required = true)]
    acks: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Nack {
    /// Name of the subscription
    name: String,
    /// The `ack` of each delivery
    #[arg(required = true)]
    acks: Vec<String>,
    /// Why, for whoever looks at what is parked
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// After how long they may come again, in milliseconds [default: a second, twice that after each further failure]
    #[arg(long, value_name = "MS")]
    delay: Option<u64>,
}

/// Look after what failed too often
#[derive(Debug, clap::Subcommand)]
pub(crate) enum Queue {
    /// List parked aggregates
    List(Name),
    /// Deliver a parked aggregate again, from the event that failed on
    Retry(Entry),
    /// Go on without what an aggregate has parked up to now
    Discard(Entry),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Entry {
    /// Name of the subscription
    name: String,
    /// The entry, as `dbx subscription queue list` names it, or all
    id: String,
}

impl Command {
    pub(crate) async fn run(self, session: &Session) -> anyhow::Result<()> {
        let at = |name: &str, what: &str| session.at(["subscriptions", name, what]);
        match self {
            Self::Create(create) => create.run(session).await,
            Self::List => rows::print(session.format, &session.get(session.at(["subscriptions"])).await?, table),
            Self::Show(Name { name }) => {
                session.format.answer(&session.get(session.at(["subscriptions", &name])).await?, details)
            }
            Self::Delete(Name { name }) => {
                session.call(Method::DELETE, session.at(["subscriptions", &name]).as_ref(), Vec::new().into()).await?;
                let answer = json!({ "deleted": name }).to_string();
                session.format.answer(&answer, |_: &serde_json::Value| format!("{GREEN}deleted{GREEN:#} {name}"))
            }
            Self::Ack(Ack { name, acks }) => {
                let answer = session.post(at(&name, "ack"), &AckRequest { acks }).await?;
                session
                    .format
                    .answer(&answer, |AckAnswer { acknowledged, stale }| settled("acknowledged", *acknowledged, stale))
            }
            Self::Nack(Nack { name, acks, reason, delay }) => {
                let request = NackRequest { acks, delay_ms: delay, reason };
                let answer = session.post(at(&name, "nack"), &request).await?;
                session.format.answer(&answer, |NackAnswer { returned, parked, stale }| {
                    let parked =
                        if *parked > 0 { format!(", {YELLOW}parked{YELLOW:#} {parked}") } else { String::new() };
                    format!("{}{parked}", settled("refused", *returned, stale))
                })
            }
            Self::Queue(queue) => queue.run(session).await,
        }
    }
}

impl Create {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        let Self { name, types, ids, events, payload_mode, from, ack_timeout, max_attempts } = self;
        let request = SubscriptionRequest {
            name,
            types,
            ids,
            events,
            payload_mode,
            from,
            ack_timeout_ms: ack_timeout,
            max_attempts,
        };
        let answer = session.post(session.at(["subscriptions"]), &request).await?;
        session.format.answer(&answer, |Subscription { name, from, .. }| {
            format!("{GREEN}made{GREEN:#} {name}, from position {from} on; `dbx subscribe {name}` reads it")
        })
    }
}

impl Queue {
    async fn run(self, session: &Session) -> anyhow::Result<()> {
        match self {
            Self::List(Name { name }) => {
                let target = session.at(["subscriptions", &name, "queue"]);
                rows::print(session.format, &session.get(target).await?, parked)
            }
            Self::Retry(entry) => entry.settle(session, "retry", "to be delivered again").await,
            Self::Discard(entry) => entry.settle(session, "discard", "given up").await,
        }
    }
}

impl Entry {
    async fn settle(self, session: &Session, verb: &str, done: &str) -> anyhow::Result<()> {
        let target = session.at(["subscriptions", &self.name, "queue", &self.id, verb]);
        let answer = session.post(target, &json!({})).await?;
        session.format.answer(&answer, |SubscriptionDealt { entries }| {
            format!("{} {GREEN}{done}{GREEN:#}", output::some(*entries, "aggregate"))
        })
    }
}

fn settled(done: &str, count: u64, stale: &[String]) -> String {
    let stale =
        if stale.is_empty() { String::new() } else { format!(", {YELLOW}too late{YELLOW:#} {}", stale.join(" ")) };
    format!("{GREEN}{done}{GREEN:#} {count}{stale}")
}

fn table(rows: &[Subscription]) -> String {
    let mut table = output::table(["subscription", "mode", "cursor", "behind", "in flight", "parked", "members"]);
    output::numbers(&mut table, &[2, 3, 4, 5, 6]);
    for row in rows {
        table.add_row([
            row.name.clone(),
            row.payload_mode.clone(),
            output::count(row.cursor),
            output::count(row.lag_events),
            output::count(row.in_flight),
            output::count(row.parked),
            row.members.len().to_string(),
        ]);
    }
    output::render(&table)
}

fn parked(rows: &[SubscriptionParked]) -> String {
    let mut table = output::table(["entry", "aggregate", "position", "attempts", "parked", "reason"]);
    output::numbers(&mut table, &[2, 3]);
    for parked in rows {
        let reason = if parked.retried { "is being delivered again" } else { &parked.reason };
        table.add_row([
            &parked.id,
            &format!("{}/{}", parked.aggregate_type, parked.aggregate_id),
            &parked.first_position.to_string(),
            &parked.attempts.to_string(),
            &parked.parked_at,
            reason,
        ]);
    }
    output::render(&table)
}

fn details(row: &Subscription) -> String {
    let list = |globs: &[String]| if globs.is_empty() { "any".to_owned() } else { globs.join(" ") };
    let behind = std::time::Duration::from_millis(row.lag_ms);
    let members: Vec<_> = row.members.iter().map(|one| format!("{} ({} in flight)", one.name, one.in_flight)).collect();
    let mut pairs = vec![
        ("subscription", row.name.clone()),
        ("types", list(&row.types)),
        ("ids", list(&row.ids)),
        ("events", list(&row.events)),
        ("mode", row.payload_mode.clone()),
        ("made", format!("{} by {}", row.created_at, row.created_by)),
        (
            "time-out",
            format!("{} ms, parked after {}", row.ack_timeout_ms, output::some(row.max_attempts.into(), "failure")),
        ),
        ("cursor", format!("{} of {}", output::count(row.cursor), output::count(row.head))),
        ("behind", format!("{}, {}", output::some(row.lag_events, "position"), output::duration(behind))),
        ("waiting", output::some(row.waiting, "event")),
        ("in flight", output::count(row.in_flight)),
        ("parked", output::some(row.parked, "aggregate")),
        ("acknowledged", output::count(row.acknowledged)),
        ("failures", format!("{}, {} of them late", output::count(row.failures), output::count(row.timeouts))),
        ("members", if members.is_empty() { "none lately".to_owned() } else { members.join(", ") }),
    ];
    pairs.extend(row.last_error.clone().map(|error| ("last error", error)));
    output::pairs(pairs)
}
