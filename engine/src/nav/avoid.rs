//! `Crowd`: walkers that make room for each other, and for walls.
//!
//! In: where bodies are, how they move and how they would like to. Out: how they should move, so
//! that nobody is run into within the next second or two. Ways around walls are [`Routes`]'s
//! business; a crowd sees a few metres. It keeps nothing from tick to tick but its memory.
//!
//! [`Routes`]: super::Routes

use std::borrow::Cow;

use dodgy_2d::{Agent, AvoidanceOptions};
use glam::Vec2;

use super::grid::NavGrid;
use super::nearest::{Nearest, Neighbour};
use super::sight::is_clear;
use super::walls::Walls;

/// Slower than this is standing. Units: metres per second.
const STANDING: f32 = 1e-3;

/// Part of its speed by which a body among others keeps to one side: two that meet head-on would
/// otherwise both stop, each waiting for the other.
const ASIDE: f32 = 0.04;

/// Directions in which bodies at exactly the same place part. Units: metres.
const HAIRS: [Vec2; 8] = [
    Vec2::new(1e-2, 0.0),
    Vec2::new(7e-3, 7e-3),
    Vec2::new(0.0, 1e-2),
    Vec2::new(-7e-3, 7e-3),
    Vec2::new(9e-3, 4e-3),
    Vec2::new(4e-3, 9e-3),
    Vec2::new(-4e-3, 9e-3),
    Vec2::new(-9e-3, 4e-3),
];

/// How far ahead a crowd looks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Avoidance {
    /// Collisions with others that are further off in time are not minded. Units: seconds.
    pub horizon: f32,
    /// The same for walls: shorter, since walls do not come nearer by themselves.
    pub wall_horizon: f32,
    /// Others that are further away are not minded. Units: metres.
    pub reach: f32,
    /// So many of the nearest others are minded, at most 16.
    pub neighbours: usize,
}

impl Default for Avoidance {
    fn default() -> Self {
        Self {
            horizon: 1.5,
            wall_horizon: 0.4,
            reach: 3.0,
            neighbours: 8,
        }
    }
}

/// One of a crowd.
///
/// Units: metres, and metres per second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Body {
    /// Its middle.
    pub at: Vec2,
    /// As it moved last.
    pub velocity: Vec2,
    /// As it would move if it were alone; zero if it stands.
    pub wish: Vec2,
    /// Half its width.
    pub radius: f32,
    /// It never moves faster.
    pub speed_max: f32,
}

impl Body {
    /// Counts as a post: others go around it, and it does not move unless somebody is in it.
    fn stands(&self) -> bool {
        self.wish.length_squared() < STANDING * STANDING
    }

    fn is_sound(&self) -> bool {
        let sizes = Vec2::new(self.radius, self.speed_max);
        self.at.is_finite()
            && self.velocity.is_finite()
            && self.wish.is_finite()
            && sizes.is_finite()
            && sizes.min_element() >= 0.0
    }
}

/// Bodies that avoid each other.
///
/// Filled anew each tick; equal bodies in equal order move equally, on every machine. A game keeps
/// one for its memory alone, and out of what it saves: `#[serde(skip)]`.
///
/// Source: van den Berg et al., *Reciprocal n-body collision avoidance* (ORCA), by the crate
/// `dodgy_2d`.
#[derive(Debug, Default)]
pub struct Crowd {
    rules: Avoidance,
    bodies: Vec<Body>,
    velocities: Vec<Vec2>,
    nearest: Nearest,
    neighbours: Vec<Cow<'static, Agent>>,
    walls: Walls,
    solved: usize,
}

impl Crowd {
    /// An empty one.
    pub fn new(rules: Avoidance) -> Self {
        Self {
            rules,
            ..Self::default()
        }
    }

    /// Removes all bodies.
    pub fn clear(&mut self) {
        self.bodies.clear();
    }

    /// Adds a body. Bodies at exactly the same place part by their places in the crowd, so add
    /// them in an order that does not change from tick to tick.
    pub fn push(&mut self, body: Body) {
        self.bodies.push(body);
    }

    /// The bodies, as they were added.
    pub fn bodies(&self) -> &[Body] {
        &self.bodies
    }

    /// How each body should move, in the order in which they were added.
    ///
    /// The middle of a body that is in a free square does not leave the free squares. A body with
    /// a number that is not finite does not move, and nobody sees it.
    ///
    /// Units: seconds until the next call.
    ///
    /// # Panics
    /// If `dt` is not positive.
    pub fn steer(&mut self, grid: &NavGrid, dt: f32) -> &[Vec2] {
        assert!(dt > 0.0, "time goes on between two ticks, not by {dt}");
        self.solved = 0;
        self.velocities.clear();
        let sound = |body: &Body| body.is_sound().then_some(body.at);
        let places = self.bodies.iter().map(sound);
        self.nearest.fill(places, self.rules.reach);
        for index in 0..self.bodies.len() {
            let velocity = if self.bodies[index].is_sound() {
                self.velocity(grid, index, dt)
            } else {
                Vec2::ZERO
            };
            self.velocities.push(velocity);
        }
        &self.velocities
    }

    /// Bodies that needed more than a glance in the last [`Crowd::steer`]: what its cost grows
    /// with.
    pub fn solved(&self) -> usize {
        self.solved
    }

    fn velocity(&mut self, grid: &NavGrid, index: usize, dt: f32) -> Vec2 {
        let body = self.bodies[index];
        self.nearest.find(index, body.at, self.rules.neighbours);
        let mut near = self.nearest.found().iter();
        let is_alone = near.len() == 0;
        if body.stands() && !near.any(|other| self.touches(&body, other)) {
            return Vec2::ZERO;
        }
        let wish = body.wish.clamp_length_max(body.speed_max);
        let ahead = body.at + wish * self.rules.wall_horizon.max(dt);
        if is_alone && is_clear(grid, body.at, ahead, body.radius) {
            return wish;
        }
        self.solved += 1;
        self.look(index, dt);
        let margin = body.radius + body.speed_max * self.rules.wall_horizon;
        self.walls.around(grid, body.at, margin);
        let aside = if is_alone { 0.0 } else { ASIDE };
        let wish = wish + wish.perp() * aside;
        let velocity = self.solve(&body, wish, dt);
        kept_out(grid, body.at, velocity, dt)
    }

    fn touches(&self, body: &Body, other: &Neighbour) -> bool {
        let apart = body.radius + self.bodies[other.index].radius;
        other.distance_squared < apart * apart
    }

    /// Notes the neighbours that were just found, as seen from a body.
    fn look(&mut self, index: usize, dt: f32) {
        let body = self.bodies[index];
        self.neighbours.clear();
        for near in self.nearest.found() {
            let other = self.bodies[near.index];
            let mut from_here = other.at - body.at;
            let apart = body.radius + other.radius;
            let closing = body.velocity - other.velocity - from_here / dt;
            // Where no direction is better than any other, the crate would draw one.
            if near.distance_squared <= apart * apart && closing.length_squared() < 1e-12 {
                from_here += hair(index, near.index);
            }
            self.neighbours.push(Cow::Owned(Agent {
                position: theirs(from_here),
                velocity: theirs(other.velocity),
                radius: other.radius,
                avoidance_responsibility: if other.stands() { 0.0 } else { 1.0 },
            }));
        }
    }

    fn solve(&self, body: &Body, wish: Vec2, dt: f32) -> Vec2 {
        let agent = Agent {
            position: dodgy_2d::Vec2::ZERO,
            velocity: theirs(body.velocity),
            radius: body.radius,
            avoidance_responsibility: 1.0,
        };
        let options = AvoidanceOptions {
            obstacle_margin: body.radius,
            time_horizon: self.rules.horizon,
            obstacle_time_horizon: self.rules.wall_horizon,
        };
        let velocity = agent.compute_avoiding_velocity(
            &self.neighbours,
            self.walls.seen(),
            theirs(wish),
            body.speed_max,
            dt,
            &options,
        );
        let velocity = Vec2::new(velocity.x, velocity.y).clamp_length_max(body.speed_max);
        if velocity.is_finite() {
            velocity
        } else {
            Vec2::ZERO
        }
    }
}

/// The crate has another version of the same vectors.
fn theirs(vector: Vec2) -> dodgy_2d::Vec2 {
    dodgy_2d::Vec2::new(vector.x, vector.y)
}

/// Where the other one is seen if both are at the same place: each sees the other on the opposite
/// side.
fn hair(one: usize, other: usize) -> Vec2 {
    let which = one.min(other).wrapping_mul(5).wrapping_add(one.max(other));
    let hair = HAIRS[which % HAIRS.len()];
    if one < other { hair } else { -hair }
}

/// A velocity that does not lead into a blocked square: along the wall if need be.
fn kept_out(grid: &NavGrid, at: Vec2, velocity: Vec2, dt: f32) -> Vec2 {
    let free = |velocity: &Vec2| is_clear(grid, at, at + *velocity * dt, 0.0);
    let (x, y) = (Vec2::new(velocity.x, 0.0), Vec2::new(0.0, velocity.y));
    if !free(&Vec2::ZERO) {
        return velocity; // It is in a wall: any way out will do.
    }
    [velocity, x, y]
        .into_iter()
        .find(free)
        .unwrap_or(Vec2::ZERO)
}
