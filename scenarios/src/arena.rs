//! `arena`: two sides shoot at each other on a small square field at 30 Hz.
//!
//! In: which way players run, where they aim, whether they fire. Out: who stands where, who hit
//! and felled whom. A shot hits at once, and is judged by what its shooter saw.

use std::collections::BTreeMap;
use std::time::Duration;

use downbeat::{
    Bot, Game, InputKind, Listing, OpenError, Player, PlayerId, Refusal, Room, Seat, Team, Tick,
};
use serde::{Deserialize, Serialize};

pub use self::types::{Event, Fighter, Input, Settings, Shared, Timer, Top, Wall};

mod types;
mod rules;
mod fight;
mod bot;
#[cfg(test)]
mod tests;

/// From one shot to the next. Units: milliseconds.
const FIRE_EVERY_MS: u32 = 150;

/// Shots between two reloads.
const AMMO: u8 = 12;

/// How long a reload takes.
const RELOAD: Duration = Duration::from_millis(1500);

/// At rates in between, three ticks (for so long a held trigger goes on by itself) are at most
/// [`FIRE_EVERY_MS`], and a step is shorter than a wall is thick.
const RATES_HZ: std::ops::RangeInclusive<u16> = 20..=60;

/// The rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Arena {
    gunners: BTreeMap<PlayerId, Gunner>,
    fire_every_ticks: u32,
    /// Who shot in this step, in the order of their numbers.
    fired: Vec<PlayerId>,
}

/// A player's part in the game; it outlives its fighters.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Gunner {
    team: u8,
    score: u16,
    /// From this tick on it may shoot again.
    fire_at: Tick,
}

#[downbeat::game]
impl Game for Arena {
    const NAME: &'static str = "arena";
    const TICK_RATE_HZ: u16 = 30;
    const REWIND: bool = true;

    type Settings = Settings;
    type Input = Input;
    type Entity = Fighter;
    type Shared = Shared;
    type Event = Event;
    type Timer = Timer;

    fn tick_rate_hz(settings: &Settings) -> u16 {
        settings.tick_rate_hz
    }

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        let rate = settings.tick_rate_hz;
        if !RATES_HZ.contains(&rate) {
            return Err(OpenError(format!(
                "{rate} Hz is no tick rate for an arena, {RATES_HZ:?} are"
            )));
        }
        *room.shared_mut() = Shared {
            side: rules::SIDE_M,
            walls: rules::WALLS.into(),
            teams: [0, 0],
            top: Vec::new(),
        };
        room.set_listing(Listing {
            max: Some(settings.players_max),
            metadata: [("mode".into(), "team deathmatch".into())].into(),
        });
        Ok(Self {
            gunners: BTreeMap::new(),
            fire_every_ticks: (FIRE_EVERY_MS * u32::from(rate)).div_ceil(1000),
            fired: Vec::new(),
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let second = self.gunners.values().filter(|g| g.team == 1).count();
        // The smaller side takes the newcomer.
        let team = u8::from(second * 2 < self.gunners.len());
        room.set_team(player.id, Some(Team(team)));
        let gunner = Gunner {
            team,
            score: 0,
            fire_at: room.tick(),
        };
        let body = fight::spawn(room, player.name.clone(), &gunner);
        self.gunners.insert(player.id, gunner);
        Ok(Seat::Avatar(body))
    }

    fn kind(_: &Input) -> InputKind {
        InputKind::Held
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        let (now, dt) = (room.tick(), room.dt());
        let Some(gunner) = self.gunners.get_mut(&player) else {
            return;
        };
        let Some(id) = room.avatar(player) else {
            return; // fallen
        };
        let Some(fighter) = room.entity_mut(id) else {
            return;
        };
        fighter.pos = rules::run(fighter.pos, (input.dx, input.dy), dt);
        fighter.heading = input.aim;
        if !input.fire || fighter.ammo == 0 || gunner.fire_at.is_newer(now) {
            return;
        }
        gunner.fire_at = now.after(self.fire_every_ticks);
        self.fired.push(player);
        fighter.ammo -= 1;
        if fighter.ammo == 0 {
            room.timer(RELOAD, Timer::Loaded(id));
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        self.fight(room);
    }

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        room.despawn_owned(player);
        self.gunners.remove(&player);
        self.rank(room);
    }

    fn timer(&mut self, room: &mut Room<Self>, timer: Timer) {
        match timer {
            Timer::Loaded(fighter) => {
                if let Some(fighter) = room.entity_mut(fighter) {
                    fighter.ammo = AMMO;
                }
            }
            Timer::Respawn(player) => self.respawn(room, player),
        }
    }

    fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(bot::Rookie::default()))
    }
}
