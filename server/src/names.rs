//! What players are called: what they ask for in, what everybody can bear to read out.

use std::sync::atomic::{AtomicU32, Ordering};

use downbeat::limits::NAME_CHARS_MAX;
use unicode_normalization::UnicodeNormalization as _;

/// Makes names, and numbers those who have none.
#[derive(Debug, Default)]
pub(crate) struct Names {
    guests: AtomicU32,
}

impl Names {
    /// The name that is shown for what was asked for: trimmed, cut to 24 characters, without
    /// what cannot be seen or turns the text around; `guest-N` if nothing is left of it.
    pub(crate) fn accept(&self, wanted: &str) -> String {
        let visible: String = wanted.chars().filter(|&c| is_visible(c)).collect();
        let name: String = visible.trim().chars().take(NAME_CHARS_MAX).collect();
        let name = name.trim_end();
        if name.is_empty() {
            let number = self.guests.fetch_add(1, Ordering::Relaxed);
            format!("guest-{}", number.wrapping_add(1))
        } else {
            name.to_owned()
        }
    }
}

/// The name that an account gets if it may be called this: what [`Names::accept`] would leave as
/// it is, of one alphabet, and not what guests are called.
pub(crate) fn account_name(wanted: &str) -> Option<String> {
    let name: String = wanted.trim().nfc().collect();
    let chars = name.chars().count();
    let good = (1..=NAME_CHARS_MAX).contains(&chars)
        && name.chars().all(is_visible)
        && !is_mixed(&name)
        && !fold(&name).starts_with("guest-")
        && !fold(&name).is_empty();
    good.then_some(name)
}

/// What two names have in common that look alike: case, width, and letters that are drawn the
/// same in Latin, Greek and Cyrillic.
pub(crate) fn fold(name: &str) -> String {
    let compatible = name.trim().nfkc().collect::<String>().to_lowercase();
    let visible = compatible
        .nfkc()
        .filter(|&c| is_visible(c) && !c.is_whitespace());
    visible.map(look).collect()
}

/// The Latin letter that looks like this one, in lower or upper case.
const fn look(c: char) -> char {
    match c {
        'а' | 'α' => 'a',
        'в' | 'β' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'н' | 'η' | 'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' | 'μ' => 'm',
        'ν' => 'n',
        'о' | 'ο' | 'օ' => 'o',
        'р' | 'ρ' => 'p',
        'ԛ' => 'q',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'ԝ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'υ' => 'y',
        'ζ' => 'z',
        other => other,
    }
}

/// Whether letters of Latin, Greek and Cyrillic stand side by side.
fn is_mixed(name: &str) -> bool {
    let alphabet = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Some(0),
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(1),
        '\u{400}'..='\u{52f}' => Some(2),
        _ => None,
    };
    let compatible: String = name.nfkc().collect();
    let mut alphabets = compatible.chars().filter_map(alphabet);
    let first = alphabets.next();
    alphabets.any(|other| Some(other) != first)
}

/// Neither a control character nor one of those that Unicode made to steer the text around them.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(wanted: &str, expect: &str) {
        assert_eq!(Names::default().accept(wanted), expect, "{wanted:?}");
    }

    #[test]
    fn ordinary_names_stay_as_they_are() {
        for name in ["Ada", "Jean-Luc 2", "Zoë", "李小龍", "Ольга", "🦊 fox"] {
            check(name, name);
        }
    }

    #[test]
    fn what_cannot_be_seen_goes() {
        check("  Ada\t", "Ada");
        check("A\u{202e}da", "Ada");
        check("\u{200b}\u{feff}Ada\0\n", "Ada");
        check("\u{200b} Ada", "Ada");
    }

    #[test]
    fn long_names_are_cut_by_characters_not_bytes() {
        check(&"é".repeat(30), &"é".repeat(24));
        check("123456789 123456789 123 567", "123456789 123456789 123");
    }

    #[test]
    fn the_nameless_are_numbered() {
        let names = Names::default();
        assert_eq!(names.accept(""), "guest-1");
        assert_eq!(names.accept(" \u{200d} "), "guest-2");
    }

    #[test]
    fn accounts_are_called_what_can_be_seen_and_told_apart() {
        for name in ["Ada", "Zoë", "李小龍", "Ольга", "🦊 fox", "x"] {
            assert_eq!(account_name(name).as_deref(), Some(name));
        }
        assert_eq!(account_name(" Ada ").as_deref(), Some("Ada"));
        assert_eq!(account_name("Zoe\u{308}").as_deref(), Some("Zoë"));
        for name in [
            "",
            "  ",
            "A\u{200b}da",
            "A\u{202e}da",
            "Ada\0",
            "\u{410}da", // A of Cyrillic, the rest Latin
            "guest-7",
            "Ｇuest-7",
            &"x".repeat(25),
        ] {
            assert_eq!(account_name(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_that_look_alike_are_one() {
        for (one, other) in [
            ("Ada", "aDA"),
            ("Ada", " ada "),
            ("Ada", "Ａｄａ"),
            ("Zoë", "zoe\u{308}"),
            ("coco", "сосо"),
            ("ﬁx", "fix"),
            ("Jean Luc", "jeanluc"),
        ] {
            assert_eq!(fold(one), fold(other), "{one} {other}");
        }
        assert_ne!(fold("Ada"), fold("Adb"));
        assert_ne!(fold("Zoë"), fold("Zoe"));
    }
}
