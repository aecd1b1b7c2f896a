//! What a guest may call: the interfaces `host` and `state` of the contract, on top of [`Host`](crate::Host).
//!
//! Every function says first in which phases it may be called, and counts what it hands over. An error here is a trap.

use crate::{
    call::{CallState, Phase},
    host::{Host, KeyRange, Level},
    limits::Limit,
    outcome::{Halt, Trap},
    scan::{self, PageSize},
    text,
    wire::eventdbx::plugin::{host as wire_host, state as wire_state},
};

use wire_state::{Entry, Mutation, Page};

impl wire_host::Host for CallState {
    fn log(&mut self, level: wire_host::Level, message: String, fields: Option<String>) -> wasmtime::Result<()> {
        self.host_calls += 1;
        if let Some(fields) = &fields {
            text::check_object("fields of a log line", fields)?;
        }
        let phase = self.phase.name();
        let Some(host) = self.host.as_deref_mut() else {
            // What a panicking guest logs here is all that anybody will see of it.
            let start: String = message.chars().take(500).collect();
            return forbidden(format!("the plugin may not log in {phase}; what it wanted to say: {start}"));
        };
        self.logs.line(host, &self.limits, level.into(), &message, fields.as_deref());
        Ok(())
    }

    fn counter_add(&mut self, name: String, value: u32) -> wasmtime::Result<()> {
        self.reader("host.counter-add")?;
        Ok(self.metrics.add(name, value, &self.limits)?)
    }

    fn gauge_set(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.reader("host.gauge-set")?;
        Ok(self.metrics.set(name, value, &self.limits)?)
    }
}

impl wire_state::Host for CallState {
    fn get(&mut self, table: String, key: Vec<u8>) -> wasmtime::Result<Option<Vec<u8>>> {
        let table = self.readable("state.get", &table)?;
        self.read(table, &key)
    }

    fn get_many(&mut self, table: String, keys: Vec<Vec<u8>>) -> wasmtime::Result<Vec<Option<Vec<u8>>>> {
        let table = self.readable("state.get-many", &table)?;
        let mut bytes = 0;
        let mut values = Vec::with_capacity(keys.len());
        for key in &keys {
            let value = self.read(table, key)?;
            bytes += value.as_ref().map_or(0, Vec::len) as u64;
            self.within(Limit::ReadBytes, bytes, "the plugin read in one call")?;
            values.push(value);
        }
        Ok(values)
    }

    fn scan(&mut self, table: String, keys: wire_state::KeyRange) -> wasmtime::Result<Page> {
        let table = self.readable("state.scan", &table)?;
        let most = usize::try_from(self.limits.scan_entries).unwrap_or(usize::MAX);
        let wanted = if keys.limit == 0 { most } else { keys.limit as usize };
        let size = PageSize {
            entries: wanted.min(most),
            // Half, as the entry that fills a page may itself be large.
            bytes: usize::try_from(self.limits.read_bytes / 2).unwrap_or(usize::MAX),
        };
        let range = KeyRange { start: keys.start, end: keys.end, reverse: keys.reverse };
        let Some(host) = self.host.as_deref_mut() else { return forbidden_now("state.scan", self.phase) };
        let page = scan::scan(host, table, &self.writes.tables[table], &range, size).map_err(Halt::HostFailed)?;
        let entries = page.entries.into_iter().map(|(key, value)| Entry { key, value }).collect();
        Ok(Page { entries, next: page.next })
    }

    fn apply(&mut self, table: String, mutations: Vec<Mutation>) -> wasmtime::Result<()> {
        let table = self.writable("state.apply", &table)?;
        for mutation in mutations {
            let (key, value) = match mutation {
                Mutation::Put(Entry { key, value }) => (key, Some(value)),
                Mutation::Remove(key) => (key, None),
            };
            self.within(Limit::KeyBytes, key.len() as u64, "the plugin wrote a key of")?;
            let value_bytes = value.as_ref().map_or(0, Vec::len) as u64;
            self.within(Limit::ValueBytes, value_bytes, "the plugin wrote a value of")?;
            self.writes.set(table, key, value, &self.limits)?;
        }
        Ok(())
    }

    fn clear(&mut self, table: String) -> wasmtime::Result<()> {
        let table = self.writable("state.clear", &table)?;
        self.writes.clear(table);
        Ok(())
    }
}

impl CallState {
    /// Counts a call that is allowed wherever there is a host.
    pub(crate) fn reader(&mut self, function: &str) -> wasmtime::Result<&mut dyn Host> {
        self.host_calls += 1;
        match self.host.as_deref_mut() {
            Some(host) => Ok(host),
            None => forbidden_now(function, self.phase),
        }
    }

    fn readable(&mut self, function: &str, table: &str) -> wasmtime::Result<usize> {
        self.reader(function)?;
        if let Some(index) = self.tables.iter().position(|declared| declared.name == table) {
            return Ok(index);
        }
        let name: String = table.chars().take(crate::limits::NAME_BYTES).collect();
        forbidden(format!("the plugin uses the table {name:?}, which its descriptor does not declare"))
    }

    fn writable(&mut self, function: &str, table: &str) -> wasmtime::Result<usize> {
        if self.phase != Phase::Batch {
            return forbidden_now(function, self.phase);
        }
        self.readable(function, table)
    }

    fn read(&mut self, table: usize, key: &[u8]) -> wasmtime::Result<Option<Vec<u8>>> {
        if let Some(written) = self.writes.tables[table].get(key) {
            return Ok(written.cloned());
        }
        let Some(host) = self.host.as_deref_mut() else { return forbidden_now("state.get", self.phase) };
        Ok(host.get(table, key).map_err(Halt::HostFailed)?)
    }

    fn within(&self, limit: Limit, value: u64, what: &str) -> Result<(), Halt> {
        if value <= limit.of(&self.limits) {
            return Ok(());
        }
        let what = format!("{what} {value} {}", limit.unit());
        Err(Halt::Trapped(Trap::broke(limit, &self.limits, what)))
    }
}

fn forbidden_now<T>(function: &str, phase: Phase) -> wasmtime::Result<T> {
    forbidden(format!("the plugin may not call `{function}` in {}", phase.name()))
}

fn forbidden<T>(message: String) -> wasmtime::Result<T> {
    Err(Halt::Trapped(Trap::forbidden(message)).into())
}

impl From<wire_host::Level> for Level {
    fn from(level: wire_host::Level) -> Self {
        match level {
            wire_host::Level::Trace => Self::Trace,
            wire_host::Level::Debug => Self::Debug,
            wire_host::Level::Info => Self::Info,
            wire_host::Level::Warn => Self::Warn,
            wire_host::Level::Error => Self::Error,
        }
    }
}
