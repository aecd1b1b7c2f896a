//! What exchanging a plugin under load costs delivery and appends, and what a part that is not delivered costs.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use eventdbx_node::{
    Grant,
    plugins::{PayloadMode, PluginLimits, Plugins, UpgradeRequest},
};
use eventdbx_store::{Domain, Draft, NewEvent};

use crate::{
    append::{open, payload},
    plugins,
    report::{Figure, Report},
};

/// Exchanges, to and fro.
const SWAPS: usize = 20;

/// The longest that delivery stands still while a plugin is exchanged under load, beside what it is without.
pub(crate) fn hot(report: &mut Report) -> anyhow::Result<()> {
    report
        .title("a plugin exchanged under load (event-counter, same tables): the longest that its cursor stands still");
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    let plugins = plugins::open_plugins(&domain, &dir.path().join("plugins"), PluginLimits::default())?;
    plugins::install(&plugins, "counter", PayloadMode::EventOnly, &[])?;
    let grant = Grant::owner("bench");
    let other =
        plugins.add_component(&grant, &renamed(&std::fs::read(eventdbx_plugin_build::example("event-counter")?)?))?;
    let undisturbed = || {
        thread::sleep(Duration::from_secs(2));
        Ok(())
    };
    let (still, alone) = under_load(&domain, &plugins, undisturbed)?;
    let figures = [Figure::micros("stands still", still), Figure::micros("slowest append", alone)];
    report.row("not exchanged", &figures);
    let swap = || -> anyhow::Result<()> {
        for swap in 0..SWAPS {
            if swap % 2 == 0 {
                let request = UpgradeRequest { component: other.hash.clone(), ..UpgradeRequest::default() };
                plugins.upgrade(&grant, "counter", &request)?;
            } else {
                plugins.rollback(&grant, "counter", None)?;
            }
            thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    };
    let (still, slowest) = under_load(&domain, &plugins, swap)?;
    let pause = Figure::plain(format!("stands still {:.1} ms", still.as_secs_f64() * 1e3), still.as_secs_f64() * 1e3);
    report.row(&format!("exchanged {SWAPS} times"), &[pause.at_most(50.0), Figure::micros("slowest append", slowest)]);
    plugins.shutdown();
    Ok(())
}

/// Appends without a pause while something is done: how long the cursor stood still at most, and the slowest append.
fn under_load(
    domain: &Domain,
    plugins: &Plugins,
    what: impl FnOnce() -> anyhow::Result<()>,
) -> anyhow::Result<(Duration, Duration)> {
    let done = AtomicBool::new(false);
    let running = || !done.load(Ordering::Acquire);
    thread::scope(|scope| {
        let writer = scope.spawn(|| -> anyhow::Result<Duration> {
            let (mut slowest, mut n) = (Duration::ZERO, 0);
            while running() {
                let started = Instant::now();
                let event = NewEvent::new("order", &format!("s-{}", n % 50), "order_changed", &payload(n));
                domain.append(Draft::one(event, "bench"))?;
                slowest = slowest.max(started.elapsed());
                n += 1;
            }
            Ok(slowest)
        });
        let watcher = scope.spawn(|| -> anyhow::Result<Duration> {
            let (grant, mut still, mut at, mut since) = (Grant::owner("bench"), Duration::ZERO, 0, Instant::now());
            while running() {
                let cursor = plugins.status(&grant, "counter")?.cursor;
                if cursor != at {
                    still = still.max(since.elapsed());
                    (at, since) = (cursor, Instant::now());
                }
                thread::yield_now();
            }
            Ok(still)
        });
        let outcome = what();
        done.store(true, Ordering::Release);
        let joined = |thread: thread::ScopedJoinHandle<'_, anyhow::Result<Duration>>| {
            thread.join().unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the bench panicked")))
        };
        outcome?;
        Ok((joined(watcher)?, joined(writer)?))
    })
}

/// A payload that is not delivered costs nothing but to be unsealed: events with small and with large payloads, from memory.
pub(crate) fn undelivered(report: &mut Report) -> anyhow::Result<()> {
    const EVENTS: usize = 20_000;
    report.title("event-counter over 20,000 events in memory, by the size of the payload that it does or does not get");
    for bytes in [100, 16_000] {
        let dir = tempfile::tempdir()?;
        let domain = open(&dir.path().join("domain"))?;
        let roomy = PluginLimits { recent_bytes: 1 << 30, ..PluginLimits::default() };
        let plugins = plugins::open_plugins(&domain, &dir.path().join("plugins"), roomy)?;
        plugins::install(&plugins, "idle", PayloadMode::EventOnly, &["nothing/*"])?;
        let text = format!("{{\"text\":\"{}\"}}", "x".repeat(bytes));
        for from in (0..EVENTS).step_by(500) {
            let id = format!("o-{}", from / 500);
            let batch = (0..500).map(|_| NewEvent::new("order", &id, "order_changed", &text)).collect();
            domain.append(Draft { events: batch, key: None, actor: "bench".into() })?;
        }
        plugins::wait(&plugins, "idle", domain.head().position)?;
        for mode in [PayloadMode::EventOnly, PayloadMode::ExtensionsOnly] {
            let started = Instant::now();
            plugins::install(&plugins, "counter", mode, &[])?;
            plugins::wait(&plugins, "counter", domain.head().position)?;
            let rate = Figure::rate("events/s", EVENTS as f64 / started.elapsed().as_secs_f64());
            report.row(&format!("payloads of {bytes} bytes, {mode}"), &[rate]);
            plugins.uninstall(&Grant::owner("bench"), "counter", false)?;
        }
        plugins.shutdown();
    }
    Ok(())
}

/// The same component with another hash: with an empty custom section behind it.
fn renamed(component: &[u8]) -> Vec<u8> {
    [component, &[0, 2, 1, b'x']].concat()
}
