//! `Tick`: the number of a step of one room.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The number of a step.
///
/// Wraps after 2³² steps (6.8 years at 20 Hz), so it is deliberately not `Ord`: of two ticks less
/// than 2³¹ apart [`Tick::is_newer`] tells which is the later one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Tick(u32);

impl Tick {
    /// Before the first step.
    pub const ZERO: Self = Self(0);

    /// The tick with this number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// The tick after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.after(1)
    }

    /// The tick that comes `ticks` later.
    #[must_use]
    pub const fn after(self, ticks: u32) -> Self {
        Self(self.0.wrapping_add(ticks))
    }

    /// Whether this tick comes after `other`.
    pub const fn is_newer(self, other: Self) -> bool {
        self.0 != other.0 && self.0.wrapping_sub(other.0) < 1 << 31
    }

    /// Ticks since `earlier`, which must not be newer.
    pub const fn since(self, earlier: Self) -> u32 {
        self.0.wrapping_sub(earlier.0)
    }
}

impl fmt::Display for Tick {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn newer_survives_the_wrap() {
        let last = Tick::new(u32::MAX);
        assert!(last.next().is_newer(last));
        assert!(!last.is_newer(last.next()));
        assert!(!last.is_newer(last));
        assert_eq!(last.next().since(last), 1);
    }
}
