//! The room task: one for up to 256 members of a room.
//!
//! It selects over its members' sockets, the room's tick notices and its control channel. It
//! decodes what members say into the room's inbox, and writes them each frame itself, without ever
//! waiting for a slow one. It knows links, not sockets; what a frame holds is `frame`'s business.

use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::frame::Frame;
use crate::game::{Game, Player};
use crate::host::RoomPort;
use crate::limits::DEADLINES_EVERY;
use crate::link::Link;
use crate::seats::Seats;
use crate::wire::{Close, CloseCode};

/// What a directory tells a room task.
pub(crate) enum TaskIn<G: Game, L> {
    Enter(Box<Enter<G, L>>),
    Drain,
}

/// Somebody on the way in.
pub(crate) struct Enter<G: Game, L> {
    pub(crate) player: Player<G>,
    pub(crate) link: L,
    /// Counts as one of the task's seats while it lives.
    pub(crate) seat: Arc<()>,
}

pub(crate) struct RoomTask<G: Game, L: Link> {
    seats: Seats<G, L>,
    started: Instant,
}

impl<G: Game, L: Link> RoomTask<G, L> {
    pub(crate) fn new(port: RoomPort<G>) -> Self {
        Self {
            seats: Seats::new(port),
            started: Instant::now(),
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
                        self.seats.close_all(close, self.started.elapsed());
                    }
                },
                Some(message) = control.recv() => self.handle(message, end),
                () = poll_fn(|cx| {
                    self.seats.poll_read(cx, self.started.elapsed());
                    Poll::Pending
                }) => {}
                _ = deadlines.tick() => {
                    self.seats.handle_deadlines(self.started.elapsed());
                    if self.seats.is_empty() && control.is_empty() {
                        // Whoever comes now gets another task; whoever came just before is served.
                        control.close();
                        if control.is_empty() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// The write pass. Without `unconstrained` tokio's cooperative budget would make the 129th
    /// socket look blocked.
    async fn write(&mut self, frame: &Frame) {
        let now = self.started.elapsed();
        let seats = &mut self.seats;
        tokio::task::coop::unconstrained(poll_fn(|_| {
            seats.write(frame, now);
            Poll::Ready(())
        }))
        .await;
    }

    fn handle(&mut self, message: TaskIn<G, L>, end: Option<Close>) {
        let now = self.started.elapsed();
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

impl<G: Game, L: Link> Drop for RoomTask<G, L> {
    /// Also when the runtime goes down with members inside: the room must not wait for them.
    fn drop(&mut self) {
        let left = self.seats.len();
        self.seats
            .port()
            .status
            .occupants
            .fetch_sub(left, Ordering::AcqRel);
    }
}
