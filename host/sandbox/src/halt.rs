//! From an error of wasmtime to what happened.
//!
//! wasmtime's errors do not implement `std::error::Error`; they stay inside this crate, and this is where they end.

use wasmtime::{Trap as Code, WasmBacktrace};

use crate::{
    limits::{BACKTRACE_FRAMES, Limit, Limits, STACK_BYTES},
    outcome::{Halt, Lie, Trap, TrapKind},
};

/// Reads why a call, or an instantiation, ended early.
pub(crate) fn from_error(error: &wasmtime::Error, limits: &Limits) -> Halt {
    let halt = match (error.downcast_ref::<Halt>(), error.downcast_ref::<Code>()) {
        (Some(halt), _) => halt.clone(),
        (None, Some(Code::StackOverflow)) => Halt::Trapped(Trap {
            kind: TrapKind::StackOverflow,
            message: format!(
                "the plugin recursed too deeply; the limit `stack_bytes` is {STACK_BYTES} bytes, for every plugin. Recurse \
                 less, or keep what is to be done in a list."
            ),
            backtrace: Vec::new(),
        }),
        (None, Some(Code::OutOfFuel)) => {
            Halt::Trapped(Trap::broke(Limit::Fuel, limits, "the plugin had not answered when its fuel was spent"))
        }
        (None, Some(code)) => Halt::Trapped(Trap {
            kind: TrapKind::Crashed,
            message: format!("the plugin crashed: {code}"),
            backtrace: Vec::new(),
        }),
        (None, None) => from_text(error, limits),
    };
    with_backtrace(halt, error)
}

/// wasmtime does not name these errors by a type of its own. What it does not say either is a value that the guest handed
/// over and that could not be read: text that is not UTF-8, a pointer beyond its memory.
fn from_text(error: &wasmtime::Error, limits: &Limits) -> Halt {
    let text = error.root_cause().to_string();
    if text.contains("fuel allocated for hostcalls") {
        let what = "the plugin handed more than that to the host in one crossing";
        return Halt::Trapped(Trap::broke(Limit::HostCallBytes, limits, what));
    }
    if text.contains("resource limit exceeded") {
        let what = format!("the component consists of too many parts ({text})");
        return Halt::Trapped(Trap::broke(Limit::Instances, limits, what));
    }
    Halt::Lied(Lie::Malformed(text))
}

fn with_backtrace(halt: Halt, error: &wasmtime::Error) -> Halt {
    let (Halt::Trapped(mut trap), Some(frames)) = (halt.clone(), error.downcast_ref::<WasmBacktrace>()) else {
        return halt;
    };
    // Its first line is a heading; the others are frames, with names made readable.
    let text = frames.to_string();
    trap.backtrace = text.lines().skip(1).take(BACKTRACE_FRAMES).map(|line| line.trim().to_owned()).collect();
    Halt::Trapped(trap)
}
