//! Secrecy: two worlds that differ only in what a member may not see say the same to it, byte for
//! byte and tick by tick.
//!
//! Both worlds run the same public script; each runs a secret script of its own besides, put
//! between the public actions. A failure names its seed; `SECRECY_SEEDS=7..8 cargo nextest run -p
//! downbeat secrecy` runs that one again.

use std::ops::Range;
use std::task::Waker;

use bytes::Bytes;
use glam::Vec2;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::*;
use crate::codec::encode;
use crate::entities::{EntityId, Visible};
use crate::frame::Frame;
use crate::game::{Look, OpenError, Player, PlayerId, Refusal, Seat, Team, To};
use crate::grid::{Space, units};
use crate::inbox::Inbox;
use crate::link::{Incoming, Outgoing};
use crate::link_memory::{MemoryLink, MemoryPeer, memory_link};
use crate::port::{Occupant, Who};
use crate::publish::Wants;
use crate::rng::{Rng, seeded};
use crate::room::Room;
use crate::sim::Sim;
use crate::testing::alone::Alone;
use crate::wire::ClientMessage;

const STEP: Duration = Duration::from_millis(50);
const TICKS: u32 = 200;
const CELL_M: f32 = 8.0;
const WORLD_M: f32 = 40.0;

/// The member whose messages are compared.
const X: PlayerId = PlayerId::new(1);
/// One of its team; the others are strangers.
const MATE: PlayerId = PlayerId::new(2);
const STRANGERS: [PlayerId; 3] = [PlayerId::new(3), PlayerId::new(4), PlayerId::new(5)];

/// The teams that X is ever in, and those that it never is in.
const OURS: [Option<Team>; 3] = [Some(Team(0)), Some(Team(2)), None];
const THEIRS: [Option<Team>; 3] = [Some(Team(1)), Some(Team(3)), None];

#[derive(Serialize, Deserialize)]
struct Veil;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Thing {
    #[replicate(position)]
    at: Vec2,
    #[replicate(heading)]
    heading: u8,
    name: String,
    #[replicate(range = -1.0..=1.0, step = 0.25)]
    mood: f32,
    #[replicate(team)]
    plan: u32,
    #[replicate(team, range = 0.0..=8.0, step = 0.5)]
    fuel: f32,
    #[replicate(private)]
    hand: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Board {
    score: u32,
}

#[crate::game]
impl Game for Veil {
    const NAME: &'static str = "veil";
    type Settings = u64;
    type Entity = Thing;
    type Shared = Board;
    type Private = Board;
    type Event = u32;
    type Input = u8;

    fn space(seed: &u64) -> Space {
        match seed % 4 {
            0 => Space::Whole,
            1 => Space::Grid {
                cell_m: CELL_M,
                near: 0,
                mid: 2,
                far: 2,
            },
            _ => Space::grid(CELL_M),
        }
    }

    fn open(_: &u64, _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let team = if STRANGERS.contains(&player.id) {
            Some(Team(1))
        } else {
            OURS[0]
        };
        room.set_team(player.id, team);
        let at = Vec2::new(room.rng().random(), room.rng().random()) * WORLD_M;
        Ok(Seat::Avatar(room.spawn(thing(at, 0))))
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, by: u8) {
        if let Some(state) = room.private_mut(player) {
            state.score += u32::from(by);
        }
    }
}

fn thing(at: Vec2, serial: u32) -> Thing {
    Thing {
        at,
        heading: 7,
        name: "n".repeat(serial as usize % 9),
        mood: 0.1,
        plan: serial,
        fuel: 2.0,
        hand: Vec::new(),
    }
}

fn somewhere(rng: &mut Rng) -> Vec2 {
    let mut side = || rng.random_range(-WORLD_M..WORLD_M);
    Vec2::new(side(), side())
}

fn one_of<T: Copy>(rng: &mut Rng, among: &[T]) -> Option<T> {
    let len = among.len();
    (len > 0).then(|| among[rng.random_range(0..len)])
}

/// A member that takes all it is sent, and echoes it.
struct Peer {
    id: PlayerId,
    link: MemoryPeer,
    stalled: u32,
    seq: u32,
    seen: u32,
}

impl Peer {
    fn say(&mut self, message: &ClientMessage<u8>) {
        self.link.send_bytes(encode(message));
    }

    fn input(&mut self, by: u8) {
        self.seq += 1;
        let (seq, seen) = (self.seq, Tick::new(self.seen));
        self.say(&ClientMessage::Input {
            seq,
            seen,
            behind: 0,
            input: by,
        });
    }
}

/// What a world came to.
#[derive(Default)]
struct Outcome {
    /// What X was sent, and in which tick.
    told: Vec<(u32, Bytes)>,
    /// Bytes to all others.
    others: usize,
    /// Entities around X that it did not see, summed over the ticks.
    unseen: usize,
}

struct World {
    sim: Sim<Veil>,
    inbox: Inbox<Veil>,
    seats: Seats<Veil, MemoryLink>,
    peers: Vec<Peer>,
    /// What the public script knows of, in the order in which it came.
    things: Vec<EntityId>,
    /// What only the secret script knows of.
    secrets: Vec<EntityId>,
    now: Duration,
    outcome: Outcome,
}

impl World {
    fn new(seed: u64) -> Self {
        let Alone { sim, inbox, port } = Alone::open("main", seed, seed);
        Self {
            sim,
            inbox,
            seats: Seats::new(port),
            peers: Vec::new(),
            things: Vec::new(),
            secrets: Vec::new(),
            now: Duration::ZERO,
            outcome: Outcome::default(),
        }
    }

    fn enter(&mut self, id: PlayerId, messages: usize) {
        let (link, peer) = memory_link(messages);
        let port = &self.seats.port;
        let occupant = Occupant::new(&port.status, port.world.counters(), &Arc::new(()));
        let name = "p".into();
        let player = Player {
            id,
            name,
            profile: (),
            user: None,
        };
        let enter = Enter {
            who: Who::New(player),
            name: "p".into(),
            epoch: 1,
            resume: String::new(),
            link,
            occupant,
        };
        self.seats.enter(enter, self.now);
        self.peers.push(Peer {
            id,
            link: peer,
            stalled: 0,
            seq: 0,
            seen: 0,
        });
    }

    fn peer(&mut self, id: PlayerId) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.id == id)
    }

    /// Whether X sees nothing at all of an entity, in whatever of its teams it is.
    fn is_veiled(&self, id: EntityId) -> bool {
        let room = &self.sim.room;
        self.is_foreign(id) && room.entities.visible(id) != Some(Visible::All)
    }

    /// Whether X never sees more of it than everybody.
    fn is_foreign(&self, id: EntityId) -> bool {
        let room = &self.sim.room;
        room.owner(id) != Some(X)
            && room.avatar(X) != Some(id)
            && !OURS[..2].contains(&room.entity_team(id))
    }

    /// Something that everybody may know of.
    fn act_publicly(&mut self, rng: &mut Rng) {
        match rng.random_range(0..100) {
            what @ 0..44 => self.happen_to_things(what, rng),
            what => self.happen_to_members(what, rng),
        }
    }

    fn happen_to_things(&mut self, what: u32, rng: &mut Rng) {
        let (at, serial) = (somewhere(rng), rng.random_range(0..9));
        let chosen = one_of(rng, &self.things);
        match what {
            0..14 => {
                let id = self.sim.room.spawn(thing(at, serial));
                self.things.push(id);
            }
            14..22 if self.things.len() > 20 => {
                let id = chosen.expect("some");
                self.things.retain(|&other| other != id);
                // What is veiled may go on without the public script.
                if self.is_veiled(id) {
                    self.secrets.push(id);
                } else {
                    self.sim.room.despawn(id);
                }
            }
            22..34 => {
                let (visible, owner) = (rng.random_range(0..3), rng.random_range(0..6));
                let team = rng.random_range(0..6);
                if let Some(id) = chosen {
                    let all = [&OURS[..], &THEIRS[..]].concat();
                    let owners = [None, Some(X), Some(MATE), None, None, Some(STRANGERS[0])];
                    self.settle(id, visible, owners[owner], all[team], thing(at, serial));
                }
            }
            34..44 => {
                if let Some(id) = chosen.filter(|&id| !self.is_veiled(id)) {
                    let plainly = self.is_foreign(id);
                    let thing = self.sim.room.entity_mut(id).expect("alive");
                    thing.at = if serial == 0 { at } else { thing.at };
                    thing.name = "x".repeat(serial as usize);
                    if !plainly {
                        thing.plan += serial;
                        thing.fuel = 1.0;
                        thing.hand.push(9);
                    }
                }
            }
            _ => {}
        }
    }

    fn happen_to_members(&mut self, what: u32, rng: &mut Rng) {
        let (at, serial) = (somewhere(rng), rng.random_range(0..9));
        match what {
            44..48 => self.sim.room.shared_mut().score += 1,
            48..54 => {
                let to = [To::All, To::Player(X), To::Team(Team(0)), To::Player(MATE)];
                let to = to[serial as usize % 4].clone();
                self.sim.room.emit(&serial, to);
            }
            54..58 => {
                let next = u32::try_from(self.peers.len()).expect("few") + 1;
                if next <= 5 {
                    // Others are never slow: the room serves the rates of all who are, and X may use
                    // one that another asked for.
                    self.enter(PlayerId::new(next), 1 << 20);
                }
            }
            58 => {
                let ticks = rng.random_range(1..12);
                if let Some(x) = self.peer(X) {
                    x.stalled = ticks;
                }
            }
            62..64 => self.sim.room.look(X, Look::At(at)),
            66 => self.sim.room.set_team(X, OURS[serial as usize % 3]),
            68..71 => self.hide_the_observer(serial),
            71..80 => {
                if let Some(x) = self.peer(X).filter(|x| x.seen > 0) {
                    x.input(1);
                }
            }
            _ => {}
        }
    }

    /// Says anew all that there is to say of an entity, whatever it was before.
    fn settle(
        &mut self,
        id: EntityId,
        visible: u8,
        owner: Option<PlayerId>,
        team: Option<Team>,
        entity: Thing,
    ) {
        let room = &mut self.sim.room;
        *room.entity_mut(id).expect("alive") = entity;
        room.set_owner(id, owner);
        room.set_entity_team(id, team);
        let visible = [Visible::All, Visible::Team, Visible::Owner][usize::from(visible)];
        room.hide(id, visible);
    }

    /// X's own body is shown to strangers alone for a while.
    fn hide_the_observer(&mut self, serial: u32) {
        let room = &mut self.sim.room;
        let Some(id) = room.avatar(X) else {
            return;
        };
        if serial.is_multiple_of(3) {
            room.hide(id, Visible::Team);
            room.set_entity_team(id, Some(Team(1)));
        } else {
            room.hide(id, Visible::All);
            let team = room.team(X);
            room.set_entity_team(id, team);
        }
    }

    /// Something that X must not learn of.
    fn act_secretly(&mut self, rng: &mut Rng) {
        match rng.random_range(0..100) {
            what @ 0..80 => self.happen_to_secrets(what, rng),
            98 => self.crowd_secretly(rng),
            what => self.happen_to_strangers(what, rng),
        }
    }

    fn happen_to_secrets(&mut self, what: u32, rng: &mut Rng) {
        let (at, serial) = (somewhere(rng), rng.random_range(0..9));
        let secret = one_of(rng, &self.secrets);
        let known = one_of(rng, &self.things);
        let team = THEIRS[rng.random_range(0..3)];
        let owner = [None, Some(STRANGERS[0]), Some(STRANGERS[1])][rng.random_range(0..3)];
        match what {
            0..24 => self.spawn_secretly(at, serial, team, owner),
            24..34 => {
                if let Some(id) = secret {
                    self.secrets.retain(|&other| other != id);
                    self.sim.room.despawn(id);
                }
            }
            34..58 => {
                let veiled = known.filter(|&id| self.is_veiled(id));
                if let Some(id) = secret.filter(|_| serial > 3).or(veiled) {
                    let room = &mut self.sim.room;
                    *room.entity_mut(id).expect("alive") = thing(at, serial);
                    match serial % 3 {
                        0 => room.set_entity_team(id, team),
                        1 => room.set_owner(id, owner),
                        _ => {}
                    }
                    let hidden = [Visible::Team, Visible::Owner][serial as usize % 2];
                    room.hide(id, hidden);
                }
            }
            58..80 => {
                if let Some(id) = known.filter(|&id| self.is_foreign(id)) {
                    let room = &mut self.sim.room;
                    let thing = room.entity_mut(id).expect("alive");
                    thing.plan += 1;
                    thing.fuel = (thing.fuel + 1.5) % 8.0;
                    thing.hand.resize(serial as usize, 3);
                    match serial {
                        0 | 1 => room.set_entity_team(id, team),
                        2 | 3 => room.set_owner(id, owner),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn happen_to_strangers(&mut self, what: u32, rng: &mut Rng) {
        let (at, serial) = (somewhere(rng), rng.random_range(0..9));
        let team = THEIRS[rng.random_range(0..3)];
        let stranger = STRANGERS[rng.random_range(0..3)];
        match what {
            80..84 => {
                if let Some(state) = self
                    .sim
                    .room
                    .private_mut([MATE, stranger][serial as usize % 2])
                {
                    state.score += 300;
                }
            }
            84..88 => {
                let to = [
                    To::Player(stranger),
                    To::Team(Team(1)),
                    To::Players(vec![MATE, stranger]),
                ];
                self.sim.room.emit(&serial, to[serial as usize % 3].clone());
            }
            88..91 => self.sim.room.look(stranger, Look::At(at)),
            91..93 => self.sim.room.set_team(stranger, team),
            93..96 => {
                if let Some(peer) = self.peer(stranger).filter(|peer| peer.seen > 0) {
                    peer.input(2);
                }
            }
            _ => {}
        }
    }

    fn spawn_secretly(
        &mut self,
        at: Vec2,
        serial: u32,
        team: Option<Team>,
        owner: Option<PlayerId>,
    ) {
        let room = &mut self.sim.room;
        let id = room.spawn(thing(at, serial));
        match serial % 2 {
            0 => room.hide(id, Visible::Team),
            _ => room.hide(id, Visible::Owner),
        }
        room.set_owner(id, owner);
        room.set_entity_team(id, team);
        self.secrets.push(id);
    }

    /// So many arrive around X that a view of all layers would be far above its budget.
    fn crowd_secretly(&mut self, rng: &mut Rng) {
        for id in self.secrets.drain(..) {
            self.sim.room.despawn(id);
        }
        let room = &self.sim.room;
        let body = room.avatar(X).and_then(|id| room.entity(id));
        let at = body.map_or(Vec2::ZERO, |body| body.at);
        for serial in 0..800 {
            let by = Vec2::from_angle(rng.random_range(0.0..6.3)) * rng.random_range(0.0..8.0);
            self.spawn_secretly(at + by, 2 * serial, Some(Team(1)), None);
        }
    }

    /// Everybody whose way is public goes it.
    fn walk(&mut self, rng: &mut Rng) {
        let members = [X, MATE, STRANGERS[0], STRANGERS[1], STRANGERS[2]];
        let bodies = members
            .into_iter()
            .filter_map(|id| self.sim.room.avatar(id));
        let walkers: Vec<_> = bodies.chain(self.things.iter().copied()).collect();
        for id in walkers {
            let pace = [0.0, 0.0, 0.01, 0.3, 0.3, 0.5, 3.0][rng.random_range(0..7)];
            let way = Vec2::from_angle(rng.random_range(0.0..6.3));
            if self.is_veiled(id) || pace == 0.0 {
                continue;
            }
            let thing = self.sim.room.entity_mut(id).expect("alive");
            let limit = Vec2::splat(WORLD_M);
            thing.at = (thing.at + way * pace).clamp(-limit, limit);
            let [x, y] = units(way);
            thing.heading = crate::grid::direction(x, y);
        }
    }

    fn walk_secretly(&mut self, rng: &mut Rng) {
        let veiled = self.things.iter().filter(|&&id| self.is_veiled(id));
        let walkers: Vec<_> = veiled.chain(&self.secrets).copied().take(60).collect();
        for id in walkers {
            let way = Vec2::from_angle(rng.random_range(0.0..6.3)) * rng.random_range(0.0..4.0);
            self.sim.room.entity_mut(id).expect("alive").at += way;
        }
    }

    /// One tick of the public script, with a secret one between its actions.
    fn step(&mut self, public: &mut Rng, mut secret: Option<&mut Rng>) {
        for _ in 0..6 {
            if let Some(rng) = &mut secret {
                for _ in 0..rng.random_range(0..3) {
                    self.act_secretly(rng);
                }
            }
            self.act_publicly(public);
        }
        self.walk(public);
        if let Some(rng) = &mut secret {
            self.walk_secretly(rng);
            self.act_secretly(rng);
        }
        self.tick();
    }

    fn tick(&mut self) {
        self.now += STEP;
        let (mut wants, mut frame) = (Wants::default(), Frame::default());
        self.seats.port.status.take_wants(&mut wants);
        self.sim.step(self.inbox.drain(), &wants, &mut frame);
        let cx = Context::from_waker(Waker::noop());
        self.seats.poll_read(&cx, self.now);
        self.seats.write(&frame, self.now);
        for peer in &mut self.peers {
            let Some(left) = peer.stalled.checked_sub(1) else {
                Self::read(peer, frame.tick.number(), &mut self.outcome);
                continue;
            };
            peer.stalled = left;
        }
        self.count_unseen();
        self.seats.poll_read(&cx, self.now);
        self.seats.handle_deadlines(self.now);
    }

    fn read(peer: &mut Peer, tick: u32, outcome: &mut Outcome) {
        for outgoing in peer.link.take() {
            match outgoing {
                Outgoing::Frame(bytes) => {
                    // A frame's tick; there are fewer than 2¹⁶ here.
                    if let [0x80..=0xff, low, high, ..] = bytes[..] {
                        peer.seen = u16::from_le_bytes([low, high]).into();
                    }
                    if peer.id == X {
                        outcome.told.push((tick, bytes));
                    } else {
                        outcome.others += bytes.len();
                    }
                }
                Outgoing::Ping(payload) => {
                    if peer.id == X {
                        outcome.told.push((tick, payload.clone()));
                    }
                    peer.link.send(Incoming::Pong(payload));
                }
                other => panic!("{} got {other:?}", peer.id),
            }
        }
        if tick.is_multiple_of(8) && peer.seen > 0 {
            let seen = Tick::new(peer.seen);
            peer.say(&ClientMessage::Seen { seen });
        }
    }

    fn count_unseen(&mut self) {
        let room = &self.sim.room;
        let body = room.avatar(X).and_then(|id| room.entity(id));
        let at = body.map_or(Vec2::ZERO, |body| body.at);
        let near = room.near(at, CELL_M);
        self.outcome.unseen += near.iter().filter(|&&id| self.is_veiled(id)).count();
    }
}

/// Runs a world; without a number of its own its secret script is empty.
fn run(seed: u64, secret: Option<u64>) -> Outcome {
    let mut world = World::new(seed);
    let mut public = seeded(seed, "secrecy", 0, "public");
    let mut secret = secret.map(|number| seeded(seed, "secrecy", 0, &format!("secret {number}")));
    world.enter(X, public.random_range(0..4) * 3);
    // What is given to a mate who is not there yet would become ours with the join.
    world.enter(MATE, 1 << 20);
    world.tick();
    for _ in 0..TICKS {
        world.step(&mut public, secret.as_mut());
    }
    world.outcome
}

/// The first thing that X was told differently.
fn compare(seed: u64, plain: &Outcome, with: &Outcome) {
    for (at, (a, b)) in plain.told.iter().zip(&with.told).enumerate() {
        assert!(
            a == b,
            "seed {seed}, message {at}:\n tick {} {:02x?}\n tick {} {:02x?}",
            a.0,
            &a.1[..],
            b.0,
            &b.1[..]
        );
    }
    assert_eq!(plain.told.len(), with.told.len(), "seed {seed}: messages");
}

fn seeds() -> Range<u64> {
    let asked = std::env::var("SECRECY_SEEDS").ok();
    let asked = asked.as_deref().and_then(|seeds| seeds.split_once(".."));
    asked.map_or(0..20, |(from, to)| {
        let number = |text: &str| text.parse().expect("SECRECY_SEEDS=from..to");
        number(from)..number(to)
    })
}

#[test]
fn what_a_member_may_not_see_changes_no_byte_that_it_is_sent() {
    let (mut others, mut unseen) = (0, 0);
    for seed in seeds() {
        let plain = run(seed, None);
        assert!(plain.told.len() > 50, "seed {seed}: X is told of the world");
        for number in 0..2 {
            let with = run(seed, Some(number));
            compare(seed, &plain, &with);
            others += with.others.saturating_sub(plain.others);
            unseen += with.unseen.saturating_sub(plain.unseen);
        }
    }
    assert!(others > 0, "the secrets are told to others");
    assert!(unseen > 0, "the secrets surround X");
}
