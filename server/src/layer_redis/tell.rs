//! Tells a host what is open here: subscriptions, groups, presence. Each item is told as it is
//! when its turn comes, so it does not matter how often it changed before.

use std::collections::BTreeSet;
use std::time::{SystemTime, UNIX_EPOCH};

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::watch;

use super::Inner;
use super::host::Item;
use super::local::PresenceKey;
use super::queues::Queues;
use crate::config::RedisFormat;
use crate::limits::REDIS_BATCH;

/// The connections over which things are told, and which queues are read.
pub(super) struct Sides<'a> {
    pub(super) commands: MultiplexedConnection,
    pub(super) listener: MultiplexedConnection,
    pub(super) queues: &'a watch::Sender<Queues>,
}

/// Tells it; answers whether Redis still knew this process.
pub(super) async fn tell(
    inner: &Inner,
    sides: &mut Sides<'_>,
    items: &BTreeSet<Item>,
) -> Result<bool, RedisError> {
    let mut told = Told::default();
    for item in items {
        told.sort(inner, item);
    }
    for names in told.subscribe.chunks(REDIS_BATCH) {
        sides.listener.subscribe(names).await?;
    }
    for names in told.unsubscribe.chunks(REDIS_BATCH) {
        sides.listener.unsubscribe(names).await?;
        for name in names {
            inner.echoes.forget(name);
        }
    }
    read_queues(&mut sides.commands, sides.queues, &told).await?;
    tell_groups(inner, &mut sides.commands, &told).await?;
    let mut is_known = true;
    for keys in told.presences.chunks(REDIS_BATCH) {
        is_known &= tell_presence(inner, &mut sides.commands, keys).await?;
    }
    Ok(is_known)
}

/// What is to be told, by how.
#[derive(Default)]
struct Told {
    subscribe: Vec<String>,
    unsubscribe: Vec<String>,
    read: BTreeSet<String>,
    unread: BTreeSet<String>,
    join: Vec<(String, String)>,
    leave: Vec<(String, String, std::sync::Arc<str>)>,
    presences: Vec<PresenceKey>,
}

impl Told {
    fn sort(&mut self, inner: &Inner, item: &Item) {
        let names = &inner.names;
        let local = &inner.local;
        match (item, inner.format) {
            (Item::Watch(group), _) => {
                self.subscription(names.events_key(group), local.is_watched(group));
            }
            (Item::Channel(channel), RedisFormat::PubSub) if names.is_own(channel) => {}
            (Item::Channel(channel), RedisFormat::PubSub) => {
                self.subscription(channel.to_string(), local.is_open(channel));
            }
            (Item::Group(group), RedisFormat::PubSub) => {
                self.subscription(names.group_key(group), local.has_members(group));
                local.forget(group);
            }
            (Item::Channel(channel), RedisFormat::Core) => {
                let key = names.queue_key(channel);
                // A process's own queues are few, and read to its end.
                if key.ends_with('!') || local.is_open(channel) {
                    self.read.insert(key);
                } else {
                    self.unread.insert(key);
                }
            }
            (Item::Group(group), RedisFormat::Core) => {
                let Some((proxy, has_members)) = local.proxy(group) else {
                    return;
                };
                let key = names.group_key(group);
                if has_members {
                    self.join.push((key, proxy));
                } else {
                    self.leave.push((key, proxy, std::sync::Arc::clone(group)));
                }
            }
            (Item::Presence(key), _) => self.presences.push(key.clone()),
        }
    }

    fn subscription(&mut self, name: String, is_wanted: bool) {
        if is_wanted {
            self.subscribe.push(name);
        } else {
            self.unsubscribe.push(name);
        }
    }
}

/// Changes which queues are read, and wakes who waits for the ones before.
async fn read_queues(
    commands: &mut MultiplexedConnection,
    queues: &watch::Sender<Queues>,
    told: &Told,
) -> Result<(), RedisError> {
    let is_changed = queues.send_if_modified(|queues| {
        let keys: BTreeSet<String> = queues.keys.drain(..).collect();
        let mut now: BTreeSet<String> = keys.union(&told.read).cloned().collect();
        now.retain(|key| !told.unread.contains(key));
        let is_changed = now != keys;
        queues.keys = now.into_iter().collect();
        is_changed
    });
    let reader = queues.borrow().reader;
    if let (true, Some(reader)) = (is_changed, reader) {
        let mut unblock = redis::cmd("CLIENT");
        unblock.arg("UNBLOCK").arg(reader);
        unblock.exec_async(commands).await?;
    }
    Ok(())
}

async fn tell_groups(
    inner: &Inner,
    commands: &mut MultiplexedConnection,
    told: &Told,
) -> Result<(), RedisError> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.unwrap_or_default().as_secs_f64();
    for joins in told.join.chunks(REDIS_BATCH) {
        let mut pipe = redis::pipe();
        for (group, proxy) in joins {
            pipe.zadd(group, proxy, now).ignore();
            let expiry = inner.limits.group_expiry.as_secs();
            pipe.cmd("EXPIRE").arg(group).arg(expiry).ignore();
        }
        pipe.exec_async(commands).await?;
    }
    for leaves in told.leave.chunks(REDIS_BATCH) {
        let mut pipe = redis::pipe();
        for (group, proxy, _) in leaves {
            pipe.zrem(group, proxy).ignore();
        }
        pipe.exec_async(commands).await?;
        for (.., group) in leaves {
            inner.local.forget(group);
        }
    }
    Ok(())
}

async fn tell_presence(
    inner: &Inner,
    commands: &mut MultiplexedConnection,
    keys: &[PresenceKey],
) -> Result<bool, RedisError> {
    let mut script = inner.scripts.presence.prepare_invoke();
    script.arg(&inner.names.prefix).arg(&inner.names.client);
    script.arg(inner.lease_ms());
    for key in keys {
        let (group, id) = key;
        let told = inner
            .local
            .shown(key)
            .map(|name| inner.shown_bytes(id, &name));
        script.arg(&**group).arg(inner.mark_of(id));
        script.arg(told.unwrap_or_default());
    }
    let held: u8 = script.invoke_async(commands).await?;
    Ok(held == 1)
}
