//! What the first users have today, as far as it takes the whole program: see `first_users`.

use std::process::Command;

use downbeat::Schema;
use downbeat::client::{View, hello};
use downbeat_scenarios::{Event, Input, Meadow};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::process::{Program, binary, free_port, get};

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

async fn connect(port: u16, path: &str) -> Result<Socket, u16> {
    let url = format!("ws://127.0.0.1:{port}{path}");
    let mut request = url.into_client_request().expect("a URL");
    let protocol = downbeat::wire::SUBPROTOCOL.parse().expect("a header");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Reads until the view shows what is looked for.
async fn until(socket: &mut Socket, view: &mut View<Meadow>, seen: impl Fn(&View<Meadow>) -> bool) {
    while !seen(view) {
        match socket
            .next()
            .await
            .expect("an open socket")
            .expect("a message")
        {
            Message::Binary(bytes) => {
                view.apply(&bytes).expect("a frame");
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn row_02_one_port_for_the_page_and_the_socket_a_pressed_key_comes_back_to_everybody() {
    let port = free_port();
    let _server = Program::serve(&binary(), port);
    let page = get(port, "/");
    assert!(page.starts_with("HTTP/1.1 200"), "{page}");

    let mut sockets = Vec::new();
    for name in ["Ada", "Bob"] {
        let mut socket = connect(port, "/ws/meadow/main").await.expect("let in");
        socket
            .send(Message::binary(hello(
                name,
                Schema::hash_of::<Meadow>().expect("described"),
            )))
            .await
            .expect("sent");
        let mut view = View::<Meadow>::new();
        until(&mut socket, &mut view, |view| view.avatar().is_some()).await;
        sockets.push((socket, view));
    }
    let [(ada, ada_view), (bob, bob_view)] = &mut sockets[..] else {
        unreachable!("two joined");
    };
    let (id, _) = ada_view.avatar().expect("in the meadow");
    let heading = ada_view.entities.get(&id).expect("seen").heading;
    // One of four ways is another than where it looks, and free.
    let mut seq = 0;
    'pressed: for _ in 0..10 {
        for (dx, dy) in [(127, 0), (0, 127), (-127, 0), (0, -127)] {
            seq += 1;
            let key = ada_view.input(seq, Input::Walk { dx, dy });
            ada.send(Message::binary(key)).await.expect("sent");
            until(ada, ada_view, |view| view.input_ack >= seq).await;
            if ada_view.entities.get(&id).expect("seen").heading != heading {
                break 'pressed;
            }
        }
    }
    until(bob, bob_view, |view| {
        view.entities
            .get(&id)
            .is_some_and(|ada| ada.heading != heading)
    })
    .await;
}

#[tokio::test]
async fn row_14_text_binary_and_json_in_one_room() {
    let port = free_port();
    let _server = Program::serve(&binary(), port);
    let mut ada = connect(port, "/ws/meadow/main").await.expect("let in");
    let schema = Schema::hash_of::<Meadow>().expect("meadow can be described");
    ada.send(Message::binary(hello("Ada", schema)))
        .await
        .expect("sent");
    let mut view = View::<Meadow>::new();
    until(&mut ada, &mut view, |view| view.avatar().is_some()).await;

    let url = format!("ws://127.0.0.1:{port}/ws/meadow/main");
    let mut request = url.into_client_request().expect("a URL");
    let protocol = "downbeat.v1.json".parse().expect("a header");
    request
        .headers_mut()
        .insert("sec-websocket-protocol", protocol);
    let (mut bob, _) = tokio_tungstenite::connect_async(request)
        .await
        .expect("let in");
    let say = |text: &str| Message::text(text.to_owned());
    bob.send(say(r#"{"type":"hello","name":"Bob"}"#))
        .await
        .expect("sent");
    bob.send(say(
        r#"{"type":"input","seq":1,"input":{"Emote":{"emote":2}}}"#,
    ))
    .await
    .expect("sent");
    let mut told = String::new();
    while !told.contains("Emoted") {
        if let Message::Text(text) = bob.next().await.expect("open").expect("read") {
            told.push_str(&text);
        }
    }
    assert!(told.contains(r#""name":"Ada""#), "in words: {told}");
    let emoted = |view: &View<Meadow>| {
        let mut events = view.events.iter();
        events.any(|event| matches!(event, Event::Emoted { emote: 2, .. }))
    };
    until(&mut ada, &mut view, emoted).await;
}

#[tokio::test]
async fn row_16_http_and_game_routes_on_one_port_and_an_unknown_one_is_a_404() {
    let port = free_port();
    let _server = Program::serve(&binary(), port);
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    assert!(get(port, "/api/rooms?game=meadow").contains("[]"));
    assert!(get(port, "/no/such/page").starts_with("HTTP/1.1 404"));
    assert!(get(port, "/api/rooms?game=chess").starts_with("HTTP/1.1 404"));
    assert_eq!(connect(port, "/ws/chess/main").await.err(), Some(404));
    assert_eq!(connect(port, "/ws/meadow/a%20b").await.err(), Some(404));
    for game in ["meadow", "tally", "tag", "arena"] {
        assert!(
            connect(port, &format!("/ws/{game}/captured-name"))
                .await
                .is_ok(),
            "{game}"
        );
    }
}

#[test]
fn row_30_host_port_and_workers_come_from_the_command_line() {
    let port = free_port();
    let server = Program::serve_with(&binary(), port, &["--workers", "1", "--admin", "off"]);
    assert!(get(port, "/healthz").starts_with("HTTP/1.1 200"));
    drop(server);
    for (flags, word) in [
        (["--workers", "none"], "workers"),
        (["--listen", "nowhere"], "listen"),
        (["--colour", "red"], "--colour"),
    ] {
        let output = Command::new(binary())
            .arg("serve")
            .args(flags)
            .output()
            .expect("it runs");
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(2), "{error}");
        assert!(
            error.trim().lines().count() == 1 && error.contains(word),
            "{error}"
        );
    }
}

#[test]
fn the_readmes_command_serves_also_with_what_cargo_adds_to_the_environment() {
    // Cargo hands a build script's variables on to what it runs; the server once took one of them
    // for a misspelt setting.
    let port = free_port();
    let mut cargo = Command::new(env!("CARGO"));
    cargo
        .args([
            "run",
            "--quiet",
            "--locked",
            "-p",
            "downbeat-scenarios",
            "--",
        ])
        .args(["--admin", "off", "--listen", &format!("127.0.0.1:{port}")]);
    let _server = Program::start(cargo, port);
    assert!(get(port, "/").starts_with("HTTP/1.1 200"));
}
