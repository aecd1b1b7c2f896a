//! What transports reach: the targets that an operator granted to one plugin, by name.
//!
//! The plugin says a name, a path and bytes. Everything else is decided here: the address, which is looked up and judged for
//! every new connection ([`address`]), TLS, the secrets that go along, and whether a target that keeps failing is asked at
//! all ([`breaker`]). Calls block; they run on the thread of the plugin that makes them.

mod address;
mod breaker;
mod grant;
mod http;
mod stream;
mod tls;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use eventdbx_sandbox::{Connection, Exchange, HttpRequest, HttpResponse, Outbound, OutboundError};
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    breaker::Breaker,
    grant::{Checked, Place, check},
    http::HttpTarget,
};
use crate::{
    limits::TARGETS,
    timing::{Timed, Timing},
    trace::Span,
};

pub use self::{
    breaker::Circuit,
    grant::{Secret, TargetGrant},
};

/// The targets of one plugin.
#[derive(Default)]
pub(crate) struct Targets(BTreeMap<String, Target>);

struct Target {
    grant: TargetGrant,
    reach: Reach,
    breaker: Mutex<Breaker>,
    figures: Figures,
}

/// Counts what was asked of a target.
#[derive(Default)]
struct Figures {
    ok: AtomicU64,
    failed: AtomicU64,
    not_asked: AtomicU64,
    took: Timing,
}

/// What was asked of a target since its plugin was loaded.
#[derive(Debug, Clone, Default)]
pub(crate) struct TargetFigures {
    /// Requests that were answered, and connections that stood.
    pub(crate) ok: u64,
    /// Those that failed: no connection, no answer, or a status of 5xx.
    pub(crate) failed: u64,
    /// Those that the circuit breaker kept from it.
    pub(crate) not_asked: u64,
    /// How long those took that were asked.
    pub(crate) took: Timed,
}

enum Reach {
    Http(HttpTarget),
    Stream(stream::StreamTarget),
}

/// How a target of a plugin stands. Of its secrets only the names of the headers are told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TargetStatus {
    /// The name by which the plugin calls it.
    pub name: String,
    /// Where it is.
    pub url: String,
    /// Whether its address may be one of this machine or of a private network.
    pub private: bool,
    /// Whether its certificate must come from authorities that the grant names, not from those of Mozilla's list.
    pub own_ca: bool,
    /// Headers that the host puts in.
    pub secret_headers: Vec<String>,
    /// Whether it is asked at all.
    pub circuit: Circuit,
    /// Failures in a row.
    pub failures: u32,
    /// The last thing that went wrong with it.
    pub last_error: Option<String>,
    /// What was asked of it.
    #[serde(skip)]
    pub(crate) figures: TargetFigures,
}

impl Targets {
    /// Checks grants and makes targets of them; every fault is listed.
    pub(crate) fn new(grants: &BTreeMap<String, TargetGrant>) -> Result<Self, Vec<String>> {
        let (mut targets, mut faults) = (BTreeMap::new(), Vec::new());
        if grants.len() > TARGETS {
            faults.push(format!("{} targets are granted; the limit TARGETS is {TARGETS}", grants.len()));
        }
        for (name, grant) in grants {
            match check(name, grant).and_then(|checked| Target::new(name, checked, grant)) {
                Ok(target) => {
                    targets.insert(name.clone(), target);
                }
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(Self(targets)) } else { Err(faults) }
    }

    /// How they stand, by name.
    pub(crate) fn status(&self, now: Instant) -> Vec<TargetStatus> {
        let status = |(name, target): (&String, &Target)| {
            let breaker = target.breaker();
            TargetStatus {
                name: name.clone(),
                url: target.grant.url.clone(),
                private: target.grant.private,
                own_ca: target.grant.ca.is_some(),
                secret_headers: target.grant.headers.keys().cloned().collect(),
                circuit: breaker.circuit(now),
                failures: breaker.failures(),
                last_error: breaker.last_error().map(ToOwned::to_owned),
                figures: target.figures.read(),
            }
        };
        self.0.iter().map(status).collect()
    }

    fn find(&self, name: &str) -> Result<&Target, OutboundError> {
        self.0.get(name).ok_or_else(|| {
            let name: String = name.chars().take(64).collect();
            OutboundError::Denied(format!("no target {name:?} is granted"))
        })
    }
}

impl Figures {
    fn read(&self) -> TargetFigures {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let [ok, failed, not_asked] = [&self.ok, &self.failed, &self.not_asked].map(count);
        TargetFigures { ok, failed, not_asked, took: self.took.read() }
    }
}

impl Target {
    fn new(name: &str, checked: Checked, grant: &TargetGrant) -> Result<Self, Vec<String>> {
        let Checked { place, authorities } = checked;
        let reach = match place {
            Place::Http { base, tls } => Reach::Http(HttpTarget::new(base, tls.then_some(&authorities), grant)),
            Place::Stream { host, port, tls } => {
                let no_tls = |error| vec![format!("the target {name}: there is no TLS: {error}")];
                let tls = tls.then(|| authorities.client()).transpose().map_err(no_tls)?;
                Reach::Stream(stream::StreamTarget { host, port, tls, private: grant.private })
            }
        };
        Ok(Self { grant: grant.clone(), reach, breaker: Mutex::default(), figures: Figures::default() })
    }

    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, unless the circuit is open; `bad` says whether an answer counts as a failure all the same.
    fn ask<T>(
        &self,
        ask: impl FnOnce() -> Result<T, OutboundError>,
        bad: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, OutboundError> {
        if let Err(left_alone) = self.breaker().admit(Instant::now()) {
            self.figures.not_asked.fetch_add(1, Ordering::Relaxed);
            return Err(OutboundError::Unreachable(left_alone));
        }
        let begun = Instant::now();
        let answer = ask();
        self.figures.took.count(begun.elapsed());
        let failure = match &answer {
            Ok(answer) => bad(answer),
            Err(OutboundError::Denied(_) | OutboundError::TooLarge(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        let counter = if failure.is_some() { &self.figures.failed } else { &self.figures.ok };
        counter.fetch_add(1, Ordering::Relaxed);
        match failure {
            Some(failure) => self.breaker().failed(failure, Instant::now()),
            None => self.breaker().succeeded(),
        }
        answer
    }
}

/// The span of a request or a connection to a target that is granted.
fn outbound(target: &str) -> Span {
    let span = Span::below_current("outbound");
    span.text("eventdbx.target", target);
    span
}

/// The targets as one instance reaches them.
pub(crate) struct Link(pub(crate) Arc<Targets>);

impl Outbound for Link {
    fn http(&mut self, request: HttpRequest, most: &Exchange) -> Result<HttpResponse, OutboundError> {
        let target = self.0.find(&request.target)?;
        let Reach::Http(http) = &target.reach else {
            return Err(OutboundError::Denied(format!("the target {:?} does not speak HTTP", request.target)));
        };
        let span = outbound(&request.target);
        let request = http.request(request)?;
        let answer = target.ask(
            || http.exchange(request, most),
            |answer| (answer.status >= 500).then(|| format!("it answered with status {}", answer.status)),
        );
        match &answer {
            Ok(answer) => span.number("http.response.status_code", answer.status.into()),
            Err(_) => span.failed("no answer"),
        }
        answer
    }

    fn connect(&mut self, name: &str, timeout: Duration) -> Result<Box<dyn Connection>, OutboundError> {
        let target = self.0.find(name)?;
        let Reach::Stream(stream) = &target.reach else {
            return Err(OutboundError::Denied(format!("the target {name:?} speaks HTTP only")));
        };
        let span = outbound(name);
        let open = target.ask(|| stream.connect(timeout), |_| None);
        if open.is_err() {
            span.failed("no connection");
        }
        open.map(|open| Box::new(open) as Box<dyn Connection>)
    }
}

#[cfg(test)]
mod tests;
