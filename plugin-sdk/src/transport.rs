//! The trait that a transport is, and the way of a batch through it.

use serde::de::DeserializeOwned;

use crate::{
    Descriptor, Event, Failure, HandleError, Network, StartContext,
    bindings::types::{self, Batch, ItemFailure, RetryHint},
};

/// A transport: sends each event to somewhere else.
///
/// An event is sent at least once, in order within its aggregate; [`Event::event_id`] is the same each time, so that the
/// other side can tell a repetition. Instances come and go: what an instance keeps, such as an open connection, is gone
/// after any event that was not sent.
pub trait Transport: Sized + 'static {
    /// The operator's configuration; [`NoConfig`](crate::NoConfig) if there is none.
    type Config: DeserializeOwned;

    /// What the transport wants to see. Constant.
    fn describe() -> Descriptor;

    /// Makes an instance that works. The network cannot be used yet.
    ///
    /// # Errors
    /// When the configuration makes no sense, beyond what its JSON Schema can say.
    fn start(config: Self::Config, context: &StartContext) -> Result<Self, Failure>;

    /// Sends one event. `Ok` says that the other side has it: the host does not deliver it again.
    ///
    /// # Errors
    /// See [`HandleError`]. An [`OutboundError`](crate::OutboundError) becomes one by `?`, and so does a status by
    /// [`Response::accepted`](crate::Response::accepted).
    fn send(&mut self, event: &Event<'_>, network: &dyn Network) -> Result<(), HandleError>;
}

/// Sends a batch; returns what was left out on purpose. A refusal says how many were sent before.
pub(crate) fn send_batch<T: Transport>(
    transport: &mut T,
    batch: &Batch,
    network: &dyn Network,
) -> Result<Vec<ItemFailure>, types::HandleError> {
    let mut skipped = Vec::new();
    for (index, delivery) in (0..).zip(&batch.items) {
        match transport.send(&Event::new(batch, delivery), network) {
            Ok(()) => {}
            Err(HandleError::Skip(failure)) => skipped.push(ItemFailure { index, failure: failure.into() }),
            Err(HandleError::Retry(failure, after)) => {
                let after_ms = after.map(|after| u32::try_from(after.as_millis()).unwrap_or(u32::MAX));
                return Err(types::HandleError::Retry(RetryHint { failure: failure.into(), after_ms, done: index }));
            }
            Err(HandleError::Poison(failure)) => {
                return Err(types::HandleError::Poison(ItemFailure { index, failure: failure.into() }));
            }
            Err(HandleError::Fatal(failure)) => return Err(types::HandleError::Fatal(failure.into())),
        }
    }
    Ok(skipped)
}

/// What `export_transport!` adds to a transport. Nobody else implements it.
#[doc(hidden)]
pub trait ExportedTransport: Transport {
    /// The name of its package.
    const NAME: &'static str;
    /// The version of its package.
    const VERSION: &'static str;
    /// The instance that works. A component has one thread.
    fn instance() -> &'static std::thread::LocalKey<std::cell::RefCell<Option<Self>>>;
}

/// Makes the exports of a component out of a [`Transport`]. Once per crate, at its top.
///
/// Name and version of the plugin are those of the package.
#[macro_export]
macro_rules! export_transport {
    ($transport:ident) => {
        impl $crate::ExportedTransport for $transport {
            const NAME: &'static str = env!("CARGO_PKG_NAME");
            const VERSION: &'static str = env!("CARGO_PKG_VERSION");

            fn instance() -> &'static ::std::thread::LocalKey<::std::cell::RefCell<Option<Self>>> {
                ::std::thread_local! {
                    static INSTANCE: ::std::cell::RefCell<Option<$transport>> =
                        const { ::std::cell::RefCell::new(None) };
                }
                &INSTANCE
            }
        }

        #[cfg(target_arch = "wasm32")]
        #[expect(unsafe_code, reason = "to name an export or a section is called unsafe; the names are the contract's")]
        const _: () = {
            type Guest = $crate::transport_exports::Guest<$transport>;
    $crate::transport_bindings::export_guest!(Guest with_types_in $crate::transport_bindings);

            #[used]
            #[unsafe(link_section = "eventdbx:api")]
            static API: [u8; $crate::guest::API_STAMP.len()] = $crate::guest::API_STAMP;
        };
    };
}
