use std::time::Duration;

use downbeat_server::{Config, Running};
use futures_util::SinkExt as _;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::stage::{Client, nobody_is_left, start, start_with};

const BAD_DATA: (u16, &str) = (1007, "message could not be decoded");
const TOO_BIG: (u16, &str) = (1009, "message too big");

/// Says something as the first message, and once more as a member.
async fn closes_with(message: Message, expect: (u16, &str)) {
    let running = start().await;
    let mut stranger = Client::connect(running.addr(), "main").await.expect("in");
    let mut member = Client::join(running.addr(), "main", "Ada").await;
    for client in [&mut stranger, &mut member] {
        client.ws.send(message.clone()).await.expect("sent");
        let (code, reason) = client.goodbye().await;
        assert_eq!((code, &*reason), expect, "{message:?}");
    }
    counted(&running, expect.0, 2);
    // The process goes on.
    Client::join(running.addr(), "main", "Bob").await;
}

#[track_caller]
fn counted(running: &Running, code: u16, times: u64) {
    let closes = running.counters().closes();
    let counted = closes.filter(|(c, _)| c.number() == code).map(|(_, n)| n);
    assert_eq!(counted.sum::<u64>(), times);
}

fn binary(bytes: impl Into<Vec<u8>>) -> Message {
    Message::Binary(bytes.into().into())
}

#[tokio::test]
async fn text_is_closed_with_1007() {
    closes_with(Message::Text("hello".into()), BAD_DATA).await;
}

#[tokio::test]
async fn trailing_bytes_are_closed_with_1007() {
    let mut message = crate::stage::hello("Ada");
    message.push(0);
    closes_with(binary(message), BAD_DATA).await;
}

#[tokio::test]
async fn a_truncated_message_is_closed_with_1007() {
    closes_with(binary([]), BAD_DATA).await;
    closes_with(binary([0, 200, b'x']), BAD_DATA).await;
}

#[tokio::test]
async fn an_oversized_message_is_closed_with_1009() {
    closes_with(binary(vec![0; 4097]), TOO_BIG).await;
}

#[tokio::test]
async fn a_length_that_is_too_big_is_enough() {
    let running = start().await;
    let mut client = Client::join(running.addr(), "main", "Ada").await;
    // A masked binary message of 1 MiB, of which nothing follows.
    let head = [0x82, 0xff, 0, 0, 0, 0, 0, 0x10, 0, 0, 1, 2, 3, 4];
    client.ws.get_mut().write_all(&head).await.expect("sent");
    let (code, _) = client.goodbye().await;
    assert_eq!(code, 1009);
}

#[tokio::test]
async fn the_goodbye_arrives_also_where_megabytes_are_on_their_way() {
    closes_with(binary(vec![0; 4 << 20]), TOO_BIG).await;
}

#[tokio::test]
async fn a_frame_that_the_rfc_forbids_is_closed_with_1002() {
    let running = start().await;
    let mut client = Client::join(running.addr(), "main", "Ada").await;
    // Not masked.
    let stream = client.ws.get_mut();
    stream.write_all(&[0x82, 1, 0]).await.expect("sent");
    let expect = (1002, "websocket protocol error".to_owned());
    assert_eq!(client.goodbye().await, expect);
}

#[tokio::test]
async fn an_input_before_the_hello_is_closed_with_1007() {
    let running = start().await;
    let mut client = Client::connect(running.addr(), "main").await.expect("in");
    client.send(client.view.input(1, 1)).await;
    let (code, _) = client.goodbye().await;
    assert_eq!(code, 1007);
}

#[tokio::test]
async fn who_says_no_hello_is_closed_with_1008() {
    let mut config = Config::for_tests();
    config.limits.handshake = Duration::from_millis(500);
    let running = start_with(config).await;
    let mut client = Client::connect(running.addr(), "main").await.expect("in");
    let expect = (1008, "no hello in time".to_owned());
    assert_eq!(client.goodbye().await, expect);
    counted(&running, 1008, 1);
}

#[tokio::test]
async fn who_dribbles_headers_is_cut_off() {
    let mut config = Config::for_tests();
    config.limits.handshake = Duration::from_millis(200);
    let running = start_with(config).await;
    let mut stream = TcpStream::connect(running.addr()).await.expect("connected");
    let dribble = async {
        loop {
            if stream.write_all(b"G").await.is_err() {
                break;
            }
            let mut byte = [0];
            let answer = stream.read(&mut byte);
            let answer = tokio::time::timeout(Duration::from_millis(20), answer).await;
            if matches!(answer, Ok(Ok(0) | Err(_))) {
                break;
            }
        }
    };
    let patience = Duration::from_secs(10); // fifty times the deadline
    let cut_off = tokio::time::timeout(patience, dribble).await;
    cut_off.expect("cut off");
    nobody_is_left(&running).await;
}

#[tokio::test]
async fn too_many_headers_are_refused() {
    let running = start().await;
    let headers: String = (0..70).map(|n| format!("X-{n}: 1\r\n")).collect();
    let answer = crate::stage::request(running.addr(), "GET", "/", &headers).await;
    assert_eq!(crate::stage::status(&answer), 431);
    let long = format!("X: {}\r\n", "x".repeat(9000));
    let answer = crate::stage::request(running.addr(), "GET", "/", &long).await;
    assert_eq!(crate::stage::status(&answer), 431);
}

#[tokio::test]
async fn who_vanishes_gives_its_place_back() {
    let running = start().await;
    let client = Client::join(running.addr(), "main", "Ada").await;
    let stranger = Client::connect(running.addr(), "main").await.expect("in");
    assert_eq!(running.connections(), 2);
    drop((client, stranger));
    nobody_is_left(&running).await;
    assert_eq!(running.counters().connections_lost.value(), 1);
}
