//! What dispatch needs of the sandbox, as traits: so that dispatch itself is tested with guests written in a few lines.

use eventdbx_sandbox::{Batch, Handled, Host, Instance, Limits, Outcome, Plugin, StartContext, Stop, Usage};

/// Starts instances of one plugin.
pub(super) trait Guest: Send + Sync {
    /// Starts an instance that handles batches.
    fn start(&self, host: Box<dyn Host>, context: StartContext<'_>, limits: &Limits) -> Result<Box<dyn Running>, Stop>;
}

/// An instance that handles batches.
pub(super) trait Running: Send {
    /// Hands a batch over. The instance comes back if it may be used again.
    fn handle(self: Box<Self>, batch: &Batch<'_>) -> (Outcome<Handled>, Usage, Option<Box<dyn Running>>);
}

impl Guest for Plugin {
    fn start(&self, host: Box<dyn Host>, context: StartContext<'_>, limits: &Limits) -> Result<Box<dyn Running>, Stop> {
        Self::start(self, host, context, limits).map(|instance| Box::new(instance) as Box<dyn Running>)
    }
}

impl Running for Instance {
    fn handle(self: Box<Self>, batch: &Batch<'_>) -> (Outcome<Handled>, Usage, Option<Box<dyn Running>>) {
        let call = Self::handle(*self, batch);
        (call.outcome, call.usage, call.instance.map(|instance| Box::new(instance) as Box<dyn Running>))
    }
}
