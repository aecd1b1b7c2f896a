//! A daemon with a million events and three plugins, as a process of its own: what it holds in memory, and how soon it answers
//! after a restart.

use std::time::{Duration, Instant};

use bytes::Bytes;
use eventdbx_node::client::{self, Client};
use hyper::Method;
use serde_json::Value;

use crate::{
    append::payload,
    process::{self, Process},
    report::{Figure, Report},
};

const EVENTS: usize = 1_000_000;
const PLUGINS: [&str; 3] = ["one", "two", "three"];

pub(crate) fn million(report: &mut Report) -> anyhow::Result<()> {
    report.title("a daemon with 1,000,000 events of about 200 bytes and three plugins (event-counter, all)");
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    runtime.block_on(async {
        let daemon = Process::start(dir.path())?;
        let mut client = daemon.client(dir.path()).await?;
        let took = fill(&mut client).await?;
        report.row("import over the socket", &[Figure::rate("events/s", EVENTS as f64 / took.as_secs_f64())]);
        wait_for_all(&mut client).await?;
        let mb = process::resident(&mut client).await?;
        report.row("resident", &[Figure::plain(format!("{mb:.0} MB"), mb).at_most(400.0)]);
        daemon.stop(&mut client).await?;

        let started = Instant::now();
        let daemon = Process::start(dir.path())?;
        let mut client = daemon.client(dir.path()).await?;
        let answers = started.elapsed();
        wait_for_all(&mut client).await?;
        let seconds = |time: Duration| Figure::plain(format!("{:.3} s", time.as_secs_f64()), time.as_secs_f64());
        report.row("start, until it answers", &[seconds(answers).at_most(1.0)]);
        report.row("start, until all three plugins have answered", &[seconds(started.elapsed())]);
        daemon.stop(&mut client).await
    })
}

async fn fill(client: &mut Client) -> anyhow::Result<Duration> {
    process::install(client, &PLUGINS.map(str::to_owned)).await?;
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
        process::wait(client, name, EVENTS).await?;
    }
    Ok(())
}
