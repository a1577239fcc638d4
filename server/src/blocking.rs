//! The bridge to code that blocks: password hashes, files, libraries without async.
//!
//! In: closures. Out: what they answer, or that there is no room for them. A bounded number run at
//! a time, on threads that serve no socket and no tick; a bounded number wait. Whoever stops
//! waiting takes its closure along, unless it has begun.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use tokio::sync::Semaphore;

/// A bounded number of threads for code that blocks. Clones share them.
///
/// ```
/// # tokio::runtime::Builder::new_current_thread().build().expect("a runtime").block_on(async {
/// let blocking = downbeat_server::Blocking::new(2, 16);
/// let answer = blocking.run(|| 6 * 7).await;
/// assert_eq!(answer, Ok(42));
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Blocking {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    /// Those who run or wait.
    places: Arc<Semaphore>,
    /// Those who run; given out in the order of asking.
    threads: Arc<Semaphore>,
    places_max: usize,
    threads_max: usize,
    counts: Counts,
}

#[derive(Debug, Default)]
struct Counts {
    done: AtomicU64,
    refused: AtomicU64,
    panicked: AtomicU64,
    nanos: AtomicU64,
}

/// Why a closure gave no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockingError {
    /// All threads are taken, and all places to wait for one. Over HTTP: 503 with `Retry-After`.
    #[error("too much blocking work waits already")]
    Busy,
    /// It panicked; the log has its words.
    #[error("blocking work panicked")]
    Panicked,
}

/// What was and is being done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BlockingCounts {
    /// Closures that run now.
    pub running: usize,
    /// Closures that wait for a thread.
    pub waiting: usize,
    /// Closures that were run.
    pub done: u64,
    /// Those that found no place.
    pub refused: u64,
    /// Those that panicked.
    pub panicked: u64,
    /// Time that they took on their threads, together. Units: seconds.
    pub seconds: f64,
}

impl Blocking {
    /// Runs up to `threads` closures at a time, and lets up to `queue` more wait.
    ///
    /// # Panics
    /// Without a thread.
    pub fn new(threads: usize, queue: usize) -> Self {
        assert!(threads > 0, "somebody has to do it");
        let places_max = threads.saturating_add(queue).min(Semaphore::MAX_PERMITS);
        let shared = Shared {
            places: Arc::new(Semaphore::new(places_max)),
            threads: Arc::new(Semaphore::new(threads)),
            places_max,
            threads_max: threads,
            counts: Counts::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Runs a closure on a thread where it may block.
    ///
    /// Once it runs it runs to its end, also when nobody waits any more; until then it keeps its
    /// thread's place, so that those who give up do not make room for more than there are threads.
    ///
    /// # Errors
    /// If there is no place, or it panicked.
    ///
    /// # Panics
    /// Outside of a tokio runtime.
    pub async fn run<T, F>(&self, work: F) -> Result<T, BlockingError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let Ok(place) = Arc::clone(&shared.places).try_acquire_owned() else {
            shared.counts.refused.fetch_add(1, Ordering::Relaxed);
            return Err(BlockingError::Busy);
        };
        let thread = Arc::clone(&shared.threads).acquire_owned().await;
        let thread = thread.expect("the semaphore is never closed");
        let ran = tokio::task::spawn_blocking(move || {
            let begun = Instant::now();
            let done = catch_unwind(AssertUnwindSafe(work));
            shared.counts.count(begun, done.is_err());
            drop((thread, place));
            done
        });
        // The task itself neither panics nor is aborted; a runtime that ends may drop it unrun.
        match ran.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(_)) | Err(_) => Err(BlockingError::Panicked),
        }
    }

    /// What was and is being done.
    pub fn counts(&self) -> BlockingCounts {
        let Shared {
            places,
            threads,
            places_max,
            threads_max,
            counts,
        } = &*self.shared;
        let running = threads_max - threads.available_permits();
        let taken = places_max - places.available_permits();
        #[expect(clippy::cast_precision_loss, reason = "a metric, exact for 104 days")]
        let seconds = counts.nanos.load(Ordering::Relaxed) as f64 / 1e9;
        BlockingCounts {
            running,
            waiting: taken.saturating_sub(running),
            done: counts.done.load(Ordering::Relaxed),
            refused: counts.refused.load(Ordering::Relaxed),
            panicked: counts.panicked.load(Ordering::Relaxed),
            seconds,
        }
    }
}

impl Counts {
    fn count(&self, begun: Instant, panicked: bool) {
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.nanos.fetch_add(nanos, Ordering::Relaxed);
        self.done.fetch_add(1, Ordering::Relaxed);
        self.panicked
            .fetch_add(u64::from(panicked), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, channel};
    use std::time::Duration;

    use super::*;

    /// Something that blocks until it is told.
    fn held(until: Receiver<()>) -> impl FnOnce() -> u32 + Send {
        move || {
            until.recv_timeout(Duration::from_secs(10)).expect("told");
            7
        }
    }

    async fn until(blocking: &Blocking, is: impl Fn(BlockingCounts) -> bool) {
        let seen = async {
            while !is(blocking.counts()) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        let seen = tokio::time::timeout(Duration::from_secs(10), seen);
        seen.await.expect("counts as expected");
    }

    #[tokio::test]
    async fn what_finds_no_place_is_told_so_at_once() {
        let blocking = Blocking::new(1, 1);
        let (go, wait) = channel();
        let first = tokio::spawn({
            let blocking = blocking.clone();
            async move { blocking.run(held(wait)).await }
        });
        until(&blocking, |counts| counts.running == 1).await;
        let second = tokio::spawn({
            let blocking = blocking.clone();
            async move { blocking.run(|| 8).await }
        });
        until(&blocking, |counts| counts.waiting == 1).await;
        assert_eq!(blocking.run(|| 9).await, Err(BlockingError::Busy));
        go.send(()).expect("somebody waits");
        assert_eq!(first.await.expect("ran"), Ok(7));
        assert_eq!(second.await.expect("ran"), Ok(8));
        let counts = blocking.counts();
        assert_eq!((counts.done, counts.refused), (2, 1));
        assert_eq!((counts.running, counts.waiting), (0, 0));
    }

    #[tokio::test]
    async fn a_panic_is_an_answer_and_costs_no_thread() {
        let blocking = Blocking::new(1, 1);
        for _ in 0..3 {
            let ran: Result<(), _> = blocking.run(|| panic!("on purpose")).await;
            assert_eq!(ran, Err(BlockingError::Panicked));
        }
        assert_eq!(blocking.run(|| 1).await, Ok(1));
        assert_eq!(blocking.counts().panicked, 3);
    }

    #[tokio::test]
    async fn who_gives_up_while_waiting_is_never_run_and_who_gives_up_later_keeps_the_thread() {
        let blocking = Blocking::new(1, 1);
        let (go, wait) = channel();
        let running = tokio::spawn({
            let blocking = blocking.clone();
            async move { blocking.run(held(wait)).await }
        });
        until(&blocking, |counts| counts.running == 1).await;
        running.abort();
        let waiting = tokio::spawn({
            let blocking = blocking.clone();
            async move { blocking.run(|| 1).await }
        });
        until(&blocking, |counts| counts.waiting == 1).await;
        waiting.abort();
        until(&blocking, |counts| counts.waiting == 0).await;
        assert_eq!(blocking.counts().running, 1, "it still blocks");
        go.send(()).expect("it still waits");
        until(&blocking, |counts| counts.running == 0).await;
        assert_eq!(blocking.counts().done, 1);
    }
}
