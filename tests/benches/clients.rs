//! What appends over the socket feel of clients that are served as fast as they can ask: readers of subscriptions, and callers
//! of gateways.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::Instant,
};

use eventdbx_node::{Daemon, StartOptions, client::Client};
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    append::payload,
    report::{Figure, Report, Times},
};

/// Readers, and callers.
const CLIENTS: usize = 4;
const APPENDS: usize = 3000;

pub(crate) fn subscriptions(report: &mut Report) -> anyhow::Result<()> {
    report.title(
        "append over the socket, one client: beside four subscriptions that are read all the while, against none",
    );
    let dir = tempfile::tempdir()?;
    let running = Daemon::start(&StartOptions::new(dir.path()))?;
    let socket = running.socket();
    let alone = alone(report, &socket)?;
    let reads =
        |n: usize, done: &AtomicBool, delivered: &AtomicU64| read(&socket, &format!("reader-{n}"), done, delivered);
    beside(report, &socket, alone, ("beside four subscriptions", "deliveries"), reads)?;
    running.stop();
    Ok(())
}

pub(crate) fn gateways(report: &mut Report) -> anyhow::Result<()> {
    report.title("append over the socket, one client: beside four callers of a gateway, against none");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let hostile = eventdbx_plugin_build::build_packages(&root, &["eventdbx-guest-hostile-gateway"])?;
    let component = std::fs::read(&hostile[0].component)?;
    let dir = tempfile::tempdir()?;
    let running = Daemon::start(&StartOptions::new(dir.path()))?;
    let socket = running.socket();
    runtime()?.block_on(async {
        let mut client = Client::connect(&socket).await?;
        let added: Value = client.call(Method::PUT, "/v1/domains/default/components", component).await?;
        let request = json!({ "component": added["hash"], "name": "gateway" }).to_string();
        client.call::<Value>(Method::POST, "/v1/domains/default/plugins", request).await
    })?;
    let alone = alone(report, &socket)?;
    for (row, path) in [("that answers", "echo"), ("of which each call runs into its limit", "loop")] {
        let calls = |_: usize, done: &AtomicBool, answered: &AtomicU64| call(&socket, path, done, answered);
        beside(report, &socket, alone, (row, "requests"), calls)?;
    }
    running.stop();
    Ok(())
}

/// Appends with nobody else there.
fn alone(report: &mut Report, socket: &Path) -> anyhow::Result<Times> {
    let alone = appends(socket)?;
    report.row("alone", &alone.figures());
    Ok(alone)
}

/// Appends while clients do what they are told until they are done, and count what they got.
fn beside(
    report: &mut Report,
    socket: &Path,
    alone: Times,
    (row, what): (&str, &str),
    client: impl Fn(usize, &AtomicBool, &AtomicU64) -> anyhow::Result<()> + Sync,
) -> anyhow::Result<()> {
    let (done, got) = (AtomicBool::new(false), AtomicU64::new(0));
    let measured = thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|n| {
                let (client, done, got) = (&client, &done, &got);
                scope.spawn(move || client(n, done, got))
            })
            .collect();
        let measured = appends(socket);
        done.store(true, Ordering::Release);
        for client in clients {
            client.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a client panicked")))?;
        }
        measured
    })?;
    let got = got.load(Ordering::Relaxed);
    let mut figures = Vec::from(measured.beside(alone));
    figures.push(Figure::plain(format!("{got} {what}"), got as f64));
    report.row(row, &figures);
    Ok(())
}

/// Asks a gateway until it is done, and takes whatever it answers.
fn call(socket: &Path, path: &str, done: &AtomicBool, answered: &AtomicU64) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut client = Client::connect(socket).await?;
        let path = format!("/v1/domains/default/x/gateway/{path}");
        while !done.load(Ordering::Acquire) {
            client.request(Method::GET, &path, "").await?;
            answered.fetch_add(1, Ordering::Relaxed);
        }
        Ok(())
    })
}

/// Takes and acknowledges until it is done.
fn read(socket: &Path, name: &str, done: &AtomicBool, delivered: &AtomicU64) -> anyhow::Result<()> {
    runtime()?.block_on(async {
        let mut client = Client::connect(socket).await?;
        let request = json!({ "name": name, "types": ["order"], "payload_mode": "event-only" }).to_string();
        client.call::<Value>(Method::POST, "/v1/domains/default/subscriptions", request).await?;
        let path = format!("/v1/domains/default/subscriptions/{name}");
        while !done.load(Ordering::Acquire) {
            let take = format!("{path}/deliveries?max=100&wait_ms=100");
            let answer: Value = client.call(Method::GET, &take, "").await?;
            let rows = answer["rows"].as_array().map(Vec::as_slice).unwrap_or_default();
            if !rows.is_empty() {
                let acks: Vec<&Value> = rows.iter().map(|row| &row["ack"]).collect();
                client.call::<Value>(Method::POST, &format!("{path}/ack"), json!({ "acks": acks }).to_string()).await?;
                delivered.fetch_add(rows.len() as u64, Ordering::Relaxed);
            }
        }
        Ok(())
    })
}

/// Appends of one event each.
fn appends(socket: &Path) -> anyhow::Result<Times> {
    runtime()?.block_on(async {
        let mut client = Client::connect(socket).await?;
        let mut times = Vec::new();
        for n in 0..APPENDS {
            let body = format!(
                r#"{{"events":[{{"aggregate_type":"order","aggregate_id":"f-{}","event_type":"order_changed","payload":{}}}]}}"#,
                n % 50,
                payload(n)
            );
            let started = Instant::now();
            client.call::<Value>(Method::POST, "/v1/domains/default/append", body).await?;
            times.push(started.elapsed());
        }
        Ok(Times::of(times))
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
