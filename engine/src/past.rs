//! `Past`: where everything was a moment ago, so that a shot is judged by what the shooter saw.
//!
//! In: the positions at the end of each step. Out: who was where at a time up to 250 ms ago. It
//! does not know who looks back or how far: a member's input says that, and the room asks.

use std::collections::VecDeque;

use glam::Vec2;

use crate::entities::EntityId;
use crate::limits::{REWIND_MAX, REWIND_TICKS_MAX};
use crate::tick::Tick;

/// Who was where at the end of one step, in id order.
type Places = Vec<(EntityId, Vec2)>;

/// The positions of the last steps.
#[derive(Debug)]
pub(crate) struct Trail {
    /// Oldest first, one per step without gaps.
    moments: VecDeque<Places>,
    moments_max: usize,
    newest: Tick,
}

impl Trail {
    pub(crate) fn new(tick_rate_hz: u16) -> Self {
        let ticks = REWIND_MAX.as_millis() * u128::from(tick_rate_hz);
        let ticks = usize::try_from(ticks.div_ceil(1000)).unwrap_or(usize::MAX);
        Self {
            moments: VecDeque::new(),
            moments_max: ticks.clamp(1, REWIND_TICKS_MAX),
            newest: Tick::ZERO,
        }
    }

    /// The end of a step. `places` come in id order.
    pub(crate) fn record(&mut self, tick: Tick, places: impl Iterator<Item = (EntityId, Vec2)>) {
        if tick != self.newest.next() {
            self.moments.clear(); // a gap cannot be interpolated over
        }
        let mut moment = if self.moments.len() == self.moments_max {
            self.moments.pop_front().unwrap_or_default()
        } else {
            Places::new()
        };
        moment.clear();
        moment.extend(places);
        debug_assert!(
            moment.is_sorted_by_key(|&(id, _)| id),
            "places are recorded in id order"
        );
        self.moments.push_back(moment);
        self.newest = tick;
    }

    /// What was `ticks_back` before the step `now`, or as near to that as is remembered.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an age is at least 0 and less than REWIND_TICKS_MAX"
    )]
    pub(crate) fn past(&self, now: Tick, ticks_back: f32) -> Past<'_> {
        let Some(last) = self.moments.len().checked_sub(1) else {
            return Past::default();
        };
        // Within a step the newest that anybody can have seen is the end of the step before.
        let newest = now.since(self.newest) as f32;
        // In this order, so that no number becomes the newest.
        let ticks_back = ticks_back.max(newest).min(newest + last as f32);
        let age = ticks_back - newest;
        let older = age.ceil();
        Past {
            older: &self.moments[last - older as usize],
            newer: &self.moments[last - age as usize],
            way: older - age,
            ticks_back,
        }
    }
}

/// The room as a player saw it when it gave the input that is being judged.
///
/// Others are looked up here, the player itself never: it acts where it is, since its client
/// predicts that. An id may be of something that is gone by now.
///
/// Shape: positions of at most the last 250 ms, rounded up to whole ticks; a longer lag is the
/// player's own. Between two ticks positions are interpolated as on the player's screen; what came
/// or went between them counts as it was at the earlier one.
/// Units: metres.
/// Source: Yahn W. Bernier, "Latency Compensating Methods in Client/Server In-game Protocol Design
/// and Optimization", Valve, 2001.
#[derive(Clone, Copy, Debug, Default)]
pub struct Past<'a> {
    older: &'a [(EntityId, Vec2)],
    newer: &'a [(EntityId, Vec2)],
    /// How far from the older to the newer: 0 to less than 1.
    way: f32,
    ticks_back: f32,
}

impl Past<'_> {
    /// Where something was; `None` if it was not there then, or has no position.
    pub fn position(&self, id: EntityId) -> Option<Vec2> {
        let from = find(self.older, id)?;
        Some(self.between(from, || find(self.newer, id)))
    }

    /// What was within `radius` of `point` then, in id order; looks at everything that was there.
    pub fn near(&self, point: Vec2, radius: f32) -> Vec<EntityId> {
        if radius.is_nan() || radius < 0.0 {
            return Vec::new();
        }
        // Both are in id order, so one pass over both finds each in the other.
        let mut newer = self.newer.iter().peekable();
        let mut near = Vec::new();
        for &(id, from) in self.older {
            let at = self.between(from, || {
                while newer.next_if(|&&(other, _)| other < id).is_some() {}
                newer.next_if(|&&(other, _)| other == id).map(|&(_, to)| to)
            });
            if at.distance_squared(point) <= radius * radius {
                near.push(id);
            }
        }
        near
    }

    /// How far back this is. Units: ticks before the room's current step.
    pub const fn ticks_back(&self) -> f32 {
        self.ticks_back
    }

    fn between(&self, from: Vec2, to: impl FnOnce() -> Option<Vec2>) -> Vec2 {
        if self.way == 0.0 {
            return from; // exactly what was recorded, whatever numbers these are
        }
        to().map_or(from, |to| from + (to - from) * self.way)
    }
}

fn find(places: &[(EntityId, Vec2)], id: EntityId) -> Option<Vec2> {
    let at = places.binary_search_by_key(&id, |&(id, _)| id).ok()?;
    Some(places[at].1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use slotmap::SlotMap;

    use super::*;

    type World = SlotMap<EntityId, Vec2>;

    /// A trail at 20 Hz (5 ticks), and what was recorded into it, by tick.
    struct Recorded {
        trail: Trail,
        now: Tick,
        moments: Vec<Places>,
    }

    impl Recorded {
        fn new() -> Self {
            Self {
                trail: Trail::new(20),
                now: Tick::new(u32::MAX - 3), // over the wrap
                moments: Vec::new(),
            }
        }

        fn step(&mut self, world: &World) {
            self.now = self.now.next();
            let places: Places = world.iter().map(|(id, &at)| (id, at)).collect();
            self.trail.record(self.now, places.iter().copied());
            self.moments.push(places);
        }

        /// As a game asks: within the step after the last that was recorded.
        fn past(&self, ticks_back: f32) -> Past<'_> {
            self.trail.past(self.now.next(), ticks_back)
        }
    }

    /// One who runs a metre per tick, for `ticks`.
    fn runner(ticks: u8) -> (Recorded, EntityId) {
        let mut world = World::with_key();
        let id = world.insert(Vec2::ZERO);
        let mut recorded = Recorded::new();
        for tick in 0..ticks {
            world[id] = Vec2::new(f32::from(tick), 0.0);
            recorded.step(&world);
        }
        (recorded, id)
    }

    #[test]
    fn a_quarter_of_a_second_is_remembered_at_any_rate() {
        for (rate, ticks) in [(1, 1), (20, 5), (30, 8), (128, 32), (u16::MAX, 32)] {
            assert_eq!(Trail::new(rate).moments_max, ticks, "at {rate} Hz");
        }
    }

    #[test]
    fn between_two_ticks_it_was_between_two_places() {
        let (recorded, id) = runner(10);
        for (back, x) in [(1.0, 9.0), (2.0, 8.0), (2.25, 7.75), (4.5, 5.5), (5.0, 5.0)] {
            let past = recorded.past(back);
            assert_eq!(past.position(id), Some(Vec2::new(x, 0.0)), "{back} back");
            assert_eq!(past.near(Vec2::new(x + 0.1, 0.0), 0.11), [id]);
            assert_eq!(past.near(Vec2::new(x + 0.2, 0.0), 0.11), []);
        }
    }

    #[test]
    fn whatever_a_client_says_stays_within_the_window() {
        let (recorded, id) = runner(10);
        for (back, clamped) in [
            (0.0, 1.0),
            (-7.0, 1.0),
            (f32::NAN, 1.0),
            (f32::NEG_INFINITY, 1.0),
            (5.5, 5.0),
            (f32::INFINITY, 5.0),
        ] {
            let past = recorded.past(back);
            assert_eq!(past.ticks_back(), clamped, "{back}");
            assert_eq!(past.position(id).map(|at| at.x), Some(10.0 - clamped));
        }
        // Between two steps there is nothing newer than the last.
        let now = recorded.trail.past(recorded.now, 0.0);
        assert_eq!(now.position(id).map(|at| at.x), Some(9.0));
        // A young room remembers less.
        assert_eq!(runner(2).0.past(5.0).ticks_back(), 2.0);
    }

    #[test]
    fn before_the_first_step_nothing_was_anywhere() {
        let (_, id) = runner(1);
        let trail = Trail::new(20);
        let past = trail.past(Tick::ZERO, 3.0);
        assert_eq!((past.position(id), past.ticks_back()), (None, 0.0));
        assert_eq!(past.near(Vec2::ZERO, f32::INFINITY), []);
    }

    #[test]
    fn who_came_or_went_was_there_from_its_first_to_its_last_tick() {
        let mut world = World::with_key();
        let mut recorded = Recorded::new();
        let old = world.insert(Vec2::ZERO);
        recorded.step(&world);
        world.remove(old);
        let new = world.insert(Vec2::X); // in the same slot
        recorded.step(&world);
        recorded.step(&world);
        let there = |back| recorded.past(back).near(Vec2::ZERO, 9.0);
        assert_eq!(there(1.0), [new]);
        assert_eq!(there(2.0), [new]);
        assert_eq!(there(2.5), [old], "the earlier tick says who");
        assert_eq!(there(3.0), [old]);
        assert_eq!(recorded.past(2.5).position(old), Some(Vec2::ZERO));
        assert_eq!(recorded.past(2.5).position(new), None);
    }

    #[test]
    fn a_gap_in_time_begins_anew() {
        let (mut recorded, id) = runner(10);
        recorded.now = recorded.now.after(5);
        recorded.step(&World::with_key());
        assert_eq!(recorded.past(5.0).ticks_back(), 1.0);
        assert_eq!(recorded.past(5.0).position(id), None);
    }

    #[test]
    fn no_number_is_near_nothing() {
        let mut world = World::with_key();
        let lost = world.insert(Vec2::NAN);
        let far = world.insert(Vec2::new(f32::INFINITY, 0.0));
        let here = world.insert(Vec2::ZERO);
        let mut recorded = Recorded::new();
        for _ in 0..3 {
            recorded.step(&world);
        }
        assert!(recorded.past(2.0).position(lost).is_some_and(Vec2::is_nan));
        assert_eq!(
            recorded.past(2.0).position(far),
            Some(Vec2::new(f32::INFINITY, 0.0))
        );
        for back in [2.0, 2.5] {
            let past = recorded.past(back);
            assert_eq!(past.near(Vec2::ZERO, 1e9), [here]);
            assert_eq!(past.near(Vec2::NAN, 1.0), []);
            assert_eq!(past.near(Vec2::ZERO, f32::NAN), []);
            assert_eq!(past.near(Vec2::ZERO, -1.0), []);
        }
    }

    #[test]
    fn a_steady_room_remembers_in_the_same_memory() {
        let (mut recorded, id) = runner(6);
        let mut world = World::with_key();
        world.insert(Vec2::ZERO);
        let places = |trail: &Trail| {
            let mut places: Vec<_> = trail.moments.iter().map(Places::as_ptr).collect();
            places.sort_unstable();
            (places, trail.moments.capacity())
        };
        let before = places(&recorded.trail);
        for _ in 0..20 {
            recorded.step(&world);
        }
        assert_eq!(places(&recorded.trail), before);
        assert_eq!(recorded.past(3.0).position(id), Some(Vec2::ZERO));
    }

    proptest! {
        /// At each whole tick it is what was recorded, whoever came, went or moved.
        #[test]
        fn the_past_is_what_it_was(steps in prop::collection::vec(prop::collection::vec(
            (0u8..4, 0usize..16, any::<f32>(), -50f32..50.0), 0..6), 1..20)) {
            let mut world = World::with_key();
            let mut ids = Vec::new();
            let mut recorded = Recorded::new();
            for step in steps {
                for (action, which, x, y) in step {
                    match action {
                        0 | 1 => ids.push(world.insert(Vec2::new(x, y))),
                        2 if !ids.is_empty() => {
                            world.remove(ids[which % ids.len()]);
                        }
                        _ => if let Some(at) = world.values_mut().nth(which) {
                            *at = Vec2::new(y, x);
                        }
                    }
                }
                recorded.step(&world);
            }
            for (back, moment) in (1u8..=5).zip(recorded.moments.iter().rev()) {
                let past = recorded.past(f32::from(back));
                for &id in &ids {
                    let then = moment.iter().find(|&&(other, _)| other == id);
                    let bits = |at: Vec2| at.to_array().map(f32::to_bits);
                    prop_assert_eq!(past.position(id).map(bits), then.map(|&(_, at)| bits(at)));
                }
                let near = moment.iter().filter(|(_, at)| at.length_squared() <= 900.0);
                let near: Vec<_> = near.map(|&(id, _)| id).collect();
                prop_assert_eq!(past.near(Vec2::ZERO, 30.0), near);
            }
            // In between, the same is near as has a position there.
            let past = recorded.past(2.75);
            let near = ids.iter().copied().filter(|&id| {
                past.position(id).is_some_and(|at| at.length_squared() <= 900.0)
            });
            let mut near: Vec<_> = near.collect();
            near.sort_unstable();
            prop_assert_eq!(past.near(Vec2::ZERO, 30.0), near);
        }
    }
}
