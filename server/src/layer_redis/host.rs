//! One host: whether it answers, and what is still to be told to it.
//!
//! A session with a host is all its connections together. If one of them fails, all are made anew,
//! everything that is open here is told again, and readers learn that they may have missed
//! something.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use downbeat::layer::LayerError;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, ProtocolVersion, RedisError};
use tokio::sync::{Notify, Semaphore, SemaphorePermit, watch};
use tokio::time::timeout;

use super::local::PresenceKey;
use crate::config::Secret;
use crate::limits::{REDIS_ANSWERS_WITHIN, REDIS_CONNECTS_WITHIN, REDIS_IN_FLIGHT_MAX};

/// What Redis may not know yet, in the order in which it is told.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Item {
    Watch(Arc<str>),
    Channel(Arc<str>),
    Group(Arc<str>),
    Presence(PresenceKey),
}

/// How a host is.
#[derive(Clone)]
pub(super) enum State {
    /// Being connected; it was there a moment ago, or was never asked.
    Starting,
    Up(MultiplexedConnection),
    Down(Arc<str>),
}

pub(super) struct Host {
    client: Client,
    /// The same, for connections over which messages are pushed.
    subscribing: Client,
    pub(super) state: watch::Sender<State>,
    untold: Mutex<Untold>,
    pub(super) changed: Notify,
    /// It was found to know nothing of this process while it was told something.
    pub(super) is_forgotten: AtomicBool,
    told: watch::Sender<u64>,
    in_flight: Semaphore,
}

#[derive(Default)]
struct Untold {
    items: BTreeSet<Item>,
    /// How many there have ever been.
    count: u64,
}

/// A connection for commands, and the right to have one more of them on its way.
pub(super) struct Commands<'a> {
    pub(super) connection: MultiplexedConnection,
    _permit: SemaphorePermit<'a>,
}

impl Host {
    pub(super) fn new(address: &Secret) -> Result<Self, RedisError> {
        let client = Client::open(address.reveal())?;
        let info = client.get_connection_info().clone();
        let settings = info.redis_settings().clone();
        let settings = settings.set_protocol(ProtocolVersion::RESP3);
        let subscribing = Client::open(info.set_redis_settings(settings))?;
        Ok(Self {
            client,
            subscribing,
            state: watch::Sender::new(State::Starting),
            untold: Mutex::default(),
            changed: Notify::new(),
            is_forgotten: AtomicBool::new(false),
            told: watch::Sender::new(0),
            in_flight: Semaphore::new(REDIS_IN_FLIGHT_MAX),
        })
    }

    /// Where it is, without its password.
    pub(super) fn address(&self) -> String {
        self.client.get_connection_info().addr().to_string()
    }

    /// A connection for commands.
    ///
    /// # Errors
    /// If the host does not answer.
    pub(super) async fn commands(&self) -> Result<Commands<'_>, LayerError> {
        let ready = async {
            let permit = self.in_flight.acquire().await;
            let _permit = permit.expect("nobody closes it");
            let mut states = self.state.subscribe();
            loop {
                match &*states.borrow_and_update() {
                    State::Up(connection) => {
                        let connection = connection.clone();
                        return Ok(Commands {
                            connection,
                            _permit,
                        });
                    }
                    State::Down(why) => return Err(self.unavailable(why)),
                    State::Starting => {}
                }
                if states.changed().await.is_err() {
                    return Err(self.unavailable("it is closed"));
                }
            }
        };
        let ready = timeout(REDIS_ANSWERS_WITHIN, ready).await;
        ready.unwrap_or_else(|_| Err(self.unavailable("it does not answer")))
    }

    pub(super) fn unavailable(&self, why: impl std::fmt::Display) -> LayerError {
        LayerError::Unavailable(format!("Redis at {}: {why}", self.address()))
    }

    /// Notes that something here is not as Redis knows it.
    pub(super) fn mark(&self, items: impl IntoIterator<Item = Item>) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        for item in items {
            untold.items.insert(item);
            untold.count += 1;
        }
        drop(untold);
        self.changed.notify_one();
    }

    /// Takes what is to be told, and up to which count that is.
    pub(super) fn take_untold(&self) -> (BTreeSet<Item>, u64) {
        let mut untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
        (std::mem::take(&mut untold.items), untold.count)
    }

    /// Everything up to a count was told.
    pub(super) fn was_told(&self, count: u64) {
        self.told.send_replace(count);
    }

    /// Waits until Redis knows all that was marked until now.
    ///
    /// # Errors
    /// If it does not answer; it is told when it does.
    pub(super) async fn settle(&self) -> Result<(), LayerError> {
        let count = {
            let untold = self.untold.lock().unwrap_or_else(PoisonError::into_inner);
            untold.count
        };
        if *self.told.borrow() >= count {
            return Ok(());
        }
        let mut told = self.told.subscribe();
        let mut states = self.state.subscribe();
        let settled = async {
            tokio::select! {
                _ = told.wait_for(|told| *told >= count) => Ok(()),
                down = states.wait_for(|state| matches!(state, State::Down(_))) => {
                    match down.as_deref() {
                        Ok(State::Down(why)) => Err(self.unavailable(why)),
                        _ => Err(self.unavailable("it is closed")),
                    }
                }
            }
        };
        let settled = timeout(2 * REDIS_ANSWERS_WITHIN, settled).await;
        settled.unwrap_or_else(|_| Err(self.unavailable("it does not answer")))
    }

    pub(super) fn is_up(&self) -> bool {
        matches!(*self.state.borrow(), State::Up(_))
    }

    pub(super) async fn connect(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECTS_WITHIN))
            .set_response_timeout(Some(REDIS_ANSWERS_WITHIN));
        let client = &self.client;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// A connection on which a command may wait for as long as it likes.
    pub(super) async fn connect_to_wait(&self) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECTS_WITHIN))
            .set_response_timeout(None);
        let client = &self.client;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }

    /// A connection whose messages go to `sink`, one after another.
    pub(super) async fn connect_to_listen(
        &self,
        sink: impl redis::aio::AsyncPushSender,
    ) -> Result<MultiplexedConnection, RedisError> {
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(REDIS_CONNECTS_WITHIN))
            .set_response_timeout(Some(REDIS_ANSWERS_WITHIN))
            .set_push_sender(sink);
        let client = &self.subscribing;
        client
            .get_multiplexed_async_connection_with_config(&config)
            .await
    }
}
