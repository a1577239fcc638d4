//! A game that keeps an account of everything that happens to its members, and a stage for it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use downbeat::client::View;
use downbeat::testing::{MemoryLink, MemoryPeer, VirtualWorld, memory_link};
use downbeat::wire::Close;
use downbeat::{
    Answerer, EnterError, Entrant, Game, Host, HostConfig, Incoming, LinkError, OpenError,
    Outgoing, Player, PlayerId, Refusal, Replicate, Room, Seat, Seated, Space, To, Vec2,
    WorldConfig,
};
use serde::{Deserialize, Serialize};

/// Each entry counts, once.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ledger;

/// What everybody sees of a member.
#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
pub(crate) struct Body {
    #[replicate(position)]
    pub(crate) at: Vec2,
    pub(crate) name: String,
}

/// What happened, member by member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub(crate) struct Book {
    pub(crate) entries: Vec<(u32, u32)>,
    pub(crate) happened: Vec<(u32, Happened)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Happened {
    Joined,
    Dropped,
    Resumed,
    Left,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Input {
    Enter(u32),
    Say(String),
    Whisper(u32, String),
    KickMe,
    Kick(u32),
    Close,
    Panic,
    /// So many events at once, to everybody.
    Burst(u32),
}

impl Ledger {
    fn note(room: &mut Room<Self>, player: PlayerId, what: Happened) {
        room.shared_mut().happened.push((player.number(), what));
    }
}

#[downbeat::game]
impl Game for Ledger {
    const NAME: &'static str = "ledger";
    type Entity = Body;
    type Shared = Book;
    type Input = Input;
    type Event = String;
    type Query = u32;
    type Settings = Space;

    fn space(settings: &Space) -> Space {
        *settings
    }

    fn open(_: &Space, _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        Self::note(room, player.id, Happened::Joined);
        let name = player.name.clone();
        let body = room.spawn(Body {
            at: Vec2::ZERO,
            name,
        });
        room.set_owner(body, Some(player.id));
        Ok(Seat::Avatar(body))
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, input: Input) {
        match input {
            Input::Enter(nonce) => room.shared_mut().entries.push((player.number(), nonce)),
            Input::Say(text) => room.emit(&text, To::All),
            Input::Whisper(to, text) => room.emit(&text, To::Player(PlayerId::new(to))),
            Input::KickMe => room.kick(player, "as you wish"),
            Input::Kick(whom) => room.kick(PlayerId::new(whom), "out"),
            Input::Close => room.close(),
            Input::Panic => panic!("as you wish"),
            Input::Burst(events) => {
                (0..events).for_each(|n| room.emit(&format!("{n}"), To::All));
            }
        }
    }

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        Self::note(room, player, Happened::Left);
        room.query(player.number());
        room.despawn_owned(player);
    }

    fn dropped(&mut self, room: &mut Room<Self>, player: PlayerId) {
        Self::note(room, player, Happened::Dropped);
    }

    fn resumed(&mut self, room: &mut Room<Self>, player: PlayerId) {
        Self::note(room, player, Happened::Resumed);
    }
}

/// The rooms, in virtual time.
pub(crate) struct Stage {
    pub(crate) world: VirtualWorld,
    pub(crate) host: Host<Ledger, MemoryLink>,
    /// Of whom the world outside was told that they left.
    left: Arc<Mutex<Vec<u32>>>,
}

pub(crate) const MS: Duration = Duration::from_millis(1);
pub(crate) const S: Duration = Duration::from_secs(1);
/// A tick and what it takes to hear of it.
pub(crate) const TICK: Duration = Duration::from_millis(50);
pub(crate) const GRACE_S: u32 = 10;

impl Stage {
    pub(crate) fn new() -> Self {
        Self::in_space(Space::Whole)
    }

    pub(crate) fn in_space(settings: Space) -> Self {
        let world = VirtualWorld::new(&WorldConfig::default());
        let left = Arc::<Mutex<Vec<u32>>>::default();
        let told = Arc::clone(&left);
        let answer: Answerer<Ledger> = Arc::new(move |player| {
            told.lock().expect("no panic").push(player);
            Box::pin(std::future::ready(player))
        });
        let config = HostConfig {
            settings,
            grace_s: GRACE_S,
            answer: Some(answer),
            ..HostConfig::default()
        };
        let host = Host::new(world.handle(), config);
        Self { world, host, left }
    }

    /// Of whom the world outside was told that they left, in the order of their numbers.
    pub(crate) fn left(&self) -> Vec<u32> {
        let mut left = self.left.lock().expect("no panic").clone();
        left.sort_unstable();
        left
    }

    /// Somebody new in the room `main`.
    pub(crate) fn enter(&self, name: &str) -> Peer {
        self.enter_with(name, format!("{name}-1"))
    }

    pub(crate) fn enter_without_token(&self, name: &str) -> Peer {
        self.enter_with(name, String::new())
    }

    fn enter_with(&self, name: &str, resume: String) -> Peer {
        let (link, peer) = memory_link(usize::MAX);
        let entrant = Entrant {
            resume,
            ..Entrant::named(name)
        };
        let seated = self.host.enter("main", true, entrant, link);
        let seated = seated.map_err(|(error, _)| error).expect("let in");
        Peer::new("main", seated, peer)
    }

    /// The same member over another connection, which has heard nothing yet.
    pub(crate) fn resume(&self, of: &Peer) -> Result<Peer, EnterError> {
        self.resume_with(of, "next")
    }

    pub(crate) fn resume_with(&self, of: &Peer, token: &str) -> Result<Peer, EnterError> {
        let (link, peer) = memory_link(usize::MAX);
        let resumed = self.host.resume(&of.room, of.seated, token.into(), link);
        resumed.map_err(|(error, _)| error)?;
        let mut peer = Peer::new(&of.room, of.seated, peer);
        peer.seq = of.seq;
        peer.unanswered = of.unanswered.clone();
        Ok(peer)
    }

    /// Lets time pass while these read and echo.
    pub(crate) async fn run(&mut self, time: Duration, peers: &mut [&mut Peer]) {
        let mut left = time;
        while left > Duration::ZERO {
            let step = left.min(TICK / 2);
            self.world.advance(step).await;
            left -= step;
            for peer in &mut *peers {
                peer.read();
            }
        }
    }
}

/// Somebody at the far end of a connection.
pub(crate) struct Peer {
    pub(crate) link: MemoryPeer,
    pub(crate) room: String,
    pub(crate) seated: Seated,
    pub(crate) view: View<Ledger>,
    pub(crate) closed: Option<Close>,
    /// Inputs that the server has not answered, by their numbers.
    pub(crate) unanswered: BTreeMap<u32, Input>,
    pub(crate) seq: u32,
    reads: u32,
}

impl Peer {
    fn new(room: &str, seated: Seated, link: MemoryPeer) -> Self {
        Self {
            link,
            room: room.into(),
            seated,
            view: View::new(),
            closed: None,
            unanswered: BTreeMap::new(),
            seq: 0,
            reads: 0,
        }
    }

    /// Reads what has arrived, and does what a client does: says again what was not taken.
    pub(crate) fn read(&mut self) {
        for outgoing in self.link.take() {
            match outgoing {
                Outgoing::Frame(bytes) => {
                    let had = self.view.welcome.is_some();
                    self.view.apply(&bytes).expect("a message");
                    if let Some(welcome) = self.view.welcome.as_ref().filter(|_| !had) {
                        let again: Vec<_> = self.unanswered.range(welcome.taken + 1..).collect();
                        for (&seq, input) in again {
                            let bytes = self.view.input(seq, input.clone());
                            self.link.send_bytes(bytes);
                        }
                    }
                    let ack = self.view.input_ack;
                    self.unanswered.retain(|&seq, _| seq > ack);
                }
                Outgoing::Ping(payload) => self.link.send(Incoming::Pong(payload)),
                Outgoing::Text(_) => {}
                Outgoing::Close(close) => self.closed = Some(close),
            }
        }
        self.reads += 1;
        if self.closed.is_none() && self.reads.is_multiple_of(20) {
            self.link.send_bytes(self.view.seen());
        }
    }

    pub(crate) fn input(&mut self, input: Input) {
        self.seq += 1;
        self.unanswered.insert(self.seq, input.clone());
        self.link.send_bytes(self.view.input(self.seq, input));
    }

    /// The connection breaks.
    pub(crate) fn cut(&self) {
        let broken = std::io::ErrorKind::ConnectionReset.into();
        self.link.fail(LinkError::Lost(broken));
    }

    pub(crate) fn player(&self) -> u32 {
        self.seated.player.number()
    }

    /// The number and the reason of its goodbye.
    pub(crate) fn goodbye(&self) -> Option<(u16, &'static str)> {
        self.closed.map(|close| (close.code.number(), close.reason))
    }

    /// Whether the server has let go of its connection.
    pub(crate) fn is_dropped(&self) -> bool {
        self.link.is_dropped()
    }

    /// What happened to it, as it sees the book.
    pub(crate) fn happened(&self) -> Vec<Happened> {
        self.happened_to(self)
    }

    /// What happened to another, as it sees the book.
    pub(crate) fn happened_to(&self, other: &Self) -> Vec<Happened> {
        let all = self.view.shared.happened.iter();
        all.filter(|(of, _)| *of == other.player())
            .map(|&(_, what)| what)
            .collect()
    }

    /// What it has entered, as it sees the book.
    pub(crate) fn entries(&self) -> Vec<u32> {
        let all = self.view.shared.entries.iter();
        all.filter(|(of, _)| *of == self.player())
            .map(|&(_, nonce)| nonce)
            .collect()
    }
}
