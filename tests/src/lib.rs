//! A daemon for one test, with a client, and the guests that are let loose in it.

use std::time::{Duration, Instant};

use eventdbx_node::{Daemon, Running, StartOptions, client::Client};
use hyper::Method;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A daemon with a client.
pub struct Node {
    client: Client,
    runtime: Runtime,
    running: Option<Running>,
    dir: tempfile::TempDir,
}

impl Node {
    /// Starts a daemon on a directory of its own.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        let dir = tempfile::tempdir().expect("a directory");
        let running = Daemon::start(&StartOptions::new(dir.path())).expect("starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(Client::connect(&running.socket())).expect("connects");
        Self { client, runtime, running: Some(running), dir }
    }

    /// Sends a request below `/v1/domains/default` and reads the answer.
    ///
    /// # Panics
    ///
    /// When the daemon refuses.
    pub fn ask(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> Value {
        let path = format!("/v1/domains/default/{path}");
        self.runtime.block_on(self.client.call(method, &path, body)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    /// Sends a request whose answer has several lines, and reads all of it.
    ///
    /// # Panics
    ///
    /// When the daemon refuses.
    pub fn lines(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> String {
        let path = format!("/v1/domains/default/{path}");
        let (status, body) = self.runtime.block_on(self.client.request(method, &path, body)).expect("an answer");
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(status.is_success(), "{path}: {text}");
        text
    }

    /// Sends a request that is to be refused; all that the daemon said.
    ///
    /// # Panics
    ///
    /// When it is not refused.
    pub fn refused(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> String {
        let path = format!("/v1/domains/default/{path}");
        match self.runtime.block_on(self.client.call::<Value>(method, &path, body)) {
            Ok(answer) => panic!("{path} is not refused: {answer}"),
            Err(error) => format!("{error:?}"),
        }
    }

    /// Stops the daemon, and starts it again on what it left.
    ///
    /// # Panics
    ///
    /// When it does not start.
    pub fn restart(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
        let running = Daemon::start(&StartOptions::new(self.dir.path())).expect("starts");
        self.client = self.runtime.block_on(Client::connect(&running.socket())).expect("connects");
        self.running = Some(running);
    }

    /// Asks for something.
    pub fn get(&mut self, path: &str) -> Value {
        self.ask(Method::GET, path, "")
    }

    /// Adds a component and installs it under its own name.
    pub fn install(&mut self, wasm: Vec<u8>) {
        let component = self.ask(Method::PUT, "components", wasm)["hash"].clone();
        self.ask(Method::POST, "plugins", json!({ "component": component }).to_string());
    }

    /// Appends one event; tells its position and how long the answer took.
    ///
    /// # Panics
    ///
    /// When it is refused.
    pub fn append(&mut self, id: &str, event_type: &str) -> (u64, Duration) {
        let event = json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": event_type, "payload": {} });
        let started = Instant::now();
        let receipt = self.ask(Method::POST, "append", json!({ "events": [event] }).to_string());
        (receipt["events"][0]["position"].as_u64().expect("a position"), started.elapsed())
    }

    /// Asks a plugin once it has read up to a position.
    pub fn query(&mut self, plugin: &str, query: &str, position: u64) -> Value {
        let wait = json!({ "wait": position, "timeout_ms": 120_000 });
        self.ask(Method::POST, &format!("plugins/{plugin}/queries/{query}"), wait.to_string())
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        if let Some(running) = self.running.take() {
            running.stop();
        }
    }
}

/// Builds a guest of this workspace.
///
/// # Panics
///
/// When it does not build.
#[must_use]
pub fn guest(name: &str) -> Vec<u8> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = eventdbx_plugin_build::build_packages(&root, &[name]).expect("builds");
    std::fs::read(&built[0].component).expect("reads")
}
