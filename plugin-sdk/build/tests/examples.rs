//! The examples of this repository become components.

use std::fs;

#[test]
fn the_examples_become_components() {
    for name in eventdbx_plugin_build::EXAMPLES {
        let component = eventdbx_plugin_build::example(name).unwrap();
        assert!(component.ends_with(format!("plugins/{name}.wasm")), "{}", component.display());
        let bytes = fs::read(component).unwrap();
        assert_eq!(bytes[..8], *b"\0asm\x0d\0\x01\0", "{name} is a component");
        let stamp = b"\x0ceventdbx:api0.1.0";
        assert!(bytes.windows(stamp.len()).any(|window| window == stamp), "{name} says what it was built against");
    }
}
