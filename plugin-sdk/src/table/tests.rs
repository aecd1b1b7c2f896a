//! What tables promise to a plugin, over tables in memory that count their crossings.

use std::{cell::Cell, cmp::Reverse};

use super::{Backend, Keys, Table, Tables};
use crate::{
    bindings::state::{KeyRange, Mutation, Page},
    testing::Memory,
};

const MILES: Table<String, u64> = Table::new("miles");
const HOURS: Table<(String, u8), i64> = Table::new("hours");
const RANKING: Table<(Reverse<u64>, String), ()> = Table::new("ranking");

struct Counted {
    memory: Memory,
    reads: Cell<u32>,
    writes: Cell<u32>,
}

impl Counted {
    fn new() -> Self {
        let names = [MILES.name(), HOURS.name(), RANKING.name()];
        let memory = Memory::new(names.into_iter().map(str::to_owned));
        Self { memory, reads: Cell::new(0), writes: Cell::new(0) }
    }

    /// Runs one call of a plugin to its end.
    fn call(&self, act: impl FnOnce(&mut Tables<'_>)) {
        let mut tables = Tables::new(self);
        act(&mut tables);
        tables.finish().unwrap();
    }
}

fn count(cell: &Cell<u32>) {
    cell.set(cell.get() + 1);
}

impl Backend for Counted {
    fn get(&self, table: &str, key: &[u8]) -> Option<Vec<u8>> {
        count(&self.reads);
        self.memory.get(table, key)
    }

    fn get_many(&self, table: &str, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        count(&self.reads);
        self.memory.get_many(table, keys)
    }

    fn scan(&self, table: &str, keys: &KeyRange) -> Page {
        count(&self.reads);
        self.memory.scan(table, keys)
    }

    fn apply(&self, table: &str, mutations: &[Mutation]) {
        count(&self.writes);
        self.memory.apply(table, mutations);
    }

    fn clear(&self, table: &str) {
        count(&self.writes);
        self.memory.clear(table);
    }
}

#[test]
fn a_key_is_fetched_once_and_stored_once_in_a_call() {
    let host = Counted::new();
    host.call(|tables| {
        for _ in 0..100 {
            tables.update(MILES, "N1", |miles| *miles += 2).unwrap();
        }
    });
    assert_eq!((host.reads.get(), host.writes.get()), (1, 1));
    host.call(|tables| assert_eq!(tables.get(MILES, "N1"), Ok(Some(200))));
    assert_eq!((host.reads.get(), host.writes.get()), (2, 1), "what was only read is not stored");
}

#[test]
fn reads_see_the_writes_before_them() {
    let host = Counted::new();
    host.call(|tables| tables.put(MILES, "old", &1).unwrap());
    host.call(|tables| {
        tables.put(MILES, "new", &2).unwrap();
        tables.remove(MILES, "old");
        assert_eq!(tables.get_many(MILES, ["new", "old", "none"]), Ok(vec![Some(2), None, None]));
        assert!(tables.contains(MILES, "new") && !tables.contains(MILES, "old"));
        let rows: Vec<_> = tables.scan(MILES, Keys::all()).map(Result::unwrap).collect();
        assert_eq!(rows, [("new".to_owned(), 2)]);
        tables.put(MILES, "old", &3).unwrap();
        assert_eq!(tables.scan(MILES, Keys::all()).count(), 2);
        tables.clear(MILES);
        assert_eq!(tables.get(MILES, "new"), Ok(None));
        tables.put(MILES, "last", &4).unwrap();
    });
    host.call(|tables| {
        let rows: Vec<_> = tables.scan(MILES, Keys::all()).map(Result::unwrap).collect();
        assert_eq!(rows, [("last".to_owned(), 4)]);
    });
}

#[test]
fn many_keys_take_one_crossing() {
    let host = Counted::new();
    host.call(|tables| tables.put(MILES, "b", &2).unwrap());
    host.call(|tables| {
        assert_eq!(tables.get_many(MILES, ["a", "b", "a"]), Ok(vec![None, Some(2), None]));
        assert_eq!(tables.get(MILES, "b"), Ok(Some(2)));
    });
    assert_eq!(host.reads.get(), 1);
}

#[test]
fn a_scan_reads_page_after_page_from_either_end() {
    let host = Counted::new();
    host.call(|tables| {
        for number in 0..1000_u64 {
            tables.put(RANKING, (Reverse(number), "N1"), &()).unwrap();
        }
    });
    host.call(|tables| {
        let numbers = |keys| tables.scan(RANKING, keys).map(|row| row.unwrap().0.0.0).collect::<Vec<_>>();
        assert_eq!(numbers(Keys::all()), (0..1000).rev().collect::<Vec<_>>());
        assert_eq!(numbers(Keys::all().reversed()), (0..1000).collect::<Vec<_>>());
        let middle = Keys::all().from((Reverse(700), "")).until((Reverse(100), ""));
        assert_eq!(numbers(middle.clone()), (101..=700).rev().collect::<Vec<_>>());
        assert_eq!(numbers(middle.reversed()), (101..=700).collect::<Vec<_>>());
    });
}

#[test]
fn a_scan_of_a_few_rows_fetches_one_page() {
    let host = Counted::new();
    host.call(|tables| {
        for number in 0..1000_u64 {
            tables.put(RANKING, (Reverse(number), "N1"), &()).unwrap();
        }
    });
    host.call(|tables| assert_eq!(tables.scan(RANKING, Keys::all()).take(10).count(), 10));
    assert_eq!(host.reads.get(), 1);
}

#[test]
fn keys_are_found_by_how_they_begin() {
    let host = Counted::new();
    host.call(|tables| {
        for (airport, hour) in [("EW", 1), ("EWR", 5), ("EWR", 23), ("EWRX", 0), ("JFK", 5)] {
            tables.put(HOURS, (airport, hour), &-1).unwrap();
            tables.put(MILES, airport, &1).unwrap();
        }
        let hours: Vec<_> = tables.scan(HOURS, Keys::with_first("EWR")).map(|row| row.unwrap().0.1).collect();
        assert_eq!(hours, [5, 23]);
        let airports: Vec<_> = tables.scan(MILES, Keys::prefix("EWR")).map(|row| row.unwrap().0).collect();
        assert_eq!(airports, ["EWR", "EWRX"]);
        assert_eq!(tables.scan(MILES, Keys::prefix("")).count(), 4);
    });
}

#[test]
fn what_another_version_stored_is_not_misread() {
    const TEXTS: Table<String, String> = Table::new("miles");
    let host = Counted::new();
    host.call(|tables| tables.put(TEXTS, "N1", &"secret".to_owned()).unwrap());
    host.call(|tables| {
        let error = tables.get(MILES, "N1").unwrap_err().to_string();
        assert!(error.contains("table miles: a value: expected u64"), "{error}");
        assert!(tables.update(MILES, "N1", |miles| *miles += 1).is_err());
        let keys: Table<u64, String> = Table::new("miles");
        assert!(tables.scan(keys, Keys::all()).all(|row| row.is_err()));
    });
}

#[test]
fn what_has_no_json_form_is_reported_when_the_call_ends() {
    const BAD: Table<String, std::collections::BTreeMap<(u8, u8), u8>> = Table::new("miles");
    let host = Counted::new();
    let mut tables = Tables::new(&host);
    tables.update(BAD, "N1", |map| map.insert((1, 2), 3)).unwrap();
    assert!(tables.scan(BAD, Keys::all()).next().unwrap().is_err());
    let error = tables.finish().unwrap_err().to_string();
    assert!(error.contains("no JSON form"), "{error}");
    assert_eq!(host.writes.get(), 0);
}
