//! Gateways: they answer HTTP requests, and write and read in the domain that they are installed in.
//!
//! A [`Gateway`] is one function from a request ([`Incoming`]) to an answer ([`Reply`]), with a [`Client`] of its domain, as
//! far as the operator granted it. [`export_gateway!`](crate::export_gateway) makes a component of it, and
//! [`testing::Front`](crate::testing::Front) asks it natively, with no daemon.
//!
//! ```
//! use eventdbx_plugin_sdk::{*, gateway::*};
//! use serde_json::json;
//!
//! struct Guestbook;
//!
//! impl Gateway for Guestbook {
//!     type Config = NoConfig;
//!
//!     fn describe() -> Descriptor {
//!         Descriptor::new().capability("append=guest")
//!     }
//!
//!     fn start(_: NoConfig, _: &StartContext) -> Result<Self, Failure> {
//!         Ok(Self)
//!     }
//!
//!     fn answer(&self, request: &Incoming, client: &dyn Client) -> Result<Reply, Reply> {
//!         let name = request.path().trim_start_matches('/');
//!         client.append(vec![NewEvent::new("guest", name, "guest_came").payload(&json!({}))], None)?;
//!         Ok(Reply::status(204))
//!     }
//! }
//!
//! export_gateway!(Guestbook);
//! # fn main() {}
//! ```

mod client;
#[doc(hidden)]
#[cfg(target_arch = "wasm32")]
pub mod exports;
mod message;

use std::{cell::OnceCell, thread::LocalKey};

#[doc(hidden)]
pub use eventdbx_plugin_bindings_gateway as bindings;
use serde::de::DeserializeOwned;

pub use self::{
    client::{
        Aggregate, Answered, Appended, Client, ClientError, Content, EventPage, Expectation, NewEvent, Reason, Receipt,
        StoredEvent,
    },
    message::{Incoming, Reply},
};
use crate::{Descriptor, Failure, StartContext, guest::parse_config};

/// A gateway: answers HTTP requests.
///
/// Each request comes to an instance of its own, which is gone afterwards: what has to last belongs into events.
pub trait Gateway: Sized + 'static {
    /// The operator's configuration; [`NoConfig`](crate::NoConfig) if there is none.
    type Config: DeserializeOwned;

    /// What it asks for ([`Descriptor::capability`]) and how it is configured. Constant.
    fn describe() -> Descriptor;

    /// Makes an instance that works. The domain cannot be asked yet.
    ///
    /// # Errors
    /// When the configuration makes no sense, beyond what its JSON Schema can say.
    fn start(config: Self::Config, context: &StartContext) -> Result<Self, Failure>;

    /// Answers one request.
    ///
    /// # Errors
    /// An error is an answer, too: the one that `?` makes of a [`ClientError`], or any other that ends it early.
    fn answer(&self, request: &Incoming, client: &dyn Client) -> Result<Reply, Reply>;
}

/// What `export_gateway!` adds to a gateway. Nobody else implements it.
#[doc(hidden)]
pub trait Exported: Gateway {
    /// The name of its package.
    const NAME: &'static str;
    /// The version of its package.
    const VERSION: &'static str;
    /// The instance that works. A component has one thread.
    fn instance() -> &'static LocalKey<OnceCell<Self>>;
}

/// Makes an instance of a configuration.
pub(crate) fn make<G: Gateway>(config: &str, context: &StartContext) -> Result<G, Failure> {
    G::start(parse_config(config)?, context)
}

/// Makes the exports of a component out of a [`Gateway`]. Once per crate, at its top.
///
/// Name and version of the plugin are those of the package.
#[macro_export]
macro_rules! export_gateway {
    ($gateway:ident) => {
        impl $crate::gateway::Exported for $gateway {
            const NAME: &'static str = env!("CARGO_PKG_NAME");
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");

            fn instance() -> &'static ::std::thread::LocalKey<::std::cell::OnceCell<Self>> {
                ::std::thread_local! {
                    static INSTANCE: ::std::cell::OnceCell<$gateway> = const { ::std::cell::OnceCell::new() };
                }
                &INSTANCE
            }
        }

        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "to name an export or a section is called unsafe; the names are the contract's")]
        const _: () = {
            type Guest = $crate::gateway::exports::Guest<$gateway>;
    $crate::gateway::bindings::export_gateway!(Guest with_types_in $crate::gateway::bindings);

            #[used]
            #[unsafe(link_section = "eventdbx:api")]
            static API: [u8; $crate::guest::API_STAMP.len()] = $crate::guest::API_STAMP;
        };
    };
}
