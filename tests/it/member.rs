//! Somebody at a real socket of a real server, who reads on whatever the test is at.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use downbeat::client::{View, hello};
use downbeat::{Game, Schema};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than any deadline of the server and of its layers; what is not so by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A WebSocket at this path; the status where it was refused.
pub(crate) async fn connect(port: u16, path: &str) -> Result<Socket, u16> {
    connect_as(port, path, None).await
}

/// The same as the one to whom a session's token belongs.
pub(crate) async fn connect_as(port: u16, path: &str, token: Option<&str>) -> Result<Socket, u16> {
    let url = format!("ws://127.0.0.1:{port}{path}");
    let mut request = url.into_client_request().expect("a URL");
    let headers = request.headers_mut();
    let protocol = HeaderValue::from_static(downbeat::wire::SUBPROTOCOL);
    headers.insert("sec-websocket-protocol", protocol);
    if let Some(token) = token {
        let bearer = format!("Bearer {token}").parse().expect("a header");
        headers.insert("authorization", bearer);
    }
    match tokio_tungstenite::connect_async(request).await {
        Ok((socket, _)) => Ok(socket),
        Err(Error::Http(answer)) => Err(answer.status().as_u16()),
        Err(error) => panic!("{error}"),
    }
}

/// Reads until the view shows what is looked for.
pub(crate) async fn until<G: Game>(
    socket: &mut Socket,
    view: &mut View<G>,
    seen: impl Fn(&View<G>) -> bool,
) {
    while !seen(view) {
        match socket
            .next()
            .await
            .expect("an open socket")
            .expect("a message")
        {
            Message::Binary(bytes) => {
                view.apply(&bytes).expect("a frame");
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// A member of a room. Its socket is read by a task of its own, so that nobody is too slow because
/// the test looks elsewhere.
pub(crate) struct Member<G: Game> {
    say: SplitSink<Socket, Message>,
    seen: Arc<Seen<G>>,
    reads: AbortHandle,
    seq: u32,
}

/// Nobody holds the socket any more.
impl<G: Game> Drop for Member<G> {
    fn drop(&mut self) {
        self.reads.abort();
    }
}

/// What it sees, and how its conversation ended.
struct Seen<G: Game> {
    view: Mutex<View<G>>,
    goodbye: Mutex<Option<(u16, String)>>,
    news: Notify,
}

impl<G: Game> Seen<G> {
    async fn read(&self, mut socket: SplitStream<Socket>) {
        while let Some(message) = socket.next().await {
            match message {
                Ok(Message::Binary(bytes)) => {
                    let mut view = self.view.lock().expect("no panic");
                    view.apply(&bytes).expect("a message of the protocol");
                }
                Ok(Message::Close(Some(close))) => {
                    self.end((close.code.into(), close.reason.to_string()));
                }
                Ok(_) => {}
                Err(_) => break,
            }
            self.news.notify_one();
        }
        self.end((1006, String::new()));
        self.news.notify_one();
    }

    fn end(&self, goodbye: (u16, String)) {
        let mut ended = self.goodbye.lock().expect("no panic");
        ended.get_or_insert(goodbye);
    }
}

impl<G: Game> Member<G> {
    /// Joins; the first that it sees is there already.
    pub(crate) async fn join(port: u16, room: &str, name: &str) -> Self {
        Self::join_as(port, room, name, None).await
    }

    /// The same as the one to whom a session's token belongs.
    pub(crate) async fn join_as(port: u16, room: &str, name: &str, token: Option<&str>) -> Self {
        let path = format!("/ws/{}/{room}", G::NAME);
        let socket = connect_as(port, &path, token).await.expect("let in");
        let (say, socket) = socket.split();
        let seen = Arc::new(Seen {
            view: Mutex::new(View::new()),
            goodbye: Mutex::default(),
            news: Notify::new(),
        });
        let reader = Arc::clone(&seen);
        let reads = tokio::spawn(async move { reader.read(socket).await }).abort_handle();
        let mut member = Self {
            say,
            seen,
            reads,
            seq: 0,
        };
        let schema = Schema::hash_of::<G>().expect("described");
        member.send(hello(name, schema)).await;
        member
            .sees("a first frame", |view| {
                view.welcome.is_some() && view.due > 0
            })
            .await;
        member
    }

    async fn send(&mut self, bytes: Vec<u8>) {
        let sent = self.say.send(Message::binary(bytes)).await;
        sent.expect("an open socket");
    }

    /// Asks for something; answers its number.
    pub(crate) async fn input(&mut self, input: G::Input) -> u32 {
        self.seq += 1;
        let bytes = self.look(|view| view.input(self.seq, input));
        self.send(bytes).await;
        self.seq
    }

    /// What it sees now.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut View<G>) -> T) -> T {
        look(&mut self.seen.view.lock().expect("no panic"))
    }

    /// Waits until it sees what is looked for.
    pub(crate) async fn sees(&self, what: &str, mut is_so: impl FnMut(&mut View<G>) -> bool) {
        let wait = async {
            loop {
                // Before the look: what was told before the end counts.
                let goodbye = self.ended();
                if self.look(&mut is_so) {
                    return;
                }
                assert!(goodbye.is_none(), "{what}: closed with {goodbye:?}");
                self.seen.news.notified().await;
            }
        };
        let seen = tokio::time::timeout(PATIENCE, wait).await;
        assert!(seen.is_ok(), "never seen: {what}");
    }

    /// Waits for an event, and takes all that there are.
    pub(crate) async fn hears(&self, what: &str, mut is_it: impl FnMut(&G::Event) -> bool) {
        self.sees(what, |view| view.events.drain(..).any(|e| is_it(&e)))
            .await;
    }

    fn ended(&self) -> Option<(u16, String)> {
        self.seen.goodbye.lock().expect("no panic").clone()
    }

    /// Waits for the server's goodbye.
    pub(crate) async fn goodbye(&self) -> (u16, String) {
        let wait = async {
            loop {
                if let Some(goodbye) = self.ended() {
                    return goodbye;
                }
                self.seen.news.notified().await;
            }
        };
        let goodbye = tokio::time::timeout(PATIENCE, wait).await;
        goodbye.expect("a goodbye in time")
    }
}
