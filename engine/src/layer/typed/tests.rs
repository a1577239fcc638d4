use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::layer::Value;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Note {
    ChatMessage {
        text: String,
        from: Option<String>,
    },
    ChatKick(Kick),
    RoundOver,
    Score(u32),
    Pair(u8, String),
    #[serde(rename = "lobby.full")]
    Lobby {
        seats: Vec<u16>,
    },
    #[serde(rename = "old_style")]
    Old,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Kick {
    who: String,
    seconds: i64,
    why: Why,
    extra: BTreeMap<String, f32>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
enum Why {
    Rude,
    Other(String),
}

fn read(message: &Message) -> Result<Note, NotUnderstood> {
    from_message(message)
}

/// There and back.
fn check(note: &Note, message: &Message) {
    assert_eq!(to_message(note).as_ref(), Ok(message));
    assert_eq!(read(message).as_ref(), Ok(note));
}

#[test]
fn a_variant_is_its_words_and_its_fields() {
    let text = || "hi".to_owned();
    let from = None;
    check(
        &Note::ChatMessage { text: text(), from },
        &Message::of("chat.message")
            .with("text", "hi")
            .with("from", Value::Null),
    );
    check(&Note::RoundOver, &Message::of("round.over"));
    check(&Note::Score(7), &Message::of("score").with("value", 7));
    let pair = vec![Value::Int(1), "two".into()];
    check(
        &Note::Pair(1, "two".into()),
        &Message::of("pair").with("value", pair),
    );
    let seats = vec![Value::Int(1), Value::Int(65535)];
    check(
        &Note::Lobby {
            seats: vec![1, 65535],
        },
        &Message::of("lobby.full").with("seats", seats),
    );
    check(&Note::Old, &Message::of("old_style"));
    let kick = Kick {
        who: "eve".into(),
        seconds: -1,
        why: Why::Other("spam".into()),
        extra: BTreeMap::from([("heat".into(), 0.5)]),
    };
    let why = Value::Map(BTreeMap::from([("Other".into(), "spam".into())]));
    let extra = Value::Map(BTreeMap::from([("heat".into(), 0.5.into())]));
    check(
        &Note::ChatKick(kick),
        &Message::of("chat.kick")
            .with("who", "eve")
            .with("seconds", -1)
            .with("why", why)
            .with("extra", extra),
    );
}

#[test]
fn words_of_a_name_are_found() {
    for (name, kind) in [
        ("ChatMessage", "chat.message"),
        ("A", "a"),
        ("HTTPError", "http.error"),
        ("Room2Closed", "room2.closed"),
        ("chat_message", "chat_message"),
        ("chat.message", "chat.message"),
    ] {
        assert_eq!(kind_of(name), kind);
    }
}

#[test]
fn dots_and_underscores_are_the_same_to_who_reads() {
    let message = Message::of("chat_message").with("text", "hi");
    let from = None;
    let text = "hi".into();
    assert_eq!(read(&message), Ok(Note::ChatMessage { text, from }));
    assert_eq!(read(&Message::of("old.style")), Ok(Note::Old));
    assert_eq!(
        read(&Message::of("lobby_full").with("seats", Value::List(vec![]))),
        Ok(Note::Lobby { seats: vec![] })
    );
}

#[test]
fn unknown_fields_are_passed_over() {
    let message = Message::of("chat.message")
        .with("text", "hi")
        .with("room", Value::List(vec![Value::Null, Value::Float(1.0)]))
        .with("more", Value::Map(BTreeMap::new()));
    assert!(read(&message).is_ok());
    assert_eq!(
        read(&Message::of("round.over").with("more", 1)),
        Ok(Note::RoundOver)
    );
}

#[test]
fn unknown_types_are_told_from_wrong_contents() {
    let unknown = |kind: &str| Err(NotUnderstood::Unknown(kind.into()));
    assert_eq!(read(&Message::of("chat.shout")), unknown("chat.shout"));
    assert_eq!(read(&Message::of("ChatMessage")), unknown("ChatMessage"));
    assert_eq!(read(&Message::of("")), unknown(""));
    assert_eq!(read(&Message::default()), unknown(""));
    assert_eq!(read(&Message::default().with("type", 3)), unknown(""));
    assert_eq!(
        from_message::<()>(&Message::of("any")),
        Err(NotUnderstood::Unknown("any".into()))
    );
    for wrong in [
        Message::of("chat.message"),
        Message::of("chat.message").with("text", 3),
        Message::of("score"),
        Message::of("score").with("value", -1),
        Message::of("score").with("value", i64::from(u32::MAX) + 1),
        Message::of("pair").with("value", Value::List(vec![])),
        Message::of("chat.kick").with("who", "x"),
        Message::of("lobby.full").with("seats", vec![Value::Int(65536)]),
    ] {
        let read = read(&wrong);
        assert!(
            matches!(read, Err(NotUnderstood::Malformed(_))),
            "{wrong:?}: {read:?}"
        );
    }
}

#[test]
fn what_no_layer_carries_is_refused_when_it_is_written() {
    #[derive(Serialize)]
    enum Bad {
        Big(u64),
        Named { r#type: u8 },
        Keys(BTreeMap<u8, u8>),
    }
    for bad in [
        Bad::Big(1 << 63),
        Bad::Named { r#type: 1 },
        Bad::Keys(BTreeMap::from([(1, 1)])),
    ] {
        assert!(to_message(&bad).is_err());
    }
    assert_eq!(
        to_message(&Bad::Big(7)),
        Ok(Message::of("big").with("value", 7))
    );
    assert!(to_message(&3).is_err());
    assert!(to_message(&"chat.message").is_err());
    assert!(to_message(&vec![1]).is_err());
}

#[test]
fn a_struct_and_a_raw_message_are_messages_too() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct ChatMessage {
        text: String,
    }
    let chat = ChatMessage { text: "hi".into() };
    let message = Message::of("chat.message").with("text", "hi");
    assert_eq!(to_message(&chat).as_ref(), Ok(&message));
    assert_eq!(from_message::<ChatMessage>(&message), Ok(chat));
    assert!(from_message::<ChatMessage>(&Message::of("chat.typing").with("text", "hi")).is_err());
    assert_eq!(to_message(&message), Ok(message.clone()));
    assert_eq!(from_message(&message), Ok(message));
}

#[test]
fn bytes_are_also_lists() {
    #[derive(Debug, PartialEq, Deserialize)]
    enum Blob {
        Blob { bytes: Vec<u8>, more: Vec<i64> },
    }
    let message = Message::of("blob")
        .with("bytes", vec![0u8, 255])
        .with("more", vec![Value::Int(-1)]);
    let (bytes, more) = (vec![0, 255], vec![-1]);
    assert_eq!(from_message(&message), Ok(Blob::Blob { bytes, more }));
}
