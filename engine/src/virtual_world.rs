//! A world without a thread, for tests: its time is tokio's, and that may be paused.

use std::time::Duration;

use crossbeam_channel::Receiver;
use tokio::time::Instant;

use crate::world::{Loop, LoopIn, WorldConfig, WorldHandle};

/// A world whose ticks run inside [`VirtualWorld::advance`].
///
/// Make it inside the runtime. In a test with `#[tokio::test(start_paused = true)]` an hour passes in milliseconds, and room
/// tasks have always done all they can before the next tick.
pub struct VirtualWorld {
    heart: Loop,
    handle: WorldHandle,
    messages: Receiver<LoopIn>,
    start: Instant,
}

/// Turns that room tasks get to act on the last tick: one to read it, one to write, and spare.
const SETTLE_POLLS: usize = 8;

impl VirtualWorld {
    /// A world at time zero.
    ///
    /// # Panics
    /// If the system gives no threads to step rooms with.
    pub fn new(config: &WorldConfig) -> Self {
        crate::panics::install_hook();
        let (mut handle, messages, _) = WorldHandle::new(config.seed);
        let jobs = handle.start_jobs(config.job_threads);
        jobs.expect("threads for the jobs");
        let counters = std::sync::Arc::clone(handle.counters());
        let heart = Loop::new(config, counters).expect("threads for the rooms");
        Self {
            heart,
            handle,
            messages,
            start: Instant::now(),
        }
    }

    /// The part that directories need.
    pub fn handle(&self) -> WorldHandle {
        self.handle.clone()
    }

    /// Lets time pass; ticks run when they are due.
    pub async fn advance(&mut self, by: Duration) {
        let until = self.start.elapsed() + by;
        loop {
            let now = self.start.elapsed();
            for message in self.messages.try_iter() {
                self.heart.handle(message, now);
            }
            let deadline = self.heart.turn(now, || now).unwrap_or(until);
            if now >= until {
                break;
            }
            // A message may come at any time, so never sleep past the next millisecond.
            let next = deadline.min(until).min(now + Duration::from_millis(1));
            tokio::time::sleep_until(self.start + next).await;
        }
        for _ in 0..SETTLE_POLLS {
            tokio::task::yield_now().await;
        }
    }

    /// The loop does nothing for a while, as if its thread had been stopped.
    pub async fn stall(&mut self, length: Duration) {
        tokio::time::sleep(length).await;
    }
}
