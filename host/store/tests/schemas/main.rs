//! Schemas and modes as the callers of a domain see them.

mod book;
mod extensions;
mod figures;
mod references;
mod support;
mod switching;
mod upcasting;
mod writing;
