//! A room's part in it: takes jobs, runs them on the spot, gives outcomes when they are due, and
//! walks the agents.

use std::collections::{BTreeMap, VecDeque};

use glam::Vec2;
use slotmap::SlotMap;

use crate::codec::encode;
use crate::entities::EntityId;
use crate::job::{Answer, Job, JobId, Meter, Outcome, Rejected};
use crate::nav::{NavGrid, NavJob, NavOutput, Routes, Square, is_clear};

/// How far an agent walks per tick. Units: metres.
const STEP_M: f32 = 0.2;

/// A job that was taken.
#[derive(Clone)]
pub(super) struct Flight {
    due: u32,
    pub(super) job: NavJob,
    pub(super) outcome: Outcome<NavOutput>,
    expansions: u32,
}

pub(super) struct Play {
    pub(super) routes: Routes,
    pub(super) agents: BTreeMap<EntityId, Vec2>,
    pub(super) flying: VecDeque<Flight>,
    /// All jobs that were taken: tick and job.
    pub(super) taken: Vec<(u32, NavJob)>,
    /// Jobs in flight, at most.
    pub(super) room: usize,
    pub(super) tick: u32,
    ids: SlotMap<EntityId, ()>,
}

/// A grid drawn with `#` for walls.
pub(super) fn drawn(lines: &[&str]) -> NavGrid {
    let width = u16::try_from(lines[0].len()).expect("a small drawing");
    let height = u16::try_from(lines.len()).expect("a small drawing");
    NavGrid::from_fn(width, height, |at| {
        lines[usize::from(at.y)].as_bytes()[usize::from(at.x)] != b'#'
    })
}

impl Play {
    pub(super) fn on(grid: NavGrid) -> Self {
        Self::with(Routes::new(grid).with_tables(0))
    }

    pub(super) fn with(routes: Routes) -> Self {
        Self {
            routes,
            agents: BTreeMap::new(),
            flying: VecDeque::new(),
            taken: Vec::new(),
            room: usize::MAX,
            tick: 0,
            ids: SlotMap::with_key(),
        }
    }

    /// An agent in the middle of a square.
    pub(super) fn agent(&mut self, x: u16, y: u16) -> EntityId {
        let id = self.ids.insert(());
        self.agents.insert(id, Square::new(x, y).middle());
        id
    }

    pub(super) fn square(&self, agent: EntityId) -> Square {
        Square::of(self.agents[&agent]).expect("in the grid")
    }

    pub(super) fn go(&mut self, agent: EntityId, goals: &[(u16, u16)]) {
        let goals: Vec<Square> = goals.iter().map(|&(x, y)| Square::new(x, y)).collect();
        let from = self.square(agent);
        self.routes.go(agent, from, &goals);
    }

    pub(super) fn paths_taken(&self) -> usize {
        let paths = self.taken.iter();
        paths
            .filter(|(_, job)| matches!(job, NavJob::Path(_)))
            .count()
    }

    pub(super) fn fields_taken(&self) -> usize {
        let jobs = self.taken.iter();
        jobs.filter(|(_, job)| matches!(job, NavJob::Field(_)))
            .count()
    }

    /// What a room would save or hash.
    pub(super) fn bytes(&self) -> Vec<u8> {
        encode(&self.routes)
    }

    pub(super) fn step(&mut self, ticks: u32) {
        for _ in 0..ticks {
            self.tick += 1;
            self.deliver();
            self.walk();
            self.submit();
        }
    }

    fn deliver(&mut self) {
        let tick = self.tick;
        let flying = std::mem::take(&mut self.flying).into_iter();
        let (due, later): (Vec<Flight>, Vec<Flight>) =
            flying.partition(|flight| flight.due <= tick);
        self.flying = later.into();
        for flight in due {
            let outcome = match flight.outcome {
                Outcome::Done(output) if self.routes.is_stale(&flight.job) => {
                    Outcome::Stale(Answer::Done(output))
                }
                Outcome::Partial(output) if self.routes.is_stale(&flight.job) => {
                    Outcome::Stale(Answer::Partial(output))
                }
                Outcome::NoPath if self.routes.is_stale(&flight.job) => {
                    Outcome::Stale(Answer::NoPath)
                }
                outcome => outcome,
            };
            self.routes
                .job_done(&flight.job, outcome, flight.expansions);
        }
    }

    fn walk(&mut self) {
        for (&id, at) in &mut self.agents {
            if let Some(point) = self.routes.heading(id, *at) {
                let to = *at + (point - *at).clamp_length_max(STEP_M);
                assert!(
                    is_clear(self.routes.grid(), *at, to, 0.0),
                    "led into a wall: from {at} to {to}"
                );
                *at = to;
            }
        }
    }

    fn submit(&mut self) {
        let Self {
            routes,
            flying,
            taken,
            room,
            tick,
            ..
        } = self;
        routes.submit(|job: NavJob| {
            if flying.len() >= *room {
                return Err(Rejected(job));
            }
            let replaces = |old: &&mut Flight| {
                job.owner().is_some()
                    && old.job.owner() == job.owner()
                    && old.job.kind() == job.kind()
            };
            flying
                .iter_mut()
                .filter(replaces)
                .for_each(|old| old.outcome = Outcome::Cancelled);
            let mut meter = Meter::new(job.budget());
            let answer = job.run(&mut meter);
            flying.push_back(Flight {
                due: *tick + NavJob::KINDS[job.kind()].latency_ticks,
                job: job.clone(),
                outcome: answer.into(),
                expansions: meter.spent(),
            });
            taken.push((*tick, job));
            Ok(JobId(taken.len() as u64))
        });
    }
}
