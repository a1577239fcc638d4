//! What a member hears of the time in which nobody listened for it.

use downbeat::Space;

use crate::ledger::{Input, MS, Peer, S, Stage, TICK};

/// Ada and Bob, whom nothing has been told yet.
async fn two(stage: &mut Stage) -> (Peer, Peer) {
    let (mut ada, mut bob) = (stage.enter("Ada"), stage.enter("Bob"));
    stage.run(S, &mut [&mut ada, &mut bob]).await;
    (ada, bob)
}

/// Bob whispers these to Ada, one each 100 ms, while these read.
async fn whisper(
    stage: &mut Stage,
    bob: &mut Peer,
    numbers: std::ops::Range<u32>,
    also: Option<&mut Peer>,
) {
    let mut also = also;
    for n in numbers {
        bob.input(Input::Whisper(1, format!("{n}")));
        let mut peers: Vec<&mut Peer> = also.as_deref_mut().into_iter().collect();
        peers.push(&mut *bob);
        stage.run(100 * MS, &mut peers).await;
    }
}

/// What was sent over a line on which nobody reads, and then over the next.
fn told(mut silent: Peer, next: &Peer) -> Vec<String> {
    silent.read();
    [silent.view.events, next.view.events.clone()].concat()
}

fn numbers(range: std::ops::Range<u32>) -> Vec<String> {
    range.map(|n| n.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_between_the_silence_of_a_line_and_its_end() {
    let mut stage = Stage::new();
    let (ada, mut bob) = two(&mut stage).await;
    // From here on nobody reads for Ada: after 1.5 s she is sent nothing more, after 2.5 s she is
    // given up, 2 s later her connection is gone.
    whisper(&mut stage, &mut bob, 0..60, None).await;
    assert!(ada.is_dropped());
    let mut back = stage.resume(&ada).expect("a member");
    whisper(&mut stage, &mut bob, 60..65, Some(&mut back)).await;
    assert_eq!(told(ada, &back), numbers(0..65));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_a_silent_line_is_overtaken() {
    for said in [10, 15, 18, 20, 22, 24, 30, 50] {
        let mut stage = Stage::new();
        let (ada, mut bob) = two(&mut stage).await;
        whisper(&mut stage, &mut bob, 0..said, None).await;
        let mut back = stage.resume(&ada).expect("a member");
        stage.run(4 * TICK, &mut [&mut back, &mut bob]).await;
        whisper(&mut stage, &mut bob, said..said + 3, Some(&mut back)).await;
        assert_eq!(told(ada, &back), numbers(0..said + 3), "after {said}");
    }
}

#[tokio::test(start_paused = true)]
async fn nothing_is_lost_when_too_much_waited_for_a_slow_line() {
    let mut stage = Stage::new();
    let (ada, mut bob) = two(&mut stage).await;
    whisper(&mut stage, &mut bob, 0..22, None).await; // she is behind by now
    bob.input(Input::Burst(60));
    stage.run(2 * TICK, &mut [&mut bob]).await;
    bob.input(Input::Burst(60));
    stage.run(10 * TICK, &mut [&mut bob]).await;
    let mut back = stage.resume(&ada).expect("a member");
    stage.run(4 * TICK, &mut [&mut back, &mut bob]).await;
    let newest = [numbers(56..60), numbers(0..60)].concat();
    assert_eq!(back.view.events, newest, "the newest 64");
}

const GRID: Space = Space::Grid {
    cell_m: 32.0,
    near: 1,
    mid: 2,
    far: 3,
};

#[tokio::test(start_paused = true)]
async fn an_eventful_absence_is_no_reason_to_be_thrown_out() {
    // A grid has keyframes at each fourth tick only.
    for phase in 0..4 {
        let mut stage = Stage::in_space(GRID);
        let (ada, mut bob) = two(&mut stage).await;
        ada.cut();
        stage.run(S, &mut [&mut bob]).await;
        for _ in 0..2 {
            bob.input(Input::Burst(50));
            stage.run(TICK, &mut [&mut bob]).await;
        }
        stage.run(phase * TICK, &mut [&mut bob]).await;
        let mut back = stage.resume(&ada).expect("a member");
        bob.input(Input::Whisper(1, "welcome back".into()));
        stage.run(S, &mut [&mut back, &mut bob]).await;
        assert_eq!(back.goodbye(), None, "phase {phase}");
        let events = &back.view.events;
        let kept = [numbers(37..50), numbers(0..50), vec!["welcome back".into()]].concat();
        assert_eq!(events[events.len() - 64..], kept, "phase {phase}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_burst_of_events_throws_no_newcomer_out() {
    for phase in 0..4 {
        let mut stage = Stage::in_space(GRID);
        let mut bob = stage.enter("Bob");
        stage.run(S + phase * TICK, &mut [&mut bob]).await;
        let mut ada = stage.enter("Ada");
        bob.input(Input::Burst(200));
        stage.run(S, &mut [&mut ada, &mut bob]).await;
        assert_eq!(ada.goodbye(), None, "phase {phase}");
        assert!(ada.view.avatar().is_some());
        let events = &ada.view.events;
        assert_eq!(
            events[events.len() - 64..],
            numbers(136..200),
            "phase {phase}"
        );
    }
}
