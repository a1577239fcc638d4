//! The storm: random worlds in a grid, looked at through every kind of trouble, each view compared
//! with the truth tick by tick.
//!
//! A failure names its seed; `STORM_SEEDS=7..8 cargo nextest run -p downbeat storm` runs that one
//! again, `STORM_SEEDS=0..10000 cargo nextest run --release -p downbeat storm` all of them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::task::Waker;

use glam::Vec2;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use super::*;
use crate::client::{Applied, View};
use crate::entities::{EntityId, Visible};
use crate::frame::Frame;
use crate::game::{Look, OpenError, Player, PlayerId, Refusal, Seat, Team, To};
use crate::grid::{CellId, Space, Tiers};
use crate::inbox::Inbox;
use crate::link::{Incoming, Outgoing};
use crate::link_memory::{MemoryLink, MemoryPeer, memory_link};
use crate::port::{Occupant, Who};
use crate::publish::Wants;
use crate::rng::{Rng, seeded};
use crate::room::Room;
use crate::sim::Sim;
use crate::testing::alone::Alone;

const STEP: Duration = Duration::from_millis(50);
const TICKS: u32 = 500;
const CELL_M: f32 = 8.0;
/// Half the side of the world.
const WORLD_M: f32 = 60.0;
const TEAMS: u8 = 2;

#[derive(Serialize, Deserialize)]
struct Field;

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
    #[replicate(private)]
    hand: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Board {
    score: u32,
}

#[crate::game]
impl Game for Field {
    const NAME: &'static str = "field";
    type Settings = u64;
    type Entity = Thing;
    type Shared = Board;
    type Private = Board;
    type Event = u32;
    type Input = u8;

    fn space(seed: &u64) -> Space {
        match seed % 5 {
            0 => Space::Whole,
            1 => Space::Grid {
                cell_m: CELL_M,
                near: 1,
                mid: 1,
                far: 1,
            },
            2 => Space::Grid {
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
        let team = Team(u8::try_from(player.id.number()).unwrap_or(0) % TEAMS);
        room.set_team(player.id, Some(team));
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
        hand: Vec::new(),
    }
}

/// An entity that has not moved for so long is seen looking where it looks, also by who is sent it
/// every fourth tick.
const STILL_TICKS: u32 = 12;

/// An entity as it was at the end of a tick.
#[derive(Clone, Debug)]
struct Fact {
    cell: CellId,
    entity: Thing,
    visible: Visible,
    team: Option<Team>,
    owner: Option<PlayerId>,
    /// Since when it has not moved.
    still_ticks: u32,
}

/// Where a member looks from a tick on.
#[derive(Clone, Copy, Debug)]
struct Gaze {
    team: Option<Team>,
    tiers: Tiers,
}

struct Peer {
    link: MemoryPeer,
    view: View<Field>,
    stalled: u32,
    seq: u32,
    inputs: u32,
    events: Vec<u32>,
    told: Vec<u32>,
    gone: bool,
    frames: u32,
}

struct Storm {
    seed: u64,
    rng: Rng,
    sim: Sim<Field>,
    inbox: Inbox<Field>,
    seats: Seats<Field, MemoryLink>,
    peers: BTreeMap<PlayerId, Peer>,
    /// By tick; numbers of what is hidden from some are unique for each who sees them.
    facts: BTreeMap<u32, Vec<(u32, Fact)>>,
    boards: BTreeMap<u32, Board>,
    gazes: BTreeMap<(u32, PlayerId), Gaze>,
    alive: Vec<EntityId>,
    serial: u32,
    now: Duration,
    joined: u32,
    compared: u64,
    emitted: Vec<(To, u32)>,
    /// Where each entity is, and since when.
    places: BTreeMap<EntityId, ([i32; 2], u32)>,
}

impl Storm {
    fn new(seed: u64) -> Self {
        let Alone { sim, inbox, port } = Alone::open("main", seed, seed);
        Self {
            seed,
            rng: seeded(seed, "storm", 0, "storm"),
            sim,
            inbox,
            seats: Seats::new(port),
            peers: BTreeMap::new(),
            facts: BTreeMap::new(),
            boards: BTreeMap::from([(0, Board::default())]),
            gazes: BTreeMap::new(),
            alive: Vec::new(),
            serial: 0,
            now: Duration::ZERO,
            joined: 0,
            compared: 0,
            emitted: Vec::new(),
            places: BTreeMap::new(),
        }
    }

    fn enter(&mut self) {
        self.joined += 1;
        let id = PlayerId::new(self.joined);
        let messages = self.rng.random_range(0..6) * 3 + 1;
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
        let peer = Peer {
            link: peer,
            view: View::new(),
            stalled: 0,
            seq: 0,
            inputs: 0,
            events: Vec::new(),
            told: Vec::new(),
            gone: false,
            frames: 0,
        };
        self.peers.insert(id, peer);
    }

    fn somewhere(&mut self) -> Vec2 {
        let mut side = || self.rng.random_range(-WORLD_M..WORLD_M);
        Vec2::new(side(), side())
    }

    fn anybody(&mut self) -> Option<EntityId> {
        let among = self.alive.len();
        (among > 0).then(|| self.alive[self.rng.random_range(0..among)])
    }

    fn a_player(&mut self) -> Option<PlayerId> {
        let id = PlayerId::new(self.rng.random_range(1..=self.joined.max(1)));
        self.peers.contains_key(&id).then_some(id)
    }

    /// Something happens in the world.
    fn happen(&mut self) {
        let what: u32 = self.rng.random_range(0..100);
        let room = &mut self.sim.room;
        match what {
            0..8 if self.alive.len() < 120 => {
                self.serial += 1;
                let at = self.somewhere();
                let id = self.sim.room.spawn(thing(at, self.serial));
                self.alive.push(id);
                if self.rng.random_range(0..4) == 0 {
                    self.hide(id);
                }
            }
            8..12 => {
                if let Some(id) = self.anybody() {
                    self.alive.retain(|&other| other != id);
                    self.sim.room.despawn(id);
                }
            }
            12..18 => {
                if let Some(id) = self.anybody() {
                    self.hide(id);
                }
            }
            18..24 => {
                let at = self.somewhere();
                let id = self.anybody();
                if let Some(thing) = id.and_then(|id| self.sim.room.entity_mut(id)) {
                    thing.at = at;
                }
            }
            24..40 => {
                let serial = self.rng.random_range(0..5);
                let id = self.anybody();
                if let Some(thing) = id.and_then(|id| self.sim.room.entity_mut(id)) {
                    thing.name = "x".repeat(serial as usize);
                    thing.plan = serial;
                    thing.hand.push(3);
                    thing.hand.truncate(3);
                }
            }
            40..44 => room.shared_mut().score += 1,
            44..50 => self.emit(),
            _ => self.trouble(what),
        }
    }

    /// Something happens to a member.
    fn trouble(&mut self, what: u32) {
        match what {
            50..54 if self.joined < 9 => self.enter(),
            54..60 => {
                let ticks = self.rng.random_range(1..12);
                if let Some(peer) = self.a_player().and_then(|id| self.peers.get_mut(&id)) {
                    peer.stalled = ticks;
                }
            }
            60..62 => {
                if let Some(peer) = self.a_player().and_then(|id| self.peers.get_mut(&id))
                    && peer.frames > 40
                {
                    peer.link.vanish();
                    peer.gone = true;
                }
            }
            62..66 => {
                let at = self.somewhere();
                if let Some(id) = self.a_player() {
                    self.sim.room.look(id, Look::At(at));
                }
            }
            66 => {
                let team = Team(self.rng.random_range(0..TEAMS));
                if let Some(id) = self.a_player() {
                    self.sim.room.set_team(id, Some(team));
                }
            }
            67..69 => {
                let owner = self.a_player();
                if let Some(id) = self.anybody() {
                    self.sim.room.set_owner(id, owner);
                }
            }
            69..80 => {
                let by = self.rng.random_range(1..4);
                if let Some(peer) = self.a_player().and_then(|id| self.peers.get_mut(&id))
                    && !peer.gone
                    && peer.view.welcome.is_some()
                {
                    peer.seq += 1;
                    peer.inputs += u32::from(by);
                    peer.link.send_bytes(peer.view.input(peer.seq, by));
                }
            }
            _ => {}
        }
    }

    fn hide(&mut self, id: EntityId) {
        let room = &mut self.sim.room;
        match self.rng.random_range(0..4) {
            0 => room.hide(id, Visible::All),
            1 => room.hide(id, Visible::Owner),
            _ => {
                room.hide(id, Visible::Team);
                room.set_entity_team(id, Some(Team(self.rng.random_range(0..TEAMS))));
            }
        }
    }

    fn emit(&mut self) {
        self.serial += 1;
        let to = match self.rng.random_range(0..3) {
            0 => To::All,
            1 => To::Team(Team(0)),
            _ => To::Player(PlayerId::new(self.rng.random_range(1..9))),
        };
        self.sim.room.emit(&self.serial, to.clone());
        self.emitted.push((to, self.serial));
    }

    /// Who is told is decided when the tick is over.
    fn note_emitted(&mut self) {
        for (to, event) in self.emitted.drain(..) {
            for (&id, peer) in &mut self.peers {
                let for_it = match to {
                    To::All => true,
                    To::Player(one) => one == id,
                    To::Team(team) => self.sim.room.team(id) == Some(team),
                    To::Players(_) => false,
                };
                if for_it && self.sim.room.player(id).is_some() {
                    peer.told.push(event);
                }
            }
        }
    }

    /// A walk for everybody, fast and slow, with stops.
    fn walk(&mut self) {
        let ids: Vec<_> = self.sim.room.entities().map(|(id, _)| id).collect();
        for id in ids {
            let pace = self.rng.random_range(0..10);
            if pace < 4 {
                continue;
            }
            let way = Vec2::from_angle(self.rng.random_range(0.0..6.3));
            let step = [0.01, 0.3, 0.3, 0.3, 0.5, 3.0][pace - 4];
            let turn = self.rng.random_range(0..4) == 0;
            let mood = self.rng.random_range(-1.0..1.0);
            let thing = self.sim.room.entity_mut(id).expect("alive");
            let limit = Vec2::splat(WORLD_M);
            thing.at = (thing.at + way * step).clamp(-limit, limit);
            let [x, y] = crate::grid::units(way);
            thing.heading = if turn {
                99
            } else {
                crate::grid::direction(x, y)
            };
            if turn {
                thing.mood = mood;
            }
        }
    }

    fn step(&mut self) {
        for _ in 0..3 {
            self.happen();
        }
        self.walk();
        self.now += STEP;
        let (mut wants, mut frame) = (Wants::default(), Frame::default());
        self.seats.port.status.take_wants(&mut wants);
        self.sim.step(self.inbox.drain(), &wants, &mut frame);
        self.alive.retain(|&id| self.sim.room.entity(id).is_some());
        self.remember(&frame);
        self.note_emitted();
        let lagged = self.rng.random_range(0..60) == 0;
        let cx = Context::from_waker(Waker::noop());
        self.seats.poll_read(&cx, self.now);
        if lagged && frame.joins.is_empty() && frame.events.is_empty() && frame.refused.is_empty() {
            self.seats.handle_lagged(1);
        } else {
            self.seats.write(&frame, self.now);
        }
        let tick = frame.tick.number();
        let ids: Vec<_> = self.peers.keys().copied().collect();
        for id in ids {
            let Some(mut peer) = self.peers.remove(&id) else {
                continue;
            };
            let left = peer.stalled.checked_sub(1);
            if peer.gone || left.is_some() {
                peer.stalled = left.unwrap_or(0);
            } else {
                self.read(id, &mut peer);
            }
            if tick.is_multiple_of(16) && !peer.gone && peer.view.welcome.is_some() {
                peer.link.send_bytes(peer.view.seen());
            }
            self.peers.insert(id, peer);
        }
        self.seats.poll_read(&cx, self.now);
        self.seats.handle_deadlines(self.now);
    }

    /// Writes down how the room is.
    fn remember(&mut self, frame: &Frame) {
        let tick = frame.tick.number();
        let room = &mut self.sim.room;
        let all: Vec<_> = room.entities().map(|(id, e)| (id, e.clone())).collect();
        let mut facts = Vec::new();
        for (id, entity) in all {
            let (Some(number), Some(cell)) = (room.net_id(id), room.entities.cell(id)) else {
                continue;
            };
            let at = crate::grid::units(entity.at);
            let place = self.places.entry(id).or_insert((at, tick));
            if place.0 != at {
                *place = (at, tick);
            }
            let fact = Fact {
                still_ticks: tick - place.1,
                cell,
                entity,
                visible: room.entities.visible(id).expect("alive"),
                team: room.entity_team(id),
                owner: room.owner(id),
            };
            facts.push((number, fact));
        }
        self.facts.insert(tick, facts);
        self.boards.insert(tick, room.shared().clone());
        for part in &frame.members {
            let gaze = Gaze {
                team: part.team,
                tiers: part.tiers,
            };
            self.gazes.insert((tick, part.player), gaze);
        }
        while self.facts.len() > 64 {
            self.facts.pop_first();
        }
    }

    fn read(&mut self, id: PlayerId, peer: &mut Peer) {
        for outgoing in peer.link.take() {
            match outgoing {
                Outgoing::Frame(bytes) => {
                    assert!(bytes.len() <= crate::limits::SERVER_MESSAGE_BYTES_MAX);
                    let applied = peer.view.apply(&bytes);
                    let applied = applied.unwrap_or_else(|e| panic!("seed {}: {e}", self.seed));
                    if matches!(applied, Applied::Frame { .. }) {
                        peer.frames += 1;
                        peer.events.append(&mut peer.view.events);
                        self.compare(id, peer);
                    }
                }
                Outgoing::Ping(payload) => peer.link.send(Incoming::Pong(payload)),
                Outgoing::Close(close) => panic!("seed {}: {id} got {close:?}", self.seed),
                Outgoing::Text(text) => panic!("{text}"),
            }
        }
    }

    /// A whole frame: at a whole beat the view is the truth, in between no part of it is older
    /// than its tier allows.
    fn compare(&mut self, id: PlayerId, peer: &Peer) {
        let view = &peer.view;
        let tick = view.tick.number();
        let seed = self.seed;
        assert_eq!(view.mismatches(), 0, "seed {seed}, tick {tick}, {id}");
        let rate = self.seats.rate_of(id).unwrap_or(2);
        let Some(gaze) = self.gazes.get(&(tick, id)) else {
            return;
        };
        let is_whole = tick.is_multiple_of(4);
        if is_whole || rate == 0 {
            assert_eq!(
                view.shared, self.boards[&tick],
                "seed {seed}, tick {tick}, {id}"
            );
        }
        let Some(facts) = self.facts.get(&tick) else {
            return;
        };
        let (anchor, known) = view.window();
        let mut seen = 0;
        for &(number, ref fact) in facts {
            let visible = match fact.visible {
                Visible::All => true,
                Visible::Team => fact.team.is_some() && fact.team == gaze.team,
                Visible::Owner => fact.owner == Some(id),
            };
            let at = anchor.number_of(fact.cell);
            let at = at.filter(|at| known >> at & 1 == 1);
            let mine = view.entities.get(&number);
            let Some(at) = at.filter(|_| visible) else {
                continue;
            };
            let now = gaze.tiers.of(at) == Some(0) && rate == 0;
            if !is_whole && !now {
                continue;
            }
            let Some(mine) = mine else {
                panic!("seed {seed}, tick {tick}: {id} does not see {number} {fact:?}");
            };
            seen += 1;
            self.compared += 1;
            same(
                mine,
                fact,
                gaze,
                id,
                view.avatar().map(|(own, _)| own) == Some(number),
            )
            .unwrap_or_else(|what| {
                panic!("seed {seed}, tick {tick}, {id}, {number}: {what}\n{mine:?}\n{fact:?}")
            });
        }
        if is_whole {
            assert_eq!(
                view.entities.len(),
                seen,
                "seed {seed}, tick {tick}: {id} sees ghosts"
            );
        }
    }

    fn run(mut self) -> u64 {
        for _ in 0..3 {
            self.enter();
        }
        for _ in 0..TICKS {
            self.step();
        }
        // Then everything calms down, and nobody is left behind.
        for peer in self.peers.values_mut() {
            peer.stalled = 0;
        }
        for _ in 0..40 {
            self.now += STEP;
            self.calm_step();
        }
        for (id, peer) in self.peers.iter().filter(|(_, peer)| !peer.gone) {
            assert_eq!(peer.events, peer.told, "seed {}, {id}", self.seed);
            assert_eq!(peer.view.input_ack, peer.seq, "seed {}, {id}", self.seed);
            assert_eq!(peer.view.private.score, peer.inputs, "seed {}", self.seed);
        }
        self.compared
    }

    fn calm_step(&mut self) {
        let (mut wants, mut frame) = (Wants::default(), Frame::default());
        self.seats.port.status.take_wants(&mut wants);
        self.sim.step(self.inbox.drain(), &wants, &mut frame);
        self.remember(&frame);
        let cx = Context::from_waker(Waker::noop());
        self.seats.poll_read(&cx, self.now);
        self.seats.write(&frame, self.now);
        let ids: Vec<_> = self.peers.keys().copied().collect();
        for id in ids {
            let Some(mut peer) = self.peers.remove(&id) else {
                continue;
            };
            if !peer.gone {
                self.read(id, &mut peer);
                if frame.tick.number().is_multiple_of(8) {
                    peer.link.send_bytes(peer.view.seen());
                }
            }
            self.peers.insert(id, peer);
        }
        self.seats.poll_read(&cx, self.now);
        self.seats.handle_deadlines(self.now);
    }
}

/// Whether a client's copy is what it should be.
fn same(
    mine: &Thing,
    fact: &Fact,
    gaze: &Gaze,
    id: PlayerId,
    is_avatar: bool,
) -> Result<(), String> {
    let truth = &fact.entity;
    if is_avatar && (mine.at, mine.mood) != (truth.at, truth.mood) {
        return Err("its own entity is not exact".into());
    }
    let mut rounded = truth.clone();
    let [x, y] = crate::grid::units(truth.at);
    #[expect(clippy::cast_precision_loss, reason = "a small world")]
    let units = |side: i32| side as f32 / 64.0;
    rounded.at = Vec2::new(units(x), units(y));
    rounded.mood = crate::unquantise(
        crate::quantise(truth.mood, -1.0, 1.0, 0.25),
        -1.0,
        1.0,
        0.25,
    );
    if is_avatar {
        (rounded.at, rounded.mood) = (truth.at, truth.mood);
    }
    let owns = fact.owner == Some(id);
    let in_team = fact.team.is_some() && fact.team == gaze.team;
    if !(in_team || owns) {
        rounded.plan = 0;
    }
    if !owns {
        rounded.hand = Vec::new();
    }
    // A heading that follows its movement is as near as the movement tells, until it stands still.
    let mut mine = mine.clone();
    if fact.still_ticks < STILL_TICKS {
        mine.heading = rounded.heading;
    }
    if mine != rounded {
        return Err(format!("should be {rounded:?}"));
    }
    Ok(())
}

fn seeds() -> Range<u64> {
    let asked = std::env::var("STORM_SEEDS").ok();
    let asked = asked.as_deref().and_then(|seeds| seeds.split_once(".."));
    asked.map_or(0..40, |(from, to)| {
        let number = |text: &str| text.parse().expect("STORM_SEEDS=from..to");
        number(from)..number(to)
    })
}

/// Cells that are encoded on several threads say the same.
#[test]
fn every_view_is_the_truth_of_its_tick_in_parallel() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build();
    let compared = pool.expect("threads").install(|| Storm::new(3).run());
    assert!(compared > 0);
}

#[test]
fn every_view_is_the_truth_of_its_tick() {
    let compared: u64 = seeds().map(|seed| Storm::new(seed).run()).sum();
    assert!(compared > 0);
}
