//! What `wit-bindgen` makes of the world `gateway`. Plugins use `eventdbx-plugin-sdk`, which stands on it.
//!
//! A crate of its own, as for the other worlds: two that export one interface (`meta`) make macros of one name. What worlds
//! share is taken from the crate of another.

#![allow(missing_docs, unsafe_code, unreachable_pub, rust_2018_idioms, clippy::all, reason = "generated from wit/")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "gateway",
    pub_export_macro: true,
    export_macro_name: "export_gateway",
    default_bindings_module: "eventdbx_plugin_sdk::gateway::bindings",
    generate_all,
    with: {
        "eventdbx:plugin/types@0.1.0": eventdbx_plugin_bindings_transport::eventdbx::plugin::types,
        "eventdbx:plugin/host@0.1.0": eventdbx_plugin_bindings_transport::eventdbx::plugin::host,
    },
});
