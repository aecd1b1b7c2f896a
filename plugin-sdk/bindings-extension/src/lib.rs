//! What `wit-bindgen` makes of the world `schema-extension-with-upcasts`. A crate of its own: two worlds that export one interface
//! (`meta`) make macros of one name, and a crate exports each name once.

#![allow(missing_docs, unsafe_code, unreachable_pub, rust_2018_idioms, clippy::all, reason = "generated from wit/")]

wit_bindgen::generate!({
    path: "../../wit",
    world: "schema-extension-with-upcasts",
    pub_export_macro: true,
    export_macro_name: "export_extension",
    default_bindings_module: "eventdbx_plugin_sdk::extension::bindings",
});
