//! The routes: from a request to a session, and from a session to a ticket.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use downbeat::is_room_name;
use serde::{Deserialize, Serialize};

use crate::admission::Full;
use crate::auth::answer::{ApiError, json, no_content};
use crate::auth::body::{check_head, read};
use crate::auth::cookie::{self, Secure};
use crate::config::Guests;
use crate::gate::credential::{Basis, Bearer, Credential, of_bearer};
use crate::gate::scope::User;
use crate::gate::sessions::{Session, new_guest, now_s, user_of_account};
use crate::gate::tickets::Ticket;
use crate::gate::token::Token;
use crate::gate::{Refused, is_origin_allowed};
use crate::proxy::Client;
use crate::server::Server;

type Answer = Result<Response, ApiError>;

const NO_GUESTS: ApiError = ApiError::new(
    StatusCode::FORBIDDEN,
    "no_guests",
    "there are no guests here, sign in (gate.guests)",
);
const NO_SESSION: ApiError = ApiError::new(
    StatusCode::UNAUTHORIZED,
    "no_session",
    "sign in first: neither a session's cookie nor a bearer token is good",
);
const TOO_MANY_TICKETS: ApiError = ApiError::new(
    StatusCode::SERVICE_UNAVAILABLE,
    "busy",
    "too many tickets wait for their use",
);
const TOO_MANY_TICKETS_OF_ADDRESS: ApiError = ApiError::new(
    StatusCode::TOO_MANY_REQUESTS,
    "too_many_tickets",
    "too many tickets of this address wait for their use",
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuestAsks {
    #[serde(default)]
    name: String,
    #[serde(default)]
    token: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountAsks {
    name: String,
    password: String,
    #[serde(default)]
    token: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogoutAsks {
    #[serde(default)]
    everywhere: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PasswordAsks {
    old: String,
    new: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TicketAsks {
    game: String,
    room: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Nothing {}

#[derive(Serialize)]
struct SessionAnswer<'a> {
    user: UserAnswer<'a>,
    expires_s: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
}

#[derive(Serialize)]
struct UserAnswer<'a> {
    id: &'a str,
    name: &'a str,
    kind: &'static str,
}

impl<'a> SessionAnswer<'a> {
    fn new(user: &'a User, expires_at_s: i64, token: Option<&'a str>) -> Self {
        Self {
            user: UserAnswer {
                id: user.id.as_str(),
                name: &user.name,
                kind: user.kind.word(),
            },
            expires_s: expires_at_s.saturating_sub(now_s()).max(0),
            token,
        }
    }
}

#[derive(Serialize)]
struct TicketAnswer<'a> {
    ticket: &'a str,
    expires_s: u64,
}

/// `POST /api/guest {name?}`.
pub(crate) async fn guest(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let asks: GuestAsks = read(&server, &parts, body).await?;
    if server.config.gate.guests == Guests::Off {
        return Err(NO_GUESTS);
    }
    server.accounts.admit_guest(client.address)?;
    let user = new_guest(server.names.accept(&asks.name));
    let begun = server.gate.sessions.begin(user).await?;
    let to = (StatusCode::OK, asks.token);
    Ok(answer_session(&server, client, begun, to))
}

/// `POST /api/register {name, password}`.
pub(crate) async fn register(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let asks: AccountAsks = read(&server, &parts, body).await?;
    let account = server
        .accounts
        .new_account(client.address, &asks.name, asks.password);
    let begun = server.gate.sessions.register(&account.await?).await?;
    let to = (StatusCode::CREATED, asks.token);
    Ok(answer_session(&server, client, begun, to))
}

/// `POST /api/login {name, password}`.
pub(crate) async fn login(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let asks: AccountAsks = read(&server, &parts, body).await?;
    let logged_in = server
        .accounts
        .log_in(client.address, &asks.name, asks.password);
    let account = logged_in.await?;
    let user = user_of_account(account.id, account.name.clone());
    let begun = server.gate.sessions.begin(user).await?;
    if let Err(error) = server.accounts.recheck(&account).await {
        // Nobody was told its token, but it need not lie there for its whole time.
        let _ = server.gate.end(begun.1.digest).await;
        return Err(error);
    }
    let to = (StatusCode::OK, asks.token);
    Ok(answer_session(&server, client, begun, to))
}

/// `GET /api/session`.
pub(crate) async fn session(
    State(server): State<Arc<Server>>,
    uri: Uri,
    headers: HeaderMap,
) -> Answer {
    check_head(&server, &headers, &uri)?;
    let session = session_of(&server, &headers).await?;
    let answer = SessionAnswer::new(&session.user, session.expires_at_s, None);
    Ok(json(StatusCode::OK, &answer))
}

/// `POST /api/logout {everywhere?}`.
pub(crate) async fn logout(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Answer {
    let (parts, body) = request.into_parts();
    let asks: LogoutAsks = read(&server, &parts, body).await?;
    let session = session_of(&server, &parts.headers).await?;
    let ended = server.see_through(async move |server| {
        if asks.everywhere {
            server.gate.end_all_of(&session.user.id).await
        } else {
            server.gate.end(session.digest).await
        }
    });
    ended.await?;
    let mut response = no_content();
    let clear = cookie::clear(is_secure(&server, client));
    response.headers_mut().insert(header::SET_COOKIE, clear);
    Ok(response)
}

/// `POST /api/password {old, new}`.
pub(crate) async fn password(State(server): State<Arc<Server>>, request: Request) -> Answer {
    let (parts, body) = request.into_parts();
    let PasswordAsks { old, new } = read(&server, &parts, body).await?;
    let session = session_of(&server, &parts.headers).await?;
    let changed = server.accounts.new_password(&session.user, old, new);
    let (id, hash) = changed.await?;
    let changed = server.see_through(async move |server| {
        let password = (id, hash.as_str());
        server.gate.change_password(password, &session).await
    });
    changed.await?;
    Ok(no_content())
}

/// `POST /api/ticket {game, room}`.
pub(crate) async fn ticket(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let asks = read(&server, &parts, body).await;
    answer_ticket(&server, (client, &parts.headers), asks).await
}

/// `POST /api/ticket/{game}/{room} {}`: for a balancer that sends all of a room to one process.
pub(crate) async fn ticket_of_path(
    State(server): State<Arc<Server>>,
    Extension(client): Extension<Client>,
    path: Result<Path<(String, String)>, PathRejection>,
    request: Request,
) -> Response {
    let (parts, body) = request.into_parts();
    let (game, room) = path.map(|Path(names)| names).unwrap_or_default();
    let asks = read(&server, &parts, body).await;
    let asks = asks.map(|Nothing {}| TicketAsks { game, room });
    answer_ticket(&server, (client, &parts.headers), asks).await
}

async fn answer_ticket(
    server: &Server,
    (client, headers): (Client, &HeaderMap),
    asks: Result<TicketAsks, ApiError>,
) -> Response {
    let answer = match asks {
        Ok(asks) => issue_ticket(server, (client, headers), asks).await,
        Err(error) => Err(error),
    };
    let mut response = answer.unwrap_or_else(ApiError::into_response);
    allow_listed_page(server, headers, &mut response);
    response
}

/// What a browser asks before it lets a page of another origin ask for a ticket.
pub(crate) async fn ticket_preflight(
    State(server): State<Arc<Server>>,
    headers: HeaderMap,
) -> Response {
    let mut response = no_content();
    allow_listed_page(&server, &headers, &mut response);
    response
}

async fn issue_ticket(
    server: &Server,
    (client, headers): (Client, &HeaderMap),
    asks: TicketAsks,
) -> Answer {
    let bearer = bearer_of(server, headers).await?;
    let game = server.game(&asks.game).ok_or(Refused::UnknownGame)?;
    if !is_room_name(&asks.room) {
        return Err(Refused::BadRoomName.into());
    }
    let ticket = Ticket {
        bearer,
        game: game.name().to_string(),
        room: asks.room,
    };
    let issued = server.gate.tickets.issue(ticket, client.address);
    let token = issued.map_err(|full| match full {
        Full::Address => TOO_MANY_TICKETS_OF_ADDRESS,
        Full::All => TOO_MANY_TICKETS,
    })?;
    let answer = TicketAnswer {
        ticket: token.text(),
        expires_s: server.gate.tickets.last().as_secs(),
    };
    Ok(json(StatusCode::OK, &answer))
}

/// Lets pages of listed origins read the answer. They bring a bearer token; cookies of ours do not
/// travel between sites, and are not asked for.
fn allow_listed_page(server: &Server, request: &HeaderMap, response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = request.get(header::ORIGIN) else {
        return;
    };
    if is_origin_allowed(server, request) {
        let mut put = |name, value| headers.insert(name, value);
        put(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        put(
            header::ACCESS_CONTROL_ALLOW_METHODS,
            HeaderValue::from_static("POST"),
        );
        put(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("authorization, content-type"),
        );
        put(
            header::ACCESS_CONTROL_MAX_AGE,
            HeaderValue::from_static("600"),
        );
    }
}

fn answer_session(
    server: &Server,
    client: Client,
    (token, session): (Token, Session),
    (status, with_token): (StatusCode, bool),
) -> Response {
    let shown = with_token.then(|| token.text());
    let answer = SessionAnswer::new(&session.user, session.expires_at_s, shown);
    let mut response = json(status, &answer);
    if !with_token {
        let lasts = server.config.gate.session;
        let set = cookie::set(&token, lasts, is_secure(server, client));
        response.headers_mut().insert(header::SET_COOKIE, set);
    }
    response
}

/// Who asks: a bearer token speaks for itself, else the cookie does.
pub(super) async fn bearer_of(server: &Server, headers: &HeaderMap) -> Result<Bearer, ApiError> {
    let credential = match of_bearer(headers)? {
        Credential::None => Credential::Session(cookie::of(headers).ok_or(NO_SESSION)?),
        credential => credential,
    };
    match server.gate.bearer(&credential).await {
        Err(Refused::BadCredential) => Err(NO_SESSION),
        bearer => Ok(bearer?),
    }
}

/// The session of who asks; a token of another site is none.
async fn session_of(server: &Server, headers: &HeaderMap) -> Result<Session, ApiError> {
    let Basis::Session(digest) = bearer_of(server, headers).await?.basis else {
        return Err(NO_SESSION);
    };
    let session = server.gate.sessions.find(digest).await?;
    session.ok_or(NO_SESSION)
}

/// A browser on this machine takes a cookie without TLS; nowhere else should it travel so.
fn is_secure(server: &Server, client: Client) -> Secure {
    Secure(client.https || !server.config.is_private())
}
