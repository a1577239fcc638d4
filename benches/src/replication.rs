//! `replication.…`: what replication costs, in bytes, in time and in allocations.
//!
//! A gallery does on one thread what the tick thread and the room tasks do, over links that take
//! everything; so the kernel's send is not in it, and everything else is.

use std::time::{Duration, Instant};

use downbeat::Vec2;
use downbeat::client::{Applied, View};
use downbeat::testing::Gallery;
use downbeat_benches::plain::{Layout, Plain};

use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 9] = [
    "replication.bytes_per_moving_update",
    "replication.entities_in_view",
    "replication.user_ns_per_member_tick",
    "replication.user_ns_per_member_tick_crowded",
    "replication.user_ns_per_member_tick_doubled",
    "replication.encode_ns_per_changed_entity",
    "replication.encode_ns_per_changed_entity_crowded",
    "replication.allocs_per_member_tick",
    "replication.idle_room_bytes_per_member_s",
];

/// Ticks over which allocations are counted: whole beats, and keyframes of none.
const COUNTED_TICKS: u32 = 64;

/// What a WebSocket puts before a message: 2 bytes, 4 from 126 bytes on.
const fn framed(bytes: usize) -> u64 {
    bytes as u64 + if bytes < 126 { 2 } else { 4 }
}

pub(crate) fn gallery(layout: Layout, members: u32) -> Gallery<Plain> {
    let mut gallery = Gallery::open(layout);
    for member in 0..members {
        gallery.enter(member == 0);
    }
    // Past the keyframes.
    for _ in 0..16 {
        gallery.step();
        gallery.write();
    }
    gallery
}

/// Medians of the time of both parts of a tick. Units: nanoseconds.
pub(crate) fn times(gallery: &mut Gallery<Plain>, ticks: usize) -> (f64, f64) {
    let (mut steps, mut writes) = (Vec::new(), Vec::new());
    for _ in 0..ticks {
        let start = Instant::now();
        gallery.step();
        let stepped = Instant::now();
        gallery.write();
        steps.push(stepped - start);
        writes.push(stepped.elapsed());
    }
    gallery.take_sent();
    let mean = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        // The slowest tenth is the machine's.
        let kept = &times[..times.len() * 9 / 10];
        kept.iter().sum::<Duration>().as_nanos() as f64 / kept.len() as f64
    };
    (mean(&mut steps), mean(&mut writes))
}

/// What one member in the middle is sent.
pub(crate) struct Watched {
    /// Entities in view, on average.
    pub(crate) seen: f64,
    /// Movements that were delivered.
    pub(crate) updates: u64,
    /// Bytes, with the frames of the WebSocket.
    pub(crate) bytes: u64,
}

pub(crate) fn watch(layout: Layout, ticks: u32) -> Result<Watched, String> {
    let mut gallery = Gallery::<Plain>::open(layout);
    let player = gallery.enter(true);
    gallery.step();
    gallery
        .room()
        .look(player, downbeat::Look::At(Vec2::splat(layout.side_m / 2.0)));
    let mut view = View::<Plain>::new();
    view.track_changes();
    let mut watched = Watched {
        seen: 0.0,
        updates: 0,
        bytes: 0,
    };
    for tick in 0..ticks + 16 {
        gallery.write();
        for message in gallery.take_sent().watched {
            let applied = view.apply(&message).map_err(|e| e.to_string())?;
            if tick < 16 {
                continue;
            }
            watched.bytes += framed(message.len());
            if matches!(applied, Applied::Frame { .. }) {
                const MOVED: u64 = 1;
                let changes = view.take_changes();
                let moved = changes.changed.iter().filter(|(_, mask)| mask & MOVED != 0);
                watched.updates += moved.count() as u64;
            }
        }
        if tick < 16 {
            view.take_changes();
        }
        watched.seen += view.entities.len() as f64 / f64::from(ticks + 16);
        gallery.step();
    }
    if view.mismatches() > 0 {
        return Err(format!("{} checksums did not match", view.mismatches()));
    }
    Ok(watched)
}

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let ticks = if plan.quick { 200 } else { 1000 };
    let layout = Layout::default();
    let watched = watch(layout, u32::try_from(ticks).unwrap_or(u32::MAX))?;
    let per_update = watched.bytes as f64 / watched.updates as f64;
    figure(NAMES[0], per_update, "B");
    figure(NAMES[1], watched.seen, "entities");
    cpu(layout, ticks)?;
    idle()
}

fn cpu(layout: Layout, ticks: usize) -> Result<(), String> {
    // The world alone, then the same with members all over it, and with members in crowds.
    let (alone, _) = times(&mut gallery(layout, 1), ticks);
    let members = 1000;
    let (step, write) = times(&mut gallery(layout, members), ticks);
    let member = |step: f64, write: f64, members: u32| (step - alone + write) / f64::from(members);
    figure(NAMES[2], member(step, write, members), "ns");
    let crowded = Layout {
        crowd: 50,
        ..layout
    };
    let (crowd_step, crowd_write) = times(&mut gallery(crowded, members), ticks);
    figure(NAMES[3], member(crowd_step, crowd_write, members), "ns");
    let twice = Layout {
        crowd: 100,
        ..layout
    };
    let (twice_step, twice_write) = times(&mut gallery(twice, 2 * members), ticks);
    let more = twice_step + twice_write - crowd_step - crowd_write;
    figure(NAMES[4], more / f64::from(members), "ns");
    figure(NAMES[5], encode_ns(layout, ticks)?, "ns");
    // As many walkers in a quarter of the cells.
    let dense = Layout {
        side_m: layout.side_m / 2.0,
        ..layout
    };
    figure(NAMES[6], encode_ns(dense, ticks)?, "ns");
    let mut gallery = gallery(layout, members);
    let counted = allocation_counter::measure(|| {
        for _ in 0..COUNTED_TICKS {
            gallery.step();
            gallery.write();
        }
    });
    let per_tick = counted.count_total as f64 / f64::from(COUNTED_TICKS);
    figure(NAMES[7], per_tick / f64::from(members), "allocations");
    Ok(())
}

/// Encoding of the cells alone, all of them watched.
fn encode_ns(layout: Layout, ticks: usize) -> Result<f64, String> {
    let mut gallery = gallery(layout, 400);
    let (mut nanos, mut changed) = (Duration::ZERO, 0);
    for _ in 0..ticks {
        let mut around = |encode: &mut dyn FnMut()| {
            let start = Instant::now();
            encode();
            nanos += start.elapsed();
        };
        changed += gallery.step_around(&mut around);
        gallery.write();
    }
    gallery.take_sent();
    if changed == 0 {
        return Err("nothing was encoded".into());
    }
    Ok(nanos.as_nanos() as f64 / changed as f64)
}

/// Nothing happens: what a member is sent all the same, in a second.
fn idle() -> Result<(), String> {
    let layout = Layout {
        moving_pct: 0,
        ..Layout::default()
    };
    let mut gallery = gallery(layout, 1);
    gallery.take_sent();
    let seconds = 60;
    for tick in 0..seconds * 20 {
        gallery.step();
        gallery.write_at(Duration::from_millis(50 * tick));
    }
    let sent = gallery.take_sent();
    let bytes: u64 = sent.watched.iter().map(|m| framed(m.len())).sum();
    figure(NAMES[8], bytes as f64 / seconds as f64, "B");
    Ok(())
}
