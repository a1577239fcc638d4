//! Walking: where a step leads. Small, pure and in plain `f32` arithmetic, so that a client can
//! compute the very same.

use downbeat::Vec2;

use super::map::{Map, Tile, cell};

/// Half the side of the square that a body takes up. Units: metres.
pub(super) const BODY_M: f32 = 0.3;

/// What keeps a body that leans on something from standing in it. Units: metres.
const GAP_M: f32 = 0.001;

/// The longest step that is taken at once: shorter than a tile, so that nothing is jumped over.
const STEP_M_MAX: f32 = 0.5;

/// From one place to the next where a straight way is looked at. Units: metres.
const SAMPLE_M: f32 = 0.25;

/// How fast one walks on a tile. Units: metres per second.
pub(super) const fn speed(tile: Tile) -> f32 {
    match tile {
        Tile::Path | Tile::Bridge => 4.8,
        Tile::Grass | Tile::Water | Tile::Tree | Tile::Fence => 4.0,
        Tile::Sand => 3.5,
        Tile::TallGrass => 2.8,
    }
}

/// Where a walker is after `dt` seconds. `direction` is at most 1 long; shorter is slower.
pub(super) fn walk(position: Vec2, direction: Vec2, dt: f32, map: &Map) -> Vec2 {
    let way = direction * (speed(map.under(position)) * dt);
    advance(position, way, map, Tile::is_ground)
}

/// Whether a body can walk straight from here to there.
pub(super) fn is_clear(from: Vec2, to: Vec2, map: &Map) -> bool {
    is_clear_over(from, to, |at| map.under(at).is_ground())
}

/// The same over any ground. The samples are so close that what a corner pokes into a body
/// between two of them is less than one slides around.
pub(super) fn is_clear_over(from: Vec2, to: Vec2, is_ground: impl Fn(Vec2) -> bool) -> bool {
    let way = to - from;
    let steps = cell(way.abs().max_element() / SAMPLE_M) + 1;
    (1..=steps).all(|step| {
        let at = from + way * (step as f32 / steps as f32);
        corners(at).into_iter().all(&is_ground)
    })
}

/// Goes a way as far as the tiles allow: along x, then along y, so that one slides along what one
/// runs into at an angle. Whoever runs straight into a corner slips around it.
pub(super) fn advance(position: Vec2, way: Vec2, map: &Map, may: fn(Tile) -> bool) -> Vec2 {
    let way = way.clamp(Vec2::splat(-STEP_M_MAX), Vec2::splat(STEP_M_MAX));
    let free = |at: Vec2| corners(at).iter().all(|&corner| may(map.under(corner)));
    let along_x = Vec2::new(lean(position.x, way.x), position.y);
    let x_free = free(Vec2::new(position.x + way.x, position.y));
    let mut next = if x_free {
        Vec2::new(position.x + way.x, position.y)
    } else if free(along_x) {
        along_x
    } else {
        position
    };
    let y_free = free(Vec2::new(next.x, next.y + way.y));
    if y_free {
        next.y += way.y;
    } else if free(Vec2::new(next.x, lean(next.y, way.y))) {
        next.y = lean(next.y, way.y);
    }
    let slip = if !x_free && way.y == 0.0 {
        Vec2::new(0.0, way.x.abs())
    } else if !y_free && way.x == 0.0 {
        Vec2::new(way.y.abs(), 0.0)
    } else {
        return next;
    };
    // One of the two front corners is blocked: towards the other one is the way around.
    let front = next + way.signum_or_zero() * (BODY_M + 2.0 * GAP_M);
    let side = slip.signum_or_zero() * BODY_M;
    let slipped = match (may(map.under(front - side)), may(map.under(front + side))) {
        (true, false) => next - slip,
        (false, true) => next + slip,
        _ => return next,
    };
    if free(slipped) { slipped } else { next }
}

fn corners(at: Vec2) -> [Vec2; 4] {
    [(-1.0, -1.0), (1.0, -1.0), (-1.0, 1.0), (1.0, 1.0)].map(|(x, y)| at + Vec2::new(x, y) * BODY_M)
}

/// Right beside the tile that is in the way.
fn lean(from: f32, way: f32) -> f32 {
    if way > 0.0 {
        (cell(from + way + BODY_M) as f32 - BODY_M - GAP_M).max(from)
    } else {
        (cell(from + way - BODY_M) as f32 + 1.0 + BODY_M + GAP_M).min(from)
    }
}

trait SignumOrZero {
    fn signum_or_zero(self) -> Self;
}

impl SignumOrZero for Vec2 {
    /// −1, 0 or 1 for each side; `signum` of 0 is 1.
    fn signum_or_zero(self) -> Self {
        let one = |side: f32| if side == 0.0 { 0.0 } else { side.signum() };
        Self::new(one(self.x), one(self.y))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DT: f32 = 0.05;

    /// Grass with one tree in column 10, row 10.
    fn field() -> Map {
        let mut map = Map::filled(20, 20, Tile::Grass);
        map.set(10, 10, Tile::Tree);
        map
    }

    fn walk_for(map: &Map, mut at: Vec2, direction: Vec2, ticks: u32) -> Vec2 {
        for _ in 0..ticks {
            at = walk(at, direction, DT, map);
        }
        at
    }

    #[test]
    fn the_ground_sets_the_pace() {
        for (tile, metres) in [
            (Tile::Grass, 4.0),
            (Tile::Path, 4.8),
            (Tile::TallGrass, 2.8),
        ] {
            let map = Map::filled(20, 20, tile);
            let at = walk_for(&map, Vec2::splat(5.0), Vec2::X, 20);
            assert!((at - Vec2::new(5.0 + metres, 5.0)).length() < 0.01, "{at}");
        }
    }

    #[test]
    fn a_body_leans_on_what_blocks_it_and_slides_along() {
        let mut map = field();
        for row in 0..20 {
            map.set(12, row, Tile::Water);
        }
        let at = walk_for(&map, Vec2::new(11.5, 3.0), Vec2::X, 20);
        assert!((at.x - (12.0 - BODY_M - GAP_M)).abs() < 1e-4, "{at}");
        let slid = walk_for(&map, at, Vec2::new(0.7, 0.7), 20);
        assert_eq!(slid.x, at.x);
        assert!(slid.y > at.y + 2.0, "{slid}");
    }

    #[test]
    fn a_corner_is_slipped_around_but_a_wall_met_squarely_is_not() {
        let map = field();
        let around = walk_for(&map, Vec2::new(8.0, 10.0), Vec2::X, 40);
        assert!(around.x > 12.0 && around.y < 10.0, "{around}");
        let squarely = walk_for(&map, Vec2::new(8.0, 10.5), Vec2::X, 40);
        assert!(squarely.x < 10.0, "{squarely}");
    }

    #[test]
    fn nobody_leaves_the_map() {
        let map = field();
        for direction in [
            Vec2::X,
            Vec2::Y,
            Vec2::NEG_X,
            Vec2::NEG_Y,
            Vec2::splat(-0.7),
        ] {
            let at = walk_for(&map, Vec2::splat(5.0), direction, 200);
            assert!(map.index(cell(at.x), cell(at.y)).is_some(), "{at}");
        }
    }
}
