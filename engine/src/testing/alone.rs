//! A room by itself, without a world: for those who play its loop and its tasks.

use std::sync::Arc;

use crate::game::Game;
use crate::inbox::{Inbox, inbox};
use crate::jobs::Workshop;
use crate::outside::Outlet;
use crate::port::RoomPort;
use crate::sim::{Sim, Start};
use crate::world::WorldHandle;

/// What the tick loop has of a room, and what its tasks have.
pub(crate) struct Alone<G: Game> {
    pub(crate) sim: Sim<G>,
    pub(crate) inbox: Inbox<G>,
    pub(crate) port: RoomPort<G>,
}

impl<G: Game> Alone<G> {
    /// Opens a room of this name; a dropped member leaves at once.
    pub(crate) fn open(name: &str, world_seed: u64, settings: G::Settings) -> Self {
        Self::open_with(name, world_seed, settings, |_| Outlet::None)
    }

    /// The same, with a way to the outside.
    pub(crate) fn open_with(
        name: &str,
        world_seed: u64,
        settings: G::Settings,
        outlet: impl FnOnce(&RoomPort<G>) -> Outlet<G>,
    ) -> Self {
        let (sender, inbox) = inbox();
        let port = RoomPort {
            game: G::NAME.into(),
            name: name.into(),
            number: 1,
            tick_rate_hz: G::tick_rate_hz(&settings),
            space: G::space(&settings),
            inbox: sender,
            status: Arc::default(),
            world: WorldHandle::new(0).0,
        };
        let start = Start {
            game: G::NAME.into(),
            name: name.into(),
            world_seed,
            settings,
            grace_ticks: 0,
            workshop: Workshop::default(),
            outlet: outlet(&port),
        };
        let sim = Sim::open(&start).expect("the room opens");
        Self { sim, inbox, port }
    }
}
