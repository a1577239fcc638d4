//! Gates: open most of the time, shut now and then, and never on somebody.

use std::time::Duration;

use downbeat::rand::RngExt as _;
use downbeat::{Room, Vec2};
use serde::{Deserialize, Serialize};

use super::map::{Map, Tile};
use super::walk::BODY_M;
use super::{Gate, Kind, Meadow, Timer};

/// How long a gate stays open, and how long shut: nobody waits for long.
const OPEN_S: std::ops::RangeInclusive<u64> = 25..=60;
/// See [`OPEN_S`].
const SHUT_S: std::ops::RangeInclusive<u64> = 8..=16;

/// How long it waits for somebody to go out of the way.
const BLOCKED: Duration = Duration::from_secs(1);

/// How far from a gate a body must be for it to shut. Units: metres.
const FREE_M: f32 = 0.1;

/// What lies under the gates; which of them are open is in the shared state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gates {
    under: Vec<Vec<Tile>>,
}

impl Gates {
    /// All gates are open and will shut some time.
    pub(super) fn new(map: &Map, room: &mut Room<Meadow>) -> Self {
        let gates = room.shared().gates.clone();
        for gate in 0..gates.len() {
            wait(room, gate, 5..=*OPEN_S.end());
        }
        let under = |gate: &Gate| {
            gate.tiles()
                .map(|(column, row)| map.at(column, row))
                .collect()
        };
        Self {
            under: gates.iter().map(under).collect(),
        }
    }

    /// Opens a gate that is shut, and shuts one that is open, unless somebody stands in it.
    /// Answers the gate if it did.
    pub(super) fn turn(&self, gate: u8, map: &mut Map, room: &mut Room<Meadow>) -> Option<Gate> {
        let number = usize::from(gate);
        let under = self.under.get(number)?;
        let gate = *room.shared().gates.get(number)?;
        if gate.open && is_taken(gate, room) {
            let gate = u8::try_from(number).ok()?;
            room.timer(BLOCKED, Timer::Gate { gate });
            return None;
        }
        let gate = Gate {
            open: !gate.open,
            ..gate
        };
        for ((column, row), &under) in gate.tiles().zip(under) {
            map.set(column, row, if gate.open { under } else { Tile::Fence });
        }
        *room.shared_mut().gates.get_mut(number)? = gate;
        wait(room, number, if gate.open { OPEN_S } else { SHUT_S });
        Some(gate)
    }
}

fn wait(room: &mut Room<Meadow>, gate: usize, seconds: std::ops::RangeInclusive<u64>) {
    let seconds = room.rng().random_range(seconds);
    let gate = u8::try_from(gate).expect("a few gates");
    room.timer(Duration::from_secs(seconds), Timer::Gate { gate });
}

/// Whether somebody's body is in a gate, or nearly.
fn is_taken(gate: Gate, room: &Room<Meadow>) -> bool {
    let half = Vec2::new(f32::from(gate.width), f32::from(gate.height)) / 2.0;
    let middle = Vec2::new(f32::from(gate.x), f32::from(gate.y)) + half;
    let reach = half + Vec2::splat(BODY_M + FREE_M);
    let near = room.near(middle, reach.length()).into_iter();
    near.filter_map(|id| room.entity(id)).any(|entity| {
        let away = (entity.pos - middle).abs();
        entity.kind != Kind::Flower && away.cmplt(reach).all()
    })
}
