//! The wire format: the only module that knows bincode.
//!
//! In and out: values and bytes, in bincode 2's standard configuration, which PROTOCOL.md writes
//! down. What bytes of a peer may claim is limited in `deserialize`.

use bincode::config::standard;
use bincode::enc::write::Writer;
use bincode::error::EncodeError;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::deserialize::Reader;
use crate::limits::SERVER_MESSAGE_BYTES_MAX;

/// Writes values one after another into a buffer.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Encoder<'a> {
    /// Appends to `out`.
    pub const fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// Appends a value.
    ///
    /// # Panics
    /// If the type cannot be written without names and lengths known up front (serde's `tag`,
    /// `untagged` and `flatten`): a mistake in the game's types, met at the first test.
    pub fn value<T: Serialize + ?Sized>(&mut self, value: &T) {
        bincode::serde::encode_into_writer(value, Append(self.out), standard())
            .expect("a game's types are plain data, without serde's tag, untagged or flatten");
    }

    /// Appends an unsigned number of one to nine bytes.
    pub fn varint(&mut self, number: u64) {
        self.value(&number);
    }

    /// Appends bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.out.extend_from_slice(bytes);
    }
}

struct Append<'a>(&'a mut Vec<u8>);

impl Writer for Append<'_> {
    fn write(&mut self, bytes: &[u8]) -> Result<(), EncodeError> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }
}

/// A value's bytes.
///
/// # Panics
/// As [`Encoder::value`].
pub fn encode<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut out = Vec::new();
    Encoder::new(&mut out).value(value);
    out
}

/// Why bytes could not be decoded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The bytes end inside a value, or claim more than they may.
    #[error("byte {at}: {what}")]
    Bad {
        /// Where the value starts that could not be read.
        at: usize,
        /// What was wrong.
        what: String,
    },
    /// Bytes are left after the last value.
    #[error("{left} bytes are left over at byte {at}")]
    Trailing {
        /// Where they start.
        at: usize,
        /// How many.
        left: usize,
    },
}

/// Reads values one after another from bytes that a peer sent.
#[derive(Debug)]
pub struct Decoder<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Decoder<'a> {
    /// Reads from the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The next value.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] if there is no such value here.
    pub fn value<T: DeserializeOwned>(&mut self) -> Result<T, DecodeError> {
        let mut reader = Reader::new(&self.bytes[self.at..]);
        let value = T::deserialize(&mut reader).map_err(|e| self.bad(e.to_string()))?;
        self.at = self.bytes.len() - reader.left();
        Ok(value)
    }

    /// The next byte.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] at the end.
    pub fn byte(&mut self) -> Result<u8, DecodeError> {
        let Some(&byte) = self.bytes.get(self.at) else {
            return Err(self.bad("the bytes end here"));
        };
        self.at += 1;
        Ok(byte)
    }

    /// The next unsigned number.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] if it is cut off.
    pub fn varint(&mut self) -> Result<u64, DecodeError> {
        self.value()
    }

    /// The next unsigned number that must fit 32 bits.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] if it is cut off or larger.
    pub fn varint_u32(&mut self) -> Result<u32, DecodeError> {
        self.value()
    }

    /// So many bytes as they are.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] if there are fewer.
    pub fn raw(&mut self, bytes: usize) -> Result<&'a [u8], DecodeError> {
        let Some(raw) = self.bytes.get(self.at..self.at + bytes) else {
            return Err(self.bad(format!("{bytes} bytes are due, the message ends before")));
        };
        self.at += bytes;
        Ok(raw)
    }

    /// An error about a field that has to be there and is not.
    pub fn missing(&self, field: &str) -> DecodeError {
        self.bad(format!("the field `{field}` is missing"))
    }

    /// A count of things; events without contents take no byte.
    ///
    /// # Errors
    /// [`DecodeError::Bad`] if more are claimed than a message could have bytes.
    pub fn count(&mut self) -> Result<usize, DecodeError> {
        let claimed = self.varint()?;
        match usize::try_from(claimed) {
            Ok(count) if count <= SERVER_MESSAGE_BYTES_MAX => Ok(count),
            _ => Err(self.bad(format!("{claimed} things claimed in one message"))),
        }
    }

    pub(crate) const fn at(&self) -> usize {
        self.at
    }

    /// The bytes that were read since then.
    pub(crate) fn since(&self, at: usize) -> &'a [u8] {
        &self.bytes[at..self.at]
    }

    /// Whether everything was read.
    pub const fn is_empty(&self) -> bool {
        self.at == self.bytes.len()
    }

    /// An error at the current place.
    pub fn bad(&self, what: impl Into<String>) -> DecodeError {
        DecodeError::Bad {
            at: self.at,
            what: what.into(),
        }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`DecodeError::Trailing`] if bytes are left.
    pub const fn finish(self) -> Result<(), DecodeError> {
        if self.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing {
                at: self.at,
                left: self.bytes.len() - self.at,
            })
        }
    }
}

/// The one value that `bytes` hold.
///
/// # Errors
/// As [`Decoder::value`] and [`Decoder::finish`].
pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let value = decoder.value()?;
    decoder.finish()?;
    Ok(value)
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Entry {
        id: u32,
        x: i16,
        y: i16,
    }

    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    enum Golden {
        A,
        B,
        C,
        Entries {
            tick: u32,
            entries: Vec<Entry>,
            option: Option<u16>,
            array: [u8; 3],
            d: i32,
            b: bool,
        },
    }

    fn golden() -> Golden {
        Golden::Entries {
            tick: 300,
            entries: vec![Entry {
                id: 7,
                x: -3,
                y: 400,
            }],
            option: Some(9),
            array: [1, 2, 3],
            d: -5,
            b: true,
        }
    }

    /// Pins the format itself: whatever library writes it, these are the bytes.
    const GOLDEN: [u8; 19] = [
        0x03, 0xfb, 0x2c, 0x01, 0x01, 0x07, 0x05, 0xfb, 0x20, 0x03, 0x01, 0x09, 1, 2, 3, 0x09,
        0x01, 0, 0,
    ];

    #[test]
    fn the_format_is_pinned() {
        assert_eq!(encode(&golden()), GOLDEN[..17]);
        assert_eq!(decode::<Golden>(&GOLDEN[..17]), Ok(golden()));
    }

    #[test]
    fn small_and_large_numbers_are_read_as_they_are_written() {
        for number in [0, 1, 250, 251, 252, 65_535, 65_536, u32::MAX] {
            let bytes = encode(&number);
            assert_eq!(Decoder::new(&bytes).varint_u32(), Ok(number));
            assert_eq!(Decoder::new(&bytes).varint(), Ok(u64::from(number)));
        }
        assert!(Decoder::new(&encode(&(1u64 << 32))).varint_u32().is_err());
        assert!(Decoder::new(&[]).varint().is_err());
        assert!(Decoder::new(&[]).byte().is_err());
    }

    #[test]
    fn every_truncation_is_an_error() {
        for length in 0..17 {
            assert!(
                decode::<Golden>(&GOLDEN[..length]).is_err(),
                "{length} bytes"
            );
        }
    }

    #[test]
    fn trailing_bytes_are_an_error() {
        assert_eq!(
            decode::<Golden>(&GOLDEN),
            Err(DecodeError::Trailing { at: 17, left: 2 })
        );
    }

    #[test]
    fn a_claimed_length_allocates_nothing() {
        let hostile = [0xfd, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f];
        assert!(decode::<Vec<u64>>(&hostile).is_err());
        assert!(decode::<String>(&hostile).is_err());
        assert!(Decoder::new(&hostile).count().is_err());
    }
}
