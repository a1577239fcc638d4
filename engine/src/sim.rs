//! One room's step: what has arrived, what jobs came to, timers, the game, then a frame.
//!
//! In: what entered the room. Out: a frame. No clock, no thread, no channel but that of its jobs: the tick thread, the
//! tests and, one day, a replay all call the same `step`. It cannot fail; a game that panics takes
//! its room with it, and that is the caller's business.

use std::sync::Arc;

use crate::batch::Batch;
use crate::frame::Frame;
use crate::game::{Game, OpenError, Player, PlayerId, Refusal, Seat};
use crate::grid::Space;
use crate::inbox::RoomIn;
use crate::job::{Answer, Job, JobDone, Outcome};
use crate::jobs::Workshop;
use crate::members::Member;
use crate::publish::{Wants, publish};
use crate::replicate::Masks;
use crate::rng::seeded;
use crate::room::Room;
use crate::wire::CloseCode;

/// A game in its room.
pub(crate) struct Sim<G: Game> {
    pub(crate) game: G,
    pub(crate) room: Room<G>,
    /// How long a dropped member may stay away, in ticks.
    grace_ticks: u32,
    joins: Vec<(PlayerId, Result<(), Refusal>)>,
    /// Here for their capacity.
    due: Vec<G::Input>,
    players: Vec<PlayerId>,
}

/// Where a room starts.
#[derive(Clone, Debug)]
pub(crate) struct Start<G: Game> {
    /// What the game is called here.
    pub(crate) game: Arc<str>,
    pub(crate) name: Arc<str>,
    pub(crate) world_seed: u64,
    pub(crate) settings: G::Settings,
    pub(crate) grace_ticks: u32,
    /// Who runs its jobs.
    pub(crate) workshop: Workshop,
}

impl<G: Game> Sim<G> {
    pub(crate) fn open(start: &Start<G>) -> Result<Self, OpenError> {
        let rate = G::tick_rate_hz(&start.settings);
        let space = G::space(&start.settings);
        space.check().map_err(OpenError)?;
        if space != Space::Whole && Masks::<G::Entity>::POSITION == 0 {
            let what = "a grid needs entities with a field marked `#[replicate(position)]`";
            return Err(OpenError(what.into()));
        }
        let mut room = Room::new(start, rate, space);
        let game = G::open(&start.settings, &mut room)?;
        Ok(Self {
            game,
            room,
            grace_ticks: start.grace_ticks,
            joins: Vec::new(),
            due: Vec::new(),
            players: Vec::new(),
        })
    }

    /// One tick, whose frame replaces what is in `frame`.
    pub(crate) fn step(
        &mut self,
        entered: impl IntoIterator<Item = RoomIn<G>>,
        wants: &Wants,
        frame: &mut Frame,
    ) {
        self.step_with(entered, frame, |room, frame| publish(room, wants, frame));
    }

    /// One tick, published by the caller.
    pub(crate) fn step_with(
        &mut self,
        entered: impl IntoIterator<Item = RoomIn<G>>,
        frame: &mut Frame,
        publish: impl FnOnce(&mut Room<G>, &mut Frame),
    ) {
        let room = &mut self.room;
        room.tick = room.tick.next();
        room.rng = seeded(room.world_seed, &room.name, room.tick.number(), "room");
        room.timers.advance();
        room.jobs.advance();
        for entry in entered {
            self.handle(entry);
        }
        self.apply_inputs();
        self.apply_jobs();
        while let Some(timer) = self.room.timers.take_due() {
            self.game.timer(&mut self.room, timer);
        }
        self.game.tick(&mut self.room);
        self.expire_dropped();
        self.publish(frame, publish);
        self.room.remember();
        self.room.jobs.flush();
    }

    fn handle(&mut self, entry: RoomIn<G>) {
        match entry {
            RoomIn::Join(player) => self.join(player),
            RoomIn::Leave { player, may_resume } => self.leave(player, may_resume),
            RoomIn::Resume(player) => {
                if let Some(member) = self.room.members.get_mut(&player)
                    && member.grace_ticks.take().is_some()
                {
                    self.game.resumed(&mut self.room, player);
                }
            }
            RoomIn::Input {
                player,
                seq,
                view_back,
                input,
            } => {
                if let Some(member) = self.room.members.get_mut(&player) {
                    if member.seat == Seat::Spectator {
                        member.inputs.refuse(seq);
                    } else {
                        member.view_back = view_back;
                        let kind = G::kind(&input);
                        member.inputs.push(seq, input, kind);
                    }
                }
            }
            RoomIn::Refused { player, seq } => {
                if let Some(member) = self.room.members.get_mut(&player) {
                    member.inputs.refuse(seq);
                }
            }
        }
    }

    fn join(&mut self, player: Player<G>) {
        let id = player.id;
        let answer = if self.room.closing {
            Err(Refusal::LOCKED)
        } else if self.room.is_full() {
            Err(Refusal::FULL)
        } else if self.room.locked {
            Err(Refusal::LOCKED)
        } else {
            // It is a member during the call, so that the game can give it a team or a hand.
            let member = Member::new(player.clone(), self.room.space);
            self.room.members.insert(id, member);
            self.game.join(&mut self.room, &player)
        };
        let answer = match answer {
            Ok(seat) => {
                self.room.set_seat(id, seat);
                Ok(())
            }
            Err(refusal) => {
                self.room.members.remove(&id);
                Err(refusal)
            }
        };
        self.joins.push((id, answer));
    }

    fn leave(&mut self, player: PlayerId, may_resume: bool) {
        let Some(member) = self.room.members.get_mut(&player) else {
            return; // refused, kicked, or the room was faster
        };
        if may_resume && self.grace_ticks > 0 {
            if member.grace_ticks.is_none() {
                member.grace_ticks = Some(self.grace_ticks);
                member.inputs.release();
                self.game.dropped(&mut self.room, player);
            }
        } else {
            self.remove(player);
        }
    }

    fn remove(&mut self, player: PlayerId) {
        self.game.leave(&mut self.room, player);
        self.room.members.remove(&player);
    }

    fn apply_inputs(&mut self) {
        let mut players = std::mem::take(&mut self.players);
        players.extend(self.room.members.keys());
        for player in players.drain(..) {
            let Some(member) = self.room.members.get_mut(&player) else {
                continue;
            };
            if member.seat == Seat::Spectator {
                member.inputs.refuse_waiting(); // asked for before it was seated there
                continue;
            }
            member.inputs.take_due(&mut self.due);
            for input in self.due.drain(..) {
                self.game.input(&mut self.room, player, input);
            }
        }
        self.players = players;
    }

    fn apply_jobs(&mut self) {
        self.room.jobs.collect();
        let mut batch: Option<(usize, Arc<Batch<G::Job>>)> = None;
        while let Some(ready) = self.room.jobs.next_ready() {
            let (_, batch) = match &mut batch {
                Some(same) if same.0 == ready.flight => same,
                other => other.insert((ready.flight, self.room.jobs.batch(ready.flight))),
            };
            let job = &batch.entries[ready.index].job;
            let done = JobDone {
                id: ready.id,
                job,
                outcome: self.check_stale(job, ready.outcome),
                submitted: ready.submitted,
                expansions: ready.expansions,
            };
            self.game.job_done(&mut self.room, done);
        }
    }

    fn check_stale(
        &mut self,
        job: &G::Job,
        outcome: Outcome<<G::Job as Job>::Output>,
    ) -> Outcome<<G::Job as Job>::Output> {
        let answer = match outcome {
            Outcome::Done(output) => Answer::Done(output),
            Outcome::Partial(output) => Answer::Partial(output),
            Outcome::NoPath => Answer::NoPath,
            other => return other,
        };
        if self.game.is_stale(job) {
            self.room.jobs.count_stale(job.kind());
            Outcome::Stale(answer)
        } else {
            answer.into()
        }
    }

    fn expire_dropped(&mut self) {
        let mut expired = Vec::new();
        for (&player, member) in &mut self.room.members {
            if let Some(ticks) = &mut member.grace_ticks {
                *ticks -= 1;
                if *ticks == 0 {
                    expired.push(player);
                }
            }
        }
        for player in expired {
            self.remove(player);
        }
    }

    /// Kicked members hear of it in this frame, what `leave` does is seen in it, and whoever
    /// `leave` kicks goes with the next one.
    fn publish(&mut self, frame: &mut Frame, publish: impl FnOnce(&mut Room<G>, &mut Frame)) {
        let kicked: Vec<_> = self
            .room
            .members
            .iter()
            .filter(|(_, member)| member.close.is_some())
            .map(|(&player, _)| player)
            .collect();
        for &player in &kicked {
            self.game.leave(&mut self.room, player);
        }
        publish(&mut self.room, frame);
        let members = &self.room.members;
        let seat = |id| members.get(&id).map_or(Seat::Spectator, |m| m.seat_shown);
        let joins = self.joins.drain(..);
        frame
            .joins
            .extend(joins.map(|(id, answer)| (id, answer.map(|()| seat(id)))));
        frame.joins.sort_unstable_by_key(|(player, _)| *player);
        for player in kicked {
            self.room.members.remove(&player);
        }
        frame.end = self.room.closing.then(|| CloseCode::RoomClosed.into());
    }
}
