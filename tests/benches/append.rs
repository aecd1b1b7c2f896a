//! Appending to an embedded log, against raw fjall.

use std::time::{Duration, Instant};

use eventdbx_node::{Grant, plugins::PluginLimits};
use eventdbx_store::{Domain, Draft, MasterKey, NewEvent, OpenOptions, SchemaDocument, schema::Known, system_clock};
use fjall::{Database, KeyspaceCreateOptions, PersistMode};

use crate::{
    plugins::open_plugins,
    report::{Figure, Report},
};

const BATCH: usize = 1024;
/// How long each contender runs.
const RUN: Duration = Duration::from_secs(4);

/// Batches of 1,024 events of about 200 bytes, synced, with 1,000 and with three events per aggregate.
pub(crate) fn batches(report: &mut Report) -> anyhow::Result<()> {
    report.title("append, embedded: batches of 1,024 events of about 200 bytes, one sync each");
    let raw = raw_payloads()?;
    report.row("raw fjall, payloads alone, one keyspace", &[Figure::rate("events/s", raw)]);
    let same = raw_same_rows()?;
    report.row("raw fjall, keys, lengths and keyspaces as ours", &[Figure::rate("events/s", same)]);
    for (per_aggregate, asked) in [(1000, 0.2), (3, 0.08)] {
        let ours = ours(per_aggregate)?;
        let name = format!("eventdbx, {per_aggregate} events per aggregate");
        let figures = [
            Figure::rate("events/s", ours),
            Figure::ratio("of raw payloads", ours / raw).at_least(asked),
            Figure::ratio("of raw rows like ours", ours / same),
        ];
        report.row(&name, &figures);
    }
    Ok(())
}

/// An append into an aggregate with 100,000 events against one into an aggregate with 10.
pub(crate) fn long_aggregates(report: &mut Report) -> anyhow::Result<()> {
    report.title("append, embedded: into a long aggregate against a short one, one event at a time");
    let dir = tempfile::tempdir()?;
    let domain = open(dir.path())?;
    for (id, events) in [("short", 10), ("long", 100_000)] {
        let mut written = 0;
        while written < events {
            let count = BATCH.min(events - written);
            let batch =
                (0..count).map(|n| NewEvent::new("order", id, "order_changed", &payload(written + n))).collect();
            domain.append(Draft { events: batch, key: None, actor: "bench".into() })?;
            written += count;
        }
    }
    // In turn, so that a change of the machine's speed meets both.
    let (mut short, mut long) = (Vec::new(), Vec::new());
    for n in 0..4000 {
        let (id, times) = if n % 2 == 0 { ("short", &mut short) } else { ("long", &mut long) };
        let started = Instant::now();
        domain.append(Draft::one(NewEvent::new("order", id, "order_changed", &payload(n)), "bench"))?;
        times.push(started.elapsed());
    }
    let (short, long) = (median(&mut short), median(&mut long));
    report.row("into 10 events", &[Figure::micros("median", short)]);
    let ratio = Figure::ratio("of the short one", long.as_secs_f64() / short.as_secs_f64()).at_most(1.2);
    report.row("into 100,000 events", &[Figure::micros("median", long), ratio]);
    Ok(())
}

/// What a schema extension adds to the check of an append: one column of the type `iban`, against the same as a text.
pub(crate) fn extension(report: &mut Report) -> anyhow::Result<()> {
    report.title("append, embedded: the check of an event with a column of an extension's type (iban), against a text");
    let dir = tempfile::tempdir()?;
    let domain = open(&dir.path().join("domain"))?;
    let plugins = open_plugins(&domain, &dir.path().join("plugins"), PluginLimits::default())?;
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let built = eventdbx_plugin_build::build_packages(&root, &["iban"])?;
    let grant = Grant::owner("bench");
    let component = plugins.add_component(&grant, &std::fs::read(&built[0].component)?)?.hash;
    plugins.install(&grant, serde_json::from_value(serde_json::json!({ "component": component }))?)?;
    for column in ["text", "iban"] {
        let document = serde_json::json!({ "aggregate": column, "fields": { "account": { "type": column } } });
        let provided = domain.extensions().map(|extensions| extensions.provided()).unwrap_or_default();
        let document = SchemaDocument::parse_knowing(&document.to_string(), Known::Provided(&provided));
        domain.put_schema(document.map_err(|faults| anyhow::anyhow!("{faults:?}"))?, "bench", None)?;
    }
    let (mut plain, mut judged) = (Vec::new(), Vec::new());
    for n in 0..20_000 {
        let (kind, times) = if n % 2 == 0 { ("text", &mut plain) } else { ("iban", &mut judged) };
        let event = NewEvent::new(kind, "a-1", "account_changed", r#"{"account":"DE89370400440532013000"}"#);
        let draft = Draft::one(event, "bench");
        let started = Instant::now();
        domain.check(draft)?;
        times.push(started.elapsed());
    }
    let (plain, judged) = (median(&mut plain), median(&mut judged));
    report.row("as a text", &[Figure::micros("median", plain)]);
    let added = Figure::micros("added", judged.saturating_sub(plain)).at_most(5.0);
    report.row("as an iban", &[Figure::micros("median", judged), added]);
    plugins.shutdown();
    Ok(())
}

/// Some 200 bytes, no two alike.
pub(crate) fn payload(n: usize) -> String {
    let total = n * 37 % 100_000;
    format!(
        r#"{{"customer":"c-{:08}","sku":"sku-{:06}","quantity":{},"total_cents":{total},"currency":"EUR","note":"left at the door of the house next to the station","shipped":{},"weight_g":{}}}"#,
        n * 7919 % 100_000_000,
        n * 31 % 1_000_000,
        n % 9 + 1,
        n.is_multiple_of(2),
        n % 5000,
    )
}

pub(crate) fn open(dir: &std::path::Path) -> anyhow::Result<Domain> {
    let options = OpenOptions::new(system_clock());
    Ok(Domain::open(dir, "default".parse()?, &MasterKey::generate(), options)?)
}

fn ours(per_aggregate: usize) -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let domain = open(dir.path())?;
    let batch = |number: usize| {
        let event = |n: usize| {
            let id = format!("o-{}", n / per_aggregate);
            NewEvent::new("order", &id, "order_changed", &payload(n))
        };
        let events = (number * BATCH..(number + 1) * BATCH).map(event).collect();
        Draft { events, key: None, actor: "bench".into() }
    };
    // One batch is checked while the one before is committed, as callers of a busy store do.
    let (sender, receiver) = std::sync::mpsc::sync_channel(2);
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < RUN {
        let checked = domain.check(batch(number))?;
        let sender = sender.clone();
        let reply = move |outcome: Result<_, _>| {
            // The receiver is there until all replies came.
            let _ = sender.try_send(outcome.is_ok());
        };
        domain.submit(checked, Box::new(reply));
        if number > 0 {
            anyhow::ensure!(receiver.recv()?, "a batch was not committed");
        }
        number += 1;
    }
    anyhow::ensure!(receiver.recv()?, "a batch was not committed");
    Ok((number * BATCH) as f64 / started.elapsed().as_secs_f64())
}

fn raw_payloads() -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let db = Database::builder(dir.path()).open()?;
    let events = db.keyspace("events", KeyspaceCreateOptions::default)?;
    raw(|number| {
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        for n in number * BATCH..(number + 1) * BATCH {
            batch.insert(&events, (n as u64).to_be_bytes(), payload(n).into_bytes());
        }
        Ok(batch.commit()?)
    })
}

/// Three rows per event, as long as ours, into keyspaces as ours.
fn raw_same_rows() -> anyhow::Result<f64> {
    let dir = tempfile::tempdir()?;
    let db = Database::builder(dir.path()).open()?;
    let [log, index, ids] = ["log", "index", "ids"].map(|name| db.keyspace(name, KeyspaceCreateOptions::default));
    let (log, index, ids) = (log?, index?, ids?);
    raw(|number| {
        let mut batch = db.batch().durability(Some(PersistMode::SyncData));
        for n in number * BATCH..(number + 1) * BATCH {
            let position = (n as u64).to_be_bytes();
            let mut row = payload(n).into_bytes();
            row.resize(row.len() + 200, n as u8);
            batch.insert(&log, position, row);
            batch.insert(&index, [position, position].concat(), position);
            batch.insert(&ids, blake3::hash(&position).as_bytes()[..16].to_vec(), position);
        }
        Ok(batch.commit()?)
    })
}

fn raw(mut write: impl FnMut(usize) -> anyhow::Result<()>) -> anyhow::Result<f64> {
    let started = Instant::now();
    let mut number = 0;
    while started.elapsed() < RUN {
        write(number)?;
        number += 1;
    }
    Ok((number * BATCH) as f64 / started.elapsed().as_secs_f64())
}

pub(crate) fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
