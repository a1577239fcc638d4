//! `JobPool`: the threads that run jobs, and the queue that feeds them.
//!
//! In: batches, from rooms. Out: nothing; a batch knows where its answers go. A shell: the only
//! part of the jobs that reads a clock or starts threads. It decides who is served first, and
//! nothing that a room could tell from its answers.

use std::any::TypeId;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, TryLockError};
use std::time::{Duration, Instant};

use crate::batch::Work;
use crate::job::Priority;
use crate::limits::{JOBS_PER_CLAIM_MAX, JOBS_QUEUED_MAX, JOBS_STOP_WITHIN};

/// Threads that run the jobs of all rooms.
///
/// They are not those of the tick, nor of the sockets, and the system runs them after those: it
/// is the pool that waits when there is not enough machine for all.
pub struct JobPool {
    shared: Arc<Shared>,
    threads: rayon::ThreadPool,
}

struct Shared {
    queue: Mutex<Queue>,
    /// Told when a pump ends.
    ended: Condvar,
    threads: usize,
    start: Instant,
    delay: Option<Delay>,
}

/// Called by a pump before each claim with the claim's number; for tests.
pub(crate) type Delay = Box<dyn Fn(u64) -> Duration + Send + Sync>;

/// Batches that have jobs which nobody has claimed, by whom to serve first; of equals, by number.
#[derive(Default)]
struct Queue {
    waiting: BTreeMap<(Duration, u64), Queued>,
    /// Jobs in it, for its bound.
    jobs: usize,
    next_number: u64,
    /// What each pump works on, so that it can be stopped.
    running: Vec<Queued>,
    claims: u64,
    pumps: usize,
    stopping: bool,
}

#[derive(Clone)]
struct Queued {
    work: Arc<dyn Work>,
    number: u64,
    since: Duration,
    /// The first entry that no pump has claimed.
    next: u32,
}

impl fmt::Debug for JobPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobPool")
            .field("threads", &self.shared.threads)
            .field("queued", &self.queued())
            .finish()
    }
}

impl JobPool {
    /// A pool of so many threads.
    ///
    /// # Errors
    /// If the system gives no threads.
    ///
    /// # Panics
    /// If `threads` is 0: without threads there is no pool, and rooms run their jobs themselves.
    pub fn new(threads: usize) -> Result<Self, std::io::Error> {
        Self::with_delay(threads, None)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "what the pool's clock counts from"
    )]
    pub(crate) fn with_delay(threads: usize, delay: Option<Delay>) -> Result<Self, std::io::Error> {
        assert!(threads > 0, "a pool has threads");
        crate::panics::install_hook();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|i| format!("downbeat-job-{i}"))
            .start_handler(|_| step_back())
            .build()
            .map_err(std::io::Error::other)?;
        Ok(Self {
            shared: Arc::new(Shared {
                queue: Mutex::default(),
                ended: Condvar::new(),
                threads,
                start: Instant::now(),
                delay,
            }),
            threads: pool,
        })
    }

    /// Jobs that wait for a thread.
    pub fn queued(&self) -> usize {
        self.shared.lock().jobs
    }

    /// Time on the pool's clock, for what is only measured.
    pub(crate) fn now(&self) -> Duration {
        self.shared.start.elapsed()
    }

    /// Queues a batch; `false` if there is no room for it now.
    pub(crate) fn push(&self, work: Arc<dyn Work>) -> bool {
        let since = self.now();
        let starts = {
            let Some(mut queue) = self.shared.try_lock() else {
                return false;
            };
            if !queue.insert(work, since) {
                return false;
            }
            queue.start_pump(self.shared.threads)
        };
        if starts {
            let shared = Arc::clone(&self.shared);
            self.threads.spawn(move || shared.pump());
        }
        true
    }

    /// Cancels all that waits or runs, and waits a moment for the threads to stop; answers whether
    /// they did.
    pub fn stop(&self) -> bool {
        let mut queue = self.shared.lock();
        queue.stopping = true;
        for queued in queue.waiting.values().chain(&queue.running) {
            queued.work.abandon();
        }
        let dropped = std::mem::take(&mut queue.waiting);
        queue.jobs = 0;
        let idle = |queue: &mut Queue| queue.pumps > 0;
        let waited = self
            .shared
            .ended
            .wait_timeout_while(queue, JOBS_STOP_WITHIN, idle);
        let (queue, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let stopped = queue.pumps == 0;
        drop(queue);
        crate::panics::drop_caught(dropped);
        stopped
    }
}

impl Drop for JobPool {
    fn drop(&mut self) {
        if !self.stop() {
            tracing::error!("a job does not stop, its thread is left behind");
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Serves the queue until there is nothing that this thread may do. It wakes the next one if
    /// there is more: the tick thread wakes one at most, for that takes longer than ten jobs.
    fn pump(self: Arc<Self>) {
        while let Some((queued, count)) = self.claim() {
            let waited = || self.start.elapsed().saturating_sub(queued.since);
            queued.work.run(queued.next..queued.next + count, &waited);
            let finished = self.lock().finish(queued.number);
            // The last to hold a batch drops it: not under the lock, and whatever a job's drop does.
            crate::panics::drop_caught((queued, finished));
        }
    }

    fn claim(self: &Arc<Self>) -> Option<(Queued, u32)> {
        let mut queue = self.lock();
        let Some(claimed) = queue.claim(self.threads) else {
            queue.pumps -= 1;
            self.ended.notify_all();
            return None;
        };
        let claim = queue.claims;
        queue.claims += 1;
        let starts = queue.start_pump(self.threads);
        drop(queue);
        if starts {
            let shared = Arc::clone(self);
            rayon::spawn(move || shared.pump());
        }
        if let Some(delay) = &self.delay {
            std::thread::sleep(delay(claim));
        }
        Some(claimed)
    }

    /// The lock, if nobody has it for long: a thread of the pool may have been put aside in the
    /// middle of its few instructions, and no tick waits for that.
    fn try_lock(&self) -> Option<MutexGuard<'_, Queue>> {
        (0..LOCK_TRIES).find_map(|_| match self.queue.try_lock() {
            Ok(queue) => Some(queue),
            Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(TryLockError::WouldBlock) => {
                std::hint::spin_loop();
                None
            }
        })
    }
}

/// Looks at a lock that somebody has: some microseconds, far longer than it is ever held.
const LOCK_TRIES: u32 = 1000;

impl Queue {
    fn insert(&mut self, work: Arc<dyn Work>, since: Duration) -> bool {
        let jobs = work.len() as usize;
        if self.stopping || (self.jobs > 0 && self.jobs + jobs > JOBS_QUEUED_MAX) {
            return false;
        }
        let rule = work.rule();
        let period = Duration::from_secs(1) / u32::from(work.tick_rate_hz());
        let due = since + period * rule.latency_ticks + allowance(rule.priority);
        let number = self.next_number;
        self.next_number += 1;
        self.jobs += jobs;
        let queued = Queued {
            work,
            number,
            since,
            next: 0,
        };
        self.waiting.insert((due, number), queued);
        true
    }

    /// Takes some jobs of the first batch whose kind may have another thread.
    fn claim(&mut self, threads: usize) -> Option<(Queued, u32)> {
        let running = &self.running;
        let mut waiting = self.waiting.iter_mut();
        let (&key, queued) = waiting.find(|(_, queued)| {
            let at_work = threads_of(running, queued.work.kind());
            at_work < queued.work.rule().threads_max as usize
        })?;
        let left = queued.work.len() - queued.next;
        // Large shares while there is much, small ones near the end: all threads end together.
        let share = left / u32::try_from(4 * threads).unwrap_or(u32::MAX);
        let count = share.clamp(1, JOBS_PER_CLAIM_MAX);
        let claimed = queued.clone();
        queued.next += count;
        if count == left {
            self.waiting.remove(&key);
        }
        self.jobs -= count as usize;
        self.running.push(claimed.clone());
        Some((claimed, count))
    }

    /// Whether another pump has something to do; it is counted in.
    fn start_pump(&mut self, threads: usize) -> bool {
        let starts = self.jobs > 0 && self.pumps < threads;
        self.pumps += usize::from(starts);
        starts
    }

    fn finish(&mut self, number: u64) -> Queued {
        let at = self.running.iter().position(|q| q.number == number);
        self.running.swap_remove(at.expect("what was claimed"))
    }
}

fn threads_of(running: &[Queued], kind: (TypeId, usize)) -> usize {
    let same = running.iter().filter(|queued| queued.work.kind() == kind);
    same.count()
}

/// How much later than it is due a job counts: who has waited that much longer goes first.
const fn allowance(priority: Priority) -> Duration {
    match priority {
        Priority::High => Duration::ZERO,
        Priority::Normal => Duration::from_millis(100),
        Priority::Low => Duration::from_secs(2),
    }
}

/// This thread runs when the ticks and the sockets have had their turn.
fn step_back() {
    // A low share alone would not do: who runs goes on for its slice, some milliseconds, before a
    // thread that was woken gets its turn. Only the idle class makes way at once.
    #[cfg(target_os = "linux")]
    {
        use thread_priority::unix::{
            NormalThreadSchedulePolicy, ThreadSchedulePolicy, set_thread_priority_and_policy,
            thread_native_id,
        };
        let idle = ThreadSchedulePolicy::Normal(NormalThreadSchedulePolicy::Idle);
        let lowest = thread_priority::ThreadPriority::Min;
        if let Err(error) = set_thread_priority_and_policy(thread_native_id(), lowest, idle) {
            tracing::debug!(?error, "job threads run at the priority of the others");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::ops::Range;

    use super::*;
    use crate::job::JobKind;

    const HIGH: usize = 0;
    const NORMAL: usize = 1;
    const LOW: usize = 2;
    const ALONE: usize = 3;
    static KINDS: [JobKind; 4] = [
        JobKind::new("high").priority(Priority::High),
        JobKind::new("normal"),
        JobKind::new("low").priority(Priority::Low),
        JobKind::new("alone").threads(1),
    ];

    /// Jobs that are only claimed.
    struct Idle {
        kind: usize,
        jobs: u32,
    }

    impl Work for Idle {
        fn rule(&self) -> &'static JobKind {
            &KINDS[self.kind]
        }

        fn kind(&self) -> (TypeId, usize) {
            (TypeId::of::<Self>(), self.kind)
        }

        fn len(&self) -> u32 {
            self.jobs
        }

        fn tick_rate_hz(&self) -> u16 {
            20
        }

        fn run(&self, _: Range<u32>, _: &dyn Fn() -> Duration) {}

        fn abandon(&self) {}
    }

    /// Pairs of when and what.
    fn queue(jobs: &[(u64, usize)]) -> Queue {
        let mut queue = Queue::default();
        for &(since, kind) in jobs {
            let work = Arc::new(Idle { kind, jobs: 1 });
            assert!(queue.insert(work, Duration::from_millis(since)));
        }
        queue
    }

    /// What one thread after another takes, all at the same time.
    fn claims(queue: &mut Queue) -> Vec<usize> {
        let claims = std::iter::from_fn(|| queue.claim(2));
        claims.map(|(queued, _)| queued.work.kind().1).collect()
    }

    #[test]
    fn who_is_due_first_goes_first_and_a_priority_is_worth_some_time() {
        let mut queue = queue(&[(0, LOW), (10, NORMAL), (20, NORMAL), (50, HIGH)]);
        assert_eq!(claims(&mut queue), [HIGH, NORMAL, NORMAL, LOW]);
        assert_eq!(queue.jobs, 0);
    }

    #[test]
    fn who_has_waited_long_enough_goes_before_the_newest_of_a_higher_priority() {
        let mut queue = queue(&[(1980, HIGH), (0, LOW), (2020, HIGH), (1899, NORMAL)]);
        assert_eq!(claims(&mut queue), [HIGH, NORMAL, LOW, HIGH]);
    }

    #[test]
    fn a_kind_for_one_thread_leaves_the_others_to_others() {
        let mut queue = queue(&[(0, ALONE), (0, ALONE), (100, NORMAL)]);
        assert_eq!(claims(&mut queue), [ALONE, NORMAL]);
        assert_eq!(queue.jobs, 1);
        queue.finish(0);
        assert_eq!(claims(&mut queue), [ALONE]);
    }

    #[test]
    fn what_finds_no_room_is_not_taken_and_shares_shrink_towards_the_end() {
        let mut queue = Queue::default();
        let most = u32::try_from(JOBS_QUEUED_MAX).expect("fits");
        let work = |jobs| Arc::new(Idle { kind: NORMAL, jobs });
        assert!(queue.insert(work(most), Duration::ZERO));
        assert!(!queue.insert(work(1), Duration::ZERO));
        let shares = std::iter::from_fn(|| queue.claim(2));
        let shares: Vec<_> = shares.map(|(_, count)| count).collect();
        assert_eq!(shares.first(), Some(&JOBS_PER_CLAIM_MAX));
        assert_eq!(shares.last(), Some(&1));
        assert_eq!(shares.iter().sum::<u32>(), most, "each once");
        assert!(queue.insert(work(1), Duration::ZERO));
    }
}
