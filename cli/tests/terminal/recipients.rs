//! `--publish` and `--no-emit`: who gets an event.

use serde_json::json;

use crate::scratch::Scratch;

#[test]
fn an_event_goes_to_whom_it_names() {
    let scratch = Scratch::started();
    let counter = eventdbx_plugin_build::example("event-counter").unwrap();
    for name in ["one", "two"] {
        scratch
            .dbx(["plugin".as_ref(), "install".as_ref(), counter.as_os_str(), "--name".as_ref(), name.as_ref()])
            .ok();
    }
    let apply = |event: &str, more: &[&str]| {
        let mut arguments = vec!["aggregate", "apply", "order", "1", event];
        arguments.extend(more);
        scratch.dbx(arguments)
    };
    apply("placed", &[]).ok();
    apply("counted", &["--no-emit"]).ok();
    apply("paid", &["--publish", "one::urgent"]).ok();
    apply("sent", &["--publish", "one", "--publish", "two:event-only"]).ok();
    apply("lost", &["--publish", "onee"]).ok().says("is called onee");
    apply("lost", &["--publish", "onee", "--stage"]).ok().says("is called onee");
    scratch.dbx(["stage", "drop", "all"]).ok();
    apply("odd", &["--publish", "one", "--no-emit"]).code(2);
    apply("odd", &["--publish", "one:all:soon"]).code(2).says("normal or urgent");
    apply("odd", &["--publish", "one:All"]).code(3).says("payload mode");

    let counts = |name: &str| scratch.json(["query", name, "counts", "--wait", "7"])["body"].clone();
    assert_eq!(counts("one"), json!({ "placed": 1, "paid": 1, "sent": 1 }));
    assert_eq!(counts("two"), json!({ "placed": 1, "sent": 1 }));
    scratch.dbx(["plugin", "replay", "two"]).ok();
    assert_eq!(counts("two"), json!({ "placed": 1, "sent": 1 }), "a replay makes no difference");

    let asked = |more: &[&str]| {
        let apply = ["aggregate", "apply", "order", "1", "asked"].iter().chain(more);
        let position = scratch.json(apply)["events"][0]["position"].to_string();
        scratch.json(["query", "two", "counts", "--wait", &position])["body"]["asked"].clone()
    };
    let told = scratch.dbx(["plugin", "config", "two", "--emit", "false"]).ok().stdout;
    assert!(told.contains("with events alone that name it"), "{told}");
    assert_eq!((asked(&[]), asked(&["--publish", "two"])), (json!(null), json!(1)));
    assert_eq!(scratch.json(["plugin", "status", "two"])["emit"], json!(false));
    scratch.dbx(["plugin", "config", "two", "--emit", "true"]).ok();
    assert_eq!(asked(&[]), json!(2));

    let table = scratch.dbx(["events"]).ok().stdout;
    assert!(table.contains("counted (to nobody)") && table.contains("sent (to one, two)"), "{table}");
    let shown = scratch.json(["events"])["rows"].clone();
    assert_eq!(shown[2]["publish"], json!([{ "plugin": "one", "priority": "urgent" }]));
    let csv = scratch.dbx(["export", "--all", "--events", "--as", "csv"]).ok().stdout;
    assert!(csv.lines().next().unwrap().contains("occurred_at,emit,publish,schema_version"), "{csv}");
}
