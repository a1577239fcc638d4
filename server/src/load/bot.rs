//! One bot: a real WebSocket, a real view of the room, thinking at a fixed rate.
//!
//! Read, flush and timer are polled by hand in one place, so that a server that does not read is
//! still read from, and nothing is allocated per frame beyond what the view takes.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use downbeat::client::{Applied, View, hello};
use downbeat::{Game, Replicate as _, Rng, Vec2, seeded};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;
use tokio::time::Sleep;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::acks::{Acks, CATCH_UP_MAX, Schedule};
use super::cuts::{Cut, Cuts};
use super::pace::Pace;
use super::stage::{Stage, micros};
use super::tally::{Tallies, Tally};
use super::target::Target;
use super::trace::{self, Trace};

/// A client that has sent nothing for so long sends an echo.
const SEEN_EVERY: Duration = Duration::from_secs(1);

/// How soon to look again when the socket did not take the last message.
const BLOCKED_RETRY: Duration = Duration::from_millis(50);

/// An input that is this old at the end was not just under way.
const UNACKED_AFTER: Duration = Duration::from_secs(1);

/// A member that got nothing for so long was forgotten: there is a heartbeat every second.
const SILENT_AFTER: Duration = Duration::from_secs(2);

/// How long a goodbye may take.
const CLOSE_WITHIN: Duration = Duration::from_secs(2);

/// A connection that ended without a close frame, and a close frame without a code. Source:
/// RFC 6455 § 7.4.1.
const CLOSE_ABNORMAL: u16 = 1006;
const CLOSE_NO_CODE: u16 = 1005;

/// What all bots of a run have in common.
#[derive(Debug)]
pub(super) struct Course {
    pub(super) target: Target,
    pub(super) stage: Stage,
    pub(super) tallies: Tallies,
    /// Time between two thoughts; `None` only watches.
    pub(super) think_every: Option<Duration>,
    /// Time between two cuts of a line, on average; `None` never cuts one.
    pub(super) cut_every: Option<Duration>,
    pub(super) seed: u64,
    /// Whether what is said is printed.
    pub(super) trace: bool,
}

/// Which bot this is.
#[derive(Clone, Debug)]
pub(super) struct Place {
    pub(super) number: usize,
    pub(super) room: String,
    /// When it connects.
    pub(super) starts: Duration,
}

/// How a bot's conversation ended.
#[derive(Debug)]
enum End {
    /// The run is over.
    Ours,
    /// The server closed, with this code and reason, or the connection broke.
    Theirs(u16, String),
    /// The server sent what cannot be.
    Mismatch(String),
}

#[derive(Debug)]
enum Happening {
    Message(Message),
    Timer,
}

/// Connects, plays until the run is over, and says goodbye.
pub(super) async fn live<G: Game>(course: Arc<Course>, place: Place) {
    let starts = course.stage.instant(place.starts);
    tokio::time::sleep_until(starts.into()).await;
    if course.stage.is_over() {
        return;
    }
    match course.target.connect(&place.room, None).await {
        Ok(socket) => {
            let mut bot = Bot::<G>::new(course, place, socket);
            let end = bot.live().await;
            bot.trace(|trace, _| trace.note(&end.to_string()));
            bot.settle_up(&end);
            let _ = tokio::time::timeout(CLOSE_WITHIN, bot.say_goodbye(end)).await;
        }
        Err(error) => {
            course.stage.handle_failed();
            course.tallies.with(place.number, |tally| {
                tally.handle_problem(error.to_string())
            });
        }
    }
}

struct Bot<G: Game> {
    course: Arc<Course>,
    place: Place,
    socket: WebSocketStream<TcpStream>,
    /// Something was sent that the socket has not taken whole.
    unflushed: bool,
    timer: Pin<Box<Sleep>>,
    view: View<G>,
    mind: Option<Box<dyn downbeat::Bot<G>>>,
    rng: Rng,
    pace: Pace,
    acks: Acks,
    cuts: Cuts<G::Input>,
    /// Begins with the first frame.
    schedule: Option<Schedule>,
    position: Option<Vec2>,
    playing_since: Option<Duration>,
    sent_at: Duration,
    received_at: Duration,
    /// Received and not yet added to the tally.
    bytes: u64,
    /// Checksums that did not fit and were added to the tally.
    mismatches: u32,
    trace: Option<Trace>,
}

impl<G: Game> Bot<G> {
    fn new(course: Arc<Course>, place: Place, socket: WebSocketStream<TcpStream>) -> Self {
        let number = place.number as u64;
        let mind = course
            .think_every
            .and_then(|_| G::bot(course.seed.wrapping_add(number)));
        let now = course.stage.now();
        let mut view = View::new();
        let trace = course
            .trace
            .then(|| Trace::new(&name_of(&place), &mut view));
        Self {
            rng: seeded(course.seed.wrapping_add(number), &place.room, 0, "load"),
            timer: Box::pin(tokio::time::sleep(SEEN_EVERY)),
            socket,
            unflushed: false,
            view,
            mind,
            pace: Pace::default(),
            acks: Acks::default(),
            cuts: Cuts::new(
                course.cut_every,
                course.seed.wrapping_add(number),
                &place.room,
            ),
            schedule: None,
            position: None,
            playing_since: None,
            sent_at: now,
            received_at: now,
            bytes: 0,
            mismatches: 0,
            trace,
            course,
            place,
        }
    }

    /// Plays until the run is over, over as many connections as that takes.
    async fn live(&mut self) -> End {
        loop {
            let went_on = match self.play().await {
                Ok(cut) => self.come_back(cut).await,
                Err(end) => Err(end),
            };
            if let Err(end) = went_on {
                return end;
            }
        }
    }

    /// Plays until the line is to be cut.
    async fn play(&mut self) -> Result<Cut, End> {
        let name = name_of(&self.place);
        self.send(hello(&name, downbeat::Schema::hash_of::<G>().unwrap_or(0)))?;
        while !self.course.stage.is_over() {
            if self.cuts.is_due(self.course.stage.now()) {
                let nothing = "the server gave nothing to resume with: no line is cut";
                match self.cuts.handle_cut() {
                    Some(cut) => return Ok(cut),
                    None => self.tally(|tally| tally.handle_problem(nothing)),
                }
            }
            let happening = std::future::poll_fn(|cx| self.poll_happening(cx)).await;
            match happening? {
                Happening::Message(message) => self.handle_message(message)?,
                Happening::Timer => self.handle_timer()?,
            }
        }
        Err(End::Ours)
    }

    /// Cuts the line, and opens another as the same member; sometimes before the old one is gone.
    async fn come_back(&mut self, cut: Cut) -> Result<(), End> {
        self.trace(|trace, _| trace.note("cut"));
        if !cut.old_stands {
            // However that ends, nothing comes over it any more.
            let _ = self.socket.get_mut().shutdown().await;
        }
        let room = &self.place.room;
        let socket = self.course.target.connect(room, Some(&cut.token)).await;
        self.socket = socket
            .map_err(|error| End::Theirs(CLOSE_ABNORMAL, format!("could not resume: {error}")))?;
        self.unflushed = false;
        self.pace = Pace::default();
        self.received_at = self.course.stage.now();
        Ok(())
    }

    /// The welcome of a member that comes back: says again what the server has not taken.
    fn handle_welcome(&mut self) -> Result<(), String> {
        let Some(welcome) = &self.view.welcome else {
            return Ok(());
        };
        if welcome.room != self.place.room {
            return Err("a welcome to another room".into());
        }
        let again = self.cuts.handle_welcome(welcome);
        let Some(again) = again.map_err(|e| e.to_string())? else {
            return Ok(());
        };
        self.tally(|tally| tally.resumed += 1);
        self.cuts.handle_playing(self.course.stage.now());
        for (seq, input) in again {
            let bytes = self.view.input(seq, input);
            self.send(bytes).map_err(|end| end.to_string())?;
        }
        Ok(())
    }

    fn poll_happening(&mut self, cx: &mut Context<'_>) -> Poll<Result<Happening, End>> {
        if self.unflushed
            && let Poll::Ready(flushed) = self.socket.poll_flush_unpin(cx)
        {
            self.unflushed = false;
            if let Err(error) = flushed {
                return Poll::Ready(Err(lost(&error)));
            }
        }
        match self.socket.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(message))) => return Poll::Ready(Ok(Happening::Message(message))),
            Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(lost(&error))),
            Poll::Ready(None) => {
                return Poll::Ready(Err(End::Theirs(CLOSE_ABNORMAL, "no close frame".into())));
            }
            Poll::Pending => {}
        }
        self.timer.as_mut().poll(cx).map(|()| Ok(Happening::Timer))
    }

    fn handle_message(&mut self, message: Message) -> Result<(), End> {
        let now = self.course.stage.now();
        self.received_at = now;
        if self.course.stage.measures(now) {
            self.bytes += bytes_on_the_wire(message.len());
        }
        match message {
            Message::Binary(bytes) => self.handle_binary(&bytes, now).map_err(End::Mismatch),
            Message::Text(_) => Err(End::Mismatch("a text message".into())),
            Message::Close(frame) => Err(frame.map_or_else(
                || End::Theirs(CLOSE_NO_CODE, "no code".into()),
                |frame| End::Theirs(frame.code.into(), frame.reason.to_string()),
            )),
            // Pings are answered by the library at the next read.
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => Ok(()),
        }
    }

    fn handle_binary(&mut self, bytes: &[u8], now: Duration) -> Result<(), String> {
        if let Some(trace) = &mut self.trace {
            trace.handle_message(bytes.len());
        }
        match self.view.apply(bytes).map_err(|e| e.to_string())? {
            Applied::Welcome => {
                self.handle_welcome()?;
                self.trace(|trace, view| trace.welcome(view));
                Ok(())
            }
            Applied::Part | Applied::Pong(_) => Ok(()),
            Applied::Frame { .. } => self.handle_frame(now),
        }
    }

    fn handle_frame(&mut self, now: Duration) -> Result<(), String> {
        if self.view.welcome.is_none() {
            return Err("a frame before the welcome".into());
        }
        self.trace(|trace, view| trace.tick(view));
        let due = self
            .pace
            .handle_frame(self.view.tick, self.view.due, now)
            .map_err(|e| e.to_string())?;
        if self.playing_since.is_none() {
            self.begin(now);
        }
        let position = self.view.avatar().map(|(_, avatar)| avatar.position());
        let moved = position.is_some_and(|position| position != self.position);
        self.position = position.flatten();
        if self.mind.is_none() {
            self.forget_events();
        }
        let mismatches = self.view.mismatches();
        let mismatched = mismatches - std::mem::replace(&mut self.mismatches, mismatches);

        self.cuts.handle_ack(self.view.input_ack);
        let Self { course, acks, .. } = self;
        let stage = &course.stage;
        let bytes = std::mem::take(&mut self.bytes);
        course
            .tallies
            .with(self.place.number, |tally| {
                tally.bytes += bytes;
                tally.handle_mismatches(mismatched);
                if let Some(due) = due
                    && stage.measures(now)
                {
                    tally.frames_expected += u64::from(due.expected);
                    tally.frames_received += 1;
                    if let Some(gap) = due.gap {
                        tally.interframe_us += micros(gap);
                    }
                    if position.is_some() {
                        tally.ticks += u64::from(due.ticks);
                        // What happened in skipped frames is not known; assume the same.
                        tally.ticks_moved += u64::from(moved) * u64::from(due.expected);
                    }
                }
                acks.handle_ack(self.view.input_ack, now, |scheduled, latency| {
                    if stage.measures(scheduled) && stage.measures(now) {
                        tally.ack_us += micros(latency);
                    }
                })
            })
            .map_err(|e| e.to_string())
    }

    /// The first whole frame: from here on it plays.
    fn begin(&mut self, now: Duration) {
        self.playing_since = Some(now);
        self.course.stage.handle_playing();
        self.cuts.handle_playing(now);
        if let (Some(period), Some(_)) = (self.course.think_every, &self.mind) {
            // Multiples of the golden ratio spread any number of bots evenly over a period.
            let phase = (self.place.number as f64 * 0.618_033_988_75).fract();
            let schedule = Schedule::new(now + period.mul_f64(phase), period);
            self.schedule = Some(schedule);
            self.arm_timer(schedule.next());
        }
    }

    fn handle_timer(&mut self) -> Result<(), End> {
        let now = self.course.stage.now();
        if self.unflushed {
            self.arm_timer(now + BLOCKED_RETRY);
            return Ok(());
        }
        self.think(now)?;
        if now.saturating_sub(self.sent_at) >= SEEN_EVERY {
            self.trace(|trace, view| trace.note(&format!("seen {}", view.tick.number())));
            self.send(self.view.seen())?;
        }
        let echo = self.sent_at + SEEN_EVERY;
        let next = self.schedule.as_ref().map_or(echo, |s| s.next().min(echo));
        self.arm_timer(next);
        Ok(())
    }

    fn think(&mut self, now: Duration) -> Result<(), End> {
        let mut thoughts = 0;
        while let Some(scheduled) = self.schedule.as_mut().and_then(|s| s.take(now)) {
            let measured = self.course.stage.measures(scheduled);
            let late = now.saturating_sub(scheduled);
            thoughts += 1;
            if thoughts > CATCH_UP_MAX {
                self.tally(|tally| tally.handle_lost_input(measured, late));
                continue;
            }
            let Some(mind) = &mut self.mind else { break };
            let input = mind.think(&self.view, &mut self.rng);
            let refused = self.view.refused.len() as u64;
            self.forget_events();
            let sends = u64::from(input.is_some());
            if let Some(input) = input {
                let seq = self.acks.handle_sent(scheduled);
                self.trace(|trace, view| trace.input(seq, view, &input));
                self.cuts.handle_said(seq, input.clone());
                self.send(self.view.input(seq, input))?;
            }
            if measured {
                self.tally(|tally| {
                    tally.driver_late_us += micros(late);
                    tally.inputs_sent += sends;
                    tally.inputs_refused += refused;
                });
            }
        }
        Ok(())
    }

    /// Hands a message to the socket; [`Bot::poll_happening`] flushes it.
    fn send(&mut self, bytes: Vec<u8>) -> Result<(), End> {
        self.unflushed = true;
        self.sent_at = self.course.stage.now();
        self.socket
            .start_send_unpin(Message::Binary(bytes.into()))
            .map_err(|e| lost(&e))
    }

    fn forget_events(&mut self) {
        self.view.refused.clear();
        self.view.events.clear();
        if let Some(trace) = &mut self.trace {
            trace.handle_taken();
        }
    }

    /// Prints a line, if anybody wants to read along.
    fn trace(&mut self, line: impl FnOnce(&mut Trace, &mut View<G>) -> String) {
        if let Some(trace) = &mut self.trace {
            trace::say(&line(trace, &mut self.view));
        }
    }

    fn arm_timer(&mut self, at: Duration) {
        let at = self.course.stage.instant(at);
        self.timer.as_mut().reset(at.into());
    }

    fn tally<T>(&self, add: impl FnOnce(&mut Tally) -> T) -> T {
        self.course.tallies.with(self.place.number, add)
    }

    /// Counts what only the end can tell.
    fn settle_up(&mut self, end: &End) {
        let stage = &self.course.stage;
        let now = stage.now();
        let mut missed = Vec::new();
        while let Some(at) = self.schedule.as_mut().and_then(|s| s.take(now)) {
            missed.push((at, now.saturating_sub(at)));
        }
        let lost_inputs = self.acks.unacked(now).chain(missed);
        let silence = now.saturating_sub(self.received_at);
        self.tally(|tally| {
            tally.bytes += self.bytes;
            for (scheduled, age) in lost_inputs {
                let old = age >= UNACKED_AFTER;
                tally.handle_lost_input(old && stage.measures(scheduled), age);
            }
            if let Some(since) = self.playing_since {
                tally.client_us += micros(stage.measured_between(since, now));
            }
            match end {
                End::Ours if self.playing_since.is_none() => {
                    tally.handle_problem("no first frame until the end");
                }
                End::Ours if silence >= SILENT_AFTER => {
                    tally.silent += 1;
                    tally.interframe_us += micros(silence);
                }
                End::Ours => {}
                End::Theirs(..) if stage.is_over() => {}
                End::Theirs(code, _) => {
                    *tally.disconnects.entry(*code).or_default() += 1;
                    tally.handle_problem(end.to_string());
                }
                End::Mismatch(_) => {
                    tally.view_mismatches += 1;
                    tally.handle_problem(end.to_string());
                }
            }
        });
        if self.playing_since.is_some() {
            stage.handle_gone();
        } else {
            stage.handle_failed();
        }
    }

    async fn say_goodbye(&mut self, end: End) {
        let code = match end {
            End::Ours => Some(CloseCode::Normal),
            End::Mismatch(_) => Some(CloseCode::Invalid),
            End::Theirs(..) => None,
        };
        if let Some(code) = code {
            let reason = "bye".into();
            // Whether the server still listens does not matter any more.
            let _ = self.socket.close(Some(CloseFrame { code, reason })).await;
        }
        // The library answers a close frame while it is read from.
        while let Some(Ok(_)) = self.socket.next().await {}
    }
}

/// What a bot calls itself.
fn name_of(place: &Place) -> String {
    format!("bot-{}", place.number + 1)
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ours => f.write_str("bye"),
            Self::Theirs(code, reason) => write!(f, "closed with {code}: {reason}"),
            Self::Mismatch(what) => write!(f, "view mismatch: {what}"),
        }
    }
}

fn lost(error: &tokio_tungstenite::tungstenite::Error) -> End {
    End::Theirs(CLOSE_ABNORMAL, error.to_string())
}

/// A message's payload and its header. Source: RFC 6455 § 5.2; a server does not mask.
const fn bytes_on_the_wire(payload: usize) -> u64 {
    let header = match payload {
        0..126 => 2,
        126..65_536 => 4,
        _ => 10,
    };
    payload as u64 + header
}
