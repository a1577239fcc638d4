//! What channels, groups and keys are called in Redis.

use ring::rand::{SecureRandom as _, SystemRandom};

use super::RedisFormat;
use super::shards::shard_of;
use downbeat::layer::{BadName, check_name};

/// The word with which a process's queue for groups begins, in `core`.
const GROUP_WORD: &str = "group";

/// Names of one process on one set of hosts.
pub(super) struct Names {
    pub(super) prefix: String,
    /// This process, to the others.
    pub(super) client: String,
    format: RedisFormat,
    hosts: usize,
    /// In `core`, the host of this process's queues: all on one, so that their order is known.
    pub(super) home: usize,
}

impl Names {
    pub(super) fn new(format: RedisFormat, prefix: &str, hosts: usize) -> Self {
        let client = random_hex();
        Self {
            home: shard_of(&client, hosts),
            prefix: prefix.into(),
            client,
            format,
            hosts,
        }
    }

    /// A name that nobody else has.
    pub(super) fn unique(&self, word: &str) -> String {
        match self.format {
            // All of a process are of one pattern, which it subscribes once.
            RedisFormat::PubSub => format!("{word}.{}{}", self.client, &random_hex()[..24]),
            RedisFormat::Core => {
                let queue = self.queue(word);
                // channels_redis sends to such a channel by its whole name, but reads by the part
                // before the `!`: names whose parts agree get their messages with several hosts.
                let names = std::iter::repeat_with(|| format!("{queue}{}", &random_hex()[..24]));
                let mut at_home = names.filter(|name| shard_of(name, self.hosts) == self.home);
                at_home.next().expect("one of some random names is at home")
            }
        }
    }

    /// What the names of this process's own channels are like, in `pubsub`.
    pub(super) fn pattern(&self) -> String {
        format!("*.{}*", self.client)
    }

    /// Whether a channel or queue is one of this process's own.
    pub(super) fn is_own(&self, channel: &str) -> bool {
        channel.contains(&self.client)
    }

    /// In `core`, the queue of this process whose channels begin with this word.
    pub(super) fn queue(&self, word: &str) -> String {
        let queues = (0..).map(|salt: u32| match salt {
            0 => format!("{word}.{}!", self.client),
            _ => format!("{word}.{}{salt}!", self.client),
        });
        let mut at_home = queues.filter(|queue| shard_of(queue, self.hosts) == self.home);
        at_home.next().expect("one of some names is at home")
    }

    /// In `core`, the channel that stands for all members of this process in its n-th group.
    pub(super) fn proxy(&self, number: u64) -> String {
        format!("{}{number}", self.queue(GROUP_WORD))
    }

    /// The host of a channel, as its readers see it; `None` is any, in turn.
    pub(super) fn host_of_channel(&self, channel: &str) -> Option<usize> {
        match self.format {
            RedisFormat::PubSub => Some(shard_of(channel, self.hosts)),
            RedisFormat::Core => match queue_of(channel) {
                queue if queue.ends_with('!') => Some(shard_of(queue, self.hosts)),
                _ => None,
            },
        }
    }

    pub(super) fn host_of_group(&self, group: &str) -> usize {
        match self.format {
            RedisFormat::PubSub => shard_of(&self.group_key(group), self.hosts),
            RedisFormat::Core => shard_of(group, self.hosts),
        }
    }

    /// A group's key, or the channel on which its messages are published.
    pub(super) fn group_key(&self, group: &str) -> String {
        match self.format {
            RedisFormat::PubSub => format!("{}__group__{group}", self.prefix),
            RedisFormat::Core => format!("{}:group:{group}", self.prefix),
        }
    }

    /// The group of such a channel.
    pub(super) fn group_of_key<'a>(&self, key: &'a str) -> Option<&'a str> {
        let rest = key.strip_prefix(&self.prefix)?;
        rest.strip_prefix("__group__")
    }

    /// Where a channel's messages wait in `core`.
    pub(super) fn queue_key(&self, channel: &str) -> String {
        format!("{}{}", self.prefix, queue_of(channel))
    }

    /// Who is present in a group.
    pub(super) fn presence_key(&self, group: &str) -> String {
        format!("{}:presence:{group}", self.prefix)
    }

    /// Whom this process has said to be present.
    pub(super) fn presence_of_key(&self) -> String {
        format!("{}:presence-of:{}", self.prefix, self.client)
    }

    /// Where joins and leaves of a group are published.
    pub(super) fn events_key(&self, group: &str) -> String {
        format!("{}:presence-events:{group}", self.prefix)
    }

    pub(super) fn group_of_events<'a>(&self, key: &'a str) -> Option<&'a str> {
        let rest = key.strip_prefix(&self.prefix)?;
        rest.strip_prefix(":presence-events:")
    }

    /// Checks the name of a channel. In `pubsub` names carry the prefix, which may have characters
    /// of its own.
    pub(super) fn check_channel(&self, channel: &str) -> Result<(), BadName> {
        let bare = match self.format {
            RedisFormat::PubSub => channel.strip_prefix(&self.prefix).unwrap_or(channel),
            RedisFormat::Core => channel,
        };
        check_name(bare, true).map_err(|_| BadName(channel.into()))
    }
}

/// The part of a channel's name by which its messages are queued in `core`.
pub(super) fn queue_of(channel: &str) -> &str {
    match channel.split_once('!') {
        Some((queue, _)) => &channel[..=queue.len()],
        None => channel,
    }
}

fn random_hex() -> String {
    let mut bytes = [0; 16];
    let filled = SystemRandom::new().fill(&mut bytes);
    filled.expect("the system has randomness");
    format!("{:032x}", u128::from_be_bytes(bytes))
}
