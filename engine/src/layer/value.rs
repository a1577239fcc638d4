//! What a message is made of.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{self, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// One value of a message, of the kinds that every channel layer carries.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Value {
    /// Nothing.
    #[default]
    Null,
    /// Yes or no.
    Bool(bool),
    /// A number without a point, of 64 bits.
    Int(i64),
    /// A number with a point.
    Float(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A list.
    List(Vec<Self>),
    /// Values by name.
    Map(BTreeMap<String, Self>),
}

/// A message: values by name. By convention `type` says what kind it is, as in `chat.message`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Message(pub BTreeMap<String, Value>);

impl Message {
    /// A message of a kind, without further values.
    pub fn of(kind: &str) -> Self {
        Self(BTreeMap::from([("type".into(), Value::Text(kind.into()))]))
    }

    /// The same with one value more.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.insert(name.into(), value.into());
        self
    }

    /// What kind it is, if it says so.
    pub fn kind(&self) -> Option<&str> {
        match self.0.get("type") {
            Some(Value::Text(kind)) => Some(kind),
            _ => None,
        }
    }

    /// How long it is as MessagePack.
    pub fn packed_bytes(&self) -> usize {
        packed_map(&self.0)
    }

    /// How deeply its values are nested: 1 if none of them is a list or a map.
    pub fn depth(&self) -> usize {
        1 + deepest(self.0.values())
    }
}

fn deepest<'a>(values: impl Iterator<Item = &'a Value>) -> usize {
    values.map(Value::depth).max().unwrap_or(0)
}

impl Value {
    fn depth(&self) -> usize {
        match self {
            Self::List(items) => 1 + deepest(items.iter()),
            Self::Map(fields) => 1 + deepest(fields.values()),
            _ => 0,
        }
    }

    fn packed_bytes(&self) -> usize {
        match self {
            Self::Null | Self::Bool(_) => 1,
            Self::Int(number) => packed_int(*number),
            Self::Float(_) => 9,
            Self::Text(text) => packed_text(text),
            Self::Bytes(bytes) => packed_head(bytes.len(), 0, true) + bytes.len(),
            Self::List(items) => {
                let items_bytes: usize = items.iter().map(Self::packed_bytes).sum();
                packed_head(items.len(), 16, false) + items_bytes
            }
            Self::Map(fields) => packed_map(fields),
        }
    }
}

fn packed_map(fields: &BTreeMap<String, Value>) -> usize {
    let of = |(name, value): (&String, &Value)| packed_text(name) + value.packed_bytes();
    packed_head(fields.len(), 16, false) + fields.iter().map(of).sum::<usize>()
}

fn packed_text(text: &str) -> usize {
    packed_head(text.len(), 32, true) + text.len()
}

/// A length takes one byte with its tag if it is `below` a limit, else as many as it needs.
fn packed_head(length: usize, below: usize, has_short: bool) -> usize {
    match length {
        _ if length < below => 1,
        0..=0xFF if has_short => 2,
        0..=0xFFFF => 3,
        _ => 5,
    }
}

fn packed_int(number: i64) -> usize {
    match number {
        -32..=127 => 1,
        -128..=255 => 2,
        -32_768..=65_535 => 3,
        -2_147_483_648..=4_294_967_295 => 5,
        _ => 9,
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<f64> for Value {
    fn from(number: f64) -> Self {
        Self::Float(number)
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl From<Vec<Self>> for Value {
    fn from(items: Vec<Self>) -> Self {
        Self::List(items)
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Bytes(value) => serializer.serialize_bytes(value),
            Self::List(value) => serializer.collect_seq(value),
            Self::Map(value) => serializer.collect_map(value),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyValue)
    }
}

struct AnyValue;

impl<'de> Visitor<'de> for AnyValue {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value that a channel layer carries")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        Value::deserialize(deserializer)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Int(value))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Value, E> {
        let value = i64::try_from(value);
        value
            .map(Value::Int)
            .map_err(|_| E::custom("a number above 63 bits"))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Value::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::Text(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::Text(value))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(value.into()))
    }

    fn visit_byte_buf<E>(self, value: Vec<u8>) -> Result<Value, E> {
        Ok(Value::Bytes(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Value::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry()? {
            map.insert(name, value);
        }
        Ok(Value::Map(map))
    }
}
