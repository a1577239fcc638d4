//! The plain: walkers who change their headings, in a grid; for the figures of replication.

use downbeat::rand::RngExt as _;
use downbeat::{
    Game, InputKind, Look, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat, Space, Vec2,
};
use serde::{Deserialize, Serialize};

/// How a plain is laid out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    /// Walkers besides the members.
    pub walkers: u32,
    /// Of 100 walkers so many walk at any time.
    pub moving_pct: u32,
    /// Side of the square plain. Units: metres.
    pub side_m: f32,
    /// What members see.
    pub space: Space,
    /// Members have a body; else they watch from places all over the plain.
    pub bodies: bool,
    /// Members who watch from one place together.
    pub crowd: u32,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            walkers: 2000,
            moving_pct: 70,
            side_m: 272.0,
            space: Space::Grid {
                cell_m: 32.0,
                near: 1,
                mid: 1,
                far: 1,
            },
            bodies: false,
            crowd: 1,
        }
    }
}

/// Somebody on the plain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Walker {
    /// Where.
    #[replicate(position)]
    pub at: Vec2,
    /// Which way it goes.
    #[replicate(heading)]
    pub heading: f32,
    /// Rarely changes.
    pub name: String,
}

/// The rules.
#[derive(Debug, Serialize, Deserialize)]
pub struct Plain {
    layout: Layout,
    /// Metres per second, and ticks until something else is done; in id order.
    paces: Vec<(f32, u32)>,
}

#[downbeat::game]
impl Game for Plain {
    const NAME: &'static str = "plain";
    type Settings = Layout;
    type Entity = Walker;
    /// The way to walk. Units: 1/127 of full speed.
    type Input = (i8, i8);

    fn space(layout: &Layout) -> Space {
        layout.space
    }

    fn open(layout: &Layout, room: &mut Room<Self>) -> Result<Self, OpenError> {
        for _ in 0..layout.walkers {
            spawn(room, layout);
        }
        Ok(Self {
            layout: *layout,
            paces: Vec::new(),
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        if self.layout.bodies {
            return Ok(Seat::Avatar(spawn(room, &self.layout)));
        }
        let place = (player.id.number() - 1) / self.layout.crowd.max(1);
        // Multiples of the plastic number spread any number of places evenly over a square.
        let part = |by: f32| (place as f32 * by).fract();
        let at = Vec2::new(part(0.754_877_7), part(0.569_840_3)) * self.layout.side_m;
        room.look(player.id, Look::At(at));
        Ok(Seat::Spectator)
    }

    fn kind(_: &(i8, i8)) -> InputKind {
        InputKind::Held
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, (dx, dy): (i8, i8)) {
        let way = Vec2::new(f32::from(dx), f32::from(dy)) / 127.0;
        let step = way.clamp_length_max(1.0) * 4.5 * room.dt();
        let side = Vec2::splat(self.layout.side_m);
        if let Some(walker) = room.avatar(player).and_then(|id| room.entity_mut(id)) {
            walker.at = (walker.at + step).clamp(Vec2::ZERO, side);
            walker.heading = step.to_angle();
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        let dt = room.dt();
        let side = self.layout.side_m;
        if self.layout.moving_pct == 0 {
            return;
        }
        let ids: Vec<_> = room.entities().map(|(id, _)| id).collect();
        self.paces.resize(ids.len(), (0.0, 0));
        for (id, pace) in ids.into_iter().zip(&mut self.paces) {
            if pace.1 == 0 {
                let walks = room.rng().random_range(0..100) < self.layout.moving_pct;
                let speed = if walks {
                    room.rng().random_range(3.0..6.0)
                } else {
                    0.0
                };
                *pace = (speed, room.rng().random_range(10..60));
                let turn = room.rng().random_range(-1.5..1.5);
                if walks && let Some(walker) = room.entity_mut(id) {
                    walker.heading += turn;
                }
            }
            pace.1 -= 1;
            if pace.0 == 0.0 {
                continue;
            }
            let sway = room.rng().random_range(-0.05..0.05);
            if let Some(walker) = room.entity_mut(id) {
                walker.heading += sway;
                let to = walker.at + Vec2::from_angle(walker.heading) * pace.0 * dt;
                let inside = to.clamp(Vec2::ZERO, Vec2::splat(side));
                if inside != to {
                    walker.heading += std::f32::consts::PI;
                }
                walker.at = inside;
            }
        }
    }
}

fn spawn(room: &mut Room<Plain>, layout: &Layout) -> downbeat::EntityId {
    let at = Vec2::new(room.rng().random(), room.rng().random()) * layout.side_m;
    room.spawn(Walker {
        at,
        heading: 0.0,
        name: "walker".into(),
    })
}
