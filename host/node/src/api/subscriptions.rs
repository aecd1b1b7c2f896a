//! Subscriptions: programs that are not WebAssembly follow the log by name, and acknowledge what they have dealt with.
//!
//! Deliveries are cut by selector and payload mode, as those to plugins are; what schemas hide is in them. So only who may
//! see hidden fields gets any.

use std::{
    sync::{Arc, Weak},
    time::{Duration, Instant},
};

use axum::{
    Json,
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse as _, Response},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{
    ApiError,
    extract::{EntryId, InDomain, JsonBody, NoParams, Params, SubscriptionName},
    sight::Sight,
};
use crate::{
    domains,
    grant::Grant,
    node::{DomainNode, Node},
    subscriptions::{Deliveries, limits::LONGEST_WAIT},
    wire::{
        AckAnswer, AckRequest, ErrorCode, NackAnswer, NackRequest, Subscription, SubscriptionDealt,
        SubscriptionDeliveries, SubscriptionQueue, SubscriptionRequest, Subscriptions,
    },
};

/// Deliveries of one answer when the request does not say.
const DEFAULT_MAX: usize = 100;
/// The member that a request speaks for when it does not say.
const DEFAULT_MEMBER: &str = "default";

/// Which deliveries.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct TakeParams {
    /// For which member of the group; none: `default`.
    member: Option<String>,
    /// At most so many; none: 100.
    max: Option<usize>,
    /// How long to wait for one, in milliseconds; none: not at all.
    wait_ms: Option<u64>,
}

/// Lists the subscriptions
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/subscriptions",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "How they stand", body = Subscriptions))
)]
pub(super) async fn list_subscriptions(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Subscriptions>, ApiError> {
    node.blocking(move || Ok(Subscriptions { rows: domain.subscriptions.list(&grant) })).await.map(Json)
}

/// Makes a subscription
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/subscriptions",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain")),
    request_body = SubscriptionRequest,
    responses((status = 201, description = "How it stands", body = Subscription))
)]
pub(super) async fn create_subscription(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<SubscriptionRequest>,
) -> Result<(StatusCode, Json<Subscription>), ApiError> {
    let made = node.blocking(move || domain.subscriptions.create(&grant, request)).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// How one subscription stands
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/subscriptions/{name}",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription")),
    responses((status = 200, description = "How it stands", body = Subscription))
)]
pub(super) async fn get_subscription(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    _: Params<NoParams>,
) -> Result<Json<Subscription>, ApiError> {
    node.blocking(move || domain.subscriptions.get(&grant, &name)).await.map(Json)
}

/// Deletes a subscription, with its place in the log and all that it has parked
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/subscriptions/{name}",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription")),
    responses((status = 204, description = "It is gone"))
)]
pub(super) async fn delete_subscription(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    _: Params<NoParams>,
) -> Result<StatusCode, ApiError> {
    node.blocking(move || domain.subscriptions.delete(&grant, &name)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Takes deliveries, and waits for some if there are none
///
/// What is delivered belongs to the member until it acknowledges or refuses it, or until the subscription's time-out. It may
/// ask for more meanwhile.
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/subscriptions/{name}/deliveries",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription"), TakeParams),
    responses((status = 200, description = "The deliveries; none: there was nothing in time", body = SubscriptionDeliveries))
)]
pub(super) async fn take_deliveries(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    Params(params): Params<TakeParams>,
) -> Result<Response, ApiError> {
    Sight::new(&grant, true)?;
    let wait = Duration::from_millis(params.wait_ms.unwrap_or(0));
    if wait > LONGEST_WAIT {
        let message = format!("`wait_ms` must be at most LONGEST_WAIT = {}", LONGEST_WAIT.as_millis());
        return Err(ApiError::new(ErrorCode::BadRequest, message));
    }
    let taker = Taker {
        grant,
        member: params.member.unwrap_or_else(|| DEFAULT_MEMBER.to_owned()),
        most: params.max.unwrap_or(DEFAULT_MAX),
        name,
    };
    let deliveries = taker.take(&node, domain, Instant::now() + wait).await?;
    // Nobody between here and the member may keep the answer for another time.
    Ok(([(header::CACHE_CONTROL, "no-store")], Json(deliveries)).into_response())
}

/// Acknowledges deliveries: their events are dealt with
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/subscriptions/{name}/ack",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription")),
    request_body = AckRequest,
    responses((status = 200, description = "What came of it", body = AckAnswer))
)]
pub(super) async fn ack_deliveries(
    grant: Grant,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<AckRequest>,
) -> Result<Json<AckAnswer>, ApiError> {
    domain.subscriptions.ack(&grant, &name, request.acks).await.map(Json)
}

/// Refuses deliveries: their events are delivered again later, and parked after too many failures
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/subscriptions/{name}/nack",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription")),
    request_body = NackRequest,
    responses((status = 200, description = "What came of it", body = NackAnswer))
)]
pub(super) async fn nack_deliveries(
    grant: Grant,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<NackRequest>,
) -> Result<Json<NackAnswer>, ApiError> {
    domain.subscriptions.nack(&grant, &name, request).await.map(Json)
}

/// Lists what a subscription has parked
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/subscriptions/{name}/queue",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription")),
    responses((status = 200, description = "The entries", body = SubscriptionQueue))
)]
pub(super) async fn list_parked(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    _: Params<NoParams>,
) -> Result<Json<SubscriptionQueue>, ApiError> {
    node.blocking(move || Ok(SubscriptionQueue { rows: domain.subscriptions.queue(&grant, &name)? })).await.map(Json)
}

/// Delivers what is parked again, from the event that failed on
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/subscriptions/{name}/queue/{entry}/retry",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription"), ("entry" = String, Path, description = "Id of the entry, or `all`")),
    responses((status = 200, description = "How many entries", body = SubscriptionDealt))
)]
pub(super) async fn retry_parked(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
) -> Result<Json<SubscriptionDealt>, ApiError> {
    let retry = move || domain.subscriptions.retry(&grant, &name, &entry);
    Ok(Json(SubscriptionDealt { entries: node.blocking(retry).await? as u64 }))
}

/// Gives up what is parked; later events of the aggregate are delivered again
#[utoipa::path(
    post,
    path = "/v1/domains/{d}/subscriptions/{name}/queue/{entry}/discard",
    tag = "subscriptions",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the subscription"), ("entry" = String, Path, description = "Id of the entry, or `all`")),
    responses((status = 200, description = "How many entries", body = SubscriptionDealt))
)]
pub(super) async fn discard_parked(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SubscriptionName(name): SubscriptionName,
    EntryId(entry): EntryId,
    _: Params<NoParams>,
) -> Result<Json<SubscriptionDealt>, ApiError> {
    let discard = move || domain.subscriptions.discard(&grant, &name, &entry);
    Ok(Json(SubscriptionDealt { entries: node.blocking(discard).await? as u64 }))
}

/// A request for deliveries.
struct Taker {
    grant: Grant,
    name: String,
    member: String,
    most: usize,
}

impl Taker {
    /// Takes what there is; without any, sleeps until something is committed, acknowledged or due. While it sleeps it holds
    /// nothing that keeps the domain open.
    async fn take(
        &self,
        node: &Node,
        domain: Arc<DomainNode>,
        deadline: Instant,
    ) -> Result<SubscriptionDeliveries, ApiError> {
        let mut heads = domain.head.clone();
        let mut moves = domain.subscriptions.moves(&self.name)?;
        let (closing, called) = (domain.closing.clone(), domain.name.clone());
        let waiting: Weak<DomainNode> = Arc::downgrade(&domain);
        let mut domain = Some(domain);
        loop {
            if node.stop.is_cancelled() {
                return Ok(SubscriptionDeliveries::default());
            }
            heads.borrow_and_update();
            moves.borrow_and_update();
            let open = domain.take().or_else(|| waiting.upgrade()).filter(|domain| !domain.closing.is_cancelled());
            let open = open.ok_or_else(|| domains::being_deleted(called.as_str()))?;
            let Deliveries { rows, more, next_due } =
                open.subscriptions.take(&self.grant, &self.name, &self.member, self.most).await?;
            drop(open);
            if !rows.is_empty() || Instant::now() >= deadline {
                return Ok(SubscriptionDeliveries { rows });
            }
            if more {
                continue;
            }
            let until = next_due.map_or(deadline, |due| due.min(deadline));
            tokio::select! {
                changed = heads.changed() => changed.map_err(|_| domains::being_deleted(called.as_str()))?,
                // Its sender goes with the subscription: the next round says what became of it.
                _ = moves.changed() => {}
                () = tokio::time::sleep_until(until.into()) => {}
                () = closing.cancelled() => {}
            }
        }
    }
}
