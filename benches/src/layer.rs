//! `layer.…`: how long a message to a group takes until the last member's handler has run.
//!
//! Through rooms: sent to the channels of members, waiting in their rooms' inboxes, heard by
//! `Game::message`; what is not counted is the wait for the next tick. By itself: mailboxes that
//! only count. Beside it, in the same run, Django Channels' layer for one process, with a reader
//! for each channel.

use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use downbeat::layer::{
    Address, Delivery, Layer, LayerLimits, Mailbox, MailboxFull, MemoryLayer, Message,
};
use downbeat::testing::Choir;
use downbeat::{Game, OpenError, Player, PlayerId, Recipient, Refusal, Room, Seat};
use serde::{Deserialize, Serialize};

use crate::{Plan, figure, print};

pub(crate) const NAMES: [&str; 5] = [
    "layer.group_send_1000_us",
    "layer.group_send_10000_us",
    "layer.mailboxes_1000_us",
    "layer.mailboxes_10000_us",
    "layer.channels_group_send_1000_us",
];

const GROUP: &str = "bench.group";

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let rounds = if plan.quick { 20 } else { 200 };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    for (name, rooms, members) in [(NAMES[0], 1, 1000), (NAMES[1], 4, 2500)] {
        if plan.wants(&[name]) {
            figure(
                name,
                runtime.block_on(through_rooms(rooms, members, rounds))?,
                "us",
            );
        }
    }
    for (name, members) in [(NAMES[2], 1000), (NAMES[3], 10_000)] {
        if plan.wants(&[name]) {
            figure(name, runtime.block_on(by_itself(members, rounds))?, "us");
        }
    }
    if plan.wants(&NAMES[4..]) {
        match channels(1000, 5) {
            Ok(us) => figure(NAMES[4], us, "us"),
            Err(error) => print(&format!(
                "NOT MEASURED: {}: Django Channels could not be run: {error}\n",
                NAMES[4]
            )),
        }
    }
    Ok(())
}

fn message(number: i64) -> Arc<Message> {
    let text = "hello everybody, this is a line of a chat";
    Arc::new(
        Message::of("chat.message")
            .with("text", text)
            .with("number", number),
    )
}

/// When the bench began, and when the last handler ran. Units: nanoseconds.
static BEGAN: OnceLock<Instant> = OnceLock::new();
static HEARD_AT: AtomicU64 = AtomicU64::new(0);
static HEARD: AtomicUsize = AtomicUsize::new(0);
/// How many are to hear each message.
static LISTENERS: AtomicUsize = AtomicUsize::new(0);

fn nanos() -> u64 {
    let passed = BEGAN.get_or_init(Instant::now).elapsed();
    u64::try_from(passed.as_nanos()).unwrap_or(u64::MAX)
}

#[derive(Serialize, Deserialize)]
struct Listeners;

#[derive(Serialize, Deserialize)]
enum Note {
    ChatMessage { text: String, number: i64 },
}

#[downbeat::game]
impl Game for Listeners {
    const NAME: &'static str = "listeners";
    type Input = ();
    type Message = Note;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, (): ()) {}

    fn message(&mut self, _: &mut Room<Self>, _: Recipient, message: &Note) {
        let Note::ChatMessage { text, number } = message;
        std::hint::black_box((text, number));
        let heard = HEARD.fetch_add(1, Ordering::Relaxed) + 1;
        if heard == LISTENERS.load(Ordering::Relaxed) {
            HEARD_AT.store(nanos(), Ordering::Relaxed);
        }
    }
}

async fn through_rooms(rooms: u32, members: u32, rounds: u32) -> Result<f64, String> {
    let layer: Arc<dyn Layer> = MemoryLayer::new(LayerLimits::default());
    let mut choir = Choir::<Listeners>::new(&layer, rooms, members);
    let channels = choir.channels();
    join_all(&*layer, &channels).await?;
    LISTENERS.store(channels.len(), Ordering::Relaxed);
    let mut times = Vec::new();
    for round in 0..rounds {
        let message = message(round.into());
        HEARD.store(0, Ordering::Relaxed);
        let start = nanos();
        let sent = layer.group_send(GROUP, message).await;
        sent.map_err(|error| error.to_string())?;
        choir.step();
        check(HEARD.load(Ordering::Relaxed), channels.len())?;
        times.push(HEARD_AT.load(Ordering::Relaxed) - start);
    }
    Ok(median_us(times))
}

struct Count;

impl Mailbox for Count {
    fn deliver(&self, _: u64, delivery: Delivery) -> Result<(), MailboxFull> {
        std::hint::black_box(delivery);
        HEARD.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn missed(&self, _: u64) {}
}

async fn by_itself(members: usize, rounds: u32) -> Result<f64, String> {
    let layer = MemoryLayer::new(LayerLimits::default());
    let open = |_| layer.open(Address::Unique("bench"), Arc::new(Count), 0);
    let channels: Result<Vec<_>, _> = (0..members).map(open).collect();
    let channels = channels.map_err(|error| error.to_string())?;
    let names: Vec<_> = channels
        .iter()
        .map(|channel| channel.name().to_string())
        .collect();
    join_all(&*layer, &names).await?;
    let mut times = Vec::new();
    for round in 0..rounds {
        let message = message(round.into());
        HEARD.store(0, Ordering::Relaxed);
        let start = nanos();
        let sent = layer.group_send(GROUP, message).await;
        sent.map_err(|error| error.to_string())?;
        times.push(nanos() - start);
        check(HEARD.load(Ordering::Relaxed), members)?;
    }
    Ok(median_us(times))
}

async fn join_all(layer: &dyn Layer, channels: &[String]) -> Result<(), String> {
    for channel in channels {
        let added = layer.group_add(GROUP, channel).await;
        added.map_err(|error| error.to_string())?;
    }
    Ok(())
}

fn check(heard: usize, members: usize) -> Result<(), String> {
    if heard == members {
        return Ok(());
    }
    Err(format!("{heard} of {members} heard it"))
}

#[expect(clippy::cast_precision_loss, reason = "microseconds of a bench")]
fn median_us(mut times: Vec<u64>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2] as f64 / 1000.0
}

/// The same with Channels: one process, one task for each channel, until the last has it.
const CHANNELS: &str = "
import asyncio, statistics, sys, time
from channels.layers import InMemoryChannelLayer

async def main(members, rounds):
    layer = InMemoryChannelLayer()
    names = [await layer.new_channel() for _ in range(members)]
    for name in names:
        await layer.group_add('bench', name)
    times = []
    for number in range(rounds):
        readers = [asyncio.create_task(layer.receive(name)) for name in names]
        await asyncio.sleep(0.01)
        text = 'hello everybody, this is a line of a chat'
        start = time.perf_counter()
        await layer.group_send('bench', {'type': 'chat.message', 'text': text, 'number': number})
        await asyncio.gather(*readers)
        times.append(time.perf_counter() - start)
    print(statistics.median(times) * 1e6)

asyncio.run(main(int(sys.argv[1]), int(sys.argv[2])))
";

/// Makes its own environment, once, from PyPI.
fn channels(members: u32, rounds: u32) -> Result<f64, String> {
    let venv = Path::new("target/bench-channels");
    let python = venv.join("bin/python");
    let done = venv.join("channels-is-here");
    if !done.exists() {
        run(Command::new("python3").args(["-m", "venv"]).arg(venv))?;
        let install = ["-m", "pip", "install", "--quiet", "channels>=4,<5"];
        run(Command::new(&python).args(install))?;
        std::fs::write(&done, "").map_err(|error| error.to_string())?;
    }
    let (members, rounds) = (members.to_string(), rounds.to_string());
    let us = run(Command::new(&python).args(["-c", CHANNELS, &members, &rounds]))?;
    us.trim().parse().map_err(|_| format!("it said {us:?}"))
}

fn run(command: &mut Command) -> Result<String, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let words = String::from_utf8_lossy(&output.stderr);
    let last = words.lines().last().unwrap_or("no words");
    Err(format!("{}: {last}", output.status))
}
