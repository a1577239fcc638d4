//! Looks into types: has them read made-up values, and notes what they ask for.
//!
//! In: a type that serde can read. Out: its shape. The crate `serde-reflection` does the same, but
//! knows types by their bare names, so that two enums `Kind` or two uses of a generic struct
//! collide, and it never reaches all variants of an enum inside a list or an option.

use std::any::type_name;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use glam::Vec2;
use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use super::{Body, Named, Root, Scalar, Shape, Type, Variant, fields_of};
use crate::codec::{self, Encoder};
use crate::limits::{DECODE_DEPTH_MAX, SCHEMA_VALUES_MAX};
use crate::panics;
use crate::replicate::{Data, Masks, Replicate};

/// Why a type cannot be described.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Why {
    /// It contains itself.
    #[error("{0} contains itself")]
    Recursive(String),
    /// Its `Deserialize` refused everything that it was offered.
    #[error("{at} refused a made-up value: {what}")]
    Refused {
        /// The innermost type with a name.
        at: String,
        /// Its words.
        what: String,
    },
    /// Its `Deserialize` or `Serialize` panicked.
    #[error("{at} panicked over a made-up value: {what}")]
    Panicked {
        /// The innermost type with a name.
        at: String,
        /// Its words.
        what: String,
    },
    /// It can only be read from formats with names.
    #[error("{0} needs names to be read (serde's tag, untagged or flatten), and the wire has none")]
    NeedsNames(String),
    /// Its `Deserialize` asks now for this and now for that.
    #[error("{0} is not read in the same way each time")]
    Fickle(String),
    /// Its `Serialize` does not write what its `Deserialize` reads.
    #[error(
        "{0} is not written as it is read (serde's skip_serializing_if, or a hand-written impl)"
    )]
    NotAsRead(String),
    /// Its fields as serde sees them are not those that are replicated.
    #[error("serde sees other fields than are replicated (skip, with, or transparent)")]
    OtherFields,
    /// It goes on and on.
    #[error(
        "it is nested deeper than {DECODE_DEPTH_MAX}, or has more than {SCHEMA_VALUES_MAX} parts"
    )]
    TooLarge,
}

impl Error for Why {
    fn custom<T: fmt::Display>(what: T) -> Self {
        let at = String::new(); // see `located`
        let what = what.to_string();
        Self::Refused { at, what }
    }
}

/// Values to offer. Most types take anything; some want no zero, some nothing but it.
#[derive(Clone, Copy)]
struct Offer {
    number: u8,
    text: &'static str,
    flag: bool,
}

const OFFERS: [Offer; 2] = [
    Offer {
        number: 1,
        text: "a",
        flag: true,
    },
    Offer {
        number: 0,
        text: "",
        flag: false,
    },
];

/// A struct with names or an enum, as far as it is known.
#[derive(Clone)]
struct Known {
    /// What tells types apart that are called the same: holds the path, so it stays in here.
    key: String,
    name: &'static str,
    body: KnownBody,
}

#[derive(Clone)]
enum KnownBody {
    Struct(Vec<(&'static str, Option<Shape>)>),
    Enum(Vec<(&'static str, Option<Variant>)>),
}

/// What is known of the types so far.
#[derive(Default)]
pub(super) struct Tracer {
    types: Vec<Known>,
    /// The types that are being read right now, outermost first: key and name.
    open: Vec<(String, &'static str)>,
    depth: usize,
    values: usize,
    offer: Option<Offer>,
}

impl Tracer {
    /// A type that is always written whole.
    pub(super) fn whole<T: Data>(&mut self) -> Result<Root, Why> {
        self.trace::<T>(|_| true).map(Root::Whole)
    }

    /// A type that is replicated.
    pub(super) fn replicated<T: Replicate>(&mut self) -> Result<Root, Why> {
        // Fields are written one by one, by their own types: the same bytes, unless serde was told
        // otherwise on a field.
        let root = self.trace::<T>(|value| {
            let mut by_field = Vec::new();
            value.encode_exact(Masks::<T>::ALL, &mut Encoder::new(&mut by_field));
            by_field == codec::encode(value)
        });
        let root = match root {
            Err(Why::NotAsRead(_)) => return Err(Why::OtherFields),
            root => root?,
        };
        let types = self.clone_types();
        Ok(match fields_of::<T>(&root, &types)? {
            None => Root::Whole(root),
            Some((of, fields)) => Root::Fields { of, fields },
        })
    }

    /// The types that were met, in that order.
    pub(super) fn into_types(self) -> Vec<Type> {
        self.clone_types()
    }

    fn clone_types(&self) -> Vec<Type> {
        self.types.iter().map(Known::finish).collect()
    }

    fn trace<T: Data>(&mut self, is_fine: impl Fn(&T) -> bool) -> Result<Shape, Why> {
        let before = self.types.clone();
        let mut first = None;
        for offer in OFFERS {
            self.types.clone_from(&before);
            self.offer = Some(offer);
            self.values = 0;
            match self.trace_with(&is_fine) {
                Ok(shape) => return Ok(shape),
                // What went wrong with the more likely values says more.
                Err(why) => first = first.or(Some(why)),
            }
        }
        Err(first.unwrap_or(Why::TooLarge))
    }

    /// Reads a value again and again, another variant each time, until all are known.
    fn trace_with<T: Data>(&mut self, is_fine: &impl Fn(&T) -> bool) -> Result<Shape, Why> {
        loop {
            let known = self.variants_known();
            self.open.clear();
            self.depth = 0;
            let mut shape = None;
            let _hushed = panics::hush();
            let traced = catch_unwind(AssertUnwindSafe(|| {
                let value = T::deserialize(Looking {
                    tracer: &mut *self,
                    into: &mut shape,
                })?;
                // A value that is read back must be the same, and all of it.
                let bytes = codec::encode(&value);
                let again = codec::decode::<T>(&bytes).is_ok_and(|v| codec::encode(&v) == bytes);
                Ok(again && is_fine(&value))
            }));
            match traced {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => return Err(Why::NotAsRead(short(type_name::<T>()))),
                Ok(Err(why)) => return Err(self.located::<T>(why)),
                Err(payload) => {
                    let what = panics::message(&*payload).to_owned();
                    panics::drop_caught(payload);
                    let at = self.innermost::<T>();
                    return Err(Why::Panicked { at, what });
                }
            }
            let shape = shape.ok_or_else(|| Why::Fickle(short(type_name::<T>())))?;
            if self.is_complete(&shape) {
                return Ok(shape);
            }
            if self.variants_known() == known {
                return Err(Why::Fickle(short(type_name::<T>())));
            }
        }
    }

    /// Where it went wrong is not known where an error is made.
    fn located<T>(&self, why: Why) -> Why {
        match why {
            Why::Refused { at, what } if at.is_empty() => Why::Refused {
                at: self.innermost::<T>(),
                what,
            },
            Why::NeedsNames(_) => Why::NeedsNames(self.innermost::<T>()),
            why => why,
        }
    }

    fn innermost<T>(&self) -> String {
        let innermost = self.open.last().map(|(_, name)| (*name).to_owned());
        innermost.unwrap_or_else(|| short(type_name::<T>()))
    }

    fn variants_known(&self) -> usize {
        let of = |known: &Known| match &known.body {
            KnownBody::Struct(_) => 0,
            KnownBody::Enum(all) => all.iter().filter(|(_, variant)| variant.is_some()).count(),
        };
        self.types.iter().map(of).sum()
    }

    /// Whether nothing below is unknown.
    fn is_complete(&self, shape: &Shape) -> bool {
        match shape {
            Shape::Scalar(_) => true,
            Shape::Option(inner) | Shape::List(inner) => self.is_complete(inner),
            Shape::Map(key, value) => self.is_complete(key) && self.is_complete(value),
            Shape::Tuple(parts) => parts.iter().all(|part| self.is_complete(part)),
            Shape::Type(index) => match &self.types[*index].body {
                KnownBody::Struct(fields) => fields
                    .iter()
                    .all(|(_, shape)| shape.as_ref().is_some_and(|shape| self.is_complete(shape))),
                KnownBody::Enum(all) => all.iter().all(|(_, variant)| self.is_known(variant)),
            },
        }
    }

    fn is_known(&self, variant: &Option<Variant>) -> bool {
        match variant {
            None => false,
            Some(Variant::Unit) => true,
            Some(Variant::Value(shape)) => self.is_complete(shape),
            Some(Variant::Struct(fields)) => fields.iter().all(|(_, s)| self.is_complete(s)),
        }
    }

    /// The variant to read now: one that is not known, or leads to one.
    fn next_variant(&self, index: usize) -> usize {
        let KnownBody::Enum(all) = &self.types[index].body else {
            return 0;
        };
        let unknown = all.iter().position(|(_, variant)| variant.is_none());
        let leads = || all.iter().position(|(_, variant)| !self.is_known(variant));
        unknown.or_else(leads).unwrap_or(0)
    }

    /// The index of a type that is about to be read.
    fn enter(
        &mut self,
        path: &str,
        name: &'static str,
        parts: &[&'static str],
        body: impl FnOnce() -> Option<KnownBody>,
    ) -> Result<usize, Why> {
        let key = format!("{name} {path} {parts:?}");
        if self.open.iter().any(|(open, _)| *open == key) {
            return Err(Why::Recursive(name.to_owned()));
        }
        let found = self.types.iter().position(|known| known.key == key);
        let index = found.unwrap_or(self.types.len());
        self.open.push((key.clone(), name));
        if found.is_none()
            && let Some(body) = body()
        {
            self.types.push(Known { key, name, body });
        }
        Ok(index)
    }

    fn count_value(&mut self) -> Result<(), Why> {
        self.values += 1;
        if self.values > SCHEMA_VALUES_MAX {
            return Err(Why::TooLarge);
        }
        Ok(())
    }
}

impl Known {
    fn finish(&self) -> Type {
        let body = match &self.body {
            KnownBody::Struct(fields) => Body::Struct(whole(fields)),
            KnownBody::Enum(variants) => Body::Enum(whole(variants)),
        };
        Type {
            name: self.name.to_owned(),
            body,
        }
    }
}

fn whole<T: Clone>(parts: &[(&'static str, Option<T>)]) -> Vec<Named<T>> {
    let part = |(name, part): &(&'static str, Option<T>)| {
        let part = part.clone().expect("a traced type is complete");
        ((*name).to_owned(), part)
    };
    parts.iter().map(part).collect()
}

/// A type's name without paths.
fn short(path: &str) -> String {
    let end = path.find('<').unwrap_or(path.len());
    path[..end].rsplit("::").next().unwrap_or(path).to_owned()
}

/// Notes what was found where nothing or the same was found before.
fn note<T: PartialEq>(into: &mut Option<T>, found: T, of: &str) -> Result<(), Why> {
    match into {
        Some(before) if *before != found => Err(Why::Fickle(of.to_owned())),
        _ => {
            *into = Some(found);
            Ok(())
        }
    }
}

/// Looks at one value: says what was asked for in `into`.
struct Looking<'t> {
    tracer: &'t mut Tracer,
    into: &'t mut Option<Shape>,
}

impl Looking<'_> {
    fn offer(&mut self, scalar: Scalar) -> Result<Offer, Why> {
        self.note(Shape::Scalar(scalar))?;
        self.tracer.count_value()?;
        Ok(self.tracer.offer.unwrap_or(OFFERS[0]))
    }

    fn note(&mut self, shape: Shape) -> Result<(), Why> {
        let of = self.tracer.open.last().map_or("a value", |(_, name)| name);
        note(self.into, shape, of)
    }

    fn note_within(&mut self, inner: Option<Shape>, wrap: fn(Shape) -> Shape) -> Result<(), Why> {
        match inner {
            Some(inner) => self.note(wrap(inner)),
            None => {
                let of = self.tracer.open.last().map_or("a value", |(_, name)| name);
                Err(Why::Fickle(of.to_owned()))
            }
        }
    }

    /// One level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Tracer) -> Result<T, Why>) -> Result<T, Why> {
        if self.tracer.depth == DECODE_DEPTH_MAX {
            return Err(Why::TooLarge);
        }
        self.tracer.count_value()?;
        self.tracer.depth += 1;
        let value = read(self.tracer)?;
        self.tracer.depth -= 1;
        Ok(value)
    }

    /// `len` parts, all of which must be read.
    fn parts<'de, V: Visitor<'de>>(
        &mut self,
        len: usize,
        visitor: V,
    ) -> Result<(Vec<Shape>, V::Value), Why> {
        self.nested(|tracer| look_at_parts(tracer, len, |parts| visitor.visit_seq(parts)))
    }
}

fn look_at_parts<T>(
    tracer: &mut Tracer,
    len: usize,
    visit: impl FnOnce(Parts<'_>) -> Result<T, Why>,
) -> Result<(Vec<Shape>, T), Why> {
    let mut found = Vec::new();
    let value = visit(Parts {
        tracer: &mut *tracer,
        len,
        found: &mut found,
    })?;
    if found.len() != len {
        let of = tracer.open.last().map_or("a list", |(_, name)| name);
        return Err(Why::Fickle(of.to_owned()));
    }
    Ok((found, value))
}

/// The items of a list or the fields of a struct.
struct Parts<'t> {
    tracer: &'t mut Tracer,
    len: usize,
    found: &'t mut Vec<Shape>,
}

impl Parts<'_> {
    fn look<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Why> {
        let mut into = None;
        let value = seed.deserialize(Looking {
            tracer: &mut *self.tracer,
            into: &mut into,
        })?;
        let of = self.tracer.open.last().map_or("a part", |(_, name)| name);
        self.found
            .push(into.ok_or_else(|| Why::Fickle(of.to_owned()))?);
        Ok(value)
    }
}

impl<'de> SeqAccess<'de> for Parts<'_> {
    type Error = Why;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, Why> {
        if self.found.len() == self.len {
            return Ok(None);
        }
        self.look(seed).map(Some)
    }
}

impl<'de> MapAccess<'de> for Parts<'_> {
    type Error = Why;

    fn next_key_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Why> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Why> {
        self.look(seed)
    }
}

/// One variant of an enum.
struct Case<'t> {
    tracer: &'t mut Tracer,
    variant: usize,
    found: &'t mut Option<Variant>,
}

impl<'de> EnumAccess<'de> for Case<'_> {
    type Error = Why;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<(S::Value, Self), Why> {
        let index = u32::try_from(self.variant).map_err(|_| Why::TooLarge)?;
        Ok((seed.deserialize(index.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for Case<'_> {
    type Error = Why;

    fn unit_variant(self) -> Result<(), Why> {
        *self.found = Some(Variant::Unit);
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(self, seed: S) -> Result<S::Value, Why> {
        let (mut shapes, value) = look_at_parts(self.tracer, 1, |mut parts| parts.look(seed))?;
        *self.found = shapes.pop().map(Variant::Value);
        Ok(value)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Why> {
        let (shapes, value) = look_at_parts(self.tracer, len, |parts| visitor.visit_seq(parts))?;
        *self.found = Some(Variant::Value(Shape::Tuple(shapes)));
        Ok(value)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Why> {
        let len = fields.len();
        let (shapes, value) = look_at_parts(self.tracer, len, |parts| visitor.visit_seq(parts))?;
        let names = fields.iter().map(|&name| name.to_owned());
        *self.found = Some(Variant::Struct(names.zip(shapes).collect()));
        Ok(value)
    }
}

/// `deserialize_x` that is offered one made-up thing.
macro_rules! scalars {
    ($($deserialize:ident => $visit:ident($scalar:ident, $value:expr);)*) => {$(
        fn $deserialize<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
            let make: fn(Offer) -> _ = $value;
            visitor.$visit(make(self.offer(Scalar::$scalar)?))
        }
    )*};
}

/// What only formats with names can read.
macro_rules! nameless {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Why> {
            Err(Why::NeedsNames(String::new()))
        }
    )*};
}

impl<'de> Deserializer<'de> for Looking<'_> {
    type Error = Why;

    scalars! {
        deserialize_bool => visit_bool(Bool, |o| o.flag);
        deserialize_u8 => visit_u8(U8, |o| o.number);
        deserialize_u16 => visit_u16(U16, |o| o.number.into());
        deserialize_u32 => visit_u32(U32, |o| o.number.into());
        deserialize_u64 => visit_u64(U64, |o| o.number.into());
        deserialize_u128 => visit_u128(U128, |o| o.number.into());
        deserialize_i8 => visit_i8(I8, |o| i8::from(o.number == 1));
        deserialize_i16 => visit_i16(I16, |o| o.number.into());
        deserialize_i32 => visit_i32(I32, |o| o.number.into());
        deserialize_i64 => visit_i64(I64, |o| o.number.into());
        deserialize_i128 => visit_i128(I128, |o| o.number.into());
        deserialize_f32 => visit_f32(F32, |o| o.number.into());
        deserialize_f64 => visit_f64(F64, |o| o.number.into());
        deserialize_char => visit_char(Char, |_| 'a');
        deserialize_str => visit_str(Str, |o| o.text);
        deserialize_string => visit_str(Str, |o| o.text);
    }

    nameless! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_bytes<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
        self.note(Shape::List(Box::new(Shape::Scalar(Scalar::U8))))?;
        visitor.visit_bytes(&[])
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Why> {
        self.deserialize_bytes(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
        let mut into = None;
        let value = self.nested(|tracer| {
            visitor.visit_some(Looking {
                tracer,
                into: &mut into,
            })
        })?;
        self.note_within(into, |some| Shape::Option(Box::new(some)))?;
        Ok(value)
    }

    fn deserialize_unit<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
        self.offer(Scalar::Unit)?;
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Why> {
        self.deserialize_unit(visitor)
    }

    /// The same bytes as what is in it.
    fn deserialize_newtype_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Why> {
        let mut into = None;
        let path = type_name::<V::Value>();
        self.tracer.enter(path, name, &[], || None)?;
        let value = self.nested(|tracer| {
            visitor.visit_newtype_struct(Looking {
                tracer,
                into: &mut into,
            })
        })?;
        self.tracer.open.pop();
        self.note_within(into, |inner| inner)?;
        Ok(value)
    }

    fn deserialize_seq<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
        let (mut shapes, value) = self.parts(1, visitor)?;
        self.note_within(shapes.pop(), |item| Shape::List(Box::new(item)))?;
        Ok(value)
    }

    fn deserialize_tuple<V: Visitor<'de>>(
        mut self,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Why> {
        let (shapes, value) = self.parts(len, visitor)?;
        self.note(Shape::Tuple(shapes))?;
        Ok(value)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Why> {
        let path = type_name::<V::Value>();
        self.tracer.enter(path, name, &[], || None)?;
        let (shapes, value) = self.parts(len, visitor)?;
        self.tracer.open.pop();
        self.note(if path == type_name::<Vec2>() {
            Shape::Scalar(Scalar::Vec2)
        } else {
            Shape::Tuple(shapes)
        })?;
        Ok(value)
    }

    fn deserialize_map<V: Visitor<'de>>(mut self, visitor: V) -> Result<V::Value, Why> {
        let (shapes, value) =
            self.nested(|tracer| look_at_parts(tracer, 2, |parts| visitor.visit_map(parts)))?;
        let [key, item] = shapes.try_into().expect("as many as were asked for");
        self.note(Shape::Map(Box::new(key), Box::new(item)))?;
        Ok(value)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Why> {
        let nothing = || KnownBody::Struct(fields.iter().map(|&field| (field, None)).collect());
        let path = type_name::<V::Value>();
        let index = self.tracer.enter(path, name, fields, || Some(nothing()))?;
        let (shapes, value) = self.parts(fields.len(), visitor)?;
        self.tracer.open.pop();
        if let KnownBody::Struct(known) = &mut self.tracer.types[index].body {
            for ((_, known), shape) in known.iter_mut().zip(shapes) {
                note(known, shape, name)?;
            }
        }
        self.note(Shape::Type(index))?;
        Ok(value)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        mut self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Why> {
        let nothing = || KnownBody::Enum(variants.iter().map(|&name| (name, None)).collect());
        let path = type_name::<V::Value>();
        let index = self
            .tracer
            .enter(path, name, variants, || Some(nothing()))?;
        let variant = self.tracer.next_variant(index);
        let mut found = None;
        let value = self.nested(|tracer| {
            visitor.visit_enum(Case {
                tracer,
                variant,
                found: &mut found,
            })
        })?;
        self.tracer.open.pop();
        if let KnownBody::Enum(known) = &mut self.tracer.types[index].body
            && let (Some((_, known)), Some(found)) = (known.get_mut(variant), found)
        {
            note(known, found, name)?;
        }
        self.note(Shape::Type(index))?;
        Ok(value)
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}
