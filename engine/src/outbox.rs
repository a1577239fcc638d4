//! A member's way out: messages that wait for its socket, one write at a time, never waited for.

use std::collections::VecDeque;
use std::task::{Context, Poll};

use bytes::Bytes;

use crate::counters::Counters;
use crate::link::{Link, LinkError, Outgoing};
use crate::wire::Close;

#[derive(Debug)]
enum Waiting {
    Message(Bytes),
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

impl Outbox {
    /// Whether the socket has taken everything.
    pub(crate) fn is_drained(&self) -> bool {
        !self.unflushed && self.waiting.is_empty()
    }

    /// Forgets what was not started; a message is never cut in two.
    pub(crate) fn clear(&mut self) {
        self.waiting.clear();
    }

    pub(crate) fn push(&mut self, message: Bytes) {
        self.waiting.push_back(Waiting::Message(message));
    }

    pub(crate) fn push_ping(&mut self, payload: [u8; 4]) {
        let payload = Bytes::copy_from_slice(&payload);
        self.waiting.push_back(Waiting::Ping(payload));
    }

    pub(crate) fn push_close(&mut self, close: Close) {
        self.waiting.push_back(Waiting::Close(close));
    }

    /// Gives the socket what it takes without being waited for.
    ///
    /// # Errors
    /// If the link is broken.
    pub(crate) fn advance<L: Link>(
        &mut self,
        link: &mut L,
        cx: &mut Context<'_>,
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
                Waiting::Message(bytes) => Outgoing::Frame(bytes),
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
