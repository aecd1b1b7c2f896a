//! An allocator that traps on request: in the host's own calls into the guest, where nobody expects the guest to run.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// No allocation is made any more.
static REFUSES: AtomicBool = AtomicBool::new(false);
/// What lies here is not freed; 0: anything is.
static KEEPS: AtomicUsize = AtomicUsize::new(0);

/// From now on, the next allocation traps: the host makes it when it hands over the arguments of the next call.
pub fn refuse() {
    REFUSES.store(true, Ordering::Relaxed);
}

/// Freeing what lies at `place` traps: the host has it freed after the call has returned.
pub fn keep(place: *const u8) {
    KEEPS.store(place.addr(), Ordering::Relaxed);
}

struct Touchy;

#[global_allocator]
static ALLOCATOR: Touchy = Touchy;

// SAFETY: it hands on what it is asked, or does not return.
unsafe impl GlobalAlloc for Touchy {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if REFUSES.load(Ordering::Relaxed) {
            trap();
        }
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        if KEEPS.load(Ordering::Relaxed) == place.addr() {
            trap();
        }
        // SAFETY: the caller's.
        unsafe { System.dealloc(place, layout) }
    }
}

fn trap() -> ! {
    #[cfg(target_arch = "wasm32")]
    core::arch::wasm32::unreachable();
    #[cfg(not(target_arch = "wasm32"))]
    std::process::abort()
}
