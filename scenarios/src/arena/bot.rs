//! The bot: runs about, circles around the nearest enemy in sight, and shoots at it, not too well.

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{Bot, Rng, Vec2};

use super::rules::{SIDE_M, SPEED_M_S, reach, run};
use super::{Arena, Fighter, Input};
use crate::heading::{direction, heading};

/// Beyond this it does not shoot. Units: metres.
const SIGHT_M: f32 = 20.0;

/// Nearer than this it backs off while it circles, farther it closes in. Units: metres.
const CIRCLE_M: f32 = 9.0;

/// How far off it aims. Units: 1/256 turn.
const AIM_OFF: i8 = 20;

/// Turns that it tries until one leads somewhere. Units: 1/256 turn.
const TURNS: [u8; 9] = [0, 24, 232, 48, 208, 72, 184, 104, 152];

/// How far it looks before it runs. Units: seconds.
const AHEAD_S: f32 = 0.15;

/// Thoughts after which it wants to be somewhere else.
const STROLL_MAX: u8 = 50;

/// Not a good shot.
#[derive(Default)]
pub(super) struct Rookie {
    goal: Vec2,
    thoughts_left: u8,
    /// Which way around an enemy.
    left: bool,
}

impl Bot<Arena> for Rookie {
    fn think(&mut self, view: &View<Arena>, rng: &mut Rng) -> Option<Input> {
        let (_, me) = view.avatar()?;
        let off = nearest_enemy(view, me).map(|enemy| enemy.pos - me.pos);
        let seen = off.filter(|&off| is_in_sight(me.pos, off));
        let wanted = match seen {
            Some(off) => self.circle(off, rng),
            None => self.stroll(me.pos, off, rng),
        };
        let mut turned = TURNS.iter().map(|turn| wanted.wrapping_add(*turn));
        let course = turned.find(|&course| is_free(me.pos, course));
        let (dx, dy) = push(course.unwrap_or(wanted));
        let (aim, fire) = match seen {
            Some(off) => {
                let off_by = rng.random_range(-AIM_OFF..=AIM_OFF);
                let aim = heading(off).wrapping_add_signed(off_by);
                (aim, rng.random_ratio(1, 3))
            }
            None => (course.unwrap_or(wanted), false),
        };
        Some(Input { dx, dy, aim, fire })
    }
}

impl Rookie {
    /// Which way to run with an enemy in sight.
    fn circle(&mut self, off: Vec2, rng: &mut Rng) -> u8 {
        if rng.random_ratio(1, 15) {
            self.left = !self.left;
        }
        let quarter = if off.length_squared() > CIRCLE_M * CIRCLE_M {
            40
        } else {
            88
        };
        let to_enemy = heading(off);
        if self.left {
            to_enemy.wrapping_sub(quarter)
        } else {
            to_enemy.wrapping_add(quarter)
        }
    }

    /// Which way to run with nobody in sight: where an enemy is, or anywhere.
    fn stroll(&mut self, at: Vec2, enemy: Option<Vec2>, rng: &mut Rng) -> u8 {
        let off = self.goal - at;
        if self.thoughts_left == 0 || off.length_squared() < 4.0 {
            self.thoughts_left = STROLL_MAX;
            let anywhere = Vec2::new(rng.random(), rng.random()) * SIDE_M;
            let hunts = rng.random_ratio(1, 2);
            let prey = enemy.filter(|_| hunts).map(|off| at + off);
            self.goal = prey.unwrap_or(anywhere);
        }
        self.thoughts_left -= 1;
        heading(self.goal - at)
    }
}

fn nearest_enemy<'a>(view: &'a View<Arena>, me: &Fighter) -> Option<&'a Fighter> {
    let others = view.entities.values();
    let enemies = others.filter(|other| other.team != me.team);
    enemies.min_by(|a, b| {
        let away = |fighter: &Fighter| fighter.pos.distance_squared(me.pos);
        away(a).total_cmp(&away(b))
    })
}

fn is_in_sight(at: Vec2, off: Vec2) -> bool {
    let away = off.length();
    away < SIGHT_M && away > 0.0 && reach(at, off / away) >= away
}

/// Whether it gets somewhere that way.
fn is_free(at: Vec2, course: u8) -> bool {
    let went = run(at, push(course), AHEAD_S).distance(at);
    went > 0.7 * SPEED_M_S * AHEAD_S
}

/// A direction as it travels.
fn push(course: u8) -> (i8, i8) {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a side of a direction is at most 1"
    )]
    let thrust = |side: f32| (side * 127.0).round() as i8;
    let way = direction(course);
    (thrust(way.x), thrust(way.y))
}
