//! Schemas and modes as the callers of a domain see them.

mod book;
mod extensions;
mod figures;
mod support;
mod switching;
mod upcasting;
mod writing;
