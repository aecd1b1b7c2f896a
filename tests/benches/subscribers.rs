//! What appends feel of subscriptions that are read as fast as they can be.

use std::{
    path::Path,
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    thread,
    time::{Duration, Instant},
};

use eventdbx_node::{Daemon, StartOptions, client::Client};
use hyper::Method;
use serde_json::{Value, json};

use crate::{
    append::payload,
    report::{Figure, Report},
};

const SUBSCRIPTIONS: usize = 4;
const APPENDS: usize = 3000;

pub(crate) fn busy(report: &mut Report) -> anyhow::Result<()> {
    report.title(
        "append over the socket, one client: beside four subscriptions that are read all the while, against none",
    );
    let dir = tempfile::tempdir()?;
    let running = Daemon::start(&StartOptions::new(dir.path()))?;
    let socket = running.socket();
    let (alone, alone_p99) = appends(&socket)?;
    report.row("alone", &[Figure::micros("median", alone), Figure::micros("p99", alone_p99)]);
    let (done, delivered) = (AtomicBool::new(false), AtomicU64::new(0));
    let (median, p99) = thread::scope(|scope| {
        let readers: Vec<_> = (0..SUBSCRIPTIONS)
            .map(|n| {
                scope.spawn({
                    let (socket, done, delivered) = (&socket, &done, &delivered);
                    move || read(socket, &format!("reader-{n}"), done, delivered)
                })
            })
            .collect();
        let measured = appends(&socket);
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a reader panicked")))?;
        }
        measured
    })?;
    let ratio = |ours: Duration, alone: Duration| ours.as_secs_f64() / alone.as_secs_f64();
    let delivered = delivered.load(Ordering::Relaxed);
    let figures = [
        Figure::micros("median", median),
        Figure::ratio("of alone", ratio(median, alone)).at_most(1.3),
        Figure::micros("p99", p99),
        Figure::ratio("of alone", ratio(p99, alone_p99)).at_most(2.0),
        Figure::plain(format!("{delivered} deliveries"), delivered as f64),
    ];
    report.row("beside four subscriptions", &figures);
    running.stop();
    Ok(())
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

/// Median and 99th percentile of appends of one event each.
fn appends(socket: &Path) -> anyhow::Result<(Duration, Duration)> {
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
        times.sort_unstable();
        Ok((times[times.len() / 2], times[times.len() * 99 / 100]))
    })
}

fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_current_thread().enable_all().build()?)
}
