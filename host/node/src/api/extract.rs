//! What handlers take out of a request, refused in the words of the API: names in the path, parameters, bodies.

use std::sync::Arc;

use axum::{
    body::Body,
    extract::{FromRequest, FromRequestParts, Query, RawPathParams, Request},
    http::{header::CONTENT_LENGTH, request::Parts},
};
use bytes::{Bytes, BytesMut};
use eventdbx_store::{AggregateRef, AggregateType, Version};
use http_body_util::BodyExt as _;
use serde::{Deserialize, de::DeserializeOwned};
use utoipa::IntoParams;

use super::ApiError;
use crate::{
    node::{DomainNode, Node},
    wire::ErrorCode,
};

/// How much of a body that is too large is read and thrown away, as a multiple of its limit, so that a client that is
/// still writing gets to read the refusal.
const DISCARDED: usize = 4;

/// The domain that the path names as `{d}`.
pub(super) struct InDomain(pub(super) Arc<DomainNode>);

/// The aggregate that the path names as `{type}/{id}`.
pub(super) struct OfAggregate(pub(super) AggregateRef);

/// The parameters of the query string; an unknown one is refused.
pub(super) struct Params<T>(pub(super) T);

/// A route without parameters.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct NoParams {}

/// A body of JSON, of at most `daemon.body_mib`. No body at all means `{}`.
pub(super) struct JsonBody<T>(pub(super) T);

/// The aggregate type that the path names as `{type}`.
pub(super) struct OfKind(pub(super) AggregateType);

/// The version of an aggregate that the path names as `{version}`.
pub(super) struct AtVersion(pub(super) Version);

/// A body of text, of at most `daemon.body_mib`.
pub(super) struct TextBody(pub(super) String);

impl FromRequestParts<Arc<Node>> for InDomain {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, node: &Arc<Node>) -> Result<Self, ApiError> {
        let name = in_path(parts, "d").await?;
        node.domains.get(&name).map(Self)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfAggregate {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(AggregateRef::new(&in_path(parts, "type").await?, &in_path(parts, "id").await?)?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for OfKind {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self(in_path(parts, "type").await?.parse()?))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for AtVersion {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let text = in_path(parts, "version").await?;
        let none = |_| ApiError::new(ErrorCode::BadRequest, format!("{text:?} is no version: it must be a number"));
        text.parse().map(|version| Self(Version::new(version))).map_err(none)
    }
}

macro_rules! in_path {
    ($(#[$doc:meta])* $name:ident, $segment:literal) => {
        $(#[$doc])*
        pub(super) struct $name(pub(super) String);

        impl<S: Send + Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                in_path(parts, $segment).await.map(Self)
            }
        }
    };
}

in_path!(
    /// The domain that the path names as `{d}`, whatever becomes of it.
    DomainText, "d"
);
in_path!(
    /// The event that the path names as `{event_id}`.
    EventIdText, "event_id"
);
in_path!(
    /// The subscription that the path names as `{name}`.
    SubscriptionName, "name"
);
in_path!(
    /// The plugin that the path names as `{name}`.
    PluginName, "name"
);
in_path!(
    /// The parked entry that the path names as `{entry}`.
    EntryId, "entry"
);
in_path!(
    /// The job that the path names as `{job}`.
    JobId, "job"
);
in_path!(
    /// The staged event that the path names as `{id}`.
    StageId, "id"
);
in_path!(
    /// The payload mode that the path names as `{mode}`.
    PayloadModeName, "mode"
);
in_path!(
    /// The secret that the path names as `{secret}`.
    SecretName, "secret"
);
in_path!(
    /// The query that the path names as `{query}`.
    QueryName, "query"
);

/// A text in the path, by its name there.
async fn in_path(parts: &mut Parts, name: &str) -> Result<String, ApiError> {
    let params = RawPathParams::from_request_parts(parts, &())
        .await
        .map_err(|error| ApiError::new(ErrorCode::BadRequest, error.body_text()))?;
    let found = params.iter().find_map(|(key, value)| (key == name).then(|| value.to_owned()));
    found.ok_or_else(|| ApiError::new(ErrorCode::Internal, format!("the route has no {name}")))
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Params<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let Query(params) = Query::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("parameters: {}", error.body_text())))?;
        Ok(Self(params))
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<Node>> for JsonBody<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, ApiError> {
        let body = BodyLimit::of(node).read(request).await?;
        let text: &[u8] = if body.is_empty() { b"{}" } else { &body };
        serde_json::from_slice(text).map(Self).map_err(|error| malformed(&error))
    }
}

impl FromRequest<Arc<Node>> for TextBody {
    type Rejection = ApiError;

    async fn from_request(request: Request, node: &Arc<Node>) -> Result<Self, ApiError> {
        let body = BodyLimit::of(node).read(request).await?;
        let text = String::from_utf8(body.into());
        text.map(Self).map_err(|_| ApiError::new(ErrorCode::BadRequest, "the body is not text in UTF-8"))
    }
}

/// How large a body may be, and the key that says so.
pub(super) struct BodyLimit {
    pub(super) bytes: usize,
    pub(super) name: &'static str,
}

impl BodyLimit {
    fn of(node: &Node) -> Self {
        Self { bytes: node.settings.body_mib << 20, name: "daemon.body_mib" }
    }

    /// Reads a body whole.
    pub(super) async fn read(&self, request: Request) -> Result<Bytes, ApiError> {
        let announced = request.headers().get(CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let mut body = request.into_body();
        let mut whole = BytesMut::with_capacity(announced.unwrap_or(0).min(self.bytes));
        while let Some(frame) = body.frame().await {
            let frame =
                frame.map_err(|error| ApiError::new(ErrorCode::BadRequest, format!("the body broke off: {error}")))?;
            let Some(data) = frame.data_ref() else { continue };
            if whole.len() + data.len() > self.bytes {
                self.discard(body).await;
                return Err(self.exceeded());
            }
            if whole.is_empty() && announced == Some(data.len()) {
                return Ok(data.clone());
            }
            whole.extend_from_slice(data);
        }
        Ok(whole.freeze())
    }

    async fn discard(&self, mut body: Body) {
        let mut left = self.bytes.saturating_mul(DISCARDED);
        while left > 0
            && let Some(Ok(frame)) = body.frame().await
        {
            left = left.saturating_sub(frame.data_ref().map_or(0, Bytes::len));
        }
    }

    fn exceeded(&self) -> ApiError {
        let Self { bytes, name } = self;
        let error =
            ApiError::new(ErrorCode::TooLarge, format!("the body is larger than {name} allows ({bytes} bytes)"));
        // What is no key of the configuration is the same for everybody.
        match name.contains('.') {
            true => error.hint(format!("send less at a time, or raise it: dbx config set {name} N, and restart")),
            false => error.hint("send less at a time"),
        }
    }
}

/// JSON that cannot be read as what the route takes.
pub(super) fn malformed(error: &serde_json::Error) -> ApiError {
    ApiError::new(ErrorCode::BadRequest, format!("the JSON cannot be read: {error}"))
}
