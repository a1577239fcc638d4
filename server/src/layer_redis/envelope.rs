//! How a message looks in Redis: MessagePack, sealed where keys are set, and in the `core` format
//! behind random bytes that make it unique.
//!
//! Source: `channels_redis/serializers.py`, whose bytes these are.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use downbeat::layer::{Message, Value};
use fernet::Fernet;
use ring::rand::{SecureRandom as _, SystemRandom};
use serde::ser::SerializeMap as _;
use serde::{Deserialize as _, Serialize, Serializer};

use super::{RedisFormat, now};
use crate::config::Secret;
use crate::limits::{LAYER_DEPTH_MAX, LAYER_SEAL_KEPT};

/// Where `core` puts the channels that a message in a process's queue is for.
pub(super) const TARGETS: &str = "__asgi_channel__";

/// Bytes in front of each message in `core`, where equal messages would be one.
const RANDOM_BYTES: usize = 12;

/// Makes and reads the bytes of messages.
pub(super) struct Envelope {
    /// The first seals, all open.
    keys: Vec<Fernet>,
    is_core: bool,
    /// How old a sealed message may be.
    expiry: Duration,
    bytes_max: usize,
    random: SystemRandom,
}

/// Bytes that are no message, are too old, or were sealed with none of the keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable;

impl Envelope {
    pub(super) fn new(
        format: RedisFormat,
        keys: &[Secret],
        expiry: Duration,
        bytes_max: usize,
    ) -> Self {
        let keys = keys.iter().map(|key| {
            let digest = ring::digest::digest(&ring::digest::SHA256, key.reveal().as_bytes());
            Fernet::new(&URL_SAFE.encode(digest)).expect("32 bytes are a key")
        });
        Self {
            keys: keys.collect(),
            is_core: format == RedisFormat::Core,
            expiry,
            bytes_max,
            random: SystemRandom::new(),
        }
    }

    /// The bytes of a message, which in `core` say whom it is for.
    pub(super) fn pack(&self, message: &Message, targets: &Targets<'_>) -> Vec<u8> {
        let stamped = Stamped(message, targets);
        let plain = rmp_serde::to_vec(&stamped).expect("a message is MessagePack");
        let sealed = self.seal(plain);
        if !self.is_core {
            return sealed;
        }
        let mut bytes = vec![0; RANDOM_BYTES];
        self.random
            .fill(&mut bytes)
            .expect("the system has randomness");
        bytes.extend(sealed);
        bytes
    }

    /// The message in these bytes, and in `core` whom it is for.
    pub(super) fn unpack(&self, bytes: &[u8]) -> Result<(Message, Vec<String>), Unreadable> {
        let bytes = if self.is_core {
            bytes.get(RANDOM_BYTES..).ok_or(Unreadable)?
        } else {
            bytes
        };
        // Sealing adds a third, and the names that it is for take some.
        if bytes.len() / 2 > self.bytes_max {
            return Err(Unreadable);
        }
        let opened = self.open(bytes)?;
        let mut message = read(&opened)?;
        let targets = match message.0.remove(TARGETS) {
            Some(Value::Text(target)) => vec![target],
            Some(Value::List(targets)) => {
                let texts = targets.into_iter().filter_map(|target| match target {
                    Value::Text(target) => Some(target),
                    _ => None,
                });
                texts.collect()
            }
            _ => Vec::new(),
        };
        Ok((message, targets))
    }

    /// Seals bytes with the first key, if there is one.
    pub(super) fn seal(&self, plain: Vec<u8>) -> Vec<u8> {
        match self.keys.first() {
            Some(key) => key.encrypt(&plain).into_bytes(),
            None => plain,
        }
    }

    /// What was sealed with one of the keys.
    fn open(&self, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        let opened = self.open_of_any_age(bytes)?;
        let is_fresh = self.keys.is_empty()
            || !self.is_core
            || sealed_at(bytes).is_some_and(|sealed| {
                now().saturating_sub(sealed) <= self.expiry + LAYER_SEAL_KEPT
            });
        if is_fresh {
            Ok(opened)
        } else {
            Err(Unreadable)
        }
    }

    /// The same, whenever that was.
    pub(super) fn open_of_any_age(&self, bytes: &[u8]) -> Result<Vec<u8>, Unreadable> {
        if self.keys.is_empty() {
            return Ok(bytes.into());
        }
        let token = std::str::from_utf8(bytes).map_err(|_| Unreadable)?;
        let mut opened = self.keys.iter().filter_map(|key| key.decrypt(token).ok());
        opened.next().ok_or(Unreadable)
    }
}

/// When a token of which we know that it is one was made: eight bytes behind its version.
fn sealed_at(token: &[u8]) -> Option<Duration> {
    let head = URL_SAFE.decode(token.get(..12)?).ok()?;
    let seconds = u64::from_be_bytes(head.get(1..9)?.try_into().ok()?);
    Some(Duration::from_secs(seconds))
}

fn read(bytes: &[u8]) -> Result<Message, Unreadable> {
    let mut deserializer = rmp_serde::Deserializer::new(bytes);
    deserializer.set_max_depth(LAYER_DEPTH_MAX);
    let message = Message::deserialize(&mut deserializer).map_err(|_| Unreadable)?;
    let is_whole = deserializer.get_ref().is_empty();
    if is_whole {
        Ok(message)
    } else {
        Err(Unreadable)
    }
}

/// Whom a message in `core` is for.
pub(super) enum Targets<'a> {
    /// Whoever reads the queue.
    None,
    One(&'a str),
    Many(&'a [&'a str]),
}

/// A message as it goes out. A key of that name in the message itself would be taken for ours.
struct Stamped<'a>(&'a Message, &'a Targets<'a>);

impl Serialize for Stamped<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self(Message(values), targets) = self;
        let is_named = !matches!(targets, Targets::None);
        let count = values.len() - usize::from(values.contains_key(TARGETS));
        let mut map = serializer.serialize_map(Some(count + usize::from(is_named)))?;
        for (name, value) in values.iter().filter(|(name, _)| *name != TARGETS) {
            map.serialize_entry(name, value)?;
        }
        match targets {
            Targets::None => {}
            Targets::One(target) => map.serialize_entry(TARGETS, target)?,
            Targets::Many(targets) => map.serialize_entry(TARGETS, targets)?,
        }
        map.end()
    }
}
