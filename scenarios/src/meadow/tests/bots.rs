//! Bots, and rooms that are full of them.

use super::*;

/// Lets bots play for some ticks as the load driver does: a thought every other tick.
fn play(room: &mut TestRoom<Meadow>, count: u64, ticks: u32) -> (Vec<PlayerId>, Vec<u32>) {
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

#[test]
fn the_same_seed_and_inputs_make_the_same_world() {
    let run = || {
        let mut room = TestRoom::try_open(Settings::default(), 5).expect("the room opens");
        let (players, _) = play(&mut room, 10, 1000);
        let view = room.view(players[0]);
        (view.entities.clone(), view.shared.clone(), view.tick)
    };
    assert!(run() == run());
}
