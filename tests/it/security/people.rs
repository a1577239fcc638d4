//! Those who have a right to get in: sessions, tickets and resume tokens, honestly come by.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::case::{CUT, HANDSHAKE, Outcome};
use super::raw::{Answer, Raw, close, frame};
use super::stage::Stage;

pub(crate) const JSON: &str = "Content-Type: application/json\r\n";

const LINE: &str = "Sec-WebSocket-Protocol: downbeat.v1\r\n";

impl Stage {
    /// A request to the API, with lines for its head.
    pub(crate) fn post(&self, path: &str, lines: &str, body: &str) -> Answer {
        self.request("POST", path, &format!("{JSON}{lines}"), body)
    }

    /// The token of a new guest.
    pub(crate) fn guest(&self) -> String {
        let answer = self.post("/api/guest", "", r#"{"token":true}"#);
        self.token(&answer, 200)
    }

    /// The token of a new account.
    pub(crate) fn account(&self, name: &str, password: &str) -> String {
        self.issued(password);
        let body = serde_json::json!({"name": name, "password": password, "token": true});
        let answer = self.post("/api/register", "", &body.to_string());
        self.token(&answer, 201)
    }

    fn token(&self, answer: &Answer, expect: u16) -> String {
        assert_eq!(answer.status, expect, "{}", answer.text());
        let token = answer.json()["token"].as_str().expect("a token").to_owned();
        self.issued(&token);
        if let Some(cookie) = answer.header("set-cookie") {
            let value = cookie.split(['=', ';']).nth(1).expect("a value");
            self.issued(value);
        }
        token
    }

    /// A ticket for a room of the meadow.
    pub(crate) fn ticket(&self, token: &str, room: &str) -> String {
        let body = format!(r#"{{"game":"meadow","room":"{room}"}}"#);
        let answer = self.post("/api/ticket", &bearer(token), &body);
        assert_eq!(answer.status, 200, "{}", answer.text());
        let ticket = answer.json()["ticket"]
            .as_str()
            .expect("a ticket")
            .to_owned();
        self.issued(&ticket);
        ticket
    }

    /// Knocks at a room with further subprotocols and lines; the status.
    pub(crate) fn knock(&self, room: &str, offers: &str, lines: &str) -> Outcome {
        let mut raw = self.connect();
        raw.send(request(room, offers, lines).as_bytes());
        let status = raw.head().map_or(CUT, |answer| {
            if let Some(echoed) = answer.header("sec-websocket-protocol") {
                assert_eq!(echoed, "downbeat.v1", "a credential is never echoed");
            }
            answer.status
        });
        if status == 101 {
            self.saw_admitted(offers, lines);
        }
        status
    }

    /// Joins a room and speaks JSON: the connection and the welcome, or the status or code.
    pub(crate) fn enter(
        &self,
        room: &str,
        offers: &str,
        lines: &str,
    ) -> Result<(Raw, Value), Outcome> {
        let mut raw = self.connect();
        let request = request(room, offers, lines).replace("downbeat.v1,", "downbeat.v1.json,");
        raw.send(request.as_bytes());
        match raw.head() {
            Some(answer) if answer.status == 101 => {}
            Some(answer) => return Err(answer.status),
            None => return Err(CUT),
        }
        self.saw_admitted(offers, lines);
        raw.send(&frame(0x81, br#"{"type":"hello","name":"Ada"}"#));
        loop {
            let frame = raw.frame().ok_or(CUT)?;
            if frame.opcode == 8 {
                return Err(frame.code().unwrap_or(1005));
            }
            if frame.opcode == 1 {
                let welcome: Value = serde_json::from_slice(&frame.payload).expect("JSON");
                assert_eq!(welcome["type"], "welcome");
                self.issued(welcome["resume"].as_str().unwrap_or(""));
                return Ok((raw, welcome));
            }
        }
    }

    /// Joins, and what the welcome says to resume with.
    pub(crate) fn resumable(&self, room: &str, offers: &str) -> (Raw, String) {
        let (raw, welcome) = self.enter(room, offers, "").expect("let in");
        let token = welcome["resume"].as_str().expect("a token").to_owned();
        assert_eq!(token.len(), 43);
        (raw, token)
    }
}

/// A handshake; an offer of its own comes behind the language.
pub(crate) fn request(room: &str, offers: &str, lines: &str) -> String {
    let offered = format!("Sec-WebSocket-Protocol: downbeat.v1, {offers}\r\n{lines}");
    let path = format!("/ws/meadow/{room} ");
    HANDSHAKE
        .replace(LINE, &offered)
        .replace("/ws/meadow/main ", &path)
}

pub(crate) fn bearer(token: &str) -> String {
    format!("Authorization: Bearer {token}\r\n")
}

pub(crate) fn leave(mut raw: Raw) {
    raw.send(&close(1000, b""));
    raw.goodbye();
}

/// How long a member stays that should have been closed long since.
const STAYS: Duration = Duration::from_secs(60);

/// A member that stays for as long as it may: it reads what it is told, and shows that it does.
pub(crate) struct Inside {
    leaves: Arc<AtomicBool>,
    ended: JoinHandle<Outcome>,
}

impl Inside {
    pub(crate) fn new(mut raw: Raw) -> Self {
        let leaves = Arc::new(AtomicBool::new(false));
        let told = Arc::clone(&leaves);
        let came = Instant::now();
        let ended = std::thread::spawn(move || {
            while !told.load(Ordering::Relaxed) && came.elapsed() < STAYS {
                if !raw.hears_within(Duration::from_millis(20)) {
                    continue;
                }
                match raw.frame() {
                    None => return CUT,
                    Some(seen) if seen.opcode == 8 => return seen.code().unwrap_or(1005),
                    Some(seen) if seen.opcode == 9 => raw.send(&frame(0x8a, &seen.payload)),
                    Some(_) => {}
                }
            }
            raw.send(&close(1000, b""));
            raw.goodbye()
        });
        Self { leaves, ended }
    }

    /// The code with which the server closes it; 1000 if that never comes.
    pub(crate) fn goodbye(self) -> Outcome {
        self.ended.join().expect("no panic")
    }

    /// Says goodbye; whether it was still in.
    pub(crate) fn leave(self) -> bool {
        self.leaves.store(true, Ordering::Relaxed);
        let answered = self.goodbye();
        assert_eq!(answered, 1000, "the answer to a goodbye");
        true
    }
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("JSON: {}", self.text()))
    }
}
