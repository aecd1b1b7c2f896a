//! The contract of `wit/plugin.wit` as Rust: generated, one set over everything.
//!
//! One world that has everything is generated; what a plugin may leave out is probed by the indices of the single interface, never by
//! those of the world, which insist on all of them. The shared types come from [`types`] instead, so that a batch
//! can be lowered from text that the host already holds.

#![expect(unreachable_pub, reason = "generated")]

pub mod types;

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package eventdbx:sandbox;
        world every-kind {
            include eventdbx:plugin/read-model-with-queries@0.1.0;
            include eventdbx:plugin/transport@0.1.0;
        }
    ",
    world: "eventdbx:sandbox/every-kind",
    ownership: Borrowing { duplicate_if_necessary: false },
    imports: { default: trappable },
    with: {
        "eventdbx:plugin/types": crate::wire::types,
        "eventdbx:plugin/outbound.connection": crate::network::OpenConnection,
    },
});
