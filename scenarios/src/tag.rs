//! `tag`: a game of catch on a small square field at 30 Hz. One runner is it; whom it touches is
//! it next.

use std::time::Duration;

use downbeat::client::View;
use downbeat::rand::RngExt as _;
use downbeat::{
    Bot, EntityId, Game, InputKind, OpenError, Player, PlayerId, Refusal, Replicate, Rng, Room,
    Seat, Vec2,
};
use serde::{Deserialize, Serialize};

/// Side of the field. Units: metres.
const FIELD_M: f32 = 30.0;

/// How near a touch is. Units: metres.
const TOUCH_M: f32 = 1.0;

/// Before who was just touched may touch: no ping-pong.
const REST: Duration = Duration::from_secs(1);

/// Somebody on the field.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, Replicate)]
pub struct Runner {
    /// Units: metres.
    #[replicate(position)]
    pub pos: Vec2,
    /// Whether it is it.
    pub it: bool,
    /// How often it was caught.
    pub caught: u16,
    /// What it is called.
    pub name: String,
}

/// The rules.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Tag {
    it: Option<EntityId>,
    rests: bool,
}

#[downbeat::game]
impl Game for Tag {
    const NAME: &'static str = "tag";
    const TICK_RATE_HZ: u16 = 30;

    /// The way to run; longer than 1 is 1.
    type Input = Vec2;
    type Entity = Runner;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self {
            it: None,
            rests: false,
        })
    }

    fn join(&mut self, room: &mut Room<Self>, player: &Player<Self>) -> Result<Seat, Refusal> {
        let pos = Vec2::new(room.rng().random(), room.rng().random()) * FIELD_M;
        Ok(Seat::Avatar(room.spawn(Runner {
            pos,
            it: false,
            caught: 0,
            name: player.name.clone(),
        })))
    }

    fn kind(_: &Vec2) -> InputKind {
        InputKind::Held
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, way: Vec2) {
        let dt = room.dt();
        let runner = room.avatar(player).and_then(|id| room.entity_mut(id));
        if let Some(runner) = runner
            && way.is_finite()
        {
            // Who is it runs a little faster.
            let speed = if runner.it { 6.0 } else { 5.0 };
            let pos = runner.pos + way.clamp_length_max(1.0) * speed * dt;
            runner.pos = pos.clamp(Vec2::ZERO, Vec2::splat(FIELD_M));
        }
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        let Some(catcher) = self.it.and_then(|id| room.entity(id)) else {
            self.it = room.entities().next().map(|(id, _)| id);
            self.mark(room, true);
            return;
        };
        if self.rests {
            return;
        }
        let near = room.near(catcher.pos, TOUCH_M).into_iter();
        let Some(caught) = near.into_iter().find(|&id| Some(id) != self.it) else {
            return;
        };
        self.mark(room, false);
        self.it = Some(caught);
        self.mark(room, true);
        if let Some(runner) = room.entity_mut(caught) {
            runner.caught = runner.caught.saturating_add(1);
        }
        self.rests = true;
        room.timer(REST, ());
    }

    fn timer(&mut self, _: &mut Room<Self>, (): ()) {
        self.rests = false;
    }

    fn bot(_: u64) -> Option<Box<dyn Bot<Self>>> {
        Some(Box::new(run))
    }
}

impl Tag {
    fn mark(&self, room: &mut Room<Self>, it: bool) {
        if let Some(runner) = self.it.and_then(|id| room.entity_mut(id)) {
            runner.it = it;
        }
    }
}

/// The bot: runs at the nearest, or away from whoever is it and around the middle.
fn run(view: &View<Tag>, rng: &mut Rng) -> Option<Vec2> {
    let (own, me) = view.avatar()?;
    let others = view.entities.iter().filter(|&(&id, _)| id != own);
    let wanted = others.filter(|(_, other)| me.it || other.it);
    let nearest = wanted
        .map(|(_, other)| other.pos - me.pos)
        .min_by(|a, b| a.length_squared().total_cmp(&b.length_squared()));
    let to_it = nearest.unwrap_or_default().normalize_or_zero();
    let home = (Vec2::splat(FIELD_M / 2.0) - me.pos) / FIELD_M;
    let whim = Vec2::new(rng.random(), rng.random()) - Vec2::splat(0.5);
    let way = if me.it {
        to_it
    } else {
        home + home.perp() - to_it * 0.5
    };
    Some((way + whim * 0.4).normalize_or(Vec2::X))
}

#[cfg(test)]
mod tests {
    use downbeat::testing::TestRoom;

    use super::*;

    #[test]
    fn somebody_is_always_it_and_bots_catch_each_other() {
        let mut room = TestRoom::<Tag>::open(());
        let players: Vec<_> = (0..6).map(|_| room.join("bot").expect("let in")).collect();
        let mut rng = downbeat::seeded(1, "test", 0, "bot");
        room.input(players[0], Vec2::new(f32::NAN, 1.0));
        for tick in 0..900 {
            for &player in players.iter().filter(|_| tick % 3 == 0) {
                let way = run(room.view(player), &mut rng);
                room.input(player, way.expect("has a body"));
            }
            room.step(1);
            let runners = room.view(players[0]).entities.values();
            assert_eq!(runners.filter(|runner| runner.it).count(), 1);
        }
        let runners = room.view(players[0]).entities.values();
        let caught: u16 = runners.map(|runner| runner.caught).sum();
        // At most once a second: who was just caught rests first.
        assert!((6..=31).contains(&caught), "{caught} in half a minute");
    }

    #[test]
    fn when_who_is_it_leaves_another_is_it() {
        let mut room = TestRoom::<Tag>::open(());
        let ada = room.join("Ada").expect("let in");
        let bob = room.join("Bob").expect("let in");
        room.leave(ada);
        room.step(2);
        assert!(room.view(bob).avatar().expect("has a body").1.it);
    }
}
