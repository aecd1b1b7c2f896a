//! What `wit-bindgen` makes of `wit/`.

#![allow(missing_docs, unsafe_code, unreachable_pub, rust_2018_idioms, clippy::all, reason = "generated from wit/")]

wit_bindgen::generate!({
    path: "../wit",
    world: "read-model-with-queries",
    pub_export_macro: true,
    export_macro_name: "export_guest",
    default_bindings_module: "eventdbx_plugin_sdk::bindings",
});

pub use eventdbx::plugin::{host, state, types};
