//! Between the contract and the trait [`Transport`](crate::Transport): what stands behind the exports of a component, and
//! the network as the host offers it.

use std::{marker::PhantomData, time::Duration};

use crate::{
    Connection, ExportedTransport, Failure, Network, OutboundError, Request, Response, StartContext, StartReason,
    bindings::{exports::eventdbx::plugin::meta as shared, types},
    error::misfit,
    transport,
    transport_bindings::{
        eventdbx::plugin::outbound,
        exports::eventdbx::plugin::{handler, meta},
    },
};

/// Stands for `T` towards the bindings.
pub struct Guest<T>(PhantomData<T>);

impl<T: ExportedTransport> meta::Guest for Guest<T> {
    fn describe() -> meta::Descriptor {
        descriptor(T::describe().into_contract(T::NAME, T::VERSION, 1))
    }

    fn check_config(config: String) -> Result<(), types::Failure> {
        let context = StartContext { domain: String::new(), reason: StartReason::FirstStart };
        make::<T>(&config, &context).map(drop).map_err(Into::into)
    }

    fn init(context: meta::StartContext) -> Result<(), types::Failure> {
        // A panic is a trap; its message would be lost.
        std::panic::set_hook(Box::new(|panic| crate::host::log(crate::host::Level::Error, &panic.to_string())));
        let reason = match context.reason {
            meta::StartReason::FirstStart => StartReason::FirstStart,
            meta::StartReason::Restart => StartReason::Restart,
            meta::StartReason::UpgradedFrom(version) => StartReason::UpgradedFrom(version),
            meta::StartReason::Rebuild => StartReason::Rebuild,
            meta::StartReason::Query => StartReason::Query,
        };
        let context_of = StartContext { domain: context.domain, reason };
        let made = make::<T>(&context.config, &context_of)?;
        T::instance().with(|instance| *instance.borrow_mut() = Some(made));
        Ok(())
    }
}

impl<T: ExportedTransport> handler::Guest for Guest<T> {
    fn handle_batch(batch: types::Batch) -> Result<types::Ack, types::HandleError> {
        T::instance().with(|instance| match &mut *instance.borrow_mut() {
            Some(transport) => {
                let skipped = transport::send_batch(transport, &batch, &HostNetwork)?;
                Ok(types::Ack { skipped })
            }
            None => {
                let failure = Failure::new("not-started", "`init` comes before anything else");
                Err(types::HandleError::Fatal(failure.into()))
            }
        })
    }
}

fn make<T: ExportedTransport>(config: &str, context: &StartContext) -> Result<T, Failure> {
    let config = serde_json::from_str(config).map_err(|error| Failure::new("bad-config", misfit(&error)))?;
    T::start(config, context)
}

/// Each world has types of its own for what it exports, however alike they are.
fn descriptor(descriptor: shared::Descriptor) -> meta::Descriptor {
    meta::Descriptor {
        name: descriptor.name,
        version: descriptor.version,
        kind: meta::Kind::Transport,
        config_schema: descriptor.config_schema,
        selector: meta::Selector {
            aggregate_types: descriptor.selector.aggregate_types,
            aggregate_ids: descriptor.selector.aggregate_ids,
            event_types: descriptor.selector.event_types,
            parts: descriptor.selector.parts,
            fields: match descriptor.selector.fields {
                shared::FieldFilter::All => meta::FieldFilter::All,
                shared::FieldFilter::Only(pointers) => meta::FieldFilter::Only(pointers),
                shared::FieldFilter::Except(pointers) => meta::FieldFilter::Except(pointers),
            },
        },
        // Those are a read model's.
        tables: Vec::new(),
        queries: Vec::new(),
        state_version: descriptor.state_version,
        capabilities: descriptor.capabilities,
    }
}

/// The network that the host offers.
struct HostNetwork;

impl Network for HostNetwork {
    fn http(&self, request: &Request) -> Result<Response, OutboundError> {
        let header = |(name, value): &(String, String)| outbound::Header { name: name.clone(), value: value.clone() };
        let answer = outbound::http(&outbound::Request {
            target: request.target.clone(),
            method: request.method.clone(),
            path: request.path.clone(),
            headers: request.headers.iter().map(header).collect(),
            body: request.body.clone(),
            timeout_ms: request.timeout.map(millis),
        })?;
        let headers = answer.headers.into_iter().map(|header| (header.name, header.value)).collect();
        Ok(Response { status: answer.status, headers, body: answer.body })
    }

    fn connect(&self, target: &str) -> Result<Box<dyn Connection>, OutboundError> {
        Ok(Box::new(HostConnection(outbound::connect(target)?)))
    }
}

struct HostConnection(outbound::Connection);

impl Connection for HostConnection {
    fn send(&mut self, bytes: &[u8]) -> Result<(), OutboundError> {
        Ok(self.0.send(bytes)?)
    }

    fn receive(&mut self, max: u32, timeout: Duration) -> Result<Vec<u8>, OutboundError> {
        Ok(self.0.receive(max, millis(timeout))?)
    }
}

fn millis(duration: Duration) -> u32 {
    u32::try_from(duration.as_millis()).unwrap_or(u32::MAX)
}

impl From<outbound::OutboundError> for OutboundError {
    fn from(error: outbound::OutboundError) -> Self {
        match error {
            outbound::OutboundError::Denied(reason) => Self::Denied(reason),
            outbound::OutboundError::Unreachable(reason) => Self::Unreachable(reason),
            outbound::OutboundError::TimedOut => Self::TimedOut,
            outbound::OutboundError::TooLarge(reason) => Self::TooLarge(reason),
            outbound::OutboundError::Closed => Self::Closed,
            outbound::OutboundError::Other(reason) => Self::Other(reason),
        }
    }
}
