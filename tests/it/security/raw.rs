//! Sockets without manners: bytes out, answers and frames in, and nothing that a library would
//! put right on the way.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Longer than any deadline of the server; what has not come by then does not come.
const PATIENCE: Duration = Duration::from_secs(15);

/// A socket to the program.
pub(crate) struct Raw {
    line: Line,
    got: Vec<u8>,
}

/// What a socket's bytes travel in.
enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Line {
    const fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(tls) => &tls.sock,
        }
    }
}

/// The head of an answer, and as much of what followed as was asked for.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// One frame of the server, checked against RFC 6455 as it was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) payload: Vec<u8>,
}

impl Answer {
    /// The value of the first header of this name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

impl Raw {
    pub(crate) fn connect(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("connected");
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        stream.set_write_timeout(Some(PATIENCE)).expect("set");
        stream.set_nodelay(true).expect("set");
        Self {
            line: Line::Plain(stream),
            got: Vec::new(),
        }
    }

    /// The same over TLS; an error if the server does not like the greeting, or we not its answer.
    pub(crate) fn connect_tls(port: u16, greeting: &Arc<ClientConfig>) -> std::io::Result<Self> {
        let Line::Plain(mut stream) = Self::connect(port).line else {
            unreachable!("it was just connected");
        };
        let name = ServerName::try_from("localhost").expect("a name");
        let mut tls = ClientConnection::new(Arc::clone(greeting), name).expect("a greeting");
        while tls.is_handshaking() {
            tls.complete_io(&mut stream)?;
        }
        Ok(Self {
            line: Line::Tls(Box::new(StreamOwned::new(tls, stream))),
            got: Vec::new(),
        })
    }

    /// The certificate that the server showed; none without TLS.
    pub(crate) fn certificate(&self) -> Option<Vec<u8>> {
        match &self.line {
            Line::Plain(_) => None,
            Line::Tls(tls) => Some(tls.conn.peer_certificates()?.first()?.to_vec()),
        }
    }

    /// It may fail: the server may have closed already, which the answer tells.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        let _ = match &mut self.line {
            Line::Plain(stream) => stream.write_all(bytes),
            Line::Tls(stream) => stream.write_all(bytes),
        };
    }

    /// No more will be said on this side.
    pub(crate) fn shut(&mut self) {
        let _ = self.line.tcp().shutdown(std::net::Shutdown::Write);
    }

    /// Reads some more; false at the end, which a reset is too.
    fn read_more(&mut self) -> bool {
        let mut space = [0; 4096];
        let read = match &mut self.line {
            Line::Plain(stream) => stream.read(&mut space),
            Line::Tls(stream) => stream.read(&mut space),
        };
        match read {
            Ok(0) => false,
            Ok(read) => {
                self.got.extend_from_slice(&space[..read]);
                true
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the server neither answers nor closes; got {:?}", self.got)
            }
            Err(_) => false,
        }
    }

    /// Whether something, or the end, comes within this time.
    pub(crate) fn hears_within(&mut self, time: Duration) -> bool {
        let mut byte = [0];
        let stream = self.line.tcp();
        stream.set_read_timeout(Some(time)).expect("set");
        let heard = match stream.peek(&mut byte) {
            Ok(_) => true,
            Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
        };
        stream.set_read_timeout(Some(PATIENCE)).expect("set");
        heard || !self.got.is_empty()
    }

    /// The head of the next answer; `None` if the server closed instead.
    pub(crate) fn head(&mut self) -> Option<Answer> {
        let end = loop {
            if let Some(at) = self.got.windows(4).position(|bytes| bytes == b"\r\n\r\n") {
                break at + 4;
            }
            if !self.read_more() {
                return None;
            }
        };
        let head: Vec<_> = self.got.drain(..end).collect();
        let head = String::from_utf8_lossy(&head).into_owned();
        let status = head.split(' ').nth(1)?.parse().ok()?;
        Some(Answer {
            status,
            head,
            body: Vec::new(),
        })
    }

    /// The next answer with its body, which a length or the end of the connection ends.
    pub(crate) fn answer(&mut self) -> Option<Answer> {
        let mut answer = self.head()?;
        let length = answer
            .header("content-length")
            .and_then(|length| length.parse().ok());
        let bodiless = matches!(answer.status, 101 | 204 | 304);
        let length = length.unwrap_or(if bodiless { 0 } else { usize::MAX });
        while self.got.len() < length && self.read_more() {}
        let length = length.min(self.got.len());
        answer.body = self.got.drain(..length).collect();
        Some(answer)
    }

    /// The next frame; `None` at the end of the connection.
    pub(crate) fn frame(&mut self) -> Option<Frame> {
        loop {
            if let Some((frame, len)) = parse(&self.got) {
                self.got.drain(..len);
                return Some(frame);
            }
            if !self.read_more() {
                return None;
            }
        }
    }

    /// The code with which the server closes; 0 if the connection ended without one.
    pub(crate) fn goodbye(&mut self) -> u16 {
        while let Some(frame) = self.frame() {
            if frame.opcode == 8 {
                return frame.code().unwrap_or(1005);
            }
        }
        0
    }
}

impl Frame {
    /// The code of a close frame that has one.
    pub(crate) fn code(&self) -> Option<u16> {
        let code = self.payload.first_chunk()?;
        Some(u16::from_be_bytes(*code))
    }
}

/// The frame at the start of these bytes and its length.
///
/// What a server must never send fails here, in whatever test: a mask, reserved bits and opcodes,
/// control frames in pieces or too long, close codes that may not stand on the wire.
fn parse(bytes: &[u8]) -> Option<(Frame, usize)> {
    let &[first, second, ..] = bytes else {
        return None;
    };
    assert_eq!(first & 0x70, 0, "a server's frame with reserved bits");
    assert_eq!(second & 0x80, 0, "a server's frame with a mask");
    let (opcode, is_last) = (first & 0x0f, first & 0x80 != 0);
    assert!(matches!(opcode, 0..=2 | 8..=10), "opcode {opcode}");
    let (head, len) = match second {
        126 => (
            4,
            u16::from_be_bytes(*bytes.get(2..)?.first_chunk()?).into(),
        ),
        127 => (10, u64::from_be_bytes(*bytes.get(2..)?.first_chunk()?)),
        len => (2, u64::from(len)),
    };
    let len = usize::try_from(len).expect("a length that fits");
    let payload = bytes.get(head..head + len)?.to_vec();
    if opcode >= 8 {
        assert!(is_last && len <= 125, "a control frame of {len} bytes");
    }
    let frame = Frame { opcode, payload };
    if opcode == 8 && len > 0 {
        let code = frame.code().expect("a code of two bytes");
        let is_fit = matches!(code, 1000..=1003 | 1007..=1011 | 3000..=4999);
        assert!(is_fit, "the server closes with {code}");
        let reason = std::str::from_utf8(&frame.payload[2..]);
        reason.expect("a reason in UTF-8");
    }
    Some((frame, head + len))
}

/// A client's frame: its first byte, the mask that is put over the payload, the payload.
pub(crate) fn masked(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![first];
    match payload.len() {
        len @ 0..126 => bytes.push(0x80 | u8::try_from(len).expect("below 126")),
        len @ 126..65_536 => {
            bytes.push(0x80 | 126);
            bytes.extend(u16::try_from(len).expect("below 65536").to_be_bytes());
        }
        len => {
            bytes.push(0x80 | 127);
            bytes.extend((len as u64).to_be_bytes());
        }
    }
    bytes.extend(mask);
    let payload = payload.iter().zip(mask.iter().cycle());
    bytes.extend(payload.map(|(byte, mask)| byte ^ mask));
    bytes
}

/// The same with a mask like any other.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, [0x37, 0xfa, 0x21, 0x3d], payload)
}

/// A close frame.
pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(0x88, &[&code.to_be_bytes(), reason].concat())
}
