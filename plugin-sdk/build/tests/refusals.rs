//! What is no plugin is told so, in words that help.

use std::{fs, path::Path};

use eventdbx_plugin_build::{BuildError, build_dir};

/// Writes a package without dependencies.
fn package(dir: &Path, crate_types: &str) {
    let manifest = format!(
        "[package]\nname = \"not-a-plugin\"\nversion = \"0.1.0\"\nedition = \"2024\"\n\n[lib]\ncrate-type = {crate_types}\n\n\
         [workspace]\n"
    );
    fs::write(dir.join("Cargo.toml"), manifest).expect("a scratch crate");
    fs::create_dir(dir.join("src")).expect("a scratch crate");
    fs::write(dir.join("src/lib.rs"), "pub fn answer() -> u32 {\n    42\n}\n").expect("a scratch crate");
}

#[test]
fn a_folder_without_a_project() {
    let dir = tempfile::tempdir().expect("a scratch crate");
    let error = build_dir(dir.path()).unwrap_err();
    assert!(error.to_string().contains("does not exist"), "{error}");
}

#[test]
fn a_workspace_is_no_plugin() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let error = build_dir(&root).unwrap_err();
    assert!(matches!(error, BuildError::Workspace { .. }), "{error}");
}

#[test]
fn a_crate_that_makes_no_module() {
    let dir = tempfile::tempdir().expect("a scratch crate");
    package(dir.path(), "[\"rlib\"]");
    let error = build_dir(dir.path()).unwrap_err();
    assert!(error.to_string().contains("crate-type = [\"cdylib\", \"rlib\"]"), "{error}");
}

#[test]
fn a_module_that_is_no_plugin() {
    let dir = tempfile::tempdir().expect("a scratch crate");
    package(dir.path(), "[\"cdylib\", \"rlib\"]");
    let error = build_dir(dir.path()).unwrap_err();
    assert!(error.to_string().contains("does it call `export_read_model!`"), "{error}");
}

#[test]
fn an_example_that_does_not_exist() {
    let error = eventdbx_plugin_build::example("world-peace").unwrap_err();
    assert!(error.to_string().contains("there are aircraft-miles, airport-hours"), "{error}");
}
