//! Connections to one database, of whichever kind.
//!
//! In: statements and values. Out: rows, or a [`Fault`]. A connection that was left in the middle
//! of something, because whoever asked gave up, is closed and never handed to somebody else.

use std::str::FromStr as _;
use std::time::Duration;

use futures_util::TryStreamExt as _;
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::mysql::{MySqlConnectOptions, MySqlPoolOptions};
use sqlx::pool::PoolConnection;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    AssertSqlSafe, ConnectOptions as _, Executor as _, MySql, MySqlPool, PgPool, Postgres,
    SqlSafeStr as _, Sqlite, SqlitePool,
};

use super::fault::Fault;
use super::url::{DatabaseUrl, Dialect};
use super::value::{Row, Value};
use super::{mysql, postgres, sqlite};
use crate::limits::{DATABASE_IDLE_MAX, SQLITE_BUSY_WITHIN};

/// A bounded number of connections, made when they are needed.
#[derive(Clone, Debug)]
pub(crate) enum Pool {
    Sqlite(SqlitePool),
    Postgres(PgPool),
    MySql(MySqlPool),
}

/// One connection, for a while.
pub(crate) struct Connection {
    link: Link,
    /// Between a question and its answer.
    at_work: bool,
    in_transaction: bool,
}

enum Link {
    Sqlite(PoolConnection<Sqlite>),
    Postgres(PoolConnection<Postgres>),
    MySql(PoolConnection<MySql>),
}

impl Pool {
    /// Connects to nothing yet. `None` if the address is none.
    pub(crate) fn new(url: &DatabaseUrl, connections: u32, acquire: Duration) -> Option<Self> {
        let text = url.reveal();
        Some(match url.dialect()? {
            Dialect::Sqlite => {
                let options = SqliteConnectOptions::from_str(text).ok()?;
                Self::sqlite(options, text.contains(":memory:"), connections, acquire)
            }
            Dialect::Postgres => {
                let options = PgConnectOptions::from_str(text).ok()?;
                let pool = PgPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(acquire)
                    .idle_timeout(DATABASE_IDLE_MAX);
                Self::Postgres(pool.connect_lazy_with(options.disable_statement_logging()))
            }
            Dialect::MySql => {
                let options = MySqlConnectOptions::from_str(text).ok()?;
                let pool = MySqlPoolOptions::new()
                    .max_connections(connections)
                    .acquire_timeout(acquire)
                    .idle_timeout(DATABASE_IDLE_MAX);
                Self::MySql(pool.connect_lazy_with(options.disable_statement_logging()))
            }
        })
    }

    fn sqlite(
        options: SqliteConnectOptions,
        in_memory: bool,
        connections: u32,
        acquire: Duration,
    ) -> Self {
        let options = options
            .create_if_missing(true)
            .busy_timeout(SQLITE_BUSY_WITHIN)
            .disable_statement_logging();
        let pool = SqlitePoolOptions::new().acquire_timeout(acquire);
        if in_memory {
            // Each connection would have a memory of its own, and take it along when it goes.
            let pool = pool
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None);
            return Self::Sqlite(pool.connect_lazy_with(options));
        }
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            // In WAL, "normal" forgets the last commits when the power goes.
            .synchronous(SqliteSynchronous::Full);
        let pool = pool
            .max_connections(connections)
            .idle_timeout(DATABASE_IDLE_MAX);
        Self::Sqlite(pool.connect_lazy_with(options))
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        match self {
            Self::Sqlite(_) => Dialect::Sqlite,
            Self::Postgres(_) => Dialect::Postgres,
            Self::MySql(_) => Dialect::MySql,
        }
    }

    /// A connection, within the time that the pool was given for it.
    pub(crate) async fn acquire(&self) -> Result<Connection, Fault> {
        let link = match self {
            Self::Sqlite(pool) => Link::Sqlite(pool.acquire().await?),
            Self::Postgres(pool) => Link::Postgres(pool.acquire().await?),
            Self::MySql(pool) => Link::MySql(pool.acquire().await?),
        };
        Ok(Connection {
            link,
            at_work: false,
            in_transaction: false,
        })
    }

    /// Applies what of these has not been applied yet; the database's own lock keeps others out.
    pub(crate) async fn migrate(&self, migrator: &Migrator) -> Result<(), MigrateError> {
        match self {
            Self::Sqlite(pool) => migrator.run(pool).await,
            Self::Postgres(pool) => {
                let mut link = pool.acquire().await?;
                // The lock is the connection's: if this fails or is given up, it must not live on
                // in the pool.
                link.close_on_drop();
                migrator.run_direct(None, &mut *link, false).await
            }
            Self::MySql(pool) => {
                let mut link = pool.acquire().await?;
                link.close_on_drop(); // as above
                migrate_mysql(&mut link, migrator).await
            }
        }
    }

    /// Connections that there may be.
    pub(crate) fn max(&self) -> u32 {
        match self {
            Self::Sqlite(pool) => pool.options().get_max_connections(),
            Self::Postgres(pool) => pool.options().get_max_connections(),
            Self::MySql(pool) => pool.options().get_max_connections(),
        }
    }

    /// Connections that are open, and those of them that nobody uses.
    pub(crate) fn size(&self) -> (u32, usize) {
        match self {
            Self::Sqlite(pool) => (pool.size(), pool.num_idle()),
            Self::Postgres(pool) => (pool.size(), pool.num_idle()),
            Self::MySql(pool) => (pool.size(), pool.num_idle()),
        }
    }

    /// Closes all connections.
    pub(crate) async fn close(&self) {
        match self {
            Self::Sqlite(pool) => pool.close().await,
            Self::Postgres(pool) => pool.close().await,
            Self::MySql(pool) => pool.close().await,
        }
    }
}

/// MariaDB does not wait for the lock of the library, which asks it to wait for ever.
async fn migrate_mysql(
    link: &mut PoolConnection<MySql>,
    migrator: &Migrator,
) -> Result<(), MigrateError> {
    let lock = "select get_lock(concat('downbeat ', database()), 60)";
    let locked: Option<i64> = sqlx::query_scalar(lock).fetch_one(&mut **link).await?;
    if locked != Some(1) {
        let error = std::io::Error::other("another process is at the migrations");
        return Err(MigrateError::Execute(sqlx::Error::Io(error)));
    }
    // `run` itself cannot be awaited in a task: its bounds are not general enough.
    migrator.run_direct(None, &mut **link, false).await?;
    let unlock = "select release_lock(concat('downbeat ', database()))";
    sqlx::raw_sql(unlock).execute(&mut **link).await?;
    Ok(())
}

impl Connection {
    /// Runs a statement of the database's own dialect; answers how many rows it touched.
    pub(crate) async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        self.at_work = true;
        let done = self.link.execute(sql, values).await;
        self.at_work = matches!(done, Err(Fault::Lost(_)));
        done
    }

    /// Asks for rows, and reads `max` of them at most.
    pub(crate) async fn rows(
        &mut self,
        sql: &str,
        values: &[Value],
        max: usize,
    ) -> Result<Vec<Row>, Fault> {
        self.at_work = true;
        let rows = self.link.rows(sql, values, max).await;
        // Where there is more than was wanted, the rest is on its way: not to the next who asks.
        let more = rows.as_ref().is_ok_and(|rows| rows.len() >= max);
        self.at_work = more || matches!(rows, Err(Fault::Lost(_)));
        rows
    }

    /// Asks whether the database understands a statement, without running it.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<(), Fault> {
        self.at_work = true;
        let sql = AssertSqlSafe(sql).into_sql_str();
        let done = match &mut self.link {
            Link::Sqlite(link) => link.prepare(sql).await.map(|_| ()),
            Link::Postgres(link) => link.prepare(sql).await.map(|_| ()),
            Link::MySql(link) => link.prepare(sql).await.map(|_| ()),
        };
        let done = done.map_err(Fault::from);
        self.at_work = matches!(done, Err(Fault::Lost(_)));
        done
    }

    /// Begins a transaction that writes.
    pub(crate) async fn begin(&mut self) -> Result<(), Fault> {
        self.in_transaction = true;
        let begin = match self.link {
            // Else two readers who want to write wait for each other.
            Link::Sqlite(_) => "BEGIN IMMEDIATE",
            Link::Postgres(_) => "BEGIN",
            Link::MySql(_) => "START TRANSACTION",
        };
        let begun = self.raw(begin).await;
        self.in_transaction = begun.is_ok();
        begun
    }

    /// Makes it last. After a [`Fault`] it may have been made to last all the same.
    pub(crate) async fn commit(mut self) -> Result<(), Fault> {
        let done = self.raw("COMMIT").await;
        self.in_transaction = done.is_err();
        done
    }

    /// Undoes it.
    pub(crate) async fn rollback(mut self) -> Result<(), Fault> {
        let done = self.raw("ROLLBACK").await;
        self.in_transaction = done.is_err();
        done
    }

    async fn raw(&mut self, sql: &'static str) -> Result<(), Fault> {
        self.at_work = true;
        let done = match &mut self.link {
            Link::Sqlite(link) => sqlx::raw_sql(sql).execute(&mut **link).await.map(|_| ()),
            Link::Postgres(link) => sqlx::raw_sql(sql).execute(&mut **link).await.map(|_| ()),
            Link::MySql(link) => sqlx::raw_sql(sql).execute(&mut **link).await.map(|_| ()),
        };
        let done = done.map_err(Fault::from);
        self.at_work = matches!(done, Err(Fault::Lost(_)));
        done
    }
}

impl Link {
    async fn execute(&mut self, sql: &str, values: &[Value]) -> Result<u64, Fault> {
        Ok(match self {
            Self::Sqlite(link) => {
                let query = sqlx::query_with(AssertSqlSafe(sql), sqlite::bind(values)?);
                query.execute(&mut **link).await?.rows_affected()
            }
            Self::Postgres(link) => {
                let values = postgres::bind(link, sql, values).await?;
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                query.execute(&mut **link).await?.rows_affected()
            }
            Self::MySql(link) => {
                let query = sqlx::query_with(AssertSqlSafe(sql), mysql::bind(values)?);
                query.execute(&mut **link).await?.rows_affected()
            }
        })
    }

    async fn rows(&mut self, sql: &str, values: &[Value], max: usize) -> Result<Vec<Row>, Fault> {
        let mut rows = Vec::new();
        match self {
            Self::Sqlite(link) => {
                let query = sqlx::query_with(AssertSqlSafe(sql), sqlite::bind(values)?);
                let mut answer = query.fetch(&mut **link);
                while rows.len() < max
                    && let Some(row) = answer.try_next().await?
                {
                    rows.push(sqlite::row(&row, rows.last())?);
                }
            }
            Self::Postgres(link) => {
                let values = postgres::bind(link, sql, values).await?;
                let query = sqlx::query_with(AssertSqlSafe(sql), values);
                let mut answer = query.fetch(&mut **link);
                while rows.len() < max
                    && let Some(row) = answer.try_next().await?
                {
                    rows.push(postgres::row(&row, rows.last())?);
                }
            }
            Self::MySql(link) => {
                let query = sqlx::query_with(AssertSqlSafe(sql), mysql::bind(values)?);
                let mut answer = query.fetch(&mut **link);
                while rows.len() < max
                    && let Some(row) = answer.try_next().await?
                {
                    rows.push(mysql::row(&row, rows.last())?);
                }
            }
        }
        Ok(rows)
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        match &mut self.link {
            // Its thread finishes what it was asked; only a transaction must not be inherited.
            Link::Sqlite(link) if self.in_transaction => link.close_on_drop(),
            Link::Sqlite(_) => {}
            Link::Postgres(link) if self.at_work || self.in_transaction => link.close_on_drop(),
            Link::MySql(link) if self.at_work || self.in_transaction => link.close_on_drop(),
            Link::Postgres(_) | Link::MySql(_) => {}
        }
    }
}
