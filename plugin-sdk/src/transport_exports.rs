//! Between the contract and the trait [`Transport`](crate::Transport): what stands behind the exports of a component, and
//! the network as the host offers it.

use std::{marker::PhantomData, time::Duration};

use crate::{
    Connection, ExportedTransport, Failure, Network, OutboundError, Request, Response, StartContext, StartReason,
    bindings::types,
    guest::parse_config,
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
        crate::host::log_panics();
        let (config, context) = started(context);
        let made = make::<T>(&config, &context)?;
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
    T::start(parse_config(config)?, context)
}

crate::meta::started!();
crate::meta::descriptor!(Transport);

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
