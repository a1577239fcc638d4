//! Peers that take their time, and peers that come in crowds: others do not notice.

use std::time::{Duration, Instant};

use super::case::HANDSHAKE;
use super::raw::{Raw, frame};
use super::stage::Stage;

/// A handshake must be done in this time.
const LIMITS: &str = "[limits]\nhandshake_ms = 1000\nconnections_per_address = 40";

/// Several times the handshake's time, for a machine that is busy.
const CUT_WITHIN: Duration = Duration::from_secs(8);

/// Sends a byte at a time until the server hangs up; how long that took.
fn dribble(port: u16, before: &[u8], byte: &[u8]) -> Duration {
    let mut raw = Raw::connect(port);
    raw.send(before);
    let started = Instant::now();
    while started.elapsed() < CUT_WITHIN * 2 {
        raw.send(byte);
        if raw.hears_within(Duration::from_millis(40)) {
            break;
        }
    }
    started.elapsed()
}

#[test]
fn who_dribbles_is_cut_off_and_honest_ones_get_in_meanwhile() {
    let stage = Stage::open(LIMITS);
    let half = &HANDSHAKE.as_bytes()[..120];
    let empty_frames = frame(0x02, b"");
    let cases: [(&str, &[u8], &[u8]); 8] = [
        ("the first line", b"", b"G"),
        ("a long path", b"GET /", b"x"),
        ("headers", b"GET / HTTP/1.1\r\n", b"X: y\r\n"),
        ("a header's value", half, b"x"),
        ("newlines before a request", b"", b"\r\n"),
        ("nothing after the upgrade", HANDSHAKE.as_bytes(), b""),
        ("a frame that never ends", HANDSHAKE.as_bytes(), b"\x82"),
        (
            "pieces of nothing",
            &[HANDSHAKE.as_bytes(), &empty_frames].concat(),
            &frame(0, b""),
        ),
    ];
    std::thread::scope(|scope| {
        let dribblers = cases.map(|(name, before, byte)| {
            let port = stage.port;
            (
                name,
                scope.spawn(move || dribble_to_the_end(port, before, byte)),
            )
        });
        for _ in 0..20 {
            stage.honest().expect("honest ones get in meanwhile");
        }
        for (name, dribbler) in dribblers {
            let took = dribbler.join().expect("no panic");
            assert!(took < CUT_WITHIN, "{name}: cut off after {took:?}");
        }
    });
    stage.honest().expect("and afterwards");
}

/// The same; an answer to the upgrade is not the end yet.
fn dribble_to_the_end(port: u16, before: &[u8], byte: &[u8]) -> Duration {
    if !before.starts_with(HANDSHAKE.as_bytes()) {
        return dribble(port, before, byte);
    }
    let mut raw = Raw::connect(port);
    raw.send(before);
    let started = Instant::now();
    let head = raw.head().map(|answer| answer.status);
    assert_eq!(head, Some(101));
    while started.elapsed() < CUT_WITHIN * 2 && !raw.hears_within(Duration::from_millis(40)) {
        raw.send(byte);
    }
    started.elapsed()
}

#[test]
fn a_flood_of_connections_is_told_to_come_again_and_leaves_nothing_behind() {
    let stage = Stage::open(LIMITS);
    // Half of them say nothing, the others half of a handshake.
    let mut crowd: Vec<_> = (0..300)
        .map(|n| {
            let mut raw = Raw::connect(stage.port);
            raw.send(&HANDSHAKE.as_bytes()[..60 * (n % 2)]);
            raw
        })
        .collect();
    let mut refused = Raw::connect(stage.port);
    refused.send(HANDSHAKE.as_bytes());
    // Who comes when all are busy with turning others away is dropped without a word.
    if let Some(answer) = refused.head() {
        assert_eq!(answer.status, 429);
        assert_eq!(answer.header("retry-after"), Some("5"));
    }
    for raw in &mut crowd {
        raw.shut();
    }
    drop(crowd);
    let started = Instant::now();
    while let Err(why) = stage.honest() {
        assert!(started.elapsed() < CUT_WITHIN, "still: {why}");
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(stage.metric("downbeat_connections_refused_total{limit=\"address\"}") > 0);
}

#[test]
fn a_flood_of_frames_ends_with_1008_and_others_play_on() {
    let stage = Stage::open("");
    let ping = frame(0x82, &[3, 0, 7]);
    for (name, bytes) in [
        ("pings of the protocol", ping.repeat(50)),
        ("pings of WebSockets", frame(0x89, b"x").repeat(50)),
        ("pongs of WebSockets", frame(0x8a, b"x").repeat(50)),
        ("inputs", frame(0x82, &[1, 1, 0, 8, 0, 127, 0]).repeat(50)),
    ] {
        let mut raw = stage.join(HANDSHAKE).expect("let in");
        let started = Instant::now();
        let code = loop {
            assert!(started.elapsed() < CUT_WITHIN * 2, "{name} go on forever");
            raw.send(&bytes);
            if !raw.hears_within(Duration::from_millis(30)) {
                continue;
            }
            match raw.frame() {
                Some(seen) if seen.opcode == 8 => break seen.code(),
                // Who does not answer is too slow before it is too loud.
                Some(seen) if seen.opcode == 9 => raw.send(&frame(0x8a, &seen.payload)),
                Some(_) => {}
                None => break None,
            }
        };
        assert_eq!(code, Some(1008), "{name}");
        stage.honest().expect("honest ones get in");
    }
}
