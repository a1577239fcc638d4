//! How long it takes: each path by itself, and many threads together.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use downbeat::Meter;
use downbeat::nav::maps::Problem;
use downbeat::nav::{NavGrid, find_path};
use serde::Serialize;

/// Problems are solved again and again until this much time is measured.
const MEASURED_MIN: Duration = Duration::from_millis(500);

/// … but not more often.
const PASSES_MAX: u32 = 20;

/// What a path costs.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Times {
    pub(super) median_us: f64,
    pub(super) p99_us: f64,
    pub(super) mean_us: f64,
    pub(super) paths_per_s: f64,
    pub(super) expansions_mean: f64,
}

/// Solves all problems on each of so many threads; they are warm after the first pass, which does
/// not count.
pub(super) fn measure(grid: &NavGrid, problems: &[Problem], threads: u16) -> Times {
    let start = Instant::now();
    solve(grid, problems.iter());
    let pass = start.elapsed().max(Duration::from_micros(1));
    let fitting = (MEASURED_MIN.as_micros() / pass.as_micros()).clamp(1, PASSES_MAX.into());
    let passes = usize::try_from(fitting).unwrap_or(1);

    let together = Barrier::new(threads.into());
    let work = |thread: usize| {
        // Each begins elsewhere, so that they do not help each other's caches.
        let begin = thread * problems.len() / usize::from(threads);
        let share = || problems.iter().cycle().skip(begin);
        solve(grid, share().take(problems.len()));
        together.wait();
        let start = Instant::now();
        let nanos = solve(grid, share().take(passes * problems.len()));
        (nanos, start.elapsed())
    };
    let work = &work;
    let (mut nanos, mut longest) = (Vec::new(), Duration::ZERO);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..usize::from(threads))
            .map(|thread| scope.spawn(move || work(thread)))
            .collect();
        for thread in threads {
            let (some, took) = thread.join().expect("finding a path does not panic");
            nanos.extend(some);
            longest = longest.max(took);
        }
    });
    Times::of(nanos, longest)
}

/// The time of each. Units: nanoseconds.
fn solve<'a>(grid: &NavGrid, problems: impl Iterator<Item = &'a Problem>) -> Vec<u64> {
    let each = problems.map(|problem| {
        let start = Instant::now();
        let mut meter = Meter::new(u32::MAX);
        black_box(find_path(grid, problem.from, &[problem.to], &mut meter));
        u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
    });
    each.collect()
}

impl Times {
    fn of(mut nanos: Vec<u64>, took: Duration) -> Self {
        nanos.sort_unstable();
        let count = nanos.len() as f64;
        let at = |percent| nanos[(nanos.len() - 1) * percent / 100] as f64 / 1000.0;
        Self {
            median_us: rounded(at(50)),
            p99_us: rounded(at(99)),
            mean_us: rounded(nanos.iter().sum::<u64>() as f64 / count / 1000.0),
            paths_per_s: (count / took.as_secs_f64()).round(),
            expansions_mean: 0.0,
        }
    }

    /// The same with what they spent, which was counted elsewhere.
    #[must_use]
    pub(super) fn with_expansions(mut self, total: u64, paths: usize) -> Self {
        self.expansions_mean = rounded(total as f64 / paths as f64);
        self
    }
}

/// To three digits behind the point: clocks do not say more.
pub(super) fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_right_rank() {
        let nanos = (1..=1000).rev().map(|us| us * 1000).collect();
        let times = Times::of(nanos, Duration::from_millis(500));
        let times = times.with_expansions(1500, 1000);
        let shown = (times.median_us, times.p99_us, times.mean_us);
        assert_eq!(shown, (500.0, 990.0, 500.5));
        assert_eq!((times.paths_per_s, times.expansions_mean), (2000.0, 1.5));
    }
}
