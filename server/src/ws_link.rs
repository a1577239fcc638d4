//! A member's WebSocket as the engine's link.
//!
//! In: what the library reads. Out: what the room task says. Nothing here waits, and nothing here
//! knows of games or rooms.

use std::future::{self, Future as _};
use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use downbeat::codec::Decoder;
use downbeat::limits::CLIENT_MESSAGE_BYTES_MAX;
use downbeat::wire::CloseCode;
use downbeat::{Incoming, LinkError, Outgoing};
use futures_core::Stream;
use futures_sink::Sink;
use tokio::io::{AsyncRead as _, ReadBuf};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::{Error as WsError, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Message, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Utf8Bytes};

use crate::connection::Connection;
use crate::gate::stays::Place;
use crate::limits::{
    DISCARD_BYTES_PER_POLL, READ_BUFFER_BYTES, WRITE_BUFFER_BYTES, WRITE_BUFFER_BYTES_MAX,
};
use crate::member_link::Speech;
use crate::socket::{Kind, Socket};
use crate::stream::Stream as ByteStream;

/// One member's socket, with its place among the connections.
#[derive(Debug)]
pub(crate) struct WsLink {
    ws: WebSocketStream<Socket<ByteStream>>,
    /// The peer did what it must not: the rest of what it sends is thrown away. It must be read
    /// nevertheless, else TCP answers with a reset that overtakes the goodbye.
    discarding: bool,
    /// The library may hold something that the socket has not: a pong, a ping, a goodbye.
    library_waits: bool,
    /// The code of the peer's goodbye, once it came: told when the answer has gone out, which waits
    /// for what the kernel has not taken yet.
    left: Option<Option<u16>>,
    speech: Speech,
    /// It resumes, and nothing tells yet that it knows its new token.
    unconfirmed: bool,
    /// Its place among its user's; given back before the connection's.
    place: Arc<Place>,
    _connection: Arc<Connection>,
}

impl WsLink {
    /// A link over a socket that has been upgraded; `read` came along with the request.
    pub(crate) async fn new(
        stream: ByteStream,
        read: &[u8],
        message_bytes_max: usize,
        ((connection, place), speech): ((Arc<Connection>, Arc<Place>), Speech),
    ) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(WRITE_BUFFER_BYTES)
            .max_write_buffer_size(WRITE_BUFFER_BYTES_MAX)
            .max_message_size(Some(message_bytes_max.min(CLIENT_MESSAGE_BYTES_MAX)))
            .max_frame_size(Some(message_bytes_max.min(CLIENT_MESSAGE_BYTES_MAX)));
        let ws = WebSocketStream::from_partially_read(
            Socket::new(stream),
            read.to_vec(),
            Role::Server,
            Some(config),
        );
        Self {
            ws: ws.await,
            discarding: false,
            library_waits: false,
            left: None,
            speech,
            unconfirmed: false,
            place,
            _connection: connection,
        }
    }

    /// The subprotocol that was agreed on.
    pub(crate) const fn speech(&self) -> Speech {
        self.speech
    }

    /// Its place among its user's connections.
    pub(crate) const fn place(&self) -> &Arc<Place> {
        &self.place
    }

    /// From now on it is watched for a message that only who got the welcome can send.
    pub(crate) const fn await_confirmation(&mut self) {
        self.unconfirmed = true;
    }

    /// A message that echoes a tick was written after the welcome was read.
    fn watch(&mut self, message: &Incoming) {
        let confirms = match message {
            Incoming::Binary(bytes) => echoes(self.speech, bytes),
            // It answers a ping that went out behind the welcome.
            Incoming::Pong(tick) => {
                <[u8; 4]>::try_from(&tick[..]).is_ok_and(|tick| u32::from_le_bytes(tick) > 0)
            }
            _ => false,
        };
        if confirms {
            self.unconfirmed = false;
            self.place.confirm();
        }
    }

    fn poll_discard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut space = [MaybeUninit::<u8>::uninit(); 1024];
        for _ in 0..DISCARD_BYTES_PER_POLL / space.len() {
            let mut into = ReadBuf::uninit(&mut space);
            let stream = Pin::new(self.ws.get_mut().stream());
            match ready!(stream.poll_read(cx, &mut into)) {
                Ok(()) if !into.filled().is_empty() => {}
                Ok(()) | Err(_) => return Poll::Ready(()),
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Whether a message names a tick that it has seen. What cannot be read is somebody else's matter.
fn echoes(speech: Speech, message: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    struct Echo {
        #[serde(default)]
        seen: u32,
    }
    match speech {
        Speech::Json => serde_json::from_slice(message).is_ok_and(|echo: Echo| echo.seen > 0),
        Speech::Binary => seen_in(message).is_some_and(|seen| seen > 0),
    }
}

/// The tick that a binary message of a client names. Source: PROTOCOL.md § Client → server.
fn seen_in(message: &[u8]) -> Option<u32> {
    let mut decoder = Decoder::new(message);
    match decoder.byte().ok()? {
        1 => {
            decoder.varint_u32().ok()?; // its number
        }
        2 | 3 => {}
        _ => return None,
    }
    decoder.varint_u32().ok()
}

/// What the library's error means for the conversation; `None` is its regular end.
fn link_error(error: WsError) -> Option<LinkError> {
    match error {
        WsError::ConnectionClosed | WsError::AlreadyClosed => None,
        WsError::Io(error) => Some(LinkError::Lost(error)),
        WsError::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
            Some(LinkError::Lost(io::ErrorKind::UnexpectedEof.into()))
        }
        WsError::Capacity(_) => Some(LinkError::Peer(CloseCode::TooBig)),
        WsError::Utf8(_) => Some(LinkError::Peer(CloseCode::BadData)),
        WsError::Protocol(_) => Some(LinkError::Peer(CloseCode::Protocol)),
        other => Some(LinkError::Lost(io::Error::other(other))),
    }
}

fn lost(error: WsError) -> LinkError {
    link_error(error).unwrap_or_else(|| LinkError::Lost(io::ErrorKind::NotConnected.into()))
}

impl Stream for WsLink {
    type Item = Result<Incoming, LinkError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if self.discarding {
            ready!(self.poll_discard(cx));
            return Poll::Ready(None);
        }
        if let Some(code) = self.left {
            // The link may be dropped upon this, so the answer goes out before: also if the task,
            // which serves many, has done its share for this turn.
            let flush = future::poll_fn(|cx| Pin::new(&mut self.ws).poll_flush(cx));
            let _ = ready!(pin!(tokio::task::unconstrained(flush)).poll(cx));
            return Poll::Ready(Some(Ok(Incoming::Close(code))));
        }
        let incoming = match ready!(Pin::new(&mut self.ws).poll_next(cx)) {
            None => return Poll::Ready(None),
            // A text where texts are spoken is what a binary message is elsewhere; what is of the
            // wrong kind has no contents.
            Some(Ok(message @ (Message::Binary(_) | Message::Text(_)))) => {
                match (self.speech, message) {
                    (Speech::Binary, Message::Binary(bytes)) => Incoming::Binary(bytes),
                    (Speech::Json, Message::Text(text)) => Incoming::Binary(text.into()),
                    _ => Incoming::Text,
                }
            }
            Some(Ok(Message::Pong(payload))) => Incoming::Pong(payload),
            // The library's answer goes out with the next read or write.
            Some(Ok(Message::Ping(_))) => {
                self.library_waits = true;
                Incoming::Pong(Bytes::new())
            }
            Some(Ok(Message::Close(frame))) => {
                self.left = Some(frame.map(|frame| frame.code.into()));
                return self.poll_next(cx);
            }
            Some(Ok(Message::Frame(_))) => unreachable!("reading never gives raw frames"),
            Some(Err(_)) if self.ws.get_ref().is_overrun() => {
                self.discarding = true;
                return Poll::Ready(Some(Err(LinkError::Peer(CloseCode::TooBig))));
            }
            Some(Err(error)) => {
                let error = link_error(error);
                self.discarding = matches!(error, Some(LinkError::Peer(_)));
                return Poll::Ready(error.map(Err));
            }
        };
        self.ws.get_mut().handle_message();
        if self.unconfirmed {
            self.watch(&incoming);
        }
        Poll::Ready(Some(Ok(incoming)))
    }
}

impl Sink<Outgoing> for WsLink {
    type Error = LinkError;

    /// All that was written before must be gone: a frame goes past the library's buffer.
    fn poll_ready(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        self.poll_flush(cx)
    }

    fn start_send(mut self: Pin<&mut Self>, item: Outgoing) -> Result<(), LinkError> {
        if self.left.is_some() {
            return Ok(());
        }
        let message = match item {
            Outgoing::Frame(bytes) => {
                self.ws.get_mut().start(Kind::Binary, bytes);
                return Ok(());
            }
            Outgoing::Text(text) => {
                self.ws.get_mut().start(Kind::Text, text.into());
                return Ok(());
            }
            Outgoing::Ping(payload) => Message::Ping(payload),
            Outgoing::Close(close) => Message::Close(Some(CloseFrame {
                code: tungstenite::protocol::frame::coding::CloseCode::from(close.code.number()),
                reason: Utf8Bytes::from_static(close.reason),
            })),
        };
        self.library_waits = true;
        Pin::new(&mut self.ws).start_send(message).map_err(lost)
    }

    /// Frames, which are nearly all that is ever sent, do not pass through the library.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        if self.left.is_some() {
            return Poll::Ready(Ok(())); // the answer is on its way, and nothing comes behind it
        }
        if self.library_waits {
            ready!(Pin::new(&mut self.ws).poll_flush(cx)).map_err(lost)?;
            self.library_waits = false;
            return Poll::Ready(Ok(()));
        }
        let unsent = self.ws.get_mut().poll_unsent(cx);
        unsent.map_err(LinkError::Lost)
    }

    fn poll_close(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<(), LinkError>> {
        Pin::new(&mut self.ws).poll_close(cx).map_err(lost)
    }
}
