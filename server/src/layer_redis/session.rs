//! Keeps the session with one host: connects, tells it what is open here, asks whether it lives.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{PushInfo, PushKind, RedisError, from_redis_value};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, sleep, timeout};
use tracing::{debug, info, warn};

use super::host::State;
use super::queues::{Queues, drain};
use super::tell::{Sides, tell, tidy_presence};
use super::{Inner, now};
use crate::config::RedisFormat;
use crate::limits::{
    GROUPS_RENEWED_WITHIN, REDIS_ANSWERS_WITHIN, REDIS_BACK_OFF, REDIS_BATCH, REDIS_BEAT,
    REDIS_POP_WAIT_S,
};

/// Keeps a session with a host for as long as the layer is there.
pub(super) async fn keep(inner: Arc<Inner>, host: usize) {
    let (shortest, longest) = REDIS_BACK_OFF;
    let mut pause = shortest;
    let mut was_up = false;
    loop {
        let mut got_up = false;
        let ended = session(&inner, host, was_up, &mut got_up).await;
        let why = ended.expect_err("a session ends by an error only");
        let address = inner.hosts[host].address();
        let state = &inner.hosts[host].state;
        if got_up {
            warn!(%address, "the connection to Redis is lost: {why}");
            state.send_replace(State::Starting);
            pause = shortest;
            was_up = true;
        } else {
            if !matches!(*state.borrow(), State::Down(_)) {
                warn!(%address, "Redis does not answer: {why}");
            }
            state.send_replace(State::Down(why.to_string().into()));
        }
        sleep(spread(pause)).await;
        pause = (pause * 2).min(longest);
    }
}

/// Up to half as long again, by the clock: processes must not knock all at once.
fn spread(pause: Duration) -> Duration {
    let nanos = now().subsec_nanos() % 1000;
    pause + pause * nanos / 2000
}

/// One session, from its connections until one of them fails.
async fn session(
    inner: &Arc<Inner>,
    host: usize,
    was_up: bool,
    got_up: &mut bool,
) -> Result<(), RedisError> {
    let at = &inner.hosts[host];
    let mut commands = at.connect().await?;
    let lost = Arc::new(Notify::new());
    let mut listener = at.connect_to_listen(pushed(inner, host, &lost)).await?;
    if inner.format == RedisFormat::PubSub {
        listener.psubscribe(inner.names.pattern()).await?;
    }
    beat(inner, &mut commands).await?;
    let (queues, _) = watch::channel(Queues::default());
    let forgotten = AtomicBool::new(false);
    let mut sides = Sides {
        commands: commands.clone(),
        listener: listener.clone(),
        queues: &queues,
        forgotten: &forgotten,
    };

    let _in_session = at.begin();
    inner.mark_all(host);
    tidy_presence(inner, host, &mut sides).await?;
    tell_all(inner, host, &mut sides).await?;
    at.state.send_replace(State::Up(commands.clone()));
    *got_up = true;
    let address = at.address();
    info!(%address, "connected to Redis");
    if was_up {
        inner.report_gap(host);
    }

    tokio::select! {
        ended = tell_on(inner, host, &mut sides) => ended,
        ended = beat_on(inner, host, commands, listener, &forgotten) => ended,
        ended = pop_on(inner, host, &queues) => ended,
        () = lost.notified() => Err(closed()),
    }
}

fn closed() -> RedisError {
    RedisError::from(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
}

fn late() -> RedisError {
    RedisError::from(std::io::Error::from(std::io::ErrorKind::TimedOut))
}

/// What is done with whatever Redis pushes: there is no queue in between that could grow.
fn pushed(
    inner: &Arc<Inner>,
    host: usize,
    lost: &Arc<Notify>,
) -> impl redis::aio::AsyncPushSender + use<> {
    let inner = Arc::downgrade(inner);
    let lost = Arc::clone(lost);
    move |push: PushInfo| {
        match push.kind {
            PushKind::Message | PushKind::PMessage => {
                let is_by_pattern = push.kind == PushKind::PMessage;
                let mut data = push.data.into_iter().skip(usize::from(is_by_pattern));
                if let (Some(name), Some(bytes), Some(inner)) =
                    (data.next(), data.next(), inner.upgrade())
                    && let Ok(name) = from_redis_value::<String>(name)
                    && let Ok(bytes) = from_redis_value::<bytes::Bytes>(bytes)
                {
                    inner.published(host, &name, &bytes);
                }
            }
            PushKind::Disconnection => lost.notify_one(),
            _ => {}
        }
        Ok::<(), redis::aio::SendError>(())
    }
}

/// Tells what changes here, as it changes.
async fn tell_on(inner: &Inner, host: usize, sides: &mut Sides<'_>) -> Result<(), RedisError> {
    let at = &inner.hosts[host];
    loop {
        at.changed.notified().await;
        tell_all(inner, host, sides).await?;
    }
}

/// Tells what was not told yet. An error ends the session, and the next one tells everything.
async fn tell_all(inner: &Inner, host: usize, sides: &mut Sides<'_>) -> Result<(), RedisError> {
    let at = &inner.hosts[host];
    let (items, count) = at.take_untold();
    tell(inner, host, sides, &items).await?;
    at.was_told(count);
    Ok(())
}

/// Asks all connections whether they live, and tells again what Redis should not forget.
async fn beat_on(
    inner: &Arc<Inner>,
    host: usize,
    mut commands: MultiplexedConnection,
    mut listener: MultiplexedConnection,
    forgotten: &AtomicBool,
) -> Result<(), RedisError> {
    let renewed_within = GROUPS_RENEWED_WITHIN.min(inner.limits.group_expiry / 3);
    let mut renewed = Instant::now();
    loop {
        sleep(REDIS_BEAT).await;
        let held = beat(inner, &mut commands).await?;
        let is_known = held && !forgotten.swap(false, Ordering::Relaxed);
        inner.hosts[host].echoes.forget_old();
        let ping = redis::cmd("PING");
        let ponged = timeout(REDIS_ANSWERS_WITHIN, ping.exec_async(&mut listener)).await;
        ponged.map_err(|_| late())??;
        if !is_known {
            let address = inner.hosts[host].address();
            warn!(%address, "Redis has forgotten this process; it is told everything again");
            inner.mark_all(host);
            let settled = inner.hosts[host].settle().await;
            if let Err(error) = settled {
                debug!("{error}");
                return Err(late());
            }
            inner.report_flush(host);
        }
        if inner.format == RedisFormat::Core && renewed.elapsed() >= renewed_within {
            inner.mark_all(host);
            renewed = Instant::now();
        }
    }
}

/// Renews this process's lease and takes away those of dead ones; answers whether it held.
async fn beat(inner: &Inner, commands: &mut MultiplexedConnection) -> Result<bool, RedisError> {
    let mut is_known = true;
    loop {
        let mut script = inner.scripts.beat.prepare_invoke();
        script.arg(&inner.names.prefix).arg(&inner.names.client);
        script.arg(inner.lease_ms()).arg(REDIS_BATCH);
        let (held, has_more): (bool, bool) = script.invoke_async(commands).await?;
        is_known &= held;
        if !has_more {
            return Ok(is_known);
        }
    }
}

/// Takes messages out of this process's queues, in `core`.
async fn pop_on(
    inner: &Inner,
    host: usize,
    queues: &watch::Sender<Queues>,
) -> Result<(), RedisError> {
    if inner.format != RedisFormat::Core {
        std::future::pending::<()>().await;
    }
    let mut connection = inner.hosts[host].connect_to_wait().await?;
    let id: i64 = redis::cmd("CLIENT")
        .arg("ID")
        .query_async(&mut connection)
        .await?;
    let mut keys = queues.subscribe();
    loop {
        let now = keys.borrow_and_update().clone();
        if now.keys.is_empty() {
            keys.changed().await.map_err(|_| closed())?;
            continue;
        }
        queues.send_if_modified(|queues| {
            queues.reader = Some((id, now.version));
            false
        });
        let mut waiting = redis::cmd("BZPOPMIN");
        waiting.arg(&now.keys).arg(REDIS_POP_WAIT_S);
        let wait = Duration::from_secs(REDIS_POP_WAIT_S) + REDIS_ANSWERS_WITHIN;
        let first = timeout(wait, waiting.query_async(&mut connection)).await;
        let first: Option<(String, bytes::Bytes, f64)> = first.map_err(|_| late())??;
        if let Some(first) = first {
            drain(inner, &mut connection, &now.keys, first).await?;
        }
    }
}
