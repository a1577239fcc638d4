//! Requests that are nearly WebSocket handshakes. Source: RFC 6455 § 4.2.1, RFC 9112.

use super::case::{CUT, Case, HANDSHAKE};

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = request_lines();
    cases.extend(upgrade_words());
    cases.extend(keys());
    cases.extend(sizes());
    cases.extend(other_languages());
    cases
}

fn request_lines() -> Vec<Case> {
    let mut cases = Vec::new();
    for (method, expect) in [
        ("POST", 405),
        ("PUT", 405),
        ("DELETE", 405),
        ("PATCH", 405),
        ("OPTIONS", 405),
        ("TRACE", 405),
        ("get", 405),
        ("Get", 405),
        ("GETGET", 405),
        ("HEAD", 400),
        ("G\u{201}ET", 400),
        ("", 400),
        ("GET GET", 400),
        ("\0GET", 400),
    ] {
        cases.push(Case::bent(
            format!("method {method:?}"),
            "GET",
            method,
            expect,
        ));
    }
    for (version, expect) in [
        ("HTTP/1.0", 400),
        ("HTTP/0.9", 400),
        ("HTTP/1.2", 400),
        ("HTTP/2.0", 400),
        ("HTTP/2", 400),
        ("HTTP/11", 400),
        ("http/1.1", 400),
        ("HTTP/1.1 x", 400),
        ("HTP/1.1", 400),
        ("", 400),
    ] {
        cases.push(Case::bent(
            format!("version {version:?}"),
            "HTTP/1.1",
            version,
            expect,
        ));
    }
    cases
}

fn upgrade_words() -> Vec<Case> {
    let connection = "Connection: Upgrade\r\n";
    let upgrade = "Upgrade: websocket\r\n";
    let version = "Sec-WebSocket-Version: 13\r\n";
    vec![
        Case::bent("no Connection", connection, "", 400),
        Case::bent(
            "Connection: close",
            connection,
            "Connection: close\r\n",
            400,
        ),
        Case::bent("Connection is empty", connection, "Connection:\r\n", 400),
        Case::bent(
            "Connection: Upgraded",
            connection,
            "Connection: Upgraded\r\n",
            400,
        ),
        Case::bent(
            "Connection in quotes",
            connection,
            "Connection: \"Upgrade\"\r\n",
            400,
        ),
        Case::bent(
            "Connection with a tail",
            connection,
            "Connection: Upgrade;q=1\r\n",
            400,
        ),
        Case::bent(
            "keep-alive too",
            connection,
            "Connection: keep-alive, UPGRADE\r\n",
            101,
        ),
        Case::bent("no Upgrade", &format!("\r\n{upgrade}"), "\r\n", 400),
        Case::bent("Upgrade: h2c", upgrade, "Upgrade: h2c\r\n", 400),
        Case::bent(
            "Upgrade: websocket/13",
            upgrade,
            "Upgrade: websocket/13\r\n",
            400,
        ),
        Case::bent(
            "Upgrade: web socket",
            upgrade,
            "Upgrade: web socket\r\n",
            400,
        ),
        Case::bent("Upgrade: WebSocket", upgrade, "Upgrade: WebSocket\r\n", 101),
        Case::bent("no version", version, "", 400),
        Case::bent("version 8", version, "Sec-WebSocket-Version: 8\r\n", 400),
        Case::bent("version 12", version, "Sec-WebSocket-Version: 12\r\n", 400),
        Case::bent("version 14", version, "Sec-WebSocket-Version: 14\r\n", 400),
        Case::bent(
            "version 013",
            version,
            "Sec-WebSocket-Version: 013\r\n",
            400,
        ),
        Case::bent(
            "version +13",
            version,
            "Sec-WebSocket-Version: +13\r\n",
            400,
        ),
        Case::bent(
            "version 13.0",
            version,
            "Sec-WebSocket-Version: 13.0\r\n",
            400,
        ),
        Case::bent(
            "version -13",
            version,
            "Sec-WebSocket-Version: -13\r\n",
            400,
        ),
        Case::bent(
            "versions 13 and 8",
            version,
            "Sec-WebSocket-Version: 13, 8\r\n",
            400,
        ),
        Case::bent("version twice", version, &version.repeat(2), 400),
        Case::bent(
            "version is empty",
            version,
            "Sec-WebSocket-Version:\r\n",
            400,
        ),
        Case::bent(
            "version 256 + 13",
            version,
            "Sec-WebSocket-Version: 269\r\n",
            400,
        ),
    ]
}

fn keys() -> Vec<Case> {
    let line = format!("Sec-WebSocket-Key: {KEY}\r\n");
    let mut cases = vec![
        Case::bent("no key", &line, "", 400),
        Case::bent("two keys", &line, &line.repeat(2), 400),
        Case::bent("two keys in a line", KEY, &format!("{KEY}, {KEY}"), 400),
    ];
    for (name, key) in [
        ("an empty key", ""),
        ("a short key", "c2hvcnQ="),
        ("a key of 15 bytes", "dGhlIHNhbXBsZSBub25j"),
        ("a key of 17 bytes", "dGhlIHNhbXBsZSBub25jZWE="),
        ("a key without padding", "dGhlIHNhbXBsZSBub25jZQ"),
        ("a key with half the padding", "dGhlIHNhbXBsZSBub25jZQ="),
        ("a key with too much padding", "dGhlIHNhbXBsZSBub25jZQ==="),
        ("a key of base64url", "-_hlIHNhbXBsZSBub25jZQ=="),
        ("a key of no base64", "!!!!!!!!!!!!!!!!!!!!!!=="),
        ("a key with a space", "dGhlIHNhbXBsZSB ub25jZ=="),
        ("a key of 8 KiB", &"A".repeat(7000)),
    ] {
        cases.push(Case::bent(name, KEY, key, 400));
    }
    cases
}

fn sizes() -> Vec<Case> {
    let headers = |count| {
        (0..count)
            .map(|n| format!("X-{n}: 1\r\n"))
            .collect::<String>()
    };
    let target = |len| format!("/ws/meadow/{}", "x".repeat(len));
    vec![
        Case::with("64 headers", headers(58).trim_end(), 101),
        Case::with("65 headers", headers(59).trim_end(), 431),
        Case::with("300 headers", headers(300).trim_end(), 431),
        Case::with(
            "a header of 9 KiB",
            &format!("X: {}", "x".repeat(9000)),
            431,
        ),
        Case::with(
            "a header's name of 9 KiB",
            &format!("{}: x", "x".repeat(9000)),
            431,
        ),
        Case::with(
            "a megabyte of headers",
            &format!("X: {}", "x".repeat(1 << 20)),
            431,
        ),
        Case::bent("a target of 9 KiB", "/ws/meadow/main", &target(9000), 431),
        Case::bent("a target of 5 KiB", "/ws/meadow/main", &target(5000), 404),
        Case::bytes(
            "newlines before the request",
            format!("\r\n\r\n{HANDSHAKE}"),
            101,
        ),
        Case::bytes("only line feeds", HANDSHAKE.replace("\r\n", "\n"), 101),
        Case::bytes(
            "a carriage return alone",
            HANDSHAKE.replacen("\r\n", "\r", 1),
            400,
        ),
    ]
}

/// What port scanners and lost clients of other protocols send.
fn other_languages() -> Vec<Case> {
    let tls = b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1\x03\x03".to_vec();
    vec![
        Case::bytes("a TLS hello", [tls, vec![0; 200]].concat(), 400),
        Case::bytes(
            "HTTP/2 with prior knowledge",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            0,
        ),
        Case::bytes("an SSH banner", "SSH-2.0-OpenSSH_9.6\r\n\r\n", 400),
        Case::bytes("a command of Redis", "*1\r\n$4\r\nPING\r\n\r\n", 400),
        Case::bytes("a mail", "EHLO evil.net\r\n\r\n", 400),
        Case::bytes(
            "a proxy's first line",
            "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n\r\n",
            400,
        ),
        Case::bytes("zeros", vec![0; 64], 400),
        Case::bytes("0xff", vec![0xff; 64], 400),
        Case::bytes("JSON", "{\"type\":\"hello\"}\r\n\r\n", 400),
        Case::new("nothing at all, then the end", &[CUT], |stage| {
            let mut raw = super::raw::Raw::connect(stage.port);
            raw.shut();
            raw.head().map_or(CUT, |answer| answer.status)
        }),
        Case::new("half a handshake, then the end", &[CUT, 400], |stage| {
            let mut raw = super::raw::Raw::connect(stage.port);
            raw.send(&HANDSHAKE.as_bytes()[..80]);
            raw.shut();
            raw.head().map_or(CUT, |answer| answer.status)
        }),
    ]
}
