//! Values become messages.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Display;

use serde::Serialize;
use serde::ser::{
    Error, SerializeMap, SerializeSeq, SerializeStruct, SerializeStructVariant, SerializeTuple,
    SerializeTupleStruct, SerializeTupleVariant, Serializer,
};

use super::{NotAMessage, ONLY_FIELD, TYPE_FIELD, kind_of};
use crate::layer::{Message, Value};

impl Error for NotAMessage {
    fn custom<T: Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

pub(super) fn write<T: Serialize>(value: &T) -> Result<Message, NotAMessage> {
    let kind = Cell::new(None);
    let value = value.serialize(Write { kind: Some(&kind) })?;
    let (mut fields, Some(kind)) = (BTreeMap::new(), kind.get()) else {
        return match value {
            Value::Map(fields) => Ok(Message(fields)),
            _ => Err(NotAMessage(
                "a message is an enum's variant, a struct or a map".into(),
            )),
        };
    };
    match value {
        Value::Map(map) => fields = map,
        Value::Null => {}
        value => _ = fields.insert(ONLY_FIELD.into(), value),
    }
    let kind = Value::Text(kind_of(kind));
    if fields.insert(TYPE_FIELD.into(), kind).is_some() {
        let what = "the fields of a message are not called `type`";
        return Err(NotAMessage(what.into()));
    }
    Ok(Message(fields))
}

/// Makes a value of anything. On top the name of a variant or struct goes to `kind`; below, a
/// variant with contents is a map of one entry, as serde has it.
#[derive(Clone, Copy)]
struct Write<'a> {
    kind: Option<&'a Cell<Option<&'static str>>>,
}

const BELOW: Write<'static> = Write { kind: None };

impl Write<'_> {
    /// The variant's name, if it is to be said in the value.
    fn variant(self, name: &'static str) -> Option<&'static str> {
        match self.kind {
            Some(kind) => {
                kind.set(Some(name));
                None
            }
            None => Some(name),
        }
    }
}

fn in_variant(variant: Option<&'static str>, value: Value) -> Value {
    match variant {
        Some(variant) => Value::Map(BTreeMap::from([(variant.into(), value)])),
        None => value,
    }
}

macro_rules! integers {
    ($($method:ident: $type:ty,)*) => {
        $(fn $method(self, value: $type) -> Result<Value, NotAMessage> {
            let too_large = |_| NotAMessage(format!("{value} has more than 63 bits"));
            i64::try_from(value).map(Value::Int).map_err(too_large)
        })*
    };
}

macro_rules! plain {
    ($($method:ident: $type:ty => $make:expr,)*) => {
        $(fn $method(self, value: $type) -> Result<Value, NotAMessage> {
            Ok($make(value))
        })*
    };
}

impl Serializer for Write<'_> {
    type Ok = Value;
    type Error = NotAMessage;
    type SerializeSeq = Items;
    type SerializeTuple = Items;
    type SerializeTupleStruct = Items;
    type SerializeTupleVariant = Items;
    type SerializeMap = Fields;
    type SerializeStruct = Fields;
    type SerializeStructVariant = Fields;

    integers! {
        serialize_i128: i128, serialize_u64: u64, serialize_u128: u128,
    }

    plain! {
        serialize_bool: bool => Value::Bool,
        serialize_i8: i8 => |number: i8| Value::Int(number.into()),
        serialize_i16: i16 => |number: i16| Value::Int(number.into()),
        serialize_i32: i32 => |number: i32| Value::Int(number.into()),
        serialize_i64: i64 => Value::Int,
        serialize_u8: u8 => |number: u8| Value::Int(number.into()),
        serialize_u16: u16 => |number: u16| Value::Int(number.into()),
        serialize_u32: u32 => |number: u32| Value::Int(number.into()),
        serialize_f32: f32 => |number: f32| Value::Float(number.into()),
        serialize_f64: f64 => Value::Float,
        serialize_char: char => |char: char| Value::Text(char.into()),
        serialize_str: &str => Value::from,
        serialize_bytes: &[u8] => |bytes: &[u8]| Value::Bytes(bytes.into()),
    }

    fn serialize_none(self) -> Result<Value, NotAMessage> {
        Ok(Value::Null)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<Value, NotAMessage> {
        value.serialize(self)
    }

    fn serialize_unit(self) -> Result<Value, NotAMessage> {
        Ok(Value::Null)
    }

    fn serialize_unit_struct(self, name: &'static str) -> Result<Value, NotAMessage> {
        self.variant(name);
        Ok(Value::Null)
    }

    fn serialize_unit_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
    ) -> Result<Value, NotAMessage> {
        Ok(self.variant(variant).map_or(Value::Null, Value::from))
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<Value, NotAMessage> {
        value.serialize(self)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<Value, NotAMessage> {
        Ok(in_variant(self.variant(variant), value.serialize(BELOW)?))
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Items, NotAMessage> {
        Ok(Items::default())
    }

    fn serialize_tuple(self, _: usize) -> Result<Items, NotAMessage> {
        Ok(Items::default())
    }

    fn serialize_tuple_struct(self, _: &'static str, _: usize) -> Result<Items, NotAMessage> {
        Ok(Items::default())
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Items, NotAMessage> {
        let (variant, items) = (self.variant(variant), Vec::new());
        Ok(Items { variant, items })
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Fields, NotAMessage> {
        Ok(Fields::default())
    }

    fn serialize_struct(self, name: &'static str, _: usize) -> Result<Fields, NotAMessage> {
        self.variant(name);
        Ok(Fields::default())
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        variant: &'static str,
        _: usize,
    ) -> Result<Fields, NotAMessage> {
        let variant = self.variant(variant);
        Ok(Fields {
            variant,
            ..Fields::default()
        })
    }
}

/// Values one after another: a list, a tuple.
#[derive(Default)]
struct Items {
    variant: Option<&'static str>,
    items: Vec<Value>,
}

/// Values by name: a map, a struct.
#[derive(Default)]
struct Fields {
    variant: Option<&'static str>,
    fields: BTreeMap<String, Value>,
    key: String,
}

impl Fields {
    fn value(self) -> Value {
        in_variant(self.variant, Value::Map(self.fields))
    }
}

macro_rules! items {
    ($($trait:ident $method:ident,)*) => {
        $(impl $trait for Items {
            type Ok = Value;
            type Error = NotAMessage;

            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAMessage> {
                self.items.push(value.serialize(BELOW)?);
                Ok(())
            }

            fn end(self) -> Result<Value, NotAMessage> {
                Ok(in_variant(self.variant, Value::List(self.items)))
            }
        })*
    };
}

items! {
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field,
}

macro_rules! fields {
    ($($trait:ident,)*) => {
        $(impl $trait for Fields {
            type Ok = Value;
            type Error = NotAMessage;

            fn serialize_field<T: Serialize + ?Sized>(
                &mut self,
                name: &'static str,
                value: &T,
            ) -> Result<(), NotAMessage> {
                self.fields.insert(name.into(), value.serialize(BELOW)?);
                Ok(())
            }

            fn end(self) -> Result<Value, NotAMessage> {
                Ok(self.value())
            }
        })*
    };
}

fields! { SerializeStruct, SerializeStructVariant, }

impl SerializeMap for Fields {
    type Ok = Value;
    type Error = NotAMessage;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<(), NotAMessage> {
        match key.serialize(BELOW)? {
            Value::Text(key) => self.key = key,
            _ => return Err(NotAMessage("the keys of a map are texts".into())),
        }
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<(), NotAMessage> {
        let key = std::mem::take(&mut self.key);
        self.fields.insert(key, value.serialize(BELOW)?);
        Ok(())
    }

    fn end(self) -> Result<Value, NotAMessage> {
        Ok(self.value())
    }
}
