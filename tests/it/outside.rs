//! What programs say to players of the real program: `downbeat send`, the operators' requests, and
//! a layer of their own.

use std::process::Output;
use std::sync::Arc;

use downbeat::client::View;
use downbeat::layer::Message;
use downbeat_scenarios::Chat;
use downbeat_scenarios::chat::{Event, Kind};
use downbeat_server::config::{LayerBackend, LayerConfig};
use downbeat_server::start_layer;
use serde_json::{Value, json};

use crate::guard::{eventually, free_port};
use crate::member::{Member, connect_as};
use crate::process::{Home, get, send};
use crate::security::raw::Answer;
use crate::security::stage::request;

const JSON: &str = "Content-Type: application/json\r\n";

/// To the room in which everybody is in these tests.
const TO_ROOM: [&str; 2] = ["--group", "room.chat.lobby"];

fn post(port: u16, path: &str, lines: &str, body: &Value) -> Answer {
    request(
        port,
        "POST",
        path,
        &format!("{JSON}{lines}"),
        &body.to_string(),
    )
}

fn has_line(view: &View<Chat>, line: &str) -> bool {
    let mut lines = view.entities.values().filter(|e| e.kind == Kind::Line);
    lines.any(|entry| format!("{}: {}", entry.name, entry.text) == line)
}

fn line(text: &str) -> String {
    json!({"type": "chat.message", "name": "Cron", "text": text}).to_string()
}

/// A new guest of a server: its user's id, and its session's token.
fn guest(home: &Home, name: &str) -> (String, String) {
    let answer = post(
        home.port,
        "/api/guest",
        "",
        &json!({"name": name, "token": true}),
    );
    let told: Value = serde_json::from_slice(&answer.body).expect("JSON");
    let word = |value: &Value| value.as_str().expect("a word").to_owned();
    (word(&told["user"]["id"]), word(&told["token"]))
}

#[track_caller]
fn well(output: &Output) {
    assert!(output.status.success(), "{output:?}");
    assert!(output.stderr.is_empty(), "{output:?}");
}

/// A mistake is one line that has these words, and exit code 2.
#[track_caller]
fn refused(output: &Output, words: &str) {
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(2), "{words}: {text}");
    assert_eq!(text.lines().count(), 1, "{words}: {text}");
    assert!(
        text.starts_with("error: ") && text.contains(words),
        "{words}: {text}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_downbeat_send_reaches_a_room_a_user_and_one_member() {
    let home = Home::new("");
    let _server = home.serve();
    let (id, token) = guest(&home, "Ada");
    let ada = Member::<Chat>::join_as(home.port, "lobby", "Ada", &token).await;
    let bob = Member::<Chat>::join(home.port, "lobby", "Bob").await;

    well(&home.send(&[&TO_ROOM[..], &["--json", &line("we restart at nine")]].concat()));
    for member in [&ada, &bob] {
        let said = |view: &mut View<Chat>| has_line(view, "Cron: we restart at nine");
        member.sees("a line for the room", said).await;
    }
    let direct = |text: &'static str| move |event: &Event| matches!(event, Event::Direct { text: t, .. } if t == text);
    well(&home.send(&["--group", &format!("user.{id}"), "--json", &line("for Ada")]));
    ada.hears("a word for a user", direct("for Ada")).await;
    // Bob has no user: his channel is his name among those who are present.
    let present = get(home.admin, "/admin/present?group=room.chat.lobby");
    let (_, body) = present.split_once("\r\n\r\n").expect("a body");
    let present: Value = serde_json::from_str(body).expect("JSON");
    let mut all = present["present"].as_array().expect("a list").iter();
    let of_bob = all.find(|who| who["name"] == "Bob").expect("he is there");
    let channel = of_bob["id"].as_str().expect("a name");
    assert!(channel.starts_with("session."), "{channel}");
    well(&home.send(&["--channel", channel, "--json", &line("for Bob")]));
    bob.hears("a word for a member", direct("for Bob")).await;
    let heard = bob.look(|view| view.events.iter().any(direct("for Ada")));
    assert!(!heard, "for Ada alone");

    // From a pipe, as much as a layer takes: the room shows what fits a line.
    let admin = format!("http://127.0.0.1:{}", home.admin);
    let long = line(&format!("long {}", "x".repeat(900_000)));
    let from_pipe = ["--admin", &admin, "--json", "-"];
    well(&send(&[&TO_ROOM[..], &from_pipe].concat(), &long));
    let shown = format!("Cron: long {}", "x".repeat(495));
    bob.sees("the beginning", |view| has_line(view, &shown))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_15_what_a_game_does_not_know_is_counted_and_costs_nobody_the_connection() {
    let home = Home::new("");
    let _server = home.serve();
    let ada = Member::<Chat>::join(home.port, "lobby", "Ada").await;
    for message in [
        r#"{"type":"chat.dance"}"#,
        r#"{"type":"chat.message","text":7}"#,
        r#"{"type":"chat_message"}"#,
        r#"{"type":7}"#,
        "{}",
    ] {
        well(&home.send(&[&TO_ROOM[..], &["--json", message]].concat()));
    }
    well(&home.send(&[&TO_ROOM[..], &["--json", &line("still here")]].concat()));
    ada.sees("what comes after", |view| {
        has_line(view, "Cron: still here")
    })
    .await;
    let counted =
        ["unknown", "malformed"].map(|what| home.metric(&format!("downbeat_layer_{what}_total")));
    assert_eq!(counted.iter().sum::<u64>(), 5, "{counted:?}");
    assert!(counted.iter().all(|&count| count > 0), "{counted:?}");
    // Nobody hears what is sent to nobody; that is no mistake of whoever sends.
    well(&home.send(&["--group", "nobody", "--json", &line("hello?")]));
    well(&home.send(&["--channel", "session.gone!1", "--json", &line("hello?")]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_in_what_is_sent_is_one_line_and_exit_code_2() {
    let home = Home::new("");
    let _server = home.serve();
    let json = ["--json", r#"{"type":"x"}"#];
    let names_99 = "x".repeat(100);
    for (to, words) in [
        (["--group", "not a name"], "not a name"),
        (["--group", "Grüße"], "Grüße"),
        (["--group", ""], "name"),
        (["--group", &names_99], "name"),
        (["--group", "a!b"], "a!b"),
        (["--channel", "a!b!c"], "a!b!c"),
        (["--channel", "line\nbreak"], "line"),
    ] {
        refused(&home.send(&[&to[..], &json].concat()), words);
    }
    for (message, words) in [
        ("", "--json"),
        ("{", "--json"),
        ("[1]", "--json: expected an object"),
        (r#""text""#, "--json: expected an object"),
        (
            r#"{"type":"x","n":18446744073709551615}"#,
            "refused with 422",
        ),
    ] {
        refused(
            &home.send(&[&TO_ROOM[..], &["--json", message]].concat()),
            words,
        );
    }
    refused(&home.send(&json), "--group");
    refused(
        &home.send(&[&TO_ROOM[..], &["--channel", "a"], &json].concat()),
        "--channel",
    );
    let admin = format!("http://127.0.0.1:{}", home.admin);
    let pipe = [&TO_ROOM[..], &["--admin", &admin, "--json", "-"]].concat();
    for mib in [5, 40] {
        let big = line(&"x".repeat(mib << 20));
        refused(&send(&pipe, &big), "refused with 413");
    }

    let nowhere = format!("http://127.0.0.1:{}", free_port());
    let players = format!("http://127.0.0.1:{}", home.port);
    for (admin, words) in [
        (&*nowhere, "is the server running"),
        (&players, "that is no server of this kind"),
        ("https://127.0.0.1:7778", "expected a URL such as http://"),
        ("http://no.invalid:1", "is the server running"),
    ] {
        refused(
            &send(&[&TO_ROOM[..], &json, &["--admin", admin]].concat(), ""),
            words,
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_say_something_from_outside_has_the_token_where_there_is_one() {
    let token = "operators-token-0123456789";
    let home = Home::new(&format!("admin_token = \"{token}\"\n"));
    let _server = home.serve();
    let ada = Member::<Chat>::join(home.port, "lobby", "Ada").await;
    let (right, wrong) = (home.path("right"), home.path("wrong"));
    std::fs::write(&right, format!("{token}\n")).expect("written");
    std::fs::write(&wrong, "operators-token-0123456788\n").expect("written");
    let [right, wrong, none] =
        [right, wrong, home.path("none")].map(|path| path.display().to_string());
    let message = line("it is me");
    let words = [&TO_ROOM[..], &["--json", &message]].concat();
    refused(&home.send(&words), "refused with 401");
    for (file, said) in [(&wrong, "refused with 401"), (&none, "--token-file")] {
        refused(
            &home.send(&[&words[..], &["--token-file", file]].concat()),
            said,
        );
    }
    well(&home.send(&[&words[..], &["--token-file", &right]].concat()));
    ada.sees("a line", |view| has_line(view, "Cron: it is me"))
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_operators_close_a_user_a_session_and_a_room() {
    let home = Home::new("");
    let _server = home.serve();
    let (id, token) = guest(&home, "Ada");
    let user = json!({"user": id});
    let join = async |name| Member::<Chat>::join_as(home.port, "lobby", name, &token).await;
    let by_operator = (4003, "disconnected by the operator".to_owned());

    // Disconnected, on all devices; she may come back.
    let (phone, desk) = (join("Ada").await, join("Ada").await);
    let bob = Member::<Chat>::join(home.port, "lobby", "Bob").await;
    assert_eq!(post(home.admin, "/admin/disconnect", "", &user).status, 204);
    assert_eq!(phone.goodbye().await, by_operator);
    assert_eq!(desk.goodbye().await, by_operator);
    let again = join("Ada").await;
    // The same in a message, as a Django project sends it.
    let close = r#"{"type":"downbeat.close"}"#;
    well(&home.send(&["--group", &format!("user.{id}"), "--json", close]));
    assert_eq!(again.goodbye().await, by_operator);

    // Revoked: her session is worth nothing any more.
    let again = join("Ada").await;
    assert_eq!(post(home.admin, "/admin/revoke", "", &user).status, 204);
    assert_eq!(again.goodbye().await.0, 4003);
    let refused = connect_as(home.port, "/ws/chat/lobby", &token).await;
    assert_eq!(refused.err(), Some(401));
    // Somebody who is not there cannot be missed; what can be no user is told.
    let stranger = json!({"user": "guest_99"});
    for path in ["/admin/disconnect", "/admin/revoke"] {
        assert_eq!(post(home.admin, path, "", &stranger).status, 204, "{path}");
        assert_eq!(
            post(home.admin, path, "", &json!({"user": "a b"})).status,
            422
        );
        assert_eq!(post(home.admin, path, "", &json!({"id": "7"})).status, 422);
    }
    // Bob has sat through all of it; then the room is closed.
    bob.sees("he is here alone", |view| {
        let people = view.entities.values().filter(|e| e.kind == Kind::Person);
        people.count() == 1
    })
    .await;
    well(&home.send(&[&TO_ROOM[..], &["--json", close]].concat()));
    assert_eq!(bob.goodbye().await, (4004, "room closed".to_owned()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_its_redis_a_server_says_so_and_who_is_there_is_told_all_the_same() {
    let port = free_port();
    let home = Home::new(&format!(
        "[layer]\nbackend = \"redis\"\nhosts = [\"redis://127.0.0.1:{port}\"]\n"
    ));
    let _server = home.serve();
    let ready = get(home.port, "/readyz");
    assert!(ready.contains("the layer is unavailable"), "{ready}");
    let (id, token) = guest(&home, "Ada");
    let ada = Member::<Chat>::join_as(home.port, "lobby", "Ada", &token).await;
    let sent = home.send(&[&TO_ROOM[..], &["--json", &line("anybody?")]].concat());
    refused(&sent, "refused with 503: the layer is unavailable");
    ada.sees("those of this process hear each other", |view| {
        has_line(view, "Cron: anybody?")
    })
    .await;
    // Elsewhere nobody has heard of it, which is told; here she goes all the same.
    let gone = post(home.admin, "/admin/disconnect", "", &json!({"user": id}));
    assert_eq!(gone.status, 503);
    let by_operator = (4003, "disconnected by the operator".to_owned());
    assert_eq!(ada.goodbye().await, by_operator);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_23_a_program_with_a_layer_of_its_own_speaks_to_players() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("layer.sock");
    let home = Home::new(&format!(
        "[layer]\nbackend = \"unix\"\nunix_path = {path:?}\n"
    ));
    let _server = home.serve();
    let ada = Member::<Chat>::join(home.port, "lobby", "Ada").await;
    // As in the documentation of `start_layer`.
    let config = LayerConfig {
        backend: LayerBackend::Unix,
        unix_path: Some(path),
        ..LayerConfig::default()
    };
    let layer = start_layer(&config, None).expect("a layer");
    eventually("on the bus", || layer.health().is_ok()).await;
    let message = Message::of("chat.message")
        .with("name", "Shop")
        .with("text", "we are open");
    let sent = layer.group_send("room.chat.lobby", Arc::new(message)).await;
    sent.expect("sent");
    ada.sees("what a program said", |view| {
        has_line(view, "Shop: we are open")
    })
    .await;
    let present = layer.present("room.chat.lobby").await.expect("a list");
    let names: Vec<_> = present.iter().map(|who| &*who.name).collect();
    assert_eq!(names, ["Ada"]);
}
