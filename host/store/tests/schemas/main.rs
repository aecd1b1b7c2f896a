//! Schemas and modes as the callers of a domain see them.

mod book;
mod support;
mod switching;
mod writing;
