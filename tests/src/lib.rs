//! A daemon for one test, with a client, and the guests that are let loose in it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use eventdbx_node::{Daemon, Running, StartOptions, client::Client};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

/// A daemon with a client.
pub struct Node {
    client: Client,
    runtime: Runtime,
    running: Option<Running>,
    dir: Option<tempfile::TempDir>,
}

/// Somebody who appends, one event after the other, on a connection of its own.
pub struct Writer {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<u64>>,
}

impl Writer {
    /// Stops it; the positions of what it appended.
    ///
    /// # Panics
    ///
    /// When one of its appends was refused.
    #[must_use]
    pub fn stop(self) -> Vec<u64> {
        self.stop.store(true, Ordering::Release);
        self.thread.join().expect("every append was taken")
    }
}

impl Node {
    /// Starts a daemon on a directory of its own.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn start() -> Self {
        Self::start_in(tempfile::tempdir().expect("a directory"))
    }

    fn start_in(dir: tempfile::TempDir) -> Self {
        let running = Daemon::start(&StartOptions::new(dir.path())).expect("starts");
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let client = runtime.block_on(Client::connect(&running.socket())).expect("connects");
        Self { client, runtime, running: Some(running), dir: Some(dir) }
    }

    /// Stops the daemon, and starts another one on the same directory.
    ///
    /// # Panics
    ///
    /// When it does not start.
    #[must_use]
    pub fn restart(mut self) -> Self {
        self.running.take().expect("runs").stop();
        Self::start_in(self.dir.take().expect("a directory"))
    }

    /// The socket on which the daemon answers.
    ///
    /// # Panics
    ///
    /// When it was stopped.
    #[must_use]
    pub fn socket(&self) -> std::path::PathBuf {
        self.running.as_ref().expect("runs").socket()
    }

    /// Begins to append `placed` events to a few orders, until it is stopped.
    ///
    /// # Panics
    ///
    /// When there is no thread for it.
    #[must_use]
    pub fn writer(&self) -> Writer {
        let socket = self.socket();
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            let mut client = runtime.block_on(Client::connect(&socket)).expect("connects");
            let mut positions = Vec::new();
            while !stopped.load(Ordering::Acquire) {
                let id = format!("w-{}", positions.len() % 7);
                let receipt: Value =
                    runtime.block_on(client.call(Method::POST, APPEND, event(&id, "placed"))).expect("is taken");
                positions.push(receipt["events"][0]["position"].as_u64().expect("a position"));
            }
            positions
        });
        Writer { stop, thread }
    }

    /// Sends a request below `/v1/domains/default`, which may be refused.
    ///
    /// # Panics
    ///
    /// When nobody answers.
    pub fn try_ask(&mut self, method: Method, path: &str, body: impl Into<bytes::Bytes>) -> (StatusCode, Value) {
        let path = format!("/v1/domains/default/{path}");
        let (status, body) = self.runtime.block_on(self.client.request(method, &path, body)).expect("answers");
        (status, serde_json::from_slice(&body).unwrap_or_default())
    }

    /// Asks for something until it is as wanted.
    ///
    /// # Panics
    ///
    /// When it is not in time.
    pub fn until(&mut self, path: &str, patience: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let started = Instant::now();
        loop {
            let answer = self.get(path);
            if wanted(&answer) {
                return answer;
            }
            assert!(started.elapsed() < patience, "{path}: {answer}");
            thread::yield_now();
        }
    }

    /// Adds a component and installs it, with more that is asked for.
    ///
    /// # Panics
    ///
    /// When the daemon refuses.
    pub fn install_as(&mut self, wasm: Vec<u8>, request: &Value) {
        let mut request = request.clone();
        request["component"] = self.ask(Method::PUT, "components", wasm)["hash"].clone();
        self.ask(Method::POST, "plugins", request.to_string());
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
        let started = Instant::now();
        let receipt = self.ask(Method::POST, "append", event(id, event_type));
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

const APPEND: &str = "/v1/domains/default/append";

/// A request that appends an empty event to an order.
fn event(id: &str, event_type: &str) -> String {
    let event = json!({ "aggregate_type": "order", "aggregate_id": id, "event_type": event_type, "payload": {} });
    json!({ "events": [event] }).to_string()
}

/// Builds a guest and overwrites in the module what stands behind a marker, which only it knows the meaning of.
///
/// # Panics
///
/// When it does not build, or has no such marker.
#[must_use]
pub fn marked(name: &str, marker: &str, word: &str) -> Vec<u8> {
    let mut wasm = guest(name);
    let marker = marker.as_bytes();
    let at = wasm.windows(marker.len()).position(|window| window == marker).expect("the marker") + marker.len();
    let room = wasm[at..].iter().take_while(|byte| byte.is_ascii_graphic()).count();
    wasm[at..at + room].copy_from_slice(format!("{word:.<room$}").as_bytes());
    wasm
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
