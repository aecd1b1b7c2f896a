//! What can be done with a component without a daemon: read it, or let it describe itself.

use std::path::Path;

use eventdbx_sandbox::{Descriptor, Inspection, Sandbox, SandboxOptions};

use super::PluginError;

/// Reads the bytes of a component. Nothing of it is compiled or run.
///
/// # Errors
///
/// [`PluginError::Invalid`] when it is no component.
pub fn inspect(wasm: &[u8]) -> Result<Inspection, PluginError> {
    eventdbx_sandbox::inspect(wasm).map_err(|error| PluginError::invalid(error.to_string()))
}

/// Lets a component describe itself, on an instance that reaches nothing and is thrown away. `scratch` is an empty directory.
///
/// # Errors
///
/// [`PluginError::Invalid`] with what is wrong with it.
pub fn describe(wasm: &[u8], scratch: &Path) -> Result<Descriptor, PluginError> {
    let options = SandboxOptions { cache_dir: scratch.to_owned(), cache_key: rand::random() };
    let sandbox = Sandbox::new(options).map_err(|error| PluginError::Internal(error.to_string()))?;
    let plugin = sandbox.load(wasm).map_err(|error| PluginError::invalid(error.to_string()))?;
    Ok(plugin.descriptor().clone())
}
