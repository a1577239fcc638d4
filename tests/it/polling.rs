//! The long poll of docs/sources.md: members that speak nothing but HTTP, and what they come to.

use std::thread::{JoinHandle, spawn};
use std::time::Duration;

use downbeat_server::{App, Config, Running};
use downbeat_tests::poll::Polls;
use downbeat_tests::talk::{Said, Talk};
use serde_json::{Value, json};

use crate::guard::eventually;
use crate::member::Member;
use crate::security::raw::{Answer, Raw};
use crate::security::stage::request;

/// How long polls wait, and how long members may stay away between two.
const WAIT: Duration = Duration::from_secs(3);
const AWAY: Duration = Duration::from_secs(8);

/// What is not heard within so many polls is not heard.
const POLLS_MAX: u32 = 1000;

const LOBBY: &str = "/poll/talk/lobby";
const JSON: &str = "Content-Type: application/json\r\n";

async fn start() -> Running {
    start_with(Config::for_tests(), AWAY).await
}

async fn start_with(config: Config, away: Duration) -> Running {
    let app = App::new()
        .game::<Talk>()
        .http(move |services| Polls::router(services, WAIT, away));
    app.start(config).await.expect("starts")
}

fn port(running: &Running) -> u16 {
    running.addr().port()
}

fn json(answer: &Answer) -> Value {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

/// Somebody who polls.
#[derive(Clone)]
struct Poller {
    port: u16,
    bearer: String,
    after: Option<u64>,
}

impl Poller {
    /// A guest who has not joined yet.
    fn new(running: &Running, name: &str) -> Self {
        let port = port(running);
        let body = json!({"name": name, "token": true}).to_string();
        let answer = request(port, "POST", "/api/guest", JSON, &body);
        let token = json(&answer)["token"].as_str().expect("a token").to_owned();
        let bearer = format!("Authorization: Bearer {token}\r\n");
        let after = None;
        Self {
            port,
            bearer,
            after,
        }
    }

    /// One that has heard its welcome.
    fn join(running: &Running, name: &str) -> Self {
        let mut poller = Self::new(running, name);
        let told = poller.poll().expect("let in");
        assert_eq!(told[0]["type"], "welcome", "{told:?}");
        assert_eq!(told[0]["name"], name, "{told:?}");
        poller
    }

    fn path(&self) -> String {
        let after = self.after.map(|after| format!("?after={after}"));
        format!("{LOBBY}{}", after.unwrap_or_default())
    }

    /// What there is to hear, or the status and what comes with it.
    fn poll(&mut self) -> Result<Vec<Value>, (u16, Value)> {
        let answer = request(self.port, "GET", &self.path(), &self.bearer, "");
        let told = json(&answer);
        if answer.status != 200 {
            return Err((answer.status, told));
        }
        self.after = told["number"].as_u64();
        Ok(told["messages"].as_array().expect("a list").clone())
    }

    /// The same in the meantime.
    fn poll_aside(&self) -> JoinHandle<Result<Vec<Value>, (u16, Value)>> {
        let mut poller = self.clone();
        spawn(move || poller.poll())
    }

    fn say(&self, seq: u32, message: &str) -> u16 {
        let said = json!({"type": "input", "seq": seq, "input": {"message": message}});
        request(self.port, "POST", LOBBY, &self.bearer, &said.to_string()).status
    }

    /// Polls until this is said; answers all that was said on the way.
    fn hear(&mut self, last: &str) -> Vec<String> {
        let mut heard = Vec::new();
        for _ in 0..POLLS_MAX {
            heard.extend(said(&self.poll().expect("still a member")));
            if heard.iter().any(|said| said == last) {
                return heard;
            }
        }
        panic!("never heard: {last}, but {heard:?}")
    }

    /// Polls until it is told how it ended.
    fn end(&mut self) -> Value {
        loop {
            if let Err((status, told)) = self.poll() {
                assert_eq!(status, 410, "{told}");
                return told;
            }
        }
    }

    fn leave(&self) -> u16 {
        request(self.port, "DELETE", LOBBY, &self.bearer, "").status
    }
}

/// What was said in these messages.
fn said(messages: &[Value]) -> Vec<String> {
    let frames = messages.iter().filter(|told| told["type"] == "frame");
    let events = frames.flat_map(|told| told["events"].as_array().expect("a list").clone());
    events
        .map(|said| said["message"].as_str().expect("a text").to_owned())
        .collect()
}

/// Says it, and waits until the room has taken it.
async fn say(member: &mut Member<Talk>, message: &str) {
    let message = message.to_owned();
    let seq = member.input(Said { message });
    member
        .sees("it is said", |view| view.input_ack >= seq)
        .await;
}

async fn nobody_is_left(running: &Running) {
    eventually("nobody is left", || running.counters().members.value() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_member_by_long_poll_hears_all_in_order_and_is_heard() {
    let running = start().await;
    let mut ada = Member::<Talk>::join(port(&running), "lobby", "Ada").await;
    let mut bob = Poller::join(&running, "Bob");
    assert_eq!(bob.say(1, "hello"), 204);
    ada.hears("Bob", |said| said.message == "hello").await;
    assert_eq!(bob.hear("hello"), ["hello"]);

    // It waits for the next word, and what comes between two polls is there with the second.
    let waits = bob.poll_aside();
    say(&mut ada, "one").await;
    let heard = waits.join().expect("no panic").expect("a member");
    assert_eq!(said(&heard), ["one"]);
    // That answer is taken for lost: it comes again, the same.
    assert_eq!(bob.poll(), Ok(heard));
    let words: Vec<_> = (0..20).map(|n| format!("word {n}")).collect();
    for word in &words {
        say(&mut ada, word).await;
    }
    assert_eq!(bob.hear("word 19"), words);
    // Nothing is an answer, too, when the time is up.
    assert_eq!(bob.poll(), Ok(Vec::new()));
    let before = bob.after;
    assert_eq!(bob.poll(), Ok(Vec::new()));
    assert_eq!(bob.after, before);

    assert_eq!(bob.leave(), 204);
    eventually("Bob has left", || running.counters().members.value() == 1).await;
    assert_eq!(bob.poll().expect_err("gone").0, 404);
    drop(ada);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_long_poll_without_a_session_or_with_a_strangers_is_refused() {
    let running = start().await;
    let port = port(&running);
    let bob = Poller::join(&running, "Bob");
    let forged = format!("Authorization: Bearer {}\r\n", "A".repeat(43));
    let elsewhere = format!("{}Origin: http://evil.example\r\n", bob.bearer);
    for lines in ["", &forged, &elsewhere] {
        for (method, path) in [
            ("GET", LOBBY),
            ("GET", "/poll/talk/lobby?after=1"),
            ("POST", LOBBY),
            ("DELETE", LOBBY),
        ] {
            let answer = request(port, method, path, lines, "");
            assert_eq!(answer.status, 401, "{method} {path} {lines}");
        }
    }
    // Another user is another member, or none.
    let mut eve = Poller::new(&running, "Eve");
    eve.after = bob.after;
    assert_eq!(eve.poll().expect_err("not hers").0, 404);
    assert_eq!(eve.say(1, "I am Bob"), 404);
    assert_eq!(eve.leave(), 404);
    let get = |path: &str| request(port, "GET", path, &eve.bearer, "").status;
    for (path, expect) in [
        ("/poll/nothing/lobby", 404),
        ("/poll/talk/.hidden", 404),
        ("/poll/talk/a%2fb", 404),
        ("/poll/talk/lobby?after=x", 400),
        ("/poll/talk/lobby?after=-1", 400),
        ("/poll/talk", 404),
    ] {
        assert_eq!(get(path), expect, "{path}");
    }
    // An answer that never was.
    let mut bob = bob;
    let after = bob.after.replace(99);
    assert_eq!(bob.poll().expect_err("not there").0, 400);
    bob.after = after;
    // What is no message of the protocol ends it, as with any member.
    let nonsense = request(port, "POST", LOBBY, &bob.bearer, "nonsense");
    assert_eq!(nonsense.status, 204);
    assert_eq!(bob.end()["code"], 1007);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_logout_ends_a_member_by_long_poll() {
    let running = start_with(Config::for_tests(), Duration::from_secs(3600)).await;
    let bob = Poller::join(&running, "Bob");
    let lines = format!("{}{JSON}", bob.bearer);
    let out = request(bob.port, "POST", "/api/logout", &lines, "{}");
    assert_eq!(out.status, 204);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_of_two_long_polls_the_later_one_hears() {
    let running = start().await;
    let mut ada = Member::<Talk>::join(port(&running), "lobby", "Ada").await;
    let mut bob = Poller::join(&running, "Bob");
    let mut polls: Vec<_> = (0..5).map(|_| bob.poll_aside()).collect();
    // All but one are told to go, without waiting for a word; which, nobody can say.
    eventually("four were told to go", || {
        polls.iter().filter(|poll| poll.is_finished()).count() == 4
    })
    .await;
    say(&mut ada, "hello").await;
    let mut heard = Vec::new();
    for poll in polls.drain(..) {
        match poll.join().expect("no panic") {
            Ok(messages) => heard.push(said(&messages)),
            Err((status, told)) => assert_eq!(status, 409, "{told}"),
        }
    }
    assert_eq!(heard, [["hello"]]);
    assert_eq!(bob.hear("hello"), ["hello"], "once, under one number");
    // Who joins again sits down anew: one member, not two.
    let mut again = bob.clone();
    again.after = None;
    let told = again.poll().expect("let in");
    assert_eq!(told[0]["type"], "welcome");
    eventually("two members", || running.counters().members.value() == 2).await;
    drop(ada);
    assert_eq!(again.leave(), 204);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_long_poll_that_was_abandoned_loses_nothing_and_who_stays_away_leaves() {
    let running = start().await;
    let mut ada = Member::<Talk>::join(port(&running), "lobby", "Ada").await;
    let mut bob = Poller::join(&running, "Bob");
    for word in ["one", "two", "three"] {
        let mut raw = Raw::connect(bob.port);
        let path = bob.path();
        let head = format!("GET {path} HTTP/1.1\r\nHost: x\r\n{}\r\n", bob.bearer);
        raw.send(head.as_bytes());
        // Sometimes it waits already, sometimes it is not even read.
        assert!(!raw.hears_within(Duration::from_millis(200)), "nothing yet");
        drop(raw);
        say(&mut ada, word).await;
        assert_eq!(bob.hear(word), [word]);
    }
    eventually("Bob has left", || running.counters().members.value() == 1).await;
    assert_eq!(bob.poll().expect_err("too late").0, 410);
    assert_eq!(bob.poll().expect_err("too late").0, 404);
    say(&mut ada, "alone").await;
    ada.hears("herself", |said| said.message == "alone").await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_slow_long_poll_costs_nobody_else_anything() {
    // It is the room that has enough of it, before it counts as gone.
    let running = start_with(Config::for_tests(), 10 * AWAY).await;
    let mut ada = Member::<Talk>::join(port(&running), "lobby", "Ada").await;
    let mut bob = Poller::join(&running, "Bob");
    let mut slow = Poller::join(&running, "Slow");
    let reader = spawn(move || {
        let heard = bob.hear("the end");
        (bob, heard)
    });
    let mut words = Vec::new();
    while running.counters().members.value() == 3 {
        assert!(words.len() < 1000, "the slow one is never too slow");
        words.push(format!("word {}", words.len()));
        say(&mut ada, &words[words.len() - 1]).await;
    }
    words.push("the end".into());
    say(&mut ada, "the end").await;
    let (bob, heard) = reader.join().expect("no panic");
    assert_eq!(heard, words, "who polls has heard all");
    ada.sees("all", |view| view.events.len() == words.len())
        .await;
    // The slow one has what it could keep, from the beginning; then it is told.
    let mut heard = Vec::new();
    let told = loop {
        match slow.poll() {
            Ok(messages) => heard.extend(said(&messages)),
            Err((status, told)) => break (status, told["code"].clone()),
        }
    };
    assert!(
        told == (410, json!(4008)) || told == (410, json!(1006)),
        "{told:?}"
    );
    assert!(!heard.is_empty() && words.starts_with(&heard), "{heard:?}");
    assert_eq!(bob.leave(), 204);
    drop(ada);
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_a_server_that_drains_answers_long_polls() {
    let running = start().await;
    let pollers: Vec<_> = (0..4)
        .map(|n| Poller::join(&running, &format!("P{n}")))
        .collect();
    let polls: Vec<_> = pollers.iter().map(Poller::poll_aside).collect();
    running.drain().await;
    for poll in polls {
        let (status, told) = poll.join().expect("no panic").expect_err("the end");
        assert_eq!((status, &told["code"]), (410, &json!(1001)), "{told}");
    }
    let mut late = Poller::new(&running, "Late");
    assert_eq!(late.poll().expect_err("drains").0, 503);
    running.stop().await.expect("stopped");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_32_members_by_long_poll_count_for_the_address_that_they_poll_from() {
    let mut config = Config::for_tests();
    config.gate.proxies = vec!["127.0.0.0/8".parse().expect("a network")];
    config.limits.connections_per_address = Some(1);
    let running = start_with(config, AWAY).await;
    let come = |name: &str, from: &str| {
        let mut poller = Poller::new(&running, name);
        poller.bearer += &format!("X-Forwarded-For: {from}\r\n");
        let told = poller.poll();
        (poller, told.err().map(|(status, _)| status))
    };
    let (ada, refused) = come("Ada", "203.0.113.7");
    assert_eq!(refused, None);
    assert_eq!(come("Bob", "203.0.113.7").1, Some(429));
    let (eve, refused) = come("Eve", "203.0.113.8");
    assert_eq!(refused, None, "from elsewhere");
    assert_eq!((ada.leave(), eve.leave()), (204, 204));
    nobody_is_left(&running).await;
    running.stop().await.expect("stopped");
}
