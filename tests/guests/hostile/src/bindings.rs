//! The contract as a guest sees it.

wit_bindgen::generate!({
    path: "../../../wit",
    world: "eventdbx:plugin/read-model-with-queries",
    pub_export_macro: true,
    export_macro_name: "export",
});
