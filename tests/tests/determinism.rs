//! The same log makes the same tables, however it is cut into batches and however often the instance is a new one.

use std::{path::Path, time::Duration};

use eventdbx_node::{
    Grant,
    plugins::{InstallRequest, PluginLimits, Plugins, ReplayRequest},
};
use eventdbx_sandbox::{Sandbox, SandboxOptions};
use eventdbx_store::{Domain, Draft, MasterKey, NewEvent, OpenOptions, system_clock};
use serde_json::Value;

/// Flights, each with what a read model of aircraft looks for.
const FLIGHTS: u64 = 600;
/// How often a plugin is made to begin with a new instance in the middle of its way.
const RECYCLED: usize = 20;

fn log(dir: &Path) -> Domain {
    let name = "default".parse().expect("a name");
    let domain = Domain::open(dir, name, &MasterKey::generate(), OpenOptions::new(system_clock())).expect("opens");
    for n in 0..FLIGHTS {
        let id = format!("F{n}");
        let scheduled = format!(r#"{{"tail_number":"N{}","distance_miles":{}}}"#, n * n % 37, n % 500 + 1);
        let events = vec![
            NewEvent::new("flight", &id, "flight_scheduled", &scheduled),
            NewEvent::new("flight", &id, "flight_arrived", r#"{"delay_minutes":3}"#),
        ];
        domain.append(Draft { events, key: None, actor: "tester".into() }).expect("appends");
    }
    domain
}

/// What the tables answer once the whole log is in them.
fn answers(plugins: &Plugins, domain: &Domain) -> Value {
    let wait = Some((domain.head().position, Duration::from_secs(300)));
    let params = r#"{"n":1000}"#;
    let answer = plugins.query(&Grant::owner("tester"), "aircraft-miles", "top", params, None, wait).expect("answers");
    serde_json::from_str(answer.body.get()).expect("JSON")
}

#[test]
fn batches_of_any_size_and_new_instances_make_equal_tables() {
    let dir = tempfile::tempdir().expect("a directory");
    let domain = log(&dir.path().join("log"));
    let component = eventdbx_plugin_build::example("aircraft-miles").expect("builds");
    let component = std::fs::read(component).expect("reads");
    let owner = Grant::owner("tester");
    let made = [(1, 0), (7, 0), (256, 0), (1, RECYCLED), (7, RECYCLED)].map(|(batch_items, recycled)| {
        let own = dir.path().join(format!("{batch_items}-{recycled}"));
        std::fs::create_dir_all(&own).expect("a directory");
        let options = SandboxOptions { cache_dir: dir.path().join("cache"), cache_key: [1; 32] };
        let sandbox = Sandbox::new(options).expect("a sandbox");
        let limits = PluginLimits { batch_items, ..PluginLimits::default() };
        let plugins = Plugins::open(domain.clone(), domain.name(), &own, sandbox, limits).expect("opens");
        let component = plugins.add_component(&owner, &component).expect("fits").hash;
        let request: InstallRequest =
            serde_json::from_value(serde_json::json!({ "component": component })).expect("a request");
        plugins.install(&owner, request).expect("installs");
        for _ in 0..recycled {
            // Each of these drops the instance wherever it is, and begins with a new one.
            plugins.disable(&owner, "aircraft-miles").expect("stops");
            plugins.enable(&owner, "aircraft-miles").expect("starts");
        }
        let caught_up = answers(&plugins, &domain);
        // And once more, over the same log: a dry run finds nothing that differs.
        let dry_run = ReplayRequest { dry_run: true, ..ReplayRequest::default() };
        let job = plugins.replay(&owner, "aircraft-miles", &dry_run).expect("begins").id;
        while plugins.jobs(&owner, false).iter().any(|job| job.plugin == "aircraft-miles") {
            std::thread::yield_now();
        }
        let found = plugins.job(&owner, job).expect("is kept").differences.expect("it is done");
        assert!(found.iter().all(|table| table.only_live + table.only_replay + table.differing == 0), "{found:?}");
        assert!(found.iter().all(|table| table.equal > 0), "{found:?}");
        plugins.shutdown();
        caught_up
    });
    assert_eq!(made[0].as_array().map(Vec::len), Some(19), "{:?}", made[0]);
    assert!(made.iter().all(|tables| *tables == made[0]));
}
