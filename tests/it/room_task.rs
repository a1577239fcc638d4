//! Members of all kinds around one room task.

use std::time::Duration;

use downbeat::wire::CloseCode;
use downbeat::{HostConfig, WorldConfig};
use downbeat::{Incoming, LinkError};
use downbeat_tests::probe::{Order, Probe, Settings};
use downbeat_tests::stage::{Peer, Stage};

const S: Duration = Duration::from_secs(1);
const MS: Duration = Duration::from_millis(1);

fn quiet() -> Stage<Probe> {
    let settings = Settings {
        quiet: true,
        ..Settings::default()
    };
    let config = HostConfig {
        settings,
        ..HostConfig::default()
    };
    Stage::with(config, &WorldConfig::default())
}

#[tokio::test(start_paused = true)]
async fn a_join_is_a_welcome_then_the_whole_world_then_a_frame_each_tick() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    stage.run(2 * S, &mut [&mut ada]).await;
    let welcome = ada.view.welcome.clone().expect("welcome");
    assert_eq!(
        (welcome.game.as_str(), welcome.room.as_str()),
        ("probe", "main")
    );
    assert_eq!((welcome.name.as_str(), welcome.tick_rate_hz), ("Ada", 20));
    assert_eq!(ada.view.events, ["hello Ada"], "events of the join itself");
    assert_eq!(ada.view.shared.ticks, ada.view.tick.number());
    let expected: Vec<u32> = (ada.ticks[0]..).take(ada.ticks.len()).collect();
    assert_eq!(ada.ticks, expected, "each tick once");
    assert!((40..=41).contains(&ada.ticks.len()));
}

#[tokio::test(start_paused = true)]
async fn a_task_writes_all_of_256_members_each_tick_and_the_next_opens_another() {
    let mut stage = Stage::<Probe>::new();
    let mut peers: Vec<Peer<Probe>> = (0..300).map(|_| stage.enter("main", "p")).collect();
    stage
        .run(2 * S, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    for (i, peer) in peers.iter().enumerate() {
        assert!(
            peer.ticks.len() >= 39,
            "peer {i} got {} frames",
            peer.ticks.len()
        );
        assert_eq!(peer.view.due as usize, peer.ticks.len(), "peer {i}");
    }
    assert_eq!(stage.world.handle().counters().frames_skipped.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_where_nothing_changed_but_a_heartbeat() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    let (frames, sent) = (
        ada.ticks.len(),
        stage.world.handle().counters().messages_sent.value(),
    );
    stage.run(10 * S, &mut [&mut ada]).await;
    assert_eq!(ada.ticks.len(), frames, "a heartbeat is not due");
    let heartbeats = stage.world.handle().counters().messages_sent.value() - sent;
    assert!((9..=11).contains(&heartbeats), "{heartbeats}");
    assert!(ada.view.tick.number() >= 200, "but it tells the time");
    assert_eq!(ada.close_code(), None);
}

#[tokio::test(start_paused = true)]
async fn an_input_is_acknowledged_with_the_state_that_it_made() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    let mut bob = stage.enter("main", "Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    ada.input(Order::Add(2));
    ada.input(Order::Add(3));
    stage.run(100 * MS, &mut [&mut ada, &mut bob]).await;
    assert_eq!((ada.view.shared.sum, ada.view.input_ack), (5, 2));
    assert_eq!((bob.view.shared.sum, bob.view.input_ack), (5, 0));
}

#[tokio::test(start_paused = true)]
async fn events_reach_one_or_all_in_order() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    let mut bob = stage.enter("main", "Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    let bob_id = bob.view.welcome.as_ref().expect("in").player;
    ada.input(Order::TellAll("one".into()));
    ada.input(Order::Tell(bob_id, "two".into()));
    ada.input(Order::TellAll("three".into()));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(ada.view.events, ["hello Ada", "one", "three"]);
    assert_eq!(bob.view.events, ["hello Bob", "one", "two", "three"]);
}

#[tokio::test(start_paused = true)]
async fn large_frames_are_split_and_put_together_again() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    for _ in 0..4 {
        ada.input(Order::Fill(5000));
    }
    stage.run(S, &mut [&mut ada]).await;
    let sizes: Vec<_> = ada.view.events[1..].iter().map(String::len).collect();
    assert_eq!(sizes, [5000; 4]);
    assert_eq!(
        ada.view.due as usize,
        ada.ticks.len(),
        "one frame, however many messages"
    );
}

#[tokio::test(start_paused = true)]
async fn a_refused_join_hears_why() {
    let mut stage = Stage::<Probe>::new();
    let mut nobody = stage.enter("main", "nobody");
    stage.run(S, &mut [&mut nobody]).await;
    let close = nobody.closed.expect("closed");
    assert_eq!(
        (close.code.number(), close.reason),
        (4003, "nobody stays out")
    );
    assert!(nobody.view.welcome.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_kicked_member_leaves_once() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    let mut bob = stage.enter("main", "Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    ada.input(Order::KickMe);
    stage.run(5 * S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(ada.closed.map(|close| close.reason), Some("as you wish"));
    assert_eq!((bob.view.shared.joined, bob.view.shared.left), (2, 1));
    assert!(ada.link.is_dropped(), "closed for good after 2 s");
}

#[tokio::test(start_paused = true)]
async fn every_way_to_go_is_one_leave() {
    let mut stage = quiet();
    let mut bob = stage.enter("main", "Bob");
    for way in 0..4 {
        let mut ada = stage.enter("main", "Ada");
        stage.run(S, &mut [&mut ada, &mut bob]).await;
        match way {
            0 => ada.link.vanish(),
            1 => ada.link.send(Incoming::Close(Some(1000))),
            2 => ada
                .link
                .fail(LinkError::Lost(std::io::ErrorKind::ConnectionReset.into())),
            _ => ada.link.fail(LinkError::Peer(CloseCode::TooBig)),
        }
        stage.run(4 * S, &mut [&mut bob]).await;
        ada.read();
        assert_eq!(bob.view.shared.left, way + 1, "way {way}");
        assert_eq!(ada.close_code(), (way == 3).then_some(1009));
    }
    assert_eq!(stage.host.rooms()[0].members, 1);
}

#[tokio::test(start_paused = true)]
async fn a_never_reading_member_is_closed_within_three_seconds_and_disturbs_nobody() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    let mut deaf = stage.enter("main", "Deaf");
    deaf.echoes = false;
    stage.run(S, &mut [&mut ada, &mut deaf]).await;
    assert_eq!(deaf.close_code(), None);
    stage.run(2 * S, &mut [&mut ada]).await;
    deaf.read();
    assert_eq!(deaf.close_code(), Some(4008));
    assert_eq!(ada.ticks.len(), ada.view.due as usize);
    assert!(ada.ticks.len() >= 59);
}

#[tokio::test(start_paused = true)]
async fn a_full_socket_misses_frames_but_its_next_state_is_whole_and_its_events_are_all_there() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    let mut slow = stage.enter_with("main", "Slow", 3);
    stage.run(S, &mut [&mut ada, &mut slow]).await;
    for text in ["one", "two"] {
        ada.input(Order::TellAll(text.into()));
    }
    // It reads nothing for 1.2 s: its link takes three messages and blocks.
    stage.run(1200 * MS, &mut [&mut ada]).await;
    assert_eq!(slow.link.waiting(), 4);
    stage.run(S, &mut [&mut ada, &mut slow]).await;
    assert_eq!(slow.close_code(), None);
    assert_eq!(slow.view.events, ["hello Slow", "one", "two"]);
    assert_eq!(slow.view.shared, ada.view.shared);
    assert!(slow.ticks.len() < ada.ticks.len());
    assert_eq!(
        slow.view.due.abs_diff(ada.view.due),
        0,
        "what it missed was due all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn a_member_that_echoes_once_a_second_is_never_behind() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    stage.run(60 * S, &mut [&mut ada]).await;
    assert_eq!(stage.world.handle().counters().frames_skipped.value(), 0);
    assert_eq!(ada.close_code(), None);
}

#[tokio::test(start_paused = true)]
async fn a_member_that_only_answers_pings_stays() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    ada.echoes = false;
    for _ in 0..2400 {
        stage.world.advance(25 * MS).await;
        for outgoing in ada.link.take() {
            match outgoing {
                downbeat::Outgoing::Ping(payload) => ada.link.send(Incoming::Pong(payload)),
                downbeat::Outgoing::Close(close) => panic!("{close:?}"),
                _ => {}
            }
        }
    }
    assert_eq!(stage.world.handle().counters().frames_skipped.value(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_flood_is_dropped_then_closed_with_1008_and_the_inbox_stays_free() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    let mut flood = stage.enter("main", "Flood");
    stage.run(S, &mut [&mut ada, &mut flood]).await;
    for _ in 0..160 {
        for _ in 0..50 {
            flood.input(Order::Add(1));
        }
        stage.run(25 * MS, &mut [&mut ada, &mut flood]).await;
    }
    assert_eq!(flood.close_code(), Some(1008));
    assert!(ada.view.shared.sum < 60 + 30 * 5, "{}", ada.view.shared.sum);
    let sum = ada.view.shared.sum;
    ada.input(Order::Add(1));
    stage.run(S, &mut [&mut ada]).await;
    assert_eq!(ada.view.shared.sum, sum + 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_delays_its_own_echoes_is_told_what_it_did() {
    let mut stage = Stage::<Probe>::new();
    let mut flood = stage.enter("main", "Flood");
    stage.run(S, &mut [&mut flood]).await;
    for _ in 0..140 {
        for _ in 0..4000 {
            flood.input(Order::Add(1));
        }
        stage.run(25 * MS, &mut [&mut flood]).await;
    }
    assert_eq!(flood.close_code(), Some(1008));
}

#[tokio::test(start_paused = true)]
async fn wrong_messages_close_with_the_documented_code() {
    let input = [0x01, 0x01, 0x00, 0x08, 0x00, 0x05];
    let cases: [(&str, Incoming, u16); 6] = [
        ("text", Incoming::Text, 1007),
        (
            "truncated",
            Incoming::Binary(input[..5].to_vec().into()),
            1007,
        ),
        (
            "trailing",
            Incoming::Binary([&input[..], &[0]].concat().into()),
            1007,
        ),
        ("empty", Incoming::Binary(Vec::new().into()), 1007),
        ("unknown message", Incoming::Binary(vec![9].into()), 1007),
        (
            "a second hello",
            Incoming::Binary(downbeat::client::hello("Ada", 0).into()),
            1007,
        ),
    ];
    let mut stage = quiet();
    let mut bob = stage.enter("main", "Bob");
    for (what, incoming, code) in cases {
        let mut ada = stage.enter("main", "Ada");
        stage.run(S, &mut [&mut ada, &mut bob]).await;
        ada.link.send(incoming);
        stage.run(S, &mut [&mut ada, &mut bob]).await;
        assert_eq!(ada.close_code(), Some(code), "{what}");
    }
    assert_eq!(bob.close_code(), None);
}

#[tokio::test(start_paused = true)]
async fn a_lie_about_ticks_to_come_proves_nothing() {
    let mut stage = Stage::<Probe>::new();
    let mut liar = stage.enter("main", "Liar");
    liar.echoes = false;
    stage.run(100 * MS, &mut [&mut liar]).await;
    for _ in 0..12 {
        liar.view.tick = downbeat::Tick::new(1 << 30);
        liar.link.send_bytes(liar.view.seen());
        stage.world.advance(250 * MS).await;
    }
    liar.read();
    assert_eq!(liar.close_code(), Some(4008));
}

#[tokio::test(start_paused = true)]
async fn a_ping_is_answered_between_ticks() {
    use downbeat::client::Applied;
    use downbeat::wire::ClientMessage;
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    let ping = ClientMessage::<()>::Ping {
        seen: ada.view.tick,
        token: 77,
    };
    ada.link.send_bytes(downbeat::codec::encode(&ping));
    stage.world.advance(2 * MS).await;
    let mut answers = ada
        .link
        .take()
        .into_iter()
        .filter_map(|answer| match answer {
            downbeat::Outgoing::Frame(bytes) => ada.view.apply(&bytes).ok(),
            _ => None,
        });
    assert!(answers.any(|answer| matches!(answer, Applied::Pong(pong) if pong.token == 77)));
}

#[tokio::test(start_paused = true)]
async fn bytes_over_which_the_game_panics_end_one_conversation_only() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    let mut bob = stage.enter("main", "Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    const MINE: u8 = 9;
    ada.link.send_bytes(vec![1, 1, 0, MINE, 0]);
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!((ada.close_code(), bob.close_code()), (Some(1007), None));
}

#[tokio::test(start_paused = true)]
async fn what_a_player_asked_for_before_it_became_a_spectator_is_refused() {
    let mut stage = quiet();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    // Four a tick: the last two wait for the next one, and Ada watches by then.
    for _ in 0..3 {
        ada.input(Order::Add(1));
    }
    ada.input(Order::Watch);
    for _ in 0..2 {
        ada.input(Order::Add(1));
    }
    stage.run(S, &mut [&mut ada]).await;
    assert_eq!(ada.view.shared.sum, 3);
    assert_eq!(ada.view.refused, [5, 6]);
    assert_eq!(ada.view.input_ack, 6);
}
