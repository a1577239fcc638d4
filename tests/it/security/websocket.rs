//! How the server speaks WebSocket, check by check: pieces, control frames between them, lengths,
//! masks, reserved bits, UTF-8, and goodbyes. Source: RFC 6455, and the list of cases that the
//! Autobahn test suite has made customary.

use super::case::HANDSHAKE;
use super::raw::{Frame, Raw, close, frame, masked};
use super::stage::{Stage, upgraded};

/// What a check waits for, in this order; pings and frames of the world come in between.
#[derive(Clone, Debug, PartialEq, Eq)]
enum See {
    /// The answer to a WebSocket ping.
    Pong(Vec<u8>),
    /// The answer to a ping of the protocol, which comes once its message was read whole.
    Answer(u32),
    /// A welcome, to a name.
    Welcome,
    /// A goodbye with this code; 1005 is one without.
    Close(u16),
    /// The end, without a goodbye.
    End,
}

/// One check.
struct Check {
    name: String,
    /// What was said before: nothing, or a hello.
    joined: bool,
    /// Written one after the other, each by itself.
    sent: Vec<Vec<u8>>,
    sees: Vec<See>,
}

/// Of a member that speaks JSON.
fn check(name: impl Into<String>, sent: &[&[u8]], sees: &[See]) -> Check {
    Check {
        name: name.into(),
        joined: true,
        sent: sent.iter().map(|bytes| bytes.to_vec()).collect(),
        sees: sees.to_vec(),
    }
}

/// A ping of the protocol that fills a text of this length.
fn ping(token: u32, len: usize) -> Vec<u8> {
    let text = format!("{{\"type\":\"ping\",\"token\":{token}}}");
    let mut text = text.into_bytes();
    text.resize(len.max(text.len()), b' ');
    text
}

fn text(token: u32) -> Vec<u8> {
    frame(0x81, &ping(token, 0))
}

fn checks() -> Vec<Check> {
    let mut checks = lengths();
    checks.extend(control_frames());
    checks.extend(reserved());
    checks.extend(fragments());
    checks.extend(good_utf8());
    checks.extend(bad_utf8());
    checks.extend(goodbyes());
    checks.extend(bad_goodbyes());
    checks.extend(masks());
    checks
}

fn lengths() -> Vec<Check> {
    let mut checks = Vec::new();
    for len in [30, 124, 125, 126, 127, 128, 255, 256, 1000, 4095, 4096] {
        let whole = frame(0x81, &ping(7, len));
        checks.push(check(
            format!("a text of {len} bytes"),
            &[&whole],
            &[See::Answer(7)],
        ));
        let bytes: Vec<_> = whole.chunks(997).collect();
        checks.push(check(
            format!("… {len} in writes of 997"),
            &bytes,
            &[See::Answer(7)],
        ));
    }
    for len in [4097, 5000, 65_535, 65_536, 1 << 20] {
        let whole = frame(0x81, &ping(7, len));
        checks.push(check(
            format!("a text of {len} bytes"),
            &[&whole],
            &[See::Close(1009)],
        ));
        // The head alone is enough.
        let head = &whole[..14.min(whole.len())];
        checks.push(check(
            format!("the head of {len} bytes"),
            &[head],
            &[See::Close(1009)],
        ));
    }
    let claims = |name: &str, len: u64, code| {
        let head = [&[0x81, 0xff], &len.to_be_bytes()[..], &[0; 4]].concat();
        check(name, &[&head], &[See::Close(code)])
    };
    checks.extend([
        claims("a length of 2^63 - 1", (1 << 63) - 1, 1009),
        claims("a length of 2^63", 1 << 63, 1009),
        claims("a length of 2^64 - 1", u64::MAX, 1009),
    ]);
    let bytes = text(7);
    let singles: Vec<_> = bytes.chunks(1).collect();
    checks.push(check("a text byte by byte", &singles, &[See::Answer(7)]));
    let many: Vec<u8> = (1..=3).flat_map(text).collect();
    // A ping that comes while an answer waits for the socket has none.
    checks.push(check("three texts in a write", &[&many], &[See::Answer(1)]));
    checks
}

fn control_frames() -> Vec<Check> {
    let mut checks = Vec::new();
    for len in [0, 1, 8, 64, 124, 125] {
        let payload: Vec<u8> = (0..len).map(|n| n ^ 0xa5).collect();
        let sees = [See::Pong(payload.clone())];
        checks.push(check(
            format!("a ping of {len} bytes"),
            &[&frame(0x89, &payload)],
            &sees,
        ));
    }
    for len in [126, 127, 1000, 4000] {
        for (what, first) in [("ping", 0x89), ("pong", 0x8a), ("close", 0x88)] {
            let bytes = frame(first, &vec![3; len]);
            checks.push(check(
                format!("a {what} of {len} bytes"),
                &[&bytes],
                &[See::Close(1002)],
            ));
        }
    }
    let singles = frame(0x89, &[0xfe; 125]);
    let singles: Vec<_> = singles.chunks(1).collect();
    checks.push(check(
        "a ping byte by byte",
        &singles,
        &[See::Pong(vec![0xfe; 125])],
    ));
    let pong = frame(0x8a, b"never asked for");
    checks.push(check(
        "a pong that was not asked for",
        &[&pong, &text(1)],
        &[See::Answer(1)],
    ));
    let empty = frame(0x8a, b"");
    checks.push(check(
        "an empty pong",
        &[&empty, &text(1)],
        &[See::Answer(1)],
    ));
    let both = [pong, frame(0x89, b"x")].concat();
    checks.push(check(
        "a pong, then a ping",
        &[&both],
        &[See::Pong(b"x".to_vec())],
    ));
    let ping = |n: u8| frame(0x89, &[n]);
    let ten: Vec<u8> = (0..10).flat_map(ping).collect();
    let pongs: Vec<_> = (0..10).map(|n| See::Pong(vec![n])).collect();
    checks.push(check("ten pings in a write", &[&ten], &pongs));
    for (what, first) in [("ping", 0x09), ("pong", 0x0a), ("close", 0x08)] {
        let bytes = frame(first, b"");
        checks.push(check(
            format!("the first piece of a {what}"),
            &[&bytes],
            &[See::Close(1002)],
        ));
        let bytes = [frame(first, b"a"), frame(0x80, b"b")].concat();
        checks.push(check(
            format!("a {what} in two pieces"),
            &[&bytes],
            &[See::Close(1002)],
        ));
    }
    checks
}

fn reserved() -> Vec<Check> {
    let mut checks = Vec::new();
    for bits in 1..8_u8 {
        for (what, opcode) in [
            ("text", 1),
            ("binary", 2),
            ("ping", 9),
            ("pong", 10),
            ("close", 8),
        ] {
            let bytes = [text(1), frame(0x80 | bits << 4 | opcode, b"")].concat();
            let sees = [See::Answer(1), See::Close(1002)];
            checks.push(check(
                format!("reserved bits {bits} of a {what}"),
                &[&bytes],
                &sees,
            ));
        }
        let bytes = [frame(0x01, b"{"), frame(0x80 | bits << 4, b"}")].concat();
        checks.push(check(
            format!("reserved bits {bits} of a last piece"),
            &[&bytes],
            &[See::Close(1002)],
        ));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        let empty = frame(0x80 | opcode, b"");
        checks.push(check(
            format!("opcode {opcode}"),
            &[&empty],
            &[See::Close(1002)],
        ));
        let bytes = [text(1), frame(0x80 | opcode, b"some"), text(2)].concat();
        let sees = [See::Answer(1), See::Close(1002)];
        checks.push(check(
            format!("opcode {opcode} between texts"),
            &[&bytes],
            &sees,
        ));
        let within = [frame(0x01, b"{"), frame(0x80 | opcode, b"")].concat();
        checks.push(check(
            format!("opcode {opcode} between pieces"),
            &[&within],
            &[See::Close(1002)],
        ));
    }
    checks
}

/// A text in pieces of this size.
fn pieces(text: &[u8], size: usize) -> Vec<Vec<u8>> {
    let count = text.len().div_ceil(size);
    let piece = |(n, piece): (usize, &[u8])| {
        let first = if n == 0 { 1 } else { 0 } | if n + 1 == count { 0x80 } else { 0 };
        frame(first, piece)
    };
    text.chunks(size).enumerate().map(piece).collect()
}

fn fragments() -> Vec<Check> {
    let mut checks = Vec::new();
    let message = ping(7, 0);
    for size in [1, 2, 5, 16, message.len() - 1, message.len()] {
        let all = pieces(&message, size);
        let together = all.concat();
        let one_by_one: Vec<_> = all.iter().map(Vec::as_slice).collect();
        let sees = [See::Answer(7)];
        checks.push(check(
            format!("pieces of {size} in a write"),
            &[&together],
            &sees,
        ));
        checks.push(check(
            format!("pieces of {size} one by one"),
            &one_by_one,
            &sees,
        ));
        let mut between = Vec::new();
        let mut sees = Vec::new();
        for (n, piece) in (0..).zip(&all) {
            if n > 0 && n <= 8 {
                between.extend(frame(0x89, &[n]));
                sees.push(See::Pong(vec![n]));
            }
            between.extend(piece);
        }
        sees.push(See::Answer(7));
        checks.push(check(
            format!("pings between pieces of {size}"),
            &[&between],
            &sees,
        ));
    }
    let (start, end) = message.split_at(9);
    let bytes = |parts: &[(u8, &[u8])]| -> Vec<u8> {
        parts
            .iter()
            .flat_map(|(first, payload)| frame(*first, payload))
            .collect()
    };
    let empties = bytes(&[(0x01, b""), (0, b""), (0, b""), (0, &message), (0x80, b"")]);
    checks.push(check(
        "pieces without contents",
        &[&empties],
        &[See::Answer(7)],
    ));
    let nothing = bytes(&[(0x01, b""), (0x80, b"")]);
    checks.push(check(
        "two pieces of nothing are no JSON",
        &[&nothing],
        &[See::Close(1007)],
    ));
    for (name, parts) in [
        ("a last piece of nothing before", &[(0x80, start)][..]),
        ("a middle piece of nothing before", &[(0x00, start)]),
        (
            "a piece after a whole text",
            &[(0x81, &message), (0x80, end)],
        ),
        ("a text between pieces", &[(0x01, start), (0x81, &message)]),
        ("a binary between pieces", &[(0x01, start), (0x82, b"x")]),
        ("two beginnings", &[(0x01, start), (0x01, end)]),
        ("a beginning of another kind", &[(0x01, start), (0x02, end)]),
        ("two endings", &[(0x01, start), (0x80, end), (0x80, end)]),
    ] {
        let mut sees = Vec::new();
        if parts.iter().any(|part| part.0 & 0x8f == 0x81) && parts[0].0 == 0x81 {
            sees.push(See::Answer(7));
        }
        if name == "two endings" {
            sees.push(See::Answer(7));
        }
        sees.push(See::Close(1002));
        checks.push(check(name, &[&bytes(parts)], &sees));
    }
    let close_within = bytes(&[(0x01, start), (0x88, &[3, 0xe8])]);
    checks.push(check(
        "a goodbye between pieces",
        &[&close_within],
        &[See::Close(1000)],
    ));
    let too_big = [
        frame(0x01, &[b' '; 2000]),
        frame(0, &[b' '; 2000]).repeat(3),
    ]
    .concat();
    checks.push(check(
        "pieces that are too big together",
        &[&too_big],
        &[See::Close(1009)],
    ));
    checks
}

/// Says hello by a name of these bytes; `cut` is where the text is cut into two pieces.
fn hello(name: &[u8], cut: Option<usize>) -> Vec<u8> {
    let (before, after): (&[u8], &[u8]) = (b"{\"type\":\"hello\",\"name\":\"", b"\"}");
    let Some(cut) = cut else {
        return frame(0x81, &[before, name, after].concat());
    };
    let (start, end) = name.split_at(cut);
    [
        frame(0x01, &[before, start].concat()),
        frame(0x80, &[end, after].concat()),
    ]
    .concat()
}

fn named(name: String, sent: Vec<u8>, sees: See) -> Check {
    Check {
        name,
        joined: false,
        sent: vec![sent],
        sees: vec![sees],
    }
}

fn good_utf8() -> Vec<Check> {
    let mut checks = Vec::new();
    for name in [
        "κόσμε",
        "\u{7f}",
        "\u{80}",
        "\u{7ff}",
        "\u{800}",
        "\u{d7ff}",
        "\u{e000}",
        "\u{fffd}",
        "\u{fffe}",
        "\u{ffff}",
        "\u{10000}",
        "\u{10ffff}",
        "\u{1fffe}",
        "\u{fdd0}",
        "🦊𝄞é",
    ] {
        let bytes = name.as_bytes();
        let what = format!("UTF-8 {}", name.escape_unicode());
        checks.push(named(what.clone(), hello(bytes, None), See::Welcome));
        for cut in 1..bytes.len() {
            checks.push(named(
                format!("{what} cut at {cut}"),
                hello(bytes, Some(cut)),
                See::Welcome,
            ));
        }
    }
    checks
}

fn bad_utf8() -> Vec<Check> {
    let mut checks = Vec::new();
    let bad: [&[u8]; 30] = [
        b"\x80",
        b"\xbf",
        b"\x80\xbf\x80",
        b"\xc0",
        b"\xc0\xaf",
        b"\xc1\xbf",
        b"\xc2",
        b"\xc2\x20",
        b"\xdf",
        b"\xe0\x80\xaf",
        b"\xe0\x9f\xbf",
        b"\xe2\x82",
        b"\xe2\x28\xa1",
        b"\xed\xa0\x80",
        b"\xed\xad\xbf",
        b"\xed\xbf\xbf",
        b"\xed\xa0\x80\xed\xb0\x80",
        b"\xef\xbf",
        b"\xf0\x80\x80\xaf",
        b"\xf0\x8f\xbf\xbf",
        b"\xf0\x9f\xa6",
        b"\xf0\x28\x8c\xbc",
        b"\xf4\x90\x80\x80",
        b"\xf5\x80\x80\x80",
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xfe",
        b"\xff",
        b"\xfe\xfe\xff\xff",
        "κόσμε\u{0}"
            .as_bytes()
            .split_last()
            .expect("long")
            .1
            .split_at(9)
            .0,
    ];
    for bytes in bad {
        let what = format!("no UTF-8 {}", bytes.escape_ascii());
        checks.push(named(what.clone(), hello(bytes, None), See::Close(1007)));
        for cut in 1..bytes.len() {
            let sent = hello(bytes, Some(cut));
            checks.push(named(
                format!("{what} cut at {cut}"),
                sent,
                See::Close(1007),
            ));
        }
        if bytes.len() > 1 && std::str::from_utf8(bytes).is_err_and(|e| e.error_len().is_some()) {
            // The first piece is enough: nobody waits for a second one.
            let sent = frame(0x01, &[b"{\"", bytes].concat());
            checks.push(named(
                format!("{what} in a first piece"),
                sent,
                See::Close(1007),
            ));
        }
    }
    checks
}

fn goodbyes() -> Vec<Check> {
    let mut checks = Vec::new();
    for code in [
        1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 3000, 3999, 4000, 4999,
    ] {
        let sees = [See::Close(code), See::End];
        checks.push(check(
            format!("goodbye {code}"),
            &[&close(code, b"")],
            &sees,
        ));
    }
    let end = |code| [See::Close(code), See::End];
    let long = "é".repeat(61) + "x";
    let twice = close(1000, b"").repeat(2);
    let then_ping = [close(1000, b""), frame(0x89, b"x")].concat();
    let then_text = [close(1000, b""), text(7)].concat();
    let then_bad = [close(1000, b""), frame(0xf3, b"x")].concat();
    let then_garbage = [close(1000, b""), vec![0xff; 5000]].concat();
    let single = close(1000, b"bye");
    let singles: Vec<_> = single.chunks(1).collect();
    checks.extend([
        check(
            "a goodbye without code",
            &[&frame(0x88, b"")],
            &[See::Close(1005), See::End],
        ),
        check(
            "a goodbye with a reason",
            &[&close(1000, "até já".as_bytes())],
            &end(1000),
        ),
        check(
            "a reason of 123 bytes",
            &[&close(1000, long.as_bytes())],
            &end(1000),
        ),
        check("two goodbyes", &[&twice], &end(1000)),
        check("a ping after the goodbye", &[&then_ping], &end(1000)),
        check("a text after the goodbye", &[&then_text], &end(1000)),
        check("a bad frame after the goodbye", &[&then_bad], &end(1000)),
        check("garbage after the goodbye", &[&then_garbage], &end(1000)),
        check("a goodbye byte by byte", &singles, &end(1000)),
    ]);
    checks
}

fn bad_goodbyes() -> Vec<Check> {
    let mut checks = Vec::new();
    for code in [
        0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
    ] {
        let bytes = close(code, b"");
        checks.push(check(
            format!("goodbye {code}"),
            &[&bytes],
            &[See::Close(1002), See::End],
        ));
    }
    for reason in [&b"\xff"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"bye\xe2\x82"] {
        let name = format!("a reason of {}", reason.escape_ascii());
        checks.push(check(
            name,
            &[&close(1000, reason)],
            &[See::Close(1007), See::End],
        ));
    }
    let half = frame(0x88, b"\x03");
    checks.push(check(
        "half a code",
        &[&half],
        &[See::Close(1002), See::End],
    ));
    checks
}

fn masks() -> Vec<Check> {
    let mut checks = Vec::new();
    for mask in [
        [0; 4],
        [0xff; 4],
        [0, 0, 0, 1],
        [0x80, 0, 0xff, 7],
        *b"{\"ty",
    ] {
        let bytes = masked(0x81, mask, &ping(7, 200));
        checks.push(check(
            format!("mask {mask:02x?}"),
            &[&bytes],
            &[See::Answer(7)],
        ));
    }
    let message = ping(7, 0);
    let len = u8::try_from(message.len()).expect("short");
    for (what, bytes) in [
        ("text", [&[0x81, len], &message[..]].concat()),
        ("binary", vec![0x82, 1, 0]),
        ("ping", vec![0x89, 0]),
        ("pong", vec![0x8a, 0]),
        ("close", vec![0x88, 2, 3, 0xe8]),
        ("piece", [frame(0x01, b"{"), vec![0x80, 1, b'}']].concat()),
    ] {
        let name = format!("a {what} without a mask");
        checks.push(check(name, &[&bytes], &[See::Close(1002)]));
    }
    checks
}

/// What a frame of the server means to a check.
fn meaning(frame: &Frame) -> Option<See> {
    match frame.opcode {
        10 => Some(See::Pong(frame.payload.clone())),
        8 => Some(See::Close(frame.code().unwrap_or(1005))),
        1 => {
            let text: serde_json::Value =
                serde_json::from_slice(&frame.payload).expect("the server speaks JSON");
            match text["type"].as_str() {
                Some("pong") => {
                    let token = text["token"].as_u64().expect("a token");
                    Some(See::Answer(u32::try_from(token).expect("of 32 bits")))
                }
                Some("welcome") => Some(See::Welcome),
                _ => None,
            }
        }
        _ => None,
    }
}

fn next(raw: &mut Raw) -> See {
    loop {
        match raw.frame() {
            None => return See::End,
            Some(frame) => {
                if let Some(see) = meaning(&frame) {
                    return see;
                }
            }
        }
    }
}

/// What went another way than the check says.
fn run(port: u16, check: &Check) -> Result<(), String> {
    // A small room: a ping of the protocol is answered when nothing else waits for the socket.
    let handshake = HANDSHAKE.replace("downbeat.v1", "downbeat.v1.json");
    let handshake = handshake.replace("/ws/meadow/", "/ws/tally/");
    let mut raw = upgraded(port, &handshake)?;
    if check.joined {
        raw.send(&frame(0x81, br#"{"type":"hello","name":"Otto"}"#));
        if next(&mut raw) != See::Welcome {
            return Err("no welcome".into());
        }
    }
    for bytes in &check.sent {
        raw.send(bytes);
    }
    for expect in &check.sees {
        let got = next(&mut raw);
        // What came before a bad frame may be read together with it, and go unanswered.
        if got != *expect && Some(&got) == check.sees.last() {
            return Ok(());
        }
        if got != *expect {
            return Err(format!("{got:?}, expected {expect:?}"));
        }
    }
    if !matches!(check.sees.last(), Some(See::Close(_) | See::End)) {
        raw.send(&close(1000, b""));
        let got = next(&mut raw);
        if got != See::Close(1000) {
            return Err(format!("{got:?} to a goodbye"));
        }
    } else if check.sees.last() != Some(&See::End) {
        raw.send(&close(1000, b""));
        if next(&mut raw) != See::End {
            return Err("it goes on after its goodbye".into());
        }
    }
    Ok(())
}

/// Conversations at a time.
const SIDE_BY_SIDE: usize = 8;

#[test]
fn the_server_speaks_websocket_to_the_letter() {
    let checks = checks();
    assert!(checks.len() >= 150, "{} checks", checks.len());
    let stage = Stage::open("");
    // Side by side: after a bad frame the server reads on for two seconds.
    let port = stage.port;
    let fail = |check: &Check, why| format!("{}: {why}", check.name);
    let wrong: Vec<String> = std::thread::scope(|scope| {
        let parts = checks.chunks(checks.len().div_ceil(SIDE_BY_SIDE));
        let threads = parts.map(|part| {
            scope.spawn(move || {
                let wrong = part.iter().filter_map(|check| {
                    let why = run(port, check).err()?;
                    Some(fail(check, why))
                });
                wrong.collect::<Vec<_>>()
            })
        });
        let threads: Vec<_> = threads.collect();
        let wrong = threads.into_iter().map(std::thread::ScopedJoinHandle::join);
        wrong
            .flat_map(|wrong| wrong.expect("no check panics"))
            .collect()
    });
    stage.honest().expect("an honest bot gets in");
    let all = checks.len();
    assert!(
        wrong.is_empty(),
        "{} of {all} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
