//! Conversations in JSON with a real room, in virtual time.

use std::time::Duration;

use downbeat::testing::{MemoryLink, MemoryPeer, VirtualWorld, memory_link};
use downbeat::{
    Entrant, Host, HostConfig, OpenError, Player, PlayerId, Refusal, Replicate, Room, Schema, Seat,
    To, Vec2, WorldConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::*;

/// A board on which everybody has a pin.
#[derive(Serialize, Deserialize)]
struct Board;

#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
struct Pin {
    #[replicate(position)]
    at: Vec2,
    #[serde(rename = "colour of it")]
    colour: String,
}

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
struct Moves(u32);

#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
struct Note {
    read: bool,
    text: String,
}

#[derive(Clone, Serialize, Deserialize)]
enum Order {
    Move { x: f32, y: f32 },
    Fill(u32),
    Leave,
    Trap(Trap),
}

/// Whatever reads it from JSON panics.
#[derive(Clone, Serialize)]
struct Trap;

impl<'de> Deserialize<'de> for Trap {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        assert!(!from.is_human_readable(), "stepped on");
        <()>::deserialize(from).map(|()| Self)
    }
}

#[downbeat::game]
impl Game for Board {
    const NAME: &'static str = "board";
    type Entity = Pin;
    type Shared = Moves;
    type Private = Note;
    type Input = Order;
    type Event = String;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        room.emit(&player.name, To::All);
        let (at, colour) = (Vec2::new(0.5, 2.0), "red".into());
        Ok(Seat::Avatar(room.spawn(Pin { at, colour })))
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, order: Order) {
        match order {
            Order::Move { x, y } => {
                room.shared_mut().0 += 1;
                if let Some(note) = room.private_mut(player) {
                    note.text = "moved".into();
                }
                if let Some(pin) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
                    pin.at = Vec2::new(x, y);
                }
            }
            Order::Fill(pins) => {
                for _ in 0..pins {
                    let (at, colour) = (Vec2::ZERO, "x".repeat(300));
                    room.spawn(Pin { at, colour });
                }
            }
            Order::Leave => room.despawn_owned(player),
            Order::Trap(Trap) => {}
        }
    }
}

struct Stage {
    world: VirtualWorld,
    host: Host<Board, JsonLink<Board, MemoryLink>>,
    names: Arc<FieldNames>,
}

impl Stage {
    fn new() -> Self {
        let world = VirtualWorld::new(&WorldConfig::default());
        let schema = Schema::of::<Board>().expect("described");
        Self {
            host: Host::new(world.handle(), HostConfig::default()),
            names: Arc::new(FieldNames::of::<Board>(Some(&schema))),
            world,
        }
    }

    /// Somebody enters over a link that takes so many messages before it blocks.
    fn enter(&self, name: &str, messages: usize) -> MemoryPeer {
        let (link, peer) = memory_link(messages);
        let link = JsonLink::new(link, Arc::clone(&self.names));
        let entered = self.host.enter("main", true, Entrant::named(name), link);
        assert!(entered.is_ok(), "{name} was turned away");
        peer
    }

    async fn run(&mut self, ms: u64) {
        self.world.advance(Duration::from_millis(ms)).await;
    }
}

fn say(peer: &MemoryPeer, message: &Value) {
    peer.send_bytes(message.to_string());
}

fn input(peer: &MemoryPeer, seq: u32, input: &Value) {
    say(
        peer,
        &json!({ "type": "input", "seq": seq, "input": input }),
    );
}

/// The texts that have arrived, and the goodbye.
fn heard(peer: &MemoryPeer) -> (Vec<Value>, Option<Close>) {
    let (mut texts, mut closed) = (Vec::new(), None);
    for outgoing in peer.take() {
        match outgoing {
            Outgoing::Text(text) => texts.push(serde_json::from_str(&text).expect("JSON")),
            Outgoing::Close(close) => closed = Some(close),
            Outgoing::Ping(payload) => peer.send(Incoming::Pong(payload)),
            Outgoing::Frame(bytes) => panic!("binary: {bytes:?}"),
        }
    }
    (texts, closed)
}

#[tokio::test(start_paused = true)]
async fn a_member_is_told_by_name_what_changed() {
    let mut stage = Stage::new();
    let ada = stage.enter("Ada", usize::MAX);
    stage.run(100).await;
    let (texts, _) = heard(&ada);
    assert_eq!(texts[0]["type"], "welcome");
    assert_eq!(texts[0]["name"], "Ada");
    assert_eq!(texts[0]["taken"], 0);
    assert_eq!(texts[0]["resume"], "");
    let first = &texts[1];
    assert_eq!(first["reset"], true);
    let id = first["seat"]["Avatar"].to_string();
    let pin = json!({ "at": [0.5, 2.0], "colour of it": "red" });
    assert_eq!(first["entities"], json!({ &id: pin }));
    assert_eq!(first["shared"], json!({ "value": 0 }));
    assert_eq!(first["private"], json!({ "read": false, "text": "" }));
    assert_eq!(first["events"], json!(["Ada"]));

    input(&ada, 1, &json!({ "Move": { "x": 1.5, "y": -2.25 } }));
    say(&ada, &json!({ "type": "ping", "token": 7 }));
    stage.run(100).await;
    let (texts, closed) = heard(&ada);
    assert_eq!(closed, None);
    let pong = texts.iter().find(|text| text["type"] == "pong");
    assert_eq!(pong.expect("a pong")["token"], 7);
    let moved = texts.iter().find(|text| text["input_ack"] == 1);
    let moved = moved.expect("an acknowledged input");
    assert_eq!(moved["reset"], false);
    assert_eq!(moved.get("seat"), None);
    assert_eq!(moved["entities"][&id]["at"], json!([1.5, -2.25]));
    assert_eq!(moved["entities"][&id].get("colour of it"), None);
    assert_eq!(moved["shared"], json!({ "value": 1 }));
    assert_eq!(moved["private"], json!({ "text": "moved" }));

    input(&ada, 2, &json!("Leave"));
    stage.run(100).await;
    let (texts, _) = heard(&ada);
    let gone = texts.iter().find(|text| text["input_ack"] == 2);
    let gone = gone.expect("an acknowledged input");
    assert_eq!(gone["removed"].to_string(), format!("[{id}]"));
    assert_eq!(gone["entities"], json!({}));
}

#[tokio::test(start_paused = true)]
async fn one_tick_is_one_text_also_where_it_is_many_messages() {
    let mut stage = Stage::new();
    let ada = stage.enter("Ada", usize::MAX);
    stage.run(100).await;
    input(&ada, 1, &json!({ "Fill": 200 }));
    stage.run(200).await;
    let (texts, _) = heard(&ada);
    let frames = texts.iter().filter(|text| text["type"] == "frame");
    let ticks: Vec<_> = frames.clone().map(|frame| frame["tick"].clone()).collect();
    let mut once = ticks.clone();
    once.dedup();
    assert_eq!(ticks, once);
    let entities = |frame: &Value| {
        frame["entities"]
            .as_object()
            .map_or(0, serde_json::Map::len)
    };
    assert_eq!(frames.map(entities).max(), Some(200));
}

#[tokio::test(start_paused = true)]
async fn a_slow_member_is_skipped_and_then_told_everything_anew() {
    let mut stage = Stage::new();
    let ada = stage.enter("Ada", usize::MAX);
    let bob = stage.enter("Bob", 2);
    stage.run(100).await;
    heard(&ada);
    for seq in 1..=20 {
        input(&ada, seq, &json!({ "Move": { "x": seq, "y": 0 } }));
        stage.run(50).await;
        heard(&ada);
        assert!(bob.waiting() <= 4, "{} texts wait", bob.waiting());
    }
    heard(&bob);
    stage.run(200).await;
    let (texts, closed) = heard(&bob);
    assert_eq!(closed, None);
    let anew = texts.iter().find(|text| text["reset"] == true);
    assert_eq!(anew.expect("a keyframe")["shared"]["value"], 20);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_is_closed_with_1007_once() {
    let texts = [
        "nonsense",
        r#"{"type":"hello","name":"Ada"}"#,
        r#"{"type":"input","seq":1,"input":"Dance"}"#,
        r#"{"type":"input","seq":1,"input":{"Trap":null}}"#,
    ];
    for text in texts.map(Some).into_iter().chain([None]) {
        let mut stage = Stage::new();
        let ada = stage.enter("Ada", usize::MAX);
        stage.run(100).await;
        match text {
            Some(text) => ada.send_bytes(text),
            None => ada.send(Incoming::Text), // a binary message
        }
        input(&ada, 1, &json!({ "Move": { "x": 1, "y": 0 } }));
        stage.run(100).await;
        let (texts, closed) = heard(&ada);
        let code = closed.map(|close| close.code);
        assert_eq!(code, Some(CloseCode::BadData), "{text:?}");
        assert!(texts.iter().all(|text| text["input_ack"] != 1), "{text:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_goodbye_of_a_peer_that_goes_on_talking_nonsense_is_heard() {
    let mut stage = Stage::new();
    let ada = stage.enter("Ada", usize::MAX);
    stage.run(100).await;
    for _ in 0..5 {
        ada.send_bytes("nonsense");
    }
    ada.send(Incoming::Close(Some(1007)));
    stage.run(100).await;
    assert!(ada.is_dropped());
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_too_big_for_a_text_says_so() {
    let mut stage = Stage::new();
    let ada = stage.enter("Ada", usize::MAX);
    stage.run(100).await;
    input(&ada, 1, &json!({ "Fill": 4000 }));
    stage.run(100).await;
    let (_, closed) = heard(&ada);
    assert_eq!(closed, Some(TOO_BIG));
    let _bob = stage.enter("Bob", usize::MAX);
    stage.run(100).await;
    assert_eq!(ada.waiting(), 0, "nothing follows a goodbye");
}
