//! Devices that speak in lines: `downbeat.v1.json` over plain TCP, for whatever has no WebSocket.
//!
//! In: a first line that says where to, then a text a line. Out: a text a line, and a last one
//! that says how it ended. A device is a member like any other; see [`Visit`].

use std::io;
use std::net::SocketAddr;

use downbeat::wire::{Close, CloseCode};
use serde::Deserialize;
use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::visit::{self, Place};
use super::{NotConnected, Visit};
use crate::admission::Address;
use crate::limits::{
    ACCEPT_PAUSE, KEEPALIVE_AFTER, KEEPALIVE_EVERY, KEEPALIVE_TRIES, LINE_WRITTEN_WITHIN,
    NOT_SENT_BYTES_LOW, READ_BUFFER_BYTES, SEND_BUFFER_BYTES,
};
use crate::local_link::{Closed, Peer};
use crate::services::Services;

/// The first line of a device.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct First {
    /// Like `/ws/chat/lobby`.
    path: String,
    #[serde(default)]
    name: String,
    ticket: Option<String>,
}

const BAD_TEXT: Close = Close::with_reason(CloseCode::BadData, CloseCode::BadData.reason());
const TOO_LONG: Close = Close::with_reason(CloseCode::TooBig, CloseCode::TooBig.reason());
const NO_FIRST_LINE: Close = Close::with_reason(CloseCode::Policy, "no first line in time");

/// Accepts devices until the server closes.
pub(crate) async fn listen(listener: TcpListener, services: Services, closing: CancellationToken) {
    let devices = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = closing.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let Some(server) = services.server() else {
            break;
        };
        match accepted {
            Ok((stream, peer)) => {
                // Who finds no place is told no more than that: nothing was asked yet.
                if let Ok(place) = server.admission.admit(Some(Address::from(peer.ip()))) {
                    let device = Device {
                        services: services.clone(),
                        peer,
                        message_bytes_max: server.config.limits.client_message_bytes,
                        deadline: Instant::now() + server.config.limits.handshake,
                    };
                    let closing = closing.clone();
                    devices.spawn(async move {
                        tokio::select! {
                            () = device.serve(stream, place) => {}
                            () = closing.cancelled() => {}
                        }
                    });
                }
            }
            Err(error) => {
                tracing::debug!(%error, "cannot accept a device, waiting");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    devices.close();
    devices.wait().await;
}

struct Device {
    services: Services,
    peer: SocketAddr,
    message_bytes_max: usize,
    deadline: Instant,
}

/// How a device's conversation ended.
enum End {
    Closed(Closed),
    Refused(NotConnected),
    /// It has gone by itself.
    Gone,
}

impl From<Closed> for End {
    fn from(closed: Closed) -> Self {
        Self::Closed(closed)
    }
}

impl Device {
    async fn serve(self, mut stream: TcpStream, place: Place) {
        prepare(&stream);
        let (read, mut write) = stream.split();
        let mut lines = Lines::new(read, self.message_bytes_max);
        let ended = match self.enter(&mut lines, place).await {
            Ok(peer) => talk(peer, &mut lines, &mut write).await,
            Err(end) => end,
        };
        let last = match ended {
            End::Gone => return,
            End::Closed(Closed { code, reason }) => {
                json!({ "type": "closed", "code": code, "reason": reason })
            }
            End::Refused(NotConnected::Closed(Closed { code, reason })) => {
                json!({ "type": "closed", "code": code, "reason": reason })
            }
            End::Refused(NotConnected::Refused { status, text }) => {
                json!({ "type": "refused", "status": status, "message": text })
            }
        };
        tracing::debug!(device = %self.peer, %last, "line closed");
        if say(&mut write, &last.to_string()).await.is_ok() {
            let _ = write.shutdown().await;
            // What it still says is read, else a reset might overtake the last line.
            let _ = timeout(downbeat::limits::CLOSE_WITHIN, lines.drain()).await;
        }
    }

    async fn enter<R: AsyncRead + Unpin>(
        &self,
        lines: &mut Lines<R>,
        place: Place,
    ) -> Result<Peer, End> {
        let first = timeout_at(self.deadline, lines.next()).await;
        let first = first.map_err(|_| End::Closed(NO_FIRST_LINE.into()))?;
        let first = match first {
            Ok(Some(line)) => line,
            Ok(None) | Err(LineError::Lost(_)) => return Err(End::Gone),
            Err(LineError::Bad(close)) => return Err(End::Closed(close.into())),
        };
        let first: First = serde_json::from_str(&first).map_err(|error| {
            tracing::debug!(%error, "bad first line");
            End::Closed(BAD_TEXT.into())
        })?;
        let visit = Visit {
            peer: self.peer.ip(),
            ticket: first.ticket,
            ..Visit::new(first.path, first.name)
        };
        let connected = visit::connect(&self.services, visit, place, self.deadline).await;
        connected.map_err(End::Refused)
    }
}

/// Small buffers as for WebSockets, and a word now and then to a device that says nothing: one
/// that was unplugged must go some day.
fn prepare(stream: &TcpStream) {
    let socket = socket2::SockRef::from(stream);
    let keepalive = socket2::TcpKeepalive::new()
        .with_time(KEEPALIVE_AFTER)
        .with_interval(KEEPALIVE_EVERY)
        .with_retries(KEEPALIVE_TRIES);
    // An error costs a dead device its place for longer, no more.
    let _ = socket.set_tcp_keepalive(&keepalive);
    let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
    let _ = socket.set_tcp_notsent_lowat(NOT_SENT_BYTES_LOW);
    let _ = stream.set_nodelay(true);
}

/// Carries texts to and fro until one side has had enough.
async fn talk<R, W>(mut peer: Peer, lines: &mut Lines<R>, write: &mut W) -> End
where
    R: AsyncRead + Unpin,
    W: AsyncWrite + Unpin,
{
    loop {
        tokio::select! {
            told = peer.receive() => match told {
                Ok(text) => {
                    if say(write, &text).await.is_err() {
                        return End::Gone;
                    }
                }
                Err(closed) => return closed.into(),
            },
            line = lines.next() => match line {
                // An error shows at the next `receive`, after the room's last words.
                Ok(Some(line)) => {
                    let _ = peer.send(line).await;
                }
                // Who closes its side has said goodbye.
                Ok(None) => {
                    peer.leave().await;
                    return End::Gone;
                }
                Err(LineError::Bad(close)) => return End::Closed(close.into()),
                Err(LineError::Lost(error)) => {
                    tracing::debug!(%error, "device lost");
                    return End::Gone;
                }
            },
        }
    }
}

/// Writes a line. A device that does not read for so long is given up.
async fn say<W: AsyncWrite + Unpin>(write: &mut W, text: &str) -> io::Result<()> {
    let written = async {
        write.write_all(text.as_bytes()).await?;
        write.write_all(b"\n").await
    };
    timeout(LINE_WRITTEN_WITHIN, written).await?
}

enum LineError {
    /// It said what it must not.
    Bad(Close),
    Lost(io::Error),
}

/// Reads lines that are not longer than they may be.
struct Lines<R> {
    from: R,
    read: Vec<u8>,
    /// How much of `read` is known to hold no line's end.
    looked: usize,
    bytes_max: usize,
}

impl<R: AsyncRead + Unpin> Lines<R> {
    const fn new(from: R, bytes_max: usize) -> Self {
        Self {
            from,
            read: Vec::new(),
            looked: 0,
            bytes_max,
        }
    }

    /// The next line that is not empty; `None` where there are no more. What is read stays here if
    /// this is not awaited to its end.
    async fn next(&mut self) -> Result<Option<String>, LineError> {
        loop {
            let end = self.read[self.looked..].iter().position(|&b| b == b'\n');
            let Some(end) = end.map(|end| self.looked + end) else {
                self.looked = self.read.len();
                if self.looked > self.bytes_max {
                    return Err(LineError::Bad(TOO_LONG));
                }
                let mut space = [0; READ_BUFFER_BYTES / 4];
                let read = self.from.read(&mut space).await;
                match read.map_err(LineError::Lost)? {
                    0 => return Ok(None),
                    read => self.read.extend_from_slice(&space[..read]),
                }
                continue;
            };
            let mut line: Vec<u8> = self.read.drain(..=end).collect();
            self.looked = 0;
            line.truncate(line.trim_ascii_end().len());
            if line.len() > self.bytes_max {
                return Err(LineError::Bad(TOO_LONG));
            }
            let line = String::from_utf8(line).map_err(|_| LineError::Bad(BAD_TEXT))?;
            if !line.is_empty() {
                return Ok(Some(line));
            }
        }
    }

    /// Reads all there is, and forgets it.
    async fn drain(&mut self) {
        let mut space = [0; READ_BUFFER_BYTES / 4];
        while matches!(self.from.read(&mut space).await, Ok(read) if read > 0) {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read_all(bytes: &[u8], bytes_max: usize) -> (Vec<String>, Option<u16>) {
        let mut lines = Lines::new(bytes, bytes_max);
        let mut read = Vec::new();
        loop {
            match lines.next().await {
                Ok(Some(line)) => read.push(line),
                Ok(None) => return (read, None),
                Err(LineError::Bad(close)) => return (read, Some(close.code.number())),
                Err(LineError::Lost(error)) => panic!("{error}"),
            }
        }
    }

    #[tokio::test]
    async fn lines_end_with_either_line_end_and_empty_ones_are_nothing() {
        let lines = |of: &[&str]| of.iter().map(|&line| line.to_owned()).collect();
        let read = read_all(b"one\r\n\n  \ntwo\nrest", 8).await;
        assert_eq!(read, (lines(&["one", "two"]), None));
    }

    #[tokio::test]
    async fn a_line_that_is_too_long_or_no_text_ends_it() {
        assert_eq!(read_all(b"12345678\n", 8).await.1, None);
        assert_eq!(read_all(b"123456789\n", 8).await.1, Some(1009));
        // Without an end, it is not waited for.
        assert_eq!(read_all(&[b'x'; 4096], 8).await.1, Some(1009));
        assert_eq!(read_all(b"\xff\xfe\n", 8).await.1, Some(1007));
    }
}
