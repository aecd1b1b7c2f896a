//! The day of flights that lies in `tests/data`, for the tests of the plugins beside this file.

use std::io::Read;

use eventdbx_plugin_sdk::testing::Log;

const DAY: &[u8] = include_bytes!("../tests/data/flights-2013-01-01.ndjson.gz");
const EXPECTED: &str = include_str!("../tests/data/flights-2013-01-01.expected.json");

/// The events of that day, and the answers that they must lead to.
pub(crate) fn day() -> (Log, serde_json::Value) {
    let mut lines = String::new();
    flate2::read::GzDecoder::new(DAY).read_to_string(&mut lines).expect("the file is gzip");
    let log = Log::from_ndjson(&lines).expect("each line is an event");
    (log, serde_json::from_str(EXPECTED).expect("the file is JSON"))
}
