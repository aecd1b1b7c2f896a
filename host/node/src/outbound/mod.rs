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

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use eventdbx_sandbox::{Connection, Exchange, HttpRequest, HttpResponse, Outbound, OutboundError};
use serde::Serialize;
use utoipa::ToSchema;

use self::{
    breaker::Breaker,
    grant::{Place, check},
    http::HttpTarget,
};
pub use self::{
    breaker::Circuit,
    grant::{Secret, TargetGrant},
};

/// Most targets of one plugin.
pub(crate) const TARGETS: usize = 64;

/// The targets of one plugin.
#[derive(Default)]
pub(crate) struct Targets(BTreeMap<String, Target>);

struct Target {
    grant: TargetGrant,
    reach: Reach,
    breaker: Mutex<Breaker>,
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
    /// Headers that the host puts in.
    pub secret_headers: Vec<String>,
    /// Whether it is asked at all.
    pub circuit: Circuit,
    /// Failures in a row.
    pub failures: u32,
    /// The last thing that went wrong with it.
    pub last_error: Option<String>,
}

impl Targets {
    /// Checks grants and makes targets of them; every fault is listed.
    pub(crate) fn new(grants: &BTreeMap<String, TargetGrant>) -> Result<Self, Vec<String>> {
        let (mut targets, mut faults) = (BTreeMap::new(), Vec::new());
        if grants.len() > TARGETS {
            faults.push(format!("{} targets are granted; the limit `targets` is {TARGETS}", grants.len()));
        }
        for (name, grant) in grants {
            match check(name, grant) {
                Ok(place) => {
                    let reach = match place {
                        Place::Http(base) => Reach::Http(HttpTarget::new(base, grant)),
                        Place::Stream { host, port, tls } => {
                            Reach::Stream(stream::StreamTarget { host, port, tls, private: grant.private })
                        }
                    };
                    targets.insert(name.clone(), Target { grant: grant.clone(), reach, breaker: Mutex::default() });
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
                secret_headers: target.grant.headers.keys().cloned().collect(),
                circuit: breaker.circuit(now),
                failures: breaker.failures(),
                last_error: breaker.last_error().map(ToOwned::to_owned),
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

impl Target {
    fn breaker(&self) -> std::sync::MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks, unless the circuit is open; `bad` says whether an answer counts as a failure all the same.
    fn ask<T>(
        &self,
        ask: impl FnOnce() -> Result<T, OutboundError>,
        bad: impl FnOnce(&T) -> Option<String>,
    ) -> Result<T, OutboundError> {
        self.breaker().admit(Instant::now()).map_err(OutboundError::Unreachable)?;
        let answer = ask();
        let failure = match &answer {
            Ok(answer) => bad(answer),
            Err(OutboundError::Denied(_) | OutboundError::TooLarge(_)) => None,
            Err(error) => Some(error.to_string()),
        };
        match failure {
            Some(failure) => self.breaker().failed(failure, Instant::now()),
            None => self.breaker().succeeded(),
        }
        answer
    }
}

/// The targets as one instance reaches them.
pub(crate) struct Link(pub(crate) Arc<Targets>);

impl Outbound for Link {
    fn http(&mut self, request: HttpRequest, most: &Exchange) -> Result<HttpResponse, OutboundError> {
        let target = self.0.find(&request.target)?;
        let Reach::Http(http) = &target.reach else {
            return Err(OutboundError::Denied(format!("the target {:?} does not speak HTTP", request.target)));
        };
        let request = http.request(request)?;
        target.ask(
            || http.exchange(request, most),
            |answer| (answer.status >= 500).then(|| format!("it answered with status {}", answer.status)),
        )
    }

    fn connect(&mut self, name: &str, timeout: Duration) -> Result<Box<dyn Connection>, OutboundError> {
        let target = self.0.find(name)?;
        let Reach::Stream(stream) = &target.reach else {
            return Err(OutboundError::Denied(format!("the target {name:?} speaks HTTP only")));
        };
        target.ask(|| stream.connect(timeout), |_| None).map(|open| Box::new(open) as Box<dyn Connection>)
    }
}

#[cfg(test)]
mod tests;
