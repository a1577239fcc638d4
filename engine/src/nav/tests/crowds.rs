//! Crowds: nobody runs into anybody, nor into a wall, and always in the same way.

use glam::Vec2;

use super::play::drawn;
use crate::nav::{Body, Crowd, NavGrid, Square};

const DT: f32 = 0.05;
const SPEED: f32 = 1.5;
const RADIUS: f32 = 0.3;

struct Walker {
    at: Vec2,
    velocity: Vec2,
    to: Vec2,
}

struct Walkers {
    grid: NavGrid,
    crowd: Crowd,
    all: Vec<Walker>,
}

impl Walkers {
    fn new(grid: NavGrid, ways: impl IntoIterator<Item = (Vec2, Vec2)>) -> Self {
        let ways = ways.into_iter();
        let all = ways.map(|(at, to)| Walker {
            at,
            velocity: Vec2::ZERO,
            to,
        });
        Self {
            grid,
            crowd: Crowd::default(),
            all: all.collect(),
        }
    }

    fn step(&mut self) {
        self.crowd.clear();
        for walker in &self.all {
            let way = walker.to - walker.at;
            self.crowd.push(Body {
                at: walker.at,
                velocity: walker.velocity,
                wish: (way / DT).clamp_length_max(SPEED),
                radius: RADIUS,
                speed_max: SPEED,
            });
        }
        let velocities = self.crowd.steer(&self.grid, DT);
        for (walker, &velocity) in self.all.iter_mut().zip(velocities) {
            assert!(velocity.length() <= SPEED * 1.001, "{velocity}");
            walker.velocity = velocity;
            walker.at += velocity * DT;
        }
    }

    /// How near two of them are to each other.
    fn nearest(&self) -> f32 {
        let mut nearest = f32::MAX;
        for (index, one) in self.all.iter().enumerate() {
            for other in &self.all[index + 1..] {
                nearest = nearest.min(one.at.distance(other.at));
            }
        }
        nearest
    }

    fn left(&self) -> f32 {
        let left = self.all.iter().map(|walker| walker.at.distance(walker.to));
        left.fold(0.0, f32::max)
    }
}

fn ring(count: u16, middle: Vec2, radius: f32) -> impl Iterator<Item = (Vec2, Vec2)> {
    (0..count).map(move |index| {
        let angle = f32::from(index) / f32::from(count) * std::f32::consts::TAU;
        let out = Vec2::from_angle(angle) * radius;
        (middle + out, middle - out)
    })
}

#[test]
fn two_that_meet_head_on_pass_without_touching() {
    let (west, east) = (Vec2::new(5.0, 10.5), Vec2::new(15.0, 10.5));
    let mut walkers = Walkers::new(NavGrid::open(20, 20), [(west, east), (east, west)]);
    for _ in 0..300 {
        walkers.step();
        assert!(
            walkers.nearest() > 2.0 * RADIUS - 0.02,
            "{}",
            walkers.nearest()
        );
    }
    assert!(walkers.left() < 0.1, "both arrive: {}", walkers.left());
}

#[test]
fn a_hundred_that_cross_do_not_overlap() {
    let middle = Vec2::splat(50.0);
    let mut walkers = Walkers::new(NavGrid::open(100, 100), ring(100, middle, 25.0));
    for _ in 0..1500 {
        walkers.step();
        assert!(
            walkers.nearest() > 2.0 * RADIUS * 0.9,
            "{}",
            walkers.nearest()
        );
    }
    assert!(walkers.left() < 1.0, "all arrive: {}", walkers.left());
}

#[test]
fn a_body_beside_a_wall_does_not_enter_it() {
    let grid = drawn(&[
        "..............",
        "..............",
        "..............",
        "####.#########",
        "#############.",
    ]);
    for to in [
        Vec2::new(2.5, 9.0),
        Vec2::new(9.5, 4.5),
        Vec2::new(-5.0, 1.5),
        Vec2::new(4.5, 9.0),
        Vec2::new(5.5, -3.0),
    ] {
        let others = [(Vec2::new(9.0, 1.2), to), (Vec2::new(10.0, 1.5), to)];
        for ways in [vec![(Vec2::new(2.5, 1.5), to)], others.to_vec()] {
            let mut walkers = Walkers::new(grid.clone(), ways);
            for _ in 0..200 {
                walkers.step();
                for walker in &walkers.all {
                    let square = Square::of(walker.at).expect("in the grid");
                    assert!(grid.is_free(square), "at {} on the way to {to}", walker.at);
                    let edge = wall_distance(&grid, walker.at);
                    assert!(edge > RADIUS - 0.05, "{edge} from a wall at {}", walker.at);
                }
            }
        }
    }
}

/// How far a point is from the nearest blocked square.
fn wall_distance(grid: &NavGrid, at: Vec2) -> f32 {
    let mut nearest = at.min_element().min(f32::from(grid.width()) - at.x);
    nearest = nearest.min(f32::from(grid.height()) - at.y);
    for (x, y) in (0..grid.height()).flat_map(|y| (0..grid.width()).map(move |x| (x, y))) {
        let square = Square::new(x, y);
        if !grid.is_free(square) {
            let half = Vec2::splat(0.5);
            let inside = at.clamp(square.middle() - half, square.middle() + half);
            nearest = nearest.min(at.distance(inside));
        }
    }
    nearest
}

#[test]
fn a_velocity_towards_a_wall_is_bent_along_it_or_stopped() {
    let grid = drawn(&["......", "......", "######"]);
    let velocity = |wish: Vec2| {
        let mut crowd = Crowd::default();
        crowd.push(Body {
            at: Vec2::new(3.0, 1.69),
            velocity: Vec2::ZERO,
            wish,
            radius: RADIUS,
            speed_max: SPEED,
        });
        crowd.steer(&grid, DT)[0]
    };
    let stopped = velocity(Vec2::new(0.0, 1.0));
    assert!(stopped.length() < 0.1, "{stopped}");
    let bent = velocity(Vec2::new(1.0, 1.0));
    assert!(bent.x > 0.8 && bent.y < 0.1, "{bent}");
    let away = velocity(Vec2::new(0.0, -1.0));
    assert_eq!(away, Vec2::new(0.0, -1.0));
}

#[test]
fn bodies_at_exactly_the_same_place_part_the_same_way_every_time() {
    let run = || {
        let at = Vec2::splat(5.5);
        let ways = (0..6).map(|_| (at, at + Vec2::X * 3.0));
        let mut walkers = Walkers::new(NavGrid::open(12, 12), ways);
        for _ in 0..40 {
            walkers.step();
        }
        assert!(walkers.nearest() > RADIUS, "{}", walkers.nearest());
        bits(&walkers)
    };
    assert_eq!(run(), run());
}

fn bits(walkers: &Walkers) -> Vec<(u32, u32)> {
    let places = walkers.all.iter().map(|walker| walker.at);
    places.map(|at| (at.x.to_bits(), at.y.to_bits())).collect()
}

#[test]
fn the_same_crowd_moves_in_the_same_bits() {
    let run = |used: bool| {
        let middle = Vec2::splat(20.0);
        let mut walkers = Walkers::new(NavGrid::open(40, 40), ring(60, middle, 8.0));
        if used {
            // What a crowd has steered before makes no difference.
            walkers.crowd.push(Body {
                at: middle,
                velocity: Vec2::X,
                wish: Vec2::X,
                radius: 3.0,
                speed_max: 1.0,
            });
            walkers.crowd.steer(&walkers.grid, DT);
        }
        for _ in 0..200 {
            walkers.step();
        }
        bits(&walkers)
    };
    assert_eq!(run(false), run(true));
}

#[test]
fn who_stands_alone_or_walks_alone_costs_nothing() {
    let places = (0_u8..20).map(|index| Vec2::new(f32::from(index) * 10.0 + 5.0, 5.0));
    let ways = places.map(|at| (at, at + Vec2::Y * 4.0));
    let mut walkers = Walkers::new(NavGrid::open(256, 256), ways);
    walkers.step();
    assert_eq!(walkers.crowd.solved(), 0);
    assert_eq!(walkers.all[3].velocity, Vec2::Y * SPEED);
    // Three that meet cost what three cost.
    for east in [0.0, 1.0, 2.0] {
        let at = Vec2::new(100.0 + east, 100.0);
        walkers.all.push(Walker {
            at,
            velocity: Vec2::ZERO,
            to: at - Vec2::Y,
        });
    }
    walkers.step();
    assert_eq!(walkers.crowd.solved(), 3);
    // Two that stand side by side are left alone as well.
    let posts = [Vec2::new(5.0, 5.0), Vec2::new(5.7, 5.0)];
    let mut posts = Walkers::new(NavGrid::open(16, 16), posts.map(|at| (at, at)));
    posts.step();
    assert_eq!(posts.crowd.solved(), 0);
}

#[test]
fn in_a_crush_nobody_is_faster_than_it_can_be() {
    let middle = Vec2::splat(50.0);
    let mut walkers = Walkers::new(NavGrid::open(100, 100), ring(200, middle, 4.0));
    for _ in 0..10 {
        walkers.step(); // Asserts it.
    }
}

#[test]
fn who_could_be_behind_a_wall_by_the_next_tick_is_held_back() {
    let grid = drawn(&["......", "......", "######", "......", "......"]);
    let mut crowd = Crowd::default();
    let at = Vec2::new(3.0, 0.5);
    crowd.push(Body {
        at,
        velocity: Vec2::ZERO,
        wish: Vec2::Y * 3.0,
        radius: RADIUS,
        speed_max: 3.0,
    });
    let to = at + crowd.steer(&grid, 1.0)[0];
    assert!(to.y < 2.0, "it would be at {to}");
}

#[test]
fn who_stands_does_not_help() {
    let post = Vec2::new(10.0, 10.5);
    let ways = [(post, post), (Vec2::new(9.38, 10.5), Vec2::new(15.0, 10.5))];
    let mut walkers = Walkers::new(NavGrid::open(20, 20), ways);
    walkers.all[1].velocity = Vec2::X * SPEED;
    for _ in 0..5 {
        walkers.step();
        assert!(
            walkers.nearest() > 2.0 * RADIUS - 1e-3,
            "{}",
            walkers.nearest()
        );
    }
}

#[test]
fn a_body_that_is_nowhere_does_not_move_and_hurts_nobody() {
    let mut crowd = Crowd::default();
    for at in [
        Vec2::splat(f32::NAN),
        Vec2::splat(5.5),
        Vec2::splat(f32::INFINITY),
    ] {
        crowd.push(Body {
            at,
            velocity: Vec2::ZERO,
            wish: Vec2::X,
            radius: RADIUS,
            speed_max: SPEED,
        });
    }
    let velocities = crowd.steer(&NavGrid::open(12, 12), DT);
    assert_eq!(velocities, [Vec2::ZERO, Vec2::X, Vec2::ZERO]);
}

#[test]
fn who_stands_is_walked_around() {
    let post = Vec2::new(10.0, 10.5);
    let ways = [(post, post), (Vec2::new(5.0, 10.5), Vec2::new(15.0, 10.5))];
    let mut walkers = Walkers::new(NavGrid::open(20, 20), ways);
    for _ in 0..300 {
        walkers.step();
        assert!(
            walkers.nearest() > 2.0 * RADIUS - 0.02,
            "{}",
            walkers.nearest()
        );
    }
    assert_eq!(walkers.all[0].at, post, "the post stands");
    assert!(walkers.left() < 0.1, "{}", walkers.left());
}
