//! A member's link without a socket: two bounded queues between a program's task and a room.
//!
//! In: texts of `downbeat.v1.json` that a [`Peer`] says. Out: what the room says to it. Room tasks
//! see a link like any other: one whose peer does not read is full, is skipped, and is closed with
//! 4008 in the end; one that says too much waits, or breaks its rate.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use downbeat::wire::{Close, CloseCode};
use downbeat::{Incoming, LinkError, Outgoing};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::sync::mpsc;
use tokio_util::sync::PollSender;

use crate::admission::Permit;
use crate::gate::stays::Place;
use crate::limits::{PEER_HEARS_MAX, PEER_SAYS_MAX};

/// The server's end.
pub(crate) struct LocalLink {
    says: mpsc::Receiver<Said>,
    hears: PollSender<Told>,
    message_bytes_max: usize,
    /// The peer said what it must not: the rest of what it says is of no interest.
    discarding: bool,
    /// It has said goodbye by letting go.
    ended: bool,
    /// Its place among the connections, and among its user's.
    _places: Option<Places>,
}

/// A place among the connections, and one among those of a user.
pub(crate) type Places = (Permit, Arc<Place>);

/// What a peer says.
enum Said {
    Text(Bytes),
    Pong(Bytes),
    Close(u16),
}

/// What a peer is told.
enum Told {
    Text(String),
    Ping(Bytes),
    Close(Close),
}

/// The end of a conversation, in the words of a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("closed with {code}: {reason}")]
pub struct Closed {
    /// Source: PROTOCOL.md § Close codes; 1006 where the other end vanished without a word.
    pub code: u16,
    /// A fixed text.
    pub reason: &'static str,
}

impl Closed {
    const VANISHED: Self = Self {
        code: 1006,
        reason: "the room let go",
    };
}

impl From<Close> for Closed {
    fn from(close: Close) -> Self {
        Self {
            code: close.code.number(),
            reason: close.reason,
        }
    }
}

/// A member of a room that is a piece of this program: what a WebSocket is to a client.
///
/// It speaks `downbeat.v1.json` (PROTOCOL.md) under the limits that hold for sockets. It must go
/// on calling [`receive`](Self::receive): who does not read is closed with 4008.
///
/// Dropped, it leaves at once.
pub struct Peer {
    says: mpsc::Sender<Said>,
    hears: mpsc::Receiver<Told>,
    ended: Option<Closed>,
}

/// Both ends of a link; a text of the peer has at most `message_bytes_max` bytes.
pub(crate) fn local_link(message_bytes_max: usize, places: Option<Places>) -> (LocalLink, Peer) {
    let (says, heard) = mpsc::channel(PEER_SAYS_MAX);
    let (tells, hears) = mpsc::channel(PEER_HEARS_MAX);
    let link = LocalLink {
        says: heard,
        hears: PollSender::new(tells),
        message_bytes_max,
        discarding: false,
        ended: false,
        _places: places,
    };
    let peer = Peer {
        says,
        hears,
        ended: None,
    };
    (link, peer)
}

impl Peer {
    /// Says something; waits while the room has not read what was said before.
    ///
    /// # Errors
    /// If the conversation is over. Its last words may still be there to [`receive`](Self::receive).
    pub async fn send(&self, json: impl Into<String>) -> Result<(), Closed> {
        let text = Bytes::from(json.into());
        let sent = self.says.send(Said::Text(text)).await;
        sent.map_err(|_| self.ended.unwrap_or(Closed::VANISHED))
    }

    /// The next text of the room.
    ///
    /// Cancel safe: nothing is lost when it is dropped before it is done.
    ///
    /// # Errors
    /// If the room said goodbye; from then on always.
    pub async fn receive(&mut self) -> Result<String, Closed> {
        loop {
            if let Some(ended) = self.ended {
                return Err(ended);
            }
            match self.hears.recv().await {
                Some(Told::Text(text)) => return Ok(text),
                // A room that is not heard asks again; a full queue is an answer of its own.
                Some(Told::Ping(payload)) => {
                    let _ = self.says.try_send(Said::Pong(payload));
                }
                Some(Told::Close(close)) => self.end(close.into()),
                None => self.end(Closed::VANISHED),
            }
        }
    }

    /// Says goodbye: the member leaves at once.
    pub async fn leave(self) {
        // An error means that the room was faster.
        let _ = self.says.send(Said::Close(1000)).await;
    }

    fn end(&mut self, closed: Closed) {
        self.ended = Some(closed);
        let _ = self.says.try_send(Said::Close(closed.code));
    }
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Peer")
            .field("ended", &self.ended)
            .finish_non_exhaustive()
    }
}

fn broken() -> LinkError {
    LinkError::Lost(io::ErrorKind::BrokenPipe.into())
}

impl Stream for LocalLink {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let said = match ready!(self.says.poll_recv(cx)) {
                None if self.ended => return Poll::Ready(None),
                None => {
                    self.ended = true;
                    Ok(Incoming::Close(None))
                }
                Some(Said::Close(code)) => Ok(Incoming::Close(Some(code))),
                Some(_) if self.discarding => continue,
                Some(Said::Pong(payload)) => Ok(Incoming::Pong(payload)),
                Some(Said::Text(text)) if text.len() > self.message_bytes_max => {
                    self.discarding = true;
                    Err(LinkError::Peer(CloseCode::TooBig))
                }
                Some(Said::Text(text)) => Ok(Incoming::Binary(text)),
            };
            return Poll::Ready(Some(said));
        }
    }
}

impl Sink<Outgoing> for LocalLink {
    type Error = LinkError;

    fn poll_ready(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.hears.poll_reserve(cx).map_err(|_| broken())
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        let told = match item {
            Outgoing::Text(text) => Told::Text(text),
            Outgoing::Ping(payload) => Told::Ping(payload),
            Outgoing::Close(close) => Told::Close(close),
            Outgoing::Frame(_) => unreachable!("what is spoken here is JSON"),
        };
        self.hears.send_item(told).map_err(|_| broken())
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn poll_close(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt as _, StreamExt as _};

    use super::*;

    fn text(text: &str) -> Outgoing {
        Outgoing::Text(text.into())
    }

    #[tokio::test]
    async fn both_ends_hear_each_other_in_order_and_a_ping_is_answered_by_itself() {
        let (mut link, mut peer) = local_link(64, None);
        peer.send("one").await.expect("open");
        peer.send("two").await.expect("open");
        for expect in ["one", "two"] {
            let said = link.next().await.expect("open").expect("no error");
            assert_eq!(said, Incoming::Binary(expect.into()));
        }
        link.send(Outgoing::Ping(Bytes::from_static(b"7")))
            .await
            .expect("open");
        link.send(text("hello")).await.expect("open");
        assert_eq!(peer.receive().await, Ok("hello".into()));
        let pong = link.next().await.expect("open").expect("no error");
        assert_eq!(pong, Incoming::Pong(Bytes::from_static(b"7")));
    }

    #[tokio::test]
    async fn a_goodbye_is_heard_for_ever_and_answered() {
        let (mut link, mut peer) = local_link(64, None);
        link.send(text("last")).await.expect("open");
        link.send(Outgoing::Close(CloseCode::TooSlow.into()))
            .await
            .expect("open");
        assert_eq!(peer.receive().await, Ok("last".into()));
        for _ in 0..2 {
            assert_eq!(peer.receive().await.map_err(|c| c.code), Err(4008));
        }
        let answer = link.next().await.expect("open").expect("no error");
        assert_eq!(answer, Incoming::Close(Some(4008)));
        drop(link);
        assert_eq!(peer.send("x").await.map_err(|c| c.code), Err(4008));
    }

    #[tokio::test]
    async fn who_says_too_much_at_once_is_told_once_and_heard_no_more() {
        let (mut link, peer) = local_link(4, None);
        for text in ["12345", "ok"] {
            peer.send(text).await.expect("open");
        }
        peer.leave().await;
        let first = link.next().await.expect("open");
        assert!(
            matches!(first, Err(LinkError::Peer(CloseCode::TooBig))),
            "{first:?}"
        );
        let next = link.next().await.expect("open").expect("no error");
        assert_eq!(next, Incoming::Close(Some(1000)));
    }

    #[tokio::test]
    async fn who_does_not_read_is_full_and_who_lets_go_has_said_goodbye() {
        let (mut link, mut peer) = local_link(64, None);
        for _ in 0..PEER_HEARS_MAX {
            link.feed(text("x")).await.expect("room for it");
        }
        let full =
            futures_util::poll!(std::future::poll_fn(|cx| Pin::new(&mut link).poll_ready(cx)));
        assert!(full.is_pending());
        peer.receive().await.expect("a text");
        link.feed(text("x")).await.expect("room again");
        drop(peer);
        assert!(matches!(
            link.feed(text("x")).await,
            Err(LinkError::Lost(_))
        ));
        let goodbye = link.next().await.expect("a goodbye").expect("no error");
        assert_eq!(goodbye, Incoming::Close(None));
        assert!(link.next().await.is_none());
    }
}
