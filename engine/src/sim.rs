//! One room's step: what has arrived, what jobs came to, timers, the game, then a frame.
//!
//! In: what entered the room. Out: a frame. No clock, no thread, no channel but that of its jobs: the tick thread, the
//! tests and, one day, a replay all call the same `step`. It cannot fail; a game that panics takes
//! its room with it, and that is the caller's business.

use std::sync::Arc;

use bytes::Bytes;

use crate::batch::Batch;
use crate::frame::Frame;
use crate::game::{Game, OpenError, Player, PlayerId, Recipient, Refusal, Seat, To};
use crate::grid::Space;
use crate::inbox::{Epoch, RoomIn};
use crate::job::{Answer, Job, JobDone, Outcome};
use crate::jobs::Workshop;
use crate::layer::Message;
use crate::members::Member;
use crate::outside::Outlet;
use crate::publish::{Want, Wants, publish};
use crate::replicate::Masks;
use crate::rng::seeded;
use crate::room::Room;
use crate::wire::{Close, CloseCode};

/// A game in its room.
pub(crate) struct Sim<G: Game> {
    pub(crate) game: G,
    pub(crate) room: Room<G>,
    /// How long a dropped member may stay away, in ticks.
    grace_ticks: u32,
    joins: Vec<(PlayerId, Epoch, Result<(), Refusal>)>,
    /// Who is no member any more since the last step, or did not become one.
    pub(crate) departed: Vec<PlayerId>,
    /// Here for their capacity.
    due: Vec<G::Input>,
    players: Vec<PlayerId>,
    /// Questions that nobody took; they come back with the next step.
    returned: Vec<G::Query>,
}

/// The type of the messages that close whom they reach.
const CLOSE_TYPE: &str = "downbeat.close";

/// What a member is told whom such a message closes.
const DISCONNECTED: &str = "disconnected by the operator";

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
    /// Where what it says to the outside goes.
    pub(crate) outlet: Outlet<G>,
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
            departed: Vec::new(),
            due: Vec::new(),
            players: Vec::new(),
            returned: Vec::new(),
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
        self.departed.clear();
        for query in std::mem::take(&mut self.returned) {
            self.game.loaded(&mut self.room, query);
        }
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
        let is_last = self.room.closing.is_some();
        self.room.outside.flush(&mut self.returned, is_last);
    }

    fn handle(&mut self, entry: RoomIn<G>) {
        match entry {
            RoomIn::Join { player, epoch } => self.join(player, epoch),
            RoomIn::Leave {
                player,
                epoch,
                may_resume,
                missed,
            } => {
                self.owe(player, epoch, missed);
                self.leave(player, epoch, may_resume);
            }
            RoomIn::Resume { player, epoch } => self.resume(player, epoch),
            RoomIn::Close { player, close } => {
                if let Some(member) = self.room.members.get_mut(&player) {
                    member.close.get_or_insert(close);
                }
            }
            RoomIn::Drain => _ = self.room.closing.get_or_insert(CloseCode::GoingAway),
            RoomIn::Input {
                player,
                epoch,
                seq,
                view_back,
                input,
            } => {
                if let Some(member) = self.connected(player, epoch) {
                    if member.seat == Seat::Spectator {
                        member.inputs.refuse(seq);
                    } else {
                        member.view_back = view_back;
                        let kind = G::kind(&input);
                        member.inputs.push(seq, input, kind);
                    }
                }
            }
            RoomIn::Refused { player, epoch, seq } => {
                if let Some(member) = self.connected(player, epoch) {
                    member.inputs.refuse(seq);
                }
            }
            RoomIn::Message { to, message } => self.hear(&to, &message),
            RoomIn::Missed { to, waiting } => {
                waiting.handle_told();
                if self.room.is_here(to) {
                    self.room.outside.count_missed();
                    self.game.missed(&mut self.room, to);
                }
            }
            RoomIn::Presence { group, news } => {
                for event in self.room.outside.handle_presence(&group, news) {
                    self.game.presence(&mut self.room, &group, &event);
                }
            }
            RoomIn::Loaded(answer) => self.game.loaded(&mut self.room, answer),
        }
    }

    /// A message of the layer: the engine's own, or one for the game.
    fn hear(&mut self, to: &[Recipient], message: &Arc<Message>) {
        let is_close = message.kind() == Some(CLOSE_TYPE);
        let mut decoded = None;
        for &to in to {
            if !self.room.handle_applied(to) {
                continue;
            }
            if is_close {
                match to {
                    Recipient::Room => self.room.close(),
                    Recipient::Player(player) => self.room.kick(player, DISCONNECTED),
                }
                continue;
            }
            let decoded = decoded.get_or_insert_with(|| self.room.outside.decode(message));
            if let Some(message) = decoded {
                self.room.outside.count_message();
                self.game.message(&mut self.room, to, message);
            }
        }
    }

    /// A member, as far as this is its connection and not one that it had before.
    fn connected(&mut self, player: PlayerId, epoch: Epoch) -> Option<&mut Member<G>> {
        let member = self.room.members.get_mut(&player);
        member.filter(|member| member.epoch == epoch)
    }

    fn join(&mut self, player: Player<G>, epoch: Epoch) {
        if self.room.closing.is_some() {
            return; // the frame tells it that this was the end
        }
        let id = player.id;
        let answer = if self.room.is_full() {
            Err(Refusal::FULL)
        } else if self.room.locked {
            Err(Refusal::LOCKED)
        } else {
            // It is a member during the call, so that the game can give it a team or a hand.
            let mut member = Member::new(player.clone(), epoch, self.room.space);
            member.channel = self.room.outside.open_member(&player);
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
                self.departed.push(id);
                Err(refusal)
            }
        };
        self.joins.push((id, epoch, answer));
    }

    /// A new connection takes over, whether or not the one before it is known to be gone.
    fn resume(&mut self, player: PlayerId, epoch: Epoch) {
        let Some(member) = self.room.members.get_mut(&player) else {
            self.joins.push((player, epoch, Err(Refusal::GONE)));
            return;
        };
        if member.epoch > epoch {
            return; // a newer one was faster; the frame tells this one
        }
        member.epoch = epoch;
        member.want = Some(Want::All);
        member.inputs.tell_again();
        if member.grace_ticks.take().is_none() {
            member.inputs.release();
            self.game.dropped(&mut self.room, player);
        }
        self.pay(player);
        self.game.resumed(&mut self.room, player);
    }

    /// What a connection could not tell its member any more is for the next one, or for the one
    /// that has taken over from it.
    fn owe(&mut self, player: PlayerId, epoch: Epoch, missed: Vec<Bytes>) {
        let Some(member) = self.room.members.get_mut(&player) else {
            return;
        };
        missed.into_iter().for_each(|event| member.owed.push(event));
        if member.epoch != epoch && member.grace_ticks.is_none() {
            self.pay(player);
        }
    }

    /// Tells a member what it is owed, before anything else of this step.
    fn pay(&mut self, player: PlayerId) {
        if let Some(member) = self.room.members.get_mut(&player) {
            let owed = member.owed.take();
            let owed = owed.map(|event| (To::Player(player), event.to_vec()));
            self.room.events.splice(0..0, owed);
        }
    }

    fn leave(&mut self, player: PlayerId, epoch: Epoch, may_resume: bool) {
        let grace_ticks = self.grace_ticks;
        let Some(member) = self.connected(player, epoch) else {
            return; // refused, kicked, fenced, or the room was faster
        };
        if may_resume && grace_ticks > 0 {
            if member.grace_ticks.is_none() {
                member.grace_ticks = Some(grace_ticks);
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
        self.departed.push(player);
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
    /// `leave` kicks goes with the next one. A room's last frame shows how it ended, with
    /// everybody still there; then they leave, while what `leave` asks of the outside is heard.
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
            .extend(joins.map(|(id, epoch, answer)| (id, epoch, answer.map(|()| seat(id)))));
        frame
            .joins
            .sort_unstable_by_key(|&(id, epoch, _)| (id, epoch));
        for player in kicked {
            self.room.members.remove(&player);
            self.departed.push(player);
        }
        frame.end = self.room.closing.map(Close::from);
        while frame.end.is_some()
            && let Some((&player, _)) = self.room.members.first_key_value()
        {
            self.remove(player);
        }
    }
}
