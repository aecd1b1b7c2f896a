//! What appends, and a well-behaved neighbour, feel of a plugin that misbehaves in one way after the other.

use std::{path::Path, time::Instant};

use eventdbx_node::{
    Grant,
    plugins::{PayloadMode, PluginLimits, Plugins},
};
use eventdbx_store::{Domain, Draft, NewEvent};

use crate::{
    append::{open, payload},
    plugins::{install, install_file, open_plugins, wait},
    report::{Report, Times},
};

/// Types of events that the hostile guest misbehaves on.
const MISCHIEF: [&str; 12] = [
    "loop_forever",
    "allocate",
    "grow_memory",
    "recurse",
    "trap",
    "flood_log",
    "shout_log",
    "many_metrics",
    "outgrow_tables",
    "shout",
    "retry_forever",
    "trap_after_return",
];
const APPENDS: usize = 1500;
/// Of so many appends, one is followed by an event that the hostile guest misbehaves on.
const EVERY: usize = 50;

pub(crate) fn neighbours(report: &mut Report) -> anyhow::Result<()> {
    report.title(
        "one append at a time and its delivery to a read model (event-counter): beside a plugin that misbehaves, against the \
         same plugin idle",
    );
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    let plugins = open_plugins(&domain, &dir.path().join("plugins"), PluginLimits::default())?;
    install(&plugins, "counter", PayloadMode::EventOnly, &["order"])?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let hostile = eventdbx_plugin_build::build_packages(&root, &["eventdbx-guest-hostile"])?;
    for mischief in MISCHIEF {
        install_file(&plugins, &hostile[0].component, "hanging", PayloadMode::All, &[mischief])?;
        wait(&plugins, "hanging", domain.head().position)?;
        let before = measure(&plugins, &domain, |_| Ok(()))?;
        let beside = measure(&plugins, &domain, |n| {
            if n % EVERY == 0 {
                let event = NewEvent::new(mischief, &n.to_string(), mischief, "{}");
                domain.append(Draft::one(event, "bench"))?;
            }
            Ok(())
        })?;
        report.row(&format!("{mischief}: appended"), &beside.append.beside(before.append));
        report.row(&format!("{mischief}: delivered"), &beside.delivered.beside(before.delivered));
        plugins.uninstall(&Grant::owner("bench"), "hanging", true)?;
    }
    plugins.shutdown();
    Ok(())
}

struct Measured {
    append: Times,
    /// From the begin of an append until it is in the neighbour's answer.
    delivered: Times,
}

fn measure(
    plugins: &Plugins,
    domain: &Domain,
    mut meanwhile: impl FnMut(usize) -> anyhow::Result<()>,
) -> anyhow::Result<Measured> {
    let (mut appends, mut delivered) = (Vec::new(), Vec::new());
    for n in 0..APPENDS {
        meanwhile(n)?;
        let event = NewEvent::new("order", &format!("n-{}", n % 50), "order_changed", &payload(n));
        let started = Instant::now();
        let receipt = domain.append(Draft::one(event, "bench"))?;
        appends.push(started.elapsed());
        wait(plugins, "counter", receipt.events[0].position)?;
        delivered.push(started.elapsed());
    }
    Ok(Measured { append: Times::of(appends), delivered: Times::of(delivered) })
}
