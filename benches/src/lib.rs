//! The game that benches step: everything moves, so every entity is written every tick.

pub mod plain;

use downbeat::testing::TestRoom;
use downbeat::{
    Game, InputKind, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Vec2,
};
use serde::{Deserialize, Serialize};

/// A room full of walkers.
#[derive(Serialize, Deserialize)]
pub struct Crowd;

/// Something that moves.
#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Walker {
    /// Where.
    #[replicate(position)]
    pub at: Vec2,
    /// 1/256 turn.
    pub heading: u8,
    /// Rarely changes.
    pub name: String,
}

#[downbeat::game]
impl Game for Crowd {
    const NAME: &'static str = "crowd";
    type Settings = u32;
    type Entity = Walker;
    type Input = Vec2;

    fn open(entities: &u32, room: &mut Room<Self>) -> Result<Self, OpenError> {
        for i in 0..u16::try_from(*entities).unwrap_or(u16::MAX) {
            room.spawn(Walker {
                at: Vec2::new(f32::from(i % 64), f32::from(i / 64)),
                heading: 0,
                name: String::new(),
            });
        }
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let body = room.spawn(Walker {
            at: Vec2::ZERO,
            heading: 0,
            name: player.name.clone(),
        });
        Ok(Seat::Avatar(body))
    }

    fn kind(_: &Vec2) -> InputKind {
        InputKind::Held
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, way: Vec2) {
        if let Some(walker) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
            walker.at += way.clamp_length_max(0.2);
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        let step = if room.tick().number().is_multiple_of(2) {
            0.1
        } else {
            -0.1
        };
        for id in room.entities().map(|(id, _)| id).collect::<Vec<_>>() {
            if let Some(walker) = room.entity_mut(id) {
                walker.at.x += step;
                walker.heading = walker.heading.wrapping_add(1);
            }
        }
    }
}

/// A room of `entities` walkers and `members` players.
///
/// # Panics
/// If the game turns somebody away, which it never does.
pub fn crowd(entities: u32, members: usize) -> (TestRoom<Crowd>, Vec<PlayerId>) {
    let mut room = TestRoom::open(entities);
    let join = |i| {
        room.join(&format!("player-{i}"))
            .expect("everybody is let in")
    };
    let players = (0..members).map(join).collect();
    (room, players)
}
