//! A room and its room tasks' work, done on the caller's thread: for benches.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;

use crate::frame::Frame;
use crate::game::{Game, Player, PlayerId};
use crate::inbox::{Inbox, RoomIn};
use crate::limits::TASK_MEMBERS_MAX;
use crate::link::{Incoming, LinkError, Outgoing};
use crate::port::{Enter, Occupant, RoomPort, Who};
use crate::publish::{self, Wants};
use crate::room::Room;
use crate::seats::Seats;
use crate::sim::Sim;
use crate::testing::alone::Alone;

/// A room whose members are served as room tasks do, over links that take everything and echo at
/// once.
pub struct Gallery<G: Game> {
    sim: Sim<G>,
    inbox: Inbox<G>,
    port: RoomPort<G>,
    tasks: Vec<Seats<G, Drain>>,
    wants: Wants,
    frame: Frame,
    members: u32,
    sent: Arc<Mutex<Sent>>,
}

/// What the members were sent.
#[derive(Debug, Default)]
pub struct Sent {
    /// Messages to all of them.
    pub messages: u64,
    /// Their bytes, without the frames of a WebSocket.
    pub bytes: u64,
    /// The messages to the member that is watched.
    pub watched: Vec<Bytes>,
}

impl<G: Game> Gallery<G> {
    /// An empty room.
    ///
    /// # Panics
    /// If the game refuses to open.
    pub fn open(settings: G::Settings) -> Self {
        let Alone { sim, inbox, port } = Alone::open("gallery", 0, settings);
        Self {
            sim,
            inbox,
            port,
            tasks: Vec::new(),
            wants: Wants::default(),
            frame: Frame::default(),
            members: 0,
            sent: Arc::default(),
        }
    }

    /// Sends somebody in; the answer comes with the next step. The first who is `watched` has
    /// their messages kept.
    pub fn enter(&mut self, watched: bool) -> PlayerId {
        let seated = usize::try_from(self.members).unwrap_or(usize::MAX);
        if seated.is_multiple_of(TASK_MEMBERS_MAX) {
            self.tasks.push(Seats::new(self.port.clone()));
        }
        self.members += 1;
        let id = PlayerId::new(self.members);
        let port = &self.port;
        let enter = Enter {
            who: Who::New(Player {
                id,
                name: format!("m{}", self.members),
                profile: G::Profile::default(),
                user: None,
            }),
            name: format!("m{}", self.members).into(),
            epoch: 1,
            resume: String::new(),
            link: Drain {
                watched,
                sent: Arc::clone(&self.sent),
                ping: None,
                waker: None,
            },
            occupant: Occupant::new(&port.status, port.world.counters(), &Arc::new(())),
        };
        if let Some(task) = self.tasks.last_mut() {
            task.enter(enter, Duration::ZERO);
        }
        id
    }

    /// Asks for something on a member's behalf.
    pub fn input(&self, player: PlayerId, seq: u32, input: G::Input) {
        let entry = RoomIn::Input {
            player,
            epoch: 1,
            seq,
            view_back: 0.0,
            input,
        };
        // A room without space for it has been stepped too seldom.
        let _ = self.port.push(entry);
    }

    /// The tick thread's part: the game's rules, and a frame.
    pub fn step(&mut self) {
        self.port.status.take_wants(&mut self.wants);
        let entered = self.inbox.drain();
        self.sim.step(entered, &self.wants, &mut self.frame);
    }

    /// The same, with `around` called around the encoding of the cells alone; answers how many
    /// entities had changed.
    pub fn step_around(&mut self, around: &mut dyn FnMut(&mut dyn FnMut())) -> usize {
        self.port.status.take_wants(&mut self.wants);
        let entered = self.inbox.drain();
        let wants = &self.wants;
        let mut changed = 0;
        self.sim.step_with(entered, &mut self.frame, |room, frame| {
            publish::begin(room, wants, frame);
            changed = room.cells.stepping();
            around(&mut || publish::encode(room, frame));
            publish::finish(room, frame);
        });
        changed
    }

    /// The room tasks' part: messages for everybody, and one write each.
    pub fn write(&mut self) {
        self.write_at(Duration::ZERO);
    }

    /// The same, at a time of the caller's.
    pub fn write_at(&mut self, now: Duration) {
        let cx = Context::from_waker(Waker::noop());
        for task in &mut self.tasks {
            task.poll_read(&cx, now);
            task.write(&self.frame, now);
        }
    }

    /// What was sent since the last call.
    pub fn take_sent(&self) -> Sent {
        let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *sent)
    }

    /// The room, as the game sees it.
    pub const fn room(&mut self) -> &mut Room<G> {
        &mut self.sim.room
    }
}

/// A link that takes everything and counts it; it answers pings.
struct Drain {
    watched: bool,
    sent: Arc<Mutex<Sent>>,
    ping: Option<Bytes>,
    waker: Option<Waker>,
}

impl Stream for Drain {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.ping.take() {
            Some(payload) => Poll::Ready(Some(Ok(Incoming::Pong(payload)))),
            None => {
                self.waker.get_or_insert_with(|| cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Sink<Outgoing> for Drain {
    type Error = LinkError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        match item {
            Outgoing::Frame(bytes) => {
                let mut sent = self.sent.lock().unwrap_or_else(PoisonError::into_inner);
                sent.messages += 1;
                sent.bytes += bytes.len() as u64;
                if self.watched {
                    sent.watched.push(bytes);
                }
            }
            Outgoing::Ping(payload) => {
                self.ping = Some(payload);
                if let Some(waker) = &self.waker {
                    waker.wake_by_ref();
                }
            }
            Outgoing::Text(_) | Outgoing::Close(_) => {}
        }
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }
}
