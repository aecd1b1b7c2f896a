//! A network that records what is sent, and a host that delivers to a transport: no daemon, no socket.

use std::{cell::RefCell, collections::VecDeque, rc::Rc, time::Duration};

use serde_json::Value;

use super::{Log, cut};
use crate::{
    Connection, Network, OutboundError, Request, Response, StartContext, StartReason, Transport,
    bindings::{
        exports::eventdbx::plugin::meta::Descriptor,
        types::{Batch, Delivery, DeliveryMode, HandleError, Parts},
    },
    error::misfit,
    transport,
};

/// Events that one call gets at most, as with the host.
const BATCH: usize = 256;

/// How a peer answers: what it writes back to the bytes that just came.
type Peer = dyn FnMut(&[u8]) -> Vec<u8>;

/// A network in which every target exists, and which remembers all that is sent. HTTP is answered with 200 and nothing else.
#[derive(Clone, Default)]
pub struct Outside(Rc<RefCell<Recorded>>);

#[derive(Default)]
struct Recorded {
    requests: Vec<Request>,
    answers: VecDeque<Result<Response, OutboundError>>,
    bytes: Vec<u8>,
    connections: usize,
    greeting: Vec<u8>,
    peer: Option<Box<Peer>>,
    unreachable: usize,
}

impl Outside {
    /// Answers the next request like this instead; may be called several times.
    pub fn answer(&self, answer: Result<Response, OutboundError>) {
        self.0.borrow_mut().answers.push_back(answer);
    }

    /// Answers the next request with this status.
    pub fn status(&self, status: u16) {
        self.answer(Ok(Response { status, ..Response::default() }));
    }

    /// The next connections do not come about.
    pub fn refuse_connections(&self, number: usize) {
        self.0.borrow_mut().unreachable = number;
    }

    /// What stands at the other end of connections: a function from the bytes of each `send` to its answer.
    pub fn peer(&self, peer: impl FnMut(&[u8]) -> Vec<u8> + 'static) {
        self.0.borrow_mut().peer = Some(Box::new(peer));
    }

    /// What the other end says first on every connection.
    pub fn greets(&self, bytes: &[u8]) {
        self.0.borrow_mut().greeting = bytes.to_owned();
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.0.borrow().requests.clone()
    }

    /// All that was sent over connections so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.borrow().bytes.clone()
    }

    /// How many connections there were.
    pub fn connections(&self) -> usize {
        self.0.borrow().connections
    }
}

impl Network for Outside {
    fn http(&self, request: &Request) -> Result<Response, OutboundError> {
        let mut recorded = self.0.borrow_mut();
        recorded.requests.push(request.clone());
        let usual = || Ok(Response { status: 200, ..Response::default() });
        recorded.answers.pop_front().unwrap_or_else(usual)
    }

    fn connect(&self, _target: &str) -> Result<Box<dyn Connection>, OutboundError> {
        let mut recorded = self.0.borrow_mut();
        if recorded.unreachable > 0 {
            recorded.unreachable -= 1;
            return Err(OutboundError::Unreachable("refused by the test".to_owned()));
        }
        recorded.connections += 1;
        Ok(Box::new(Line { outside: self.clone(), waiting: recorded.greeting.clone() }))
    }
}

/// A connection; `waiting` is what the peer wrote and nobody has read.
struct Line {
    outside: Outside,
    waiting: Vec<u8>,
}

impl Connection for Line {
    fn send(&mut self, bytes: &[u8]) -> Result<(), OutboundError> {
        let mut recorded = self.outside.0.borrow_mut();
        recorded.bytes.extend(bytes);
        if let Some(peer) = &mut recorded.peer {
            self.waiting.extend(peer(bytes));
        }
        Ok(())
    }

    fn receive(&mut self, max: u32, _timeout: Duration) -> Result<Vec<u8>, OutboundError> {
        if self.waiting.is_empty() {
            return Err(OutboundError::TimedOut);
        }
        let rest = self.waiting.split_off(self.waiting.len().min(max as usize));
        Ok(std::mem::replace(&mut self.waiting, rest))
    }
}

/// Delivers to a transport as the host does: in batches, going on behind what was sent.
pub struct Sender<T> {
    transport: T,
    descriptor: Descriptor,
    outside: Outside,
    cursor: u64,
}

impl<T: Transport> Sender<T> {
    /// Starts the transport with a configuration, on a network of its own.
    ///
    /// # Panics
    /// When the transport does not start.
    pub fn new(config: &Value) -> Self {
        let context = StartContext { domain: "default".to_owned(), reason: StartReason::FirstStart };
        let parsed = serde_json::from_value(config.clone()).unwrap_or_else(|error| panic!("{}", misfit(&error)));
        let transport =
            T::start(parsed, &context).unwrap_or_else(|failure| panic!("the transport does not start: {failure}"));
        let descriptor = T::describe().into_contract("test", "0.0.0", 1);
        Self { transport, descriptor, outside: Outside::default(), cursor: 0 }
    }

    /// The network.
    pub fn outside(&self) -> Outside {
        self.outside.clone()
    }

    /// Delivers what the log has beyond what was sent.
    ///
    /// # Errors
    /// The code of the failure that ended it: what was sent before counts, and the next call goes on behind it.
    pub fn deliver(&mut self, log: &Log) -> Result<(), String> {
        let items: Vec<Delivery> = cut(log, &self.descriptor, Parts::all(), self.cursor);
        for items in items.chunks(BATCH) {
            let batch = Batch {
                domain: "default".to_owned(),
                mode: DeliveryMode::CatchUp,
                payload_mode: "all".to_owned(),
                attempt: 1,
                head_position: log.len() as u64,
                schemas: Vec::new(),
                items: items.to_vec(),
            };
            let sent = transport::send_batch(&mut self.transport, &batch, &self.outside);
            let (done, failure) = match sent {
                Ok(_) => (items.len(), None),
                Err(HandleError::Retry(hint)) => (hint.done as usize, Some(hint.failure)),
                Err(HandleError::Poison(item)) => (item.index as usize, Some(item.failure)),
                Err(HandleError::Fatal(failure)) => (0, Some(failure)),
            };
            self.cursor = if done > 0 { items[done - 1].position } else { self.cursor };
            if let Some(failure) = failure {
                return Err(failure.code);
            }
        }
        Ok(())
    }
}
