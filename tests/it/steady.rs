//! Members of a real server's rooms, over WebSockets, who read on by themselves while a test does
//! other things.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use downbeat::client::{Applied, View, hello};
use downbeat::wire::SUBPROTOCOL;
use downbeat::{Game, Schema};
use downbeat_tests::probe::{Order, Probe};
use futures_util::{SinkExt as _, StreamExt as _};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

use crate::guard::eventually;

type Socket = WebSocketStream<MaybeTlsStream<tokio::net::TcpStream>>;

/// As often as a page does that only looks.
const ECHO_EVERY: Duration = Duration::from_secs(1);

/// Somebody in a room. Whose value is dropped loses its connection, without a goodbye.
pub(crate) struct Member<G: Game> {
    seen: Arc<Mutex<Seen<G>>>,
    says: mpsc::UnboundedSender<Option<G::Input>>,
    reads: JoinHandle<()>,
}

/// What a member has seen so far.
pub(crate) struct Seen<G: Game> {
    pub(crate) view: View<G>,
    /// The ticks whose frames came, the oldest first.
    pub(crate) ticks: Vec<u32>,
    /// What it asked for so far.
    pub(crate) asked: u32,
    /// How the connection ended.
    pub(crate) closed: Option<String>,
}

impl<G: Game> Member<G> {
    /// Connects as somebody without a name elsewhere, and is in.
    pub(crate) async fn join(server: SocketAddr, room: &str, name: &str) -> Self {
        let entered = Self::enter(server, room, "", name).await;
        entered.expect("let in")
    }

    /// Connects with something to show, such as `ticket.…`, and is in; or the status with which it
    /// was refused.
    pub(crate) async fn enter(
        server: SocketAddr,
        room: &str,
        shown: &str,
        name: &str,
    ) -> Result<Self, u16> {
        let url = format!("ws://{server}/ws/{}/{room}", G::NAME);
        let mut request = url.into_client_request().expect("a URL");
        let offers = format!("{SUBPROTOCOL}, {shown}");
        let offers = offers.trim_end_matches(", ").parse().expect("a header");
        request
            .headers_mut()
            .insert("sec-websocket-protocol", offers);
        let mut socket = match tokio_tungstenite::connect_async(request).await {
            Ok((socket, _)) => socket,
            Err(Error::Http(answer)) => return Err(answer.status().as_u16()),
            Err(error) => panic!("{error}"),
        };
        let schema = Schema::hash_of::<G>().unwrap_or(0);
        let first = Message::binary(hello(name, schema));
        socket.send(first).await.expect("sent");
        let (says, asked) = mpsc::unbounded_channel();
        let seen = Arc::new(Mutex::new(Seen {
            view: View::new(),
            ticks: Vec::new(),
            asked: 0,
            closed: None,
        }));
        let reads = tokio::spawn(read(socket, Arc::clone(&seen), asked));
        let member = Self { seen, says, reads };
        let is_in = |seen: &Seen<G>| seen.view.welcome.is_some() && !seen.ticks.is_empty();
        member.until("in", is_in).await;
        Ok(member)
    }

    /// Asks for something.
    pub(crate) fn ask(&self, input: G::Input) {
        let _ = self.says.send(Some(input));
    }

    /// Says goodbye.
    pub(crate) fn leave(&self) {
        let _ = self.says.send(None);
    }

    /// What it sees now.
    pub(crate) fn look(&self) -> MutexGuard<'_, Seen<G>> {
        self.seen.lock().expect("no panic")
    }

    /// Waits until it sees what will be seen. It must not be closed meanwhile.
    pub(crate) async fn until(&self, what: &str, holds: impl Fn(&Seen<G>) -> bool) {
        eventually(what, || {
            let seen = self.look();
            assert_eq!(seen.closed, None, "closed while it waited: {what}");
            holds(&seen)
        })
        .await;
    }

    /// Its connection still stands, and all that it asked for has been answered.
    pub(crate) async fn is_answered(&self) {
        self.until("answered", |seen| seen.view.input_ack == seen.asked)
            .await;
        assert_eq!(self.look().view.refused, [0; 0]);
    }

    /// What it can come back with.
    pub(crate) fn resume(&self) -> String {
        let seen = self.look();
        let welcome = seen.view.welcome.as_ref().expect("welcomed");
        format!("resume.{}", welcome.resume)
    }

    /// Its number in the room.
    pub(crate) fn number(&self) -> u32 {
        let seen = self.look();
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
    seen: Arc<Mutex<Seen<G>>>,
    mut asked: mpsc::UnboundedReceiver<Option<G::Input>>,
) {
    let mut echo = tokio::time::interval(ECHO_EVERY);
    loop {
        let say = tokio::select! {
            came = socket.next() => {
                let mut seen = seen.lock().expect("no panic");
                match came {
                    Some(Ok(Message::Binary(bytes))) => seen.take(&bytes),
                    Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                    other => {
                        seen.closed = Some(format!("{other:?}"));
                        return;
                    }
                }
                continue;
            }
            Some(asked) = asked.recv() => match asked {
                Some(input) => {
                    let mut seen = seen.lock().expect("no panic");
                    seen.asked += 1;
                    Message::binary(seen.view.input(seen.asked, input))
                }
                None => Message::Close(Some(CloseFrame {
                    code: 1000.into(),
                    reason: "bye".into(),
                })),
            },
            _ = echo.tick() => {
                Message::binary(seen.lock().expect("no panic").view.seen())
            }
        };
        // Whoever was closed hears of it where it reads.
        let _ = socket.send(say).await;
    }
}

impl<G: Game> Seen<G> {
    fn take(&mut self, bytes: &[u8]) {
        let applied = self.view.apply(bytes).expect("a message of the protocol");
        if let Applied::Frame { due: true } = applied {
            self.ticks.push(self.view.tick.number());
        }
    }
}

/// Somebody who plays all the time, in a room in which every tick changes something.
pub(crate) struct Steady {
    member: Arc<Member<Probe>>,
    plays: JoinHandle<()>,
}

impl Steady {
    pub(crate) async fn join(server: SocketAddr) -> Self {
        let member = Arc::new(Member::<Probe>::join(server, "steady", "Steady").await);
        let player = Arc::clone(&member);
        let plays = tokio::spawn(async move {
            loop {
                player.ask(Order::Add(1));
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        });
        Self { member, plays }
    }

    /// Frames that came so far.
    pub(crate) fn frames(&self) -> usize {
        self.member.look().ticks.len()
    }

    /// From the beginning to now no tick is missing, nobody closed it, and everything that it asked
    /// for was done once.
    pub(crate) async fn was_undisturbed(self) {
        self.plays.abort();
        let _ = self.plays.await;
        self.member.is_answered().await;
        let seen = self.member.look();
        for pair in seen.ticks.windows(2) {
            assert_eq!(pair[1], pair[0] + 1, "a tick is missing");
        }
        assert_eq!(seen.view.shared.sum, u64::from(seen.asked));
    }
}
