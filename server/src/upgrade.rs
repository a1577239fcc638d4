//! From an accepted handshake to a member: the upgrade, the hello, the way into the room.
//!
//! In: a request that the gate let through. Out: a link in the hands of a room task, or a goodbye.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use downbeat::limits::CLOSE_WITHIN;
use downbeat::wire::{ClientMessage, Close, CloseCode, decode_client};
use downbeat::{EnterError, Incoming, LinkError, Outgoing, Refusal};
use futures_util::{SinkExt as _, StreamExt as _};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::connection::Connection;
use crate::gate::stays::{Claimed, NOT_VALID};
use crate::gate::{Admitted, Refused, audit, judge};
use crate::json_link::{self, Hello};
use crate::limits::{NOT_SENT_BYTES_LOW, PINGS_BEFORE_HELLO_MAX, SEND_BUFFER_BYTES};
use crate::member_link::Speech;
use crate::proxy::Client;
use crate::registry::{NotEntered, Wire};
use crate::routes::RouteHooks;
use crate::server::Server;
use crate::stream::Stream;
use crate::ws_link::WsLink;

const NO_HELLO: Close = Close::with_reason(CloseCode::Policy, "no hello in time");
const MISMATCH: Close = Close::with_reason(
    CloseCode::Mismatch,
    "client was built for other types; reload",
);
const TOO_MANY_ROOMS: Close = Close::with_reason(CloseCode::Refused, "too many rooms");

/// `GET /ws/{game}/{room}`, and the project's own paths.
pub(crate) async fn handle(
    State(server): State<Arc<Server>>,
    Extension(connection): Extension<Arc<Connection>>,
    Extension(client): Extension<Client>,
    Extension(RouteHooks(hooks)): Extension<RouteHooks>,
    path: Result<Path<BTreeMap<String, String>>, PathRejection>,
    request: Request,
) -> Response {
    // A path that is no UTF-8 names nothing that there is.
    let captures = path.map(|Path(names)| names).unwrap_or_default();
    let (mut parts, _) = request.into_parts();
    let deadline = connection.deadline(server.config.limits.handshake);
    let judged = judge(&server, (&parts, &hooks), client, (captures, deadline)).await;
    let refused = judged.as_ref().err().map(|rejected| rejected.refused);
    server.handshakes.count(refused);
    let admitted = match judged {
        Ok(admitted) => admitted,
        Err(rejected) => return rejected.into_response(),
    };
    let upgrade = parts.extensions.remove::<OnUpgrade>();
    let key = parts.headers.get(header::SEC_WEBSOCKET_KEY);
    let (Some(upgrade), Some(key)) = (upgrade, key) else {
        return Refused::NotWebSocket.into_response();
    };
    let accept = derive_accept_key(key.as_bytes());
    let response = switching_protocols(&accept, &admitted.subprotocol);
    let entrant = Entrant {
        deadline,
        server: Arc::clone(&server),
        connection,
        client,
        admitted,
    };
    server.tasks.spawn(async move {
        // An error means that the connection broke before the answer was out.
        if let Ok(upgraded) = upgrade.await {
            entrant.run(upgraded).await;
        }
    });
    response
}

fn switching_protocols(accept: &str, subprotocol: &str) -> Response {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    let accept = HeaderValue::from_str(accept).expect("base64 is fit for a header");
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    let protocol = HeaderValue::from_str(subprotocol).expect("it came in a header");
    headers.insert(header::SEC_WEBSOCKET_PROTOCOL, protocol);
    response
}

/// Somebody on the way into a room.
struct Entrant {
    server: Arc<Server>,
    connection: Arc<Connection>,
    client: Client,
    admitted: Admitted,
    deadline: Instant,
}

/// What came instead of a hello.
enum NoHello {
    /// The peer is told why it must go.
    Close(Close),
    /// The peer has gone by itself.
    Gone,
}

impl Entrant {
    async fn run(self, upgraded: Upgraded) {
        let Ok(parts) = upgraded.downcast::<TokioIo<Stream>>() else {
            unreachable!("connections are served over these streams");
        };
        let stream = parts.io.into_inner();
        let socket = socket2::SockRef::from(stream.tcp());
        // An error costs a slow peer some state in kernel buffers, no more.
        let _ = socket.set_send_buffer_size(SEND_BUFFER_BYTES);
        let _ = socket.set_tcp_notsent_lowat(NOT_SENT_BYTES_LOW);
        let bytes_max = self.server.config.limits.client_message_bytes;
        let whose = (
            Arc::clone(&self.connection),
            Arc::clone(&self.admitted.place),
        );
        let whose = (whose, self.admitted.speech);
        let mut link = WsLink::new(stream, &parts.read_buf, bytes_max, whose).await;
        let hello = tokio::select! {
            hello = timeout_at(self.deadline, hello(&mut link)) => {
                hello.unwrap_or(Err(NoHello::Close(NO_HELLO)))
            }
            () = self.server.draining.cancelled() => {
                Err(NoHello::Close(CloseCode::GoingAway.into()))
            }
        };
        let checked = hello.and_then(|hello| self.check_schema(hello));
        match checked {
            Ok(name) => self.enter(&name, link).await,
            Err(NoHello::Close(close)) => self.say_goodbye(link, close).await,
            Err(NoHello::Gone) => self.server.handshakes.count_vanished(),
        }
    }

    /// Who was built for other types would not understand a word; answers the name.
    fn check_schema(&self, hello: Hello) -> Result<String, NoHello> {
        match (self.admitted.game.schema_hash(), hello.schema) {
            (Some(expected), Some(got)) if got != expected => {
                let game = &**self.admitted.game.name();
                tracing::debug!(game, expected, got, "client was built for other types");
                Err(NoHello::Close(MISMATCH))
            }
            _ => Ok(hello.name),
        }
    }

    async fn enter(self, name: &str, link: WsLink) {
        if let Some(claimed) = &self.admitted.resumes {
            return self.resume(claimed, link).await;
        }
        let admitted = &self.admitted;
        let asked = admitted.game.admit(admitted.scope.clone());
        let found = timeout_at(self.deadline, asked).await;
        let found = match found.unwrap_or(Err(Refusal::BUSY)) {
            Ok(found) => found,
            Err(refusal) => return self.say_goodbye(link, refused(refusal)).await,
        };
        if admitted.recheck(&self.server).await.is_err() {
            return self.say_goodbye(link, NOT_VALID).await;
        }
        let link = Wire::Socket(link);
        let seated = admitted.sit(&self.server, self.client, (name, found), link);
        if let Err(not_entered) = seated {
            self.turn_back(*not_entered).await;
        }
    }

    /// Brings back who was there already.
    async fn resume(&self, claimed: &Claimed, mut link: WsLink) {
        if self.admitted.recheck(&self.server).await.is_err() {
            return self.say_goodbye(link, NOT_VALID).await;
        }
        let Admitted { game, room, .. } = &self.admitted;
        let place = Arc::clone(link.place());
        link.await_confirmation();
        let mut link = Some(link);
        let resumed = self
            .server
            .gate
            .stays
            .resume(&place, claimed, |seated, resume| {
                let link = link.take().expect("handed over once");
                game.resume(room, seated, resume, Wire::Socket(link))
            });
        match (resumed, link) {
            (Some(Ok(())), _) | (None, None) => {}
            (Some(Err(not_entered)), _) => self.turn_back(*not_entered).await,
            // Somebody else was faster with the same token.
            (None, Some(link)) => self.say_goodbye(link, refused(Refusal::GONE)).await,
        }
    }

    async fn turn_back(&self, (error, wire): NotEntered) {
        let Wire::Socket(link) = wire else {
            unreachable!("a socket went in")
        };
        let close = match error {
            EnterError::Draining => CloseCode::GoingAway.into(),
            EnterError::NoSuchRoom => CloseCode::RoomClosed.into(),
            EnterError::TooManyRooms => TOO_MANY_ROOMS,
            EnterError::Busy => refused(Refusal::BUSY),
            EnterError::Gone => refused(Refusal::GONE),
        };
        self.say_goodbye(link, close).await;
    }

    /// Closes, and reads on until the peer has closed too or has had its time.
    async fn say_goodbye(&self, mut link: WsLink, close: Close) {
        self.server.world.counters().count_close(close.code);
        audit::turned_back(&self.admitted.scope, self.client.ip, close);
        let goodbye = async {
            link.send(Outgoing::Close(close)).await?;
            while let Some(incoming) = link.next().await {
                if matches!(incoming, Ok(Incoming::Close(_)) | Err(LinkError::Lost(_))) {
                    break;
                }
            }
            Ok::<(), LinkError>(())
        };
        // However it ended, the link is dropped now.
        let _ = timeout(CLOSE_WITHIN, goodbye).await;
    }
}

pub(crate) const fn refused(refusal: Refusal) -> Close {
    Close::with_reason(CloseCode::Refused, refusal.reason())
}

/// Waits for the first message.
async fn hello(link: &mut WsLink) -> Result<Hello, NoHello> {
    for _ in 0..=PINGS_BEFORE_HELLO_MAX {
        return match link.next().await {
            Some(Ok(Incoming::Binary(bytes))) => read_hello(link.speech(), &bytes)
                .ok_or_else(|| NoHello::Close(CloseCode::BadData.into())),
            Some(Ok(Incoming::Text)) => Err(NoHello::Close(CloseCode::BadData.into())),
            Some(Ok(Incoming::Pong(_))) => continue,
            Some(Err(LinkError::Peer(code))) => Err(NoHello::Close(code.into())),
            Some(Ok(Incoming::Close(_)) | Err(LinkError::Lost(_))) | None => Err(NoHello::Gone),
        };
    }
    Err(NoHello::Close(CloseCode::Policy.into()))
}

fn read_hello(speech: Speech, bytes: &[u8]) -> Option<Hello> {
    match speech {
        Speech::Json => json_link::hello(bytes)
            .inspect_err(|error| tracing::debug!(error, "bad JSON hello"))
            .ok(),
        Speech::Binary => match decode_client::<()>(bytes) {
            Ok(ClientMessage::Hello { name, schema }) => Some(Hello {
                name,
                schema: Some(schema),
            }),
            Ok(_) | Err(_) => None,
        },
    }
}
