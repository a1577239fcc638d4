//! Bots, and rooms that are full of them.

use super::*;

/// Lets bots play for some ticks as the load driver does: a thought every other tick.
fn play(room: &mut TestRoom<Meadow>, count: u64, ticks: u32) -> (Vec<PlayerId>, Vec<u32>) {
    play_watched(room, count, ticks, |_| {})
}

/// The same, looked at after each tick.
fn play_watched(
    room: &mut TestRoom<Meadow>,
    count: u64,
    ticks: u32,
    mut look: impl FnMut(&TestRoom<Meadow>),
) -> (Vec<PlayerId>, Vec<u32>) {
    let mut bots: Vec<_> = (0..count)
        .map(|seed| {
            let player = room.join("bot").expect("let in");
            let bot = Meadow::bot(seed).expect("has a bot");
            (player, bot, downbeat::seeded(seed, "bots", 0, "think"))
        })
        .collect();
    let mut moves = vec![0; bots.len()];
    for tick in 0..ticks {
        if tick % 2 == 0 {
            for (player, bot, rng) in &mut bots {
                if let Some(input) = bot.think(room.view(*player), rng) {
                    room.input(*player, input);
                }
            }
        }
        let before: Vec<_> = bots.iter().map(|(player, ..)| at(room, *player)).collect();
        room.step(1);
        look(room);
        for ((moves, (player, ..)), before) in moves.iter_mut().zip(&bots).zip(before) {
            *moves += u32::from(at(room, *player) != before);
        }
    }
    (bots.into_iter().map(|(player, ..)| player).collect(), moves)
}

#[test]
fn bots_pick_flowers_and_hardly_ever_stand_still() {
    for seed in 0..5 {
        let mut room = TestRoom::try_open(Settings::default(), seed).expect("the room opens");
        let (players, moves) = play(&mut room, 20, 1200);
        for (player, moves) in players.iter().zip(moves) {
            assert!(
                moves >= 1200 * 8 / 10,
                "seed {seed}: {player} moved {moves} times"
            );
        }
        let scores: Vec<_> = players.iter().map(|&p| body(&mut room, p).score).collect();
        let picked = scores.iter().filter(|&&score| score > 0).count();
        assert!(
            picked >= 19,
            "seed {seed}: scores after a minute: {scores:?}"
        );
    }
}

/// Ten bots for a while in a room whose jobs are run by somebody.
fn played(threads: &JobThreads, ticks: u32) -> TestRoom<Meadow> {
    let settings = Settings::default();
    let mut room = TestRoom::open_with(settings, 5, threads).expect("the room opens");
    play(&mut room, 10, ticks);
    room
}

/// The world's hash after each tick of twenty seconds.
fn history(threads: &JobThreads) -> Vec<u64> {
    let mut room = played(threads, 0);
    let mut hashes = Vec::new();
    play_watched(&mut room, 10, 400, |room| hashes.push(room.hash()));
    hashes
}

#[test]
fn the_same_seed_and_inputs_make_the_same_world_whoever_runs_the_jobs() {
    let alone = history(&JobThreads::none());
    let most = std::time::Duration::from_millis(2);
    for count in [0, 1, 2, 8] {
        let threads = JobThreads::delayed(count, 1, most);
        let differs = history(&threads)
            .iter()
            .zip(&alone)
            .position(|(a, b)| a != b);
        assert_eq!(
            differs, None,
            "{count} threads: the first tick that differs"
        );
        assert!(threads.stop());
    }
}

#[test]
fn a_game_that_was_written_and_read_goes_on_as_before() {
    let [mut room, mut other] = [(); 2].map(|()| played(&JobThreads::none(), 400));
    let bytes = encode(room.game());
    *room.game() = downbeat::codec::decode(&bytes).expect("what was written");
    for tick in 0..400 {
        room.step_unseen();
        other.step_unseen();
        if tick % 50 == 0 {
            assert_eq!(room.hash(), other.hash(), "tick {tick}");
        }
    }
}
