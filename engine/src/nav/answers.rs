//! What becomes of answers: paths are followed if they still hold, fields serve all who have the
//! same goals, tables go to the grid.

use std::sync::Arc;

use super::agent::{Course, Going, Rank};
use super::job::{FieldAsk, NavJob, NavOutput, PathAsk};
use super::path::Path;
use super::routes::Routes;
use super::walk::Walk;
use crate::job::{Answer, Outcome};
use crate::limits::NAV_EFFORT_MAX;

impl Routes {
    /// Takes the outcome of one of its jobs: to be called from
    /// [`Game::job_done`](crate::Game::job_done).
    ///
    /// Units: expansions.
    pub fn job_done(&mut self, job: &NavJob, outcome: Outcome<NavOutput>, expansions: u32) {
        let counts = &mut self.counts;
        counts.in_flight = counts.in_flight.saturating_sub(1);
        counts.expansions = counts.expansions.wrapping_add(u64::from(expansions));
        match outcome {
            Outcome::Cancelled => counts.cancelled = counts.cancelled.wrapping_add(1),
            Outcome::Late | Outcome::Panicked => {}
            _ => counts.done = counts.done.wrapping_add(1),
        }
        match job {
            NavJob::Path(ask) => self.path_done(ask, outcome, expansions),
            NavJob::Field(ask) => self.field_done(ask, outcome),
            NavJob::Tables(_) => self.tables_done(outcome),
        }
    }

    fn path_done(&mut self, ask: &PathAsk, outcome: Outcome<NavOutput>, expansions: u32) {
        let id = ask.agent;
        let answer = answer(outcome);
        if answer.is_ok() {
            self.targets.paid(&ask.goals, expansions);
        }
        let Some(agent) = self.agents.get_mut(&id) else {
            return;
        };
        if ask.number < agent.oldest {
            return;
        }
        let waits_for = |number| {
            agent
                .ask
                .is_some_and(|ask| ask.sent && ask.number == number)
        };
        let current = waits_for(ask.number);
        if current {
            agent.ask = None;
        }
        match answer {
            Ok(answer) => {
                agent.oldest = ask.number + 1;
                self.take(ask, answer, current);
            }
            Err(Lost::Late) if current => self.ask(id, Rank::Usual),
            Err(Lost::Panicked) if current => agent.stand(Going::Failed),
            Err(_) => {}
        }
        let agent = self.agents.get_mut(&id);
        if current && agent.is_some_and(|agent| std::mem::take(&mut agent.again)) {
            self.ask(id, Rank::Usual);
        }
    }

    /// An answer for an agent; `current` if it is the one that it waits for.
    fn take(&mut self, ask: &PathAsk, answer: Answer<NavOutput>, current: bool) {
        let is_old = ask.grid.version() != self.grid.version();
        let whole = matches!(answer, Answer::Done(_));
        let path = match answer {
            Answer::Done(NavOutput::Path(path)) | Answer::Partial(NavOutput::Path(path)) => path,
            _ if !current => return,
            _ if is_old => return self.ask(ask.agent, Rank::Usual),
            _ => return self.no_way(ask),
        };
        if is_old && !self.still_holds(ask, &path) {
            if current {
                self.ask(ask.agent, Rank::Broken);
            }
            return;
        }
        let Some(agent) = self.agents.get_mut(&ask.agent) else {
            return;
        };
        if whole || path.end() != path.start() {
            agent.effort = if whole { 0 } else { agent.effort };
            agent.follow(Course::Walk(Walk::new(path)));
        } else if current && agent.effort < NAV_EFFORT_MAX {
            // It leads nowhere: all that is nearer to the goal was looked at, and more.
            agent.effort += 1;
            self.ask(ask.agent, Rank::Usual);
        } else if current {
            agent.stand(Going::Failed);
        }
    }

    fn no_way(&mut self, ask: &PathAsk) {
        if let Some(agent) = self.agents.get_mut(&ask.agent)
            && agent.goals == ask.goals
        {
            agent.stand(Going::NoWay);
        }
    }

    /// Whether a path for an older grid may be walked on this one. Only chunks that changed since
    /// can have broken it.
    fn still_holds(&self, ask: &PathAsk, path: &Path) -> bool {
        let asked = ask.grid.version();
        let changed = |chunk| self.grid.chunk_version(chunk) > asked;
        !path.chunks(&self.grid).any(changed) || path.is_legal(&self.grid)
    }

    fn field_done(&mut self, ask: &FieldAsk, outcome: Outcome<NavOutput>) {
        match answer(outcome) {
            Ok(
                Answer::Done(NavOutput::Field(field)) | Answer::Partial(NavOutput::Field(field)),
            ) => {
                self.counts.fields = self.counts.fields.wrapping_add(1);
                self.targets.answered(&ask.goals, Some(field));
                self.look_again(ask);
            }
            Err(Lost::Panicked) => self.targets.refused(&ask.goals),
            _ => self.targets.answered(&ask.goals, None),
        }
    }

    /// Who follows a field looks where the new one leads.
    fn look_again(&mut self, ask: &FieldAsk) {
        for agent in self.agents.values_mut() {
            if matches!(&agent.course, Course::Field(goals) if *goals == ask.goals) {
                agent.aim = None;
            }
        }
    }

    fn tables_done(&mut self, outcome: Outcome<NavOutput>) {
        self.tables.in_flight = false;
        match answer(outcome) {
            Ok(Answer::Done(NavOutput::Tables(tables))) => {
                if !Arc::make_mut(&mut self.grid).set_tables(tables) {
                    self.tables.version = None; // A wall is gone since.
                }
            }
            Err(Lost::Late | Lost::Cancelled) => self.tables.version = None,
            Err(Lost::Panicked) => self.pivots = 0,
            // The budget did not suffice: not before the grid is another.
            Ok(_) => {}
        }
    }
}

/// Why there is no answer.
enum Lost {
    Late,
    Cancelled,
    Panicked,
}

/// What an outcome says, whether or not the world has changed since.
fn answer(outcome: Outcome<NavOutput>) -> Result<Answer<NavOutput>, Lost> {
    match outcome {
        Outcome::Done(output) => Ok(Answer::Done(output)),
        Outcome::Partial(output) => Ok(Answer::Partial(output)),
        Outcome::NoPath => Ok(Answer::NoPath),
        Outcome::Stale(answer) => Ok(answer),
        Outcome::Late => Err(Lost::Late),
        Outcome::Cancelled => Err(Lost::Cancelled),
        Outcome::Panicked => Err(Lost::Panicked),
    }
}
