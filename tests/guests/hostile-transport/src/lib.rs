//! A transport that misbehaves on request: the *type of an event* names what goes wrong. Any other event is sent as a line to the
//! target `lines`.

use std::time::Duration;

use eventdbx_plugin_sdk::*;

/// The plugin, with the connections that it never lets go.
pub struct Hostile {
    hoard: Vec<Box<dyn Connection>>,
}

impl Transport for Hostile {
    type Config = NoConfig;

    fn describe() -> Descriptor {
        Descriptor::new().payload()
    }

    fn start(_: NoConfig, _: &StartContext) -> Result<Self, Failure> {
        Ok(Self { hoard: Vec::new() })
    }

    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError> {
        match event.event_type() {
            // Each connection is a handle of the host's, and a socket.
            "hoard" => loop {
                self.hoard.push(network.connect("lines")?);
            },
            "elsewhere" => drop(network.connect("somewhere-else")?),
            "flood" => network.connect("lines")?.send(&vec![b'x'; 5 << 20])?,
            // Nobody answers, and the host is to wait.
            "sleep" => drop(network.connect("lines")?.receive(1, Duration::from_secs(3600))?),
            _ => network.connect("lines")?.send(format!("{}\n", event.event_type()).as_bytes())?,
        }
        Ok(())
    }
}

export_transport!(Hostile);
