//! One member's conversation, from the join to the goodbye.
//!
//! In: what its link brings, frames, time. Out: messages for the link, inputs for the room. It
//! knows nothing of the other members, and never waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use crate::codec::DecodeError;
use crate::echo::{Echo, Lag};
use crate::frame::Frame;
use crate::game::{Game, PlayerId, Refusal, Seat};
use crate::inbox::{Epoch, RoomIn};
use crate::limits::{
    CLOSE_WITHIN, HEARTBEAT_EVERY, IDLE_CLOSE_AFTER, JOIN_WITHIN, PING_AFTER, READS_PER_NOTICE_MAX,
    STALLS_MAX, STALLS_WITHIN,
};
use crate::link::{Incoming, Link, LinkError};
use crate::outbox::Outbox;
use crate::panics;
use crate::port::{Enter, Occupant, RoomPort, Who};
use crate::rate::{RateLimit, Verdict};
use crate::tick::Tick;
use crate::viewer::{Desk, Told, Viewer};
use crate::wire::{ClientMessage, Close, CloseCode, Pong, SUBPROTOCOL, Welcome, decode_client};

/// A member's link, and where the conversation over it stands.
pub(crate) struct Slot<L> {
    player: PlayerId,
    name: Arc<str>,
    epoch: Epoch,
    /// What its next connection shows; empty where it cannot come back.
    resume: String,
    link: L,
    waker: Waker,
    outbox: Outbox,
    phase: Phase,
    /// Whether the room may have this member, so that it must be told when it goes.
    in_room: bool,
    /// Whether the member may be back: its peer has been told how.
    may_resume: bool,
    limit: RateLimit,
    echo: Echo,
    viewer: Viewer,
    arrivals: Arrivals,
    stalls: Stalls,
    last_heard: Duration,
    last_sent: Duration,
    pinged: bool,
    /// Since when the socket has not taken everything.
    blocked: Option<Duration>,
    reads_left: u32,
    occupant: Occupant,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// The room has not answered yet.
    Joining {
        since: Duration,
    },
    Live,
    /// The goodbye is on its way.
    Closing {
        until: Duration,
    },
}

/// When the last inputs came.
#[derive(Debug, Default)]
struct Arrivals([(u32, Duration); 8]);

impl Arrivals {
    fn note(&mut self, seq: u32, now: Duration) {
        self.0[seq as usize % self.0.len()] = (seq, now);
    }

    /// How long an input has lain here; one that is long gone lay for long.
    fn lead_ms(&self, seq: u32, now: Duration) -> u8 {
        let (of, at) = self.0[seq as usize % self.0.len()];
        let lain = now.saturating_sub(at).as_millis();
        u8::try_from(lain)
            .ok()
            .filter(|_| of == seq)
            .unwrap_or(u8::MAX)
    }
}

/// How often a member was behind lately, and how rarely it is sent what because of that.
#[derive(Debug, Default)]
struct Stalls {
    count: u32,
    since: Duration,
    rate: u8,
}

impl Stalls {
    /// It was skipped after it had been fine.
    fn handle_stall(&mut self, now: Duration) {
        if now.saturating_sub(self.since) >= STALLS_WITHIN {
            self.count = 0;
        }
        if self.count == 0 {
            self.since = now;
        }
        self.count += 1;
        if self.count >= STALLS_MAX {
            self.count = 0;
            self.rate = RATE_MAX.min(self.rate + 1);
        }
    }

    /// The tier at which it is sent; after a while without stalls one more often.
    fn rate(&mut self, now: Duration) -> u8 {
        if self.rate > 0 && now.saturating_sub(self.since) >= STALLS_WITHIN {
            self.since = now;
            self.count = 0;
            self.rate -= 1;
        }
        self.rate
    }
}

/// The longest that a client's picture lags behind what it received. Source: PROTOCOL.md.
const PICTURE_DELAY_TICKS_MAX: f32 = 5.0;

/// The rarest tier.
const RATE_MAX: u8 = 2;

/// How a conversation ended.
pub(crate) enum Gone {
    /// The peer said goodbye, with a code if it gave one.
    Left(Option<u16>),
    /// The connection broke.
    Lost,
}

impl<L: Link> Slot<L> {
    pub(crate) fn new<G: Game>(
        enter: Enter<G, L>,
        tick_rate_hz: u16,
        waker: Waker,
        now: Duration,
    ) -> (Self, RoomIn<G>) {
        let (player, epoch) = (enter.who.player(), enter.epoch);
        let is_back = matches!(enter.who, Who::Back(_));
        let slot = Self {
            player,
            name: enter.name,
            epoch,
            may_resume: is_back,
            resume: enter.resume,
            link: enter.link,
            waker,
            outbox: Outbox::default(),
            phase: Phase::Joining { since: now },
            in_room: true,
            limit: RateLimit::new(tick_rate_hz, now),
            echo: Echo::new(),
            viewer: Viewer::new(player),
            arrivals: Arrivals::default(),
            stalls: Stalls::default(),
            last_heard: now,
            last_sent: now,
            pinged: false,
            blocked: None,
            reads_left: READS_PER_NOTICE_MAX,
            occupant: enter.occupant,
        };
        let ask = match enter.who {
            Who::New(player) => RoomIn::Join { player, epoch },
            Who::Back(player) => RoomIn::Resume { player, epoch },
        };
        (slot, ask)
    }

    /// The room has been asked, and must be told when this member goes.
    pub(crate) const fn handle_heard(&mut self) {
        self.occupant.heard();
    }

    #[cfg(test)]
    pub(crate) const fn player(&self) -> PlayerId {
        self.player
    }

    #[cfg(test)]
    pub(crate) const fn rate(&self) -> u8 {
        self.viewer.rate()
    }

    pub(crate) const fn waker(&self) -> &Waker {
        &self.waker
    }

    /// The room could not even be asked. Whoever wanted to come back may try again.
    pub(crate) fn turn_away<G: Game>(&mut self, port: &RoomPort<G>, now: Duration) {
        self.in_room = false;
        self.close(port, refused(Refusal::BUSY), now);
    }

    /// Lets a member that its own flood has muted go on.
    pub(crate) fn unmute(&mut self) {
        if self.reads_left == 0 {
            self.waker.wake_by_ref();
        }
        self.reads_left = READS_PER_NOTICE_MAX;
    }

    /// Frames went by that nobody looked at.
    pub(crate) fn miss_unseen(&mut self, frames: u32) {
        if self.phase == Phase::Live {
            self.viewer.miss_unseen(frames);
        }
    }

    /// The conversation is over: tells the room, once.
    pub(crate) fn leave<G: Game>(&mut self, port: &RoomPort<G>, gone: Gone, now: Duration) {
        let is_open = !matches!(self.phase, Phase::Closing { .. });
        if matches!(gone, Gone::Lost) && is_open {
            port.world.counters().connections_lost.add(1);
        }
        tracing::debug!(
            game = &*port.game,
            room = &*port.name,
            player = self.player.number(),
            after_s = now.as_secs_f32(),
            "member gone"
        );
        let is_done = matches!(gone, Gone::Left(code) if !code.is_some_and(may_be_back));
        self.tell_room(port, self.may_resume && !(is_open && is_done));
    }

    /// Tells the room, once, that this connection is over.
    fn tell_room<G: Game>(&mut self, port: &RoomPort<G>, may_resume: bool) {
        if std::mem::take(&mut self.in_room) {
            // A leave always finds room.
            let _ = port.push(RoomIn::Leave {
                player: self.player,
                epoch: self.epoch,
                may_resume,
                missed: self.viewer.take_missed(),
            });
        }
    }

    pub(crate) fn take_frame<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        frame: &Frame,
        desk: &mut Desk,
        now: Duration,
    ) {
        if matches!(self.phase, Phase::Closing { .. }) {
            return;
        }
        let newest = self.viewer.part(frame).map(|part| part.epoch);
        if newest.is_some_and(|newest| newest > self.epoch) {
            // It is nobody's leave, but what it was not sent any more is the newer one's.
            self.tell_room(port, false);
            return self.close(port, CloseCode::Fenced.into(), now);
        }
        let behind = match self.phase {
            Phase::Closing { .. } => return,
            Phase::Live => self.is_behind(now),
            Phase::Joining { .. } => match self.answer(frame) {
                Some(Ok((seat, taken))) => {
                    // A keyframe belongs right behind the welcome, which still waits.
                    self.outbox
                        .push(self.welcome(port, seat, (taken, frame.tick)).into());
                    self.phase = Phase::Live;
                    self.may_resume = !self.resume.is_empty();
                    if let Some(close) = self.unwanted(port) {
                        return self.close(port, close, now);
                    }
                    false
                }
                Some(Err(refusal)) => {
                    self.in_room = false;
                    return self.close(port, refused(refusal), now);
                }
                None => {
                    if let Some(end) = frame.end {
                        self.in_room = false;
                        self.close(port, end, now);
                    }
                    return;
                }
            },
        };
        let part = self.viewer.part(frame);
        if part.is_some() {
            self.compose(port, frame, behind, desk, now);
        }
        // Who is not in it was thrown out in a frame that this task has missed.
        let lost = part.is_none().then(|| CloseCode::Refused.into());
        let close = part.and_then(|part| part.close);
        if let Some(close) = close.or(frame.end).or(lost) {
            self.in_room = false;
            self.close(port, close, now);
        }
    }

    /// The room's answer: where it sits, and which inputs were taken in; one in a frame that was
    /// missed shows in the next.
    fn answer(&mut self, frame: &Frame) -> Option<Result<(Seat<u32>, u32), Refusal>> {
        if let Some(Err(refusal)) = frame.join(self.player, self.epoch) {
            return Some(Err(refusal));
        }
        let part = self.viewer.part(frame)?;
        (part.epoch == self.epoch).then_some(Ok((part.seat, part.input_taken)))
    }

    /// Why the member must go, if somebody said so while it was on its way in.
    fn unwanted<G: Game>(&self, port: &RoomPort<G>) -> Option<Close> {
        port.status.roster().get(&self.player)?.close
    }

    /// Queues this member's messages of a frame, or remembers what it misses.
    fn compose<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        frame: &Frame,
        behind: bool,
        desk: &mut Desk,
        now: Duration,
    ) {
        let Some(part) = self.viewer.part(frame) else {
            return;
        };
        self.viewer.set_rate(self.stalls.rate(now));
        let lead_ms = self.arrivals.lead_ms(part.input_ack, now);
        let outbox = &mut self.outbox;
        let mut out = |message| outbox.push(message);
        let (told, want) = self
            .viewer
            .take_frame(frame, part, behind, lead_ms, desk, &mut out);
        if want.is_some() || self.viewer.rate() > 0 {
            port.status.want(self.player, want, self.viewer.rate());
        }
        match told {
            Told::Sent => self.sent(frame.tick, now),
            Told::Nothing if !behind && now.saturating_sub(self.last_sent) >= HEARTBEAT_EVERY => {
                self.outbox.push(self.viewer.heartbeat(frame, desk));
                self.sent(frame.tick, now);
            }
            Told::Nothing | Told::Waits => {}
            Told::Skipped => {
                self.stalls.handle_stall(now);
                port.world.counters().frames_skipped.add(1);
            }
            Told::Overflow => self.give_up(port, now),
        }
    }

    fn sent(&mut self, tick: Tick, now: Duration) {
        self.last_sent = now;
        self.echo.handle_sent(tick, now);
    }

    /// Whether this member is skipped: its socket is full, or its echo is late.
    fn is_behind(&mut self, now: Duration) -> bool {
        let drained = self.outbox.is_drained();
        !drained || matches!(self.poll_echo(now), Lag::Stale | Lag::TooSlow)
    }

    /// How late the echo is; asks for it where that may help.
    fn poll_echo(&mut self, now: Duration) -> Lag {
        let lag = self.echo.poll(now);
        if let Lag::Ask(tick) = lag
            && self.outbox.is_drained()
        {
            self.outbox.push_ping(tick.number().to_le_bytes());
            self.echo.handle_asked(now);
        }
        lag
    }

    fn welcome<G: Game>(
        &self,
        port: &RoomPort<G>,
        seat: Seat<u32>,
        (taken, tick): (u32, Tick),
    ) -> Vec<u8> {
        Welcome {
            player: self.player.number(),
            seat,
            tick,
            tick_rate_hz: port.tick_rate_hz,
            space: port.space,
            game: port.game.to_string(),
            room: port.name.to_string(),
            name: self.name.to_string(),
            taken,
            resume: self.resume.clone(),
        }
        .encode()
    }

    pub(crate) fn advance<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<(), Gone> {
        self.outbox
            .advance(&mut self.link, cx, port.world.counters())
            .map_err(|_| Gone::Lost)?;
        self.blocked = match self.blocked {
            _ if self.outbox.is_drained() => None,
            None => Some(now),
            since => since,
        };
        Ok(())
    }

    pub(crate) fn read<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        newest: Tick,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<(), Gone> {
        while self.reads_left > 0 {
            match Pin::new(&mut self.link).poll_next(cx) {
                Poll::Pending => return Ok(()),
                Poll::Ready(None) => return Err(Gone::Lost),
                Poll::Ready(Some(Ok(incoming))) => {
                    self.reads_left -= 1;
                    self.handle_incoming(port, newest, incoming, now)?;
                }
                Poll::Ready(Some(Err(LinkError::Lost(_)))) => return Err(Gone::Lost),
                Poll::Ready(Some(Err(LinkError::Peer(code)))) => {
                    self.close(port, code.into(), now);
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    fn handle_incoming<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        newest: Tick,
        incoming: Incoming,
        now: Duration,
    ) -> Result<(), Gone> {
        self.last_heard = now;
        self.pinged = false;
        match incoming {
            Incoming::Close(code) => Err(Gone::Left(code)),
            _ if matches!(self.phase, Phase::Closing { .. }) => Ok(()),
            Incoming::Text => {
                self.close(port, CloseCode::BadData.into(), now);
                Ok(())
            }
            Incoming::Pong(payload) => {
                if self.allows(port, false, payload.len(), now)
                    && let Ok(tick) = <[u8; 4]>::try_from(&payload[..])
                {
                    self.seen(Tick::new(u32::from_le_bytes(tick)), newest, now);
                }
                Ok(())
            }
            Incoming::Binary(bytes) => {
                self.handle_message(port, newest, &bytes, now);
                Ok(())
            }
        }
    }

    fn handle_message<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        newest: Tick,
        bytes: &[u8],
        now: Duration,
    ) {
        const INPUT: u8 = 1;
        if !self.allows(port, bytes.first() == Some(&INPUT), bytes.len(), now) {
            return;
        }
        // The game's own `Deserialize` may panic over hostile bytes: that ends this conversation.
        let decoded = catch_unwind(AssertUnwindSafe(|| decode_client::<G::Input>(bytes)));
        let message = decoded.unwrap_or_else(|payload| {
            panics::drop_caught(payload);
            let what = "the game panicked over it".into();
            Err(DecodeError::Bad { at: 0, what })
        });
        match message {
            Ok(ClientMessage::Input {
                seq,
                seen,
                behind,
                input,
            }) => {
                self.seen(seen, newest, now);
                self.arrivals.note(seq, now);
                let (player, epoch) = (self.player, self.epoch);
                let view_back = self.view_back(port, newest, seen, behind);
                match port.push(RoomIn::Input {
                    player,
                    epoch,
                    seq,
                    view_back,
                    input,
                }) {
                    Ok(()) => port.world.counters().inputs.add(1),
                    Err(_) => {
                        port.world.counters().inputs_refused.add(1);
                        // Without room even for the refusal the gap in `seq` must speak for itself.
                        let _ = port.push(RoomIn::Refused { player, epoch, seq });
                    }
                }
            }
            Ok(ClientMessage::Seen { seen }) => self.seen(seen, newest, now),
            Ok(ClientMessage::Ping { seen, token }) => {
                self.seen(seen, newest, now);
                if self.outbox.is_drained() {
                    let pong = Pong {
                        token,
                        tick: newest,
                    };
                    self.outbox.push(pong.encode().into());
                }
            }
            Ok(ClientMessage::Hello { .. }) => self.close(port, CloseCode::BadData.into(), now),
            Err(error) => {
                tracing::debug!(player = self.player.number(), %error, "bad message");
                self.close(port, CloseCode::BadData.into(), now);
            }
        }
    }

    /// The rate limit, before anything is decoded.
    fn allows<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        is_input: bool,
        bytes: usize,
        now: Duration,
    ) -> bool {
        match self.limit.judge(is_input, bytes, now) {
            Verdict::Accept => return true,
            Verdict::Drop => port.world.counters().messages_dropped.add(1),
            Verdict::Close => self.close(port, CloseCode::Policy.into(), now),
        }
        false
    }

    /// How old what the player sees will be in the tick that applies its input: as it says, but no
    /// older than its round trip and the longest delay of a picture explain. Units: ticks.
    #[expect(clippy::cast_precision_loss, reason = "clamped far below")]
    fn view_back<G: Game>(&self, port: &RoomPort<G>, newest: Tick, seen: Tick, behind: u8) -> f32 {
        let rate = f32::from(port.tick_rate_hz);
        let seen_ago = if seen.is_newer(newest) {
            0.0
        } else {
            newest.since(seen).min(u32::from(u16::MAX)) as f32
        };
        let trip = self.echo.usual().as_secs_f32() * rate;
        let behind = f32::from(behind) / 4.0;
        1.0 + seen_ago.min(trip) + behind.min(PICTURE_DELAY_TICKS_MAX)
    }

    /// A tick that has not been yet proves nothing.
    fn seen(&mut self, tick: Tick, newest: Tick, now: Duration) {
        if !tick.is_newer(newest) {
            self.echo.handle_seen(tick, now);
        }
    }

    pub(crate) fn handle_deadlines<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        now: Duration,
    ) -> Result<(), Gone> {
        let heard = now.saturating_sub(self.last_heard);
        let blocked = self
            .blocked
            .map_or(Duration::ZERO, |since| now.saturating_sub(since));
        match self.phase {
            Phase::Closing { until } if now >= until => return Err(Gone::Lost),
            Phase::Closing { .. } => {}
            Phase::Joining { since } if now.saturating_sub(since) >= JOIN_WITHIN => {
                self.close(port, refused(Refusal::BUSY), now);
            }
            Phase::Joining { .. } => {}
            Phase::Live => {
                let too_slow = self.poll_echo(now) == Lag::TooSlow;
                if too_slow || blocked >= CLOSE_WITHIN || heard >= IDLE_CLOSE_AFTER {
                    self.give_up(port, now);
                } else if heard >= PING_AFTER && !self.pinged && self.outbox.is_drained() {
                    self.pinged = true;
                    self.outbox.push_ping([0; 4]);
                }
            }
        }
        Ok(())
    }

    /// Too slow: what waits is dropped, only the goodbye is still tried.
    fn give_up<G: Game>(&mut self, port: &RoomPort<G>, now: Duration) {
        self.outbox.clear();
        // A flood delays its own echoes: it is told what it did, not what came of it.
        let code = if self.limit.is_flooding(now) {
            CloseCode::Policy
        } else {
            CloseCode::TooSlow
        };
        self.close(port, code.into(), now);
    }

    pub(crate) fn close<G: Game>(&mut self, port: &RoomPort<G>, close: Close, now: Duration) {
        if matches!(self.phase, Phase::Closing { .. }) {
            return;
        }
        port.world.counters().count_close(close.code);
        tracing::debug!(
            game = &*port.game,
            room = &*port.name,
            player = self.player.number(),
            code = close.code.number(),
            reason = close.reason,
            protocol = SUBPROTOCOL,
            "closing"
        );
        self.outbox.push_close(close);
        // Who was merely too slow may be back over a better line, and who wanted to come back may try
        // again; who did wrong is out.
        let is_joining = matches!(self.phase, Phase::Joining { .. });
        let is_slow = close.code == CloseCode::TooSlow;
        self.may_resume &= is_joining || is_slow;
        if is_slow && self.may_resume {
            // From the next step on the room keeps what happens: nobody looks at frames here.
            self.tell_room(port, true);
        }
        self.phase = Phase::Closing {
            until: now + CLOSE_WITHIN,
        };
        self.reads_left = READS_PER_NOTICE_MAX;
        self.waker.wake_by_ref();
    }
}

/// Whether a goodbye with this code is none: a browser closes the sockets of a page with 1001 also
/// when that is loaded anew, and a client gives up a line on which nothing comes.
fn may_be_back(code: u16) -> bool {
    [CloseCode::GoingAway, CloseCode::TooSlow]
        .iter()
        .any(|back| back.number() == code)
}

const fn refused(refusal: Refusal) -> Close {
    Close::with_reason(CloseCode::Refused, refusal.reason())
}
