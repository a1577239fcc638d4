//! What the first users have today, row by row: each test is named after what it shows, and the
//! flaws that they know from there are regressions here.

use std::sync::atomic::Ordering;
use std::time::Duration;

use downbeat::testing::{TestRoom, memory_link};
use downbeat::{Entrant, Host, HostConfig, Outgoing, Vec2, World, WorldConfig};
use downbeat_tests::mill::{self, Mill};
use downbeat_tests::probe::{Order, Probe, Settings};
use downbeat_tests::quiz::{self, Quiz};
use downbeat_tests::shooter::{self, Shooter};
use downbeat_tests::stage::{Peer, Stage};

const S: Duration = Duration::from_secs(1);

async fn two(stage: &mut Stage<Probe>) -> (Peer<Probe>, Peer<Probe>) {
    let (mut ada, mut bob) = (stage.enter("main", "Ada"), stage.enter("main", "Bob"));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    (ada, bob)
}

#[tokio::test(start_paused = true)]
async fn row_01_the_server_decides_clients_only_ask_and_draw() {
    let mut stage = Stage::<Probe>::new();
    let (mut ada, mut bob) = two(&mut stage).await;
    ada.input(Order::Add(40));
    bob.input(Order::Add(2));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!((ada.view.shared.sum, bob.view.shared.sum), (42, 42));
}

#[tokio::test(start_paused = true)]
async fn row_02_the_period_does_not_drift_and_a_dead_socket_does_not_end_the_loop() {
    let mut stage = Stage::<Probe>::new();
    let (mut ada, bob) = two(&mut stage).await;
    bob.link.fail(downbeat::LinkError::Lost(
        std::io::ErrorKind::BrokenPipe.into(),
    ));
    stage.run(59 * S, &mut [&mut ada]).await;
    let ticks = ada.view.tick.number();
    assert!((1199..=1201).contains(&ticks), "{ticks} ticks in a minute");
    assert_eq!(ada.ticks.len(), ada.view.due as usize);
}

#[tokio::test(start_paused = true)]
async fn row_03_three_joins_at_once_start_one_loop_and_the_last_to_leave_stops_it() {
    let mut stage = Stage::<Probe>::new();
    let mut peers: Vec<_> = (0..3).map(|_| stage.enter("main", "p")).collect();
    stage
        .run(S, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    let ticks = peers[0].view.tick.number();
    assert!((20..=21).contains(&ticks), "{ticks}: one loop, not three");
    for peer in &peers {
        peer.link.vanish();
    }
    stage.world.advance(S).await;
    let counters = stage.world.handle();
    let run = || counters.counters().clocks().next().expect("a rate").run;
    let stopped = run();
    stage.world.advance(10 * S).await;
    assert_eq!(run(), stopped, "nothing ticks for nobody");
}

#[tokio::test(start_paused = true)]
async fn row_04_a_player_opens_a_room_and_others_join_it_by_name() {
    let mut stage = Stage::<Probe>::new();
    let mut ada = stage.enter("adas-room", "Ada");
    let mut bob = stage.enter("adas-room", "Bob");
    let mut cleo = stage.enter("elsewhere", "Cleo");
    stage.run(S, &mut [&mut ada, &mut bob, &mut cleo]).await;
    ada.input(Order::Add(7));
    stage.run(S, &mut [&mut ada, &mut bob, &mut cleo]).await;
    assert_eq!((bob.view.shared.sum, cleo.view.shared.sum), (7, 0));
    let rooms: Vec<_> = stage
        .host
        .rooms()
        .into_iter()
        .map(|r| (r.name, r.members))
        .collect();
    assert_eq!(rooms, [("adas-room".into(), 2), ("elsewhere".into(), 1)]);
}

#[tokio::test]
async fn row_05_the_loop_has_a_handle_it_can_be_stopped_and_tells_how_it_ended() {
    let world = World::start(&WorldConfig::default()).expect("a thread");
    let handle = world.handle();
    let host = Host::<Probe, _>::new(world.handle(), HostConfig::default());
    let (link, peer) = memory_link(usize::MAX);
    assert!(
        host.enter("main", true, Entrant::named("Ada"), link)
            .is_ok()
    );
    while peer.waiting() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let stopped = world.stop().expect("no panic");
    assert!(stopped.ticks_run >= 2 && stopped.rooms == 1, "{stopped:?}");
    handle.ended().await; // whoever watches is told
}

#[tokio::test(start_paused = true)]
async fn row_06_a_handler_waits_for_socket_tick_and_timer_and_its_end_blocks_nobody() {
    // The flaw: a handler that closed could take the tick's lock with it, and all others stopped.
    let mut stage = Stage::<Quiz>::new();
    let mut ada = stage.enter("duel", "Ada");
    let mut bob = stage.enter("duel", "Bob");
    let mut cleo = stage.enter("duel", "Cleo");
    stage.run(S, &mut [&mut ada, &mut bob, &mut cleo]).await;
    ada.input(0); // the socket
    bob.link.vanish(); // a handler goes, in the middle of it all
    stage.run(15 * S, &mut [&mut ada, &mut cleo]).await; // ticks, and the question's timer
    assert_eq!(
        ada.view.events.first(),
        Some(&quiz::Event::Judged { right: true })
    );
    assert!(ada.view.tick.number() >= 75, "the others go on");
    assert_eq!(ada.view.tick, cleo.view.tick);
}

#[tokio::test(start_paused = true)]
async fn row_07_the_tick_is_published_without_a_list_of_sockets() {
    // More tasks than one listen to the same notices; nobody keeps a list of their sockets.
    let mut stage = Stage::<Probe>::new();
    let mut peers: Vec<_> = (0..600).map(|_| stage.enter("main", "p")).collect();
    stage
        .run(2 * S, &mut peers.iter_mut().collect::<Vec<_>>())
        .await;
    let newest = peers[0].view.tick;
    assert!(newest.number() >= 40);
    assert!(peers.iter().all(|peer| peer.view.tick == newest));
}

#[tokio::test]
async fn row_08_the_loop_has_its_own_thread_and_blocked_io_does_not_stop_it() {
    let world = World::start(&WorldConfig::default()).expect("a thread");
    let host = Host::<Probe, _>::new(world.handle(), HostConfig::default());
    let (link, peer) = memory_link(usize::MAX);
    // Calls come from any thread.
    let runtime = tokio::runtime::Handle::current();
    let entering = std::thread::spawn({
        let host = host.clone();
        move || {
            let _in_runtime = runtime.enter();
            host.enter("main", true, Entrant::named("Ada"), link)
                .is_ok()
        }
    });
    assert!(entering.join().expect("no panic"));
    while peer.waiting() < 2 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let run = || {
        world
            .handle()
            .counters()
            .clocks()
            .next()
            .expect("a rate")
            .run
    };
    let before = run();
    // This runtime has one thread, and it is blocked now; the ticks are not.
    while run() < before + 3 {
        std::thread::yield_now();
    }
    world.stop().expect("no panic");
}

#[tokio::test]
async fn row_09_a_heavy_calculation_runs_beside_the_tick_bounded_watched_and_stoppable() {
    let config = WorldConfig {
        job_threads: 1,
        ..WorldConfig::default()
    };
    let world = World::start(&config).expect("threads");
    let handle = world.handle();
    let host = Host::<Mill, _>::new(world.handle(), HostConfig::default());
    let (link, link_peer) = memory_link(usize::MAX);
    assert!(
        host.enter("main", true, Entrant::named("Ada"), link)
            .is_ok()
    );
    let mut ada = Peer::<Mill>::new(link_peer);
    let told = async |ada: &mut Peer<Mill>, count: usize| {
        while ada.view.events.len() < count {
            tokio::time::sleep(Duration::from_millis(1)).await;
            ada.read();
        }
        ada.view.events.clone()
    };
    // Its room has a queue of three: the fourth is told at once that there is too much to do.
    while ada.ticks.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
        ada.read();
    }
    for number in [7, 8, 9, 10] {
        ada.input(mill::Order::Grind(number));
    }
    assert_eq!(told(&mut ada, 1).await, [mill::Told::TooMuch(10)]);
    // The calculation takes longer than many ticks, and these go on, none dropped.
    let run = || handle.counters().clocks().next().expect("a rate");
    let before = run();
    while run().run < before.run + 10 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert_eq!(run().dropped, before.dropped);
    assert_eq!(ada.view.events.len(), 1);
    // The results come back, in order.
    mill::MAY_END.store(true, Ordering::Release);
    let events = told(&mut ada, 4).await;
    assert_eq!(events[1..], [49, 64, 81].map(mill::Told::Flour));
    // A crash is told of, and nothing else happens.
    ada.input(mill::Order::Break);
    assert_eq!(told(&mut ada, 5).await[4], mill::Told::Broken);
    // A clean exit, in the middle of a calculation.
    mill::MAY_END.store(false, Ordering::Release);
    ada.input(mill::Order::Grind(11));
    let jobs = handle.counters().jobs();
    while jobs[0].1.in_flight.value() == 0 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    world.stop().expect("no panic");
    assert!(handle.jobs().expect("threads").stop(), "no thread is left");
}

#[tokio::test(start_paused = true)]
async fn row_12_the_world_at_the_join_personal_messages_a_maximum_and_the_end() {
    let mut stage = Stage::<Probe>::new();
    let (mut ada, mut bob) = two(&mut stage).await;
    ada.input(Order::Add(9));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    let mut cleo = stage.enter("main", "Cleo");
    stage.run(S, &mut [&mut ada, &mut bob, &mut cleo]).await;
    assert_eq!(cleo.view.shared.sum, 9, "the whole world, at the join");
    let bob_id = bob.view.welcome.as_ref().expect("in").player;
    ada.input(Order::Tell(bob_id, "psst".into()));
    ada.input(Order::Close);
    stage.run(S, &mut [&mut ada, &mut bob, &mut cleo]).await;
    assert_eq!(bob.view.events.last().map(String::as_str), Some("psst"));
    assert_eq!(cleo.view.events, ["hello Cleo"]);
    assert_eq!(cleo.close_code(), Some(4004), "game over");

    let mut duel = TestRoom::<Quiz>::open(quiz::Settings::default());
    let seats = (0..13)
        .filter(|i| duel.join(&format!("p{i}")).is_ok())
        .count();
    assert_eq!(seats, 12, "two players and ten who watch");
}

#[tokio::test(start_paused = true)]
async fn row_12_after_the_join_a_tick_brings_what_changed_and_nothing_else() {
    let mut stage = Stage::<Shooter>::new();
    let mut ada = stage.enter("main", "Ada");
    let mut others: Vec<_> = (0..20)
        .map(|i| stage.enter("main", &format!("p{i}")))
        .collect();
    let mut all: Vec<_> = others.iter_mut().collect();
    stage.run(S, &mut all).await;
    let heard = |ada: &mut Peer<Shooter>| {
        let sizes = ada.link.take().into_iter().filter_map(|out| match out {
            Outgoing::Frame(bytes) => {
                ada.view.apply(&bytes).expect("a frame");
                Some(bytes.len())
            }
            _ => None,
        });
        let sizes: Vec<_> = sizes.collect();
        ada.link.send_bytes(ada.view.seen());
        sizes
    };
    let joining = heard(&mut ada);
    assert_eq!(ada.view.entities.len(), 21, "the whole world at the join");
    stage.run(S, &mut all).await;
    assert!(
        heard(&mut ada).iter().sum::<usize>() < 20,
        "nothing changes"
    );
    all[0].input(shooter::Input::Run(Vec2::X));
    stage.run(S / 10, &mut all).await;
    let moving = heard(&mut ada);
    assert_eq!(moving.len(), 3, "a held input goes on for three ticks");
    let keyframe = joining.iter().max().expect("a keyframe");
    assert!(
        moving.iter().all(|bytes| bytes * 10 < *keyframe),
        "{moving:?} of {keyframe}"
    );
}

#[tokio::test(start_paused = true)]
async fn row_13_connect_receive_send_and_disconnect_once_whatever_raises() {
    // The flaw: disconnect was skipped when a handler raised, and ghosts stayed in groups.
    let mut stage = Stage::<Probe>::with(
        HostConfig {
            settings: Settings {
                quiet: true,
                ..Settings::default()
            },
            ..HostConfig::default()
        },
        &WorldConfig::default(),
    );
    let (mut ada, mut bob) = two(&mut stage).await;
    assert!(ada.view.welcome.is_some(), "accepted");
    let mut nobody = stage.enter("main", "nobody");
    stage.run(S, &mut [&mut ada, &mut bob, &mut nobody]).await;
    assert_eq!(nobody.close_code(), Some(4003), "not accepted");
    bob.link.send_bytes(vec![0xff; 3]); // what raises elsewhere
    stage.run(4 * S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(bob.close_code(), Some(1007));
    assert_eq!((ada.view.shared.joined, ada.view.shared.left), (2, 1));
    assert_eq!(stage.host.rooms()[0].members, 1, "no ghost");
}

#[tokio::test(start_paused = true)]
async fn row_14_messages_are_binary_in_both_directions() {
    let mut stage = Stage::<Probe>::new();
    let (mut ada, mut bob) = two(&mut stage).await;
    let text = "any bytes: \u{0}\u{1f642}".to_owned();
    ada.input(Order::TellAll(text.clone()));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(bob.view.events.last(), Some(&text));
    bob.link.send(downbeat::Incoming::Text);
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    assert_eq!(
        bob.close_code(),
        Some(1007),
        "text is for another subprotocol"
    );
}

#[tokio::test(start_paused = true)]
async fn row_27_overload_costs_frames_and_never_seconds_and_only_who_is_slow() {
    let mut stage = Stage::<Probe>::new();
    let mut members: Vec<_> = (0..500).map(|_| stage.enter("main", "Ada")).collect();
    // Its line takes two messages and then nothing for more than a second.
    let mut slow = stage.enter_with("main", "Slow", 2);
    let mut all: Vec<_> = members.iter_mut().collect();
    stage.run(Duration::from_millis(1200), &mut all).await;
    all.push(&mut slow);
    stage.run(S, &mut all).await;
    let newest = members[0].view.tick.number();
    for member in &members {
        let seen = member.ticks.len();
        assert!(seen >= 43, "{seen} frames in 2.2 s at 20 Hz");
        assert_eq!(seen, member.view.due as usize, "none was skipped");
    }
    assert_eq!(slow.close_code(), None);
    assert_eq!(slow.view.tick.number(), newest, "the newest state, now");
    assert_eq!(slow.view.shared, members[0].view.shared);
    // At most what its line held already came late; the rest was never queued.
    let late = slow.ticks.iter().filter(|&&tick| tick + 25 < newest);
    assert!(late.count() <= 4, "{:?}", slow.ticks);
}
