//! Gateways: components that answer HTTP requests below `/v1/domains/D/x/NAME`.
//!
//! A gateway takes no deliveries, so it has no cursor, no queue of events and no worker. Each request comes to an instance of
//! its own, on one of the gateway's own threads ([`desk`]); what it does in the domain goes through [`client`], under its
//! [`grants`].

mod client;
mod desk;
mod grants;
mod requests;

use std::{
    panic::{self, AssertUnwindSafe},
    sync::{Arc, OnceLock},
    time::Instant,
};

use eventdbx_sandbox::{
    GatewayInstance, GatewayRequest, GatewayResponse, Host, Kind, Level, Limits, Plugin, Served, gateway::Client,
};
use tokio::sync::oneshot;

use self::{client::DomainClient, desk::Desk};
pub(super) use self::{grants::Access, requests::Requests};
pub use self::{grants::DomainGrants, requests::GatewayStatus};
use super::{
    PluginError, installed::Installed, lock, logs::Logs, priority, query::Queries, registry::Registry,
    services::Services,
};

/// Where the answer to a request comes; gone without one: the gateway was changed or stopped while the request waited.
pub(crate) type Reply = oneshot::Receiver<Result<GatewayResponse, PluginError>>;

/// A gateway that runs. Its first job is none: with it a thread loads the component.
pub(super) struct Gateway(Desk<Option<Job>>);

struct Job {
    request: GatewayRequest,
    reply: oneshot::Sender<Result<GatewayResponse, PluginError>>,
}

impl Gateway {
    /// Lets it end the requests that it is answering; those that wait are told to try again.
    pub(super) fn close(self) {
        drop(self.0);
    }
}

/// What answers requests: code, configuration and grants of one moment.
struct Front {
    plugin: Plugin,
    config: String,
    access: Arc<Access>,
    services: Arc<Services>,
    queries: Arc<Queries>,
    installed: Arc<Installed>,
}

impl Registry {
    /// Has a gateway answer from now on. Its component is loaded on its own thread; requests wait for that.
    pub(super) fn open_gateway(&self, installed: &Arc<Installed>) -> Result<(), PluginError> {
        let (services, queries) = (Arc::clone(&self.services), Arc::clone(&self.queries));
        let (threads, waiting) = (services.limits.gateway_threads, services.limits.gateway_waiting);
        let this = Arc::clone(installed);
        let front = OnceLock::new();
        let load = move || match Front::load(&services, &queries, &this) {
            Ok(front) => {
                this.serving();
                Some(front)
            }
            Err(reason) => {
                this.logs.line(Level::Error, &reason, None);
                this.stopped(reason);
                None
            }
        };
        let stopped = Arc::clone(installed);
        installed.starting();
        let desk = Desk::start(&installed.name, threads, waiting, move |job: Option<Job>| {
            let front = front.get_or_init(&load);
            let Some(Job { request, reply }) = job else { return };
            // Whoever asked may have gone.
            if reply.is_closed() {
                return;
            }
            let answer = match front {
                Some(front) => front.answer(request),
                None => Err(stopped.not_running()),
            };
            let _ = reply.send(answer);
        })?;
        // So that it is loaded before anybody asks.
        let _ = desk.put(None);
        *lock(&installed.gateway) = Some(Gateway(desk));
        Ok(())
    }

    /// Hands a request to a gateway.
    pub(super) fn call(&self, name: &str, request: GatewayRequest) -> Result<Reply, PluginError> {
        let installed = self.find(name)?;
        if !installed.is(Kind::Gateway) {
            let kind = installed.record().kind;
            let article = Kind::named(&kind).map_or(kind, Kind::article);
            return Err(PluginError::invalid(format!("{name} is {article}, and answers no requests")));
        }
        let gateway = lock(&installed.gateway);
        let Some(Gateway(desk)) = &*gateway else { return Err(installed.not_running()) };
        let (reply, answer) = oneshot::channel();
        if desk.put(Some(Job { request, reply })).is_err() {
            installed.requests.turned_away();
            let most = self.services.limits.gateway_waiting;
            return Err(PluginError::Busy(format!(
                "{most} requests wait for {name} already, which is the limit `gateway_waiting`"
            )));
        }
        Ok(answer)
    }
}

impl Front {
    fn load(services: &Arc<Services>, queries: &Arc<Queries>, installed: &Arc<Installed>) -> Result<Self, String> {
        let plugin = installed.load(services).map_err(|error| error.to_string())?;
        let record = installed.record();
        let config = services.secrets.fill(&record.config)?;
        let access = Arc::new(
            Access::new(&record.grants, &plugin.descriptor().capabilities).map_err(|faults| faults.join("; "))?,
        );
        let (services, queries, installed) = (Arc::clone(services), Arc::clone(queries), Arc::clone(installed));
        Ok(Self { plugin, config, access, services, queries, installed })
    }

    fn answer(&self, request: GatewayRequest) -> Result<GatewayResponse, PluginError> {
        let served = panic::catch_unwind(AssertUnwindSafe(|| self.serve(request)));
        let failed = |reason: String| {
            self.installed.logs.line(Level::Error, &format!("a request was not answered: {reason}"), None);
            PluginError::Gateway { name: self.installed.name.clone(), reason }
        };
        match served {
            Ok(Ok(Served { outcome, usage, metrics })) => {
                priority::called(usage.cpu);
                self.installed.requests.count(outcome.is_ok(), &usage, metrics);
                outcome.map_err(|halt| failed(halt.to_string()))
            }
            Ok(Err(stop)) => {
                self.installed.requests.not_started();
                Err(failed(stop.to_string()))
            }
            Err(_) => Err(PluginError::Internal("a mistake of ours; the daemon's log says where".to_owned())),
        }
    }

    fn serve(&self, request: GatewayRequest) -> Result<Served, eventdbx_sandbox::Stop> {
        let limits: &Limits = &self.services.limits.instance;
        let client = DomainClient {
            domain: self.services.domain.clone(),
            queries: Arc::clone(&self.queries),
            access: Arc::clone(&self.access),
            gateway: self.installed.name.clone(),
            deadline: Instant::now() + GatewayInstance::patience(limits),
        };
        let host = GatewayHost { client, logs: Arc::clone(&self.installed.logs) };
        let domain = self.services.domain.name().as_str();
        Ok(self.plugin.start_gateway(Box::new(host), domain, &self.config, limits)?.serve(request))
    }
}

/// The world as a gateway sees it: a log, and the domain.
struct GatewayHost {
    client: DomainClient,
    logs: Arc<Logs>,
}

impl Host for GatewayHost {
    fn log(&mut self, level: Level, message: &str, fields: Option<&str>) {
        self.logs.line(level, message, fields);
    }

    fn client(&mut self) -> Option<&mut dyn Client> {
        Some(&mut self.client)
    }
}
