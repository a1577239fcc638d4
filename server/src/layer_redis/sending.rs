//! Sending: to a channel, to a group, in either format.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use downbeat::layer::{LayerError, Message, check_name};

use super::envelope::Targets;
use super::local::count;
use super::names::queue_of;
use super::{Inner, now, shards};
use crate::config::RedisFormat;

impl Inner {
    /// A score that is greater than all before, in seconds; and the least that is not too old.
    fn score(&self) -> (String, String) {
        let now = u64::try_from(now().as_micros()).unwrap_or(u64::MAX / 2);
        let next = |last: u64| now.max(last + 1);
        let last = self
            .last_score_us
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            })
            .unwrap_or(now);
        let score = next(last);
        let oldest = (now / 1_000_000).saturating_sub(self.limits.expiry.as_secs());
        let text = format!("{}.{:06}", score / 1_000_000, score % 1_000_000);
        (text, oldest.to_string())
    }

    /// Waits until all hosts that answer know what was opened here before: a name may travel in
    /// the message that is about to be sent.
    async fn settle_opened(&self) {
        for host in self.hosts.iter().filter(|host| host.is_up()) {
            let _ = host.settle().await;
        }
    }

    /// Publishes what whoever is here has got already, or what nobody here is to get.
    async fn publish(
        &self,
        name: &str,
        host: usize,
        message: &Message,
        comes_back: bool,
    ) -> Result<(), LayerError> {
        let bytes = self.envelope.pack(message, &Targets::None);
        let host = &self.hosts[host];
        let mut commands = host.commands().await?;
        if comes_back {
            host.echoes.expect(name, &bytes);
        }
        let mut publish = redis::cmd("PUBLISH");
        publish.arg(name).arg(&bytes);
        let published = publish.exec_async(&mut commands.connection).await;
        published.map_err(|error| {
            if comes_back && !error.is_timeout() {
                host.echoes.is_own(name, &bytes);
            }
            host.unavailable(error)
        })
    }

    /// Puts messages into queues of one host; answers how many had no room.
    async fn push(&self, host: usize, queues: &[Filled]) -> Result<u64, LayerError> {
        let host = &self.hosts[host];
        let mut commands = host.commands().await?;
        let (score, oldest) = self.score();
        let mut script = self.scripts.push.prepare_invoke();
        for queue in queues {
            script.key(&queue.key);
        }
        script.arg(score).arg(oldest);
        script.arg(self.limits.expiry.as_secs().max(1));
        for queue in queues {
            script.arg(queue.capacity).arg(&queue.bytes);
        }
        let full = script.invoke_async(&mut commands.connection).await;
        full.map_err(|error| host.unavailable(error))
    }

    pub(super) async fn send(
        &self,
        channel: &str,
        message: &Arc<Message>,
    ) -> Result<(), LayerError> {
        self.names.check_channel(channel)?;
        self.limits.check(message)?;
        let here = self.local.deliver(channel, message);
        let has_reader = here.is_some();
        let here = here.unwrap_or(Ok(()));
        let here = here.map_err(|_| LayerError::Full(channel.into()));
        // In `pubsub` a named channel may have readers everywhere, who all get it.
        let is_everywhere = self.format == RedisFormat::PubSub && !self.names.is_own(channel);
        if has_reader && !is_everywhere {
            return here;
        }
        self.settle_opened().await;
        let host = self.names.host_of_channel(channel);
        if self.format == RedisFormat::PubSub {
            let host = host.unwrap_or(0);
            self.publish(channel, host, message, has_reader).await?;
            return here;
        }
        let targets = if channel.contains('!') {
            Targets::One(channel)
        } else {
            Targets::None
        };
        let turn = || self.turn.fetch_add(1, Ordering::Relaxed) % self.hosts.len();
        let queue = Filled {
            key: self.names.queue_key(channel),
            capacity: self.limits.capacity_of(channel),
            bytes: self.envelope.pack(message, &targets),
        };
        match self.push(host.unwrap_or_else(turn), &[queue]).await? {
            0 => Ok(()),
            _ => {
                count(&self.local.counts.full, 1);
                Err(LayerError::Full(channel.into()))
            }
        }
    }

    pub(super) async fn group_send(
        &self,
        group: &str,
        message: &Arc<Message>,
    ) -> Result<(), LayerError> {
        check_name(group, false)?;
        self.limits.check(message)?;
        let comes_back = self.local.fan_out(group, message);
        self.settle_opened().await;
        let key = self.names.group_key(group);
        let host = self.names.host_of_group(group);
        if self.format == RedisFormat::PubSub {
            return self.publish(&key, host, message, comes_back).await;
        }
        let (ours, theirs) = self.members(&key, host).await?;
        let besides = self.local.besides(group, ours);
        self.local.deliver_to(&besides, message);
        for (host, queues) in self.fill(&theirs, message) {
            let full = self.push(host, &queues).await?;
            count(&self.local.counts.full, full);
        }
        Ok(())
    }

    /// The channels that Redis knows in a group, in `core`: of this process, and of others.
    async fn members(
        &self,
        key: &str,
        host: usize,
    ) -> Result<(Vec<String>, Vec<String>), LayerError> {
        let host = &self.hosts[host];
        let mut commands = host.commands().await?;
        let oldest = now().saturating_sub(self.limits.group_expiry);
        let mut pipe = redis::pipe();
        pipe.zrembyscore(key, 0, oldest.as_secs()).ignore();
        pipe.zrange(key, 0, -1);
        let members = pipe.query_async(&mut commands.connection).await;
        let (members,): (Vec<String>,) = members.map_err(|error| host.unavailable(error))?;
        let is_own = |channel: &String| self.names.is_own(channel);
        Ok(members.into_iter().partition(is_own))
    }

    /// One message for each queue, which names the channels that it is for.
    fn fill(&self, members: &[String], message: &Message) -> BTreeMap<usize, Vec<Filled>> {
        let mut by_queue = BTreeMap::<&str, Vec<&str>>::new();
        for channel in members {
            by_queue.entry(queue_of(channel)).or_default().push(channel);
        }
        let mut by_host = BTreeMap::<usize, Vec<Filled>>::new();
        for (queue, channels) in by_queue {
            // Theirs is read on one host in turn; this is what they do for groups.
            let host = shards::shard_of(queue, self.hosts.len());
            let filled = Filled {
                key: self.names.queue_key(queue),
                capacity: self.limits.capacity_of(channels[0]),
                bytes: self.envelope.pack(message, &Targets::Many(&channels)),
            };
            by_host.entry(host).or_default().push(filled);
        }
        by_host
    }
}

/// A message on its way into a queue.
struct Filled {
    key: String,
    capacity: usize,
    bytes: Vec<u8>,
}
