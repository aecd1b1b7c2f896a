//! What a component says about itself, read from its bytes before anything is compiled or run.

use std::fmt;

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};

use crate::load_error::LoadError;

/// The section in which a plugin names the version of the contract that it was built against.
pub(crate) const API_SECTION: &str = "eventdbx:api";

/// A version of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ApiVersion {
    /// Another contract.
    pub major: u16,
    /// Below 1.0: another contract, too.
    pub minor: u16,
    /// More interfaces and worlds.
    pub patch: u16,
}

impl ApiVersion {
    pub(crate) const fn new(major: u16, minor: u16, patch: u16) -> Self {
        Self { major, minor, patch }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut parts = text.trim().splitn(3, '.').map(|part| part.parse::<u16>().ok());
        Some(Self::new(parts.next()??, parts.next()??, parts.next()??))
    }

    /// Whether a host that offers `self` serves plugins built against `other`.
    pub(crate) fn serves(self, other: Self) -> bool {
        (self.major, self.minor) == (other.major, other.minor) && self.patch >= other.patch
    }
}

impl fmt::Display for ApiVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// Whether bytes are a core module or a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Module,
    Component,
}

/// Looks at the first bytes.
pub(crate) fn shape(bytes: &[u8]) -> Result<Shape, LoadError> {
    if Parser::is_component(bytes) {
        return Ok(Shape::Component);
    }
    if Parser::is_core_wasm(bytes) {
        return Ok(Shape::Module);
    }
    Err(LoadError::NotWebAssembly)
}

/// The outside of a component.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Outside {
    pub(crate) imports: Vec<String>,
    /// Exported instances. Other exports are some toolchain's own business.
    pub(crate) exports: Vec<String>,
    /// The highest version that any part was stamped with.
    pub(crate) stamp: Option<ApiVersion>,
}

/// Reads imports, exports and stamp of a component.
pub(crate) fn outside(component: &[u8]) -> Result<Outside, LoadError> {
    let mut outside = Outside::default();
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(component) {
        match payload.map_err(|error| LoadError::Invalid(error.to_string()))? {
            Payload::Version { encoding: Encoding::Module | Encoding::Component, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if section.name() == API_SECTION => {
                outside.stamp = outside.stamp.max(Some(read_stamp(section.data())?));
            }
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    let import = import.map_err(|error| LoadError::Invalid(error.to_string()))?;
                    outside.imports.push(import.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    let export = export.map_err(|error| LoadError::Invalid(error.to_string()))?;
                    if export.kind == ComponentExternalKind::Instance {
                        outside.exports.push(export.name.name.to_owned());
                    }
                }
            }
            _ => {}
        }
    }
    Ok(outside)
}

fn read_stamp(data: &[u8]) -> Result<ApiVersion, LoadError> {
    let text = String::from_utf8_lossy(data);
    ApiVersion::parse(&text).ok_or_else(|| {
        let start: String = text.chars().take(40).collect();
        LoadError::Invalid(format!("its section `{API_SECTION}` holds {start:?}, which is no version like 0.1.0"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_and_compared() {
        let version = |text| ApiVersion::parse(text).unwrap();
        assert_eq!(version("0.1.0\n").to_string(), "0.1.0");
        assert!(version("0.1.2").serves(version("0.1.0")));
        assert!(!version("0.1.0").serves(version("0.1.1")));
        assert!(!version("0.1.0").serves(version("0.2.0")));
        assert!(!version("0.2.0").serves(version("0.1.0")));
        for text in ["", "1", "0.1", "0.1.x", "0.1.0.0", "99999.0.0"] {
            assert_eq!(ApiVersion::parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn what_is_no_webassembly_is_told_apart() {
        assert!(matches!(shape(b"#!/bin/sh"), Err(LoadError::NotWebAssembly)));
        assert!(matches!(shape(b""), Err(LoadError::NotWebAssembly)));
        assert_eq!(shape(b"\0asm\x01\0\0\0").unwrap(), Shape::Module);
        assert_eq!(shape(b"\0asm\x0d\0\x01\0").unwrap(), Shape::Component);
    }
}
