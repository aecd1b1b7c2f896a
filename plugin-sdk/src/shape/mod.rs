//! Payload modes: what of a delivery another plugin is to see.
//!
//! A [`PayloadMode`] looks at the content of one delivery and leaves it, takes it away or rewrites it. Identity, type, position
//! and time are the host's, and nothing can be put in that was not there. It is given what its receiver may see, of the parts
//! and fields that it asks for. Like a schema extension it is a pure function, and is measured in fuel.
//! [`export_payload_mode!`](crate::export_payload_mode) makes a component of it.

#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod exports;

#[doc(hidden)]
pub use eventdbx_plugin_bindings_payload_mode as bindings;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::Descriptor;

/// Decides what of a delivery another plugin is to see.
pub trait PayloadMode: 'static {
    /// The operator's configuration; [`NoConfig`](crate::NoConfig) if there is none.
    type Config: DeserializeOwned + 'static;

    /// The parts and fields that it lets through, shaped or as they are; any other is cut off before. At least one part.
    /// Which events come is not its business: events, tables and queries are left out of it.
    fn describe() -> Descriptor;

    /// Shapes the content of one delivery in place; false: the plugin does not get the delivery at all.
    fn shape(config: &Self::Config, about: &About<'_>, content: &mut Content) -> bool;
}

/// What a delivery is about. It stays as it is.
#[derive(Clone, Copy, Debug)]
pub struct About<'a> {
    /// Type of the aggregate.
    pub aggregate_type: &'a str,
    /// Id of the aggregate.
    pub aggregate_id: &'a str,
    /// Type of the event.
    pub event_type: &'a str,
}

/// The content of a delivery. What is none is not there, and cannot be put in.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Content {
    /// The payload, or the operations of a JSON Patch.
    pub payload: Option<Value>,
    /// The state right after the event.
    pub state: Option<Value>,
    /// The metadata.
    pub metadata: Option<Value>,
    /// The extensions.
    pub extensions: Option<Value>,
}

impl Content {
    /// Every part that is there.
    pub fn parts(&mut self) -> impl Iterator<Item = &mut Value> {
        [&mut self.payload, &mut self.state, &mut self.metadata, &mut self.extensions].into_iter().flatten()
    }
}

/// What `export_payload_mode!` adds to a payload mode.
#[doc(hidden)]
pub trait Exported: PayloadMode {
    /// The name of its package.
    const NAME: &'static str;
    /// The version of its package.
    const VERSION: &'static str;
    /// The configuration of the instance. A component has one thread.
    fn config() -> &'static ::std::thread::LocalKey<::std::cell::OnceCell<Self::Config>>;
}

/// Makes the exports of a component out of a [`PayloadMode`](crate::shape::PayloadMode). Once per crate, at its top.
///
/// Name and version of the plugin are those of the package.
#[macro_export]
macro_rules! export_payload_mode {
    ($mode:ident) => {
        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "to name an export or a section is called unsafe; the names are the contract's")]
        const _: () = {
            impl $crate::shape::Exported for $mode {
                const NAME: &'static str = env!("CARGO_PKG_NAME");
                const VERSION: &'static str = env!("CARGO_PKG_VERSION");

                fn config() -> &'static ::std::thread::LocalKey<
                    ::std::cell::OnceCell<<$mode as $crate::shape::PayloadMode>::Config>,
                > {
                    ::std::thread_local! {
                        static CONFIG: ::std::cell::OnceCell<<$mode as $crate::shape::PayloadMode>::Config> =
                            const { ::std::cell::OnceCell::new() };
                    }
                    &CONFIG
                }
            }

            type Guest = $crate::shape::exports::Guest<$mode>;
    $crate::shape::bindings::export_payload_mode!(Guest with_types_in $crate::shape::bindings);

            #[used]
            #[unsafe(link_section = "eventdbx:api")]
            static API: [u8; $crate::guest::API_STAMP.len()] = $crate::guest::API_STAMP;
        };
    };
}
