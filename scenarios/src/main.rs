//! `downbeat`: serves the shipped games and their page.

use std::process::ExitCode;

use downbeat_scenarios::{Arena, Chat, Meadow, Tag, Tally, chat};
use downbeat_server::{App, GameOptions, Page};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// A body without its player is a target: it stands in the arena for a tunnel, not for a coffee.
const ARENA_GRACE_S: u32 = 30;

/// The pages, as the build script left them: path and contents.
static PAGES: &[(&str, &[u8])] = include!(concat!(env!("OUT_DIR"), "/pages.rs"));

fn main() -> ExitCode {
    App::new()
        .game::<Meadow>()
        .game::<Tally>()
        .game::<Tag>()
        .game_with::<Arena>(GameOptions {
            grace_s: ARENA_GRACE_S,
            ..GameOptions::default()
        })
        .game_with::<Chat>(
            GameOptions::default()
                .admit(chat::admit)
                .answer(chat::answer),
        )
        .pages(page)
        .page_missing(concat!(
            "There is no page: ",
            env!("GAMES_PAGE_MISSING"),
            "."
        ))
        .run()
}

fn page(path: &str) -> Option<Page> {
    let (_, bytes) = *PAGES.iter().find(|(page, _)| *page == path)?;
    Some(Page {
        bytes: bytes.into(),
        content_type: content_type(path).into(),
    })
}

/// What the bundler puts out.
fn content_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map(|(_, ending)| ending) {
        Some("html") => "text/html; charset=utf-8",
        Some("js") => "text/javascript; charset=utf-8",
        Some("css") => "text/css; charset=utf-8",
        Some("svg") => "image/svg+xml",
        Some("png") => "image/png",
        Some("ico") => "image/x-icon",
        Some("woff2") => "font/woff2",
        Some("json") => "application/json",
        Some("webmanifest") => "application/manifest+json",
        _ => "application/octet-stream",
    }
}
