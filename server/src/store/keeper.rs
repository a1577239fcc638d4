//! Finds out when the store is there, brings its tables up to date, and throws away what has
//! expired.

use std::sync::Arc;
use std::time::Duration;

use sqlx::migrate::MigrateError;
use tokio::time::{Instant, sleep, timeout};

use super::{Shared, migrations, now_ms, now_s};
use crate::databases::{Dialect, Fault};
use crate::limits::{
    MIGRATIONS_WITHIN, STORE_BATCH_TIMES, STORE_PAUSE_MAX, STORE_PAUSE_MIN, STORE_SWEEP,
    STORE_SWEEP_ROWS, WRITES_KEPT,
};

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut swept: Option<Instant> = None;
    loop {
        if !shared.state.is_up() {
            come_back(&shared).await;
        }
        if swept.is_none_or(|swept| swept.elapsed() >= STORE_SWEEP) {
            swept = Some(Instant::now());
            tokio::select! {
                () = sweep(&shared) => {}
                // It is looked for at once, and the rest is swept the next time.
                () = shared.state.until(false) => continue,
            }
        }
        // Whichever is first: it is gone, or it is time.
        let _ = timeout(STORE_SWEEP, shared.state.until(false)).await;
    }
}

/// Makes sure that the database answers and has our tables.
pub(super) async fn open(shared: &Shared) -> Result<(), Fault> {
    let migrator = migrations::migrator(shared.pool.dialect());
    let migrated = timeout(MIGRATIONS_WITHIN, shared.pool.migrate(&migrator)).await;
    match migrated {
        Ok(Ok(())) => Ok(()),
        Ok(Err(MigrateError::Dirty(version))) => {
            // A database without transactions for tables was left in the middle of it. Ours can be
            // applied again from the start.
            let sql = format!("delete from {} where success = false", migrations::TABLE);
            shared.pool.acquire().await?.execute(&sql, &[]).await?;
            Err(Fault::NotNow(format!(
                "migration {version} was interrupted"
            )))
        }
        Ok(Err(error)) => Err(migrations::fault(error)),
        Err(_) => Err(Fault::slow()),
    }
}

async fn come_back(shared: &Shared) {
    let mut pause = STORE_PAUSE_MIN;
    loop {
        let tried = if shared.state.was_up() {
            let answers = timeout(shared.timeout, answers(shared)).await;
            answers.unwrap_or_else(|_| Err(Fault::slow()))
        } else {
            open(shared).await
        };
        match tried {
            Ok(()) => return shared.state.came(),
            Err(fault) => shared.state.missed(&fault),
        }
        sleep(pause).await;
        pause = longer(pause);
    }
}

async fn answers(shared: &Shared) -> Result<(), Fault> {
    let mut connection = shared.pool.acquire().await?;
    connection.rows("select 1", &[], 2).await.map(|_| ())
}

/// What nobody will ask for again.
async fn sweep(shared: &Shared) {
    let before = |kept: Duration| i64::try_from(kept.as_secs()).unwrap_or(i64::MAX);
    let chat_before_ms = now_ms().saturating_sub(before(shared.chat_kept).saturating_mul(1000));
    let writes_before_s = now_s() - before(WRITES_KEPT);
    let sweeps = [
        ("downbeat_sessions", "expires_at_s", now_s()),
        ("downbeat_chat", "at_ms", chat_before_ms),
        ("downbeat_writes", "at_s", writes_before_s),
    ];
    for (table, time, before) in sweeps {
        let sql = slice(shared.pool.dialect(), table, time);
        while sweep_slice(shared, &sql, before).await {
            // Others want to write, too.
            sleep(STORE_PAUSE_MIN).await;
        }
    }
}

/// Throws away a few rows that are older: what many rows would lock, nobody could write meanwhile.
fn slice(dialect: Dialect, table: &str, time: &str) -> String {
    let rows = STORE_SWEEP_ROWS;
    match dialect {
        Dialect::Sqlite => format!(
            "delete from {table} where rowid in \
             (select rowid from {table} where {time} < ? limit {rows})"
        ),
        // What was renewed meanwhile stays: the time is looked at again.
        Dialect::Postgres => format!(
            "delete from {table} where {time} < $1 and ctid = any(array(\
             select ctid from {table} where {time} < $1 limit {rows}))"
        ),
        Dialect::MySql => format!("delete from {table} where {time} < ? limit {rows}"),
    }
}

/// Answers whether there may be more.
async fn sweep_slice(shared: &Shared, sql: &str, before: i64) -> bool {
    let swept = async {
        let mut connection = shared.pool.acquire().await?;
        connection.execute(sql, &[before.into()]).await
    };
    let swept = timeout(shared.timeout * STORE_BATCH_TIMES, swept).await;
    match swept.unwrap_or_else(|_| Err(Fault::slow())) {
        Ok(rows) => {
            tracing::debug!(rows, sql, "swept");
            rows == STORE_SWEEP_ROWS
        }
        Err(fault) => {
            tracing::debug!(fault = fault.text(), sql, "not swept");
            false
        }
    }
}

/// The pause after this one.
pub(super) fn longer(pause: Duration) -> Duration {
    (pause * 2).min(STORE_PAUSE_MAX)
}
