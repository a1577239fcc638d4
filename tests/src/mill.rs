//! A game whose players ask for computations that take longer than a tick.

use std::sync::atomic::{AtomicBool, Ordering};

use downbeat::{
    Answer, Game, Job, JobDone, JobKind, Meter, OpenError, Outcome, Player, PlayerId, Refusal,
    Room, Seat, To,
};
use serde::{Deserialize, Serialize};

/// No job of the process ends before this is set: a computation as long as a test likes.
pub static MAY_END: AtomicBool = AtomicBool::new(false);

/// What players ask for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Order {
    /// A computation that goes on until [`MAY_END`], or until it is cancelled.
    Grind(u32),
    /// One that panics.
    Break,
}

/// What they are told.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Told {
    /// The result of a computation.
    Flour(u32),
    /// A computation panicked.
    Broken,
    /// There is too much to do already.
    TooMuch(u32),
}

impl Job for Order {
    type Output = u32;
    const KINDS: &'static [JobKind] = &[JobKind::new("grind").journal().in_flight(3)];

    fn budget(&self) -> u32 {
        u32::MAX / 8
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<u32> {
        let Self::Grind(number) = *self else {
            panic!("a job that panics");
        };
        while !MAY_END.load(Ordering::Acquire) {
            if !meter.spend(1) {
                return Answer::NoPath;
            }
            std::thread::yield_now();
        }
        Answer::Done(number * number)
    }
}

/// See the module.
#[derive(Serialize, Deserialize)]
pub struct Mill;

#[downbeat::game]
impl Game for Mill {
    const NAME: &'static str = "mill";
    type Input = Order;
    type Event = Told;
    type Job = Order;

    fn job_limits(_: &()) -> downbeat::JobLimits {
        downbeat::JobLimits {
            journal_expansions_max: u32::MAX,
            ..downbeat::JobLimits::at(Self::TICK_RATE_HZ)
        }
    }

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, player: PlayerId, order: Order) {
        if let Err(downbeat::Rejected(Order::Grind(number))) = room.submit(order) {
            room.emit(&Told::TooMuch(number), To::Player(player));
        }
    }

    fn job_done(&mut self, room: &mut Room<Self>, done: JobDone<'_, Order>) {
        match done.outcome {
            Outcome::Done(flour) => room.emit(&Told::Flour(flour), To::All),
            Outcome::Panicked => room.emit(&Told::Broken, To::All),
            _ => {}
        }
    }
}
