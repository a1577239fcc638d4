//! `Square`: one place of a grid, and what steps between squares cost.

use glam::Vec2;
use serde::{Deserialize, Serialize};

/// What a step to one of the four nearest squares costs.
///
/// With [`DIAGONAL`] a fraction that is √2 to within 3·10⁻⁷: costs are integers, so that sums are
/// the same in any order.
pub const STRAIGHT: u32 = 985;

/// What a diagonal step costs.
pub const DIAGONAL: u32 = 1393;

/// Dearest path that is looked for: a million squares. Twice as much and a step still fit a cost.
pub(crate) const COST_MAX: u32 = u32::MAX / 4;

/// One place of a grid, a metre wide.
///
/// Units: squares from the top left corner, x to the right, y down.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct Square {
    /// Column.
    pub x: u16,
    /// Row.
    pub y: u16,
}

impl Square {
    /// The square in this column and row.
    pub const fn new(x: u16, y: u16) -> Self {
        Self { x, y }
    }

    /// The square that a point lies in; none if that is left of or above the first one, or so far
    /// off that no grid has it.
    ///
    /// Units: metres.
    pub fn of(point: Vec2) -> Option<Self> {
        let place = |metres: f32| {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "within u16, as checked here; the fraction is what goes"
            )]
            (0.0..65536.0).contains(&metres).then_some(metres as u16)
        };
        Some(Self::new(place(point.x)?, place(point.y)?))
    }

    /// Its middle. Units: metres.
    pub fn middle(self) -> Vec2 {
        Vec2::new(f32::from(self.x) + 0.5, f32::from(self.y) + 0.5)
    }

    /// How far another one is, along each axis.
    pub(crate) const fn apart(self, other: Self) -> (u16, u16) {
        (self.x.abs_diff(other.x), self.y.abs_diff(other.y))
    }

    /// What the way to another one costs where nothing stands in it.
    pub(crate) fn octile(self, other: Self) -> u32 {
        let (x, y) = self.apart(other);
        let (long, short) = (u32::from(x.max(y)), u32::from(x.min(y)));
        STRAIGHT * (long - short) + DIAGONAL * short
    }

    /// The next square on the way to another one: diagonally as long as both axes differ.
    #[must_use]
    pub(crate) fn towards(self, other: Self) -> Self {
        let step = |from: u16, to: u16| match from.cmp(&to) {
            std::cmp::Ordering::Less => from + 1,
            std::cmp::Ordering::Equal => from,
            std::cmp::Ordering::Greater => from - 1,
        };
        Self::new(step(self.x, other.x), step(self.y, other.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn costs_are_in_the_ratio_of_a_square_and_its_diagonal() {
        let ratio = f64::from(DIAGONAL) / f64::from(STRAIGHT);
        assert!((ratio / std::f64::consts::SQRT_2 - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_point_lies_in_the_square_whose_middle_is_nearest() {
        let at = Square::new(3, 65535);
        assert_eq!(Square::of(at.middle()), Some(at));
        assert_eq!(Square::of(Vec2::new(3.0, 0.99)), Some(Square::new(3, 0)));
    }

    #[test]
    fn a_point_beyond_every_grid_lies_in_none() {
        for point in [
            Vec2::new(-0.01, 1.0),
            Vec2::new(1.0, 65536.0),
            Vec2::new(f32::NAN, 1.0),
            Vec2::new(f32::INFINITY, 1.0),
        ] {
            assert_eq!(Square::of(point), None, "{point}");
        }
    }
}
