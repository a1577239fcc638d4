//! What a peer says in JSON. In: a text. Out: the message that it means.

use downbeat::wire::ClientMessage;
use downbeat::{Data, Tick};
use serde::Deserialize;
use serde_json::Value;

/// How far the picture lags behind where a client does not say. Units: quarters of a tick.
const BEHIND: u8 = 8;

/// The fields of all messages; which of them there must be is told by the type.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Said {
    r#type: String,
    name: Option<String>,
    schema: Option<u32>,
    seq: Option<u32>,
    seen: Option<u32>,
    behind: Option<u8>,
    token: Option<u32>,
    /// An input without contents is null, or nothing at all.
    #[serde(default)]
    input: Value,
}

/// The first message of a peer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Hello {
    /// What it wants to be called.
    pub(crate) name: String,
    /// The types that it was built for, if it was built for some.
    pub(crate) schema: Option<u32>,
}

/// Reads the first message.
pub(crate) fn hello(text: &[u8]) -> Result<Hello, String> {
    let said = parse(text)?;
    match said.r#type.as_str() {
        "hello" => Ok(Hello {
            name: said.name.unwrap_or_default(),
            schema: said.schema,
        }),
        other => Err(format!("type {other:?}, expected \"hello\"")),
    }
}

/// Reads any later message; `newest` is the tick that the peer was sent last.
pub(super) fn message<I: Data>(text: &[u8], newest: Tick) -> Result<ClientMessage<I>, String> {
    let said = parse(text)?;
    let seen = said.seen.map_or(newest, Tick::new);
    match said.r#type.as_str() {
        "input" => Ok(ClientMessage::Input {
            seq: said.seq.ok_or("an input without seq")?,
            seen,
            behind: said.behind.unwrap_or(BEHIND),
            input: serde_json::from_value(said.input).map_err(|error| error.to_string())?,
        }),
        "seen" => Ok(ClientMessage::Seen { seen }),
        "ping" => Ok(ClientMessage::Ping {
            seen,
            token: said.token.unwrap_or_default(),
        }),
        other => Err(format!(
            "type {other:?}, expected \"input\", \"seen\" or \"ping\""
        )),
    }
}

fn parse(text: &[u8]) -> Result<Said, String> {
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const NEWEST: Tick = Tick::new(300);

    #[test]
    fn an_input_may_say_what_it_saw_or_leave_it_out() {
        let input: BTreeMap<u8, f32> = BTreeMap::from([(7, 0.5)]);
        for (text, seen, behind) in [
            (r#"{"type":"input","seq":1,"input":{"7":0.5}}"#, 300, 8),
            (
                r#"{"type":"input","seq":1,"seen":9,"behind":3,"input":{"7":0.5}}"#,
                9,
                3,
            ),
        ] {
            let expect = ClientMessage::Input {
                seq: 1,
                seen: Tick::new(seen),
                behind,
                input: input.clone(),
            };
            assert_eq!(message(text.as_bytes(), NEWEST), Ok(expect), "{text}");
        }
    }

    #[test]
    fn other_messages_are_read() {
        let read = |text: &str| message::<()>(text.as_bytes(), NEWEST);
        let (seen, token) = (Tick::new(5), 7);
        assert_eq!(
            read(r#"{"type":"seen","seen":5}"#),
            Ok(ClientMessage::Seen { seen })
        );
        assert_eq!(
            read(r#"{"token":7,"type":"ping"}"#),
            Ok(ClientMessage::Ping {
                seen: NEWEST,
                token
            })
        );
        let hello = hello(br#"{"type":"hello","name":"Ada"}"#).expect("a hello");
        assert_eq!((&*hello.name, hello.schema), ("Ada", None));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for text in [
            "",
            "[]",
            "nonsense",
            r#"{"type":"hello","name":"Ada"}"#,
            r#"{"type":"dance"}"#,
            r#"{"type":"input","input":null}"#,
            r#"{"type":"input","seq":1,"input":"text"}"#,
            r#"{"type":"input","seq":-1}"#,
            r#"{"type":"input","seq":1,"extra":1}"#,
            r#"{"type":"seen","seen":1} 2"#,
        ] {
            let read = message::<()>(text.as_bytes(), NEWEST);
            assert!(read.is_err(), "{text} was read as {read:?}");
        }
        assert!(hello(br#"{"type":"input","seq":1}"#).is_err());
    }
}
