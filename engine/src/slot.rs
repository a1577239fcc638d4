//! One member's conversation, from the join to the goodbye.
//!
//! In: what its link brings, frames, time. Out: messages for the link, inputs for the room. It
//! knows nothing of the other members, and never waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::codec::DecodeError;
use crate::echo::{Echo, Lag};
use crate::frame::{Frame, Own};
use crate::game::{Game, PlayerId, Refusal, Seat};
use crate::inbox::RoomIn;
use crate::limits::{
    CLOSE_WITHIN, HEARTBEAT_EVERY, IDLE_CLOSE_AFTER, JOIN_WITHIN, PING_AFTER, READS_PER_NOTICE_MAX,
    STALE_EVENT_BYTES_MAX, STALE_EVENTS_MAX,
};
use crate::link::{Incoming, Link, LinkError};
use crate::outbox::{Outbox, Scratch, own_bodies};
use crate::panics;
use crate::port::{Enter, Occupant, RoomPort};
use crate::rate::{RateLimit, Verdict};
use crate::tick::Tick;
use crate::wire::{
    ClientMessage, Close, CloseCode, FrameHeader, Pong, SUBPROTOCOL, Welcome, decode_client,
};

/// A member's link, and where the conversation over it stands.
pub(crate) struct Slot<L> {
    player: PlayerId,
    name: String,
    link: L,
    waker: Waker,
    outbox: Outbox,
    phase: Phase,
    /// Whether the room may have this member, so that it must be told when it goes.
    in_room: bool,
    limit: RateLimit,
    echo: Echo,
    due: u32,
    input_ack: u32,
    stale: Stale,
    last_heard: Duration,
    last_sent: Duration,
    pinged: bool,
    /// Since when the socket has not taken everything.
    blocked: Option<Duration>,
    reads_left: u32,
    _occupant: Occupant,
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

/// What a member that is behind will need.
#[derive(Debug, Default)]
struct Stale {
    needs_keyframe: bool,
    events: VecDeque<Bytes>,
    event_bytes: usize,
    refused: Vec<u32>,
}

/// How a conversation ended.
pub(crate) enum Gone {
    /// The peer said goodbye.
    Left,
    /// The connection broke.
    Lost,
}

impl<L: Link> Slot<L> {
    pub(crate) fn new<G: Game>(
        enter: Enter<G, L>,
        tick_rate_hz: u16,
        waker: Waker,
        now: Duration,
    ) -> Self {
        Self {
            player: enter.player.id,
            name: enter.player.name,
            link: enter.link,
            waker,
            outbox: Outbox::default(),
            phase: Phase::Joining { since: now },
            in_room: true,
            limit: RateLimit::new(tick_rate_hz, now),
            echo: Echo::new(),
            due: 0,
            input_ack: 0,
            stale: Stale::default(),
            last_heard: now,
            last_sent: now,
            pinged: false,
            blocked: None,
            reads_left: READS_PER_NOTICE_MAX,
            _occupant: enter.occupant,
        }
    }

    pub(crate) const fn waker(&self) -> &Waker {
        &self.waker
    }

    /// The room could not even be asked.
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
            self.due = self.due.wrapping_add(frames);
            self.stale.needs_keyframe = true;
        }
    }

    /// The conversation is over: tells the room, once.
    pub(crate) fn leave<G: Game>(&mut self, port: &RoomPort<G>, gone: Gone, now: Duration) {
        let lost = matches!(gone, Gone::Lost);
        if lost && !matches!(self.phase, Phase::Closing { .. }) {
            port.world.counters().connections_lost.add(1);
        }
        tracing::debug!(
            game = &*port.game,
            room = &*port.name,
            player = self.player.number(),
            after_s = now.as_secs_f32(),
            "member gone"
        );
        if std::mem::take(&mut self.in_room) {
            let player = self.player;
            // A leave always finds room.
            let _ = port.push(RoomIn::Leave {
                player,
                may_resume: lost,
            });
        }
    }

    pub(crate) fn take_frame<G: Game>(&mut self, port: &RoomPort<G>, frame: &Frame, now: Duration) {
        let behind = match self.phase {
            Phase::Closing { .. } => return,
            Phase::Live => self.is_behind(now),
            Phase::Joining { .. } => match self.answer(frame) {
                Some(Ok(seat)) => {
                    // The keyframe belongs right behind the welcome, which still waits.
                    self.outbox.push_raw(self.welcome(port, seat, frame.tick));
                    self.phase = Phase::Live;
                    self.stale.needs_keyframe = true;
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
        let own = frame.own(self.player);
        self.compose(port, frame, behind, now);
        // A keyframe has a part for everybody in the room: who has none was thrown out in a frame
        // that this task has missed.
        let lost = (frame.keyframe.is_some() && own.is_none()).then(|| CloseCode::Refused.into());
        if let Some(close) = own.and_then(|own| own.close).or(frame.end).or(lost) {
            self.in_room = false;
            self.close(port, close, now);
        }
    }

    /// The room's answer to the join; one in a frame that was missed shows in the next keyframe.
    fn answer(&self, frame: &Frame) -> Option<Result<Seat<u32>, Refusal>> {
        frame.join(self.player).or_else(|| {
            frame.keyframe.as_ref()?;
            frame.own(self.player).map(|own| Ok(own.seat))
        })
    }

    /// Queues this member's messages of a frame, or remembers what it misses.
    fn compose<G: Game>(&mut self, port: &RoomPort<G>, frame: &Frame, behind: bool, now: Duration) {
        let own = frame.own(self.player);
        let player = self.player;
        let events = frame
            .events
            .iter()
            .filter(move |(to, _)| to.include(player));
        let mut events = events.map(|(_, bytes)| bytes.clone()).peekable();
        let news = own.is_some_and(|own| own.news) || events.peek().is_some();
        let due = frame.is_visible() || news;
        self.due = self.due.wrapping_add(u32::from(due));
        if let Some(own) = own {
            self.input_ack = own.input_ack;
        }
        let header = FrameHeader {
            reset: self.stale.needs_keyframe,
            more: false,
            tick: frame.tick,
            due: self.due,
            input_ack: self.input_ack,
        };
        match (self.stale.needs_keyframe, &frame.keyframe, own) {
            // Where nothing was due, nothing is missed: a keyframe in many messages that is still
            // on its way needs no other behind it.
            _ if behind && due => {
                self.skip(port);
                self.miss(port, own, events, now);
            }
            _ if behind => {}
            (true, Some(keyframe), Some(own)) => {
                let missed = std::mem::take(&mut self.stale);
                let refused = missed.refused.iter().chain(&own.refused).copied();
                let events = missed.events.into_iter().chain(events);
                let bodies = own_bodies(refused, &own.keyframe, events);
                self.outbox.push_frame(header, bodies, keyframe);
                self.sent(frame.tick, now);
            }
            (true, _, _) => {
                port.status.keyframe_wanted.store(true, Ordering::Release);
                self.miss(port, own, events, now);
            }
            (false, _, _) if due => {
                let (refused, state) =
                    own.map_or((&[][..], &[][..]), |own| (&own.refused, &own.delta));
                let bodies = own_bodies(refused.iter().copied(), state, events);
                self.outbox.push_frame(header, bodies, &frame.delta);
                self.sent(frame.tick, now);
            }
            (false, _, _) if now.saturating_sub(self.last_sent) >= HEARTBEAT_EVERY => {
                self.outbox.push_frame(header, Vec::new(), &[]);
                self.sent(frame.tick, now);
            }
            _ => {}
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

    fn skip<G: Game>(&mut self, port: &RoomPort<G>) {
        self.stale.needs_keyframe = true;
        port.world.counters().frames_skipped.add(1);
    }

    /// Events and refusals are owed also to those who are behind, up to a limit.
    fn miss<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        own: Option<&Own>,
        events: impl Iterator<Item = Bytes>,
        now: Duration,
    ) {
        if let Some(own) = own {
            self.stale.refused.extend_from_slice(&own.refused);
        }
        for event in events {
            self.stale.event_bytes += event.len();
            self.stale.events.push_back(event);
        }
        let bytes = self.stale.event_bytes + size_of_val(&self.stale.refused[..]);
        if self.stale.events.len() > STALE_EVENTS_MAX || bytes > STALE_EVENT_BYTES_MAX {
            self.give_up(port, now);
        }
    }

    fn welcome<G: Game>(&self, port: &RoomPort<G>, seat: Seat<u32>, tick: Tick) -> Vec<u8> {
        Welcome {
            player: self.player.number(),
            seat,
            tick,
            tick_rate_hz: port.tick_rate_hz,
            game: port.game.to_string(),
            room: port.name.to_string(),
            name: self.name.clone(),
        }
        .encode()
    }

    pub(crate) fn advance<G: Game>(
        &mut self,
        port: &RoomPort<G>,
        scratch: &mut Scratch,
        cx: &mut Context<'_>,
        now: Duration,
    ) -> Result<(), Gone> {
        self.outbox
            .advance(&mut self.link, cx, scratch, port.world.counters())
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
            Incoming::Close(_) => Err(Gone::Left),
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
                seq, seen, input, ..
            }) => {
                self.seen(seen, newest, now);
                let player = self.player;
                match port.push(RoomIn::Input { player, seq, input }) {
                    Ok(()) => port.world.counters().inputs.add(1),
                    Err(_) => {
                        port.world.counters().inputs_refused.add(1);
                        // Without room even for the refusal the gap in `seq` must speak for itself.
                        let _ = port.push(RoomIn::Refused { player, seq });
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
                    self.outbox.push_raw(pong.encode());
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
        self.phase = Phase::Closing {
            until: now + CLOSE_WITHIN,
        };
        self.reads_left = READS_PER_NOTICE_MAX;
        self.waker.wake_by_ref();
    }
}

const fn refused(refusal: Refusal) -> Close {
    Close::with_reason(CloseCode::Refused, refusal.reason())
}
