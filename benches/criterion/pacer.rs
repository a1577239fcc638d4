//! The pacer: what it costs to ask which ticks are due.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use downbeat::Pacer;

fn pacer(c: &mut Criterion) {
    c.bench_function("pacer/on_time", |b| {
        let mut pacer = Pacer::new(30, Duration::ZERO);
        b.iter(|| black_box(pacer.poll_due(pacer.deadline())));
    });
    c.bench_function("pacer/too_early", |b| {
        let mut pacer = Pacer::new(30, Duration::from_secs(1));
        b.iter(|| black_box(pacer.poll_due(Duration::ZERO)));
    });
    c.bench_function("pacer/after_a_stall", |b| {
        let mut pacer = Pacer::new(30, Duration::ZERO);
        let mut now = Duration::ZERO;
        b.iter(|| {
            now += Duration::from_secs(5);
            black_box(pacer.poll_due(now))
        });
    });
}

criterion_group!(benches, pacer);
criterion_main!(benches);
