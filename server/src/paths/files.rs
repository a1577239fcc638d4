//! Maps and problems as files.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use downbeat::nav::NavGrid;
use downbeat::nav::maps::{self, MapError, Problem, ProblemError, ScenError};

use crate::limits::MAP_FILE_BYTES_MAX;

/// Why a file is of no use.
#[derive(Debug, thiserror::Error)]
pub(crate) enum FileError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("cannot read {}: more than {MAP_FILE_BYTES_MAX} bytes", .0.display())]
    TooLong(PathBuf),
    #[error("{}: {error}", path.display())]
    Map { path: PathBuf, error: MapError },
    #[error("{}: {error}", path.display())]
    Scen { path: PathBuf, error: ScenError },
    #[error("{}: there are no problems in it", .0.display())]
    NoProblems(PathBuf),
    #[error("{}: line {line}: {error}", path.display())]
    Problem {
        path: PathBuf,
        line: usize,
        error: ProblemError,
    },
}

pub(super) fn read_map(path: &Path) -> Result<NavGrid, FileError> {
    maps::parse_map(&read(path)?).map_err(|error| FileError::Map {
        path: path.into(),
        error,
    })
}

/// At least one, and each has both ends where one can stand.
pub(super) fn read_problems(path: &Path, grid: &NavGrid) -> Result<Vec<Problem>, FileError> {
    let problems = maps::parse_scen(&read(path)?).map_err(|error| FileError::Scen {
        path: path.into(),
        error,
    })?;
    if problems.is_empty() {
        return Err(FileError::NoProblems(path.into()));
    }
    for (line, problem) in (2..).zip(&problems) {
        problem.check(grid).map_err(|error| FileError::Problem {
            path: path.into(),
            line,
            error,
        })?;
    }
    Ok(problems)
}

fn read(path: &Path) -> Result<String, FileError> {
    let failed = |error| FileError::Read {
        path: path.into(),
        error,
    };
    let mut text = String::new();
    let file = File::open(path).map_err(failed)?;
    let mut file = file.take(MAP_FILE_BYTES_MAX + 1);
    file.read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > MAP_FILE_BYTES_MAX {
        return Err(FileError::TooLong(path.into()));
    }
    Ok(text)
}
