//! Makes the writes: many in one transaction, again and again until it is known what became of
//! them, and never twice.
//!
//! A transaction begins by writing its own number into `downbeat_writes`, and ends by writing
//! there what became of each of its writes. If the answer to its commit is lost, the next attempt
//! finds that row, or finds it locked, or not: whatever happened, it happens once. The row goes
//! with the next transaction that is known to have been made.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::time::{sleep, timeout};

use super::keeper::longer;
use super::queue::Entry;
use super::write::Outcome;
use super::{Shared, now_s, random, row};
use crate::databases::{Connection, Fault, Value};
use crate::limits::{STORE_BATCH_MAX, STORE_BATCH_TIMES, STORE_PAUSE_MIN};

/// Writes that are made together or not at all.
struct Batch {
    /// Nobody else's, ever.
    id: String,
    entries: Vec<Entry>,
    /// Its commit was sent, and what became of it is not known: it must not change any more.
    is_sent: bool,
}

impl Batch {
    fn new(entries: Vec<Entry>) -> Self {
        let id = random::<16>();
        Self {
            id: id.iter().map(|byte| format!("{byte:02x}")).collect(),
            entries,
            is_sent: false,
        }
    }
}

/// Runs until it is dropped.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut made = Vec::new();
    loop {
        let first = Batch::new(shared.queue.take(STORE_BATCH_MAX).await);
        let mut batches = VecDeque::from([first]);
        while let Some(batch) = batches.pop_front() {
            // One write that the database does not take must not keep the others out.
            for entry in write(&shared, batch, &mut made).await.into_iter().rev() {
                batches.push_front(Batch::new(vec![entry]));
            }
        }
    }
}

/// Tries until it is done with a batch; answers those of its writes that must be tried one by one.
async fn write(shared: &Shared, mut batch: Batch, made: &mut Vec<String>) -> Vec<Entry> {
    let counts = &shared.state.counts;
    let mut pause = STORE_PAUSE_MIN;
    loop {
        shared.state.until(true).await;
        forget_given_up(shared, &mut batch);
        if batch.entries.is_empty() {
            return Vec::new();
        }
        let within = shared.timeout * STORE_BATCH_TIMES;
        let tried = timeout(within, attempt(shared, &mut batch, made)).await;
        let fault = match tried.unwrap_or_else(|_| Err(Fault::slow())) {
            Ok(None) => continue,
            Ok(Some(outcomes)) => {
                shared.state.wrote();
                counts.batches.add(1);
                // What was told to be done need not be remembered by the database.
                *made = vec![batch.id];
                tell(shared, batch.entries, outcomes);
                return Vec::new();
            }
            Err(fault) => fault,
        };
        match fault {
            Fault::Data(_) if batch.entries.len() > 1 => return batch.entries,
            Fault::Data(text) => {
                tracing::warn!(fault = text, "the store does not take a write");
                tell(shared, batch.entries, vec![Outcome::Refused(text)]);
                return Vec::new();
            }
            Fault::Lost(_) => shared.state.missed(&fault),
            Fault::NotNow(_) | Fault::Statement(_) => shared.state.cannot_write(&fault),
        }
        counts.retried.add(1);
        sleep(pause).await;
        pause = longer(pause);
    }
}

/// Whoever was told that the store cannot be reached must not find the write made later.
fn forget_given_up(shared: &Shared, batch: &mut Batch) {
    if batch.is_sent {
        return;
    }
    let entries = std::mem::take(&mut batch.entries);
    for entry in entries {
        if entry.is_given_up() {
            shared.queue.done(&entry);
            shared.state.counts.given_up.add(1);
        } else {
            batch.entries.push(entry);
        }
    }
}

/// Answers what became of its writes; or nothing, if one was given up before all were made: then
/// none was, and the others are to be tried again.
async fn attempt(
    shared: &Shared,
    batch: &mut Batch,
    made: &[String],
) -> Result<Option<Vec<Outcome>>, Fault> {
    let mut to = shared.pool.acquire().await?;
    if batch.is_sent
        && let Some(outcomes) = made_already(shared, batch, &mut to).await?
    {
        return Ok(Some(outcomes));
    }
    to.begin().await?;
    match make(shared, batch, made, &mut to).await {
        Ok(_) if !batch.is_sent && batch.entries.iter().any(Entry::is_given_up) => {
            to.rollback().await?;
            Ok(None)
        }
        Ok(outcomes) => {
            batch.is_sent = true;
            to.commit().await?;
            Ok(Some(outcomes))
        }
        Err(fault) => {
            if !matches!(fault, Fault::Lost(_)) {
                to.rollback().await?;
            }
            Err(fault)
        }
    }
}

/// What became of a batch whose commit was not answered, if it was made.
async fn made_already(
    shared: &Shared,
    batch: &Batch,
    to: &mut Connection,
) -> Result<Option<Vec<Outcome>>, Fault> {
    let sql = "select outcomes from downbeat_writes where id = ?";
    let sql = row::dialect_of(sql, shared.pool.dialect());
    let rows = to.rows(&sql, &[batch.id.as_str().into()], 2).await?;
    let Some(text) = rows.first().and_then(|row| row.text(0)) else {
        return Ok(None);
    };
    let numbers = text.split(',').map(|number| number.parse().ok());
    let outcomes = numbers.map(|number| number.map(Outcome::of_number));
    let outcomes: Option<Vec<_>> = outcomes.collect();
    let outcomes = outcomes.filter(|outcomes| outcomes.len() == batch.entries.len());
    outcomes
        .map(Some)
        .ok_or_else(|| Fault::Statement("the log of writes is none of ours".to_owned()))
}

async fn make(
    shared: &Shared,
    batch: &Batch,
    made: &[String],
    to: &mut Connection,
) -> Result<Vec<Outcome>, Fault> {
    let dialect = shared.pool.dialect();
    let insert = "insert into downbeat_writes (id, at_s, outcomes) values (?, ?, ?)";
    let values = [batch.id.as_str().into(), now_s().into(), Value::from("")];
    let inserted = to.execute(&row::dialect_of(insert, dialect), &values).await;
    inserted.map_err(|fault| match fault {
        // Our own commit, sent some time ago, has arrived in between: the next attempt sees it.
        Fault::Data(text) => Fault::NotNow(text),
        other => other,
    })?;
    let delete = row::dialect_of("delete from downbeat_writes where id = ?", dialect);
    for id in made {
        to.execute(&delete, &[id.as_str().into()]).await?;
    }
    let mut outcomes = Vec::with_capacity(batch.entries.len());
    for entry in &batch.entries {
        outcomes.push(entry.write.make(to, dialect).await?);
    }
    let numbers = outcomes
        .iter()
        .map(|outcome| outcome.to_number().to_string());
    let numbers = numbers.collect::<Vec<_>>().join(",");
    let update = "update downbeat_writes set outcomes = ? where id = ?";
    let values = [numbers.into(), batch.id.as_str().into()];
    to.execute(&row::dialect_of(update, dialect), &values)
        .await?;
    Ok(outcomes)
}

fn tell(shared: &Shared, entries: Vec<Entry>, outcomes: Vec<Outcome>) {
    let counts = &shared.state.counts;
    for (entry, outcome) in entries.into_iter().zip(outcomes) {
        shared.queue.done(&entry);
        match outcome {
            Outcome::Refused(_) => counts.failed.add(1),
            _ => counts.written.add(1),
        }
        if let Some(answer) = entry.answer {
            // Whoever gave up meanwhile is not there to be told.
            let _ = answer.send(outcome);
        }
    }
}
