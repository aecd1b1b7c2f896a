//! What a transport may ask of the outside, and what it is answered when it asks for too much.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use eventdbx_sandbox::{
    Call, Connection, Exchange, Host, HostError, HttpRequest, HttpResponse, KeyRange, Kind, Level, Limits, Outbound,
    OutboundError, Outcome, Plugin, ScanPage, StartContext, StartReason,
};
use support::{bench, deliveries};

/// A world with one target, `lines`, which takes all that is sent to it.
#[derive(Clone, Default)]
struct World {
    sent: Arc<Mutex<Vec<u8>>>,
    granted: bool,
}

impl Host for World {
    fn get(&mut self, _: usize, _: &[u8]) -> Result<Option<Vec<u8>>, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn scan(&mut self, _: usize, _: &KeyRange, _: usize, _: usize) -> Result<ScanPage, HostError> {
        Err(HostError::new("a transport has no tables"))
    }

    fn log(&mut self, _: Level, _: &str, _: Option<&str>) {}

    fn outbound(&mut self) -> Option<&mut dyn Outbound> {
        self.granted.then_some(self as &mut dyn Outbound)
    }
}

impl Outbound for World {
    fn http(&mut self, _: HttpRequest, _: &Exchange) -> Result<HttpResponse, OutboundError> {
        Err(OutboundError::Denied("this world has no HTTP".to_owned()))
    }

    fn connect(&mut self, target: &str, timeout: Duration) -> Result<Box<dyn Connection>, OutboundError> {
        assert!(target == "lines" && timeout > Duration::ZERO, "{target} {timeout:?}");
        Ok(Box::new(self.clone()))
    }
}

impl Connection for World {
    fn send(&mut self, bytes: &[u8], _: Duration) -> Result<(), OutboundError> {
        self.sent.lock().unwrap().extend(bytes);
        Ok(())
    }

    fn receive(&mut self, _: usize, _: Duration) -> Result<Vec<u8>, OutboundError> {
        Err(OutboundError::TimedOut)
    }
}

fn ndjson() -> (support::Bench, Plugin) {
    let bench = bench();
    let component = std::fs::read(eventdbx_plugin_build::example("ndjson-tcp").unwrap()).unwrap();
    let plugin = bench.sandbox.load(&component).unwrap();
    (bench, plugin)
}

fn send(plugin: &Plugin, world: &World, limits: &Limits) -> Call {
    let context = StartContext { domain: "default", config: "{}", reason: StartReason::FirstStart };
    let instance = plugin.start(Box::new(world.clone()), context, limits).unwrap();
    instance.handle(&support::batch(&deliveries(&["placed", "paid"])))
}

#[test]
fn a_transport_sends_and_keeps_its_instance() {
    let ((_bench, plugin), world) = (ndjson(), World { granted: true, ..World::default() });
    assert_eq!(plugin.descriptor().kind, Kind::Transport);
    let call = send(&plugin, &world, &Limits::default());
    assert!(matches!(call.outcome, Outcome::Done(_)), "{:?}", call.outcome);
    assert_eq!(world.sent.lock().unwrap().iter().filter(|byte| **byte == b'\n').count(), 2);
    let call = call.instance.unwrap().handle(&support::batch(&deliveries(&["shipped"])));
    assert!(matches!(call.outcome, Outcome::Done(_)), "{:?}", call.outcome);
}

#[test]
fn what_is_not_granted_is_denied() {
    let ((_bench, plugin), world) = (ndjson(), World::default());
    match send(&plugin, &world, &Limits::default()).outcome {
        Outcome::Fatal(failure) => assert_eq!(failure.code, "denied"),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_limit_of_the_outside_is_told_by_its_name_and_does_not_trap() {
    let ((_bench, plugin), world) = (ndjson(), World { granted: true, ..World::default() });
    let limits = Limits { outbound_send_bytes: 10, ..Limits::default() };
    match send(&plugin, &world, &limits).outcome {
        Outcome::Poison(item) => {
            assert!(item.index == 0 && item.failure.message.contains("outbound_send_bytes"), "{item:?}");
        }
        other => panic!("{other:?}"),
    }
    let limits = Limits { outbound_batch_ms: 0, ..Limits::default() };
    match send(&plugin, &world, &limits).outcome {
        Outcome::Retry { failure, done, .. } => assert_eq!((failure.code.as_str(), done), ("timed-out", 0)),
        other => panic!("{other:?}"),
    }
    assert!(world.sent.lock().unwrap().is_empty());
}

#[test]
fn too_many_connections_trap() {
    let ((_bench, plugin), world) = (ndjson(), World { granted: true, ..World::default() });
    let limits = Limits { outbound_connections: 0, ..Limits::default() };
    let Outcome::Halted(halt) = send(&plugin, &world, &limits).outcome else { panic!("it went on") };
    assert!(halt.to_string().contains("outbound_connections"), "{halt}");
}
