//! What a hundred plugins cost that have nothing to do, in a daemon of its own.

use std::time::{Duration, Instant};

use hyper::Method;
use serde_json::Value;

use crate::{
    append::payload,
    process::{self, Process},
    report::{Figure, Report},
};

const PLUGINS: usize = 100;
const WATCHED: Duration = Duration::from_secs(10);

pub(crate) fn hundred(report: &mut Report) -> anyhow::Result<()> {
    report.title("a daemon with 100 plugins (event-counter) that have read all there is, against the same with none");
    let dir = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let daemon = Process::start(dir.path())?;
        let mut client = daemon.client(dir.path()).await?;
        let event = format!(
            r#"{{"events":[{{"aggregate_type":"order","aggregate_id":"o-1","event_type":"order_changed","payload":{}}}]}}"#,
            payload(0)
        );
        client.call::<Value>(Method::POST, "/v1/domains/default/append", event).await?;
        let before = process::resident(&mut client).await?;
        let rest = share(&daemon)?;
        report.row("none", &[Figure::plain(format!("{before:.0} MB"), before), cpu(rest)]);

        let names: Vec<String> = (0..PLUGINS).map(|n| format!("counter-{n}")).collect();
        process::install(&mut client, &names).await?;
        for name in &names {
            process::wait(&mut client, name, 1).await?;
        }
        let added = process::resident(&mut client).await? - before;
        let memory = Figure::plain(format!("{added:.0} MB more"), added).at_most(200.0);
        report.row("100 plugins", &[memory, cpu(share(&daemon)?).at_most(1.0)]);
        daemon.stop(&mut client).await
    })
}

/// Share of one processor that it uses while nobody asks anything of it, in per cent.
fn share(daemon: &Process) -> anyhow::Result<f64> {
    let (started, before) = (Instant::now(), daemon.cpu()?);
    std::thread::sleep(WATCHED);
    let used = daemon.cpu()?.saturating_sub(before);
    Ok(100.0 * used.as_secs_f64() / started.elapsed().as_secs_f64())
}

fn cpu(share: f64) -> Figure {
    Figure::plain(format!("{share:.2} % of a processor"), share)
}
