//! Messages as a game's own types: what `type` says picks the variant.
//!
//! A variant `ChatMessage { text }` is `{"type": "chat.message", "text": …}`: its words in lower
//! case, joined by dots. A variant that is renamed to `"chat.message"` or `"chat_message"` is taken
//! at its word. As in Channels, dots and underscores are the same to who reads.

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::Message;

mod read;
mod write;

/// Why a message is none of a game's own.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUnderstood {
    /// There is no such type here.
    #[error("no message is of type {0:?}")]
    Unknown(String),
    /// The type is known, what came with it is wrong.
    #[error("{0}")]
    Malformed(String),
}

/// Why a value cannot be sent as a message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotAMessage(pub(super) String);

/// Makes a message of a value: an enum's variant, a struct, or a map with a `type`.
///
/// # Errors
/// If it has something that no layer carries: a number above 63 bits, a map whose keys are no
/// texts, fields called `type`.
pub fn to_message<T: Serialize>(value: &T) -> Result<Message, NotAMessage> {
    write::write(value)
}

/// Reads a message as a value. Fields that it does not know are passed over.
///
/// # Errors
/// Why it is none.
pub fn from_message<T: DeserializeOwned>(message: &Message) -> Result<T, NotUnderstood> {
    T::deserialize(read::ReadMessage(message)).map_err(|error| error.0)
}

/// The type of a variant or struct of this name: `ChatMessage` is `chat.message`, `HTTPError` is
/// `http.error`; what begins with a small letter is as it should be.
fn kind_of(name: &str) -> String {
    if !name.starts_with(char::is_uppercase) {
        return name.into();
    }
    let chars: Vec<char> = name.chars().collect();
    let mut kind = String::with_capacity(name.len() + 4);
    for (at, &char) in chars.iter().enumerate() {
        let after_small = at > 0 && !chars[at - 1].is_uppercase();
        let before_small = chars.get(at + 1).is_some_and(|next| next.is_lowercase());
        if at > 0 && char.is_uppercase() && (after_small || before_small) {
            kind.push('.');
        }
        kind.extend(char.to_lowercase());
    }
    kind
}

/// Whether two types are the same to who reads.
fn is_same_kind(a: &str, b: &str) -> bool {
    let dotted = |byte: u8| if byte == b'_' { b'.' } else { byte };
    a.len() == b.len() && a.bytes().map(dotted).eq(b.bytes().map(dotted))
}

/// Where a variant's only value is, if it is no struct.
const ONLY_FIELD: &str = "value";

/// What says what a message is.
const TYPE_FIELD: &str = "type";

#[cfg(test)]
mod tests;
