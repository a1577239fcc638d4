//! The gate: who may upgrade to a WebSocket, decided before the upgrade.
//!
//! In: a request. Out: the game, the room and the user that it is for, or the HTTP status that
//! PROTOCOL.md promises. Every way not to get in is a line of the table in [`outcome`]; the order
//! of the table is the order in which [`judge`] looks:
//!
//! ```text
//! deadline ── limits → headers → origin → subprotocol → who (credential, hooks) → where → seat
//! ```

use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use downbeat::{EnterError, UserId, is_room_name};
use futures_util::FutureExt as _;
use tokio::time::{Instant, timeout_at};

use crate::admission::Permit;
use crate::auth::cookie;
use crate::config::{Config, Guests};
use crate::limits::RETRY_AFTER_S;
use crate::member_link::Speech;
use crate::proxy::Client;
use crate::registry::{Arrival, Found, GameEntry, NotEntered, Pending, Wire};
use crate::server::Server;

pub(crate) mod token;
pub(crate) mod scope;
pub(crate) mod outcome;
pub(crate) mod credential;
pub(crate) mod jwt;
pub(crate) mod sessions;
pub(crate) mod tickets;
pub(crate) mod stays;
pub(crate) mod watch;
pub(crate) mod rates;
pub(crate) mod audit;
pub(crate) mod visit;

pub(crate) use self::outcome::Refused;

use self::audit::Attempt;
use self::credential::{Basis, Bearer, Credential};
use self::jwt::{Revoked, Verifier};
use self::scope::{Denied, Scope, User, UserKind};
use self::sessions::{Session, Sessions};
use self::stays::{Claimed, Place, Stays, Where};
use self::tickets::Tickets;
use self::token::Digest;
use crate::store::{Store, StoreError};

/// A function of a user's project that every request for a WebSocket passes.
pub(crate) type Hook = Arc<dyn Fn(Scope) -> Pending<'static, Result<Scope, Denied>> + Send + Sync>;

/// What the gate remembers.
pub(crate) struct Gate {
    pub(crate) sessions: Sessions,
    pub(crate) tickets: Tickets,
    pub(crate) stays: Arc<Stays>,
    verifier: Verifier,
    revoked: Revoked,
    /// What every request passes.
    hooks: Vec<Hook>,
}

impl Gate {
    pub(crate) fn new(
        config: &Config,
        store: Store,
        (verifier, hooks): (Verifier, Vec<Hook>),
    ) -> Self {
        let gate = &config.gate;
        Self {
            sessions: Sessions::new(store, gate.session, gate.revalidate),
            tickets: Tickets::new(gate.ticket, config.connections_per_address()),
            stays: Stays::new(gate, config.connections_per_address()),
            verifier,
            revoked: Revoked::default(),
            hooks,
        }
    }

    /// Ends one session.
    pub(crate) async fn end(&self, session: Digest) -> Result<(), StoreError> {
        self.stays.close_session(session); // nobody stays while the store takes its time
        let ended = self.sessions.end(session).await;
        self.stays.close_session(session); // whoever got in meanwhile goes too
        ended
    }

    /// Ends all sessions of a user, and whatever tokens other sites have given them so far; of
    /// those other processes know nothing.
    pub(crate) async fn revoke(&self, user: &UserId) -> Result<(), StoreError> {
        self.revoked.revoke(user);
        self.end_all_of(user).await
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_all_of(&self, user: &UserId) -> Result<(), StoreError> {
        self.stays.close_user(user, None);
        let ended = self.sessions.end_all_of(user).await;
        self.stays.close_user(user, None);
        ended
    }

    /// Gives the account of a session another password, and ends all other sessions of its user.
    pub(crate) async fn change_password(
        &self,
        password: (u64, &str),
        kept: &Session,
    ) -> Result<(), StoreError> {
        self.sessions.change_password(password, kept).await?;
        self.stays.close_user(&kept.user.id, Some(kept.digest));
        Ok(())
    }

    /// Whether what a user's stay hangs on still holds.
    async fn recheck(&self, bearer: &Bearer) -> Result<(), Refused> {
        match bearer.basis {
            Basis::Session(session) => {
                let found = self.sessions.find(session).await;
                let found = found.map_err(|_| Refused::Unavailable)?;
                check(found.is_some(), Refused::BadCredential)
            }
            Basis::Jwt { issued_at_s } => {
                let revoked = self.revoked.includes(&bearer.user.id, issued_at_s);
                check(!revoked, Refused::BadCredential)
            }
            Basis::Hook => Ok(()),
        }
    }

    /// Who stands behind a session's token or another site's.
    pub(crate) async fn bearer(&self, credential: &Credential) -> Result<Bearer, Refused> {
        match credential {
            Credential::Session(digest) => {
                let found = self.sessions.find(*digest).await;
                let session = found.map_err(|_| Refused::Unavailable)?;
                let session = session.ok_or(Refused::BadCredential)?;
                Ok(Bearer {
                    user: session.user,
                    basis: Basis::Session(session.digest),
                })
            }
            Credential::Jwt(text) => {
                let verified = self.verifier.verify(text, sessions::now_s());
                let (user, issued_at_s) = verified.map_err(|flaw| {
                    tracing::debug!(%flaw, "token of another site refused");
                    Refused::BadCredential
                })?;
                let bearer = Bearer {
                    user,
                    basis: Basis::Jwt { issued_at_s },
                };
                self.recheck(&bearer).await?;
                Ok(bearer)
            }
            Credential::None | Credential::Ticket(_) | Credential::Resume(_) => {
                Err(Refused::BadCredential)
            }
        }
    }
}

/// What somebody was let in for.
pub(crate) struct Admitted {
    pub(crate) game: Arc<dyn GameEntry>,
    pub(crate) room: String,
    /// What is echoed, and what messages look like.
    pub(crate) subprotocol: String,
    pub(crate) speech: Speech,
    /// Whether the room may be opened for them.
    pub(crate) may_open: bool,
    pub(crate) bearer: Option<Bearer>,
    pub(crate) scope: Scope,
    /// Whom it brings back, if anybody.
    pub(crate) resumes: Option<Claimed>,
    pub(crate) place: Arc<Place>,
}

impl Admitted {
    /// Whether what it came with still holds: a client decides when it says hello, and may have
    /// been thrown out before that.
    pub(crate) async fn recheck(&self, server: &Server) -> Result<(), Refused> {
        match &self.bearer {
            Some(bearer) => server.gate.recheck(bearer).await,
            None => Ok(()),
        }
    }

    /// Whether a room would be opened for it.
    pub(crate) fn opens(&self) -> bool {
        self.may_open && self.game.check(&self.room, false).is_err()
    }

    /// Brings somebody in who wants to be called this, and of whom the game has found out that.
    pub(crate) fn sit(
        &self,
        server: &Server,
        client: Client,
        (wanted, found): (&str, Found),
        link: Wire,
    ) -> Result<(), Box<NotEntered>> {
        // Others of this address may have been faster since it was let in.
        let opens = self.opens();
        let opening = opens.then(|| server.opening(client.address)).flatten();
        if opens && opening.is_none() {
            return Err(Box::new((EnterError::TooManyRooms, link)));
        }
        let bearer = self.bearer.as_ref();
        // Who has an account cannot call itself something else.
        let named = self.scope.user.as_ref().map(|user| &*user.name);
        let named = named.filter(|name| !name.is_empty());
        let arrival = |resume| Arrival {
            name: server.names.accept(named.unwrap_or(wanted)),
            user: bearer.map(|bearer| bearer.user.id.clone()),
            found,
            resume,
        };
        let to = Where {
            game: &self.game,
            room: &self.room,
            address: client.address,
        };
        let stays = &server.gate.stays;
        stays.enter(&self.place, bearer, &to, |resume| {
            self.game
                .enter(&self.room, self.may_open, arrival(resume), link)
        })?;
        if let Some(opening) = opening {
            let room = (Arc::clone(self.game.name()), self.room.clone());
            opening.opened(room, |room| server.is_open(room));
        }
        Ok(())
    }
}

/// A refusal, with the words of a hook if it was one that refused.
#[derive(Debug)]
pub(crate) struct Rejected {
    pub(crate) refused: Refused,
    denied: Option<Denied>,
}

impl From<Refused> for Rejected {
    fn from(refused: Refused) -> Self {
        Self {
            refused,
            denied: None,
        }
    }
}

impl Rejected {
    /// The status, and what a person reads.
    pub(crate) fn told(self) -> (StatusCode, String) {
        match self.denied {
            Some(Denied { status, text }) => (status, text),
            None => (self.refused.status(), self.refused.text().into()),
        }
    }
}

impl IntoResponse for Rejected {
    fn into_response(self) -> Response {
        let Some(Denied { status, text }) = self.denied else {
            return self.refused.into_response();
        };
        let mut response = (status, format!("{text}\n")).into_response();
        outcome::add_hints(&mut response, RETRY_AFTER_S);
        response
    }
}

/// Judges a request for a WebSocket: the first line that objects decides. That the connection has
/// a place among all was found out when it was accepted.
pub(crate) async fn judge(
    server: &Server,
    (request, hooks): (&Parts, &[Hook]),
    client: Client,
    (captures, deadline): (BTreeMap<String, String>, Instant),
) -> Result<Admitted, Rejected> {
    let mut attempt = Attempt::new(client.ip, &captures);
    let judging = pass(server, (request, hooks), (client, captures), &mut attempt);
    let judged = timeout_at(deadline, judging).await;
    let judged = judged.unwrap_or_else(|_| Err(Refused::HookSlow.into()));
    attempt.log(
        judged
            .as_ref()
            .map_or_else(|r| r.refused.word(), |_| "admitted"),
    );
    judged
}

async fn pass(
    server: &Server,
    (request, of_route): (&Parts, &[Hook]),
    (client, captures): (Client, BTreeMap<String, String>),
    attempt: &mut Attempt,
) -> Result<Admitted, Rejected> {
    let headers = &request.headers;
    // Limits.
    check(!server.draining.is_cancelled(), Refused::Draining)?;
    let of_address = place_of_address(server, client)?;
    // Method and headers.
    check(is_websocket(request), Refused::NotWebSocket)?;
    // Origin.
    check(is_origin_allowed(server, headers), Refused::Origin)?;
    // Subprotocol.
    let offered = offered_speech(headers);
    let hooks = || server.gate.hooks.iter().chain(of_route);
    check(
        offered.is_some() || hooks().next().is_some(),
        Refused::Subprotocol,
    )?;
    // Who.
    let credential = credential::of_websocket(headers, &request.uri)?;
    attempt.is_made_with(&credential);
    let claim = recognise(server, &credential).await?;
    let scope = scope_of(request, (client, captures), claim.bearer.as_ref());
    let scope = ask_hooks(hooks(), scope).await?;
    attempt.is_of(&scope);
    check(claim.is_for(&scope), Refused::BadCredential)?;
    let bearer = agreed(claim.bearer, scope.user.as_ref());
    check(
        may_be(server.config.gate.guests, scope.user.as_ref()),
        Refused::NoCredential,
    )?;
    let spoken = scope.speaks.clone();
    let ours = || offered.map(|speech| (speech.subprotocol().to_owned(), speech));
    let (subprotocol, speech) = spoken.or_else(ours).ok_or(Refused::Subprotocol)?;
    // Where.
    let resumes = claim.resumes;
    let (game, may_open) = find_room(server, client, &scope, resumes.is_some())?;
    // A seat.
    let user = bearer.as_ref().map(|bearer| &bearer.user.id);
    let mut place = server.gate.stays.place(user, resumes.is_some())?;
    place.of_address = of_address;
    Ok(Admitted {
        game,
        room: scope.room.clone(),
        subprotocol,
        speech,
        may_open,
        bearer,
        scope,
        resumes,
        place: Arc::new(place),
    })
}

/// Behind a proxy, a place among those of the client's address; others had theirs when they were
/// accepted.
fn place_of_address(server: &Server, client: Client) -> Result<Option<Permit>, Refused> {
    let place = || server.admission.admit_proxied(client.address);
    Ok(client.proxied.then(place).transpose()?)
}

/// Who somebody claims to be, and where that holds.
#[derive(Default)]
struct Claim {
    bearer: Option<Bearer>,
    bound_to: Option<(String, String)>,
    resumes: Option<Claimed>,
}

impl Claim {
    /// Whether it holds for where the hooks let it go.
    fn is_for(&self, scope: &Scope) -> bool {
        let is_there = |(game, room): &(String, String)| *game == scope.game && *room == scope.room;
        self.bound_to.as_ref().is_none_or(is_there)
    }
}

async fn recognise(server: &Server, credential: &Credential) -> Result<Claim, Refused> {
    let gate = &server.gate;
    match credential {
        Credential::None => Ok(Claim::default()),
        Credential::Ticket(digest) => {
            let ticket = gate.tickets.take(*digest).ok_or(Refused::BadCredential)?;
            gate.recheck(&ticket.bearer).await?;
            Ok(Claim {
                bearer: Some(ticket.bearer),
                bound_to: Some((ticket.game, ticket.room)),
                resumes: None,
            })
        }
        Credential::Resume(digest) => {
            let claimed = gate.stays.find(*digest).ok_or(Refused::BadCredential)?;
            if let Some(bearer) = &claimed.bearer {
                gate.recheck(bearer).await?;
            }
            Ok(Claim {
                bearer: claimed.bearer.clone(),
                bound_to: Some((claimed.game.clone(), claimed.room.clone())),
                resumes: Some(claimed),
            })
        }
        Credential::Session(_) | Credential::Jwt(_) => Ok(Claim {
            bearer: Some(gate.bearer(credential).await?),
            ..Claim::default()
        }),
    }
}

fn scope_of(
    request: &Parts,
    (client, captures): (Client, BTreeMap<String, String>),
    bearer: Option<&Bearer>,
) -> Scope {
    let mut headers = request.headers.clone();
    headers.remove(header::AUTHORIZATION);
    cookie::remove(&mut headers);
    headers.remove(header::SEC_WEBSOCKET_PROTOCOL);
    let words = lists(&request.headers, &header::SEC_WEBSOCKET_PROTOCOL);
    let words = words.filter(|word| !credential::is_credential(word));
    let capture = |name: &str| captures.get(name).cloned().unwrap_or_default();
    let origin = headers.get(header::ORIGIN);
    Scope {
        game: capture("game"),
        room: capture("room"),
        path: request.uri.path().to_owned(),
        captures: captures.clone(),
        peer: client.ip,
        origin: origin.and_then(|o| o.to_str().ok()).map(str::to_owned),
        subprotocols: words.map(str::to_owned).collect(),
        user: bearer.map(|bearer| bearer.user.clone()),
        extras: BTreeMap::new(),
        speaks: None,
        headers,
    }
}

/// Takes a request through the project's own functions, in their order.
async fn ask_hooks<'a>(
    hooks: impl Iterator<Item = &'a Hook>,
    mut scope: Scope,
) -> Result<Scope, Rejected> {
    for hook in hooks {
        let asked = AssertUnwindSafe(async { hook(scope).await }).catch_unwind();
        scope = match asked.await {
            Ok(Ok(scope)) => scope,
            Ok(Err(denied)) => {
                return Err(Rejected {
                    refused: Refused::Denied,
                    denied: Some(denied),
                });
            }
            Err(payload) => {
                // Dropping what it panicked with might panic again.
                std::mem::forget(payload);
                tracing::error!("a hook of the gate panicked");
                return Err(Refused::HookFailed.into());
            }
        };
    }
    Ok(scope)
}

/// Who somebody is after the hooks: what they changed is on their word.
fn agreed(bearer: Option<Bearer>, user: Option<&User>) -> Option<Bearer> {
    let user = user?.clone();
    let basis = match bearer {
        Some(bearer) if bearer.user.id == user.id => bearer.basis,
        _ => Basis::Hook,
    };
    Some(Bearer { user, basis })
}

fn may_be(guests: Guests, user: Option<&User>) -> bool {
    match (guests, user) {
        (Guests::Open, _) | (Guests::Ticket, Some(_)) => true,
        (Guests::Off, Some(user)) => user.kind != UserKind::Guest,
        (Guests::Ticket | Guests::Off, None) => false,
    }
}

fn find_room(
    server: &Server,
    client: Client,
    scope: &Scope,
    resumes: bool,
) -> Result<(Arc<dyn GameEntry>, bool), Refused> {
    let room = &scope.room;
    let game = server.game(&scope.game).ok_or(Refused::UnknownGame)?;
    check(is_room_name(room), Refused::BadRoomName)?;
    if resumes {
        return Ok((game, false)); // its member is there, so its room is
    }
    let signed_in = scope.user.as_ref().is_some_and(User::is_signed_in);
    let declared = server.config.may_open(game.name(), room, signed_in);
    let may_open = declared && server.has_openings_left(client.address);
    match game.check(room, may_open) {
        Ok(()) => Ok((game, may_open)),
        Err(EnterError::NoSuchRoom) if declared => Err(Refused::TooManyRoomsOfAddress),
        Err(error) => Err(error.into()),
    }
}

const fn check(holds: bool, otherwise: Refused) -> Result<(), Refused> {
    if holds { Ok(()) } else { Err(otherwise) }
}

/// Source: RFC 6455 § 4.2.1, RFC 9112 § 3.2. A body would be read as messages, and two hosts or
/// keys as different ones by a proxy.
fn is_websocket(request: &Parts) -> bool {
    let headers = &request.headers;
    let only = |name| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none())
    };
    let has_body = headers.contains_key(header::TRANSFER_ENCODING)
        || lists(headers, &header::CONTENT_LENGTH).any(|length| length != "0");
    request.method == Method::GET
        && request.version >= Version::HTTP_11
        && lists(headers, &header::CONNECTION).any(|word| word.eq_ignore_ascii_case("upgrade"))
        && lists(headers, &header::UPGRADE).any(|word| word.eq_ignore_ascii_case("websocket"))
        && lists(headers, &header::SEC_WEBSOCKET_VERSION).eq(["13"])
        && only(header::SEC_WEBSOCKET_KEY).is_some_and(|key| is_key(key.as_bytes()))
        && only(header::HOST).is_some()
        && !has_body
}

/// Whether this is base64 of 16 bytes.
fn is_key(text: &[u8]) -> bool {
    let is_digit = |b: &u8| b.is_ascii_alphanumeric() || b"+/".contains(b);
    let digits = text.strip_suffix(b"==");
    digits.is_some_and(|digits| digits.len() == 22 && digits.iter().all(is_digit))
}

/// Whether the page that asks may; programs that are no pages send no origin.
pub(crate) fn is_origin_allowed(server: &Server, headers: &HeaderMap) -> bool {
    let mut origins = headers.get_all(header::ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => {
            let host = headers
                .get(header::HOST)
                .and_then(|host| host.to_str().ok());
            let origin = origin.to_str();
            origin.is_ok_and(|origin| server.origins.allows(origin, host))
        }
        (Some(_), Some(_)) => false,
    }
}

/// The first of ours that is offered, in whatever order.
fn offered_speech(headers: &HeaderMap) -> Option<Speech> {
    let is_offered = |speech: &Speech| {
        let mut offered = lists(headers, &header::SEC_WEBSOCKET_PROTOCOL);
        offered.any(|offered| offered == speech.subprotocol())
    };
    Speech::ALL.into_iter().find(is_offered)
}

/// The words of a header that may come several times and hold several words each.
pub(crate) fn lists<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl DoubleEndedIterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}
