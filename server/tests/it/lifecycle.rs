use std::time::Duration;

use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Seat};
use downbeat_server::{App, Config, GameOptions, Services, StartError, StopError};
use futures_util::SinkExt as _;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use crate::stage::{Adder, Client, nobody_is_left, request, start, status};

#[tokio::test]
async fn a_drain_says_1001_and_lets_nobody_in() {
    let running = start().await;
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    let mut stranger = Client::connect(running.addr(), "main").await.expect("in");
    assert_eq!(
        status(&request(running.addr(), "GET", "/readyz", "").await),
        200
    );
    running.drain().await;
    let going = (1001, "server is going away".to_owned());
    assert_eq!(ada.goodbye().await, going);
    assert_eq!(stranger.goodbye().await, going);
    assert_eq!(
        status(&request(running.addr(), "GET", "/readyz", "").await),
        503
    );
    assert_eq!(
        status(&request(running.addr(), "GET", "/healthz", "").await),
        200
    );
    let late = Client::connect(running.addr(), "main").await.err();
    assert_eq!(late, Some(503));
    let address = running.addr();
    let stopped = running.stop().await.expect("stopped");
    assert!(stopped.ticks_run > 0);
    let gone = tokio::net::TcpStream::connect(address).await;
    assert!(gone.is_err(), "nobody listens any more");
}

/// A task takes so much from its sockets in a turn; who comes after that is served in the next one,
/// but whose link is dropped in this one has no next one.
#[tokio::test]
async fn all_who_say_goodbye_at_once_get_an_answer() {
    let running = start().await;
    let names: Vec<_> = (0..200).map(|number| format!("Guest {number}")).collect();
    let joins = names
        .iter()
        .map(|name| Client::join(running.addr(), "main", name));
    let mut guests = futures_util::future::join_all(joins).await;
    let mut stays = guests.pop().expect("one of them");
    let seen = stays.view.seen();
    let all_go = async {
        // One thing more to read, so that the turn ends between a goodbye and its answer.
        stays.send(seen).await;
        for guest in &mut guests {
            let bye = CloseFrame {
                code: 1000.into(),
                reason: "bye".into(),
            };
            guest
                .ws
                .send(Message::Close(Some(bye)))
                .await
                .expect("sent");
        }
    };
    tokio::task::unconstrained(all_go).await;
    for guest in &mut guests {
        assert_eq!(guest.goodbye().await, (1000, "bye".to_owned()));
    }
}

#[tokio::test]
async fn a_stop_does_not_wait_for_those_who_never_answer() {
    let running = start().await;
    let _silent = Client::join(running.addr(), "main", "Ada").await;
    let _idle = tokio::net::TcpStream::connect(running.addr()).await;
    let stop = tokio::time::timeout(Duration::from_secs(10), running.stop());
    stop.await.expect("in time").expect("stopped");
}

/// Saves what is known of its members when they leave.
#[derive(serde::Serialize, serde::Deserialize)]
struct Saver;

#[downbeat::game]
impl Game for Saver {
    const NAME: &'static str = "adder";
    type Shared = crate::stage::Sum; // its clients are the adder's
    type Input = u32;
    type Query = String;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: u32) {}

    fn leave(&mut self, room: &mut Room<Self>, player: PlayerId) {
        let name = room.player(player).map(|player| player.name.clone());
        room.query(name.expect("still a member"));
    }
}

#[tokio::test]
async fn what_a_game_saves_when_a_stop_makes_its_members_leave_is_saved() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = || Config {
        data_dir: Some(folder.path().into()),
        ..Config::for_tests()
    };
    let answer = async |services: Services, name: String| {
        // So that nobody is saved by luck.
        tokio::time::sleep(Duration::from_millis(300)).await;
        let saved = services.store().save_profile(&name, "adder", 7.into());
        saved.await.expect("the store is there");
        name
    };
    let options = GameOptions::default().answer(answer);
    let app = App::new().game_with::<Saver>(options);
    let running = app.start(config()).await.expect("starts");
    let away = Client::join(running.addr(), "main", "Away").await;
    drop(away);
    nobody_is_left(&running).await;
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    let _silent = Client::join(running.addr(), "other", "Bob").await;
    let (stopped, goodbye) = tokio::join!(running.stop(), ada.goodbye());
    stopped.expect("stopped");
    assert_eq!(goodbye.0, 1001);

    let running = app.start(config()).await.expect("starts");
    for name in ["Ada", "Away", "Bob"] {
        let saved = running.store().profile(name, "adder").await;
        assert_eq!(saved.expect("read"), Some(7.into()), "{name}");
    }
    running.stop().await.expect("stopped");
}

/// Its first input takes longer than a server may take to stop.
#[derive(serde::Serialize, serde::Deserialize)]
struct Stuck;

#[downbeat::game]
impl Game for Stuck {
    const NAME: &'static str = "adder";
    type Shared = crate::stage::Sum; // its clients are the adder's
    type Input = u32;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, seconds: u32) {
        std::thread::sleep(Duration::from_secs(seconds.into()));
    }
}

#[tokio::test]
async fn a_game_that_never_ends_its_tick_does_not_keep_the_server() {
    let app = App::new().game::<Stuck>();
    let running = app.start(Config::for_tests()).await.expect("starts");
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    ada.send(ada.view.input(1, 12)).await;
    while running.counters().inputs.value() == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The tick that takes the input in is the next one.
    tokio::time::sleep(Duration::from_millis(200)).await;
    drop(ada);
    let stopped = running.stop().await;
    assert!(matches!(stopped, Err(StopError::Stuck)), "{stopped:?}");
}

#[tokio::test]
async fn a_port_in_use_is_one_clear_line() {
    let running = start().await;
    let app = App::new().game::<Adder>();
    let players = Config {
        listen: running.addr(),
        ..Config::for_tests()
    };
    let operators = Config {
        admin: Some(running.addr()),
        ..Config::for_tests()
    };
    for (config, flag) in [(players, "--listen"), (operators, "--admin")] {
        let error = app.start(config).await.err().expect("in use");
        assert!(matches!(error, StartError::InUse { .. }), "{error}");
        let line = error.to_string();
        let address = running.addr().to_string();
        assert!(line.contains(&address) && line.contains(flag), "{line}");
        assert!(!line.contains('\n'), "{line}");
    }
}

#[tokio::test]
async fn a_data_folder_is_made_or_named_where_that_fails() {
    let folder = tempfile::tempdir().expect("a folder");
    let app = App::new().game::<Adder>();
    let made = folder.path().join("a/b");
    let config = Config {
        data_dir: Some(made.clone()),
        ..Config::for_tests()
    };
    app.start(config).await.expect("starts");
    let kept = made.join("downbeat.db");
    assert!(kept.is_file(), "the store lies in it");

    let file = folder.path().join("file");
    std::fs::write(&file, "").expect("written");
    let config = Config {
        data_dir: Some(file.join("below")),
        ..Config::for_tests()
    };
    let error = app.start(config).await.err().expect("no folder");
    let line = error.to_string();
    assert!(
        line.starts_with("data folder ") && line.contains("--data-dir"),
        "{line}"
    );
}
