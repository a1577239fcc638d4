//! The store: accounts, sessions, profiles and chats, in a database.
//!
//! In: what the gate and the games' services want to keep. Out: what was kept, or that the store
//! cannot be reached. Reads go to the database at once, within a time limit. Writes go through a
//! bounded queue to one task, `writer`, which puts many into a transaction and tries again until
//! it knows what became of them. A second task, `keeper`, finds out when a database that was gone
//! is back. Nobody else ever waits for a database: no tick, no socket.
//!
//! ```text
//! Store ──reads──────────────────▶ Pool ─▶ database
//!   └─▶ Queue ─▶ writer (batches) ──┘ ▲
//!                        keeper ──────┘ (is it there? migrations, what has expired)
//! ```

mod row;
mod write;
mod queue;
mod state;
pub(crate) mod migrations;
mod writer;
mod keeper;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::sync::{Semaphore, oneshot};
use tokio::time::{timeout, timeout_at};
use tokio_util::sync::{CancellationToken, DropGuard};

use self::queue::{Entry, Queue};
pub use self::row::{Account, ChatRow, SessionRow};
use self::state::State;
pub use self::state::StoreHealth;
use self::write::{Outcome, Write};
use crate::config::StoreConfig;
use crate::databases::{DatabaseUrl, Fault, Pool, Row, Value};
use crate::limits;

/// Where accounts, sessions, profiles and chats are kept. Clones share it.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
    /// Ends the tasks with the last clone.
    _tasks: Arc<DropGuard>,
}

/// What the handles and the tasks share.
pub(crate) struct Shared {
    pool: Pool,
    /// Turns of reads: as many as there are connections for, so that one which gets none says
    /// something of the database.
    reads: Semaphore,
    queue: Queue,
    state: State,
    timeout: Duration,
    chat_kept: Duration,
    /// Nobody writes any more, and what is written is being waited for.
    stopping: CancellationToken,
}

/// Why the store did not do what it should.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or takes too long. Over HTTP: 503 with `Retry-After`. A write was not
    /// made, unless it was on its way at the very end.
    #[error("the store cannot be reached")]
    Unavailable,
    /// Too many writes wait for it already. Over HTTP: 503 with `Retry-After`.
    #[error("too many writes wait for the store")]
    Full,
    /// There is an account of that name.
    #[error("the name is taken")]
    NameTaken,
    /// There is no account of that number.
    #[error("there is no such account")]
    NoSuchAccount,
    /// What was to be written is too long, or the database does not take it.
    #[error("the store does not take that: {0}")]
    Refused(String),
    /// The settings are wrong.
    #[error("{0}")]
    Settings(String),
}

impl Store {
    /// Opens the store, and starts its tasks. A database that cannot be reached is looked for
    /// again and again; see [`Store::health`].
    ///
    /// # Errors
    /// If the settings are wrong, or the database is one of a newer version.
    pub async fn start(config: &StoreConfig, folder: Option<&Path>) -> Result<Self, StoreError> {
        let (url, named) = match (&config.url, folder) {
            (Some(url), _) => (url.clone(), true),
            (None, Some(folder)) => (sqlite_file(folder)?, true),
            (None, None) => (DatabaseUrl::new("sqlite::memory:"), false),
        };
        let pool = Pool::new(&url, config.pool_max, config.timeout).ok_or_else(|| {
            let expected = "sqlite:FILE, postgres://USER:PASSWORD@HOST/NAME or mysql://…";
            StoreError::Settings(format!("store.url: expected {expected}"))
        })?;
        if named {
            tracing::info!(store = %url, "accounts are kept");
        } else {
            tracing::info!("accounts end with this process: neither data_dir nor store.url is set");
        }
        let shared = Arc::new(Shared {
            queue: Queue::new(config.queue),
            state: State::default(),
            timeout: config.timeout,
            chat_kept: config.chat_kept,
            stopping: CancellationToken::new(),
            reads: Semaphore::new(reads_at_once(pool.max())),
            pool,
        });
        match timeout(limits::STORE_START_WITHIN, keeper::open(&shared)).await {
            Ok(Ok(())) => shared.state.came(),
            Ok(Err(fault)) if !fault.passes() => {
                let text = format!("the store at {url}: {}", fault.text());
                return Err(StoreError::Settings(text));
            }
            Ok(Err(fault)) => shared.state.missed(&fault),
            Err(_) => shared.state.missed(&Fault::slow()),
        }
        let ends = CancellationToken::new();
        tokio::spawn(
            ends.clone()
                .run_until_cancelled_owned(keeper::run(Arc::clone(&shared))),
        );
        tokio::spawn(
            ends.clone()
                .run_until_cancelled_owned(writer::run(Arc::clone(&shared))),
        );
        Ok(Self {
            shared,
            _tasks: Arc::new(ends.drop_guard()),
        })
    }

    /// Takes no more writes, waits a while for those that it has taken, and lets go of the
    /// database. Answers how many were lost.
    pub async fn stop(&self) -> usize {
        let shared = &self.shared;
        shared.stopping.cancel();
        let written = timeout(limits::STORE_STOP_WITHIN, shared.queue.drained());
        let _ = written.await;
        let lost = shared.queue.close();
        let _ = timeout(limits::STORE_CLOSE_WITHIN, shared.pool.close()).await;
        lost
    }

    /// How it does.
    pub fn health(&self) -> StoreHealth {
        let Shared {
            queue, state, pool, ..
        } = &*self.shared;
        let (connections, idle) = pool.size();
        state.health(pool.dialect().name(), queue.len(), connections, idle)
    }

    /// Makes an account; `name_key` is the name as it is compared.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], or if it cannot be written now.
    pub async fn create_account(
        &self,
        name: &str,
        name_key: &str,
        password_hash: &str,
    ) -> Result<Account, StoreError> {
        self.register((name, name_key), password_hash, |_| None)
            .await
    }

    /// Makes an account, and with it the first session of its user: both or neither.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], or if it cannot be written now.
    pub async fn register(
        &self,
        (name, name_key): (&str, &str),
        password_hash: &str,
        session: impl FnOnce(&Account) -> Option<SessionRow>,
    ) -> Result<Account, StoreError> {
        let account = Account {
            id: self.shared.state.new_id(now_ms()),
            name: name.to_owned(),
            password_hash: password_hash.to_owned(),
            banned: false,
        };
        let write = Write::CreateAccount {
            account: account.clone(),
            name_key: name_key.to_owned(),
            at_s: now_s(),
            session: session(&account),
        };
        self.write(write).await?;
        Ok(account)
    }

    /// The account of a name, as it is compared.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn account_by_name(&self, name_key: &str) -> Result<Option<Account>, StoreError> {
        let rows = self
            .read(row::ACCOUNT_BY_NAME, &[name_key.into()], 2)
            .await?;
        row::one(&rows, Account::read)
    }

    /// The account of a number.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn account(&self, id: u64) -> Result<Option<Account>, StoreError> {
        let Ok(id) = i64::try_from(id) else {
            return Ok(None);
        };
        let rows = self.read(row::ACCOUNT, &[id.into()], 2).await?;
        row::one(&rows, Account::read)
    }

    /// Those of these accounts that there are.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn accounts(&self, ids: &[u64]) -> Result<Vec<Account>, StoreError> {
        let ids = ids.iter().filter_map(|id| i64::try_from(*id).ok());
        let ids: Vec<Value> = ids.map(Value::from).collect();
        self.read_any(row::ACCOUNT, &ids, Account::read).await
    }

    /// Bans an account, or lets it in again.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], or if it cannot be written now.
    pub async fn set_banned(&self, id: u64, banned: bool) -> Result<(), StoreError> {
        let touched = self.write(Write::SetBanned { id, banned }).await?;
        (touched > 0).then_some(()).ok_or(StoreError::NoSuchAccount)
    }

    /// Gives an account another password.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], or if it cannot be written now.
    pub async fn set_password_hash(&self, id: u64, hash: &str) -> Result<(), StoreError> {
        let hash = hash.to_owned();
        let touched = self.write(Write::SetPasswordHash { id, hash }).await?;
        (touched > 0).then_some(()).ok_or(StoreError::NoSuchAccount)
    }

    /// Gives an account another password and forgets all sessions of its user but one: both or
    /// neither.
    ///
    /// # Errors
    /// [`StoreError::NoSuchAccount`], or if it cannot be written now.
    pub async fn change_password(
        &self,
        (id, hash): (u64, &str),
        user: &str,
        kept: &[u8; 32],
    ) -> Result<(), StoreError> {
        let write = Write::ChangePassword {
            id,
            hash: hash.to_owned(),
            user: user.to_owned(),
            kept: *kept,
        };
        let touched = self.write(write).await?;
        (touched > 0).then_some(()).ok_or(StoreError::NoSuchAccount)
    }

    /// Keeps a session; it is durable when this returns.
    ///
    /// # Errors
    /// If it cannot be written now.
    pub async fn save_session(&self, row: SessionRow) -> Result<(), StoreError> {
        self.write(Write::SaveSession(row)).await.map(|_| ())
    }

    /// The session of a token, expired or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn session(&self, token_hash: &[u8; 32]) -> Result<Option<SessionRow>, StoreError> {
        let rows = self
            .read(row::SESSION, &[token_hash.as_slice().into()], 2)
            .await?;
        row::one(&rows, SessionRow::read)
    }

    /// Those of these sessions that there are, expired or not.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn sessions(&self, token_hashes: &[[u8; 32]]) -> Result<Vec<SessionRow>, StoreError> {
        let hashes = token_hashes.iter().map(|hash| hash.as_slice().into());
        let hashes: Vec<Value> = hashes.collect();
        self.read_any(row::SESSION, &hashes, SessionRow::read).await
    }

    /// Forgets a session.
    ///
    /// # Errors
    /// If it cannot be written now.
    pub async fn delete_session(&self, token_hash: &[u8; 32]) -> Result<(), StoreError> {
        self.write(Write::DeleteSession(*token_hash))
            .await
            .map(|_| ())
    }

    /// Forgets all sessions of a user; answers how many there were.
    ///
    /// # Errors
    /// If it cannot be written now.
    pub async fn delete_sessions_of(&self, user: &str) -> Result<u64, StoreError> {
        self.write(Write::DeleteSessionsOf(user.to_owned())).await
    }

    /// What a game keeps of a user.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn profile(
        &self,
        user: &str,
        game: &str,
    ) -> Result<Option<serde_json::Value>, StoreError> {
        let rows = self
            .read(row::PROFILE, &[user.into(), game.into()], 2)
            .await?;
        row::one(&rows, |row| serde_json::from_str(row.text(0)?).ok())
    }

    /// Keeps what a game keeps of a user; it is durable when this returns.
    ///
    /// # Errors
    /// If it is larger than 64 KiB of JSON, or cannot be written now.
    pub async fn save_profile(
        &self,
        user: &str,
        game: &str,
        profile: serde_json::Value,
    ) -> Result<(), StoreError> {
        let write = Write::SaveProfile {
            user: user.to_owned(),
            game: game.to_owned(),
            profile: profile.to_string(),
            at_s: now_s(),
        };
        self.write(write).await.map(|_| ())
    }

    /// Keeps a line of a chat, some time soon, and once however often its key is told. Costs
    /// whoever calls a lock and no more; the end of the process may come first.
    ///
    /// # Errors
    /// [`StoreError::Full`], or if it is too long.
    pub fn append_chat(&self, line: ChatRow) -> Result<(), StoreError> {
        self.queue(Write::Chat(line), None)
    }

    /// The last lines of a room, the oldest first; 1,000 at most.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn chat_history(&self, room: &str, last: u32) -> Result<Vec<ChatRow>, StoreError> {
        let last = last.min(limits::CHAT_HISTORY_MAX);
        let values = [room.into(), i64::from(last).into()];
        let max = limits::CHAT_HISTORY_MAX as usize + 1;
        let rows = self.read(row::CHAT, &values, max).await?;
        let lines = rows.iter().rev().map(ChatRow::read);
        lines.collect::<Option<_>>().ok_or_else(row::strange)
    }

    async fn read_any<T>(
        &self,
        sql: &str,
        keys: &[Value],
        read: fn(&Row) -> Option<T>,
    ) -> Result<Vec<T>, StoreError> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let sql = row::any_of(sql, keys.len());
        let rows = self.read(&sql, keys, keys.len() + 1).await?;
        let read = rows.iter().map(read).collect::<Option<_>>();
        read.ok_or_else(row::strange)
    }

    async fn read(&self, sql: &str, values: &[Value], max: usize) -> Result<Vec<Row>, StoreError> {
        // Boxed: a driver's futures are deep, and all that wait for this would contain them.
        let rows = Box::pin(self.ask(sql, values, max)).await;
        rows.inspect_err(|_| self.shared.state.counts.reads_failed.add(1))
    }

    async fn ask(&self, sql: &str, values: &[Value], max: usize) -> Result<Vec<Row>, StoreError> {
        let shared = &self.shared;
        let there = || shared.state.is_up().then_some(());
        there().ok_or(StoreError::Unavailable)?;
        // Whose turn does not come has learnt that many ask, and nothing of the database.
        let turn = timeout(shared.timeout, shared.reads.acquire()).await;
        let _turn = turn.map_err(|_| StoreError::Unavailable)?;
        there().ok_or(StoreError::Unavailable)?;
        let asked = async {
            let sql = row::dialect_of(sql, shared.pool.dialect());
            shared.pool.acquire().await?.rows(&sql, values, max).await
        };
        let asked = timeout(shared.timeout, asked).await;
        asked
            .unwrap_or_else(|_| Err(Fault::slow()))
            .map_err(|fault| match fault {
                Fault::Data(text) => StoreError::Refused(text),
                fault => {
                    shared.state.missed(&fault);
                    StoreError::Unavailable
                }
            })
    }

    /// Queues a write and waits until it is made. Who gives up takes it along, if it is not on its
    /// way yet.
    async fn write(&self, write: Write) -> Result<u64, StoreError> {
        if !self.shared.state.is_up() {
            return Err(StoreError::Unavailable);
        }
        let deadline = tokio::time::Instant::now() + self.shared.timeout;
        let (answer, told) = oneshot::channel();
        self.queue(write, Some(answer))?;
        match timeout_at(deadline, told).await {
            Ok(Ok(Outcome::Done(touched))) => Ok(touched),
            Ok(Ok(Outcome::NameTaken)) => Err(StoreError::NameTaken),
            Ok(Ok(Outcome::Refused(text))) => Err(StoreError::Refused(text)),
            Ok(Err(_)) | Err(_) => Err(StoreError::Unavailable),
        }
    }

    fn queue(
        &self,
        write: Write,
        answer: Option<oneshot::Sender<Outcome>>,
    ) -> Result<(), StoreError> {
        write.check()?;
        if self.shared.stopping.is_cancelled() {
            return Err(StoreError::Unavailable);
        }
        let queued = self.shared.queue.push(Entry { write, answer });
        queued.map_err(|()| {
            self.shared.state.counts.refused.add(1);
            StoreError::Full
        })
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Store").field(&self.health()).finish()
    }
}

/// The store of a server that was told of none.
fn sqlite_file(folder: &Path) -> Result<DatabaseUrl, StoreError> {
    let file = folder.join("downbeat.db");
    let path = file.to_str().ok_or_else(|| {
        let text = format!("data_dir {}: expected a name in UTF-8", folder.display());
        StoreError::Settings(text)
    })?;
    let escaped = path
        .replace('%', "%25")
        .replace('?', "%3F")
        .replace('#', "%23");
    Ok(DatabaseUrl::new(format!("sqlite:{escaped}")))
}

/// All connections but the writer's and the keeper's.
fn reads_at_once(connections: u32) -> usize {
    usize::try_from(connections.saturating_sub(2).max(1)).unwrap_or(1)
}

/// Seconds since 1970.
pub(crate) fn now_s() -> i64 {
    now_ms() / 1000
}

/// Milliseconds since 1970.
fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let ms = since.map_or(0, |since| since.as_millis());
    i64::try_from(ms).unwrap_or(i64::MAX)
}

/// Random bytes that nobody can guess.
fn random<const N: usize>() -> [u8; N] {
    use ring::rand::SecureRandom as _;
    let mut bytes = [0; N];
    let filled = ring::rand::SystemRandom::new().fill(&mut bytes);
    filled.expect("the system has randomness");
    bytes
}
