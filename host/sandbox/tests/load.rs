//! What is let in, what is refused and why, and the cache of compiled components.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod support;

use std::{fs, path::PathBuf};

use eventdbx_sandbox::{API_VERSION, ComponentHash, Kind, LoadError};
use support::{bench, hostile, plugin, sandbox};
use wasm_encoder::{
    Component, ComponentExportKind, ComponentExportSection, ComponentImportSection, ComponentInstanceSection,
    ComponentSection, ComponentTypeRef, ComponentTypeSection, InstanceType,
};

/// A component of nothing but these imports and exports, each an empty instance.
fn component(imports: &[&str], exports: &[&str]) -> Vec<u8> {
    let mut component = Component::new();
    let mut types = ComponentTypeSection::new();
    types.instance(&InstanceType::new());
    component.section(&types);
    let mut import_section = ComponentImportSection::new();
    for name in imports {
        import_section.import(*name, ComponentTypeRef::Instance(0));
    }
    component.section(&import_section);
    let mut instances = ComponentInstanceSection::new();
    instances.export_items::<&str, [(&str, ComponentExportKind, u32); 0]>([]);
    component.section(&instances);
    let mut export_section = ComponentExportSection::new();
    for name in exports {
        export_section.export(*name, ComponentExportKind::Instance, imports.len() as u32, None);
    }
    component.section(&export_section);
    component.finish()
}

/// The hostile guest as a compiler leaves it: a core module that carries its component type.
fn module() -> Vec<u8> {
    let bytes = hostile();
    let payloads = wasmparser::Parser::new(0).parse_all(&bytes);
    let ranges = payloads.filter_map(|payload| match payload.unwrap() {
        wasmparser::Payload::ModuleSection { unchecked_range, .. } => {
            Some(unchecked_range.start as usize..unchecked_range.end as usize)
        }
        _ => None,
    });
    let largest = ranges.max_by_key(ExactSizeIterator::len).unwrap();
    let mut module = bytes[largest].to_vec();
    let mut resolve = wit_parser::Resolve::default();
    let (package, _) = resolve.push_path(concat!(env!("CARGO_MANIFEST_DIR"), "/../../wit")).unwrap();
    let world = resolve.select_world(&[package], Some("read-model-with-queries")).unwrap();
    wit_component::embed_component_metadata(&mut module, &resolve, world, wit_component::StringEncoding::UTF8, false)
        .unwrap();
    module
}

fn refusal(bytes: &[u8]) -> LoadError {
    match bench().sandbox.load(bytes) {
        Ok(_) => panic!("it was let in"),
        Err(error) => error,
    }
}

#[test]
fn a_plugin_says_what_it_is() {
    let (_bench, plugin) = plugin();
    let descriptor = plugin.descriptor();
    assert_eq!((descriptor.name.as_str(), descriptor.version.as_str()), ("hostile", "1.0.0"));
    assert_eq!(descriptor.kind, Kind::ReadModel);
    assert_eq!(descriptor.tables[0].name, "totals");
    assert_eq!(plugin.api_version(), API_VERSION);
    assert_eq!(plugin.hash(), ComponentHash::of(&hostile()));
}

#[test]
fn a_core_module_that_carries_its_component_type_is_let_in_like_a_component() {
    let plugin = bench().sandbox.load(&module()).unwrap();
    assert_eq!(plugin.descriptor().name, "hostile");
    assert_eq!(plugin.hash(), ComponentHash::of(&module()));
}

#[test]
fn what_is_no_webassembly_is_refused() {
    assert!(matches!(refusal(b"#!/bin/sh\nexit 0\n"), LoadError::NotWebAssembly));
    assert!(matches!(refusal(b""), LoadError::NotWebAssembly));
    assert!(matches!(refusal(b"\0asm\x01\0\0\0"), LoadError::NoComponentType(_)));
    let mut cut = hostile();
    cut.truncate(cut.len() / 2);
    assert!(matches!(refusal(&cut), LoadError::Invalid(_) | LoadError::NoComponentType(_)));
}

#[test]
fn a_component_of_another_world_is_refused_with_a_list_of_differences() {
    let text = refusal(&component(&["wasi:cli/environment@0.2.6"], &["wasi:cli/run@0.2.6"])).to_string();
    snapbox::assert_data_eq!(
        text,
        snapbox::str![[r#"
the component does not fit this host, which serves eventdbx:plugin 0.1.0; it has nothing of eventdbx:plugin
  - it imports wasi:cli/environment@0.2.6: this host offers a read model no such part of WASI
  - it does not export eventdbx:plugin/meta@0.1.0: every read model does
  - it does not export eventdbx:plugin/handler@0.1.0: every read model does
This is a component, but no plugin of EventDBX: build it against a world of eventdbx:plugin (`gateway`, `transport`, `schema-extension`, `payload-mode`, `read-model`).
"#]]
    );
}

#[test]
fn a_component_of_a_newer_contract_is_refused_with_what_is_newer() {
    let newer = component(
        &["eventdbx:plugin/host@0.2.0", "eventdbx:plugin/clock@0.2.0"],
        &["eventdbx:plugin/meta@0.2.0", "eventdbx:plugin/handler@0.2.0"],
    );
    snapbox::assert_data_eq!(
        refusal(&newer).to_string(),
        snapbox::str![[r#"
the component does not fit this host, which serves eventdbx:plugin 0.1.0; it was built against 0.2.0
  - it imports eventdbx:plugin/host@0.2.0: newer than 0.1.0, which this host serves
  - it imports eventdbx:plugin/clock@0.2.0: this host offers a read model no such interface
  - it exports eventdbx:plugin/meta@0.2.0: newer than 0.1.0, which this host serves
  - it exports eventdbx:plugin/handler@0.2.0: newer than 0.1.0, which this host serves
Update this host, or build the plugin against the version that the host serves.
"#]]
    );
}

#[test]
fn the_stamp_is_read_before_anything_runs() {
    let (mut bytes, stamp) = (hostile(), b"eventdbx:api0.1.0");
    let at = bytes.windows(stamp.len()).position(|window| window == stamp).expect("the guest is stamped");
    bytes[at..at + stamp.len()].copy_from_slice(b"eventdbx:api0.1.7");
    let text = refusal(&bytes).to_string();
    assert!(text.contains("it was built against 0.1.7") && text.contains("Update this host"), "{text}");
    bytes[at..at + stamp.len()].copy_from_slice(b"eventdbx:apixxxxx");
    assert!(matches!(refusal(&bytes), LoadError::Invalid(_)));
}

#[test]
fn the_same_names_with_other_types_are_refused() {
    let empty = component(&[], &["eventdbx:plugin/meta@0.1.0", "eventdbx:plugin/handler@0.1.0"]);
    let text = refusal(&empty).to_string();
    assert!(text.contains("differs behind the same names"), "{text}");
}

#[test]
fn a_stray_export_is_ignored() {
    // Some toolchains leave an export `init` of their own beside those of the world.
    let mut bytes = hostile();
    let types = wasmparser::Validator::new().validate_all(&bytes).unwrap();
    let empty = types.as_ref().component_instance_count();
    let mut instances = ComponentInstanceSection::new();
    instances.export_items::<&str, [(&str, ComponentExportKind, u32); 0]>([]);
    let mut exports = ComponentExportSection::new();
    exports.export("init", ComponentExportKind::Instance, empty, None);
    instances.append_to_component(&mut bytes);
    exports.append_to_component(&mut bytes);
    let plugin = bench().sandbox.load(&bytes).unwrap();
    assert_eq!(plugin.descriptor().name, "hostile");
}

/// The only file of the cache; what is compiled for the pure kinds lies in a directory of its own.
fn cached(dir: &std::path::Path) -> PathBuf {
    let entries = fs::read_dir(dir.join("components")).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = entries.filter(|path| path.is_file()).collect();
    let [file] = &files[..] else { panic!("{files:?}") };
    file.clone()
}

#[test]
fn a_compiled_component_is_found_again() {
    let (bench, _plugin) = plugin();
    let written = fs::metadata(cached(bench.cache.path())).unwrap().modified().unwrap();
    let again = sandbox(bench.cache.path(), [7; 32]);
    again.load(&hostile()).unwrap();
    assert_eq!(fs::metadata(cached(bench.cache.path())).unwrap().modified().unwrap(), written);
}

#[test]
fn a_component_that_is_in_use_is_in_memory_once() {
    let (bench, plugin) = plugin();
    assert!(bench.sandbox.loaded(ComponentHash::of(&hostile())).is_some());
    let path = cached(bench.cache.path());
    fs::remove_file(&path).unwrap();
    let other = bench.sandbox.load(&hostile()).unwrap();
    assert!(!path.exists(), "there was nothing to compile");
    drop((plugin, other));
    assert!(bench.sandbox.loaded(ComponentHash::of(&hostile())).is_none(), "what nobody uses is gone");
}

#[test]
fn a_compiled_component_that_was_tampered_with_is_compiled_anew() {
    let (bench, plugin) = plugin();
    drop(plugin);
    let path = cached(bench.cache.path());
    let ours = fs::read(&path).unwrap();
    let mut tampered = ours.clone();
    let last = tampered.len() - 1;
    tampered[last] ^= 1;
    for bytes in [tampered, ours[..20].to_vec(), Vec::new()] {
        fs::write(&path, bytes).unwrap();
        bench.sandbox.load(&hostile()).unwrap();
        // Compiling is deterministic: what stands there again is what was there first.
        assert!(fs::read(&path).unwrap() == ours, "the file was not replaced");
    }
}

#[test]
fn what_another_host_compiled_is_not_accepted() {
    let (bench, _plugin) = plugin();
    let path = cached(bench.cache.path());
    let theirs = fs::read(&path).unwrap();
    sandbox(bench.cache.path(), [8; 32]).load(&hostile()).unwrap();
    assert!(fs::read(&path).unwrap()[..32] != theirs[..32], "the foreign file was kept");
}

#[test]
fn what_another_engine_left_is_deleted() {
    let bench = bench();
    let dir = bench.cache.path().join("components");
    let hash = ComponentHash::of(b"old");
    for name in [format!("{hash}-0123456789abcdef.cwasm"), format!("{hash}-1-0.draft")] {
        fs::write(dir.join(name), b"old").unwrap();
    }
    fs::write(dir.join("notes.txt"), b"mine").unwrap();
    sandbox(bench.cache.path(), [7; 32]);
    assert_eq!(cached(bench.cache.path()), dir.join("notes.txt"));
}
