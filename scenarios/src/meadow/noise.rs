//! Smooth random fields over the plane, from integers and plain arithmetic alone: the same seed
//! draws the same land on every machine.

use super::map::cell;

/// A field of values in `0..1`, smooth over a distance of 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noise {
    pub(super) seed: u32,
}

impl Noise {
    /// The value at a point: corners of the unit square blended by a smooth step.
    pub(super) fn at(self, x: f32, y: f32) -> f32 {
        let (column, row) = (cell(x), cell(y));
        let right = smooth(x - column as f32);
        let down = smooth(y - row as f32);
        let upper = blend(
            self.corner(column, row),
            self.corner(column + 1, row),
            right,
        );
        let lower = blend(
            self.corner(column, row + 1),
            self.corner(column + 1, row + 1),
            right,
        );
        blend(upper, lower, down)
    }

    /// Three octaves: large forms with ragged edges.
    pub(super) fn fractal(self, x: f32, y: f32) -> f32 {
        0.6 * self.at(x, y)
            + 0.28 * self.at(2.0 * x + 17.0, 2.0 * y + 5.0)
            + 0.12 * self.at(4.0 * x + 3.0, 4.0 * y + 29.0)
    }

    /// An unrelated value for each whole point.
    ///
    /// Source: the finaliser of MurmurHash3 (Appleby 2008).
    pub(super) fn corner(self, x: i32, y: i32) -> f32 {
        let mut hash = self.seed
            ^ x.cast_unsigned().wrapping_mul(0x9e37_79b1)
            ^ y.cast_unsigned().wrapping_mul(0x85eb_ca77);
        hash = (hash ^ (hash >> 16)).wrapping_mul(0x85eb_ca6b);
        hash = (hash ^ (hash >> 13)).wrapping_mul(0xc2b2_ae35);
        hash ^= hash >> 16;
        // 24 bits are all that an f32 holds exactly.
        (hash >> 8) as f32 / (1 << 24) as f32
    }
}

fn blend(from: f32, to: f32, share: f32) -> f32 {
    from + (to - from) * share
}

fn smooth(share: f32) -> f32 {
    share * share * (3.0 - 2.0 * share)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_stays_in_its_range_varies_and_has_no_steps() {
        let noise = Noise { seed: 7 };
        let values: Vec<_> = (0..2000)
            .map(|i| noise.fractal(i as f32 * 0.01, -3.3))
            .collect();
        assert!(values.iter().all(|value| (0.0..1.0).contains(value)));
        assert!(
            values
                .windows(2)
                .all(|pair| (pair[0] - pair[1]).abs() < 0.06)
        );
        let (low, high) = values
            .iter()
            .fold((1f32, 0f32), |(low, high), &v| (low.min(v), high.max(v)));
        assert!(high - low > 0.3, "{low}..{high} is flat");
    }
}
