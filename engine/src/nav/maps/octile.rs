//! `.map`: a grid of terrain, one letter for each square.

use super::{excerpt, parse_side};
use crate::limits::NAV_SIDE_MAX;
use crate::nav::{NavGrid, Square};

/// Why a text is no map.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The lines before the map say something else.
    #[error("line {line}: expected type octile, height N, width N, then map; found \"{found}\"")]
    Header {
        /// Counted from 1.
        line: usize,
        /// What stands there.
        found: String,
    },
    /// The lines before the map do not say all.
    #[error("line {line}: the map begins, and no line before it gave its {what}")]
    Missing {
        /// Counted from 1.
        line: usize,
        /// What lacks.
        what: &'static str,
    },
    /// The text ends before the map begins.
    #[error("there is no line that says map")]
    NoMap,
    /// A side of nothing, or of more than anybody walks.
    #[error("line {line}: the {what} is \"{found}\", expected 1 to {NAV_SIDE_MAX}")]
    Side {
        /// Counted from 1.
        line: usize,
        /// Which side.
        what: &'static str,
        /// What stands there.
        found: String,
    },
    /// No terrain is called so.
    #[error("line {line}, column {column}: {found:?} is no terrain, expected one of .GS@OTW")]
    Terrain {
        /// Counted from 1.
        line: usize,
        /// Counted from 1.
        column: usize,
        /// What stands there.
        found: char,
    },
    /// A row that is not as wide as the map.
    #[error("line {line}: the row has {found} squares, expected {expected}")]
    RowLength {
        /// Counted from 1.
        line: usize,
        /// Squares in it.
        found: usize,
        /// The map's width.
        expected: u16,
    },
    /// Fewer rows than the map is high.
    #[error("the text ends after {found} rows, expected {expected}")]
    TooFewRows {
        /// Rows there are.
        found: usize,
        /// The map's height.
        expected: u16,
    },
    /// Something follows the last row.
    #[error("line {line}: a row beyond the {expected} that the map is high")]
    TooManyRows {
        /// Counted from 1.
        line: usize,
        /// The map's height.
        expected: u16,
    },
}

/// Reads a map in the format of MovingAI.
///
/// `.`, `G` and `S` can be walked on; `@`, `O`, `T` and `W` cannot: who walks does not swim. Line
/// ends may be those of Windows.
///
/// Source: <https://movingai.com/benchmarks/formats.html>
///
/// # Errors
/// Where the text is no such map, and what stands there instead.
///
/// ```
/// use downbeat::nav::{Square, maps};
///
/// let map = "type octile\nheight 2\nwidth 3\nmap\n.@.\n...\n";
/// let grid = maps::parse_map(map).expect("a map");
/// assert!(!grid.is_free(Square::new(1, 0)));
/// assert_eq!(maps::to_map_text(&grid), map);
/// assert_eq!(
///     maps::parse_map(&map.replace('@', "x")).unwrap_err().to_string(),
///     "line 5, column 2: 'x' is no terrain, expected one of .GS@OTW"
/// );
/// ```
pub fn parse_map(text: &str) -> Result<NavGrid, MapError> {
    let mut lines = (1..).zip(text.lines().map(str::trim_end));
    let (width, height) = parse_header(&mut lines)?;
    let mut rows: Vec<&[u8]> = Vec::new();
    for (line, row) in lines {
        if rows.len() < usize::from(height) {
            rows.push(parse_row(line, row, width)?);
        } else if !row.is_empty() {
            let expected = height;
            return Err(MapError::TooManyRows { line, expected });
        }
    }
    if rows.len() < usize::from(height) {
        let (found, expected) = (rows.len(), height);
        return Err(MapError::TooFewRows { found, expected });
    }
    Ok(NavGrid::from_fn(width, height, |at| {
        is_free(char::from(rows[usize::from(at.y)][usize::from(at.x)])) == Some(true)
    }))
}

/// Width and height; the map's first row comes next.
fn parse_header<'a>(
    lines: &mut impl Iterator<Item = (usize, &'a str)>,
) -> Result<(u16, u16), MapError> {
    let (mut octile, mut width, mut height) = (None, None, None);
    for (line, text) in lines {
        let side = |what, number: &str| {
            parse_side(number).ok_or_else(|| MapError::Side {
                line,
                what,
                found: excerpt(number),
            })
        };
        let mut words = text.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (Some("type"), Some("octile"), None) => octile = Some(()),
            (Some("width"), Some(number), None) => width = Some(side("width", number)?),
            (Some("height"), Some(number), None) => height = Some(side("height", number)?),
            (Some("map"), None, None) => {
                let missing = |what| MapError::Missing { line, what };
                octile.ok_or_else(|| missing("type"))?;
                let width = width.ok_or_else(|| missing("width"))?;
                let height = height.ok_or_else(|| missing("height"))?;
                return Ok((width, height));
            }
            _ => {
                let found = excerpt(text);
                return Err(MapError::Header { line, found });
            }
        }
    }
    Err(MapError::NoMap)
}

/// A row as wide as the map, of nothing but terrain, so that a byte is a square.
fn parse_row(line: usize, row: &str, width: u16) -> Result<&[u8], MapError> {
    let mut squares = (1..).zip(row.chars());
    if let Some((column, found)) = squares.find(|&(_, square)| is_free(square).is_none()) {
        return Err(MapError::Terrain {
            line,
            column,
            found,
        });
    }
    if row.len() != usize::from(width) {
        return Err(MapError::RowLength {
            line,
            found: row.len(),
            expected: width,
        });
    }
    Ok(row.as_bytes())
}

/// Whether one can stand on such terrain; `None` if there is none of that name.
const fn is_free(terrain: char) -> Option<bool> {
    match terrain {
        '.' | 'G' | 'S' => Some(true),
        '@' | 'O' | 'T' | 'W' => Some(false),
        _ => None,
    }
}

/// Writes a map that [`parse_map`] reads as the same squares.
pub fn to_map_text(grid: &NavGrid) -> String {
    let (width, height) = (grid.width(), grid.height());
    let mut text = format!("type octile\nheight {height}\nwidth {width}\nmap\n");
    for y in 0..height {
        let free = (0..width).map(|x| grid.is_free(Square::new(x, y)));
        text.extend(free.map(|free| if free { '.' } else { '@' }));
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use rand::RngExt as _;

    use super::*;
    use crate::rng::seeded;

    const SMALL: &str = "type octile\nheight 3\nwidth 4\nmap\n.GS@\nOTW.\n....\n";

    fn free(grid: &NavGrid) -> String {
        let text = to_map_text(grid);
        text.split_once("map\n").expect("a header").1.to_owned()
    }

    fn check(text: &str, error: &str) {
        let found = parse_map(text).map(|_| ()).map_err(|e| e.to_string());
        assert_eq!(found, Err(error.to_owned()), "{text}");
    }

    #[test]
    fn each_terrain_is_free_or_not() {
        let grid = parse_map(SMALL).expect("a map");
        assert_eq!((grid.width(), grid.height()), (4, 3));
        assert_eq!(free(&grid), "...@\n@@@.\n....\n");
    }

    #[test]
    fn line_ends_of_windows_and_blank_lines_at_the_end_change_nothing() {
        let plain = parse_map(SMALL).expect("a map");
        for other in [
            SMALL.replace('\n', "\r\n"),
            SMALL.trim_end().to_owned(),
            format!("{SMALL}\n\r\n"),
            SMALL.replace("height 3\nwidth 4", "width 4\nheight  3 "),
        ] {
            let grid = parse_map(&other).expect("the same map");
            assert_eq!(free(&grid), free(&plain), "{other:?}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let mut rng = seeded(1, "maps", 0, "round trip");
        for (width, height) in [(1, 1), (63, 2), (64, 65), (65, 64), (200, 3)] {
            let bits: Vec<bool> = (0..usize::from(width) * usize::from(height))
                .map(|_| rng.random_bool(0.6))
                .collect();
            let free =
                |at: Square| bits[usize::from(at.y) * usize::from(width) + usize::from(at.x)];
            let text = to_map_text(&NavGrid::from_fn(width, height, free));
            let again = parse_map(&text).expect("our own text");
            assert_eq!((again.width(), again.height()), (width, height));
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                let at = Square::new(x, y);
                assert_eq!(again.is_free(at), free(at), "{x} {y}");
            }
            assert_eq!(to_map_text(&again), text);
        }
    }

    #[test]
    fn an_error_says_where_and_what() {
        let with = |from: &str, to: &str| SMALL.replacen(from, to, 1);
        check("", "there is no line that says map");
        check("type octile\nheight 3\n", "there is no line that says map");
        check(
            &with("octile", "hexagonal"),
            "line 1: expected type octile, height N, width N, then map; found \"type hexagonal\"",
        );
        check(
            &with("width 4\n", ""),
            "line 3: the map begins, and no line before it gave its width",
        );
        check(
            &with("type octile\n", ""),
            "line 3: the map begins, and no line before it gave its type",
        );
        check(
            &with("height 3", "height 0"),
            "line 2: the height is \"0\", expected 1 to 4096",
        );
        check(
            &with("width 4", "width 4097"),
            "line 3: the width is \"4097\", expected 1 to 4096",
        );
        check(
            &with("width 4", "width -4"),
            "line 3: the width is \"-4\", expected 1 to 4096",
        );
        check(
            &with("OTW", "OxW"),
            "line 6, column 2: 'x' is no terrain, expected one of .GS@OTW",
        );
        check(
            &with("OTW", "OäW"),
            "line 6, column 2: 'ä' is no terrain, expected one of .GS@OTW",
        );
        check(
            &with("OTW.", "OTW"),
            "line 6: the row has 3 squares, expected 4",
        );
        check(
            &with("OTW.", "OTW.."),
            "line 6: the row has 5 squares, expected 4",
        );
        check(
            &with("OTW.\n", ""),
            "the text ends after 2 rows, expected 3",
        );
        check(
            &with("height 3", "height 2"),
            "line 7: a row beyond the 2 that the map is high",
        );
    }

    #[test]
    fn a_header_that_claims_much_is_not_believed() {
        // 4096 rows are what 16 million squares take; they are not there.
        check(
            "type octile\nheight 4096\nwidth 4096\nmap\n",
            "the text ends after 0 rows, expected 4096",
        );
        let found = "9".repeat(1000);
        let error = parse_map(&SMALL.replace("width 4", &format!("width {found}")));
        let error = error.map(|_| ()).expect_err("no width").to_string();
        assert!(error.len() < 120, "{error}");
    }

    #[test]
    fn whatever_is_changed_in_a_map_it_is_read_or_refused() {
        let mut rng = seeded(7, "maps", 0, "changes");
        let odd: Vec<char> = "\0\n\r\t 0149-.@GSTWOwhpxä𝄞\u{feff}".chars().collect();
        let (mut read, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let mut text: Vec<char> = SMALL.chars().collect();
            for _ in 0..rng.random_range(1..4) {
                let at = rng.random_range(0..text.len());
                let other = odd[rng.random_range(0..odd.len())];
                match rng.random_range(0..4) {
                    0 => text[at] = other,
                    1 => text.insert(at, other),
                    2 => text.truncate(at.max(1)),
                    _ => drop(text.remove(at)),
                }
                if text.is_empty() {
                    break;
                }
            }
            let text: String = text.into_iter().collect();
            match parse_map(&text) {
                Ok(grid) => {
                    let squares = usize::from(grid.width()) * usize::from(grid.height());
                    assert!(squares <= text.len(), "{squares} squares in {text:?}");
                    read += 1;
                }
                Err(error) => {
                    assert!(error.to_string().len() < 200, "{error}");
                    refused += 1;
                }
            }
        }
        assert!(
            read > 100 && refused > 100,
            "{read} read, {refused} refused"
        );
    }
}
