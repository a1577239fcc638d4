//! Golden steps for clients that predict: `tests/vectors/steps/arena.json`, every number exactly.
//!
//! Written and compared like the golden bytes.

use std::path::PathBuf;

use downbeat::rand::RngExt as _;
use downbeat::testing::TestRoom;
use downbeat::{PlayerId, Vec2};
use downbeat_scenarios::arena::{Arena, Input, Settings};
use serde_json::{Value, json};

fn at(room: &mut TestRoom<Arena>, player: PlayerId) -> Vec2 {
    let room = room.room();
    let body = room.avatar(player).and_then(|id| room.entity(id));
    body.expect("alive").pos
}

/// Where one gets by holding these directions for so many ticks each.
fn walk(tick_rate_hz: u16) -> Value {
    let settings = Settings {
        tick_rate_hz,
        ..Settings::default()
    };
    let mut room = TestRoom::<Arena>::open(settings);
    let ada = room.join("Ada").expect("let in");
    let start = at(&mut room, ada);
    let mut rng = downbeat::seeded(7, "steps", 0, "arena");
    let steps = (0..200).map(|_| {
        let (dx, dy): (i8, i8) = (rng.random(), rng.random());
        let ticks = rng.random_range(1..30);
        for _ in 0..ticks {
            let (aim, fire) = (0, false);
            room.input(ada, Input { dx, dy, aim, fire });
            room.step(1);
        }
        let to = at(&mut room, ada);
        json!([dx, dy, ticks, to.x, to.y])
    });
    let steps: Vec<_> = steps.collect();
    json!({ "rate": tick_rate_hz, "x": start.x, "y": start.y, "steps": steps })
}

#[test]
fn golden_steps_are_where_the_rules_lead() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/steps/arena.json");
    let walks = [20, 30, 60].map(|rate| walk(rate).to_string());
    let now = format!("[\n{}\n]\n", walks.join(",\n"));
    if std::env::var_os("DOWNBEAT_WRITE_VECTORS").is_some() {
        std::fs::write(&path, &now).expect("written");
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        now == golden,
        "stale: run tests/generate and look at what changed"
    );
}
