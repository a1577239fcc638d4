//! What may be said: text that everybody can bear to read.
//!
//! A page must show it as text nevertheless (`textContent`), never as markup: nothing is escaped
//! here, for what is safe in one place is not in another.

use downbeat::limits::NAME_CHARS_MAX;

/// A line: a few sentences, and 2 KB of the emptiest alphabet.
pub(super) const TEXT_CHARS_MAX: usize = 500;

/// Marks that may follow one letter: languages need two or three, towers of them hide the lines
/// above.
const MARKS_MAX: usize = 4;

/// Text without what cannot be seen or turns it around, on one line; `None` if nothing is left.
pub(super) fn clean(text: &str) -> Option<String> {
    let mut cleaned = String::new();
    let mut marks = 0;
    for c in text.chars().filter(|&c| c.is_whitespace() || is_visible(c)) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if is_mark(c) {
            marks += 1;
        } else if !is_joiner(c) {
            marks = 0;
        }
        let is_second_space = c == ' ' && (cleaned.is_empty() || cleaned.ends_with(' '));
        if !is_second_space && marks <= MARKS_MAX {
            cleaned.push(c);
        }
    }
    cleaned.truncate(cleaned.trim_end().len());
    let can_be_seen = cleaned.chars().any(|c| c != ' ' && !is_joiner(c));
    can_be_seen.then_some(cleaned)
}

/// The same, not longer than it may be; for what comes from programs, which nobody could tell.
pub(super) fn clean_and_cut(text: &str, chars_max: usize) -> Option<String> {
    let cut: String = clean(text)?.chars().take(chars_max).collect();
    clean(&cut) // what is left may be nothing that can be seen
}

/// A name that came from elsewhere.
pub(super) fn clean_name(name: &str) -> String {
    clean_and_cut(name, NAME_CHARS_MAX).unwrap_or_default()
}

/// Whether a line is longer than it may be.
pub(super) fn is_too_long(text: &str) -> bool {
    text.chars().count() > TEXT_CHARS_MAX
}

/// Neither a control character nor one of those that Unicode made to steer the text around them.
/// Joiners stay: families of emojis and several scripts need them.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}'
            | '\u{180b}'..='\u{180f}' | '\u{200b}' | '\u{200e}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}'
            | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

/// What joins its neighbours, keeps them apart or picks a variant of them, and is nothing alone.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}'..='\u{200d}' | '\u{fe00}'..='\u{fe0f}')
}

/// The blocks of combining marks that towers are built of.
const fn is_mark(c: char) -> bool {
    matches!(c,
        '\u{300}'..='\u{36f}' | '\u{483}'..='\u{489}' | '\u{1ab0}'..='\u{1aff}'
        | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expect: Option<&str>) {
        assert_eq!(clean(text).as_deref(), expect, "{text:?}");
    }

    #[test]
    fn ordinary_text_stays_as_it_is() {
        for text in [
            "hi",
            "Grüße, 李小龍! 🦊",
            "a < b && c > d",
            "<b>bold</b>",
            "👩‍👩‍👧 می‌خواهم ❤️",
        ] {
            check(text, Some(text));
        }
    }

    #[test]
    fn a_line_is_one_line_without_what_cannot_be_seen() {
        check("  a \t\r\n\n b  ", Some("a b"));
        check("a\u{0}b\u{7}c\u{1b}[31m", Some("abc[31m"));
        check("abc\u{202e}fdp.exe", Some("abcfdp.exe"));
        check("\u{feff}a\u{200b}b\u{2066}c", Some("abc"));
    }

    #[test]
    fn nothing_that_can_be_seen_is_nothing_said() {
        for text in ["", " ", "\n\n", "\u{200b}\u{202e}", "\u{0}"] {
            check(text, None);
        }
        for joiners in ["\u{200d}", "\u{200c} \u{200d}\u{fe0f}"] {
            check(joiners, None);
        }
        let late = format!("{}a", "\u{200d}".repeat(NAME_CHARS_MAX));
        assert_eq!(clean_name(&late), "");
    }

    #[test]
    fn towers_of_marks_are_cut_and_letters_with_some_are_not() {
        check("Ạ̈́", Some("Ạ̈́"));
        let tower = format!("a{}b", "\u{301}".repeat(50));
        check(&tower, Some(&format!("a{}b", "\u{301}".repeat(4))));
        for gap in ["\u{200b}", "\u{0}", "\u{200d}", "\u{200c}", "\u{fe0f}"] {
            let floor = format!("{}{gap}", "\u{301}".repeat(4));
            let cleaned = clean(&format!("a{}", floor.repeat(9))).expect("text");
            assert_eq!(
                cleaned.chars().filter(|&c| is_mark(c)).count(),
                4,
                "{gap:?}"
            );
        }
    }

    #[test]
    fn length_is_counted_in_characters() {
        assert!(!is_too_long(&"ß".repeat(500)));
        assert!(is_too_long(&"ß".repeat(501)));
        let cut = clean_and_cut(&"ß".repeat(600), TEXT_CHARS_MAX).expect("text");
        assert_eq!(cut.chars().count(), 500);
        assert_eq!(clean_name("  Django\n"), "Django");
        assert_eq!(clean_name(&"x".repeat(99)).len(), NAME_CHARS_MAX);
    }
}
