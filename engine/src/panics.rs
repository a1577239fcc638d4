//! Panics inside a room: caught by the loop, logged here with their backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::panic::{self, AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Once};

thread_local! {
    static ROOM: RefCell<Option<(Arc<str>, Arc<str>)>> = const { RefCell::new(None) };
    static JOB: Cell<Option<&'static str>> = const { Cell::new(None) };
    static HUSHED: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, a panic on this thread is not logged: whoever catches it tells.
pub(crate) struct Hushed(());

/// Lets panics on this thread pass in silence.
pub(crate) fn hush() -> Hushed {
    install_hook();
    HUSHED.set(true);
    Hushed(())
}

impl Drop for Hushed {
    fn drop(&mut self) {
        HUSHED.set(false);
    }
}

/// While it lives, a panic on this thread is logged as that room's.
pub(crate) struct InRoom(());

/// Marks this thread as working for a room.
pub(crate) fn in_room(game: &Arc<str>, room: &Arc<str>) -> InRoom {
    ROOM.set(Some((Arc::clone(game), Arc::clone(room))));
    InRoom(())
}

impl Drop for InRoom {
    fn drop(&mut self) {
        ROOM.set(None);
    }
}

/// While it lives, a panic on this thread is logged as that room's job's.
pub(crate) struct InJob(Option<(Arc<str>, Arc<str>)>);

/// Marks this thread as working on a job of a room; perhaps in the middle of that room's step.
pub(crate) fn in_job(game: &Arc<str>, room: &Arc<str>, kind: &'static str) -> InJob {
    JOB.set(Some(kind));
    InJob(ROOM.replace(Some((Arc::clone(game), Arc::clone(room)))))
}

impl Drop for InJob {
    fn drop(&mut self) {
        JOB.set(None);
        ROOM.set(self.0.take());
    }
}

/// Logs panics of rooms with a backtrace and leaves all others to the hook that was there.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if HUSHED.get() {
                return;
            }
            let Some((game, room)) = ROOM.with_borrow(Clone::clone) else {
                return previous(info);
            };
            tracing::error!(
                game = &*game,
                room = &*room,
                job = JOB.get(),
                message = message(info.payload()),
                at = info.location().map(ToString::to_string),
                backtrace = %Backtrace::force_capture(),
                "panic in a game"
            );
        }));
    });
}

/// Drops what a game made, which may panic over it; answers whether it did.
pub(crate) fn drop_caught<T>(value: T) -> bool {
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(value)));
    // What the panic of a drop carries is better not dropped at all.
    dropped.map_err(std::mem::forget).is_err()
}

/// The words of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
