//! Messages of a member that no client of ours makes: each ends with the code of PROTOCOL.md.

use super::case::{Case, HANDSHAKE};
use super::raw::frame;
use super::stage::hello_message;

pub(crate) fn cases() -> Vec<Case> {
    let mut cases = first_messages();
    cases.extend(binary());
    cases.extend(json());
    cases
}

/// Upgrades and says this first.
fn first(name: &str, speech: &'static str, bytes: Vec<u8>, expect: u16) -> Case {
    Case::new(format!("first message: {name}"), &[expect], move |stage| {
        let handshake = HANDSHAKE.replace("downbeat.v1", speech);
        let mut raw = stage.upgraded(&handshake).expect("let in");
        raw.send(&bytes);
        let code = raw.goodbye();
        let audited = stage.audited("main");
        let last = audited.last().expect("a line");
        assert_eq!(last["outcome"], "turned_back", "{last}");
        assert_eq!(last["code"], code, "{last}");
        code
    })
}

fn first_messages() -> Vec<Case> {
    let hello = hello_message("Eve");
    let trailing = [&hello[..], &[0]].concat();
    let other_types = downbeat::client::hello("Eve", 0x0bad_0bad);
    let of_binary =
        |name, message: &[u8], expect| first(name, "downbeat.v1", frame(0x82, message), expect);
    let of_json = |name, text: &str, expect| {
        first(
            name,
            "downbeat.v1.json",
            frame(0x81, text.as_bytes()),
            expect,
        )
    };
    vec![
        of_binary("nothing", b"", 1007),
        of_binary("an input", &[1, 1, 0, 8, 0], 1007),
        of_binary("a ping", &[3, 0, 7], 1007),
        of_binary("an unknown kind", &[9], 1007),
        of_binary("half a hello", &hello[..hello.len() - 1], 1007),
        of_binary("a hello and a byte", &trailing, 1007),
        of_binary(
            "a name of 2^64 - 1 bytes",
            &[0, 0xfd, 255, 255, 255, 255, 255, 255, 255, 255],
            1007,
        ),
        of_binary("a name that is no UTF-8", &[0, 2, 0xc3, 0x28, 0], 1007),
        of_binary("other types", &other_types, 4009),
        of_binary("5 KiB", &[0; 5000], 1009),
        first(
            "text in the binary protocol",
            "downbeat.v1",
            frame(0x81, &hello),
            1007,
        ),
        first(
            "binary in JSON",
            "downbeat.v1.json",
            frame(0x82, b"{\"type\":\"hello\"}"),
            1007,
        ),
        of_json("empty text", "", 1007),
        of_json("an empty object", "{}", 1007),
        of_json("no JSON", "hello", 1007),
        of_json("a list", "[]", 1007),
        of_json("null", "null", 1007),
        of_json("an unknown type", r#"{"type":"admin"}"#, 1007),
        of_json("an unknown field", r#"{"type":"hello","admin":true}"#, 1007),
        of_json("two types", r#"{"type":"hello","type":"hello"}"#, 1007),
        of_json(
            "a schema beyond u32",
            r#"{"type":"hello","schema":4294967296}"#,
            1007,
        ),
        of_json(
            "a schema below zero",
            r#"{"type":"hello","schema":-1}"#,
            1007,
        ),
        of_json("JSON twice", r#"{"type":"hello"}{"type":"hello"}"#, 1007),
        of_json("a comment", r#"{"type":"hello"/*x*/}"#, 1007),
        of_json("a comma too many", r#"{"type":"hello",}"#, 1007),
        of_json(
            "other types in JSON",
            r#"{"type":"hello","schema":1}"#,
            4009,
        ),
        of_json(
            "5 KiB of JSON",
            &format!("{}{}", r#"{"type":"hello"}"#, " ".repeat(5000)),
            1009,
        ),
        of_json("a deep nest", &"[".repeat(4000), 1007),
    ]
}

fn binary() -> Vec<Case> {
    let whole = [1, 1, 0, 8, 0, 127, 0];
    let member = |name: &str, message: &[u8], expect| {
        let bytes = frame(0x82, message);
        Case::new(format!("message: {name}"), &[expect], move |stage| {
            stage.member_ends_with(&bytes)
        })
    };
    let mut cases: Vec<_> = (0..whole.len() - 1)
        .map(|cut| member(&format!("an input cut at byte {cut}"), &whole[..cut], 1007))
        .collect();
    cases.extend([
        member("an input and a byte", &[&whole[..], &[0]].concat(), 1007),
        member("a second hello", &hello_message("Mallory"), 1007),
        member("an unknown kind", &[4], 1007),
        member("kind 255", &[0xff], 1007),
        member("a kind of 16 bytes", &[0xfe; 17], 1007),
        member(
            "a seq beyond u32",
            &[&[1, 0xfd][..], &[0xff; 8], &whole[2..]].concat(),
            1007,
        ),
        member("an unknown input", &[1, 1, 0, 8, 200], 1007),
        member("4,097 bytes", &[0; 4097], 1009),
        member("a megabyte", &vec![0; 1 << 20], 1009),
        member(
            "a token beyond u32",
            &[&[3, 0, 0xfd][..], &[0xff; 8]].concat(),
            1007,
        ),
    ]);
    cases
}

fn json() -> Vec<Case> {
    let mut cases = Vec::new();
    for (name, text, expect) in [
        ("a second hello", r#"{"type":"hello"}"#.to_owned(), 1007),
        (
            "an input without seq",
            r#"{"type":"input","input":"Stop"}"#.into(),
            1007,
        ),
        (
            "an input that is none",
            r#"{"type":"input","seq":1,"input":{"Fly":1}}"#.into(),
            1007,
        ),
        (
            "a seq below zero",
            r#"{"type":"input","seq":-1,"input":null}"#.into(),
            1007,
        ),
        (
            "a seq with a fraction",
            r#"{"type":"input","seq":1.5,"input":null}"#.into(),
            1007,
        ),
        (
            "a seq beyond u32",
            r#"{"type":"input","seq":4294967296,"input":null}"#.into(),
            1007,
        ),
        (
            "a seq of 300 digits",
            format!(r#"{{"type":"input","seq":{}}}"#, "9".repeat(300)),
            1007,
        ),
        (
            "a walk beyond i8",
            r#"{"type":"input","seq":1,"input":{"Walk":{"dx":128,"dy":0}}}"#.into(),
            1007,
        ),
        ("NaN", r#"{"type":"ping","token":NaN}"#.into(), 1007),
        ("infinity", r#"{"type":"ping","token":1e999}"#.into(), 1007),
        ("half a text", r#"{"type":"pi"#.into(), 1007),
        (
            "a NUL behind",
            "{\"type\":\"ping\",\"token\":1}\0".into(),
            1007,
        ),
        (
            "a mark of byte order",
            "\u{feff}{\"type\":\"ping\",\"token\":1}".into(),
            1007,
        ),
        (
            "a nest of 2,000 lists",
            format!(r#"{{"type":"input","seq":1,"input":{}"#, "[".repeat(2000)),
            1007,
        ),
        (
            "a nest that is closed",
            format!(
                r#"{{"type":"input","seq":1,"input":{}{}}}"#,
                "[".repeat(1900),
                "]".repeat(1900)
            ),
            1007,
        ),
    ] {
        cases.push(Case::new(
            format!("JSON message: {name}"),
            &[expect],
            move |stage| {
                let handshake = HANDSHAKE.replace("downbeat.v1", "downbeat.v1.json");
                let mut raw = stage.upgraded(&handshake).expect("let in");
                raw.send(&frame(0x81, br#"{"type":"hello","name":"Eve"}"#));
                raw.send(&frame(0x81, text.as_bytes()));
                raw.goodbye()
            },
        ));
    }
    cases
}
