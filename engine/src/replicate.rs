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
    /// Its name, as clients see it.
    pub name: &'static str,
    /// How it is written.
    pub kind: FieldKind,
    /// Who may see it.
    pub seen_by: SeenBy,
}

/// How a field is written.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FieldKind {
    /// As its type says.
    Plain,
    /// The entity's place, in 1/64 m.
    Position,
    /// The direction in which it looks, in 1/256 turn.
    Heading,
    /// A number as one of so many steps.
    Quantised {
        /// The smallest value.
        min: f32,
        /// The largest value.
        max: f32,
        /// What two neighbouring values differ by.
        step: f32,
    },
}

/// Who may see a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeenBy {
    /// Whoever sees the entity.
    All,
    /// The entity's team.
    Team,
    /// The player who owns the entity.
    Owner,
}

/// State that clients see: written whole once, then field by field as it changes.
///
/// Derive it. A mask has bit *i* set for the *i*-th of [`Replicate::FIELDS`]; fields are written
/// in their order.
///
/// Source: PROTOCOL.md § Frame.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be replicated to clients",
    note = "add `#[derive(Clone, PartialEq, Serialize, Deserialize, Replicate)]` to it, or use `()` where the game has no such state"
)]
pub trait Replicate: Data + Clone {
    /// The fields, in the order of their bits; at most 64.
    const FIELDS: &'static [Field];

    /// Where the entity is. Units: metres.
    fn position(&self) -> Option<Vec2> {
        None
    }

    /// Puts the entity somewhere, where it has a position.
    fn set_position(&mut self, at: Vec2) {
        let _ = at;
    }

    /// Where the entity looks. Units: 1/256 turn; 0 is +x, and it grows towards +y.
    fn heading(&self) -> Option<u8> {
        None
    }

    /// Turns the entity, where it has a heading.
    fn set_heading(&mut self, heading: u8) {
        let _ = heading;
    }

    /// Takes over the fields of `newer` that differ on the wire, and tells which. Positions and
    /// headings differ whenever their values do.
    fn absorb(&mut self, newer: &Self) -> u64;

    /// Takes over the fields that lose precision on the wire (positions, headings, quantised
    /// numbers) and differ at all, and tells which.
    fn absorb_exact(&mut self, newer: &Self) -> u64;

    /// Writes the fields of `mask`: quantised numbers as their step, all others as their type.
    fn encode(&self, mask: u64, out: &mut Encoder<'_>);

    /// Writes the fields of `mask` as their types.
    fn encode_exact(&self, mask: u64, out: &mut Encoder<'_>);

    /// Reads a value of which only the fields of `mask` are there; the others are their default.
    ///
    /// # Errors
    /// If the bytes are not such fields, or a field is missing that has no default.
    fn decode(mask: u64, input: &mut Decoder<'_>) -> Result<Self, DecodeError>;

    /// Reads the fields of `mask` over this value.
    ///
    /// # Errors
    /// If the bytes are not such fields; some of them may have been taken over.
    fn apply(&mut self, mask: u64, input: &mut Decoder<'_>) -> Result<(), DecodeError>;

    /// Reads the fields of `mask`, written as their types, over this value.
    ///
    /// # Errors
    /// As [`Replicate::apply`].
    fn apply_exact(&mut self, mask: u64, input: &mut Decoder<'_>) -> Result<(), DecodeError>;

    /// Reads the fields of `mask`, written as their types, for nothing but their length.
    ///
    /// # Errors
    /// As [`Replicate::apply`].
    fn skip_exact(mask: u64, input: &mut Decoder<'_>) -> Result<(), DecodeError>;
}

/// The step of a quantised number that is nearest to it; not a number is the first.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "clamped, and a cast of not-a-number is 0"
)]
pub fn quantise(value: f32, min: f32, max: f32, step: f32) -> u32 {
    ((value.clamp(min, max) - min) / step).round() as u32
}

/// The number of a step.
#[expect(clippy::cast_precision_loss, reason = "a range has at most 2²⁴ steps")]
pub fn unquantise(at: u32, min: f32, max: f32, step: f32) -> f32 {
    (min + at as f32 * step).clamp(min, max)
}

/// Which fields of a type are of which sort.
pub(crate) struct Masks<T>(std::marker::PhantomData<T>);

impl<T: Replicate> Masks<T> {
    /// All fields.
    pub(crate) const ALL: u64 = match T::FIELDS.len() {
        0 => 0,
        n => u64::MAX >> (64 - n),
    };
    pub(crate) const POSITION: u64 = mask_of(T::FIELDS, Sort::Position);
    pub(crate) const HEADING: u64 = mask_of(T::FIELDS, Sort::Heading);
    /// What loses precision in a cell.
    pub(crate) const LOSSY: u64 = mask_of(T::FIELDS, Sort::Lossy);
    /// What only the team sees.
    pub(crate) const TEAM: u64 = mask_of(T::FIELDS, Sort::Team);
    /// What only the owner sees.
    pub(crate) const OWNER: u64 = mask_of(T::FIELDS, Sort::Owner);
    /// What everybody sees, position and heading aside.
    pub(crate) const PUBLIC: u64 =
        Self::ALL & !(Self::POSITION | Self::HEADING | Self::TEAM | Self::OWNER);
}

#[derive(Clone, Copy)]
enum Sort {
    Position,
    Heading,
    Lossy,
    Team,
    Owner,
}

const fn mask_of(fields: &[Field], sort: Sort) -> u64 {
    let mut mask = 0;
    let mut at = 0;
    while at < fields.len() {
        let field = &fields[at];
        let is = match sort {
            Sort::Position => matches!(field.kind, FieldKind::Position),
            Sort::Heading => matches!(field.kind, FieldKind::Heading),
            Sort::Lossy => !matches!(field.kind, FieldKind::Plain),
            Sort::Team => matches!(field.seen_by, SeenBy::Team),
            Sort::Owner => matches!(field.seen_by, SeenBy::Owner),
        };
        if is {
            mask |= 1 << at;
        }
        at += 1;
    }
    mask
}

/// Nothing to see: never changes, takes no bytes.
impl Replicate for () {
    const FIELDS: &'static [Field] = &[];

    fn absorb(&mut self, _: &Self) -> u64 {
        0
    }

    fn absorb_exact(&mut self, _: &Self) -> u64 {
        0
    }

    fn encode(&self, _: u64, _: &mut Encoder<'_>) {}

    fn encode_exact(&self, _: u64, _: &mut Encoder<'_>) {}

    fn decode(_: u64, _: &mut Decoder<'_>) -> Result<Self, DecodeError> {
        Ok(())
    }

    fn apply(&mut self, _: u64, _: &mut Decoder<'_>) -> Result<(), DecodeError> {
        Ok(())
    }

    fn apply_exact(&mut self, _: u64, _: &mut Decoder<'_>) -> Result<(), DecodeError> {
        Ok(())
    }

    fn skip_exact(_: u64, _: &mut Decoder<'_>) -> Result<(), DecodeError> {
        Ok(())
    }
}

/// A heading in a type of its own: `u8` in 1/256 turn, or `f32` in radians.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no heading",
    label = "a heading is a `u8` in 1/256 turn, or an `f32` in radians"
)]
pub trait Heading: Copy + Default + PartialEq + Data {
    /// As it is written.
    fn to_turn(self) -> u8;
    /// As it is read.
    fn from_turn(turn: u8) -> Self;
}

impl Heading for u8 {
    fn to_turn(self) -> u8 {
        self
    }

    fn from_turn(turn: u8) -> Self {
        turn
    }
}

impl Heading for f32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "rounded within 0 to 256, and 256 is 0 again"
    )]
    fn to_turn(self) -> u8 {
        let turn = (self / std::f32::consts::TAU).rem_euclid(1.0);
        (turn * 256.0).round() as u32 as u8
    }

    fn from_turn(turn: u8) -> Self {
        Self::from(turn) / 256.0 * std::f32::consts::TAU
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_come_back_as_the_nearest_number() {
        for (value, step) in [
            (0.0, 0),
            (0.24, 0),
            (0.26, 1),
            (100.0, 200),
            (-7.0, 0),
            (1e9, 200),
        ] {
            assert_eq!(quantise(value, 0.0, 100.0, 0.5), step, "{value}");
        }
        assert_eq!(quantise(f32::NAN, 0.0, 100.0, 0.5), 0);
        assert_eq!(unquantise(1, 0.0, 100.0, 0.5), 0.5);
        assert_eq!(unquantise(u32::MAX, 0.0, 100.0, 0.5), 100.0);
    }

    #[test]
    fn radians_are_turns() {
        let half = std::f32::consts::PI;
        for (radians, turn) in [(0.0, 0), (half, 128), (-half / 2.0, 192), (f32::NAN, 0)] {
            assert_eq!(radians.to_turn(), turn, "{radians}");
        }
        assert_eq!(f32::from_turn(64), half / 2.0);
    }
}
