//! What gateways answer: everything below `/v1/domains/D/x/NAME`.
//!
//! The path that the gateway sees begins behind its name. It sees neither who asks nor with which credentials, and nothing
//! that belongs to the connection; its answer says whose it is.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, HeaderName, HeaderValue, header},
    response::Response,
};
use eventdbx_sandbox::{GatewayRequest, GatewayResponse, Limit};

use super::{
    ApiError,
    extract::{BodyLimit, InDomain, PluginName},
};
use crate::{grant::Grant, node::Node, wire::ErrorCode};

/// Says whose an answer is.
const MARK: HeaderName = HeaderName::from_static("x-eventdbx-gateway");

/// What a caller proves itself with. It is for us, and not for gateways.
const CREDENTIALS: [HeaderName; 3] = [header::AUTHORIZATION, header::COOKIE, header::PROXY_AUTHORIZATION];

/// Segments of the path before what the gateway sees: an empty one, `v1`, `domains`, the domain, `x`, the name.
const SEGMENTS_BEFORE: usize = 6;

/// What each of the routes takes besides the grant.
type Asked = (State<Arc<Node>>, InDomain, PluginName, Request);

/// Asks a gateway
///
/// What may be asked, and what is answered, is the gateway's: `dbx plugin inspect --describe` says what it is.
#[utoipa::path(
    method(get, head, post, put, delete, patch, options),
    path = "/v1/domains/{d}/x/{name}",
    tag = "gateways",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the gateway")),
    responses((status = 200, description = "Whatever the gateway answers"))
)]
pub(super) async fn ask_gateway(grant: Grant, asked: Asked) -> Result<Response, ApiError> {
    ask(&grant, asked).await
}

/// Asks a gateway, at its root
#[utoipa::path(
    method(get, head, post, put, delete, patch, options),
    path = "/v1/domains/{d}/x/{name}/",
    tag = "gateways",
    params(("d" = String, Path, description = "Domain"), ("name" = String, Path, description = "Name of the gateway")),
    responses((status = 200, description = "Whatever the gateway answers"))
)]
pub(super) async fn ask_gateway_root(grant: Grant, asked: Asked) -> Result<Response, ApiError> {
    ask(&grant, asked).await
}

/// Asks a gateway, below its root
#[utoipa::path(
    method(get, head, post, put, delete, patch, options),
    path = "/v1/domains/{d}/x/{name}/{*path}",
    tag = "gateways",
    params(
        ("d" = String, Path, description = "Domain"),
        ("name" = String, Path, description = "Name of the gateway"),
        ("path" = String, Path, description = "What the gateway sees as its path")
    ),
    responses((status = 200, description = "Whatever the gateway answers"))
)]
pub(super) async fn ask_gateway_below(grant: Grant, asked: Asked) -> Result<Response, ApiError> {
    ask(&grant, asked).await
}

async fn ask(
    grant: &Grant,
    (State(node), InDomain(domain), PluginName(name), request): Asked,
) -> Result<Response, ApiError> {
    let limits = domain.plugins.instance_limits();
    let method = request.method().to_string();
    let path = seen_path(request.uri().path(), request.uri().query());
    let headers = handed_on(request.headers());
    let weight = headers.iter().map(|(name, value)| name.len() + value.len() + 32).sum::<usize>() + path.len();
    let (limit, most) = (Limit::HttpHeaderBytes, limits.http_header_bytes);
    if weight as u64 > most {
        let message = format!("the headers have {weight} bytes, more than {limit} allows ({most} bytes)");
        return Err(ApiError::new(ErrorCode::TooLarge, message));
    }
    let bytes = usize::try_from(limits.gateway_request_bytes).unwrap_or(usize::MAX);
    let body = BodyLimit { bytes, name: Limit::GatewayRequestBytes.name() }.read(request).await?;
    let request = GatewayRequest { method, path, headers, body: body.into() };
    let answer = domain.plugins.call(grant, &name, request)?;
    let stopping = || ApiError::new(ErrorCode::Unavailable, "the daemon is stopping");
    let answer = node.stop.run_until_cancelled(answer).await.ok_or_else(stopping)?;
    let changed = |_| ApiError::new(ErrorCode::Busy, format!("{name} is being changed or stopped: try again"));
    response(&name, answer.map_err(changed)??)
}

/// What a gateway sees of a path: what stands behind its name, and the query.
fn seen_path(path: &str, query: Option<&str>) -> String {
    let rest = path.splitn(SEGMENTS_BEFORE + 1, '/').nth(SEGMENTS_BEFORE).unwrap_or_default();
    match query {
        Some(query) => format!("/{rest}?{query}"),
        None => format!("/{rest}"),
    }
}

/// The headers that a gateway is given: no credentials, and none that the header `connection` names.
fn handed_on(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let connection = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<_> = connection.flat_map(|value| value.split(',')).map(|name| name.trim().to_lowercase()).collect();
    let kept =
        headers.iter().filter(|(name, _)| !CREDENTIALS.contains(name) && !named.iter().any(|it| it == name.as_str()));
    kept.map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect()
}

fn response(gateway: &str, answer: GatewayResponse) -> Result<Response, ApiError> {
    let mut response = Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        // Our server frames the body itself, and the mark is not the gateway's to set.
        if header::CONTENT_LENGTH != name.as_str() && MARK != name.as_str() {
            response = response.header(name, value.as_slice());
        }
    }
    let mark = HeaderValue::from_str(gateway).unwrap_or(HeaderValue::from_static("?"));
    let unfit = |error| ApiError::new(ErrorCode::BadGateway, format!("the answer of {gateway} is none: {error}"));
    response.header(MARK, mark).body(Body::from(answer.body)).map_err(unfit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_sees_what_stands_behind_its_name() {
        let seen = |path: &str| seen_path(path, None);
        assert_eq!(seen("/v1/domains/default/x/board"), "/");
        assert_eq!(seen("/v1/domains/default/x/board/"), "/");
        assert_eq!(seen("/v1/domains/default/x/board/a%2Fb//c/"), "/a%2Fb//c/");
        assert_eq!(seen_path("/v1/domains/default/x/board/a", Some("x=/y")), "/a?x=/y");
    }

    #[test]
    fn credentials_and_what_belongs_to_the_connection_are_kept_from_it() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("authorization", "Bearer s3cret"),
            ("cookie", "session=s3cret"),
            ("connection", "close, X-Private"),
            ("x-private", "s3cret"),
            ("x-hub-signature-256", "sha256=00"),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let names: Vec<_> = handed_on(&headers).into_iter().map(|(name, _)| name).collect();
        // What is left of the connection the sandbox takes out, as it does for whatever comes there.
        assert_eq!(names, ["connection", "x-hub-signature-256"]);
    }
}
