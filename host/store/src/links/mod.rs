//! References between aggregates: who refers to one, and what becomes of that when it is archived.
//!
//! A reference stands in a state, in a column of the type `reference`. The index ([`index`]) finds those that may refer to
//! an aggregate; the state of each says whether it does, by the schema that is active now. So the index is derived: it can
//! be thrown away, and is built anew when somebody asks.

mod archive;
mod index;
mod referrers;

pub(crate) use archive::ArchivePlan;
pub(crate) use index::name_of;
pub use referrers::Referrer;
