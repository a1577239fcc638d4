//! The socket below a WebSocket: frames of the world go out past the library's own buffer.
//!
//! In: whole messages. Out: one write each. The library keeps its write buffer at the size of the
//! largest message that it ever held, which for thousands of idle members is most of their memory;
//! here a message that the kernel did not take stays the shared [`Bytes`].

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf as _, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::limits::MESSAGE_WIRE_BYTES_MAX;

/// A stream, and at most one message that it has not taken whole.
///
/// Whatever the library writes goes behind that message, never into it. Reading fails once a
/// message takes more bytes than it ever needs: the library would go on with empty fragments for
/// as long as there are any.
#[derive(Debug)]
pub(crate) struct Socket<S> {
    stream: S,
    unsent: Option<Unsent>,
    /// What was written may wait in the stream: TLS keeps what the kernel does not take.
    unflushed: bool,
    /// Read since the library gave its last message.
    read_bytes: usize,
}

#[derive(Debug)]
struct Unsent {
    head: Head,
    body: Bytes,
}

/// What a message holds. Source: RFC 6455 § 5.2, with the bit of a last fragment.
#[derive(Clone, Copy, Debug)]
#[repr(u8)]
pub(crate) enum Kind {
    Text = 0x81,
    Binary = 0x82,
}

/// Up to so many bytes a message is copied to stand behind its head: one buffer is sent by `send`,
/// which costs the kernel some 300 ns less than `writev`.
const COPIED_BYTES_MAX: usize = 1024;

/// The head of a server's message. Source: RFC 6455 § 5.2.
#[derive(Debug)]
struct Head {
    bytes: [u8; 10],
    sent: u8,
    len: u8,
}

impl Head {
    fn new(kind: Kind, body_len: usize) -> Self {
        const LENGTH_IS_U16: u8 = 126;
        const LENGTH_IS_U64: u8 = 127;
        let mut bytes = [0; 10];
        bytes[0] = kind as u8;
        let len = match (u8::try_from(body_len), u16::try_from(body_len)) {
            (Ok(len), _) if len < LENGTH_IS_U16 => {
                bytes[1] = len;
                2
            }
            (_, Ok(len)) => {
                bytes[1] = LENGTH_IS_U16;
                bytes[2..4].copy_from_slice(&len.to_be_bytes());
                4
            }
            _ => {
                bytes[1] = LENGTH_IS_U64;
                bytes[2..].copy_from_slice(&(body_len as u64).to_be_bytes());
                10
            }
        };
        Self {
            bytes,
            sent: 0,
            len,
        }
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[usize::from(self.sent)..usize::from(self.len)]
    }

    /// Marks bytes as sent; answers how many of them were not the head's.
    fn advance(&mut self, bytes: usize) -> usize {
        let own = bytes.min(self.rest().len());
        self.sent += u8::try_from(own).expect("a head has ten bytes at most");
        bytes - own
    }
}

impl<S> Socket<S> {
    pub(crate) const fn new(stream: S) -> Self {
        Self {
            stream,
            unsent: None,
            unflushed: false,
            read_bytes: 0,
        }
    }

    /// The library has read a whole message.
    pub(crate) const fn handle_message(&mut self) {
        self.read_bytes = 0;
    }

    /// Whether the peer sends a message without end.
    pub(crate) const fn is_overrun(&self) -> bool {
        self.read_bytes > MESSAGE_WIRE_BYTES_MAX
    }

    pub(crate) const fn stream(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Takes a message over; the last one must be gone.
    pub(crate) fn start(&mut self, kind: Kind, body: Bytes) {
        assert!(self.unsent.is_none(), "one message at a time");
        let head = Head::new(kind, body.len());
        self.unsent = Some(Unsent { head, body });
    }
}

impl<S: AsyncWrite + Unpin> Socket<S> {
    /// Gives the stream what it takes of the message.
    pub(crate) fn poll_unsent(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(Unsent { head, body }) = &mut self.unsent {
            if head.rest().is_empty() && body.is_empty() {
                self.unsent = None;
                break;
            }
            let stream = Pin::new(&mut self.stream);
            let parts = [head.rest(), &body[..]];
            let bytes = parts[0].len() + parts[1].len();
            let mut whole = [0; COPIED_BYTES_MAX];
            let written = if let Some(whole) = whole.get_mut(..bytes) {
                whole[..parts[0].len()].copy_from_slice(parts[0]);
                whole[parts[0].len()..].copy_from_slice(parts[1]);
                ready!(stream.poll_write(cx, whole))?
            } else {
                let parts = parts.map(IoSlice::new);
                ready!(stream.poll_write_vectored(cx, &parts))?
            };
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            let of_body = head.advance(written);
            body.advance(of_body);
            self.unflushed = true;
        }
        if self.unflushed {
            ready!(Pin::new(&mut self.stream).poll_flush(cx))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Socket<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, into))?;
        self.read_bytes += into.filled().len() - before;
        Poll::Ready(if self.is_overrun() {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(())
        })
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Socket<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_unsent(cx))?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::poll_fn;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, DuplexStream, duplex};

    use super::*;

    async fn try_flush(socket: &mut Socket<DuplexStream>) -> bool {
        poll_fn(|cx| Poll::Ready(Pin::new(&mut *socket).poll_flush(cx).is_ready())).await
    }

    async fn read(peer: &mut DuplexStream, bytes: usize) -> Vec<u8> {
        let mut got = vec![0; bytes];
        peer.read_exact(&mut got).await.expect("that much is there");
        got
    }

    #[tokio::test]
    async fn heads_have_the_length_in_one_byte_or_three_or_nine() {
        for (kind, len, head) in [
            (Kind::Binary, 0, &[0x82, 0][..]),
            (Kind::Binary, 125, &[0x82, 125]),
            (Kind::Binary, 126, &[0x82, 126, 0, 126]),
            (Kind::Binary, 8192, &[0x82, 126, 0x20, 0]),
            (Kind::Text, 65_535, &[0x81, 126, 0xff, 0xff]),
            (Kind::Text, 65_536, &[0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let (stream, mut peer) = duplex(100_000);
            let mut socket = Socket::new(stream);
            socket.start(kind, vec![7; len].into());
            assert!(try_flush(&mut socket).await);
            let got = read(&mut peer, head.len() + len).await;
            assert_eq!(&got[..head.len()], head);
            assert!(got[head.len()..].iter().all(|&byte| byte == 7));
        }
    }

    #[tokio::test]
    async fn what_the_library_writes_goes_behind_a_message_never_into_it() {
        let (stream, mut peer) = duplex(3);
        let mut socket = Socket::new(stream);
        socket.start(Kind::Binary, Bytes::from_static(b"hello"));
        assert!(!try_flush(&mut socket).await, "the pipe takes three bytes");
        let (wrote, got) = tokio::join!(
            async {
                socket.write_all(b"pong").await.expect("written");
                socket.flush().await.expect("flushed");
            },
            read(&mut peer, 11)
        );
        let () = wrote;
        assert_eq!(got, b"\x82\x05hellopong");
    }
}
