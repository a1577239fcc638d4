//! Paths with names in them: `/api/views/scores/{player}`.

use std::collections::BTreeMap;

const PREFIX: &str = "/api/views/";

/// A path as it is configured.
#[derive(Debug)]
pub(super) struct Pattern(Vec<Part>);

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Word(String),
    Capture(String),
}

impl Pattern {
    pub(super) fn new(path: &str) -> Result<Self, String> {
        let below = path.strip_prefix(PREFIX);
        let below = below.ok_or_else(|| format!("{path:?}: expected {PREFIX} at its beginning"))?;
        let mut parts: Vec<Part> = Vec::new();
        for part in below.split('/') {
            let inside = part
                .strip_prefix('{')
                .and_then(|part| part.strip_suffix('}'));
            let word = inside.unwrap_or(part);
            let is_of_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
            let is_word = word
                .bytes()
                .all(|b| is_of_word(b) || inside.is_none() && b"-.".contains(&b));
            if word.is_empty() || !is_word || word.bytes().all(|b| b == b'.') {
                return Err(format!(
                    "{path:?}: {part:?} is neither a word nor {{a_name}}"
                ));
            }
            let part = match inside {
                Some(name) => Part::Capture(name.to_owned()),
                None => Part::Word(word.to_owned()),
            };
            if matches!(part, Part::Capture(_)) && parts.contains(&part) {
                return Err(format!("{path:?}: {{{word}}} is there twice"));
            }
            parts.push(part);
        }
        Ok(Self(parts))
    }

    /// The names in it.
    pub(super) fn captures(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Capture(name) => Some(name.as_str()),
            Part::Word(_) => None,
        })
    }

    /// Whether both fit the same paths.
    pub(super) fn is_like(&self, other: &Self) -> bool {
        let is_like = |parts: (&Part, &Part)| match parts {
            (Part::Word(a), Part::Word(b)) => a == b,
            (Part::Capture(_), Part::Capture(_)) => true,
            _ => false,
        };
        self.0.len() == other.0.len() && self.0.iter().zip(&other.0).all(is_like)
    }

    /// What a path has in the places of the names, if it fits.
    pub(super) fn fit(&self, path: &str) -> Option<BTreeMap<String, String>> {
        let parts: Vec<_> = path.strip_prefix(PREFIX)?.split('/').collect();
        if parts.len() != self.0.len() {
            return None;
        }
        let mut given = BTreeMap::new();
        for (part, text) in self.0.iter().zip(parts) {
            let text = decoded(text)?;
            match part {
                Part::Word(word) if *word == text => {}
                Part::Word(_) => return None,
                Part::Capture(_) if text.is_empty() => return None,
                Part::Capture(name) => {
                    given.insert(name.clone(), text);
                }
            }
        }
        Some(given)
    }
}

/// Undoes percent-encoding; nothing that is no UTF-8, or has a NUL in it.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        rest = after;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let [high, low, after @ ..] = rest else {
            return None;
        };
        let digit = |b: u8| {
            char::from(b)
                .to_digit(16)
                .and_then(|d| u8::try_from(d).ok())
        };
        bytes.push(digit(*high)? << 4 | digit(*low)?);
        rest = after;
    }
    let text = String::from_utf8(bytes).ok()?;
    (!text.contains('\0')).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fit(pattern: &str, path: &str) -> Option<Vec<(String, String)>> {
        let pattern = Pattern::new(pattern).expect("a pattern");
        pattern.fit(path).map(|given| given.into_iter().collect())
    }

    #[test]
    fn what_stands_in_a_names_place_is_given_decoded() {
        let given = |name: &str, text: &str| Some(vec![(name.to_owned(), text.to_owned())]);
        let pattern = "/api/views/scores/{player}/all";
        assert_eq!(
            fit(pattern, "/api/views/scores/7/all"),
            given("player", "7")
        );
        let odd = "/api/views/scores/%27%20or%2F1=1%C3%A4/all";
        assert_eq!(fit(pattern, odd), given("player", "' or/1=1ä"));
        for other in [
            "/api/views/scores//all",
            "/api/views/scores/7",
            "/api/views/scores/7/all/",
            "/api/views/scores/7/8/all",
            "/api/views/scores/%FF/all",
            "/api/views/scores/%00/all",
            "/api/views/scores/%2/all",
            "/api/views/scores/%zz/all",
            "/api/views/scores/+7/al",
        ] {
            assert_eq!(fit(pattern, other), None, "{other}");
        }
    }

    #[test]
    fn a_path_that_is_none_is_told_so() {
        for (path, told) in [
            (
                "/scores",
                "\"/scores\": expected /api/views/ at its beginning",
            ),
            (
                "/api/views/",
                "\"/api/views/\": \"\" is neither a word nor {a_name}",
            ),
            (
                "/api/views/a/{b",
                "\"/api/views/a/{b\": \"{b\" is neither a word nor {a_name}",
            ),
            (
                "/api/views/../a",
                "\"/api/views/../a\": \"..\" is neither a word nor {a_name}",
            ),
            (
                "/api/views/{a}/{a}",
                "\"/api/views/{a}/{a}\": {a} is there twice",
            ),
        ] {
            assert_eq!(Pattern::new(path).expect_err("none"), told);
        }
    }
}
