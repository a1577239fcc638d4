//! A member outlives its connection: what must hold when connections break, come back, and come
//! back twice.

mod absence;
mod ends;
mod ledger;
mod races;
mod random;

use downbeat::wire::{Close, CloseCode};
use downbeat::{EnterError, Incoming, PlayerId, Seated};
use ledger::Happened::{Dropped, Joined, Left, Resumed};
use ledger::{GRACE_S, Input, S, Stage};

#[tokio::test(start_paused = true)]
async fn a_member_whose_connection_broke_comes_back_to_the_same_seat_and_entity() {
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    let before = ada.view.welcome.clone().expect("a welcome");
    assert_eq!((before.taken, &*before.resume), (0, "Ada-1"));
    let avatar = ada.view.avatar().expect("a body").0;
    ada.input(Input::Enter(7));
    stage.run(S, &mut [&mut ada]).await;
    ada.cut();
    stage.run(5 * S, &mut []).await;
    assert!(stage.host.is_member("main", ada.seated), "it may come back");

    let mut back = stage.resume_with(&ada, "Ada-2").expect("a member");
    stage.run(S, &mut [&mut back]).await;
    let welcome = back.view.welcome.clone().expect("a welcome");
    assert_eq!(welcome.player, before.player);
    assert_eq!(
        (welcome.taken, &*welcome.resume, &*welcome.name),
        (1, "Ada-2", "Ada")
    );
    assert_eq!(back.view.avatar().expect("a body").0, avatar);
    assert_eq!(back.happened(), [Joined, Dropped, Resumed]);
    back.input(Input::Enter(8));
    stage.run(S, &mut [&mut back]).await;
    assert_eq!(back.entries(), [7, 8]);
    assert_eq!(back.view.input_ack, 2);
}

#[tokio::test(start_paused = true)]
async fn who_stays_away_for_too_long_has_left_once() {
    let mut stage = Stage::new();
    let (mut ada, mut bob) = (stage.enter("Ada"), stage.enter("Bob"));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    ada.cut();
    stage.run((GRACE_S - 1) * S, &mut [&mut bob]).await;
    assert!(stage.host.is_member("main", ada.seated));
    assert_eq!(bob.view.entities.len(), 2, "its body waits");
    stage.run(2 * S, &mut [&mut bob]).await;
    assert!(!stage.host.is_member("main", ada.seated));
    assert_eq!(bob.happened_to(&ada), [Joined, Dropped, Left]);
    assert_eq!(bob.view.entities.len(), 1);
    assert_eq!(stage.resume(&ada).err(), Some(EnterError::Gone));
}

#[tokio::test(start_paused = true)]
async fn who_says_goodbye_leaves_at_once_and_whose_page_is_left_may_be_back() {
    let mut stage = Stage::new();
    let mut peers = ["Ada", "Bob", "Cleo", "Dan"].map(|name| stage.enter(name));
    let mut eve = stage.enter("Eve");
    let [ada, bob, cleo, dan] = &mut peers;
    stage.run(S, &mut [ada, bob, cleo, dan, &mut eve]).await;
    ada.link.send(Incoming::Close(Some(1000)));
    bob.link.send(Incoming::Close(None));
    cleo.link.send(Incoming::Close(Some(1001)));
    dan.link.send(Incoming::Close(Some(4008))); // its line went silent
    stage.run(S, &mut [&mut eve]).await;
    assert_eq!(eve.happened_to(ada), [Joined, Left]);
    assert_eq!(eve.happened_to(bob), [Joined, Left]);
    assert_eq!(eve.happened_to(cleo), [Joined, Dropped]);
    assert_eq!(eve.happened_to(dan), [Joined, Dropped]);
    assert_eq!(stage.resume(ada).err(), Some(EnterError::Gone));
    let mut back = stage.resume(cleo).expect("a member");
    stage.run(S, &mut [&mut back]).await;
    assert_eq!(back.happened(), [Joined, Dropped, Resumed]);
}

#[tokio::test(start_paused = true)]
async fn who_was_given_nothing_to_come_back_with_leaves_with_its_connection() {
    let mut stage = Stage::new();
    let (mut ada, mut bob) = (stage.enter_without_token("Ada"), stage.enter("Bob"));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(ada.view.welcome.as_ref().expect("in").resume, "");
    ada.cut();
    stage.run(S, &mut [&mut bob]).await;
    assert_eq!(bob.happened_to(&ada), [Joined, Left]);
}

#[tokio::test(start_paused = true)]
async fn who_did_what_it_must_not_does_not_come_back_and_who_was_slow_does() {
    let mut stage = Stage::new();
    let (mut bad, mut slow) = (stage.enter("Bad"), stage.enter("Slow"));
    let mut eve = stage.enter("Eve");
    stage.run(S, &mut [&mut bad, &mut slow, &mut eve]).await;
    bad.link.send_bytes(vec![0xff; 8]);
    stage.run(5 * S, &mut [&mut bad, &mut eve]).await;
    slow.read();
    assert_eq!(bad.goodbye().map(|(code, _)| code), Some(1007));
    assert_eq!(slow.goodbye().map(|(code, _)| code), Some(4008));
    // A client library answers a close with a close.
    slow.link.send(Incoming::Close(Some(4008)));
    bad.link.send(Incoming::Close(Some(1007)));
    stage.run(S, &mut [&mut eve]).await;
    assert_eq!(eve.happened_to(&bad), [Joined, Left]);
    assert_eq!(eve.happened_to(&slow), [Joined, Dropped]);
    let mut back = stage.resume(&slow).expect("a member");
    stage.run(S, &mut [&mut back, &mut eve]).await;
    assert_eq!(back.happened(), [Joined, Dropped, Resumed]);
}

#[tokio::test(start_paused = true)]
async fn events_of_the_absence_arrive_in_order_and_the_oldest_go_first_when_it_is_too_much() {
    let mut stage = Stage::new();
    let (mut ada, mut bob) = (stage.enter("Ada"), stage.enter("Bob"));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    ada.view.events.clear();
    ada.cut();
    stage.run(S, &mut [&mut bob]).await;
    let whisper = |n: u32| Input::Whisper(1, format!("{n}"));
    for n in 0..3 {
        bob.input(whisper(n));
    }
    bob.input(Input::Whisper(2, "not hers".into()));
    stage.run(S, &mut [&mut bob]).await;
    let mut back = stage.resume(&ada).expect("a member");
    bob.input(whisper(3));
    stage.run(S, &mut [&mut back, &mut bob]).await;
    assert_eq!(back.view.events, ["0", "1", "2", "3"]);

    back.cut();
    stage.run(S, &mut [&mut bob]).await;
    for n in 0..100 {
        bob.input(whisper(n));
        stage.run(S / 20, &mut [&mut bob]).await;
    }
    assert!(bob.unanswered.is_empty());
    let mut back = stage.resume(&back).expect("a member");
    stage.run(S, &mut [&mut back, &mut bob]).await;
    let newest: Vec<_> = (36..100).map(|n| n.to_string()).collect();
    assert_eq!(back.view.events, newest);
    assert_eq!(
        back.goodbye(),
        None,
        "nobody is too slow for having been away"
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_that_may_have_been_lost_are_told_again() {
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    for nonce in 0..14 {
        ada.input(Input::Enter(nonce));
    }
    // The answers are on their way when the connection breaks: nobody reads them.
    stage.run(S, &mut []).await;
    ada.cut();
    stage.run(S, &mut []).await;
    let mut back = stage.resume(&ada).expect("a member");
    stage.run(S, &mut [&mut back]).await;
    let entries = back.entries();
    assert!(
        !back.view.refused.is_empty(),
        "eight may wait, not fourteen"
    );
    let mut all: Vec<u32> = entries.iter().map(|nonce| nonce + 1).collect();
    all.extend(&back.view.refused);
    all.sort_unstable();
    assert_eq!(all, (1..=14).collect::<Vec<_>>(), "each has one fate");
}

#[tokio::test(start_paused = true)]
async fn a_seat_of_another_room_of_that_name_or_of_nobody_is_gone() {
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    let wrong = |room: u64, player: u32| Seated {
        room: ada.seated.room + room,
        player: PlayerId::new(player),
    };
    for seated in [wrong(1, 1), wrong(0, 99), wrong(0, 0)] {
        assert!(!stage.host.is_member("main", seated));
        let mut stranger = stage.enter("Eve");
        stranger.seated = seated;
        assert_eq!(stage.resume(&stranger).err(), Some(EnterError::Gone));
    }
    assert!(!stage.host.is_member("elsewhere", ada.seated));
    ada.room = "elsewhere".into();
    assert_eq!(stage.resume(&ada).err(), Some(EnterError::Gone));
}

#[tokio::test(start_paused = true)]
async fn a_member_can_be_thrown_out_from_outside_wherever_it_is() {
    let close = Close::with_reason(CloseCode::Refused, "session is no longer valid");
    let mut stage = Stage::new();
    let mut eve = stage.enter("Eve");
    let (mut here, mut away) = (stage.enter("Here"), stage.enter("Away"));
    stage.run(S, &mut [&mut eve, &mut here, &mut away]).await;
    away.cut();
    stage.run(S, &mut [&mut eve, &mut here]).await;
    let mut coming = stage.enter("Coming");
    for peer in [&here, &away, &coming] {
        stage.host.close_member("main", peer.seated, close);
        stage.host.close_member("main", peer.seated, close); // twice is once
    }
    stage.run(S, &mut [&mut eve, &mut here, &mut coming]).await;
    for peer in [&here, &coming] {
        assert_eq!(peer.goodbye(), Some((4003, "session is no longer valid")));
        peer.link.send(Incoming::Close(Some(4003)));
    }
    stage.run(5 * S, &mut [&mut eve]).await;
    assert_eq!(eve.happened_to(&here), [Joined, Left]);
    assert_eq!(eve.happened_to(&away), [Joined, Dropped, Left]);
    assert_eq!(eve.happened_to(&coming), [Joined, Left]);
    for peer in [&here, &away, &coming] {
        assert!(!stage.host.is_member("main", peer.seated));
        assert_eq!(stage.resume(peer).err(), Some(EnterError::Gone));
    }
    stage.host.close_member("main", here.seated, close);
    stage.host.close_member("nowhere", here.seated, close);
}

#[tokio::test(start_paused = true)]
async fn a_room_whose_members_are_all_away_goes_on_until_they_have_left() {
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    ada.cut();
    stage.run((GRACE_S - 1) * S, &mut []).await;
    let mut back = stage.resume(&ada).expect("a member");
    stage.run(S, &mut [&mut back]).await;
    let ticks = back.view.tick.number();
    assert!(
        (200..=230).contains(&ticks),
        "{ticks} ticks in eleven seconds"
    );
    back.cut();
    stage.run(75 * S, &mut []).await;
    assert_eq!(stage.host.rooms().len(), 0, "closed, when nobody was left");
    assert_eq!(stage.world.handle().counters().members.value(), 0);
}
