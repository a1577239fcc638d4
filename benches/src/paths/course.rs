//! The maps that the figures are named after.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use downbeat::Meter;
use downbeat::nav::maps::{self, Problem};
use downbeat::nav::{NavGrid, PIVOTS, Tables};

/// How to get what the figures are measured on; it is not ours to hand on.
pub(super) const MISSING: &str = "the maps are not here; put AR0011SR, orz900d and random512-35-0 \
    of movingai.com/benchmarks (.map and .map.scen of each) into benches/maps/";

/// Where to look, from the workspace's root: what somebody put there, or what lies beside.
const FOLDERS: [&str; 2] = ["benches/maps", "../shared/data/movingai"];

/// Ends of the files' names; the figures' names begin so as well. Maps of games first.
const MAPS: [&str; 3] = ["AR0011SR.map", "orz900d.map", "random512-35-0.map"];

/// A map and its problems.
pub(crate) struct Course {
    pub(super) name: &'static str,
    /// Without tables.
    pub(super) grid: NavGrid,
    /// With.
    pub(crate) quick_grid: NavGrid,
    /// How long the grid took. Units: milliseconds.
    pub(super) grid_ms: f64,
    /// How long the tables took. Units: milliseconds.
    pub(super) tables_ms: f64,
    pub(crate) problems: Vec<Problem>,
}

/// All maps, or none if one of them is not here.
pub(super) fn load() -> Result<Option<Vec<Course>>, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    for folder in FOLDERS.map(|folder| root.join(folder)) {
        let files: Option<Vec<_>> = MAPS.iter().map(|name| find(&folder, name)).collect();
        if let Some(files) = files {
            let courses = MAPS.iter().zip(files);
            let courses = courses.map(|(name, file)| Course::load(name, &file));
            return courses.collect::<Result<_, _>>().map(Some);
        }
    }
    Ok(None)
}

/// The file of that name; some add where it comes from before it.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).ok()?.flatten().collect();
    files.sort_unstable_by_key(std::fs::DirEntry::file_name);
    let is_it = |file: &std::fs::DirEntry| file.file_name().to_string_lossy().ends_with(name);
    Some(files.into_iter().find(is_it)?.path())
}

impl Course {
    fn load(name: &'static str, file: &Path) -> Result<Self, String> {
        let error = |path: &Path, error: &dyn ToString| {
            format!("{}: {}", path.display(), error.to_string())
        };
        let read = |path: &Path| std::fs::read_to_string(path).map_err(|e| error(path, &e));
        let map = read(file)?;
        let start = Instant::now();
        let grid = maps::parse_map(&map).map_err(|e| error(file, &e))?;
        let grid_ms = start.elapsed().as_secs_f64() * 1000.0;
        let mut scen = file.as_os_str().to_owned();
        scen.push(".scen");
        let scen = PathBuf::from(scen);
        let problems = maps::parse_scen(&read(&scen)?).map_err(|e| error(&scen, &e))?;
        for problem in &problems {
            problem.check(&grid).map_err(|e| error(&scen, &e))?;
        }
        let mut quick_grid = grid.clone();
        let start = Instant::now();
        let tables = Tables::build(&quick_grid, PIVOTS, &mut Meter::new(u32::MAX));
        let tables_ms = start.elapsed().as_secs_f64() * 1000.0;
        let tables = tables.ok_or("a meter without end lets tables be finished")?;
        if !quick_grid.set_tables(Arc::new(tables)) {
            return Err("tables do not fit the grid that they were built for".into());
        }
        Ok(Self {
            name,
            grid,
            quick_grid,
            grid_ms,
            tables_ms,
            problems,
        })
    }

    /// Problems evenly spread over the file, which goes from short to long.
    pub(super) fn every(&self, stride: usize) -> Vec<Problem> {
        let some = self.problems.iter().skip(stride / 2).step_by(stride);
        some.cloned().collect()
    }
}
