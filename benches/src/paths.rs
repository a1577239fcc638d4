//! `paths.…`: what a path costs on the maps of MovingAI, and how others fare on the same problems.

use std::hint::black_box;
use std::io::Write as _;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use downbeat::nav::maps::Problem;

mod course;
mod finders;
mod table;

pub(crate) use self::course::Course;
use self::finders::{AStar, Downbeat, Finder, JumpPoints, judge};
pub(crate) use self::table::tell;

use crate::cpu::Stopwatch;
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 13] = [
    "paths.AR0011SR.median_us",
    "paths.AR0011SR.p99_us",
    "paths.AR0011SR.mean_us",
    "paths.orz900d.median_us",
    "paths.orz900d.p99_us",
    "paths.orz900d.mean_us",
    "paths.random512-35.median_us",
    "paths.random512-35.p99_us",
    "paths.random512-35.mean_us",
    "paths.per_core_per_s",
    "paths.two_thread_ratio",
    "paths.speedup_vs_pathfinding",
    "paths.speedup_vs_grid_pathfinding",
];

/// Maps of games, over which throughput and the others' speed are measured.
const GAME_MAPS: usize = 2;

/// The others take every so many of the problems, or they would take many minutes.
const STRIDE: usize = 8;

/// See [`STRIDE`].
const STRIDE_QUICK: usize = 64;

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let Some(courses) = load()? else {
        return Ok(());
    };
    let passes = if plan.quick { 2 } else { 9 };
    for (course, names) in courses.iter().zip(NAMES.chunks(3)) {
        if plan.wants(names) {
            let times = times(course, passes)?;
            for (name, us) in names.iter().zip(times) {
                figure(name, us, "us");
            }
        }
    }
    let games = &courses[..GAME_MAPS];
    if plan.wants(&NAMES[9..11]) {
        let (per_s, ratio) = throughput(games, passes);
        figure(NAMES[9], per_s, "paths/s");
        figure(NAMES[10], ratio, "");
    }
    let stride = if plan.quick { STRIDE_QUICK } else { STRIDE };
    if plan.wants(&NAMES[11..12]) {
        let speedup = speedup(games, stride, |course| vec![AStar::new(course)])?;
        figure(NAMES[11], speedup, "");
    }
    if plan.wants(&NAMES[12..]) {
        let speedup = speedup(games, stride, |course| JumpPoints::modes(course).into())?;
        figure(NAMES[12], speedup, "");
    }
    Ok(())
}

/// The maps, with tables; a loud word if they are not here.
pub(crate) fn load() -> Result<Option<Vec<Course>>, String> {
    let courses = course::load()?;
    if courses.is_none() {
        let _ = writeln!(std::io::stderr(), "skipped: paths.*: {}", course::MISSING);
    }
    Ok(courses)
}

/// Median, 99th percentile and mean over all problems, each at the median of its times over some
/// passes: what else runs meanwhile hits another one in each pass. Units: microseconds.
fn times(course: &Course, passes: usize) -> Result<[f64; 3], String> {
    let finder = Downbeat::new(course, true);
    let verdict = judge(&finder, &course.problems, &course.grid);
    if verdict.right < course.problems.len() {
        return Err(format!("{}: wrong paths: {verdict:?}", course.name));
    }
    let passes: Vec<_> = (0..passes)
        .map(|_| solve(&finder, &course.problems).micros)
        .collect();
    let usual = |problem| median(passes.iter().map(|pass| pass[problem]).collect());
    let mut micros: Vec<f64> = (0..course.problems.len()).map(usual).collect();
    micros.sort_unstable_by(f64::total_cmp);
    let at = |percent| micros[(micros.len() - 1) * percent / 100];
    let mean = micros.iter().sum::<f64>() / micros.len() as f64;
    Ok([at(50), at(99), mean])
}

/// What one pass took.
struct Pass {
    /// Each path. Units: microseconds.
    micros: Vec<f64>,
    /// All of them, without the time that others had the core. Units: seconds.
    total_s: f64,
}

fn solve<F: Finder>(finder: &F, problems: &[Problem]) -> Pass {
    let whole = Stopwatch::start();
    let each = problems.iter().map(|problem| {
        let start = Instant::now();
        black_box(finder.find(problem.from, problem.to));
        start.elapsed().as_secs_f64() * 1e6
    });
    let micros = each.collect();
    let total_s = whole.seconds();
    Pass { micros, total_s }
}

fn median(mut of: Vec<f64>) -> f64 {
    of.sort_unstable_by(f64::total_cmp);
    of[of.len() / 2]
}

/// Paths in a second on one thread, and how many times that two of them find: in turns, so that
/// whatever else the machine does meets both.
fn throughput(courses: &[Course], rounds: usize) -> (f64, f64) {
    let (mut alone, mut ratios) = (Vec::new(), Vec::new());
    per_s(courses, 2);
    for _ in 0..rounds {
        let one = per_s(courses, 1);
        ratios.push(per_s(courses, 2) / one);
        alone.push(one);
    }
    (median(alone), median(ratios))
}

/// Every thread finds all paths, on the same grids.
fn per_s(courses: &[Course], threads: usize) -> f64 {
    let finders: Vec<_> = courses.iter().map(|c| Downbeat::new(c, true)).collect();
    let count: usize = courses.iter().map(|course| course.problems.len()).sum();
    let together = Barrier::new(threads);
    let work = || {
        together.wait();
        let whole = Stopwatch::start();
        for (course, finder) in courses.iter().zip(&finders) {
            for problem in &course.problems {
                black_box(finder.find(problem.from, problem.to));
            }
        }
        whole.seconds()
    };
    let longest = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let took = threads.into_iter().map(|thread| thread.join());
        took.map(|took| took.expect("finding a path does not panic"))
            .fold(0.0, f64::max)
    });
    (threads * count) as f64 / longest
}

/// The total time of the fastest of some finders to ours, on the same problems; ours before and
/// after.
fn speedup<F: Finder>(
    courses: &[Course],
    stride: usize,
    theirs: impl Fn(&Course) -> Vec<F>,
) -> Result<f64, String> {
    let (mut ours_s, mut theirs_s): (f64, Vec<f64>) = (0.0, Vec::new());
    for course in courses {
        let problems = course.every(stride);
        let ours = Downbeat::new(course, true);
        let mut totals = vec![total_s(&ours, &problems)];
        for (at, finder) in theirs(course).iter().enumerate() {
            theirs_s.resize(theirs_s.len().max(at + 1), 0.0);
            theirs_s[at] += total_s(finder, &problems);
            totals.push(total_s(&ours, &problems));
        }
        ours_s += median(totals);
    }
    let best = theirs_s.into_iter().reduce(f64::min);
    Ok(best.ok_or("nobody to compare with")? / ours_s)
}

/// One pass, warm.
fn total_s<F: Finder>(finder: &F, problems: &[Problem]) -> f64 {
    solve(finder, &problems[..problems.len() / 8]);
    solve(finder, problems).total_s
}
