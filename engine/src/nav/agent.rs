//! `Agent`: one that wants to go somewhere, what it asked for, and what it follows.

use glam::Vec2;
use serde::{Deserialize, Serialize};

use super::goals::Goals;
use super::square::Square;
use super::walk::{Walk, is_near};

/// How it goes for an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Going {
    /// On its way, or about to be.
    Walking,
    /// At a goal.
    Arrived,
    /// There is no way; it is asked for again when the grid changes.
    NoWay,
    /// The search went wrong, or found nothing at the highest budget.
    Failed,
}

/// Who goes first; smaller is sooner.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum Rank {
    /// Its path has broken.
    Broken,
    /// Somebody looks at it.
    First,
    /// The oldest first.
    Usual,
}

/// A path that is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Ask {
    pub(crate) rank: Rank,
    pub(crate) number: u64,
    /// In flight; else in the queue.
    pub(crate) sent: bool,
    /// It took the place of one that was in flight. The next one waits for its answer: who changes
    /// its mind at each tick would get none.
    pub(crate) replaced: bool,
}

/// What an agent follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) enum Course {
    Nothing,
    /// A path of its own.
    Walk(Walk),
    /// The field of these goals.
    Field(Goals),
}

/// Where it walks until it comes to another square.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Aim {
    pub(crate) square: Square,
    pub(crate) point: Vec2,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Agent {
    pub(crate) goals: Goals,
    /// Where it was last seen.
    pub(crate) at: Square,
    /// Asked by `go_first`.
    pub(crate) first: bool,
    pub(crate) ask: Option<Ask>,
    /// It changed its mind while a replaced ask was in flight.
    pub(crate) again: bool,
    /// Answers to older asks are none of its business.
    pub(crate) oldest: u64,
    pub(crate) course: Course,
    pub(crate) aim: Option<Aim>,
    pub(crate) going: Going,
    /// How often its budget was doubled.
    pub(crate) effort: u8,
}

impl Agent {
    pub(crate) fn new(at: Square, goals: Goals, oldest: u64) -> Self {
        Self {
            goals,
            at,
            first: false,
            ask: None,
            again: false,
            oldest,
            course: Course::Nothing,
            aim: None,
            going: Going::Walking,
            effort: 0,
        }
    }

    /// Follows something else from now on.
    pub(crate) fn follow(&mut self, course: Course) {
        self.course = course;
        self.aim = None;
        self.going = Going::Walking;
    }

    /// Stands, for a reason.
    pub(crate) fn stand(&mut self, going: Going) {
        self.course = Course::Nothing;
        self.aim = None;
        self.going = going;
    }

    pub(crate) fn is_at_goal(&self) -> bool {
        self.goals.contains(&self.at)
    }

    /// Where it walks already, as long as it is in the same square.
    pub(crate) fn aimed(&self, square: Square, at: Vec2) -> Option<Vec2> {
        let aim = self.aim.filter(|aim| aim.square == square)?;
        (!is_near(at, aim.point)).then_some(aim.point)
    }

    /// On the way to its goals already.
    pub(crate) fn is_settled(&self) -> bool {
        let walks = match &self.course {
            Course::Nothing => false,
            Course::Field(goals) => *goals == self.goals,
            Course::Walk(walk) => self.goals.contains(&walk.end()),
        };
        self.going == Going::Walking && (walks || self.ask.is_some())
    }
}
