//! The room task: one for up to 256 members of a room.
//!
//! It selects over its members' sockets, the room's tick notices and its control channel. It
//! decodes what members say into the room's inbox, and writes them each frame itself, without ever
//! waiting for a slow one. It knows links, not sockets; what a frame holds is `frame`'s business.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::frame::Frame;
use crate::game::Game;
use crate::limits::DEADLINES_EVERY;
use crate::link::Link;
use crate::port::{Enter, RoomPort};
use crate::seats::Seats;
use crate::wire::{Close, CloseCode};

/// What a directory tells a room task.
pub(crate) enum TaskIn<G: Game, L> {
    Enter(Box<Enter<G, L>>),
    Drain,
}

pub(crate) struct RoomTask<G: Game, L: Link> {
    seats: Seats<G, L>,
    clock: TaskClock,
}

impl<G: Game, L: Link> RoomTask<G, L> {
    pub(crate) fn new(port: RoomPort<G>) -> Self {
        Self {
            seats: Seats::new(port),
            clock: TaskClock::new(),
        }
    }

    /// Runs until nobody is left to serve.
    pub(crate) async fn run(
        mut self,
        mut control: mpsc::Receiver<TaskIn<G, L>>,
        mut notices: broadcast::Receiver<Arc<Frame>>,
    ) {
        let mut deadlines = interval(DEADLINES_EVERY);
        deadlines.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end: Option<Close> = None;
        loop {
            tokio::select! {
                biased;
                notice = notices.recv(), if end.is_none() => match notice {
                    Ok(frame) => {
                        end = frame.end;
                        self.write(&frame).await;
                    }
                    Err(RecvError::Lagged(frames)) => self.seats.handle_lagged(frames),
                    Err(RecvError::Closed) => {
                        let close = CloseCode::GoingAway.into();
                        end = Some(close);
                        self.seats.close_all(close, self.clock.now());
                    }
                },
                Some(message) = control.recv() => self.handle(message, end),
                () = poll_fn(|cx| {
                    self.seats.poll_read(cx, self.clock.now());
                    Poll::Pending
                }) => {}
                _ = deadlines.tick() => {
                    self.seats.handle_deadlines(self.clock.now());
                    if self.seats.is_empty() && control.is_empty() {
                        // Whoever comes now gets another task; whoever came just before is served.
                        control.close();
                        // `None` only when every permit is back: a sender may stand between its
                        // permit and its message.
                        match control.recv().await {
                            None => return,
                            Some(message) => self.handle(message, end),
                        }
                    }
                }
            }
        }
    }

    /// The write pass. Without `unconstrained` tokio's cooperative budget would make the 129th
    /// socket look blocked. What members have said is read first: when notices follow each other
    /// without a pause, nobody is judged by an echo that waits to be read.
    async fn write(&mut self, frame: &Frame) {
        let now = self.clock.now();
        let seats = &mut self.seats;
        tokio::task::coop::unconstrained(poll_fn(|cx| {
            seats.poll_read(cx, now);
            seats.write(frame, now);
            Poll::Ready(())
        }))
        .await;
    }

    fn handle(&mut self, message: TaskIn<G, L>, end: Option<Close>) {
        let now = self.clock.now();
        match message {
            TaskIn::Enter(enter) => {
                let at = self.seats.enter(*enter, now);
                if let Some(close) = end {
                    self.seats.close(at, close, now); // it came just too late
                }
            }
            TaskIn::Drain => self.seats.close_all(CloseCode::GoingAway.into(), now),
        }
    }
}

/// Time as members are measured by it: what passes while the task itself cannot run (a stopped
/// process, a starved runtime) is not held against them.
struct TaskClock {
    looked: Instant,
    now: Duration,
}

impl TaskClock {
    fn new() -> Self {
        Self {
            looked: Instant::now(),
            now: Duration::ZERO,
        }
    }

    /// Looked at whenever the task runs, at the latest each [`DEADLINES_EVERY`].
    fn now(&mut self) -> Duration {
        let passed = self.looked.elapsed();
        self.looked += passed;
        self.now += passed.min(2 * DEADLINES_EVERY);
        self.now
    }
}
