//! The rooms of one game by name: opened by the first who wants in, exactly once.
//!
//! In: links with who is behind them. Out: members of room tasks. The list is the one place where
//! a room can begin or vanish, so both happen under its lock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};

use tokio::sync::mpsc::error::TrySendError;
use tokio::sync::{broadcast, mpsc};

use crate::courier::{Answerer, Courier};
use crate::frame::Frame;
use crate::game::{Game, Listing, Player, PlayerId};
use crate::hosted::{Hosted, Sitting, Stage, Status, Unlist};
use crate::inbox::{Epoch, RoomIn, inbox};
use crate::layer::Layer;
use crate::limits::{
    GRACE_S, NOTICES_MAX, ROOM_NAME_BYTES_MAX, TASK_MEMBERS_MAX, TICK_RATE_HZ_MAX, TICK_RATE_HZ_MIN,
};
use crate::link::Link;
use crate::outside::{Office, Outlet};
use crate::port::{Enter, Occupant, RoomPort, Who};
use crate::room_task::{RoomTask, TaskIn};
use crate::sim::Start;
use crate::user::UserId;
use crate::wire::Close;
use crate::world::WorldHandle;

/// How the rooms of a game are run.
#[derive(Clone)]
pub struct HostConfig<G: Game> {
    /// What the game is called here, in the welcome and in logs.
    pub name: Arc<str>,
    /// What a room that is opened by a join is opened with.
    pub settings: G::Settings,
    /// Rooms of all games together.
    pub rooms_max: u64,
    /// How long a member may stay away whose connection broke and who was given a token to resume
    /// with. Units: seconds of game time.
    pub grace_s: u32,
    /// How its rooms and members talk to others; without one they do not.
    pub layer: Option<Arc<dyn Layer>>,
    /// Who answers its rooms' questions; without one they come back as they are.
    pub answer: Option<Answerer<G>>,
}

impl<G: Game> std::fmt::Debug for HostConfig<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("HostConfig")
            .field("name", &self.name)
            .field("rooms_max", &self.rooms_max)
            .field("grace_s", &self.grace_s)
            .finish_non_exhaustive()
    }
}

impl<G: Game> Default for HostConfig<G> {
    fn default() -> Self {
        Self {
            name: G::NAME.into(),
            settings: G::Settings::default(),
            rooms_max: 10_000,
            grace_s: GRACE_S,
            layer: None,
            answer: None,
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
    /// The session that was to be resumed has ended: its room or its member is gone.
    #[error("the session is over")]
    Gone,
}

/// Who wants in.
pub struct Entrant<G: Game> {
    /// What it is called; at most 24 characters, without control characters.
    pub name: String,
    /// What is known of it.
    pub profile: G::Profile,
    /// Who it is on all devices and in all rooms, if that is known.
    pub user: Option<UserId>,
    /// What the welcome tells it to show if it has to resume; empty if it shall not.
    pub resume: String,
}

impl<G: Game> Entrant<G> {
    /// Somebody of whom nothing but a name is known, and who cannot resume.
    pub fn named(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            profile: G::Profile::default(),
            user: None,
            resume: String::new(),
        }
    }
}

/// A seat that was given: which member, of which room of that name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Seated {
    /// The room's number; a later room of the same name has another.
    pub room: u64,
    /// The member's.
    pub player: PlayerId,
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
    /// Begins with the first room: only then is a runtime there for certain.
    courier: OnceLock<Courier<G>>,
}

struct Entry<G: Game, L: Link> {
    port: RoomPort<G>,
    /// Weak, so that the room's end is seen by its tasks.
    notices: broadcast::WeakSender<Arc<Frame>>,
    tasks: Vec<TaskEntry<G, L>>,
    next_player: u32,
    next_epoch: Epoch,
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
                courier: OnceLock::new(),
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
        entrant: Entrant<G>,
        link: L,
    ) -> Result<Seated, (EnterError, L)> {
        let mut rooms = self.inner.lock();
        if let Err(error) = self.inner.check(&rooms, room, may_open) {
            return Err((error, link));
        }
        let entry = match rooms.get_mut(room) {
            Some(entry) => entry,
            None => {
                let name: Arc<str> = room.into();
                let entry = self.open(&name);
                rooms.entry(name).or_insert(entry)
            }
        };
        let player = PlayerId::new(entry.next_player);
        let name: Arc<str> = entrant.name.as_str().into();
        let who = Who::New(Player {
            id: player,
            name: entrant.name,
            profile: entrant.profile,
            user: entrant.user,
        });
        self.seat(entry, (who, name), entrant.resume, link)?;
        entry.next_player += 1;
        Ok(Seated {
            room: entry.port.number,
            player,
        })
    }

    /// Brings a member back over another link, also while the one before still stands: that one is
    /// told 4001 and not listened to any more. The room's answer comes over the link: a welcome
    /// with what was taken in of the member's inputs and a keyframe, or a close.
    ///
    /// `resume` is what it is to show the next time. Must be called within a tokio runtime.
    ///
    /// # Errors
    /// Why not, and the link.
    pub fn resume(
        &self,
        room: &str,
        seated: Seated,
        resume: String,
        link: L,
    ) -> Result<(), (EnterError, L)> {
        let mut rooms = self.inner.lock();
        if self.inner.draining.load(Ordering::Acquire) {
            return Err((EnterError::Draining, link));
        }
        let Some((entry, name)) = rooms.get_mut(room).and_then(|entry| {
            let name = entry.sitting(seated, |sitting| Arc::clone(&sitting.name))?;
            Some((entry, name))
        }) else {
            return Err((EnterError::Gone, link));
        };
        self.seat(entry, (Who::Back(seated.player), name), resume, link)
    }

    /// Throws a member out, connected or not, also one who is only on the way in. Nothing happens
    /// if it is gone already.
    pub fn close_member(&self, room: &str, seated: Seated, close: Close) {
        let rooms = self.inner.lock();
        let Some(entry) = rooms.get(room) else {
            return;
        };
        // Marked first: who is let in after this looks at the mark, who was before is found.
        let marked = entry.sitting(seated, |sitting| sitting.close = Some(close));
        if marked.is_some() {
            let player = seated.player;
            // It always finds room.
            let _ = entry.port.push(RoomIn::Close { player, close });
        }
    }

    /// Whether a member is there, connected or not, or on the way in.
    pub fn is_member(&self, room: &str, seated: Seated) -> bool {
        let rooms = self.inner.lock();
        rooms
            .get(room)
            .is_some_and(|entry| entry.sitting(seated, |_| ()).is_some())
    }

    /// How long a member may stay away. Units: seconds of game time.
    pub fn grace_s(&self) -> u32 {
        self.inner.config.grace_s
    }

    /// The rooms, by name.
    pub fn rooms(&self) -> Vec<RoomInfo> {
        let info = |(name, entry): (&Arc<str>, &Entry<G, L>)| {
            let public = entry.port.status.public.lock();
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

    /// Lets nobody in any more and says 1001 to everybody who is. The rooms end with their next
    /// step, and all members leave, also those who are away.
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
        for entry in self.inner.lock().values() {
            // It always finds room.
            let _ = entry.port.push(RoomIn::Drain);
        }
    }

    fn open(&self, name: &Arc<str>) -> Entry<G, L> {
        let inner = &self.inner;
        let (sender, receiver) = inbox();
        let (notices, _) = broadcast::channel(NOTICES_MAX);
        let status = Arc::new(Status::default());
        let number = inner.world.next_room_number();
        let rate = u32::from(G::tick_rate_hz(&inner.config.settings));
        let port = RoomPort {
            game: Arc::clone(&inner.config.name),
            name: Arc::clone(name),
            number,
            tick_rate_hz: G::tick_rate_hz(&inner.config.settings),
            space: G::space(&inner.config.settings),
            inbox: sender,
            status: Arc::clone(&status),
            world: inner.world.clone(),
        };
        let entry = Entry {
            port,
            notices: notices.downgrade(),
            tasks: Vec::new(),
            next_player: 1,
            next_epoch: 1,
        };
        let directory = Directory {
            inner: Arc::downgrade(inner),
            name: Arc::clone(name),
        };
        let office = Office {
            layer: inner.config.layer.clone(),
            courier: inner.courier().clone(),
            port: entry.port.clone(),
        };
        inner.world.counters().rooms_open.add(1);
        inner.world.open(Box::new(Hosted {
            number,
            start: Start {
                game: Arc::clone(&inner.config.name),
                name: Arc::clone(name),
                world_seed: inner.world.seed(),
                settings: inner.config.settings.clone(),
                grace_ticks: inner.config.grace_s.saturating_mul(rate),
                workshop: inner.world.workshop(),
                outlet: Outlet::Courier(Box::new(office)),
            },
            stage: Stage::Closed,
            inbox: receiver,
            notices,
            status,
            directory: Box::new(directory),
            counters: Arc::clone(inner.world.counters()),
            empty_since: None,
        }));
        entry
    }

    /// Hands the link to a task with a free slot, or to a new one.
    fn seat(
        &self,
        entry: &mut Entry<G, L>,
        (who, name): (Who<G>, Arc<str>),
        resume: String,
        link: L,
    ) -> Result<(), (EnterError, L)> {
        let player = who.player();
        let is_new = matches!(who, Who::New(_));
        let epoch = entry.next_epoch;
        entry.next_epoch += 1;
        let mut coming = (who, resume, link);
        loop {
            entry.tasks.retain(|task| !task.control.is_closed());
            let free = entry
                .tasks
                .iter()
                .find(|task| Arc::strong_count(&task.seats) <= TASK_MEMBERS_MAX);
            let Some(task) = free else {
                let Some(task) = start_task(entry) else {
                    return Err((EnterError::Busy, coming.2)); // the world has stopped
                };
                entry.tasks.push(task);
                continue;
            };
            let counters = self.inner.world.counters();
            let occupant = Occupant::new(&entry.port.status, counters, &task.seats);
            let enter = Enter {
                who: coming.0,
                name: Arc::clone(&name),
                epoch,
                resume: coming.1,
                link: coming.2,
                occupant: if is_new {
                    occupant.newcomer(player, Arc::clone(&name))
                } else {
                    occupant
                },
            };
            coming = match task.control.try_send(TaskIn::Enter(Box::new(enter))) {
                Ok(()) => return Ok(()),
                Err(TrySendError::Full(TaskIn::Enter(enter))) => {
                    return Err((EnterError::Busy, enter.link));
                }
                // The task has ended in just this moment: the next look finds another.
                Err(TrySendError::Closed(TaskIn::Enter(enter))) => {
                    let enter = *enter;
                    (enter.who, enter.resume, enter.link)
                }
                Err(_) => unreachable!("an enter was sent"),
            };
        }
    }
}

fn start_task<G: Game, L: Link>(entry: &Entry<G, L>) -> Option<TaskEntry<G, L>> {
    let notices = entry.notices.upgrade()?;
    let (control, receiver) = mpsc::channel(TASK_MEMBERS_MAX + 1);
    let task = RoomTask::new(entry.port.clone());
    tokio::spawn(task.run(receiver, notices.subscribe()));
    Some(TaskEntry {
        control,
        seats: Arc::new(()),
    })
}

impl<G: Game, L: Link> Entry<G, L> {
    /// Looks at a member or somebody on the way in, if it is one of this room.
    fn sitting<T>(&self, seated: Seated, look: impl FnOnce(&mut Sitting) -> T) -> Option<T> {
        let mut roster = self.port.status.roster();
        let sitting = roster.get_mut(&seated.player);
        sitting
            .filter(|_| seated.room == self.port.number)
            .map(look)
    }
}

impl<G: Game, L: Link> Inner<G, L> {
    fn courier(&self) -> &Courier<G> {
        self.courier.get_or_init(|| {
            let (layer, answer) = (self.config.layer.clone(), self.config.answer.clone());
            Courier::start(layer, answer, Arc::clone(self.world.counters()))
        })
    }

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
            .is_some_and(|entry| entry.port.number == number && only_if(entry));
        if remove {
            rooms.remove(&self.name);
        }
        remove
    }
}

impl<G: Game, L: Link> Unlist for Directory<G, L> {
    fn unlist_if_empty(&self, number: u64) -> bool {
        self.remove(number, |entry| {
            entry.port.status.occupants.load(Ordering::Acquire) == 0
        })
    }

    fn unlist(&self, number: u64) {
        self.remove(number, |_| true);
    }
}
