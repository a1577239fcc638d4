//! The walls that a body sees: outlines of blocked squares that face it, in as few lines as they
//! have.

use std::borrow::Cow;

use dodgy_2d::Obstacle;
use glam::Vec2;

use super::grid::NavGrid;
use super::square::Square;

/// Squares that a body sees at most to each side.
const SIGHT_MAX: f32 = 4.0;

/// Walls around one body, with the body at zero.
#[derive(Debug, Default)]
pub(crate) struct Walls {
    /// Kept for their memory; the first `count` are seen.
    lines: Vec<Cow<'static, Obstacle>>,
    count: usize,
}

/// One of the four ways to look.
#[derive(Clone, Copy)]
struct Look {
    /// Walls are lines across, not lines along the columns.
    level: bool,
    /// Towards greater numbers.
    onward: bool,
}

impl Walls {
    pub(crate) fn seen(&self) -> &[Cow<'static, Obstacle>] {
        &self.lines[..self.count]
    }

    /// Looks around from a point, as far as `margin`.
    pub(crate) fn around(&mut self, grid: &NavGrid, at: Vec2, margin: f32) {
        self.count = 0;
        let margin = margin.min(SIGHT_MAX);
        let edge = Vec2::new(f32::from(grid.width()), f32::from(grid.height()));
        let (low, high) = (at - margin, at + margin);
        let inside = low.min_element() >= 0.0 && (edge - high).min_element() > 0.0;
        let bounds = (
            Square::of(low.max(Vec2::ZERO)),
            Square::of(high.clamp(Vec2::ZERO, edge - 0.5)),
        );
        let (Some(low), Some(high), Some(here)) = (bounds.0, bounds.1, Square::of(at)) else {
            return;
        };
        let row_is_clear = |y| grid.line_is_clear(Square::new(low.x, y), Square::new(high.x, y));
        if inside && (low.y..=high.y).all(row_is_clear) {
            return;
        }
        for level in [true, false] {
            for onward in [true, false] {
                self.look(grid, at, (low, here, high), Look { level, onward });
            }
        }
    }

    /// Adds the walls that face a point from one side: free squares with a blocked one behind.
    fn look(
        &mut self,
        grid: &NavGrid,
        at: Vec2,
        (low, here, high): (Square, Square, Square),
        look: Look,
    ) {
        let across = |square: Square| if look.level { square.x } else { square.y };
        let along = |square: Square| if look.level { square.y } else { square.x };
        let square = |across, along| {
            if look.level {
                Square::new(across, along)
            } else {
                Square::new(along, across)
            }
        };
        let depths = if look.onward {
            along(here)..=along(high)
        } else {
            along(low)..=along(here)
        };
        for depth in depths {
            let behind = if look.onward {
                depth.checked_add(1)
            } else {
                depth.checked_sub(1)
            };
            let is_wall = |place: u16| {
                let blocked = |depth| !grid.is_free(square(place, depth));
                grid.is_free(square(place, depth)) && behind.is_none_or(blocked)
            };
            let line = if look.onward { depth + 1 } else { depth };
            let mut place = across(low);
            while place <= across(high) {
                let from = place;
                while place <= across(high) && is_wall(place) {
                    place += 1;
                }
                if place > from {
                    self.add(at, (from, place, line), look);
                }
                place += 1;
            }
        }
    }

    /// A wall from one place to another along a line; the crate wants what is solid on its left.
    fn add(&mut self, at: Vec2, (from, to, line): (u16, u16, u16), look: Look) {
        let point = |place: u16| {
            let (place, line) = (f32::from(place), f32::from(line));
            let point = if look.level {
                Vec2::new(place, line)
            } else {
                Vec2::new(line, place)
            };
            dodgy_2d::Vec2::new(point.x - at.x, point.y - at.y)
        };
        let (first, last) = if look.level == look.onward {
            (point(from), point(to))
        } else {
            (point(to), point(from))
        };
        if let Some(Cow::Owned(Obstacle::Open { vertices })) = self.lines.get_mut(self.count) {
            vertices.copy_from_slice(&[first, last]);
        } else {
            let vertices = vec![first, last];
            self.lines.push(Cow::Owned(Obstacle::Open { vertices }));
        }
        self.count += 1;
    }
}
