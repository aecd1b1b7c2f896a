//! How much of the processor a plugin gets beside others that have work to do.

use std::{cell::Cell, io, time::Duration};

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How much of the processor a plugin gets while others have work too. All of them run below what answers clients.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PluginPriority {
    /// Less than the others.
    Low,
    /// As the others do.
    #[default]
    Normal,
    /// More than the others.
    High,
}

/// CPU time of a call from which on its thread counts as one that computes.
const MUCH: Duration = Duration::from_millis(2);
/// The slice of such a thread. Linux (6.12 and newer) lets a thread that wakes up run at once in the place of one with a longer
/// slice, and has it wait for up to some milliseconds otherwise, however low the priority of the other one. So neither an
/// append nor a plugin that has little to do waits for one that computes. Older kernels have no such thing and ignore it.
const LONG: Duration = Duration::from_millis(100);

thread_local! {
    /// Whether this thread has a long slice.
    static COMPUTES: Cell<bool> = const { Cell::new(false) };
}

impl PluginPriority {
    /// What is added to the nice value of its thread. Linux gives a thread about 1.25 times as much for each step: a plugin
    /// of one priority gets some three times as much as one of the next lower.
    pub(super) const fn nice(self) -> i32 {
        match self {
            Self::Low => 15,
            Self::Normal => 10,
            Self::High => 5,
        }
    }
}

/// Has the scheduler prefer every ordinary thread to this one, by half an order of magnitude at least, and let them in at once.
pub(super) fn lower(priority: PluginPriority) {
    let this = Some(rustix::thread::gettid());
    let lowered = nice().and_then(|nice| Ok(rustix::process::setpriority_process(this, nice + priority.nice())?));
    if let Err(error) = lowered {
        tracing::warn!(%error, "a plugin runs at full priority");
    }
    computes(true);
}

/// Takes note of what a call of a plugin took, on the thread that made it.
pub(super) fn called(cpu: Duration) {
    computes(cpu >= MUCH);
}

fn computes(computes: bool) {
    if COMPUTES.replace(computes) == computes {
        return;
    }
    let slice = if computes { LONG } else { Duration::ZERO };
    if let Err(error) = nice().and_then(|nice| give(nice, slice)) {
        tracing::debug!(%error, "the slice of a plugin's thread stays as it was");
    }
}

/// The nice value of this thread. On Linux the priority of a process is in truth that of the thread with the same number.
fn nice() -> io::Result<i32> {
    Ok(rustix::process::getpriority_process(Some(rustix::thread::gettid()))?)
}

/// Gives this thread a nice value, which it has already, and a slice; zero: the usual one.
#[expect(unsafe_code, reason = "no library offers sched_setattr(2) for ordinary threads")]
fn give(nice: i32, slice: Duration) -> io::Result<()> {
    /// `struct sched_attr` of Linux 3.14, the form that every later kernel takes.
    #[repr(C)]
    struct Attributes {
        size: u32,
        policy: u32,
        flags: u64,
        nice: i32,
        priority: u32,
        runtime: u64,
        deadline: u64,
        period: u64,
    }

    let size = u32::try_from(size_of::<Attributes>()).unwrap_or_default();
    let runtime = u64::try_from(slice.as_nanos()).unwrap_or_default();
    let policy = libc::SCHED_OTHER.cast_unsigned();
    let attributes = Attributes { size, policy, flags: 0, nice, priority: 0, runtime, deadline: 0, period: 0 };
    // SAFETY: the kernel reads `size` bytes from the pointer, which are there, and writes none. 0 is the calling thread.
    let answer = unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const attributes, 0) };
    if answer == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What `work` answers on a thread of its own.
    fn aside<T: Send>(work: impl FnOnce() -> T + Send) -> T {
        std::thread::scope(|scope| scope.spawn(work).join().unwrap())
    }

    #[test]
    fn a_higher_priority_gets_more_and_none_as_much_as_what_answers_clients() {
        let added = |priority: PluginPriority| {
            aside(|| {
                let before = nice().unwrap();
                lower(priority);
                nice().unwrap() - before
            })
        };
        let [low, normal, high] = [PluginPriority::Low, PluginPriority::Normal, PluginPriority::High].map(added);
        assert!(low > normal && normal > high && high > 0, "{low} {normal} {high}");
    }

    #[test]
    fn what_a_call_took_changes_the_slice_and_not_the_priority() {
        aside(|| {
            lower(PluginPriority::Normal);
            let lowered = nice().unwrap();
            for (cpu, computes) in [(MUCH / 2, false), (MUCH, true), (MUCH * 2, true), (Duration::ZERO, false)] {
                called(cpu);
                assert_eq!((COMPUTES.get(), nice().unwrap()), (computes, lowered), "{cpu:?}");
            }
        });
    }
}
