//! A guest per misbehaviour: each costs a bounded amount, says which limit it broke, and leaves the rest unharmed.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::time::{Duration, Instant};

use eventdbx_sandbox::{
    Answer, Halt, Level, Lie, Limit, Limits, LoadError, Outcome, QueryOutcome, Stop, Trap, TrapKind,
};
use support::{Memory, bench, done, handle, hostile_describing, plugin, query, start_with};

/// Short times, so that the tests are over soon; everything else as it is by default.
fn short() -> Limits {
    Limits { batch_cpu_ms: 100, query_cpu_ms: 100, start_cpu_ms: 2_000, ..Limits::default() }
}

/// How a batch of one such event ends: always with a trap.
fn trap_of(event_type: &str, limits: &Limits) -> Trap {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    let call = handle(&plugin, &memory, limits, &["placed", event_type]);
    assert!(call.instance.is_none(), "an instance outlived {event_type}");
    match call.outcome {
        Outcome::Halted(Halt::Trapped(trap)) => trap,
        other => panic!("{event_type} ended as {other:?}"),
    }
}

fn lie_of(event_type: &str) -> Lie {
    let (_bench, plugin) = plugin();
    match handle(&plugin, &Memory::default(), &Limits::default(), &["placed", event_type]).outcome {
        Outcome::Halted(Halt::Lied(lie)) => lie,
        other => panic!("{event_type} ended as {other:?}"),
    }
}

#[track_caller]
fn assert_names(trap: &Trap, limit: Limit) {
    assert_eq!(trap.limit(), Some(limit), "{trap}");
    assert!(trap.message.contains(limit.name()), "{trap}");
}

#[test]
fn a_well_behaved_batch_is_counted_and_its_writes_are_handed_out() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    for _ in 0..2 {
        let handled = done(&plugin, &memory, &["placed", "paid", "skip"]);
        assert_eq!(handled.skipped.len(), 1);
        assert_eq!(handled.skipped[0].index, 2);
        memory.commit(&handled.writes);
    }
    let QueryOutcome::Answered(answer) = query(&plugin, &memory, &Limits::default(), "sum", None) else {
        panic!("no answer")
    };
    assert_eq!(answer.body, "{\"sum\":6,\"count\":4}");
}

#[test]
fn an_instance_handles_batch_after_batch_and_each_has_its_own_writes() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    let items = support::deliveries(&["placed", "count"]);
    let mut instance = Some(support::start(&plugin, &memory, &Limits::default()));
    for round in 1..=3_u64 {
        let call = instance.take().unwrap().handle(&support::batch(&items));
        let Outcome::Done(handled) = call.outcome else { panic!("{:?}", call.outcome) };
        assert_eq!(handled.metrics.counters["counted"], 1);
        assert!(call.usage.memory_bytes > 0 && call.usage.host_calls > 0);
        memory.commit(&handled.writes);
        assert_eq!(memory.table()[&b"count"[..]], (2 * round).to_be_bytes());
        instance = call.instance;
    }
}

#[test]
fn a_loop_ends_after_its_cpu_time() {
    let started = Instant::now();
    let trap = trap_of("loop_forever", &short());
    assert_names(&trap, Limit::BatchCpu);
    assert!(started.elapsed() < Duration::from_secs(30));
}

#[test]
fn a_loop_ends_after_its_wall_time_where_that_is_shorter() {
    let limits = Limits { batch_wall_ms: 50, ..Limits::default() };
    assert_names(&trap_of("loop_forever", &limits), Limit::BatchWall);
}

#[test]
fn allocating_without_end_stops_at_the_limit_of_memory() {
    assert_names(&trap_of("allocate", &Limits::default()), Limit::MemoryBytes);
    assert_names(&trap_of("grow_memory", &Limits::default()), Limit::MemoryBytes);
}

#[test]
fn a_component_that_needs_more_memory_or_tables_than_allowed_does_not_start() {
    let (_bench, plugin) = plugin();
    for (limit, limits) in [
        (Limit::MemoryBytes, Limits { memory_bytes: 64 << 10, ..Limits::default() }),
        (Limit::TableElements, Limits { table_elements: 1, ..Limits::default() }),
        (Limit::Instances, Limits { instances: 1, ..Limits::default() }),
    ] {
        match start_with(&plugin, &Memory::default(), &limits, "{}").map(drop) {
            Err(Stop::Halted(Halt::Trapped(trap))) => assert_names(&trap, limit),
            other => panic!("{limit}: {other:?}"),
        }
    }
}

#[test]
fn recursing_without_end_is_a_stack_overflow() {
    let trap = trap_of("recurse", &Limits::default());
    assert_eq!(trap.kind, TrapKind::StackOverflow, "{trap}");
    assert!(trap.message.contains("stack_bytes"), "{trap}");
}

#[test]
fn a_panic_is_a_crash_with_a_backtrace() {
    for event_type in ["trap", "divide_by_zero"] {
        let trap = trap_of(event_type, &Limits::default());
        assert_eq!(trap.kind, TrapKind::Crashed, "{trap}");
        assert!(!trap.backtrace.is_empty());
    }
}

#[test]
fn the_writes_of_a_failed_call_are_gone() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    for event_type in ["large_value", "trap", "poison", "retry", "fatal"] {
        let call = handle(&plugin, &memory, &Limits::default(), &["placed", event_type]);
        assert!(!matches!(call.outcome, Outcome::Done(_)), "{event_type}");
    }
    assert!(memory.table().is_empty());
    assert_eq!(done(&plugin, &memory, &["placed"]).writes.tables[0].entries.len(), 2);
}

#[test]
fn what_the_plugin_says_about_a_batch_is_passed_on() {
    let (_bench, plugin) = plugin();
    let (memory, limits) = (Memory::default(), Limits::default());
    let outcome = |types: &[&str]| handle(&plugin, &memory, &limits, types).outcome;
    match outcome(&["placed", "poison"]) {
        Outcome::Poison(item) => assert_eq!((item.index, item.failure.code.as_str()), (1, "rotten")),
        other => panic!("{other:?}"),
    }
    assert!(matches!(outcome(&["retry_forever"]), Outcome::Retry { after: None, .. }));
    assert!(matches!(outcome(&["retry"]), Outcome::Retry { after: Some(after), .. } if after.as_millis() == 20));
    assert!(matches!(outcome(&["fatal"]), Outcome::Fatal(failure) if failure.code == "gave-up"));
}

#[test]
fn answers_that_cannot_be_true_are_lies() {
    for event_type in ["poison_out_of_range", "skip_out_of_range"] {
        assert!(matches!(lie_of(event_type), Lie::IndexOutOfRange { items: 2, .. }), "{event_type}");
    }
    assert!(matches!(lie_of("garbage_json"), Lie::InvalidJson { what: "detail of a failure", .. }));
    assert!(matches!(lie_of("garbage_log"), Lie::InvalidJson { what: "fields of a log line", .. }));
    assert!(matches!(lie_of("bad_metric"), Lie::BadName { .. }));
    assert!(matches!(lie_of("bad_utf8"), Lie::Malformed(reason) if reason.contains("utf-8")));
}

#[test]
fn a_flood_of_log_lines_is_cut_and_counted_and_the_call_goes_on() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    done(&plugin, &memory, &["flood_log"]);
    let (lines, kept) = (memory.lines(), Limits::default().log_lines as usize);
    assert_eq!(lines.len(), kept + 1);
    assert_eq!(lines[kept].1, "99900 more log lines of this call were dropped");
    done(&plugin, &memory, &["long_log"]);
    assert_eq!(memory.lines()[kept + 1].1.len() as u64, Limits::default().log_line_bytes);
}

#[test]
fn more_writes_than_a_batch_may_have_trap() {
    assert_names(&trap_of("outgrow_tables", &Limits::default()), Limit::WriteBytes);
    assert_names(&trap_of("large_value", &Limits::default()), Limit::ValueBytes);
    assert_names(&trap_of("large_key", &Limits::default()), Limit::KeyBytes);
}

#[test]
fn more_than_one_crossing_may_carry_traps() {
    assert_names(&trap_of("shout", &Limits::default()), Limit::HostCallBytes);
}

#[test]
fn more_metrics_than_a_call_may_name_trap() {
    assert_names(&trap_of("many_metrics", &Limits::default()), Limit::MetricNames);
}

#[test]
fn reading_more_than_allowed_in_one_call_traps() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    memory.put("large", &[0; 100_000]);
    match handle(&plugin, &memory, &Limits::default(), &["read_much"]).outcome {
        Outcome::Halted(Halt::Trapped(trap)) => assert_names(&trap, Limit::ReadBytes),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_table_that_was_not_declared_cannot_be_used() {
    let trap = trap_of("undeclared_table", &Limits::default());
    assert_eq!(trap.kind, TrapKind::Forbidden);
    assert!(trap.message.contains("\"other\""), "{trap}");
}

#[test]
fn scans_see_the_writes_of_their_call_among_what_was_committed() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    for key in ["a", "b", "c", "e", "zz"] {
        memory.put(key, b"old");
    }
    memory.commit(&done(&plugin, &memory, &["scan"]).writes);
    assert_eq!(memory.lines()[0].1, "a=old b=new d=new e=old");
    memory.commit(&done(&plugin, &memory, &["clear", "scan"]).writes);
    assert_eq!(memory.lines()[1].1, "b=new d=new");
    assert!(!memory.table().contains_key(&b"a"[..]));
}

#[test]
fn a_host_that_cannot_read_is_not_the_plugins_fault() {
    let (_bench, plugin) = plugin();
    let memory = Memory::default();
    memory.break_down();
    let outcome = handle(&plugin, &memory, &Limits::default(), &["placed"]).outcome;
    assert!(matches!(outcome, Outcome::Halted(Halt::HostFailed(_))), "{outcome:?}");
}

#[test]
fn init_can_refuse_log_and_fail_but_not_write() {
    let (_bench, plugin) = plugin();
    let (memory, limits) = (Memory::default(), Limits { start_cpu_ms: 100, ..Limits::default() });
    let stop = |config: &str| start_with(&plugin, &memory, &limits, config).map(drop).unwrap_err();
    assert!(matches!(stop("{\"init\":\"refuse\"}"), Stop::Refused(failure) if failure.code == "no-thanks"));
    let trap = |config: &str| match stop(config) {
        Stop::Halted(Halt::Trapped(trap)) => trap,
        other => panic!("{config}: {other:?}"),
    };
    assert_eq!(trap("{\"init\":\"trap\"}").kind, TrapKind::Crashed);
    assert_eq!(trap("{\"init\":\"write\"}").kind, TrapKind::Forbidden);
    assert_names(&trap("{\"init\":\"loop\"}"), Limit::StartCpu);
    start_with(&plugin, &memory, &limits, "{\"init\":\"log\"}").map(drop).unwrap();
    assert_eq!(memory.lines(), [(Level::Info, "starting".to_owned(), Some("{\"at\":\"init\"}".to_owned()))]);
}

#[test]
fn a_configuration_is_judged_without_a_host() {
    let (_bench, plugin) = plugin();
    plugin.check_config("{}").unwrap();
    assert!(matches!(plugin.check_config("{\"check\":\"refuse\"}"), Err(Stop::Refused(_))));
    for config in ["{\"check\":\"write\"}", "{\"check\":\"log\"}"] {
        let Err(Stop::Halted(Halt::Trapped(trap))) = plugin.check_config(config) else { panic!("{config}") };
        assert_eq!(trap.kind, TrapKind::Forbidden);
    }
}

#[test]
fn queries_answer_fail_and_page() {
    let (_bench, plugin) = plugin();
    let (memory, limits) = (Memory::default(), Limits::default());
    let ask = |name: &str, cursor: Option<&str>| query(&plugin, &memory, &limits, name, cursor);
    let answer = |body: &str, next: Option<&str>| {
        QueryOutcome::Answered(Answer { body: body.to_owned(), next: next.map(str::to_owned), ..Answer::default() })
    };
    assert_eq!(ask("echo", None), answer("{\"n\":1}", None));
    assert_eq!(ask("page", None), answer("0", Some("1")));
    assert_eq!(ask("page", Some("2")), answer("2", None));
    assert_eq!(ask("nonsense", None), QueryOutcome::Unknown);
    assert_eq!(ask("bad-params", None), QueryOutcome::BadParams("never good enough".to_owned()));
    assert!(matches!(ask("fail", None), QueryOutcome::Failed(failure) if failure.code == "no-answer"));
}

#[test]
fn a_query_cannot_write_loop_lie_or_flood() {
    let (_bench, plugin) = plugin();
    let halt = |name: &str| match query(&plugin, &Memory::default(), &short(), name, None) {
        QueryOutcome::Halted(halt) => halt,
        other => panic!("{name}: {other:?}"),
    };
    let trap = |name: &str| match halt(name) {
        Halt::Trapped(trap) => trap,
        other => panic!("{name}: {other:?}"),
    };
    assert_eq!(trap("write").kind, TrapKind::Forbidden);
    assert_names(&trap("loop"), Limit::QueryCpu);
    assert_names(&trap("huge"), Limit::OutputBytes);
    assert!(matches!(halt("garbage"), Halt::Lied(Lie::InvalidJson { what: "answer", .. })));
}

#[test]
fn describe_reaches_nothing() {
    let bench = bench();
    for word in ["trap", "log", "read", "huge", "loop"] {
        match (word, bench.sandbox.load(&hostile_describing(word)).map(drop)) {
            ("trap", Err(LoadError::Describe(Halt::Trapped(trap)))) => assert_eq!(trap.kind, TrapKind::Crashed),
            ("log", Err(LoadError::Describe(Halt::Trapped(trap)))) => {
                assert_eq!(trap.kind, TrapKind::Forbidden);
                assert!(trap.message.contains("let me out"), "{trap}");
            }
            ("read", Err(LoadError::Describe(Halt::Trapped(trap)))) => assert_eq!(trap.kind, TrapKind::Forbidden),
            ("huge", Err(LoadError::Describe(Halt::Trapped(trap)))) => assert_names(&trap, Limit::OutputBytes),
            ("loop", Err(LoadError::Describe(Halt::Trapped(trap)))) => assert_names(&trap, Limit::StartCpu),
            (_, other) => panic!("{word}: {other:?}"),
        }
    }
}

#[test]
fn a_descriptor_is_checked_and_every_reason_is_given() {
    let bench = bench();
    let reasons = |word: &str| match bench.sandbox.load(&hostile_describing(word)).map(drop) {
        Err(LoadError::Descriptor(reasons)) => reasons,
        other => panic!("{word}: {other:?}"),
    };
    let text = reasons("garbage").join("\n");
    for part in ["\"Not A Name\"", "configuration is not JSON", "\"totals\" twice", "\"no-pointer\""] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert_eq!(reasons("queries"), ["it exports `queryable` but declares no query"]);
    assert!(reasons("kind")[0].contains("it calls itself a transport"));
}
