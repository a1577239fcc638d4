//! However a membership ends, the game hears of it, and what it says then is carried out.

use downbeat::wire::{Close, CloseCode};

use crate::ledger::Happened::{Joined, Left};
use crate::ledger::{Input, Peer, S, Stage, TICK};

/// Ada and Bob are there, Eve is away; they are 1, 2 and 3.
async fn three(stage: &mut Stage) -> [Peer; 3] {
    let mut all = ["Ada", "Bob", "Eve"].map(|name| stage.enter(name));
    let [ada, bob, eve] = &mut all;
    stage.run(S, &mut [ada, bob, eve]).await;
    eve.cut();
    stage.run(S, &mut [ada, bob]).await;
    all
}

#[tokio::test(start_paused = true)]
async fn everybody_leaves_a_room_that_closes_once() {
    let mut stage = Stage::new();
    let [mut ada, mut bob, eve] = three(&mut stage).await;
    // Who is kicked in the same step has left only once as well.
    ada.input(Input::Kick(bob.player()));
    ada.input(Input::Close);
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(ada.goodbye(), Some((4004, "room closed")));
    assert_eq!(bob.goodbye(), Some((4003, "out")));
    assert_eq!(stage.left(), [1, 2, 3]);
    // The last frame shows how it ended, not that nobody is there any more.
    assert_eq!(ada.view.entities.len(), 2);
    assert_eq!(ada.happened(), [Joined]);
    assert_eq!(ada.happened_to(&bob), [Joined, Left]);
    assert!(!stage.host.is_member("main", eve.seated));
}

#[tokio::test(start_paused = true)]
async fn everybody_leaves_a_server_that_drains_also_who_is_away_or_does_not_read() {
    let mut stage = Stage::new();
    let [mut ada, _bob, eve] = three(&mut stage).await;
    let mut coming = stage.enter("Cleo");
    stage.host.drain().await;
    stage.run(2 * TICK, &mut [&mut ada, &mut coming]).await;
    for peer in [&ada, &coming] {
        assert_eq!(peer.goodbye(), Some((1001, "server is going away")));
    }
    let mut left = stage.left();
    left.retain(|&player| player != coming.player()); // in if the room was faster
    assert_eq!(left, [1, 2, 3], "before Bob's goodbye is given up");
    assert!(!stage.host.is_member("main", eve.seated));
    let handle = stage.world.handle();
    let counters = handle.counters();
    assert_eq!(counters.rooms_open.value(), 0);
    assert_eq!(counters.queries_waiting.value(), 0);
    stage.run(3 * S, &mut []).await;
    assert_eq!(counters.members.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_sleeps_ends_when_the_server_drains() {
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    ada.link.send(downbeat::Incoming::Close(Some(1000)));
    stage.run(S, &mut []).await;
    assert_eq!(stage.world.handle().counters().rooms_open.value(), 1);
    stage.host.drain().await;
    stage.run(2 * TICK, &mut []).await;
    assert_eq!(stage.world.handle().counters().rooms_open.value(), 0);
    assert_eq!(stage.left(), [1]);
}

#[tokio::test(start_paused = true)]
async fn a_room_that_ends_asks_more_than_may_wait() {
    const MEMBERS: u32 = 1100;
    let mut stage = Stage::new();
    let mut peers: Vec<_> = (0..MEMBERS).map(|n| stage.enter(&format!("{n}"))).collect();
    stage
        .run(2 * TICK, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    stage.host.drain().await;
    stage.run(2 * TICK, &mut []).await;
    assert_eq!(stage.left().len(), peers.len());
}

#[tokio::test(start_paused = true)]
async fn a_game_that_panicked_is_called_no_more() {
    let mut stage = Stage::new();
    let [mut ada, mut bob, _eve] = three(&mut stage).await;
    ada.input(Input::Panic);
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    let failed = Close::from(CloseCode::RoomFailed);
    assert_eq!((ada.closed, bob.closed), (Some(failed), Some(failed)));
    assert_eq!(stage.left(), [0; 0]);
}
