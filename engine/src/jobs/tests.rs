//! Jobs as a game sees them: the same on any number of threads.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::load::Load;
use crate::game::{Game, OpenError, Player, PlayerId, Refusal, Seat};
use crate::job::{Answer, Job, JobDone, JobId, JobKind, JobLimits, Meter, Outcome};
use crate::limits::METER_LOOKS_EVERY;
use crate::room::Room;
use crate::testing::{JobThreads, TestRoom};
use crate::{AppliedJob, EntityId, Vec2};

const QUICK: usize = 0;
const SLOW: usize = 1;
const LAZY: usize = 2;

/// A job with [`Fault::Waits`] is at work.
static WAITS: AtomicBool = AtomicBool::new(false);

/// Grinds numbers.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Grind {
    kind: usize,
    number: u64,
    turns: u32,
    budget: u32,
    owner: Option<EntityId>,
    same: Option<u128>,
    fault: Fault,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Fault {
    None,
    Panics,
    /// Spends for ever, whatever it is told.
    NeverStops,
    /// Spends until it is told to stop.
    Waits,
}

impl Grind {
    const fn new(number: u64, turns: u32) -> Self {
        Self {
            kind: QUICK,
            number,
            turns,
            budget: 1000,
            owner: None,
            same: None,
            fault: Fault::None,
        }
    }

    const fn faulty(fault: Fault) -> Self {
        let mut job = Self::new(0, 1);
        job.fault = fault;
        job
    }
}

impl Job for Grind {
    type Output = u64;
    const KINDS: &'static [JobKind] = &[
        JobKind::new("quick"),
        JobKind::new("slow").latency(5).in_flight(40).threads(1),
        JobKind::new("lazy").journal(),
    ];

    fn kind(&self) -> usize {
        self.kind
    }

    fn budget(&self) -> u32 {
        self.budget
    }

    fn owner(&self) -> Option<EntityId> {
        self.owner
    }

    fn same(&self) -> Option<u128> {
        self.same
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<u64> {
        assert!(self.fault != Fault::Panics, "a job that panics");
        let mut number = self.number;
        for turn in 0..self.turns {
            if !meter.spend(1) {
                return Answer::Partial(number);
            }
            number = number.wrapping_mul(6_364_136_223_846_793_005) ^ u64::from(turn);
        }
        match self.fault {
            Fault::NeverStops => loop {
                meter.spend(1);
            },
            Fault::Waits => {
                WAITS.store(true, Ordering::Release);
                while meter.spend(1) {
                    std::thread::yield_now();
                }
                WAITS.store(false, Ordering::Release);
                Answer::NoPath
            }
            _ if self.turns == 0 => Answer::NoPath,
            _ => Answer::Done(number),
        }
    }
}

/// Submits what its rng says, or nothing, and writes down what comes back.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Mill {
    per_tick: u32,
    told: Vec<Told>,
    /// Everything from before this tick is stale.
    fresh_from: u64,
    sum: u64,
    owners: Vec<EntityId>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Told {
    tick: u32,
    submitted: u32,
    id: JobId,
    outcome: Outcome<u64>,
}

#[crate::game]
impl Game for Mill {
    const NAME: &'static str = "mill";
    type Settings = u32;
    type Input = Grind;
    type Entity = Dot;
    type Job = Grind;

    fn job_limits(_: &u32) -> JobLimits {
        JobLimits {
            due_max: 2000,
            journal_expansions_max: u32::MAX,
            ..JobLimits::at(20)
        }
    }

    fn open(per_tick: &u32, room: &mut Room<Self>) -> Result<Self, OpenError> {
        let owners = (0..20).map(|_| room.spawn(Dot { at: Vec2::ZERO }));
        let owners = owners.collect();
        Ok(Self {
            per_tick: *per_tick,
            owners,
            ..Self::default()
        })
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, job: Grind) {
        room.submit(job).expect("taken");
    }

    fn is_stale(&self, job: &Grind) -> bool {
        job.number < self.fresh_from
    }

    fn job_done(&mut self, room: &mut Room<Self>, done: JobDone<'_, Grind>) {
        if let Outcome::Done(n) | Outcome::Partial(n) = done.outcome {
            self.sum = self.sum.rotate_left(7) ^ n ^ u64::from(done.expansions);
        }
        self.told.push(Told {
            tick: room.tick().number(),
            submitted: done.submitted.number(),
            id: done.id,
            outcome: done.outcome,
        });
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        for _ in 0..self.per_tick {
            self.do_something(room);
        }
    }
}

#[derive(Clone, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Dot {
    #[replicate(position)]
    at: Vec2,
}

impl Mill {
    /// Mostly submits something; now and then cancels a job or the owner of some.
    fn do_something(&mut self, room: &mut Room<Self>) {
        let rng = room.rng();
        let which: u32 = rng.random_range(0..100);
        if which == 0 {
            let gone = rng.random_range(0..self.owners.len());
            room.despawn(self.owners[gone]);
            self.owners[gone] = room.spawn(Dot { at: Vec2::ZERO });
            return;
        }
        if which < 4 {
            let ids: Vec<_> = room.jobs_in_flight().map(|(id, _)| id).collect();
            if let Some(&id) = ids.get(room.tick().number() as usize % ids.len().max(1)) {
                room.cancel_job(id);
            }
            return;
        }
        let mut job = Grind::new(rng.random(), rng.random_range(0..1500));
        job.kind = if which < 80 { QUICK } else { SLOW };
        job.fault = [Fault::None, Fault::Panics][usize::from(which == 50)];
        job.owner = (which.is_multiple_of(2)).then(|| self.owners[rng.random_range(0..20)]);
        if which.is_multiple_of(3) {
            let n: u8 = rng.random_range(0..9);
            job.number = u64::from(n);
            job.turns = 100 * u32::from(n);
            job.same = Some(u128::from(n));
        }
        // What is handed back is forgotten: the next tick brings more.
        let _ = room.submit(job);
    }
}

fn mill() -> TestRoom<Mill> {
    TestRoom::open(0)
}

fn told(room: &mut TestRoom<Mill>) -> Vec<Told> {
    std::mem::take(&mut room.game().told)
}

fn outcomes(room: &mut TestRoom<Mill>) -> Vec<Outcome<u64>> {
    let told = told(room).into_iter();
    told.map(|told| told.outcome).collect()
}

fn submit(room: &mut TestRoom<Mill>, job: Grind) -> JobId {
    room.room().submit(job).expect("taken")
}

fn owner(room: &mut TestRoom<Mill>) -> EntityId {
    room.game().owners[0]
}

#[test]
fn an_outcome_comes_at_exactly_the_tick_that_its_kind_says() {
    let mut room = mill();
    let mut slow = Grind::new(1, 1);
    slow.kind = SLOW;
    room.step(1);
    submit(&mut room, slow);
    room.step(2);
    submit(&mut room, Grind::new(2, 1));
    submit(&mut room, Grind::new(3, 1));
    room.step(10);
    let told = told(&mut room);
    let when: Vec<_> = told.iter().map(|t| (t.submitted, t.tick)).collect();
    assert_eq!(when, [(3, 5), (3, 5), (1, 6)]);
    assert!(told[0].id < told[1].id && told[2].id < told[0].id);
}

#[test]
fn a_job_answers_with_all_with_a_part_or_with_nothing() {
    let mut room = mill();
    submit(&mut room, Grind::new(7, 1000));
    submit(&mut room, Grind::new(7, 1001));
    submit(&mut room, Grind::new(7, 0));
    room.step(2);
    let outcomes = outcomes(&mut room);
    let [
        Outcome::Done(whole),
        Outcome::Partial(part),
        Outcome::NoPath,
    ] = outcomes[..]
    else {
        panic!("{outcomes:?}");
    };
    assert_eq!(whole, part, "it stops where the budget ends");
}

#[test]
fn an_answer_for_a_world_that_has_changed_is_stale() {
    let mut room = mill();
    submit(&mut room, Grind::new(4, 0));
    submit(&mut room, Grind::new(5, 0));
    room.game().fresh_from = 5;
    room.step(2);
    let stale = Outcome::Stale(Answer::NoPath);
    assert_eq!(outcomes(&mut room), [stale, Outcome::NoPath]);
    assert_eq!(room.counters().jobs()[1].1.stale.value(), 1);
}

#[test]
fn an_owner_has_one_job_of_a_kind_and_a_new_one_replaces_the_old() {
    let mut room = mill();
    let owner = owner(&mut room);
    for number in 0..3 {
        let mut job = Grind::new(number, 0);
        job.owner = Some(owner);
        submit(&mut room, job.clone());
        job.kind = SLOW;
        submit(&mut room, job);
        room.step(1);
    }
    room.step(10);
    let cancelled = |o: &&Outcome<u64>| **o == Outcome::Cancelled;
    let outcomes = outcomes(&mut room);
    assert_eq!(outcomes.len(), 6, "each ends once");
    assert_eq!(outcomes.iter().filter(cancelled).count(), 4);
    assert_eq!(outcomes.last(), Some(&Outcome::NoPath));
}

#[test]
fn who_is_gone_wants_nothing_any_more() {
    let mut room = mill();
    let mut job = Grind::new(1, 1);
    job.owner = Some(owner(&mut room));
    submit(&mut room, job);
    let id = submit(&mut room, Grind::new(2, 1));
    let gone = owner(&mut room);
    room.room().despawn(gone);
    assert!(room.room().cancel_job(id) && !room.room().cancel_job(id));
    assert_eq!(room.room().jobs_in_flight().count(), 0);
    room.step(2);
    assert_eq!(
        outcomes(&mut room),
        [Outcome::Cancelled, Outcome::Cancelled]
    );
    let counters = &room.counters().jobs()[1].1;
    assert_eq!(counters.cancelled_queued.value(), 2);
    assert_eq!(counters.expansions.value(), 0, "nothing was spent");
    assert_eq!(counters.in_flight.value(), 0);
}

#[test]
fn who_asks_the_same_gets_the_same_answer_for_one_run() {
    let mut room = mill();
    let ids: Vec<_> = (0..4)
        .map(|_| {
            let mut job = Grind::new(9, 500);
            job.same = Some(3);
            submit(&mut room, job)
        })
        .collect();
    // Even if the one that is run for all of them is taken back.
    room.room().cancel_job(ids[0]);
    room.room().cancel_job(ids[2]);
    room.step(2);
    let outcomes = outcomes(&mut room);
    assert_eq!(outcomes[0], Outcome::Cancelled);
    assert!(matches!(outcomes[1], Outcome::Done(_)), "{outcomes:?}");
    assert_eq!(outcomes[2], Outcome::Cancelled);
    assert_eq!(outcomes[3], outcomes[1]);
    let counters = &room.counters().jobs()[1].1;
    assert_eq!(counters.coalesced.value(), 3);
    assert_eq!(counters.helped.value(), 1, "one run");
}

#[test]
fn who_asks_what_was_just_taken_back_gets_an_answer_of_its_own() {
    let threads = JobThreads::new(1);
    let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
    let mut job = Grind::new(9, 0);
    (job.kind, job.same) = (LAZY, Some(3));
    let first = submit(&mut room, job.clone());
    room.room().cancel_job(first);
    submit(&mut room, job);
    room.step(1);
    while room.counters().jobs()[0].1.run_us.count() == 0 {
        std::thread::yield_now(); // the tick thread would never do it
    }
    room.step(2);
    let expected = [Outcome::Cancelled, Outcome::NoPath];
    assert_eq!(outcomes(&mut room), expected);
}

#[test]
fn what_is_admitted_after_a_cancellation_does_not_depend_on_how_far_threads_are() {
    for count in [0, 1] {
        let threads = JobThreads::new(count);
        let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
        let mut slow = Grind::new(1, 0);
        (slow.kind, slow.budget) = (SLOW, 50_000);
        let id = submit(&mut room, slow);
        room.step(1);
        while count > 0 && room.counters().jobs()[2].1.run_us.count() == 0 {
            std::thread::yield_now();
        }
        room.step(2); // with threads, its answer is here by now
        room.room().cancel_job(id);
        let quick = room.room().submit(Grind::new(2, 0));
        assert!(quick.is_ok(), "{count} threads: due at the same tick");
    }
}

#[test]
fn what_was_submitted_between_two_steps_belongs_to_the_one_before() {
    let mut room = mill();
    let ada = room.join("Ada").expect("let in");
    submit(&mut room, Grind::new(1, 0));
    room.input(ada, Grind::new(2, 0));
    room.step(4);
    let told = told(&mut room);
    let when: Vec<_> = told.iter().map(|t| (t.submitted, t.tick)).collect();
    assert_eq!(when, [(1, 3), (2, 4)]);
}

#[test]
fn a_room_hands_back_what_is_too_much_whoever_runs_it() {
    for threads in [0, 2] {
        let threads = JobThreads::new(threads);
        let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
        // 5 ms of 100 ns are 50,000 expansions.
        let taken = (0..100).filter(|&n| room.room().submit(Grind::new(n, 0)).is_ok());
        assert_eq!(taken.count(), 50);
        let mut slow = Grind::new(0, 0);
        slow.kind = SLOW;
        slow.budget = 1;
        let taken = (0..100).filter(|_| room.room().submit(slow.clone()).is_ok());
        assert_eq!(taken.count(), 40, "the kind's own limit");
        // What is cancelled spends nothing, so that others may.
        let (first, _) = room.room().jobs_in_flight().next().expect("one of them");
        room.room().cancel_job(first);
        assert!(room.room().submit(Grind::new(0, 0)).is_ok());
        assert!(room.room().submit(Grind::new(0, 0)).is_err());
        room.step(1);
        assert!(room.room().submit(Grind::new(0, 0)).is_ok(), "another tick");
        let free = Grind {
            budget: 0,
            ..Grind::new(0, 0)
        };
        let taken = (0..3000).filter(|_| room.room().submit(free.clone()).is_ok());
        assert_eq!(taken.count(), 1999, "jobs are counted as well");
    }
}

#[test]
fn a_job_of_the_journals_kind_may_be_too_large_if_it_is_alone() {
    let (mut load, limits) = (Load::new(JobLimits::at(20)), JobLimits::at(20));
    let [strict, journal] = [&Grind::KINDS[QUICK], &Grind::KINDS[LAZY]];
    assert!(!load.admit(QUICK, strict, limits.strict_expansions_max + 1));
    assert!(load.admit(LAZY, journal, limits.journal_expansions_max + 1));
    assert!(!load.admit(LAZY, journal, 1));
    load.advance();
    load.advance();
    for _ in 0..2 {
        assert!(load.admit(LAZY, journal, limits.journal_expansions_max / 2));
    }
    assert!(!load.admit(LAZY, journal, 1));
}

#[test]
fn a_job_that_panics_or_does_not_stop_is_told_of_and_harms_nobody() {
    for threads in [0, 2] {
        let threads = JobThreads::new(threads);
        let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
        submit(&mut room, Grind::faulty(Fault::Panics));
        submit(&mut room, Grind::new(1, 0));
        submit(&mut room, Grind::faulty(Fault::NeverStops));
        submit(&mut room, Grind::new(1, 0));
        room.step(2);
        let (panicked, fine) = (Outcome::Panicked, Outcome::NoPath);
        let expected = [panicked.clone(), fine.clone(), panicked, fine];
        assert_eq!(outcomes(&mut room), expected);
        assert_eq!(room.counters().jobs()[1].1.panicked.value(), 2);
        assert!(threads.stop(), "every thread is free again");
    }
}

#[test]
fn a_job_that_is_cancelled_while_it_runs_stops() {
    let threads = JobThreads::new(1);
    let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
    let mut job = Grind::faulty(Fault::Waits);
    job.kind = LAZY;
    job.budget = u32::MAX / 2;
    let id = submit(&mut room, job.clone());
    room.room().cancel_job(id);
    job.owner = Some(owner(&mut room));
    submit(&mut room, job);
    room.step(1);
    while !WAITS.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    let gone = owner(&mut room);
    room.room().despawn(gone);
    while WAITS.load(Ordering::Acquire) {
        std::thread::yield_now();
    }
    room.step(2);
    assert_eq!(
        outcomes(&mut room),
        [Outcome::Cancelled, Outcome::Cancelled]
    );
    let counters = &room.counters().jobs()[0].1;
    let cancelled = [&counters.cancelled_queued, &counters.cancelled_running];
    assert_eq!(cancelled.map(crate::Counter::value), [1, 1]);
}

/// Hashes after each tick, and all that was told.
fn history(threads: &JobThreads, seed: u64, ticks: u32) -> (Vec<u64>, Vec<Told>) {
    let mut room = TestRoom::<Mill>::open_with(30, seed, threads).expect("opens");
    let step = |_| {
        room.step(1);
        room.hash()
    };
    let hashes = (0..ticks).map(step).collect();
    (hashes, told(&mut room))
}

#[test]
fn a_strict_room_has_one_history_whoever_runs_its_jobs_and_how_slowly() {
    for seed in 0..3 {
        let expected = history(&JobThreads::none(), seed, 120);
        for name in ["Done", "Partial", "NoPath", "Cancelled", "Panicked"] {
            let is_so = |told: &Told| format!("{:?}", told.outcome).starts_with(name);
            assert!(expected.1.iter().any(is_so), "{name} never came up");
        }
        for count in [1, 2, 8] {
            for most in [0, 3] {
                let threads = JobThreads::delayed(count, seed, Duration::from_millis(most));
                let found = history(&threads, seed, 120);
                let differs = expected.0.iter().zip(&found.0).position(|(a, b)| a != b);
                assert_eq!(differs, None, "{count} threads, seed {seed}: first tick");
                assert_eq!(found.1, expected.1);
            }
        }
    }
}

#[test]
fn a_room_whose_threads_hang_goes_on_and_its_history_is_the_same() {
    let expected = history(&JobThreads::none(), 7, 60);
    // Whoever waited for one of these would never get here.
    static HANGS: AtomicU32 = AtomicU32::new(0);
    let hang = |_| {
        HANGS.fetch_add(1, Ordering::Relaxed);
        Duration::from_hours(1000)
    };
    let threads = JobThreads::with_delays(2, Some(Box::new(hang)));
    let mut other = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
    while HANGS.load(Ordering::Relaxed) < 2 {
        let mut job = Grind::new(0, 0);
        job.kind = LAZY;
        let _ = other.room().submit(job);
        other.step(1);
        std::thread::yield_now();
    }
    assert_eq!(history(&threads, 7, 60), expected);
    assert!(!threads.stop(), "they do hang");
}

/// A room whose jobs are the journal's, left to real threads for a while.
fn recorded(threads: &JobThreads) -> (Vec<AppliedJob<u64>>, Vec<u64>, u64) {
    let mut room = TestRoom::<Mill>::open_with(0, 3, threads).expect("opens");
    room.record_jobs();
    let hashes = (0..60).map(|tick| {
        ask_lazily(&mut room, tick);
        std::thread::sleep(Duration::from_millis(1));
        room.step(1);
        room.hash()
    });
    let hashes = hashes.collect();
    let late = room.counters().jobs()[0].1.late.value();
    (room.take_job_record(), hashes, late)
}

fn ask_lazily(room: &mut TestRoom<Mill>, tick: u64) {
    for number in 0..8 {
        let mut job = Grind::new(100 * tick + number, 900);
        job.kind = LAZY;
        job.same = Some(u128::from(number / 2));
        submit(room, job);
    }
}

#[test]
fn a_room_of_the_journals_kind_runs_again_as_it_was_recorded() {
    let threads = JobThreads::delayed(2, 5, Duration::from_millis(12));
    let (record, hashes, late) = recorded(&threads);
    assert!(late > 0, "nothing was late, so nothing was tested");
    let record = crate::codec::encode(&record);
    let record: Vec<AppliedJob<u64>> =
        crate::codec::decode(&record).expect("what was written is read");
    let mut again = TestRoom::<Mill>::open(0);
    again.replay_jobs(record);
    for (tick, hash) in (0..).zip(hashes) {
        ask_lazily(&mut again, tick);
        again.step(1);
        assert_eq!(again.hash(), hash, "tick {tick}");
    }
}

#[test]
fn what_is_much_too_late_is_given_up_and_spends_nothing_further() {
    let threads = JobThreads::delayed(1, 1, Duration::from_millis(400));
    let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
    for number in 0..3 {
        let mut job = Grind::new(number, METER_LOOKS_EVERY * 4);
        job.kind = LAZY;
        submit(&mut room, job);
    }
    room.step(100); // in no time at all, so no thread can have been in time
    let outcomes = outcomes(&mut room);
    assert_eq!(outcomes, [Outcome::Late, Outcome::Late, Outcome::Late]);
    assert_eq!(room.room().jobs_in_flight().count(), 0);
}

#[test]
fn ten_times_too_much_is_bounded_alike_for_any_number_of_threads() {
    let flood = |threads: &JobThreads, kind| {
        let mut room = TestRoom::<Mill>::open_with(0, 0, threads).expect("opens");
        let mut taken = Vec::new();
        for tick in 0..20u64 {
            let jobs = (0..5000).map(|number| {
                let mut job = Grind::new(tick * number, 1000);
                job.kind = kind;
                job.budget = 100;
                job
            });
            taken.push(
                jobs.filter(|job| room.room().submit(job.clone()).is_ok())
                    .count(),
            );
            let outstanding = room.room().jobs_in_flight().count();
            assert!(outstanding <= 44 * 2000, "{outstanding}");
            room.step(1);
        }
        taken
    };
    for (kind, per_tick) in [(QUICK, 500), (LAZY, 2000)] {
        let expected = flood(&JobThreads::none(), kind);
        assert_eq!(expected, [per_tick; 20]);
        for threads in [1, 2, 8] {
            assert_eq!(flood(&JobThreads::new(threads), kind), expected);
        }
    }
}

#[test]
fn a_million_jobs_leave_nothing_behind() {
    let threads = JobThreads::new(2);
    let mut room = TestRoom::<Mill>::open_with(0, 0, &threads).expect("opens");
    let mut submitted = 0u64;
    let mut ended = 0;
    while submitted < 1_000_000 {
        for number in 0..2000 {
            let fault = match number {
                1 if submitted.is_multiple_of(100_000) => Fault::Panics,
                2 if submitted.is_multiple_of(100_000) => Fault::NeverStops,
                _ => Fault::None,
            };
            let mut job = Grind::faulty(fault);
            job.budget = 20;
            job.owner = (number % 7 == 0).then(|| owner(&mut room));
            let id = submit(&mut room, job);
            if number % 11 == 0 {
                room.room().cancel_job(id);
            }
            submitted += 1;
        }
        room.step(1);
        ended += told(&mut room).len() as u64;
    }
    room.step(3);
    ended += told(&mut room).len() as u64;
    assert_eq!(ended, submitted, "each ends exactly once");
    let jobs = &mut room.room().jobs;
    assert!(jobs.flights.is_empty() && jobs.ready.is_empty());
    assert_eq!(room.counters().jobs()[1].1.in_flight.value(), 0);
    assert!(threads.stop(), "every thread is free again");
}
