//! Maps as text: the formats of the MovingAI benchmarks, and maps drawn by hand.
//!
//! In: the text of a file or of a test. Out: a grid, problems on it, marked squares; and a grid
//! as text again. Reads no files, and believes no number that the text does not bear out.
//!
//! Source: <https://movingai.com/benchmarks/formats.html>

mod drawn;
mod octile;
mod scenario;

pub use self::drawn::{TextMap, TextMapError, parse_text};
pub use self::octile::{MapError, parse_map, to_map_text};
pub use self::scenario::{Problem, ProblemError, ScenError, parse_scen};

use crate::limits::NAV_SIDE_MAX;

/// A number of squares on a side, if it is one.
fn parse_side(text: &str) -> Option<u16> {
    let side = text.parse().ok()?;
    (1..=NAV_SIDE_MAX).contains(&side).then_some(side)
}

/// What an error shows of the text that it is about: a file may be one long line.
fn excerpt(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut shown: String = text.chars().take(CHARS_MAX).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}
