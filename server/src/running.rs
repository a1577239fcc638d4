//! A server from its start to its end: listeners, the world, and the way out.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use downbeat::{Counters, LoopPanicked, Stopped, World, WorldConfig};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::{Admission, Openings};
use crate::config::Config;
use crate::connection::Door;
use crate::http::Pages;
use crate::limits::{
    ADMIN_CONNECTIONS_MAX, DESCRIPTORS_RESERVED, DRAIN_CONNECTIONS_WITHIN, DRAIN_LOOP_WITHIN,
    DRAIN_MEMBERS_WITHIN,
};
use crate::names::Names;
use crate::registry::{Definition, HostLimits};
use crate::server::{Handshakes, Server};
use crate::{http, metrics};

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else listens there.
    #[error(
        "{address} is in use: stop what listens there, or choose another address with --{flag}"
    )]
    InUse {
        /// Where.
        address: SocketAddr,
        /// What chooses another.
        flag: &'static str,
    },
    /// The system does not let us listen there.
    #[error("cannot listen on {address}: {error}; choose another address with --{flag}")]
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
    /// The system gives no threads.
    #[error("cannot start the world: {0}")]
    World(io::Error),
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
    closing: CancellationToken,
}

/// What is served.
pub(crate) struct Contents<'a> {
    pub(crate) games: &'a [Box<dyn Definition>],
    pub(crate) pages: Pages,
}

impl Running {
    pub(crate) async fn start(contents: Contents<'_>, config: Config) -> Result<Self, StartError> {
        if let Some(folder) = &config.data_dir {
            check_writable(folder)?;
        }
        let listener = listen(config.listen, "listen").await?;
        let admin_listener = match config.admin {
            Some(address) => Some(listen(address, "admin").await?),
            None => None,
        };
        let local = |listener: &TcpListener| listener.local_addr();
        let address = local(&listener).map_err(StartError::World)?;
        let admin = admin_listener.as_ref().map(local).transpose();
        let admin = admin.map_err(StartError::World)?;
        let world = start_world(&config)?;
        let server = Arc::new(assemble(contents, config, &world));
        let closing = CancellationToken::new();
        let door = |listener, admission, router| Door {
            listener,
            admission,
            router,
            handshake: server.config.limits.handshake,
            closing: closing.clone(),
            tasks: server.tasks.clone(),
        };
        let players = http::router(Arc::clone(&server));
        let admission = Arc::clone(&server.admission);
        server.tasks.spawn(door(listener, admission, players).run());
        if let Some(listener) = admin_listener {
            let operators = metrics::router(Arc::clone(&server));
            let admission = Admission::new(ADMIN_CONNECTIONS_MAX, None);
            server
                .tasks
                .spawn(door(listener, admission, operators).run());
        }
        Ok(Self {
            server,
            world,
            address,
            admin,
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

    /// What the engine counts.
    pub fn counters(&self) -> &Counters {
        self.server.world.counters()
    }

    /// Connections that are open, members' or not.
    pub fn connections(&self) -> u64 {
        self.server.admission.open()
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

    /// Drains, waits for the goodbyes, and stops the world.
    ///
    /// # Errors
    /// If the tick loop had panicked, or does not stop.
    pub async fn stop(self) -> Result<Stopped, StopError> {
        self.drain().await;
        let gone = async {
            while self.counters().members.value() > 0 {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(DRAIN_MEMBERS_WITHIN, gone).await.is_err() {
            let members = self.counters().members.value();
            tracing::warn!(members, "members left behind");
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
        let world = self.world;
        let stopped = tokio::task::spawn_blocking(|| world.stop());
        match timeout(DRAIN_LOOP_WITHIN, stopped).await {
            Ok(Ok(stopped)) => Ok(stopped?),
            Ok(Err(panic)) => std::panic::resume_unwind(panic.into_panic()),
            Err(_) => Err(StopError::Stuck),
        }
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

fn assemble(contents: Contents<'_>, config: Config, world: &World) -> Server {
    let mut games = BTreeMap::new();
    for game in contents.games {
        let of_game = config.games.get(game.name());
        let limits = HostLimits {
            rooms_max: config.limits.rooms,
            grace_s: of_game.and_then(|game| game.grace_s),
        };
        let game = game.start(world.handle(), &limits);
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
    Server {
        games,
        world: world.handle(),
        origins: config.origins(),
        admission: Admission::new(wanted.min(possible), config.connections_per_address()),
        openings: Openings::new(config.rooms_per_address()),
        names: Names::default(),
        pages: contents.pages,
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
            pages: Pages::default(),
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
