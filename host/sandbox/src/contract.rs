//! What this host offers and asks for, and how a component differs from it.

use std::fmt::{self, Write as _};

use crate::{
    inspect::{ApiVersion, Outside},
    kind::{Kind, Outline},
};

/// The version of `eventdbx:plugin` that this host serves.
pub const API_VERSION: ApiVersion = ApiVersion::new(0, 1, 0);

const PACKAGE: &str = "eventdbx:plugin/";

/// How a component differs from what this host can run. Its text is for people, one line per difference.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// What the component was built against, as far as it says so.
    pub built_against: Option<ApiVersion>,
    /// One line per difference.
    pub differences: Vec<String>,
    /// What to do about it.
    pub advice: String,
}

/// What a component that fits can do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fit {
    pub(crate) api: ApiVersion,
    pub(crate) kind: Kind,
    /// The interfaces of the contract that it exports.
    interfaces: Vec<String>,
}

impl Fit {
    /// Whether it exports an interface of the contract.
    pub(crate) fn exports(&self, interface: &str) -> bool {
        self.interfaces.iter().any(|exported| exported == interface)
    }
}

/// Compares names; types are compared by wasmtime afterwards.
pub(crate) fn check(outside: &Outside) -> Result<Fit, Mismatch> {
    let built_against = outside.stamp.or_else(|| newest_named(outside));
    let names: Vec<&str> = outside.imports.iter().chain(&outside.exports).map(|name| bare(name)).collect();
    let outline = Outline::of(&names);
    let mut differences = Vec::new();
    for import in &outside.imports {
        if let Some(reason) = refused_import(outline, import) {
            differences.push(format!("imports {import}: {reason}"));
        }
    }
    for export in &outside.exports {
        if let Some(reason) = refused_export(outline, export) {
            differences.push(format!("exports {export}: {reason}"));
        }
    }
    let exports = outside.exports.iter().filter_map(|name| split(name));
    let interfaces: Vec<String> = exports.map(|(interface, _)| interface.to_owned()).collect();
    for interface in outline.requires.iter().filter(|required| !interfaces.iter().any(|name| name == *required)) {
        let kind = outline.kind.noun();
        differences.push(format!("does not export {PACKAGE}{interface}@{API_VERSION}: every {kind} does"));
    }
    let exported = |name: &str| outside.exports.iter().any(|export| bare(export) == name);
    for name in outline.requires_foreign.iter().filter(|required| !exported(required)) {
        differences.push(format!("does not export {name}: every {} does", outline.kind.noun()));
    }
    let newer = built_against.is_some_and(|version| !API_VERSION.serves(version));
    match built_against {
        Some(api) if !newer && differences.is_empty() => Ok(Fit { api, kind: outline.kind, interfaces }),
        _ => Err(Mismatch { built_against, differences, advice: advice(outside, outline, built_against) }),
    }
}

/// The names fit, but a function or a type behind them does not.
pub(crate) fn types_differ(fit: &Fit, reason: &str) -> Mismatch {
    let advice = "Build it against the released text of the contract; a changed copy of it is another contract.";
    Mismatch {
        built_against: Some(fit.api),
        differences: vec![format!("differs behind the same names: {reason}")],
        advice: advice.to_owned(),
    }
}

fn advice(outside: &Outside, outline: &Outline, built_against: Option<ApiVersion>) -> String {
    let (kind, kinds) = (outline.kind.as_str(), Outline::kinds());
    match built_against {
        None => {
            format!("This is a component, but no plugin of EventDBX: build it against a world of eventdbx:plugin ({kinds}).")
        }
        Some(version) if version > API_VERSION => {
            "Update this host, or build the plugin against the version that the host serves.".to_owned()
        }
        Some(version) if !API_VERSION.serves(version) => {
            "Build the plugin against the version that the host serves.".to_owned()
        }
        Some(_) if outside.imports.iter().any(|import| import.starts_with("wasi:")) => {
            "Plugins get no WASI beyond what their world names: in Rust build for wasm32-unknown-unknown, elsewhere have the \
             toolchain leave WASI out."
                .to_owned()
        }
        Some(_) => format!("Build it for the world `{kind}`, or for another that this host runs ({kinds})."),
    }
}

fn refused_import(outline: &Outline, name: &str) -> Option<String> {
    match split(name) {
        Some((interface, version)) if outline.may_import(interface) => refused_version(version),
        Some(_) => Some(format!("this host offers {} no such interface", outline.kind.article())),
        None if outline.may_import_foreign(bare(name)) => None,
        None if name.starts_with("wasi:") => {
            Some(format!("this host offers {} no such part of WASI", outline.kind.article()))
        }
        None => Some("this host offers nothing of that name".to_owned()),
    }
}

/// Exports of other packages are none of our business: some toolchains leave their own.
fn refused_export(outline: &Outline, name: &str) -> Option<String> {
    match split(name) {
        Some((interface, version)) if outline.may_export(interface) => refused_version(version),
        Some(_) => Some(format!("no {} does; is it another kind of plugin?", outline.kind.noun())),
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

fn newest_named(outside: &Outside) -> Option<ApiVersion> {
    let names = outside.imports.iter().chain(&outside.exports);
    names.filter_map(|name| split(name)).filter_map(|(_, version)| version).max()
}

/// A name without the contract's package and without a version: by it kinds are told apart.
fn bare(name: &str) -> &str {
    let name = name.strip_prefix(PACKAGE).unwrap_or(name);
    name.split_once('@').map_or(name, |(name, _)| name)
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
        assert_eq!((fit.api, fit.kind, fit.exports("queryable")), (API_VERSION, Kind::ReadModel, false));
        let fit = check(&outside(&[], &[META, HANDLER, "eventdbx:plugin/queryable@0.1.0"])).unwrap();
        assert!(fit.exports("queryable"));
    }

    #[test]
    fn a_gateway_has_a_handler_and_of_wasi_only_what_that_needs() {
        let (client, types) = ("eventdbx:plugin/client@0.1.0", "wasi:http/types@0.2.6");
        let handler = "wasi:http/incoming-handler@0.2.6";
        assert_eq!(check(&outside(&[client, types], &[META, handler])).unwrap().kind, Kind::Gateway);
        let without = check(&outside(&[client], &[META])).unwrap_err();
        assert_eq!(without.differences, ["does not export wasi:http/incoming-handler: every gateway does"]);
        for more in ["wasi:http/outgoing-handler@0.2.6", "wasi:random/random@0.2.6", "wasi:cli/environment@0.2.6"] {
            let refused = check(&outside(&[more], &[META, handler])).unwrap_err().to_string();
            assert!(refused.contains(&format!("imports {more}: this host offers a gateway no such part")), "{refused}");
        }
    }

    #[test]
    fn one_kind_may_not_use_what_belongs_to_another() {
        let (state, outbound) = ("eventdbx:plugin/state@0.1.0", "eventdbx:plugin/outbound@0.1.0");
        let both = check(&outside(&[state, outbound], &[META, HANDLER])).unwrap_err().to_string();
        assert!(both.contains("state@0.1.0: this host offers a transport no such interface"), "{both}");
        let pure =
            check(&outside(&["eventdbx:plugin/host@0.1.0"], &[META, "eventdbx:plugin/shape@0.1.0"])).unwrap_err();
        assert!(pure.to_string().contains("offers a payload mode no such interface"), "{pure}");
        let queried = check(&outside(&[outbound], &[META, HANDLER, "eventdbx:plugin/queryable@0.1.0"])).unwrap_err();
        assert!(queried.to_string().contains("no transport does"), "{queried}");
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
        let text = check(&outside(&["wasi:cli/environment@0.2.6", "thing"], &[META, "eventdbx:plugin/other@0.1.0"]))
            .unwrap_err()
            .to_string();
        for part in [
            "wasi:cli/environment@0.2.6: this host offers a read model no such part of WASI",
            "imports thing",
            "other",
            HANDLER,
        ] {
            assert!(text.contains(part), "{part} is missing in:\n{text}");
        }
    }
}
