//! `Replicate`: what a type must offer so that clients can keep a copy of it.

use glam::Vec2;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{DecodeError, Decoder, Encoder};

/// Data that crosses threads, sockets and the disk.
///
/// Implemented for everything that qualifies. Types that serde writes with `tag`, `untagged` or
/// `flatten` compile, but cannot be encoded: the wire format has no names.
pub trait Data: Serialize + DeserializeOwned + Send + Sync + 'static {}

impl<T: Serialize + DeserializeOwned + Send + Sync + 'static> Data for T {}

/// One field of a replicated type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// What it is called in Rust.
    pub name: &'static str,
    /// How it is written.
    pub kind: FieldKind,
    /// Who gets it.
    pub seen_by: SeenBy,
}

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// As its type.
    Plain,
    /// Where the entity is.
    Position,
    /// Where it looks.
    Heading,
    /// As a number of steps.
    Quantised {
        /// The least.
        min: f32,
        /// The most.
        max: f32,
        /// The step.
        step: f32,
    },
}

/// Who gets a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenBy {
    /// Everybody.
    All,
    /// The entity's team.
    Team,
    /// Its owner.
    Owner,
}

/// State that clients see: written whole once, then field by field as it changes.
///
/// Derive it. A mask has bit *i* set for the *i*-th of [`Replicate::FIELDS`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be replicated to clients",
    note = "add `#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]` to it, or use `()` where the game has no such state"
)]
pub trait Replicate: Data + Clone {
    /// The fields, in the order of their bits; at most 64.
    const FIELDS: &'static [Field];

    /// Where the entity is, for `Room::near`. Units: metres.
    fn position(&self) -> Option<Vec2> {
        None
    }

    /// Takes over the fields of `newer` that differ, and tells which.
    fn absorb(&mut self, newer: &Self) -> u64;

    /// Writes the fields of `mask`, in order.
    fn encode(&self, mask: u64, out: &mut Encoder<'_>);

    /// Writes the fields of `mask` in full precision.
    fn encode_exact(&self, mask: u64, out: &mut Encoder<'_>) {
        self.encode(mask, out);
    }

    /// Reads a whole value: all fields, in order.
    ///
    /// # Errors
    /// If the bytes are not such a value.
    fn decode(input: &mut Decoder<'_>) -> Result<Self, DecodeError>;

    /// Reads the fields of `mask` over this value.
    ///
    /// # Errors
    /// If the bytes are not such fields; some of them may have been taken over.
    fn apply(&mut self, mask: u64, input: &mut Decoder<'_>) -> Result<(), DecodeError>;
}

/// The mask of all fields of `T`.
pub(crate) const fn all_fields<T: Replicate>() -> u64 {
    match T::FIELDS.len() {
        0 => 0,
        n => u64::MAX >> (64 - n),
    }
}

/// Nothing to see: never changes, takes no bytes.
impl Replicate for () {
    const FIELDS: &'static [Field] = &[];

    fn absorb(&mut self, _: &Self) -> u64 {
        0
    }

    fn encode(&self, _: u64, _: &mut Encoder<'_>) {}

    fn decode(_: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }

    fn apply(&mut self, _: u64, _: &mut Decoder<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// A value and the copy of it that clients have.
#[derive(Debug)]
pub(crate) struct Tracked<T> {
    value: T,
    sent: T,
    touched: bool,
}

impl<T: Replicate> Tracked<T> {
    pub(crate) fn new(value: T) -> Self {
        Self {
            sent: value.clone(),
            value,
            touched: false,
        }
    }

    pub(crate) const fn value(&self) -> &T {
        &self.value
    }

    pub(crate) const fn value_mut(&mut self) -> &mut T {
        self.touched = true;
        &mut self.value
    }

    /// The fields that changed since the last call.
    pub(crate) fn take_changed(&mut self) -> u64 {
        if !std::mem::take(&mut self.touched) {
            return 0;
        }
        self.sent.absorb(&self.value)
    }
}
