//! Where things are, as it travels: cells, places in 1/64 m, windows of cells around an anchor.
//!
//! Pure numbers. Source: PROTOCOL.md § Window.

use glam::Vec2;
use serde::{Deserialize, Serialize};

use crate::limits::{CELL_M_MAX, CELL_M_MIN, VIEW_RINGS_MAX};

/// How much of a room a member sees.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub enum Space {
    /// Everybody sees everything, every tick: a quiz, an arena for fifty.
    #[default]
    Whole,
    /// Members see the cells around them, farther ones less often.
    Grid {
        /// Side of a cell. Units: metres.
        cell_m: f32,
        /// So many rings of cells around one's own are sent every tick, …
        near: u8,
        /// … up to this ring every second, …
        mid: u8,
        /// … and up to this one every fourth; at most 3.
        far: u8,
    },
}

impl Space {
    /// A grid with the usual rings: 3 × 3 cells every tick, two more rings at half and a quarter
    /// of the rate.
    pub const fn grid(cell_m: f32) -> Self {
        Self::Grid {
            cell_m,
            near: 1,
            mid: 2,
            far: 3,
        }
    }

    /// What is wrong with it, in words.
    ///
    /// # Errors
    /// If rings are out of order or too many, or cells are too small or too large.
    pub fn check(self) -> Result<(), String> {
        let Self::Grid {
            cell_m,
            near,
            mid,
            far,
        } = self
        else {
            return Ok(());
        };
        if !(CELL_M_MIN..=CELL_M_MAX).contains(&cell_m) {
            return Err(format!(
                "cells of {cell_m} m; a cell has {CELL_M_MIN} to {CELL_M_MAX} m"
            ));
        }
        if near > mid || mid > far || far > VIEW_RINGS_MAX {
            return Err(format!(
                "rings {near}, {mid}, {far}; they grow, and the last is at most {VIEW_RINGS_MAX}"
            ));
        }
        Ok(())
    }

    /// Side of a cell in 1/64 m; a room that is seen whole has one cell.
    #[expect(clippy::cast_possible_truncation, reason = "at most 4096 m")]
    pub(crate) fn cell_units(self) -> Option<i32> {
        match self {
            Self::Whole => None,
            Self::Grid { cell_m, .. } => Some((cell_m * UNITS_PER_M) as i32),
        }
    }

    /// Tiers of the rings 0 to 3; rings beyond the last are not seen.
    pub(crate) fn tiers(self) -> Tiers {
        let Self::Grid { near, mid, far, .. } = self else {
            return Tiers([Some(0), None, None, None]);
        };
        let mut ring = 0;
        Tiers([(); RINGS].map(|()| {
            let tier = match ring {
                r if r <= near => Some(0),
                r if r <= mid => Some(1),
                r if r <= far => Some(2),
                _ => None,
            };
            ring += 1;
            tier
        }))
    }
}

/// Units of a place on the wire.
const UNITS_PER_M: f32 = 64.0;

/// How far past its cell's border an entity goes before it changes cells: circling a corner is no
/// storm of goodbyes. Units: 1/64 m.
const HYSTERESIS_UNITS: i32 = 2 * 64;

/// Places are 24 bits wide: 131 km either way.
const UNITS_MAX: i32 = (1 << 23) - 1;

/// A place in 1/64 m; too far away is as far as can be, no number is zero.
#[expect(clippy::cast_possible_truncation, reason = "a float saturates")]
pub(crate) fn units(at: Vec2) -> [i32; 2] {
    [at.x, at.y].map(|side| ((side * UNITS_PER_M).round() as i32).clamp(-UNITS_MAX, UNITS_MAX))
}

/// The place of so many units from a cell's corner. Units: metres.
#[expect(clippy::cast_precision_loss, reason = "24 bits")]
pub(crate) fn metres(cell: CellId, cell_units: Option<i32>, local: [i32; 2]) -> Vec2 {
    let corner = cell.corner(cell_units);
    Vec2::new((corner[0] + local[0]) as f32, (corner[1] + local[1]) as f32) / UNITS_PER_M
}

/// A cell's column and row; ordered by row first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct CellId {
    pub(crate) y: i16,
    pub(crate) x: i16,
}

impl CellId {
    /// The cell that a place is in.
    pub(crate) fn of(units: [i32; 2], cell_units: Option<i32>) -> Self {
        let Some(side) = cell_units else {
            return Self::default();
        };
        let index = |at: i32| i16::try_from(at.div_euclid(side)).unwrap_or(i16::MAX);
        Self {
            x: index(units[0]),
            y: index(units[1]),
        }
    }

    /// Where an entity of this cell belongs now.
    pub(crate) fn moved(self, units: [i32; 2], cell_units: Option<i32>) -> Self {
        let Some(side) = cell_units else {
            return self;
        };
        let corner = self.corner(cell_units);
        let inside = |at: i32, from: i32| {
            (from - HYSTERESIS_UNITS..from + side + HYSTERESIS_UNITS).contains(&at)
        };
        if inside(units[0], corner[0]) && inside(units[1], corner[1]) {
            self
        } else {
            Self::of(units, cell_units)
        }
    }

    pub(crate) fn corner(self, cell_units: Option<i32>) -> [i32; 2] {
        let side = cell_units.unwrap_or(0);
        [i32::from(self.x) * side, i32::from(self.y) * side]
    }

    /// The number of `other` in the window around this cell, if it is within.
    pub(crate) fn number_of(self, other: Self) -> Option<u8> {
        let side = |from: i16, to: i16| {
            let by = i32::from(to) - i32::from(from) + i32::from(VIEW_RINGS_MAX);
            u8::try_from(by).ok().filter(|&by| by < WINDOW_SIDE)
        };
        Some(side(self.y, other.y)? * WINDOW_SIDE + side(self.x, other.x)?)
    }

    /// The cell with this number in the window around this one.
    pub(crate) fn numbered(self, number: u8) -> Self {
        let by = |n: u8| i16::from(n) - i16::from(VIEW_RINGS_MAX);
        Self {
            x: self.x.saturating_add(by(number % WINDOW_SIDE)),
            y: self.y.saturating_add(by(number / WINDOW_SIDE)),
        }
    }
}

/// Side of a window, and its cells.
pub(crate) const WINDOW_SIDE: u8 = 2 * VIEW_RINGS_MAX + 1;
pub(crate) const WINDOW_CELLS: u8 = WINDOW_SIDE * WINDOW_SIDE;
const RINGS: usize = VIEW_RINGS_MAX as usize + 1;

/// How often a tier is sent: every tick, every second, every fourth.
pub(crate) const TIERS: usize = 3;

/// The tier that each ring of a window has; `None` is not seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Tiers(pub(crate) [Option<u8>; RINGS]);

impl Tiers {
    pub(crate) fn of(self, number: u8) -> Option<u8> {
        self.0[usize::from(RING_OF[usize::from(number)])]
    }

    /// The cells of a window that are seen, as bits.
    pub(crate) fn window(self) -> u64 {
        let rings = self.0.iter().zip(RING_CELLS);
        let seen = rings.filter(|(tier, _)| tier.is_some());
        seen.fold(0, |mask, (_, cells)| mask | cells)
    }

    /// No tier more often than this one.
    pub(crate) fn at_least(self, tier: u8) -> Self {
        Self(self.0.map(|own| own.map(|own| own.max(tier))))
    }

    /// The next rung for a crowd: the outermost ring that is not yet the rarest is sent more
    /// rarely. The anchor itself never is.
    pub(crate) fn demoted(self) -> Option<Self> {
        let rarest = u8::try_from(TIERS - 1).unwrap_or(u8::MAX);
        let mut tiers = self.0;
        let (_, tier) = tiers
            .iter_mut()
            .enumerate()
            .skip(1)
            .rev()
            .find_map(|(ring, tier)| tier.as_mut().filter(|t| **t < rarest).map(|t| (ring, t)))?;
        *tier += 1;
        Some(Self(tiers))
    }
}

/// How many cells away from the anchor.
pub(crate) const fn ring(number: u8) -> u8 {
    let x = (number % WINDOW_SIDE).abs_diff(VIEW_RINGS_MAX);
    let y = (number / WINDOW_SIDE).abs_diff(VIEW_RINGS_MAX);
    if x > y { x } else { y }
}

/// The ring of each cell of a window, and the cells of each ring as bits.
const RING_OF: [u8; WINDOW_CELLS as usize] = {
    let mut rings = [0; WINDOW_CELLS as usize];
    let mut number = 0;
    while number < WINDOW_CELLS {
        rings[number as usize] = ring(number);
        number += 1;
    }
    rings
};
const RING_CELLS: [u64; RINGS] = {
    let mut cells = [0; RINGS];
    let mut number = 0;
    while number < WINDOW_CELLS {
        cells[ring(number) as usize] |= 1 << number;
        number += 1;
    }
    cells
};

/// The numbers of a window's cells, nearest first.
pub(crate) const NEAREST_FIRST: [u8; WINDOW_CELLS as usize] = {
    let mut numbers = [0; WINDOW_CELLS as usize];
    let mut found = 0;
    let mut distance = 0;
    while distance <= VIEW_RINGS_MAX {
        let mut number = 0;
        while number < WINDOW_CELLS {
            if ring(number) == distance {
                numbers[found] = number;
                found += 1;
            }
            number += 1;
        }
        distance += 1;
    }
    numbers
};

/// The cells of a window around `from` as bits of a window around `to`; what is outside is lost.
pub(crate) fn shift(mask: u64, from: CellId, to: CellId) -> u64 {
    if from == to {
        return mask;
    }
    bits(mask).fold(0, |shifted, number| {
        let number = to.number_of(from.numbered(number));
        number.map_or(shifted, |number| shifted | 1 << number)
    })
}

/// The numbers of the bits that are set, in order.
#[expect(clippy::cast_possible_truncation, reason = "there are 64 bits")]
pub(crate) fn bits(mut mask: u64) -> impl Iterator<Item = u8> {
    std::iter::from_fn(move || {
        if mask == 0 {
            return None;
        }
        let bit = mask.trailing_zeros() as u8;
        mask &= mask - 1;
        Some(bit)
    })
}

/// The direction of a movement. Units: 1/256 turn; 0 is +x, and it grows towards +y.
///
/// Within an octant the angle is `a·(32 + 11.13·(1 − a))` for `a` = shorter / longer side: the
/// well-known quadratic fit of the arc tangent.
pub(crate) fn direction(dx: i32, dy: i32) -> u8 {
    let (across, up) = (i64::from(dx).abs(), i64::from(dy).abs());
    let longer = across.max(up).max(1);
    let a = (across.min(up) << 16) / longer;
    let octant = (a * (32 * 65536 + (1113 * (65536 - a)) / 100) + (1 << 31)) >> 32;
    let quadrant = if up > across { 64 - octant } else { octant };
    let half = if dx < 0 { 128 - quadrant } else { quadrant };
    let turn = if dy < 0 { 256 - half } else { half };
    u8::try_from(turn & 0xff).unwrap_or_default()
}

/// Whether a movement goes where a heading looks, within 1/32 of a turn to either side. Without the
/// division that its direction would take: this is asked of everybody who moves.
pub(crate) fn goes_along(dx: i32, dy: i32, heading: u8) -> bool {
    /// Just above 1 / tan(11.25°).
    const COTANGENT: i64 = 5;
    let [ux, uy] = [
        COSINES[usize::from(heading)],
        COSINES[usize::from(heading.wrapping_sub(64))],
    ];
    let along = i64::from(dx) * ux + i64::from(dy) * uy;
    let across = i64::from(dy) * ux - i64::from(dx) * uy;
    along > 0 && across.abs() * COTANGENT <= along
}

/// The cosine of each heading, in 1/2¹⁴.
const COSINES: [i64; 256] = {
    let mut cosines = [0; 256];
    let mut turn = 0;
    while turn < 256 {
        // Folded into the first quarter, where the series below is exact enough.
        let half = if turn > 128 { 256 - turn } else { turn };
        let (quarter, sign) = if half > 64 {
            (128 - half, -1)
        } else {
            (half, 1)
        };
        cosines[turn] = sign * cosine(quarter);
        turn += 1;
    }
    cosines
};

/// By its Taylor series up to the tenth power; off by less than 10⁻⁶ within a quarter of a turn.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "at most 64 in, at most 2¹⁴ out"
)]
const fn cosine(quarter: usize) -> i64 {
    let angle = quarter as f64 * std::f64::consts::TAU / 256.0;
    let square = angle * angle;
    let (mut sum, mut term, mut n) = (1.0, 1.0, 1);
    while n <= 5 {
        term *= -square / ((2 * n - 1) * 2 * n) as f64;
        sum += term;
        n += 1;
    }
    (sum * 16384.0 + 0.5) as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entity_changes_cells_two_metres_past_the_border() {
        let side = Space::grid(32.0).cell_units();
        let at = |x: f32| units(Vec2::new(x, 5.0));
        let cell = CellId::of(at(31.0), side);
        assert_eq!(cell, CellId { x: 0, y: 0 });
        assert_eq!(cell.moved(at(33.9), side), cell);
        let next = cell.moved(at(34.1), side);
        assert_eq!(next, CellId { x: 1, y: 0 });
        assert_eq!(next.moved(at(30.1), side), next, "and back as late");
        assert_eq!(CellId::of(at(-0.1), side).x, -1);
    }

    #[test]
    fn any_number_is_a_place() {
        for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX] {
            let at = units(Vec2::splat(odd));
            let side = Space::grid(CELL_M_MIN).cell_units();
            let cell = CellId::of(at, side);
            let corner = cell.corner(side);
            assert!((at[0] - corner[0]).abs() <= UNITS_MAX, "{odd}");
            assert_eq!(cell.moved(at, side), cell, "{odd}");
        }
    }

    #[test]
    fn windows_number_their_cells() {
        let anchor = CellId { x: 5, y: -2 };
        for number in 0..WINDOW_CELLS {
            assert_eq!(anchor.number_of(anchor.numbered(number)), Some(number));
        }
        assert_eq!(anchor.number_of(anchor), Some(24));
        assert_eq!(anchor.number_of(CellId { x: 9, y: -2 }), None);
        assert_eq!(NEAREST_FIRST[0], 24);
        assert_eq!(ring(NEAREST_FIRST[48]), 3);
        let moved = shift(u64::MAX >> 15, anchor, CellId { x: 6, y: -2 });
        assert_eq!(moved.count_ones(), 42, "one column is lost");
    }

    #[test]
    fn a_crowd_loses_its_farthest_rings_first_and_never_its_anchor() {
        let mut rungs = vec![Space::grid(32.0).tiers()];
        while let Some(next) = rungs.last().and_then(|t| t.demoted()) {
            rungs.push(next);
        }
        let rungs: Vec<_> = rungs
            .iter()
            .map(|t| t.0.map(|t| t.expect("seen")))
            .collect();
        assert_eq!(
            rungs,
            [[0, 0, 1, 2], [0, 0, 2, 2], [0, 1, 2, 2], [0, 2, 2, 2]]
        );
        assert_eq!(Space::Whole.tiers().demoted(), None);
        assert_eq!(Space::Whole.tiers().window(), 1 << 24);
        assert_eq!(Space::grid(32.0).tiers().window().count_ones(), 49);
    }

    #[test]
    fn a_direction_is_the_angle_within_a_unit() {
        for turn in 0..=255u8 {
            let angle = f32::from(turn) / 256.0 * std::f32::consts::TAU;
            let way = units(Vec2::from_angle(angle) * 100.0);
            let off = direction(way[0], way[1]).wrapping_sub(turn).cast_signed();
            assert!(off.abs() <= 1, "{turn} is off by {off}");
        }
    }

    #[test]
    fn a_movement_goes_along_a_heading_within_eight_units() {
        for turn in 0..=255u8 {
            let angle = f32::from(turn) / 256.0 * std::f32::consts::TAU;
            let way = units(Vec2::from_angle(angle) * 100.0);
            for (off, goes) in [(0, true), (7, true), (9, false), (64, false), (128, false)] {
                for heading in [turn.wrapping_add(off), turn.wrapping_sub(off)] {
                    assert_eq!(
                        goes_along(way[0], way[1], heading),
                        goes,
                        "{turn} and {heading}"
                    );
                }
            }
        }
        assert!(!goes_along(0, 0, 0));
        assert!(goes_along(i32::MAX, 0, 0), "nothing overflows");
    }

    #[test]
    fn spaces_that_cannot_be_are_told() {
        assert!(Space::grid(32.0).check().is_ok());
        for (cell_m, near, mid, far) in [
            (1.0, 1, 2, 3),
            (f32::NAN, 1, 2, 3),
            (32.0, 2, 1, 3),
            (32.0, 1, 2, 4),
        ] {
            let space = Space::Grid {
                cell_m,
                near,
                mid,
                far,
            };
            assert!(space.check().is_err(), "{space:?}");
        }
    }
}
