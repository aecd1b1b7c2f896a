//! Every limit of dispatch, in one table.

/// Limits of dispatch and of each plugin. The defaults suit a small machine.
#[derive(Debug, Clone)]
pub struct PluginLimits {
    /// Most items of one batch.
    pub batch_items: usize,
    /// Most bytes of content in one batch; a batch always has at least one item.
    pub batch_bytes: usize,
    /// Recently committed events that are handed over from memory: how many, in bytes.
    pub recent_bytes: usize,
    /// Pages of the log that were read for one plugin and may serve the next: how many, in bytes.
    pub page_cache_bytes: usize,
    /// Folded states that are kept in memory, in bytes; what does not fit spills to the plugins' database.
    pub state_cache_bytes: usize,
    /// Block cache of the plugins' database, in bytes.
    pub block_cache_bytes: u64,
    /// Bytes of keys and sealed values in the tables of one generation; one more stops the plugin.
    pub table_bytes: u64,
    /// Parked aggregates of one plugin; one more stops it.
    pub parked: usize,
    /// Lines of a plugin's log that are kept.
    pub log_lines: usize,
    /// Queries that run at the same time; more are answered *busy*.
    pub queries: usize,
    /// Requests that one gateway answers at the same time.
    pub gateway_threads: usize,
    /// Requests that wait for one gateway; more are answered *busy*.
    pub gateway_waiting: usize,
}

impl Default for PluginLimits {
    fn default() -> Self {
        Self {
            batch_items: 256,
            batch_bytes: 1 << 20,
            recent_bytes: 16 << 20,
            page_cache_bytes: 16 << 20,
            state_cache_bytes: 32 << 20,
            block_cache_bytes: 16 << 20,
            table_bytes: 1 << 30,
            parked: 1000,
            log_lines: 1000,
            queries: 8,
            gateway_threads: 2,
            gateway_waiting: 32,
        }
    }
}
