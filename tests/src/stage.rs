//! Many members around one engine, in virtual time: links of memory, views on their far ends.

use std::time::Duration;

use downbeat::client::{Applied, View};
use downbeat::testing::{MemoryLink, MemoryPeer, VirtualWorld, memory_link};
use downbeat::wire::Close;
use downbeat::{Entrant, Game, Host, HostConfig, Incoming, Outgoing, WorldConfig};

/// How often a peer reads; once a second it echoes.
const READS_PER_S: u32 = 40;

/// A world with the rooms of one game.
pub struct Stage<G: Game> {
    /// The world; its time passes in `advance`.
    pub world: VirtualWorld,
    /// The rooms.
    pub host: Host<G, MemoryLink>,
}

/// Somebody at the far end of a link.
pub struct Peer<G: Game> {
    /// The raw end.
    pub link: MemoryPeer,
    /// What it sees.
    pub view: View<G>,
    /// The goodbye that it got.
    pub closed: Option<Close>,
    /// Due frames that arrived whole, in order.
    pub ticks: Vec<u32>,
    /// Whether it echoes what it sees.
    pub echoes: bool,
    seq: u32,
    reads: u32,
}

impl<G: Game> Stage<G> {
    /// A new world with default settings.
    pub fn new() -> Self {
        Self::with(HostConfig::default(), &WorldConfig::default())
    }

    /// A new world.
    pub fn with(config: HostConfig<G>, world: &WorldConfig) -> Self {
        let world = VirtualWorld::new(world);
        let host = Host::new(world.handle(), config);
        Self { world, host }
    }

    /// Sends somebody into a room; the answer comes as time passes.
    pub fn enter(&self, room: &str, name: &str) -> Peer<G> {
        self.enter_with(room, name, usize::MAX)
    }

    /// The same over a link that takes `messages` before it blocks.
    ///
    /// # Panics
    /// If the directory turns the link away.
    pub fn enter_with(&self, room: &str, name: &str, messages: usize) -> Peer<G> {
        let (link, peer) = memory_link(messages);
        let entered = self.host.enter(room, true, Entrant::named(name), link);
        assert!(entered.is_ok(), "{name} was turned away from {room}");
        Peer::new(peer)
    }

    /// Lets time pass while all of `peers` read, and echo if they do.
    pub async fn run(&mut self, time: Duration, peers: &mut [&mut Peer<G>]) {
        let step = Duration::from_secs(1) / READS_PER_S;
        let mut left = time;
        while left > Duration::ZERO {
            self.world.advance(step.min(left)).await;
            left = left.saturating_sub(step);
            for peer in &mut *peers {
                peer.read();
            }
        }
    }
}

impl<G: Game> Default for Stage<G> {
    fn default() -> Self {
        Self::new()
    }
}

impl<G: Game> Peer<G> {
    /// Somebody who has seen nothing yet.
    pub fn new(link: MemoryPeer) -> Self {
        Self {
            link,
            view: View::new(),
            closed: None,
            ticks: Vec::new(),
            echoes: true,
            seq: 0,
            reads: 0,
        }
    }

    /// Reads all that has arrived.
    ///
    /// # Panics
    /// If the server sent something that cannot be decoded.
    pub fn read(&mut self) {
        for outgoing in self.link.take() {
            match outgoing {
                Outgoing::Frame(bytes) => match self.view.apply(&bytes) {
                    Ok(Applied::Frame { due: true }) => self.ticks.push(self.view.tick.number()),
                    Ok(_) => {}
                    Err(error) => panic!("{error} in {bytes:02x?}"),
                },
                Outgoing::Ping(payload) if self.echoes => self.link.send(Incoming::Pong(payload)),
                Outgoing::Ping(_) | Outgoing::Text(_) => {}
                Outgoing::Close(close) => self.closed = Some(close),
            }
        }
        self.reads += 1;
        if self.echoes && self.closed.is_none() && self.reads.is_multiple_of(READS_PER_S) {
            self.link.send_bytes(self.view.seen());
        }
    }

    /// Asks for something.
    pub fn input(&mut self, input: G::Input) {
        self.seq += 1;
        self.link.send_bytes(self.view.input(self.seq, input));
    }

    /// The number of the goodbye.
    pub fn close_code(&self) -> Option<u16> {
        self.closed.map(|close| close.code.number())
    }
}
