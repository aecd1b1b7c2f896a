//! Warm instances of one pure component, and calls into them under the limits.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::{
    Store,
    component::{Instance, InstancePre, Linker},
};

use super::{
    PureError, PureStart,
    wire::exports::eventdbx::plugin::meta::{self, StartContext, StartReason},
};
use crate::{Halt, Limits, LoadError, Sandbox, halt, memory::Memory, text};

/// Instances that are kept for the next call. More may work at the same time; they are dropped when they are done.
const WARM: usize = 8;

/// What an instance carries beside its memory.
pub(super) struct PureState {
    memory: Memory,
}

/// What a kind exports beside `meta`.
pub(super) trait Face: Sized + 'static {
    /// Where it is found in a component.
    type Indices: Send + Sync;

    fn find(pre: &InstancePre<PureState>) -> wasmtime::Result<Self::Indices>;

    fn load(indices: &Self::Indices, store: &mut Store<PureState>, instance: &Instance) -> wasmtime::Result<Self>;
}

/// A pure component that was started.
pub(super) struct Pool<F: Face> {
    code: Arc<Code<F>>,
    warm: Mutex<Vec<Warm<F>>>,
}

/// What its instances are made of.
struct Code<F: Face> {
    /// Keeps the engine, and with it the code.
    sandbox: Sandbox,
    pre: InstancePre<PureState>,
    meta: meta::GuestIndices,
    indices: F::Indices,
    start: PureStart,
    limits: Limits,
}

struct Warm<F> {
    store: Store<PureState>,
    face: F,
}

impl<F: Face> Pool<F> {
    /// Compiles a component, has it look at its configuration, and starts the first instance.
    pub(super) fn start(sandbox: &Sandbox, wasm: &[u8], start: PureStart, limits: &Limits) -> Result<Self, PureError> {
        let engine = &sandbox.inner.pure;
        let component = engine.compile(wasm)?;
        let invalid = |error: wasmtime::Error| LoadError::Invalid(format!("{error:#}"));
        let pre = Linker::new(&engine.engine).instantiate_pre(&component).map_err(invalid)?;
        let (meta, indices) = (meta::GuestIndices::new(&pre).map_err(invalid)?, F::find(&pre).map_err(invalid)?);
        let (sandbox, limits) = (sandbox.clone(), limits.clone());
        let code = Code { sandbox, pre, meta, indices, start, limits };
        code.check_config()?;
        let (first, pool) = (code.instance()?, Self { code: Arc::new(code), warm: Mutex::default() });
        pool.keep(first);
        Ok(pool)
    }

    /// The same component, with instances of its own: none of them was ever asked by anybody else.
    pub(super) fn apart(&self) -> Self {
        Self { code: Arc::clone(&self.code), warm: Mutex::default() }
    }

    pub(super) fn limits(&self) -> &Limits {
        &self.code.limits
    }

    /// Calls a function of a warm instance, or else of a new one. Where the warm one fails, a new one decides.
    pub(super) fn call<R>(&self, call: impl Fn(&mut Store<PureState>, &F) -> wasmtime::Result<R>) -> Result<R, Halt> {
        let warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(warm) = warm
            && let Ok(answer) = self.call_on(warm, &call)
        {
            return Ok(answer);
        }
        self.call_on(self.code.instance().map_err(halted)?, &call)
    }

    fn call_on<R>(
        &self,
        mut warm: Warm<F>,
        call: impl Fn(&mut Store<PureState>, &F) -> wasmtime::Result<R>,
    ) -> Result<R, Halt> {
        let Warm { store, face } = &mut warm;
        let answer = self.code.metered(store, |store| call(store, face))?;
        self.keep(warm);
        Ok(answer)
    }

    /// Keeps an instance for the next call, unless it has grown so large that the next may find no room.
    fn keep(&self, instance: Warm<F>) {
        if instance.store.data().memory.bytes() > self.limits().memory_bytes / 2 {
            return;
        }
        let mut warm = self.warm.lock().unwrap_or_else(PoisonError::into_inner);
        if warm.len() < WARM {
            warm.push(instance);
        }
    }
}

impl<F: Face> Code<F> {
    fn metered<R>(
        &self,
        store: &mut Store<PureState>,
        run: impl FnOnce(&mut Store<PureState>) -> wasmtime::Result<R>,
    ) -> Result<R, Halt> {
        let result = store.set_fuel(self.limits.fuel).and_then(|()| run(store));
        result.map_err(|error| halt::from_error(&error, &self.limits))
    }

    fn store(&self) -> Store<PureState> {
        let mut store = Store::new(&self.sandbox.inner.pure.engine, PureState { memory: Memory::new(&self.limits) });
        store.limiter(|state| &mut state.memory);
        store.set_hostcall_fuel(usize::try_from(self.limits.host_call_bytes).unwrap_or(usize::MAX));
        store
    }

    fn check_config(&self) -> Result<(), PureError> {
        let mut store = self.store();
        let answer = self.metered(&mut store, |store| {
            let instance = self.pre.instantiate(&mut *store)?;
            self.meta.load(&mut *store, &instance)?.call_check_config(store, &self.start.config)
        });
        self.refused(answer?)
    }

    fn instance(&self) -> Result<Warm<F>, PureError> {
        let mut store = self.store();
        let (instance, answer) = self.metered(&mut store, |store| {
            let instance = self.pre.instantiate(&mut *store)?;
            let PureStart { domain, config } = &self.start;
            let context = StartContext { domain, config, reason: StartReason::Restart };
            let answer = self.meta.load(&mut *store, &instance)?.call_init(store, context)?;
            Ok((instance, answer))
        })?;
        self.refused(answer)?;
        let face = self.metered(&mut store, |store| F::load(&self.indices, store, &instance))?;
        Ok(Warm { store, face })
    }

    fn refused(&self, answer: Result<(), crate::Failure>) -> Result<(), PureError> {
        match answer {
            Ok(()) => Ok(()),
            Err(failure) => Err(failure.checked(&self.limits)?.into()),
        }
    }
}

/// Why no new instance came to be, for those who only want to call one.
fn halted(error: PureError) -> Halt {
    match error {
        PureError::Stop(crate::Stop::Halted(halt)) => halt,
        other => Halt::HostFailed(crate::HostError::new(other.to_string())),
    }
}

/// Checks that there are as many answers as questions, and not too much text in them.
pub(super) fn counted<T>(
    answers: Vec<T>,
    questions: usize,
    bytes: impl Fn(&T) -> usize,
    limits: &Limits,
) -> Result<Vec<T>, Halt> {
    if answers.len() != questions {
        return Err(Halt::Lied(crate::Lie::WrongCount { answers: answers.len(), questions }));
    }
    text::check_output(answers.iter().map(bytes).sum(), limits)?;
    Ok(answers)
}

/// Shared by all who ask.
pub(super) type Shared<F> = Arc<Pool<F>>;
