//! Members without a WebSocket, and what is asked before a join.

use std::time::Duration;

use downbeat::Refusal;
use downbeat_server::{App, Closed, Config, GameOptions, NotConnected, Peer, Running, Visit};
use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::stage::{Adder, Client, hello, is_well, nobody_is_left, raw, start, start_with, status};

const PATIENCE: Duration = Duration::from_secs(10);

fn visit(path: &str) -> Visit {
    Visit::new(path, "Device")
}

/// Reads on until something is told that is as expected.
async fn hear(peer: &mut Peer, expected: impl Fn(&Value) -> bool) -> Value {
    let heard = async {
        loop {
            let text = peer.receive().await.expect("not closed");
            let told: Value = serde_json::from_str(&text).expect("JSON");
            if expected(&told) {
                return told;
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("heard in time")
}

/// How a conversation ends.
async fn end(peer: &mut Peer) -> Closed {
    let ended = async {
        loop {
            if let Err(closed) = peer.receive().await {
                return closed;
            }
        }
    };
    timeout(PATIENCE, ended).await.expect("ended in time")
}

#[tokio::test]
async fn row_32_a_program_plays_in_a_room_without_a_websocket() {
    let running = start().await;
    let services = running.services();
    let mut peer = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect("let in");
    hear(&mut peer, |told| told["type"] == "welcome").await;
    let mut ada = Client::join(running.addr(), "hall", "Ada").await;
    peer.send(r#"{"type":"input","seq":1,"input":5}"#)
        .await
        .expect("open");
    ada.see(|view| view.shared.sum == 5).await;
    let input = ada.view.input(1, 2);
    ada.send(input).await;
    hear(&mut peer, |told| told["shared"]["sum"] == 7).await;
    peer.leave().await;
    drop(ada);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn who_is_refused_is_told_what_a_websocket_would_be() {
    let mut config = Config::for_tests();
    config.limits.connections_per_address = Some(2);
    let running = start_with(config).await;
    let services = running.services();
    for (path, expect) in [
        ("/ws/nothing/hall", 404),
        ("/ws/adder/.hidden", 404),
        ("/ws/adder/a/b", 404),
        ("/ws/adder", 404),
        ("/elsewhere", 404),
        ("", 404),
    ] {
        match services.connect(visit(path)).await {
            Err(NotConnected::Refused { status, .. }) => assert_eq!(status, expect, "{path}"),
            other => panic!("{path}: {other:?}"),
        }
    }
    let forged = Visit {
        ticket: Some("A".repeat(43)),
        ..visit("/ws/adder/hall")
    };
    let refused = services.connect(forged).await.expect_err("forged");
    assert!(
        matches!(refused, NotConnected::Refused { status: 401, .. }),
        "{refused:?}"
    );
    let one = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect("let in");
    let _two = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect("let in");
    let refused = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect_err("full");
    assert!(
        matches!(refused, NotConnected::Refused { status: 429, .. }),
        "{refused:?}"
    );
    // A place comes back when its peer lets go.
    drop(one);
    let again = async {
        while services.connect(visit("/ws/adder/hall")).await.is_err() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, again).await.expect("a place came back");
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn who_breaks_the_rules_or_does_not_read_is_closed_like_any_other() {
    let running = start().await;
    let services = running.services();
    for (text, code) in [
        ("nonsense".to_owned(), 1007),
        (
            r#"{"type":"input","seq":1,"input":"text"}"#.to_owned(),
            1007,
        ),
        (" ".repeat(5000), 1009),
    ] {
        let mut peer = services
            .connect(visit("/ws/adder/hall"))
            .await
            .expect("let in");
        peer.send(text.clone()).await.expect("open");
        assert_eq!(end(&mut peer).await.code, code, "{}", text.trim());
    }
    // Somebody else keeps the room busy, so that there is something to read.
    let mut busy = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect("let in");
    let mut deaf = services
        .connect(visit("/ws/adder/hall"))
        .await
        .expect("let in");
    for seq in 1..=100 {
        let input = format!(r#"{{"type":"input","seq":{seq},"input":1}}"#);
        if busy.send(input).await.is_err() {
            break;
        }
        let _ = timeout(Duration::from_millis(50), busy.receive()).await;
    }
    // Whose queue is full cannot even be told why.
    let code = end(&mut deaf).await.code;
    assert!([4008, 1006].contains(&code), "{code}");
    is_well(&running).await;
    running.stop().await.expect("stopped");
}

/// A device on a line.
struct Line {
    stream: BufReader<TcpStream>,
}

impl Line {
    async fn connect(running: &Running) -> Self {
        let address = running.lines_addr().expect("asked for");
        let stream = TcpStream::connect(address).await.expect("connected");
        Self {
            stream: BufReader::new(stream),
        }
    }

    async fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        self.stream.write_all(line.as_bytes()).await.expect("sent");
    }

    /// The next line that is as expected; null at the end.
    async fn hear(&mut self, expected: impl Fn(&Value) -> bool) -> Value {
        let heard = async {
            loop {
                let mut line = String::new();
                if self.stream.read_line(&mut line).await.expect("read") == 0 {
                    return Value::Null;
                }
                let told: Value = serde_json::from_str(&line).expect("a line of JSON");
                if expected(&told) {
                    return told;
                }
            }
        };
        timeout(PATIENCE, heard).await.expect("heard in time")
    }
}

async fn start_with_lines() -> Running {
    let mut config = Config::for_tests();
    config.sources.lines = Some("127.0.0.1:0".parse().expect("an address"));
    config.limits.handshake = Duration::from_millis(500);
    start_with(config).await
}

#[tokio::test]
async fn row_32_a_device_that_speaks_in_lines_is_a_member() {
    let running = start_with_lines().await;
    let mut line = Line::connect(&running).await;
    line.say(r#"{"path":"/ws/adder/hall","name":"door bell"}"#)
        .await;
    let welcome = line.hear(|told| told["type"] == "welcome").await;
    assert_eq!(welcome["name"], "door bell");
    let mut ada = Client::join(running.addr(), "hall", "Ada").await;
    line.say(r#"{"type":"input","seq":1,"input":5}"#).await;
    ada.see(|view| view.shared.sum == 5).await;
    let input = ada.view.input(1, 2);
    ada.send(input).await;
    line.hear(|told| told["shared"]["sum"] == 7).await;
    drop((line, ada));
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn a_device_that_does_not_behave_is_told_in_a_last_line() {
    let running = start_with_lines().await;
    for (said, key, expect) in [
        ("nonsense", "code", 1007),
        (r#"{"path":"/ws/adder/hall","who":"x"}"#, "code", 1007),
        (r#"{"path":"/ws/nothing/hall"}"#, "status", 404),
        (
            r#"{"path":"/ws/adder/hall","ticket":"stolen"}"#,
            "status",
            401,
        ),
    ] {
        let mut line = Line::connect(&running).await;
        line.say(said).await;
        let last = line.hear(|told| told.get(key).is_some()).await;
        assert_eq!(last[key], expect, "{said}: {last}");
        assert_eq!(line.hear(|_| true).await, Value::Null);
    }
    // One that says nothing is told when its time is up; one that says too much, at once.
    let mut line = Line::connect(&running).await;
    let last = line.hear(|_| true).await;
    assert_eq!(last["code"], 1008, "{last}");
    let mut line = Line::connect(&running).await;
    line.say(&"x".repeat(10_000)).await;
    let last = line.hear(|_| true).await;
    assert_eq!(last["code"], 1009, "{last}");
    let mut line = Line::connect(&running).await;
    line.say(r#"{"path":"/ws/adder/hall"}"#).await;
    line.hear(|told| told["type"] == "welcome").await;
    line.say("dance").await;
    let last = line.hear(|told| told["type"] == "closed").await;
    assert_eq!(last["code"], 1007, "{last}");
    drop(line);
    is_well(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn row_32_a_webhook_speaks_in_a_room() {
    use downbeat_server::axum::Router;
    use downbeat_server::axum::routing::post;

    let app = App::new().game::<Adder>().http(|services| {
        let said = move |body: String| {
            let services = services.clone();
            async move {
                let Ok(mut peer) = services.connect(visit("/ws/adder/hall")).await else {
                    return "nobody is at home\n";
                };
                let n: u32 = body.trim().parse().unwrap_or(0);
                let said = format!(r#"{{"type":"input","seq":1,"input":{n}}}"#);
                let _ = peer.send(said).await;
                // Until it is acknowledged: who leaves at once has said nothing yet.
                while let Ok(text) = peer.receive().await {
                    if text.contains(r#""input_ack":1"#) {
                        break;
                    }
                }
                peer.leave().await;
                "said\n"
            }
        };
        Router::new().route("/hook", post(said))
    });
    let running = app.start(Config::for_tests()).await.expect("starts");
    let mut ada = Client::join(running.addr(), "hall", "Ada").await;
    let request = format!(
        "POST /hook HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nContent-Length: 2\r\n\r\n40",
        running.addr()
    );
    let answer = raw(running.addr(), &request).await;
    assert_eq!(status(&answer), 200);
    assert!(answer.ends_with("said\n"), "{answer}");
    ada.see(|view| view.shared.sum == 40).await;
    drop(ada);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

/// What `admit` says by the room's name.
async fn start_with_admit() -> Running {
    let options =
        GameOptions::<Adder>::default().admit(async |scope, services| match scope.room.as_str() {
            "members" => Err(Refusal::new("members only")),
            "bug" => panic!("a bug of the program"),
            "slow" => {
                tokio::time::sleep(Duration::from_secs(60)).await;
                Ok(())
            }
            "layer" => {
                let message = downbeat::layer::Message::of("asked");
                let sent = services.group_send("asked", message).await;
                sent.map_err(|_| Refusal::BUSY)
            }
            _ => Ok(()),
        });
    let mut config = Config::for_tests();
    config.limits.handshake = Duration::from_millis(700);
    let app = App::new().game_with::<Adder>(options);
    app.start(config).await.expect("starts")
}

#[tokio::test]
async fn admit_lets_in_refuses_fails_or_takes_too_long_and_costs_nobody_else_anything() {
    let running = start_with_admit().await;
    for (room, reason) in [
        ("members", "members only"),
        ("bug", "could not be checked; try again"),
        ("slow", "room is busy"),
    ] {
        let mut client = Client::connect(running.addr(), room)
            .await
            .expect("upgraded");
        client.send(hello("Ada")).await;
        assert_eq!(client.goodbye().await, (4003, reason.to_owned()));
        let path = format!("/ws/adder/{room}");
        let refused = running.services().connect(visit(&path)).await;
        match refused.expect_err(room) {
            NotConnected::Closed(closed) => assert_eq!(closed.reason, reason),
            other => panic!("{other:?}"),
        }
    }
    Client::join(running.addr(), "layer", "Ada").await;
    is_well(&running).await;
    running.stop().await.expect("stopped");
}
