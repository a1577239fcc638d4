//! What a server offers to everything that is not a room: handlers of HTTP, hooks, workers.
//!
//! In: calls from any task. Out: messages over the layer, rows of the store, members without a
//! socket. It knows no game; rooms, which must not wait, do not know it.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock, Weak};

use downbeat::layer::{Layer, LayerError, Message, Present};

use crate::blocking::Blocking;
use crate::databases::{Database, Databases, UnknownDatabase};
use crate::server::Server;
use crate::store::Store;

/// Everything that a server has beside its rooms; a handle, cheap to clone.
#[derive(Clone)]
pub struct Services {
    inner: Arc<Inner>,
}

struct Inner {
    layer: Arc<dyn Layer>,
    store: Store,
    blocking: Blocking,
    databases: Databases,
    /// Set once the server is put together: its games are started with services already.
    server: OnceLock<Weak<Server>>,
}

/// The group in which all sessions of a user are.
pub(crate) fn group_of_user(user: &str) -> String {
    format!("user.{user}")
}

/// The message upon which a session is closed.
pub(crate) const CLOSE_MESSAGE: &str = "downbeat.close";

impl Services {
    pub(crate) fn new(
        layer: Arc<dyn Layer>,
        store: Store,
        (blocking, databases): (Blocking, Databases),
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                layer,
                store,
                blocking,
                databases,
                server: OnceLock::new(),
            }),
        }
    }

    /// From now on these are the services of this server.
    pub(crate) fn attach(&self, server: &Arc<Server>) {
        // Attached once, right after it was put together.
        let _ = self.inner.server.set(Arc::downgrade(server));
    }

    /// The server, while it runs.
    pub(crate) fn server(&self) -> Option<Arc<Server>> {
        self.inner.server.get().and_then(Weak::upgrade)
    }

    /// The message bus itself: channels, groups, presence.
    pub fn layer(&self) -> &Arc<dyn Layer> {
        &self.inner.layer
    }

    /// Accounts, sessions, profiles, chats.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Where calls may block: bounded threads, and a bounded queue before them.
    pub fn blocking(&self) -> &Blocking {
        &self.inner.blocking
    }

    /// All databases of the project's own.
    pub(crate) fn databases(&self) -> &Databases {
        &self.inner.databases
    }

    /// A database of the project's own, by its name in the configuration.
    ///
    /// # Errors
    /// If there is none of that name; the error names those that there are.
    pub fn database(&self, name: &str) -> Result<Database, UnknownDatabase> {
        self.inner.databases.named(name).cloned()
    }

    /// Sends to one channel, here or in another process.
    ///
    /// # Errors
    /// If it is full, its name is none, or the layer is unavailable.
    pub async fn send(&self, channel: &str, message: Message) -> Result<(), LayerError> {
        self.inner.layer.send(channel, Arc::new(message)).await
    }

    /// Sends to all channels of a group: to the rooms of `room.GAME.ROOM`, the sessions of
    /// `user.ID`, or whoever was added to it.
    ///
    /// # Errors
    /// If its name is none, or the layer is unavailable.
    pub async fn group_send(&self, group: &str, message: Message) -> Result<(), LayerError> {
        self.inner.layer.group_send(group, Arc::new(message)).await
    }

    /// Who is present in a group, in all processes.
    ///
    /// # Errors
    /// If its name is none, or the layer is unavailable.
    pub async fn present(&self, group: &str) -> Result<BTreeSet<Present>, LayerError> {
        self.inner.layer.present(group).await
    }

    /// Closes all sessions of a user (4003), wherever they are. They may come back, unless their
    /// sessions are revoked too.
    ///
    /// # Errors
    /// If no user can have this id, or the layer is unavailable.
    pub async fn disconnect_user(&self, user: &str) -> Result<(), LayerError> {
        let close = Message::of(CLOSE_MESSAGE);
        self.group_send(&group_of_user(user), close).await
    }
}

impl std::fmt::Debug for Services {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Services").finish_non_exhaustive()
    }
}
