//! What players are called: what they ask for in, what everybody can bear to read out.

use std::sync::atomic::{AtomicU32, Ordering};

use downbeat::limits::NAME_CHARS_MAX;

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
}
