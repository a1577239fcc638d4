//! Whether the answers are right. Believes nothing that a path says of itself.

use std::f64::consts::SQRT_2;

use downbeat::nav::maps::Problem;
use downbeat::nav::{NavGrid, Path, Square, find_path};
use downbeat::{Answer, Meter};

/// Lengths in the files are rounded, and those of long paths more so.
const SLACK: f64 = 0.01;
/// See [`SLACK`]. Units: of the length.
const SLACK_SHARE: f64 = 1e-5;

/// What became of all problems.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Verdict {
    /// Problems to which there was a path from end to end.
    pub(super) solved: u32,
    /// Paths that are longer or shorter than the shortest one.
    pub(super) wrong_lengths: u32,
    /// Steps that nobody may take, of all paths.
    pub(super) illegal_steps: u32,
    /// Spent on all.
    pub(super) expansions: u64,
    /// The first few that went wrong, in words.
    pub(super) complaints: Vec<String>,
}

/// Complaints that one reads.
const COMPLAINTS_MAX: usize = 5;

/// Solves each problem once and checks what comes.
pub(super) fn check(grid: &NavGrid, problems: &[Problem]) -> Verdict {
    let mut verdict = Verdict::default();
    for (line, problem) in (2..).zip(problems) {
        let mut meter = Meter::new(u32::MAX);
        let answer = find_path(grid, problem.from, &[problem.to], &mut meter);
        verdict.expansions += u64::from(meter.spent());
        let complaint = match answer {
            Answer::Done(path) => verdict.judge(grid, problem, &path),
            Answer::Partial(_) => Some("the path ends early".into()),
            Answer::NoPath => Some("no path was found".into()),
        };
        if let Some(complaint) = complaint
            && verdict.complaints.len() < COMPLAINTS_MAX
        {
            verdict.complaints.push(format!("line {line}: {complaint}"));
        }
    }
    verdict
}

impl Verdict {
    /// Counts a path; answers what is wrong with it.
    fn judge(&mut self, grid: &NavGrid, problem: &Problem, path: &Path) -> Option<String> {
        let walk = Walk::along(grid, path.steps());
        if (walk.start, walk.end) != (Some(problem.from), Some(problem.to)) {
            return Some("the path has other ends".into());
        }
        self.solved += 1;
        let mut complaint = None;
        if !is_right(walk.length, problem.length) {
            self.wrong_lengths += 1;
            let (found, expected) = (walk.length, problem.length);
            complaint = Some(format!("length {found:.5}, expected {expected}"));
        }
        if let Some(step) = walk.illegal_first {
            self.illegal_steps += walk.illegal_steps;
            complaint = Some(format!("an illegal step at {},{}", step.x, step.y));
        }
        complaint
    }
}

fn is_right(found: f64, expected: f64) -> bool {
    (found - expected).abs() <= SLACK + SLACK_SHARE * expected
}

/// What one meets who walks a path square by square.
#[derive(Default)]
struct Walk {
    start: Option<Square>,
    end: Option<Square>,
    length: f64,
    illegal_steps: u32,
    illegal_first: Option<Square>,
}

impl Walk {
    fn along(grid: &NavGrid, steps: impl Iterator<Item = Square>) -> Self {
        let mut walk = Self::default();
        let (mut straight, mut diagonal) = (0_u32, 0_u32);
        for at in steps {
            if let Some(before) = walk.end {
                if before.x == at.x || before.y == at.y {
                    straight += 1;
                } else {
                    diagonal += 1;
                }
                if !grid.step_is_legal(before, at) {
                    walk.illegal_steps += 1;
                    walk.illegal_first.get_or_insert(before);
                }
            } else {
                walk.start = Some(at);
            }
            walk.end = Some(at);
        }
        walk.length = f64::from(straight) + f64::from(diagonal) * SQRT_2;
        walk
    }
}

#[cfg(test)]
mod tests {
    use downbeat::nav::maps::parse_text;

    use super::*;

    fn walk(steps: &[(u16, u16)]) -> Walk {
        let map = parse_text("..#\n...\n...\n").expect("a drawing");
        let steps = steps.iter().map(|&(x, y)| Square::new(x, y));
        Walk::along(&map.grid, steps)
    }

    #[test]
    fn a_walk_has_its_length_and_its_ends() {
        let walk = walk(&[(0, 0), (1, 1), (1, 2), (2, 2)]);
        assert!((walk.length - 3.414_213_6).abs() < 1e-6, "{}", walk.length);
        let ends = (walk.start, walk.end);
        assert_eq!(ends, (Some(Square::new(0, 0)), Some(Square::new(2, 2))));
        assert_eq!(walk.illegal_first, None);
    }

    #[test]
    fn cut_corners_walls_and_jumps_are_illegal() {
        let corner = walk(&[(0, 0), (1, 0), (2, 1)]);
        assert_eq!(corner.illegal_first, Some(Square::new(1, 0)));
        assert_eq!(walk(&[(1, 0), (2, 0), (2, 1)]).illegal_steps, 2);
        assert_eq!(walk(&[(0, 0), (0, 2)]).illegal_steps, 1);
    }

    #[test]
    fn lengths_may_differ_by_what_the_files_round_off() {
        assert!(is_right(1000.0, 1000.019));
        assert!(!is_right(1000.0, 1000.021));
        assert!(is_right(0.0, 0.0));
        assert!(!is_right(2.0, 1.98));
    }

    #[test]
    fn problems_with_other_lengths_are_counted_and_named() {
        let map = parse_text("..#\n...\n...\n").expect("a drawing");
        let problem = |to, length| Problem {
            bucket: 0,
            map: String::new(),
            width: 3,
            height: 3,
            from: Square::new(0, 0),
            to,
            length,
        };
        let problems = [
            problem(Square::new(2, 2), 2.828_427),
            problem(Square::new(2, 1), 2.5),
            problem(Square::new(2, 0), 2.0),
        ];
        let verdict = check(&map.grid, &problems);
        assert_eq!((verdict.solved, verdict.wrong_lengths), (2, 1));
        assert_eq!(
            verdict.complaints,
            [
                "line 3: length 2.41421, expected 2.5",
                "line 4: no path was found"
            ]
        );
    }
}
