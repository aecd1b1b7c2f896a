//! Payload modes that are components: what stands behind the name of one, and who is shaped for by which instances.
//!
//! A mode may shape for many receivers, of which one may see more than another. So each receiver has instances of its own
//! ([`Shapers`], which its selector holds): whatever an instance remembers, it was this receiver's to see.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex},
};

use eventdbx_sandbox::{Batch, Failure, Halt, Shaped, Shaper};

use super::{FieldList, lock, mode::ModeName};

/// What dispatch needs of the component of a mode, as a trait: so that dispatch is tested with modes written in a few lines.
pub(super) trait Shape: Send + Sync {
    /// The same, with instances of its own.
    fn apart(&self) -> Arc<dyn Shape>;

    /// Shapes a batch: as many answers as deliveries.
    fn shape(&self, batch: &Batch<'_>) -> Result<Result<Vec<Shaped>, Failure>, Halt>;
}

impl Shape for Shaper {
    fn apart(&self) -> Arc<dyn Shape> {
        Arc::new(Self::apart(self))
    }

    fn shape(&self, batch: &Batch<'_>) -> Result<Result<Vec<Shaped>, Failure>, Halt> {
        Self::shape(self, batch)
    }
}

/// The component behind a mode, as it is now. Another version, or another configuration, is another one.
pub(super) struct Shaping {
    /// Version of the component.
    pub(super) version: String,
    /// The fields that it asks for.
    pub(super) fields: FieldList,
    /// The component; an error: it does not start, for this reason.
    pub(super) component: Result<Arc<dyn Shape>, String>,
}

impl fmt::Debug for Shaping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shaping").field("version", &self.version).finish_non_exhaustive()
    }
}

/// The instances that shape for one receiver and for nobody else, by mode.
#[derive(Default)]
pub(super) struct Shapers(Mutex<BTreeMap<ModeName, Own>>);

/// Those of one mode, and what they were made of.
struct Own {
    of: Arc<Shaping>,
    instances: Arc<dyn Shape>,
}

impl fmt::Debug for Shapers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(lock(&self.0).keys()).finish()
    }
}

impl Shapers {
    /// A mode, as this receiver is shaped for by it.
    pub(super) fn lens(&self, mode: ModeName, shaping: &Arc<Shaping>) -> Lens {
        let mut own = lock(&self.0);
        let instances = match (own.get(&mode), &shaping.component) {
            (Some(kept), Ok(_)) if Arc::ptr_eq(&kept.of, shaping) => Ok(Arc::clone(&kept.instances)),
            (_, Ok(component)) => {
                let instances = component.apart();
                own.insert(mode, Own { of: Arc::clone(shaping), instances: Arc::clone(&instances) });
                Ok(instances)
            }
            (_, Err(reason)) => Err(reason.clone()),
        };
        Lens { mode, instances }
    }
}

/// A mode as it shapes for one receiver.
pub(super) struct Lens {
    mode: ModeName,
    instances: Result<Arc<dyn Shape>, String>,
}

/// A mode that gives no answer that could be delivered. Nobody but its maker is to blame, and least of all the receiver.
#[derive(Debug, thiserror::Error)]
#[error("the payload mode {mode} failed, and nothing is delivered without it: {what}")]
pub(super) struct ModeFault {
    mode: String,
    what: String,
    /// How many items it was asked about.
    pub(super) items: usize,
}

impl ModeFault {
    /// The same, where it was asked about some items of a batch.
    pub(super) fn among(self, items: usize) -> Self {
        Self { items, ..self }
    }
}

impl Lens {
    /// A mode that the domain does not have, or has no more.
    pub(super) fn gone(mode: ModeName) -> Self {
        Self {
            mode,
            instances: Err("the domain has no such mode: `dbx plugin mode list` shows those that it has".to_owned()),
        }
    }

    /// Name of the mode.
    pub(super) fn mode(&self) -> &str {
        self.mode.as_str()
    }

    /// Shapes a batch: as many answers as deliveries.
    pub(super) fn shape(&self, batch: &Batch<'_>) -> Result<Vec<Shaped>, ModeFault> {
        let items = batch.items.len();
        // It will not start for fewer items either.
        let instances = self.instances.as_ref().map_err(|reason| self.fault(1, reason.clone()))?;
        let answers = match instances.shape(batch) {
            Ok(Ok(answers)) => answers,
            Ok(Err(failure)) => return Err(self.fault(items, super::settle::words(&failure))),
            Err(halt) => return Err(self.fault(items, halt.to_string())),
        };
        if answers.len() == items {
            return Ok(answers);
        }
        Err(self.fault(items, format!("it gave {} answers to {items} questions", answers.len())))
    }

    pub(super) fn fault(&self, items: usize, what: String) -> ModeFault {
        ModeFault { mode: self.mode.as_str().to_owned(), what, items }
    }
}
