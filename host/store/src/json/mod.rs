//! JSON, from the bytes of a client to the canonical form that is hashed and compared.
//!
//! One rule runs through the room: *text that was accepted means the same to every reader*. So [`Json::parse`] refuses
//! what readers disagree about (members that appear twice, numbers that a double does not hold, halves of surrogate
//! pairs) before anything is committed to, and folding works on values whose canonical form (RFC 8785) is one string.

mod canonical;
mod fault;
mod merge;
mod number;
mod patch;
mod strict;
mod text;

pub use canonical::canonical_json;
pub(crate) use canonical::{canonical, canonical_object};
pub use fault::JsonFault;
pub(crate) use merge::merge;
pub(crate) use patch::{apply_patch, depth};
pub use strict::Shape;
pub use text::Json;
