//! The rooms of one game by name: opened by the first who wants in, exactly once.
//!
//! In: links with who is behind them. Out: members of room tasks. The list is the one place where
//! a room can begin or vanish, so both happen under its lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc};

use crate::frame::Frame;
use crate::game::{Game, Listing, Player, PlayerId};
use crate::hosted::{Hosted, Stage, Status, Unlist};
use crate::inbox::{InboxSender, inbox};
use crate::limits::{
    NOTICES_MAX, ROOM_NAME_BYTES_MAX, TASK_MEMBERS_MAX, TICK_RATE_HZ_MAX, TICK_RATE_HZ_MIN,
};
use crate::link::Link;
use crate::port::{Enter, Occupant, RoomPort};
use crate::room_task::{RoomTask, TaskIn};
use crate::sim::Start;
use crate::world::WorldHandle;

/// How the rooms of a game are run.
#[derive(Clone, Debug)]
pub struct HostConfig<G: Game> {
    /// What the game is called here, in the welcome and in logs.
    pub name: Arc<str>,
    /// What a room that is opened by a join is opened with.
    pub settings: G::Settings,
    /// Rooms of all games together.
    pub rooms_max: u64,
    /// How long a dropped member may stay away. Units: seconds of game time.
    pub grace_s: u32,
}

impl<G: Game> Default for HostConfig<G> {
    fn default() -> Self {
        Self {
            name: G::NAME.into(),
            settings: G::Settings::default(),
            rooms_max: 10_000,
            grace_s: 0,
        }
    }
}

/// Why nobody can enter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnterError {
    /// The server is on its way out.
    #[error("the server is draining")]
    Draining,
    /// There is no such room, and this client may not open it.
    #[error("no such room")]
    NoSuchRoom,
    /// There are as many rooms as there may be.
    #[error("too many rooms")]
    TooManyRooms,
    /// More are on their way in than the room takes at once.
    #[error("the room is busy")]
    Busy,
}

/// What the list of rooms tells.
#[derive(Clone, Debug)]
pub struct RoomInfo {
    /// The room's name.
    pub name: String,
    /// How many are in it.
    pub members: usize,
    /// Whether it takes nobody new.
    pub locked: bool,
    /// What the game says of it.
    pub listing: Listing,
}

/// Whether a room may be called this: 1–64 letters, digits, `.`, `_`, `-`, not
/// starting with a dot.
pub fn is_room_name(name: &str) -> bool {
    // A leading dot would make a hidden file of a room, or a way out of its folder.
    (1..=ROOM_NAME_BYTES_MAX).contains(&name.len())
        && !name.starts_with('.')
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

/// The directory of one game's rooms.
pub struct Host<G: Game, L: Link> {
    inner: Arc<Inner<G, L>>,
}

impl<G: Game, L: Link> Clone for Host<G, L> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

struct Inner<G: Game, L: Link> {
    world: WorldHandle,
    config: HostConfig<G>,
    rooms: Mutex<BTreeMap<Arc<str>, Entry<G, L>>>,
    draining: AtomicBool,
}

struct Entry<G: Game, L: Link> {
    number: u64,
    status: Arc<Status>,
    inbox: InboxSender<G>,
    /// Weak, so that the room's end is seen by its tasks.
    notices: broadcast::WeakSender<Arc<Frame>>,
    tasks: Vec<TaskEntry<G, L>>,
    next_player: u32,
}

struct TaskEntry<G: Game, L: Link> {
    control: mpsc::Sender<TaskIn<G, L>>,
    /// One clone in each occupant: counts who is there or on the way.
    seats: Arc<()>,
}

impl<G: Game, L: Link> Host<G, L> {
    /// A directory without rooms.
    ///
    /// # Panics
    /// If the settings ask for a tick rate that the engine does not run.
    pub fn new(world: WorldHandle, config: HostConfig<G>) -> Self {
        let rate = G::tick_rate_hz(&config.settings);
        assert!(
            (TICK_RATE_HZ_MIN..=TICK_RATE_HZ_MAX).contains(&rate),
            "a tick rate is {TICK_RATE_HZ_MIN} to {TICK_RATE_HZ_MAX} Hz, {} asks for {rate}",
            config.name
        );
        Self {
            inner: Arc::new(Inner {
                world,
                config,
                rooms: Mutex::new(BTreeMap::new()),
                draining: AtomicBool::new(false),
            }),
        }
    }

    /// Whether somebody could enter now; `may_open` tells whether the room may be opened for it.
    ///
    /// # Errors
    /// Why not.
    pub fn check(&self, room: &str, may_open: bool) -> Result<(), EnterError> {
        self.inner.check(&self.inner.lock(), room, may_open)
    }

    /// Brings a link into a room, which is opened if need be. The game's answer comes over the
    /// link itself: a welcome, or a close.
    ///
    /// Must be called within a tokio runtime: room tasks are spawned on it.
    ///
    /// # Errors
    /// Why not, and the link.
    pub fn enter(
        &self,
        room: &str,
        may_open: bool,
        who: (String, G::Profile),
        link: L,
    ) -> Result<(), (EnterError, L)> {
        let mut rooms = self.inner.lock();
        if let Err(error) = self.inner.check(&rooms, room, may_open) {
            return Err((error, link));
        }
        let entry = match rooms.get_mut(room) {
            Some(entry) => entry,
            None => {
                let name: Arc<str> = room.into();
                let entry = self.open(Arc::clone(&name));
                rooms.entry(name).or_insert(entry)
            }
        };
        let (name, profile) = who;
        let player = Player {
            id: PlayerId::new(entry.next_player),
            name,
            profile,
        };
        let entered = self.seat(room, entry, player, link);
        if entered.is_ok() {
            entry.next_player += 1;
        }
        entered
    }

    /// The rooms, by name.
    pub fn rooms(&self) -> Vec<RoomInfo> {
        let info = |(name, entry): (&Arc<str>, &Entry<G, L>)| {
            let public = entry.status.public.lock();
            let public = public.unwrap_or_else(PoisonError::into_inner).clone();
            RoomInfo {
                name: name.to_string(),
                members: public.members,
                locked: public.locked,
                listing: public.listing,
            }
        };
        self.inner.lock().iter().map(info).collect()
    }

    /// Lets nobody in any more and says 1001 to everybody who is.
    pub async fn drain(&self) {
        self.inner.draining.store(true, Ordering::Release);
        let controls: Vec<_> = self
            .inner
            .lock()
            .values()
            .flat_map(|entry| entry.tasks.iter().map(|task| task.control.clone()))
            .collect();
        for control in controls {
            // An error means that the task has just ended by itself.
            let _ = control.send(TaskIn::Drain).await;
        }
    }

    fn open(&self, name: Arc<str>) -> Entry<G, L> {
        let inner = &self.inner;
        let (sender, receiver) = inbox();
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let status = Arc::new(Status::default());
        let number = inner.world.next_room_number();
        let rate = u32::from(G::tick_rate_hz(&inner.config.settings));
        let entry = Entry {
            number,
            status: Arc::clone(&status),
            inbox: sender,
            notices: notices.downgrade(),
            tasks: Vec::new(),
            next_player: 1,
        };
        let directory = Directory {
            inner: Arc::downgrade(inner),
            name: Arc::clone(&name),
        };
        inner.world.counters().rooms_open.add(1);
        inner.world.open(Box::new(Hosted {
            number,
            start: Start {
                game: Arc::clone(&inner.config.name),
                name,
                world_seed: inner.world.seed(),
                settings: inner.config.settings.clone(),
                grace_ticks: inner.config.grace_s.saturating_mul(rate),
                workshop: inner.world.workshop(),
            },
            stage: Stage::Closed,
            inbox: receiver,
            notices,
            status,
            directory: Box::new(directory),
            counters: Arc::clone(inner.world.counters()),
        }));
        entry
    }

    /// Hands the link to a task with a free slot, or to a new one.
    fn seat(
        &self,
        room: &str,
        entry: &mut Entry<G, L>,
        player: Player<G>,
        link: L,
    ) -> Result<(), (EnterError, L)> {
        let mut coming = (player, link);
        loop {
            entry.tasks.retain(|task| !task.control.is_closed());
            let free = entry
                .tasks
                .iter()
                .find(|task| Arc::strong_count(&task.seats) <= TASK_MEMBERS_MAX);
            let Some(task) = free else {
                let Some(task) = self.start_task(room, entry) else {
                    return Err((EnterError::Busy, coming.1)); // the world has stopped
                };
                entry.tasks.push(task);
                continue;
            };
            let counters = self.inner.world.counters();
            let enter = Enter {
                player: coming.0,
                link: coming.1,
                occupant: Occupant::new(&entry.status, counters, &task.seats),
            };
            coming = match task.control.try_send(TaskIn::Enter(Box::new(enter))) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(TaskIn::Enter(enter))) => {
                    return Err((EnterError::Busy, enter.link));
                }
                // The task has ended in just this moment: the next look finds another.
                Err(TrySendError::Closed(TaskIn::Enter(enter))) => (enter.player, enter.link),
                Err(_) => unreachable!("an enter was sent"),
            };
        }
    }

    fn start_task(&self, room: &str, entry: &Entry<G, L>) -> Option<TaskEntry<G, L>> {
        let notices = entry.notices.upgrade()?;
        let port = RoomPort {
            game: Arc::clone(&self.inner.config.name),
            name: room.into(),
            number: entry.number,
            tick_rate_hz: G::tick_rate_hz(&self.inner.config.settings),
            space: G::space(&self.inner.config.settings),
            inbox: entry.inbox.clone(),
            status: Arc::clone(&entry.status),
            world: self.inner.world.clone(),
        };
        let (control, receiver) = mpsc::channel(TASK_MEMBERS_MAX + 1);
        tokio::spawn(RoomTask::new(port).run(receiver, notices.subscribe()));
        Some(TaskEntry {
            control,
            seats: Arc::new(()),
        })
    }
}

impl<G: Game, L: Link> Inner<G, L> {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Entry<G, L>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check(
        &self,
        rooms: &BTreeMap<Arc<str>, Entry<G, L>>,
        room: &str,
        may_open: bool,
    ) -> Result<(), EnterError> {
        if self.draining.load(Ordering::Acquire) {
            Err(EnterError::Draining)
        } else if rooms.contains_key(room) {
            Ok(())
        } else if !may_open {
            Err(EnterError::NoSuchRoom)
        } else if self.world.counters().rooms_open.value() >= self.config.rooms_max {
            Err(EnterError::TooManyRooms)
        } else {
            Ok(())
        }
    }
}

struct Directory<G: Game, L: Link> {
    inner: Weak<Inner<G, L>>,
    name: Arc<str>,
}

impl<G: Game, L: Link> Directory<G, L> {
    fn remove(&self, number: u64, only_if: impl FnOnce(&Entry<G, L>) -> bool) -> bool {
        let Some(inner) = self.inner.upgrade() else {
            return true;
        };
        let mut rooms = inner.lock();
        let remove = rooms
            .get(&self.name)
            .is_some_and(|entry| entry.number == number && only_if(entry));
        if remove {
            rooms.remove(&self.name);
        }
        remove
    }
}

impl<G: Game, L: Link> Unlist for Directory<G, L> {
    fn unlist_if_empty(&self, number: u64) -> bool {
        self.remove(number, |entry| {
            entry.status.occupants.load(Ordering::Acquire) == 0
        })
    }

    fn unlist(&self, number: u64) {
        self.remove(number, |_| true);
    }
}
