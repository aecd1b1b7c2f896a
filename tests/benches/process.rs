//! A daemon as a process of its own: this program, started again.

use std::{
    io::{BufRead, BufReader},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use eventdbx_node::{Daemon, DataDir, StartOptions, client::Client};
use hyper::Method;
use serde_json::{Value, json};

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

/// A daemon; it ends with this value.
pub(crate) struct Process {
    child: Child,
}

impl Process {
    pub(crate) fn start(dir: &Path) -> anyhow::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?).arg(DAEMON).arg(dir).stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        let stdout = child.stdout.take().ok_or_else(|| anyhow::anyhow!("no standard output"))?;
        BufReader::new(stdout).read_line(&mut line)?;
        anyhow::ensure!(line == "ready\n", "the daemon did not start");
        Ok(Self { child })
    }

    pub(crate) async fn client(&self, dir: &Path) -> anyhow::Result<Client> {
        Ok(Client::connect(&DataDir::new(dir).socket()).await?)
    }

    /// Has it stop in order.
    pub(crate) async fn stop(mut self, client: &mut Client) -> anyhow::Result<()> {
        client.request(Method::POST, "/v1/shutdown", "{}").await?;
        self.child.wait()?;
        Ok(())
    }

    /// Processor time that it has used, user and system, from `/proc`.
    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id()))?;
        // Behind the name, which may hold anything: state is the first field, user and system time the 12th and 13th.
        let fields = stat.rsplit(") ").next().unwrap_or_default();
        let ticks = fields.split(' ').skip(11).take(2).map(str::parse::<u64>).sum::<Result<u64, _>>()?;
        // USER_HZ is 100 on every Linux.
        Ok(Duration::from_millis(ticks * 10))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It fails only where the child has been seen off already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Resident memory of the daemon in MB.
pub(crate) async fn resident(client: &mut Client) -> anyhow::Result<f64> {
    let stats: Value = client.call(Method::GET, "/v1/stats", "").await?;
    Ok(stats["memory_bytes"].as_f64().unwrap_or_default() / 1e6)
}

/// Installs event counters under these names.
pub(crate) async fn install(client: &mut Client, names: &[String]) -> anyhow::Result<()> {
    let wasm = std::fs::read(eventdbx_plugin_build::example("event-counter")?)?;
    let component: Value = client.call(Method::PUT, "/v1/domains/default/components", wasm).await?;
    for name in names {
        let request = json!({ "component": component["hash"], "name": name }).to_string();
        client.call::<Value>(Method::POST, "/v1/domains/default/plugins", request).await?;
    }
    Ok(())
}

/// Waits until a plugin has read the log up to a position.
pub(crate) async fn wait(client: &mut Client, name: &str, position: usize) -> anyhow::Result<()> {
    let path = format!("/v1/domains/default/plugins/{name}/queries/counts");
    let wait = json!({ "wait": position, "timeout_ms": 300_000 }).to_string();
    client.call::<Value>(Method::POST, &path, wait).await?;
    Ok(())
}
