//! The operators' endpoints, over real sockets.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat::layer::{Address, LayerLimits, Message, Received, open_queue};
use downbeat_server::config::Secret;
use downbeat_server::{App, Config, Running};
use tokio::time::timeout;

use crate::stage::{raw, status};

const TOKEN: &str = "a-token-of-tests-0123456789";

async fn start(token: Option<&str>) -> (Running, SocketAddr) {
    let mut config = Config {
        admin: Some("127.0.0.1:0".parse().expect("an address")),
        ..Config::for_tests()
    };
    config.sources.admin_token = token.map(Secret::from);
    let running = App::new().start(config).await.expect("the server starts");
    let admin = running.admin_addr().expect("asked for");
    (running, admin)
}

pub(crate) async fn post(admin: SocketAddr, path: &str, headers: &str, body: &str) -> String {
    let host = if headers.to_lowercase().contains("host:") {
        String::new()
    } else {
        format!("Host: {admin}\r\n")
    };
    let kind = if headers.to_lowercase().contains("content-type:") {
        ""
    } else {
        "Content-Type: application/json\r\n"
    };
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\n{host}{kind}{headers}Connection: close\r\n\
         Content-Length: {length}\r\n\r\n{body}"
    );
    raw(admin, &request).await
}

async fn next(queue: &downbeat::layer::Receiver) -> Message {
    let received = timeout(Duration::from_secs(10), queue.receive()).await;
    match received.expect("in time") {
        Received::Message(message) => (*message).clone(),
        Received::Missed(n) => panic!("{n} missed"),
    }
}

const SEND: &str = r#"{"channel":"test.listener","message":{"type":"hello","n":1}}"#;

#[tokio::test]
async fn row_23_whoever_may_sends_to_a_channel_and_to_a_group() {
    let (running, admin) = start(None).await;
    let layer = running.services().layer().clone();
    let named = Address::Named("test.listener".into());
    let queue = open_queue(&*layer, named, &LayerLimits::default()).expect("opened");
    layer
        .group_add("test.group", queue.name())
        .await
        .expect("added");
    let to_group = SEND
        .replace("channel", "group")
        .replace("listener", "group");
    for body in [SEND, &to_group] {
        assert_eq!(status(&post(admin, "/admin/send", "", body).await), 204);
        let expect = Message::of("hello").with("n", 1_i64);
        assert_eq!(next(&queue).await, expect);
    }
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_in_words() {
    let (running, admin) = start(None).await;
    let message = r#""message":{"type":"x"}"#;
    for (body, expect, word) in [
        (format!("{{{message}}}"), 422, "where_to"),
        (
            format!(r#"{{"group":"a","channel":"b",{message}}}"#),
            422,
            "where_to",
        ),
        (
            format!(r#"{{"group":"not a name",{message}}}"#),
            422,
            "bad_name",
        ),
        (
            format!(r#"{{"group":"a","extra":1,{message}}}"#),
            422,
            "bad_request",
        ),
        (
            r#"{"group":"a","message":[]}"#.to_owned(),
            422,
            "bad_request",
        ),
        ("{".to_owned(), 400, "bad_request"),
        (String::new(), 400, "bad_request"),
    ] {
        let answer = post(admin, "/admin/send", "", &body).await;
        assert_eq!(status(&answer), expect, "{body}: {answer}");
        assert!(
            answer.contains(&format!(r#""error":"{word}""#)),
            "{body}: {answer}"
        );
    }
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    assert_eq!(status(&post(admin, "/admin/send", form, SEND).await), 415);
    let user = post(admin, "/admin/disconnect", "", r#"{"user":"no user"}"#).await;
    assert_eq!(status(&user), 422);
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn without_a_token_web_pages_are_not_heard_whatever_their_name_points_to() {
    let (running, admin) = start(None).await;
    let port = admin.port();
    for headers in [
        "Host: evil.example\r\n".to_owned(),
        format!("Host: evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1.evil.example:{port}\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: http://evil.example\r\n"),
        format!("Host: 127.0.0.1:{port}\r\nOrigin: null\r\n"),
        format!("Host: localhost:{port}\r\nOrigin: http://localhost:{port}\r\n"),
    ] {
        let answer = post(admin, "/admin/send", &headers, SEND).await;
        assert_eq!(status(&answer), 403, "{headers}: {answer}");
    }
    let local = format!("Host: localhost:{port}\r\n");
    assert_eq!(status(&post(admin, "/admin/send", &local, SEND).await), 204);
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn with_a_token_only_who_has_it_is_heard() {
    let (running, admin) = start(Some(TOKEN)).await;
    for headers in [
        String::new(),
        "Authorization: Bearer wrong\r\n".to_owned(),
        format!("Authorization: Basic {TOKEN}\r\n"),
        format!("Authorization: Bearer {TOKEN}x\r\n"),
        format!("X-Token: {TOKEN}\r\n"),
    ] {
        for path in ["/admin/send", "/admin/disconnect", "/admin/revoke"] {
            let answer = post(admin, path, &headers, SEND).await;
            assert_eq!(status(&answer), 401, "{path} {headers}");
            assert!(answer.to_lowercase().contains("www-authenticate: bearer"));
        }
    }
    let right = format!("Authorization: Bearer {TOKEN}\r\n");
    assert_eq!(status(&post(admin, "/admin/send", &right, SEND).await), 204);
    let query = format!("/admin/send?token={TOKEN}");
    assert_eq!(status(&post(admin, &query, "", SEND).await), 401);
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn metrics_are_told_to_whoever_may_use_the_rest() {
    let ask = async |running: &Running, path: &str, headers: &str| {
        let port = running.admin_addr().expect("asked for").port();
        let admin = SocketAddr::from(([127, 0, 0, 1], port));
        let request = format!("GET {path} HTTP/1.1\r\n{headers}Connection: close\r\n\r\n");
        status(&raw(admin, &request).await)
    };
    let good = format!("Host: game.example\r\nAuthorization: Bearer {TOKEN}\r\n");
    for (listens, token, headers, expect) in [
        ("127.0.0.1:0", None, "Host: 127.0.0.1\r\n", 200),
        ("127.0.0.1:0", None, "Host: evil.example\r\n", 403),
        ("127.0.0.1:0", Some(TOKEN), "Host: 127.0.0.1\r\n", 401),
        ("127.0.0.1:0", Some(TOKEN), &good, 200),
        ("0.0.0.0:0", None, "Host: 127.0.0.1\r\n", 403),
        ("0.0.0.0:0", Some(TOKEN), "Host: 127.0.0.1\r\n", 401),
        ("0.0.0.0:0", Some(TOKEN), &good, 200),
    ] {
        let mut config = Config {
            admin: Some(listens.parse().expect("an address")),
            ..Config::for_tests()
        };
        config.sources.admin_token = token.map(Secret::from);
        let running = App::new().start(config).await.expect("the server starts");
        let got = ask(&running, "/metrics", headers).await;
        assert_eq!(got, expect, "{listens} {token:?} {headers}");
        // Whether it lives is told to anybody who gets that far.
        assert_eq!(ask(&running, "/healthz", "Host: x\r\n").await, 200);
    }
}

#[tokio::test]
async fn the_players_port_has_no_such_endpoint() {
    let (running, _) = start(None).await;
    let answer = post(running.addr(), "/admin/send", "", SEND).await;
    assert_eq!(status(&answer), 404);
    running.stop().await.expect("stopped");
}

#[tokio::test]
async fn who_is_present_in_a_group_is_told() {
    let (running, admin) = start(None).await;
    let layer = running.services().layer().clone();
    let unique = Address::Unique("test");
    let queue = open_queue(&*layer, unique, &LayerLimits::default()).expect("opened");
    let ada = downbeat::layer::Present {
        id: "7".into(),
        name: "Ada".into(),
    };
    layer
        .appear("lobby", queue.name(), ada)
        .await
        .expect("there");
    let request = format!(
        "GET /admin/present?group=lobby HTTP/1.1\r\nHost: {admin}\r\nConnection: close\r\n\r\n"
    );
    let answer = raw(admin, &request).await;
    assert_eq!(status(&answer), 200);
    let expect = r#"{"count":1,"present":[{"id":"7","name":"Ada"}]}"#;
    assert!(answer.ends_with(expect), "{answer}");
    running.stop().await.expect("stopped");
}
