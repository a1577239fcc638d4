//! Panics inside a room: caught by the loop, logged here with their backtrace.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::RefCell;
use std::panic;
use std::sync::Once;

thread_local! {
    static ROOM: RefCell<Option<(&'static str, String)>> = const { RefCell::new(None) };
}

/// While it lives, a panic on this thread is logged as that room's.
pub(crate) struct InRoom(());

/// Marks this thread as working for a room.
pub(crate) fn in_room(game: &'static str, room: &str) -> InRoom {
    ROOM.with_borrow_mut(|current| match current {
        // The same room again, tick after tick: nothing to allocate.
        Some((g, r)) if *g == game && r == room => {}
        _ => *current = Some((game, room.to_owned())),
    });
    InRoom(())
}

impl Drop for InRoom {
    fn drop(&mut self) {
        ROOM.with_borrow_mut(|current| *current = None);
    }
}

/// Logs panics of rooms with a backtrace and leaves all others to the hook that was there.
pub(crate) fn install_hook() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let Some((game, room)) = ROOM.with_borrow(Clone::clone) else {
                return previous(info);
            };
            tracing::error!(
                game,
                room,
                message = message(info.payload()),
                at = info.location().map(ToString::to_string),
                backtrace = %Backtrace::force_capture(),
                "panic in a game"
            );
        }));
    });
}

/// The words of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("no message")
}
