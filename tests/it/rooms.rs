//! Rooms on demand, side by side, and what happens when one of them breaks.

use std::time::Duration;

use downbeat::{EnterError, HostConfig, WorldConfig};
use downbeat_tests::probe::{Order, Probe, Settings};
use downbeat_tests::stage::{Peer, Stage};

const S: Duration = Duration::from_secs(1);

fn config(settings: Settings) -> HostConfig<Probe> {
    HostConfig {
        settings,
        ..HostConfig::default()
    }
}

#[tokio::test(start_paused = true)]
async fn hundred_joins_at_once_open_exactly_one_room() {
    let mut stage = Stage::<Probe>::new();
    let mut peers: Vec<_> = (0..100)
        .map(|i| stage.enter("main", &format!("p{i}")))
        .collect();
    stage
        .run(S, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    assert_eq!(stage.world.handle().counters().rooms_open.value(), 1);
    assert!(peers.iter().all(|peer| peer.view.shared.joined == 100));
    let ticks = peers[0].view.tick.number();
    assert!((20..=21).contains(&ticks), "one loop, {ticks} ticks");
}

#[tokio::test(start_paused = true)]
async fn an_empty_room_sleeps_keeps_its_state_and_closes_after_a_while() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    ada.input(Order::Add(5));
    stage.run(S, &mut [&mut ada]).await;
    let tick = ada.view.tick.number();
    ada.link.vanish();
    stage.world.advance(30 * S).await;
    assert_eq!(stage.host.rooms().len(), 1, "asleep, not closed");

    let mut bob = stage.enter("main", "Bob");
    stage.run(S, &mut [&mut bob]).await;
    assert_eq!(bob.view.shared.sum, 5, "the same room woke up");
    let slept = bob.view.tick.number() - tick;
    assert!(
        (20..=24).contains(&slept),
        "{slept} ticks: its count stood still"
    );
    bob.link.vanish();
    stage.world.advance(62 * S).await;
    assert_eq!(stage.host.rooms().len(), 0);
    assert_eq!(stage.world.handle().counters().rooms_open.value(), 0);

    let mut cleo = stage.enter("main", "Cleo");
    stage.run(S, &mut [&mut cleo]).await;
    assert_eq!(cleo.view.shared.sum, 0, "a new room of that name");
}

#[tokio::test(start_paused = true)]
async fn joins_while_a_room_closes_are_never_lost() {
    let kept = Duration::from_millis(100);
    let world = WorldConfig {
        empty_room_kept: kept,
        ..WorldConfig::default()
    };
    let mut stage = Stage::with(config(Settings::default()), &world);
    for i in 0u32..300 {
        let mut ada = stage.enter("main", "Ada");
        stage.run(Duration::from_millis(60), &mut [&mut ada]).await;
        assert!(ada.view.welcome.is_some(), "round {i}");
        ada.link.vanish();
        stage
            .world
            .advance(Duration::from_millis(u64::from(i % 120)))
            .await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_panic_closes_its_room_with_1011_and_no_other_misses_a_tick() {
    let mut stage = Stage::<Probe>::new();
    let mut bad = stage.enter("bad", "Ada");
    let mut good = stage.enter("good", "Bob");
    stage.run(S, &mut [&mut bad, &mut good]).await;
    bad.input(Order::Panic);
    stage.run(S, &mut [&mut bad, &mut good]).await;
    assert_eq!(bad.close_code(), Some(1011));
    assert_eq!(good.close_code(), None);
    let expected: Vec<u32> = (good.ticks[0]..).take(good.ticks.len()).collect();
    assert_eq!(good.ticks, expected, "gapless");
    assert!(good.ticks.len() >= 40);
    let counters = stage.world.handle();
    assert_eq!(counters.counters().rooms_failed.value(), 1);

    let mut again = stage.enter("bad", "Ada");
    stage.run(S, &mut [&mut again]).await;
    assert!(again.view.welcome.is_some(), "the name is free again");
}

#[tokio::test(start_paused = true)]
async fn a_room_that_cannot_open_says_so() {
    let settings = Settings {
        broken: true,
        ..Settings::default()
    };
    let mut stage = Stage::with(config(settings), &WorldConfig::default());
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    let close = ada.closed.expect("closed");
    assert_eq!(
        (close.code.number(), close.reason),
        (4003, "room could not be opened")
    );
    assert_eq!(stage.host.rooms().len(), 0);
}

#[tokio::test(start_paused = true)]
async fn rooms_beyond_the_cap_are_refused_and_known_ones_are_not() {
    let config = HostConfig {
        rooms_max: 2,
        ..HostConfig::<Probe>::default()
    };
    let stage = Stage::with(config, &WorldConfig::default());
    let _ada = stage.enter("a", "Ada");
    let _bob = stage.enter("b", "Bob");
    assert_eq!(stage.host.check("c", true), Err(EnterError::TooManyRooms));
    assert_eq!(stage.host.check("a", true), Ok(()));
    assert_eq!(stage.host.check("c", false), Err(EnterError::NoSuchRoom));
}

#[tokio::test(start_paused = true)]
async fn rooms_of_several_rates_keep_their_own_time_side_by_side() {
    let world = downbeat::testing::VirtualWorld::new(&WorldConfig::default());
    let rates = [5u16, 20, 30];
    let hosts = rates.map(|tick_rate_hz| {
        let settings = Settings {
            tick_rate_hz,
            ..Settings::default()
        };
        downbeat::Host::<Probe, _>::new(world.handle(), config(settings))
    });
    let mut stage = Stage {
        world,
        host: hosts[0].clone(),
    };
    let mut peers: Vec<Peer<Probe>> = Vec::new();
    for host in &hosts {
        stage.host = host.clone();
        peers.push(stage.enter("main", "Ada"));
    }
    stage
        .run(60 * S, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    for (peer, rate) in peers.iter().zip(rates) {
        let expected = 60 * u32::from(rate);
        let ticks = peer.view.tick.number();
        assert!(ticks.abs_diff(expected) <= 2, "{ticks} ticks at {rate} Hz");
        assert_eq!(peer.view.shared.ticks, ticks);
    }
}

#[tokio::test(start_paused = true)]
async fn stalls_are_caught_up_within_bounds_and_tick_numbers_have_no_gaps() {
    for (stall_ms, dropped) in [(10, 0..=0), (200, 1..=2), (5000, 96..=98)] {
        let mut stage = Stage::<Probe>::new();
        let mut ada = stage.enter("main", "Ada");
        stage.run(2 * S, &mut [&mut ada]).await;
        stage.world.stall(Duration::from_millis(stall_ms)).await;
        stage.run(2 * S, &mut [&mut ada]).await;
        let clock = stage
            .world
            .handle()
            .counters()
            .clocks()
            .next()
            .expect("one rate");
        assert!(dropped.contains(&clock.dropped), "{stall_ms} ms: {clock:?}");
        assert_eq!(ada.view.tick.number(), ada.view.shared.ticks, "gapless");
        let due = (4000 + stall_ms) / 50 + 1; // the first tick is at time zero
        assert!(
            (clock.run + clock.dropped).abs_diff(due) <= 1,
            "{stall_ms} ms: {clock:?}"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_room_is_seen_before_the_goodbye() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    ada.input(Order::TellAll("the end".into()));
    ada.input(Order::Close);
    stage.run(S, &mut [&mut ada]).await;
    assert_eq!(ada.close_code(), Some(4004));
    assert_eq!(ada.view.events.last().map(String::as_str), Some("the end"));
}

#[tokio::test(start_paused = true)]
async fn a_drain_says_1001_to_everybody_and_lets_nobody_in() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    let mut bob = stage.enter("other", "Bob");
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    stage.host.drain().await;
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(
        (ada.close_code(), bob.close_code()),
        (Some(1001), Some(1001))
    );
    assert_eq!(stage.host.check("main", true), Err(EnterError::Draining));
}

#[tokio::test(start_paused = true)]
async fn a_panic_whose_words_panic_when_dropped_ends_its_room_and_nothing_else() {
    let mut stage = Stage::<Probe>::new();
    let mut bad = stage.enter("bad", "Ada");
    let mut good = stage.enter("good", "Bob");
    stage.run(S, &mut [&mut bad, &mut good]).await;
    bad.input(Order::PanicTwice);
    stage.run(S, &mut [&mut bad, &mut good]).await;
    assert_eq!(bad.close_code(), Some(1011));
    assert_eq!(good.close_code(), None);
    assert_eq!(good.view.tick.number(), good.view.shared.ticks);
    assert!(good.view.tick.number() >= 39);
}

#[tokio::test(start_paused = true)]
async fn a_game_goes_by_the_name_under_which_it_was_registered() {
    let config = HostConfig {
        name: "another".into(),
        ..HostConfig::<Probe>::default()
    };
    let mut stage = Stage::with(config, &WorldConfig::default());
    let mut ada = stage.enter("main", "Ada");
    stage.run(S, &mut [&mut ada]).await;
    assert_eq!(ada.view.welcome.expect("in").game, "another");
}

#[tokio::test(start_paused = true)]
async fn a_process_that_was_stopped_for_five_seconds_closes_nobody() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    stage.run(2 * S + S * 9 / 10, &mut [&mut ada]).await;
    // Everything stands still: the tick thread, the runtime, and what peers have said waits.
    tokio::time::advance(5 * S).await;
    stage.run(3 * S, &mut [&mut ada]).await;
    assert_eq!(ada.close_code(), None);
    assert_eq!(ada.view.tick.number(), ada.view.shared.ticks);
}

#[tokio::test(start_paused = true)]
async fn a_tick_that_stalls_closes_nobody_who_answers_pings() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("main", "Ada");
    ada.echoes = false;
    for ms in (0..12_000).step_by(25) {
        let step = Duration::from_millis(25);
        if (3000..8000).contains(&ms) {
            stage.world.stall(step).await;
        } else {
            stage.world.advance(step).await;
        }
        for outgoing in ada.link.take() {
            match outgoing {
                downbeat::Outgoing::Ping(payload) => {
                    ada.link.send(downbeat::Incoming::Pong(payload));
                }
                downbeat::Outgoing::Close(close) => panic!("{close:?} after {ms} ms"),
                _ => {}
            }
        }
    }
}

#[test]
fn a_rooms_name_is_good_for_a_url_and_a_file() {
    for good in ["a", "main", "A-1_b.c", &"x".repeat(64)] {
        assert!(downbeat::is_room_name(good), "{good}");
    }
    for bad in [
        "",
        ".",
        "..",
        ".hidden",
        "a/b",
        "a b",
        "ü",
        "a\n",
        &"x".repeat(65),
    ] {
        assert!(!downbeat::is_room_name(bad), "{bad:?}");
    }
}
