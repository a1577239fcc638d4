//! Signing in over HTTP: guests, accounts, sessions, tickets.

use downbeat_server::{Config, Running};
use serde_json::{Value, json};

use crate::stage::{raw, start, start_with, status};

/// An answer of the API.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: Value,
    pub(crate) raw: String,
}

impl Answer {
    fn of(raw: String) -> Self {
        let body = raw.split_once("\r\n\r\n").map_or("", |(_, body)| body);
        Self {
            status: status(&raw),
            body: serde_json::from_str(body).unwrap_or(Value::Null),
            raw,
        }
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let head = self.raw.split("\r\n\r\n").next()?;
        head.lines().find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    /// The session's cookie, as a browser sends it back.
    pub(crate) fn cookie(&self) -> String {
        let set = self.header("set-cookie").expect("a cookie");
        format!("Cookie: {}\r\n", set.split(';').next().expect("a pair"))
    }

    pub(crate) fn token(&self) -> &str {
        self.body["token"].as_str().expect("a token")
    }

    pub(crate) fn bearer(&self) -> String {
        format!("Authorization: Bearer {}\r\n", self.token())
    }

    #[track_caller]
    pub(crate) fn is(&self, status: u16, error: &str) {
        assert_eq!(
            (self.status, &self.body["error"]),
            (status, &json!(error)),
            "{}",
            self.raw
        );
        assert!(self.body["message"].is_string(), "{}", self.raw);
    }
}

pub(crate) async fn post(running: &Running, path: &str, extra: &str, body: &Value) -> Answer {
    post_text(running, path, extra, &body.to_string()).await
}

async fn post_text(running: &Running, path: &str, extra: &str, body: &str) -> Answer {
    let json = "Content-Type: application/json\r\n";
    send(running, path, &format!("{json}{extra}"), body).await
}

async fn send(running: &Running, path: &str, extra: &str, body: &str) -> Answer {
    let address = running.addr();
    let length = body.len();
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Length: {length}\r\n{extra}\r\n{body}"
    );
    Answer::of(raw(address, &request).await)
}

pub(crate) async fn get(running: &Running, path: &str, extra: &str) -> Answer {
    Answer::of(crate::stage::request(running.addr(), "GET", path, extra).await)
}

pub(crate) async fn guest(running: &Running, name: &str) -> Answer {
    let asks = json!({"name": name, "token": true});
    let answer = post(running, "/api/guest", "", &asks).await;
    assert_eq!(answer.status, 200, "{}", answer.raw);
    answer
}

pub(crate) async fn account(running: &Running, name: &str) -> Answer {
    let asks = json!({"name": name, "password": "correct horse", "token": true});
    let answer = post(running, "/api/register", "", &asks).await;
    assert_eq!(answer.status, 201, "{}", answer.raw);
    answer
}

#[tokio::test]
async fn row_17_a_guest_has_a_session_until_the_logout() {
    let running = start().await;
    let guest = post(&running, "/api/guest", "", &json!({"name": " Ada "})).await;
    assert_eq!(guest.status, 200);
    let user = &guest.body["user"];
    assert_eq!(
        (&user["name"], &user["kind"]),
        (&json!("Ada"), &json!("guest"))
    );
    assert_eq!(guest.body["token"], Value::Null, "pages get a cookie alone");
    assert_eq!(guest.header("cache-control"), Some("no-store"));
    let set = guest.header("set-cookie").expect("a cookie");
    let flags = "; HttpOnly; SameSite=Strict; Path=/; Max-Age=2592000";
    assert!(set.ends_with(flags), "{set}");
    let cookie = guest.cookie();
    let session = get(&running, "/api/session", &cookie).await;
    assert_eq!((session.status, &session.body["user"]), (200, user));
    let out = post(&running, "/api/logout", &cookie, &json!({})).await;
    assert_eq!(out.status, 204);
    let cleared = out.header("set-cookie").expect("a cookie");
    assert!(cleared.starts_with("downbeat_session=; "), "{cleared}");
    get(&running, "/api/session", &cookie)
        .await
        .is(401, "no_session");
    get(&running, "/api/session", "")
        .await
        .is(401, "no_session");
}

#[tokio::test]
async fn row_17_an_account_logs_in_and_keeps_its_name() {
    let running = start().await;
    let made = account(&running, "Ada").await;
    assert_eq!(made.body["user"]["kind"], "account");
    let asks = |name: &str, password: &str| json!({"name": name, "password": password});
    let again = post(
        &running,
        "/api/register",
        "",
        &asks("ａｄａ", "correct horse"),
    )
    .await;
    again.is(409, "name_taken");
    let login = post(&running, "/api/login", "", &asks("ada", "correct horse")).await;
    assert_eq!(
        (login.status, &login.body["user"]),
        (200, &made.body["user"])
    );
    let wrong = post(&running, "/api/login", "", &asks("Ada", "correct horsf")).await;
    wrong.is(401, "wrong_login");
    let nobody = post(&running, "/api/login", "", &asks("Bob", "correct horse")).await;
    assert_eq!(wrong.body, nobody.body, "nobody learns who has an account");
}

#[tokio::test]
async fn names_and_passwords_that_cannot_be_are_refused() {
    let running = start().await;
    let register = async |name: &str, password: &str| {
        let asks = json!({"name": name, "password": password});
        post(&running, "/api/register", "", &asks).await
    };
    for name in [
        "",
        " ",
        "\u{410}da",
        "A\u{202e}da",
        "guest-1",
        &"x".repeat(25),
    ] {
        register(name, "correct horse").await.is(422, "name");
    }
    for password in ["", "1234567", &"x".repeat(1025)] {
        register("Ada", password).await.is(422, "password");
    }
}

#[tokio::test]
async fn bodies_are_json_small_and_as_expected() {
    let running = start().await;
    let guest = "/api/guest";
    send(&running, guest, "", "{}")
        .await
        .is(415, "content_type");
    for kind in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data",
    ] {
        let kind = format!("Content-Type: {kind}\r\n");
        send(&running, guest, &kind, "{}")
            .await
            .is(415, "content_type");
    }
    for body in [
        "{",
        "[]",
        "null",
        "{\"name\":1}",
        "{\"nmae\":\"x\"}",
        "{} {}",
        "\u{0}",
    ] {
        post_text(&running, guest, "", body)
            .await
            .is(400, "bad_json");
    }
    let big = json!({"name": "x".repeat(5000)});
    post(&running, guest, "", &big).await.is(413, "too_large");
    assert_eq!(
        post_text(&running, guest, "", "").await.status,
        200,
        "nothing is {{}}"
    );
    assert_eq!(get(&running, guest, "").await.status, 405);
}

#[tokio::test]
async fn pages_of_other_sites_are_refused() {
    let running = start().await;
    let ada = account(&running, "Ada").await;
    let evil = "Origin: https://evil.example\r\n";
    for path in ["guest", "register", "login", "logout", "password", "ticket"] {
        let path = format!("/api/{path}");
        let extra = format!("{evil}{}", ada.bearer());
        post(&running, &path, &extra, &json!({}))
            .await
            .is(403, "origin");
    }
    let extra = format!("{evil}{}", ada.bearer());
    get(&running, "/api/session", &extra)
        .await
        .is(403, "origin");
    for origin in ["null", "http://localhost, http://localhost", ""] {
        let origin = format!("Origin: {origin}\r\n");
        post(&running, "/api/guest", &origin, &json!({}))
            .await
            .is(403, "origin");
    }
}

#[tokio::test]
async fn a_token_in_the_query_is_refused_whatever_else_there_is() {
    let running = start().await;
    let ada = guest(&running, "Ada").await;
    let asks = json!({"game": "adder", "room": "main"});
    for path in ["guest", "register", "login", "logout", "password", "ticket"] {
        let path = format!("/api/{path}?Token=x");
        let refused = post(&running, &path, &ada.bearer(), &asks).await;
        refused.is(400, "token_in_query");
    }
    let path = format!("/api/session?a=b&session={}", ada.token());
    let refused = get(&running, &path, &ada.bearer()).await;
    refused.is(400, "token_in_query");
    let fine = get(&running, "/api/session?a=token", &ada.bearer()).await;
    assert_eq!(fine.status, 200);
}

#[tokio::test]
async fn tickets_are_for_listed_pages_of_other_origins_too() {
    let mut config = Config::for_tests();
    let listed = "https://site.example".parse().expect("an origin");
    config.allowed_origins = Some(vec![listed]);
    let running = start_with(config).await;
    let guest = guest(&running, "Ada").await;
    let extra = format!("Origin: https://site.example\r\n{}", guest.bearer());
    let asks = json!({"game": "adder", "room": "main"});
    let ticket = post(&running, "/api/ticket", &extra, &asks).await;
    assert_eq!(
        (ticket.status, &ticket.body["expires_s"]),
        (200, &json!(30))
    );
    let allowed = |answer: &Answer| {
        let origin = answer.header("access-control-allow-origin");
        origin.map(str::to_owned)
    };
    assert_eq!(allowed(&ticket).as_deref(), Some("https://site.example"));
    assert_eq!(ticket.header("access-control-allow-credentials"), None);
    for (origin, expect) in [("site", Some("https://site.example")), ("evil", None)] {
        let extra = format!("Origin: https://{origin}.example\r\n");
        let request = crate::stage::request(running.addr(), "OPTIONS", "/api/ticket", &extra);
        let preflight = Answer::of(request.await);
        assert_eq!(allowed(&preflight).as_deref(), expect);
    }
    let cookie_only = "Origin: https://site.example\r\n";
    let refused = post(&running, "/api/ticket", cookie_only, &asks).await;
    refused.is(401, "no_session");
}

#[tokio::test]
async fn tickets_are_for_rooms_that_can_be() {
    let running = start().await;
    let bearer = guest(&running, "Ada").await.bearer();
    let ticket = async |game: &str, room: &str| {
        let asks = json!({"game": game, "room": room});
        post(&running, "/api/ticket", &bearer, &asks).await
    };
    assert_eq!(
        ticket("adder", "main").await.body["ticket"]
            .as_str()
            .map(str::len),
        Some(43)
    );
    ticket("chess", "main").await.is(404, "unknown_game");
    ticket("adder", "../x").await.is(404, "bad_room_name");
    let of_path = post(&running, "/api/ticket/adder/main", &bearer, &json!({})).await;
    assert_eq!(of_path.status, 200);
    let made_up = format!("Authorization: Bearer {}\r\n", "A".repeat(43));
    let asks = json!({"game": "adder", "room": "main"});
    post(&running, "/api/ticket", &made_up, &asks)
        .await
        .is(401, "no_session");
    let basic = "Authorization: Basic QWRhOng=\r\n";
    post(&running, "/api/ticket", basic, &asks)
        .await
        .is(401, "bad_credential");
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let running = start().await;
    let ada = account(&running, "Ada").await;
    let asks = json!({"name": "Ada", "password": "correct horse", "token": true});
    let phone = post(&running, "/api/login", "", &asks).await;
    let change = async |old: &str, new: &str| {
        let asks = json!({"old": old, "new": new});
        post(&running, "/api/password", &ada.bearer(), &asks).await
    };
    change("wrong horse", "battery staple")
        .await
        .is(401, "wrong_login");
    change("correct horse", "short").await.is(422, "password");
    assert_eq!(change("correct horse", "battery staple").await.status, 204);
    assert_eq!(
        get(&running, "/api/session", &ada.bearer()).await.status,
        200
    );
    assert_eq!(
        get(&running, "/api/session", &phone.bearer()).await.status,
        401
    );
    let asks = json!({"name": "Ada", "password": "battery staple"});
    assert_eq!(post(&running, "/api/login", "", &asks).await.status, 200);
    let guest = guest(&running, "Bob").await;
    let asks = json!({"old": "correct horse", "new": "battery staple"});
    let refused = post(&running, "/api/password", &guest.bearer(), &asks).await;
    refused.is(403, "no_account");
}

#[tokio::test]
async fn attempts_are_limited_per_account_and_per_address() {
    let mut config = Config::for_tests();
    config.gate.logins_per_account = 2;
    config.gate.logins_per_address = Some(6);
    config.gate.guests_per_address = Some(1);
    let running = start_with(config).await;
    let login = async |name: &str| {
        let asks = json!({"name": name, "password": "wrong horse"});
        post(&running, "/api/login", "", &asks).await
    };
    for _ in 0..2 {
        login("Ada").await.is(401, "wrong_login");
    }
    let limited = login("ADA").await;
    limited.is(429, "too_often");
    let wait = limited
        .header("retry-after")
        .and_then(|wait| wait.parse::<u32>().ok());
    assert!(
        wait.is_some_and(|wait| (1..=60).contains(&wait)),
        "{wait:?}"
    );
    for name in ["Bob", "Eve", "Joe"] {
        login(name).await.is(401, "wrong_login");
    }
    login("Zoe").await.is(429, "too_often");
    guest(&running, "Ada").await;
    let refused = post(&running, "/api/guest", "", &json!({})).await;
    refused.is(429, "too_often");
}

#[tokio::test]
async fn tickets_of_an_address_that_are_not_used_are_limited() {
    let mut config = Config::for_tests();
    config.limits.connections_per_address = Some(5);
    let running = start_with(config).await;
    let asks = json!({"game": "adder", "room": "main"});
    let ask = async || {
        let bearer = guest(&running, "Ada").await.bearer();
        post(&running, "/api/ticket", &bearer, &asks).await
    };
    for _ in 0..10 {
        assert_eq!(ask().await.status, 200);
    }
    let refused = ask().await;
    refused.is(429, "too_many_tickets");
    assert!(refused.header("retry-after").is_some());
}

#[tokio::test]
async fn cookies_travel_over_tls_alone_where_the_world_can_listen() {
    let mut config = Config::for_tests();
    config.gate.proxies = vec!["127.0.0.1".parse::<std::net::IpAddr>().expect("one").into()];
    let running = start_with(config).await;
    let guest = post(&running, "/api/guest", "", &json!({})).await;
    let set = guest.header("set-cookie").expect("a cookie");
    assert!(set.ends_with("; Secure"), "{set}");
}
