//! What a server makes of the types that its clients were built for.

use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Schema, Seat};
use downbeat_server::{App, Config};
use serde::{Deserialize, Serialize};

use crate::stage::{Adder, Client, request, start, status};

#[tokio::test]
async fn a_client_that_was_built_for_other_types_is_closed_with_4009() {
    let running = start().await;
    let ours = Schema::hash_of::<Adder>().expect("described");
    let mut eve = Client::connect(running.addr(), "main").await.expect("in");
    eve.send(downbeat::client::hello("Eve", ours ^ 1)).await;
    let (code, reason) = eve.goodbye().await;
    assert_eq!(code, 4009);
    assert_eq!(reason, "client was built for other types; reload");
}

#[tokio::test]
async fn the_types_of_a_game_are_served_as_a_module() {
    let running = start().await;
    let answer = request(running.addr(), "GET", "/downbeat/types/adder.js", "").await;
    assert_eq!(status(&answer), 200, "{answer}");
    let ours = Schema::hash_of::<Adder>().expect("described");
    for part in [
        "content-type: text/javascript",
        "export const Shared = replicated({ sum: u32 });",
        &format!("schema: 0x{ours:08x},"),
    ] {
        assert!(answer.contains(part), "{part} is missing in {answer}");
    }
    for path in ["chess.js", "adder", "adder.ts", "a%2Fb.js"] {
        let path = format!("/downbeat/types/{path}");
        let answer = request(running.addr(), "GET", &path, "").await;
        assert_eq!(status(&answer), 404, "{path}");
    }
}

/// A game whose input refuses whatever is made up for it.
#[derive(Serialize, Deserialize)]
struct Picky;

#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
struct FortyTwo;

impl TryFrom<u8> for FortyTwo {
    type Error = &'static str;

    fn try_from(number: u8) -> Result<Self, &'static str> {
        (number == 42).then_some(Self).ok_or("only 42")
    }
}

impl From<FortyTwo> for u8 {
    fn from(_: FortyTwo) -> Self {
        42
    }
}

#[downbeat::game]
impl Game for Picky {
    const NAME: &'static str = "picky";
    type Input = FortyTwo;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: FortyTwo) {}
}

#[tokio::test]
async fn where_types_cannot_be_described_anybody_may_play_and_a_page_is_told_why() {
    let app = App::new().game::<Picky>();
    let running = app.start(Config::for_tests()).await.expect("started");
    let answer = request(running.addr(), "GET", "/downbeat/types/picky.js", "").await;
    assert_eq!(status(&answer), 422, "{answer}");
    assert!(
        answer.contains("FortyTwo refused a made-up value: only 42"),
        "{answer}"
    );

    let request = crate::stage::handshake(running.addr(), "/ws/picky/main");
    let connected = Client::connect_with(running.addr(), request).await;
    let mut ada = connected.expect("let in");
    ada.send(downbeat::client::hello("Ada", 7)).await;
    ada.see(|view| view.welcome.is_some()).await;
}
