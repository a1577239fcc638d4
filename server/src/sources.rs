//! Sources of inputs and messages without a WebSocket: members that are pieces of this program.
//!
//! In: what a webhook, a device or a task has to say, as JSON. Out: a [`Peer`] in a room, which
//! came through the same route, limits and `admit` as everybody else.

use std::net::{IpAddr, Ipv4Addr};

use axum::http::HeaderMap;
use downbeat::wire::Close;

use crate::gate::scope::User;
use crate::local_link::{Closed, Peer};
use crate::services::Services;

pub(crate) mod lines;
mod visit;

/// Who comes in, and where to.
#[derive(Clone, Debug)]
pub struct Visit {
    /// The path of a socket, such as `/ws/chat/lobby`.
    pub path: String,
    /// What it wants to be called.
    pub name: String,
    /// Where it comes from: counts for the limits per address, and is in the scope.
    pub peer: IpAddr,
    /// Who it is, where the program knows.
    pub user: Option<User>,
    /// The headers of the request that brings it: it is whom their session names, and is closed
    /// (4003) when that session ends. One without a session is refused (401).
    pub headers: Option<HeaderMap>,
    /// A one-use ticket for this room, for whom the program does not know.
    pub ticket: Option<String>,
}

impl Visit {
    /// From this machine, of nobody in particular.
    pub fn new(path: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            path: path.into(),
            name: name.into(),
            peer: IpAddr::V4(Ipv4Addr::LOCALHOST),
            user: None,
            headers: None,
            ticket: None,
        }
    }
}

/// Why somebody did not get in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotConnected {
    /// Refused where a WebSocket would have got an HTTP answer.
    #[error("refused with {status}: {text}")]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// What a person reads.
        text: String,
    },
    /// Refused where a WebSocket would have been closed.
    #[error(transparent)]
    Closed(#[from] Closed),
}

impl From<Close> for NotConnected {
    fn from(close: Close) -> Self {
        Self::Closed(close.into())
    }
}

impl Services {
    /// Brings a member into a room without a socket: the same route, limits, `admit` and `join` as
    /// for a WebSocket that offers `downbeat.v1.json`, hello included. The first text that the
    /// [`Peer`] receives is the welcome; a game that refuses closes instead.
    ///
    /// # Errors
    /// Why it was not let in.
    pub async fn connect(&self, visit: Visit) -> Result<Peer, NotConnected> {
        let (place, deadline) = visit::admit(self, &visit)?;
        visit::connect(self, visit, place, deadline).await
    }
}
