//! What `export_read_model!` adds to a crate.

use std::{cell::OnceCell, thread::LocalKey};

use serde::de::DeserializeOwned;

use crate::{Failure, ReadModel, StartContext, error::misfit};

/// The version of the contract that this SDK speaks. It stands in every component, in a section of its own
/// (`eventdbx:api`), which the host reads before anything runs.
pub const API_VERSION: &str = "0.1.0";

/// [`API_VERSION`] as the bytes of that section.
#[doc(hidden)]
pub const API_STAMP: [u8; API_VERSION.len()] = match API_VERSION.as_bytes().first_chunk() {
    Some(bytes) => *bytes,
    None => unreachable!(),
};

/// What `export_read_model!` adds to a read model. Nobody else implements it.
pub trait Exported: ReadModel {
    /// The name of its package.
    const NAME: &'static str;
    /// The version of its package.
    const VERSION: &'static str;
    /// The instance that works. A component has one thread.
    fn instance() -> &'static LocalKey<OnceCell<Self>>;
}

/// Makes an instance of a configuration.
pub(crate) fn make<M: ReadModel>(config: &str, context: &StartContext) -> Result<M, Failure> {
    M::start(parse_config(config)?, context)
}

/// Reads a configuration as whoever is configured wants it.
pub(crate) fn parse_config<C: DeserializeOwned>(config: &str) -> Result<C, Failure> {
    serde_json::from_str(config).map_err(|error| Failure::new("bad-config", misfit(&error)))
}

/// Makes the exports of a component out of a [`ReadModel`]. Once per crate, at its top.
///
/// Name and version of the plugin are those of the package.
#[macro_export]
macro_rules! export_read_model {
    ($model:ident) => {
        impl $crate::guest::Exported for $model {
            const NAME: &'static str = env!("CARGO_PKG_NAME");
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");

            fn instance() -> &'static ::std::thread::LocalKey<::std::cell::OnceCell<Self>> {
                ::std::thread_local! {
                    static INSTANCE: ::std::cell::OnceCell<$model> = const { ::std::cell::OnceCell::new() };
                }
                &INSTANCE
            }
        }

        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "to name an export or a section is called unsafe; the names are the contract's")]
        const _: () = {
            type Guest = $crate::exports::Guest<$model>;
    $crate::bindings::export_guest!(Guest with_types_in $crate::bindings);

            #[used]
            #[unsafe(link_section = "eventdbx:api")]
            static API: [u8; $crate::guest::API_STAMP.len()] = $crate::guest::API_STAMP;
        };
    };
}

#[cfg(test)]
mod tests {
    use super::API_VERSION;

    #[test]
    fn the_stamp_is_the_version_of_the_contract() {
        let contract = include_str!("../../wit/plugin.wit");
        assert!(contract.contains(&format!("package eventdbx:plugin@{API_VERSION};")));
    }
}
