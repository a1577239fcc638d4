//! What travels between processes: a length, whom it is for, then MessagePack.
//!
//! ```text
//! u32 length of the rest | u8 length of `to` | to | MessagePack of an Envelope
//! ```
//!
//! `to` is all that the hub reads of what it passes on.

use std::io;

use bytes::{BufMut as _, Bytes, BytesMut};
use downbeat::layer::{Message, Present};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Who is to get a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum To {
    /// All other processes.
    Others,
    /// The hub itself.
    Hub,
    /// One process.
    Process(String),
    /// One of those that have a named channel open.
    Reader(String),
}

/// A frame and the process it comes from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Envelope {
    pub(super) from: String,
    pub(super) frame: Frame,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Frame {
    /// The first word of a process to the hub.
    Hello,
    /// The hub's answer: `from` is the hub's own process.
    Welcome,
    /// Or this: there is no place for another process.
    Full,
    /// The hub tells of another process.
    Joined(String),
    /// It is gone.
    Gone(String),
    /// The hub could not pass on everything.
    Gap,
    /// A named channel has a first reader in this process, or none any more.
    Open(String),
    Close(String),
    Send(String, Message),
    GroupSend(String, Message),
    GroupAdd(String, String),
    GroupDiscard(String, String),
    /// Asks the process of a channel to let it appear, or vanish.
    PleaseAppear(String, String, Present),
    PleaseVanish(String, String),
    /// Asks a process to tell again what is present there.
    PleaseTell,
    /// All that is present in this process follows, up to `End`.
    Begin,
    Appear(String, String, Present),
    Vanish(String, String),
    /// A channel is gone from all groups.
    Closed(String),
    End,
}

const HUB: &[u8] = b"!";

/// The bytes of a frame.
pub(super) fn encode(to: &To, from: &str, frame: Frame) -> Bytes {
    let to = match to {
        To::Others => Vec::new(),
        To::Hub => HUB.into(),
        To::Process(name) => name.clone().into_bytes(),
        To::Reader(channel) => format!("={channel}").into_bytes(),
    };
    let from = from.into();
    let body = rmp_serde::to_vec(&Envelope { from, frame }).expect("a frame can be packed");
    let length = 1 + to.len() + body.len();
    let mut bytes = BytesMut::with_capacity(4 + length);
    // Beyond 4 GiB nothing gets here: messages are bounded long before.
    bytes.put_u32(u32::try_from(length).expect("a frame is below 4 GiB"));
    bytes.put_u8(u8::try_from(to.len()).expect("names are below 100 characters"));
    bytes.put_slice(&to);
    bytes.put_slice(&body);
    bytes.freeze()
}

/// Reads one frame, with its length; `None` at a clean end.
pub(super) async fn read(
    from: &mut (impl AsyncRead + Unpin),
    bytes_max: usize,
) -> io::Result<Option<Bytes>> {
    let mut head = [0; 4];
    match from.read_exact(&mut head).await {
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_be_bytes(head)).unwrap_or(usize::MAX);
    if length > bytes_max {
        return Err(io::Error::other(format!("a frame of {length} bytes")));
    }
    let mut bytes = BytesMut::with_capacity(4 + length.min(64 * 1024));
    bytes.put_slice(&head);
    // Grows as bytes come, not as they are claimed.
    let mut rest = from.take(u64::try_from(length).unwrap_or(u64::MAX));
    while bytes.len() < 4 + length {
        if rest.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(Some(bytes.freeze()))
}

/// Whom a frame is for, and its MessagePack.
pub(super) fn split(frame: &Bytes) -> Option<(To, Bytes)> {
    let length = usize::from(*frame.get(4)?);
    let to = frame.get(5..5 + length)?;
    let to = match to {
        b"" => To::Others,
        HUB => To::Hub,
        [b'=', channel @ ..] => To::Reader(String::from_utf8(channel.into()).ok()?),
        name => To::Process(String::from_utf8(name.into()).ok()?),
    };
    Some((to, frame.slice(5 + length..)))
}

/// The frame itself.
pub(super) fn decode(frame: &Bytes) -> Option<Envelope> {
    let (_, body) = split(frame)?;
    rmp_serde::from_slice(&body).ok()
}
