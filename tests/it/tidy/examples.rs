//! The examples of PROTOCOL.md: what the real encoders write for a small game.
//!
//! The same game is `probe` of client-web/test/wire.ts.

use std::collections::BTreeMap;

use downbeat::client::{Applied, View, hello};
use downbeat::testing::Gallery;
use downbeat::wire::{Ack, ClientMessage, FrameHeader, Pong, Welcome};
use downbeat::{
    EntityId, Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Space, Team, Tick,
    To, Vec2, codec,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

#[derive(Serialize, Deserialize)]
struct Probe;

#[derive(Clone, Copy, PartialEq, Serialize, Deserialize)]
enum Kind {
    Player,
    Sheep,
}

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Creature {
    #[replicate(position)]
    pos: Vec2,
    #[replicate(heading)]
    heading: u8,
    kind: Kind,
    name: String,
    #[replicate(range = 0.0..=100.0, step = 0.5)]
    stamina: f32,
    #[replicate(team)]
    health: u8,
    #[replicate(private)]
    ammo: u16,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
struct Shared {
    round: u32,
    title: String,
}

#[derive(Clone, PartialEq, Serialize, Deserialize)]
enum Input {
    Walk { dx: i8, dy: i8 },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
enum Event {
    Bang { at: u32 },
}

/// In a room for watchers nobody has an avatar.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings {
    watchers: bool,
}

#[downbeat::game]
impl Game for Probe {
    const NAME: &'static str = "probe";
    type Settings = Settings;
    type Entity = Creature;
    type Shared = Shared;
    type Input = Input;
    type Event = Event;

    fn space(_: &Settings) -> Space {
        Space::grid(32.0)
    }

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        room.shared_mut().round = u32::from(!settings.watchers);
        room.shared_mut().title = "ok".into();
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        if room.shared().round == 0 {
            return Ok(Seat::Spectator);
        }
        room.set_team(player.id, Some(Team(0)));
        let ada = Creature {
            kind: Kind::Player,
            name: "Ada".into(),
            stamina: 100.0,
            health: 9,
            ammo: 300,
            ..sheep(1.0, 1.0)
        };
        Ok(Seat::Avatar(room.spawn(ada)))
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: Input) {}
}

fn sheep(x: f32, y: f32) -> Creature {
    Creature {
        pos: Vec2::new(x, y),
        heading: 0,
        kind: Kind::Sheep,
        name: String::new(),
        stamina: 0.0,
        health: 0,
        ammo: 0,
    }
}

/// A room with one member, and what that is sent.
struct Stage {
    room: Gallery<Probe>,
    player: PlayerId,
    view: View<Probe>,
    /// Each message, with what a client must make of it.
    recording: Vec<Value>,
}

impl Stage {
    /// At its first whole beat.
    fn open(settings: Settings) -> (Self, Vec<u8>) {
        let mut room = Gallery::open(settings);
        let player = room.enter(true);
        let mut stage = Self {
            room,
            player,
            view: View::new(),
            recording: Vec::new(),
        };
        let keyframe = stage.until(4);
        (stage, keyframe)
    }

    /// The last message of a tick; the client's side takes it in too.
    fn step(&mut self) -> Vec<u8> {
        self.room.step();
        self.room.write();
        let messages = self.room.take_sent().watched;
        for message in &messages {
            let applied = self.view.apply(message).expect("our own encoders");
            assert_ne!(applied, Applied::Part, "an example is one message");
            let entities = self.truth();
            let seen = self.view.entities.iter();
            let seen: BTreeMap<_, _> = seen.map(|(&id, of)| (id, of.clone())).collect();
            assert!(seen.is_empty() || seen == entities, "{}", hex(message));
            self.recording.push(match applied {
                Applied::Welcome => json!({ "hex": hex(message) }),
                _ => json!({
                    "hex": hex(message),
                    "tick": self.view.tick.number(),
                    "entities": entities,
                    "shared": self.view.shared,
                }),
            });
        }
        assert_eq!(self.view.mismatches(), 0);
        messages.last().map(|m| m.to_vec()).unwrap_or_default()
    }

    /// The room's entities by the numbers that clients know; all of them are in sight, and what this
    /// member may not see of them is nothing.
    fn truth(&mut self) -> BTreeMap<u32, Creature> {
        let room = self.room.room();
        let all: Vec<_> = room.entities().map(|(id, of)| (id, of.clone())).collect();
        let all = all
            .into_iter()
            .map(|(id, of)| (room.net_id(id).expect("seen by all"), of));
        all.collect()
    }

    /// The last message up to a tick.
    fn until(&mut self, tick: u32) -> Vec<u8> {
        let mut last = Vec::new();
        while self.room.room().tick() != Tick::new(tick) {
            last = [self.step(), last]
                .into_iter()
                .find(|m| !m.is_empty())
                .unwrap_or_default();
        }
        last
    }

    fn spawn(&mut self, creature: Creature) -> EntityId {
        self.room.room().spawn(creature)
    }

    fn edit(&mut self, id: EntityId, change: impl FnOnce(&mut Creature)) {
        change(self.room.room().entity_mut(id).expect("alive"));
    }
}

/// A frame's sections: what follows flags, tick, due and, where they are, seq and lead.
fn sections(frame: &[u8]) -> &[u8] {
    let is_acknowledging = frame.first().is_some_and(|flags| flags & 4 != 0);
    frame
        .get(if is_acknowledging { 8 } else { 5 }..)
        .unwrap_or_default()
}

/// The bytes of each example, by its name in PROTOCOL.md.
pub(super) type Examples = Vec<(&'static str, Vec<u8>)>;

pub(super) fn all() -> Examples {
    let mut all = conversation();
    all.push(("movement", movement()));
    all.extend(life().0);
    all.push(("jumped", leap()));
    all
}

/// A conversation that clients can be fed: see client-web/test/recording.ts.
pub(super) fn recording() -> String {
    let messages = life().1.into_iter().map(|message| message.to_string());
    let messages = messages.collect::<Vec<_>>().join(",\n");
    format!("{{\"game\":\"probe\",\"messages\":[\n{messages}\n]}}\n")
}

pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn conversation() -> Examples {
    let input = ClientMessage::Input {
        seq: 1,
        seen: Tick::new(300),
        behind: 8,
        input: Input::Walk { dx: 127, dy: 0 },
    };
    let welcome = Welcome {
        player: 5,
        seat: Seat::Avatar(7),
        tick: Tick::new(300),
        tick_rate_hz: 20,
        space: Space::grid(32.0),
        game: "probe".into(),
        room: "main".into(),
        name: "Ada".into(),
        taken: 0,
        resume: "dG9r".into(),
    };
    let pong = Pong {
        token: 9,
        tick: Tick::new(300),
    };
    vec![
        ("hello", hello("Ada", 0x1234_5678)),
        ("input", codec::encode(&input)),
        ("welcome", welcome.encode()),
        ("pong", pong.encode()),
    ]
}

/// Two walkers of four, seen by somebody without an avatar.
fn movement() -> Vec<u8> {
    let (mut stage, _) = Stage::open(Settings { watchers: true });
    let all = [1.0, 2.0, 3.0, 4.0].map(|x| stage.spawn(sheep(x, 1.0)));
    stage.until(8);
    stage.edit(all[0], |s| s.pos += Vec2::new(15.0, -3.0) / 64.0);
    stage.edit(all[3], |s| s.pos.y += 9.0 / 64.0);
    let ack = Ack {
        seq: 1,
        lead_ms: 20,
    };
    let header = FrameHeader {
        tick: Tick::new(301),
        due: 12,
        ack: Some(ack),
        ..FrameHeader::default()
    };
    let mut message = Vec::new();
    header.encode(&mut message);
    message.extend_from_slice(sections(&stage.step()));
    message
}

/// One leaps while four walk: it would make their movements wide.
fn leap() -> Vec<u8> {
    let (mut stage, _) = Stage::open(Settings { watchers: true });
    let all = [1.0, 2.0, 3.0, 4.0, 5.0].map(|x| stage.spawn(sheep(x, 1.0)));
    stage.until(8);
    for id in all {
        stage.edit(id, |s| s.pos.x += 1.0 / 64.0);
    }
    stage.edit(all[2], |s| s.pos.y = 30.0);
    sections(&stage.step()).to_vec()
}

/// Ada, and a sheep that comes, walks, changes, leaves for the next cell, and is checked.
fn life() -> (Examples, Vec<Value>) {
    let (mut stage, keyframe) = Stage::open(Settings::default());
    let ada = stage.room.room().avatar(stage.player).expect("seated");
    let mut all = vec![("keyframe", keyframe)];
    let mut next = |name, stage: &mut Stage| {
        let message = stage.step();
        all.push((name, sections(&message).to_vec()));
    };
    let sheep = stage.spawn(sheep(2.0, 2.0));
    next("added", &mut stage);
    stage.edit(ada, |ada| ada.heading = 64);
    stage.edit(sheep, |sheep| {
        sheep.heading = 64;
        sheep.pos.y += 1.0;
    });
    next("turned", &mut stage);
    stage.edit(ada, |ada| ada.ammo = 299);
    stage.edit(sheep, |sheep| sheep.name = "Bob".into());
    next("changed", &mut stage);
    stage.edit(sheep, |sheep| sheep.pos.x = 40.0);
    next("removed", &mut stage);
    stage.edit(sheep, |sheep| sheep.pos.y = 31.0);
    stage.step();
    let at = Event::Bang { at: 251 };
    stage.room.room().emit(&at, To::All);
    stage.room.room().shared_mut().round = 2;
    next("event and shared", &mut stage);
    let checks = stage.until(64);
    all.push(("checksums", sections(&checks).to_vec()));
    stage.edit(ada, |ada| ada.pos.x = 40.0);
    stage.step();
    let moved = stage.until(68);
    all.push(("view", sections(&moved).to_vec()));
    assert_eq!(stage.view.entities.len(), 2);
    assert_eq!(stage.view.events, [at]);
    (all, stage.recording)
}
