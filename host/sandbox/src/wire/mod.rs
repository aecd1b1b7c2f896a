//! The contract of `wit/plugin.wit` as Rust: generated, one set over everything.
//!
//! The widest world is generated; what a plugin may leave out is probed by the indices of the single interface, never by
//! those of the world, which insist on all of them. The shared types come from [`types`] instead, so that a batch
//! can be lowered from text that the host already holds.

#![expect(unreachable_pub, reason = "generated")]

pub mod types;

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "eventdbx:plugin/read-model-with-queries",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: { default: trappable },
    with: { "eventdbx:plugin/types": crate::wire::types },
});
