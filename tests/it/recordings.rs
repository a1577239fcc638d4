//! Recordings of what a member is sent, with what a client must make of it:
//! `tests/vectors/frames-*.json`. TypeScript's tests play them to its own view.
//!
//! Written and compared like the golden bytes.

use std::collections::BTreeMap;
use std::path::PathBuf;

use downbeat::client::{Applied, View};
use downbeat::rand::RngExt as _;
use downbeat::testing::{Gallery, TestRoom};
use downbeat::{EntityId, Look, PlayerId, Rng, Space, Team, To, Vec2, Visible};
use downbeat_tests::recorded::{Actor, Event, Input, Kind, Recorded, Settings, Shared};
use serde::Serialize;

#[derive(Serialize)]
struct Recording {
    game: &'static str,
    messages: Vec<Message>,
}

/// A message, and where it ends a tick what a client then holds.
#[derive(Default, Serialize)]
struct Message {
    hex: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    tick: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    entities: Option<BTreeMap<u32, Actor>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared: Option<Shared>,
}

/// What happens in a recording.
struct Plot {
    name: &'static str,
    space: Space,
    ticks: u32,
    /// Actors at the start, and half the side of the square that they are in.
    actors: u32,
    side_m: f32,
    /// Each so many ticks: the member's team changes, it looks elsewhere.
    team_every: u32,
    look_every: u32,
    /// All entities are written down each so many ticks.
    entities_every: u32,
}

const PLOTS: [Plot; 5] = [
    Plot {
        name: "whole",
        space: Space::Whole,
        ticks: 80,
        actors: 8,
        side_m: 20.0,
        team_every: u32::MAX,
        look_every: u32::MAX,
        entities_every: 1,
    },
    Plot {
        name: "tiers",
        space: Space::grid(8.0),
        ticks: 100,
        actors: 14,
        side_m: 24.0,
        team_every: u32::MAX,
        look_every: u32::MAX,
        entities_every: 1,
    },
    Plot {
        name: "teams",
        space: Space::Whole,
        ticks: 80,
        actors: 8,
        side_m: 20.0,
        team_every: 9,
        look_every: u32::MAX,
        entities_every: 1,
    },
    Plot {
        name: "windows",
        space: Space::Grid {
            cell_m: 4.0,
            near: 0,
            mid: 1,
            far: 2,
        },
        ticks: 100,
        actors: 24,
        side_m: 16.0,
        team_every: u32::MAX,
        look_every: 7,
        entities_every: 2,
    },
    Plot {
        name: "split",
        space: Space::grid(8.0),
        ticks: 16,
        actors: 900,
        side_m: 20.0,
        team_every: u32::MAX,
        look_every: u32::MAX,
        entities_every: 16,
    },
];

/// A room in which the plot takes place.
struct Stage {
    plot: Plot,
    gallery: Gallery<Recorded>,
    member: PlayerId,
    rng: Rng,
    alive: Vec<EntityId>,
}

impl Stage {
    fn new(plot: Plot) -> Self {
        let space = plot.space;
        let mut gallery = Gallery::open(Settings { space });
        let mut stage = Self {
            rng: downbeat::seeded(7, plot.name, 0, "recordings"),
            plot,
            member: gallery.enter(true),
            gallery,
            alive: Vec::new(),
        };
        for _ in 0..stage.plot.actors {
            stage.spawn();
        }
        stage
    }

    fn somewhere(&mut self) -> Vec2 {
        let side = -self.plot.side_m..self.plot.side_m;
        Vec2::new(
            self.rng.random_range(side.clone()),
            self.rng.random_range(side),
        )
    }

    fn spawn(&mut self) {
        let pos = self.somewhere();
        let length = self.rng.random_range(0..5);
        let id = self.gallery.room().spawn(Actor {
            pos,
            heading: self.rng.random(),
            kind: Kind::Sheep,
            name: "é".repeat(length),
            stamina: self.rng.random_range(0.0..100.0),
            health: self.rng.random(),
            ammo: self.rng.random(),
        });
        self.alive.push(id);
        let team = [None, Some(Team(0)), Some(Team(1))][self.rng.random_range(0..3)];
        self.gallery.room().set_entity_team(id, team);
    }

    /// Something happens to an entity.
    fn happen(&mut self) {
        let at = self.rng.random_range(0..self.alive.len());
        let id = self.alive[at];
        let (to, what) = (self.somewhere(), self.rng.random_range(0..12));
        let team = [None, Some(Team(0)), Some(Team(1))][self.rng.random_range(0..3)];
        let member = self.member;
        let room = self.gallery.room();
        match what {
            0 => {
                room.despawn(id);
                self.alive.remove(at);
            }
            1 => self.spawn(),
            2 => room.set_entity_team(id, team),
            3 => room.set_owner(id, team.map(|_| member)),
            4 => room.hide(id, [Visible::All, Visible::Team, Visible::Owner][at % 3]),
            5 => room.hide(id, Visible::All),
            6 => room.shared_mut().round += 1,
            7 => room.shared_mut().title = format!("at {at}"),
            8 => room.emit(&Event::Bang { at: 70_000 }, To::All),
            _ => {
                if let Some(actor) = room.entity_mut(id) {
                    match what {
                        9 => actor.pos = to,
                        10 => (actor.health, actor.ammo) = (actor.health ^ 1, 7),
                        _ => (actor.stamina, actor.name) = (to.x.abs(), "x".repeat(at % 7)),
                    }
                }
            }
        }
    }

    fn walk(&mut self) {
        for &id in &self.alive {
            let pace = [0.0, 0.02, 0.3, 0.3, 0.4, 1.5][self.rng.random_range(0..6)];
            let heading = self.rng.random_range(0..8) * 32 + self.rng.random_range(0..3);
            if let Some(actor) = self.gallery.room().entity_mut(id)
                && pace > 0.0
            {
                let way = f32::from(heading) / 256.0 * std::f32::consts::TAU;
                actor.pos += Vec2::from_angle(way) * pace;
                actor.heading = heading;
            }
        }
    }

    fn step(&mut self, tick: u32) {
        for _ in 0..2 {
            self.happen();
        }
        self.walk();
        let (dx, dy) = (self.rng.random(), self.rng.random());
        self.gallery
            .input(self.member, tick, Input::Walk { dx, dy });
        if tick.is_multiple_of(self.plot.team_every) {
            let team = [None, Some(Team(0)), Some(Team(1))][tick as usize % 3];
            self.gallery.room().set_team(self.member, team);
        }
        if tick.is_multiple_of(self.plot.look_every) {
            let at = self.somewhere();
            self.gallery.room().look(self.member, Look::At(at));
        }
        self.gallery.step();
        self.gallery.write();
    }

    fn record(mut self) -> Recording {
        let mut view = View::<Recorded>::new();
        view.track_changes();
        let mut messages = Vec::new();
        for tick in 1..=self.plot.ticks {
            self.step(tick);
            for bytes in self.gallery.take_sent().watched {
                let applied = view.apply(&bytes).expect("our own encoders");
                let mut message = Message {
                    hex: bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
                    ..Message::default()
                };
                if matches!(applied, Applied::Frame { .. }) {
                    let changes = view.take_changes();
                    message.tick = Some(view.tick.number());
                    message.shared = (changes.shared != 0).then(|| view.shared.clone());
                    if tick.is_multiple_of(self.plot.entities_every) {
                        let all = view.entities.iter().map(|(&id, e)| (id, e.clone()));
                        message.entities = Some(all.collect());
                    }
                }
                messages.push(message);
            }
        }
        assert_eq!(view.mismatches(), 0, "{}", self.plot.name);
        let game = "probe";
        Recording { game, messages }
    }
}

/// The messages of each plot.
pub(crate) fn stories() -> Vec<Vec<bytes::Bytes>> {
    let of = |plot: Plot| {
        let ticks = plot.ticks;
        let mut stage = Stage::new(plot);
        for tick in 1..=ticks {
            stage.step(tick);
        }
        stage.gallery.take_sent().watched
    };
    PLOTS.map(of).into()
}

#[test]
fn recorded_vectors_are_what_the_server_says() {
    for plot in PLOTS {
        let name = format!("vectors/frames-{}.json", plot.name);
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(name);
        let recording = Stage::new(plot).record();
        let lines = recording
            .messages
            .iter()
            .map(|message| serde_json::to_string(message).expect("plain data"));
        let lines = lines.collect::<Vec<_>>().join(",\n");
        let now = format!(
            "{{\"game\":\"{}\",\"messages\":[\n{lines}\n]}}\n",
            recording.game
        );
        if std::env::var_os("DOWNBEAT_WRITE_VECTORS").is_some() {
            std::fs::write(&path, &now).expect("written");
        }
        let golden = std::fs::read_to_string(&path).unwrap_or_default();
        assert!(
            now == golden,
            "{} is stale: run tests/generate and look at what changed",
            path.display()
        );
    }
}

#[test]
fn a_page_above_an_empty_one_is_shown_to_who_comes_later() {
    let mut room = TestRoom::<Recorded>::open(Settings::default());
    let actor = |at: u8| Actor {
        pos: Vec2::splat(at.into()),
        heading: at,
        kind: Kind::Sheep,
        name: String::new(),
        stamina: 1.0,
        health: 1,
        ammo: 1,
    };
    let ids: Vec<_> = (0..70).map(|at| room.room().spawn(actor(at))).collect();
    room.step(1);
    for &id in &ids[..64] {
        room.room().despawn(id);
    }
    room.step(1);
    // Its own body is in the first page.
    let ada = room.join("Ada").expect("let in");
    room.step(1);
    assert_eq!(room.view(ada).entities.len(), 7);
    let body = room.room().avatar(ada).expect("alive");
    room.room().despawn(body);
    room.step(1);
    let bob = room.join("Bob").expect("let in");
    let body = room.room().avatar(bob).expect("alive");
    room.room().despawn(body);
    room.step(1);
    room.drop(bob);
    room.resume(bob);
    assert_eq!(room.view(bob).entities.len(), 6, "the first page is empty");
}
