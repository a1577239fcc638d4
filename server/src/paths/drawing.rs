//! A path on its map, in letters.

use downbeat::nav::{NavGrid, Square};

/// Columns that a terminal shows without breaking lines.
const WIDTH_MAX: u16 = 120;

/// Rows that one overlooks.
const HEIGHT_MAX: u16 = 60;

/// Squares around a path that are drawn when the map is too large.
const MARGIN: u16 = 3;

/// Draws the map with the path, or what is around it; says so if that is too large as well.
///
/// `ends` are the start and the goals: what is around them, if there is no path.
pub(super) fn draw(grid: &NavGrid, from: Square, ends: &[Square], steps: &[Square]) -> String {
    let Some(window) = Window::choose(grid, if steps.is_empty() { ends } else { steps }) else {
        return format!("too large to be drawn: more than {WIDTH_MAX} × {HEIGHT_MAX} squares\n");
    };
    let mut text = String::new();
    if let Window { left: 1.., .. } | Window { top: 1.., .. } = window {
        text = format!("the top left is {},{}\n", window.left, window.top);
    }
    for y in window.top..=window.bottom {
        for x in window.left..=window.right {
            let at = Square::new(x, y);
            text.push(if at == from {
                'S'
            } else if ends.contains(&at) {
                'G'
            } else if steps.contains(&at) {
                'o'
            } else if grid.is_free(at) {
                '.'
            } else {
                '#'
            });
        }
        text.push('\n');
    }
    text
}

/// A part of a map, its borders included.
struct Window {
    left: u16,
    top: u16,
    right: u16,
    bottom: u16,
}

impl Window {
    fn choose(grid: &NavGrid, around: &[Square]) -> Option<Self> {
        let (right, bottom) = (grid.width() - 1, grid.height() - 1);
        let whole = Self {
            left: 0,
            top: 0,
            right,
            bottom,
        };
        let xs = || around.iter().map(|at| at.x);
        let ys = || around.iter().map(|at| at.y);
        let part = Self {
            left: xs().min()?.saturating_sub(MARGIN),
            top: ys().min()?.saturating_sub(MARGIN),
            right: (xs().max()? + MARGIN).min(right),
            bottom: (ys().max()? + MARGIN).min(bottom),
        };
        [whole, part].into_iter().find(Self::is_small)
    }

    const fn is_small(&self) -> bool {
        self.right - self.left < WIDTH_MAX && self.bottom - self.top < HEIGHT_MAX
    }
}

#[cfg(test)]
mod tests {
    use downbeat::nav::maps::parse_text;

    use super::*;

    fn squares(of: &[(u16, u16)]) -> Vec<Square> {
        of.iter().map(|&(x, y)| Square::new(x, y)).collect()
    }

    #[test]
    fn a_small_map_is_drawn_whole() {
        let map = parse_text("..#.\n..#.\n....\n").expect("a drawing");
        let steps = squares(&[(0, 0), (1, 1), (1, 2), (2, 2), (3, 2), (3, 1)]);
        let ends = squares(&[(3, 1), (0, 2), (0, 0)]);
        let drawn = draw(&map.grid, Square::new(0, 0), &ends, &steps);
        assert_eq!(drawn, "S.#.\n.o#G\nGooo\n");
    }

    #[test]
    fn of_a_large_map_what_is_around_the_path_is_drawn() {
        let grid = NavGrid::from_fn(500, 500, |at| at.x != 104);
        let steps = squares(&[(100, 50), (101, 50), (102, 51)]);
        let ends = squares(&[(102, 51), (100, 50)]);
        assert_eq!(
            draw(&grid, Square::new(100, 50), &ends, &steps),
            "the top left is 97,47\n\
             .......#.\n.......#.\n.......#.\n\
             ...So..#.\n\
             .....G.#.\n\
             .......#.\n.......#.\n.......#.\n"
        );
        let far = squares(&[(0, 0), (499, 0)]);
        let said = draw(&grid, far[0], &far, &[]);
        assert_eq!(said, "too large to be drawn: more than 120 × 60 squares\n");
    }
}
