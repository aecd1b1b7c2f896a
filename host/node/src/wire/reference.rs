//! References between aggregates.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::Raw;

/// A reference in the state of an aggregate, and what it leads to.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResolvedReference {
    /// Where it stands in the state: a JSON Pointer.
    pub path: String,
    /// The domain that it leads into.
    pub domain: String,
    /// Type of the aggregate that it names.
    pub aggregate_type: String,
    /// Id of the aggregate that it names.
    pub aggregate_id: String,
    /// What became of following it.
    pub status: ReferenceStatus,
    /// Version of the aggregate, where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Whether it is archived, where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archived: Option<bool>,
    /// Its state as it is now, canonical JSON, where it was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub state: Option<Raw>,
    /// The references in that state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(no_recursion)]
    pub references: Vec<ResolvedReference>,
}

/// What became of following a reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReferenceStatus {
    /// The aggregate is there.
    Found,
    /// There is no such aggregate, or no such domain.
    Missing,
    /// The caller may not read that domain.
    Forbidden,
    /// It leads back to an aggregate on the way to it.
    Cycle,
    /// It lies deeper than was asked for.
    TooDeep,
    /// So many were followed already that this one was not (`RESOLVED_REFERENCES`).
    TooMany,
}

impl ReferenceStatus {
    /// Its name.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::Missing => "missing",
            Self::Forbidden => "forbidden",
            Self::Cycle => "cycle",
            Self::TooDeep => "too-deep",
            Self::TooMany => "too-many",
        }
    }
}

/// An aggregate that refers to another one.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Referrer {
    /// Its type.
    pub aggregate_type: String,
    /// Its id.
    pub aggregate_id: String,
    /// Version of its last event.
    pub version: u64,
    /// Whether it is archived.
    pub archived: bool,
    /// Where its references to the other one stand in its state: JSON Pointers.
    pub paths: Vec<String>,
}

/// A page of aggregates that refer to another one, in the order in which they were created.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Referrers {
    /// The aggregates.
    pub rows: Vec<Referrer>,
    /// Opaque: to be given as `cursor` for the next page; `null`: this was the last. A page may have fewer rows than asked
    /// for, even none, and not be the last.
    pub next: Option<String>,
}
