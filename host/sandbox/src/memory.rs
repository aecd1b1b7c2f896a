//! Memory and tables of an instance, as they grow.

use wasmtime::ResourceLimiter;

use crate::{
    limits::{Limit, Limits},
    outcome::{Halt, Trap},
};

/// Counts what all memories and tables of one instance hold together.
#[derive(Debug)]
pub(crate) struct Memory {
    limits: Limits,
    bytes: u64,
    elements: u64,
}

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), bytes: 0, elements: 0 }
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    fn broke(&self, limit: Limit, what: &str, wanted: u64) -> wasmtime::Error {
        let what = format!("the plugin asked for {what} of {wanted} {}", limit.unit());
        wasmtime::Error::new(Halt::Trapped(Trap::broke(limit, &self.limits, what)))
    }
}

impl ResourceLimiter for Memory {
    // NOTE: an error traps at once. `Ok(false)` would let the guest see a failed `memory.grow`, upon which most allocators
    // abort, and nobody would learn that it was a limit.
    fn memory_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = self.bytes + desired.saturating_sub(current) as u64;
        if wanted > self.limits.memory_bytes {
            return Err(self.broke(Limit::MemoryBytes, "memory", wanted));
        }
        self.bytes = wanted;
        Ok(true)
    }

    fn table_growing(&mut self, current: usize, desired: usize, maximum: Option<usize>) -> wasmtime::Result<bool> {
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        let wanted = self.elements + desired.saturating_sub(current) as u64;
        if wanted > self.limits.table_elements {
            return Err(self.broke(Limit::TableElements, "tables", wanted));
        }
        self.elements = wanted;
        Ok(true)
    }

    fn instances(&self) -> usize {
        usize::try_from(self.limits.instances).unwrap_or(usize::MAX)
    }

    fn tables(&self) -> usize {
        self.instances()
    }

    fn memories(&self) -> usize {
        self.instances()
    }
}
