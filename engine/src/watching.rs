//! Whom a room sees present in a group: a list that is made good whenever events may be missing.
//!
//! Events that come while the list is asked for wait, and are told after it: whatever of them the
//! list has already changes nothing when it is told again.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::courier::Courier;
use crate::game::Game;
use crate::inbox::RoomIn;
use crate::layer::{Layer, PresenceEvent, Present};
use crate::limits::{PRESENCE_EVENTS_MAX, RELIST_AFTER, RELIST_AFTER_ERROR};
use crate::port::RoomPort;

/// What a room is told of a group's presence.
#[derive(Debug)]
pub(crate) enum PresenceNews {
    Event(PresenceEvent),
    /// All who are there.
    List(BTreeSet<Present>),
}

/// The way of one group's events into one room.
pub(crate) struct Feed<G: Game> {
    group: Arc<str>,
    port: RoomPort<G>,
    courier: Courier<G>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    listing: bool,
    /// Something was lost since the list was asked for.
    again: bool,
    waiting: Vec<PresenceEvent>,
}

impl<G: Game> Feed<G> {
    pub(crate) fn new(group: Arc<str>, port: RoomPort<G>, courier: Courier<G>) -> Arc<Self> {
        Arc::new(Self {
            group,
            port,
            courier,
            state: Mutex::default(),
        })
    }

    /// Something happened in the group.
    pub(crate) fn handle(self: &Arc<Self>, event: &PresenceEvent) {
        let mut state = self.lock();
        if *event == PresenceEvent::Missed {
            return self.ask(&mut state);
        }
        if !state.listing {
            if self.push(PresenceNews::Event(event.clone())).is_err() {
                self.ask(&mut state);
            }
        } else if state.waiting.len() < PRESENCE_EVENTS_MAX {
            state.waiting.push(event.clone());
        } else {
            state.again = true;
        }
    }

    /// Asks for the list.
    pub(crate) fn begin(self: &Arc<Self>) {
        self.ask(&mut self.lock());
    }

    fn ask(self: &Arc<Self>, state: &mut State) {
        if state.listing {
            state.again = true;
        } else {
            state.listing = true;
            self.courier.list(Arc::clone(self));
        }
    }

    /// Gets the list, again and again until it is there and nothing was lost over it, or nobody
    /// watches any more.
    pub(crate) async fn list(self: Arc<Self>, layer: Arc<dyn Layer>) {
        loop {
            let list = layer.present(&self.group).await.ok();
            let pause = match &list {
                Some(_) => RELIST_AFTER,
                None => RELIST_AFTER_ERROR,
            };
            if self.tell(list) || Arc::strong_count(&self) == 1 {
                return;
            }
            tokio::time::sleep(pause).await;
        }
    }

    /// Tells the list and what came since; answers whether that is all.
    fn tell(&self, list: Option<BTreeSet<Present>>) -> bool {
        let mut state = self.lock();
        let is_listed = list.is_some();
        let mut news: Vec<_> = list.map(PresenceNews::List).into_iter().collect();
        news.extend(state.waiting.drain(..).map(PresenceNews::Event));
        let told = news.into_iter().all(|news| self.push(news).is_ok());
        state.listing = !is_listed || !told || std::mem::take(&mut state.again);
        !state.listing
    }

    fn push(&self, news: PresenceNews) -> Result<(), RoomIn<G>> {
        let group = Arc::clone(&self.group);
        self.port.push(RoomIn::Presence { group, news })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
