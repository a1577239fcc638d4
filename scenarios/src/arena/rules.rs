//! Where a step leads and where a shot ends. Pure, and in plain `f32` arithmetic.
//!
//! Clients predict [`run`], so they compute the very same: every `+ − × ÷` and `sqrt` below is
//! rounded to `f32` once (`Math.fround` in TypeScript), in the order in which it stands here, and
//! nothing is fused or reordered. [`reach`] and [`meets`] decide on the server alone.

use downbeat::Vec2;

use super::types::Wall;

/// Side of the field. Units: metres.
pub(super) const SIDE_M: f32 = 40.0;

/// Half the side of the square that a body takes up among walls, and the radius of the circle
/// that a shot must meet. Units: metres.
pub(super) const BODY_M: f32 = 0.5;

/// Units: metres per second.
pub(super) const SPEED_M_S: f32 = 6.0;

/// How far a shot flies: so far a heading of 1/256 turn can still hit any body. Units: metres.
pub(super) const RANGE_M: f32 = 30.0;

/// The same from both sides. Each is thicker than a step is long, so that nobody jumps over one,
/// and far enough from the next to walk in between; all numbers are exact in `f32`.
pub(super) const WALLS: [Wall; 9] = [
    wall(18.0, 18.0, 22.0, 22.0),
    wall(16.0, 6.0, 24.0, 8.0),
    wall(16.0, 32.0, 24.0, 34.0),
    wall(9.0, 9.0, 11.0, 16.0),
    wall(29.0, 9.0, 31.0, 16.0),
    wall(9.0, 24.0, 11.0, 31.0),
    wall(29.0, 24.0, 31.0, 31.0),
    wall(6.0, 19.0, 8.0, 21.0),
    wall(32.0, 19.0, 34.0, 21.0),
];

/// Where a runner is after `dt` seconds: along x first, then along y from there, so that one
/// slides along what one runs into at an angle.
///
/// Units: `push` in 1/127 of full speed; what is longer than that is full speed.
pub(super) fn run(at: Vec2, push: (i8, i8), dt: f32) -> Vec2 {
    let mut x = f32::from(push.0) / 127.0;
    let mut y = f32::from(push.1) / 127.0;
    let square = x * x + y * y;
    if square > 1.0 {
        let length = square.sqrt();
        x /= length;
        y /= length;
    }
    let step = SPEED_M_S * dt;
    let beside = WALLS
        .iter()
        .filter(|wall| wall.top - BODY_M < at.y && at.y < wall.bottom + BODY_M);
    let sides = beside.map(|wall| (wall.left - BODY_M, wall.right + BODY_M));
    let next_x = slide(at.x, x * step, sides);
    let beside = WALLS
        .iter()
        .filter(|wall| wall.left - BODY_M < next_x && next_x < wall.right + BODY_M);
    let sides = beside.map(|wall| (wall.top - BODY_M, wall.bottom + BODY_M));
    let next_y = slide(at.y, y * step, sides);
    Vec2::new(next_x, next_y)
}

/// One coordinate of a step, stopped by walls from `low` to `high`, then by the field's border.
fn slide(from: f32, way: f32, walls: impl Iterator<Item = (f32, f32)>) -> f32 {
    let mut to = from + way;
    for (low, high) in walls {
        if low < to && to < high {
            to = if way > 0.0 { low } else { high };
        }
    }
    to.clamp(BODY_M, SIDE_M - BODY_M)
}

/// How far one sees or shoots from a place along a way that is 1 long.
pub(super) fn reach(from: Vec2, way: Vec2) -> f32 {
    let (_, border) = crossing(from, way, &wall(0.0, 0.0, SIDE_M, SIDE_M));
    let mut reach = RANGE_M.min(border);
    for wall in &WALLS {
        let (enter, leave) = crossing(from, way, wall);
        if enter < leave && leave > 0.0 {
            reach = reach.min(enter);
        }
    }
    reach.max(0.0)
}

/// How far along a shot meets a body, if it does.
pub(super) fn meets(from: Vec2, way: Vec2, body: Vec2) -> Option<f32> {
    let off = body - from;
    let ahead = off.x * way.x + off.y * way.y;
    let aside = off.x * way.y - off.y * way.x;
    let depth = BODY_M * BODY_M - aside * aside;
    (ahead >= 0.0 && depth >= 0.0).then(|| (ahead - depth.sqrt()).max(0.0))
}

/// Where a line enters and leaves a rectangle; it misses where that is the wrong way round.
fn crossing(from: Vec2, way: Vec2, wall: &Wall) -> (f32, f32) {
    let across = between(from.x, way.x, (wall.left, wall.right));
    let down = between(from.y, way.y, (wall.top, wall.bottom));
    (across.0.max(down.0), across.1.min(down.1))
}

fn between(from: f32, way: f32, (low, high): (f32, f32)) -> (f32, f32) {
    if way == 0.0 {
        // Always between the two, or never.
        return if low < from && from < high {
            (f32::NEG_INFINITY, f32::INFINITY)
        } else {
            (f32::INFINITY, f32::NEG_INFINITY)
        };
    }
    let (a, b) = ((low - from) / way, (high - from) / way);
    (a.min(b), a.max(b))
}

const fn wall(left: f32, top: f32, right: f32, bottom: f32) -> Wall {
    Wall {
        left,
        top,
        right,
        bottom,
    }
}

#[cfg(test)]
mod tests {
    use downbeat::rand::RngExt as _;

    use super::*;
    use crate::heading::{direction, heading};

    const DT: f32 = 1.0 / 30.0;

    fn is_free(at: Vec2) -> bool {
        let mut walls = WALLS.iter();
        let inside = |wall: &Wall| {
            wall.left - BODY_M < at.x
                && at.x < wall.right + BODY_M
                && wall.top - BODY_M < at.y
                && at.y < wall.bottom + BODY_M
        };
        let border = BODY_M..=SIDE_M - BODY_M;
        border.contains(&at.x) && border.contains(&at.y) && !walls.any(inside)
    }

    fn run_for(mut at: Vec2, push: (i8, i8), ticks: u32) -> Vec2 {
        for _ in 0..ticks {
            at = run(at, push, DT);
        }
        at
    }

    #[test]
    fn six_metres_a_second_in_any_direction() {
        let from = Vec2::new(4.5, 13.0);
        for push in [
            (127, 0),
            (-128, 0),
            (0, 127),
            (127, 127),
            (-128, 127),
            (90, -90),
        ] {
            let went = run_for(from, push, 15).distance(from);
            assert!((went - 3.0).abs() < 0.01, "{push:?}: {went} m");
        }
        let half = run_for(Vec2::new(13.0, 2.0), (64, 0), 30);
        assert!((half.x - 16.02).abs() < 0.01, "{half}");
    }

    #[test]
    fn a_wall_stops_and_one_slides_along_it() {
        let west = run_for(Vec2::new(15.0, 20.0), (127, 0), 60);
        assert_eq!(west, Vec2::new(17.5, 20.0), "right beside it");
        let east = run_for(Vec2::new(25.0, 20.0), (-127, 0), 60);
        assert_eq!(east, Vec2::new(22.5, 20.0));
        let slid = run_for(west, (100, 100), 60);
        assert!(slid.y > 22.5 && slid.x > 17.5, "around the corner: {slid}");
        let corner = run_for(Vec2::splat(5.0), (-100, -100), 90);
        assert_eq!(corner, Vec2::splat(BODY_M), "the border");
    }

    #[test]
    fn nobody_ever_stands_in_a_wall() {
        let mut rng = downbeat::seeded(1, "walls", 0, "walks");
        for rate in [20u16, 30, 60] {
            let mut at = Vec2::splat(2.0);
            for _ in 0..20_000 {
                let push = (rng.random(), rng.random());
                for _ in 0..rng.random_range(1..20) {
                    at = run(at, push, 1.0 / f32::from(rate));
                    assert!(is_free(at), "{at} after {push:?} at {rate} Hz");
                }
            }
        }
    }

    #[test]
    fn the_field_is_the_same_from_both_sides() {
        for wall in &WALLS {
            let turned = Wall {
                left: SIDE_M - wall.right,
                top: SIDE_M - wall.bottom,
                right: SIDE_M - wall.left,
                bottom: SIDE_M - wall.top,
            };
            assert!(WALLS.contains(&turned), "{wall:?}");
        }
    }

    #[test]
    fn a_shot_ends_in_the_first_wall_or_at_the_border_or_out_of_breath() {
        for (from, aim, ends) in [
            ((15.0, 20.0), 0, 3.0),          // the block in the middle
            ((15.0, 20.0), 128, 7.0),        // the pillar in the west
            ((15.0, 20.0), 64, 20.0),        // the border
            ((2.0, 2.0), 0, 30.0),           // nothing
            ((2.0, 17.5), 0, 30.0),          // close by two walls
            ((17.0, 17.0), 32, 2f32.sqrt()), // a corner
        ] {
            let found = reach(Vec2::from(from), direction(aim));
            assert!((found - ends).abs() < 0.01, "{from:?} to {aim}: {found}");
        }
    }

    #[test]
    fn whoever_is_in_range_can_be_hit() {
        let mut rng = downbeat::seeded(1, "range", 0, "aims");
        for _ in 0..10_000 {
            let off = direction(rng.random()) * 20.0 + Vec2::new(rng.random(), rng.random()) * 6.0;
            let met = meets(Vec2::ZERO, direction(heading(off)), off);
            let met = met.unwrap_or_else(|| panic!("{off} is missed"));
            assert!((met - off.length()).abs() <= BODY_M + 0.01, "{met}");
        }
        let far = Vec2::from_angle(0.5 * std::f32::consts::TAU / 256.0) * (RANGE_M + BODY_M);
        assert!(meets(Vec2::ZERO, direction(0), far).is_some(), "the worst");
        assert_eq!(meets(Vec2::ZERO, Vec2::X, Vec2::new(-3.0, 0.0)), None);
        assert_eq!(meets(Vec2::ZERO, Vec2::X, Vec2::new(3.0, 0.6)), None);
        assert_eq!(meets(Vec2::ZERO, Vec2::X, Vec2::ZERO), Some(0.0));
    }
}
