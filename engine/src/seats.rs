//! The seats of one room task: which slot is whose, and which of them have something to do.
//!
//! In: links on their way in, frames, wake-ups, time. Out: joins and leaves for the room. What is
//! said over a link is its `slot`'s business. No async here: nothing waits.

use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use crate::frame::Frame;
use crate::game::Game;
use crate::link::Link;
use crate::port::{Enter, RoomPort};
use crate::slot::{Gone, Slot};
use crate::tick::Tick;
use crate::viewer::Desk;
use crate::wakers::ReadySet;
use crate::wire::Close;

pub(crate) struct Seats<G: Game, L: Link> {
    port: RoomPort<G>,
    slots: Vec<Option<Slot<L>>>,
    free: Vec<usize>,
    ready: Arc<ReadySet>,
    desk: Desk,
    newest: Tick,
}

impl<G: Game, L: Link> Seats<G, L> {
    pub(crate) fn new(port: RoomPort<G>) -> Self {
        Self {
            port,
            slots: Vec::new(),
            free: Vec::new(),
            ready: Arc::default(),
            desk: Desk::default(),
            newest: Tick::ZERO,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slots.len() == self.free.len()
    }

    /// Seats a link and asks the room to let it in; answers the slot.
    pub(crate) fn enter(&mut self, enter: Enter<G, L>, now: Duration) -> usize {
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let waker = self.ready.waker(at);
        let (slot, ask) = Slot::new(enter, self.port.tick_rate_hz, waker, now);
        self.slots[at] = Some(slot);
        self.ready.mark(at);
        let heard = self.port.push(ask).is_ok();
        self.with_slot(at, now, |slot, port, _, cx| {
            if heard {
                slot.handle_heard();
                return Ok(());
            }
            slot.turn_away(port, now);
            slot.advance(port, cx, now)
        });
        at
    }

    /// Sends one frame to everybody who can take it.
    pub(crate) fn write(&mut self, frame: &Frame, now: Duration) {
        self.newest = frame.tick;
        for at in 0..self.slots.len() {
            self.with_slot(at, now, |slot, port, desk, cx| {
                slot.unmute();
                slot.take_frame(port, frame, desk, now);
                slot.advance(port, cx, now)
            });
        }
        if frame.beat.whole {
            self.desk.bodies.prune(frame.tick);
        }
    }

    /// The task missed frames: its members need keyframes.
    pub(crate) fn handle_lagged(&mut self, frames: u64) {
        self.port.world.counters().notices_lagged.add(1);
        tracing::warn!(
            game = &*self.port.game,
            room = &*self.port.name,
            frames,
            "room task lagged behind the tick"
        );
        let frames = u32::try_from(frames).unwrap_or(u32::MAX);
        for slot in self.slots.iter_mut().flatten() {
            slot.miss_unseen(frames);
        }
    }

    /// Reads from the sockets that have something, and writes to those that can take more.
    pub(crate) fn poll_read(&mut self, cx: &Context<'_>, now: Duration) {
        let ready = Arc::clone(&self.ready);
        ready.register(cx.waker());
        for at in ready.take() {
            let newest = self.newest;
            self.with_slot(at, now, |slot, port, _, cx| {
                slot.advance(port, cx, now)?;
                slot.read(port, newest, cx, now)?;
                slot.advance(port, cx, now)
            });
        }
    }

    /// Looks for whom time is up.
    pub(crate) fn handle_deadlines(&mut self, now: Duration) {
        for at in 0..self.slots.len() {
            self.with_slot(at, now, |slot, port, _, cx| {
                slot.handle_deadlines(port, now)?;
                slot.advance(port, cx, now)
            });
        }
    }

    /// Says goodbye to one member, after what already waits for it.
    pub(crate) fn close(&mut self, at: usize, close: Close, now: Duration) {
        self.with_slot(at, now, |slot, port, _, cx| {
            slot.close(port, close, now);
            slot.advance(port, cx, now)
        });
    }

    /// Says goodbye to everybody.
    pub(crate) fn close_all(&mut self, close: Close, now: Duration) {
        for at in 0..self.slots.len() {
            self.close(at, close, now);
        }
    }

    /// Does something with a slot, and clears it away if its conversation ended over it.
    fn with_slot(
        &mut self,
        at: usize,
        now: Duration,
        act: impl FnOnce(&mut Slot<L>, &RoomPort<G>, &mut Desk, &mut Context<'_>) -> Result<(), Gone>,
    ) {
        let Some(slot) = self.slots.get_mut(at).and_then(Option::as_mut) else {
            return;
        };
        let waker = slot.waker().clone();
        let mut cx = Context::from_waker(&waker);
        let Err(gone) = act(slot, &self.port, &mut self.desk, &mut cx) else {
            return;
        };
        // The room knows of the leave before it may count as empty: the slot is its occupant.
        slot.leave(&self.port, gone, now);
        self.slots[at] = None;
        self.free.push(at);
    }
}

impl<G: Game, L: Link> Drop for Seats<G, L> {
    /// Nobody may stay in a room whose task is gone: when the runtime goes down, or after a bug.
    fn drop(&mut self) {
        for slot in self.slots.iter_mut().flatten() {
            slot.leave(&self.port, Gone::Lost, Duration::ZERO);
        }
    }
}

#[cfg(test)]
impl<G: Game, L: Link> Seats<G, L> {
    /// The tier that a member is reduced to.
    fn rate_of(&self, player: crate::PlayerId) -> Option<u8> {
        let mut slots = self.slots.iter().flatten();
        Some(slots.find(|slot| slot.player() == player)?.rate())
    }
}

#[cfg(test)]
mod crowd;
#[cfg(test)]
mod secrecy;
#[cfg(test)]
mod storm;
#[cfg(test)]
mod tests;
