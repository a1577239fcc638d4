//! Leads a run from the first connection to the last second, and collects what the bots count.

use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior};

use super::LoadError;
use super::bot::Course;
use super::progress::Progress;
use super::second::Second;
use super::summary::grouped;
use super::tally::Tally;

/// How long after the ramp the last clients may take to get their first frame.
const SETTLE_WITHIN: Duration = Duration::from_secs(15);

/// How often the conductor looks up.
const COLLECT_EVERY: Duration = Duration::from_secs(1);

/// What a run measured over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Measured {
    pub(super) connected: u32,
    pub(super) length: Duration,
}

/// Why nothing was measured.
#[derive(Clone, Copy, Debug)]
pub(super) enum Nothing {
    NobodyConnected,
    Stopped,
}

impl Nothing {
    pub(super) fn explain(self, clients: u32, total: &Tally) -> LoadError {
        match self {
            Self::Stopped => LoadError::Stopped,
            Self::NobodyConnected => LoadError::NothingConnected {
                clients,
                why: total
                    .problems
                    .iter()
                    .max_by_key(|(_, times)| **times)
                    .map_or_else(|| "no answer in time".to_owned(), |(what, _)| what.clone()),
            },
        }
    }
}

/// Leads a run from the first connection to the last second, and collects what the bots count.
pub(super) struct Conductor<'a> {
    pub(super) course: &'a Course,
    pub(super) clients: u32,
    pub(super) total: Tally,
    pub(super) seconds: Vec<Second>,
    pub(super) progress: &'a mut Progress,
}

impl Conductor<'_> {
    pub(super) async fn conduct(
        &mut self,
        ramp: Duration,
        duration: Duration,
    ) -> Result<Measured, Nothing> {
        let connected = self.ramp(ramp).await?;
        let stage = &self.course.stage;
        stage.begin_measurement();
        let began = stage.now();
        let mut next = began;
        loop {
            let before = next;
            next = (next + COLLECT_EVERY).min(began + duration);
            tokio::time::sleep_until(stage.instant(next).into()).await;
            let now = stage.now();
            self.collect(Some(now.saturating_sub(began)), now.saturating_sub(before));
            let deserted = stage.playing() == 0;
            if deserted {
                self.progress.note("all clients are gone");
            }
            if deserted || next >= began + duration {
                let length = stage.now().saturating_sub(began);
                return Ok(Measured { connected, length });
            }
        }
    }

    /// Waits until all clients play or have failed.
    async fn ramp(&mut self, ramp: Duration) -> Result<u32, Nothing> {
        let stage = &self.course.stage;
        let mut every = tokio::time::interval_at(Instant::now(), COLLECT_EVERY / 10);
        every.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stage.settled() < self.clients && stage.now() < ramp + SETTLE_WITHIN {
            every.tick().await;
            self.collect(None, COLLECT_EVERY / 10);
        }
        let connected = stage.playing();
        if connected == 0 {
            return Err(Nothing::NobodyConnected);
        }
        self.progress.note(&format!(
            "{} of {} clients play; measuring",
            grouped(u64::from(connected)),
            grouped(u64::from(self.clients))
        ));
        Ok(connected)
    }

    /// Ends early: what was measured so far counts.
    pub(super) fn stop(&mut self) -> Result<Measured, Nothing> {
        let stage = &self.course.stage;
        let now = stage.now();
        let length = stage.measured_between(Duration::ZERO, now);
        if length.is_zero() {
            return Err(Nothing::Stopped);
        }
        self.progress.note("stopped: this is what was measured");
        let connected = self
            .seconds
            .last()
            .map_or_else(|| stage.playing(), |s| s.connected);
        Ok(Measured { connected, length })
    }

    fn collect(&mut self, at: Option<Duration>, length: Duration) {
        let stage = &self.course.stage;
        let mut tally = self.course.tallies.collect();
        let second = Second {
            at_s: at.map(|at| at.as_secs_f64()),
            clients: self.clients,
            connected: stage.playing(),
            ..Second::new(&tally, length)
        };
        self.progress.show(stage.now(), &second);
        if at.is_some() {
            self.seconds.push(second);
        }
        self.total.absorb(&mut tally);
    }
}
