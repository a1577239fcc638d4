//! A shooter: avatars and shots, two teams, private ammunition, respawns, kicks.

use std::time::Duration;

use downbeat::rand::RngExt as _;
use downbeat::{
    EntityId, Game, InputKind, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Team,
    To, Vec2,
};
use serde::{Deserialize, Serialize};

const SPEED_M_S: f32 = 5.0;
const SHOT_SPEED_M_S: f32 = 30.0;
const SHOT_LIFE: Duration = Duration::from_secs(1);
const RESPAWN: Duration = Duration::from_secs(3);
const AMMO: u8 = 6;
const TEAM_HITS_MAX: u8 = 3;

/// Something on the field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Thing {
    /// Where.
    #[replicate(position)]
    pub at: Vec2,
    /// Metres per second.
    pub velocity: Vec2,
    /// What.
    pub kind: Kind,
}

/// What a thing is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Kind {
    /// Somebody's body.
    Fighter {
        /// Its side.
        team: u8,
        /// Hits left.
        health: u8,
    },
    /// A bullet under way.
    Shot {
        /// Who fired.
        by: u32,
    },
}

/// What only the player sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Pack {
    /// Shots left.
    pub ammo: u8,
    /// Times it hit its own side.
    pub team_hits: u8,
}

/// What everybody sees.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Scores {
    /// Points of both teams.
    pub teams: [u16; 2],
}

/// What a player asks for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Input {
    /// Held: which way to run.
    Run(Vec2),
    /// Once: fire that way.
    Fire(Vec2),
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Event {
    /// To all: somebody fell.
    Fell(u32),
    /// To a team: one of you was hit.
    HelpUs,
}

/// What a timer says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Alarm {
    /// A shot has flown far enough.
    ShotOver(EntityId),
    /// Back into the fight.
    Respawn(PlayerId),
}

/// The rules.
#[derive(Serialize, Deserialize)]
pub struct Shooter {
    joined: u8,
}

#[downbeat::game]
impl Game for Shooter {
    const NAME: &'static str = "shooter";
    const TICK_RATE_HZ: u16 = 30;
    type Entity = Thing;
    type Shared = Scores;
    type Private = Pack;
    type Input = Input;
    type Event = Event;
    type Timer = Alarm;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self { joined: 0 })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        if player.name == "cheater" {
            return Err(Refusal::new("cheaters stay out"));
        }
        let team = Team(self.joined % 2);
        self.joined = self.joined.wrapping_add(1);
        room.set_team(player.id, Some(team));
        Ok(Seat::Avatar(spawn(room, player.id, team)))
    }

    fn kind(input: &Input) -> InputKind {
        match input {
            Input::Run(_) => InputKind::Held,
            Input::Fire(_) => InputKind::Once,
        }
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        let dt = room.dt();
        let Some(id) = room.avatar(player) else {
            return;
        };
        match input {
            Input::Run(way) if way.is_finite() => {
                let fighter = room.entity_mut(id).expect("an avatar is alive");
                fighter.velocity = way.clamp_length_max(1.0) * SPEED_M_S;
                fighter.at += fighter.velocity * dt;
            }
            Input::Fire(way) => {
                let Some(way) = way.try_normalize() else {
                    return;
                };
                let at = room.entity(id).expect("an avatar is alive").at;
                let pack = room.private_mut(player).expect("a member");
                if pack.ammo == 0 {
                    return;
                }
                pack.ammo -= 1;
                let shot = room.spawn(Thing {
                    at: at + way,
                    velocity: way * SHOT_SPEED_M_S,
                    kind: Kind::Shot {
                        by: player.number(),
                    },
                });
                room.timer(SHOT_LIFE, Alarm::ShotOver(shot));
            }
            Input::Run(_) => {}
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        let dt = room.dt();
        let shots = room.entities().filter_map(|(id, thing)| match thing.kind {
            Kind::Shot { by } => Some((id, PlayerId::new(by))),
            Kind::Fighter { .. } => None,
        });
        for (shot, by) in shots.collect::<Vec<_>>() {
            let bullet = room.entity_mut(shot).expect("nothing was hit by it yet");
            bullet.at += bullet.velocity * dt;
            let at = bullet.at;
            let hit = room
                .near(at, 0.7)
                .into_iter()
                .find(|&id| room.owner(id).is_some_and(|owner| owner != by));
            if let Some(fighter) = hit {
                room.despawn(shot);
                hurt(room, fighter, by);
            }
        }
    }

    fn timer(&mut self, room: &mut Room<Self>, alarm: Alarm) {
        match alarm {
            Alarm::ShotOver(shot) => {
                room.despawn(shot);
            }
            Alarm::Respawn(player) => {
                let Some(team) = room.team(player) else {
                    return;
                };
                let body = spawn(room, player, team);
                room.set_seat(player, Seat::Avatar(body));
            }
        }
    }
}

fn spawn(room: &mut Room<Shooter>, player: PlayerId, team: Team) -> EntityId {
    let side = if team.0 == 0 { -10.0 } else { 10.0 };
    let y = room.rng().random_range(-5.0..5.0);
    let body = room.spawn(Thing {
        at: Vec2::new(side, y),
        velocity: Vec2::ZERO,
        kind: Kind::Fighter {
            team: team.0,
            health: 2,
        },
    });
    room.set_owner(body, Some(player));
    if let Some(pack) = room.private_mut(player) {
        pack.ammo = AMMO;
    }
    body
}

fn hurt(room: &mut Room<Shooter>, fighter: EntityId, by: PlayerId) {
    let victim = room.owner(fighter).expect("only fighters have owners");
    let own_side = room.team(victim).is_some() && room.team(victim) == room.team(by);
    if own_side && let Some(pack) = room.private_mut(by) {
        pack.team_hits += 1;
        if pack.team_hits >= TEAM_HITS_MAX {
            room.kick(by, "shoots own team");
        }
        return;
    }
    let Some(Kind::Fighter { health, .. }) = room.entity_mut(fighter).map(|f| &mut f.kind) else {
        return;
    };
    *health -= 1;
    let fell = *health == 0;
    if let Some(team) = room.team(victim) {
        room.emit(&Event::HelpUs, To::Team(team));
    }
    if fell {
        room.despawn(fighter);
        room.emit(&Event::Fell(victim.number()), To::All);
        room.set_seat(victim, Seat::Spectator);
        room.timer(RESPAWN, Alarm::Respawn(victim));
        if let Some(team) = room.team(by) {
            room.shared_mut().teams[usize::from(team.0)] += 1;
        }
    }
}
