//! The clock that interrupts guests: a thread that advances the engine's epoch while guests run, and sleeps while none does.
//!
//! It looks only once per tick whether it may sleep, so that a stream of short calls wakes it at most that often.

use std::{
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::JoinHandle,
    time::Duration,
};

use wasmtime::Engine;

/// How often a running guest is looked at.
const TICK: Duration = Duration::from_millis(10);

/// The thread; it ends when this is dropped.
pub(crate) struct Ticker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    running: usize,
    /// Whether the thread sleeps until somebody wakes it.
    asleep: bool,
    stopping: bool,
}

/// While this lives, the clock ticks.
pub(crate) struct Running<'a>(&'a Shared);

impl Ticker {
    pub(crate) fn start(engine: &Engine) -> std::io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let (engine, theirs) = (engine.clone(), Arc::clone(&shared));
        let thread = std::thread::Builder::new().name("plugin-clock".to_owned()).spawn(move || theirs.tick(&engine))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// A guest begins to run.
    pub(crate) fn enter(&self) -> Running<'_> {
        let mut state = self.shared.lock();
        state.running += 1;
        if state.asleep {
            self.shared.changed.notify_one();
        }
        Running(&self.shared)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tick(&self, engine: &Engine) {
        let mut state = self.lock();
        while !state.stopping {
            state = if state.running == 0 {
                state.asleep = true;
                let mut woken = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                woken.asleep = false;
                woken
            } else {
                let (waited, _) = self.changed.wait_timeout(state, TICK).unwrap_or_else(PoisonError::into_inner);
                engine.increment_epoch();
                waited
            };
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.lock().running -= 1;
    }
}

impl Drop for Ticker {
    fn drop(&mut self) {
        self.shared.lock().stopping = true;
        self.shared.changed.notify_one();
        if let Some(thread) = self.thread.take() {
            // The thread takes no lock but this one and cannot panic; there is nothing to do if it did.
            let _ = thread.join();
        }
    }
}
