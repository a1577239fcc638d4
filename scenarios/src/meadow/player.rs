//! What a player wants: a held direction, or a place to walk to.

use downbeat::{EntityId, Tick, Vec2};
use serde::{Deserialize, Serialize};

use super::map::Map;
use super::walk::speed;

/// Ticks for which the engine repeats a held direction.
const HELD_TICKS: u32 = downbeat::limits::HELD_TICKS_MAX;

/// Seconds without getting nearer after which a walk to a place is given up.
const STUCK_S: f32 = 0.8;

/// A direction as it came over the wire.
type Push = (i8, i8);

/// A player's part in the game.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Walker {
    pub(super) body: EntityId,
    push: Option<Push>,
    /// The last direction, and the tick it came in.
    pushed: (Push, Tick),
    goal: Option<Goal>,
    /// A direction that was held before the goal was set: its repetitions do not cancel the goal.
    stale: Option<(Push, Tick)>,
    /// From this tick on it may show another emote.
    pub(super) emote_at: Tick,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Goal {
    at: Vec2,
    /// The shortest distance so far, and for how long it has not shrunk.
    nearest: f32,
    stuck_s: f32,
}

impl Walker {
    pub(super) const fn new(body: EntityId, now: Tick) -> Self {
        Self {
            body,
            push: None,
            pushed: ((0, 0), now),
            goal: None,
            stale: None,
            emote_at: now,
        }
    }

    /// Walks this way for this tick. It comes again each tick while it is held.
    pub(super) fn push(&mut self, push: Push, now: Tick) {
        if let Some((stale, until)) = self.stale
            && stale == push
            && until.is_newer(now)
        {
            return;
        }
        self.stale = None;
        self.goal = None;
        self.push = Some(push);
        self.pushed = (push, now);
    }

    /// Walks to a place, or as near as it gets. A place that is no place is passed over.
    pub(super) fn go_to(&mut self, at: Vec2, now: Tick, map: &Map) {
        if !at.is_finite() {
            return;
        }
        let corner = Vec2::new(f32::from(map.width()), f32::from(map.height()));
        self.goal = Some(Goal {
            at: at.clamp(Vec2::ZERO, corner),
            nearest: f32::INFINITY,
            stuck_s: 0.0,
        });
        let (push, since) = self.pushed;
        let until = since.after(HELD_TICKS);
        self.stale = until.is_newer(now).then_some((push, until));
    }

    /// Stands still.
    pub(super) const fn stop(&mut self) {
        self.push = None;
        self.goal = None;
    }

    /// Which way it goes in this tick, at most 1 long; `None` if it stands.
    pub(super) fn direction(&mut self, at: Vec2, dt: f32, map: &Map) -> Option<Vec2> {
        if let Some((x, y)) = self.push.take() {
            let push = Vec2::new(f32::from(x), f32::from(y)) / 127.0;
            return (push != Vec2::ZERO).then(|| push.clamp_length_max(1.0));
        }
        let goal = self.goal.as_mut()?;
        let way = goal.at - at;
        let distance = way.length();
        let is_nearer = distance < goal.nearest - 0.02;
        goal.stuck_s = if is_nearer { 0.0 } else { goal.stuck_s + dt };
        goal.nearest = goal.nearest.min(distance);
        if distance < 0.01 || goal.stuck_s > STUCK_S {
            self.goal = None;
            return None;
        }
        // The last step ends right there.
        let step = speed(map.under(at)) * dt;
        Some(way / distance.max(step))
    }
}
