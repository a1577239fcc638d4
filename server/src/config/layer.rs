//! What the configuration says of the layer.

use std::path::PathBuf;
use std::time::Duration;

use downbeat::layer::LayerLimits;

use super::Secret;

/// Settings of the layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LayerConfig {
    /// What messages travel over.
    pub backend: LayerBackend,
    /// Redis's hosts, among which names are spread. Secrets, for they may hold passwords.
    pub hosts: Vec<Secret>,
    /// How messages look in Redis.
    pub format: RedisFormat,
    /// What all names in Redis begin with.
    pub prefix: String,
    /// Seals messages in Redis: the first seals, all open.
    pub encryption_keys: Vec<Secret>,
    /// Messages that wait for one reader.
    pub capacity: usize,
    /// The same for channels whose names match a pattern; the first match counts.
    pub channel_capacity: Vec<(String, usize)>,
    /// How long a message waits.
    pub expiry: Duration,
    /// How long Redis remembers members of groups that are not renewed.
    pub group_expiry: Duration,
    /// The socket over which the processes of one machine talk; `None` is one in the data folder,
    /// or in that for temporary files.
    pub unix_path: Option<PathBuf>,
}

/// What messages of the layer travel over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LayerBackend {
    /// This process only.
    #[default]
    Memory,
    /// The processes of one machine.
    Unix,
    /// Whoever reaches Redis, Django too.
    Redis,
}

/// How messages look in Redis; both are of `channels_redis`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum RedisFormat {
    /// That of `channels_redis.pubsub.RedisPubSubChannelLayer`.
    #[default]
    PubSub,
    /// That of `channels_redis.core.RedisChannelLayer`.
    Core,
}

impl Default for LayerConfig {
    fn default() -> Self {
        let limits = LayerLimits::default();
        Self {
            backend: LayerBackend::default(),
            hosts: vec![Secret::from("redis://127.0.0.1:6379")],
            format: RedisFormat::default(),
            prefix: "asgi".into(),
            encryption_keys: Vec::new(),
            capacity: limits.capacity,
            channel_capacity: limits.channel_capacity,
            expiry: limits.expiry,
            group_expiry: limits.group_expiry,
            unix_path: None,
        }
    }
}

impl LayerConfig {
    /// How much of everything, for any backend.
    pub fn limits(&self) -> LayerLimits {
        LayerLimits {
            capacity: self.capacity,
            channel_capacity: self.channel_capacity.clone(),
            expiry: self.expiry,
            group_expiry: self.group_expiry,
            ..LayerLimits::default()
        }
    }
}
