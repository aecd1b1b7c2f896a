//! A daemon with a million events and three plugins, as a process of its own: what it holds in memory, and how soon it answers
//! after a restart.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use bytes::Bytes;
use eventdbx_node::{
    Daemon, DataDir, StartOptions,
    client::{self, Client},
};
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    append::payload,
    report::{Figure, Report},
};

const EVENTS: usize = 1_000_000;
const PLUGINS: [&str; 3] = ["one", "two", "three"];
/// The argument that makes this program the daemon.
const DAEMON: &str = "--as-daemon-of";

/// Is the daemon, if this process was started as one.
pub(crate) fn serve_if_asked() -> anyhow::Result<bool> {
    let mut arguments = std::env::args().skip_while(|argument| argument != DAEMON);
    let Some(dir) = arguments.nth(1) else { return Ok(false) };
    let running = Daemon::start(&StartOptions::new(dir))?;
    println!("ready");
    running.wait()?;
    Ok(true)
}

pub(crate) fn million(report: &mut Report) -> anyhow::Result<()> {
    report.title("a daemon with 1,000,000 events of about 200 bytes and three plugins (event-counter, all)");
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let mut daemon = Process::start(dir.path())?;
    let mut client = runtime.block_on(daemon.client(dir.path()))?;
    let took = runtime.block_on(fill(&mut client))?;
    report.row("import over the socket", &[Figure::rate("events/s", EVENTS as f64 / took.as_secs_f64())]);
    runtime.block_on(wait_for_all(&mut client))?;
    let stats: Value = runtime.block_on(client.call(Method::GET, "/v1/stats", ""))?;
    let mib = stats["memory_bytes"].as_f64().unwrap_or_default() / 1e6;
    report.row("resident", &[Figure::plain(format!("{mib:.0} MB"), mib).at_most(400.0)]);
    runtime.block_on(client.request(Method::POST, "/v1/shutdown", "{}"))?;
    daemon.child.wait()?;

    let started = Instant::now();
    let mut daemon = Process::start(dir.path())?;
    let mut client = runtime.block_on(daemon.client(dir.path()))?;
    let answers = started.elapsed();
    runtime.block_on(wait_for_all(&mut client))?;
    let seconds = |time: Duration| Figure::plain(format!("{:.3} s", time.as_secs_f64()), time.as_secs_f64());
    report.row("start, until it answers", &[seconds(answers).at_most(1.0)]);
    report.row("start, until all three plugins have answered", &[seconds(started.elapsed())]);
    runtime.block_on(client.request(Method::POST, "/v1/shutdown", "{}"))?;
    daemon.child.wait()?;
    Ok(())
}

struct Process {
    child: Child,
}

impl Process {
    fn start(dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg(DAEMON).arg(dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no standard output"))?;
        BufReader::new(stdout).read_line(&mut line)?;
        anyhow::ensure!(line == "ready\n", "the daemon did not start");
        Ok(Self { child })
    }

    async fn client(&mut self, dir: &Path) -> anyhow::Result<Client> {
        Ok(Client::connect(&DataDir::new(dir).socket()).await?)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only where the child has been seen off already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn fill(client: &mut Client) -> anyhow::Result<Duration> {
    let wasm = std::fs::read(eventdbx_plugin_build::example("event-counter")?)?;
    let component: Value = client.call(Method::PUT, "/v1/domains/default/components", wasm).await?;
    for name in PLUGINS {
        let request = json!({ "component": component["hash"], "name": name }).to_string();
        client.call::<Value>(Method::POST, "/v1/domains/default/plugins", request).await?;
    }
    let (feed, body) = client::pieces(16);
    let feeding = tokio::spawn(async move {
        for from in (0..EVENTS).step_by(1000) {
            let lines: String = (from..from + 1000).map(line).collect();
            if feed.send(Ok(Bytes::from(lines))).await.is_err() {
                return;
            }
        }
    });
    let started = Instant::now();
    let mut answer = client.lines(Method::POST, "/v1/domains/default/import", body).await?;
    let mut last = Value::Null;
    while let Some(line) = answer.next().await? {
        last = serde_json::from_slice(&line)?;
    }
    feeding.await?;
    anyhow::ensure!(last["written"] == EVENTS, "{last}");
    Ok(started.elapsed())
}

fn line(n: usize) -> String {
    let id = n / 20;
    format!(
        r#"{{"aggregate_type":"order","aggregate_id":"o-{id}","event_type":"order_changed","payload":{}}}{}"#,
        payload(n),
        '\n'
    )
}

async fn wait_for_all(client: &mut Client) -> anyhow::Result<()> {
    for name in PLUGINS {
        let path = format!("/v1/domains/default/plugins/{name}/queries/counts");
        let wait = json!({ "wait": EVENTS, "timeout_ms": 300_000 }).to_string();
        client.call::<Value>(Method::POST, &path, wait).await?;
    }
    Ok(())
}
