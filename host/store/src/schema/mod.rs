//! Schemas: what the events of an aggregate type may say, and what its state must hold.
//!
//! A [`SchemaDocument`] is what a schema says, read from JSON and free of contradictions. A [`Schema`] is the same made
//! ready for checking, once, to be shared in an [`Arc`](std::sync::Arc). Everything here is pure: it reads no log and
//! writes none, and what it decides depends on the document and on the values alone. So a check repeated elsewhere, or
//! years later, decides the same.
//!
//! The invariants that the room owns: *a document that was read can be met* (what contradicts itself is refused when it is
//! written down, not when events arrive), *all that is wrong is reported at once*, and *no answer repeats the value of a
//! hidden field*.
//!
//! A payload is a merge-patch (RFC 7396), so two kinds of rules are told apart. What a value must be is checked on the
//! payload ([`Schema::check_payload`]); what must be *there* is a rule about the state after the event
//! ([`Schema::check_required`]), decided without folding the state. An event that is a JSON Patch is checked on the state
//! that it makes ([`Schema::check_patch`]).
//!
//! What a schema leaves to extensions is not decided here: it is gathered by an [`Inquiry`], which asks them once.

mod check;
mod column;
mod compiled;
mod decimal;
mod diff;
mod document;
mod extension;
mod fault;
mod foreign;
mod format;
mod hidden;
mod infer;
mod json_schema;
mod links;
mod parse;
mod patch;
mod place;
mod reference;
mod require;
mod rules;
pub(crate) mod time;
mod upcast;
mod violation;
mod write;

pub use compiled::Schema;
pub use diff::{Change, ChangeKind, diff};
pub use document::{Known, SchemaDocument};
pub use extension::{
    ExtensionFailure, Extensions, Judgement, Objection, ProposedEvent, Provided, ProvidedRule, Provider, Silence,
    TypedValue, Use, UseKind, Verdict,
};
pub use fault::SchemaFault;
pub use foreign::{Inquiry, Proposal};
pub use infer::Inference;
pub use json_schema::json_schema;
pub use links::Link;
pub use reference::{Integrity, OnArchive, Reference};
pub use require::Requirements;
pub use violation::Violation;
