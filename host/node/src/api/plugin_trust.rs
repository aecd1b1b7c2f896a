//! Whose components a domain takes, and the secrets that configurations refer to.

use std::sync::Arc;

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    ApiError,
    extract::{InDomain, JsonBody, NoParams, Params, SecretName},
};
use crate::{grant::Grant, node::Node, plugins::SigningRules};

/// A secret. It is never given out again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SecretRequest {
    value: String,
}

/// The secrets of a domain, by name alone.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Secrets {
    rows: Vec<SecretView>,
}

/// A secret, without what it says.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SecretView {
    name: String,
}

/// How components must be signed
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/signing",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "The rules", body = SigningRules))
)]
pub(super) async fn get_signing(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<SigningRules>, ApiError> {
    node.blocking(move || Ok(domain.plugins.signing(&grant))).await.map(Json)
}

/// Changes how components must be signed; what is installed stays
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/signing",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    request_body = SigningRules,
    responses((status = 200, description = "The rules that hold now", body = SigningRules))
)]
pub(super) async fn put_signing(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
    JsonBody(rules): JsonBody<SigningRules>,
) -> Result<Json<SigningRules>, ApiError> {
    node.blocking(move || Ok(domain.plugins.set_signing(&grant, &rules)?)).await.map(Json)
}

/// Lists the names of the secrets
#[utoipa::path(
    get,
    path = "/v1/domains/{d}/secrets",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain")),
    responses((status = 200, description = "The names", body = Secrets))
)]
pub(super) async fn list_secrets(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    _: Params<NoParams>,
) -> Result<Json<Secrets>, ApiError> {
    let list = move || {
        let names = domain.plugins.secrets(&grant).into_iter();
        Ok(Secrets { rows: names.map(|name| SecretView { name }).collect() })
    };
    node.blocking(list).await.map(Json)
}

/// Sets a secret; plugins that refer to it go on with it from their next batch on
#[utoipa::path(
    put,
    path = "/v1/domains/{d}/secrets/{secret}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("secret" = String, Path, description = "Name of the secret")),
    request_body = SecretRequest,
    responses((status = 204, description = "It is set"))
)]
pub(super) async fn set_secret(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SecretName(name): SecretName,
    _: Params<NoParams>,
    JsonBody(request): JsonBody<SecretRequest>,
) -> Result<StatusCode, ApiError> {
    node.blocking(move || Ok(domain.plugins.set_secret(&grant, &name, &request.value)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a secret to which no configuration refers
#[utoipa::path(
    delete,
    path = "/v1/domains/{d}/secrets/{secret}",
    tag = "plugins",
    params(("d" = String, Path, description = "Domain"), ("secret" = String, Path, description = "Name of the secret")),
    responses((status = 204, description = "It is gone"))
)]
pub(super) async fn remove_secret(
    grant: Grant,
    State(node): State<Arc<Node>>,
    InDomain(domain): InDomain,
    SecretName(name): SecretName,
    _: Params<NoParams>,
) -> Result<StatusCode, ApiError> {
    node.blocking(move || Ok(domain.plugins.remove_secret(&grant, &name)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}
