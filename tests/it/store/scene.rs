//! A server with players, its database, and another server that reaches that database unhindered.

use std::time::{Duration, Instant};

use downbeat_scenarios::chat::{Input, Kind};
use downbeat_scenarios::{Chat, chat};
use downbeat_server::{App, Config, DatabaseUrl, GameOptions, Running};
use downbeat_tests::probe::Probe;
use serde_json::{Value, json};

use super::times;
use crate::asking::{ask, body_of, metric_of};
use crate::member::{Member, Steady};

/// Writes that may wait; fewer than the chatters have to say.
const QUEUE: u64 = 40;

/// Those who chat, each with as much to say as it may say at once.
const CHATTERS: usize = 10;
const SAID_AT_ONCE: usize = 5;

/// Lines in all: a room shows a hundred, and asks for those to be kept.
const LINES: usize = 70;

/// How long healing may take: a look every five seconds at the latest, then what a room asks for
/// every ten.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where the database is.
pub(super) struct Place {
    /// For those who must reach it.
    pub(super) direct: DatabaseUrl,
    /// For the server that will not.
    pub(super) through: DatabaseUrl,
    /// It can be read all the time, and is only not written.
    pub(super) can_be_read: bool,
}

pub(super) struct Scene {
    can_be_read: bool,
    server: Running,
    other: Running,
    /// A session that the server has never seen: it began on the other.
    foreign: String,
    /// One that it knows, with a member who came by it.
    known: String,
    ada: Member<Chat>,
    chatters: Vec<Member<Chat>>,
    said: Vec<String>,
    steady: Steady,
    /// Accounts that somebody asked for in vain.
    asked: usize,
}

impl Place {
    /// A file.
    pub(super) fn file(url: DatabaseUrl) -> Self {
        Self {
            direct: url.clone(),
            through: url,
            can_be_read: true,
        }
    }
}

impl Scene {
    pub(super) async fn open(place: Place) -> Self {
        let other = start(place.direct).await;
        let server = start(place.through).await;
        let ada = account("Ada");
        let registered = until(&other, 201, "POST", "/api/register", "", &ada).await;
        let logged_in = until(&server, 200, "POST", "/api/login", "", &ada).await;
        let known = bearer(&logged_in);
        let seat = json!({"game": "chat", "room": "lobby"});
        let ticket = until(&server, 200, "POST", "/api/ticket", &known, &seat).await;
        let ticket = ticket["ticket"].as_str().expect("a ticket").to_owned();
        let ada = Member::enter(
            server.addr().port(),
            "lobby",
            &format!("ticket.{ticket}"),
            "",
        )
        .await;
        let mut chatters = Vec::new();
        for n in 0..CHATTERS {
            chatters
                .push(Member::join(server.addr().port(), "lobby", &format!("Chatter {n}")).await);
        }
        Self {
            can_be_read: place.can_be_read,
            foreign: bearer(&registered),
            known,
            ada: ada.expect("let in"),
            chatters,
            said: Vec::new(),
            steady: Steady::join(server.addr().port()).await,
            asked: 0,
            server,
            other,
        }
    }

    /// The outage, from its beginning to just before its end. It does not end before everybody has
    /// been answered at least once, so whoever waited for that would wait forever.
    pub(super) async fn lives_through_it(&mut self) {
        let began = Instant::now();
        let frames = self.steady.frames();
        for _ in 0..SAID_AT_ONCE {
            for chatter in 0..CHATTERS {
                self.say(chatter);
            }
        }
        let mut rounds = 0;
        while rounds < 2 || began.elapsed() < times().outage {
            self.everybody_is_answered().await;
            self.who_is_in_comes_back().await;
            let queued = self.metric("downbeat_store_queued ").await;
            assert!(queued <= QUEUE, "{queued} writes wait");
            // Who has said so much at once has to wait for a second.
            if rounds > 2 && self.said.len() < LINES {
                self.say(rounds % CHATTERS);
            }
            rounds += 1;
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        self.all_is_said_and_shown().await;
        let due = began.elapsed().as_secs_f32() * 20.0;
        let came = self.steady.frames() - frames;
        assert!(came as f32 > due / 4.0, "{came} frames of {due}");
        let (up, which) = match self.can_be_read {
            true => (1, "downbeat_store_writable "),
            false => (0, "downbeat_store_up "),
        };
        assert_eq!(self.metric("downbeat_store_up ").await, up);
        assert_eq!(self.metric(which).await, 0);
        let refused = self.metric("downbeat_store_refused_total ").await;
        assert!(refused > 0, "the queue was full, and that was counted");
    }

    /// One line of one of them.
    fn say(&mut self, chatter: usize) {
        let text = format!("line {}", self.said.len());
        self.chatters[chatter].input(Input::Say { text: text.clone() });
        self.said.push(text);
    }

    /// Whatever needs the database is put off, with a word about when to come back; whatever does
    /// not goes on.
    async fn everybody_is_answered(&mut self) {
        let readable = |status| if self.can_be_read { status } else { 503 };
        let (right, wrong) = (account("Ada"), with_password("Ada", "wrong horse"));
        let new = account(&newcomer(self.asked));
        let seat = json!({"game": "chat", "room": "lobby"});
        let (nothing, guest) = (Value::Null, json!({"name": "Guest"}));
        for (method, path, bearer, body, expected) in [
            ("POST", "/api/register", "", &new, 503),
            ("POST", "/api/login", "", &right, 503),
            ("POST", "/api/login", "", &wrong, readable(401)),
            ("POST", "/api/guest", "", &guest, 503),
            (
                "GET",
                "/api/session",
                &self.foreign,
                &nothing,
                readable(200),
            ),
            ("POST", "/api/ticket", &self.foreign, &seat, readable(200)),
            ("GET", "/api/session", &self.known, &nothing, 200),
            ("POST", "/api/ticket", &self.known, &seat, 200),
        ] {
            let answer = ask(&self.server, method, path, bearer, body).await;
            let text = String::from_utf8_lossy(&answer.body).into_owned();
            assert_eq!(answer.status, expected, "{method} {path}: {text}");
            if expected == 503 {
                let wait = answer.header("retry-after").map(str::parse::<u32>);
                assert!(matches!(wait, Some(Ok(1..))), "{wait:?}");
                assert_eq!(body_of(&answer)["error"], "store_unavailable", "{text}");
            }
        }
        self.asked += 1;
        let stranger = Member::<Chat>::join(self.server.addr().port(), "lobby", "Stranger").await;
        stranger.leave();
    }

    /// Somebody with an account loses its connection, and has its seat again.
    async fn who_is_in_comes_back(&mut self) {
        let (number, resume) = (self.ada.number(), self.ada.resume());
        let again = Member::enter(self.server.addr().port(), "lobby", &resume, "").await;
        self.ada = again.expect("let in again");
        assert_eq!(self.ada.number(), number, "it has its seat again");
    }

    async fn all_is_said_and_shown(&self) {
        for chatter in &self.chatters {
            chatter.is_answered().await;
        }
        let mut said = self.said.clone();
        said.sort_unstable();
        self.ada
            .until("all is shown", |seen| shown(seen) == said)
            .await;
    }

    /// The database is back: so are logins, by themselves; and nothing was lost or done twice.
    pub(super) async fn ends_as_it_began(self) {
        let Self { server, other, .. } = &self;
        until(server, 200, "POST", "/api/login", "", &account("Ada")).await;
        let wrong = with_password("Ada", "wrong horse");
        until(server, 401, "POST", "/api/login", "", &wrong).await;
        until(
            server,
            200,
            "GET",
            "/api/session",
            &self.foreign,
            &Value::Null,
        )
        .await;
        until(server, 200, "POST", "/api/guest", "", &json!({})).await;
        // Whoever was told no was not let in later; whoever tries again is, once.
        let new = account(&newcomer(self.asked - 1));
        until(server, 201, "POST", "/api/register", "", &new).await;
        until(server, 409, "POST", "/api/register", "", &new).await;
        is_kept_once(other, &self.said).await;
        self.all_is_said_and_shown().await;
        eventually("nothing waits any more", async || {
            self.metric("downbeat_store_queued ").await == 0
        })
        .await;
        assert_eq!(self.metric("downbeat_store_up ").await, 1);
        assert_eq!(self.metric("downbeat_store_writable ").await, 1);
        self.steady.was_undisturbed().await;
    }

    async fn metric(&self, name: &'static str) -> u64 {
        metric_of(&self.server, name).await
    }
}

/// A server on a database, which it reaches.
pub(super) async fn start(url: DatabaseUrl) -> Running {
    let mut config = Config::for_tests();
    config.admin = Some(([127, 0, 0, 1], 0).into());
    config.store.url = Some(url);
    config.store.timeout = times().timeout;
    config.store.queue = usize::try_from(QUEUE).expect("small");
    config.gate.logins_per_account = 100_000;
    // So that those who are in are looked at while the database is gone.
    config.gate.revalidate = times().timeout;
    let chat = GameOptions::default().answer(chat::answer);
    let app = App::new().game_with::<Chat>(chat).game::<Probe>();
    let running = app.start(config).await.expect("starts");
    eventually("the store is there", async || running.store().health().up).await;
    running
}

/// All lines are in the history, once each, as who opens the room elsewhere sees it.
pub(super) async fn is_kept_once(elsewhere: &Running, said: &[String]) {
    let mut said = said.to_vec();
    said.sort_unstable();
    eventually("all is kept", async || {
        let history = elsewhere.store().chat_history("chat/lobby", 1000).await;
        history.is_ok_and(|lines| lines.len() >= said.len())
    })
    .await;
    let reader = Member::<Chat>::join(elsewhere.addr().port(), "lobby", "Reader").await;
    let all = |seen: &mut _| shown(seen).len() >= said.len();
    reader.until("the history is shown", all).await;
    assert_eq!(shown(&reader.seen()), said);
}

/// What was said, in order of the alphabet.
fn shown(seen: &crate::member::Seen<Chat>) -> Vec<String> {
    let entries = seen.view.entities.values();
    let lines = entries.filter(|entry| entry.kind == Kind::Line);
    let mut texts: Vec<_> = lines.map(|line| line.text.clone()).collect();
    texts.sort_unstable();
    texts
}

/// Waits for what will be.
pub(super) async fn eventually(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let began = Instant::now();
    while !holds().await {
        assert!(began.elapsed() < PATIENCE, "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Asks again for as long as the answer is 503, as who is put off does; then it is as expected.
pub(super) async fn until(
    server: &Running,
    expected: u16,
    method: &'static str,
    path: &'static str,
    lines: &str,
    body: &Value,
) -> Value {
    let began = Instant::now();
    loop {
        let answer = ask(server, method, path, lines, body).await;
        if answer.status == expected {
            return body_of(&answer);
        }
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 503, "{method} {path}: {text}");
        assert!(began.elapsed() < PATIENCE, "{method} {path}: {text}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn bearer(begun: &Value) -> String {
    let token = begun["token"].as_str().expect("a token");
    format!("Authorization: Bearer {token}\r\n")
}

fn newcomer(number: usize) -> String {
    format!("Newcomer {number}")
}

pub(super) fn account(name: &str) -> Value {
    with_password(name, "correct horse")
}

pub(super) fn with_password(name: &str, password: &str) -> Value {
    json!({"name": name, "password": password, "token": true})
}
