//! Names of channels and groups.

/// A text that is no name of a channel or group.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is no name: 1-99 ASCII letters, digits, -, _ and ., in a channel one ! before its local part"
)]
pub struct BadName(pub String);

/// Checks a name, to the letter of the channel layers' specification: ASCII only, no line end
/// behind it, under 100 characters. `!` splits a channel's process part from its local part; a
/// group has none.
///
/// # Errors
/// If it is none.
pub fn check_name(name: &str, is_channel: bool) -> Result<(), BadName> {
    let is_of_name = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let (process, local) = match name.split_once('!') {
        Some((process, local)) if is_channel => (process, local),
        Some(_) => return Err(BadName(name.into())),
        None => (name, ""),
    };
    let good = !process.is_empty()
        && name.len() < 100
        && process.bytes().all(is_of_name)
        && local.bytes().all(is_of_name);
    if good {
        Ok(())
    } else {
        Err(BadName(name.into()))
    }
}

/// Whether a name matches a pattern of `*` (any characters) and `?` (one).
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    let (mut p, mut n) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p + 1, n));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    p = after;
                    n = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_checked_to_the_letter() {
        for good in [
            "a",
            "chat.room_1-x",
            "specific.abc!def",
            "specific.abc!",
            &"x".repeat(99),
        ] {
            assert_eq!(check_name(good, true), Ok(()), "{good:?}");
        }
        for bad in [
            "",
            "!",
            "!abc",
            "a b",
            "a\n",
            "a!b!c",
            "é",
            "٣",
            "a:b",
            "a/b",
            &"x".repeat(100),
        ] {
            assert_eq!(check_name(bad, true), Err(BadName(bad.into())), "{bad:?}");
        }
        assert!(check_name("specific.abc!def", false).is_err());
    }

    #[test]
    fn patterns_are_those_of_a_shell() {
        for (pattern, name, fits) in [
            ("http.*", "http.request", true),
            ("http.*", "httq.request", false),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*.b*c", "x.bxbc", true),
            ("a*", "b", false),
        ] {
            assert_eq!(matches(pattern, name), fits, "{pattern} {name}");
        }
    }
}
