//! Reads values of any type off the wire under limits, whatever the bytes claim.
//!
//! In: bytes of a peer, a type. Out: its value, or what is wrong. The format is that of `codec`;
//! bincode's own reader has no limit on depth, lets serde reserve a megabyte for each list that
//! is claimed, and counts through a list of nothings for ever.

use std::fmt;

use serde::de::{
    DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer as _, MapAccess, SeqAccess,
    VariantAccess, Visitor,
};

use crate::limits::{DECODE_BYTES_PER_BYTE, DECODE_BYTES_SPARE, DECODE_DEPTH_MAX};

/// What was wrong.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Wrong(String);

impl Error for Wrong {
    fn custom<T: fmt::Display>(what: T) -> Self {
        Self(what.to_string())
    }
}

/// The bytes that are left, and what decoding may still claim.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    depth_left: usize,
    claim_left: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            depth_left: DECODE_DEPTH_MAX,
            claim_left: DECODE_BYTES_PER_BYTE * bytes.len() + DECODE_BYTES_SPARE,
        }
    }

    /// How many bytes have not been read.
    pub(crate) const fn left(&self) -> usize {
        self.bytes.len()
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Wrong> {
        let Some((taken, left)) = self.bytes.split_at_checked(count) else {
            return Err(Wrong("the bytes end here".into()));
        };
        self.bytes = left;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Wrong> {
        let taken = self.take(N)?;
        Ok(taken.try_into().expect("as many as were asked for"))
    }

    fn varint(&mut self) -> Result<u128, Wrong> {
        Ok(match self.array()? {
            [small @ ..=250] => small.into(),
            [251] => u16::from_le_bytes(self.array()?).into(),
            [252] => u32::from_le_bytes(self.array()?).into(),
            [253] => u64::from_le_bytes(self.array()?).into(),
            [254] => u128::from_le_bytes(self.array()?),
            [255] => return Err(Wrong("255 begins no number".into())),
        })
    }

    fn unsigned<T: TryFrom<u128>>(&mut self) -> Result<T, Wrong> {
        // Most ids, counts, masks and fields are one byte; 128 bits would cost them a third more.
        let number = match *self.bytes {
            [small @ ..=250, ref left @ ..] => {
                self.bytes = left;
                small.into()
            }
            _ => self.varint()?,
        };
        T::try_from(number).map_err(|_| Wrong(format!("{number} is out of range")))
    }

    fn signed<T: TryFrom<i128>>(&mut self) -> Result<T, Wrong> {
        let zigzag = self.varint()?;
        let half = i128::try_from(zigzag >> 1).expect("127 bits");
        let number = if zigzag & 1 == 0 { half } else { -1 - half };
        T::try_from(number).map_err(|_| Wrong(format!("{number} is out of range")))
    }

    fn flag(&mut self) -> Result<bool, Wrong> {
        match self.array()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(Wrong(format!("{other} is neither 0 nor 1"))),
        }
    }

    /// A count of things; each takes a byte at least, but for nothings, which nobody needs more of.
    fn count(&mut self) -> Result<usize, Wrong> {
        let claimed = self.varint()?;
        usize::try_from(claimed)
            .ok()
            .filter(|&count| count <= self.left())
            .ok_or_else(|| Wrong(format!("{claimed} things claimed in {} bytes", self.left())))
    }

    fn counted_bytes(&mut self) -> Result<&'a [u8], Wrong> {
        let count = self.count()?;
        self.take(count)
    }

    fn text(&mut self) -> Result<&'a str, Wrong> {
        str::from_utf8(self.counted_bytes()?).map_err(Wrong::custom)
    }

    fn character(&mut self) -> Result<char, Wrong> {
        let first = *self
            .bytes
            .first()
            .ok_or_else(|| Wrong("the bytes end here".into()))?;
        let width = first.leading_ones().max(1) as usize;
        let text = str::from_utf8(self.take(width)?).map_err(Wrong::custom)?;
        text.chars()
            .next()
            .ok_or_else(|| Wrong("no character".into()))
    }

    /// Goes one level deeper.
    fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Wrong>) -> Result<T, Wrong> {
        let Some(left) = self.depth_left.checked_sub(1) else {
            return Err(Wrong(format!("nested deeper than {DECODE_DEPTH_MAX}")));
        };
        self.depth_left = left;
        let value = read(self)?;
        self.depth_left += 1;
        Ok(value)
    }

    fn visit_items<'de, V: Visitor<'de>>(
        &mut self,
        left: usize,
        claims: bool,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.nested(|reader| {
            visitor.visit_seq(Items {
                reader,
                left,
                claims,
            })
        })
    }
}

/// The items of a list, or of a tuple, which needs no memory of its own.
struct Items<'r, 'a> {
    reader: &'r mut Reader<'a>,
    left: usize,
    claims: bool,
}

impl Items<'_, '_> {
    fn next<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<Option<S::Value>, Wrong> {
        let Some(left) = self.left.checked_sub(1) else {
            return Ok(None);
        };
        self.left = left;
        self.read(seed).map(Some)
    }

    fn read<'de, S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, Wrong> {
        if self.claims {
            // A container doubles as it grows.
            let claimed = 2 * size_of::<S::Value>();
            let left = self.reader.claim_left.checked_sub(claimed);
            self.reader.claim_left = left.ok_or_else(|| Wrong("more than fits".into()))?;
        }
        seed.deserialize(&mut *self.reader)
    }
}

// No size hints: serde would reserve for them.
impl<'de> SeqAccess<'de> for Items<'_, '_> {
    type Error = Wrong;

    fn next_element_seed<T: DeserializeSeed<'de>>(
        &mut self,
        seed: T,
    ) -> Result<Option<T::Value>, Wrong> {
        self.next(seed)
    }
}

impl<'de> MapAccess<'de> for Items<'_, '_> {
    type Error = Wrong;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Wrong> {
        self.next(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Wrong> {
        self.read(seed)
    }
}

impl<'de> EnumAccess<'de> for &mut Reader<'_> {
    type Error = Wrong;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Wrong> {
        let index: u32 = self.unsigned()?;
        Ok((seed.deserialize(index.into_deserializer())?, self))
    }
}

impl<'de> VariantAccess<'de> for &mut Reader<'_> {
    type Error = Wrong;

    fn unit_variant(self) -> Result<(), Wrong> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Wrong> {
        seed.deserialize(self)
    }

    fn tuple_variant<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.visit_items(len, false, visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit_items(fields.len(), false, visitor)
    }
}

/// `deserialize_x` that reads one thing and shows it to the visitor.
macro_rules! scalars {
    ($($deserialize:ident => $visit:ident($read:expr);)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
            let read: fn(&mut Reader<'a>) -> Result<_, Wrong> = $read;
            visitor.$visit(read(self)?)
        }
    )*};
}

/// What only formats with names can read.
macro_rules! nameless {
    ($($deserialize:ident)*) => {$(
        fn $deserialize<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Wrong> {
            Err(Wrong("the wire format has no names".into()))
        }
    )*};
}

impl<'de, 'a> Deserializer<'de> for &mut Reader<'a> {
    type Error = Wrong;

    scalars! {
        deserialize_bool => visit_bool(|r| r.flag());
        deserialize_u8 => visit_u8(|r| r.array().map(u8::from_le_bytes));
        deserialize_i8 => visit_i8(|r| r.array().map(i8::from_le_bytes));
        deserialize_u16 => visit_u16(|r| r.unsigned());
        deserialize_u32 => visit_u32(|r| r.unsigned());
        deserialize_u64 => visit_u64(|r| r.unsigned());
        deserialize_u128 => visit_u128(|r| r.unsigned());
        deserialize_i16 => visit_i16(|r| r.signed());
        deserialize_i32 => visit_i32(|r| r.signed());
        deserialize_i64 => visit_i64(|r| r.signed());
        deserialize_i128 => visit_i128(|r| r.signed());
        deserialize_f32 => visit_f32(|r| r.array().map(f32::from_le_bytes));
        deserialize_f64 => visit_f64(|r| r.array().map(f64::from_le_bytes));
        deserialize_char => visit_char(|r| r.character());
        deserialize_str => visit_str(|r| r.text());
        deserialize_string => visit_str(|r| r.text());
        deserialize_bytes => visit_bytes(|r| r.counted_bytes());
        deserialize_byte_buf => visit_bytes(|r| r.counted_bytes());
    }

    nameless! { deserialize_any deserialize_identifier deserialize_ignored_any }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        if self.flag()? {
            self.nested(|reader| visitor.visit_some(reader))
        } else {
            visitor.visit_none()
        }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.nested(|reader| visitor.visit_newtype_struct(reader))
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let count = self.count()?;
        self.visit_items(count, true, visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, len: usize, visitor: V) -> Result<V::Value, Wrong> {
        self.visit_items(len, false, visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        len: usize,
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit_items(len, false, visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Wrong> {
        let left = self.count()?;
        let claims = true;
        self.nested(|reader| {
            visitor.visit_map(Items {
                reader,
                left,
                claims,
            })
        })
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.visit_items(fields.len(), false, visitor)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Wrong> {
        self.nested(|reader| visitor.visit_enum(reader))
    }

    fn is_human_readable(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests;
