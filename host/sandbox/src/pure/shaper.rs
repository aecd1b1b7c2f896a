//! Payload modes: what of a delivery another plugin is to see.

use std::sync::Arc;

use wasmtime::{
    Store,
    component::{Instance, InstancePre},
};

use super::{
    PureError, PureStart,
    pool::{Face, Pool, PureState, Shared, counted},
    wire::exports::eventdbx::plugin::shape,
};
use crate::{Batch, Delivery, Failure, Halt, Limits, Sandbox, text};

pub use shape::Replacement;

/// What becomes of a delivery.
#[derive(Debug, Clone)]
pub enum Shaped {
    /// It stays as it is.
    Keep,
    /// The plugin does not get it.
    LeaveOut,
    /// Its content is this; what is none is not there.
    Replace(Replacement),
}

/// A payload mode that was started. Cheap to clone; calls may come from many threads at once.
#[derive(Clone)]
pub struct Shaper {
    pool: Shared<Exports>,
}

struct Exports(shape::Guest);

impl Face for Exports {
    type Indices = shape::GuestIndices;

    fn find(pre: &InstancePre<PureState>) -> wasmtime::Result<Self::Indices> {
        shape::GuestIndices::new(pre)
    }

    fn load(indices: &Self::Indices, store: &mut Store<PureState>, instance: &Instance) -> wasmtime::Result<Self> {
        indices.load(store, instance).map(Self)
    }
}

impl Sandbox {
    /// Starts a payload mode, of the bytes that [`load`](Self::load) took for one.
    ///
    /// # Errors
    ///
    /// When it is none, or refuses its configuration.
    pub fn start_shaper(&self, wasm: &[u8], start: PureStart, limits: &Limits) -> Result<Shaper, PureError> {
        Ok(Shaper { pool: Arc::new(Pool::start(self, wasm, start, limits)?) })
    }
}

impl Shaper {
    /// The same mode, with instances of its own. What an instance remembers of one receiver's deliveries must not reach
    /// another, which may see less: whoever shapes for several gives each of them such a one.
    #[must_use]
    pub fn apart(&self) -> Self {
        Self { pool: Arc::new(self.pool.apart()) }
    }

    /// Shapes a batch: as many answers as deliveries. Nothing that a delivery did not have is put into it.
    ///
    /// # Errors
    ///
    /// When there is no answer that could be believed; the inner error is the plugin's own.
    pub fn shape(&self, batch: &Batch<'_>) -> Result<Result<Vec<Shaped>, Failure>, Halt> {
        let limits = self.pool.limits();
        let answers = match self.pool.call(|store, exports| exports.0.call_shape_batch(store, batch.clone()))? {
            Ok(answers) => counted(answers, batch.items.len(), size, limits)?,
            Err(failure) => return Ok(Err(failure.checked(limits)?)),
        };
        let each = batch.items.iter().zip(answers);
        each.map(|(item, answer)| shaped(item, answer)).collect::<Result<_, _>>().map(Ok)
    }
}

fn size(shaped: &shape::Shaped) -> usize {
    let shape::Shaped::Replace(it) = shaped else { return 0 };
    [&it.payload, &it.state, &it.metadata, &it.extensions].into_iter().flatten().map(String::len).sum()
}

/// Takes an answer over, as far as it takes away or rewrites.
fn shaped(item: &Delivery<'_>, answer: shape::Shaped) -> Result<Shaped, Halt> {
    let mut new = match answer {
        shape::Shaped::Keep => return Ok(Shaped::Keep),
        shape::Shaped::LeaveOut => return Ok(Shaped::LeaveOut),
        shape::Shaped::Replace(new) => new,
    };
    new.payload = new.payload.filter(|_| item.payload.is_some());
    new.state = new.state.filter(|_| item.state.is_some());
    new.metadata = new.metadata.filter(|_| item.envelope.as_ref().is_some_and(|envelope| envelope.metadata.is_some()));
    new.extensions = new.extensions.filter(|_| item.extensions.is_some());
    new.payload.iter().try_for_each(|text| text::check_json("payload", text))?;
    for (what, part) in [("state", &new.state), ("metadata", &new.metadata), ("extensions", &new.extensions)] {
        part.iter().try_for_each(|text| text::check_object(what, text))?;
    }
    Ok(Shaped::Replace(new))
}
