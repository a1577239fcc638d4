//! Who gets in: tickets, bearer tokens, resume tokens, devices, hooks, paths, proxies.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat_server::config::{Create, Devices, GameConfig, Guests, JwtAlgorithm, JwtConfig};
use downbeat_server::{App, Config, Denied, Routes, Running, Speech, UserKind};
use serde_json::json;
use tokio_tungstenite::tungstenite::http::Request;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::accounts::{account, get, guest, post};
use crate::stage::{Adder, Client, handshake, hello, nobody_is_left, start, start_with};

/// A handshake with something beside the subprotocol, or headers.
pub(crate) fn with(
    address: SocketAddr,
    path: &str,
    word: &str,
    headers: &[(&'static str, &str)],
) -> Request<()> {
    let mut request = handshake(address, path);
    if !word.is_empty() {
        let words = format!("downbeat.v1, {word}").parse().expect("a value");
        request
            .headers_mut()
            .insert("Sec-WebSocket-Protocol", words);
    }
    for (name, value) in headers {
        request
            .headers_mut()
            .append(*name, value.parse().expect("a value"));
    }
    request
}

pub(crate) async fn try_in(
    running: &Running,
    path: &str,
    word: &str,
    headers: &[(&'static str, &str)],
) -> Result<Client, u16> {
    Client::connect_with(running.addr(), with(running.addr(), path, word, headers)).await
}

async fn status_of(
    running: &Running,
    path: &str,
    word: &str,
    headers: &[(&'static str, &str)],
) -> u16 {
    try_in(running, path, word, headers)
        .await
        .map_or_else(|status| status, |_| 101)
}

async fn ticket(running: &Running, bearer: &str, room: &str) -> String {
    let asks = json!({"game": "adder", "room": room});
    let answer = post(running, "/api/ticket", bearer, &asks).await;
    let ticket = answer.body["ticket"].as_str();
    format!(
        "ticket.{}",
        ticket.unwrap_or_else(|| panic!("{}", answer.raw))
    )
}

/// Says hello and waits for the welcome; answers the name and the token to resume with.
pub(crate) async fn join(client: &mut Client, name: &str) -> (String, String) {
    client.send(hello(name)).await;
    client.see(|view| view.welcome.is_some()).await;
    let welcome = client.view.welcome.clone().expect("welcomed");
    (welcome.name, welcome.resume)
}

async fn say_goodbye(client: &mut Client) {
    let bye = CloseFrame {
        code: 1000.into(),
        reason: "bye".into(),
    };
    client.ws.close(Some(bye)).await.expect("sent");
    assert_eq!(client.goodbye().await.0, 1000);
}

pub(crate) const MAIN: &str = "/ws/adder/main";

#[tokio::test]
async fn row_17_a_ticket_lets_in_once_whom_it_is_for_and_where() {
    let running = start().await;
    let ada = account(&running, "Ada").await;
    let good = ticket(&running, &ada.bearer(), "main").await;
    let mut client = try_in(&running, MAIN, &good, &[]).await.expect("let in");
    assert_eq!(
        join(&mut client, "Eve").await.0,
        "Ada",
        "accounts keep their names"
    );
    assert_eq!(status_of(&running, MAIN, &good, &[]).await, 401, "used");
    let elsewhere = ticket(&running, &ada.bearer(), "other").await;
    assert_eq!(
        status_of(&running, MAIN, &elsewhere, &[]).await,
        401,
        "foreign"
    );
    assert_eq!(
        status_of(&running, "/ws/adder/other", &elsewhere, &[]).await,
        401,
        "used up"
    );
    let forged = format!("ticket.{}", "A".repeat(43));
    assert_eq!(status_of(&running, MAIN, &forged, &[]).await, 401);
    assert_eq!(status_of(&running, MAIN, "ticket.x", &[]).await, 401);
    let ended = ticket(&running, &ada.bearer(), "main").await;
    post(&running, "/api/logout", &ada.bearer(), &json!({})).await;
    assert_eq!(
        status_of(&running, MAIN, &ended, &[]).await,
        401,
        "its session is over"
    );
}

#[tokio::test]
async fn one_credential_at_most_and_none_in_the_query() {
    let running = start().await;
    let ada = guest(&running, "Ada").await;
    let bearer = format!("Bearer {}", ada.token());
    let ticket = ticket(&running, &ada.bearer(), "main").await;
    let bearer = ("Authorization", bearer.as_str());
    assert_eq!(status_of(&running, MAIN, "", &[bearer]).await, 101);
    assert_eq!(status_of(&running, MAIN, &ticket, &[bearer]).await, 400);
    assert_eq!(status_of(&running, MAIN, "", &[bearer, bearer]).await, 400);
    let two = format!("{ticket}, {ticket}");
    assert_eq!(status_of(&running, MAIN, &two, &[]).await, 400);
    for query in ["token=x", "ticket=x", "access_token="] {
        let path = format!("{MAIN}?{query}");
        assert_eq!(status_of(&running, &path, "", &[]).await, 400, "{query}");
    }
    assert_eq!(
        status_of(&running, MAIN, &ticket, &[]).await,
        101,
        "still unused"
    );
}

#[tokio::test]
async fn a_cookie_alone_says_nothing_to_a_websocket() {
    let mut config = Config::for_tests();
    config.gate.guests = Guests::Ticket;
    let running = start_with(config).await;
    let ada = guest(&running, "Ada").await;
    let cookie = format!("downbeat_session={}", ada.token());
    assert_eq!(
        status_of(&running, MAIN, "", &[("Cookie", &cookie)]).await,
        401
    );
}

#[tokio::test]
async fn guests_get_in_as_the_configuration_says() {
    for (guests, nobody, guest_in) in [
        (Guests::Open, 101, 101),
        (Guests::Ticket, 401, 101),
        (Guests::Off, 401, 401),
    ] {
        let mut config = Config::for_tests();
        config.gate.guests = guests;
        // A second server on a store of its own cannot know the guest of an open one.
        let running = start_with(config).await;
        assert_eq!(
            status_of(&running, MAIN, "", &[]).await,
            nobody,
            "{guests:?}"
        );
        if guests == Guests::Off {
            let refused = post(&running, "/api/guest", "", &json!({})).await;
            refused.is(403, "no_guests");
        } else {
            let ada = guest(&running, "Ada").await;
            let ticket = ticket(&running, &ada.bearer(), "main").await;
            assert_eq!(
                status_of(&running, MAIN, &ticket, &[]).await,
                guest_in,
                "{guests:?}"
            );
        }
        let bob = account(&running, "Bob").await;
        let bearer = format!("Bearer {}", bob.token());
        let headers = [("Authorization", bearer.as_str())];
        assert_eq!(
            status_of(&running, MAIN, "", &headers).await,
            101,
            "{guests:?}"
        );
    }
}

#[tokio::test]
async fn a_bad_credential_is_refused_also_where_none_is_needed() {
    let running = start().await;
    let made_up = "A".repeat(43);
    for value in [
        format!("Bearer {made_up}"),
        "Bearer x.y.z".into(),
        "Bearer ".into(),
        "Basic QWRhOng=".into(),
    ] {
        let headers = [("Authorization", value.as_str())];
        assert_eq!(
            status_of(&running, MAIN, "", &headers).await,
            401,
            "{value}"
        );
    }
    let resume = format!("resume.{made_up}");
    assert_eq!(status_of(&running, MAIN, &resume, &[]).await, 401);
}

#[tokio::test]
async fn rooms_open_for_those_who_have_signed_in() {
    let mut config = Config::for_tests();
    config.game.create = Create::SignedIn;
    let running = start_with(config).await;
    assert_eq!(status_of(&running, MAIN, "", &[]).await, 403);
    let eve = format!("Bearer {}", guest(&running, "Eve").await.token());
    assert_eq!(
        status_of(&running, MAIN, "", &[("Authorization", &eve)]).await,
        403
    );
    let ada = format!("Bearer {}", account(&running, "Ada").await.token());
    let opened = try_in(&running, MAIN, "", &[("Authorization", &ada)]).await;
    let mut opened = opened.expect("let in");
    join(&mut opened, "").await;
    assert_eq!(
        status_of(&running, MAIN, "", &[]).await,
        101,
        "it is open now"
    );
}

#[tokio::test]
async fn row_17_a_logout_closes_what_hangs_on_the_session() {
    let running = start().await;
    let ada = account(&running, "Ada").await;
    let bob = account(&running, "Bob").await;
    let enter = async |token: &str| {
        let bearer = format!("Bearer {token}");
        let client = try_in(&running, MAIN, "", &[("Authorization", &bearer)]).await;
        let mut client = client.expect("let in");
        let (_, resume) = join(&mut client, "").await;
        (client, resume)
    };
    let (mut ada_in, resume) = enter(ada.token()).await;
    let (mut bob_in, _) = enter(bob.token()).await;
    let asks = json!({"everywhere": true});
    post(&running, "/api/logout", &ada.bearer(), &asks).await;
    let expect = (4003, "session is no longer valid".to_owned());
    assert_eq!(ada_in.goodbye().await, expect);
    let resume = format!("resume.{resume}");
    assert_eq!(status_of(&running, MAIN, &resume, &[]).await, 401);
    bob_in.send(bob_in.view.input(1, 7)).await;
    bob_in.see(|view| view.shared.sum == 7).await;
}

#[tokio::test]
async fn row_17_a_session_that_ends_elsewhere_is_noticed() {
    let mut config = Config::for_tests();
    config.gate.revalidate = Duration::from_millis(100);
    let running = start_with(config).await;
    let ada = account(&running, "Ada").await;
    let bearer = format!("Bearer {}", ada.token());
    let client = try_in(&running, MAIN, "", &[("Authorization", &bearer)]).await;
    let mut client = client.expect("let in");
    join(&mut client, "").await;
    let user = ada.body["user"]["id"].as_str().expect("an id");
    let ended = running.store().delete_sessions_of(user).await;
    assert_eq!(ended, Ok(1));
    assert_eq!(client.goodbye().await.0, 4003);
}

#[tokio::test]
async fn row_22_a_user_has_so_many_connections_and_no_more() {
    let mut config = Config::for_tests();
    config.gate.connections_per_user = 2;
    let running = start_with(config).await;
    let ada = format!("Bearer {}", guest(&running, "Ada").await.token());
    let headers = [("Authorization", ada.as_str())];
    let first = try_in(&running, MAIN, "", &headers).await.expect("let in");
    let _second = try_in(&running, MAIN, "", &headers).await.expect("let in");
    assert_eq!(status_of(&running, MAIN, "", &headers).await, 429);
    let bob = format!("Bearer {}", guest(&running, "Bob").await.token());
    assert_eq!(
        status_of(&running, MAIN, "", &[("Authorization", &bob)]).await,
        101
    );
    drop(first);
    let came_back = async {
        while status_of(&running, MAIN, "", &headers).await != 101 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let came_back = tokio::time::timeout(Duration::from_secs(10), came_back).await;
    came_back.expect("the place comes back");
}

#[tokio::test]
async fn row_22_another_device_comes_too_or_instead_or_not_at_all() {
    for devices in [Devices::Allow, Devices::Newest, Devices::Refuse] {
        let mut config = Config::for_tests();
        config.gate.devices = devices;
        let running = start_with(config).await;
        let ada = format!("Bearer {}", guest(&running, "Ada").await.token());
        let headers = [("Authorization", ada.as_str())];
        let phone = try_in(&running, MAIN, "", &headers).await;
        let mut phone = phone.expect("let in");
        join(&mut phone, "").await;
        let tablet = try_in(&running, MAIN, "", &headers).await;
        if devices == Devices::Refuse {
            assert_eq!(tablet.map(drop), Err(409));
            continue;
        }
        join(&mut tablet.expect("let in"), "").await;
        if devices == Devices::Newest {
            assert_eq!(phone.goodbye().await.0, 4001);
        } else {
            phone.send(phone.view.input(1, 3)).await;
            phone.see(|view| view.shared.sum == 3).await;
        }
    }
}

#[tokio::test]
async fn row_26_who_lost_the_connection_is_the_same_player_again() {
    let running = start().await;
    let mut ada = Client::connect(running.addr(), "main").await.expect("in");
    let (_, token) = join(&mut ada, "Ada").await;
    assert_eq!(token.len(), 43);
    let player = ada.view.welcome.as_ref().map(|welcome| welcome.player);
    drop(ada);
    let word = format!("resume.{token}");
    let back = try_in(&running, MAIN, &word, &[]).await;
    let mut back = back.expect("let in");
    let (name, next) = join(&mut back, "Eve").await;
    assert_eq!((&*name, next.len()), ("Ada", 43));
    assert_ne!(next, token, "it rotates");
    assert_eq!(
        back.view.welcome.as_ref().map(|welcome| welcome.player),
        player
    );
    assert_eq!(running.counters().members.value(), 1);
}

#[tokio::test]
async fn an_old_resume_token_is_good_until_the_new_one_has_arrived() {
    let running = start().await;
    let mut ada = Client::connect(running.addr(), "main").await.expect("in");
    let (_, first) = join(&mut ada, "Ada").await;
    let first = format!("resume.{first}");
    // Cut in mid-resume: whoever has not read the welcome has the old token alone.
    let mut cut = try_in(&running, MAIN, &first, &[]).await.expect("let in");
    cut.send(hello("")).await;
    assert_eq!(ada.goodbye().await.0, 4001);
    cut.see(|view| view.welcome.is_some()).await;
    let lost = cut.view.welcome.take().expect("welcomed").resume;
    let mut back = try_in(&running, MAIN, &first, &[]).await.expect("let in");
    let (_, second) = join(&mut back, "").await;
    let lost = format!("resume.{lost}");
    assert_eq!(
        status_of(&running, MAIN, &lost, &[]).await,
        401,
        "overtaken"
    );
    // A message that echoes a tick tells that the new one has arrived.
    back.see(|view| view.shared.sum == 0).await;
    let mut bob = Client::join(running.addr(), "main", "Bob").await;
    bob.send(bob.view.input(1, 5)).await;
    back.see(|view| view.shared.sum == 5).await;
    back.send(back.view.input(1, 2)).await;
    back.see(|view| view.shared.sum == 7).await;
    assert_eq!(status_of(&running, MAIN, &first, &[]).await, 401, "spent");
    let second = format!("resume.{second}");
    assert_eq!(
        status_of(&running, "/ws/adder/other", &second, &[]).await,
        401,
        "foreign"
    );
    assert_eq!(status_of(&running, MAIN, &second, &[]).await, 101);
}

#[tokio::test]
async fn a_member_that_said_goodbye_cannot_be_resumed() {
    let running = start().await;
    let mut ada = Client::connect(running.addr(), "main").await.expect("in");
    let (_, token) = join(&mut ada, "Ada").await;
    say_goodbye(&mut ada).await;
    nobody_is_left(&running).await;
    let word = format!("resume.{token}");
    let gone = async {
        // It is the room's next tick that lets it go.
        while status_of(&running, MAIN, &word, &[]).await != 401 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
    gone.expect("it is over");
}

#[tokio::test]
async fn row_13_whoever_goes_in_whatever_way_leaves_no_ghost() {
    let mut config = Config::for_tests();
    let adder = GameConfig {
        grace_s: Some(0),
        ..GameConfig::default()
    };
    config.games.insert("adder".into(), adder);
    let app = App::new().game::<Adder>().middleware(async |scope| {
        if scope.headers.contains_key("x-unwelcome") {
            return Err(Denied::new(403, "not you"));
        }
        Ok(scope)
    });
    let running = app.start(config).await.expect("starts");
    assert_eq!(
        status_of(&running, MAIN, "", &[("x-unwelcome", "1")]).await,
        403
    );
    let mut polite = Client::join(running.addr(), "main", "Ada").await;
    let rude = Client::join(running.addr(), "main", "Bob").await;
    let mut wrong = Client::join(running.addr(), "main", "Eve").await;
    drop(rude);
    wrong.send(vec![0xff; 9]).await;
    assert_eq!(wrong.goodbye().await.0, 1007);
    say_goodbye(&mut polite).await;
    nobody_is_left(&running).await;
    listed(&running, 0).await;
}

/// Waits until the only room is listed with so many members: those who may come back, too.
async fn listed(running: &Running, members: u64) {
    let listed = async {
        // The list is as old as the room's last tick.
        while get(running, "/api/rooms?game=adder", "").await.body[0]["members"] != members {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let listed = tokio::time::timeout(Duration::from_secs(10), listed).await;
    listed.unwrap_or_else(|_| panic!("{members} are not on the list"));
}

#[tokio::test]
async fn who_can_no_longer_come_back_is_no_member_any_more() {
    let mut config = Config::for_tests();
    let adder = GameConfig {
        grace_s: Some(600),
        ..GameConfig::default()
    };
    config.games.insert("adder".into(), adder);
    config.gate.resume = Duration::from_secs(1);
    let running = start_with(config).await;
    let ada = Client::join(running.addr(), "main", "Ada").await;
    listed(&running, 1).await;
    drop(ada);
    listed(&running, 0).await;
}

#[tokio::test]
async fn row_16_paths_have_captures_and_nest() {
    let eu = Routes::new()
        .route("/{game}/{room}")
        .middleware(async |mut scope| {
            scope.room = format!("eu.{}", scope.room);
            Ok(scope)
        });
    let app = App::new()
        .game::<Adder>()
        .route("/ws/tenants/{tenant}/{game}/{room}")
        .nest("/ws/regions", Routes::new().nest("/eu", eu))
        .middleware(async |mut scope| {
            if let Some(tenant) = scope.captures.get("tenant") {
                scope.room = format!("{tenant}.{}", scope.room);
            }
            Ok(scope)
        });
    let running = app.start(Config::for_tests()).await.expect("starts");
    for (path, room) in [
        ("/ws/adder/main", "main"),
        ("/ws/tenants/acme/adder/main", "acme.main"),
        ("/ws/regions/eu/adder/main", "eu.main"),
    ] {
        let mut client = try_in(&running, path, "", &[]).await.expect(path);
        join(&mut client, "").await;
        let welcome = client.view.welcome.clone().expect("welcomed");
        assert_eq!(&*welcome.room, room, "{path}");
    }
    for path in [
        "/ws/regions/us/adder/main",
        "/ws/adder",
        "/ws/tenants/acme/adder",
        "/nowhere",
    ] {
        assert_eq!(status_of(&running, path, "", &[]).await, 404, "{path}");
    }
    let bearer = guest(&running, "Ada").await.bearer();
    let there = ticket(&running, &bearer, "acme.main").await;
    assert_eq!(
        status_of(&running, "/ws/tenants/acme/adder/main", &there, &[]).await,
        101
    );
    let other = ticket(&running, &bearer, "main").await;
    assert_eq!(
        status_of(&running, "/ws/tenants/acme/adder/main", &other, &[]).await,
        401
    );
}

#[tokio::test]
async fn without_the_default_path_nobody_gets_in_past_the_hooks_of_a_nested_one() {
    let closed = Routes::new()
        .route("/{game}/{room}")
        .middleware(async |_| Err(Denied::new(403, "closed")));
    let app = App::new().game::<Adder>().nest("/ws/club", closed);
    let running = app.start(Config::for_tests()).await.expect("starts");
    assert_eq!(status_of(&running, MAIN, "", &[]).await, 101);
    let app = app.without_default_path();
    let running = app.start(Config::for_tests()).await.expect("starts");
    assert_eq!(status_of(&running, MAIN, "", &[]).await, 404);
    let nested = "/ws/club/adder/main";
    assert_eq!(status_of(&running, nested, "", &[]).await, 403);
}

#[tokio::test]
async fn row_16_http_of_a_project_stands_beside_the_game() {
    let app = App::new().game::<Adder>().http(|services| {
        use downbeat_server::axum::http::HeaderMap;
        use downbeat_server::axum::{Router, routing};
        Router::new().route(
            "/api/whoami",
            routing::get(
                async move |headers: HeaderMap| match services.user(&headers).await {
                    Ok(Some(user)) => user.name,
                    Ok(None) => "nobody".into(),
                    Err(error) => error.to_string(),
                },
            ),
        )
    });
    let running = app.start(Config::for_tests()).await.expect("starts");
    let body = async |extra: &str| {
        let answer = get(&running, "/api/whoami", extra).await;
        answer
            .raw
            .split_once("\r\n\r\n")
            .map(|(_, body)| body.to_owned())
    };
    assert_eq!(body("").await.as_deref(), Some("nobody"));
    let bearer = guest(&running, "Ada").await.bearer();
    assert_eq!(body(&bearer).await.as_deref(), Some("Ada"));
    let evil = format!("Origin: https://evil.example\r\n{bearer}");
    assert_eq!(body(&evil).await.as_deref(), Some("nobody"));
    Client::join(running.addr(), "main", "Ada").await;
}

#[tokio::test]
async fn row_18_origins_are_compared_with_scheme_and_port() {
    let mut config = Config::for_tests();
    let origins = ["https://*.example.com", "http://play.test:8080"];
    let origins = origins.map(|origin| origin.parse().expect("a pattern"));
    config.allowed_origins = Some(origins.to_vec());
    let running = start_with(config).await;
    for (origin, expect) in [
        ("https://a.example.com", 101),
        ("http://a.example.com", 403),
        ("https://a.example.com:444", 403),
        ("https://example.com", 403),
        ("https://a.example.com.evil.net", 403),
        ("http://play.test:8080", 101),
        ("http://play.test", 403),
        ("null", 403),
    ] {
        let status = status_of(&running, MAIN, "", &[("Origin", origin)]).await;
        assert_eq!(status, expect, "{origin}");
    }
}

#[tokio::test]
async fn row_19_a_hook_authenticates_by_a_subprotocol_and_it_is_echoed() {
    let app = App::new().game::<Adder>().middleware(async |mut scope| {
        let offered = scope.subprotocols.clone();
        let Some(key) = offered.iter().find_map(|word| word.strip_prefix("key.")) else {
            return Ok(scope);
        };
        if key != "swordfish" {
            return Err(Denied::new(401, "no such key"));
        }
        scope.speak("club.v1", Speech::Binary)?;
        Ok(scope)
    });
    let running = app.start(Config::for_tests()).await.expect("starts");
    let offer = async |words: &str| {
        let extra = format!(
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {words}\r\n"
        );
        let mut stream = tokio::net::TcpStream::connect(running.addr())
            .await
            .expect("in");
        let request = format!(
            "GET {MAIN} HTTP/1.1\r\nHost: {}\r\n{extra}\r\n",
            running.addr()
        );
        use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut answer = vec![0; 1024];
        let read = stream.read(&mut answer).await.expect("read");
        String::from_utf8_lossy(&answer[..read]).into_owned()
    };
    let good = offer("club.v1, key.swordfish").await;
    assert!(good.starts_with("HTTP/1.1 101 "), "{good}");
    assert!(
        good.contains("sec-websocket-protocol: club.v1\r\n"),
        "{good}"
    );
    assert!(!good.contains("swordfish"), "{good}");
    for (words, status) in [
        ("club.v1, key.wrong", "401"),
        ("club.v1, key.", "401"),
        ("key.swordfish", "400"),
        ("club.v1", "400"),
        ("downbeat.v1", "101"),
    ] {
        let answer = offer(words).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{words}: {answer}"
        );
    }
}

#[tokio::test]
async fn a_hook_that_panics_or_hangs_lets_nobody_in_and_disturbs_nobody() {
    /// Whoever lets go of it panics again.
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("as it was told, twice");
        }
    }
    let app = App::new().game::<Adder>().middleware(async |scope| {
        match scope
            .headers
            .get("x-do")
            .and_then(|value| value.to_str().ok())
        {
            Some("panic") => panic!("as it was told"),
            Some("bomb") => std::panic::panic_any(Bomb),
            Some("hang") => std::future::pending().await,
            _ => Ok(scope),
        }
    });
    let mut config = Config::for_tests();
    config.limits.handshake = Duration::from_millis(300);
    let running = app.start(config).await.expect("starts");
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    for panic in ["panic", "bomb"] {
        let status = status_of(&running, MAIN, "", &[("x-do", panic)]).await;
        assert_eq!(status, 500, "{panic}");
    }
    assert_eq!(
        status_of(&running, MAIN, "", &[("x-do", "hang")]).await,
        503
    );
    ada.send(ada.view.input(1, 4)).await;
    ada.see(|view| view.shared.sum == 4).await;
}

#[tokio::test]
async fn a_token_of_another_site_lets_in_whom_it_names() {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;

    const SECRET: &str = "0123456789abcdef0123456789abcdef";
    let mut config = Config::for_tests();
    let site = JwtConfig {
        algorithm: Some(JwtAlgorithm::Hs256),
        key: Some(SECRET.into()),
        issuer: Some("site".into()),
        audience: Some("game".into()),
        name_claim: Some("nick".into()),
        ..JwtConfig::default()
    };
    config.gate.jwt.insert("django".into(), site);
    config.gate.guests = Guests::Off;
    let app = App::new().game::<Adder>().middleware(async |scope| {
        let user = scope.user.as_ref().expect("somebody");
        assert_eq!(
            (user.id.as_str(), user.kind),
            ("django_7", UserKind::External)
        );
        Ok(scope)
    });
    let running = app.start(config).await.expect("starts");
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let now = now.expect("after 1970").as_secs();
    let token = |exp: u64, secret: &str| {
        let head = BASE64.encode(r#"{"alg":"HS256","kid":"django"}"#);
        let claims = json!({"iss": "site", "aud": "game", "sub": "7", "nick": "Ada",
                            "iat": now - 60, "exp": exp});
        let signed = format!("{head}.{}", BASE64.encode(claims.to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes());
        let signature = BASE64.encode(ring::hmac::sign(&key, signed.as_bytes()));
        format!("{signed}.{signature}")
    };
    let bearer = format!("Bearer {}", token(now + 60, SECRET));
    let mut ada = try_in(&running, MAIN, "", &[("Authorization", &bearer)])
        .await
        .expect("in");
    assert_eq!(join(&mut ada, "Eve").await.0, "Ada");
    let header = format!("Authorization: {bearer}\r\n");
    let ticket = ticket(&running, &header, "main").await;
    assert_eq!(status_of(&running, MAIN, &ticket, &[]).await, 101);
    for bad in [
        token(now - 31, SECRET),
        token(now + 60, &SECRET.replace('0', "1")),
    ] {
        let bearer = format!("Bearer {bad}");
        assert_eq!(
            status_of(&running, MAIN, "", &[("Authorization", &bearer)]).await,
            401
        );
    }
}

#[tokio::test]
async fn behind_a_proxy_clients_are_counted_by_their_own_addresses() {
    let mut config = Config::for_tests();
    config.gate.proxies = vec!["127.0.0.1/32".parse().expect("a network")];
    config.limits.connections_per_address = Some(1);
    let running = start_with(config).await;
    let from = async |address: &'static str| {
        try_in(&running, MAIN, "", &[("X-Forwarded-For", address)]).await
    };
    let _ada = from("198.51.100.7").await.expect("let in");
    assert_eq!(from("198.51.100.7").await.map(drop), Err(429));
    let made_up = from("1.2.3.4, 198.51.100.7").await;
    assert_eq!(
        made_up.map(drop),
        Err(429),
        "the left part is the client's own say"
    );
    let _bob = from("198.51.100.8").await.expect("let in");
    // Before anything else is looked at: a ticket is not used up by it.
    let ticket = ticket(&running, &guest(&running, "Ada").await.bearer(), "main").await;
    for (address, status) in [("198.51.100.7", 429), ("198.51.100.9", 101)] {
        let headers = [("X-Forwarded-For", address)];
        let got = status_of(&running, MAIN, &ticket, &headers).await;
        assert_eq!(got, status, "{address}");
    }
}

#[tokio::test]
async fn without_a_trusted_proxy_nobody_chooses_an_address() {
    let mut config = Config::for_tests();
    config.limits.connections_per_address = Some(1);
    let running = start_with(config).await;
    let headers = [("X-Forwarded-For", "198.51.100.7")];
    let _ada = try_in(&running, MAIN, "", &headers).await.expect("let in");
    let headers = [("X-Forwarded-For", "198.51.100.8")];
    assert_eq!(status_of(&running, MAIN, "", &headers).await, 429);
}
