//! As much of RFC 6455 as the bare loop and the driver need, by hand: one upgrade, unfragmented
//! messages. Pure: bytes in, bytes out.

use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

const FINAL: u8 = 0x80;
const MASKED: u8 = 0x80;

/// The key of every handshake: the example of RFC 6455 § 1.3, so that the answer is known.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What a client asks for.
pub(crate) fn request(host: &str, path: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\
         Sec-WebSocket-Protocol: downbeat.v1\r\n\r\n"
    )
}

/// Reads the answer to [`request`]: how long it is, or nothing while it is not whole.
///
/// # Errors
/// With the status line, if the server does not upgrade.
pub(crate) fn upgraded(bytes: &[u8]) -> Result<Option<usize>, String> {
    let Some((head, length)) = head(bytes) else {
        return Ok(None);
    };
    let accepted = header(&head, "sec-websocket-accept") == Some(ACCEPT);
    if head.starts_with("HTTP/1.1 101 ") && accepted {
        Ok(Some(length))
    } else {
        Err(head.lines().next().unwrap_or_default().to_owned())
    }
}

/// A request to upgrade, and the answer to it.
pub(crate) struct Upgrade {
    pub(crate) path: String,
    pub(crate) answer: String,
    /// Bytes of the request.
    pub(crate) length: usize,
}

/// Reads a request to upgrade; nothing while it is not whole.
///
/// # Errors
/// If it is none.
pub(crate) fn upgrade(bytes: &[u8]) -> Result<Option<Upgrade>, &'static str> {
    let Some((head, length)) = head(bytes) else {
        return Ok(None);
    };
    let path = head.split(' ').nth(1).ok_or("no path")?;
    let key = header(&head, "sec-websocket-key").ok_or("no key")?;
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\nSec-WebSocket-Protocol: downbeat.v1\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let path = path.to_owned();
    Ok(Some(Upgrade {
        path,
        answer,
        length,
    }))
}

/// The lines up to the empty one, and how many bytes that is.
fn head(bytes: &[u8]) -> Option<(String, usize)> {
    let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
    Some((String::from_utf8_lossy(&bytes[..end]).into_owned(), end + 4))
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// Where a message stands in the bytes that were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) opcode: u8,
    pub(crate) key: Option<[u8; 4]>,
    /// Where the payload begins.
    pub(crate) start: usize,
    /// Where it ends, and with it the message.
    pub(crate) end: usize,
}

impl Message {
    /// The message at the front, or nothing while it is not whole.
    ///
    /// # Errors
    /// If it is a fragment or uses extensions, which neither side here does.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Option<Self>, &'static str> {
        let &[first, second, ref rest @ ..] = bytes else {
            return Ok(None);
        };
        if first & 0xf0 != FINAL || first & 0x0f == 0 {
            return Err("a fragment, or an extension");
        }
        let (length, width) = match (second & !MASKED, rest) {
            (126, &[a, b, ..]) => (usize::from(u16::from_be_bytes([a, b])), 2),
            (126, _) => return Ok(None),
            (127, _) => return Err("a message of 64 KiB or more"),
            (length, _) => (usize::from(length), 0),
        };
        let mut start = 2 + width;
        let mut key = None;
        if second & MASKED != 0 {
            let Some(four) = bytes.get(start..start + 4) else {
                return Ok(None);
            };
            key = four.try_into().ok();
            start += 4;
        }
        let end = start + length;
        Ok((bytes.len() >= end).then_some(Self {
            opcode: first & 0x0f,
            key,
            start,
            end,
        }))
    }

    /// The payload, unmasked where it stands.
    pub(crate) fn payload<'a>(&self, bytes: &'a mut [u8]) -> &'a [u8] {
        let payload = &mut bytes[self.start..self.end];
        if let Some(key) = self.key {
            mask(payload, key);
        }
        payload
    }
}

/// Masks, or unmasks: it is the same.
fn mask(payload: &mut [u8], key: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(key.iter().cycle()) {
        *byte ^= key;
    }
}

/// Appends what stands before a payload: of a client with a key, of a server without.
///
/// # Panics
/// If the payload is 64 KiB or more; the protocol's messages are 8 KiB at most.
pub(crate) fn put_head(opcode: u8, length: usize, key: Option<[u8; 4]>, out: &mut Vec<u8>) {
    let masked = if key.is_some() { MASKED } else { 0 };
    out.push(FINAL | opcode);
    match u8::try_from(length) {
        Ok(short @ ..126) => out.push(masked | short),
        _ => {
            let length = u16::try_from(length).expect("messages are shorter than 64 KiB");
            out.push(masked | 126);
            out.extend(length.to_be_bytes());
        }
    }
    out.extend(key.into_iter().flatten());
}

/// Appends a message of a client.
pub(crate) fn put_masked(opcode: u8, payload: &[u8], key: [u8; 4], out: &mut Vec<u8>) {
    put_head(opcode, payload.len(), Some(key), out);
    let start = out.len();
    out.extend(payload);
    mask(&mut out[start..], key);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_masked_hello_of_the_rfc_is_read() {
        let mut bytes = [
            0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58,
        ];
        for short in 0..bytes.len() {
            assert_eq!(Message::parse(&bytes[..short]), Ok(None), "{short} bytes");
        }
        let message = Message::parse(&bytes).expect("legal").expect("whole");
        assert_eq!((message.opcode, message.end), (1, 11));
        assert_eq!(message.payload(&mut bytes), b"Hello");
    }

    #[test]
    fn what_is_masked_is_unmasked_at_every_length_of_the_head() {
        for length in [0, 1, 125, 126, 127, 255, 256, 4096] {
            let payload = vec![0xa5; length];
            let mut bytes = Vec::new();
            put_masked(BINARY, &payload, [1, 2, 3, 4], &mut bytes);
            bytes.push(0x82); // the next one begins
            let message = Message::parse(&bytes).expect("legal").expect("whole");
            assert_eq!(message.end, bytes.len() - 1);
            assert_eq!(message.payload(&mut bytes), payload);
        }
    }

    #[test]
    fn fragments_and_extensions_are_refused() {
        for first in [0x02, 0x80, 0x00, 0xc2] {
            assert!(Message::parse(&[first, 0]).is_err(), "{first:#x}");
        }
    }

    #[test]
    fn a_client_and_a_server_upgrade() {
        let request = request("localhost:1", "/ws/arena/room-3");
        assert!(matches!(upgrade(&request.as_bytes()[..40]), Ok(None)));
        let upgrade = upgrade(request.as_bytes()).expect("legal").expect("whole");
        assert_eq!(upgrade.path, "/ws/arena/room-3");
        assert_eq!(upgrade.length, request.len());
        let answer = upgrade.answer.as_bytes();
        assert_eq!(upgraded(&answer[..answer.len() - 1]), Ok(None));
        assert_eq!(upgraded(answer), Ok(Some(answer.len())));
    }

    #[test]
    fn a_refusal_says_why() {
        let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        assert_eq!(upgraded(answer), Err("HTTP/1.1 404 Not Found".into()));
    }
}
