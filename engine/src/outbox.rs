//! A member's way out: messages that wait for its socket, one write at a time, never waited for.
//!
//! Frames stay in two parts, the member's own and the shared body, until the socket takes them:
//! what waits for a slow member costs no copy of the shared part.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::{BufMut as _, Bytes, BytesMut};

use crate::codec::Encoder;
use crate::counters::Counters;
use crate::frame::{Sections, pack};
use crate::limits::{BODY_BYTES_MAX, SERVER_MESSAGE_BYTES_MAX};
use crate::link::{Link, LinkError, Outgoing};
use crate::wire::{Close, FrameHeader, section};

/// One message of a frame.
#[derive(Debug)]
struct Message {
    header: FrameHeader,
    own: Bytes,
    shared: Bytes,
}

#[derive(Debug)]
enum Waiting {
    Frame(Message),
    Raw(Bytes),
    Ping(Bytes),
    Close(Close),
}

/// What a member has still to be sent.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    waiting: VecDeque<Waiting>,
    /// Something was started that the socket has not fully taken.
    unflushed: bool,
}

/// A buffer that a task's messages are put together in.
#[derive(Debug, Default)]
pub(crate) struct Scratch {
    header: Vec<u8>,
    message: BytesMut,
}

impl Outbox {
    /// Whether the socket has taken everything.
    pub(crate) fn is_drained(&self) -> bool {
        !self.unflushed && self.waiting.is_empty()
    }

    /// Forgets what was not started; a message is never cut in two.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn push_raw(&mut self, message: Vec<u8>) {
        self.waiting.push_back(Waiting::Raw(message.into()));
    }

    pub(crate) fn push_ping(&mut self, payload: [u8; 4]) {
        let payload = Bytes::copy_from_slice(&payload);
        self.waiting.push_back(Waiting::Ping(payload));
    }

    pub(crate) fn push_close(&mut self, close: Close) {
        self.waiting.push_back(Waiting::Close(close));
    }

    /// Queues one tick's messages: the member's own sections, then the shared bodies.
    pub(crate) fn push_frame(&mut self, header: FrameHeader, own: Vec<Bytes>, shared: &[Bytes]) {
        let mut own = own.into_iter().peekable();
        let mut shared = shared.iter().peekable();
        let mut reset = header.reset;
        loop {
            let own_part = own.next().unwrap_or_default();
            let room = BODY_BYTES_MAX - own_part.len();
            // The last own part and the first shared body share a message if they fit.
            let with_shared =
                own.peek().is_none() && shared.peek().is_some_and(|s| s.len() <= room);
            let shared_part = if with_shared {
                shared.next().cloned()
            } else {
                None
            };
            let more = own.peek().is_some() || shared.peek().is_some();
            self.waiting.push_back(Waiting::Frame(Message {
                header: FrameHeader {
                    reset: std::mem::take(&mut reset),
                    more,
                    ..header
                },
                own: own_part,
                shared: shared_part.unwrap_or_default(),
            }));
            if !more {
                return;
            }
        }
    }

    /// Gives the socket what it takes without being waited for.
    ///
    /// # Errors
    /// If the link is broken.
    pub(crate) fn advance<L: Link>(
        &mut self,
        link: &mut L,
        cx: &mut Context<'_>,
        scratch: &mut Scratch,
        counters: &Counters,
    ) -> Result<(), LinkError> {
        let mut link = std::pin::Pin::new(link);
        loop {
            if self.unflushed {
                match link.as_mut().poll_flush(cx)? {
                    Poll::Ready(()) => self.unflushed = false,
                    Poll::Pending => return Ok(()),
                }
            }
            if self.waiting.is_empty() {
                return Ok(());
            }
            if link.as_mut().poll_ready(cx)?.is_pending() {
                return Ok(());
            }
            let Some(next) = self.waiting.pop_front() else {
                return Ok(());
            };
            let out = match next {
                Waiting::Frame(message) => Outgoing::Frame(scratch.compose(&message)),
                Waiting::Raw(bytes) => Outgoing::Frame(bytes),
                Waiting::Ping(payload) => Outgoing::Ping(payload),
                Waiting::Close(close) => Outgoing::Close(close),
            };
            if let Outgoing::Frame(bytes) = &out {
                counters.messages_sent.add(1);
                counters.bytes_sent.add(bytes.len() as u64);
            }
            link.as_mut().start_send(out)?;
            self.unflushed = true;
        }
    }
}

impl Scratch {
    /// One message in one piece. The buffer is used again as soon as the socket let go of it.
    fn compose(&mut self, message: &Message) -> Bytes {
        self.header.clear();
        message.header.encode(&mut self.header);
        self.message.reserve(SERVER_MESSAGE_BYTES_MAX);
        self.message.put_slice(&self.header);
        self.message.put_slice(&message.own);
        self.message.put_slice(&message.shared);
        self.message.split().freeze()
    }
}

/// Joins what a member is told alone into bodies, most often none or one: refused inputs, its
/// seat and private state as sections, events.
pub(crate) fn own_bodies(
    refused: impl IntoIterator<Item = u32>,
    state: &[u8],
    events: impl IntoIterator<Item = Bytes>,
) -> Vec<Bytes> {
    let mut refusals = Sections::new(section::REFUSED);
    for seq in refused {
        refusals.item(|to| Encoder::new(to).value(&seq));
    }
    let mut told = Sections::new(section::EVENTS);
    for event in events {
        told.item(|to| Encoder::new(to).raw(&event));
    }
    let sections = refusals.finish().into_iter();
    pack(sections.chain([state.to_vec()]).chain(told.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shapes(own: &[usize], shared: &[usize]) -> Vec<(usize, usize, bool, bool)> {
        let bodies = |sizes: &[usize]| sizes.iter().map(|&n| Bytes::from(vec![0; n])).collect();
        let (own, shared): (Vec<Bytes>, Vec<Bytes>) = (bodies(own), bodies(shared));
        let mut outbox = Outbox::default();
        let header = FrameHeader {
            reset: true,
            ..FrameHeader::default()
        };
        outbox.push_frame(header, own, &shared);
        outbox
            .waiting
            .iter()
            .map(|waiting| match waiting {
                Waiting::Frame(m) => (m.own.len(), m.shared.len(), m.header.reset, m.header.more),
                other => panic!("{other:?}"),
            })
            .collect()
    }

    #[test]
    fn own_and_shared_parts_share_a_message_where_they_fit() {
        let full = BODY_BYTES_MAX;
        assert_eq!(shapes(&[], &[]), [(0, 0, true, false)]);
        assert_eq!(shapes(&[], &[9]), [(0, 9, true, false)]);
        assert_eq!(shapes(&[5], &[9]), [(5, 9, true, false)]);
        assert_eq!(
            shapes(&[5], &[full]),
            [(5, 0, true, true), (0, full, false, false)]
        );
        assert_eq!(
            shapes(&[full, 5], &[9, full]),
            [
                (full, 0, true, true),
                (5, 9, false, true),
                (0, full, false, false)
            ]
        );
    }
}
