//! The bot: walks to flowers that it sees a free way to, now and then asks for a way to one that is
//! behind something, strolls about otherwise, waves. Thousands of them think in one process, so one
//! looks around about once a second.

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{Bot, Rng, Vec2};

use super::animal::direction;
use super::emotes::EMOTES;
use super::map::{Map, cell};
use super::walk::BODY_M;
use super::{Gate, Input, Kind, Meadow, Shared};

/// Thoughts between two looks around.
const LOOK_EVERY: u8 = 10;

/// How far it goes for a flower. Units: metres.
const LOOK_M: f32 = 25.0;

/// Thoughts without getting anywhere after which it wants something else.
const STUCK_MAX: u8 = 4;

/// The same while it is shown the way, which takes a moment.
const SHOWN_STUCK_MAX: u8 = 12;

/// Picks flowers.
pub(super) struct Picker {
    ground: Option<Ground>,
    aim: Option<Aim>,
    look_in: u8,
    last_at: Vec2,
    stuck: u8,
}

struct Aim {
    at: Vec2,
    flower: Option<u32>,
    thoughts_left: u8,
    /// The room shows it the way; whether it has asked for that.
    shown: Option<bool>,
}

impl Picker {
    pub(super) fn new(seed: u64) -> Self {
        let share = u8::try_from(seed % u64::from(LOOK_EVERY)).expect("less than LOOK_EVERY");
        Self {
            ground: None,
            aim: None,
            look_in: share, // they do not all look around at once
            last_at: Vec2::ZERO,
            stuck: 0,
        }
    }
}

impl Bot<Meadow> for Picker {
    fn think(&mut self, view: &View<Meadow>, rng: &mut Rng) -> Option<Input> {
        let (_, body) = view.avatar()?;
        let at = body.pos;
        if rng.random_ratio(1, 600) {
            let emote = rng.random_range(0..EMOTES);
            return Some(Input::Emote { emote });
        }
        if self
            .ground
            .as_ref()
            .is_none_or(|ground| ground.gates != view.shared.gates)
        {
            self.ground = Some(Ground::new(&view.shared)?);
        }
        self.give_up(view, at);
        self.look_in = self.look_in.saturating_sub(1);
        let strolls = self.aim.as_ref().is_none_or(|aim| aim.flower.is_none());
        if strolls && self.look_in == 0 {
            self.look_in = LOOK_EVERY;
            self.aim = self.find_flower(view, at, rng).or_else(|| self.aim.take());
        }
        let aim = match &mut self.aim {
            Some(aim) => {
                if let Some(has_asked) = &mut aim.shown {
                    let asks = !std::mem::replace(has_asked, true);
                    let Vec2 { x, y } = aim.at;
                    return asks.then_some(Input::Goto { x, y });
                }
                aim.at
            }
            None => self.stroll(at, rng),
        };
        let way = (aim - at).normalize_or(Vec2::X);
        Some(Input::Walk {
            dx: thrust(way.x),
            dy: thrust(way.y),
        })
    }
}

impl Picker {
    /// Forgets an aim that is reached, gone, or out of reach.
    fn give_up(&mut self, view: &View<Meadow>, at: Vec2) {
        let is_stuck = at.distance_squared(self.last_at) < 0.01;
        self.stuck = if is_stuck { self.stuck + 1 } else { 0 };
        self.last_at = at;
        let Some(aim) = &mut self.aim else {
            return;
        };
        aim.thoughts_left = aim.thoughts_left.saturating_sub(1);
        let is_done = match aim.flower {
            // An index is used again, but not at the same place.
            Some(id) => view
                .entities
                .get(&id)
                .is_none_or(|flower| flower.pos != aim.at),
            None => at.distance_squared(aim.at) < 1.0,
        };
        let stuck_max = aim.shown.map_or(STUCK_MAX, |_| SHOWN_STUCK_MAX);
        if is_done || self.stuck >= stuck_max || aim.thoughts_left == 0 {
            self.look_in = if is_done {
                self.look_in.min(2)
            } else {
                LOOK_EVERY
            };
            self.stuck = 0;
            self.aim = None;
        }
    }

    fn find_flower(&self, view: &View<Meadow>, at: Vec2, rng: &mut Rng) -> Option<Aim> {
        let ground = self.ground.as_ref()?;
        let mut flowers: Vec<_> = view
            .entities
            .iter()
            .filter(|(_, entity)| entity.kind == Kind::Flower)
            .map(|(&id, flower)| (flower.pos.distance(at), id, flower.pos))
            .filter(|&(away, ..)| away < LOOK_M)
            // Everybody has a taste of their own, so that not all run to the same one.
            .map(|(away, id, pos)| (away * (0.6 + 0.8 * rng.random::<f32>()), id, pos))
            .collect();
        flowers.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        let is_clear = |&(_, _, pos): &(f32, u32, Vec2)| ground.is_clear(at, pos);
        let nearest = flowers.get(..6).unwrap_or(&flowers);
        let hidden = nearest.iter().find(|flower| !is_clear(flower));
        let hidden = hidden.filter(|_| rng.random_ratio(1, 8));
        let &(_, id, pos) = hidden.or_else(|| nearest.iter().find(|flower| is_clear(flower)))?;
        Some(Aim {
            at: pos,
            flower: Some(id),
            thoughts_left: 100,
            shown: hidden.map(|_| false),
        })
    }

    /// Aims at somewhere that it can walk to, or anywhere.
    fn stroll(&mut self, at: Vec2, rng: &mut Rng) -> Vec2 {
        let ground = self.ground.as_ref();
        let mut aim = at;
        for _ in 0..12 {
            aim = at + direction(rng) * rng.random_range(5.0..18.0);
            if ground.is_none_or(|ground| ground.is_clear(at, aim)) {
                break;
            }
        }
        self.aim = Some(Aim {
            at: aim,
            flower: None,
            thoughts_left: 60,
            shown: None,
        });
        aim
    }
}

/// Where one can walk, a bit per tile: 2 KiB for each of thousands of bots.
struct Ground {
    width: i32,
    height: i32,
    bits: Vec<u64>,
    /// As they were then.
    gates: Vec<Gate>,
}

impl Ground {
    fn new(shared: &Shared) -> Option<Self> {
        let mut map = Map::from_runs(shared.width, shared.height, &shared.tiles)?;
        map.shut(&shared.gates);
        let (width, height) = (i32::from(map.width()), i32::from(map.height()));
        let mut bits = vec![0; map.cells().count().div_ceil(64)];
        for (index, (column, row)) in map.cells().enumerate() {
            bits[index / 64] |= u64::from(map.at(column, row).is_ground()) << (index % 64);
        }
        Some(Self {
            width,
            height,
            bits,
            gates: shared.gates.clone(),
        })
    }

    fn is_ground(&self, at: Vec2) -> bool {
        let (column, row) = (cell(at.x), cell(at.y));
        if !(0..self.width).contains(&column) || !(0..self.height).contains(&row) {
            return false;
        }
        let index = usize::try_from(row * self.width + column).expect("on the map");
        self.bits[index / 64] >> (index % 64) & 1 == 1
    }

    /// Whether a body can go straight from here to there.
    fn is_clear(&self, from: Vec2, to: Vec2) -> bool {
        let way = to - from;
        let steps = cell(way.length() / 0.4) + 1;
        let aside = way.perp().normalize_or_zero() * BODY_M;
        (1..=steps).all(|step| {
            let at = from + way * (step as f32 / steps as f32);
            self.is_ground(at + aside) && self.is_ground(at - aside)
        })
    }
}

/// A side of a direction as it travels.
fn thrust(side: f32) -> i8 {
    i8::try_from(cell(side * 127.0 + 0.5)).unwrap_or(i8::MAX)
}
