//! Sessions that end while the store takes its time, and while whoever asked for it goes away.
//!
//! The store is a file that somebody else has locked: it can be read, and its writes wait.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat_server::{App, Config, Running};
use serde_json::{Value, json};
use sqlx::{Connection as _, Executor as _, SqliteConnection};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use crate::accounts::{Answer, account, get, post};
use crate::stage::{Adder, Client, nobody_is_left, status};
use crate::store::services::{Fresh, Kind};
use crate::{admin, gate};

/// Several times what any of this takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a file.
struct Stage {
    running: Running,
    fresh: Fresh,
}

impl Stage {
    async fn open() -> Self {
        Self::open_with(Config::for_tests()).await
    }

    async fn open_with(mut config: Config) -> Self {
        let fresh = Fresh::new(Kind::Sqlite).await.expect("always there");
        config.admin = Some(([127, 0, 0, 1], 0).into());
        config.store.url = Some(fresh.url());
        config.store.timeout = PATIENCE;
        let app = App::new().game::<Adder>();
        let running = app.start(config).await.expect("starts");
        Self { running, fresh }
    }

    /// Nothing is written until this is dropped.
    async fn lock(&self) -> SqliteConnection {
        let file = self.fresh.address_at(None);
        let mut other = SqliteConnection::connect(&file).await.expect("open");
        other.execute("begin immediate").await.expect("locked");
        other
    }

    /// Waits until so many writes wait for the store.
    async fn waiting(&self, writes: usize) {
        until("waiting", async || {
            self.running.store().health().queued == writes
        })
        .await;
    }

    /// Asks, and is gone before the store has taken the one write that it comes to.
    async fn ask_and_go(&self, address: SocketAddr, path: &str, extra: &str, body: &Value) {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        let (body, kind) = (body.to_string(), "Content-Type: application/json");
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: {address}\r\n{kind}\r\n\
             Content-Length: {length}\r\n{extra}\r\n{body}"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        self.waiting(1).await;
    }

    async fn session(&self, who: &Answer) -> u16 {
        let answer = get(&self.running, "/api/session", &who.bearer()).await;
        answer.status
    }

    async fn login(&self, password: &str) -> Answer {
        let asks = json!({"name": "Ada", "password": password, "token": true});
        post(&self.running, "/api/login", "", &asks).await
    }
}

/// Waits until it is so.
async fn until(what: &str, is_so: impl AsyncFn() -> bool) {
    let seen = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let seen = tokio::time::timeout(PATIENCE, seen).await;
    assert!(seen.is_ok(), "never {what}");
}

#[tokio::test]
async fn a_logout_is_seen_through_though_the_page_has_gone() {
    let stage = Stage::open().await;
    let ada = account(&stage.running, "Ada").await;
    let lock = stage.lock().await;
    let (players, who) = (stage.running.addr(), ada.bearer());
    stage
        .ask_and_go(players, "/api/logout", &who, &json!({}))
        .await;
    nobody_is_left(&stage.running).await;
    drop(lock);
    until("out", async || stage.session(&ada).await == 401).await;
}

#[tokio::test]
async fn a_new_password_is_seen_through_though_the_page_has_gone() {
    let stage = Stage::open().await;
    let ada = account(&stage.running, "Ada").await;
    let thief = stage.login("correct horse").await;
    let lock = stage.lock().await;
    let asks = json!({"old": "correct horse", "new": "battery staple"});
    let (players, who) = (stage.running.addr(), ada.bearer());
    stage
        .ask_and_go(players, "/api/password", &who, &asks)
        .await;
    nobody_is_left(&stage.running).await;
    drop(lock);
    until("out", async || stage.session(&thief).await == 401).await;
    assert_eq!(stage.session(&ada).await, 200);
    assert_eq!(stage.login("battery staple").await.status, 200);
}

#[tokio::test]
async fn a_revocation_is_seen_through_and_nobody_stays_while_the_store_takes_its_time() {
    let stage = Stage::open().await;
    let ada = account(&stage.running, "Ada").await;
    let bearer = format!("Bearer {}", ada.token());
    let headers = [("Authorization", bearer.as_str())];
    let client = gate::try_in(&stage.running, gate::MAIN, "", &headers).await;
    let mut client: Client = client.expect("let in");
    gate::join(&mut client, "").await;
    let lock = stage.lock().await;
    let asks = json!({"user": ada.body["user"]["id"]});
    let operators = stage.running.admin_addr().expect("asked for");
    stage
        .ask_and_go(operators, "/admin/revoke", "", &asks)
        .await;
    assert_eq!(client.goodbye().await.0, 4003, "before the store has done");
    drop(lock);
    until("out", async || stage.session(&ada).await == 401).await;
}

/// Answers what a request came to during which something happened while it was at its password.
async fn meanwhile(
    stage: &Stage,
    asking: impl Future<Output = Answer>,
    happens: impl AsyncFnOnce(),
) -> Answer {
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let blocking = stage.running.blocking().clone();
    let held = blocking.run(move || wait.recv_timeout(PATIENCE).is_ok());
    let happens = async {
        let at_its_password = async || stage.running.blocking().counts().waiting == 1;
        until("at its password", at_its_password).await;
        happens().await;
        drop(go);
    };
    let (_, answer, ()) = tokio::join!(held, asking, happens);
    answer
}

/// With one thread for passwords.
async fn narrow() -> (Stage, u64) {
    let mut config = Config::for_tests();
    config.store.blocking_threads = 1;
    let stage = Stage::open_with(config).await;
    account(&stage.running, "Ada").await;
    let store = stage.running.store();
    let ada = store.account_by_name("ada").await.expect("read");
    (stage, ada.expect("there").id)
}

#[tokio::test]
async fn a_login_during_which_the_password_changes_begins_nothing() {
    let (stage, id) = narrow().await;
    let user = format!("account_{id}");
    let changes = async || {
        let store = stage.running.store();
        let changed = store.change_password((id, "$"), &user, &[0; 32]);
        changed.await.expect("changed");
    };
    let told = meanwhile(&stage, stage.login("correct horse"), changes).await;
    told.is(401, "wrong_login");
    let store = stage.running.store();
    assert_eq!(store.delete_sessions_of(&user).await, Ok(0));
}

#[tokio::test]
async fn a_login_during_which_the_account_is_banned_begins_nothing() {
    let (stage, id) = narrow().await;
    let store = stage.running.store();
    let banned = async || store.set_banned(id, true).await.expect("banned");
    let told = meanwhile(&stage, stage.login("correct horse"), banned).await;
    told.is(403, "banned");
}

#[tokio::test]
async fn a_session_that_is_revoked_while_it_changes_the_password_does_not_come_back() {
    let (stage, id) = narrow().await;
    let ada = stage.login("correct horse").await;
    let revoked = async || {
        let admin = stage.running.admin_addr().expect("asked for");
        let body = format!(r#"{{"user":"account_{id}"}}"#);
        let answer = admin::post(admin, "/admin/revoke", "", &body).await;
        assert_eq!(status(&answer), 204);
    };
    let asks = json!({"old": "correct horse", "new": "battery staple"});
    let extra = ada.bearer();
    let changes = post(&stage.running, "/api/password", &extra, &asks);
    meanwhile(&stage, changes, revoked).await;
    assert_eq!(stage.session(&ada).await, 401);
}
