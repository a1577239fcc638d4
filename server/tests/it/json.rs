//! `downbeat.v1.json` over real sockets.

use std::net::SocketAddr;

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::stage::{Client, handshake, nobody_is_left, start};

type Socket = WebSocketStream<TcpStream>;

/// Connects with these subprotocols offered; answers the one that was taken.
async fn connect(address: SocketAddr, offered: &str) -> (Socket, String) {
    let mut request = handshake(address, "/ws/adder/main");
    let offered = offered.parse().expect("a header");
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", offered);
    let stream = TcpStream::connect(address).await.expect("connected");
    let (socket, response) = client_async(request, stream).await.expect("let in");
    let taken = &response.headers()["Sec-WebSocket-Protocol"];
    (socket, taken.to_str().expect("a word").to_owned())
}

async fn say(socket: &mut Socket, message: Value) {
    let text = Message::Text(message.to_string().into());
    socket.send(text).await.expect("sent");
}

/// Reads texts until one is as expected; answers it.
async fn hear(socket: &mut Socket, expected: impl Fn(&Value) -> bool) -> Value {
    loop {
        let message = socket.next().await.expect("more to come").expect("read");
        if let Message::Text(text) = message {
            let text = serde_json::from_str(&text).expect("JSON");
            if expected(&text) {
                return text;
            }
        }
    }
}

async fn close_code(socket: &mut Socket) -> u16 {
    loop {
        let message = socket.next().await.expect("a goodbye first");
        if let Message::Close(Some(close)) = message.expect("read") {
            return close.code.into();
        }
    }
}

#[tokio::test]
async fn json_is_spoken_where_only_it_is_offered() {
    let running = start().await;
    for (offered, taken) in [
        ("downbeat.v1.json", "downbeat.v1.json"),
        ("chat, downbeat.v1.json", "downbeat.v1.json"),
        ("downbeat.v1.json, downbeat.v1", "downbeat.v1"),
    ] {
        let (_, got) = connect(running.addr(), offered).await;
        assert_eq!(got, taken, "{offered}");
    }
}

#[tokio::test]
async fn a_client_of_json_and_one_of_bytes_are_in_the_same_room() {
    let running = start().await;
    let mut bob = Client::join(running.addr(), "main", "Bob").await;
    let (mut ada, _) = connect(running.addr(), "downbeat.v1.json").await;
    say(&mut ada, json!({ "type": "hello", "name": " Ada " })).await;
    let welcome = hear(&mut ada, |text| text["type"] == "welcome").await;
    assert_eq!(welcome["name"], "Ada");
    assert_eq!(welcome["game"], "adder");
    say(&mut ada, json!({ "type": "input", "seq": 1, "input": 41 })).await;
    bob.see(|view| view.shared.sum == 41).await;
    bob.send(bob.view.input(1, 1)).await;
    hear(&mut ada, |text| text["shared"]["sum"] == 42).await;
    say(&mut ada, json!({ "type": "ping", "token": 9 })).await;
    hear(&mut ada, |text| {
        text["type"] == "pong" && text["token"] == 9
    })
    .await;
    ada.close(None).await.expect("sent");
    drop(bob);
    nobody_is_left(&running).await;
}

#[tokio::test]
async fn what_is_no_message_is_closed_as_in_binary() {
    let running = start().await;
    let hello = || Message::Text(r#"{"type":"hello"}"#.into());
    let too_big = format!(r#"{{"type":"input","x":"{}"}}"#, "x".repeat(4096));
    for (messages, code) in [
        (vec![Message::Text("hello".into())], 1007),
        (
            vec![Message::Binary(crate::stage::hello("Ada").into())],
            1007,
        ),
        (vec![hello(), hello()], 1007),
        (
            vec![hello(), Message::Text(r#"{"type":"input"}"#.into())],
            1007,
        ),
        (vec![hello(), Message::Binary(vec![2, 0].into())], 1007),
        (vec![hello(), Message::Text(too_big.into())], 1009),
    ] {
        let (mut ada, _) = connect(running.addr(), "downbeat.v1.json").await;
        for message in messages.clone() {
            ada.send(message).await.expect("sent");
        }
        assert_eq!(close_code(&mut ada).await, code, "{messages:?}");
    }
    nobody_is_left(&running).await;
}
