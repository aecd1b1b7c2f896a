//! Read models that catch up, and appends that go on beside plugins.

use std::{
    path::Path,
    time::{Duration, Instant},
};

use eventdbx_node::{
    Grant,
    plugins::{InstallRequest, PayloadMode, PluginLimits, Plugins, ReplayRequest},
};
use eventdbx_sandbox::{Sandbox, SandboxOptions};
use eventdbx_store::{Domain, Draft, NewEvent, Position};

use crate::{
    append::{open, payload},
    report::{Figure, Report, Times},
};

const EVENTS: usize = 200_000;
/// What a replay may add to the median of live delivery: a slice of time and a batch.
const MOST_ADDED_MICROS: f64 = 5000.0;

/// A Rust read model that reads from disk and from memory, with and without state.
pub(crate) fn read_models(report: &mut Report) -> anyhow::Result<()> {
    report.title("a Rust read model (event-counter) catching up over 200,000 events, tables and cursor committed");
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    fill(&domain, EVENTS)?;
    for (mode, asked) in
        [(PayloadMode::EventOnly, Some(250_000.0)), (PayloadMode::ExtensionsOnly, None), (PayloadMode::All, None)]
    {
        let plugins = open_plugins(&domain, &dir.path().join(mode.as_str()), PluginLimits::default())?;
        catch_up(report, &plugins, &domain, &format!("from disk, {mode}"), mode, asked)?;
        plugins.shutdown();
    }

    // Recent events are kept while some plugin runs: one that is shown none of them keeps all of these in memory.
    let domain = open(&dir.path().join("recent"))?;
    let roomy = PluginLimits { recent_bytes: 1 << 30, ..PluginLimits::default() };
    let plugins = open_plugins(&domain, &dir.path().join("memory"), roomy)?;
    install(&plugins, "idle", PayloadMode::EventOnly, &["nothing/*"])?;
    fill(&domain, EVENTS)?;
    wait(&plugins, "idle", domain.head().position)?;
    for (mode, asked) in
        [(PayloadMode::EventOnly, Some(400_000.0)), (PayloadMode::ExtensionsOnly, None), (PayloadMode::All, None)]
    {
        catch_up(report, &plugins, &domain, &format!("from memory, {mode}"), mode, asked)?;
        plugins.uninstall(&Grant::owner("bench"), "counter", false)?;
    }
    plugins.shutdown();
    Ok(())
}

/// Installs a counter and waits until it has read everything.
fn catch_up(
    report: &mut Report,
    plugins: &Plugins,
    domain: &Domain,
    name: &str,
    mode: PayloadMode,
    asked: Option<f64>,
) -> anyhow::Result<()> {
    // Delivery is measured: the component is compiled before the clock runs.
    let component = std::fs::read(eventdbx_plugin_build::example("event-counter")?)?;
    plugins.add_component(&Grant::owner("bench"), &component)?;
    let started = Instant::now();
    install(plugins, "counter", mode, &[])?;
    wait(plugins, "counter", domain.head().position)?;
    let took = started.elapsed();
    let status = plugins.status(&Grant::owner("bench"), "counter")?;
    let rate = Figure::rate("events/s", EVENTS as f64 / took.as_secs_f64());
    let rate = asked.into_iter().fold(rate, Figure::at_least);
    let cpu = Figure::plain(format!("{} ms in the sandbox", status.cpu_ms), status.cpu_ms as f64);
    report.row(name, &[rate, cpu]);
    Ok(())
}

/// What appends feel of five plugins, one of which hangs.
pub(crate) fn bystanders(report: &mut Report) -> anyhow::Result<()> {
    report.title("append, embedded, one event at a time: beside five plugins of which one hangs, against none");
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    let alone = appends(&domain)?;
    report.row("alone", &alone.figures());
    let plugins = open_plugins(&domain, &dir.path().join("plugins"), PluginLimits::default())?;
    for name in ["one", "two", "three", "four"] {
        install(&plugins, name, PayloadMode::All, &[])?;
    }
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let hostile = eventdbx_plugin_build::build_packages(&root, &["eventdbx-guest-hostile"])?;
    install_file(&plugins, &hostile[0].component, "hanging", PayloadMode::All, &[])?;
    for name in ["one", "two", "three", "four", "hanging"] {
        wait(&plugins, name, domain.head().position)?;
    }
    // Each of these costs it its whole CPU time, three times over: it hangs for as long as the appends take.
    for n in 0..4 {
        domain.append(Draft::one(NewEvent::new("order", &format!("h-{n}"), "loop_forever", "{}"), "bench"))?;
    }
    report.row("beside five plugins", &appends(&domain)?.beside(alone));
    plugins.shutdown();
    Ok(())
}

/// What live delivery feels of a replay that goes on beside it, in the same worker.
pub(crate) fn replays(report: &mut Report) -> anyhow::Result<()> {
    report.title("from an append to its event in a read model (event-counter), query included: while a replay runs, against none");
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    fill(&domain, EVENTS)?;
    let plugins = open_plugins(&domain, dir.path(), PluginLimits::default())?;
    install(&plugins, "counter", PayloadMode::EventOnly, &[])?;
    wait(&plugins, "counter", domain.head().position)?;
    let alone = deliveries(&plugins, &domain, || Ok(()))?;
    report.row("alone", &alone.figures());
    let owner = Grant::owner("bench");
    let mut replayed = 0;
    let beside = deliveries(&plugins, &domain, || {
        if plugins.jobs(&owner, false).is_empty() {
            plugins.replay(&owner, "counter", &ReplayRequest::default())?;
            replayed += 1;
        }
        Ok(())
    })?;
    let added = |with: Duration, without: Duration| Figure::micros("added", with.saturating_sub(without));
    let [median, p99] = beside.figures();
    let figures = [
        median,
        added(beside.median, alone.median).at_most(MOST_ADDED_MICROS),
        p99,
        added(beside.p99, alone.p99).at_most(2.0 * MOST_ADDED_MICROS),
        Figure::plain(format!("{replayed} replays begun"), f64::from(replayed)),
    ];
    report.row("beside a replay", &figures);
    plugins.shutdown();
    Ok(())
}

/// What it takes until an event that is appended is in a plugin's answer.
fn deliveries(
    plugins: &Plugins,
    domain: &Domain,
    mut meanwhile: impl FnMut() -> anyhow::Result<()>,
) -> anyhow::Result<Times> {
    let mut times = Vec::new();
    for n in 0..2000 {
        meanwhile()?;
        let event = NewEvent::new("order", &format!("l-{}", n % 50), "order_changed", &payload(n));
        let started = Instant::now();
        let receipt = domain.append(Draft::one(event, "bench"))?;
        wait(plugins, "counter", receipt.events[0].position)?;
        times.push(started.elapsed());
    }
    Ok(Times::of(times))
}

pub(crate) fn open_plugins(domain: &Domain, dir: &Path, limits: PluginLimits) -> anyhow::Result<Plugins> {
    std::fs::create_dir_all(dir)?;
    let sandbox = Sandbox::new(SandboxOptions { cache_dir: dir.join("cache"), cache_key: [7; 32] })?;
    Ok(Plugins::open(domain.clone(), domain.name(), dir, sandbox, limits)?)
}

/// Installs an event counter.
pub(crate) fn install(plugins: &Plugins, name: &str, mode: PayloadMode, aggregates: &[&str]) -> anyhow::Result<()> {
    install_file(plugins, &eventdbx_plugin_build::example("event-counter")?, name, mode, aggregates)
}

pub(crate) fn install_file(
    plugins: &Plugins,
    component: &Path,
    name: &str,
    mode: PayloadMode,
    aggregates: &[&str],
) -> anyhow::Result<()> {
    let grant = Grant::owner("bench");
    let component = plugins.add_component(&grant, &std::fs::read(component)?)?.hash;
    let request = InstallRequest {
        component,
        name: Some(name.to_owned()),
        payload_mode: Some(mode),
        aggregates: aggregates.iter().map(|glob| (*glob).to_owned()).collect(),
        ..InstallRequest::default()
    };
    plugins.install(&grant, request)?;
    Ok(())
}

/// Asks for an answer that is as of `position`.
pub(crate) fn wait(plugins: &Plugins, name: &str, position: Position) -> anyhow::Result<()> {
    let query = if name == "hanging" { "sum" } else { "counts" };
    plugins.query(&Grant::owner("bench"), name, query, "{}", None, Some((position, Duration::from_secs(300))))?;
    Ok(())
}

fn fill(domain: &Domain, events: usize) -> anyhow::Result<()> {
    for from in (0..events).step_by(1000) {
        let id = format!("o-{}", from / 1000);
        let batch = (from..from + 1000).map(|n| NewEvent::new("order", &id, "order_changed", &payload(n))).collect();
        domain.append(Draft { events: batch, key: None, actor: "bench".into() })?;
    }
    Ok(())
}

/// Single appends.
fn appends(domain: &Domain) -> anyhow::Result<Times> {
    let mut times = Vec::new();
    for n in 0..5000 {
        let started = Instant::now();
        let event = NewEvent::new("order", &format!("b-{}", n % 50), "order_changed", &payload(n));
        domain.append(Draft::one(event, "bench"))?;
        times.push(started.elapsed());
    }
    Ok(Times::of(times))
}
