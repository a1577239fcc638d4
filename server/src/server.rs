//! What all parts of a running server share.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use downbeat::WorldHandle;
use futures_util::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::admission::{Address, Admission, Opening, Openings, RoomId};
use crate::auth::Accounts;
use crate::config::Config;
use crate::gate::{Gate, Refused};
use crate::http::Pages;
use crate::names::Names;
use crate::origin::Allowed;
use crate::registry::GameEntry;
use crate::services::Services;
use crate::views::Views;
use crate::workers::WorkerCounts;

/// A running server.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) games: BTreeMap<String, Arc<dyn GameEntry>>,
    pub(crate) world: WorldHandle,
    pub(crate) origins: Allowed,
    pub(crate) admission: Arc<Admission>,
    pub(crate) openings: Openings,
    pub(crate) names: Names,
    pub(crate) pages: Pages,
    pub(crate) gate: Gate,
    pub(crate) accounts: Accounts,
    pub(crate) services: Services,
    pub(crate) workers: Vec<Arc<WorkerCounts>>,
    /// What is shown of a project's own databases.
    pub(crate) views: Views,
    pub(crate) handshakes: Handshakes,
    /// Nobody joins any more.
    pub(crate) draining: CancellationToken,
    /// Everything that serves a socket until a room task has it, and what is seen through.
    pub(crate) tasks: TaskTracker,
}

impl Server {
    pub(crate) fn game(&self, name: &str) -> Option<Arc<dyn GameEntry>> {
        self.games.get(name).map(Arc::clone)
    }

    /// Whether rooms still tick, if there are any.
    pub(crate) fn is_alive(&self) -> bool {
        self.world.ended().now_or_never().is_none()
    }

    /// Does something to its end, also where whoever asked for it has gone meanwhile.
    pub(crate) async fn see_through<T, F>(self: &Arc<Self>, deed: impl FnOnce(Arc<Self>) -> F) -> T
    where
        T: Send + 'static,
        F: Future<Output = T> + Send + 'static,
    {
        let done = self.tasks.spawn(deed(Arc::clone(self)));
        done.await.expect("it does not panic, and nobody aborts it")
    }

    /// Whether this address may open one more room.
    pub(crate) fn has_openings_left(&self, address: Address) -> bool {
        self.openings.allows(address, |room| self.is_open(room))
    }

    /// The right of this address to open one more room, if it has it.
    pub(crate) fn opening(&self, address: Address) -> Option<Opening<'_>> {
        self.openings.opening(address, |room| self.is_open(room))
    }

    /// Whether this room is there.
    pub(crate) fn is_open(&self, (game, room): &RoomId) -> bool {
        let game = self.games.get(&**game);
        game.is_some_and(|game| game.check(room, false).is_ok())
    }
}

/// How many handshakes ended how.
#[derive(Debug, Default)]
pub(crate) struct Handshakes {
    accepted: AtomicU64,
    vanished: AtomicU64,
    refused: [AtomicU64; Refused::COUNT],
}

impl Handshakes {
    pub(crate) fn count(&self, refused: Option<Refused>) {
        let counter = match refused {
            None => &self.accepted,
            Some(refused) => &self.refused[refused.index()],
        };
        counter.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a peer that was accepted, but went before its hello.
    pub(crate) fn count_vanished(&self) {
        self.vanished.fetch_add(1, Ordering::Relaxed);
    }

    /// The words for the outcomes, and how many had each.
    pub(crate) fn counts(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let refused = Refused::all().map(Refused::word);
        let outcomes = ["accepted", "vanished"].into_iter().chain(refused);
        let counters = [&self.accepted, &self.vanished].into_iter();
        let counters = counters.chain(&self.refused);
        outcomes.zip(counters.map(|counter| counter.load(Ordering::Relaxed)))
    }
}
