//! Every limit on a plugin, in one table: its name, its default and its reason.
//!
//! Limits are values, not constants, so that an operator can raise one for one plugin. What breaks a limit ends as a
//! [`Trap`](crate::Trap) that names it.

use std::fmt;

macro_rules! limits {
    ($( $(#[doc = $doc:literal])+ $variant:ident, $field:ident: $default:expr, $unit:literal; )+) => {
        /// What one plugin may use. Each field is a limit of its own; the defaults suit a small read model.
        #[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(default, deny_unknown_fields)]
        pub struct Limits {
            $( $(#[doc = $doc])+ pub $field: u64, )+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $( $field: $default, )+ }
            }
        }

        /// The name of a limit.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Limit {
            $( $(#[doc = $doc])+ $variant, )+
        }

        impl Limit {
            /// Every limit, in the order of the table.
            pub const ALL: &[Self] = &[$( Self::$variant, )+];

            /// The name by which an operator sets it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self { $( Self::$variant => stringify!($field), )+ }
            }

            /// What it counts.
            #[must_use]
            pub const fn unit(self) -> &'static str {
                match self { $( Self::$variant => $unit, )+ }
            }

            /// Its value in `limits`.
            #[must_use]
            pub const fn of(self, limits: &Limits) -> u64 {
                match self { $( Self::$variant => limits.$field, )+ }
            }
        }
    };
}

limits! {
    /// Linear memory of one instance, all its memories together. JavaScript and Python engines need some 20 MiB of it.
    MemoryBytes, memory_bytes: 64 << 20, "bytes";
    /// Entries of all WebAssembly tables of one instance: each costs the host a pointer.
    TableElements, table_elements: 100_000, "entries";
    /// Core instances, and likewise memories and tables, within one component. Python needs some dozens.
    Instances, instances: 512, "instances";
    /// Thread CPU time of one batch. CPU time, so that a busy machine convicts nobody.
    BatchCpu, batch_cpu_ms: 2_000, "milliseconds";
    /// Wall time of one batch: a backstop, for the time that the CPU clock does not see.
    BatchWall, batch_wall_ms: 60_000, "milliseconds";
    /// Thread CPU time of `describe`, of `check-config`, of making an instance, and of its `init`, each.
    StartCpu, start_cpu_ms: 5_000, "milliseconds";
    /// Wall time of the same.
    StartWall, start_wall_ms: 60_000, "milliseconds";
    /// Thread CPU time of one query.
    QueryCpu, query_cpu_ms: 2_000, "milliseconds";
    /// Wall time of one query.
    QueryWall, query_wall_ms: 30_000, "milliseconds";
    /// What one call of a pure plugin (a schema extension, a payload mode) may burn: about one unit for each instruction and
    /// each byte that is copied, the same on every machine. Spent in some 50 ms; an IBAN costs some thousands.
    Fuel, fuel: 50_000_000, "units of fuel";
    /// Text that one call returns: a descriptor, the failures of a batch, the answer of a query.
    OutputBytes, output_bytes: 4 << 20, "bytes";
    /// What one crossing may hand to the host, arguments or results, as the host stores it: more than the writes of a
    /// batch of 256, less than what would hurt.
    HostCallBytes, host_call_bytes: 16 << 20, "bytes";
    /// What one read may hand to the guest.
    ReadBytes, read_bytes: 4 << 20, "bytes";
    /// Entries of one page of a scan.
    ScanEntries, scan_entries: 1_024, "entries";
    /// A key of a table.
    KeyBytes, key_bytes: 4 << 10, "bytes";
    /// A value in a table.
    ValueBytes, value_bytes: 1 << 20, "bytes";
    /// Writes of one batch, before they are committed: keys, values and what the host needs to order them.
    WriteBytes, write_bytes: 32 << 20, "bytes";
    /// Open connections of one transport.
    OutboundConnections, outbound_connections: 8, "connections";
    /// What a transport hands over in one request, or in one `send`. Breaking it does not trap: the call fails.
    OutboundSendBytes, outbound_send_bytes: 4 << 20, "bytes";
    /// The body of one answer, and what one `receive` returns. Breaking it does not trap: the call fails.
    OutboundReceiveBytes, outbound_receive_bytes: 4 << 20, "bytes";
    /// Wall time of one call to the outside. Breaking it does not trap: the call fails.
    OutboundCall, outbound_call_ms: 10_000, "milliseconds";
    /// Wall time of all calls to the outside in one batch. Breaking it does not trap: calls fail at once, and the
    /// transport says what is done.
    OutboundBatch, outbound_batch_ms: 20_000, "milliseconds";
    /// Thread CPU time of one request to a gateway.
    GatewayCpu, gateway_cpu_ms: 1_000, "milliseconds";
    /// Wall time of the same.
    GatewayWall, gateway_wall_ms: 10_000, "milliseconds";
    /// The body of a request to a gateway. It is refused before the gateway sees it.
    GatewayRequestBytes, gateway_request_bytes: 4 << 20, "bytes";
    /// All bodies that a gateway begins to answer one request with.
    GatewayResponseBytes, gateway_response_bytes: 4 << 20, "bytes";
    /// Calls of a gateway to its domain, for one request.
    GatewayClientCalls, gateway_client_calls: 64, "calls";
    /// Headers of one message: names, values, and 32 bytes for each.
    HttpHeaderBytes, http_header_bytes: 32 << 10, "bytes";
    /// Handles that an instance holds: connections, requests, bodies, streams.
    Handles, handles: 256, "handles";
    /// Log lines of one call; the rest is counted in one line more. Breaking it does not trap.
    LogLines, log_lines: 100, "lines";
    /// One log line; the rest of it is cut off. Breaking it does not trap.
    LogLineBytes, log_line_bytes: 8 << 10, "bytes";
    /// Different names of counters and gauges in one call: each becomes a time series.
    MetricNames, metric_names: 64, "names";
}

/// Native stack of a call, the same for every plugin. The thread that calls must have more than this.
pub const STACK_BYTES: usize = 512 << 10;

/// The largest component that is looked at.
pub const COMPONENT_BYTES: usize = 64 << 20;

/// Tables, and queries, of one plugin.
pub const DECLARATIONS: usize = 64;

/// A name in a descriptor, and one of a metric.
pub const NAME_BYTES: usize = 64;

/// Globs, JSON Pointers or capabilities in one list of a descriptor.
pub const LIST_ITEMS: usize = 256;

/// Frames of a backtrace that are kept.
pub(crate) const BACKTRACE_FRAMES: usize = 16;

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_limit_has_a_name_that_sets_it() {
        for limit in Limit::ALL {
            let text = format!("{{\"{limit}\": 7}}");
            let limits: Limits = serde_json::from_str(&text).unwrap();
            assert_eq!(limit.of(&limits), 7, "{limit}");
            assert!(limit.of(&Limits::default()) > 0, "{limit}");
        }
    }

    #[test]
    fn an_unknown_limit_is_refused() {
        assert!(serde_json::from_str::<Limits>("{\"memory\": 7}").is_err());
    }
}
