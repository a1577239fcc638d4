//! The mailbox of a room: its own channel's and its members' messages, on their way into its inbox.
//!
//! In: messages by the keys of channels. Out: one entry of the inbox for all whom a message is for.
//! It counts what waits for each channel; what messages mean is the room's business.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::game::{Game, Recipient};
use crate::inbox::RoomIn;
use crate::layer::{Delivery, Mailbox, MailboxFull};
use crate::port::RoomPort;

/// How many messages of a channel wait for their room, and whether one was lost.
#[derive(Debug, Default)]
pub(crate) struct Waiting {
    count: AtomicUsize,
    capacity: AtomicUsize,
    /// The room has yet to be told that something was lost.
    owes: AtomicBool,
}

impl Waiting {
    /// A message wants to wait here; answers whether it may.
    fn handle_arrived(&self) -> bool {
        let fits =
            self.count.fetch_add(1, Ordering::AcqRel) < self.capacity.load(Ordering::Relaxed);
        if !fits {
            self.handle_applied();
        }
        fits
    }

    /// A message has been applied.
    pub(crate) fn handle_applied(&self) {
        self.count.fetch_sub(1, Ordering::AcqRel);
    }

    /// The room has been told.
    pub(crate) fn handle_told(&self) {
        self.owes.store(false, Ordering::Release);
    }
}

/// The mailbox of all channels of a room.
pub(super) struct RoomMailbox<G: Game> {
    port: RoomPort<G>,
    shelf: Arc<Mutex<Shelf>>,
}

/// What waits for whom, found by key.
#[derive(Debug, Default)]
struct Shelf {
    places: Vec<Option<Pile>>,
    free: Vec<u32>,
    /// Channels opened so far: with this in its key, none is taken for the one before it.
    opened: u32,
}

#[derive(Clone, Debug)]
struct Pile {
    key: u64,
    to: Recipient,
    waiting: Arc<Waiting>,
}

/// A channel's place in its room's mailbox, for as long as this is kept.
#[derive(Debug)]
pub(super) struct Place {
    shelf: Arc<Mutex<Shelf>>,
    pub(super) key: u64,
    pub(super) waiting: Arc<Waiting>,
}

impl Place {
    /// How many messages may wait here; until this is called, any number.
    pub(super) fn limit(&self, capacity: usize) {
        self.waiting.capacity.store(capacity, Ordering::Relaxed);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.shelf).remove(self.key);
    }
}

/// A key's lower half is an index into the places.
const fn place_of(key: u64) -> usize {
    (key & 0xffff_ffff) as usize
}

impl Shelf {
    fn add(&mut self, to: Recipient, waiting: Arc<Waiting>) -> u64 {
        let at = self.free.pop().unwrap_or_else(|| {
            self.places.push(None);
            u32::try_from(self.places.len() - 1).expect("fewer channels than memory holds")
        });
        self.opened = self.opened.wrapping_add(1);
        let key = u64::from(self.opened) << 32 | u64::from(at);
        self.places[place_of(key)] = Some(Pile { key, to, waiting });
        key
    }

    fn find(&self, key: u64) -> Option<&Pile> {
        let pile = self.places.get(place_of(key))?.as_ref();
        pile.filter(|pile| pile.key == key)
    }

    fn remove(&mut self, key: u64) {
        self.places[place_of(key)] = None;
        self.free.extend(u32::try_from(place_of(key)));
    }
}

fn lock(shelf: &Mutex<Shelf>) -> MutexGuard<'_, Shelf> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<G: Game> RoomMailbox<G> {
    pub(super) fn new(port: RoomPort<G>) -> Self {
        Self {
            port,
            shelf: Arc::default(),
        }
    }

    /// A place for another channel.
    pub(super) fn add(&self, to: Recipient) -> Place {
        let waiting = Arc::<Waiting>::default();
        waiting.capacity.store(usize::MAX, Ordering::Relaxed);
        Place {
            key: lock(&self.shelf).add(to, Arc::clone(&waiting)),
            shelf: Arc::clone(&self.shelf),
            waiting,
        }
    }

    fn find(&self, key: u64) -> Option<Pile> {
        lock(&self.shelf).find(key).cloned()
    }

    /// There is at most one of these for each channel, so it always fits.
    fn owe(&self, key: u64) {
        let pile = self.find(key);
        let pile = pile.filter(|pile| !pile.waiting.owes.swap(true, Ordering::AcqRel));
        if let Some(Pile { to, waiting, .. }) = pile {
            let _ = self.port.push(RoomIn::Missed { to, waiting });
        }
    }
}

impl<G: Game> Mailbox for RoomMailbox<G> {
    fn deliver(&self, key: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        match self.deliver_many(&[key], delivery) {
            0 => Ok(()),
            _ => Err(MailboxFull),
        }
    }

    fn deliver_many(&self, keys: &[u64], delivery: Delivery) -> usize {
        let mut to = Vec::with_capacity(keys.len());
        let mut full = BTreeSet::new();
        let shelf = lock(&self.shelf);
        for &key in keys {
            match shelf.find(key) {
                Some(pile) if pile.waiting.handle_arrived() => to.push(pile.to),
                Some(_) => _ = full.insert(key),
                None => {} // closed in just this moment
            }
        }
        drop(shelf);
        let message = delivery.message;
        if !to.is_empty() && self.port.push(RoomIn::Message { to, message }).is_err() {
            // The room has no space for so many: it is lost for all of them alike.
            for &key in keys {
                if let Some(pile) = self.find(key)
                    && full.insert(key)
                {
                    pile.waiting.handle_applied();
                }
            }
        }
        full.iter().for_each(|&key| self.owe(key));
        full.len()
    }

    fn missed(&self, key: u64) {
        self.owe(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::PlayerId;

    #[test]
    fn a_place_is_used_again_and_an_old_key_finds_nobody() {
        let mut shelf = Shelf::default();
        let room = shelf.add(Recipient::Room, Arc::default());
        let gone = shelf.add(Recipient::Player(PlayerId::new(1)), Arc::default());
        shelf.remove(gone);
        let ada = Recipient::Player(PlayerId::new(2));
        let new = shelf.add(ada, Arc::default());
        let to = |key| shelf.find(key).map(|pile| pile.to);
        assert_eq!(to(room), Some(Recipient::Room));
        assert_eq!((to(gone), to(new)), (None, Some(ada)));
        assert_eq!(shelf.places.len(), 2);
    }
}
