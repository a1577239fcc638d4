//! All players of a room: where they arrive, how they walk, what they are told.

use downbeat::rand::RngExt as _;
use downbeat::{EntityId, Room};

use super::map::Tile;
use super::{Entity, Kind, Meadow, overlay, walk};
use crate::heading::heading;

impl Meadow {
    /// Puts a new player somewhere around the middle; the more are there, the wider around.
    pub(super) fn arrive(&self, room: &mut Room<Self>, name: String) -> EntityId {
        let crowd = u16::try_from(self.walkers.len()).unwrap_or(u16::MAX);
        let reach = (f32::from(crowd) / 4.0).sqrt().clamp(7.5, 40.0);
        let middle = self.map.middle();
        let rng = room.rng();
        let pos = self.map.find(rng, (middle, reach), Tile::is_ground);
        let entity = Entity {
            // The middle itself is always free.
            pos: pos.unwrap_or(middle),
            heading: 64,
            kind: Kind::Player,
            name,
            score: 0,
            hue: rng.random(),
        };
        room.spawn(entity)
    }

    /// Moves whoever wants to move, and answers who did.
    pub(super) fn walk(&mut self, room: &mut Room<Self>) -> Vec<EntityId> {
        let dt = room.dt();
        let mut moved = Vec::new();
        for walker in self.walkers.values_mut() {
            let Some(at) = room.entity(walker.body).map(|body| body.pos) else {
                continue;
            };
            let Some(direction) = walker.direction(at, dt, &self.map) else {
                continue;
            };
            let next = walk::walk(at, direction, dt, &self.map);
            if next != at
                && let Some(body) = room.entity_mut(walker.body)
            {
                body.heading = heading(next - at);
                body.pos = next;
                moved.push(walker.body);
            }
        }
        moved
    }

    /// Opens and shuts gates, and lets everybody know who is on the way through one. After the
    /// walking, so that a client walks with the gates that it has seen.
    pub(super) fn turn_gates(&mut self, room: &mut Room<Self>) {
        for gate in self.gates.tick(&mut self.map, room) {
            self.ways.turn(gate);
            for walker in self.walkers.values_mut() {
                if let Some(body) = room.entity(walker.body) {
                    walker.handle_gate(body.pos, gate.open, &self.map);
                }
            }
        }
    }

    /// Tells players which way they walk, and shows the overlay to those who want it.
    pub(super) fn tell(&mut self, room: &mut Room<Self>) {
        for (&player, walker) in &mut self.walkers {
            if std::mem::take(&mut walker.is_news)
                && let Some(private) = room.private_mut(player)
            {
                private.path = walker.told_path();
            }
        }
        let lookers = self.walkers.iter().filter(|(_, walker)| walker.overlay);
        let lookers = lookers.map(|(&player, walker)| (player, walker.body));
        overlay::show(lookers, (&self.animals, &self.ways), room);
    }
}
