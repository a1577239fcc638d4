//! Jobs that are nothing to do: what is left is the handing over.

use downbeat::{
    Answer, Game, Job, JobDone, JobKind, Meter, OpenError, Player, PlayerId, Refusal, Room, Seat,
};
use serde::{Deserialize, Serialize};

/// A job that is done as soon as it begins.
pub(super) struct Errand;

impl Job for Errand {
    type Output = ();
    const KINDS: &'static [JobKind] = &[JobKind::new("errand")];

    fn budget(&self) -> u32 {
        1
    }

    fn run(&self, meter: &mut Meter<'_>) -> Answer<()> {
        meter.spend(1);
        Answer::Done(())
    }
}

/// A room that submits so many in each tick.
#[derive(Serialize, Deserialize)]
pub(super) struct Errands {
    pub(super) each_tick: u32,
    pub(super) done: u64,
}

#[downbeat::game]
impl Game for Errands {
    const NAME: &'static str = "errands";
    type Input = ();
    type Job = Errand;

    fn open((): &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self {
            each_tick: 0,
            done: 0,
        })
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, (): ()) {}

    fn tick(&mut self, room: &mut Room<Self>) {
        for _ in 0..self.each_tick {
            // One that is handed back is missed when they are counted.
            let _ = room.submit(Errand);
        }
    }

    fn job_done(&mut self, _: &mut Room<Self>, _: JobDone<'_, Errand>) {
        self.done += 1;
    }
}
