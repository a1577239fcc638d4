//! Shots and what comes of them: hits, falls, scores, respawns.

use std::time::Duration;

use downbeat::rand::RngExt as _;
use downbeat::{EntityId, PlayerId, Room, Seat, To, Vec2};

use super::rules::{self, BODY_M, SIDE_M};
use super::{AMMO, Arena, Event, Fighter, Gunner, Timer, Top};
use crate::heading::direction;

/// Nine hits: well over a second under fire.
const DAMAGE: u8 = 12;

const HEALTH: u8 = 100;

const RESPAWN: Duration = Duration::from_secs(3);

/// Fighters arrive this near to their own side of the field, where no walls are. Units: metres.
const CAMP_M: f32 = 5.0;

/// Places that are looked at before one arrives where enemies are farthest.
const ARRIVALS: usize = 8;

/// Shots that one tick tells all of, 60 a second: more than 16 players fire. A member that stalls
/// gets all events later, and its queue must outlast a crowd's battle for a second.
const SHOTS_TOLD_MAX: usize = 2;

/// Names on the list of the best.
const TOP_MAX: usize = 5;

/// A shot that was fired in this step.
struct Shot {
    by: PlayerId,
    gun: u32,
    from: Vec2,
    to: Vec2,
    hit: Option<EntityId>,
}

impl Arena {
    /// Judges all shots of this step, then lets them hurt: who falls in it has still fired.
    pub(super) fn fight(&mut self, room: &mut Room<Self>) {
        let fired = self.fired.drain(..);
        let shots: Vec<_> = fired.filter_map(|by| judge(room, by)).collect();
        tell(room, &shots);
        for shot in &shots {
            if let Some(target) = shot.hit {
                self.hurt(room, shot, target);
            }
        }
    }

    fn hurt(&mut self, room: &mut Room<Self>, shot: &Shot, target: EntityId) {
        let Some(victim) = room.owner(target) else {
            return;
        };
        if room.entity(target).is_none() {
            return; // fell in this step already
        }
        let number = number(room, target);
        let Some(fighter) = room.entity_mut(target) else {
            return;
        };
        fighter.health = fighter.health.saturating_sub(DAMAGE);
        let hit = Event::Hit {
            by: shot.gun,
            target: number,
            health: fighter.health,
        };
        let has_fallen = fighter.health == 0;
        room.emit(&hit, To::Players(vec![shot.by, victim]));
        if has_fallen {
            self.fell(room, shot.by, victim);
        }
    }

    fn fell(&mut self, room: &mut Room<Self>, by: PlayerId, victim: PlayerId) {
        let Some(id) = room.avatar(victim) else {
            return;
        };
        let number = number(room, id);
        let Some(fallen) = room.despawn(id) else {
            return;
        };
        // Not as a spectator: what is under way from its client is no offence.
        room.set_seat(victim, Seat::Player);
        room.timer(RESPAWN, Timer::Respawn(victim));
        let killer = room.player(by).map(|player| player.name.clone());
        let event = Event::Fell {
            fighter: number,
            at: fallen.pos,
            name: fallen.name,
            team: fallen.team,
            by: killer.unwrap_or_default(),
        };
        room.emit(&event, To::All);
        if let Some(gunner) = self.gunners.get_mut(&by) {
            gunner.score = gunner.score.saturating_add(1);
            if let Some(body) = room.avatar(by).and_then(|id| room.entity_mut(id)) {
                body.score = gunner.score;
            }
            let points = &mut room.shared_mut().teams[usize::from(gunner.team)];
            *points = points.saturating_add(1);
            self.rank(room);
        }
    }

    /// Back into the fight, as a new fighter.
    pub(super) fn respawn(&self, room: &mut Room<Self>, player: PlayerId) {
        let Some(gunner) = self.gunners.get(&player) else {
            return; // left
        };
        let name = room.player(player).map(|player| player.name.clone());
        let body = spawn(room, name.unwrap_or_default(), gunner);
        room.set_seat(player, Seat::Avatar(body));
    }

    /// Writes down the best; of equals, who came first.
    pub(super) fn rank(&self, room: &mut Room<Self>) {
        let mut best: Vec<_> = self.gunners.iter().filter(|(_, g)| g.score > 0).collect();
        best.sort_by_key(|(_, gunner)| std::cmp::Reverse(gunner.score));
        best.truncate(TOP_MAX);
        let lines = best.into_iter().filter_map(|(&player, gunner)| {
            Some(Top {
                name: room.player(player)?.name.clone(),
                team: gunner.team,
                score: gunner.score,
            })
        });
        let top: Vec<_> = lines.collect();
        if room.shared().top != top {
            room.shared_mut().top = top;
        }
    }
}

/// Where a shot ends: the nearest enemy in its way, where the shooter saw it, or a wall.
fn judge(room: &mut Room<Arena>, by: PlayerId) -> Option<Shot> {
    let id = room.avatar(by)?;
    let gun = number(room, id);
    let shooter = room.entity(id)?;
    let (from, way) = (shooter.pos, direction(shooter.heading));
    let mut reach = rules::reach(from, way);
    let mut hit = None;
    let past = room.rewind(by);
    for id in past.near(from, reach + BODY_M) {
        // One who is gone by now was out of this already when the shot arrived.
        let is_enemy = room.entity(id).is_some_and(|f| f.team != shooter.team);
        let seen_at = past.position(id).filter(|_| is_enemy);
        let met = seen_at.and_then(|at| rules::meets(from, way, at));
        if let Some(met) = met.filter(|&met| met < reach) {
            reach = met;
            hit = Some(id);
        }
    }
    Some(Shot {
        by,
        gun,
        from,
        to: from + way * reach,
        hit,
    })
}

/// Tells all of some of the shots, every tick beginning with another one's.
fn tell(room: &mut Room<Arena>, shots: &[Shot]) {
    let Some(last) = shots.len().checked_sub(1) else {
        return;
    };
    let first = room.rng().random_range(0..=last);
    let told = shots.iter().cycle().skip(first);
    for shot in told.take(SHOTS_TOLD_MAX.min(shots.len())) {
        let event = Event::Shot {
            by: shot.gun,
            from: shot.from,
            to: shot.to,
        };
        room.emit(&event, To::All);
    }
}

/// A new fighter on its side's edge of the field, as far from enemies as a few looks find.
pub(super) fn spawn(room: &mut Room<Arena>, name: String, gunner: &Gunner) -> EntityId {
    let deepest = CAMP_M - BODY_M;
    let mut best = (f32::NEG_INFINITY, Vec2::ZERO);
    for _ in 0..ARRIVALS {
        let rng = room.rng();
        let depth = rng.random_range(BODY_M..deepest);
        let x = if gunner.team == 0 {
            depth
        } else {
            SIDE_M - depth
        };
        let at = Vec2::new(x, rng.random_range(BODY_M..SIDE_M - BODY_M));
        let enemies = room.entities().filter(|(_, f)| f.team != gunner.team);
        let away = enemies.map(|(_, enemy)| enemy.pos.distance_squared(at));
        let nearest = away.fold(f32::INFINITY, f32::min);
        if nearest > best.0 {
            best = (nearest, at);
        }
    }
    room.spawn(Fighter {
        pos: best.1,
        heading: if gunner.team == 0 { 0 } else { 128 },
        name,
        team: gunner.team,
        health: HEALTH,
        ammo: AMMO,
        score: gunner.score,
    })
}

/// The number by which clients know a fighter.
fn number(room: &mut Room<Arena>, fighter: EntityId) -> u32 {
    room.net_id(fighter).unwrap_or_default()
}
