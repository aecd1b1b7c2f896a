//! What this host offers and asks for, and how a component differs from it.

use std::fmt::{self, Write as _};

use crate::inspect::{ApiVersion, Outside};

/// The version of `eventdbx:plugin` that this host serves.
pub const API_VERSION: ApiVersion = ApiVersion::new(0, 1, 0);

const PACKAGE: &str = "eventdbx:plugin/";

/// Interfaces that a read model may import.
const OFFERED: [&str; 3] = ["types", "host", "state"];
/// Interfaces that it must export.
const REQUIRED: [&str; 2] = ["meta", "handler"];
/// Interfaces that it may export.
const OPTIONAL: [&str; 1] = ["queryable"];

/// How a component differs from what this host can run. Its text is for people, one line per difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the component was built against, as far as it says so.
    pub built_against: Option<ApiVersion>,
    /// One line per difference.
    pub differences: Vec<String>,
    /// What to do about it.
    pub advice: &'static str,
}

/// What a component that fits can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) api: ApiVersion,
    pub(crate) queryable: bool,
}

/// Compares names; types are compared by wasmtime afterwards.
pub(crate) fn check(outside: &Outside) -> Result<Fit, Mismatch> {
    let built_against = outside.stamp.or_else(|| newest_named(outside));
    let mut differences = Vec::new();
    for import in &outside.imports {
        if let Some(reason) = refused_import(import) {
            differences.push(format!("imports {import}: {reason}"));
        }
    }
    for export in &outside.exports {
        if let Some(reason) = refused_export(export) {
            differences.push(format!("exports {export}: {reason}"));
        }
    }
    for interface in REQUIRED.iter().filter(|interface| !exports(outside, interface)) {
        differences.push(format!("does not export {PACKAGE}{interface}@{API_VERSION}: every read model does"));
    }
    let newer = built_against.is_some_and(|version| !API_VERSION.serves(version));
    match built_against {
        Some(api) if !newer && differences.is_empty() => Ok(Fit { api, queryable: exports(outside, "queryable") }),
        _ => Err(Mismatch { built_against, differences, advice: advice(outside, built_against) }),
    }
}

/// The names fit, but a function or a type behind them does not.
pub(crate) fn types_differ(fit: Fit, reason: &str) -> Mismatch {
    Mismatch {
        built_against: Some(fit.api),
        differences: vec![format!("differs behind the same names: {reason}")],
        advice: "Build it against the released text of the contract; a changed copy of it is another contract.",
    }
}

fn advice(outside: &Outside, built_against: Option<ApiVersion>) -> &'static str {
    match built_against {
        None => {
            "This is a component, but no plugin of EventDBX: build it against the world `read-model` of eventdbx:plugin."
        }
        Some(version) if version > API_VERSION => {
            "Update this host, or build the plugin against the version that the host serves."
        }
        Some(version) if !API_VERSION.serves(version) => "Build the plugin against the version that the host serves.",
        Some(_) if outside.imports.iter().any(|import| import.starts_with("wasi:")) => {
            "Plugins get no WASI: in Rust build for wasm32-unknown-unknown, elsewhere have the toolchain leave WASI out."
        }
        Some(_) => {
            "Build it for the world `read-model` or `read-model-with-queries`; this host runs no other kind yet."
        }
    }
}

fn refused_import(name: &str) -> Option<String> {
    match split(name) {
        Some((interface, version)) if OFFERED.contains(&interface) => refused_version(version),
        Some(_) => Some("this host offers a read model no such interface".to_owned()),
        None if name.starts_with("wasi:") => Some("this host offers plugins no WASI".to_owned()),
        None => Some("this host offers nothing of that name".to_owned()),
    }
}

/// Exports of other packages are none of our business: some toolchains leave their own.
fn refused_export(name: &str) -> Option<String> {
    match split(name) {
        Some((interface, version)) if REQUIRED.contains(&interface) || OPTIONAL.contains(&interface) => {
            refused_version(version)
        }
        Some(_) => Some("no read model does; is it another kind of plugin?".to_owned()),
        None => None,
    }
}

fn refused_version(version: Option<ApiVersion>) -> Option<String> {
    match version {
        Some(version) if API_VERSION.serves(version) => None,
        Some(version) if version > API_VERSION => Some(format!("newer than {API_VERSION}, which this host serves")),
        _ => Some(format!("this host serves {API_VERSION}")),
    }
}

fn exports(outside: &Outside, interface: &str) -> bool {
    outside.exports.iter().filter_map(|name| split(name)).any(|(name, _)| name == interface)
}

fn newest_named(outside: &Outside) -> Option<ApiVersion> {
    let names = outside.imports.iter().chain(&outside.exports);
    names.filter_map(|name| split(name)).filter_map(|(_, version)| version).max()
}

/// Interface and version of a name that belongs to our package.
fn split(name: &str) -> Option<(&str, Option<ApiVersion>)> {
    let rest = name.strip_prefix(PACKAGE)?;
    match rest.split_once('@') {
        Some((interface, version)) => Some((interface, ApiVersion::parse(version))),
        None => Some((rest, None)),
    }
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("the component does not fit this host, which serves eventdbx:plugin {API_VERSION}");
        match self.built_against {
            Some(version) => write!(text, "; it was built against {version}")?,
            None => text.push_str("; it has nothing of eventdbx:plugin"),
        }
        for difference in &self.differences {
            write!(text, "\n  - it {difference}")?;
        }
        write!(text, "\n{}", self.advice)?;
        f.write_str(&text)
    }
}

impl std::error::Error for Mismatch {}

#[cfg(test)]
mod tests {
    use super::*;

    fn outside(imports: &[&str], exports: &[&str]) -> Outside {
        let owned = |names: &[&str]| names.iter().map(ToString::to_string).collect();
        Outside { imports: owned(imports), exports: owned(exports), stamp: None }
    }

    const META: &str = "eventdbx:plugin/meta@0.1.0";
    const HANDLER: &str = "eventdbx:plugin/handler@0.1.0";

    #[test]
    fn a_read_model_fits_and_what_a_toolchain_leaves_behind_is_ignored() {
        let fit =
            check(&outside(&["eventdbx:plugin/state@0.1.0"], &[META, HANDLER, "init", "other:thing/init"])).unwrap();
        assert_eq!(fit, Fit { api: API_VERSION, queryable: false });
        assert!(check(&outside(&[], &[META, HANDLER, "eventdbx:plugin/queryable@0.1.0"])).unwrap().queryable);
    }

    #[test]
    fn a_newer_contract_is_refused_by_name_and_by_stamp() {
        let by_name = check(&outside(&["eventdbx:plugin/clock@0.2.0"], &[META, HANDLER])).unwrap_err();
        assert_eq!(by_name.built_against, Some(ApiVersion::new(0, 2, 0)));
        assert!(by_name.advice.starts_with("Update this host"), "{by_name}");
        let mut stamped = outside(&[], &[META, HANDLER]);
        stamped.stamp = Some(ApiVersion::new(0, 1, 1));
        assert!(check(&stamped).unwrap_err().to_string().contains("built against 0.1.1"));
    }

    #[test]
    fn every_difference_is_listed() {
        let text = check(&outside(&["wasi:cli/environment@0.2.6", "thing"], &[META, "eventdbx:plugin/shape@0.1.0"]))
            .unwrap_err()
            .to_string();
        for part in ["wasi:cli/environment@0.2.6: this host offers plugins no WASI", "imports thing", "shape", HANDLER]
        {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
