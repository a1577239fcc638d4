//! Maps drawn by hand, in code and in tests.

use std::collections::BTreeMap;

use super::parse_side;
use crate::limits::NAV_SIDE_MAX;
use crate::nav::{NavGrid, Square};

/// What [`parse_text`] makes of a drawing.
#[derive(Clone, Debug)]
pub struct TextMap {
    /// Where one can walk.
    pub grid: NavGrid,
    /// The squares that have a letter or digit, each list from the top left on.
    pub marks: BTreeMap<char, Vec<Square>>,
}

/// Why a drawing is no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextMapError {
    /// There is nothing on it.
    #[error("the drawing is empty, expected at least one square")]
    Empty,
    /// Nobody walks so far.
    #[error("the drawing is {0} squares {1}, expected at most {NAV_SIDE_MAX}")]
    Side(usize, &'static str),
    /// Lines of different lengths.
    #[error("line {line}: the row has {found} squares, expected {expected} as in the first one")]
    RowLength {
        /// Counted from 1.
        line: usize,
        /// Squares in it.
        found: usize,
        /// Squares in the first one.
        expected: usize,
    },
    /// A sign without meaning.
    #[error(
        "line {line}, column {column}: {found:?} means nothing, expected # . space A-Z a-z 0-9"
    )]
    Sign {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What stands there.
        found: char,
    },
}

/// Reads a map that somebody drew.
///
/// `#` is a wall; `.` and a space are free; so is a letter or a digit, and it names the square.
/// Empty lines above and below do not count.
///
/// # Errors
/// Where the drawing is no map, and what stands there instead.
///
/// ```
/// use downbeat::nav::{Square, maps};
///
/// let map = maps::parse_text("a.#\n.#b\n").expect("a drawing");
/// assert_eq!(map.marks[&'b'], [Square::new(2, 1)]);
/// assert!(!map.grid.is_free(Square::new(1, 1)));
/// ```
pub fn parse_text(text: &str) -> Result<TextMap, TextMapError> {
    let drawn = |&(_, row): &(usize, &str)| !row.is_empty();
    let mut rows: Vec<_> = (1..)
        .zip(text.lines())
        .skip_while(|row| !drawn(row))
        .collect();
    let count = rows.iter().rposition(drawn).map_or(0, |last| last + 1);
    rows.truncate(count);
    let expected = rows.first().ok_or(TextMapError::Empty)?.1.chars().count();
    let side =
        |count: usize, way| parse_side(&count.to_string()).ok_or(TextMapError::Side(count, way));
    let (width, height) = (side(expected, "wide")?, side(rows.len(), "high")?);
    let mut marks: BTreeMap<char, Vec<Square>> = BTreeMap::new();
    for (y, &(line, row)) in (0..).zip(&rows) {
        for (column, found) in (1..).zip(row.chars()) {
            match found {
                '#' | '.' | ' ' => {}
                'A'..='Z' | 'a'..='z' | '0'..='9' => {
                    // A row that is too long is refused below.
                    let x = u16::try_from(column - 1).unwrap_or(u16::MAX);
                    marks.entry(found).or_default().push(Square::new(x, y));
                }
                _ => {
                    return Err(TextMapError::Sign {
                        line,
                        column,
                        found,
                    });
                }
            }
        }
        // Every sign is one byte by now.
        let found = row.len();
        if found != expected {
            return Err(TextMapError::RowLength {
                line,
                found,
                expected,
            });
        }
    }
    let free = |at: Square| rows[usize::from(at.y)].1.as_bytes()[usize::from(at.x)] != b'#';
    let grid = NavGrid::from_fn(width, height, free);
    Ok(TextMap { grid, marks })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nav::maps::to_map_text;

    fn check(text: &str, error: &str) {
        let found = parse_text(text).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(found, Err(error.to_owned()), "{text}");
    }

    #[test]
    fn walls_are_walls_and_letters_are_free_and_named() {
        let map = parse_text("a.# \n##.b\n1..a\n").expect("a drawing");
        assert_eq!(
            to_map_text(&map.grid),
            "type octile\nheight 3\nwidth 4\nmap\n..@.\n@@..\n....\n"
        );
        let marks = |of: char| map.marks[&of].iter().map(|at| (at.x, at.y));
        assert_eq!(marks('a').collect::<Vec<_>>(), [(0, 0), (3, 2)]);
        assert_eq!(marks('b').collect::<Vec<_>>(), [(3, 1)]);
        assert_eq!(map.marks.keys().collect::<String>(), "1ab");
    }

    #[test]
    fn empty_lines_around_a_drawing_do_not_count() {
        let map = parse_text("\n\n.#\n#.\n\n").expect("a drawing");
        assert_eq!((map.grid.width(), map.grid.height()), (2, 2));
        let map = parse_text(".#\r\n#.\r\n").expect("a drawing");
        assert_eq!(map.grid.width(), 2);
    }

    #[test]
    fn an_error_says_where_and_what() {
        check("", "the drawing is empty, expected at least one square");
        check("\n\n", "the drawing is empty, expected at least one square");
        check(
            "..\n.#.\n",
            "line 2: the row has 3 squares, expected 2 as in the first one",
        );
        check(
            "\n..\n\n..\n",
            "line 3: the row has 0 squares, expected 2 as in the first one",
        );
        check(
            "..\n.@\n",
            "line 2, column 2: '@' means nothing, expected # . space A-Z a-z 0-9",
        );
        check(
            "ä.\n.@\n",
            "line 1, column 1: 'ä' means nothing, expected # . space A-Z a-z 0-9",
        );
        let wide = ".".repeat(4097);
        check(
            &wide,
            "the drawing is 4097 squares wide, expected at most 4096",
        );
        let high = ".\n".repeat(4097);
        check(
            &high,
            "the drawing is 4097 squares high, expected at most 4096",
        );
    }
}
