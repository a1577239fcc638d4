//! Web pages of others.

use super::case::Case;

/// Where a server on loopback has no list.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (origin, expect) in [
        ("http://localhost", 101),
        ("http://localhost:5173", 101),
        ("http://127.0.0.1:1", 101),
        ("http://[::1]:7777", 101),
        ("https://game.localhost", 101),
        ("null", 403),
        ("", 403),
        (" ", 403),
        ("*", 403),
        ("localhost", 403),
        ("//localhost", 403),
        ("http:localhost", 403),
        ("http:/localhost", 403),
        ("http://", 403),
        ("http://:80", 403),
        ("http://evil.net", 403),
        ("http://localhost.evil.net", 403),
        ("http://localhost@evil.net", 403),
        ("http://evil.net#localhost", 403),
        ("http://evil.net?localhost", 403),
        ("http://evil.net/localhost", 403),
        ("http://evil.net\\localhost", 403),
        ("http://localhost/", 403),
        ("http://localhost:", 403),
        ("http://localhost:x", 403),
        ("http://localhost:65536", 403),
        ("http://localhost:-1", 403),
        ("http://localhost,http://localhost", 403),
        ("http://localhost http://evil.net", 403),
        ("http://localhost\thttp://evil.net", 403),
        ("http://evillocalhost", 403),
        ("http://127.0.0.1.evil.net", 403),
        ("http://127.0.0.1.nip.io", 403),
        ("http://2130706433", 403),
        ("http://0x7f.1", 403),
        ("http://0177.0.0.1", 403),
        ("http://0.0.0.0", 403),
        ("http://[::ffff:10.0.0.1]", 403),
        ("http://[::1", 403),
        ("http://[::1]x", 403),
        ("http://[localhost]", 403),
        ("http://10.0.0.1", 403),
        ("http://192.168.1.1:7777", 403),
        ("http://l\u{43e}calhost", 403),
        ("http://localhost\u{3002}evil.net", 403),
        ("file://", 403),
        ("file:///etc/passwd", 403),
        ("chrome-extension://abcdef", 403),
        ("data:text/html,x", 403),
        ("javascript:alert(1)", 403),
        ("ws://localhost", 403),
        ("ftp://localhost", 403),
        ("about:blank", 403),
    ] {
        let line = format!("Origin: {origin}");
        cases.push(Case::with(format!("origin {origin:?}"), &line, expect));
    }
    let twice = "Origin: http://localhost\r\nOrigin: http://localhost";
    cases.push(Case::with("one origin twice", twice, 403));
    let hidden = "Origin: http://localhost\r\norigin: http://evil.net";
    cases.push(Case::with("a second origin in lower case", hidden, 403));
    let old = "Sec-WebSocket-Origin: http://localhost\r\nOrigin: http://evil.net";
    cases.push(Case::with("the origin of an old draft", old, 403));
    cases
}

/// The setting for [`listed`].
pub(crate) const LISTED: &str =
    "allowed_origins = [\"https://play.example.com\", \"https://*.friends.example\"]";

/// Where there is a list.
pub(crate) fn listed() -> Vec<Case> {
    let mut cases = Vec::new();
    for (origin, expect) in [
        ("https://play.example.com", 101),
        ("https://PLAY.example.com:443", 101),
        ("https://a.friends.example", 101),
        ("https://a.b.friends.example", 101),
        ("http://play.example.com", 403),
        ("https://play.example.com:8443", 403),
        ("https://play.example.com.", 403),
        ("https://play.example.com.evil.net", 403),
        ("https://play-example.com", 403),
        ("https://playXexample.com", 403),
        ("https://xplay.example.com", 403),
        ("https://a.play.example.com", 403),
        ("https://example.com", 403),
        ("https://friends.example", 403),
        ("https://.friends.example", 403),
        ("https://evilfriends.example", 403),
        ("https://a.friends.example:444", 403),
        ("http://a.friends.example", 403),
        ("https://*.friends.example", 403),
        ("https://a.friends.example.evil.net", 403),
        ("https://evil.net/.friends.example", 403),
        ("https://evil.net\\.friends.example", 403),
        ("https://evil.net:443@a.friends.example", 403),
        ("http://localhost", 403),
        ("http://127.0.0.1", 403),
        ("null", 403),
    ] {
        let line = format!("Origin: {origin}");
        cases.push(Case::with(
            format!("listed: origin {origin:?}"),
            &line,
            expect,
        ));
    }
    cases
}
