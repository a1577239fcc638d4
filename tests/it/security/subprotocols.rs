//! What stands in `Sec-WebSocket-Protocol`: ours is taken and nothing else ever echoed.

use super::case::{CUT, Case, HANDSHAKE};
use super::raw::Raw;

const LINE: &str = "Sec-WebSocket-Protocol: downbeat.v1\r\n";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::bent("no subprotocol", LINE, "", 400),
        offer("an empty subprotocol", "", None),
        offer("commas", ",,,", None),
        offer("another version", "downbeat.v2", None),
        offer("a shorter name", "downbeat", None),
        offer("a longer name", "downbeat.v1x", None),
        offer("another case", "Downbeat.V1", None),
        offer("in quotes", "\"downbeat.v1\"", None),
        offer("with a parameter", "downbeat.v1;q=1", None),
        offer("with a space inside", "downbeat. v1", None),
        offer("by spaces, not commas", "chat downbeat.v1", None),
        offer("a star", "*", None),
        offer("a dot instead of a comma", "chat.downbeat.v1", None),
        offer("two thousand others", &"x,".repeat(2000), None),
        offer("the JSON one, longer", "downbeat.v1.json5", None),
        offer(
            "ours behind others",
            "chat, superchat, downbeat.v1",
            Some("downbeat.v1"),
        ),
        offer(
            "ours between commas",
            ",, downbeat.v1 ,,",
            Some("downbeat.v1"),
        ),
        offer(
            "ours twice",
            "downbeat.v1, downbeat.v1",
            Some("downbeat.v1"),
        ),
        offer("JSON", "downbeat.v1.json", Some("downbeat.v1.json")),
        offer(
            "JSON first",
            "downbeat.v1.json, downbeat.v1",
            Some("downbeat.v1"),
        ),
        offer(
            "ours behind two thousand",
            &format!("{}downbeat.v1", "x,".repeat(2000)),
            Some("downbeat.v1"),
        ),
    ];
    cases.push(Case::new("ours in a second line", &[101], |stage| {
        let lines = format!("Sec-WebSocket-Protocol: chat\r\n{LINE}");
        echoed(
            stage.port,
            &HANDSHAKE.replace(LINE, &lines),
            Some("downbeat.v1"),
        )
    }));
    cases.push(Case::new(
        "extensions are never agreed on",
        &[101],
        |stage| {
            let lines = format!(
                "{LINE}Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"
            );
            let mut raw = Raw::connect(stage.port);
            raw.send(HANDSHAKE.replace(LINE, &lines).as_bytes());
            let answer = raw.head().expect("an answer");
            assert_eq!(answer.header("sec-websocket-extensions"), None);
            answer.status
        },
    ));
    cases
}

fn offer(name: &str, offered: &str, expect: Option<&'static str>) -> Case {
    let status = if expect.is_some() { 101 } else { 400 };
    let line = format!("Sec-WebSocket-Protocol: {offered}\r\n");
    let request = HANDSHAKE.replace(LINE, &line);
    Case::new(format!("subprotocol: {name}"), &[status], move |stage| {
        echoed(stage.port, &request, expect)
    })
}

/// The status, once it was seen what is echoed.
fn echoed(port: u16, request: &str, expect: Option<&str>) -> u16 {
    let mut raw = Raw::connect(port);
    raw.send(request.as_bytes());
    let Some(answer) = raw.head() else {
        return CUT;
    };
    assert_eq!(answer.header("sec-websocket-protocol"), expect);
    answer.status
}
