//! The tutorial's duel as a server, for the browser test that plays it.

use std::process::ExitCode;

use downbeat_server::{App, Page};
use downbeat_tests::duel::Duel;

fn main() -> ExitCode {
    App::new().game::<Duel>().pages(page).run()
}

fn page(path: &str) -> Option<Page> {
    match path {
        "index.html" => Some(Page::html(include_bytes!("../duel.html"))),
        "game.js" => Some(Page::javascript(include_bytes!("../duel.js"))),
        "style.css" => Some(Page::css(include_bytes!("../duel.css"))),
        _ => None,
    }
}
