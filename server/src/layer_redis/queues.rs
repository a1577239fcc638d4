//! The queues of this process in `core`: taking messages out, in the order in which they were sent.

use std::sync::Arc;

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::time::timeout;

use super::local::count;
use super::names::queue_of;
use super::{Inner, now};
use crate::limits::{REDIS_ANSWERS_WITHIN, REDIS_POPPED_MAX};

/// Which queues are read on a host.
#[derive(Clone, Debug, Default)]
pub(super) struct Queues {
    /// Sorted.
    pub(super) keys: Vec<String>,
    /// How often they changed.
    pub(super) version: u64,
    /// The connection that waits for them, by Redis's number, and which version of them it took.
    pub(super) reader: Option<(i64, u64)>,
}

/// A message as it lay in a queue.
struct Popped {
    queue: usize,
    score: f64,
    bytes: bytes::Bytes,
}

/// Delivers the message that was waited for, and all that are there, by their scores.
pub(super) async fn drain(
    inner: &Inner,
    connection: &mut MultiplexedConnection,
    keys: &[String],
    first: (String, bytes::Bytes, f64),
) -> Result<(), RedisError> {
    let (key, bytes, score) = first;
    let Ok(queue) = keys.binary_search(&key) else {
        return Ok(());
    };
    let mut held = vec![Popped {
        queue,
        score,
        bytes,
    }];
    loop {
        let mut script = inner.scripts.pop.prepare_invoke();
        for key in keys {
            script.key(key);
        }
        script.arg(REDIS_POPPED_MAX);
        let popped = timeout(REDIS_ANSWERS_WITHIN, script.invoke_async(connection)).await;
        let late = |_| RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut));
        let popped: Vec<Vec<(bytes::Bytes, f64)>> = popped.map_err(late)??;
        // A queue that may have more bounds what is delivered: older ones may still be in it.
        let mut bound = f64::INFINITY;
        for (queue, messages) in popped.into_iter().enumerate() {
            if messages.len() >= REDIS_POPPED_MAX
                && let Some((_, last)) = messages.last()
            {
                bound = bound.min(*last);
            }
            held.extend(messages.into_iter().map(|(bytes, score)| Popped {
                queue,
                score,
                bytes,
            }));
        }
        held.sort_by(|a, b| a.score.total_cmp(&b.score));
        let ready = held.partition_point(|popped| popped.score <= bound);
        for popped in held.drain(..ready) {
            deliver(inner, &keys[popped.queue], &popped);
        }
        if bound.is_infinite() {
            return Ok(());
        }
    }
}

fn deliver(inner: &Inner, key: &str, popped: &Popped) {
    let counts = &inner.local.counts;
    if popped.score + inner.limits.expiry.as_secs_f64() < now().as_secs_f64() {
        return count(&counts.expired, 1);
    }
    let Ok((message, targets)) = inner.envelope.unpack(&popped.bytes) else {
        return count(&counts.malformed, 1);
    };
    let message = Arc::new(message);
    let queue = key.strip_prefix(&inner.names.prefix).unwrap_or(key);
    if !queue.ends_with('!') {
        inner.local.deliver(queue, &message);
        return;
    }
    let is_ours = targets.iter().all(|target| queue_of(target) == queue);
    if targets.is_empty() || !is_ours {
        return count(&counts.malformed, 1);
    }
    inner.local.deliver_to(&targets, &message);
}
