//! What the bytes of a component say, with nothing of it compiled or run.

use serde::Serialize;
use wasmparser::{Parser, Payload};

use crate::{
    component::{self, ComponentHash},
    contract,
    inspect::{self, Outside, Shape},
    load_error::LoadError,
};

/// What the bytes of a component say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Hash of the file.
    pub hash: String,
    /// Bytes of the file.
    pub bytes: u64,
    /// `component`, or `module` for a core module that carries its component type.
    pub shape: &'static str,
    /// The world that it is made for, as its imports and exports tell.
    pub world: Option<&'static str>,
    /// Version of the contract that it says it was built against.
    pub api_version: Option<String>,
    /// What it imports: all that it can ever reach.
    pub imports: Vec<String>,
    /// What it exports.
    pub exports: Vec<String>,
    /// Where its bytes are.
    pub sizes: Sizes,
    /// Why this host would not take it; none: it would.
    pub differences: Vec<String>,
}

/// Where the bytes of a component are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Sizes {
    /// Core modules in it.
    pub modules: u64,
    /// Bytes of code.
    pub code: u64,
    /// Bytes of data that memories begin with.
    pub data: u64,
    /// Bytes of custom sections: names, producers, debugging.
    pub custom: u64,
}

/// Reads a component, or a core module that carries its component type.
///
/// # Errors
///
/// When it is neither.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, LoadError> {
    let shape = match inspect::shape(bytes)? {
        Shape::Component => "component",
        Shape::Module => "module",
    };
    let component = component::encode(bytes)?;
    let outside = inspect::outside(&component)?;
    let differences = contract::check(&outside).err().map(|mismatch| mismatch.differences).unwrap_or_default();
    Ok(Inspection {
        hash: ComponentHash::of(bytes).to_string(),
        bytes: bytes.len() as u64,
        shape,
        world: world(&outside),
        api_version: outside.stamp.map(|version| version.to_string()),
        sizes: sizes(&component)?,
        imports: outside.imports,
        exports: outside.exports,
        differences,
    })
}

/// The most telling export decides.
fn world(outside: &Outside) -> Option<&'static str> {
    let has = |names: &[String], interface: &str| {
        names.iter().any(|name| name.split('@').next().is_some_and(|name| name == interface))
    };
    let exports = |interface: &str| has(&outside.exports, &format!("eventdbx:plugin/{interface}"));
    let imports = |interface: &str| has(&outside.imports, &format!("eventdbx:plugin/{interface}"));
    if !exports("meta") {
        return None;
    }
    if has(&outside.exports, "wasi:http/incoming-handler") {
        return Some("gateway");
    }
    if exports("shape") {
        return Some("payload-mode");
    }
    if exports("column-types") || exports("rules") {
        return Some("schema-extension");
    }
    if exports("handler") && has(&outside.imports, "wasi:http/outgoing-handler") {
        return Some("transport-with-wasi-http");
    }
    match (exports("handler"), imports("outbound"), exports("queryable")) {
        (true, true, _) => Some("transport"),
        (true, false, true) => Some("read-model-with-queries"),
        (true, false, false) => Some("read-model"),
        (false, ..) => None,
    }
}

fn sizes(component: &[u8]) -> Result<Sizes, LoadError> {
    let mut sizes = Sizes::default();
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| LoadError::Invalid(error.to_string()))? {
            Payload::ModuleSection { .. } => sizes.modules += 1,
            Payload::CodeSectionStart { size, .. } => sizes.code += u64::from(size),
            Payload::DataSection(section) => sizes.data += section.range().end.saturating_sub(section.range().start),
            Payload::CustomSection(section) => sizes.custom += section.data().len() as u64,
            _ => {}
        }
    }
    Ok(sizes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_world_shows_in_what_is_imported_and_exported() {
        let world = |imports: &[&str], exports: &[&str]| {
            let named = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
            world(&Outside { imports: named(imports), exports: named(exports), stamp: None })
        };
        let (meta, handler) = ("eventdbx:plugin/meta@0.1.0", "eventdbx:plugin/handler@0.1.0");
        assert_eq!(world(&[], &[handler]), None);
        assert_eq!(world(&[], &[meta, handler]), Some("read-model"));
        let queryable = "eventdbx:plugin/queryable@0.1.0";
        assert_eq!(world(&[], &[meta, handler, queryable]), Some("read-model-with-queries"));
        assert_eq!(world(&["eventdbx:plugin/outbound@0.1.0"], &[meta, handler]), Some("transport"));
        assert_eq!(world(&["wasi:http/outgoing-handler@0.2.0"], &[meta, handler]), Some("transport-with-wasi-http"));
        assert_eq!(world(&[], &[meta, "wasi:http/incoming-handler@0.2.0"]), Some("gateway"));
        assert_eq!(world(&[], &[meta, "eventdbx:plugin/rules@0.1.0"]), Some("schema-extension"));
    }

    #[test]
    fn what_is_no_webassembly_is_refused() {
        assert!(matches!(inspect(b"#!/bin/sh"), Err(LoadError::NotWebAssembly)));
    }
}
