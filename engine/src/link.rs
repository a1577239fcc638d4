//! A link: what a room task knows of a member's socket.
//!
//! The server makes links of WebSockets, tests make them of memory. Nothing here knows which.

use bytes::Bytes;
use futures_core::Stream;
use futures_sink::Sink;

use crate::wire::{Close, CloseCode};

/// What came in from a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// A binary message.
    Binary(Bytes),
    /// A text message.
    Text,
    /// The answer to [`Outgoing::Ping`], with its payload. A ping of the peer is answered by the
    /// link and shows up here as a pong without payload.
    Pong(Bytes),
    /// The peer says goodbye, with its code if it gave one.
    Close(Option<u16>),
}

/// What goes out to a member.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outgoing {
    /// A binary message.
    Frame(Bytes),
    /// A text message.
    Text(String),
    /// Asks the peer to answer with the same payload.
    Ping(Bytes),
    /// Says goodbye.
    Close(Close),
}

/// Why a link is of no use any more.
#[derive(Debug, thiserror::Error)]
pub enum LinkError {
    /// The peer did what it must not: it is told so.
    #[error("{}", .0.reason())]
    Peer(CloseCode),
    /// The connection broke.
    #[error("connection lost: {0}")]
    Lost(#[from] std::io::Error),
}

/// A member's socket: read as a stream, written as a sink.
///
/// The sink must accept what is started after `poll_ready` and hand it over in `poll_flush`; the
/// room task starts one message at a time and never waits.
pub trait Link:
    Stream<Item = Result<Incoming, LinkError>>
    + Sink<Outgoing, Error = LinkError>
    + Unpin
    + Send
    + 'static
{
}

impl<L> Link for L where
    L: Stream<Item = Result<Incoming, LinkError>>
        + Sink<Outgoing, Error = LinkError>
        + Unpin
        + Send
        + 'static
{
}
