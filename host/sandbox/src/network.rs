//! The interface `outbound` of the contract, on top of [`Outbound`]: who may call it when, for how long, with how much.
//!
//! Time that a guest waits here is no CPU time, so it has limits of its own: of one call, and of all calls of a batch. When
//! the latter is used up, calls fail at once instead of trapping, so that the guest can still say what is done.

use std::time::{Duration, Instant};

use wasmtime::component::Resource;

use crate::{
    call::{CallState, Phase},
    limits::{Limit, Limits},
    outbound::{Connection, Exchange, HttpRequest, HttpResponse, OutboundError},
    outcome::{Halt, Trap},
    wire::eventdbx::plugin::outbound as wire,
};

/// A connection of a guest; none once it is closed.
#[expect(unreachable_pub, reason = "the generated code re-exports it")]
pub struct OpenConnection(Option<Box<dyn Connection>>);

/// What a call of a batch may still use of the network.
#[derive(Debug, Default)]
pub(crate) struct NetworkTime {
    spent: Duration,
}

impl NetworkTime {
    /// A batch begins.
    pub(crate) fn begin(&mut self) {
        self.spent = Duration::ZERO;
    }

    /// How long a call may take; `wanted` is what the guest asks for.
    fn left(&self, limits: &Limits, wanted: Option<u32>) -> Result<Duration, OutboundError> {
        let longest = Duration::from_millis(limits.outbound_call_ms);
        let wanted = wanted.map_or(longest, |wanted| Duration::from_millis(wanted.into())).min(longest);
        let left = Duration::from_millis(limits.outbound_batch_ms).saturating_sub(self.spent);
        if left.is_zero() { Err(OutboundError::TimedOut) } else { Ok(wanted.min(left)) }
    }
}

type Answer<T> = wasmtime::Result<Result<T, wire::OutboundError>>;

impl wire::Host for CallState {
    fn http(&mut self, request: wire::Request) -> Answer<wire::Response> {
        let headers = request.headers.into_iter().map(|header| (header.name, header.value)).collect();
        let wire::Request { target, method, path, body, timeout_ms, .. } = request;
        let request = HttpRequest { target, method, path, headers, body };
        let answer = self.exchange("outbound.http", request, timeout_ms)?;
        Ok(answer.map_err(Into::into).map(|response| wire::Response {
            status: response.status,
            headers: response.headers.into_iter().map(|(name, value)| wire::Header { name, value }).collect(),
            body: response.body,
        }))
    }

    fn connect(&mut self, target: String) -> Answer<Resource<OpenConnection>> {
        self.reaches_out("outbound.connect")?;
        if self.connections_open as u64 >= self.limits.outbound_connections {
            let what = format!("the plugin holds {} connections and opens one more", self.connections_open);
            return Err(Halt::Trapped(Trap::broke(Limit::OutboundConnections, &self.limits, what)).into());
        }
        let connected = self.network.left(&self.limits, None);
        let connected = connected.and_then(|timeout| self.outside(|outbound| outbound.connect(&target, timeout)));
        match connected {
            Ok(connection) => {
                self.connections_open += 1;
                self.hold(OpenConnection(Some(connection))).map(Ok)
            }
            Err(error) => Ok(Err(error.into())),
        }
    }
}

impl wire::HostConnection for CallState {
    fn send(&mut self, connection: Resource<OpenConnection>, bytes: Vec<u8>) -> Answer<()> {
        self.reaches_out("connection.send")?;
        let sent = self.room(bytes.len()).and_then(|()| self.network.left(&self.limits, None));
        let sent = match sent {
            Ok(timeout) => self.over(&connection, |open| open.send(&bytes, timeout))?,
            Err(error) => Err(error),
        };
        Ok(sent.map_err(Into::into))
    }

    fn receive(&mut self, connection: Resource<OpenConnection>, max: u32, timeout_ms: u32) -> Answer<Vec<u8>> {
        self.reaches_out("connection.receive")?;
        let most = u64::from(max).min(self.limits.outbound_receive_bytes);
        let most = usize::try_from(most).unwrap_or(usize::MAX);
        let received = match self.network.left(&self.limits, Some(timeout_ms)) {
            // Nothing asked for is nothing received, which would read as the end of the stream.
            Ok(_) if most == 0 => Err(OutboundError::Denied("`max` is 0".to_owned())),
            Ok(timeout) => self.over(&connection, |open| open.receive(most, timeout))?,
            Err(error) => Err(error),
        };
        Ok(received.map_err(Into::into))
    }

    fn close(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<()> {
        self.host_calls += 1;
        let open = self.handles.get_mut(&connection)?.0.take();
        self.connections_open -= usize::from(open.is_some());
        Ok(())
    }

    fn drop(&mut self, connection: Resource<OpenConnection>) -> wasmtime::Result<()> {
        let open = self.handles.delete(connection)?.0;
        self.connections_open -= usize::from(open.is_some());
        Ok(())
    }
}

impl CallState {
    /// Makes one HTTP request of a transport, by whichever interface it asks for it.
    pub(crate) fn exchange(
        &mut self,
        function: &str,
        request: HttpRequest,
        timeout_ms: Option<u32>,
    ) -> wasmtime::Result<Result<HttpResponse, OutboundError>> {
        self.reaches_out(function)?;
        let sent = request.body.len() + request.path.len() + header_bytes(&request.headers);
        let response_bytes = self.limits.outbound_receive_bytes;
        Ok(self.room(sent).and_then(|()| {
            let timeout = self.network.left(&self.limits, timeout_ms)?;
            self.outside(|outbound| outbound.http(request, &Exchange { timeout, response_bytes }))
        }))
    }

    /// Counts a call that is allowed in a batch only.
    fn reaches_out(&mut self, function: &str) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if self.phase == Phase::Batch && self.host.is_some() {
            return Ok(());
        }
        let message = format!("the plugin may not call `{function}` in {}", self.phase.name());
        Err(Halt::Trapped(Trap::forbidden(message)).into())
    }

    fn room(&self, bytes: usize) -> Result<(), OutboundError> {
        let (limit, most) = (Limit::OutboundSendBytes, self.limits.outbound_send_bytes);
        if bytes as u64 <= most {
            return Ok(());
        }
        Err(OutboundError::TooLarge(format!("{bytes} bytes; the limit `{limit}` is {most}")))
    }

    /// Asks the owner of the sandbox, and counts the time that it takes.
    fn outside<T>(
        &mut self,
        ask: impl FnOnce(&mut dyn crate::Outbound) -> Result<T, OutboundError>,
    ) -> Result<T, OutboundError> {
        let outbound = self.host.as_deref_mut().and_then(crate::Host::outbound);
        let outbound = outbound.ok_or_else(|| OutboundError::Denied("no target is granted".to_owned()))?;
        let began = Instant::now();
        let answer = ask(outbound);
        self.network.spent += began.elapsed();
        answer
    }

    /// The same over an open connection.
    fn over<T>(
        &mut self,
        connection: &Resource<OpenConnection>,
        ask: impl FnOnce(&mut dyn Connection) -> Result<T, OutboundError>,
    ) -> wasmtime::Result<Result<T, OutboundError>> {
        let open = self.handles.get_mut(connection)?;
        let Some(open) = open.0.as_deref_mut() else { return Ok(Err(OutboundError::Closed)) };
        let began = Instant::now();
        let answer = ask(open);
        self.network.spent += began.elapsed();
        Ok(answer)
    }
}

fn header_bytes(headers: &[(String, String)]) -> usize {
    headers.iter().map(|(name, value)| name.len() + value.len()).sum()
}

impl From<OutboundError> for wire::OutboundError {
    fn from(error: OutboundError) -> Self {
        match error {
            OutboundError::Denied(reason) => Self::Denied(reason),
            OutboundError::Unreachable(reason) => Self::Unreachable(reason),
            OutboundError::TimedOut => Self::TimedOut,
            OutboundError::TooLarge(reason) => Self::TooLarge(reason),
            OutboundError::Closed => Self::Closed,
            OutboundError::Other(reason) => Self::Other(reason),
        }
    }
}
