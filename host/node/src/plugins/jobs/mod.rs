//! Jobs: what is delivered to a plugin beside its live generation, because somebody asked for it.
//!
//! | work | cursor | tables |
//! |---|---|---|
//! | `rebuild`: the whole log | of the new generation | its own, which then take the place of the live ones |
//! | `stretch`: a part of the log | of a generation without tables | the live ones, or none where the plugin has none |
//! | `dry-run` | of a scratch generation | its own, compared with the live ones and thrown away |
//!
//! A job is a record ([`JobRecord`]) and a generation. The record is written when it begins and when it ends; how far it
//! is stands in the generation's cursor, which moves in one batch with whatever the plugin wrote. So a restart costs a job
//! nothing and counts no event twice. The plugin's own worker steps it (`at_work`), one batch at a time
//! between two live ones.

mod at_work;
mod compare;
mod control;
mod copy;
mod errand;
mod ledger;
mod pace;
mod record;
mod request;
mod running;
mod span;
mod status;

pub(super) use self::{
    at_work::Order, errand::Errand, ledger::Jobs, record::JobRecord, request::Plan, running::Running, span::Span,
};
pub use self::{
    request::ReplayRequest,
    status::{Difference, JobState, JobStatus, SampledKey, TableDifference, Work},
};
