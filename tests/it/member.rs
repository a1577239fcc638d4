//! Members of a real server's rooms, over WebSockets, who read on whatever the test is at.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use downbeat::client::{Applied, View, hello};
use downbeat::wire::SUBPROTOCOL;
use downbeat::{Game, Schema};
use downbeat_tests::probe::{Order, Probe};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

/// Longer than any deadline of the server and of its layers; what is not so by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);

/// As often as a page does that only looks.
const ECHO_EVERY: Duration = Duration::from_secs(1);

pub(crate) type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// A WebSocket at this path; the status where it was refused.
pub(crate) async fn connect(port: u16, path: &str) -> Result<Socket, u16> {
    connect_with(port, path, "", None).await
}

/// The same as the one to whom a session's token belongs.
pub(crate) async fn connect_as(port: u16, path: &str, token: &str) -> Result<Socket, u16> {
    connect_with(port, path, "", Some(token)).await
}

/// The same with something to show among the subprotocols, such as `ticket.…`.
async fn connect_with(
    port: u16,
    path: &str,
    shown: &str,
    token: Option<&str>,
) -> Result<Socket, u16> {
    let url = format!("ws://127.0.0.1:{port}{path}");
    let mut request = url.into_client_request().expect("a URL");
    let headers = request.headers_mut();
    let offers = format!("{SUBPROTOCOL}, {shown}");
    let offers = offers.trim_end_matches(", ").parse().expect("a header");
    headers.insert("sec-websocket-protocol", offers);
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
        let came = socket.next().await.expect("an open socket");
        match came.expect("a message") {
            Message::Binary(bytes) => {
                view.apply(&bytes).expect("a frame");
            }
            Message::Ping(_) | Message::Pong(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

/// Somebody in a room. Whose value is dropped loses its connection, without a goodbye.
pub(crate) struct Member<G: Game> {
    shared: Arc<Shared<G>>,
    says: mpsc::UnboundedSender<Option<Vec<u8>>>,
    reads: JoinHandle<()>,
}

struct Shared<G: Game> {
    seen: Mutex<Seen<G>>,
    news: Notify,
}

/// What a member has seen so far.
pub(crate) struct Seen<G: Game> {
    pub(crate) view: View<G>,
    /// The ticks whose frames came, the oldest first.
    pub(crate) ticks: Vec<u32>,
    /// What it asked for so far.
    pub(crate) asked: u32,
    /// How the connection ended.
    pub(crate) goodbye: Option<(u16, String)>,
}

impl<G: Game> Member<G> {
    /// Connects as somebody without a name elsewhere, and is in.
    pub(crate) async fn join(port: u16, room: &str, name: &str) -> Self {
        let entered = Self::enter(port, room, "", name).await;
        entered.expect("let in")
    }

    /// The same as the one to whom a session's token belongs.
    pub(crate) async fn join_as(port: u16, room: &str, name: &str, token: &str) -> Self {
        let path = format!("/ws/{}/{room}", G::NAME);
        let socket = connect_as(port, &path, token).await;
        Self::sit(socket.expect("let in"), name).await
    }

    /// Connects with something to show, such as `ticket.…`, and is in; or the status with which it
    /// was refused.
    pub(crate) async fn enter(port: u16, room: &str, shown: &str, name: &str) -> Result<Self, u16> {
        let path = format!("/ws/{}/{room}", G::NAME);
        let socket = connect_with(port, &path, shown, None).await?;
        Ok(Self::sit(socket, name).await)
    }

    async fn sit(mut socket: Socket, name: &str) -> Self {
        let schema = Schema::hash_of::<G>().unwrap_or(0);
        let first = Message::binary(hello(name, schema));
        socket.send(first).await.expect("sent");
        let (says, said) = mpsc::unbounded_channel();
        let shared = Arc::new(Shared {
            seen: Mutex::new(Seen {
                view: View::new(),
                ticks: Vec::new(),
                asked: 0,
                goodbye: None,
            }),
            news: Notify::new(),
        });
        let reads = tokio::spawn(read(socket, Arc::clone(&shared), said));
        let member = Self {
            shared,
            says,
            reads,
        };
        let is_in = |seen: &mut Seen<G>| seen.view.welcome.is_some() && !seen.ticks.is_empty();
        member.until("in", is_in).await;
        member
    }

    /// Asks for something; answers its number.
    pub(crate) fn input(&self, input: G::Input) -> u32 {
        let mut seen = self.seen();
        seen.asked += 1;
        let seq = seen.asked;
        let said = seen.view.input(seq, input);
        // Whoever was closed hears of it where it reads.
        let _ = self.says.send(Some(said));
        seq
    }

    /// Says goodbye.
    pub(crate) fn leave(&self) {
        let _ = self.says.send(None);
    }

    /// What it has seen by now.
    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen<G>> {
        self.shared.seen.lock().expect("no panic")
    }

    /// What it sees now.
    pub(crate) fn look<T>(&self, look: impl FnOnce(&mut View<G>) -> T) -> T {
        look(&mut self.seen().view)
    }

    /// Waits until it sees what is looked for. It must not be closed before.
    pub(crate) async fn sees(&self, what: &str, mut is_so: impl FnMut(&mut View<G>) -> bool) {
        self.until(what, |seen| is_so(&mut seen.view)).await;
    }

    /// The same, of all that it has seen.
    pub(crate) async fn until(&self, what: &str, mut holds: impl FnMut(&mut Seen<G>) -> bool) {
        self.wait(what, |seen| {
            let holds = holds(seen);
            let goodbye = &seen.goodbye;
            assert!(holds || goodbye.is_none(), "{what}: closed, {goodbye:?}");
            holds.then_some(())
        })
        .await;
    }

    /// Waits for an event, and takes all that there are.
    pub(crate) async fn hears(&self, what: &str, mut is_it: impl FnMut(&G::Event) -> bool) {
        self.sees(what, |view| view.events.drain(..).any(|e| is_it(&e)))
            .await;
    }

    /// Waits for the server's goodbye.
    pub(crate) async fn goodbye(&self) -> (u16, String) {
        self.wait("a goodbye", |seen| seen.goodbye.clone()).await
    }

    async fn wait<T>(&self, what: &str, mut look: impl FnMut(&mut Seen<G>) -> Option<T>) -> T {
        let wait = async {
            loop {
                let found = look(&mut self.seen());
                if let Some(found) = found {
                    return found;
                }
                self.shared.news.notified().await;
            }
        };
        let found = tokio::time::timeout(PATIENCE, wait).await;
        found.unwrap_or_else(|_| panic!("never: {what}"))
    }

    /// Its connection still stands, and all that it asked for has been answered.
    pub(crate) async fn is_answered(&self) {
        self.until("answered", |seen| seen.view.input_ack == seen.asked)
            .await;
        assert_eq!(self.seen().view.refused, [0; 0]);
    }

    /// What it can come back with.
    pub(crate) fn resume(&self) -> String {
        let seen = self.seen();
        let welcome = seen.view.welcome.as_ref().expect("welcomed");
        format!("resume.{}", welcome.resume)
    }

    /// Its number in the room.
    pub(crate) fn number(&self) -> u32 {
        let seen = self.seen();
        seen.view.welcome.as_ref().expect("welcomed").player
    }
}

impl<G: Game> Drop for Member<G> {
    fn drop(&mut self) {
        self.reads.abort();
    }
}

/// Reads until the connection ends, says what it is given to say, and echoes.
async fn read<G: Game>(
    mut socket: Socket,
    shared: Arc<Shared<G>>,
    mut said: mpsc::UnboundedReceiver<Option<Vec<u8>>>,
) {
    let lock = || shared.seen.lock().expect("no panic");
    let mut echo = tokio::time::interval(ECHO_EVERY);
    loop {
        let say = tokio::select! {
            came = socket.next() => {
                let is_over = lock().take(came);
                shared.news.notify_one();
                if is_over {
                    return;
                }
                continue;
            }
            Some(said) = said.recv() => match said {
                Some(said) => Message::binary(said),
                None => Message::Close(Some(CloseFrame {
                    code: 1000.into(),
                    reason: "bye".into(),
                })),
            },
            _ = echo.tick() => Message::binary(lock().view.seen()),
        };
        let _ = socket.send(say).await;
    }
}

impl<G: Game> Seen<G> {
    /// Answers whether it was the end.
    fn take(&mut self, came: Option<Result<Message, Error>>) -> bool {
        match came {
            Some(Ok(Message::Binary(bytes))) => {
                let applied = self.view.apply(&bytes).expect("a message of the protocol");
                if let Applied::Frame { due: true } = applied {
                    self.ticks.push(self.view.tick.number());
                }
                return false;
            }
            Some(Ok(Message::Close(Some(close)))) => {
                self.goodbye = Some((close.code.into(), close.reason.to_string()));
            }
            Some(Ok(_)) => return false,
            Some(Err(_)) | None => {
                self.goodbye.get_or_insert((1006, String::new()));
                return true;
            }
        }
        false
    }
}

/// Somebody who plays all the time, in a room in which every tick changes something.
pub(crate) struct Steady {
    member: Arc<Member<Probe>>,
    plays: JoinHandle<()>,
}

impl Steady {
    pub(crate) async fn join(port: u16) -> Self {
        let member = Arc::new(Member::<Probe>::join(port, "steady", "Steady").await);
        let player = Arc::clone(&member);
        let plays = tokio::spawn(async move {
            loop {
                player.input(Order::Add(1));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { member, plays }
    }

    /// Frames that came so far.
    pub(crate) fn frames(&self) -> usize {
        self.member.seen().ticks.len()
    }

    /// From the beginning to now no tick is missing, nobody closed it, and everything that it asked
    /// for was done once.
    pub(crate) async fn was_undisturbed(self) {
        self.plays.abort();
        let _ = self.plays.await;
        self.member.is_answered().await;
        let seen = self.member.seen();
        for pair in seen.ticks.windows(2) {
            assert_eq!(pair[1], pair[0] + 1, "a tick is missing");
        }
        assert_eq!(seen.view.shared.sum, u64::from(seen.asked));
    }
}
