use super::*;
use std::time::Instant;
#[test]
fn scratch() {
    for seed in 0..3 {
        let mut room = TestRoom::<Meadow>::try_open(Settings::default(), seed).expect("opens");
        let ada = ada(&mut room);
        let mut times = Vec::new();
        let mut before: BTreeMap<EntityId, Vec2> = BTreeMap::new();
        let mut moving = BTreeMap::<u8, u64>::new();
        let mut bytes = 0;
        for tick in 0..12000u32 {
            let t = Instant::now();
            bytes += room.step_unseen();
            times.push(t.elapsed().as_nanos() / 1000);
            let now: BTreeMap<_, _> = room
                .room()
                .entities()
                .filter(|(_, e)| !matches!(e.kind, Kind::Flower | Kind::Player))
                .map(|(id, e)| (id, e.pos))
                .collect();
            for (id, pos) in &now {
                if before.get(id) != Some(pos) {
                    let kind = room.room().entity(*id).expect("alive").kind;
                    *moving.entry(kind as u8).or_default() += 1;
                }
            }
            before = now;
            if tick % 1000 == 999 {
                let mut t = std::mem::take(&mut times);
                t.sort();
                let hunts = room
                    .game()
                    .animals
                    .all
                    .iter()
                    .filter(|a| matches!(a.mood, crate::meadow::animals::Mood::Hunt(_)))
                    .count();
                let phases: Vec<_> = room
                    .game()
                    .animals
                    .herds
                    .iter()
                    .map(|h| h.state())
                    .collect();
                let counts = room.game().ways.routes.counts();
                println!(
                    "seed {seed} tick {tick}: us median {} p99 {} max {}; moving {:?} = {:.3}; hunts {hunts}; fields {}; {counts:?}\n   {phases:?}; cells' bytes/tick {}",
                    t[500],
                    t[990],
                    t[999],
                    moving,
                    moving.values().sum::<u64>() as f64 / 500.0 / 1000.0,
                    room.game().ways.routes.fields(),
                    bytes / 1000
                );
                moving.clear();
                bytes = 0;
            }
        }
        let _ = ada;
    }
}
