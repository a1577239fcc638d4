//! What a player sees who asks for the overlay.

use super::*;
use downbeat::limits::STATE_BYTES_MAX;

#[test]
fn the_overlay_shows_ways_and_jobs_while_it_is_asked_for() {
    let mut room = meadow();
    let ada = ada(&mut room);
    let bob = room.join("Bob").expect("let in");
    room.input(ada, Input::Overlay { on: true });
    let mut seen = 0;
    for _ in 0..200 {
        room.step(4);
        let private = &room.view(ada).private;
        seen = seen.max(private.routes.len());
        assert!(private.routes.len() <= 48 && private.jobs.waiting.len() <= 32);
        for route in &private.routes {
            assert!((1..=12).contains(&route.corners.len()));
        }
    }
    assert!(seen > 0, "nobody goes anywhere in 40 s");
    assert!(room.view(ada).private.jobs.asked > 0);
    assert!(room.view(ada).private.jobs.done > 0);
    let others = &room.view(bob).private;
    assert!(others.routes.is_empty() && others.jobs == JobsShown::default());
    room.input(ada, Input::Overlay { on: false });
    room.step(4);
    let private = &room.view(ada).private;
    assert!(private.routes.is_empty() && private.jobs == JobsShown::default());
}

#[test]
fn the_largest_private_state_fits_a_message() {
    let far = Point {
        x: u16::MAX,
        y: u16::MAX,
    };
    let route = Route {
        entity: u32::MAX,
        corners: vec![far; 12],
    };
    let bytes = encode(&Private {
        path: vec![far; 256],
        routes: vec![route; 48],
        jobs: JobsShown {
            waiting: vec![Ask { from: far, to: far }; 32],
            ..JobsShown::default()
        },
    });
    assert!(bytes.len() < STATE_BYTES_MAX, "{} bytes", bytes.len());
}
