//! Durations as people write them: `30s`, `2m`, `500ms`, `1.5s`.

use std::time::Duration;

/// The longest that is taken: a day.
const SECONDS_MAX: f64 = 24.0 * 60.0 * 60.0;

/// Reads a duration.
pub(super) fn parse(text: &str) -> Result<Duration, String> {
    let wrong = || format!("`{text}` is no duration: write `500ms`, `30s`, `2m` or `1h`");
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .ok_or_else(|| format!("`{text}` has no unit: write `{text}s` for seconds"))?;
    let (number, unit) = text.split_at(digits);
    let number: f64 = number.parse().map_err(|_| wrong())?;
    let seconds = match unit {
        "ms" => number / 1000.0,
        "s" => number,
        "m" | "min" => number * 60.0,
        "h" => number * 3600.0,
        _ => return Err(wrong()),
    };
    if seconds > SECONDS_MAX {
        return Err(format!("`{text}` is too long: at most 24h"));
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_write_durations_in_many_ways() {
        for (text, ms) in [
            ("30s", 30_000),
            ("500ms", 500),
            ("2m", 120_000),
            ("2min", 120_000),
            ("1h", 3_600_000),
            ("1.5s", 1500),
            ("0s", 0),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_millis(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_none_is_told_with_what_would_be() {
        assert_eq!(
            parse("30"),
            Err("`30` has no unit: write `30s` for seconds".into())
        );
        for text in ["", "s", "-3s", "3 s", "3x", "1.2.3s", "s3", "NaNs"] {
            assert!(parse(text).is_err(), "{text}");
        }
        assert_eq!(
            parse("25h"),
            Err("`25h` is too long: at most 24h".to_owned())
        );
    }
}
