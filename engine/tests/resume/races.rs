//! Two connections of one member, in every order in which that can happen.

use downbeat::EnterError;
use downbeat::limits::JOIN_WITHIN;

use crate::ledger::Happened::{Dropped, Joined, Left, Resumed};
use crate::ledger::{GRACE_S, Input, MS, Peer, S, Stage, TICK};

const FENCED: Option<(u16, &str)> = Some((4001, "fenced by a newer connection"));
const OVER: Option<(u16, &str)> = Some((4003, "session is over"));

async fn ada(stage: &mut Stage) -> Peer {
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    ada
}

#[tokio::test(start_paused = true)]
async fn a_new_connection_takes_over_from_one_that_still_stands() {
    let mut stage = Stage::new();
    let mut old = ada(&mut stage).await;
    let mut new = stage.resume(&old).expect("a member");
    stage.run(2 * TICK, &mut [&mut old, &mut new]).await;
    assert_eq!(old.goodbye(), FENCED);
    assert!(new.view.welcome.is_some());
    assert_eq!(new.happened(), [Joined, Dropped, Resumed]);
    stage.run(30 * S, &mut [&mut new]).await;
    assert_eq!(new.goodbye(), None);
    assert_eq!(new.happened(), [Joined, Dropped, Resumed]);
}

#[tokio::test(start_paused = true)]
async fn late_inputs_of_a_fenced_connection_count_for_nothing() {
    let mut stage = Stage::new();
    let mut old = ada(&mut stage).await;
    old.input(Input::Enter(1));
    stage.run(S, &mut [&mut old]).await;
    let mut new = stage.resume(&old).expect("a member");
    stage.run(TICK, &mut [&mut new]).await;
    // Its peer has not read the goodbye yet.
    old.input(Input::Enter(66));
    old.input(Input::KickMe);
    stage.run(S, &mut [&mut new]).await;
    new.input(Input::Enter(2));
    stage.run(S, &mut [&mut new]).await;
    assert_eq!(new.entries(), [1, 2]);
    assert_eq!(new.goodbye(), None);
}

#[tokio::test(start_paused = true)]
async fn what_was_said_and_not_taken_is_said_again_and_counts_once() {
    let mut stage = Stage::new();
    let mut old = ada(&mut stage).await;
    for nonce in 1..=3 {
        old.input(Input::Enter(nonce));
    }
    // All three are in the old link, and some may be in the inbox, when the new one takes over.
    let mut new = stage.resume(&old).expect("a member");
    stage.run(S, &mut [&mut new]).await;
    assert_eq!(new.entries(), [1, 2, 3]);
    assert!(new.unanswered.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_leave_of_a_fenced_connection_is_nobodys() {
    let mut stage = Stage::new();
    for goodbye in [Some(1000), None] {
        let old = ada(&mut stage).await;
        let mut new = stage.resume(&old).expect("a member");
        stage.run(2 * TICK, &mut [&mut new]).await;
        match goodbye {
            Some(code) => old.link.send(downbeat::Incoming::Close(Some(code))),
            None => old.cut(),
        }
        stage.run(S, &mut [&mut new]).await;
        assert_eq!(new.happened(), [Joined, Dropped, Resumed]);
        assert_eq!(new.goodbye(), None);
    }
}

#[tokio::test(start_paused = true)]
async fn a_goodbye_and_a_new_connection_at_once_end_in_one_way_or_the_other() {
    let mut stage = Stage::new();
    for wait in [0, 1, 10, 49, 50, 51, 100] {
        let old = ada(&mut stage).await;
        old.link.send(downbeat::Incoming::Close(Some(1000)));
        stage.run(wait * MS, &mut []).await;
        let Ok(mut new) = stage.resume(&old) else {
            assert!(!stage.host.is_member("main", old.seated));
            continue;
        };
        stage.run(S, &mut [&mut new]).await;
        match new.goodbye() {
            None => assert_eq!(new.happened(), [Joined, Dropped, Resumed], "{wait} ms"),
            goodbye => assert_eq!(goodbye, OVER, "{wait} ms"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_come_back_with_the_same_token_the_later_one_stays() {
    let mut stage = Stage::new();
    for apart in [0, 1, 25, 50, 500] {
        let old = ada(&mut stage).await;
        old.cut();
        stage.run(S, &mut []).await;
        let mut first = stage.resume(&old).expect("a member");
        stage.run(apart * MS, &mut [&mut first]).await;
        let mut second = stage.resume(&old).expect("a member");
        stage.run(S, &mut [&mut first, &mut second]).await;
        assert_eq!(first.goodbye(), FENCED, "{apart} ms");
        assert_eq!(second.goodbye(), None, "{apart} ms");
        let happened = second.happened();
        assert_eq!(happened[..3], [Joined, Dropped, Resumed]);
        let pairs = happened[3..].chunks(2);
        assert!(pairs.into_iter().all(|pair| pair == [Dropped, Resumed]));
    }
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_connections_leaves_one_member_with_the_last_of_them() {
    let mut stage = Stage::new();
    let first = ada(&mut stage).await;
    let mut eve = stage.enter("Eve");
    let mut peers = vec![first];
    for at in 0..300 {
        let peer = stage.resume(&peers[0]).expect("a member");
        peers.push(peer);
        if at % 7 == 0 {
            stage.run(10 * MS, &mut [&mut eve]).await;
        }
        if at % 5 == 0 {
            peers[at / 2].cut();
        }
    }
    stage
        .run(
            5 * S,
            &mut peers.iter_mut().chain([&mut eve]).collect::<Vec<_>>(),
        )
        .await;
    let last = peers.last().expect("the last one");
    assert_eq!(last.goodbye(), None);
    assert!(last.view.avatar().is_some());
    let stays = peers
        .iter()
        .filter(|peer| peer.goodbye().is_none() && !peer.is_dropped());
    assert_eq!(stays.count(), 1);
    assert_eq!(eve.view.entities.len(), 2);
    let happened = eve.happened_to(last);
    let balance = |what| happened.iter().filter(|&&h| h == what).count();
    assert_eq!(balance(Dropped), balance(Resumed));
    assert_eq!((balance(Joined), balance(Left)), (1, 0));
    assert_eq!(stage.world.handle().counters().members.value(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_back_during_the_join_takes_over_or_is_told_to_go() {
    let mut stage = Stage::new();
    for wait in [0, 1, 25, 50] {
        let mut joining = stage.enter("Ada");
        stage.run(wait * MS, &mut []).await;
        let mut back = stage.resume(&joining).expect("on its way in");
        stage.run(S, &mut [&mut joining, &mut back]).await;
        match (joining.goodbye(), back.goodbye()) {
            (FENCED, None) => assert_eq!(back.happened(), [Joined, Dropped, Resumed]),
            (None, OVER) => assert_eq!(joining.happened(), [Joined]),
            other => panic!("{other:?} after {wait} ms"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_member_that_is_kicked_while_it_is_away_is_gone_when_it_comes_back() {
    let mut stage = Stage::new();
    let mut ada = ada(&mut stage).await;
    let mut bob = stage.enter("Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    ada.cut();
    stage.run(S, &mut [&mut bob]).await;
    bob.input(Input::Kick(ada.player()));
    // Both are under way: the room hears of the kick first.
    let mut back = stage.resume(&ada).expect("still a member");
    stage.run(S, &mut [&mut bob, &mut back]).await;
    assert!(matches!(back.goodbye(), OVER | Some((4003, "out"))));
    let happened = bob.happened_to(&ada);
    assert_eq!(happened.iter().filter(|&&h| h == Left).count(), 1);
    assert_eq!(happened.last(), Some(&Left));
    assert_eq!(stage.resume(&ada).err(), Some(EnterError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_comes_back_to_a_room_that_ends_is_told_so() {
    let mut stage = Stage::new();
    let ada = ada(&mut stage).await;
    let mut bob = stage.enter("Bob");
    stage.run(S, &mut [&mut bob]).await;
    ada.cut();
    stage.run(S, &mut [&mut bob]).await;
    bob.input(Input::Close);
    let mut back = stage.resume(&ada).expect("the room is there");
    stage.run(S, &mut [&mut bob, &mut back]).await;
    assert_eq!(back.goodbye().map(|(code, _)| code), Some(4004));
    assert_eq!(stage.resume(&ada).err(), Some(EnterError::Gone));
    assert!(!stage.host.is_member("main", ada.seated));
    let other = stage.enter("Ada");
    assert_ne!(other.seated, ada.seated, "a new room of that name");
}

#[tokio::test(start_paused = true)]
async fn at_the_end_of_the_grace_a_member_is_back_or_has_left_and_never_both() {
    let mut stage = Stage::new();
    for late in [-51, -50, -49, -1, 0, 1, 49, 50, 51] {
        let ada = ada(&mut stage).await;
        let mut eve = stage.enter("Eve");
        stage.run(S, &mut [&mut eve]).await;
        ada.cut();
        let grace = i64::from(GRACE_S) * 1000 + late;
        let grace = u32::try_from(grace).expect("positive");
        stage.run(grace * MS, &mut [&mut eve]).await;
        let back = stage.resume(&ada);
        let mut back = back.ok();
        let mut peers: Vec<_> = back.iter_mut().chain([&mut eve]).collect();
        stage.run(S, &mut peers).await;
        let happened = eve.happened_to(&ada);
        match back.as_ref().map(Peer::goodbye) {
            Some(None) => assert_eq!(happened, [Joined, Dropped, Resumed], "{late} ms"),
            None | Some(OVER) => assert_eq!(happened, [Joined, Dropped, Left], "{late} ms"),
            other => panic!("{other:?} at {late} ms"),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_room_that_is_too_busy_to_take_a_member_back_keeps_its_seat() {
    let mut stage = Stage::new();
    let ada = ada(&mut stage).await;
    ada.cut();
    stage.run(S, &mut []).await;
    let mut back = stage.resume(&ada).expect("a member");
    stage.world.stall(JOIN_WITHIN + S).await;
    back.read();
    assert_eq!(back.goodbye(), Some((4003, "room is busy")));
    back.link.send(downbeat::Incoming::Close(Some(4003)));
    stage.run(S, &mut []).await;
    let mut again = stage.resume(&ada).expect("still a member");
    stage.run(S, &mut [&mut again]).await;
    assert_eq!(again.goodbye(), None);
    assert!(again.view.avatar().is_some());
    assert_eq!(again.happened().last(), Some(&Resumed));
}

#[tokio::test(start_paused = true)]
async fn a_draining_server_takes_nobody_back() {
    let mut stage = Stage::new();
    let ada = ada(&mut stage).await;
    ada.cut();
    stage.run(S, &mut []).await;
    stage.host.drain().await;
    assert_eq!(stage.resume(&ada).err(), Some(EnterError::Draining));
}
