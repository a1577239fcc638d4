//! `figures paths-table [--quick]`: the README's comparison with other crates, in one run.

use std::fmt::Write as _;

use downbeat::nav::maps::Problem;

use super::course::Course;
use super::finders::{AStar, Downbeat, Finder, Hierarchy, JumpPoints, Verdict, judge};
use super::{GAME_MAPS, STRIDE, STRIDE_QUICK, load, median, solve};

/// A crate and what came of it, over all maps.
#[derive(Default)]
struct Row {
    name: String,
    total_s: f64,
    micros: Vec<f64>,
    build_ms: f64,
    verdict: Verdict,
}

impl Row {
    fn new(name: &str) -> Self {
        Self {
            name: name.into(),
            ..Self::default()
        }
    }

    fn add<F: Finder>(&mut self, finder: &F, on: (&Course, &[Problem]), build_ms: f64) {
        let (course, problems) = on;
        // The judging warms it up.
        let verdict = judge(finder, problems, &course.grid);
        self.verdict.right += verdict.right;
        self.verdict.longer += verdict.longer;
        self.verdict.illegal += verdict.illegal;
        self.verdict.missing += verdict.missing;
        self.verdict.excess += verdict.excess;
        let pass = solve(finder, problems);
        self.total_s += pass.total_s;
        self.micros.extend(pass.micros);
        self.build_ms += build_ms;
    }

    fn line(self) -> String {
        let Verdict {
            right,
            longer,
            illegal,
            missing,
            excess,
        } = self.verdict;
        let all = right + longer + illegal + missing;
        let mut lengths = if right == all {
            "all".to_owned()
        } else {
            format!("{:.1} %", 100.0 * right as f64 / all as f64)
        };
        for (count, what) in [
            (illegal, "cut corners"),
            (missing, "are missing"),
            (longer, "are longer"),
        ] {
            if count > 0 {
                let share = 100.0 * count as f64 / all as f64;
                let _ = write!(lengths, "; {share:.1} % {what}");
            }
        }
        if longer > 0 {
            let mean = 100.0 * excess / longer as f64;
            let _ = write!(lengths, ", on average by {mean:.1} %");
        }
        let (name, total_ms) = (self.name, 1000.0 * self.total_s);
        let (median_us, build_ms) = (median(self.micros), self.build_ms);
        format!(
            "| {name} | {total_ms:.1} ms | {median_us:.1} µs | {lengths} | {build_ms:.0} ms |\n"
        )
    }
}

/// Prints the table.
pub(crate) fn tell(arguments: &[String]) -> Result<(), String> {
    let stride = match arguments {
        [] => STRIDE,
        [flag] if flag == "--quick" => STRIDE_QUICK,
        _ => return Err("paths-table [--quick]".into()),
    };
    let Some(courses) = load()? else {
        return Ok(());
    };
    let mut rows = [
        "Downbeat, with its tables",
        "Downbeat, without",
        "`pathfinding` 4.16, A*",
        "`grid_pathfinding` 0.3, improved pruning",
        "`grid_pathfinding` 0.3, plain",
        "`hierarchical_pathfinding` 0.5",
    ]
    .map(Row::new);
    let mut count = 0;
    for course in &courses[..GAME_MAPS] {
        let problems = course.every(stride);
        count += problems.len();
        let on = (course, &problems[..]);
        let [tables, plain, a_star, improved, jumps, hierarchy] = &mut rows;
        let with_tables_ms = course.grid_ms + course.tables_ms;
        tables.add(&Downbeat::new(course, true), on, with_tables_ms);
        plain.add(&Downbeat::new(course, false), on, course.grid_ms);
        a_star.add(&AStar::new(course), on, 0.0);
        for (row, finder) in [improved, jumps].into_iter().zip(JumpPoints::modes(course)) {
            row.add(&finder, on, finder.build_ms);
        }
        let finder = Hierarchy::new(course);
        hierarchy.add(&finder, on, finder.build_ms);
    }
    let names: Vec<_> = courses[..GAME_MAPS].iter().map(|c| c.name).collect();
    let mut out = format!(
        "{count} problems of {}, every {stride}th\n\n\
         | crate | in total | median | shortest and legal | built in |\n|---|---|---|---|---|\n",
        names.join(" and ")
    );
    for row in rows {
        out.push_str(&row.line());
    }
    crate::print(&out);
    Ok(())
}
