//! `downbeat paths`: finds paths on a map; checks and times the problems of a benchmark.
//!
//! In: a map, and problems with known answers or the ends of one path. Out: what was right and
//! how long it took, or that path. The only part of the program that reads map files; what is in
//! them, and how a path is found, is the engine's business.
//!
//! ```text
//! files → problems → check (lengths, steps) → times → summary
//!       └→ one path → drawing
//! ```

mod files;
mod check;
mod times;
mod summary;
mod single;
mod drawing;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;

use downbeat::nav::Square;
use serde::Serialize;

pub(crate) use self::files::FileError;

/// What `downbeat paths` is told.
#[derive(Clone, Debug, clap::Args)]
#[command(after_long_help = summary::JSON_HELP)]
pub(crate) struct PathsOptions {
    /// The map, in the format of MovingAI (movingai.com/benchmarks)
    #[arg(long, value_name = "FILE")]
    map: PathBuf,
    /// Problems on it, with the lengths of their shortest paths
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "from",
        conflicts_with_all = ["from", "to", "draw"]
    )]
    scen: Option<PathBuf>,
    /// Where one path begins, as a column and a row counted from 0
    #[arg(long, value_name = "X,Y", value_parser = parse_square, requires = "to")]
    from: Option<Square>,
    /// Where it ends; of several, at the nearest
    #[arg(long, value_name = "X,Y", value_parser = parse_square, requires = "from")]
    to: Vec<Square>,
    /// Draw the map with the path, or what is around the path
    #[arg(long, requires = "from")]
    draw: bool,
    /// Without the tables that are built once and make searches faster
    #[arg(long)]
    no_heuristic: bool,
    /// Threads that find paths at the same time, on one grid
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: u16,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Why nothing was looked for: the person's mistake.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PathsError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("--{flag} {},{}: {why}", at.x, at.y)]
    End {
        flag: &'static str,
        at: Square,
        why: String,
    },
    #[error("{count} times --to, expected at most {max}")]
    Goals { count: usize, max: usize },
}

/// Does what was asked; success is that all that was looked for was found, and is right.
pub(crate) fn run(options: &PathsOptions) -> Result<ExitCode, PathsError> {
    let grid = files::read_map(&options.map)?;
    let all_is_right = if let Some(from) = options.from {
        let single = single::find(grid, from, options)?;
        print(&single, options.json);
        single.is_found()
    } else {
        let scen = options.scen.as_deref().expect("clap asks for either");
        let problems = files::read_problems(scen, &grid)?;
        let summary = summary::measure(grid, &problems, options);
        print(&summary, options.json);
        summary.is_right()
    };
    Ok(if all_is_right {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// A result, for people or for programs.
fn print(result: &(impl Serialize + Display), json: bool) {
    use std::io::Write as _;
    let text = if json {
        let json = serde_json::to_string(result).expect("numbers and names are JSON");
        format!("{json}\n")
    } else {
        result.to_string()
    };
    // An error means that nobody reads.
    let _ = std::io::stdout().write_all(text.as_bytes());
}

/// `X,Y`.
fn parse_square(text: &str) -> Result<Square, String> {
    let numbers = text.split_once(',').and_then(|(x, y)| {
        let (x, y) = (x.trim().parse().ok()?, y.trim().parse().ok()?);
        Some(Square::new(x, y))
    });
    numbers.ok_or_else(|| "expected a column and a row, as in 12,7".into())
}
