//! From the core module that a compiler makes to the component that the host takes.

use std::{
    fs,
    path::{Path, PathBuf},
};

use wit_component::{ComponentEncoder, metadata};

use crate::{BuildError, Built, cargo::Module};

/// Writes the component of `module` into `plugins`. The file is replaced in one step, and only when it differs.
pub(crate) fn write(module: &Module, plugins: &Path) -> Result<Built, BuildError> {
    let core = fs::read(&module.path).map_err(BuildError::io(&module.path))?;
    let bytes = encode(&core).map_err(|message| BuildError::Component { package: module.package.clone(), message })?;
    let component = plugins.join(format!("{}.wasm", module.package));
    if fs::read(&component).ok().as_deref() != Some(&bytes[..]) {
        replace(&component, &bytes)?;
    }
    Ok(Built { name: module.package.clone(), component })
}

fn encode(core: &[u8]) -> Result<Vec<u8>, String> {
    let (without_type, _) = metadata::decode(core).map_err(|error| format!("{error:#}"))?;
    if without_type.is_none() {
        return Err("the module carries no component type".to_owned());
    }
    let mut encoder = ComponentEncoder::default();
    let encoded = encoder.validate(true).module(core).and_then(ComponentEncoder::encode);
    encoded.map_err(|error| format!("{error:#}"))
}

fn replace(path: &Path, bytes: &[u8]) -> Result<(), BuildError> {
    let parent = path.parent().map(PathBuf::from).unwrap_or_default();
    fs::create_dir_all(&parent).map_err(BuildError::io(&parent))?;
    let fresh = path.with_extension("wasm.new");
    fs::write(&fresh, bytes).map_err(BuildError::io(&fresh))?;
    fs::rename(&fresh, path).map_err(BuildError::io(path))
}
