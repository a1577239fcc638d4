//! One socket of the driver: upgrade, hello, inputs, echoes; bytes in and out, never a wait.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::Instant;

use downbeat::Rng;
use downbeat::rand::RngExt as _;
use mio::net::TcpStream;

use super::watch::{Tally, Watch};
use crate::websocket::{self, Message};

/// How far a client is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Connecting,
    Upgrading,
    Playing,
    Gone,
}

/// One client.
pub(super) struct Client {
    pub(super) stream: TcpStream,
    pub(super) stage: Stage,
    pub(super) watch: Watch,
    seq: u32,
    /// What was read of a message that is not whole.
    inbox: Vec<u8>,
    /// The first message.
    hello: Vec<u8>,
}

/// What all clients share while one of them reads or writes.
pub(super) struct Desk {
    pub(super) rng: Rng,
    /// What sockets are read into.
    pub(super) buffer: Vec<u8>,
    /// What is being written.
    pub(super) message: Vec<u8>,
    /// There while the window is open.
    pub(super) tally: Option<Tally>,
    pub(super) bytes: u64,
}

impl Client {
    pub(super) fn connect(address: SocketAddr, hello: Vec<u8>) -> std::io::Result<Self> {
        Ok(Self {
            stream: TcpStream::connect(address)?,
            stage: Stage::Connecting,
            watch: Watch::default(),
            seq: 0,
            inbox: Vec::new(),
            hello,
        })
    }

    /// The socket is connected, or will never be: asks for the upgrade.
    pub(super) fn handle_connected(&mut self, request: &str) -> Result<(), String> {
        if self.stage != Stage::Connecting {
            return Ok(());
        }
        if let Some(error) = self.stream.take_error().map_err(|e| e.to_string())? {
            return Err(error.to_string());
        }
        if self.stream.peer_addr().is_err() {
            return Ok(()); // not yet
        }
        self.stream.set_nodelay(true).map_err(|e| e.to_string())?;
        self.stage = Stage::Upgrading;
        self.write(request.as_bytes())
    }

    /// Reads what is there; a read that does not fill the buffer has read everything.
    pub(super) fn handle_readable(&mut self, desk: &mut Desk) -> Result<(), String> {
        let mut buffer = std::mem::take(&mut desk.buffer);
        let result = loop {
            match self.stream.read(&mut buffer) {
                Ok(0) => break Err("the server closed the connection".to_owned()),
                Ok(read) => {
                    desk.bytes += read as u64;
                    let handled = if self.inbox.is_empty() {
                        self.handle_bytes(&mut buffer[..read], desk)
                    } else {
                        let mut inbox = std::mem::take(&mut self.inbox);
                        inbox.extend(&buffer[..read]);
                        self.handle_bytes(&mut inbox, desk)
                    };
                    if handled.is_err() || read < buffer.len() {
                        break handled;
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break Ok(()),
                Err(error) => break Err(error.to_string()),
            }
        };
        desk.buffer = buffer;
        result
    }

    fn handle_bytes(&mut self, bytes: &mut [u8], desk: &mut Desk) -> Result<(), String> {
        let mut rest = bytes;
        if self.stage == Stage::Upgrading
            && let Some(length) = websocket::upgraded(rest)?
        {
            self.stage = Stage::Playing;
            let hello = std::mem::take(&mut self.hello);
            self.send(websocket::BINARY, &hello, desk)?;
            rest = &mut rest[length..];
        }
        if self.stage == Stage::Playing {
            // One arrival, however many messages came with it.
            let now = Instant::now();
            while let Some(message) = Message::parse(rest)? {
                let payload = message.payload(rest);
                match message.opcode {
                    websocket::BINARY => {
                        self.watch.handle_message(payload, now, desk.tally.as_mut());
                    }
                    websocket::PING => self.send(websocket::PONG, payload, desk)?,
                    websocket::CLOSE => return Err(goodbye(payload)),
                    _ => {}
                }
                rest = &mut rest[message.end..];
            }
        }
        self.inbox.extend_from_slice(rest);
        Ok(())
    }

    /// Sends an input, once there is a welcome to act upon.
    pub(super) fn play(
        &mut self,
        input: fn(u32, u32, &mut Rng) -> Vec<u8>,
        desk: &mut Desk,
    ) -> Result<(), String> {
        if !self.is_playing() {
            return Ok(());
        }
        self.seq = self.seq.wrapping_add(1);
        let payload = input(self.seq, self.watch.tick, &mut desk.rng);
        self.send(websocket::BINARY, &payload, desk)
    }

    pub(super) fn is_playing(&self) -> bool {
        self.stage == Stage::Playing && self.watch.welcomed
    }

    fn send(&mut self, opcode: u8, payload: &[u8], desk: &mut Desk) -> Result<(), String> {
        let mut message = std::mem::take(&mut desk.message);
        message.clear();
        websocket::put_masked(opcode, payload, desk.rng.random(), &mut message);
        let sent = self.write(&message);
        desk.message = message;
        sent
    }

    /// A server whose socket takes no input does not read: that is not waited for.
    fn write(&mut self, message: &[u8]) -> Result<(), String> {
        match self.stream.write(message) {
            Ok(written) if written == message.len() => Ok(()),
            Ok(_) => Err("the server does not read".into()),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                Err("the server does not read".into())
            }
            Err(error) => Err(error.to_string()),
        }
    }
}

/// What a close frame says.
fn goodbye(payload: &[u8]) -> String {
    match payload {
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            format!("closed with {code}: {}", String::from_utf8_lossy(reason))
        }
        _ => "closed".into(),
    }
}
