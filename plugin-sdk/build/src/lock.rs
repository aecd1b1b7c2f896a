//! One build at a time: two processes must neither install a compiler nor write a component at once.

use std::{
    fs::{self, File},
    path::Path,
};

use crate::BuildError;

/// Held until dropped; the system lets go of it when the process dies.
pub(crate) struct Lock {
    _file: File,
}

impl Lock {
    pub(crate) fn take(path: &Path) -> Result<Self, BuildError> {
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(BuildError::io(parent))?;
        }
        let file = File::create(path).map_err(BuildError::io(path))?;
        file.lock().map_err(BuildError::io(path))?;
        Ok(Self { _file: file })
    }
}
