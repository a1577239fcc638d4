//! What the tests share: a tiny game, a server, and clients as rude as need be.

use std::net::SocketAddr;
use std::time::Duration;

use downbeat::client::View;
use downbeat::wire::SUBPROTOCOL;
use downbeat::{Game, OpenError, Player, PlayerId, Refusal, Replicate, Room, Seat};
use downbeat_server::{App, Config, Running};
use futures_util::{SinkExt as _, StreamExt as _};
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::error::Error as WsError;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Request};
use tokio_tungstenite::tungstenite::protocol::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

/// Everybody adds to one sum.
#[derive(Serialize, Deserialize)]
pub(crate) struct Adder;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, Replicate)]
pub(crate) struct Sum {
    pub(crate) sum: u32,
}

#[downbeat::game]
impl Game for Adder {
    const NAME: &'static str = "adder";
    type Shared = Sum;
    type Input = u32;

    fn open(_: &(), _: &mut Room<Self>) -> Result<Self, OpenError> {
        Ok(Self)
    }

    fn join(&mut self, _: &mut Room<Self>, _: &Player<Self>) -> Result<Seat, Refusal> {
        Ok(Seat::Player)
    }

    fn input(&mut self, room: &mut Room<Self>, _: PlayerId, n: u32) {
        room.shared_mut().sum += n;
    }
}

pub(crate) async fn start() -> Running {
    start_with(Config::for_tests()).await
}

pub(crate) async fn start_with(config: Config) -> Running {
    let app = App::new().game::<Adder>();
    app.start(config).await.expect("the server starts")
}

/// Several times what any deadline of the server allows.
const PATIENCE: Duration = Duration::from_secs(20);

/// A WebSocket client.
pub(crate) struct Client {
    pub(crate) ws: WebSocketStream<TcpStream>,
    pub(crate) view: View<Adder>,
}

/// A handshake as a browser library makes it.
pub(crate) fn handshake(address: SocketAddr, path: &str) -> Request<()> {
    let url = format!("ws://{address}{path}");
    let mut request = url.into_client_request().expect("a URL");
    let protocol = HeaderValue::from_static(SUBPROTOCOL);
    request
        .headers_mut()
        .insert("Sec-WebSocket-Protocol", protocol);
    request
}

impl Client {
    /// Connects, without a word yet; the status where it was refused.
    pub(crate) async fn connect_with(
        address: SocketAddr,
        request: Request<()>,
    ) -> Result<Self, u16> {
        let stream = TcpStream::connect(address).await.expect("connected");
        match client_async(request, stream).await {
            Ok((ws, response)) => {
                let accepted = &response.headers()["Sec-WebSocket-Protocol"];
                assert_eq!(accepted, SUBPROTOCOL);
                let view = View::new();
                Ok(Self { ws, view })
            }
            Err(WsError::Http(response)) => Err(response.status().as_u16()),
            Err(other) => panic!("no answer to the handshake: {other}"),
        }
    }

    pub(crate) async fn connect(address: SocketAddr, room: &str) -> Result<Self, u16> {
        let path = format!("/ws/adder/{room}");
        Self::connect_with(address, handshake(address, &path)).await
    }

    /// Connects and joins.
    pub(crate) async fn join(address: SocketAddr, room: &str, name: &str) -> Self {
        let mut client = Self::connect(address, room).await.expect("let in");
        client.send(hello(name)).await;
        client.see(|view| view.welcome.is_some()).await;
        client
    }

    pub(crate) async fn send(&mut self, message: Vec<u8>) {
        let message = Message::Binary(message.into());
        self.ws.send(message).await.expect("sent");
    }

    /// Takes messages in until what is seen is as expected.
    pub(crate) async fn see(&mut self, expected: impl Fn(&View<Adder>) -> bool) {
        while !expected(&self.view) {
            match self.ws.next().await.expect("more to come").expect("read") {
                Message::Binary(bytes) => {
                    self.view.apply(&bytes).expect("a message of the protocol");
                }
                Message::Ping(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Reads until the server says goodbye; answers its code and reason.
    pub(crate) async fn goodbye(&mut self) -> (u16, String) {
        let goodbye = tokio::time::timeout(PATIENCE, self.read_goodbye());
        goodbye.await.expect("a goodbye in time")
    }

    async fn read_goodbye(&mut self) -> (u16, String) {
        loop {
            match self.ws.next().await.expect("a goodbye first") {
                Ok(Message::Close(Some(close))) => {
                    return (close.code.into(), close.reason.to_string());
                }
                Ok(_) => {}
                Err(error) => panic!("no goodbye, but {error}"),
            }
        }
    }
}

/// Waits until every connection has given its place back.
pub(crate) async fn nobody_is_left(running: &Running) {
    let gone = async {
        while running.connections() > 0 || running.counters().members.value() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(PATIENCE, gone).await.is_err() {
        let members = running.counters().members.value();
        panic!("{} connections, {members} members", running.connections());
    }
}

/// Who does no harm gets in within a second, and the games are well.
pub(crate) async fn is_well(running: &Running) {
    let join = Client::join(running.addr(), "honest", "Ada");
    let joined = tokio::time::timeout(Duration::from_secs(1), join).await;
    joined.expect("an honest client is in within a second");
    assert_eq!(running.counters().rooms_failed.value(), 0);
    nobody_is_left(running).await;
}

/// Sends bytes, answers with all that comes back until the server closes.
pub(crate) async fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(request.as_bytes()).await.expect("sent");
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.expect("read");
    String::from_utf8_lossy(&answer).into_owned()
}

/// A plain request; answers its whole response.
pub(crate) async fn request(address: SocketAddr, method: &str, path: &str, extra: &str) -> String {
    let request =
        format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n{extra}\r\n");
    raw(address, &request).await
}

/// The status of a response.
#[track_caller]
pub(crate) fn status(response: &str) -> u16 {
    let status = response.split(' ').nth(1);
    let status = status.and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("no status in {response:?}"))
}

/// The first message of a client that was built for `Adder`.
pub(crate) fn hello(name: &str) -> Vec<u8> {
    let schema = downbeat::Schema::hash_of::<Adder>().expect("described");
    downbeat::client::hello(name, schema)
}
