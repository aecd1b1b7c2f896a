//! The interfaces of the pure kinds as Rust: generated. The shared types come from [`crate::wire::types`].

#![allow(missing_docs, reason = "generated from wit/, where it is documented")]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package eventdbx:host;
        world pure {
            include eventdbx:plugin/schema-extension-with-upcasts@0.1.0;
            include eventdbx:plugin/payload-mode@0.1.0;
        }
    ",
    world: "eventdbx:host/pure",
    ownership: Borrowing { duplicate_if_necessary: false },
    with: { "eventdbx:plugin/types": crate::wire::types },
});
