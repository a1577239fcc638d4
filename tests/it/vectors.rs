//! Golden bytes that Rust and TypeScript read alike: `tests/vectors/*.json`.
//!
//! Rust is the source: `DOWNBEAT_WRITE_VECTORS=1 cargo nextest run vectors` (or `tests/generate`)
//! writes the files, a run without it says when they are stale. TypeScript's tests decode and
//! encode them.

use std::path::PathBuf;

use downbeat::codec;
use downbeat::{Replicate, Vec2};
use downbeat_scenarios::{
    Ask, Entity, Event, Gate, Input, JobsShown, Kind, Point, Private, Route, Shared, Top,
};
use serde::Serialize;
use serde_json::{Value, json};

fn vector<T: Serialize>(name: &str, value: &T) -> Value {
    let bytes: String = codec::encode(value)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect();
    let value = serde_json::to_value(value).expect("plain data");
    json!({ "name": name, "bytes": bytes, "value": value })
}

fn entity(kind: Kind) -> Entity {
    Entity {
        pos: Vec2::new(1.5, -2.0),
        heading: 64,
        kind,
        name: "Ådå 🌼".into(),
        score: 300,
        hue: 255,
    }
}

fn private() -> Private {
    let [from, to] = [Point { x: 3, y: 127 }, Point { x: 300, y: 0 }];
    Private {
        path: vec![from, to],
        routes: vec![Route {
            entity: 251,
            corners: vec![to],
        }],
        jobs: JobsShown {
            in_flight: 300,
            asked: 70_000,
            done: 69_000,
            rejected: 2,
            cancelled: 251,
            fields: 8,
            expansions: u32::MAX,
            waiting: vec![Ask { from, to }],
        },
    }
}

fn meadow() -> Vec<Value> {
    let mut vectors = vec![
        vector("Input walk", &Input::Walk { dx: 127, dy: -127 }),
        vector("Input goto", &Input::Goto { x: 64.25, y: -0.5 }),
        vector("Input emote", &Input::Emote { emote: 3 }),
        vector("Input overlay", &Input::Overlay { on: true }),
        vector(
            "Shared",
            &Shared {
                width: 128,
                height: 128,
                tiles: vec![255, 0, 1, 6],
                picked: 70_000,
                top: vec![Top {
                    name: "Ada".into(),
                    score: 251,
                }],
                gates: vec![Gate {
                    x: 300,
                    y: 7,
                    width: 3,
                    height: 1,
                    open: true,
                }],
            },
        ),
        vector("Private", &private()),
        vector(
            "Event picked",
            &Event::Picked {
                player: 300,
                flower_hue: 7,
                points: 3,
                x: 0.5,
                y: 127.0,
            },
        ),
        vector(
            "Event emoted",
            &Event::Emoted {
                entity: 250,
                emote: 0,
            },
        ),
        vector(
            "Event joined",
            &Event::Joined {
                name: String::new(),
            },
        ),
        vector("Event left", &Event::Left { name: "Bob".into() }),
    ];
    for kind in [
        Kind::Player,
        Kind::Sheep,
        Kind::Rabbit,
        Kind::Duck,
        Kind::Flower,
        Kind::Wolf,
    ] {
        vectors.push(vector(&format!("Entity {kind:?}"), &entity(kind)));
    }
    vectors
}

#[test]
fn golden_bytes_are_what_the_encoders_write() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/meadow.json");
    let now = serde_json::to_string_pretty(&meadow()).expect("plain data") + "\n";
    if std::env::var_os("DOWNBEAT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(
        now, golden,
        "stale: run tests/generate and look at what changed"
    );
}

#[test]
fn a_whole_entity_is_its_fields_in_order() {
    let entity = entity(Kind::Player);
    let mut by_field = Vec::new();
    entity.encode(u64::MAX, &mut codec::Encoder::new(&mut by_field));
    assert_eq!(by_field, codec::encode(&entity));
}
