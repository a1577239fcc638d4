//! Messages become values.

use std::collections::btree_map;
use std::fmt::Display;

use serde::de::value::{BorrowedStrDeserializer, StrDeserializer};
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, MapAccess, SeqAccess, Unexpected,
    VariantAccess, Visitor,
};
use serde::{de, forward_to_deserialize_any};

use super::{NotUnderstood, ONLY_FIELD, TYPE_FIELD, is_same_kind, kind_of};
use crate::layer::{Message, Value};

/// What serde says of a value.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(super) struct ReadError(pub(super) NotUnderstood);

impl Error for ReadError {
    fn custom<T: Display>(message: T) -> Self {
        Self(NotUnderstood::Malformed(message.to_string()))
    }
}

/// A message on top of everything: its type picks an enum's variant.
pub(super) struct ReadMessage<'de>(pub(super) &'de Message);

impl<'de> Deserializer<'de> for ReadMessage<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_map(Entries::new(&self.0.0, ""))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let kind = self.0.kind().unwrap_or_default();
        let exact = variants.iter().find(|name| kind_of(name) == kind);
        let same = || {
            variants
                .iter()
                .find(|name| is_same_kind(&kind_of(name), kind))
        };
        let Some(variant) = exact.or_else(same) else {
            return Err(ReadError(NotUnderstood::Unknown(kind.into())));
        };
        visitor.visit_enum(TypedVariant {
            variant,
            fields: Contents(self.0),
        })
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// A game without messages: all are unknown to it.
    fn deserialize_unit<V: Visitor<'de>>(self, _: V) -> Result<V::Value, ReadError> {
        let kind = self.0.kind().unwrap_or_default();
        Err(ReadError(NotUnderstood::Unknown(kind.into())))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        let kind = self.0.kind().unwrap_or_default();
        if !is_same_kind(&kind_of(name), kind) {
            return Err(ReadError(NotUnderstood::Unknown(kind.into())));
        }
        visitor.visit_map(Entries::new(&self.0.0, TYPE_FIELD))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option
        unit_struct seq tuple tuple_struct map identifier ignored_any
    }
}

struct TypedVariant<'de> {
    variant: &'static str,
    fields: Contents<'de>,
}

/// What came with a type: fields by name, or the only value.
struct Contents<'de>(&'de Message);

impl<'de> EnumAccess<'de> for TypedVariant<'de> {
    type Error = ReadError;
    type Variant = Contents<'de>;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self::Variant), ReadError> {
        let name: StrDeserializer<'_, ReadError> = StrDeserializer::new(self.variant);
        Ok((seed.deserialize(name)?, self.fields))
    }
}

impl<'de> VariantAccess<'de> for Contents<'de> {
    type Error = ReadError;

    fn unit_variant(self) -> Result<(), ReadError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, ReadError> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, ReadError> {
        self.deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_map(Entries::new(&self.0.0, TYPE_FIELD))
    }
}

impl<'de> Contents<'de> {
    fn only(&self) -> Result<ReadValue<'de>, ReadError> {
        let only = self.0.0.get(ONLY_FIELD).map(ReadValue);
        only.ok_or_else(|| ReadError::missing_field(ONLY_FIELD))
    }
}

impl<'de> Deserializer<'de> for Contents<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        self.only()?.deserialize_any(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0.0.get(ONLY_FIELD) {
            Some(only) => ReadValue(only).deserialize_option(visitor),
            None => visitor.visit_none(),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.only()?.deserialize_enum(name, variants, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        self.deserialize_map(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_map(Entries::new(&self.0.0, TYPE_FIELD))
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        seq tuple tuple_struct identifier ignored_any
    }
}

/// A value in a message.
struct ReadValue<'de>(&'de Value);

impl<'de> Deserializer<'de> for ReadValue<'de> {
    type Error = ReadError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Null => visitor.visit_unit(),
            Value::Bool(value) => visitor.visit_bool(*value),
            Value::Int(number) => visitor.visit_i64(*number),
            Value::Float(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_borrowed_str(text),
            Value::Bytes(bytes) => visitor.visit_borrowed_bytes(bytes),
            Value::List(items) => visitor.visit_seq(Items(items.iter())),
            Value::Map(fields) => visitor.visit_map(Entries::new(fields, "")),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    /// Bytes are also a list of numbers.
    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Bytes(bytes) => {
                visitor.visit_seq(de::value::SeqDeserializer::new(bytes.iter().copied()))
            }
            _ => self.deserialize_any(visitor),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        visitor.visit_newtype_struct(self)
    }

    /// As serde has it: the variant's name, or a map of it to its contents.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, ReadError> {
        match self.0 {
            Value::Text(name) => {
                let name: StrDeserializer<'_, ReadError> = StrDeserializer::new(name);
                visitor.visit_enum(name)
            }
            Value::Map(fields) if fields.len() == 1 => {
                let entries = Entries::new(fields, "");
                visitor.visit_enum(de::value::MapAccessDeserializer::new(entries))
            }
            other => Err(ReadError::invalid_type(other.kind(), &"a variant's name")),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf
        unit unit_struct tuple tuple_struct map struct identifier ignored_any
    }
}

impl Value {
    fn kind(&self) -> Unexpected<'_> {
        match self {
            Self::Null => Unexpected::Unit,
            Self::Bool(value) => Unexpected::Bool(*value),
            Self::Int(number) => Unexpected::Signed(*number),
            Self::Float(number) => Unexpected::Float(*number),
            Self::Text(text) => Unexpected::Str(text),
            Self::Bytes(bytes) => Unexpected::Bytes(bytes),
            Self::List(_) => Unexpected::Seq,
            Self::Map(_) => Unexpected::Map,
        }
    }
}

struct Items<'de>(std::slice::Iter<'de, Value>);

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = ReadError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let next = self.0.next();
        next.map(|item| seed.deserialize(ReadValue(item)))
            .transpose()
    }
}

struct Entries<'de> {
    left: btree_map::Iter<'de, String, Value>,
    /// The field that is none of the contents.
    without: &'static str,
    value: Option<&'de Value>,
}

impl<'de> Entries<'de> {
    fn new(fields: &'de btree_map::BTreeMap<String, Value>, without: &'static str) -> Self {
        Self {
            left: fields.iter(),
            without,
            value: None,
        }
    }
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = ReadError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, ReadError> {
        let without = self.without;
        let Some((name, value)) = self.left.find(|(name, _)| name.as_str() != without) else {
            return Ok(None);
        };
        self.value = Some(value);
        let name: BorrowedStrDeserializer<'de, ReadError> = BorrowedStrDeserializer::new(name);
        seed.deserialize(name).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, ReadError> {
        let value = self.value.take().expect("a key comes before its value");
        seed.deserialize(ReadValue(value))
    }
}
