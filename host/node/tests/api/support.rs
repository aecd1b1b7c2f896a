//! A daemon in a temporary directory, and a client to ask it.

use bytes::Bytes;
use eventdbx_node::{
    Daemon, Running, StartError, StartOptions,
    client::{self, Client},
    wire::{ErrorCode, WireError},
};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::{self, Runtime};

/// A running daemon and one connection to it.
pub(crate) struct Node {
    pub(crate) client: Client,
    pub(crate) runtime: Runtime,
    running: Option<Running>,
    pub(crate) dir: tempfile::TempDir,
}

/// What the daemon answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Node {
    /// Starts a daemon on a directory of its own.
    pub(crate) fn start() -> Self {
        Self::start_in(tempfile::tempdir().unwrap())
    }

    pub(crate) fn start_in(dir: tempfile::TempDir) -> Self {
        let running = Daemon::start(&StartOptions::new(dir.path())).unwrap();
        let runtime = runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(Client::connect(&running.socket())).unwrap();
        Self { client, runtime, running: Some(running), dir }
    }

    /// Stops the daemon and starts another on the same directory.
    pub(crate) fn restart(mut self) -> Self {
        self.running.take().unwrap().stop();
        Self::start_in(self.dir)
    }

    /// Stops the daemon and leaves the directory.
    pub(crate) fn stop(mut self) -> tempfile::TempDir {
        self.running.take().unwrap().stop();
        self.dir
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().unwrap()
    }

    /// Another daemon on the same directory.
    pub(crate) fn start_second(&self) -> Result<Running, StartError> {
        Daemon::start(&StartOptions::new(self.dir.path()))
    }

    pub(crate) fn send(&mut self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let (status, bytes) = self.runtime.block_on(self.client.request(method, path, body)).unwrap();
        let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap() };
        Answer { status, body }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.send(Method::GET, path, "")
    }

    /// Reads a listing of the domain, with parameters that need no thought of what a URL may hold.
    pub(crate) fn list(&mut self, what: &str, parameters: &[(&str, &str)]) -> Answer {
        let parameters = parameters.iter().map(|(name, value)| format!("{name}={}", escaped(value)));
        let path = format!("/v1/domains/default/{what}?{}", parameters.collect::<Vec<_>>().join("&"));
        self.get(&path)
    }

    pub(crate) fn post(&mut self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, body.to_string())
    }

    /// Appends events.
    #[expect(clippy::needless_pass_by_value, reason = "they are made where they are passed")]
    pub(crate) fn append(&mut self, events: Value) -> Answer {
        self.post("/v1/domains/default/append", &json!({ "events": events }))
    }

    /// Appends one event to `order/ID`, which must be taken.
    pub(crate) fn write(&mut self, id: &str, event_type: &str, payload: Value) -> Value {
        let answer = self.append(json!([order(id, event_type, payload)]));
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.body["events"][0].clone()
    }

    /// Imports lines; the answer's lines.
    pub(crate) fn import(&mut self, lines: impl Into<Bytes>) -> Vec<Value> {
        self.runtime.block_on(async {
            let path = "/v1/domains/default/import";
            let mut answer = self.client.lines(Method::POST, path, client::whole(lines)).await.unwrap();
            let mut lines = Vec::new();
            while let Some(line) = answer.next().await.unwrap() {
                lines.push(serde_json::from_slice(&line).unwrap());
            }
            lines
        })
    }

    /// Position of the last event.
    pub(crate) fn head(&mut self) -> u64 {
        self.get("/v1/status").body["domains"][0]["position"].as_u64().unwrap()
    }
}

impl Answer {
    /// The error, which must be of this kind.
    #[track_caller]
    pub(crate) fn refused(self, code: ErrorCode) -> WireError {
        let error: WireError = serde_json::from_value(self.body["error"].clone())
            .unwrap_or_else(|error| panic!("no error ({error}): {}", self.body));
        assert_eq!(error.code, code, "{}", self.body);
        assert_eq!(self.status.as_u16(), code.status(), "{}", self.body);
        error
    }
}

/// Every byte that is no letter or digit as `%XX`.
pub(crate) fn escaped(text: &str) -> String {
    let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    };
    text.bytes().map(byte).collect()
}

/// An event of `order/ID`.
#[expect(clippy::needless_pass_by_value, reason = "a payload is made where it is passed")]
pub(crate) fn order(id: &str, event_type: &str, payload: Value) -> Value {
    json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": event_type, "payload": payload })
}
