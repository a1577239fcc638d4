//! A game whose jobs keep every thread of the pool busy, on demand.

use downbeat::{
    Answer, Game, Job, JobKind, JobLimits, Meter, OpenError, Player, PlayerId, Refusal, Replicate,
    Room, Seat,
};
use serde::{Deserialize, Serialize};

/// Jobs that wait or run while it grinds: far more than threads.
const IN_FLIGHT: u32 = 64;

/// A job's length: some 10 ms.
const EXPANSIONS: u32 = 100_000;

/// Counts, for long.
pub(super) struct Grind(u64);

impl Job for Grind {
    type Output = u64;
    const KINDS: &'static [JobKind] = &[JobKind::new("grind").journal()];

    fn budget(&self) -> u32 {
        EXPANSIONS
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<u64> {
        let mut number = self.0;
        while meter.spend(1) {
            for turn in 0..64 {
                number = std::hint::black_box(number.rotate_left(5) ^ turn);
            }
        }
        Answer::Done(number)
    }
}

/// Changes every tick, so that each is a frame.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub(super) struct Clock {
    ticks: u32,
    grinds: bool,
}

/// See the module.
#[derive(Serialize, Deserialize)]
pub(super) struct Grinder;

#[downbeat::game]
impl Game for Grinder {
    const NAME: &'static str = "grinder";
    type Input = bool;
    type Shared = Clock;
    type Job = Grind;

    fn job_limits(_: &()) -> JobLimits {
        JobLimits {
            journal_expansions_max: u32::MAX,
            ..JobLimits::at(Self::TICK_RATE_HZ)
        }
    }

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, grinds: bool) {
        room.shared_mut().grinds = grinds;
    }

    fn tick(&mut self, room: &mut Room<Self>) {
        room.shared_mut().ticks += 1;
        let mut in_flight = room.jobs_in_flight().count();
        while room.shared().grinds && in_flight < IN_FLIGHT as usize {
            // Nothing else asks for jobs here.
            let _ = room.submit(Grind(in_flight as u64));
            in_flight += 1;
        }
    }
}
