//! `App`: games in, a program out.

use std::borrow::Cow;
use std::process::ExitCode;
use std::sync::Arc;

use downbeat::Game;

use crate::cli;
use crate::config::Config;
use crate::http::{Page, Pages};
use crate::registry::{Defined, Definition, GameOptions};
use crate::running::{Contents, Running, StartError};

/// A server of some games, with a command line.
///
/// ```no_run
/// # mod quiz {
/// #     use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Seat};
/// #     #[derive(serde::Serialize, serde::Deserialize)]
/// #     pub struct Quiz;
/// #     #[downbeat::game]
/// #     impl Game for Quiz {
/// #         const NAME: &'static str = "quiz";
/// #         type Input = ();
/// #         fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> { Ok(Quiz) }
/// #         fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
/// #             Ok(Seat::Player)
/// #         }
/// #         fn input(&mut self, _: &mut Room<Self>, _: PlayerId, _: ()) {}
/// #     }
/// # }
/// # use quiz::Quiz;
/// fn main() -> std::process::ExitCode {
///     downbeat_server::App::new().game::<Quiz>().run()
/// }
/// ```
#[derive(Default)]
pub struct App {
    games: Vec<Box<dyn Definition>>,
    pages: Pages,
}

impl App {
    /// A server without games.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a game under its own name.
    ///
    /// # Panics
    /// If there is one of that name.
    #[must_use]
    pub fn game<G: Game>(self) -> Self {
        self.game_with::<G>(GameOptions::default())
    }

    /// Adds a game under its own name, run in a certain way.
    ///
    /// # Panics
    /// If there is one of that name.
    #[must_use]
    pub fn game_with<G: Game>(self, options: GameOptions<G>) -> Self {
        self.game_named::<G>(G::NAME, options)
    }

    /// Adds a game under any name of `[a-z0-9_-]`.
    ///
    /// # Panics
    /// If there is one of that name, or it is no name.
    #[must_use]
    pub fn game_named<G: Game>(mut self, name: &str, options: GameOptions<G>) -> Self {
        let is_name = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"_-".contains(&b);
        assert!(
            !name.is_empty() && name.bytes().all(is_name),
            "a game's name is made of a-z, 0-9, _ and -: {name:?}"
        );
        let is_new = self.games.iter().all(|game| game.name() != name);
        assert!(is_new, "there are two games called {name:?}");
        self.games.push(Box::new(Defined::<G> {
            name: name.into(),
            options,
        }));
        self
    }

    /// Where pages are found, by their path without the leading slash; `/` asks for `index.html`.
    #[must_use]
    pub fn pages(mut self, find: impl Fn(&str) -> Option<Page> + Send + Sync + 'static) -> Self {
        self.pages.find = Some(Arc::new(find));
        self
    }

    /// What `/` says where there is no page: how to get one.
    #[must_use]
    pub fn page_missing(mut self, text: impl Into<Cow<'static, str>>) -> Self {
        self.pages.missing = Some(text.into());
        self
    }

    /// Does what the command line asks for; call it from `main`. A mistake of the person who
    /// wrote it becomes one line on stderr and exit code 2.
    pub fn run(self) -> ExitCode {
        cli::run(self)
    }

    /// Starts a server inside this process: what tests do.
    ///
    /// # Errors
    /// Why it did not start.
    pub async fn start(&self, config: Config) -> Result<Running, StartError> {
        let contents = Contents {
            games: &self.games,
            pages: self.pages.clone(),
        };
        Running::start(contents, config).await
    }

    /// Pages reload when another server takes over from this one.
    pub(crate) fn reload_pages(&mut self) {
        self.pages.generation = Some(u64::from(std::process::id()));
    }

    pub(crate) fn game_names(&self) -> Vec<&str> {
        self.games.iter().map(|game| game.name()).collect()
    }

    pub(crate) fn games(&self) -> &[Box<dyn Definition>] {
        &self.games
    }
}
