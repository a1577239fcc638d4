//! What came of all problems: for people a table, for programs JSON.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use downbeat::Meter;
use downbeat::nav::maps::Problem;
use downbeat::nav::{NavGrid, PIVOTS, Square, Tables};
use serde::Serialize;

use super::PathsOptions;
use super::check::{Verdict, check};
use super::times::{Times, measure as time, rounded};

pub(super) const JSON_HELP: &str = "\
JSON of --scen:
  map, width, height, free       the map's name, its sides, and squares to stand on
  problems, solved               problems in the file, and paths from end to end
  wrong_lengths, illegal_steps   what is wrong with those paths, 0 if all is right
  complaints                     the first few that went wrong, in words
  threads                        that found paths at the same time
  tables_ms                      building of the tables; null with --no-heuristic
  with_heuristic                 null with --no-heuristic, else an object of
    median_us, p99_us, mean_us     time of one path
    paths_per_s                    of all threads together
    expansions_mean                work for one path, the same on every machine
  without_heuristic              the same without tables

JSON of --from and --to:
  found, length, corners [[x, y], ...], expansions

Exit code: 0 if all was found and is right, 1 if not, 2 for a mistake in files or flags.";

/// The result of a run. Its keys are documented in [`JSON_HELP`].
#[derive(Clone, Debug, Serialize)]
pub(super) struct Summary {
    map: String,
    width: u16,
    height: u16,
    free: u32,
    problems: usize,
    solved: u32,
    wrong_lengths: u32,
    illegal_steps: u32,
    complaints: Vec<String>,
    threads: u16,
    tables_ms: Option<f64>,
    with_heuristic: Option<Times>,
    without_heuristic: Times,
}

/// Solves all problems, with tables and without, checks and times them.
pub(super) fn measure(mut grid: NavGrid, problems: &[Problem], options: &PathsOptions) -> Summary {
    let name = options.map.file_name().unwrap_or_default();
    let (mut verdict, without_heuristic) = run(&grid, problems, options.threads);
    let mut summary = Summary {
        map: name.to_string_lossy().into_owned(),
        width: grid.width(),
        height: grid.height(),
        free: free(&grid),
        problems: problems.len(),
        solved: 0,
        wrong_lengths: 0,
        illegal_steps: 0,
        complaints: Vec::new(),
        threads: options.threads,
        tables_ms: None,
        with_heuristic: None,
        without_heuristic,
    };
    if !options.no_heuristic {
        summary.tables_ms = Some(build_tables(&mut grid));
        let (with_tables, times) = run(&grid, problems, options.threads);
        summary.with_heuristic = Some(times);
        verdict = worse(verdict, with_tables);
    }
    summary.solved = verdict.solved;
    summary.wrong_lengths = verdict.wrong_lengths;
    summary.illegal_steps = verdict.illegal_steps;
    summary.complaints = verdict.complaints;
    summary
}

fn run(grid: &NavGrid, problems: &[Problem], threads: u16) -> (Verdict, Times) {
    let verdict = check(grid, problems);
    let times = time(grid, problems, threads);
    let times = times.with_expansions(verdict.expansions, problems.len());
    (verdict, times)
}

/// A path must be right with tables and without; what is shown is the worse of both.
fn worse(a: Verdict, b: Verdict) -> Verdict {
    let faults = |v: &Verdict| (u32::MAX - v.solved, v.wrong_lengths, v.illegal_steps);
    if faults(&a) > faults(&b) { a } else { b }
}

/// Gives the grid its tables. Units: milliseconds.
pub(super) fn build_tables(grid: &mut NavGrid) -> f64 {
    let start = Instant::now();
    let tables = Tables::build(grid, PIVOTS, &mut Meter::new(u32::MAX));
    let took = start.elapsed();
    let tables = tables.expect("a meter without end lets tables be finished");
    assert!(
        grid.set_tables(Arc::new(tables)),
        "tables fit the grid that they were built for"
    );
    rounded(took.as_secs_f64() * 1000.0)
}

fn free(grid: &NavGrid) -> u32 {
    let rows = (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| Square::new(x, y)));
    rows.fold(0, |free, at| free + u32::from(grid.is_free(at)))
}

impl Summary {
    /// Whether each problem has a path, and each path is as it should be.
    pub(super) fn is_right(&self) -> bool {
        usize::try_from(self.solved) == Ok(self.problems)
            && self.wrong_lengths == 0
            && self.illegal_steps == 0
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (width, height, free) = (self.width, self.height, self.free);
        writeln!(f, "paths on {}", self.map)?;
        let mut row = |name: &str, text: String| writeln!(f, "  {name:<18} {text}");
        row("map", format!("{width} × {height}, {free} squares free"))?;
        row("problems", self.problems.to_string())?;
        row("solved", self.solved.to_string())?;
        row("wrong lengths", self.wrong_lengths.to_string())?;
        row("illegal steps", self.illegal_steps.to_string())?;
        for complaint in &self.complaints {
            row("", complaint.clone())?;
        }
        if let (Some(ms), Some(times)) = (self.tables_ms, &self.with_heuristic) {
            row("tables built in", format!("{ms} ms"))?;
            row("with heuristic", self.line(times))?;
        }
        row("without heuristic", self.line(&self.without_heuristic))
    }
}

impl Summary {
    fn line(&self, times: &Times) -> String {
        let Times {
            median_us,
            p99_us,
            mean_us,
            paths_per_s,
            expansions_mean,
        } = times;
        let threads = match self.threads {
            1 => "1 thread".to_owned(),
            threads => format!("{threads} threads"),
        };
        format!(
            "median {median_us:.1} µs   p99 {p99_us:.1} µs   mean {mean_us:.1} µs   \
             {expansions_mean:.1} expansions   {paths_per_s:.0} paths/s on {threads}"
        )
    }
}
