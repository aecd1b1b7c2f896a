//! One JSON value per line.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::Serialize;

/// The media type.
pub(super) const NDJSON: &str = "application/x-ndjson";

/// One line.
pub(super) fn line(value: &impl Serialize) -> Bytes {
    lines(std::slice::from_ref(value))
}

/// A line for each value.
pub(super) fn lines(values: &[impl Serialize]) -> Bytes {
    let mut out = BytesMut::with_capacity(values.len() * 512).writer();
    for value in values {
        // NOTE: our own types always serialise, and memory does not refuse a write.
        if serde_json::to_writer(&mut out, value).is_ok() {
            out.get_mut().put_u8(b'\n');
        }
    }
    out.into_inner().freeze()
}
