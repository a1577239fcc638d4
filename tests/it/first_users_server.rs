//! What the first users have today, as far as it takes the whole program: see `first_users`.

use std::process::Command;

use downbeat::Schema;
use downbeat::client::{View, hello};
use downbeat_scenarios::{Event, Input, Meadow};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;

use crate::member::{connect, until};
use crate::process::{Program, binary, free_port, get};

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
fn the_program_serves_also_with_what_cargo_adds_to_the_environment() {
    // Cargo hands a build script's variables on to what it runs; the server once took one of them
    // for a misspelt setting.
    let script = include_str!("../../scenarios/build.rs");
    let set = script.split("cargo::rustc-env=").skip(1);
    let names: Vec<_> = set.filter_map(|set| set.split('=').next()).collect();
    assert!(!names.is_empty(), "it sets none any more");
    let port = free_port();
    let mut program = Command::new(binary());
    program.envs(names.iter().map(|name| (name, ""))).args([
        "--admin",
        "off",
        "--listen",
        &format!("127.0.0.1:{port}"),
    ]);
    let _server = Program::start(program, port);
    assert!(get(port, "/").starts_with("HTTP/1.1 200"));
}

/// Where a balancer in front of two processes takes a room: always to the same one.
fn process_of(path: &str) -> usize {
    path.bytes().map(usize::from).sum::<usize>() % 2
}

/// A balancer that knows nothing but paths; answers its port.
async fn balancer(ports: [u16; 2]) -> u16 {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
    let listener = listener.expect("a port");
    let own = listener.local_addr().expect("bound").port();
    tokio::spawn(async move {
        loop {
            let (mut client, _) = listener.accept().await.expect("a client");
            tokio::spawn(async move {
                let mut head = [0; 512];
                let read = client.peek(&mut head).await.expect("a request");
                let head = String::from_utf8_lossy(&head[..read]).into_owned();
                let path = head.split(' ').nth(1).expect("a path");
                let to = ("127.0.0.1", ports[process_of(path)]);
                let mut server = tokio::net::TcpStream::connect(to).await.expect("served");
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    own
}

#[cfg(unix)]
#[tokio::test]
async fn row_10_two_processes_behind_a_balancer_keep_rooms_together_and_drain_one_by_one() {
    let ports = [free_port(), free_port()];
    let mut servers = ports.map(|port| Some(Program::serve(&binary(), port)));
    let front = balancer(ports).await;
    // A room of each process.
    let rooms = ["a", "b"].map(|room| format!("/ws/meadow/{room}"));
    assert_ne!(process_of(&rooms[0]), process_of(&rooms[1]));
    let schema = Schema::hash_of::<Meadow>().expect("described");
    let join = async |path: &str, name: &str| {
        let mut socket = connect(front, path).await.expect("let in");
        let hello = Message::binary(hello(name, schema));
        socket.send(hello).await.expect("sent");
        let mut view = View::<Meadow>::new();
        until(&mut socket, &mut view, |view| view.avatar().is_some()).await;
        (socket, view)
    };
    let (mut ada, mut ada_view) = join(&rooms[0], "Ada").await;
    let (mut bob, mut bob_view) = join(&rooms[0], "Bob").await;
    let (mut eve, _) = join(&rooms[1], "Eve").await;
    // Those of one room meet, whatever connection brought them.
    let (id, _) = bob_view.avatar().expect("in the meadow");
    until(&mut ada, &mut ada_view, |view| {
        view.entities.contains_key(&id)
    })
    .await;

    let drained = process_of(&rooms[1]);
    let server = servers[drained].as_mut().expect("it runs");
    let pid = server.0.id().to_string();
    let killed = Command::new("kill").args(["-TERM", &pid]).status();
    assert!(killed.expect("kill runs").success());
    let code = loop {
        let message = eve.next().await.expect("a goodbye").expect("a message");
        if let Message::Close(close) = message {
            break close.expect("a code").code;
        }
    };
    assert_eq!(u16::from(code), 1001, "come again soon");
    drop(eve);
    let ended = tokio::task::spawn_blocking({
        let mut server = servers[drained].take().expect("it runs");
        move || server.0.wait()
    });
    assert!(ended.await.expect("no panic").expect("it ends").success());
    // The others play on, and the one who was sent away gets in where there is room for her.
    let seq = 1;
    let walk = bob_view.input(seq, Input::Walk { dx: 127, dy: 0 });
    bob.send(Message::binary(walk)).await.expect("sent");
    until(&mut bob, &mut bob_view, |view| view.input_ack >= seq).await;
    let _eve_again = join(&rooms[0], "Eve").await;
}
