//! What a player wants: a held direction, or a place to walk to, straight or along a path.

use downbeat::nav::Square;
use downbeat::{EntityId, JobId, Tick, Vec2};
use serde::{Deserialize, Serialize};

use super::Point;
use super::map::Map;
use super::walk::{is_clear, speed};
use super::ways::Answered;

/// Ticks for which the engine repeats a held direction.
const HELD_TICKS: u32 = downbeat::limits::HELD_TICKS_MAX;

/// Seconds without getting nearer after which a walk to a place is given up.
const STUCK_S: f32 = 0.8;

/// How often it asks for another way if it gets stuck on one.
const RETRIES_MAX: u8 = 2;

/// Nearer than this to a corner of its path it turns to the next one. Units: metres.
const CORNER_M: f32 = 0.2;

/// Nearer than this it is there. Units: metres.
const THERE_M: f32 = 0.01;

/// Corners that a player is told at once; a way with so many leads through a maze.
const TOLD_MAX: usize = 256;

/// A direction as it came over the wire.
type Push = (i8, i8);

/// A player's part in the game.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Walker {
    pub(super) body: EntityId,
    push: Option<Push>,
    /// The last direction, and the tick it came in.
    pushed: (Push, Tick),
    /// Where it walks straight.
    goal: Option<Vec2>,
    /// Where it walks one after the other, if there is no goal.
    path: Vec<Square>,
    /// Where the path was to lead; it may end before.
    path_to: Square,
    progress: Progress,
    /// How often it has got stuck on its way and asked anew.
    retries: u8,
    want: Option<Want>,
    /// A direction that was held before the goal was set: its repetitions do not cancel the goal.
    stale: Option<(Push, Tick)>,
    /// From this tick on it may show another emote.
    pub(super) emote_at: Tick,
    /// It looks at what the animals are up to.
    pub(super) overlay: bool,
    /// Its path is another than its player was told.
    pub(super) is_news: bool,
}

/// The shortest distance so far, and for how long it has not shrunk.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Progress {
    nearest: f32,
    stuck_s: f32,
}

impl Progress {
    const NONE: Self = Self {
        nearest: f32::INFINITY,
        stuck_s: 0.0,
    };

    /// Another tick; answers whether it has gone on for too long without getting nearer.
    fn is_stuck(&mut self, distance: f32, dt: f32) -> bool {
        let is_nearer = distance < self.nearest - 0.02;
        self.stuck_s = if is_nearer { 0.0 } else { self.stuck_s + dt };
        self.nearest = self.nearest.min(distance);
        self.stuck_s > STUCK_S
    }
}

/// A path that it asks for.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Want {
    pub(super) to: Square,
    /// In flight, perhaps to where it wanted to go before.
    pub(super) asked: Option<JobId>,
}

impl Walker {
    pub(super) const fn new(body: EntityId, now: Tick) -> Self {
        Self {
            body,
            push: None,
            pushed: ((0, 0), now),
            goal: None,
            path: Vec::new(),
            path_to: Square::new(0, 0),
            progress: Progress::NONE,
            retries: 0,
            want: None,
            stale: None,
            emote_at: now,
            overlay: false,
            is_news: false,
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
        self.stop();
        self.push = Some(push);
        self.pushed = (push, now);
    }

    /// Walks to a place, or as near as it gets: at once if nothing is in the way, else it goes on
    /// as before until there is a path. A place that is no place is passed over.
    pub(super) fn go_to(&mut self, (from, to): (Vec2, Vec2), now: Tick, map: &Map) {
        if !to.is_finite() {
            return;
        }
        let corner = Vec2::new(f32::from(map.width()), f32::from(map.height()));
        let to = to.clamp(Vec2::ZERO, corner);
        let (push, since) = self.pushed;
        let until = since.after(HELD_TICKS);
        self.stale = until.is_newer(now).then_some((push, until));
        self.retries = 0;
        if is_clear(from, to, map) {
            self.stop();
            self.goal = Some(to);
            self.progress = Progress::NONE;
        } else if let Some(to) = Square::of(to) {
            self.ask(to);
        }
    }

    /// Stands still.
    pub(super) fn stop(&mut self) {
        self.push = None;
        self.goal = None;
        self.want = None;
        self.set_path(Vec::new());
    }

    fn ask(&mut self, to: Square) {
        let asked = self.want.and_then(|want| want.asked);
        self.want = Some(Want { to, asked });
    }

    fn set_path(&mut self, path: Vec<Square>) {
        self.is_news |= self.path != path;
        self.path = path;
        self.progress = Progress::NONE;
    }

    /// The path that it still has to ask for.
    pub(super) fn unasked(&mut self) -> Option<&mut Want> {
        self.want.as_mut().filter(|want| want.asked.is_none())
    }

    /// A path, or none at all, came of a job. A job that is none of its business any more is
    /// passed over.
    pub(super) fn handle_path(
        &mut self,
        (job, to): (JobId, Square),
        answer: Answered,
        map: &Map,
        at: Vec2,
    ) {
        let Some(want) = self.want.filter(|want| want.asked == Some(job)) else {
            return;
        };
        let is_newest = want.to == to;
        self.want = Some(Want {
            asked: None,
            ..want
        });
        match answer {
            Answered::Again => return,
            Answered::Path(mut path) => {
                self.goal = None;
                // It may have walked on since it asked.
                if path.len() > 1 && is_clear(at, path[1].middle(), map) {
                    path.remove(0);
                } else if !path
                    .first()
                    .is_some_and(|to| is_clear(at, to.middle(), map))
                {
                    // And so far that it has to ask from where it stands.
                    return self.set_path(Vec::new());
                }
                self.path_to = to;
                self.set_path(path);
            }
            Answered::Nothing => {
                self.goal = None;
                self.set_path(Vec::new());
            }
        }
        if is_newest {
            self.want = None;
        }
    }

    /// A gate has opened or shut: what leads through it is asked for anew, and what was as near as
    /// it got may get nearer.
    pub(super) fn handle_gate(&mut self, at: Vec2, has_opened: bool, map: &Map) {
        if let Some(goal) = self.goal {
            if let Some(to) = Square::of(goal).filter(|_| !is_clear(at, goal, map)) {
                self.ask(to);
            }
        } else if let Some(&end) = self.path.last() {
            let legs = self.path.iter().map(|square| square.middle());
            let starts = std::iter::once(at).chain(legs.clone());
            let is_broken = starts.zip(legs).any(|(from, to)| !is_clear(from, to, map));
            if is_broken || has_opened && end != self.path_to {
                self.ask(self.path_to);
            }
        }
    }

    /// Which way it goes in this tick, at most 1 long; `None` if it stands.
    pub(super) fn direction(&mut self, at: Vec2, dt: f32, map: &Map) -> Option<Vec2> {
        if let Some((x, y)) = self.push.take() {
            let push = Vec2::new(f32::from(x), f32::from(y)) / 127.0;
            return (push != Vec2::ZERO).then(|| push.clamp_length_max(1.0));
        }
        let to = match self.goal {
            Some(goal) => goal,
            None => self.corner(at)?,
        };
        let way = to - at;
        let distance = way.length();
        let is_last = self.goal.is_some() || self.path.len() == 1;
        let is_stuck = self.progress.is_stuck(distance, dt);
        if is_stuck || is_last && distance < THERE_M {
            let end = self.goal.map_or(Some(self.path_to), Square::of);
            self.goal = None;
            self.set_path(Vec::new());
            if let Some(to) = end.filter(|_| is_stuck && self.retries < RETRIES_MAX) {
                self.retries += 1;
                self.ask(to);
            }
            return None;
        }
        // The last step ends right there.
        let step = speed(map.under(at)) * dt;
        Some(way / distance.max(step))
    }

    /// The corner of its path that it walks to.
    fn corner(&mut self, at: Vec2) -> Option<Vec2> {
        while self.path.len() > 1 && (self.path[0].middle() - at).length() < CORNER_M {
            let rest = self.path.split_off(1);
            self.set_path(rest);
        }
        self.path.first().map(|corner| corner.middle())
    }

    /// What its player is told of its path.
    pub(super) fn told_path(&self) -> Vec<Point> {
        let points = self.path.iter().take(TOLD_MAX);
        points.map(|&Square { x, y }| Point { x, y }).collect()
    }
}
