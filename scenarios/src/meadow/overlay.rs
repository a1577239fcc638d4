//! The overlay: which ways the animals around a player take, and what the room computes.

use downbeat::nav::{NavJob, Square};
use downbeat::{EntityId, PlayerId, Room, Vec2};

use super::animal::square;
use super::animals::Animals;
use super::way::Way;
use super::ways::Ways;
use super::{Ask, JobsShown, Meadow, Point, Route};

/// It is drawn anew every so many ticks.
const EVERY_TICKS: u32 = 5;

/// Animals this near are shown. Units: metres.
const SEEN_M: f32 = 32.0;

/// Routes, corners of each, and questions that are shown: together a fourth of what a private
/// state may be.
const ROUTES_MAX: usize = 48;
/// See [`ROUTES_MAX`].
const CORNERS_MAX: usize = 12;
/// See [`ROUTES_MAX`].
const ASKS_MAX: usize = 32;

/// Shows it to those who look, by turns.
pub(super) fn show(
    players: impl Iterator<Item = (PlayerId, EntityId)>,
    (animals, ways): (&Animals, &Ways),
    room: &mut Room<Meadow>,
) {
    let now = room.tick().number();
    let mut players = players.filter(|(player, _)| {
        let turn = now.wrapping_add(player.number());
        turn.is_multiple_of(EVERY_TICKS)
    });
    let Some(first) = players.next() else {
        return;
    };
    let jobs = jobs(ways, room);
    let mut walking = walking(animals, ways, room);
    for (player, body) in std::iter::once(first).chain(players) {
        let Some(at) = room.entity(body).map(|body| body.pos) else {
            continue;
        };
        let routes = routes(at, &mut walking, ways);
        if let Some(private) = room.private(player)
            && (private.routes != routes || private.jobs != jobs)
            && let Some(private) = room.private_mut(player)
        {
            private.routes = routes;
            private.jobs.clone_from(&jobs);
        }
    }
}

/// Shows nothing any more.
pub(super) fn hide(player: PlayerId, room: &mut Room<Meadow>) {
    if let Some(private) = room.private_mut(player) {
        private.routes.clear();
        private.jobs = JobsShown::default();
    }
}

/// An animal on its way.
struct Walking {
    body: EntityId,
    entity: u32,
    at: Vec2,
    /// Looked up for the first who sees it.
    corners: Option<Vec<Point>>,
}

fn walking(animals: &Animals, ways: &Ways, room: &mut Room<Meadow>) -> Vec<Walking> {
    let bodies = animals.all.iter().map(|animal| animal.body);
    let walking = bodies.filter(|&body| ways.routes.going(body).is_some());
    let seen = walking.filter_map(|body| {
        Some(Walking {
            body,
            entity: room.net_id(body)?,
            at: room.entity(body)?.pos,
            corners: None,
        })
    });
    seen.collect()
}

/// Of the animals around a place, the nearest ones.
fn routes(at: Vec2, walking: &mut [Walking], ways: &Ways) -> Vec<Route> {
    let away = |animal: &Walking| animal.at.distance(at);
    let near = walking.iter_mut().filter(|animal| away(animal) < SEEN_M);
    let mut near: Vec<_> = near.collect();
    near.sort_by(|a, b| away(a).total_cmp(&away(b)));
    let routes = near.into_iter().filter_map(|animal| {
        let look = || {
            let corners = ways.routes.corners(animal.body, CORNERS_MAX);
            corners.into_iter().map(point).collect()
        };
        let corners = animal.corners.get_or_insert_with(look).clone();
        (!corners.is_empty()).then_some(Route {
            entity: animal.entity,
            corners,
        })
    });
    routes.take(ROUTES_MAX).collect()
}

fn jobs(ways: &Ways, room: &Room<Meadow>) -> JobsShown {
    let mut in_flight = 0;
    let mut waiting = Vec::new();
    for (_, job) in room.jobs_in_flight() {
        in_flight += 1;
        let ask = match job {
            Way::Walk(walk) => Some((square(walk.from), walk.to)),
            Way::Animals(NavJob::Path(path)) => path.goals.first().map(|&to| (path.from, to)),
            Way::Animals(_) => None,
        };
        if let Some((from, to)) = ask.filter(|_| waiting.len() < ASKS_MAX) {
            let (from, to) = (point(from), point(to));
            waiting.push(Ask { from, to });
        }
    }
    let animals = ways.routes.counts();
    #[expect(clippy::cast_possible_truncation, reason = "it wraps")]
    let spent = animals.expansions as u32;
    JobsShown {
        in_flight,
        asked: animals.asked.wrapping_add(ways.walks.asked),
        done: animals.done.wrapping_add(ways.walks.done),
        rejected: animals.rejected.wrapping_add(ways.walks.rejected),
        cancelled: animals.cancelled.wrapping_add(ways.walks.cancelled),
        fields: u8::try_from(ways.routes.fields()).unwrap_or(u8::MAX),
        expansions: spent.wrapping_add(ways.walks.expansions),
        waiting,
    }
}

const fn point(Square { x, y }: Square) -> Point {
    Point { x, y }
}
