//! Rooms full of members on a real layer, without world, links or clock: for benches.

use std::sync::Arc;

use super::alone::Alone;
use crate::counters::Counters;
use crate::courier::Courier;
use crate::frame::Frame;
use crate::game::{Game, Player, PlayerId};
use crate::inbox::{Inbox, RoomIn};
use crate::layer::Layer;
use crate::outside::{Office, Outlet};
use crate::sim::Sim;

/// Some rooms whose members hear what is sent to their channels.
pub struct Choir<G: Game> {
    rooms: Vec<Voices<G>>,
}

struct Voices<G: Game> {
    sim: Sim<G>,
    inbox: Inbox<G>,
    frame: Frame,
}

impl<G: Game> Choir<G> {
    /// Fills `rooms` rooms with so many members each. Must be called within a tokio runtime.
    ///
    /// # Panics
    /// If a room cannot be opened.
    pub fn new(layer: &Arc<dyn Layer>, rooms: u32, members: u32) -> Self {
        let courier = Courier::start(Some(Arc::clone(layer)), None, Arc::<Counters>::default());
        let open = |number: u32| {
            let name = format!("choir-{number}");
            let outlet = |port: &_| {
                Outlet::Courier(Box::new(Office {
                    layer: Some(Arc::clone(layer)),
                    courier: courier.clone(),
                    port: Clone::clone(port),
                }))
            };
            let Alone { sim, inbox, .. } =
                Alone::open_with(&name, 0, G::Settings::default(), outlet);
            let frame = Frame::default();
            let mut voices = Voices { sim, inbox, frame };
            let join = |id| RoomIn::Join {
                player: Player {
                    id: PlayerId::new(id),
                    name: String::new(),
                    profile: G::Profile::default(),
                    user: None,
                },
                epoch: id,
            };
            let joins: Vec<_> = (1..=members).map(join).collect();
            voices.sim.step_with(joins, &mut voices.frame, |_, _| {});
            voices
        };
        Self {
            rooms: (0..rooms).map(open).collect(),
        }
    }

    /// The channels of all members.
    pub fn channels(&self) -> Vec<String> {
        let rooms = self.rooms.iter().map(|voices| &voices.sim.room);
        let channels = rooms.flat_map(|room| {
            let channel = |player: &Player<G>| room.channel(player.id);
            room.members().filter_map(channel).map(str::to_owned)
        });
        channels.collect()
    }

    /// One step of each room, of which nothing is published.
    pub fn step(&mut self) {
        for Voices { sim, inbox, frame } in &mut self.rooms {
            sim.step_with(inbox.drain(), frame, |_, _| {});
        }
    }
}
