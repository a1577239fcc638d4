//! Flowers: where they grow, what they are worth, and who picks them.

use std::collections::BTreeMap;
use std::time::Duration;

use downbeat::rand::RngExt as _;
use downbeat::{EntityId, PlayerId, Room, To, Vec2};

use super::map::{Map, Tile};
use super::player::Walker;
use super::{Entity, Event, Kind, Meadow, Timer, Top};

/// How near one must walk. Units: metres.
pub(super) const PICK_M: f32 = 0.8;

/// Who is this near sees what happens. Units: metres.
pub(super) const SEEN_M: f32 = 25.0;

/// How long a picked flower takes to grow again.
const REGROW_S: std::ops::RangeInclusive<u64> = 4..=12;

/// Names on the list of the best.
const TOP_MAX: usize = 5;

/// Lets a flower grow somewhere: a third of them around the middle, where players arrive.
pub(super) fn grow(map: &Map, room: &mut Room<Meadow>) {
    let rng = room.rng();
    let reach = if rng.random_ratio(1, 3) { 0.2 } else { 0.5 } * f32::from(map.width());
    let wanted = (map.middle(), reach);
    let Some(tile) = map.find(rng, wanted, Tile::is_meadow) else {
        return;
    };
    let jitter = Vec2::new(rng.random::<f32>(), rng.random::<f32>()) - Vec2::splat(0.5);
    // Pinks and violets are common, blue is worth two, gold three.
    let (points, hue) = match rng.random_range(0..20u32) {
        0 => (3, 34 + rng.random_range(0..4u8)),
        1..=4 => (2, 145 + rng.random_range(0..25u8)),
        _ => (1, 200 + rng.random_range(0..46u8)),
    };
    let heading = rng.random();
    room.spawn(Entity {
        pos: tile + jitter * 0.8,
        heading,
        kind: Kind::Flower,
        name: String::new(),
        score: points,
        hue,
    });
}

/// Picks what grows where a player has just walked.
pub(super) fn pick(room: &mut Room<Meadow>, body: EntityId) -> bool {
    let Some(at) = room.entity(body).map(|entity| entity.pos) else {
        return false;
    };
    let mut picked = false;
    for id in room.near(at, PICK_M) {
        if room.entity(id).is_none_or(|near| near.kind != Kind::Flower) {
            continue;
        }
        let Some(flower) = room.despawn(id) else {
            continue;
        };
        if let Some(picker) = room.entity_mut(body) {
            picker.score = picker.score.saturating_add(flower.score);
        }
        let shared = room.shared_mut();
        shared.picked = shared.picked.saturating_add(1);
        let seconds = room.rng().random_range(REGROW_S);
        room.timer(Duration::from_secs(seconds), Timer::Regrow);
        let event = Event::Picked {
            player: room.net_id(body).unwrap_or_default(),
            flower_hue: flower.hue,
            points: u8::try_from(flower.score).unwrap_or(u8::MAX),
            x: flower.pos.x,
            y: flower.pos.y,
        };
        let seen = seen_by(room, flower.pos);
        room.emit(&event, seen);
        picked = true;
    }
    picked
}

/// The players near a point: what happens far away is not worth their queue of events.
pub(super) fn seen_by(room: &Room<Meadow>, point: Vec2) -> To {
    let near = room.near(point, SEEN_M).into_iter();
    To::Players(near.filter_map(|id| room.owner(id)).collect())
}

/// Writes down the best; of equals, who came first.
pub(super) fn rank(walkers: &BTreeMap<PlayerId, Walker>, room: &mut Room<Meadow>) {
    let bodies = walkers.values();
    let mut best: Vec<_> = bodies
        .filter_map(|walker| room.entity(walker.body))
        .filter(|entity| entity.score > 0)
        .collect();
    best.sort_by_key(|entity| std::cmp::Reverse(entity.score));
    let top: Vec<_> = best
        .into_iter()
        .take(TOP_MAX)
        .map(|entity| Top {
            name: entity.name.clone(),
            score: entity.score,
        })
        .collect();
    if room.shared().top != top {
        room.shared_mut().top = top;
    }
}
