//! The words of a generated module: what may be a name or a key in JavaScript.

/// Words that a declaration must not be called: JavaScript's own and those that are imported.
const RESERVED: &[&str] = &[
    "arguments",
    "await",
    "break",
    "case",
    "catch",
    "class",
    "const",
    "continue",
    "debugger",
    "default",
    "delete",
    "do",
    "else",
    "enum",
    "eval",
    "export",
    "extends",
    "false",
    "finally",
    "for",
    "function",
    "if",
    "implements",
    "import",
    "in",
    "instanceof",
    "interface",
    "let",
    "new",
    "null",
    "package",
    "private",
    "protected",
    "public",
    "return",
    "static",
    "super",
    "switch",
    "this",
    "throw",
    "true",
    "try",
    "typeof",
    "undefined",
    "var",
    "void",
    "while",
    "with",
    "yield",
    "Infer",
    "bool",
    "bytes",
    "defineGame",
    "f32",
    "f64",
    "heading",
    "headingRadians",
    "i16",
    "i32",
    "i64",
    "i8",
    "list",
    "names",
    "option",
    "owner",
    "position",
    "quantised",
    "replicated",
    "str",
    "struct",
    "team",
    "tuple",
    "u16",
    "u32",
    "u64",
    "u8",
    "unit",
    "variants",
    "vec2",
];

pub(super) fn is_reserved(name: &str) -> bool {
    RESERVED.contains(&name)
}

/// What a game's own export is called: `two-words` is `twoWords`.
pub(crate) fn constant(game: &str) -> String {
    let mut name = String::new();
    for (at, word) in game
        .split(['-', '_'])
        .filter(|word| !word.is_empty())
        .enumerate()
    {
        let mut chars = word.chars();
        match chars.next() {
            Some(first) if at > 0 => name.extend(first.to_uppercase()),
            Some(first) => name.push(first),
            None => {}
        }
        name.push_str(chars.as_str());
    }
    if is_reserved(&name) {
        name.push_str("Game");
    }
    if name.starts_with(|c: char| !c.is_ascii_alphabetic()) || name.is_empty() {
        name.insert_str(0, "game");
    }
    name
}

/// A type's name as JavaScript takes it: serde may have been told to use any text.
pub(super) fn type_name(rust: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let name: String = rust
        .chars()
        .map(|c| if is_word(c) { c } else { '_' })
        .collect();
    if name.starts_with(|c: char| c.is_ascii_digit()) || name.is_empty() {
        format!("_{name}")
    } else {
        name
    }
}

/// A key of an object literal, if its place among the others is kept and it has no powers.
pub(super) fn key(name: &str) -> Option<String> {
    let is_number = !name.is_empty() && name.bytes().all(|b| b.is_ascii_digit());
    if is_number || name == "__proto__" {
        return None;
    }
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '$';
    let is_plain = name.chars().all(is_word) && name.starts_with(|c: char| !c.is_ascii_digit());
    Some(if is_plain {
        name.to_owned()
    } else {
        quoted(name)
    })
}

/// A string literal.
pub(super) fn quoted(text: &str) -> String {
    let mut literal = String::from("'");
    for c in text.chars() {
        match c {
            '\'' | '\\' => literal.extend(['\\', c]),
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                literal.push_str(&format!("\\u{{{:x}}}", u32::from(c)));
            }
            c => literal.push(c),
        }
    }
    literal.push('\'');
    literal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_games_export_is_a_word_that_is_free() {
        for (game, expect) in [
            ("arena", "arena"),
            ("two-words_more", "twoWordsMore"),
            ("team", "teamGame"),
            ("class", "classGame"),
            ("2048", "game2048"),
            ("_", "game"),
        ] {
            assert_eq!(constant(game), expect, "{game}");
        }
    }

    #[test]
    fn keys_are_quoted_where_they_must_be_and_refused_where_they_would_move() {
        for (name, expect) in [
            ("flower_hue", Some("flower_hue")),
            ("type", Some("type")),
            ("a b", Some("'a b'")),
            ("it's", Some("'it\\'s'")),
            ("", Some("''")),
            ("7", None),
            ("__proto__", None),
        ] {
            assert_eq!(key(name).as_deref(), expect, "{name}");
        }
        assert_eq!(quoted("a\u{2028}\n"), "'a\\u{2028}\\u{a}'");
    }
}
