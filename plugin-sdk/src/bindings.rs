//! What `wit-bindgen` makes of `wit/`. What worlds share is taken from the crate of the other world.

#![allow(missing_docs, unsafe_code, unreachable_pub, rust_2018_idioms, clippy::all, reason = "generated from wit/")]

wit_bindgen::generate!({
    path: "../wit",
    world: "read-model-with-queries",
    pub_export_macro: true,
    export_macro_name: "export_guest",
    default_bindings_module: "eventdbx_plugin_sdk::bindings",
    with: {
        "eventdbx:plugin/types@0.1.0": eventdbx_plugin_bindings_transport::eventdbx::plugin::types,
        "eventdbx:plugin/host@0.1.0": eventdbx_plugin_bindings_transport::eventdbx::plugin::host,
    },
});

pub use eventdbx::plugin::state;
pub use eventdbx_plugin_bindings_transport::eventdbx::plugin::{host, types};
