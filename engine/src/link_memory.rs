//! A link of memory, for tests: what a socket is to the server, without one.

use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use futures_sink::Sink;

use crate::link::{Incoming, LinkError, Outgoing};

/// The server's end.
#[derive(Debug)]
pub struct MemoryLink(Arc<Mutex<Pipe>>);

/// The peer's end: what a test holds.
#[derive(Clone, Debug)]
pub struct MemoryPeer(Arc<Mutex<Pipe>>);

#[derive(Debug, Default)]
struct Pipe {
    incoming: VecDeque<Result<Incoming, LinkError>>,
    outgoing: VecDeque<Outgoing>,
    /// Messages that the pipe takes before it blocks.
    room: usize,
    reader: Option<Waker>,
    writer: Option<Waker>,
    ended: bool,
    dropped: bool,
}

/// Both ends of a pipe that takes `room` messages before it blocks.
pub fn memory_link(room: usize) -> (MemoryLink, MemoryPeer) {
    let pipe = Arc::new(Mutex::new(Pipe {
        room,
        ..Pipe::default()
    }));
    (MemoryLink(Arc::clone(&pipe)), MemoryPeer(pipe))
}

fn lock(pipe: &Mutex<Pipe>) -> MutexGuard<'_, Pipe> {
    pipe.lock().unwrap_or_else(PoisonError::into_inner)
}

impl MemoryPeer {
    /// Says something to the server.
    pub fn send(&self, incoming: Incoming) {
        self.send_raw(Ok(incoming));
    }

    /// Sends a binary message.
    pub fn send_bytes(&self, bytes: impl Into<bytes::Bytes>) {
        self.send(Incoming::Binary(bytes.into()));
    }

    /// Makes the server's end fail.
    pub fn fail(&self, error: LinkError) {
        self.send_raw(Err(error));
    }

    /// Takes what has arrived.
    pub fn take(&self) -> Vec<Outgoing> {
        let mut pipe = lock(&self.0);
        let taken = pipe.outgoing.drain(..).collect();
        if let Some(writer) = pipe.writer.take() {
            writer.wake();
        }
        taken
    }

    /// How much has arrived and was not taken.
    pub fn waiting(&self) -> usize {
        lock(&self.0).outgoing.len()
    }

    /// Ends the connection without a word.
    pub fn vanish(&self) {
        let mut pipe = lock(&self.0);
        pipe.ended = true;
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
    }

    /// Whether the server has let go of its end.
    pub fn is_dropped(&self) -> bool {
        lock(&self.0).dropped
    }

    fn send_raw(&self, incoming: Result<Incoming, LinkError>) {
        let mut pipe = lock(&self.0);
        pipe.incoming.push_back(incoming);
        if let Some(reader) = pipe.reader.take() {
            reader.wake();
        }
    }
}

impl Drop for MemoryLink {
    fn drop(&mut self) {
        lock(&self.0).dropped = true;
    }
}

impl Stream for MemoryLink {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut pipe = lock(&self.0);
        match pipe.incoming.pop_front() {
            Some(incoming) => Poll::Ready(Some(incoming)),
            None if pipe.ended => Poll::Ready(None),
            None => {
                pipe.reader = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Sink<Outgoing> for MemoryLink {
    type Error = LinkError;

    fn poll_ready(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Poll::Ready(Ok(()))
    }

    fn start_send(self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        lock(&self.0).outgoing.push_back(item);
        Ok(())
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        let mut pipe = lock(&self.0);
        if pipe.outgoing.len() <= pipe.room {
            return Poll::Ready(Ok(()));
        }
        pipe.writer = Some(cx.waker().clone());
        Poll::Pending
    }

    fn poll_close(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_flush(cx)
    }
}
