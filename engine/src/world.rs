//! The tick loop: owns every room, on a thread of its own.
//!
//! [`Loop`] is the heart: time and messages in, steps done, the next deadline out. [`World`] is
//! the thread around it, which only waits. Nothing outside can hold a reference into a room.

use std::any::Any;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use rayon::iter::{IntoParallelRefMutIterator as _, ParallelIterator as _};
use tokio::sync::watch;

use crate::counters::Counters;
use crate::hosted::{AnyRoom, Next};
use crate::job_pool::JobPool;
use crate::jobs::Workshop;
use crate::limits::{EMPTY_ROOM_KEPT, IDLE_TURN_EVERY};
use crate::pacer::Pacer;
use crate::panics;

/// How a world runs.
#[derive(Clone, Debug)]
pub struct WorldConfig {
    /// Where all randomness of its rooms comes from.
    pub seed: u64,
    /// Threads that step rooms; one is the tick thread itself.
    pub sim_threads: usize,
    /// Threads that run jobs; with none, rooms run theirs themselves, when they are due.
    pub job_threads: usize,
    /// How long an empty room stays before it is closed.
    pub empty_room_kept: Duration,
}

impl Default for WorldConfig {
    fn default() -> Self {
        Self {
            seed: 0,
            sim_threads: 1,
            job_threads: 0,
            empty_room_kept: EMPTY_ROOM_KEPT,
        }
    }
}

pub(crate) enum LoopIn {
    Open(Box<dyn AnyRoom>),
    Wake(u64),
    Stop,
}

/// A running world; stop it to learn how it ended.
#[derive(Debug)]
pub struct World {
    handle: WorldHandle,
    thread: JoinHandle<Stopped>,
}

/// What directories need of a world; cheap to clone.
#[derive(Clone, Debug)]
pub struct WorldHandle {
    sender: Sender<LoopIn>,
    /// Where rooms are opened before the loop gets them; without it the loop opens them itself.
    opener: Option<Sender<Box<dyn AnyRoom>>>,
    counters: Arc<Counters>,
    room_numbers: Arc<AtomicU64>,
    jobs: Option<Arc<JobPool>>,
    seed: u64,
    ended: watch::Receiver<()>,
    start: Instant,
}

/// What a world ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Ticks run, over all rates.
    pub ticks_run: u64,
    /// Ticks dropped, over all rates.
    pub ticks_dropped: u64,
    /// Rooms that were still open.
    pub rooms: usize,
}

/// The tick loop itself panicked: a bug of the engine, not of a game.
#[derive(Debug, thiserror::Error)]
#[error("the tick loop panicked: {0}")]
pub struct LoopPanicked(String);

impl World {
    /// Starts the tick thread.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start(config: &WorldConfig) -> Result<Self, std::io::Error> {
        panics::install_hook();
        let (mut handle, receiver, alive) = WorldHandle::new(config.seed);
        handle.start_jobs(config.job_threads)?;
        handle.opener = Some(start_opener(handle.sender.clone())?);
        let heart = Loop::new(config, Arc::clone(&handle.counters))?;
        let start = handle.start;
        let thread = std::thread::Builder::new()
            .name("downbeat-tick".into())
            .spawn(move || {
                let _alive = alive; // dropped however this thread ends
                run(heart, &receiver, start)
            })?;
        Ok(Self { handle, thread })
    }

    /// The part that directories need.
    pub fn handle(&self) -> WorldHandle {
        self.handle.clone()
    }

    /// Stops after the current tick and waits for the thread. Nobody leaves the rooms over it:
    /// that is what `Host::drain` is for, before this.
    ///
    /// # Errors
    /// If the loop had panicked.
    pub fn stop(self) -> Result<Stopped, LoopPanicked> {
        // An error means that the thread is gone already; `join` tells why.
        let _ = self.handle.sender.send(LoopIn::Stop);
        let words = |payload: Box<dyn Any + Send>| LoopPanicked(panics::message(&*payload).into());
        let stopped = self.thread.join().map_err(words);
        if let Some(jobs) = &self.handle.jobs
            && !jobs.stop()
        {
            tracing::error!("a job does not stop, its thread is left behind");
        }
        stopped
    }
}

impl WorldHandle {
    /// A handle, where its messages arrive, and what must be dropped when the world ends.
    #[expect(
        clippy::disallowed_methods,
        reason = "the tick thread counts from here"
    )]
    pub(crate) fn new(seed: u64) -> (Self, Receiver<LoopIn>, watch::Sender<()>) {
        let (sender, messages) = crossbeam_channel::unbounded();
        let (alive, ended) = watch::channel(());
        let handle = Self {
            sender,
            opener: None,
            counters: Arc::default(),
            room_numbers: Arc::new(AtomicU64::new(1)),
            jobs: None,
            seed,
            ended,
            start: Instant::now(),
        };
        (handle, messages, alive)
    }

    pub(crate) fn start_jobs(&mut self, threads: usize) -> Result<(), std::io::Error> {
        if threads > 0 {
            self.jobs = Some(Arc::new(JobPool::new(threads)?));
        }
        Ok(())
    }

    /// The world's counters.
    pub fn counters(&self) -> &Arc<Counters> {
        &self.counters
    }

    /// Where its randomness comes from.
    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// Resolves when the tick thread has ended, cleanly or not.
    pub async fn ended(&self) {
        let mut ended = self.ended.clone();
        while ended.changed().await.is_ok() {}
    }

    /// How long ago the tick thread began its last turn.
    ///
    /// It takes one each [`IDLE_TURN_EVERY`] at least, so much more than that means that a game
    /// holds it up.
    pub fn since_turn(&self) -> Duration {
        let last = Duration::from_millis(self.counters.last_turn_ms.value());
        self.start.elapsed().saturating_sub(last)
    }

    /// The threads that run jobs, if there are any.
    pub fn jobs(&self) -> Option<&JobPool> {
        self.jobs.as_deref()
    }

    pub(crate) fn workshop(&self) -> Workshop {
        Workshop {
            pool: self.jobs.clone(),
            counters: Arc::clone(&self.counters),
        }
    }

    pub(crate) fn next_room_number(&self) -> u64 {
        self.room_numbers.fetch_add(1, Ordering::Relaxed)
    }

    /// Hands a room to the loop once it is open.
    pub(crate) fn open(&self, room: Box<dyn AnyRoom>) {
        match &self.opener {
            // An error means that the world has stopped, as below.
            Some(opener) => drop(opener.send(room)),
            None => self.send(LoopIn::Open(room)),
        }
    }

    pub(crate) fn send(&self, message: LoopIn) {
        // An error means that the world has stopped; `ended` has told everybody.
        let _ = self.sender.send(message);
    }
}

/// A thread that opens rooms one after another: a game may draw a whole map when it opens, and no
/// tick waits for that. It ends with the last handle.
fn start_opener(loop_in: Sender<LoopIn>) -> Result<Sender<Box<dyn AnyRoom>>, std::io::Error> {
    let (opener, rooms) = crossbeam_channel::unbounded::<Box<dyn AnyRoom>>();
    let open_all = move || {
        for mut room in rooms {
            room.open();
            // An error means that the loop has stopped, and needs no rooms.
            let _ = loop_in.send(LoopIn::Open(room));
        }
    };
    std::thread::Builder::new()
        .name("downbeat-open".into())
        .spawn(open_all)?;
    Ok(opener)
}

/// The thread: waits for the next deadline or a message, whichever comes first.
fn run(mut heart: Loop, messages: &Receiver<LoopIn>, start: Instant) -> Stopped {
    let mut running = true;
    while running {
        let now = start.elapsed();
        let idle = now + IDLE_TURN_EVERY;
        let deadline = heart.turn(now, || start.elapsed()).unwrap_or(idle);
        let first = match messages.recv_deadline(start + deadline.min(idle)) {
            Ok(message) => Some(message),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => break,
        };
        for message in first.into_iter().chain(messages.try_iter()) {
            running &= heart.handle(message, start.elapsed());
        }
    }
    let stopped = heart.stopped();
    heart.discard();
    stopped
}

/// The rooms of one tick rate that are awake.
struct Clock {
    pacer: Pacer,
    awake: Vec<Box<dyn AnyRoom>>,
}

struct Sleeper {
    room: Box<dyn AnyRoom>,
    close_at: Duration,
}

/// The heart of the loop, without thread or clock.
pub(crate) struct Loop {
    clocks: BTreeMap<u16, Clock>,
    asleep: BTreeMap<u64, Sleeper>,
    pool: Option<rayon::ThreadPool>,
    empty_room_kept: Duration,
    counters: Arc<Counters>,
}

impl Loop {
    pub(crate) fn new(
        config: &WorldConfig,
        counters: Arc<Counters>,
    ) -> Result<Self, std::io::Error> {
        let pool = (config.sim_threads > 1).then(|| {
            rayon::ThreadPoolBuilder::new()
                .num_threads(config.sim_threads)
                .thread_name(|i| format!("downbeat-sim-{i}"))
                .build()
                .map_err(std::io::Error::other)
        });
        Ok(Self {
            clocks: BTreeMap::new(),
            asleep: BTreeMap::new(),
            pool: pool.transpose()?,
            empty_room_kept: config.empty_room_kept,
            counters,
        })
    }

    /// Takes a message in; false means stop.
    pub(crate) fn handle(&mut self, message: LoopIn, now: Duration) -> bool {
        match message {
            LoopIn::Open(room) => self.start(room, now),
            LoopIn::Wake(number) => {
                if let Some(sleeper) = self.asleep.remove(&number) {
                    self.start(sleeper.room, now);
                }
            }
            LoopIn::Stop => return false,
        }
        true
    }

    /// Runs what is due at `now`; answers when it wants to be called again at the latest.
    ///
    /// `clock` is only asked how long steps took.
    pub(crate) fn turn(&mut self, now: Duration, clock: impl Fn() -> Duration) -> Option<Duration> {
        let now_ms = u64::try_from(now.as_millis()).unwrap_or(u64::MAX);
        self.counters.last_turn_ms.set(now_ms);
        let mut sleepy = Vec::new();
        for (&rate, group) in &mut self.clocks {
            if group.awake.is_empty() {
                continue;
            }
            let due = group.pacer.poll_due(now);
            let began = clock();
            for _ in 0..due.run {
                let ended = step_all(&mut group.awake, self.pool.as_ref(), &mut sleepy);
                self.counters.rooms_open.subtract(ended);
            }
            if due.run > 0 {
                let nanos = u64::try_from((clock() - began).as_nanos()).unwrap_or(u64::MAX);
                self.counters
                    .count_ticks(rate, u64::from(due.run), due.dropped, nanos);
            }
            if due.dropped > 0 {
                tracing::warn!(tick_rate_hz = rate, dropped = due.dropped, "ticks dropped");
            }
        }
        for mut room in sleepy {
            let close_at = room.empty_since(now) + self.empty_room_kept;
            self.asleep
                .insert(room.number(), Sleeper { room, close_at });
        }
        self.close_empty(now);
        let ticks = self.clocks.values().filter(|clock| !clock.awake.is_empty());
        let ticks = ticks.map(|clock| clock.pacer.deadline());
        let closes = self.asleep.values().map(|sleeper| sleeper.close_at);
        ticks.chain(closes).min()
    }

    pub(crate) fn stopped(&self) -> Stopped {
        let awake: usize = self.clocks.values().map(|clock| clock.awake.len()).sum();
        let (run, dropped) = self.counters.clocks().fold((0, 0), |(run, dropped), c| {
            (run + c.run, dropped + c.dropped)
        });
        Stopped {
            ticks_run: run,
            ticks_dropped: dropped,
            rooms: awake + self.asleep.len(),
        }
    }

    fn discard(self) {
        let awake = self.clocks.into_values().flat_map(|clock| clock.awake);
        let asleep = self.asleep.into_values().map(|sleeper| sleeper.room);
        awake.chain(asleep).for_each(AnyRoom::discard);
    }

    fn start(&mut self, room: Box<dyn AnyRoom>, now: Duration) {
        let rate = room.tick_rate_hz();
        let clock = self.clocks.entry(rate).or_insert_with(|| Clock {
            pacer: Pacer::new(rate, now),
            awake: Vec::new(),
        });
        if clock.awake.is_empty() {
            clock.pacer.restart(now);
        }
        clock.awake.push(room);
    }

    /// Somebody on the way in keeps a sleeping room for another while.
    fn close_empty(&mut self, now: Duration) {
        let kept = self.empty_room_kept;
        let closed = self.asleep.extract_if(.., |_, sleeper| {
            if sleeper.close_at > now {
                return false;
            }
            sleeper.close_at = now + kept;
            sleeper.room.close_if_empty()
        });
        for (_, sleeper) in closed {
            sleeper.room.discard();
            self.counters.rooms_open.subtract(1);
        }
    }
}

/// Steps rooms, in parallel where there is a pool; moves those that fall asleep to `sleepy` and
/// answers how many ended.
fn step_all(
    awake: &mut Vec<Box<dyn AnyRoom>>,
    pool: Option<&rayon::ThreadPool>,
    sleepy: &mut Vec<Box<dyn AnyRoom>>,
) -> u64 {
    let next: Vec<Next> = match pool {
        // Also for one room alone: it encodes its cells over the pool.
        Some(pool) => pool.install(|| awake.par_iter_mut().map(|room| room.step()).collect()),
        _ => awake.iter_mut().map(|room| room.step()).collect(),
    };
    let mut ended = 0;
    for (at, next) in next.into_iter().enumerate().rev() {
        match next {
            Next::Tick => {}
            Next::Sleep => sleepy.push(awake.swap_remove(at)),
            Next::End => {
                awake.swap_remove(at).discard();
                ended += 1;
            }
        }
    }
    ended
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Holds the loop up.
    struct Sloth(Duration);

    impl AnyRoom for Sloth {
        fn number(&self) -> u64 {
            1
        }

        fn tick_rate_hz(&self) -> u16 {
            1
        }

        fn open(&mut self) {}

        fn step(&mut self) -> Next {
            std::thread::sleep(self.0);
            Next::End
        }

        fn empty_since(&mut self, now: Duration) -> Duration {
            now
        }

        fn close_if_empty(&mut self) -> bool {
            false
        }

        fn discard(self: Box<Self>) {}
    }

    #[test]
    fn a_loop_that_is_held_up_can_be_told_from_an_idle_one() {
        let world = World::start(&WorldConfig::default()).expect("a thread");
        let handle = world.handle();
        std::thread::sleep(IDLE_TURN_EVERY + Duration::from_millis(300));
        assert!(handle.since_turn() < IDLE_TURN_EVERY, "idle");
        handle.open(Box::new(Sloth(Duration::from_millis(1800))));
        std::thread::sleep(Duration::from_millis(1500));
        assert!(handle.since_turn() > IDLE_TURN_EVERY, "held up");
        world.stop().expect("stopped");
    }
}
