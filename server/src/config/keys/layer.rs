//! Keys of the layer.

use std::time::Duration;

use super::{Given, Key, Set, number, put, word, words};
use crate::config::{LayerBackend, RedisFormat, Secret};

/// What any hosts, processes and people are thought to need at most.
const CAPACITY_MAX: usize = 1_000_000;

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "layer.backend",
        expected: "memory, unix or redis",
        default: "memory",
        meaning: "how rooms, processes and programs talk: in this process, on this machine, or over \
                  Redis, also with Django Channels",
        set: Set::Server(|c, given| {
            let backend = match word(given)? {
                "memory" => LayerBackend::Memory,
                "unix" => LayerBackend::Unix,
                "redis" => LayerBackend::Redis,
                _ => return None,
            };
            put(&mut c.layer.backend, Some(backend))
        }),
    },
    Key {
        path: "layer.hosts",
        expected: "addresses like redis://:PASSWORD@127.0.0.1:6379/0 or redis+unix:///run/redis.sock",
        default: "redis://127.0.0.1:6379",
        meaning: "Redis, or several among which names are spread: the same, in the same order, as \
                  in Django's settings",
        set: Set::Server(|c, given| {
            let hosts = words(given);
            let good = !hosts.is_empty() && hosts.iter().all(|host| is_redis(host));
            put(&mut c.layer.hosts, good.then(|| secrets(hosts)))
        }),
    },
    Key {
        path: "layer.format",
        expected: "pubsub or core",
        default: "pubsub",
        meaning: "which of channels_redis' two layers is spoken: RedisPubSubChannelLayer or \
                  RedisChannelLayer",
        set: Set::Server(|c, given| {
            let format = match word(given)? {
                "pubsub" => RedisFormat::PubSub,
                "core" => RedisFormat::Core,
                _ => return None,
            };
            put(&mut c.layer.format, Some(format))
        }),
    },
    Key {
        path: "layer.prefix",
        expected: "1-32 characters without space",
        default: "asgi",
        meaning: "what all names in Redis begin with",
        set: Set::Server(|c, given| {
            let prefix = word(given)?;
            let good =
                (1..=32).contains(&prefix.len()) && prefix.bytes().all(|b| b.is_ascii_graphic());
            put(&mut c.layer.prefix, good.then(|| prefix.into()))
        }),
    },
    Key {
        path: "layer.encryption_keys",
        expected: "texts",
        default: "none",
        meaning: "seal messages in Redis, as symmetric_encryption_keys does: the first seals, all open",
        set: Set::Server(|c, given| {
            let keys = words(given);
            let good = keys.iter().all(|key| !key.is_empty());
            put(&mut c.layer.encryption_keys, good.then(|| secrets(keys)))
        }),
    },
    Key {
        path: "layer.capacity",
        expected: "a number from 1 to 1000000",
        default: "100",
        meaning: "messages that wait for one reader of a channel",
        set: Set::Server(|c, given| put(&mut c.layer.capacity, number(given, 1, CAPACITY_MAX))),
    },
    Key {
        path: "layer.channel_capacity",
        expected: "a list of PATTERN=NUMBER like session.*=200",
        default: "none",
        meaning: "the same for channels whose names match; the first match counts",
        set: Set::Server(|c, given| {
            let pairs: Option<Vec<_>> = words(given).iter().map(|text| capacity(text)).collect();
            put(&mut c.layer.channel_capacity, pairs)
        }),
    },
    Key {
        path: "layer.expiry_s",
        expected: "seconds from 1 to 86400",
        default: "60",
        meaning: "how long a message waits before it is dropped",
        set: Set::Server(|c, given| {
            let s = number(given, 1, 86_400).map(Duration::from_secs);
            put(&mut c.layer.expiry, s)
        }),
    },
    Key {
        path: "layer.group_expiry_s",
        expected: "seconds from 10 to 31536000",
        default: "86400",
        meaning: "how long Redis remembers a group's member that is not renewed; ours are",
        set: Set::Server(|c, given| {
            let s = number(given, 10, 31_536_000).map(Duration::from_secs);
            put(&mut c.layer.group_expiry, s)
        }),
    },
    Key {
        path: "layer.unix_path",
        expected: "a path",
        default: "downbeat-layer.sock in the data folder, else in that of temporary files",
        meaning: "the socket over which processes of one machine talk",
        set: Set::Server(|c, given| {
            let path = word(given).filter(|path| !path.is_empty());
            put(&mut c.layer.unix_path, path.map(|path| Some(path.into())))
        }),
    },
];

fn is_redis(host: &str) -> bool {
    redis::Client::open(host).is_ok()
}

fn secrets(texts: Vec<String>) -> Vec<Secret> {
    texts.into_iter().map(Secret::new).collect()
}

fn capacity(text: &str) -> Option<(String, usize)> {
    let (pattern, capacity) = text.rsplit_once('=')?;
    let capacity = number(&Given::One(capacity.into()), 1, CAPACITY_MAX)?;
    let pattern = pattern.trim();
    (!pattern.is_empty()).then(|| (pattern.into(), capacity))
}
