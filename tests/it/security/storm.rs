//! Everybody at once: 5,000 joins as fast as they can be made, and those who are inside already.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::case::HANDSHAKE;
use super::raw::{Raw, frame};
use super::stage::{Stage, hello_message};

const JOINS: usize = 5_000;
const THREADS: usize = 16;

/// Connections that each thread holds on to: together more than one address may have.
const HELD: usize = 12;
const PER_ADDRESS: usize = 120;

/// Those who are inside.
const INSIDE: usize = 8;

/// How much longer the 99th percentile between two frames may be than without the storm. The
/// stormers are on the same machine and take their share of it; a server that did the joins'
/// work on the way of the frames would be behind by seconds.
const SLOWER_MAX: u32 = 10;

/// What became of the joins.
#[derive(Default)]
struct Tally {
    in_: AtomicUsize,
    refused: AtomicUsize,
    /// Too many to be told.
    cut: AtomicUsize,
}

/// Watches the frames of a member until the end; answers the times between them.
fn watch(mut raw: Raw, over: &AtomicBool) -> Vec<Duration> {
    let mut gaps = Vec::new();
    let mut last = Instant::now();
    while !over.load(Ordering::Relaxed) {
        let seen = raw.frame().expect("a member stays inside");
        match seen.opcode {
            2 => {
                gaps.push(last.elapsed());
                last = Instant::now();
            }
            9 => raw.send(&frame(0x8a, &seen.payload)),
            8 => panic!("a member inside was closed with {:?}", seen.code()),
            _ => {}
        }
    }
    gaps
}

/// The 99th percentile of what all of them saw while this went on.
fn p99_during(stage: &Stage, what: impl FnOnce()) -> Duration {
    let over = AtomicBool::new(false);
    let members: Vec<_> = (0..INSIDE)
        .map(|_| stage.join(HANDSHAKE).expect("let in"))
        .collect();
    let mut gaps = std::thread::scope(|scope| {
        let over = &over;
        let watchers = members
            .into_iter()
            .map(|raw| scope.spawn(|| watch(raw, over)));
        let watchers: Vec<_> = watchers.collect();
        what();
        over.store(true, Ordering::Relaxed);
        let gaps = watchers
            .into_iter()
            .map(|watcher| watcher.join().expect("no panic"));
        gaps.flatten().collect::<Vec<_>>()
    });
    gaps.sort_unstable();
    gaps[gaps.len() * 99 / 100]
}

fn storm(port: u16, tally: &Tally) {
    let mut held = std::collections::VecDeque::new();
    for _ in 0..JOINS / THREADS {
        let mut raw = Raw::connect(port);
        raw.send(HANDSHAKE.as_bytes());
        match raw.head() {
            Some(answer) if answer.status == 101 => {
                raw.send(&frame(0x82, &hello_message("Storm")));
                tally.in_.fetch_add(1, Ordering::Relaxed);
                held.push_back(raw);
            }
            Some(answer) => {
                assert!(matches!(answer.status, 429 | 503), "{}", answer.status);
                assert!(answer.header("retry-after").is_some(), "when to try again");
                tally.refused.fetch_add(1, Ordering::Relaxed);
            }
            None => {
                tally.cut.fetch_add(1, Ordering::Relaxed);
            }
        }
        if held.len() > HELD {
            held.pop_front();
        }
    }
}

#[test]
fn a_storm_of_5000_joins_does_not_disturb_those_inside() {
    let limits = format!("[limits]\nconnections_per_address = {PER_ADDRESS}");
    let stage = Stage::open(&limits);
    let calm = p99_during(&stage, || std::thread::sleep(Duration::from_secs(2)));
    let tally = Tally::default();
    let stormy = p99_during(&stage, || {
        std::thread::scope(|scope| {
            for _ in 0..THREADS {
                scope.spawn(|| storm(stage.port, &tally));
            }
        });
    });
    let count = |n: &AtomicUsize| n.load(Ordering::Relaxed);
    let (joined, refused) = (count(&tally.in_), count(&tally.refused));
    assert!(joined > 0 && refused > 0, "{joined} in, {refused} refused");
    assert!(
        stormy <= calm * SLOWER_MAX,
        "p99 between frames {stormy:?} in the storm, {calm:?} before; {joined} in, {refused} refused"
    );
    let started = Instant::now();
    while let Err(why) = stage.honest() {
        assert!(started.elapsed() < Duration::from_secs(10), "{why}");
    }
}
