//! Bytes that no honest client sends: each ends with what PROTOCOL.md says, and nothing stays.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat_server::Running;
use futures_util::future::join_all;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::stage::{Client, is_well, start, start_with, status};

const HANDSHAKE: &str = "GET /ws/adder/main HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n\
    Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: downbeat.v1\r\n\r\n";

/// The status of the answer to these bytes.
async fn answer(address: SocketAddr, bytes: &[u8]) -> u16 {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(bytes).await.expect("sent");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.expect("an answer"));
    }
    status(&String::from_utf8_lossy(&head))
}

#[tokio::test]
async fn handshakes_that_are_none_are_refused() {
    let running = start().await;
    let long_header = format!("Host: x\r\nX: {}", "x".repeat(9000));
    let headers = |count| {
        (0..count).fold(String::from("Host: x"), |all, n| {
            format!("{all}\r\nX-{n}: 1")
        })
    };
    let (headers_64, headers_65) = (headers(58), headers(59));
    let long_path = format!("/ws/adder/{}", "x".repeat(5000));
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
    let two_keys = format!("{key}\r\n{key}");
    // What is replaced in a correct handshake, by what, and what comes of it.
    let table = [
        ("", "", 101),
        ("GET /ws", "GET http://x/ws", 101),
        ("adder/main", "adder/main?a=b", 101),
        ("Host: x", &headers_64, 101),
        ("Host: x", &headers_65, 431),
        ("Host: x", &long_header, 431),
        ("\r\nHost: x", "", 400),
        ("Host: x", "Host: x\r\nHost: y", 400),
        ("Host: x", "Host: x\r\nContent-Length: 0", 101),
        ("Host: x", "Host: x\r\nContent-Length: 5", 400),
        ("Host: x", "Host: x\r\nContent-Length: -5", 400),
        ("Host: x", "Host: x\r\nTransfer-Encoding: chunked", 400),
        ("Host: x", "Host: x\r\n folded", 400),
        ("Host: x", "Host: x\r\nX: \0", 400),
        ("HTTP/1.1", "HTTP/1.0", 400),
        ("HTTP/1.1", "HTTP/2.0", 400),
        ("GET", "HEAD", 400),
        ("GET", "POST", 405),
        ("GET", "OPTIONS", 405),
        ("GET", "get", 405),
        ("Connection: Upgrade\r\n", "", 400),
        ("Upgrade: websocket\r\n", "", 400),
        ("Upgrade: websocket", "Upgrade: h2c", 400),
        ("Sec-WebSocket-Version: 13\r\n", "", 400),
        ("Version: 13", "Version: 13, 8", 400),
        (
            "Version: 13",
            "Version: 13\r\nSec-WebSocket-Version: 13",
            400,
        ),
        (key, "X: y", 400),
        (key, &two_keys, 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "!!!!!!!!!!!!!!!!!!!!!!==", 400),
        ("dGhlIHNhbXBsZSBub25jZQ==", "dGhlIHNhbXBsZSBub25jZQ", 400),
        ("/ws/adder/main", "/ws//main", 404),
        ("/ws/adder/main", "/ws/adder//main", 404),
        ("/ws/adder/main", "/ws/adder/main/", 404),
        ("/ws/adder/main", "/ws/adder/..%2fmain", 404),
        ("/ws/adder/main", "/ws/adder/%00", 404),
        ("/ws/adder/main", "/ws/adder/%zz", 404),
        ("/ws/adder/main", "/ws/adder/%ff", 404),
        ("/ws/adder/main", "/ws/%ff/main", 404),
        ("/ws/adder/main", &long_path, 404),
    ];
    for (what, by, expect) in table {
        let bytes = HANDSHAKE.replacen(what, by, 1);
        let got = answer(running.addr(), bytes.as_bytes()).await;
        assert_eq!(got, expect, "{what:?} replaced by {by:.80?}");
    }
    is_well(&running).await;
}

/// A frame with its mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let len = u8::try_from(payload.len()).expect("a short payload");
    let long = [0x80 | 126, 0, len];
    let len = if len < 126 { &[0x80 | len][..] } else { &long };
    [&[first], len, &[0; 4], payload].concat()
}

fn close(code: u16) -> Vec<u8> {
    frame(0x88, &code.to_be_bytes())
}

/// Sends bytes instead of a hello, and behind one; both must end with this code.
async fn ends_with(running: &Running, bytes: &[u8], expect: u16) {
    let mut stranger = Client::connect(running.addr(), "main").await.expect("in");
    let mut member = Client::join(running.addr(), "main", "Eve").await;
    for client in [&mut stranger, &mut member] {
        // It may fail once the server has said goodbye.
        let _ = client.ws.get_mut().write_all(bytes).await;
        let (code, reason) = client.goodbye().await;
        let start = &bytes[..bytes.len().min(20)];
        assert_eq!(code, expect, "{reason}, upon {start:02x?}");
    }
}

#[tokio::test]
async fn frames_that_the_rfc_forbids_end_with_their_code() {
    let running = start().await;
    let length = |first: u8, len: u64| [&[first, 0xff], &len.to_be_bytes()[..], &[0; 4]].concat();
    let mut table = vec![
        (vec![0x82, 1, 0], 1002),  // not masked
        (frame(0xc2, b"x"), 1002), // reserved bits
        (frame(0xa2, b"x"), 1002),
        (frame(0x92, b"x"), 1002),
        (frame(0x83, b"x"), 1002), // reserved opcodes
        (frame(0x8f, b"x"), 1002),
        (frame(0x09, b""), 1002), // control messages in fragments
        (frame(0x08, b""), 1002),
        (frame(0x89, &[0; 126]), 1002), // … and too long
        (frame(0x88, &[0; 126]), 1002),
        (frame(0x00, b"x"), 1002), // goes on without a start
        ([frame(0x02, b"x"), frame(0x82, b"x")].concat(), 1002),
        (length(0x82, 1 << 63), 1009),
        (length(0x82, u64::MAX), 1009),
        (length(0x89, 1 << 63), 1009),
        (
            [frame(0x02, &[0; 99]), frame(0x00, &[0; 99]).repeat(50)].concat(),
            1009,
        ),
        (frame(0x81, b"\xff"), 1007),         // text, and no UTF-8
        (frame(0x88, b"\x03"), 1002),         // half a code
        (frame(0x88, b"\x03\xe8\xff"), 1007), // a reason that is no UTF-8
    ];
    for forbidden in [
        0,
        999,
        1004,
        1005,
        1006,
        1014,
        1015,
        1016,
        2999,
        5000,
        u16::MAX,
    ] {
        table.push((close(forbidden), 1002));
    }
    for allowed in [1000, 1001, 1003, 3000, 4999] {
        table.push((close(allowed), allowed));
    }
    let ends = table
        .iter()
        .map(|(bytes, code)| ends_with(&running, bytes, *code));
    join_all(ends).await;
    is_well(&running).await;
}

#[tokio::test]
async fn messages_that_cannot_be_decoded_end_with_1007() {
    let running = start().await;
    let whole = [1, 0xfb, 44, 1, 0, 8, 0xfc, 1, 2, 3, 4];
    let mut table: Vec<Vec<u8>> = (0..whole.len()).map(|cut| whole[..cut].to_vec()).collect();
    table.push([&whole[..], &[0]].concat());
    table.push(vec![4]);
    table.push(vec![0xff]);
    table.push(vec![0, 3, 0xff, 0xfe, 0xfd]); // a name that is no UTF-8
    table.push([&[0, 0xfd][..], &[0xff; 8]].concat()); // … of 2^64 - 1 bytes
    table.push([&[1, 0xfd][..], &[0xff; 8], &[0, 0]].concat()); // a `seq` beyond u32
    table.push([&[1, 1, 0, 0xfe][..], &[0xff; 16]].concat()); // … and a u128
    let frames: Vec<_> = table.iter().map(|message| frame(0x82, message)).collect();
    join_all(frames.iter().map(|bytes| ends_with(&running, bytes, 1007))).await;
    is_well(&running).await;
}

#[tokio::test]
async fn a_message_without_end_ends_with_1009_also_where_it_holds_nothing() {
    let running = start().await;
    let endless = [frame(0x02, b""), frame(0x00, b"").repeat(20_000)].concat();
    ends_with(&running, &endless, 1009).await;
    is_well(&running).await;
}

#[tokio::test]
async fn a_flood_of_pings_before_the_hello_ends_with_1008() {
    let running = start().await;
    let mut client = Client::connect(running.addr(), "main").await.expect("in");
    let pings = frame(0x89, b"x").repeat(20);
    client.ws.get_mut().write_all(&pings).await.expect("sent");
    assert_eq!(client.goodbye().await, (1008, "too many messages".into()));
}

#[tokio::test]
async fn a_message_may_come_in_fragments_and_in_single_bytes() {
    let running = start().await;
    let hello = crate::stage::hello(&"é".repeat(24));
    let (last, start) = hello.split_last().expect("not empty");
    let fragments = start.iter().enumerate();
    let fragments =
        fragments.flat_map(|(n, byte)| frame(if n == 0 { 0x02 } else { 0x00 }, &[*byte]));
    let fragments = fragments.chain(frame(0x80, &[*last]));
    let mut stream = TcpStream::connect(running.addr()).await.expect("connected");
    stream.set_nodelay(true).expect("set");
    for byte in HANDSHAKE.bytes().chain(fragments) {
        stream.write_u8(byte).await.expect("sent");
    }
    let mut got = Vec::new();
    while !got.windows(5).any(|bytes| bytes == b"adder") {
        got.push(stream.read_u8().await.expect("a welcome"));
    }
    drop(stream);
    is_well(&running).await;
}

#[tokio::test]
async fn who_vanishes_at_whatever_moment_leaves_nothing_behind() {
    let mut config = downbeat_server::Config::for_tests();
    config.limits.handshake = Duration::from_secs(1);
    let running = start_with(config).await;
    let hello = frame(0x82, &crate::stage::hello("Eve"));
    let all = [HANDSHAKE.as_bytes(), &hello].concat();
    let head = HANDSHAKE.len();
    let cuts = [
        0,
        10,
        head - 1,
        head,
        head + 1,
        head + 4,
        all.len() - 1,
        all.len(),
    ];
    for sent in cuts {
        for how in [
            "end",
            "reset",
            "half closed",
            "silent",
            "end after the answer",
        ] {
            let mut stream = TcpStream::connect(running.addr()).await.expect("connected");
            stream.write_all(&all[..sent]).await.expect("sent");
            match how {
                "reset" => {
                    let socket = socket2::SockRef::from(&stream);
                    socket.set_linger(Some(Duration::ZERO)).expect("set");
                }
                "half closed" => {
                    stream.shutdown().await.expect("shut down");
                    tokio::spawn(async move {
                        let mut rest = Vec::new();
                        let _ = stream.read_to_end(&mut rest).await;
                    });
                }
                "silent" => {
                    tokio::spawn(async move {
                        tokio::time::sleep(Duration::from_secs(60)).await;
                        drop(stream);
                    });
                }
                "end after the answer" if sent >= head => {
                    stream.read_u8().await.expect("an answer");
                }
                _ => {}
            }
        }
    }
    crate::stage::nobody_is_left(&running).await;
    is_well(&running).await;
}
