//! `downbeat.v1.json`: the same conversation in texts, for debugging and for quick clients in any
//! language.
//!
//! In: a link that brings texts as its binary messages (see `ws_link`). Out: a link that speaks
//! binary to the room and texts to the peer. The room does not know the difference: what waits,
//! what is skipped and when a member is too slow is decided there, by the same rules, since this
//! link is ready when the inner one is and starts one text at most for each tick. It keeps a copy
//! of what the member sees, so such a member costs more than others.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use downbeat::client::{Applied, View};
use downbeat::wire::{Close, CloseCode};
use downbeat::{Game, Incoming, Link, LinkError, Outgoing, codec};
use futures_core::Stream;
use futures_sink::Sink;

use crate::limits::JSON_TEXT_BYTES_MAX;

mod said;
mod told;

pub(crate) use said::{Hello, hello};
pub(crate) use told::FieldNames;

/// What client and server must agree on to talk like this.
pub(crate) const JSON_SUBPROTOCOL: &str = "downbeat.v1.json";

const TOO_BIG: Close = Close::with_reason(
    CloseCode::TooBig,
    "room is too big for JSON, use downbeat.v1",
);

/// A link that translates between a room and a peer that speaks JSON.
pub(crate) struct JsonLink<G: Game, L> {
    inner: L,
    /// What the peer has been told, once it has read everything.
    view: Box<View<G>>,
    names: Arc<FieldNames>,
    /// The peer said what it must not: the rest of what it says is of no interest.
    garbled: bool,
    /// The goodbye is out, nothing may follow it.
    closed: bool,
}

impl<G: Game, L: Link> JsonLink<G, L> {
    pub(crate) fn new(inner: L, names: Arc<FieldNames>) -> Self {
        let mut view = Box::new(View::new());
        view.track_changes();
        Self {
            inner,
            view,
            names,
            garbled: false,
            closed: false,
        }
    }

    pub(crate) fn into_inner(self) -> L {
        self.inner
    }

    /// The message that a text means, in binary.
    fn translate(&self, text: &[u8]) -> Result<Bytes, LinkError> {
        let seen = self.view.tick;
        // The game's own `Deserialize` may panic over a hostile text.
        let message =
            catch_unwind(|| said::message::<G::Input>(text, seen).map(|m| codec::encode(&m)));
        match message {
            Ok(Ok(bytes)) => return Ok(bytes.into()),
            Ok(Err(error)) => tracing::debug!(error, "bad JSON message"),
            // Dropping what it panicked with might panic again.
            Err(payload) => std::mem::forget(payload),
        }
        Err(LinkError::Peer(CloseCode::BadData))
    }

    /// Takes a message of the room in; answers what the peer is told of it, if anything.
    fn retell(&mut self, message: &[u8]) -> Result<Option<String>, LinkError> {
        let told = catch_unwind(AssertUnwindSafe(|| {
            let applied = self.view.apply(message).map_err(io::Error::other)?;
            Ok(match applied {
                Applied::Part => None,
                Applied::Welcome => self.view.welcome.as_ref().map(told::welcome),
                Applied::Pong(pong) => Some(told::pong(&pong)),
                Applied::Frame { .. } => Some(told::frame(&mut self.view, &self.names)),
            })
        }));
        told.unwrap_or_else(|payload| {
            std::mem::forget(payload);
            let what = "the game panicked when its state was written as JSON";
            Err(LinkError::Lost(io::Error::other(what)))
        })
    }

    fn inner(&mut self) -> Pin<&mut L> {
        Pin::new(&mut self.inner)
    }
}

impl<G: Game, L: Link> Stream for JsonLink<G, L> {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let incoming = ready!(self.inner().poll_next(cx));
        Poll::Ready(match incoming {
            Some(Ok(Incoming::Binary(_) | Incoming::Text)) if self.garbled => {
                Some(Ok(Incoming::Text))
            }
            Some(Ok(Incoming::Binary(text))) => {
                let translated = self.translate(&text);
                self.garbled = translated.is_err();
                Some(translated.map(Incoming::Binary))
            }
            Some(Ok(Incoming::Text)) => {
                self.garbled = true;
                Some(Err(LinkError::Peer(CloseCode::BadData)))
            }
            other => other,
        })
    }
}

impl<G: Game, L: Link> Sink<Outgoing> for JsonLink<G, L> {
    type Error = LinkError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.inner().poll_ready(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        if self.closed {
            return Ok(());
        }
        let item = match item {
            Outgoing::Frame(bytes) => match self.retell(&bytes)? {
                None => return Ok(()),
                Some(text) if text.len() > JSON_TEXT_BYTES_MAX => {
                    tracing::debug!(bytes = text.len(), "JSON text too big");
                    Outgoing::Close(TOO_BIG)
                }
                Some(text) => Outgoing::Text(text),
            },
            other => other,
        };
        self.closed = matches!(item, Outgoing::Close(_));
        self.inner().start_send(item)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.inner().poll_flush(cx)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.inner().poll_close(cx)
    }
}

#[cfg(test)]
mod tests;
