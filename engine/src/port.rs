//! The way between a room and the task that serves its members: what both sides hold of it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::counters::Counters;
use crate::game::{Game, Player, PlayerId};
use crate::grid::Space;
use crate::hosted::{Sitting, Status};
use crate::inbox::{Epoch, InboxSender, RoomIn};
use crate::limits::{INBOX_INPUTS_MAX, INBOX_INPUTS_PER_MEMBER_MAX};
use crate::world::{LoopIn, WorldHandle};

/// Somebody on the way in.
pub(crate) struct Enter<G: Game, L> {
    pub(crate) who: Who<G>,
    pub(crate) name: Arc<str>,
    /// The number of this connection; those of the same member that are older are over.
    pub(crate) epoch: Epoch,
    /// What the next connection shows to resume; empty where it cannot.
    pub(crate) resume: String,
    pub(crate) link: L,
    pub(crate) occupant: Occupant,
}

/// Who is on the way in.
pub(crate) enum Who<G: Game> {
    New(Player<G>),
    /// A member over a new connection.
    Back(PlayerId),
}

impl<G: Game> Who<G> {
    pub(crate) const fn player(&self) -> PlayerId {
        match self {
            Self::New(player) => player.id,
            Self::Back(player) => *player,
        }
    }
}

/// One who is in a room or on the way in, for as long as this lives, however that ends.
pub(crate) struct Occupant {
    status: Arc<Status>,
    /// A newcomer of whom the room has not heard yet.
    unheard: Option<PlayerId>,
    counters: Arc<Counters>,
    _seat: Arc<()>,
}

impl Occupant {
    pub(crate) fn new(status: &Arc<Status>, counters: &Arc<Counters>, seat: &Arc<()>) -> Self {
        status.occupants.fetch_add(1, Ordering::AcqRel);
        counters.members.add(1);
        Self {
            status: Arc::clone(status),
            unheard: None,
            counters: Arc::clone(counters),
            _seat: Arc::clone(seat),
        }
    }

    /// The same of somebody who is new, and on the list of members from now on.
    pub(crate) fn newcomer(mut self, player: PlayerId, name: Arc<str>) -> Self {
        self.status.roster().insert(player, Sitting::new(name));
        self.unheard = Some(player);
        self
    }

    /// The room has heard of it, and will say when it is gone.
    pub(crate) const fn heard(&mut self) {
        self.unheard = None;
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        if let Some(player) = self.unheard {
            self.status.roster().remove(&player);
        }
        self.status.occupants.fetch_sub(1, Ordering::AcqRel);
        self.counters.members.subtract(1);
    }
}

/// The way from a room task to its room.
pub(crate) struct RoomPort<G: Game> {
    pub(crate) game: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) number: u64,
    pub(crate) tick_rate_hz: u16,
    pub(crate) space: Space,
    pub(crate) inbox: InboxSender<G>,
    pub(crate) status: Arc<Status>,
    pub(crate) world: WorldHandle,
}

impl<G: Game> Clone for RoomPort<G> {
    fn clone(&self) -> Self {
        Self {
            game: Arc::clone(&self.game),
            name: Arc::clone(&self.name),
            number: self.number,
            tick_rate_hz: self.tick_rate_hz,
            space: self.space,
            inbox: self.inbox.clone(),
            status: Arc::clone(&self.status),
            world: self.world.clone(),
        }
    }
}

impl<G: Game> RoomPort<G> {
    /// Hands over, wakes the room if it sleeps, or hands back what does not fit.
    pub(crate) fn push(&self, entry: RoomIn<G>) -> Result<(), RoomIn<G>> {
        let occupants = self.status.occupants.load(Ordering::Relaxed);
        let inputs_max = INBOX_INPUTS_MAX.max(INBOX_INPUTS_PER_MEMBER_MAX * occupants);
        self.inbox.push(entry, inputs_max)?;
        if self.status.asleep.swap(false, Ordering::SeqCst) {
            self.world.send(LoopIn::Wake(self.number));
        }
        Ok(())
    }
}
