//! The operators' door: pages that a browser was lured to, and strangers with a guess.

use super::case::{Case, Outcome};
use super::people::JSON;
use super::raw::Raw;
use super::stage::Stage;

const BODY: &str = r#"{"user":"nobody"}"#;

/// Of a server without `admin_token`.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for host in [
        "evil.net",
        "evil.net:7778",
        "127.0.0.1.evil.net",
        "localhost.evil.net",
        "localhost@evil.net",
        "2130706433",
        "0.0.0.0",
        "[::ffff:10.0.0.1]",
        "10.0.0.1",
        "",
        "127.0.0.1, evil.net",
        "evil.net#localhost",
    ] {
        cases.push(Case::new(
            format!("admin: Host {host:?}"),
            &[403, 400],
            move |stage| ask(stage, "POST", &format!("Host: {host}\r\n{JSON}"), BODY),
        ));
        cases.push(Case::new(
            format!("metrics: Host {host:?}"),
            &[403, 400],
            move |stage| ask_for(stage, "GET", "/metrics", &format!("Host: {host}\r\n"), ""),
        ));
    }
    for origin in [
        "http://evil.net",
        "http://localhost",
        "null",
        "http://127.0.0.1:7778",
    ] {
        cases.push(Case::new(
            format!("admin: Origin {origin:?}"),
            &[403],
            move |stage| {
                ask(
                    stage,
                    "POST",
                    &format!("Host: 127.0.0.1\r\nOrigin: {origin}\r\n{JSON}"),
                    BODY,
                )
            },
        ));
    }
    cases.extend([
        case("no Host", &[400, 403], JSON.into()),
        case(
            "two Hosts",
            &[400, 403],
            format!("Host: 127.0.0.1\r\nHost: evil.net\r\n{JSON}"),
        ),
        case(
            "no JSON by its type",
            &[415],
            "Host: 127.0.0.1\r\nContent-Type: text/plain\r\n".into(),
        ),
        Case::new("admin: GET", &[405], |stage| {
            ask(stage, "GET", "Host: 127.0.0.1\r\n", "")
        }),
        Case::new("admin: too long", &[413, 422], |stage| {
            let body = format!("{{\"user\":\"{}\"}}", "x".repeat(3 << 20));
            ask(stage, "POST", &format!("Host: 127.0.0.1\r\n{JSON}"), &body)
        }),
        Case::new("admin: not at the players' door", &[404, 405], |stage| {
            stage
                .request("POST", "/admin/disconnect", JSON, BODY)
                .status
        }),
    ]);
    cases
}

/// Of a server with one.
pub(crate) const TOKEN: &str = "the-token-of-the-operators";

pub(crate) fn with_token() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in ["/metrics", "/admin/present?group=x"] {
        cases.push(Case::new(
            format!("admin token: good, for {path}"),
            &[200],
            move |stage| {
                let line = format!("Host: x\r\nAuthorization: Bearer {TOKEN}\r\n");
                ask_for(stage, "GET", path, &line, "")
            },
        ));
    }
    cases.push(Case::new("admin token: none to be well", &[200], |stage| {
        ask_for(stage, "GET", "/healthz", "Host: x\r\n", "")
    }));
    for (name, line) in [
        ("nothing", String::new()),
        (
            "nothing behind the word",
            "Authorization: Bearer \r\n".into(),
        ),
        (
            "another",
            "Authorization: Bearer the token of the operator\r\n".into(),
        ),
        (
            "one too long",
            format!("Authorization: Bearer {TOKEN}s\r\n"),
        ),
        (
            "another case",
            format!("Authorization: Bearer {}\r\n", TOKEN.to_uppercase()),
        ),
        (
            "another scheme",
            format!("Authorization: Basic {TOKEN}\r\n"),
        ),
        ("no scheme", format!("Authorization: {TOKEN}\r\n")),
        ("a cookie", format!("Cookie: admin_token={TOKEN}\r\n")),
        ("another header", format!("X-Admin-Token: {TOKEN}\r\n")),
    ] {
        let lines = format!("Host: 127.0.0.1\r\n{line}");
        cases.push(Case::new(
            format!("admin token: {name}, for metrics"),
            &[401],
            move |stage| ask_for(stage, "GET", "/metrics", &lines, ""),
        ));
        cases.push(Case::new(
            format!("admin token: {name}"),
            &[401],
            move |stage| {
                ask(
                    stage,
                    "POST",
                    &format!("Host: 127.0.0.1\r\n{line}{JSON}"),
                    BODY,
                )
            },
        ));
    }
    cases
}

fn case(name: &str, expect: &[Outcome], lines: String) -> Case {
    Case::new(format!("admin: {name}"), expect, move |stage| {
        ask(stage, "POST", &lines, BODY)
    })
}

fn ask(stage: &Stage, method: &str, lines: &str, body: &str) -> Outcome {
    ask_for(stage, method, "/admin/disconnect", lines, body)
}

fn ask_for(stage: &Stage, method: &str, path: &str, lines: &str, body: &str) -> Outcome {
    let mut raw = Raw::connect(stage.admin);
    let len = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nConnection: close\r\nContent-Length: {len}\r\n{lines}\r\n"
    );
    raw.send(head.as_bytes());
    raw.send(body.as_bytes());
    raw.head().map_or(0, |answer| answer.status)
}
