//! Paths that mean to be something else.

use super::case::{Case, HANDSHAKE, Outcome};

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (path, expect) in [
        ("/ws/meadow/A-z_0.9", 101),
        ("/ws/meadow/main?", 101),
        ("/ws/meadow/main?a=b&c", 101),
        ("/ws/meadow/%6dain", 101),
        ("/ws/meadow/main?name=../../x", 101),
        ("/ws/", 404),
        ("/ws", 404),
        ("/ws/meadow", 404),
        ("/ws/meadow/", 404),
        ("/ws//main", 404),
        ("/ws/meadow//main", 404),
        ("//ws/meadow/main", 404),
        ("/ws/meadow/main/", 404),
        ("/ws/meadow/main/x", 404),
        ("/WS/meadow/main", 404),
        ("/ws/Meadow/main", 404),
        ("/ws/chess/main", 404),
        ("/ws/meadow%00/main", 404),
        ("/ws/meadow /main", 400),
        ("/ws/meadow/.", 404),
        ("/ws/meadow/..", 404),
        ("/ws/meadow/...", 404),
        ("/ws/meadow/.hidden", 404),
        ("/ws/meadow/../meadow/main", 404),
        ("/ws/./meadow/main", 404),
        ("/./ws/meadow/main", 404),
        ("/x/../ws/meadow/main", 404),
        ("/ws/meadow/%2e%2e", 404),
        ("/ws/meadow/%2E", 404),
        ("/ws/meadow/..%2fmain", 404),
        ("/ws/meadow/..%5cmain", 404),
        ("/ws/meadow/%2e%2e%2f%2e%2e%2fetc%2fpasswd", 404),
        ("/ws/meadow%2fmain", 404),
        ("/ws%2fmeadow%2fmain", 404),
        ("/ws/meadow/%252e%252e", 404),
        ("/ws/meadow/ma%2500in", 404),
        ("/ws/meadow/ma%20in", 404),
        ("/ws/meadow/ma+in", 404),
        ("/ws/meadow/ma%0d%0ain", 404),
        ("/ws/meadow/main%0d%0aX-Evil:%20y", 404),
        ("/ws/meadow/%00", 404),
        ("/ws/meadow/main%00", 404),
        ("/ws/meadow/%", 404),
        ("/ws/meadow/%2", 404),
        ("/ws/meadow/%zz", 404),
        ("/ws/meadow/%ff", 404),
        ("/ws/%ff/main", 404),
        ("/ws/meadow/%c0%ae", 404),
        ("/ws/meadow/%ed%a0%80", 404),
        ("/ws/meadow/%u002e", 404),
        ("/ws/meadow/m\u{e4}in", 404),
        ("/ws/meadow/m%c3%a4in", 404),
        ("/ws/meadow/\u{ff4d}ain", 404),
        ("/ws/meadow/%d9%a1", 404),
        ("/ws/meadow/main;x=1", 404),
        ("/ws/meadow/ma:in", 404),
        ("/ws/meadow/ma'in", 404),
        ("/ws/meadow/ma\"in", 404),
        ("/ws/meadow/<script>", 400),
        ("/ws/meadow/{room}", 404),
        ("/ws/{game}/main", 404),
        ("/ws/meadow/*", 404),
        ("/ws/meadow/$HOME", 404),
        ("/ws/meadow/main#x", 101),
    ] {
        let case = Case::bent(format!("path {path:?}"), "/ws/meadow/main", path, expect);
        cases.push(case);
    }
    for (len, expect) in [(64, 101), (65, 404), (255, 404), (4096, 404)] {
        let path = format!("/ws/meadow/{}", "x".repeat(len));
        let name = format!("a room's name of {len} characters");
        cases.push(Case::bent(name, "/ws/meadow/main", &path, expect));
    }
    cases.push(Case::bytes(
        "a path that is no UTF-8",
        raw_path(b"/ws/meadow/\xff"),
        400,
    ));
    cases.extend(pages());
    cases
}

fn raw_path(path: &[u8]) -> Vec<u8> {
    let (_, rest) = HANDSHAKE.split_once(" HTTP").expect("a request");
    [b"GET ", path, b" HTTP", rest.as_bytes()].concat()
}

/// Pages come from the program, never from a folder: there is nothing to climb out of.
fn pages() -> Vec<Case> {
    let mut cases = Vec::new();
    for path in [
        "/../../../../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/..%2f..%2fetc%2fpasswd",
        "/....//....//etc/passwd",
        "/.git/config",
        "/.env",
        "/Cargo.toml",
        "/downbeat/../../Cargo.toml",
        "/downbeat/types/..%2fmeadow.js",
        "/downbeat/types/meadow.js.map",
        "/downbeat/dev",
        "/downbeat/dev.js",
        "/assets/",
        "/index.html/x",
        "/admin",
        "/metrics",
        "/\\..\\..\\etc\\passwd",
        "/file:///etc/passwd",
        "/downbeat.toml",
        "/data/downbeat.db",
    ] {
        cases.push(Case::new(
            format!("page {path}"),
            &[404, 400],
            move |stage| -> Outcome {
                let answer = stage.request("GET", path, "", "");
                let body = String::from_utf8_lossy(&answer.body).into_owned();
                assert!(!body.contains("root:"), "{path} gave {body}");
                answer.status
            },
        ));
    }
    cases
}
