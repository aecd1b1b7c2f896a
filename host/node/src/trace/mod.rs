//! Traces: what a request and a batch spent their time on, sent to a collector that speaks OTLP.
//!
//! They are built in with the feature `otel` and off until an endpoint is set. Without the feature the same types are there
//! and do nothing, so that whoever makes spans need not know ([`off`](self)). Nothing about content goes into a span: no
//! payload, no id of an aggregate, no key, no token; names of domains, plugins, targets and routes, and numbers.

#[cfg(feature = "otel")]
mod client;
#[cfg(not(feature = "otel"))]
mod off;
#[cfg(feature = "otel")]
mod on;
mod request;

#[cfg(not(feature = "otel"))]
pub(crate) use self::off::{Parent, Span, Tracer};
#[cfg(feature = "otel")]
pub(crate) use self::on::{Parent, Span, Tracer};
pub(crate) use self::request::trace;

/// Whether this build has traces.
pub(crate) const BUILT_IN: bool = cfg!(feature = "otel");

/// Why there are no traces though there should be.
#[derive(Debug, thiserror::Error)]
#[error("traces to {endpoint}: {reason}")]
pub struct TraceError {
    /// Where they were to go.
    pub endpoint: String,
    /// Why they cannot.
    pub reason: String,
}
