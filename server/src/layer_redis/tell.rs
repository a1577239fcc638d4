//! Tells a host what is open here: subscriptions, groups, presence. Each item is told as it is
//! when its turn comes, so it does not matter how often it changed before.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use redis::RedisError;
use redis::aio::MultiplexedConnection;
use tokio::sync::watch;
use tokio::time::sleep;

use super::Inner;
use super::host::Item;
use super::local::PresenceKey;
use super::queues::Queues;
use crate::config::RedisFormat;
use crate::limits::{REDIS_BATCH, REDIS_UNBLOCK_PAUSE, REDIS_UNBLOCK_TRIES};

/// The connections over which things are told, and which queues are read.
pub(super) struct Sides<'a> {
    pub(super) commands: MultiplexedConnection,
    pub(super) listener: MultiplexedConnection,
    pub(super) queues: &'a watch::Sender<Queues>,
    /// Set when Redis turns out to have forgotten this process.
    pub(super) forgotten: &'a AtomicBool,
}

pub(super) async fn tell(
    inner: &Inner,
    host: usize,
    sides: &mut Sides<'_>,
    items: &BTreeSet<Item>,
) -> Result<(), RedisError> {
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
            inner.hosts[host].echoes.forget(name);
        }
    }
    read_queues(&mut sides.commands, sides.queues, &told).await?;
    tell_groups(inner, &mut sides.commands, &told).await?;
    for keys in told.presences.chunks(REDIS_BATCH) {
        let told = keys.iter().map(|key| PresenceTold::of(inner, key));
        tell_presence(inner, sides, told).await?;
    }
    Ok(())
}

/// Takes away whom Redis believes to be present here and who is not: those who left while nothing
/// could be told, and whom Redis remembered from before it was restarted.
pub(super) async fn tidy_presence(
    inner: &Inner,
    host: usize,
    sides: &mut Sides<'_>,
) -> Result<(), RedisError> {
    let names = &inner.names;
    let mut list = redis::cmd("SMEMBERS");
    list.arg(names.presence_of_key());
    let believed: Vec<bytes::Bytes> = list.query_async(&mut sides.commands).await?;
    if believed.is_empty() {
        return Ok(());
    }
    let here = inner.local.all().presences.into_iter();
    let here = here.filter(|(group, _)| names.host_of_group(group) == host);
    let here: BTreeSet<_> = here
        .map(|(group, id)| (Vec::from(group.as_bytes()), inner.mark_of(&id)))
        .collect();
    let entry = |believed: &bytes::Bytes| {
        let space = believed.iter().position(|byte| *byte == b' ')?;
        Some((believed[..space].to_vec(), believed[space + 1..].to_vec()))
    };
    let gone = believed.iter().filter_map(entry);
    let gone: Vec<_> = gone.filter(|entry| !here.contains(entry)).collect();
    for gone in gone.chunks(REDIS_BATCH) {
        let told = gone.iter().cloned().map(|(group, mark)| PresenceTold {
            group,
            mark,
            shown: Vec::new(),
        });
        tell_presence(inner, sides, told).await?;
    }
    Ok(())
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
                    local.note_told(group);
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
        queues.version += u64::from(is_changed);
        is_changed
    });
    // It may have taken the ones before and not begun to wait yet.
    for _ in 0..REDIS_UNBLOCK_TRIES {
        let Queues {
            version, reader, ..
        } = *queues.borrow();
        let Some((reader, _)) = reader.filter(|(_, taken)| is_changed && *taken != version) else {
            break;
        };
        let mut unblock = redis::cmd("CLIENT");
        unblock.arg("UNBLOCK").arg(reader);
        if unblock.query_async(commands).await? {
            break;
        }
        sleep(REDIS_UNBLOCK_PAUSE).await;
    }
    Ok(())
}

async fn tell_groups(
    inner: &Inner,
    commands: &mut MultiplexedConnection,
    told: &Told,
) -> Result<(), RedisError> {
    for joins in told.join.chunks(REDIS_BATCH) {
        let mut pipe = redis::pipe();
        for (group, proxy) in joins {
            inner.add_member(&mut pipe, group, proxy);
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

/// How somebody is on this process, as Redis is told.
struct PresenceTold {
    group: Vec<u8>,
    /// What stands for the id.
    mark: Vec<u8>,
    /// What others are told of who is present; nothing for who is not.
    shown: Vec<u8>,
}

impl PresenceTold {
    fn of(inner: &Inner, key: &PresenceKey) -> Self {
        let (group, id) = key;
        let name = inner.local.shown(key);
        Self {
            group: group.as_bytes().into(),
            mark: inner.mark_of(id),
            shown: name.map_or_else(Vec::new, |name| inner.shown_bytes(id, &name)),
        }
    }
}

async fn tell_presence(
    inner: &Inner,
    sides: &mut Sides<'_>,
    told: impl Iterator<Item = PresenceTold>,
) -> Result<(), RedisError> {
    let mut script = inner.scripts.presence.prepare_invoke();
    script.arg(&inner.names.prefix).arg(&inner.names.client);
    script.arg(inner.lease_ms());
    for PresenceTold { group, mark, shown } in told {
        script.arg(group).arg(mark).arg(shown);
    }
    let held: bool = script.invoke_async(&mut sides.commands).await?;
    if !held {
        sides.forgotten.store(true, Ordering::Relaxed);
    }
    Ok(())
}
