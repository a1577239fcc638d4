//! Gates: open most of the time, shut now and then, and never on somebody.

use downbeat::rand::RngExt as _;
use downbeat::{Room, Tick, Vec2};
use serde::{Deserialize, Serialize};

use super::map::{Map, Tile};
use super::walk::BODY_M;
use super::{Gate, Kind, Meadow};

/// How long a gate stays open, and how long shut: nobody waits for long. Units: ticks.
const OPEN_TICKS: std::ops::RangeInclusive<u32> = 500..=1200;
/// See [`OPEN_TICKS`].
const SHUT_TICKS: std::ops::RangeInclusive<u32> = 160..=320;

/// How long it waits for somebody to go out of the way. Units: ticks.
const BLOCKED_TICKS: u32 = 20;

/// How far from a gate a body must be for it to shut. Units: metres.
const FREE_M: f32 = 0.1;

/// When gates turn, and what lies under them; which of them are open is in the shared state.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Gates {
    under: Vec<Vec<Tile>>,
    turn_at: Vec<Tick>,
}

impl Gates {
    /// All gates are open and will shut some time.
    pub(super) fn new(map: &Map, room: &mut Room<Meadow>) -> Self {
        let gates = room.shared().gates.clone();
        let under = |gate: &Gate| {
            gate.tiles()
                .map(|(column, row)| map.at(column, row))
                .collect()
        };
        let mut soon = || {
            room.tick()
                .after(room.rng().random_range(100..=*OPEN_TICKS.end()))
        };
        Self {
            under: gates.iter().map(under).collect(),
            turn_at: gates.iter().map(|_| soon()).collect(),
        }
    }

    /// Opens and shuts the gates whose time has come, and answers them. Over somebody who stands
    /// in it none is shut.
    pub(super) fn tick(&mut self, map: &mut Map, room: &mut Room<Meadow>) -> Vec<Gate> {
        let now = room.tick();
        let mut turned = Vec::new();
        for number in 0..self.turn_at.len() {
            let (Some(&gate), false) = (
                room.shared().gates.get(number),
                self.turn_at[number].is_newer(now),
            ) else {
                continue;
            };
            if gate.open && is_taken(gate, room) {
                self.turn_at[number] = now.after(BLOCKED_TICKS);
                continue;
            }
            let gate = Gate {
                open: !gate.open,
                ..gate
            };
            for ((column, row), &under) in gate.tiles().zip(&self.under[number]) {
                map.set(column, row, if gate.open { under } else { Tile::Fence });
            }
            room.shared_mut().gates[number] = gate;
            let ticks = if gate.open { OPEN_TICKS } else { SHUT_TICKS };
            self.turn_at[number] = now.after(room.rng().random_range(ticks));
            turned.push(gate);
        }
        turned
    }

    /// Turns a gate at the next tick and leaves all others as they are.
    #[cfg(test)]
    pub(super) fn turn_only(&mut self, number: usize, now: Tick) {
        let never = now.after(1 << 30);
        self.turn_at.iter_mut().for_each(|at| *at = never);
        if let Some(at) = self.turn_at.get_mut(number) {
            *at = now;
        }
    }
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
