//! Whether a body of some width can walk straight from one point to another.

use glam::Vec2;

use super::grid::NavGrid;
use super::square::Square;

/// Whether a body of a radius can walk straight from one point to another without touching a
/// blocked square.
///
/// The body counts as a box that is twice the radius wide, which errs on the safe side. Legal
/// steps between middles of squares are clear for a radius of less than a half.
///
/// Units: metres.
pub fn is_clear(grid: &NavGrid, from: Vec2, to: Vec2, radius: f32) -> bool {
    let (low, high) = (from.min(to) - radius, from.max(to) + radius);
    let (Some(top), Some(bottom)) = (Square::of(low), Square::of(high)) else {
        return false;
    };
    let way = to - from;
    (top.y..=bottom.y).all(|y| {
        // The middle of the box is between these two heights while the box touches the row.
        let row = f32::from(y);
        let (enters, leaves) = (row - radius, row + 1.0 + radius);
        let at = |height: f32| from.x + way.x * ((height - from.y) / way.y).clamp(0.0, 1.0);
        // A level way, or nearly: all of it is in each row that it touches.
        let (one, other) = if way.y.abs() < 1e-3 {
            (from.x, to.x)
        } else {
            (at(enters), at(leaves))
        };
        let left = Square::of(Vec2::new(one.min(other) - radius, row));
        let right = Square::of(Vec2::new(one.max(other) + radius, row));
        match (left, right) {
            (Some(left), Some(right)) => grid.line_is_clear(left, right),
            _ => false,
        }
    })
}
