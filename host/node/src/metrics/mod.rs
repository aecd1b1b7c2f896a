//! Metrics in the text format of Prometheus, 0.0.4: read when somebody asks, nothing is collected in between but counts of
//! requests and calls.
//!
//! The format is a few lines and written by hand ([`text`]): what is in here are numbers that others count, which a
//! registry of a metrics crate would only hold a second time.

mod domain;
mod plugin;
mod requests;
mod subscription;
mod target;
mod text;

use std::{fs, sync::atomic::Ordering};

pub(crate) use self::requests::{Requests, count};
use self::text::{Kind, Text};
use crate::{api::resident_bytes, domains::Slot, grant::Grant, node::Node, timing::BOUNDS};

/// What the text is sent as.
pub(crate) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// All metrics of the daemon. Blocks.
pub(crate) fn render(node: &Node, grant: &Grant) -> String {
    let mut text = Text::default();
    process(&mut text, node);
    requests(&mut text, node);
    let slots = node.domains.slots();
    text.family("eventdbx_domain_up", Kind::Gauge, "Whether a domain is served.");
    for (name, slot) in &slots {
        text.sample(&[("domain", name.as_str())], u8::from(matches!(slot, Slot::Open(_))).into());
    }
    let open: Vec<_> = slots
        .into_iter()
        .filter_map(|(_, slot)| if let Slot::Open(domain) = slot { Some(domain) } else { None })
        .collect();
    domain::write(&mut text, &open);
    let plugins = plugin::of(&open, grant);
    plugin::write(&mut text, &plugins);
    target::write(&mut text, &plugins);
    subscription::write(&mut text, &open, grant);
    text.finish()
}

fn process(text: &mut Text, node: &Node) {
    text.family("eventdbx_build_info", Kind::Gauge, "Version of the daemon; the value is 1.");
    text.sample(&[("version", env!("CARGO_PKG_VERSION"))], 1.0);
    text.family("eventdbx_uptime_seconds", Kind::Gauge, "Time since the daemon started.");
    text.sample(&[], node.uptime().as_secs_f64());
    text.family("process_start_time_seconds", Kind::Gauge, "When the daemon started, in seconds since 1970.");
    text.sample(&[], text::float(node.started_at.get()) / 1e6);
    text.family("process_resident_memory_bytes", Kind::Gauge, "Resident memory of the daemon.");
    text.sample(&[], text::float(resident_bytes()));
    if let Ok(open) = fs::read_dir("/proc/self/fd") {
        text.family("process_open_fds", Kind::Gauge, "Open file descriptors.");
        text.sample(&[], text::float(open.count() as u64));
    }
}

fn requests(text: &mut Text, node: &Node) {
    let counted = node.requests.all();
    text.family("eventdbx_http_requests_total", Kind::Counter, "Requests to the API, by route and class of status.");
    for (key, counts) in &counted {
        for (class, count) in (1..=5).zip(&counts.by_class) {
            let count = count.load(Ordering::Relaxed);
            if count > 0 {
                let class = format!("{class}xx");
                let labels = [("method", &*key.method), ("route", &*key.route), ("status", &*class)];
                text.sample(&labels, text::float(count));
            }
        }
    }
    let help = "Time until the answer to a request began; of a long poll, the time that it waited.";
    text.family("eventdbx_http_request_duration_seconds", Kind::Histogram, help);
    for (key, counts) in &counted {
        let labels = [("method", &*key.method), ("route", &*key.route)];
        text.histogram(&labels, &BOUNDS, &counts.timing.read());
    }
}
