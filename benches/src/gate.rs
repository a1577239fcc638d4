//! `gate.…handshakes_per_s`: how many get in when many want to at once.
//!
//! A server and those who want in are in this process, on all cores. One after the other, each of
//! them connects, upgrades, says hello, is welcomed, says goodbye and waits until the server has
//! closed; so a room has a seat to give and to take back each time. Tickets are there before the
//! clock starts.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use downbeat::client::{Applied, View, hello};
use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Room, Schema, Seat};
use downbeat_server::{App, Config, Running};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::websocket::{self, Message};
use crate::{Plan, figure};

pub(crate) const NAMES: [&str; 2] = ["gate.handshakes_per_s", "gate.ticket_handshakes_per_s"];

/// Who want in at the same time: so many that a room's tick, for which each waits, is not what
/// holds them up.
const AT_ONCE: usize = 512;

/// Rooms that they come into: a few, each with more than a hundred who come and go.
const ROOMS: usize = 4;

/// How often each of them comes in, in a round. A user has that many tickets at most.
const TIMES: usize = 16;

/// Whatever takes longer is broken.
const WITHIN: Duration = Duration::from_secs(20);

/// The mask of all messages: the server cannot tell it from a random one.
const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];

/// 1000, in a close frame.
const GOODBYE: [u8; 2] = 1000_u16.to_be_bytes();

#[derive(Serialize, Deserialize)]
struct Hall;

#[downbeat::game]
impl Game for Hall {
    const NAME: &'static str = "hall";
    type Input = ();

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, _: &mut Room<Self>, _: PlayerId, (): ()) {}
}

pub(crate) fn measure(plan: &Plan) -> Result<(), String> {
    let runtime = tokio::runtime::Runtime::new().map_err(|e| e.to_string())?;
    let rounds = if plan.quick { 1 } else { 5 };
    for (name, with_tickets) in NAMES.into_iter().zip([false, true]) {
        if plan.wants(&[name]) {
            let per_s = runtime.block_on(per_s(rounds, with_tickets))?;
            figure(name, per_s, "handshakes/s");
        }
    }
    Ok(())
}

/// The median of some rounds, each of which takes a second or more.
async fn per_s(rounds: usize, with_tickets: bool) -> Result<f64, String> {
    let app = App::new().game::<Hall>();
    let server = app.start(Config::for_tests()).await;
    let server = server.map_err(|e| e.to_string())?;
    let address = server.addr();
    let mut guests = Vec::new();
    for number in 0..AT_ONCE {
        guests.push(Guest::new(address, number, with_tickets).await?);
    }
    // The first one is to warm up.
    let mut rates = Vec::new();
    for number in 0..=rounds {
        if with_tickets {
            guests = all(guests, Guest::fetch_tickets).await?;
        }
        let start = Instant::now();
        guests = all(guests, Guest::come_and_go).await?;
        let took = start.elapsed();
        if number > 0 {
            #[expect(clippy::cast_precision_loss, reason = "thousands")]
            rates.push((AT_ONCE * TIMES) as f64 / took.as_secs_f64());
        }
    }
    all_have_left(&server).await?;
    server.stop().await.map_err(|e| e.to_string())?;
    rates.sort_unstable_by(f64::total_cmp);
    Ok(rates[rates.len() / 2])
}

/// Lets all guests do something at the same time.
async fn all<F>(guests: Vec<Guest>, act: fn(Guest) -> F) -> Result<Vec<Guest>, String>
where
    F: Future<Output = Result<Guest, String>> + Send + 'static,
{
    let mut acting: JoinSet<_> = guests.into_iter().map(act).collect();
    let mut guests = Vec::new();
    while let Some(done) = acting.join_next().await {
        guests.push(done.map_err(|e| e.to_string())??);
    }
    Ok(guests)
}

/// A member that still had a seat would make the rooms of the next round another load.
async fn all_have_left(server: &Running) -> Result<(), String> {
    let began = Instant::now();
    while server.counters().members.value() > 0 {
        if began.elapsed() > WITHIN {
            let members = server.counters().members.value();
            return Err(format!("{members} said goodbye and are still members"));
        }
        sleep(Duration::from_millis(10)).await;
    }
    Ok(())
}

/// Somebody who comes in again and again.
struct Guest {
    address: SocketAddr,
    room: String,
    /// The first message.
    hello: Arc<[u8]>,
    session: Option<Session>,
    tickets: Vec<String>,
}

impl Guest {
    async fn new(address: SocketAddr, number: usize, signs_in: bool) -> Result<Self, String> {
        let schema = Schema::hash_of::<Hall>().unwrap_or_default();
        let name = format!("guest-{number}");
        let mut framed = Vec::new();
        websocket::put_masked(websocket::BINARY, &hello(&name, schema), MASK, &mut framed);
        let session = if signs_in {
            Some(Session::begin(address).await?)
        } else {
            None
        };
        Ok(Self {
            address,
            room: format!("room-{}", number % ROOMS),
            hello: framed.into(),
            session,
            tickets: Vec::new(),
        })
    }

    async fn fetch_tickets(mut self) -> Result<Self, String> {
        let session = self.session.as_mut().ok_or("no session")?;
        while self.tickets.len() < TIMES {
            self.tickets.push(session.ticket(&self.room).await?);
        }
        Ok(self)
    }

    async fn come_and_go(mut self) -> Result<Self, String> {
        for _ in 0..TIMES {
            let ticket = match self.session {
                Some(_) => Some(self.tickets.pop().ok_or("no ticket")?),
                None => None,
            };
            let handshake = self.handshake(ticket.as_deref());
            let done = timeout(WITHIN, handshake).await;
            done.map_err(|_| "a handshake does not end")??;
        }
        Ok(self)
    }

    /// From nothing to a welcome, and back.
    async fn handshake(&self, ticket: Option<&str>) -> Result<(), String> {
        let path = format!("/ws/{}/{}", Hall::NAME, self.room);
        let mut request = websocket::request(&self.address.to_string(), &path);
        if let Some(ticket) = ticket {
            let offered = format!("downbeat.v1, ticket.{ticket}\r\n");
            request = request.replace("downbeat.v1\r\n", &offered);
        }
        let mut line = Line::connect(self.address).await?;
        line.write(request.as_bytes()).await?;
        let length = loop {
            if let Some(length) = websocket::upgraded(&line.read)? {
                break length;
            }
            let more = line.read_more().await;
            more.map_err(|error| format!("before the upgrade: {error}"))?;
        };
        line.read.drain(..length);
        line.write(&self.hello).await?;
        let mut view = View::<Hall>::new();
        let first = line.message(websocket::BINARY).await;
        let first = first.map_err(|error| format!("before the welcome: {error}"))?;
        if !matches!(view.apply(&first), Ok(Applied::Welcome)) {
            return Err("the first message is no welcome".into());
        }
        let mut goodbye = Vec::new();
        websocket::put_masked(websocket::CLOSE, &GOODBYE, MASK, &mut goodbye);
        line.write(&goodbye).await?;
        line.message(websocket::CLOSE).await?;
        line.until_closed().await
    }
}

/// A guest's session, on a connection of its own over which it asks for tickets.
struct Session {
    line: Line,
    token: String,
}

impl Session {
    async fn begin(address: SocketAddr) -> Result<Self, String> {
        let mut line = Line::connect(address).await?;
        let token = line.post("/api/guest", "", r#"{"token":true}"#, "token");
        let token = token.await?;
        Ok(Self { line, token })
    }

    async fn ticket(&mut self, room: &str) -> Result<String, String> {
        let bearer = format!("Authorization: Bearer {}\r\n", self.token);
        let path = format!("/api/ticket/{}/{room}", Hall::NAME);
        self.line.post(&path, &bearer, "{}", "ticket").await
    }
}

/// A connection, with what was read of it and not yet used.
struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    async fn connect(address: SocketAddr) -> Result<Self, String> {
        let stream = TcpStream::connect(address).await;
        let stream = stream.map_err(|e| format!("connect: {e}"))?;
        stream.set_nodelay(true).map_err(|e| e.to_string())?;
        Ok(Self {
            stream,
            read: Vec::with_capacity(1024),
        })
    }

    async fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        let written = self.stream.write_all(bytes).await;
        written.map_err(|e| format!("write: {e}"))
    }

    async fn read_more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) => {
                let read = String::from_utf8_lossy(&self.read);
                Err(format!("the server closed the connection after {read:?}"))
            }
            Ok(_) => Ok(()),
            Err(error) => Err(format!("read: {error}")),
        }
    }

    /// The payload of the next message of this kind; others are passed over.
    async fn message(&mut self, opcode: u8) -> Result<Vec<u8>, String> {
        loop {
            let Some(message) = Message::parse(&self.read)? else {
                self.read_more().await?;
                continue;
            };
            let payload = message.payload(&mut self.read).to_vec();
            self.read.drain(..message.end);
            if message.opcode == opcode {
                return Ok(payload);
            }
            if message.opcode == websocket::CLOSE {
                let reason = payload.get(2..).unwrap_or_default();
                return Err(format!("closed: {}", String::from_utf8_lossy(reason)));
            }
        }
    }

    /// The server closes first, as RFC 6455 § 7.1.1 has it.
    async fn until_closed(mut self) -> Result<(), String> {
        self.read.clear();
        match self.stream.read_buf(&mut self.read).await {
            Ok(0) => Ok(()),
            Ok(_) => Err("the server goes on after its goodbye".into()),
            Err(error) => Err(format!("close: {error}")),
        }
    }

    /// Asks the HTTP API, and answers a field of what it says; the connection stays.
    async fn post(
        &mut self,
        path: &str,
        header: &str,
        body: &str,
        field: &str,
    ) -> Result<String, String> {
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\n{header}Content-Type: application/json\r\n\
             Content-Length: {length}\r\n\r\n{body}"
        );
        self.write(request.as_bytes()).await?;
        let (head, end) = loop {
            let end = self.read.windows(4).position(|four| four == b"\r\n\r\n");
            if let Some(end) = end {
                let head = String::from_utf8_lossy(&self.read[..end]);
                break (head.into_owned(), end + 4);
            }
            self.read_more().await?;
        };
        let mut lines = head.lines();
        let status = lines.next().unwrap_or_default();
        if !status.starts_with("HTTP/1.1 200 ") {
            return Err(format!("{path}: {status}"));
        }
        let mut headers = lines.filter_map(|line| line.split_once(": "));
        let length = headers.find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
        let length = length.and_then(|(_, value)| value.parse::<usize>().ok());
        let length = length.ok_or_else(|| format!("{path}: no length"))?;
        while self.read.len() < end + length {
            self.read_more().await?;
        }
        let said = serde_json::from_slice::<serde_json::Value>(&self.read[end..end + length]);
        self.read.drain(..end + length);
        let said = said.map_err(|e| format!("{path}: {e}"))?;
        let text = said.get(field).and_then(serde_json::Value::as_str);
        text.map(str::to_owned)
            .ok_or_else(|| format!("{path}: no {field}"))
    }
}
