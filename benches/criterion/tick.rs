//! One tick of rooms × entities × members, without sockets: inputs, rules, encoding.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use downbeat::Vec2;
use downbeat_benches::crowd;

fn tick(c: &mut Criterion) {
    let mut group = c.benchmark_group("tick");
    for (rooms, entities, members) in [
        (1, 100, 0),
        (1, 2000, 0),
        (1, 0, 500),
        (20, 50, 50),
        (1, 2000, 500),
    ] {
        let mut all: Vec<_> = (0..rooms).map(|_| crowd(entities, members)).collect();
        let moving = u64::from(entities) + members as u64;
        group.throughput(Throughput::Elements(rooms * moving));
        let id = BenchmarkId::from_parameter(format!("{rooms}x{entities}e{members}m"));
        group.bench_function(id, |b| {
            b.iter(|| {
                for (room, players) in &mut all {
                    for &player in &*players {
                        room.input(player, Vec2::X);
                    }
                    room.step_unseen();
                }
            });
        });
    }
    group.finish();
}

criterion_group!(benches, tick);
criterion_main!(benches);
