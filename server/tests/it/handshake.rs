use std::sync::Arc;

use downbeat_server::config::{Create, GameConfig};
use downbeat_server::{App, Config, GameOptions};
use futures_util::StreamExt as _;
use tokio::sync::Barrier;
use tokio_tungstenite::tungstenite::protocol::Message;

use crate::stage::{
    Adder, Client, handshake, nobody_is_left, raw, request, start, start_with, status,
};

/// A path, headers beyond the usual ones, and what comes of it.
type Attempt<'a> = (&'a str, &'a [(&'a str, &'a str)], u16);

async fn tried(running: &downbeat_server::Running, path: &str, extra: &[(&str, &str)]) -> u16 {
    let mut request = handshake(running.addr(), path);
    for (name, value) in extra {
        let name: tokio_tungstenite::tungstenite::http::HeaderName = name.parse().expect("a name");
        let value = value.parse().expect("a value");
        if request.headers().contains_key(&name) && name != "origin" {
            request.headers_mut().insert(name, value);
        } else {
            request.headers_mut().append(name, value);
        }
    }
    match Client::connect_with(running.addr(), request).await {
        Ok(_) => 101,
        Err(status) => status,
    }
}

#[tokio::test]
async fn outcomes_are_those_of_the_protocol() {
    let running = start().await;
    let long = format!("/ws/adder/{}", "x".repeat(65));
    let table: &[Attempt<'_>] = &[
        ("/ws/adder/main", &[], 101),
        ("/ws/adder/A-z_0.9", &[], 101),
        ("/ws/chess/main", &[], 404),
        ("/ws/adder/ma%20in", &[], 404),
        ("/ws/adder/ma%2Fin", &[], 404),
        ("/ws/adder/", &[], 404),
        (&long, &[], 404),
        (
            "/ws/adder/main",
            &[("Sec-WebSocket-Protocol", "chat, downbeat.v1")],
            101,
        ),
        (
            "/ws/adder/main",
            &[("Sec-WebSocket-Protocol", "downbeat.v2")],
            400,
        ),
        ("/ws/adder/main", &[("Sec-WebSocket-Version", "8")], 400),
        ("/ws/adder/main", &[("Sec-WebSocket-Key", "short")], 400),
        (
            "/ws/adder/main",
            &[("Origin", "http://localhost:5173")],
            101,
        ),
        ("/ws/adder/main", &[("Origin", "http://evil.net")], 403),
        ("/ws/adder/main", &[("Origin", "null")], 403),
        (
            "/ws/adder/main",
            &[
                ("Origin", "http://localhost:1"),
                ("Origin", "http://localhost:1"),
            ],
            403,
        ),
        // The order: an origin that is not allowed learns nothing of what there is.
        (
            "/ws/chess/main",
            &[
                ("Origin", "http://evil.net"),
                ("Sec-WebSocket-Protocol", "no"),
            ],
            403,
        ),
        ("/ws/chess/main", &[("Sec-WebSocket-Protocol", "no")], 400),
    ];
    for (path, extra, expect) in table {
        let got = tried(&running, path, extra).await;
        assert_eq!(got, *expect, "{path} {extra:?}");
    }
    let plain = request(running.addr(), "GET", "/ws/adder/main", "").await;
    assert_eq!(status(&plain), 400);
    let posted = request(running.addr(), "POST", "/ws/adder/main", "").await;
    assert_eq!(status(&posted), 405);
}

#[tokio::test]
async fn without_a_subprotocol_nobody_is_let_in() {
    let running = start().await;
    let answer = raw(
        running.addr(),
        "GET /ws/adder/main HTTP/1.1\r\nHost: x\r\nConnection: keep-alive, Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n\
         GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    );
    let answer = answer.await;
    assert_eq!(status(&answer), 400);
    assert!(
        answer.ends_with("ok\n"),
        "the connection is still good: {answer}"
    );
}

#[tokio::test]
async fn only_declared_rooms_open_where_the_server_opens_them() {
    let mut config = Config::for_tests();
    config.game.create = Create::Server;
    let adder = GameConfig {
        rooms: vec!["main".into()],
        ..GameConfig::default()
    };
    config.games.insert("adder".into(), adder);
    let running = start_with(config).await;
    assert_eq!(tried(&running, "/ws/adder/other", &[]).await, 403);
    assert_eq!(tried(&running, "/ws/adder/main", &[]).await, 101);
}

#[tokio::test]
async fn rooms_are_capped_in_all_and_per_address() {
    let mut config = Config::for_tests();
    config.limits.rooms = 3;
    config.limits.rooms_per_address = Some(2);
    let running = start_with(config).await;
    let _a = Client::join(running.addr(), "a", "").await;
    let _b = Client::join(running.addr(), "b", "").await;
    let third = request_with_retry(&running, "c").await;
    assert_eq!(third, (429, true));
    assert_eq!(tried(&running, "/ws/adder/b", &[]).await, 101, "not opened");

    let mut config = Config::for_tests();
    config.limits.rooms = 2;
    let running = start_with(config).await;
    let _a = Client::join(running.addr(), "a", "").await;
    let _b = Client::join(running.addr(), "b", "").await;
    let third = request_with_retry(&running, "c").await;
    assert_eq!(third, (503, true));
}

#[tokio::test]
async fn rooms_are_capped_per_address_also_where_many_come_at_once() {
    let mut config = Config::for_tests();
    config.limits.rooms_per_address = Some(2);
    let running = start_with(config).await;
    let connect = async |room| Client::connect(running.addr(), room).await.expect("in");
    let (mut a, mut b) = (connect("a").await, connect("b").await);
    let mut c = connect("c").await;
    for client in [&mut a, &mut b] {
        client.send(crate::stage::hello("Ada")).await;
        client.see(|view| view.welcome.is_some()).await;
    }
    c.send(crate::stage::hello("Ada")).await;
    assert_eq!(c.goodbye().await, (4003, "too many rooms".to_owned()));
}

#[tokio::test]
async fn rooms_are_capped_per_address_also_while_the_project_is_still_deciding() {
    const COME: usize = 8;
    let all_are_asked = Arc::new(Barrier::new(COME));
    let options = GameOptions::<Adder>::default().admit(move |_, _| {
        let all_are_asked = Arc::clone(&all_are_asked);
        async move {
            all_are_asked.wait().await;
            Ok(())
        }
    });
    let mut config = Config::for_tests();
    config.limits.rooms_per_address = Some(2);
    let app = App::new().game_with::<Adder>(options);
    let running = app.start(config).await.expect("starts");
    let mut clients = Vec::new();
    for n in 0..COME {
        let client = Client::connect(running.addr(), &format!("room-{n}")).await;
        clients.push(client.expect("upgraded"));
    }
    for client in &mut clients {
        client.send(crate::stage::hello("Ada")).await;
    }
    let mut turned_back = 0;
    for client in &mut clients {
        let message = client.ws.next().await.expect("an answer").expect("read");
        if let Message::Close(close) = message {
            let close = close.expect("a code");
            assert_eq!(
                (u16::from(close.code), &*close.reason),
                (4003, "too many rooms")
            );
            turned_back += 1;
        }
    }
    assert_eq!(turned_back, COME - 2);
    assert_eq!(running.counters().rooms_open.value(), 2);
}

/// The status, and whether it says when to try again.
async fn request_with_retry(running: &downbeat_server::Running, room: &str) -> (u16, bool) {
    let extra = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Protocol: downbeat.v1\r\n";
    let path = format!("/ws/adder/{room}");
    let answer = request(running.addr(), "GET", &path, extra).await;
    (status(&answer), answer.contains("retry-after: "))
}

#[tokio::test]
async fn connections_are_capped_and_a_place_comes_free_again() {
    let mut config = Config::for_tests();
    config.limits.connections = Some(2);
    config.limits.connections_per_address = Some(1);
    let running = start_with(config).await;
    let ada = Client::join(running.addr(), "main", "Ada").await;
    let page = request(running.addr(), "GET", "/healthz", "").await;
    assert_eq!(status(&page), 429);
    assert!(page.contains("retry-after: "), "{page}");
    drop(ada);
    nobody_is_left(&running).await;
    assert_eq!(
        status(&request(running.addr(), "GET", "/healthz", "").await),
        200
    );

    let mut config = Config::for_tests();
    config.limits.connections = Some(1);
    let running = start_with(config).await;
    let _ada = Client::join(running.addr(), "main", "Ada").await;
    assert_eq!(status(&request(running.addr(), "GET", "/", "").await), 503);
}

#[tokio::test]
async fn a_rush_beyond_the_cap_never_stops_the_server() {
    let mut config = Config::for_tests();
    config.limits.connections = Some(2);
    let running = start_with(config).await;
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    let mut rush = Vec::new();
    for _ in 0..300 {
        rush.push(
            tokio::net::TcpStream::connect(running.addr())
                .await
                .expect("connected"),
        );
    }
    ada.send(ada.view.input(1, 7)).await;
    ada.see(|view| view.shared.sum == 7).await;
}
