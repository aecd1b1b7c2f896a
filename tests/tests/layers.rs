//! What a room may know, held against the manifests and the sources. The table is that of docs/ARCHITECTURE.md.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Crates that a room must not depend on, with what it would learn by it.
const FORBIDDEN: [(&str, &[&str]); 7] = [
    ("host/store", &["tokio", "axum", "hyper", "wasmtime", "eventdbx-sandbox", "eventdbx-node"]),
    ("host/sandbox", &["tokio", "axum", "fjall", "eventdbx-store", "eventdbx-node"]),
    ("host/node", &["fjall", "wasmtime", "eventdbx"]),
    ("cli", &["fjall", "wasmtime", "eventdbx-store", "eventdbx-sandbox"]),
    ("plugin-sdk", &["fjall", "wasmtime", "tokio", "eventdbx-store", "eventdbx-sandbox", "eventdbx-node"]),
    ("plugin-sdk/bindings-transport", &["eventdbx-plugin-sdk", "eventdbx-sandbox", "eventdbx-node"]),
    ("plugin-sdk/build", &["fjall", "wasmtime", "eventdbx-store", "eventdbx-sandbox", "eventdbx-node"]),
];

/// The only places with unsafe code: a system call that no library offers (docs/decisions/scheduling.md), loading a compiled
/// component whose MAC was checked, and the stamps of guests.
const UNSAFE: [&str; 7] = [
    "host/node/src/plugins/priority.rs",
    "host/sandbox/src/cache.rs",
    "plugin-sdk/src/extension/mod.rs",
    "plugin-sdk/src/gateway/mod.rs",
    "plugin-sdk/src/guest.rs",
    "plugin-sdk/src/shape/mod.rs",
    "plugin-sdk/src/transport.rs",
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn no_room_depends_on_what_it_must_not_know() {
    for (room, forbidden) in FORBIDDEN {
        let manifest = fs::read_to_string(root().join(room).join("Cargo.toml")).expect("a manifest");
        let (_, dependencies) = manifest.split_once("\n[dependencies]").expect("dependencies");
        let dependencies = dependencies.split("\n[").next().expect("a section");
        assert!(
            dependencies.contains(".workspace") || dependencies.contains("workspace = true"),
            "{room}: {dependencies}"
        );
        for line in dependencies.lines() {
            let name = line.split(['.', ' ', '=']).next().expect("a word");
            assert!(!forbidden.contains(&name), "{room} must not know {name}");
        }
    }
}

#[test]
fn every_module_says_what_it_is_for() {
    let mut silent = Vec::new();
    for room in ["host", "cli", "plugin-sdk", "example-plugins", "tests"] {
        for file in sources(&root().join(room)) {
            let text = fs::read_to_string(&file).expect("a source");
            if !text.lines().take(3).any(|line| line.starts_with("//!")) {
                silent.push(file);
            }
        }
    }
    assert_eq!(silent, Vec::<PathBuf>::new());
}

#[test]
fn unsafe_code_stands_where_it_is_argued_for() {
    for room in ["host", "cli", "plugin-sdk"] {
        for file in sources(&root().join(room)) {
            let text = fs::read_to_string(&file).expect("a source");
            let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
            let has_unsafe = code.into_iter().any(|line| line.contains("unsafe {") || line.contains("#[unsafe("));
            let allowed = UNSAFE.iter().any(|allowed| file.ends_with(allowed));
            assert!(allowed || !has_unsafe, "{} has unsafe code", file.display());
        }
    }
}

#[test]
fn the_top_level_is_fixed() {
    const ROOMS: [&str; 8] = ["Cargo.toml", "host", "wit", "plugin-sdk", "example-plugins", "cli", "tests", "docs"];
    const BESIDE: [&str; 8] = [
        "README.md",
        "CHANGELOG.md",
        "LICENSE-MIT",
        "LICENSE-APACHE",
        "Cargo.lock",
        "clippy.toml",
        "rustfmt.toml",
        "target",
    ];
    for entry in fs::read_dir(root()).expect("lists") {
        let name = entry.expect("lists").file_name().into_string().expect("UTF-8");
        let known = name.starts_with('.') || ROOMS.contains(&name.as_str()) || BESIDE.contains(&name.as_str());
        assert!(known, "{name} does not belong at the top level");
    }
}

/// The Rust files below a folder, but for what was built there.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).expect("lists") {
        let path = entry.expect("lists").path();
        if path.is_dir() && !path.ends_with("target") {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
