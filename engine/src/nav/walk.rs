//! `Walk`: how far an agent is on its path, and where to from there.

use glam::Vec2;
use serde::{Deserialize, Serialize};

use super::field::Field;
use super::grid::NavGrid;
use super::path::Path;
use super::sight::is_clear;
use super::square::Square;

/// At a corner, or at the end, if no further away than this. Units: metres.
pub(crate) const NEAR_M: f32 = 0.2;

/// Half the width of a body for which ways are cut short: in line with a corridor's middle there
/// is room for it. Units: metres.
pub(crate) const BODY_M: f32 = 0.3;

/// Nobody aims at what is further away: looking costs time. Units: metres.
const SIGHT_M: f32 = 40.0;

/// Steps of a field that are looked ahead.
const FIELD_STEPS_MAX: usize = 12;

/// Where to walk.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Way {
    /// Straight to this point.
    To(Vec2),
    /// Nowhere: this is the end.
    End,
    /// Off the way; nothing of it is in sight.
    Lost,
}

/// A path that is being walked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Walk {
    path: Path,
    /// The corner that is walked to.
    next: usize,
    /// Steps done since the corner before that.
    done: u16,
}

/// Squares from one corner to another: columns, rows and everything between.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Area {
    pub(crate) low: Square,
    pub(crate) high: Square,
}

impl Area {
    fn meets(&self, one: Square, other: Square) -> bool {
        one.x.min(other.x) <= self.high.x
            && one.x.max(other.x) >= self.low.x
            && one.y.min(other.y) <= self.high.y
            && one.y.max(other.y) >= self.low.y
    }
}

impl Walk {
    pub(crate) fn new(path: Path) -> Self {
        let next = usize::from(path.corners().len() > 1);
        Self {
            path,
            next,
            done: 0,
        }
    }

    /// Corners still to be walked to.
    pub(crate) fn corners(&self) -> &[Square] {
        &self.path.corners()[self.next..]
    }

    pub(crate) fn end(&self) -> Square {
        self.path.end()
    }

    /// Looks where to go from a point, and moves on past corners that are done or can be cut.
    /// `aim` is where it went so far.
    pub(crate) fn look(&mut self, grid: &NavGrid, at: Vec2, aim: Option<Vec2>) -> Way {
        let last = self.path.corners().len() - 1;
        if is_near(at, self.corner(self.next)) {
            if self.next == last {
                return Way::End;
            }
            self.turn();
        }
        if let Some(point) = self.beyond(grid, at) {
            self.turn();
            return Way::To(point);
        }
        let leg = self.leg(self.next);
        let along = leg.nearest(at);
        self.done = leg.steps_at(along).max(self.done);
        let candidates = [
            (Some(leg.point(leg.length)), BODY_M),
            (Some(leg.point(along + SIGHT_M)), BODY_M),
            (Some(leg.point(along + 2.0)), BODY_M),
            (Some(leg.point(along + 1.0)), 0.0),
            (aim.filter(|&aim| !is_near(at, aim)), 0.0),
            (Some(leg.point(along)), 0.0),
        ];
        let seen = candidates.into_iter().find_map(|(point, radius)| {
            let near = |point: &Vec2| point.distance_squared(at) < 2.0 * SIGHT_M * SIGHT_M;
            let point = point.filter(near)?;
            is_clear(grid, at, point, radius).then_some(point)
        });
        seen.map_or(Way::Lost, Way::To)
    }

    fn corner(&self, index: usize) -> Vec2 {
        self.path.corners()[index].middle()
    }

    /// The piece of the path that ends at a corner.
    fn leg(&self, index: usize) -> Leg {
        let corners = self.path.corners();
        Leg::between(corners[index.saturating_sub(1)], corners[index])
    }

    fn turn(&mut self) {
        (self.next, self.done) = (self.next + 1, 0);
    }

    /// A point in sight on the piece after the next corner, as far on as can be: whoever sees it
    /// need not go to the corner.
    fn beyond(&self, grid: &NavGrid, at: Vec2) -> Option<Vec2> {
        if self.next + 1 >= self.path.corners().len() {
            return None;
        }
        let leg = self.leg(self.next + 1);
        let parts = [1.0, 0.5, 0.25, 0.125]
            .into_iter()
            .map(|part| part * leg.length);
        let points = parts.filter(|&along| along > 1.0);
        points
            .map(|along| leg.point(along))
            .find(|&point| sees(grid, at, point))
    }

    /// Cuts off what leads through walls that have come into an area; says whether there were any.
    pub(crate) fn cut(&mut self, grid: &NavGrid, changed: Area) -> bool {
        let corners = self.path.corners();
        let mut at = self.leg(self.next).square(self.done);
        for (index, &to) in corners.iter().enumerate().skip(self.next) {
            if changed.meets(at, to) && !grid.line_is_clear(at, to) {
                let mut kept = corners[..index].to_vec();
                while at != to && grid.step_is_legal(at, at.towards(to)) {
                    at = at.towards(to);
                }
                if kept.last() != Some(&at) {
                    kept.push(at);
                }
                self.next = self.next.min(kept.len() - 1);
                self.done = if kept.len() == index { 0 } else { self.done };
                self.path = Path::new(kept).expect("a part of a path is a path");
                return true;
            }
            at = to;
        }
        false
    }
}

pub(crate) fn is_near(at: Vec2, point: Vec2) -> bool {
    at.distance_squared(point) <= NEAR_M * NEAR_M
}

/// Whether a body could go straight there, and is near enough to know.
pub(crate) fn sees(grid: &NavGrid, at: Vec2, point: Vec2) -> bool {
    at.distance_squared(point) <= SIGHT_M * SIGHT_M && is_clear(grid, at, point, BODY_M)
}

/// Looks where to go from a point in a square, along a field: as far as a body can go straight.
pub(crate) fn along_field(field: &Field, grid: &NavGrid, at: Vec2, square: Square) -> Way {
    match field.cost(square) {
        None => return Way::Lost,
        Some(0) if is_near(at, square.middle()) => return Way::End,
        Some(0) => return Way::To(square.middle()),
        Some(_) => {}
    }
    let Some(first) = field.next(grid, square) else {
        return Way::Lost;
    };
    let mut steps = std::iter::successors(Some(first), |&to| field.next(grid, to))
        .take(FIELD_STEPS_MAX)
        .map(Square::middle)
        .take_while(|&to| sees(grid, at, to));
    if let Some(furthest) = steps.by_ref().last() {
        return Way::To(furthest);
    }
    // Too near to a wall for its width; from the middle of its square it sees the next one.
    if is_clear(grid, at, first.middle(), 0.0) {
        Way::To(first.middle())
    } else {
        Way::To(square.middle())
    }
}

/// A straight or diagonal piece of a path.
struct Leg {
    from: Square,
    to: Square,
    /// From middle to middle, one metre.
    direction: Vec2,
    length: f32,
}

impl Leg {
    fn between(from: Square, to: Square) -> Self {
        let way = to.middle() - from.middle();
        Self {
            from,
            to,
            direction: way.normalize_or_zero(),
            length: way.length(),
        }
    }

    /// How far along is what is nearest to a point.
    fn nearest(&self, at: Vec2) -> f32 {
        let along = (at - self.from.middle()).dot(self.direction);
        along.clamp(0.0, self.length)
    }

    /// The point so far along.
    fn point(&self, along: f32) -> Vec2 {
        self.from.middle() + self.direction * along.min(self.length)
    }

    /// Whole steps so far along.
    fn steps_at(&self, along: f32) -> u16 {
        let step = self.direction.abs().max_element();
        Square::of(Vec2::new(along * step + 1e-3, 0.0)).map_or(0, |steps| steps.x)
    }

    /// The square after so many steps.
    fn square(&self, steps: u16) -> Square {
        let place = |from: u16, to: u16| {
            if from < to {
                (from + steps).min(to)
            } else {
                from.saturating_sub(steps).max(to)
            }
        };
        let Self { from, to, .. } = *self;
        Square::new(place(from.x, to.x), place(from.y, to.y))
    }
}
