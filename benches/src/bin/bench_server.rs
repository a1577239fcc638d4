//! The server that the capacity figures load: `arena` in rooms of fifty at 20 Hz, and one grid room
//! for thousands. A user's own `main`, as far as the server is concerned.

use std::process::ExitCode;

use downbeat::Space;
use downbeat_benches::plain::{Layout, Plain};
use downbeat_scenarios::{Arena, arena};
use downbeat_server::{App, GameOptions};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let arena = GameOptions::<Arena> {
        settings: arena::Settings {
            players_max: 50,
            tick_rate_hz: 20,
        },
        ..GameOptions::default()
    };
    let plain = GameOptions::<Plain> {
        settings: Layout {
            walkers: 0,
            moving_pct: 0,
            side_m: 640.0,
            space: Space::grid(32.0),
            bodies: true,
            crowd: 1,
        },
        ..GameOptions::default()
    };
    App::new().game_with(arena).game_with(plain).run()
}
