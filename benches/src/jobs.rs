//! `jobs.…`: what jobs cost the tick thread, which only hands them over and takes the answers.

use std::thread;
use std::time::{Duration, Instant};

use downbeat::Game;
use downbeat::testing::{JobThreads, TestRoom};

use crate::paths::{Course, load};
use crate::{Plan, figure};

mod errands;
mod storm;

use self::errands::Errands;
use self::storm::Storm;

pub(crate) const NAMES: [&str; 2] = ["jobs.tick_us_per_1000", "jobs.storm_3200_tick_us"];

/// Jobs of a tick, each of which is nothing to do.
const ERRANDS: u32 = 1000;

/// Agents that all ask in one tick.
const AGENTS: u32 = 3200;

/// A thread for each core.
const THREADS: usize = 2;

/// Between two ticks: 100 Hz, so that what a tick uses is as cold as it would be.
const PAUSE: Duration = Duration::from_millis(10);

/// Longest that the threads may take over what they were given: they have a core each on a machine
/// with nothing else to do.
const DONE_WITHIN: Duration = Duration::from_secs(10);

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let threads = JobThreads::new(THREADS);
    if plan.wants(&NAMES[..1]) {
        let ticks = if plan.quick { 100 } else { 1000 };
        figure(NAMES[0], errands(&threads, ticks)?, "us");
    }
    if plan.wants(&NAMES[1..])
        && let Some(courses) = load()?
    {
        let storms = if plan.quick { 5 } else { 40 };
        figure(NAMES[1], storm(&threads, &courses[0], storms)?, "us");
    }
    threads.stop();
    Ok(())
}

fn open<G: Game<Settings = ()>>(threads: &JobThreads) -> Result<TestRoom<G>, String> {
    TestRoom::open_with((), 0, threads).map_err(|e| e.to_string())
}

/// The time of a step. The next one is when the threads have done what was asked for: below
/// capacity, which is what is measured, whatever else the machine does. Units: microseconds.
fn step<G: Game>(room: &mut TestRoom<G>) -> f64 {
    let start = Instant::now();
    room.step_unseen();
    let took = start.elapsed();
    thread::sleep(PAUSE);
    let asked = Instant::now();
    while !threads_are_done(room) && asked.elapsed() < DONE_WITHIN {
        thread::sleep(Duration::from_millis(1));
    }
    took.as_secs_f64() * 1e6
}

fn threads_are_done<G: Game>(room: &TestRoom<G>) -> bool {
    let kinds = room.counters().jobs();
    kinds.iter().all(|(_, counts)| {
        counts.run_us.count() + counts.helped.value() == counts.submitted.value()
    })
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of[of.len() / 2]
}

/// A tick in which as many jobs come back as are handed in, without what a tick costs in which
/// nothing happens.
fn errands(threads: &JobThreads, ticks: u32) -> Result<f64, String> {
    let mut room = open::<Errands>(threads)?;
    room.game().each_tick = ERRANDS;
    for _ in 0..20 {
        step(&mut room);
    }
    let before = room.game().done;
    let times = (0..ticks).map(|_| step(&mut room)).collect();
    room.game().each_tick = 0;
    for _ in 0..3 {
        step(&mut room);
    }
    let quiet = (0..ticks).map(|_| step(&mut room)).collect();
    let done = room.game().done - before;
    // Those of the last two ticks are done in the quiet that follows.
    if done != (u64::from(ticks) + 2) * u64::from(ERRANDS) {
        return Err(format!("{done} jobs done in {ticks} ticks"));
    }
    refuse_help(&room)?;
    Ok(median(times) - median(quiet))
}

/// The tick in which all ask and the tick in which all have their answers, without what the room
/// costs when nothing happens.
fn storm(threads: &JobThreads, course: &Course, storms: u32) -> Result<f64, String> {
    let mut room = open::<Storm>(threads)?;
    storm::settle(&mut room, course, AGENTS);
    let (mut quiet, mut costs) = (Vec::new(), Vec::new());
    // The first one is to warm up.
    for number in 0..=storms {
        let nothing = step(&mut room);
        room.game().ask = true;
        let submit = step(&mut room);
        let early = step(&mut room);
        let arrived_early = room.game().arrived;
        let apply = step(&mut room);
        let game = room.game();
        let arrived = (arrived_early, std::mem::take(&mut game.arrived));
        if arrived != (0, AGENTS) || game.wrong > 0 {
            let wrong = game.wrong;
            return Err(format!(
                "of {AGENTS}: {arrived:?} after 1 and 2 ticks, {wrong} wrong"
            ));
        }
        if number > 0 {
            quiet.extend([nothing, early]);
            costs.push(submit + apply);
        }
    }
    refuse_help(&room)?;
    Ok(median(costs) - 2.0 * median(quiet))
}

/// Work that the tick thread did because no thread had would be in the figure.
fn refuse_help<G: Game>(room: &TestRoom<G>) -> Result<(), String> {
    let kinds = room.counters().jobs();
    let helped: u64 = kinds.iter().map(|(_, counts)| counts.helped.value()).sum();
    if helped > 0 {
        return Err(format!(
            "the tick thread did {helped} jobs itself: no thread had a core"
        ));
    }
    Ok(())
}
