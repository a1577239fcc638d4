//! A server from its start to its end: listeners, the world, and the way out.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use downbeat::{Counter, Counters, LoopPanicked, Stopped, World, WorldConfig};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::{Admission, Openings};
use crate::auth::Accounts;
use crate::blocking::Blocking;
use crate::config::Config;
use crate::connection::Door;
use crate::databases::{Database, Databases, UnknownDatabase};
use crate::gate::Gate;
use crate::gate::jwt::{BadJwtKey, Verifier};
use crate::gate::watch::watch;
use crate::http::Pages;
use crate::layer::{LayerStartError, start_layer};
use crate::limits::{
    ADMIN_CONNECTIONS_MAX, DESCRIPTORS_RESERVED, DRAIN_CONNECTIONS_WITHIN, DRAIN_LOOP_WITHIN,
    DRAIN_MEMBERS_WITHIN, LAYER_SETTLES_WITHIN,
};
use crate::names::Names;
use crate::registry::{Definition, HostLimits};
use crate::routes::{MakeHttp, Routes};
use crate::server::{Handshakes, Server};
use crate::services::Services;
use crate::sources::lines;
use crate::store::{Store, StoreError};
use crate::tls::{BadTls, Tls};
use crate::views::Views;
use crate::workers::{Worker, WorkerCounts};
use crate::{admin, http, metrics};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error("{address} is in use: stop what listens there, or choose another address with {flag}")]
    InUse {
        /// Where.
        address: SocketAddr,
        /// What chooses another.
        flag: &'static str,
    },
    /// The system does not let us listen there.
    #[error("cannot listen on {address}: {error}; choose another address with {flag}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What chooses another.
        flag: &'static str,
        /// What the system says.
        error: io::Error,
    },
    /// The data folder is of no use.
    #[error("data folder {}: cannot be written: {error}; choose another with --data-dir", .path.display())]
    DataDir {
        /// Which folder.
        path: PathBuf,
        /// What the system says.
        error: io::Error,
    },
    /// A key of another site is set up wrong.
    #[error("{0}")]
    Jwt(BadJwtKey),
    /// The certificate is of no use.
    #[error("{0}")]
    Tls(BadTls),
    /// The store is set up wrong.
    #[error("{0}")]
    Store(StoreError),
    /// A database of the project, or a view, is set up wrong.
    #[error("{0}")]
    Databases(String),
    /// The system gives no threads.
    #[error("cannot start the world: {0}")]
    World(io::Error),
    /// What messages would travel over cannot be made.
    #[error(transparent)]
    Layer(#[from] LayerStartError),
}

/// Why a server did not stop as it should.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The tick loop had panicked.
    #[error(transparent)]
    Panicked(#[from] LoopPanicked),
    /// The tick loop did not end its tick.
    #[error("the tick loop did not stop within {} s: a game never ends its tick", DRAIN_LOOP_WITHIN.as_secs())]
    Stuck,
}

/// A server that runs.
pub struct Running {
    server: Arc<Server>,
    world: World,
    address: SocketAddr,
    admin: Option<SocketAddr>,
    lines: Option<SocketAddr>,
    closing: CancellationToken,
}

/// What is served.
pub(crate) struct Contents<'a> {
    pub(crate) games: &'a [Box<dyn Definition>],
    pub(crate) workers: &'a [Worker],
    pub(crate) pages: Pages,
    pub(crate) routes: Routes,
    pub(crate) http: &'a [MakeHttp],
}

impl Running {
    pub(crate) async fn start(contents: Contents<'_>, config: Config) -> Result<Self, StartError> {
        if let Some(folder) = &config.data_dir {
            check_writable(folder)?;
        }
        let listeners = Listeners::bind(&config).await?;
        let (address, admin, lines) = listeners.addresses().map_err(StartError::World)?;
        let verifier = Verifier::new(&config.gate.jwt).map_err(StartError::Jwt)?;
        let tls = Tls::of(&config.gate.tls).map_err(StartError::Tls)?;
        let kept = Kept::open(&config).await?;
        let world = start_world(&config)?;
        let layer = start_layer(&config.layer, config.data_dir.as_deref())?;
        let layer_limits = config.layer.limits();
        let blocking = Blocking::new(config.store.blocking_threads, config.store.blocking_queue);
        let services = Services::new(layer, kept.store, (blocking, kept.databases));
        let workers = contents.workers.to_vec();
        let (paths, http) = (contents.routes.clone(), contents.http);
        let server = Arc::new(assemble(
            contents,
            config,
            &world,
            (services, kept.views, verifier),
        ));
        server.services.attach(&server);
        let closing = CancellationToken::new();
        for (worker, counts) in workers.into_iter().zip(&server.workers) {
            let (services, counts) = (server.services.clone(), Arc::clone(counts));
            let work = worker.run(services, layer_limits.clone(), counts, closing.clone());
            server.tasks.spawn(work);
        }
        if let Some(tls) = &tls {
            server.tasks.spawn(Arc::clone(tls).watch(closing.clone()));
        }
        server
            .tasks
            .spawn(watch(Arc::clone(&server), closing.clone()));
        let players = http::router(Arc::clone(&server), &paths, http);
        listeners.open(&server, &closing, (players, tls));
        Ok(Self {
            server,
            world,
            address,
            admin,
            lines,
            closing,
        })
    }

    /// Where players connect.
    pub const fn addr(&self) -> SocketAddr {
        self.address
    }

    /// Where operators connect.
    pub const fn admin_addr(&self) -> Option<SocketAddr> {
        self.admin
    }

    /// Where devices connect that speak in lines.
    pub const fn lines_addr(&self) -> Option<SocketAddr> {
        self.lines
    }

    /// What the engine counts.
    pub fn counters(&self) -> &Counters {
        self.server.world.counters()
    }

    /// Connections that are open, members' or not.
    pub fn connections(&self) -> u64 {
        self.server.admission.open()
    }

    /// What its handlers, hooks and workers are given; also for what this process does by itself.
    pub fn services(&self) -> Services {
        self.server.services.clone()
    }

    /// Where accounts, sessions, profiles and chats are kept.
    pub fn store(&self) -> &Store {
        self.server.services.store()
    }

    /// A database of the project's own, by its name in the configuration.
    ///
    /// # Errors
    /// If there is none of that name; the error names those that there are.
    pub fn database(&self, name: &str) -> Result<Database, UnknownDatabase> {
        self.server.services.database(name)
    }

    /// Where work may block.
    pub fn blocking(&self) -> &Blocking {
        self.server.services.blocking()
    }

    /// Resolves when the tick loop has died, which it never should.
    pub async fn died(&self) {
        self.server.world.ended().await;
    }

    /// Lets nobody join any more and says 1001 to everybody who has; still answers requests.
    pub async fn drain(&self) {
        self.server.draining.cancel();
        for game in self.server.games.values() {
            game.drain().await;
        }
    }

    /// Drains, waits for the goodbyes and for what the rooms have asked the store when their
    /// members left, and stops the world.
    ///
    /// # Errors
    /// If the tick loop had panicked, or does not stop.
    pub async fn stop(self) -> Result<Stopped, StopError> {
        self.drain().await;
        // While the store still stands: rooms whose members leave have something to ask of it.
        let left = || {
            let counters = self.counters();
            [
                &counters.members,
                &counters.rooms_open,
                &counters.queries_waiting,
            ]
            .map(Counter::value)
        };
        let gone = async {
            while left() != [0; 3] {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(DRAIN_MEMBERS_WITHIN, gone).await.is_err() {
            let [members, rooms, queries] = left();
            tracing::warn!(members, rooms, queries, "members left behind");
        }
        self.closing.cancel();
        let tasks = &self.server.tasks;
        tasks.close();
        if timeout(DRAIN_CONNECTIONS_WITHIN, tasks.wait())
            .await
            .is_err()
        {
            tracing::info!(connections = self.connections(), "connections left behind");
        }
        let services = &self.server.services;
        let ((), lost) = tokio::join!(services.databases().close(), services.store().stop());
        if lost > 0 {
            tracing::error!(writes = lost, "the store did not take them in time");
        }
        let world = self.world;
        let stopped = tokio::task::spawn_blocking(|| world.stop());
        let stopped = match timeout(DRAIN_LOOP_WITHIN, stopped).await {
            Ok(Ok(stopped)) => stopped?,
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => return Err(StopError::Stuck),
        };
        // The rooms' channels ended with the world.
        let settled = timeout(LAYER_SETTLES_WITHIN, services.layer().settled()).await;
        if !matches!(settled, Ok(Ok(()))) {
            tracing::info!("the layer could not be told that this process ends");
        }
        Ok(stopped)
    }
}

/// Where a server listens.
struct Listeners {
    players: TcpListener,
    admin: Option<TcpListener>,
    lines: Option<TcpListener>,
}

type Addresses = (SocketAddr, Option<SocketAddr>, Option<SocketAddr>);

impl Listeners {
    async fn bind(config: &Config) -> Result<Self, StartError> {
        let players = listen(config.listen, "--listen").await?;
        let admin = match config.admin {
            Some(address) => Some(listen(address, "--admin").await?),
            None => None,
        };
        let lines = match config.sources.lines {
            Some(address) => Some(listen(address, "lines.listen").await?),
            None => None,
        };
        Ok(Self {
            players,
            admin,
            lines,
        })
    }

    fn addresses(&self) -> io::Result<Addresses> {
        let local = |listener: &TcpListener| listener.local_addr();
        Ok((
            local(&self.players)?,
            self.admin.as_ref().map(local).transpose()?,
            self.lines.as_ref().map(local).transpose()?,
        ))
    }

    /// Lets players, devices and operators in.
    fn open(
        self,
        server: &Arc<Server>,
        closing: &CancellationToken,
        (players, tls): (Router, Option<Arc<Tls>>),
    ) {
        let door = |listener, admission, (router, tls)| Door {
            listener,
            tls,
            admission,
            router,
            handshake: server.config.limits.handshake,
            proxies: server.config.gate.proxies.clone(),
            closing: closing.clone(),
            tasks: server.tasks.clone(),
        };
        if let Some(lines) = self.lines {
            let lines = lines::listen(lines, server.services.clone(), closing.clone());
            server.tasks.spawn(lines);
        }
        let admission = Arc::clone(&server.admission);
        let players = door(self.players, admission, (players, tls));
        server.tasks.spawn(players.run());
        if let Some(listener) = self.admin {
            let operators = metrics::router(Arc::clone(server));
            let operators = operators.merge(admin::router(Arc::clone(server)));
            let admission = Admission::new(ADMIN_CONNECTIONS_MAX, None);
            let operators = door(listener, admission, (operators, None));
            server.tasks.spawn(operators.run());
        }
    }
}

/// Where things are kept.
struct Kept {
    store: Store,
    databases: Databases,
    views: Views,
}

impl Kept {
    async fn open(config: &Config) -> Result<Self, StartError> {
        let store = Store::start(&config.store, config.data_dir.as_deref()).await;
        let store = store.map_err(StartError::Store)?;
        let databases = Databases::open(&config.store.databases).await;
        let databases = databases.map_err(StartError::Databases)?;
        let views = Views::new(&config.store.views, &databases).await;
        Ok(Self {
            views: views.map_err(StartError::Databases)?,
            databases,
            store,
        })
    }
}

fn start_world(config: &Config) -> Result<World, StartError> {
    let seed = config.seed.unwrap_or_else(random_seed);
    let workers = config
        .workers
        .map_or_else(std::thread::available_parallelism, |workers| {
            Ok(workers.try_into().expect("at least one, says the key"))
        });
    let workers = workers.map_or(1, usize::from);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let job_threads = config.job_threads.unwrap_or(cores);
    tracing::info!(seed, workers, job_threads, "world starts");
    World::start(&WorldConfig {
        seed,
        sim_threads: (workers / 2).clamp(1, 8), // the other half is for sockets
        job_threads,
        empty_room_kept: config.game.empty_room_kept,
    })
    .map_err(StartError::World)
}

fn assemble(
    contents: Contents<'_>,
    config: Config,
    world: &World,
    (services, views, verifier): (Services, Views, Verifier),
) -> Server {
    let mut games = BTreeMap::new();
    for game in contents.games {
        let of_game = config.games.get(game.name());
        let limits = HostLimits {
            rooms_max: config.limits.rooms,
            grace_s: of_game.and_then(|game| game.grace_s),
            grace_s_max: u32::try_from(config.gate.resume.as_secs()).unwrap_or(u32::MAX),
        };
        let game = game.start(world.handle(), &limits, &services);
        let tick_rate_hz = game.tick_rate_hz();
        tracing::info!(game = &**game.name(), tick_rate_hz, "serving");
        games.insert(game.name().to_string(), game);
    }
    let descriptors = raise_descriptors();
    let possible = descriptors - DESCRIPTORS_RESERVED.min(descriptors / 4);
    let wanted = config.limits.connections.unwrap_or(possible);
    if wanted > possible {
        tracing::warn!(
            wanted,
            possible,
            "fewer connections than limits.connections"
        );
    }
    let (store, blocking) = (services.store().clone(), services.blocking().clone());
    Server {
        gate: Gate::new(&config, store.clone(), (verifier, contents.routes.hooks)),
        accounts: Accounts::new(&config, store, blocking),
        games,
        world: world.handle(),
        origins: config.origins(),
        admission: Admission::new(wanted.min(possible), config.connections_per_address()),
        openings: Openings::new(config.rooms_per_address()),
        names: Names::default(),
        pages: contents.pages,
        services,
        workers: contents.workers.iter().map(WorkerCounts::of).collect(),
        views,
        handshakes: Handshakes::default(),
        draining: CancellationToken::new(),
        tasks: TaskTracker::new(),
        config,
    }
}

async fn listen(address: SocketAddr, flag: &'static str) -> Result<TcpListener, StartError> {
    TcpListener::bind(address)
        .await
        .map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => StartError::InUse { address, flag },
            _ => StartError::Listen {
                address,
                flag,
                error,
            },
        })
}

/// Raises the soft limit of file descriptors as far as it goes, and answers it.
fn raise_descriptors() -> u64 {
    const GUESS: u64 = 1024;
    rlimit::increase_nofile_limit(u64::MAX).unwrap_or(GUESS)
}

/// A number that nobody can guess, without a crate for it.
fn random_seed() -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one("downbeat")
}

fn check_writable(folder: &Path) -> Result<(), StartError> {
    let probe = folder.join(format!(".downbeat-probe-{}", std::process::id()));
    let written = std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(&probe, b"probe"))
        .and_then(|()| std::fs::remove_file(&probe));
    written.map_err(|error| StartError::DataDir {
        path: folder.to_owned(),
        error,
    })
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    #[tokio::test]
    async fn a_server_whose_tick_loop_has_ended_is_neither_healthy_nor_ready() {
        let contents = Contents {
            games: &[],
            workers: &[],
            pages: Pages::default(),
            routes: Routes::default(),
            http: &[],
        };
        let running = Running::start(contents, Config::for_tests()).await;
        let Running { world, address, .. } = running.expect("starts");
        let stopped = tokio::task::spawn_blocking(|| world.stop());
        let stopped = stopped.await.expect("no panic");
        stopped.expect("the loop ended well");
        for path in ["/healthz", "/readyz"] {
            let mut stream = tokio::net::TcpStream::connect(address).await.expect("in");
            let request = format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
            stream.write_all(request.as_bytes()).await.expect("sent");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).await.expect("read");
            assert!(answer.starts_with("HTTP/1.1 503 "), "{path}: {answer}");
            assert!(
                answer.ends_with("the tick loop is dead\n"),
                "{path}: {answer}"
            );
        }
    }
}
