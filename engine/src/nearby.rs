//! Who is near whom: a grid over entities that move all the time.
//!
//! In: positions as they change. Out: candidates near a point. It holds ids only; the exact
//! distance is the caller's business, since it alone has the exact positions.

use std::collections::BTreeMap;

use glam::Vec2;

use crate::entities::EntityId;

/// Side of a square of the index, metres: about the radius of a usual question.
const SQUARE_M: f32 = 8.0;

/// A square's row and column.
pub(crate) type Square = (i32, i32);

/// Ids by square.
#[derive(Debug, Default)]
pub(crate) struct Index {
    squares: BTreeMap<Square, Vec<EntityId>>,
}

impl Index {
    pub(crate) fn insert(&mut self, square: Square, id: EntityId) {
        self.squares.entry(square).or_default().push(id);
    }

    pub(crate) fn remove(&mut self, square: Square, id: EntityId) {
        let Some(ids) = self.squares.get_mut(&square) else {
            return;
        };
        ids.retain(|&other| other != id);
        if ids.is_empty() {
            self.squares.remove(&square);
        }
    }

    /// Ids in all squares that the circle may touch.
    pub(crate) fn candidates(&self, point: Vec2, radius: f32) -> impl Iterator<Item = EntityId> {
        let (top, left) = square_of(point - Vec2::splat(radius));
        let (bottom, right) = square_of(point + Vec2::splat(radius));
        // A wide circle over few squares: walk those that exist instead of counting rows.
        let rows = self
            .squares
            .range((top, i32::MIN)..=(bottom, i32::MAX))
            .filter(move |((_, column), _)| (left..=right).contains(column));
        rows.flat_map(|(_, ids)| ids.iter().copied())
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a float saturates: what is too far away shares the outermost square, no number is zero"
)]
pub(crate) fn square_of(point: Vec2) -> Square {
    let square = (point / SQUARE_M).floor();
    (square.y as i32, square.x as i32)
}
