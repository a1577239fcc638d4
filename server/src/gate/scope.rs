//! What is known of somebody who wants in, and what hooks may say about it.

use std::collections::BTreeMap;
use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode};

use crate::member_link::Speech;
use downbeat::UserId;

/// Who somebody is, as far as a session, a ticket or another site's token tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// What everything calls it; `user.{id}` is its group on the layer.
    pub id: UserId,
    /// What others see.
    pub name: String,
    /// What stands behind it.
    pub kind: UserKind,
}

/// What stands behind a user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserKind {
    /// A session without a password.
    Guest,
    /// An account of this server.
    Account,
    /// A token that another site has signed.
    External,
}

impl User {
    /// Whether it is more than a guest: what `create = "signed-in"` asks for.
    pub const fn is_signed_in(&self) -> bool {
        !matches!(self.kind, UserKind::Guest)
    }
}

impl UserKind {
    /// The word for it in answers and in the store.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Guest => "guest",
            Self::Account => "account",
            Self::External => "external",
        }
    }

    /// The kind that has this word.
    pub(crate) fn of_word(word: &str) -> Option<Self> {
        let all = [Self::Guest, Self::Account, Self::External];
        all.into_iter().find(|kind| kind.word() == word)
    }
}

/// A request for a WebSocket on its way through the gate. A hook may read and change all of it;
/// what it leaves is what counts.
#[derive(Clone, Debug)]
pub struct Scope {
    /// The game that was asked for.
    pub game: String,
    /// The room that was asked for.
    pub room: String,
    /// The path as it was sent, without the query.
    pub path: String,
    /// The parts of the path that the route names, `game` and `room` among them.
    pub captures: BTreeMap<String, String>,
    /// The request's headers; credentials are not among them.
    pub headers: HeaderMap,
    /// Who asks: the address of the client, also behind trusted proxies.
    pub peer: IpAddr,
    /// The page that asks, if it is one.
    pub origin: Option<String>,
    /// What the client offers to speak, in its order; tickets are not among it.
    pub subprotocols: Vec<String>,
    /// Who it is; `None` is an anonymous guest.
    pub user: Option<User>,
    /// What hooks tell each other.
    pub extras: BTreeMap<String, serde_json::Value>,
    pub(crate) speaks: Option<(String, Speech)>,
}

impl Scope {
    /// Agrees on a subprotocol of one's own, which is then echoed: what the messages look like is
    /// told by `speech`.
    ///
    /// # Errors
    /// 400 if the client does not offer it: a browser would end the connection.
    pub fn speak(&mut self, subprotocol: &str, speech: Speech) -> Result<(), Denied> {
        if !self.subprotocols.iter().any(|word| word == subprotocol) {
            let text = format!("the subprotocol {subprotocol} must be offered");
            return Err(Denied::new(400, text));
        }
        self.speaks = Some((subprotocol.to_owned(), speech));
        Ok(())
    }
}

/// A hook's refusal: an HTTP status and a line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denied {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Denied {
    /// Refuses with a status from 400 to 599; any other becomes 403.
    pub fn new(status: u16, text: impl Into<String>) -> Self {
        let status = StatusCode::from_u16(status).ok();
        let status = status.filter(|s| s.is_client_error() || s.is_server_error());
        Self {
            status: status.unwrap_or(StatusCode::FORBIDDEN),
            text: text.into(),
        }
    }
}
