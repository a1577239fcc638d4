//! The bare epoll loop: the least that a server of rooms of fifty can be, as the measure of ours.
//!
//! One thread, one `read` per input, one `write` per member and tick, the shared body copied
//! behind an own header. It has no limits, no deadlines, no keyframes and no mercy: what does not
//! fit a socket is skipped.

use std::collections::HashMap;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token};

use self::room::Room;
use crate::header::{Header, low_half, put_varint, take_input};
use crate::websocket::{self, Message};

mod room;

/// The tick rate of what it is compared with.
const PERIOD: Duration = Duration::from_millis(50);

const LISTENER: Token = Token(usize::MAX);

/// Descriptors that are no clients.
const DESCRIPTORS_OWN: u64 = 16;
const CLIENTS_MAX: u64 = 100_000;

/// Serves until it is killed.
///
/// # Errors
/// If it cannot listen.
pub(crate) fn serve(address: SocketAddr) -> std::io::Result<()> {
    // As many as the system allows; the driver reports whom it could not connect.
    let _ = rlimit::increase_nofile_limit(CLIENTS_MAX + DESCRIPTORS_OWN);
    let mut peer = Peer {
        poll: Poll::new()?,
        listener: TcpListener::bind(address)?,
        connections: Vec::new(),
        free: Vec::new(),
        rooms: Vec::new(),
        names: HashMap::new(),
        buffer: vec![0; 4096],
        message: Vec::new(),
    };
    let registry = peer.poll.registry();
    registry.register(&mut peer.listener, LISTENER, Interest::READABLE)?;
    let mut events = Events::with_capacity(1024);
    let mut next = Instant::now() + PERIOD;
    loop {
        let now = Instant::now();
        if now >= next {
            peer.step(now);
            next += PERIOD;
            // What is more than a tick late is dropped: nobody wants two in one.
            while next + PERIOD < now {
                next += PERIOD;
            }
        }
        let wait = next.saturating_duration_since(Instant::now());
        match peer.poll.poll(&mut events, Some(wait)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
            _ => {}
        }
        for event in &events {
            match event.token() {
                LISTENER => peer.accept()?,
                Token(at) => {
                    if event.is_writable() {
                        peer.flush(at);
                    }
                    if event.is_readable() {
                        peer.read(at);
                    }
                }
            }
        }
    }
}

/// How far a connection is.
enum Stage {
    Upgrading,
    /// Upgraded; its hello is due.
    Greeting {
        room: usize,
    },
    Seated {
        room: usize,
        slot: usize,
    },
}

struct Connection {
    stream: TcpStream,
    stage: Stage,
    /// What was read of a message that is not whole.
    inbox: Vec<u8>,
    /// What is left of a message that did not fit the socket.
    unsent: Vec<u8>,
    due: u16,
    /// The newest input that no frame has told of, and when it came.
    input: Option<(u16, Instant)>,
}

struct Peer {
    poll: Poll,
    listener: TcpListener,
    /// By token.
    connections: Vec<Option<Connection>>,
    free: Vec<usize>,
    rooms: Vec<Room>,
    names: HashMap<String, usize>,
    /// What sockets are read into.
    buffer: Vec<u8>,
    /// What is being written.
    message: Vec<u8>,
}

impl Peer {
    fn accept(&mut self) -> std::io::Result<()> {
        loop {
            let mut stream = match self.listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nodelay(true)?;
            let at = self.free.pop().unwrap_or(self.connections.len());
            let interest = Interest::READABLE | Interest::WRITABLE;
            let registry = self.poll.registry();
            registry.register(&mut stream, Token(at), interest)?;
            if at == self.connections.len() {
                self.connections.push(None);
            }
            self.connections[at] = Some(Connection {
                stream,
                stage: Stage::Upgrading,
                inbox: Vec::new(),
                unsent: Vec::new(),
                due: 0,
                input: None,
            });
        }
    }

    /// Steps every room and writes to everybody in it.
    fn step(&mut self, now: Instant) {
        for room in &mut self.rooms {
            room.step();
            if room.body().is_empty() {
                continue;
            }
            let tick = low_half(room.tick);
            for at in room.connections() {
                if let Some(connection) = &mut self.connections[at] {
                    connection.show(tick, room.body(), now, &mut self.message);
                }
            }
        }
    }

    /// Writes what was left of a message, if the socket takes it now.
    fn flush(&mut self, at: usize) {
        if let Some(connection) = &mut self.connections[at]
            && !connection.unsent.is_empty()
        {
            // What fails otherwise than by being full shows when it is read.
            if let Ok(written) = connection.stream.write(&connection.unsent) {
                connection.unsent.drain(..written);
            }
        }
    }

    /// Reads what is there; a read that does not fill the buffer has read everything.
    fn read(&mut self, at: usize) {
        let mut buffer = std::mem::take(&mut self.buffer);
        while let Some(connection) = &mut self.connections[at] {
            let fine = match connection.stream.read(&mut buffer) {
                Ok(0) => Err("closed"),
                Ok(read) if connection.inbox.is_empty() => {
                    self.handle_bytes(at, &mut buffer[..read]).map(|()| read)
                }
                Ok(read) => {
                    let mut inbox = std::mem::take(&mut connection.inbox);
                    inbox.extend(&buffer[..read]);
                    self.handle_bytes(at, &mut inbox).map(|()| read)
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(_) => Err("lost"),
            };
            match fine {
                Ok(read) if read < buffer.len() => break,
                Ok(_) => {}
                Err(_) => self.drop_connection(at),
            }
        }
        self.buffer = buffer;
    }

    fn drop_connection(&mut self, at: usize) {
        if let Some(connection) = self.connections[at].take() {
            if let Stage::Seated { room, slot } = connection.stage {
                self.rooms[room].leave(slot);
            }
            self.free.push(at);
        }
    }

    /// Takes every whole message; the rest waits for more.
    fn handle_bytes(&mut self, at: usize, bytes: &mut [u8]) -> Result<(), &'static str> {
        let connection = self.connections[at].as_mut().ok_or("gone")?;
        let mut rest = bytes;
        if matches!(connection.stage, Stage::Upgrading)
            && let Some(upgrade) = websocket::upgrade(rest)?
        {
            let name = upgrade.path.rsplit('/').next().unwrap_or_default();
            let room = *self.names.entry(name.to_owned()).or_insert_with(|| {
                self.rooms.push(Room::new());
                self.rooms.len() - 1
            });
            connection.stage = Stage::Greeting { room };
            connection.write(upgrade.answer.as_bytes());
            rest = &mut rest[upgrade.length..];
        }
        if !matches!(connection.stage, Stage::Upgrading) {
            while let Some(message) = Message::parse(rest)? {
                if message.opcode == websocket::CLOSE {
                    return Err("said goodbye");
                }
                if message.opcode == websocket::BINARY {
                    connection.handle_message(at, message.payload(rest), &mut self.rooms)?;
                }
                rest = &mut rest[message.end..];
            }
        }
        if !rest.is_empty() {
            connection.inbox.extend_from_slice(rest);
        }
        Ok(())
    }
}

impl Connection {
    fn handle_message(
        &mut self,
        at: usize,
        payload: &[u8],
        rooms: &mut [Room],
    ) -> Result<(), &'static str> {
        match self.stage {
            Stage::Upgrading => Err("a message before the upgrade"),
            Stage::Greeting { room } => {
                let slot = rooms[room].join(at).ok_or("the room is full")?;
                self.stage = Stage::Seated { room, slot };
                self.write(&welcome(slot, rooms[room].tick));
                Ok(())
            }
            Stage::Seated { room, slot } => {
                if let Some((seq, &[_variant, dx, dy, ..])) = take_input(payload) {
                    rooms[room].steer(slot, [dx.cast_signed(), dy.cast_signed()]);
                    self.input = Some((low_half(seq), Instant::now()));
                }
                Ok(())
            }
        }
    }

    /// One frame, unless the last one is still on its way.
    fn show(&mut self, tick: u16, body: &[u8], now: Instant, message: &mut Vec<u8>) {
        self.due = self.due.wrapping_add(1);
        if !self.unsent.is_empty() {
            return;
        }
        let header = Header {
            tick,
            due: self.due,
            ack: self.input.take().map(|(seq, came)| {
                let lead = now.saturating_duration_since(came).as_millis();
                (seq, u8::try_from(lead).unwrap_or(u8::MAX))
            }),
            more: false,
        };
        message.clear();
        let length = header.length() + body.len();
        websocket::put_head(websocket::BINARY, length, None, message);
        header.put(message);
        message.extend_from_slice(body);
        self.write(message);
    }

    /// One `write`. What does not fit is kept if a part of it went, else skipped; a lost
    /// connection shows when it is read.
    fn write(&mut self, message: &[u8]) {
        if let Ok(written @ 1..) = self.stream.write(message) {
            self.unsent.extend_from_slice(&message[written..]);
        }
    }
}

/// As PROTOCOL.md § Welcome has it, of a room that is whole.
fn welcome(slot: usize, tick: u32) -> Vec<u8> {
    let slot = u32::try_from(slot).expect("a room has 64 slots");
    let mut payload = vec![0];
    put_varint(slot, &mut payload); // player
    payload.push(0); // seat: an avatar
    put_varint(slot, &mut payload);
    put_varint(tick, &mut payload);
    payload.extend([20, 0]); // tick rate; space: whole
    for text in ["bare", "room", "bot"] {
        put_varint(u32::try_from(text.len()).unwrap_or(0), &mut payload);
        payload.extend(text.as_bytes());
    }
    payload.extend([0, 0]); // nothing was taken in; no session to resume
    let mut message = Vec::new();
    websocket::put_head(websocket::BINARY, payload.len(), None, &mut message);
    message.extend(payload);
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::header::welcome_tick;

    #[test]
    fn the_welcome_is_one_message_that_tells_the_tick() {
        let mut bytes = welcome(49, 70_000);
        let message = Message::parse(&bytes).expect("legal").expect("whole");
        assert_eq!(message.end, bytes.len());
        assert_eq!(welcome_tick(message.payload(&mut bytes)), Some(70_000));
    }
}
