//! Clients over the socket, each event a request of its own, against threads that each sync raw fjall for themselves.

use std::{
    fs::File,
    io::Write,
    path::Path,
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, Instant},
};

use eventdbx_node::{Daemon, StartOptions, client::Client};
use fjall::{Database, KeyspaceCreateOptions, PersistMode};
use hyper::{Method, StatusCode};

use crate::{
    append::{median, payload},
    report::{Figure, Report},
};

const RUN: Duration = Duration::from_secs(4);

/// 64 clients against 64 threads; one client against a bare `fdatasync`.
pub(crate) fn clients(report: &mut Report) -> anyhow::Result<()> {
    report.title("append over the socket: one event of about 200 bytes per request, each answered after its sync");
    let raw = raw_threads(64)?;
    report.row("raw fjall, 64 threads, each its own sync", &[Figure::rate("events/s", raw)]);
    let dir = tempfile::tempdir()?;
    let running = Daemon::start(&StartOptions::new(dir.path()))?;
    for clients in [1, 8, 64] {
        let rate = load(&running.socket(), clients)?;
        let mut figures = vec![Figure::rate("events/s", rate)];
        if clients == 64 {
            figures.push(Figure::ratio("times raw fjall", rate / raw).at_least(5.0));
            figures.push(Figure::plain("of 40,000".into(), rate).at_least(40_000.0));
        }
        report.row(&format!("eventdbx, {clients} clients"), &figures);
    }
    latency(&running.socket(), report)?;
    running.stop();
    Ok(())
}

/// One client's latency beside a bare `fdatasync` of the same bytes, in turn.
fn latency(socket: &Path, report: &mut Report) -> anyhow::Result<()> {
    let dir = tempfile::tempdir()?;
    let mut file = File::create(dir.path().join("journal"))?;
    let runtime = runtime(1)?;
    let mut client = runtime.block_on(Client::connect(socket))?;
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    for n in 0..2000 {
        let body = request(0, n);
        let started = Instant::now();
        file.write_all(body.as_bytes())?;
        file.sync_data()?;
        bare.push(started.elapsed());
        let started = Instant::now();
        runtime.block_on(send(&mut client, body))?;
        ours.push(started.elapsed());
    }
    let (ours, bare) = (median(&mut ours), median(&mut bare));
    report.row("bare fdatasync of the same bytes", &[Figure::micros("median", bare)]);
    let ratio = Figure::ratio("times the bare one", ours.as_secs_f64() / bare.as_secs_f64()).at_most(3.0);
    report.row("eventdbx, one client", &[Figure::micros("median", ours), ratio]);
    Ok(())
}

fn load(socket: &Path, clients: usize) -> anyhow::Result<f64> {
    static RUNS: AtomicU64 = AtomicU64::new(1);
    let run = RUNS.fetch_add(1, Ordering::Relaxed) as usize * 1_000_000_000;
    runtime(1)?.block_on(async {
        let started = Instant::now();
        let mut tasks = Vec::new();
        for number in 0..clients {
            let mut client = Client::connect(socket).await?;
            tasks.push(tokio::spawn(async move {
                let mut sent = 0;
                while started.elapsed() < RUN {
                    send(&mut client, request(number, run + sent)).await?;
                    sent += 1;
                }
                anyhow::Ok(sent)
            }));
        }
        let mut total = 0;
        for task in tasks {
            total += task.await??;
        }
        Ok(total as f64 / started.elapsed().as_secs_f64())
    })
}

async fn send(client: &mut Client, body: String) -> anyhow::Result<()> {
    let (status, answer) = client.request(Method::POST, "/v1/domains/default/append", body).await?;
    anyhow::ensure!(status == StatusCode::OK, "{}", String::from_utf8_lossy(&answer));
    Ok(())
}

fn request(client: usize, n: usize) -> String {
    format!(
        r#"{{"events":[{{"aggregate_type":"order","aggregate_id":"o-{client}-{}","event_type":"order_changed","payload":{}}}]}}"#,
        n / 100,
        payload(n)
    )
}

fn runtime(threads: usize) -> anyhow::Result<tokio::runtime::Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()?)
}

fn raw_threads(threads: usize) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let db = Database::builder(dir.path()).open()?;
    let events = db.keyspace("events", KeyspaceCreateOptions::default)?;
    let (next, started) = (AtomicU64::new(0), Instant::now());
    std::thread::scope(|scope| {
        let write = || -> anyhow::Result<()> {
            while started.elapsed() < RUN {
                let n = next.fetch_add(1, Ordering::Relaxed);
                let mut batch = db.batch().durability(Some(PersistMode::SyncData));
                batch.insert(&events, n.to_be_bytes(), payload(n as usize).into_bytes());
                batch.commit()?;
            }
            Ok(())
        };
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(write)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a thread panicked")))
    })?;
    Ok(next.into_inner() as f64 / started.elapsed().as_secs_f64())
}
