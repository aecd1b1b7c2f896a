//! One instance of a component, and calls into it under the limits.

use wasmtime::{
    Store, UpdateDeadline,
    component::{Component, InstancePre},
};

use crate::{
    call::{CallState, Phase},
    contract::Fit,
    halt,
    kind::Kind,
    outcome::{Halt, Usage},
    sandbox::{Inner, Sandbox},
    wire::exports::{
        eventdbx::plugin::{handler, meta, queryable},
        wasi::http::incoming_handler,
    },
};

/// A component that was checked, ready to be instantiated.
pub(crate) struct Exports {
    pre: InstancePre<CallState>,
    meta: meta::GuestIndices,
    handler: Option<handler::GuestIndices>,
    queryable: Option<queryable::GuestIndices>,
    incoming: Option<incoming_handler::GuestIndices>,
}

impl Exports {
    /// Finds what the component exports; wasmtime compares the types of what it imports.
    pub(crate) fn find(inner: &Inner, component: &Component, fit: &Fit) -> wasmtime::Result<Self> {
        let pre = inner.linker.instantiate_pre(component)?;
        Ok(Self {
            meta: meta::GuestIndices::new(&pre)?,
            handler: fit.exports("handler").then(|| handler::GuestIndices::new(&pre)).transpose()?,
            queryable: fit.exports("queryable").then(|| queryable::GuestIndices::new(&pre)).transpose()?,
            incoming: (fit.kind == Kind::Gateway).then(|| incoming_handler::GuestIndices::new(&pre)).transpose()?,
            pre,
        })
    }
}

/// An instance and its store.
pub(crate) struct Guest {
    sandbox: Sandbox,
    store: Store<CallState>,
    calls: Calls,
}

/// The functions that can be called. What a kind need not have is an option.
pub(crate) struct Calls {
    pub(crate) meta: meta::Guest,
    pub(crate) handler: Option<handler::Guest>,
    pub(crate) queryable: Option<queryable::Guest>,
    pub(crate) incoming: Option<incoming_handler::Guest>,
}

impl Guest {
    /// Makes an instance. What runs then, runs under the limits of `phase`.
    pub(crate) fn new(sandbox: Sandbox, exports: &Exports, state: CallState, phase: Phase) -> Result<Self, Halt> {
        let mut store = Store::new(&sandbox.inner.engine, state);
        store.limiter(|state| &mut state.memory);
        store.epoch_deadline_callback(|context| {
            context.data().tick()?;
            Ok(UpdateDeadline::Continue(1))
        });
        let hostcall_fuel = store.data().limits.host_call_bytes;
        store.set_hostcall_fuel(usize::try_from(hostcall_fuel).unwrap_or(usize::MAX));
        let (calls, _) = timed(&sandbox, &mut store, phase, |store| {
            let instance = exports.pre.instantiate(&mut *store)?;
            Ok(Calls {
                meta: exports.meta.load(&mut *store, &instance)?,
                handler: exports.handler.as_ref().map(|it| it.load(&mut *store, &instance)).transpose()?,
                queryable: exports.queryable.as_ref().map(|it| it.load(&mut *store, &instance)).transpose()?,
                incoming: exports.incoming.as_ref().map(|it| it.load(&mut *store, &instance)).transpose()?,
            })
        });
        Ok(Self { calls: calls?, sandbox, store })
    }

    /// Calls one function. After an error the store is spent.
    pub(crate) fn call<R>(
        &mut self,
        phase: Phase,
        function: impl FnOnce(&mut Store<CallState>, &Calls) -> wasmtime::Result<R>,
    ) -> (Result<R, Halt>, Usage) {
        let calls = &self.calls;
        timed(&self.sandbox, &mut self.store, phase, |store| function(store, calls))
    }

    /// What the calls so far have left.
    pub(crate) fn state(&mut self) -> &mut CallState {
        self.store.data_mut()
    }
}

/// Runs the guest while the clock ticks, and tells what it cost.
fn timed<R>(
    sandbox: &Sandbox,
    store: &mut Store<CallState>,
    phase: Phase,
    run: impl FnOnce(&mut Store<CallState>) -> wasmtime::Result<R>,
) -> (Result<R, Halt>, Usage) {
    let _running = sandbox.inner.ticker.enter();
    store.data_mut().begin(phase);
    store.set_epoch_deadline(1);
    let result = run(store);
    let usage = store.data_mut().end();
    let result = result.map_err(|error| halt::from_error(&error, &store.data().limits));
    (result, usage)
}
