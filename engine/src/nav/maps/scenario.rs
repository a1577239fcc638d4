//! `.scen`: problems on a map, with the lengths of their shortest paths.

use super::{excerpt, parse_side};
use crate::limits::NAV_SIDE_MAX;
use crate::nav::{NavGrid, Square};

/// A path to find.
#[derive(Clone, Debug, PartialEq)]
pub struct Problem {
    /// Problems of a bucket are about as long.
    pub bucket: u32,
    /// The file of the map, as its author called it.
    pub map: String,
    /// The map's width when the problem was made.
    pub width: u16,
    /// The map's height when the problem was made.
    pub height: u16,
    /// Where the path begins.
    pub from: Square,
    /// Where it ends.
    pub to: Square,
    /// Of the shortest one.
    ///
    /// Units: squares; a diagonal step counts √2.
    pub length: f64,
}

/// Why a text has no problems.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenError {
    /// It is something else, or of a version that nobody has seen.
    #[error("line 1: expected version 1, found \"{0}\"")]
    Version(String),
    /// There is no problem on a line.
    #[error(
        "line {line}: expected 9 columns (bucket, map, width, height, from x, from y, to x, to y, \
         length), found \"{found}\""
    )]
    Columns {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// A column with something else in it.
    #[error("line {line}: the {column} is \"{found}\", expected {expected}")]
    Number {
        /// Counted from 1.
        line: usize,
        /// Which.
        column: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
}

/// Why a problem is none on a map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProblemError {
    /// An end is not on the map.
    #[error("the path's {end} {x},{y} lies outside the map, which is {width} × {height}{of}")]
    Outside {
        /// `start` or `end`.
        end: &'static str,
        /// Column.
        x: u16,
        /// Row.
        y: u16,
        /// The map's.
        width: u16,
        /// The map's.
        height: u16,
        /// For which other map the problem was made, in words; empty if for one of that size.
        of: String,
    },
    /// An end is where nobody can stand.
    #[error("the path's {end} {x},{y} is blocked on this map{of}")]
    Blocked {
        /// `start` or `end`.
        end: &'static str,
        /// Column.
        x: u16,
        /// Row.
        y: u16,
        /// As above.
        of: String,
    },
}

impl Problem {
    /// Whether both ends are squares of this map on which one can stand.
    ///
    /// # Errors
    /// Which end is not.
    pub fn check(&self, grid: &NavGrid) -> Result<(), ProblemError> {
        for (end, at) in [("start", self.from), ("end", self.to)] {
            if grid.is_free(at) {
                continue;
            }
            let (width, height) = (grid.width(), grid.height());
            let of = if (self.width, self.height) == (width, height) {
                String::new()
            } else {
                format!(
                    "; the problem is for one of {} × {}",
                    self.width, self.height
                )
            };
            let Square { x, y } = at;
            return Err(if x < width && y < height {
                ProblemError::Blocked { end, x, y, of }
            } else {
                ProblemError::Outside {
                    end,
                    x,
                    y,
                    width,
                    height,
                    of,
                }
            });
        }
        Ok(())
    }
}

/// Reads problems in the format of MovingAI; that of line *n* of the text is number *n* − 2.
///
/// Columns may be parted by tabs or spaces, and the map's name may have spaces in it.
///
/// Source: <https://movingai.com/benchmarks/formats.html>
///
/// # Errors
/// Which line is no problem, and what is wrong in it.
///
/// ```
/// let text = "version 1\n0\tcity.map\t512\t512\t443\t441\t441\t440\t2.41421\n";
/// let problems = downbeat::nav::maps::parse_scen(text).expect("problems");
/// assert_eq!((problems[0].from.x, problems[0].length), (443, 2.41421));
/// ```
pub fn parse_scen(text: &str) -> Result<Vec<Problem>, ScenError> {
    let mut lines = (1..).zip(text.trim_end().lines());
    let version = lines.next().map_or("", |(_, line)| line);
    let words: Vec<_> = version.split_whitespace().take(3).collect();
    if !matches!(words[..], ["version", "1" | "1.0"]) {
        return Err(ScenError::Version(excerpt(version.trim_end())));
    }
    lines
        .map(|(line, text)| parse_problem(line, text))
        .collect()
}

fn parse_problem(line: usize, text: &str) -> Result<Problem, ScenError> {
    let columns = columns(text).ok_or_else(|| ScenError::Columns {
        line,
        found: excerpt(text.trim()),
    })?;
    let [
        bucket,
        map,
        width,
        height,
        from_x,
        from_y,
        to_x,
        to_y,
        length,
    ] = columns;
    let wrong = |column, found: &str, expected| ScenError::Number {
        line,
        column,
        found: excerpt(found),
        expected,
    };
    let side = |column, found| parse_side(found).ok_or_else(|| wrong(column, found, "1 to 4096"));
    let place = |column, found: &str| {
        let place = found.parse().ok().filter(|&place| place < NAV_SIDE_MAX);
        place.ok_or_else(|| wrong(column, found, "0 to 4095"))
    };
    let is_length = |length: &f64| length.is_finite() && *length >= 0.0;
    Ok(Problem {
        bucket: bucket
            .parse()
            .map_err(|_| wrong("bucket", bucket, "a number from 0"))?,
        map: map.to_owned(),
        width: side("width", width)?,
        height: side("height", height)?,
        from: Square::new(place("from x", from_x)?, place("from y", from_y)?),
        to: Square::new(place("to x", to_x)?, place("to y", to_y)?),
        length: length
            .parse()
            .ok()
            .filter(is_length)
            .ok_or_else(|| wrong("length", length, "a number from 0"))?,
    })
}

/// The first column, the last seven, and the map's name, which is whatever stands between.
fn columns(line: &str) -> Option<[&str; 9]> {
    let (bucket, mut rest) = line.trim().split_once(char::is_whitespace)?;
    let mut columns = [bucket; 9];
    for column in columns[2..].iter_mut().rev() {
        let (before, last) = rest.rsplit_once(char::is_whitespace)?;
        (rest, *column) = (before.trim_end(), last);
    }
    columns[1] = rest.trim_start();
    (!columns[1].is_empty()).then_some(columns)
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::rng::seeded;

    const TWO: &str = "version 1\n\
        0\tmaps/dao/a.map\t12\t8\t1\t2\t11\t7\t14.0711\n\
        61\tmaps/dao/a.map\t12\t8\t0\t0\t0\t0\t0\n";

    fn check(text: &str, error: &str) {
        let found = parse_scen(text).map_err(|e| e.to_string());
        assert_eq!(found, Err(error.to_owned()), "{text}");
    }

    fn first(text: &str) -> Problem {
        parse_scen(text).expect("problems").swap_remove(0)
    }

    #[test]
    fn each_column_has_its_place() {
        let problems = parse_scen(TWO).expect("two problems");
        let expected = Problem {
            bucket: 0,
            map: "maps/dao/a.map".into(),
            width: 12,
            height: 8,
            from: Square::new(1, 2),
            to: Square::new(11, 7),
            length: 14.0711,
        };
        assert_eq!(problems[0], expected);
        assert_eq!((problems.len(), problems[1].bucket), (2, 61));
        assert_eq!(parse_scen("version 1.0\n"), Ok(Vec::new()));
    }

    #[test]
    fn tabs_spaces_and_line_ends_of_windows_are_the_same() {
        let plain = parse_scen(TWO);
        for other in [
            TWO.replace('\t', " "),
            TWO.replace('\t', "  "),
            TWO.replace('\t', "\t "),
            TWO.replace('\n', "\r\n"),
            TWO.replace("version 1\n", "version 1.0\n"),
            format!("{TWO}\n \n"),
        ] {
            assert_eq!(parse_scen(&other), plain, "{other:?}");
        }
    }

    #[test]
    fn a_maps_name_may_have_spaces() {
        let spaced = TWO.replace("maps/dao/a.map", "my maps/city 2.map");
        assert_eq!(first(&spaced).map, "my maps/city 2.map");
        let spaced = spaced.replace('\t', " ");
        let problem = first(&spaced);
        assert_eq!(problem.map, "my maps/city 2.map");
        assert_eq!((problem.width, problem.length), (12, 14.0711));
    }

    #[test]
    fn an_error_says_where_and_what() {
        let with = |from: &str, to: &str| TWO.replacen(from, to, 1);
        check("", "line 1: expected version 1, found \"\"");
        check(
            &with("version 1", "version 2"),
            "line 1: expected version 1, found \"version 2\"",
        );
        check(
            &with("\t14.0711", ""),
            "line 2: expected 9 columns (bucket, map, width, height, from x, from y, to x, to y, \
             length), found \"0\tmaps/dao/a.map\t12\t8\t1\t2\t11\t7\"",
        );
        check(
            &with("\n61", "\n\n61"),
            "line 3: expected 9 columns (bucket, map, width, height, from x, from y, to x, to y, \
             length), found \"\"",
        );
        check(
            &with("\n0\t", "\n-1\t"),
            "line 2: the bucket is \"-1\", expected a number from 0",
        );
        check(
            &with("\t12\t", "\t5000\t"),
            "line 2: the width is \"5000\", expected 1 to 4096",
        );
        check(
            &with("\t11\t", "\t4096\t"),
            "line 2: the to x is \"4096\", expected 0 to 4095",
        );
        for length in ["-1", "NaN", "inf", "long"] {
            check(
                &with("14.0711", length),
                &format!("line 2: the length is \"{length}\", expected a number from 0"),
            );
        }
    }

    #[test]
    fn a_problem_fits_a_map_or_says_why_not() {
        let grid = |width, height| NavGrid::from_fn(width, height, |at| at != Square::new(1, 2));
        let says = |problem: &Problem, grid: &NavGrid| {
            problem.check(grid).map_err(|error| error.to_string())
        };
        let problem = first(TWO);
        assert_eq!(says(&problem, &NavGrid::open(12, 8)), Ok(()));
        assert_eq!(
            says(&problem, &grid(12, 8)),
            Err("the path's start 1,2 is blocked on this map".into())
        );
        assert_eq!(
            says(&problem, &NavGrid::open(11, 8)),
            Err(
                "the path's end 11,7 lies outside the map, which is 11 × 8; the problem is for \
                 one of 12 × 8"
                    .into()
            )
        );
    }

    #[test]
    fn whatever_is_changed_in_problems_they_are_read_or_refused() {
        let mut rng = seeded(7, "problems", 0, "changes");
        let odd: Vec<char> = "\0\n\r\t 0149-.eNaä𝄞\u{a0}".chars().collect();
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut text: Vec<char> = TWO.chars().collect();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..text.len());
                let other = odd[rng.random_range(0..odd.len())];
                match rng.random_range(0..3) {
                    0 => text[at] = other,
                    1 => text.insert(at, other),
                    _ => drop(text.remove(at)),
                }
            }
            match parse_scen(&text.into_iter().collect::<String>()) {
                Ok(_) => read += 1,
                Err(error) => {
                    assert!(error.to_string().len() < 250, "{error}");
                    refused += 1;
                }
            }
        }
        assert!(
            read > 500 && refused > 500,
            "{read} read, {refused} refused"
        );
    }
}
