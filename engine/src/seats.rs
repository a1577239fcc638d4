//! The seats of one room task: its members' conversations, from the join to the goodbye.
//!
//! No async here: time and wakers come in as arguments, and nothing waits.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;

use crate::echo::{Echo, Lag};
use crate::frame::{Frame, Own};
use crate::game::{Game, PlayerId, Refusal, Seat};
use crate::host::RoomPort;
use crate::inbox::RoomIn;
use crate::limits::{
    CLOSE_WITHIN, HEARTBEAT_EVERY, IDLE_CLOSE_AFTER, JOIN_WITHIN, PING_AFTER, READS_PER_NOTICE_MAX,
    STALE_EVENT_BYTES_MAX, STALE_EVENTS_MAX,
};
use crate::link::{Incoming, Link, LinkError};
use crate::outbox::{Outbox, Scratch, own_bodies};
use crate::rate::{RateLimit, Verdict};
use crate::room_task::Enter;
use crate::tick::Tick;
use crate::wakers::ReadySet;
use crate::wire::{
    ClientMessage, Close, CloseCode, FrameHeader, Pong, SUBPROTOCOL, Welcome, decode_client,
};

/// One member's conversation.
struct Slot<L> {
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
    _seat: Arc<()>,
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
    refused: Vec<u8>,
}

/// How a conversation ended.
enum Gone {
    /// The peer said goodbye.
    Left,
    /// The connection broke.
    Lost,
}

pub(crate) struct Seats<G: Game, L: Link> {
    port: RoomPort<G>,
    slots: Vec<Option<Slot<L>>>,
    free: Vec<usize>,
    ready: Arc<ReadySet>,
    scratch: Scratch,
    /// Notes to the room that found its inbox full.
    undelivered: Vec<RoomIn<G>>,
    newest: Tick,
}

impl<G: Game, L: Link> Seats<G, L> {
    pub(crate) fn new(port: RoomPort<G>) -> Self {
        Self {
            port,
            slots: Vec::new(),
            free: Vec::new(),
            ready: Arc::default(),
            scratch: Scratch::default(),
            undelivered: Vec::new(),
            newest: Tick::ZERO,
        }
    }

    pub(crate) const fn port(&self) -> &RoomPort<G> {
        &self.port
    }

    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0 && self.undelivered.is_empty()
    }

    /// Seats a link and asks the room to let it in; answers the slot.
    pub(crate) fn enter(&mut self, enter: Enter<G, L>, now: Duration) -> usize {
        let at = self.free.pop().unwrap_or_else(|| {
            self.slots.push(None);
            self.slots.len() - 1
        });
        let player = enter.player;
        self.slots[at] = Some(Slot {
            player: player.id,
            name: player.name.clone(),
            link: enter.link,
            waker: self.ready.waker(at),
            outbox: Outbox::default(),
            phase: Phase::Joining { since: now },
            in_room: true,
            limit: RateLimit::new(self.port.tick_rate_hz, now),
            echo: Echo::new(),
            due: 0,
            input_ack: 0,
            stale: Stale::default(),
            last_heard: now,
            last_sent: now,
            pinged: false,
            blocked: None,
            reads_left: READS_PER_NOTICE_MAX,
            _seat: enter.seat,
        });
        self.port.world.counters().members.add(1);
        self.ready.mark(at);
        if self.port.push(RoomIn::Join(player)).is_err() {
            if let Some(slot) = &mut self.slots[at] {
                slot.in_room = false;
            }
            self.close(at, refused(Refusal::BUSY), now);
        }
        at
    }

    /// Sends one frame to everybody who can take it.
    pub(crate) fn write(&mut self, frame: &Frame, now: Duration) {
        self.newest = frame.tick;
        for at in 0..self.slots.len() {
            self.with_slot(at, now, |slot, port, scratch, cx| {
                if slot.reads_left == 0 {
                    cx.waker().wake_by_ref(); // muted by its own flood; it may go on now
                }
                slot.reads_left = READS_PER_NOTICE_MAX;
                slot.take_frame(port, frame, now);
                slot.advance(port, scratch, cx, now)
            });
        }
        self.deliver();
    }

    /// The task missed frames: its members need keyframes.
    pub(crate) fn handle_lagged(&mut self, frames: u64) {
        self.port.world.counters().notices_lagged.add(1);
        tracing::warn!(
            room = &*self.port.name,
            frames,
            "room task lagged behind the tick"
        );
        for slot in self.slots.iter_mut().flatten() {
            slot.due = slot
                .due
                .wrapping_add(u32::try_from(frames).unwrap_or(u32::MAX));
            slot.stale.needs_keyframe = true;
        }
        self.port
            .status
            .keyframe_wanted
            .store(true, Ordering::Release);
    }

    /// Reads from the sockets that have something, and writes to those that can take more.
    pub(crate) fn poll_read(&mut self, cx: &Context<'_>, now: Duration) {
        let ready = Arc::clone(&self.ready);
        ready.register(cx.waker());
        for at in ready.take() {
            let newest = self.newest;
            self.with_slot(at, now, |slot, port, scratch, cx| {
                slot.advance(port, scratch, cx, now)?;
                slot.read(port, newest, cx, now)?;
                slot.advance(port, scratch, cx, now)
            });
        }
        self.deliver();
    }

    /// Looks for whom time is up.
    pub(crate) fn handle_deadlines(&mut self, now: Duration) {
        for at in 0..self.slots.len() {
            self.with_slot(at, now, |slot, port, scratch, cx| {
                slot.handle_deadlines(port, now)?;
                slot.advance(port, scratch, cx, now)
            });
        }
        self.deliver();
    }

    /// Says goodbye to one member, after what already waits for it.
    pub(crate) fn close(&mut self, at: usize, close: Close, now: Duration) {
        self.with_slot(at, now, |slot, port, scratch, cx| {
            slot.close(port, close, now);
            slot.advance(port, scratch, cx, now)
        });
    }

    /// Says goodbye to everybody.
    pub(crate) fn close_all(&mut self, close: Close, now: Duration) {
        for at in 0..self.slots.len() {
            self.close(at, close, now);
        }
    }

    /// Does something with a slot, and clears it away if its conversation ended over it.
    fn with_slot(
        &mut self,
        at: usize,
        now: Duration,
        act: impl FnOnce(&mut Slot<L>, &RoomPort<G>, &mut Scratch, &mut Context<'_>) -> Result<(), Gone>,
    ) {
        let Some(slot) = self.slots.get_mut(at).and_then(Option::as_mut) else {
            return;
        };
        let waker = slot.waker.clone();
        let mut cx = Context::from_waker(&waker);
        let Err(gone) = act(slot, &self.port, &mut self.scratch, &mut cx) else {
            return;
        };
        let counters = self.port.world.counters();
        if matches!(gone, Gone::Lost) && !matches!(slot.phase, Phase::Closing { .. }) {
            counters.connections_lost.add(1);
        }
        tracing::debug!(
            game = G::NAME,
            room = &*self.port.name,
            player = slot.player.number(),
            after_s = now.as_secs_f32(),
            "member gone"
        );
        if slot.in_room {
            let may_resume = matches!(gone, Gone::Lost);
            let player = slot.player;
            self.undelivered.push(RoomIn::Leave { player, may_resume });
        }
        counters.members.subtract(1);
        self.slots[at] = None;
        self.free.push(at);
        // The room must know of the leave before it may count as empty.
        self.deliver();
        self.port.status.occupants.fetch_sub(1, Ordering::AcqRel);
    }

    fn deliver(&mut self) {
        while let Some(note) = self.undelivered.pop() {
            if let Err(note) = self.port.push(note) {
                self.undelivered.push(note);
                return;
            }
        }
    }
}

impl<L: Link> Slot<L> {
    fn take_frame<G: Game>(&mut self, port: &RoomPort<G>, frame: &Frame, now: Duration) {
        let behind = match self.phase {
            Phase::Closing { .. } => return,
            Phase::Live => self.is_behind(port, now),
            Phase::Joining { .. } => match frame.join(self.player) {
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
        if let Some(close) = own.and_then(|own| own.close).or(frame.end) {
            self.in_room = false;
            self.close(port, close, now);
        }
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
            _ if behind => self.miss(port, own, events, now),
            (true, Some(keyframe), Some(own)) => {
                let mut refused = std::mem::take(&mut self.stale.refused);
                refused.extend_from_slice(&own.refused);
                self.stale.event_bytes = 0;
                let missed = std::mem::take(&mut self.stale.events);
                let bodies =
                    own_bodies([&refused, &own.keyframe], missed.into_iter().chain(events));
                self.outbox.push_frame(header, bodies, keyframe);
                self.stale.needs_keyframe = false;
                self.sent(frame.tick, now);
            }
            (true, _, _) => {
                port.status.keyframe_wanted.store(true, Ordering::Release);
                self.miss(port, own, events, now);
            }
            (false, _, _) if due => {
                let own = own.map_or([&[][..]; 2], |own| [&own.refused[..], &own.delta[..]]);
                let bodies = own_bodies(own, events);
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
    fn is_behind<G: Game>(&mut self, port: &RoomPort<G>, now: Duration) -> bool {
        let drained = self.outbox.is_drained();
        match self.echo.poll(now) {
            Lag::Ask(tick) if drained => {
                self.outbox.push_ping(tick.number().to_le_bytes());
                self.echo.handle_asked();
            }
            Lag::Fine | Lag::Ask(_) => {}
            Lag::Stale | Lag::TooSlow => {
                self.skip(port);
                return true;
            }
        }
        if !drained {
            self.skip(port);
        }
        !drained
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
        let bytes = self.stale.event_bytes + self.stale.refused.len();
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
            game: G::NAME.into(),
            room: port.name.to_string(),
            name: self.name.clone(),
        }
        .encode()
    }

    fn advance<G: Game>(
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

    fn read<G: Game>(
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
        match decode_client::<G::Input>(bytes) {
            Ok(ClientMessage::Input { seq, seen, input }) => {
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

    fn handle_deadlines<G: Game>(&mut self, port: &RoomPort<G>, now: Duration) -> Result<(), Gone> {
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
                let too_slow = self.echo.poll(now) == Lag::TooSlow;
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
        self.close(port, CloseCode::TooSlow.into(), now);
    }

    fn close<G: Game>(&mut self, port: &RoomPort<G>, close: Close, now: Duration) {
        if matches!(self.phase, Phase::Closing { .. }) {
            return;
        }
        port.world.counters().count_close(close.code);
        tracing::debug!(
            game = G::NAME,
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
