//! `App`: games in, a program out.

use std::borrow::Cow;
use std::future::Future;
use std::process::ExitCode;
use std::sync::Arc;

use downbeat::Game;
use downbeat::layer::{Message, check_name};

use crate::cli;
use crate::config::Config;
use crate::gate::scope::{Denied, Scope};
use crate::http::{Page, Pages};
use crate::registry::{Defined, Definition, GameOptions};
use crate::routes::{MakeHttp, Routes};
use crate::running::{Contents, Running, StartError};
use crate::services::Services;
use crate::workers::{Worker, WorkerOptions};

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
    workers: Vec<Worker>,
    pages: Pages,
    routes: Routes,
    http: Vec<MakeHttp>,
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

    /// Works in the background: gets the messages that anybody on the layer sends to this channel,
    /// one after another. Several processes with a worker of this name share its messages.
    ///
    /// # Panics
    /// If it is no name of a channel.
    #[must_use]
    pub fn worker<F, W>(self, channel: &str, work: F) -> Self
    where
        F: Fn(Services, Message) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        self.worker_with(channel, WorkerOptions::default(), work)
    }

    /// The same, in a certain way.
    ///
    /// # Panics
    /// If it is no name of a channel, or nothing may be worked on.
    #[must_use]
    pub fn worker_with<F, W>(mut self, channel: &str, options: WorkerOptions, work: F) -> Self
    where
        F: Fn(Services, Message) -> W + Send + Sync + 'static,
        W: Future<Output = ()> + Send + 'static,
    {
        let is_name = check_name(channel, true);
        assert!(is_name.is_ok(), "{channel:?} is no name of a channel");
        assert!(options.concurrency > 0, "a worker works on something");
        self.workers.push(Worker::new(channel, options, work));
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

    /// Lets every request for a WebSocket pass a function of one's own, after the origin and the
    /// credential were looked at and before there is a room: it may say who somebody is
    /// ([`Scope::user`](Scope)), agree on a subprotocol of its own ([`Scope::speak`]), lead to
    /// another room, or refuse. Several are asked in the order in which they were added, all of
    /// them within the handshake's deadline.
    ///
    /// ```
    /// use downbeat_server::{App, Denied};
    ///
    /// let app = App::new().middleware(async |scope| {
    ///     match scope.headers.get("x-club") {
    ///         Some(_) => Ok(scope),
    ///         None => Err(Denied::new(403, "members of the club only")),
    ///     }
    /// });
    /// ```
    #[must_use]
    pub fn middleware<F, Asked>(mut self, ask: F) -> Self
    where
        F: Fn(Scope) -> Asked + Send + Sync + 'static,
        Asked: Future<Output = Result<Scope, Denied>> + Send + 'static,
    {
        self.routes = self.routes.middleware(ask);
        self
    }

    /// One more path of WebSockets beside `/ws/{game}/{room}`, with captures in braces that hooks
    /// find in [`Scope::captures`](Scope). Where `{game}` or `{room}` is none of them, a hook has
    /// to say which it is.
    ///
    /// All paths lead to the same rooms: whoever must not get into `acme.main` as room `acme.main`
    /// of the default path has to be refused there.
    ///
    /// ```
    /// use downbeat_server::{App, Denied};
    ///
    /// let app = App::new()
    ///     .route("/ws/tenants/{tenant}/{game}/{room}")
    ///     .middleware(async |mut scope| {
    ///         // Over the default path there is no tenant.
    ///         let Some(tenant) = scope.captures.get("tenant") else {
    ///             return Err(Denied::new(404, "which tenant?"));
    ///         };
    ///         scope.room = format!("{tenant}.{}", scope.room);
    ///         Ok(scope)
    ///     });
    /// ```
    #[must_use]
    pub fn route(mut self, path: &str) -> Self {
        self.routes = self.routes.route(path);
        self
    }

    /// WebSockets have no path but those of [`route`](Self::route) and [`nest`](Self::nest): not
    /// `/ws/{game}/{room}` either, which passes no hooks of theirs.
    ///
    /// [`Services::connect`] and devices that speak in lines still name their rooms by it; they
    /// pass what [`middleware`](Self::middleware) has added, as everybody does.
    #[must_use]
    pub const fn without_default_path(mut self) -> Self {
        self.routes.without_default = true;
        self
    }

    /// Paths of WebSockets below another, with hooks of their own; see [`Routes::middleware`].
    #[must_use]
    pub fn nest(mut self, prefix: &str, routes: Routes) -> Self {
        self.routes = self.routes.nest(prefix, routes);
        self
    }

    /// Serves HTTP of one's own on the same port. The routes must not be those that there are;
    /// [`Services::user`] tells who asks, and `Extension<IpAddr>` from where, behind a trusted proxy
    /// too.
    ///
    /// ```
    /// use downbeat_server::{App, axum};
    ///
    /// let app = App::new().http(|services| {
    ///     axum::Router::new().route(
    ///         "/api/present",
    ///         axum::routing::get(async move || match services.present("room.chat.lobby").await {
    ///             Ok(present) => present.len().to_string(),
    ///             Err(error) => error.to_string(),
    ///         }),
    ///     )
    /// });
    /// ```
    #[must_use]
    pub fn http(mut self, make: impl Fn(Services) -> axum::Router + Send + Sync + 'static) -> Self {
        self.http.push(Arc::new(make));
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
            workers: &self.workers,
            pages: self.pages.clone(),
            routes: self.routes.clone(),
            http: &self.http,
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
