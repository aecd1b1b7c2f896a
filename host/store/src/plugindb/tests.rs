//! What the plugins' database promises.

use super::*;
use crate::{Digest, Json, Position, Version};

fn open(dir: &Path) -> PluginDb {
    PluginDb::open(dir, Cipher::new(&[7; 32]), 1 << 20).unwrap()
}

fn put<'a>(table: u16, key: &'a [u8], value: &'a [u8]) -> TableWrite<'a> {
    TableWrite { table, change: Change::Put { key, value } }
}

/// Commits writes on top of where the generation is.
fn commit(db: &PluginDb, generation: Generation, position: u64, writes: &[TableWrite<'_>]) -> Cursor {
    let before = db.cursor(generation).unwrap().unwrap_or_default();
    let cursor = Cursor { position: Position::new(position), root: Digest([1; 32]), ..before };
    let commit = GenerationCommit { generation, writes, cursor, park: &[], unpark: &[] };
    db.prepare(&commit).unwrap().write().unwrap()
}

fn keys(tables: &Tables, table: u16) -> Vec<String> {
    let rows = tables.range(table, None, None);
    rows.map(|row| String::from_utf8(row.unwrap().0).unwrap()).collect()
}

#[test]
fn tables_and_cursor_are_there_after_reopening() {
    let dir = tempfile::tempdir().unwrap();
    let generation = {
        let db = open(dir.path());
        let generation = db.next_generation().unwrap();
        commit(&db, generation, 9, &[put(0, b"a", b"1"), put(1, b"a", b"2"), put(0, b"b", b"3")]);
        generation
    };
    let db = open(dir.path());
    assert_eq!(db.cursor(generation).unwrap().unwrap().position, Position::new(9));
    let tables = db.tables(generation);
    assert_eq!(tables.get(0, b"a").unwrap().as_deref(), Some(&b"1"[..]));
    assert_eq!(tables.get(1, b"a").unwrap().as_deref(), Some(&b"2"[..]));
    assert_eq!(tables.get(1, b"b").unwrap(), None);
    assert_eq!(keys(&tables, 0), ["a", "b"]);
    assert!(db.next_generation().unwrap() > generation, "numbers are never given twice");
}

#[test]
fn a_commit_may_write_the_tables_of_another_generation_and_leaves_its_place() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let (live, job) = (db.next_generation().unwrap(), db.next_generation().unwrap());
    let before = commit(&db, live, 9, &[put(0, b"a", b"1"), put(0, b"b", b"1")]);
    let writes = [put(0, b"a", b"longer"), put(0, b"c", b"2")];
    let cursor = Cursor { position: Position::new(4), ..Cursor::default() };
    let of_job = GenerationCommit { generation: job, writes: &writes, cursor, park: &[], unpark: &[] };
    let prepared = db.prepare_in(&of_job, live, before).unwrap();
    let bytes = prepared.table_bytes();
    assert_eq!(prepared.write().unwrap(), cursor, "no tables of its own");
    assert_eq!(keys(&db.tables(live), 0), ["a", "b", "c"]);
    assert!(keys(&db.tables(job), 0).is_empty());
    let after = db.cursor(live).unwrap().unwrap();
    assert_eq!(after.position, before.position);
    assert!(bytes > before.counters.table_bytes && after.counters.table_bytes == bytes);
    assert_eq!(db.cursor(job).unwrap(), Some(cursor));
    let clear = [TableWrite { table: 0, change: Change::Clear }];
    let of_job = GenerationCommit { generation: job, writes: &clear, cursor, park: &[], unpark: &[] };
    db.prepare_in(&of_job, live, after).unwrap().write().unwrap();
    assert_eq!(db.cursor(live).unwrap().unwrap().counters.table_bytes, 0);
}

#[test]
fn jobs_are_kept_and_forgotten() {
    let dir = tempfile::tempdir().unwrap();
    let generation = {
        let db = open(dir.path());
        db.save_job(1, b"first", &[], &[]).unwrap();
        db.save_job(256, b"second", &[], &[]).unwrap();
        let generation = db.next_generation().unwrap();
        db.save_job(3, b"third", &[generation], &[1]).unwrap();
        generation
    };
    let db = open(dir.path());
    assert_eq!(db.jobs().unwrap(), [(3, b"third".to_vec()), (256, b"second".to_vec())]);
    assert_eq!(db.doomed().unwrap(), [generation]);
}

#[test]
fn nothing_is_written_until_a_prepared_commit_is() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    let writes = [put(0, b"a", b"1")];
    let cursor = Cursor { position: Position::new(1), ..Cursor::default() };
    let park = [(AggregateNumber::new(4), b"row".to_vec())];
    let prepared = db.prepare(&GenerationCommit { generation, writes: &writes, cursor, park: &park, unpark: &[] });
    drop(prepared.unwrap());
    assert_eq!(db.cursor(generation).unwrap(), None);
    assert_eq!(db.tables(generation).get(0, b"a").unwrap(), None);
    assert!(db.parked(generation).unwrap().is_empty());
}

#[test]
fn a_snapshot_stays_at_its_moment() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    commit(&db, generation, 1, &[put(0, b"a", b"old")]);
    let snapshot = db.snapshot();
    commit(&db, generation, 2, &[put(0, b"a", b"new"), put(0, b"b", b"new")]);
    db.erase(generation, 1, &mut || true).unwrap();

    assert_eq!(snapshot.cursor(generation).unwrap().position, Position::new(1));
    let then = snapshot.tables(generation);
    assert_eq!(then.get(0, b"a").unwrap().as_deref(), Some(&b"old"[..]));
    assert_eq!(keys(&then, 0), ["a"]);
    assert!(keys(&db.tables(generation), 0).is_empty());
}

#[test]
fn ranges_stay_in_their_table_and_run_both_ways() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let (first, second) = (db.next_generation().unwrap(), db.next_generation().unwrap());
    let writes = [put(0, b"a", b""), put(0, b"b", b""), put(0, b"c", b""), put(1, b"x", b""), put(u16::MAX, b"z", b"")];
    commit(&db, first, 1, &writes);
    commit(&db, second, 1, &[put(0, b"other", b"")]);
    let tables = db.tables(first);
    assert_eq!(keys(&tables, 0), ["a", "b", "c"]);
    assert_eq!(keys(&tables, u16::MAX), ["z"]);
    let back: Vec<_> = tables.range(0, Some(b"b"), None).rev().map(|row| row.unwrap().0).collect();
    assert_eq!(back, [b"c".to_vec(), b"b".to_vec()]);
    assert_eq!(tables.range(0, None, Some(b"b")).count(), 1);
    assert_eq!(tables.range(0, Some(b"c"), Some(b"a")).count(), 0, "an upside-down range is empty");
}

#[test]
fn the_size_of_the_tables_is_counted_exactly() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    let one = (6 + 1 + Cipher::OVERHEAD) as u64;
    let size = |cursor: Cursor| cursor.counters.table_bytes;
    assert_eq!(size(commit(&db, generation, 1, &[put(0, b"a", b""), put(0, b"b", b"1234")])), 2 * one + 4);
    assert_eq!(size(commit(&db, generation, 2, &[put(0, b"b", b"12")])), 2 * one + 2);
    let remove = TableWrite { table: 0, change: Change::Remove { key: b"a" } };
    assert_eq!(size(commit(&db, generation, 3, &[remove])), one + 2);
    assert_eq!(size(commit(&db, generation, 4, &[remove])), one + 2, "what is not there frees nothing");
    let clear = TableWrite { table: 0, change: Change::Clear };
    assert_eq!(size(commit(&db, generation, 5, &[clear, put(0, b"b", b"x"), put(1, b"c", b"")])), 2 * one + 1);
    assert_eq!(keys(&db.tables(generation), 0), ["b"]);
    assert_eq!(size(commit(&db, generation, 6, &[clear])), one);
}

#[test]
fn a_value_that_is_moved_does_not_open() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    commit(&db, generation, 1, &[put(0, b"a", b"mine")]);
    let sealed = db.0.tables.get(tables::row_key(generation, 0, b"a")).unwrap().unwrap();
    db.0.tables.insert(tables::row_key(generation, 1, b"a"), sealed.clone()).unwrap();
    assert!(matches!(db.tables(generation).get(1, b"a"), Err(PluginDbError::Damaged(_))));
    assert!(!sealed.windows(4).any(|window| window == b"mine"));
}

#[test]
fn parked_rows_come_and_go_with_commits() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    let number = AggregateNumber::new(300);
    let base = GenerationCommit { generation, writes: &[], cursor: Cursor::default(), park: &[], unpark: &[] };
    let park = [(number, b"why".to_vec())];
    db.prepare(&GenerationCommit { park: &park, ..base }).unwrap().write().unwrap();
    assert_eq!(db.parked(generation).unwrap(), [(number, b"why".to_vec())]);
    assert_eq!(db.snapshot().parked(generation).unwrap(), 1);
    db.prepare(&GenerationCommit { unpark: &[number], ..base }).unwrap().write().unwrap();
    assert!(db.parked(generation).unwrap().is_empty());
}

#[test]
fn plugins_are_remembered_and_their_generations_doomed() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = {
        let db = open(dir.path());
        let (old, new) = (db.next_generation().unwrap(), db.next_generation().unwrap());
        let rows: Vec<_> = (0_u8..25).map(|key| [key]).collect();
        let writes: Vec<_> = rows.iter().map(|key| put(0, key, b"")).collect();
        commit(&db, old, 5, &writes);
        commit(&db, new, 5, &writes);
        db.save_plugin("a", b"record", &[]).unwrap();
        db.save_plugin("a", b"flipped", &[old]).unwrap();
        let mut steps = 0;
        let mut twice = || {
            steps += 1;
            steps < 2
        };
        db.erase(old, 10, &mut twice).unwrap();
        assert_eq!(db.tables(old).range(0, None, None).count(), 5);
        (old, new)
    };
    let db = open(dir.path());
    assert_eq!(db.plugins().unwrap(), [("a".to_owned(), b"flipped".to_vec())]);
    assert_eq!(db.doomed().unwrap(), [old], "what was interrupted goes on after a restart");
    db.erase(old, 10, &mut || true).unwrap();
    assert!(db.doomed().unwrap().is_empty());
    assert_eq!(db.cursor(old).unwrap(), None);
    assert_eq!(db.tables(old).range(0, None, None).count(), 0);
    assert_eq!(db.tables(new).range(0, None, None).count(), 25);
    db.remove_plugin("a", &[new]).unwrap();
    assert!(db.plugins().unwrap().is_empty());
}

#[test]
fn of_an_aggregate_few_states_are_kept_and_those_that_passes_come_back_for() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let number = AggregateNumber::new(1);
    let spill = |version: u64| {
        let state = Json::trusted(format!("{{\"v\":{version}}}"));
        db.spill(&[SpilledState { number, version: Version::new(version), state }], 3).unwrap();
    };
    let nearest = |version: u64| db.nearest_state(number, Version::new(version)).unwrap().map(|(at, _)| at.get());
    assert_eq!(nearest(9), None);
    // One pass is far ahead, another begins anew: neither takes the other's row away.
    [10, 20, 30, 40, 3, 5, 50, 7].into_iter().for_each(spill);
    assert_eq!(db.0.states.iter().count(), 3);
    assert_eq!(nearest(7), Some(7));
    assert_eq!(nearest(60), Some(50));
    let (_, state) = db.nearest_state(number, Version::new(8)).unwrap().unwrap();
    assert_eq!(state.as_str(), r#"{"v":7}"#);
    assert_eq!(db.nearest_state(AggregateNumber::new(2), Version::new(8)).unwrap(), None);
}

#[test]
fn a_journal_that_a_power_cut_tore_is_gone_on_with() {
    let dir = tempfile::tempdir().unwrap();
    let live = dir.path().join("plugins");
    let db = open(&live);
    let generation = db.next_generation().unwrap();
    commit(&db, generation, 1, &[put(0, b"a", &[7; 500])]);
    let whole = std::fs::read(live.join("0.jnl")).unwrap().iter().rposition(|byte| *byte != 0).unwrap();
    for position in 2..20 {
        commit(&db, generation, position, &[put(0, b"a", &[8; 500])]);
    }
    let torn = dir.path().join("copy/plugins");
    crate::journal::tests::copy_dir(&live, &torn);
    let file = std::fs::File::options().write(true).open(torn.join("0.jnl")).unwrap();
    std::os::unix::fs::FileExt::write_all_at(&file, &[0; 600], whole as u64 + 200).unwrap();

    let db = open(&torn);
    assert_eq!(db.cursor(generation).unwrap().unwrap().position, Position::new(1));
    assert_eq!(db.tables(generation).get(0, b"a").unwrap().as_deref(), Some(&[7; 500][..]));
    assert_eq!(std::fs::read_dir(dir.path().join("copy/set-aside")).unwrap().count(), 1);
}

#[test]
fn subscriptions_are_kept_apart_from_plugins_and_go_with_their_generation() {
    let dir = tempfile::tempdir().unwrap();
    let db = open(dir.path());
    let generation = db.next_generation().unwrap();
    db.save_plugin("mail", b"a plugin", &[]).unwrap();
    db.save_subscription("mail", b"a subscription").unwrap();
    commit(&db, generation, 7, &[]);
    drop(db);
    let db = open(dir.path());
    assert_eq!(db.subscriptions().unwrap(), [("mail".to_owned(), b"a subscription".to_vec())]);
    assert_eq!(db.plugins().unwrap(), [("mail".to_owned(), b"a plugin".to_vec())]);
    db.remove_subscription("mail", generation).unwrap();
    assert_eq!((db.subscriptions().unwrap(), db.doomed().unwrap()), (Vec::new(), vec![generation]));
    assert_eq!(db.plugins().unwrap().len(), 1);
}
