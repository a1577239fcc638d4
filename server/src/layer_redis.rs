//! The layer over Redis, in either format of `channels_redis`: Django projects on the same Redis
//! talk to what is here, and are talked to, with no code of ours on their side.
//!
//! In: messages for channels and groups, by name, of this process and others. Out: deliveries to
//! mailboxes. What is open here is kept in [`local`], and each host is made to agree with it
//! ([`tell`]); a session with a host ([`session`]) is torn down at the first doubt and made anew,
//! and readers are told that they may have missed something.
//!
//! Whoever is in this process gets a message at once, while Redis carries it to the others; so
//! those of one process hear each other also while Redis is away.

mod shards;
mod names;
mod envelope;
mod echo;
mod sending;
mod local;
mod host;
mod tell;
mod queues;
mod session;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use downbeat::layer::{
    Address, Channel, Layer, LayerCounts, LayerError, LayerLimits, Mailbox, Message, Pending,
    PresenceEvent, PresenceSink, Present, Watch, check_name,
};
use redis::{RedisError, Script};
use tokio::task::JoinSet;

use self::envelope::Envelope;
use self::host::{Host, Item, State};
use self::local::{Local, PresenceKey, count};
use self::names::{Names, queue_of};
use crate::config::{LayerConfig, RedisFormat};
use crate::limits::PRESENCE_LEASE;

/// A layer over Redis.
pub struct RedisLayer {
    inner: Arc<Inner>,
    _sessions: JoinSet<()>,
}

/// Since 1970.
fn now() -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default()
}

struct Inner {
    hosts: Vec<Host>,
    names: Names,
    format: RedisFormat,
    envelope: Envelope,
    local: Local,
    limits: LayerLimits,
    scripts: &'static Scripts,
    /// The last score that was given, in µs: they strictly increase.
    last_score_us: AtomicU64,
    /// Whose turn it is among the hosts, for channels that are on all of them.
    turn: AtomicUsize,
    /// Makes marks of ids where messages are sealed.
    mark_key: Option<ring::hmac::Key>,
}

struct Scripts {
    push: Script,
    pop: Script,
    presence: Script,
    beat: Script,
}

static SCRIPTS: LazyLock<Scripts> = LazyLock::new(|| Scripts {
    push: Script::new(include_str!("layer_redis/push.lua")),
    pop: Script::new(include_str!("layer_redis/pop.lua")),
    presence: Script::new(include_str!("layer_redis/presence.lua")),
    beat: Script::new(include_str!("layer_redis/beat.lua")),
});

impl RedisLayer {
    /// Starts to connect, in the runtime that this is called in. It need not be there yet: until
    /// it is, messages are refused, and channels and groups are told to it when it comes.
    ///
    /// # Errors
    /// If a host's address is none.
    pub fn start(config: &LayerConfig) -> Result<Arc<Self>, RedisError> {
        let hosts: Result<Vec<_>, _> = config.hosts.iter().map(Host::new).collect();
        let hosts = hosts?;
        let limits = config.limits();
        let first_key = config.encryption_keys.first();
        let inner = Arc::new(Inner {
            names: Names::new(config.format, &config.prefix, hosts.len()),
            format: config.format,
            envelope: Envelope::new(
                config.format,
                &config.encryption_keys,
                limits.expiry,
                limits.message_bytes_max,
            ),
            local: Local::default(),
            limits,
            scripts: &SCRIPTS,
            last_score_us: AtomicU64::new(0),
            turn: AtomicUsize::new(0),
            mark_key: first_key.map(|key| {
                let key = key.reveal().as_bytes();
                ring::hmac::Key::new(ring::hmac::HMAC_SHA256, key)
            }),
            hosts,
        });
        let mut sessions = JoinSet::new();
        for host in 0..inner.hosts.len() {
            sessions.spawn(session::keep(Arc::clone(&inner), host));
        }
        Ok(Arc::new(Self {
            inner,
            _sessions: sessions,
        }))
    }
}

impl Inner {
    /// Where a channel's readers find its messages.
    fn hosts_of_channel(&self, channel: &str) -> std::ops::Range<usize> {
        match self.names.host_of_channel(channel) {
            Some(host) => host..host + 1,
            None => 0..self.hosts.len(),
        }
    }

    /// What Redis is told of a channel, if anything: in `core` which queue is read.
    fn channel_item(&self, channel: &Arc<str>) -> Option<Item> {
        match self.format {
            // One pattern has them all.
            RedisFormat::PubSub if self.names.is_own(channel) => None,
            RedisFormat::PubSub => Some(Item::Channel(Arc::clone(channel))),
            RedisFormat::Core => Some(Item::Channel(queue_of(channel).into())),
        }
    }

    fn mark_channel(&self, channel: &Arc<str>) {
        for host in self.hosts_of_channel(channel) {
            self.hosts[host].mark(self.channel_item(channel));
        }
    }

    fn mark_group(&self, group: &Arc<str>) {
        if self.format == RedisFormat::Core
            && let Some((proxy, _)) = self.local.proxy(group)
        {
            self.hosts[self.names.home].mark([Item::Channel(queue_of(&proxy).into())]);
        }
        let host = &self.hosts[self.names.host_of_group(group)];
        host.mark([Item::Group(Arc::clone(group))]);
        if !host.has_session() {
            // Else groups would be remembered that came and went while Redis was away.
            self.local.forget_untold(group);
        }
    }

    fn mark_presence(&self, key: PresenceKey) {
        let host = self.names.host_of_group(&key.0);
        self.hosts[host].mark([Item::Presence(key)]);
    }

    /// Marks everything that a host should know.
    fn mark_all(&self, host: usize) {
        let all = self.local.all();
        let names = &self.names;
        let is_here = |group: &Arc<str>| names.host_of_group(group) == host;
        let mut items = Vec::new();
        for channel in all.channels {
            if self.hosts_of_channel(&channel).contains(&host) {
                items.extend(self.channel_item(&channel));
            }
        }
        for group in all.groups {
            if self.format == RedisFormat::Core
                && host == names.home
                && let Some((proxy, _)) = self.local.proxy(&group)
            {
                items.push(Item::Channel(queue_of(&proxy).into()));
            }
            if is_here(&group) {
                items.push(Item::Group(group));
            }
        }
        items.extend(all.watches.into_iter().filter(is_here).map(Item::Watch));
        let presences = all.presences.into_iter();
        items.extend(presences.filter(|key| is_here(&key.0)).map(Item::Presence));
        self.hosts[host].mark(items);
    }

    /// Something was published at a host, on a channel that this process subscribes.
    fn published(&self, host: usize, name: &str, bytes: &[u8]) {
        if let Some(group) = self.names.group_of_events(name) {
            return self.presence_event(group, bytes);
        }
        if self.hosts[host].echoes.is_own(name, bytes) {
            return;
        }
        let Ok((message, _)) = self.envelope.unpack(bytes) else {
            return count(&self.local.counts.malformed, 1);
        };
        let message = Arc::new(message);
        match self.names.group_of_key(name) {
            Some(group) => _ = self.local.fan_out(group, &message),
            None => _ = self.local.deliver(name, &message),
        }
    }

    fn presence_event(&self, group: &str, bytes: &[u8]) {
        let Some((sign, told)) = bytes.split_first() else {
            return count(&self.local.counts.malformed, 1);
        };
        let event = match (sign, self.read_shown(told)) {
            (b'+', Some(who)) => PresenceEvent::Joined(who),
            (b'-', Some(who)) => PresenceEvent::Left(who),
            _ => return count(&self.local.counts.malformed, 1),
        };
        self.local.tell(group, &event);
    }

    /// A host was gone for a while and is whole again.
    fn report_gap(&self, host: usize) {
        count(&self.local.counts.gaps, 1);
        let is_here = |group: &Arc<str>| self.names.host_of_group(group) == host;
        self.local.missed(|channel, groups| {
            self.hosts_of_channel(channel).contains(&host) || groups.iter().any(is_here)
        });
        for group in self.local.all().watches.iter().filter(|g| is_here(g)) {
            self.local.tell(group, &PresenceEvent::Missed);
        }
    }

    /// A host has lost its keys. In `pubsub` no message is in them.
    fn report_flush(&self, host: usize) {
        if self.format == RedisFormat::Core {
            return self.report_gap(host);
        }
        let watches = self.local.all().watches.into_iter();
        for group in watches.filter(|group| self.names.host_of_group(group) == host) {
            self.local.tell(&group, &PresenceEvent::Missed);
        }
    }

    /// Adds a member to a group, in `core`: both last from now on.
    fn add_member(&self, pipe: &mut redis::Pipeline, key: &str, member: &str) {
        pipe.zadd(key, member, now().as_secs_f64()).ignore();
        let expiry = self.limits.group_expiry.as_secs();
        pipe.cmd("EXPIRE").arg(key).arg(expiry).ignore();
    }

    fn lease_ms(&self) -> u128 {
        PRESENCE_LEASE.as_millis()
    }

    /// How somebody's presence is told to others.
    fn shown_bytes(&self, id: &str, name: &str) -> Vec<u8> {
        let plain = rmp_serde::to_vec(&(id, name)).expect("texts are MessagePack");
        self.envelope.seal(plain)
    }

    fn read_shown(&self, bytes: &[u8]) -> Option<Present> {
        let plain = self.envelope.open_of_any_age(bytes).ok()?;
        let (id, name) = rmp_serde::from_slice(&plain).ok()?;
        Some(Present { id, name })
    }

    /// What stands for an id in keys: itself, or where messages are sealed something that does not
    /// tell it.
    fn mark_of(&self, id: &str) -> Vec<u8> {
        match &self.mark_key {
            Some(key) => ring::hmac::sign(key, id.as_bytes()).as_ref()[..16].into(),
            None => id.as_bytes().into(),
        }
    }
}

impl Layer for RedisLayer {
    fn limits(&self) -> &LayerLimits {
        &self.inner.limits
    }

    fn open(
        &self,
        address: Address,
        mailbox: Arc<dyn Mailbox>,
        key: u64,
    ) -> Result<Channel, LayerError> {
        let name: Arc<str> = match address {
            Address::Unique(word) => self.inner.names.unique(word).into(),
            Address::Named(name) => name.into(),
        };
        self.inner.names.check_channel(&name)?;
        let number = self.inner.local.open(&name, mailbox, key);
        self.inner.mark_channel(&name);
        let inner = Arc::clone(&self.inner);
        let closing = Arc::clone(&name);
        Ok(Channel::new(name, move || {
            let closed = inner.local.close(&closing, number);
            if closed.is_last {
                inner.mark_channel(&closing);
            }
            for group in closed.groups {
                inner.mark_group(&group);
            }
            for key in closed.presences {
                inner.mark_presence(key);
            }
        }))
    }

    fn send<'a>(
        &'a self,
        channel: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            count(&self.inner.local.counts.sent, 1);
            self.inner.send(channel, &message).await
        })
    }

    fn group_add<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            let inner = &self.inner;
            check_name(group, false)?;
            inner.names.check_channel(channel)?;
            let host = &inner.hosts[inner.names.host_of_group(group)];
            match inner.local.join(group, channel, &inner.names) {
                Some(is_first) => {
                    if is_first {
                        inner.mark_group(&group.into());
                    }
                    host.settle().await
                }
                // Its member was faster to leave than this to be carried out.
                None if inner.names.is_own(channel) => Ok(()),
                None if inner.format == RedisFormat::Core => {
                    let mut commands = host.commands().await?;
                    let key = inner.names.group_key(group);
                    let mut pipe = redis::pipe();
                    inner.add_member(&mut pipe, &key, channel);
                    let added = pipe.exec_async(&mut commands.connection).await;
                    added.map_err(|error| host.unavailable(error))
                }
                // In `pubsub` only the process that has a channel can subscribe for it.
                None => Err(LayerError::Unavailable(format!(
                    "channel {channel} is not open in this process"
                ))),
            }
        })
    }

    fn group_discard<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            let inner = &self.inner;
            check_name(group, false)?;
            inner.names.check_channel(channel)?;
            let host = &inner.hosts[inner.names.host_of_group(group)];
            if inner.local.part(group, channel) {
                inner.mark_group(&group.into());
            }
            if inner.format == RedisFormat::Core {
                // Also one that somebody else added.
                let mut commands = host.commands().await?;
                let mut remove = redis::cmd("ZREM");
                remove.arg(inner.names.group_key(group)).arg(channel);
                let removed = remove.exec_async(&mut commands.connection).await;
                removed.map_err(|error| host.unavailable(error))?;
            }
            host.settle().await
        })
    }

    fn group_send<'a>(
        &'a self,
        group: &'a str,
        message: Arc<Message>,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            count(&self.inner.local.counts.sent, 1);
            self.inner.group_send(group, &message).await
        })
    }

    fn appear<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
        who: Present,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            let inner = &self.inner;
            check_name(group, false)?;
            inner.names.check_channel(channel)?;
            let Some(changed) = inner.local.appear(group, channel, who) else {
                let why = format!("channel {channel} is not open in this process");
                return Err(LayerError::Unavailable(why));
            };
            for key in changed {
                inner.mark_presence(key);
            }
            inner.hosts[inner.names.host_of_group(group)].settle().await
        })
    }

    fn vanish<'a>(
        &'a self,
        group: &'a str,
        channel: &'a str,
    ) -> Pending<'a, Result<(), LayerError>> {
        Box::pin(async move {
            let inner = &self.inner;
            check_name(group, false)?;
            inner.names.check_channel(channel)?;
            if let Some(key) = inner.local.vanish(group, channel) {
                inner.mark_presence(key);
            }
            inner.hosts[inner.names.host_of_group(group)].settle().await
        })
    }

    fn present<'a>(&'a self, group: &'a str) -> Pending<'a, Result<BTreeSet<Present>, LayerError>> {
        Box::pin(async move {
            let inner = &self.inner;
            check_name(group, false)?;
            let host = &inner.hosts[inner.names.host_of_group(group)];
            host.settle().await?;
            let mut commands = host.commands().await?;
            let mut list = redis::cmd("HGETALL");
            list.arg(inner.names.presence_key(group));
            let entries = list.query_async(&mut commands.connection).await;
            let entries: Vec<(bytes::Bytes, bytes::Bytes)> =
                entries.map_err(|error| host.unavailable(error))?;
            let mut newest = BTreeMap::<String, (u64, String)>::new();
            for (field, value) in entries {
                if !field.starts_with(b"e:") {
                    continue;
                }
                let Some((since, who)) = inner.read_entry(&value) else {
                    count(&inner.local.counts.malformed, 1);
                    continue;
                };
                let shown = newest.entry(who.id).or_default();
                if shown.0 <= since {
                    *shown = (since, who.name);
                }
            }
            let present = newest.into_iter();
            Ok(present
                .map(|(id, (_, name))| Present { id, name })
                .collect())
        })
    }

    fn watch(&self, group: &str, sink: PresenceSink) -> Result<Watch, LayerError> {
        check_name(group, false)?;
        let inner = Arc::clone(&self.inner);
        let (group, number) = inner.local.watch(group, sink);
        let mark = move |inner: &Inner, group: &Arc<str>| {
            let host = inner.names.host_of_group(group);
            inner.hosts[host].mark([Item::Watch(Arc::clone(group))]);
        };
        mark(&inner, &group);
        Ok(Watch::new(move || {
            let _sink = inner.local.unwatch(&group, number);
            mark(&inner, &group);
        }))
    }

    /// Redis knows all that was opened, joined and watched here before. Named channels and watches
    /// of `pubsub` hear what is sent from then on; others need not be waited for.
    fn settled(&self) -> Pending<'_, Result<(), LayerError>> {
        Box::pin(async move {
            for host in &self.inner.hosts {
                host.settle().await?;
            }
            Ok(())
        })
    }

    fn counts(&self) -> LayerCounts {
        self.inner.local.counts.read()
    }

    fn health(&self) -> Result<(), String> {
        for host in &self.inner.hosts {
            match &*host.state.borrow() {
                State::Up(_) => {}
                State::Starting => return Err(host.unavailable("not connected yet").to_string()),
                State::Down(why) => return Err(host.unavailable(why).to_string()),
            }
        }
        Ok(())
    }
}

impl Inner {
    /// Since when, and who: one entry of a group's presence.
    fn read_entry(&self, value: &[u8]) -> Option<(u64, Present)> {
        let colon = value.iter().position(|byte| *byte == b':')?;
        let (since, told) = value.split_at(colon);
        let since = std::str::from_utf8(since).ok()?.parse().ok()?;
        Some((since, self.read_shown(&told[1..])?))
    }
}

impl std::fmt::Debug for RedisLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let addresses: Vec<String> = self.inner.hosts.iter().map(Host::address).collect();
        let all = self.inner.local.all();
        f.debug_struct("RedisLayer")
            .field("hosts", &addresses)
            .field("channels", &all.channels.len())
            .field("groups", &all.groups.len())
            .field("presences", &all.presences.len())
            .field(
                "untold",
                &self.inner.hosts.iter().map(Host::untold).sum::<usize>(),
            )
            .finish()
    }
}
