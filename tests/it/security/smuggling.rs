//! Requests that two readers might read differently: a proxy before the server and the server.
//! Source: RFC 9112 § 3.2, § 5.1, § 6.3, § 11.2.

use super::case::{CUT, Case, HANDSHAKE, Outcome, status};
use super::raw::Raw;
use super::stage::Stage;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = bodies();
    cases.extend(hosts());
    cases.extend(lines());
    cases.extend(pipelines());
    cases
}

fn bodies() -> Vec<Case> {
    vec![
        Case::with("Content-Length: 0", "Content-Length: 0", 101),
        Case::with("Content-Length: 5", "Content-Length: 5", 400),
        Case::with("Content-Length: -1", "Content-Length: -1", 400),
        Case::with("Content-Length: +0", "Content-Length: +0", 400),
        Case::with("Content-Length: 0x0", "Content-Length: 0x0", 400),
        Case::with(
            "Content-Length: 2^64",
            "Content-Length: 18446744073709551616",
            400,
        ),
        Case::with("Content-Length is empty", "Content-Length:", 400),
        Case::with(
            "two lengths that differ",
            "Content-Length: 0\r\nContent-Length: 5",
            400,
        ),
        Case::with("two lengths in a line", "Content-Length: 0, 5", 400),
        Case::with("a chunked body", "Transfer-Encoding: chunked", 400),
        Case::with(
            "chunked and a length",
            "Transfer-Encoding: chunked\r\nContent-Length: 0",
            400,
        ),
        Case::with(
            "chunked behind a length",
            "Content-Length: 4\r\nTransfer-Encoding: chunked",
            400,
        ),
        Case::with("chunked with a tab", "Transfer-Encoding:\tchunked", 400),
        Case::with("chunked twice", "Transfer-Encoding: chunked, chunked", 400),
        Case::with(
            "chunked, then something",
            "Transfer-Encoding: chunked, identity",
            400,
        ),
        Case::with(
            "something, then chunked",
            "Transfer-Encoding: gzip, chunked",
            400,
        ),
        Case::with("an unknown encoding", "Transfer-Encoding: xchunked", 400),
        Case::with("identity", "Transfer-Encoding: identity", 400),
        Case::with("chunked in quotes", "Transfer-Encoding: \"chunked\"", 400),
        Case::with(
            "an encoding with a space before the colon",
            "Transfer-Encoding : chunked",
            400,
        ),
        Case::with(
            "a length with a space before the colon",
            "Content-Length : 5",
            400,
        ),
        Case::with(
            "a length with an underscore is another header",
            "Content_Length: 5",
            101,
        ),
    ]
}

fn hosts() -> Vec<Case> {
    let host = "Host: 127.0.0.1\r\n";
    vec![
        Case::bent("no host", host, "", 400),
        Case::bent("two hosts", host, "Host: a\r\nHost: b\r\n", 400),
        Case::bent("one host twice", host, &host.repeat(2), 400),
        Case::bent(
            "an absolute target",
            "GET /ws",
            "GET http://127.0.0.1/ws",
            101,
        ),
        Case::bent(
            "an absolute target of another scheme",
            "GET /ws",
            "GET ftp://x/ws",
            101,
        ),
        Case::bent(
            "a target that is an authority",
            "/ws/meadow/main",
            "127.0.0.1:80",
            200,
        ),
        Case::bent("a star as target", "/ws/meadow/main", "*", 404),
        Case::bent(
            "a target without a slash",
            "/ws/meadow/main",
            "ws/meadow/main",
            400,
        ),
        Case::bent(
            "a tunnel",
            "GET /ws/meadow/main",
            "CONNECT 127.0.0.1:22",
            405,
        ),
    ]
}

fn lines() -> Vec<Case> {
    let host = "Host: 127.0.0.1\r\n";
    let bent = |name: &str, by: &str| Case::bent(name, host, by, 400);
    vec![
        bent("a folded line", "Host: 127.0.0.1\r\n folded\r\n"),
        bent(
            "a folded line with a tab",
            "Host: 127.0.0.1\r\n\tfolded\r\n",
        ),
        bent("the first line folded", " Host: 127.0.0.1\r\n"),
        bent("a NUL in a value", "Host: 127.0.0.1\r\nX: a\0b\r\n"),
        bent("a NUL in a name", "Host: 127.0.0.1\r\nX\0: a\r\n"),
        bent("a bell in a value", "Host: 127.0.0.1\r\nX: \x07\r\n"),
        bent(
            "a carriage return in a value",
            "Host: 127.0.0.1\r\nX: a\rEvil: b\r\n",
        ),
        bent("a space in a name", "Host: 127.0.0.1\r\nX Y: a\r\n"),
        bent("a space before the colon", "Host : 127.0.0.1\r\n"),
        bent("a name without a colon", "Host: 127.0.0.1\r\nEvil\r\n"),
        bent("a colon without a name", "Host: 127.0.0.1\r\n: evil\r\n"),
        bent("brackets in a name", "Host: 127.0.0.1\r\nX(): a\r\n"),
        bent("a name beyond ASCII", "Host: 127.0.0.1\r\nÜ: a\r\n"),
        bent(
            "a head in the head",
            "Host: 127.0.0.1\r\nGET / HTTP/1.1\r\n",
        ),
    ]
}

/// The statuses of all answers on one connection.
fn statuses(stage: &Stage, bytes: &[u8]) -> Vec<Outcome> {
    let mut raw = Raw::connect(stage.port);
    raw.send(bytes);
    raw.shut();
    std::iter::from_fn(|| raw.answer().map(|answer| answer.status)).collect()
}

/// What is hidden behind a refused request is a request of its own, or nothing; never a frame.
fn pipelines() -> Vec<Case> {
    let admin = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
    let refused = HANDSHAKE.replace("downbeat.v1", "evil");
    vec![
        Case::new(
            "a request behind a refused one",
            &[404, CUT],
            move |stage| {
                let bytes = format!("{refused}{admin}");
                let got = statuses(stage, bytes.as_bytes());
                assert!(matches!(got.first(), None | Some(400)), "{got:?}");
                got.get(1).copied().unwrap_or(CUT)
            },
        ),
        Case::new("a request in a length", &[CUT, 400], move |stage| {
            let with = format!("Content-Length: {}\r\n\r\n{admin}", admin.len());
            let bytes = HANDSHAKE.replacen("\r\n\r\n", &format!("\r\n{with}"), 1);
            let got = statuses(stage, bytes.as_bytes());
            assert!(matches!(got.first(), None | Some(400)), "{got:?}");
            got.get(1).copied().unwrap_or(CUT)
        }),
        Case::new("a request in a chunk", &[CUT, 400], move |stage| {
            let chunks = format!(
                "Transfer-Encoding: chunked\r\n\r\n{:x}\r\n{admin}\r\n0\r\n\r\n",
                admin.len()
            );
            let bytes = HANDSHAKE.replacen("\r\n\r\n", &format!("\r\n{chunks}"), 1);
            let got = statuses(stage, bytes.as_bytes());
            assert!(matches!(got.first(), None | Some(400)), "{got:?}");
            got.get(1).copied().unwrap_or(CUT)
        }),
        Case::new(
            "a request behind a handshake is a bad frame",
            &[1002],
            move |stage| {
                let mut raw = Raw::connect(stage.port);
                raw.send(format!("{HANDSHAKE}{admin}").as_bytes());
                let head = raw.head().map(|answer| answer.status);
                assert_eq!(head, Some(101));
                raw.goodbye()
            },
        ),
        Case::new("two handshakes at once are one", &[1002], move |stage| {
            let mut raw = Raw::connect(stage.port);
            raw.send(HANDSHAKE.repeat(2).as_bytes());
            let head = raw.head().map(|answer| answer.status);
            assert_eq!(head, Some(101));
            raw.goodbye()
        }),
        Case::new("frames without a handshake", &[400], |stage| {
            let hello = super::stage::hello_message("Eve");
            status(stage.port, &super::raw::frame(0x82, &hello).repeat(3))
        }),
        Case::new("metrics are not at the players' door", &[404], |stage| {
            stage.request("GET", "/metrics", "", "").status
        }),
    ]
}
