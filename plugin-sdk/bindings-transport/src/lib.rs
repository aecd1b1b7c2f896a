//! What `wit-bindgen` makes of the world `transport`. Plugins use `eventdbx-plugin-sdk`, which stands on it.
//!
//! It is a crate because of the macros that export a world: they stand at the top of their crate under names that do not
//! tell worlds apart, so that one crate can hold one world.

#![allow(missing_docs, unsafe_code, unreachable_pub, rust_2018_idioms, clippy::all, reason = "generated from wit/")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "transport",
    pub_export_macro: true,
    export_macro_name: "export_guest",
    default_bindings_module: "eventdbx_plugin_sdk::transport_bindings",
});
