//! The files of one plugin in a drop-in folder: `NAME.wasm`, and beside it `NAME.toml` and `NAME.wasm.sig`, if they are there.

use std::{
    collections::BTreeSet,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use eventdbx_sandbox::{ComponentHash, limits::COMPONENT_BYTES};

use crate::limits::DROP_IN_FILES;

/// Most bytes of options and of a signature.
const BESIDE_BYTES: u64 = 1 << 20;

/// All files of one plugin.
pub(super) struct Bundle {
    pub(super) name: String,
    pub(super) wasm: Vec<u8>,
    pub(super) options: Option<String>,
    pub(super) signature: Option<String>,
    /// Of all of them together.
    pub(super) hash: String,
}

/// Size and time of each of the files.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps([Option<(u64, SystemTime)>; 3]);

/// The plugins in a folder.
pub(super) fn names(folder: &Path) -> io::Result<BTreeSet<String>> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_stem().and_then(OsStr::to_str);
        if let Some(name) = name.filter(|_| path.extension() == Some(OsStr::new("wasm"))) {
            names.insert(name.to_owned());
        }
        if names.len() > DROP_IN_FILES {
            let message = format!("it has more components than DROP_IN_FILES = {DROP_IN_FILES}: install some by hand");
            return Err(io::Error::other(message));
        }
    }
    Ok(names)
}

fn files(folder: &Path, name: &str) -> [PathBuf; 3] {
    ["wasm", "toml", "wasm.sig"].map(|end| folder.join(format!("{name}.{end}")))
}

impl Stamps {
    pub(super) fn of(folder: &Path, name: &str) -> io::Result<Self> {
        let mut stamps = Self::default();
        for (stamp, file) in stamps.0.iter_mut().zip(files(folder, name)) {
            *stamp = if_there(fs::metadata(file))?.map(|it| io::Result::Ok((it.len(), it.modified()?))).transpose()?;
        }
        let [wasm, beside @ ..] = &stamps.0;
        let large = |file: &Option<(u64, SystemTime)>, most: u64| file.is_some_and(|(bytes, _)| bytes > most);
        if large(wasm, COMPONENT_BYTES as u64) || beside.iter().any(|file| large(file, BESIDE_BYTES)) {
            let message = format!(
                "it is too large: a component has at most {COMPONENT_BYTES} bytes, and a file beside it {BESIDE_BYTES}"
            );
            return Err(io::Error::other(message));
        }
        Ok(stamps)
    }
}

impl Bundle {
    pub(super) fn read(folder: &Path, name: &str) -> io::Result<Self> {
        let [wasm, options, signature] = files(folder, name);
        let wasm = fs::read(wasm)?;
        let (options, signature) = (if_there(fs::read_to_string(options))?, if_there(fs::read_to_string(signature))?);
        let parts = [Some(ComponentHash::of(&wasm).to_string()), options.clone(), signature.clone()];
        let hash = ComponentHash::of(format!("{parts:?}").as_bytes()).to_string();
        Ok(Self { name: name.to_owned(), wasm, options, signature: signature.map(|text| text.trim().to_owned()), hash })
    }

    /// Hash of the component.
    pub(super) fn component(&self) -> String {
        ComponentHash::of(&self.wasm).to_string()
    }
}

fn if_there<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_change_of_any_file_is_another_bundle() {
        let dir = tempfile::tempdir().unwrap();
        let write = |end: &str, text: &str| fs::write(dir.path().join(format!("a.{end}")), text).unwrap();
        write("wasm", "one");
        fs::write(dir.path().join("a.wasm.part"), "half").unwrap();
        assert_eq!(names(dir.path()).unwrap(), BTreeSet::from(["a".to_owned()]));
        let mut hashes = BTreeSet::new();
        let mut note = || hashes.insert(Bundle::read(dir.path(), "a").unwrap().hash);
        assert!(note());
        for (end, text) in [("wasm", "two"), ("toml", ""), ("toml", "x = 1"), ("wasm.sig", "x")] {
            write(end, text);
            assert!(note(), "{end}");
            assert!(!note(), "{end}");
        }
    }

    #[test]
    fn too_many_and_too_large_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("a.wasm"), "").unwrap();
        let options = fs::File::create(dir.path().join("a.toml")).unwrap();
        options.set_len(BESIDE_BYTES + 1).unwrap();
        assert!(Stamps::of(dir.path(), "a").unwrap_err().to_string().contains("too large"));
        for n in 0..DROP_IN_FILES {
            fs::write(dir.path().join(format!("n{n}.wasm")), "").unwrap();
        }
        assert!(names(dir.path()).unwrap_err().to_string().contains("DROP_IN_FILES"));
    }
}
