//! A room as the tick loop sees it: a game of some type behind one small trait.
//!
//! Here, and only here, the type of the game is erased.

use std::any::Any;
use std::collections::{BTreeMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast;

use crate::counters::Counters;
use crate::frame::Frame;
use crate::game::{Game, Listing, PlayerId, Refusal};
use crate::inbox::Inbox;
use crate::panics;
use crate::publish::{Want, Wants};
use crate::sim::{Sim, Start};
use crate::tick::Tick;
use crate::wire::{Close, CloseCode};

/// What the loop does with a room after a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    Tick,
    Sleep,
    End,
}

/// A room of any game.
pub(crate) trait AnyRoom: Send {
    fn number(&self) -> u64;
    fn tick_rate_hz(&self) -> u16;
    /// Opens the game, once; may take long, so a world has a thread for it.
    fn open(&mut self);
    fn step(&mut self) -> Next;
    /// Since when nobody has been in it; asked of a room that sleeps.
    fn empty_since(&mut self, now: Duration) -> Duration;
    /// Closes the room if nobody is in it or on the way into it.
    fn close_if_empty(&mut self) -> bool;
    /// Drops the room, whatever its game does when it is dropped.
    fn discard(self: Box<Self>);
}

/// What a room shares with its tasks and its directory.
#[derive(Debug, Default)]
pub(crate) struct Status {
    /// Set by the loop when the room goes to sleep; whoever clears it must wake the room.
    pub(crate) asleep: AtomicBool,
    /// What room tasks ask of the next whole beat.
    wants: Mutex<Wants>,
    /// Sessions seated, or on their way in or out.
    pub(crate) occupants: AtomicUsize,
    pub(crate) public: Mutex<Public>,
    /// Members, and those who are on their way in.
    roster: Mutex<BTreeMap<PlayerId, Sitting>>,
}

/// What is known of a member outside its room.
#[derive(Debug)]
pub(crate) struct Sitting {
    pub(crate) name: Arc<str>,
    /// It has to go, whatever it is doing.
    pub(crate) close: Option<Close>,
}

impl Sitting {
    pub(crate) const fn new(name: Arc<str>) -> Self {
        Self { name, close: None }
    }
}

impl Status {
    pub(crate) fn roster(&self) -> MutexGuard<'_, BTreeMap<PlayerId, Sitting>> {
        self.roster.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for something on a member's behalf, and says how rarely it is sent what.
    pub(crate) fn want(&self, player: PlayerId, want: Option<Want>, rate: u8) {
        let mut wants = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        wants.members.extend(want.map(|want| (player, want)));
        wants.rates |= 1 << rate;
    }

    /// Takes what was asked for, and leaves an empty list in its place.
    pub(crate) fn take_wants(&self, into: &mut Wants) {
        into.members.clear();
        into.rates = 0;
        let mut wants = self.wants.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::swap(&mut *wants, into);
    }
}

/// What the list of rooms shows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Public {
    pub(crate) members: usize,
    pub(crate) locked: bool,
    pub(crate) listing: Listing,
}

/// Takes an ended room off its directory's list.
pub(crate) trait Unlist: Send {
    /// Takes it off only if nobody is in it or on the way; answers whether it did.
    fn unlist_if_empty(&self, number: u64) -> bool;
    fn unlist(&self, number: u64);
}

/// How far a room has come.
pub(crate) enum Stage<G: Game> {
    Closed,
    Open(Box<Open<G>>),
    /// It could not be opened.
    Broken(Close),
}

/// An open room, and what its steps use again and again.
pub(crate) struct Open<G: Game> {
    sim: Sim<G>,
    wants: Wants,
    /// The last frames, oldest first; those that all tasks are done with are filled again.
    frames: VecDeque<Arc<Frame>>,
}

/// Frames that are kept to be filled again: tasks are seldom further behind.
const FRAMES_KEPT: usize = 4;

impl<G: Game> Open<G> {
    fn new(sim: Sim<G>) -> Self {
        Self {
            sim,
            wants: Wants::default(),
            frames: VecDeque::new(),
        }
    }

    fn step(&mut self, status: &Status, inbox: &Inbox<G>) -> Arc<Frame> {
        status.take_wants(&mut self.wants);
        let is_kept_long = self.frames.len() >= FRAMES_KEPT;
        let oldest = is_kept_long.then(|| self.frames.pop_front()).flatten();
        let spare = oldest.filter(|frame| Arc::strong_count(frame) == 1);
        let mut frame = spare.unwrap_or_default();
        let fresh = Arc::get_mut(&mut frame).expect("nobody else holds a spare frame");
        self.sim.step(inbox.drain(), &self.wants, fresh);
        self.frames.push_back(Arc::clone(&frame));
        frame
    }
}

pub(crate) struct Hosted<G: Game> {
    pub(crate) number: u64,
    pub(crate) start: Start<G>,
    pub(crate) stage: Stage<G>,
    pub(crate) inbox: Inbox<G>,
    pub(crate) notices: broadcast::Sender<Arc<Frame>>,
    pub(crate) status: Arc<Status>,
    pub(crate) directory: Box<dyn Unlist>,
    pub(crate) counters: Arc<Counters>,
    /// When it fell asleep for the first time since somebody was there: what it hears from the
    /// layer wakes it, but is no reason to keep it.
    pub(crate) empty_since: Option<Duration>,
}

impl<G: Game> AnyRoom for Hosted<G> {
    fn number(&self) -> u64 {
        self.number
    }

    fn tick_rate_hz(&self) -> u16 {
        G::tick_rate_hz(&self.start.settings)
    }

    fn open(&mut self) {
        if !matches!(self.stage, Stage::Closed) {
            return;
        }
        let opened = {
            let _in_room = panics::in_room(&self.start.game, &self.start.name);
            catch_unwind(AssertUnwindSafe(|| Sim::open(&self.start)))
        };
        let (game, room) = (&*self.start.game, &*self.start.name);
        self.stage = match opened {
            Ok(Ok(sim)) => {
                tracing::info!(game, room, "room opened");
                Stage::Open(Box::new(Open::new(sim)))
            }
            Ok(Err(error)) => {
                tracing::error!(game, room, %error, "room could not be opened");
                let reason = Refusal::NOT_OPENED.reason();
                Stage::Broken(Close::with_reason(CloseCode::Refused, reason))
            }
            Err(payload) => {
                self.count_failure(payload);
                Stage::Broken(CloseCode::RoomFailed.into())
            }
        };
    }

    fn step(&mut self) -> Next {
        self.open();
        let frame = {
            let _in_room = panics::in_room(&self.start.game, &self.start.name);
            catch_unwind(AssertUnwindSafe(|| self.step_game()))
        };
        match frame {
            Ok(frame) if frame.end.is_none() => {
                self.show();
                // An error means that no task listens right now.
                let _ = self.notices.send(frame);
                self.sleep_if_empty()
            }
            Ok(frame) => self.end(frame),
            Err(payload) => self.fail(payload),
        }
    }

    fn empty_since(&mut self, now: Duration) -> Duration {
        *self.empty_since.get_or_insert(now)
    }

    fn close_if_empty(&mut self) -> bool {
        let closed = self.directory.unlist_if_empty(self.number);
        if closed {
            tracing::info!(
                game = &*self.start.game,
                room = &*self.start.name,
                "room closed, nobody came"
            );
        }
        closed
    }

    fn discard(self: Box<Self>) {
        let (game, name) = (Arc::clone(&self.start.game), Arc::clone(&self.start.name));
        let _in_room = panics::in_room(&game, &name);
        if panics::drop_caught(self) {
            tracing::error!(game = &*game, room = &*name, "game panicked when dropped");
        }
    }
}

impl<G: Game> Hosted<G> {
    fn step_game(&mut self) -> Arc<Frame> {
        match &mut self.stage {
            Stage::Open(open) => open.step(&self.status, &self.inbox),
            Stage::Broken(close) => last_frame(Tick::ZERO, *close),
            Stage::Closed => unreachable!("a room is opened before its first step"),
        }
    }

    fn fail(&mut self, payload: Box<dyn Any + Send>) -> Next {
        self.count_failure(payload);
        let tick = match &self.stage {
            Stage::Open(open) => open.sim.room.tick,
            Stage::Closed | Stage::Broken(_) => Tick::ZERO,
        };
        self.end(last_frame(tick, CloseCode::RoomFailed.into()))
    }

    fn count_failure(&self, payload: Box<dyn Any + Send>) {
        let message = panics::message(&*payload);
        tracing::error!(
            game = &*self.start.game,
            room = &*self.start.name,
            message,
            "game panicked, its room is closed"
        );
        self.counters.rooms_failed.add(1);
        panics::drop_caught(payload);
    }

    /// Off the list first: whoever comes now opens a new room of that name.
    fn end(&mut self, frame: Arc<Frame>) -> Next {
        self.directory.unlist(self.number);
        let _ = self.notices.send(frame);
        Next::End
    }

    fn show(&self) {
        let Stage::Open(open) = &self.stage else {
            return;
        };
        let sim = &open.sim;
        if !sim.departed.is_empty() {
            let mut roster = self.status.roster();
            sim.departed
                .iter()
                .for_each(|gone| drop(roster.remove(gone)));
        }
        let mut public = self
            .status
            .public
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        public.members = sim.room.members.len();
        public.locked = sim.room.locked;
        if public.listing != sim.room.listing {
            public.listing = sim.room.listing.clone();
        }
    }

    /// The flag goes up before the last look into the inbox, and a task pushes before it looks at
    /// the flag: one of the two sees the other.
    fn sleep_if_empty(&mut self) -> Next {
        let empty = matches!(&self.stage, Stage::Open(open) if open.sim.room.members.is_empty());
        if !empty || self.status.occupants.load(Ordering::Acquire) > 0 {
            self.empty_since = None;
        }
        if !empty || !self.inbox.is_empty() {
            return Next::Tick;
        }
        self.status.asleep.store(true, Ordering::SeqCst);
        if !self.inbox.is_empty() && self.status.asleep.swap(false, Ordering::SeqCst) {
            return Next::Tick;
        }
        Next::Sleep
    }
}

fn last_frame(tick: Tick, close: Close) -> Arc<Frame> {
    let mut frame = Frame::default();
    frame.tick = tick;
    frame.end = Some(close);
    Arc::new(frame)
}
