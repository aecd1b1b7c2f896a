//! Spans, by OpenTelemetry's SDK: kept in a bounded queue and sent in batches by a thread of its own, so that whoever makes
//! them never waits for the collector. What the queue does not hold is dropped.

use std::{sync::Arc, time::Duration};

use axum::http::HeaderMap;
use opentelemetry::{
    Context, ContextGuard, KeyValue,
    propagation::TextMapPropagator,
    trace::{SpanBuilder, SpanKind, Status, TraceContextExt, Tracer as _, TracerProvider as _},
};
use opentelemetry_http::HeaderExtractor;
use opentelemetry_otlp::{Protocol, SpanExporter, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::{
    Resource,
    propagation::TraceContextPropagator,
    trace::{SdkTracer, SdkTracerProvider},
};

use super::{TraceError, client::Client};

/// How long the spans that are left may take on their way out when the daemon stops.
const LAST_FLUSH: Duration = Duration::from_secs(5);

/// Makes spans, if there is a collector. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Tracer(Option<Arc<Open>>);

struct Open {
    provider: SdkTracerProvider,
    tracer: SdkTracer,
}

/// A span: it ends when it is dropped.
pub(crate) struct Span(Context);

/// What makes spans below another one.
#[derive(Clone)]
pub(crate) struct Parent(Context);

/// By which a context knows who makes its spans.
struct Maker(Arc<Open>);

impl Tracer {
    /// Sends spans to a collector: `endpoint` is its base, to which `/v1/traces` is appended. None: no spans are made.
    pub(crate) fn open(endpoint: Option<&str>) -> Result<Self, TraceError> {
        let Some(endpoint) = endpoint else { return Ok(Self::default()) };
        let refused = |reason: String| TraceError { endpoint: endpoint.to_owned(), reason };
        if !(endpoint.starts_with("http://") || endpoint.starts_with("https://")) {
            return Err(refused("it is no URL: e.g. http://127.0.0.1:4318".to_owned()));
        }
        let exporter = SpanExporter::builder()
            .with_http()
            .with_http_client(Client::new())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
            .build()
            .map_err(|error| refused(error.to_string()))?;
        let resource = Resource::builder()
            .with_service_name("eventdbx")
            .with_attribute(KeyValue::new("service.version", env!("CARGO_PKG_VERSION")))
            .build();
        let provider = SdkTracerProvider::builder().with_batch_exporter(exporter).with_resource(resource).build();
        let tracer = provider.tracer("eventdbx");
        Ok(Self(Some(Arc::new(Open { provider, tracer }))))
    }

    /// The span of a request, below the span of its caller where its headers name one (W3C `traceparent`).
    pub(crate) fn request(&self, method: &str, route: &str, headers: &HeaderMap) -> Span {
        let caller = TraceContextPropagator::new().extract_with_context(&Context::new(), &HeaderExtractor(headers));
        let builder = SpanBuilder::from_name(format!("{method} {route}")).with_kind(SpanKind::Server);
        let span = self.make(builder, &caller);
        span.text("http.request.method", method);
        span.text("http.route", route);
        span
    }

    /// A span below no other.
    pub(crate) fn span(&self, name: &'static str) -> Span {
        self.make(SpanBuilder::from_name(name), &Context::new())
    }

    /// Sends what is left, and makes no spans any more.
    pub(crate) fn close(&self) {
        if let Some(open) = &self.0
            && let Err(error) = open.provider.shutdown_with_timeout(LAST_FLUSH)
        {
            tracing::warn!(%error, "the last spans were not sent");
        }
    }

    fn make(&self, builder: SpanBuilder, parent: &Context) -> Span {
        let Some(open) = &self.0 else { return Span(Context::new()) };
        let span = open.tracer.build_with_context(builder, parent);
        Span(parent.with_span(span).with_value(Maker(Arc::clone(open))))
    }
}

impl Span {
    pub(crate) fn text(&self, key: &'static str, value: &str) {
        self.0.span().set_attribute(KeyValue::new(key, value.to_owned()));
    }

    pub(crate) fn number(&self, key: &'static str, value: u64) {
        self.0.span().set_attribute(KeyValue::new(key, i64::try_from(value).unwrap_or(i64::MAX)));
    }

    /// What it was about failed. `what` is a kind of failure, and never content.
    pub(crate) fn failed(&self, what: &str) {
        self.0.span().set_status(Status::error(what.to_owned()));
    }

    /// Ends it before its scope does.
    pub(crate) fn end(self) {
        drop(self);
    }

    pub(crate) fn parent(&self) -> Parent {
        Parent(self.0.clone())
    }

    /// Has spans that this thread makes lie below this one, until what is returned is dropped.
    pub(crate) fn enter(&self) -> ContextGuard {
        self.0.clone().attach()
    }

    /// A span below the one that this thread has entered; none was: no span.
    pub(crate) fn below_current(name: &'static str) -> Self {
        Parent(Context::current()).child(name)
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        self.0.span().end();
    }
}

impl Parent {
    pub(crate) fn child(&self, name: &'static str) -> Span {
        match self.0.get::<Maker>() {
            Some(maker) => {
                let tracer = Tracer(Some(Arc::clone(&maker.0)));
                tracer.make(SpanBuilder::from_name(name), &self.0)
            }
            None => Span(Context::new()),
        }
    }
}
