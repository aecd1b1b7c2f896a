//! One HTTP request to one target.

use std::net::SocketAddr;

use eventdbx_sandbox::{Exchange, HttpRequest, HttpResponse, Limit, OutboundError};
use ureq::{
    Agent, Body, Error, Timeout,
    config::Config,
    http::{HeaderName, HeaderValue, Method, Request, Response, Uri},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

use super::{
    address::{PrivateAddress, allowed},
    grant::TargetGrant,
    stream::tls_failed,
    tls::Authorities,
};

/// Headers that belong to the host: the framing of a message, and where it goes.
pub(super) const RESERVED_HEADERS: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Bytes of all headers of an answer, which cost memory like its body.
const RESPONSE_HEADER_BYTES: usize = 64 << 10;

/// A target that speaks HTTP.
pub(super) struct HttpTarget {
    base: String,
    secrets: Vec<(HeaderName, HeaderValue)>,
    agent: Agent,
}

impl HttpTarget {
    /// `grant` was checked. With `tls`, nothing but https, under these authorities.
    pub(super) fn new(base: String, tls: Option<&Authorities>, grant: &TargetGrant) -> Self {
        let config = Config::builder()
            .proxy(None)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .http_status_as_error(false)
            .tls_config(tls.map(Authorities::http).unwrap_or_default())
            .https_only(tls.is_some())
            .max_response_header_size(RESPONSE_HEADER_BYTES)
            .user_agent(concat!("eventdbx/", env!("CARGO_PKG_VERSION")))
            .build();
        let resolver = Judging { inner: DefaultResolver::default(), private: grant.private };
        let secret = |(name, value): (&String, &super::Secret)| {
            let mut value = HeaderValue::from_str(value.reveal()).ok()?;
            value.set_sensitive(true);
            Some((HeaderName::from_bytes(name.as_bytes()).ok()?, value))
        };
        let secrets = grant.headers.iter().filter_map(secret).collect();
        Self { base, secrets, agent: Agent::with_parts(config, DefaultConnector::default(), resolver) }
    }

    /// Makes a request of what a plugin asks for, with the secrets in it.
    pub(super) fn request(&self, asked: HttpRequest) -> Result<Request<Vec<u8>>, OutboundError> {
        let denied = |reason: String| OutboundError::Denied(reason);
        check_path(&asked.path).map_err(|reason| denied(reason.to_owned()))?;
        let uri: Uri = format!("{}{}", self.base, asked.path).parse().map_err(|_| denied("the path is none".into()))?;
        let method: Method = asked.method.parse().map_err(|_| denied("the method is none".to_owned()))?;
        if method == Method::CONNECT || method == Method::TRACE {
            return Err(denied(format!("the method {method} is not offered")));
        }
        let mut request = Request::new(asked.body);
        (*request.uri_mut(), *request.method_mut()) = (uri, method);
        for (name, value) in &asked.headers {
            let reserved = RESERVED_HEADERS.contains(&name.to_ascii_lowercase().as_str());
            if reserved || self.secrets.iter().any(|(secret, _)| secret.as_str().eq_ignore_ascii_case(name)) {
                return Err(denied(format!("the header {name:?} is the host's")));
            }
            let (Ok(name), Ok(value)) = (HeaderName::from_bytes(name.as_bytes()), HeaderValue::from_str(value)) else {
                return Err(denied(format!("the header {name:?} with its value is none")));
            };
            request.headers_mut().append(name, value);
        }
        self.secrets.iter().for_each(|(name, value)| drop(request.headers_mut().insert(name, value.clone())));
        Ok(request)
    }

    /// Sends a request and reads its answer.
    pub(super) fn exchange(&self, request: Request<Vec<u8>>, most: &Exchange) -> Result<HttpResponse, OutboundError> {
        let configured = self.agent.configure_request(request).timeout_global(Some(most.timeout)).build();
        let response = self.agent.run(configured).map_err(|error| told(&error, most))?;
        read(response, most)
    }
}

fn read(mut response: Response<Body>, most: &Exchange) -> Result<HttpResponse, OutboundError> {
    let text = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers = response.headers().iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    let body = response.body_mut().with_config().limit(most.response_bytes).read_to_vec();
    Ok(HttpResponse { status: response.status().as_u16(), headers, body: body.map_err(|error| told(&error, most))? })
}

/// A path stays below the base of its target: nothing in it leads up again.
fn check_path(path: &str) -> Result<(), &'static str> {
    let (before, _) = path.split_once('?').unwrap_or((path, ""));
    let up = |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if !path.starts_with('/') || path.contains('#') {
        return Err("the path does not begin with /, or holds a #");
    }
    if before.split(['/', '\\']).any(up) || before.to_ascii_lowercase().contains("%2f") || before.contains('\\') {
        return Err("the path holds a segment that leads out of the target");
    }
    Ok(())
}

/// What a plugin is told. No address is in it.
fn told(error: &Error, most: &Exchange) -> OutboundError {
    match error {
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            OutboundError::Unreachable("no connection in time".to_owned())
        }
        Error::Timeout(_) => OutboundError::TimedOut,
        Error::BodyExceedsLimit(_) => {
            let limit = Limit::OutboundReceiveBytes;
            OutboundError::TooLarge(format!("the answer; the limit `{limit}` is {}", most.response_bytes))
        }
        Error::HostNotFound => OutboundError::Unreachable("its name leads nowhere".to_owned()),
        Error::ConnectionFailed => OutboundError::Unreachable("no connection".to_owned()),
        Error::Tls(_) | Error::Rustls(_) => tls_failed(error),
        // What is wrong with a handshake comes out of reading and writing.
        Error::Io(error) if error.get_ref().is_some_and(|inner| inner.is::<rustls::Error>()) => tls_failed(error),
        Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            OutboundError::Unreachable("the connection was refused".to_owned())
        }
        Error::Other(other) if other.is::<PrivateAddress>() => OutboundError::Denied(other.to_string()),
        other => OutboundError::Other(other.to_string()),
    }
}

/// Looks names up, and lets only those addresses through that the grant allows.
#[derive(Debug)]
struct Judging {
    inner: DefaultResolver,
    private: bool,
}

impl Resolver for Judging {
    fn resolve(&self, uri: &Uri, config: &Config, timeout: NextTimeout) -> Result<ResolvedSocketAddrs, Error> {
        let found = self.inner.resolve(uri, config, timeout)?;
        let allowed: Vec<SocketAddr> =
            allowed(found.iter().copied(), self.private).map_err(|refused| Error::Other(Box::new(refused)))?;
        let mut addresses = self.empty();
        allowed.into_iter().for_each(|address| addresses.push(address));
        Ok(addresses)
    }
}
