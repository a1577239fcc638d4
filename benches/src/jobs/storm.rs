//! Everybody asks for a path in the same tick.

use std::sync::Arc;

use downbeat::nav::{NavGrid, Path, Square, find_path};
use downbeat::testing::TestRoom;
use downbeat::{
    Answer, EntityId, Game, Job, JobDone, JobKind, JobLimits, Meter, OpenError, Outcome, Player,
    PlayerId, Refusal, Replicate, Room, Seat, Vec2,
};
use serde::{Deserialize, Serialize};

use crate::paths::Course;

/// An agent's way.
pub(super) struct Ask {
    grid: Arc<NavGrid>,
    agent: EntityId,
    number: usize,
    from: Square,
    to: Square,
    budget: u32,
}

impl Job for Ask {
    type Output = Path;
    const KINDS: &'static [JobKind] = &[JobKind::new("path")];

    fn budget(&self) -> u32 {
        self.budget
    }

    fn owner(&self) -> Option<EntityId> {
        Some(self.agent)
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<Path> {
        find_path(&self.grid, self.from, &[self.to], meter)
    }
}

/// Somebody who stands there and asks.
#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]
pub(super) struct Agent {
    #[replicate(position)]
    at: Vec2,
}

/// Who asks for what, and what came of it last.
struct Trip {
    agent: EntityId,
    from: Square,
    to: Square,
    path: Option<Path>,
}

/// A room of agents.
#[derive(Serialize, Deserialize)]
pub(super) struct Storm {
    /// At the next tick all ask.
    pub(super) ask: bool,
    /// Answers since somebody looked.
    pub(super) arrived: u32,
    /// Answers that are no path, or not of two ticks ago.
    pub(super) wrong: u32,
    #[serde(skip)]
    grid: Option<Arc<NavGrid>>,
    #[serde(skip)]
    trips: Vec<Trip>,
    budget: u32,
}

/// Puts so many agents where the map's problems begin.
pub(super) fn settle(room: &mut TestRoom<Storm>, course: &Course, agents: u32) {
    let problems = course.problems.iter().cycle().take(agents as usize);
    let mut budget = 0;
    for problem in problems {
        let mut meter = Meter::new(u32::MAX);
        find_path(&course.quick_grid, problem.from, &[problem.to], &mut meter);
        budget = budget.max(meter.spent());
        let at = problem.from.middle();
        let trip = Trip {
            agent: room.room().spawn(Agent { at }),
            from: problem.from,
            to: problem.to,
            path: None,
        };
        room.game().trips.push(trip);
    }
    let game = room.game();
    game.grid = Some(Arc::new(course.quick_grid.clone()));
    game.budget = budget;
}

#[downbeat::game]
impl Game for Storm {
    const NAME: &'static str = "storm";
    type Input = ();
    type Entity = Agent;
    type Job = Ask;

    /// As much as they ask for: what is measured is a storm below capacity.
    fn job_limits((): &()) -> JobLimits {
        JobLimits {
            strict_expansions_max: u32::MAX,
            ..JobLimits::at(Self::TICK_RATE_HZ)
        }
    }

    fn open((): &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self {
            ask: false,
            arrived: 0,
            wrong: 0,
            grid: None,
            trips: Vec::new(),
            budget: 0,
        })
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, (): ()) {}

    fn tick(&mut self, room: &mut Room<Self>) {
        if !std::mem::take(&mut self.ask) {
            return;
        }
        let Some(grid) = &self.grid else { return };
        for (number, trip) in self.trips.iter().enumerate() {
            let ask = Ask {
                grid: Arc::clone(grid),
                agent: trip.agent,
                number,
                from: trip.from,
                to: trip.to,
                budget: self.budget,
            };
            // One that is handed back is missed when they are counted.
            let _ = room.submit(ask);
        }
    }

    fn job_done(&mut self, room: &mut Room<Self>, done: JobDone<'_, Ask>) {
        self.arrived += 1;
        let due = done.submitted.next().next();
        match done.outcome {
            Outcome::Done(path) if room.tick() == due => {
                self.trips[done.job.number].path = Some(path);
            }
            _ => self.wrong += 1,
        }
    }
}
