//! One path, from here to the nearest of some squares.

use std::fmt;

use downbeat::limits::NAV_GOALS_MAX;
use downbeat::nav::{NavGrid, Square, find_path};
use downbeat::{Answer, Meter};
use serde::Serialize;

use super::drawing::draw;
use super::summary::build_tables;
use super::times::rounded;
use super::{PathsError, PathsOptions};

/// The path, if there is one.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Single {
    found: bool,
    length: Option<f64>,
    corners: Vec<(u16, u16)>,
    expansions: u32,
    #[serde(skip)]
    drawing: Option<String>,
}

pub(super) fn find(
    mut grid: NavGrid,
    from: Square,
    options: &PathsOptions,
) -> Result<Single, PathsError> {
    if options.to.len() > NAV_GOALS_MAX {
        let (count, max) = (options.to.len(), NAV_GOALS_MAX);
        return Err(PathsError::Goals { count, max });
    }
    check_end(&grid, "from", from)?;
    for &to in &options.to {
        check_end(&grid, "to", to)?;
    }
    if !options.no_heuristic {
        build_tables(&mut grid);
    }
    let mut meter = Meter::new(u32::MAX);
    let path = match find_path(&grid, from, &options.to, &mut meter) {
        Answer::Done(path) => Some(path),
        Answer::Partial(_) | Answer::NoPath => None,
    };
    let ends = options.to.iter().copied().chain([from]);
    let steps = path.iter().flat_map(|path| path.steps());
    let drawing = options.draw.then(|| {
        draw(
            &grid,
            from,
            &ends.collect::<Vec<_>>(),
            &steps.collect::<Vec<_>>(),
        )
    });
    let corners = path.iter().flat_map(|path| path.corners());
    Ok(Single {
        found: path.is_some(),
        length: path.as_ref().map(|path| rounded(path.length())),
        corners: corners.map(|at| (at.x, at.y)).collect(),
        expansions: meter.spent(),
        drawing,
    })
}

/// Nobody asks on purpose for a path to where nobody can stand.
fn check_end(grid: &NavGrid, flag: &'static str, at: Square) -> Result<(), PathsError> {
    if grid.is_free(at) {
        return Ok(());
    }
    let (width, height) = (grid.width(), grid.height());
    let why = if at.x < width && at.y < height {
        "blocked on this map".into()
    } else {
        format!("outside the map, which is {width} × {height}")
    };
    Err(PathsError::End { flag, at, why })
}

impl Single {
    pub(super) const fn is_found(&self) -> bool {
        self.found
    }
}

impl fmt::Display for Single {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.length {
            None => writeln!(f, "there is no path")?,
            Some(length) => {
                let corners: Vec<_> = self
                    .corners
                    .iter()
                    .map(|(x, y)| format!("{x},{y}"))
                    .collect();
                writeln!(f, "length {length}, {} expansions", self.expansions)?;
                writeln!(f, "corners {}", corners.join(" "))?;
            }
        }
        f.write_str(self.drawing.as_deref().unwrap_or_default())
    }
}
