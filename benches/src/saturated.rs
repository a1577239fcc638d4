//! `jobs.saturated_…`: what everybody else notices of a pool all of whose threads are busy.
//!
//! A server and twenty members in this process, on all cores; the pool has a thread for each core.
//! By turns it has nothing to do, and far too much.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use downbeat::client::{View, hello};
use downbeat_server::{App, Config};
use futures_util::{SinkExt as _, StreamExt as _};
use hdrhistogram::Histogram;
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::tungstenite::Message;

use self::grinder::Grinder;
use crate::idle::{Socket, connect};
use crate::{Plan, figure};

mod grinder;

pub(crate) const NAMES: [&str; 3] = [
    "jobs.saturated_heartbeat_added_p99_ms",
    "jobs.saturated_interframe_p99_ms",
    "jobs.idle_interframe_p99_ms",
];

const MEMBERS: usize = 20;

/// A heartbeat of the runtime that serves the sockets.
const BEAT_EVERY: Duration = Duration::from_millis(10);

/// What a change of the load leaves behind is over by then.
const SETTLE: Duration = Duration::from_millis(500);

/// One turn's 99th percentiles. Units: milliseconds.
struct Turn {
    heartbeat: f64,
    interframe: f64,
}

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let (turns, length) = if plan.quick { (2, 2) } else { (5, 10) };
    let length = Duration::from_secs(length);
    let (idle, busy) = runtime.block_on(async {
        let app = App::new().game::<Grinder>();
        let server = app.start(Config::for_tests()).await;
        let server = server.map_err(|e| e.to_string())?;
        let mut members = Members::join(server.addr()).await?;
        let (mut idle, mut busy) = (Vec::new(), Vec::new());
        for _ in 0..turns {
            idle.push(members.turn(false, length).await?);
            busy.push(members.turn(true, length).await?);
        }
        server.stop().await.map_err(|e| e.to_string())?;
        Ok::<_, String>((idle, busy))
    })?;
    let of = |turns: &[Turn], which: fn(&Turn) -> f64| median(turns.iter().map(which).collect());
    let added = of(&busy, |turn| turn.heartbeat) - of(&idle, |turn| turn.heartbeat);
    figure(NAMES[0], added, "ms");
    figure(NAMES[1], of(&busy, |turn| turn.interframe), "ms");
    figure(NAMES[2], of(&idle, |turn| turn.interframe), "ms");
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

struct Members {
    grinds: watch::Sender<bool>,
    /// Times between two frames of one member.
    gaps: mpsc::UnboundedReceiver<Duration>,
}

impl Members {
    async fn join(address: SocketAddr) -> Result<Self, String> {
        let (grinds, _) = watch::channel(false);
        let (gap, gaps) = mpsc::unbounded_channel();
        for number in 0..MEMBERS {
            let steers = (number == 0).then(|| grinds.subscribe());
            let url = format!("ws://{address}/ws/grinder/main");
            let socket = connect(url).await?;
            tokio::spawn(play(socket, number, steers, gap.clone()));
        }
        Ok(Self { grinds, gaps })
    }

    async fn turn(&mut self, grinds: bool, length: Duration) -> Result<Turn, String> {
        self.grinds.send_replace(grinds);
        tokio::time::sleep(SETTLE).await;
        while self.gaps.try_recv().is_ok() {}
        let mut late = histogram();
        let beats = length.as_millis() / BEAT_EVERY.as_millis();
        for _ in 0..beats {
            let due = tokio::time::Instant::now() + BEAT_EVERY;
            tokio::spawn(tokio::time::sleep_until(due))
                .await
                .map_err(|e| e.to_string())?;
            late.saturating_record(micros(due.elapsed()));
        }
        let mut between = histogram();
        while let Ok(gap) = self.gaps.try_recv() {
            between.saturating_record(micros(gap));
        }
        let expected = MEMBERS as u128 * length.as_millis() / 50;
        if u128::from(between.len()) < expected * 9 / 10 {
            return Err(format!("{} of {expected} frames came", between.len()));
        }
        Ok(Turn {
            heartbeat: p99_ms(&late),
            interframe: p99_ms(&between),
        })
    }
}

/// Reads frames for as long as there are any, echoes one a second, and steers if it is to.
async fn play(
    mut socket: Socket,
    number: usize,
    mut steers: Option<watch::Receiver<bool>>,
    gaps: mpsc::UnboundedSender<Duration>,
) -> Option<()> {
    let hash = downbeat::Schema::hash_of::<Grinder>().unwrap_or(0);
    let name = format!("member-{number}");
    let hello = Message::binary(hello(&name, hash));
    socket.send(hello).await.ok()?;
    let mut view = View::<Grinder>::new();
    let (mut last, mut frames, mut seq) = (None::<Instant>, 0u32, 0);
    loop {
        let message = socket.next().await?.ok()?;
        let Message::Binary(bytes) = message else {
            continue;
        };
        view.apply(&bytes).ok()?;
        let now = Instant::now();
        if let Some(last) = last.replace(now) {
            gaps.send(now - last).ok()?;
        }
        frames += 1;
        if let Some(steers) = &mut steers
            && steers.has_changed().ok()?
        {
            seq += 1;
            let grinds = *steers.borrow_and_update();
            let input = Message::binary(view.input(seq, grinds));
            socket.send(input).await.ok()?;
        } else if frames.is_multiple_of(20) {
            socket.send(Message::binary(view.seen())).await.ok()?;
        }
    }
}

fn histogram() -> Histogram<u64> {
    // Up to a minute.
    Histogram::new_with_max(60_000_000, 3).expect("three digits")
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a figure")]
fn p99_ms(histogram: &Histogram<u64>) -> f64 {
    histogram.value_at_quantile(0.99) as f64 / 1000.0
}
