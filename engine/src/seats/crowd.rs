//! The crowd: thousands around one place, each sent what is near at once and no more than fits.

use std::time::Duration;

use glam::Vec2;
use rand::RngExt as _;
use serde::{Deserialize, Serialize};

use crate::client::{Applied, View};
use crate::game::{Game, OpenError, Player, PlayerId, Refusal, Seat};
use crate::grid::{Space, units};
use crate::limits::VIEW_BYTES_PER_TICK_MAX;
use crate::room::Room;
use crate::testing::{Gallery, Sent};

const MEMBERS: u32 = 2000;
const CELL_M: f32 = 16.0;
/// All of them are within 3 × 3 cells, far enough from the outer borders to stay there.
const SIDE_M: f32 = 3.0 * CELL_M;
const SECOND: u32 = 20;

/// Who walks, one in so many; and how many sheep there are besides the members.
#[derive(Clone, Default, Serialize, Deserialize)]
struct Settings {
    walks: u32,
    sheep: u32,
}

#[derive(Serialize, Deserialize)]
struct Square(Settings);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, crate::Replicate)]
struct Body {
    #[replicate(position)]
    at: Vec2,
    #[replicate(heading)]
    heading: u8,
    name: String,
}

#[crate::game]
impl Game for Square {
    const NAME: &'static str = "square";
    type Settings = Settings;
    type Entity = Body;
    type Input = ();

    fn space(_: &Settings) -> Space {
        Space::grid(CELL_M)
    }

    fn open(settings: &Settings, room: &mut Room<Self>) -> Result<Self, OpenError> {
        for _ in 0..settings.sheep {
            spawn(room, "");
        }
        Ok(Self(settings.clone()))
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Avatar(spawn(room, &player.name)))
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, (): ()) {}

    fn tick(&mut self, room: &mut Room<Self>) {
        let every = self.0.walks as usize;
        let walkers: Vec<_> = room.entities().map(|(id, _)| id).step_by(every).collect();
        for id in walkers {
            let turn = if room.rng().random_range(0..8) == 0 {
                room.rng().random_range(0..64)
            } else {
                0
            };
            let Some(body) = room.entity_mut(id) else {
                continue;
            };
            let step = |heading: u8| {
                let way = f32::from(heading) / 256.0 * std::f32::consts::TAU;
                Vec2::from_angle(way) * 0.25
            };
            body.heading = body.heading.wrapping_add(turn);
            let to = body.at + step(body.heading);
            if to.cmpge(Vec2::ZERO).all() && to.cmplt(Vec2::splat(SIDE_M)).all() {
                body.at = to;
            } else {
                body.heading = body.heading.wrapping_add(128);
            }
        }
    }
}

fn spawn(room: &mut Room<Square>, name: &str) -> crate::EntityId {
    let side = 0.0..SIDE_M;
    let at = Vec2::new(
        room.rng().random_range(side.clone()),
        room.rng().random_range(side),
    );
    let (heading, name) = (room.rng().random(), name.into());
    room.spawn(Body { at, heading, name })
}

struct Crowd {
    gallery: Gallery<Square>,
    /// What the first member sees.
    view: View<Square>,
    now: Duration,
    compared: usize,
}

impl Crowd {
    fn new(settings: Settings) -> Self {
        let mut gallery = Gallery::open(settings);
        for number in 0..MEMBERS {
            gallery.enter(number == 0);
        }
        Self {
            gallery,
            view: View::new(),
            now: Duration::ZERO,
            compared: 0,
        }
    }

    /// Some ticks; answers what was sent.
    fn run(&mut self, ticks: u32) -> Sent {
        let mut all = Sent::default();
        for _ in 0..ticks {
            self.now += Duration::from_millis(50);
            self.gallery.step();
            self.gallery.write_at(self.now);
            let mut sent = self.gallery.take_sent();
            for message in &sent.watched {
                let applied = self.view.apply(message).expect("our own encoders");
                assert_ne!(
                    applied,
                    Applied::Frame { due: false },
                    "nobody is idle here"
                );
            }
            all.messages += sent.messages;
            all.bytes += sent.bytes;
            all.watched.append(&mut sent.watched);
        }
        all
    }

    /// Every tick each entity of one's own cell is where it is in the room.
    fn compare(&mut self) {
        let (anchor, _) = self.view.window();
        let view = &self.view;
        let room = self.gallery.room();
        assert_eq!(view.tick, room.tick());
        assert_eq!(view.mismatches(), 0);
        let all: Vec<_> = room
            .entities()
            .map(|(id, body)| (id, body.clone()))
            .collect();
        for (id, body) in all {
            if room.entities.cell(id) != Some(anchor) {
                continue;
            }
            let number = room.net_id(id).expect("seen by all");
            let seen = view.entities.get(&number).expect("near and so in view");
            assert_eq!(units(seen.at), units(body.at), "{number} at {}", view.tick);
            assert_eq!(seen.name, body.name);
            self.compared += 1;
        }
    }
}

/// Lets a crowd settle, then looks at two seconds of it; answers how many bytes a tick the first
/// member got, and everybody on average.
fn settled_bytes(settings: Settings) -> [u64; 2] {
    let mut crowd = Crowd::new(settings);
    crowd.run(3 * SECOND);
    let total = crowd.view.entities.len();
    assert!(
        total >= MEMBERS as usize,
        "all of {MEMBERS} are seen: {total}"
    );
    let mut worst = [0, 0];
    for _ in 0..2 {
        let (mut own, mut all) = (0, 0);
        for _ in 0..SECOND {
            let sent = crowd.run(1);
            own += sent
                .watched
                .iter()
                .map(|bytes| bytes.len() as u64)
                .sum::<u64>();
            all += sent.bytes;
            crowd.compare();
        }
        let ticks = u64::from(SECOND);
        let now = [own / ticks, all / ticks / u64::from(MEMBERS)];
        worst = [worst[0].max(now[0]), worst[1].max(now[1])];
    }
    assert!(crowd.compared > 1000, "a crowd stands in one's own cell");
    worst
}

fn is_within_budget(settings: Settings) {
    let [own, average] = settled_bytes(settings);
    let max = u64::from(VIEW_BYTES_PER_TICK_MAX);
    assert!(
        own <= max && average <= max,
        "{own} and {average} of {max} bytes a tick"
    );
    assert!(average > max / 8, "{average} bytes a tick are no crowd");
}

#[test]
fn two_thousand_of_whom_some_walk_are_sent_all_that_is_near_within_the_budget() {
    is_within_budget(Settings { walks: 2, sheep: 0 });
}

#[test]
fn what_is_too_much_for_the_budget_is_sent_more_rarely_but_for_the_own_cell() {
    is_within_budget(Settings {
        walks: 1,
        sheep: 3000,
    });
}
