//! The accept loop: one per listener, and a task per connection for as long as it speaks HTTP.
//!
//! In: sockets. Out: requests to a router, each with the [`Connection`] that it came on. A loop
//! that cannot accept pauses; it never spins.

use std::convert::Infallible;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::response::{IntoResponse as _, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use ipnet::IpNet;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep, sleep_until, timeout, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_service::Service as _;

use crate::admission::{Address, Admission, Full, Permit};
use crate::gate::Refused;
use crate::limits::{
    ACCEPT_FAILURES_PER_LINE, ACCEPT_PAUSE, HEADER_BYTES_MAX, HEADERS_MAX, HTTP_CONNECTION_MAX,
    HTTP_LAST_ANSWER_WITHIN, TURN_AWAY_WITHIN, TURNED_AWAY_MAX,
};
use crate::proxy::{Client, is_trusted};
use crate::stream::Stream;
use crate::tls::Tls;

/// What is known of a connection; a WebSocket holds on to it.
#[derive(Debug)]
pub(crate) struct Connection {
    peer: IpAddr,
    tls: bool,
    accepted: Instant,
    /// Its place among the connections, until it is closed.
    place: Result<Permit, Full>,
    used: AtomicBool,
    /// The head of its first request has arrived.
    heard: AtomicBool,
}

impl Connection {
    /// Until when a handshake that began with this request must be done: the first one began
    /// with the connection.
    pub(crate) fn deadline(&self, handshake: Duration) -> Instant {
        let began = if self.used.load(Ordering::Relaxed) {
            Instant::now()
        } else {
            self.accepted
        };
        began + handshake
    }
}

/// A listener and where its requests go.
pub(crate) struct Door {
    pub(crate) listener: TcpListener,
    /// The certificate, where TLS is spoken.
    pub(crate) tls: Option<Arc<Tls>>,
    pub(crate) admission: Arc<Admission>,
    pub(crate) router: Router,
    pub(crate) handshake: Duration,
    /// Whose word about the client's address counts.
    pub(crate) proxies: Vec<IpNet>,
    /// Nobody is let in any more, and connections end after the answer they are at.
    pub(crate) closing: CancellationToken,
    pub(crate) tasks: TaskTracker,
}

impl Door {
    /// Accepts until the door closes.
    pub(crate) async fn run(self) {
        let door = Arc::new(self);
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY_MAX));
        let mut failed = 0_u32; // in a row; one line each would be a flood that a stranger makes
        loop {
            let accepted = tokio::select! {
                () = door.closing.cancelled() => return,
                accepted = door.listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, peer)) => {
                    failed = 0;
                    door.let_in(stream, peer, &turned_away);
                }
                Err(error) if is_of_the_peer(&error) => {}
                Err(error) => {
                    if failed.is_multiple_of(ACCEPT_FAILURES_PER_LINE) {
                        tracing::warn!(%error, "cannot accept connections, waiting");
                    }
                    failed += 1;
                    sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }

    fn let_in(self: &Arc<Self>, stream: TcpStream, peer: SocketAddr, turned_away: &Arc<Semaphore>) {
        let peer = peer.ip();
        // Everybody comes from the proxy's address.
        let address = (!is_trusted(&self.proxies, peer)).then(|| Address::from(peer));
        let place = self.admission.admit(address);
        let connection = Arc::new(Connection {
            peer,
            tls: self.tls.is_some(),
            accepted: Instant::now(),
            place,
            used: AtomicBool::new(false),
            heard: AtomicBool::new(false),
        });
        let door = Arc::clone(self);
        if connection.place.is_ok() {
            self.tasks.spawn(door.serve(stream, connection));
        } else if let Ok(turn) = Arc::clone(turned_away).try_acquire_owned() {
            self.tasks.spawn(async move {
                let _ = timeout(TURN_AWAY_WITHIN, door.serve(stream, connection)).await;
                drop(turn);
            });
        }
    }

    async fn serve(self: Arc<Self>, stream: TcpStream, connection: Arc<Connection>) {
        // An error means that the peer is gone already.
        let _ = stream.set_nodelay(true);
        let deadline = connection.accepted + self.handshake;
        let Some(stream) = self.greet(stream, deadline).await else {
            return;
        };
        let door = Arc::clone(&self);
        let on = Arc::clone(&connection);
        let service =
            service_fn(move |request| answer(Arc::clone(&door), Arc::clone(&on), request));
        let mut served = std::pin::pin!(
            http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(self.handshake)
                .max_headers(HEADERS_MAX)
                .max_buf_size(HEADER_BYTES_MAX)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades()
        );
        // However slowly TLS and the head came: they have one deadline together.
        let late = async {
            sleep_until(deadline).await;
            if connection.heard.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        let enough = async {
            tokio::select! {
                () = sleep_until(connection.accepted + HTTP_CONNECTION_MAX) => {}
                () = self.closing.cancelled() => {}
            }
        };
        let ended = tokio::select! {
            ended = served.as_mut() => ended,
            () = late => return,
            () = enough => {
                served.as_mut().graceful_shutdown();
                let last = timeout(HTTP_LAST_ANSWER_WITHIN, served).await;
                last.unwrap_or(Ok(()))
            }
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "connection ended");
        }
    }

    /// Speaks TLS where that is spoken; `None` if the peer does not, or not in time.
    async fn greet(&self, stream: TcpStream, deadline: Instant) -> Option<Stream> {
        let Some(tls) = &self.tls else {
            return Some(Stream::Plain(stream));
        };
        match timeout_at(deadline, tls.accept(stream)).await {
            Ok(Ok(stream)) => Some(Stream::Tls(Box::new(stream))),
            Ok(Err(error)) => {
                tracing::debug!(%error, "no TLS");
                None
            }
            Err(_) => None,
        }
    }
}

/// Answers a request, on a connection that has no place with the reason why.
async fn answer(
    door: Arc<Door>,
    connection: Arc<Connection>,
    mut request: Request<Incoming>,
) -> Result<Response, Infallible> {
    connection.heard.store(true, Ordering::Relaxed);
    if let Err(full) = &connection.place {
        let mut response = Refused::from(*full).into_response();
        let close = header::HeaderValue::from_static("close");
        response.headers_mut().insert(header::CONNECTION, close);
        return Ok(response);
    }
    let client = Client::of(
        &door.proxies,
        (connection.peer, connection.tls),
        request.headers(),
    );
    request.extensions_mut().insert(client);
    // For routes of a project's own.
    request.extensions_mut().insert(client.ip);
    request.extensions_mut().insert(Arc::clone(&connection));
    let response = door.router.clone().call(request.map(Body::new)).await;
    connection.used.store(true, Ordering::Relaxed);
    response
}

/// Whether an accept failed because of the connection that it would have given, as opposed to a
/// lack of descriptors or memory.
fn is_of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::sync::Notify;
    use tokio::time;

    use super::*;

    /// A door behind which `/` is answered when it is told to.
    struct Slow {
        to: SocketAddr,
        asked: Arc<Notify>,
        answers: Arc<Notify>,
        admission: Arc<Admission>,
    }

    async fn slow() -> Slow {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let to = listener.local_addr().expect("bound");
        let (asked, answers) = (Arc::<Notify>::default(), Arc::<Notify>::default());
        let admission = Admission::new(9, None);
        let handle = {
            let (asked, answers) = (Arc::clone(&asked), Arc::clone(&answers));
            async move || {
                asked.notify_one();
                answers.notified().await;
                "answered"
            }
        };
        let door = Door {
            listener,
            tls: None,
            admission: Arc::clone(&admission),
            router: Router::new().route("/", get(handle)),
            handshake: Duration::from_secs(5),
            proxies: Vec::new(),
            closing: CancellationToken::new(),
            tasks: TaskTracker::new(),
        };
        tokio::spawn(door.run());
        Slow {
            to,
            asked,
            answers,
            admission,
        }
    }

    /// Lets time pass at once, and everybody do what is due then.
    async fn pass(by: Duration) {
        time::pause();
        // A timer is due up to a millisecond late.
        time::advance(by + Duration::from_secs(1)).await;
        for _ in 0..100 {
            tokio::task::yield_now().await;
        }
        time::resume();
    }

    #[tokio::test]
    async fn a_connection_that_has_lasted_long_enough_ends_behind_its_answer() {
        let door = slow().await;
        let mut stream = TcpStream::connect(door.to).await.expect("connected");
        let asks = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(asks).await.expect("sent");
        door.asked.notified().await;
        pass(HTTP_CONNECTION_MAX).await;
        door.answers.notify_one();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.expect("read");
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer:?}");
        assert!(answer.contains("connection: close"), "{answer:?}");
        assert!(answer.ends_with("answered"), "{answer:?}");
    }

    #[tokio::test]
    async fn a_connection_whose_last_answer_takes_too_long_is_cut() {
        let door = slow().await;
        let mut stream = TcpStream::connect(door.to).await.expect("connected");
        let asks = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n";
        stream.write_all(asks).await.expect("sent");
        door.asked.notified().await;
        pass(HTTP_CONNECTION_MAX).await;
        assert_eq!(door.admission.open(), 1);
        pass(HTTP_LAST_ANSWER_WITHIN).await;
        let mut answer = Vec::new();
        // A reset is an end as well.
        let _ = stream.read_to_end(&mut answer).await;
        assert_eq!(answer, b"");
        assert_eq!(door.admission.open(), 0);
    }
}
