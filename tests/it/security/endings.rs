//! What ends: tickets and sessions whose time is over, sessions that were ended for all devices,
//! here, in the database, or by the operators.

use std::cell::RefCell;
use std::rc::Rc;

use downbeat_server::{App, Config, DatabaseUrl, Running};

use super::case::{Case, Outcome};
use super::people::{Inside, JSON, bearer};
use super::stage::Stage;

/// Sessions last long enough to be prepared on a busy machine, tickets are over at once.
pub(crate) const SHORT: &str = "[gate]\nsession_s = 10\nticket_s = 1\nrevalidate_s = 1\n";

const TICKET: &str = r#"{"game":"meadow","room":"main"}"#;

/// What a session gave while it lasted.
#[derive(Default)]
pub(crate) struct Over {
    token: String,
    cookie: String,
    resume: String,
    member: RefCell<Option<Inside>>,
    /// The answer to a request for a ticket that was never used.
    ticket: String,
}

impl Over {
    /// Waits until all of it is over.
    pub(crate) fn await_end(stage: &Stage) -> Rc<Self> {
        let (token, other) = (stage.guest(), stage.guest());
        let answer = stage.post("/api/guest", "", "{}");
        let cookie = answer.header("set-cookie").expect("a cookie");
        let cookie = cookie.split(';').next().expect("a value").to_owned();
        stage.issued(cookie.split('=').nth(1).expect("a value"));
        let (raw, welcome) = stage.enter("main", "x", &bearer(&other)).expect("let in");
        let resume = welcome["resume"].as_str().expect("a token").to_owned();
        drop(raw);
        let member = enter(stage, &token);
        let ticket = stage.ticket(&token, "main");
        stage.until("over", |stage| {
            let of = |lines: &str| stage.request("GET", "/api/session", lines, "").status;
            let cookie = of(&format!("Cookie: {cookie}\r\n"));
            let tokens = [&token, &other].map(|token| of(&bearer(token)));
            cookie == 401 && tokens == [401, 401]
        });
        Rc::new(Self {
            token,
            cookie,
            resume,
            member: RefCell::new(Some(member)),
            ticket,
        })
    }
}

/// Joins with a session, and stays.
fn enter(stage: &Stage, token: &str) -> Inside {
    Inside::new(stage.enter("main", "x", &bearer(token)).expect("let in").0)
}

/// Of sessions whose time is over.
pub(crate) fn expired(over: &Rc<Over>) -> Vec<Case> {
    let case = |name: &str, expect: Outcome, deed: fn(&Stage, &Over) -> Outcome| {
        let over = Rc::clone(over);
        Case::new(format!("expired: {name}"), &[expect], move |stage| {
            deed(stage, &over)
        })
    };
    vec![
        case("who is in", 4003, |_, over| {
            let member = over.member.borrow_mut().take();
            member.expect("it came in").goodbye()
        }),
        case("a session's bearer", 401, |stage, over| {
            stage.knock("main", "x", &bearer(&over.token))
        }),
        case("a session's bearer at the API", 401, |stage, over| {
            stage
                .post("/api/ticket", &bearer(&over.token), TICKET)
                .status
        }),
        case("a session's cookie", 401, |stage, over| {
            let cookie = format!("Cookie: {}\r\n", over.cookie);
            stage.post("/api/ticket", &cookie, TICKET).status
        }),
        case("a logout afterwards", 401, |stage, over| {
            stage.post("/api/logout", &bearer(&over.token), "{}").status
        }),
        case("a resume token of that session", 401, |stage, over| {
            stage.knock("main", &format!("resume.{}", over.resume), "")
        }),
        case("a ticket of that session", 401, |stage, over| {
            stage.knock("main", &format!("ticket.{}", over.ticket), "")
        }),
        Case::new(
            "expired: a ticket of a session that lasts",
            &[401],
            |stage| {
                let token = stage.guest();
                let answer = stage.post("/api/ticket", &bearer(&token), TICKET);
                assert_eq!(answer.json()["expires_s"], 1);
                let ticket = answer.json()["ticket"].as_str().expect("one").to_owned();
                stage.issued(&ticket);
                // Nobody tells when it is over; its time does.
                std::thread::sleep(std::time::Duration::from_millis(1100));
                let status = stage.knock("main", &format!("ticket.{ticket}"), "");
                let session = stage.request("GET", "/api/session", &bearer(&token), "");
                assert_eq!(session.status, 200, "it is the ticket that is over");
                status
            },
        ),
    ]
}

/// An account with three devices, all of them in.
struct Devices {
    tokens: [String; 3],
    sockets: [Inside; 3],
}

impl Devices {
    fn of(stage: &Stage, name: &str) -> Self {
        let first = stage.account(name, &password(name));
        let tokens = [first, login(stage, name), login(stage, name)];
        let sockets = tokens.each_ref().map(|token| enter(stage, token));
        Self { tokens, sockets }
    }

    /// All of them are closed.
    fn goodbyes(self) -> [Outcome; 3] {
        self.sockets.map(Inside::goodbye)
    }
}

fn password(name: &str) -> String {
    format!("{name}'s password")
}

fn login(stage: &Stage, name: &str) -> String {
    let body = serde_json::json!({"name": name, "password": password(name), "token": true});
    let answer = stage.post("/api/login", "", &body.to_string());
    let token = answer.json()["token"].as_str().expect("a token").to_owned();
    stage.issued(&token);
    token
}

/// Of accounts with several devices.
pub(crate) fn everywhere() -> Vec<Case> {
    vec![
        Case::new("devices: logout everywhere", &[4003], |stage| {
            let ada = Devices::of(stage, "Ada");
            let body = r#"{"everywhere":true}"#;
            let done = stage.post("/api/logout", &bearer(&ada.tokens[1]), body);
            assert_eq!(done.status, 204);
            let Devices { tokens, sockets } = ada;
            assert_eq!(sockets.map(Inside::goodbye), [4003; 3]);
            for token in &tokens {
                assert_eq!(stage.knock("main", "x", &bearer(token)), 401);
            }
            4003
        }),
        Case::new("devices: logout of one", &[4003], |stage| {
            let bea = Devices::of(stage, "Bea");
            let tab = enter(stage, &bea.tokens[1]);
            let done = stage.post("/api/logout", &bearer(&bea.tokens[1]), "{}");
            assert_eq!(done.status, 204);
            assert_eq!(stage.knock("main", "x", &bearer(&bea.tokens[1])), 401);
            let [phone, tablet, pad] = bea.sockets;
            assert_eq!([tablet.goodbye(), tab.goodbye()], [4003; 2]);
            assert!(phone.leave() && pad.leave());
            4003
        }),
        Case::new("devices: a new password", &[4003], |stage| {
            let cleo = Devices::of(stage, "Cleo");
            stage.issued("cleo's new one");
            let body = serde_json::json!({"old": password("Cleo"), "new": "cleo's new one"});
            let (path, who) = ("/api/password", bearer(&cleo.tokens[1]));
            assert_eq!(stage.post(path, &who, &body.to_string()).status, 204);
            let [phone_in, tablet_in, pad_in] = cleo.sockets;
            assert_eq!([phone_in.goodbye(), pad_in.goodbye()], [4003; 2]);
            let knock = |token| stage.knock("main", "x", &bearer(token));
            let [phone, tablet, pad] = cleo.tokens.each_ref().map(|token| knock(token));
            assert_eq!([phone, tablet, pad], [401, 101, 401]);
            let body = serde_json::json!({"name": "Cleo", "password": password("Cleo")});
            let old = stage.post("/api/login", "", &body.to_string());
            assert_eq!(old.status, 401);
            assert!(tablet_in.leave(), "who changed it stays");
            4003
        }),
        Case::new(
            "devices: a wrong password changes nothing",
            &[401],
            |stage| {
                let dora = Devices::of(stage, "Dora");
                let body = r#"{"old":"not dora's","new":"a new password"}"#;
                let tried = stage.post("/api/password", &bearer(&dora.tokens[1]), body);
                assert!(dora.sockets.into_iter().all(Inside::leave));
                tried.status
            },
        ),
        Case::new("devices: revoked by the operators", &[4003], |stage| {
            let eve = Devices::of(stage, "Evelyn");
            let who = stage.request("GET", "/api/session", &bearer(&eve.tokens[0]), "");
            let body = serde_json::json!({"user": who.json()["user"]["id"]});
            let done = stage.operator("POST", "/admin/revoke", JSON, &body.to_string());
            assert_eq!(done.status, 204);
            assert_eq!(stage.knock("main", "x", &bearer(&eve.tokens[2])), 401);
            assert_eq!(eve.goodbyes(), [4003; 3]);
            4003
        }),
    ]
}

/// Somebody else with the same database: another process, or an operator with a statement.
pub(crate) struct Elsewhere {
    runtime: tokio::runtime::Runtime,
    running: Running,
}

/// Sessions of those who are in are looked at often.
pub(crate) const LOOKED_AT: &str = "[gate]\nrevalidate_s = 1\n";

impl Elsewhere {
    pub(crate) fn beside(stage: &Stage) -> Self {
        let runtime = tokio::runtime::Runtime::new().expect("threads");
        let mut config = Config::for_tests();
        let file = stage.data().join("downbeat.db");
        assert!(file.exists(), "the store of the stage");
        config.store.url = Some(DatabaseUrl::new(format!("sqlite:{}", file.display())));
        let running = runtime.block_on(App::new().start(config)).expect("starts");
        Self { runtime, running }
    }

    fn user(stage: &Stage, token: &str) -> String {
        let who = stage.request("GET", "/api/session", &bearer(token), "");
        who.json()["user"]["id"].as_str().expect("an id").to_owned()
    }

    /// Ends all sessions of a user, by rows alone.
    pub(crate) fn revoke(&self, stage: &Stage, token: &str) {
        let user = Self::user(stage, token);
        let store = self.running.store();
        let ended = self.runtime.block_on(store.delete_sessions_of(&user));
        assert!(ended.is_ok_and(|ended| ended > 0), "there were some");
    }

    /// Bans an account, by its row alone.
    pub(crate) fn ban(&self, stage: &Stage, token: &str) {
        let user = Self::user(stage, token);
        let id = user.strip_prefix("account_").expect("an account");
        let id = id.parse().expect("a number");
        let banned = self.running.store().set_banned(id, true);
        self.runtime.block_on(banned).expect("banned");
    }
}

/// Members, devices and what they show afterwards, when somebody else has ended their sessions.
pub(crate) fn end_elsewhere(stage: &Stage, elsewhere: &Elsewhere) {
    let bob = stage.account("Bob", "bob's password");
    let bob_in = enter(stage, &bob);
    let ends: [fn(&Elsewhere, &Stage, &str); 2] = [Elsewhere::revoke, Elsewhere::ban];
    for (name, end) in ["Ada", "Ann"].into_iter().zip(ends) {
        let Devices { tokens, sockets } = Devices::of(stage, name);
        end(elsewhere, stage, &tokens[0]);
        assert_eq!(sockets.map(Inside::goodbye), [4003; 3], "{name}");
        for token in &tokens {
            stage.until("refused", |stage| {
                stage.knock("main", "x", &bearer(token)) == 401
            });
        }
        stage.honest().expect("an honest bot gets in");
    }
    assert!(bob_in.leave(), "nobody else is closed");
}
