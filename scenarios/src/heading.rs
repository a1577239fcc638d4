//! Headings: directions as 1/256 of a turn. In plain arithmetic, so that every machine and every
//! client computes the very same; `sin` and its kin differ from one to the next.

use downbeat::Vec2;

/// The sine of the first quarter turn in steps of 1/256 turn. Units: 1/16384, rounded.
#[rustfmt::skip]
const SINES: [i16; 65] = [
    0, 402, 804, 1205, 1606, 2006, 2404, 2801, 3196, 3590,
    3981, 4370, 4756, 5139, 5520, 5897, 6270, 6639, 7005, 7366,
    7723, 8076, 8423, 8765, 9102, 9434, 9760, 10080, 10394, 10702,
    11003, 11297, 11585, 11866, 12140, 12406, 12665, 12916, 13160, 13395,
    13623, 13842, 14053, 14256, 14449, 14635, 14811, 14978, 15137, 15286,
    15426, 15557, 15679, 15791, 15893, 15986, 16069, 16143, 16207, 16261,
    16305, 16340, 16364, 16379, 16384,
];

/// The direction as 1/256 of a turn; 0 is +x, and it grows towards +y.
///
/// Within an octant the angle is `a·(32 + 11.13·(1 − a))` for `a` = shorter / longer side: the
/// well-known quadratic fit of the arc tangent, off by less than a fifth of a unit.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the angle is 0 to 256, and 256 is 0 again"
)]
pub(crate) fn heading(direction: Vec2) -> u8 {
    let (across, up) = (direction.x.abs(), direction.y.abs());
    let longer = across.max(up);
    if longer <= 0.0 {
        return 0;
    }
    let a = across.min(up) / longer;
    let octant = a * (32.0 + 11.13 * (1.0 - a));
    let quadrant = if up > across { 64.0 - octant } else { octant };
    let half = if direction.x < 0.0 {
        128.0 - quadrant
    } else {
        quadrant
    };
    let turn = if direction.y < 0.0 {
        256.0 - half
    } else {
        half
    };
    (turn + 0.5) as u32 as u8
}

/// The way a heading points, 1 long but for the rounding.
///
/// All its numbers are multiples of 1/16384, which `f32` holds exactly.
pub(crate) fn direction(heading: u8) -> Vec2 {
    let sine = |turn: u8| f32::from(SINES[usize::from(turn)]) / 16384.0;
    let turn = heading % 64;
    let (ahead, aside) = (sine(64 - turn), sine(turn));
    match heading / 64 {
        0 => Vec2::new(ahead, aside),
        1 => Vec2::new(-aside, ahead),
        2 => Vec2::new(-ahead, -aside),
        _ => Vec2::new(aside, -ahead),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_heading_is_the_angle_within_a_unit() {
        for turn in 0..=255u8 {
            let angle = f32::from(turn) / 256.0 * std::f32::consts::TAU;
            let found = heading(Vec2::from_angle(angle) * 3.0);
            let off = found.wrapping_sub(turn).cast_signed();
            assert!(off.abs() <= 1, "{turn} came out as {found}");
        }
        assert_eq!(heading(Vec2::Y), 64, "grows towards +y");
    }

    #[test]
    fn a_direction_is_where_the_heading_points() {
        for turn in 0..=255u8 {
            let (y, x) = (f64::from(turn) / 256.0 * std::f64::consts::TAU).sin_cos();
            let found = direction(turn).as_dvec2();
            let off = (found.x - x).abs().max((found.y - y).abs());
            assert!(off <= 0.5 / 16384.0 + 1e-9, "{turn} points to {found}");
        }
    }
}
