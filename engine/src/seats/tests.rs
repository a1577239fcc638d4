//! Rooms, seats and peers without a runtime: time passes as told, and what every peer sees is
//! compared with what the room was at that tick.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::task::Waker;

use proptest::prelude::*;
use serde::{Deserialize, Serialize};

use super::*;
use crate::client::{Applied, View};
use crate::entities::EntityId;
use crate::game::{OpenError, Player, PlayerId, Refusal, Seat, To};
use crate::inbox::{Inbox, RoomIn};
use crate::limits::CHECKSUM_EVERY_TICKS;
use crate::link::{Incoming, Outgoing};
use crate::link_memory::{MemoryLink, MemoryPeer, memory_link};
use crate::port::{Occupant, Who};
use crate::publish::Wants;
use crate::room::Room;
use crate::sim::Sim;
use crate::testing::alone::Alone;

const STEP: Duration = Duration::from_millis(50);

#[derive(Serialize, Deserialize)]
struct Toy;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Thing {
    serial: u32,
    size: i32,
    words: Vec<u8>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Board {
    phase: u8,
    score: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Hand {
    cards: Vec<u8>,
}

#[crate::game]
impl Game for Toy {
    const NAME: &'static str = "toy";
    type Entity = Thing;
    type Shared = Board;
    type Private = Hand;
    type Event = String;
    type Input = u8;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, card: u8) {
        if let Some(hand) = room.private_mut(player) {
            hand.cards.push(card);
        }
    }
}

/// What a peer should see at a tick.
#[derive(Clone, Debug, Default, PartialEq)]
struct Truth {
    entities: BTreeMap<u32, Thing>,
    shared: Board,
}

struct Peer {
    link: MemoryPeer,
    view: View<Toy>,
    stalled: u32,
    seq: u32,
    /// Each tick's private state, and frames due so far.
    expected: BTreeMap<u32, (Hand, u32)>,
    events: Vec<String>,
    closed: Option<u16>,
    was_reduced: bool,
}

/// A room, one room task's seats, and everybody around it.
struct Scene {
    sim: Sim<Toy>,
    inbox: Inbox<Toy>,
    seats: Seats<Toy, MemoryLink>,
    peers: BTreeMap<PlayerId, Peer>,
    truths: BTreeMap<u32, Truth>,
    alive: Vec<EntityId>,
    /// Since the last tick.
    emitted: Vec<(To, String)>,
    serial: u32,
    now: Duration,
    /// Entities changed since the last checksum.
    unchecked: bool,
}

impl Scene {
    fn new() -> Self {
        let Alone { sim, inbox, port } = Alone::open("main", 0, ());
        Self {
            sim,
            inbox,
            seats: Seats::new(port),
            peers: BTreeMap::new(),
            truths: BTreeMap::from([(0, Truth::default())]),
            alive: Vec::new(),
            emitted: Vec::new(),
            serial: 0,
            now: Duration::ZERO,
            unchecked: false,
        }
    }

    fn enter(&mut self, messages: usize) -> PlayerId {
        let id = PlayerId::new(u32::try_from(self.peers.len()).expect("few") + 1);
        let (link, peer) = memory_link(messages);
        let port = &self.seats.port;
        let occupant = Occupant::new(&port.status, port.world.counters(), &Arc::new(()));
        let player = Player {
            id,
            name: "p".into(),
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
        self.peers.insert(
            id,
            Peer {
                link: peer,
                view: View::new(),
                stalled: 0,
                seq: 0,
                expected: BTreeMap::new(),
                events: Vec::new(),
                closed: None,
                was_reduced: false,
            },
        );
        id
    }

    fn emit(&mut self, to: To) {
        self.serial += 1;
        let text = format!("event {}", self.serial);
        self.sim.room.emit(&text, to.clone());
        self.emitted.push((to, text));
    }

    /// One tick of the room; what it published.
    fn tick(&mut self) -> Frame {
        self.now += STEP;
        let (mut wants, mut frame) = (Wants::default(), Frame::default());
        self.seats.port.status.take_wants(&mut wants);
        self.sim.step(self.inbox.drain(), &wants, &mut frame);
        let number = frame.tick.number();
        let room = &mut self.sim.room;
        let entities: Vec<_> = room.entities().map(|(id, e)| (id, e.clone())).collect();
        let number_of = |(id, entity)| (room.net_id(id).expect("seen by all"), entity);
        let truth = Truth {
            entities: entities.into_iter().map(number_of).collect(),
            shared: room.shared().clone(),
        };
        let before = &self.truths[&(number - 1)];
        self.unchecked |= truth.entities != before.entities;
        let checked = number.is_multiple_of(CHECKSUM_EVERY_TICKS)
            && std::mem::take(&mut self.unchecked)
            && !truth.entities.is_empty();
        let visible = truth != *before || checked;
        self.truths.insert(number, truth);
        for (&id, peer) in &mut self.peers {
            let Some(hand) = room.private(id) else {
                continue;
            };
            // The first frame shows everything, so it is due.
            let is_first = peer.expected.is_empty();
            let (before, due) = peer.expected.last_key_value().map_or_else(
                || (Hand::default(), 0),
                |(_, (hand, due))| (hand.clone(), *due),
            );
            // An input adds a card, so it shows in the hand.
            let events = self
                .emitted
                .iter()
                .filter(|(to, _)| *to == To::All || *to == To::Player(id));
            let told = peer.events.len();
            peer.events.extend(events.map(|(_, text)| text.clone()));
            let told = peer.events.len() > told;
            let due = due + u32::from(is_first || visible || told || before != *hand);
            peer.expected.insert(number, (hand.clone(), due));
        }
        self.emitted.clear();
        frame
    }

    fn step(&mut self) {
        let frame = self.tick();
        let cx = Context::from_waker(Waker::noop());
        self.seats.poll_read(&cx, self.now);
        self.seats.write(&frame, self.now);
        // While one is reduced, newcomers wait for a whole beat as well.
        let seats = &self.seats;
        let is_reduced = |&id: &PlayerId| seats.rate_of(id).is_some_and(|rate| rate > 0);
        let reduced = self.peers.keys().any(is_reduced);
        for peer in self.peers.values_mut() {
            peer.was_reduced |= reduced;
            match peer.stalled.checked_sub(1) {
                Some(left) => peer.stalled = left,
                None => peer.read(&self.truths),
            }
        }
        self.seats.poll_read(&cx, self.now);
        self.seats.handle_deadlines(self.now);
    }

    fn act(&mut self, action: Action) {
        let room = &mut self.sim.room;
        let pick = |n: usize, len: usize| (len > 0).then(|| n % len);
        match action {
            Action::Spawn(words) => {
                self.serial += 1;
                self.alive.push(room.spawn(Thing {
                    serial: self.serial,
                    size: 0,
                    words: vec![7; words],
                }));
            }
            Action::Despawn(n) => {
                if let Some(at) = pick(n, self.alive.len()) {
                    room.despawn(self.alive.swap_remove(at));
                }
            }
            Action::Change(n, size) => {
                if let Some(at) = pick(n, self.alive.len()) {
                    room.entity_mut(self.alive[at]).expect("alive").size = size;
                }
            }
            Action::Shared(score) => room.shared_mut().score = score.into(),
            Action::Event(None) => self.emit(To::All),
            Action::Event(Some(n)) => {
                let id = PlayerId::new(u32::from(n));
                self.emit(To::Player(id));
            }
            Action::Join(messages) if self.peers.len() < 6 => drop(self.enter(messages)),
            Action::Join(_) => {}
            Action::Input(n, card) => {
                if let Some(peer) = self.peers.get_mut(&PlayerId::new(u32::from(n))) {
                    peer.seq += 1;
                    peer.link.send_bytes(peer.view.input(peer.seq, card));
                }
            }
            Action::Stall(n, steps) => {
                if let Some(peer) = self.peers.get_mut(&PlayerId::new(u32::from(n))) {
                    peer.stalled = steps;
                }
            }
            Action::Step => self.step(),
        }
    }
}

impl Peer {
    fn read(&mut self, truths: &BTreeMap<u32, Truth>) {
        for outgoing in self.link.take() {
            match outgoing {
                Outgoing::Frame(bytes) => self.apply(&bytes, truths),
                Outgoing::Ping(payload) => self.link.send(Incoming::Pong(payload)),
                Outgoing::Close(close) => self.closed = Some(close.code.number()),
                Outgoing::Text(text) => panic!("{text}"),
            }
        }
    }

    fn apply(&mut self, bytes: &[u8], truths: &BTreeMap<u32, Truth>) {
        assert!(bytes.len() <= crate::limits::SERVER_MESSAGE_BYTES_MAX);
        if !matches!(self.view.apply(bytes), Ok(Applied::Frame { .. })) {
            return;
        }
        let tick = self.view.tick.number();
        let (hand, due) = &self.expected[&tick];
        assert_eq!(&self.view.private, hand, "tick {tick}");
        if self.was_reduced {
            return; // the storm looks after those
        }
        assert_eq!(self.view.due, *due, "tick {tick}");
        let seen = Truth {
            entities: self
                .view
                .entities
                .iter()
                .map(|(&id, e)| (id, e.clone()))
                .collect(),
            shared: self.view.shared.clone(),
        };
        assert!(seen == truths[&tick], "tick {tick}");
    }
}

#[derive(Clone, Debug)]
enum Action {
    Spawn(usize),
    Despawn(usize),
    Change(usize, i32),
    Shared(u8),
    Event(Option<u8>),
    Join(usize),
    Input(u8, u8),
    Stall(u8, u32),
    Step,
}

fn action() -> impl Strategy<Value = Action> {
    prop_oneof![
        3 => prop_oneof![0usize..20, 1000usize..4000].prop_map(Action::Spawn),
        2 => any::<usize>().prop_map(Action::Despawn),
        4 => (any::<usize>(), -2i32..3).prop_map(|(n, size)| Action::Change(n, size)),
        1 => (0u8..3).prop_map(Action::Shared),
        1 => prop::option::of(1u8..7).prop_map(Action::Event),
        1 => (0usize..5).prop_map(Action::Join),
        2 => (1u8..7, any::<u8>()).prop_map(|(n, card)| Action::Input(n, card)),
        1 => (1u8..7, 1u32..15).prop_map(|(n, steps)| Action::Stall(n, steps)),
        6 => Just(Action::Step),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens, each whole frame shows the room as it was at that tick, what was due is
    /// counted right, and nobody who reads at last misses an event.
    #[test]
    fn every_peer_sees_the_room_as_it_was(actions in prop::collection::vec(action(), 1..250)) {
        let mut scene = Scene::new();
        scene.enter(4);
        for action in actions {
            scene.act(action);
        }
        for _ in 0..150 {
            scene.step();
        }
        let last = *scene.truths.last_key_value().expect("steps").0;
        for (id, peer) in &scene.peers {
            prop_assert_eq!(peer.closed, None, "{}", id);
            let view = &peer.view;
            let seen: BTreeMap<_, _> = view.entities.iter().map(|(&id, e)| (id, e.clone())).collect();
            prop_assert!(seen == scene.truths[&last].entities, "{}", id);
            prop_assert_eq!(view.mismatches(), 0);
            prop_assert_eq!(&view.private, &peer.expected[&last].0, "{}", id);
            if !peer.was_reduced {
                prop_assert_eq!(view.due, peer.expected[&last].1, "{}", id);
            }
            prop_assert_eq!(&view.events, &peer.events, "{}", id);
            prop_assert_eq!(view.input_ack, peer.seq, "{}", id);
        }
    }
}

#[test]
fn a_member_thrown_out_in_a_missed_frame_is_told_all_the_same() {
    let mut scene = Scene::new();
    let ada = scene.enter(100);
    scene.step();
    scene.sim.room.kick(ada, "out");
    scene.tick();
    scene.seats.handle_lagged(1);
    scene.step();
    assert_eq!(scene.peers[&ada].closed, Some(4003));
    assert!(scene.inbox.is_empty(), "the room knows already");
    for _ in 0..50 {
        scene.step();
    }
    assert!(scene.seats.is_empty());
}

#[test]
fn a_join_answered_in_a_missed_frame_is_welcomed_with_the_next() {
    let mut scene = Scene::new();
    let ada = scene.enter(100);
    scene.tick();
    scene.seats.handle_lagged(1);
    // What was due before the welcome is not counted for it.
    scene.peers.get_mut(&ada).expect("there").expected.clear();
    scene.step();
    let peer = &scene.peers[&ada];
    assert!(peer.view.welcome.is_some());
    assert_eq!(peer.closed, None);
}

#[test]
fn who_is_refused_in_a_missed_frame_may_try_again() {
    let mut scene = Scene::new();
    scene.sim.room.lock(true);
    let ada = scene.enter(100);
    scene.tick();
    scene.seats.handle_lagged(1);
    while scene.peers[&ada].closed.is_none() {
        scene.step();
        assert!(
            scene.now <= crate::limits::JOIN_WITHIN + 2 * STEP,
            "for ever"
        );
    }
    assert_eq!(scene.peers[&ada].closed, Some(4003));
    assert!(
        scene.now >= crate::limits::JOIN_WITHIN,
        "it waits for the answer"
    );
}

#[test]
fn nobody_stays_in_a_room_whose_task_is_gone() {
    let mut scene = Scene::new();
    scene.enter(100);
    scene.step();
    assert_eq!(scene.sim.room.members().count(), 1);
    let status = Arc::clone(&scene.seats.port.status);
    assert_eq!(status.occupants.load(Ordering::Acquire), 1);
    drop(scene.seats);
    assert_eq!(status.occupants.load(Ordering::Acquire), 0);
    let mut frame = Frame::default();
    scene
        .sim
        .step(scene.inbox.drain(), &Wants::default(), &mut frame);
    assert_eq!(scene.sim.room.members().count(), 0);
}

#[test]
fn a_full_inbox_takes_leaves() {
    let mut scene = Scene::new();
    let ada = scene.enter(100);
    scene.step();
    let refused = || RoomIn::Refused {
        player: ada,
        epoch: 1,
        seq: 1,
    };
    while scene.seats.port.push(refused()).is_ok() {}
    scene.peers[&ada].link.vanish();
    scene.seats.ready.mark(0);
    let cx = Context::from_waker(Waker::noop());
    scene.seats.poll_read(&cx, scene.now);
    assert!(scene.seats.is_empty());
    scene.tick();
    assert_eq!(scene.sim.room.members().count(), 0);
}
