//! A member's link, whichever of the subprotocols it speaks.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use downbeat::wire::SUBPROTOCOL;
use downbeat::{Game, Incoming, LinkError, Outgoing};
use futures_core::Stream;
use futures_sink::Sink;

use crate::json_link::{FieldNames, JSON_SUBPROTOCOL, JsonLink};
use crate::local_link::LocalLink;
use crate::registry::Wire;
use crate::ws_link::WsLink;

/// The subprotocols; the first one that a client offers is spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Speech {
    /// Binary messages, as of `downbeat.v1`.
    Binary,
    /// Texts, as of `downbeat.v1.json`.
    Json,
}

impl Speech {
    pub(crate) const ALL: [Self; 2] = [Self::Binary, Self::Json];

    /// What it is called in the handshake.
    pub(crate) const fn subprotocol(self) -> &'static str {
        match self {
            Self::Binary => SUBPROTOCOL,
            Self::Json => JSON_SUBPROTOCOL,
        }
    }
}

/// A link to a member.
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all members speak binary, and need no box"
)]
pub(crate) enum MemberLink<G: Game> {
    Binary(WsLink),
    Json(Box<JsonLink<G, WsLink>>),
    /// A piece of this program.
    Local(Box<JsonLink<G, LocalLink>>),
}

impl<G: Game> MemberLink<G> {
    pub(crate) fn new(link: Wire, names: &Arc<FieldNames>) -> Self {
        let names = Arc::clone(names);
        match link {
            Wire::Socket(link) => match link.speech() {
                Speech::Binary => Self::Binary(link),
                Speech::Json => Self::Json(Box::new(JsonLink::new(link, names))),
            },
            Wire::Local(link) => Self::Local(Box::new(JsonLink::new(link, names))),
        }
    }

    pub(crate) fn into_inner(self) -> Wire {
        match self {
            Self::Binary(link) => Wire::Socket(link),
            Self::Json(link) => Wire::Socket(link.into_inner()),
            Self::Local(link) => Wire::Local(link.into_inner()),
        }
    }
}

/// Passes a call on to whichever it is.
macro_rules! pass {
    ($self:ident.$method:ident($($argument:ident)?)) => {
        match &mut *$self {
            Self::Binary(link) => Pin::new(link).$method($($argument)?),
            Self::Json(link) => Pin::new(&mut **link).$method($($argument)?),
            Self::Local(link) => Pin::new(&mut **link).$method($($argument)?),
        }
    };
}

impl<G: Game> Stream for MemberLink<G> {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        pass!(self.poll_next(cx))
    }
}

impl<G: Game> Sink<Outgoing> for MemberLink<G> {
    type Error = LinkError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        pass!(self.poll_ready(cx))
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        pass!(self.start_send(item))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        pass!(self.poll_flush(cx))
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        pass!(self.poll_close(cx))
    }
}
