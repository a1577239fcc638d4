//! A member plays on while its connections are cut at random instants. FAULTS 11: nothing is
//! applied twice, nothing that was taken is lost.

use downbeat::rand::RngExt as _;
use downbeat::seeded;

use crate::ledger::Happened::{Dropped, Joined, Resumed};
use crate::ledger::{Input, MS, S, Stage, TICK};

/// Each `Once` input is applied exactly once and in order, however often the line breaks.
async fn play(seed: u64) {
    let mut rng = seeded(seed, "cuts", 0, "resume");
    let mut stage = Stage::new();
    let mut ada = stage.enter("Ada");
    stage.run(S, &mut [&mut ada]).await;
    let mut sent = 0;
    let mut cuts = 0;
    while sent < 200 {
        for _ in 0..rng.random_range(0..3) {
            sent += 1;
            ada.input(Input::Enter(sent));
        }
        let wait = rng.random_range(1..120) * MS;
        // Some of the time nobody reads: what is under way is lost with the line.
        if rng.random_bool(0.7) {
            stage.run(wait, &mut [&mut ada]).await;
        } else {
            stage.run(wait, &mut []).await;
        }
        if rng.random_bool(0.2) {
            cuts += 1;
            let stands = rng.random_bool(0.3);
            if !stands {
                ada.cut();
                stage.run(rng.random_range(0..400) * MS, &mut []).await;
            }
            ada = stage.resume(&ada).expect("a member");
        }
        // A client that says nothing new while it has much unanswered.
        while ada.unanswered.len() > 4 {
            stage.run(TICK, &mut [&mut ada]).await;
        }
    }
    stage.run(3 * S, &mut [&mut ada]).await;
    let again = format!("seed {seed}: cargo test -p downbeat --test resume random");
    assert_eq!(ada.goodbye(), None, "{again}");
    assert!(cuts > 10, "{cuts} cuts are no test");
    let expected: Vec<u32> = (1..=sent).collect();
    assert_eq!(ada.entries(), expected, "{again}");
    assert!(ada.unanswered.is_empty(), "{again}");
    let happened = ada.happened();
    assert_eq!(happened[0], Joined, "{again}");
    assert_eq!(happened.len(), 1 + 2 * cuts, "{again}");
    let pairs = happened[1..].chunks(2);
    assert!(
        pairs.into_iter().all(|pair| pair == [Dropped, Resumed]),
        "{again}"
    );
}

#[tokio::test(start_paused = true)]
async fn every_input_counts_once_however_often_the_line_breaks() {
    for seed in 0..10 {
        play(seed).await;
    }
}
