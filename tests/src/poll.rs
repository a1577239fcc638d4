//! A long poll: members that speak nothing but HTTP.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use downbeat_server::axum::extract::{Path, Query, State};
use downbeat_server::axum::http::{HeaderMap, StatusCode};
use downbeat_server::axum::response::{IntoResponse, Response};
use downbeat_server::axum::routing::get;
use downbeat_server::axum::{Extension, Json, Router};
use downbeat_server::{Closed, NotConnected, Peer, Services, User, UserId, Visit};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::{Notify, mpsc};
use tokio::time::{Instant, sleep_until, timeout};

/// Texts that wait for a poll. A member that has more is not read for: its room skips it, and
/// closes it in the end, as it does with every member that is too slow.
const WAITING_MAX: usize = 64;

/// Answers to `/poll/{game}/{room}`.
#[derive(Clone)]
pub struct Polls {
    services: Services,
    /// How long a poll waits for news; shorter than any proxy in between has patience.
    wait: Duration,
    /// How long a member may stay away between two polls.
    away: Duration,
    seats: Arc<Mutex<BTreeMap<Key, Arc<Seat>>>>,
}

/// Who sits in which room.
type Key = (UserId, String);

/// A member, as far as polls see it.
struct Seat {
    signs: mpsc::Sender<Sign>,
    hears: tokio::sync::Mutex<Hears>,
    /// Another poll came: the one that waits must go.
    newer: Notify,
}

/// What comes from a client.
enum Sign {
    Polls,
    Says(String),
}

/// What goes to a client.
struct Hears {
    from: mpsc::Receiver<Result<String, Closed>>,
    /// The number of the last answer, and its texts until it is known that they have arrived.
    number: u64,
    last: Vec<String>,
    ended: Option<Closed>,
}

#[derive(Deserialize)]
struct After {
    after: Option<u64>,
}

type Answer = Result<Response, Response>;

impl Polls {
    /// Routes for a server.
    pub fn router(services: Services, wait: Duration, away: Duration) -> Router {
        let polls = Self {
            services,
            wait,
            away,
            seats: Arc::default(),
        };
        Router::new()
            .route("/poll/{game}/{room}", get(hear).post(say).delete(leave))
            .with_state(polls)
    }

    /// Who asks, by the session; never by what stands in the path.
    async fn user(&self, headers: &HeaderMap) -> Result<User, Response> {
        let found = self.services.user(headers).await;
        let found = found.map_err(|_| StatusCode::SERVICE_UNAVAILABLE.into_response())?;
        found.ok_or_else(|| error(StatusCode::UNAUTHORIZED, "sign in first: POST /api/guest"))
    }

    async fn find(&self, headers: &HeaderMap, path: &str) -> Result<(Key, Arc<Seat>), Response> {
        let key = (self.user(headers).await?.id, path.to_owned());
        let seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        let seat = seats.get(&key).cloned();
        let gone = || {
            error(
                StatusCode::NOT_FOUND,
                "no such member: poll without `after`",
            )
        };
        Ok((key, seat.ok_or_else(gone)?))
    }

    /// Sits down, in the place of the same user's seat in this room if there is one.
    async fn join(
        &self,
        (user, headers): (User, HeaderMap),
        peer: IpAddr,
        path: String,
    ) -> Result<Arc<Seat>, Response> {
        let key = (user.id, path.clone());
        self.forget(&key);
        let visit = Visit {
            peer,
            headers: Some(headers),
            ..Visit::new(path, user.name)
        };
        let peer = self.services.connect(visit).await;
        let peer = peer.map_err(|error| not_connected(&error))?;
        let (signs, heard) = mpsc::channel(WAITING_MAX);
        let (tells, from) = mpsc::channel(WAITING_MAX);
        let seat = Arc::new(Seat {
            signs,
            hears: tokio::sync::Mutex::new(Hears {
                from,
                number: 0,
                last: Vec::new(),
                ended: None,
            }),
            newer: Notify::new(),
        });
        tokio::spawn(sit(peer, heard, tells, self.away));
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        seats.retain(|_, seat| !seat.signs.is_closed());
        seats.insert(key, Arc::clone(&seat));
        Ok(seat)
    }

    /// The last that holds a seat lets go of it: the member leaves.
    fn forget(&self, key: &Key) {
        let mut seats = self.seats.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(seat) = seats.remove(key) {
            seat.newer.notify_waiters();
        }
    }
}

/// A member's task: reads for it between polls, and leaves when none comes any more.
async fn sit(
    mut peer: Peer,
    mut signs: mpsc::Receiver<Sign>,
    tells: mpsc::Sender<Result<String, Closed>>,
    away: Duration,
) {
    let mut until = Instant::now() + away;
    let mut due = None;
    loop {
        tokio::select! {
            sign = signs.recv() => match sign {
                // An error shows at the next `receive`.
                Some(Sign::Says(text)) => _ = peer.send(text).await,
                Some(Sign::Polls) => until = Instant::now() + away,
                None => return peer.leave().await,
            },
            () = sleep_until(until) => return peer.leave().await,
            told = async {
                let place = tells.reserve().await;
                (place, peer.receive().await)
            } => {
                let (Ok(place), told) = told else { return };
                let is_last = told.is_err();
                if told.as_ref().map_or(true, |text| is_news(text, &mut due)) {
                    place.send(told);
                }
                if is_last {
                    return;
                }
            }
        }
    }
}

/// Whether there is more in a text than that the line still stands: such a frame has the same
/// `due` as the one before.
fn is_news(text: &str, due: &mut Option<Value>) -> bool {
    let told: Value = serde_json::from_str(text).unwrap_or_default();
    let is_frame = told["type"] == "frame";
    !is_frame || due.replace(told["due"].clone()).as_ref() != Some(&told["due"])
}

/// `GET`: joins, or with `after=N` goes on behind answer N. Waits until there is something.
async fn hear(
    State(polls): State<Polls>,
    Path((game, room)): Path<(String, String)>,
    Query(After { after }): Query<After>,
    Extension(peer): Extension<IpAddr>,
    headers: HeaderMap,
) -> Answer {
    let path = format!("/ws/{game}/{room}");
    let (key, seat) = match after {
        Some(_) => polls.find(&headers, &path).await?,
        None => {
            let user = polls.user(&headers).await?;
            let key = (user.id.clone(), path.clone());
            (key, polls.join((user, headers), peer, path).await?)
        }
    };
    // Whoever came before goes first: its client may be gone without a word.
    seat.newer.notify_waiters();
    let newer = seat.newer.notified();
    let _ = seat.signs.try_send(Sign::Polls);
    let answered = async {
        let mut hears = seat.hears.lock().await;
        hears.next(after.unwrap_or(0), polls.wait).await
    };
    let answer = tokio::select! {
        answer = answered => answer,
        () = newer => return Err(error(StatusCode::CONFLICT, "another poll came")),
    };
    let _ = seat.signs.try_send(Sign::Polls);
    answer.inspect_err(|_| polls.forget(&key))
}

impl Hears {
    /// The answer behind that number, or the last one that there is. Cancel safe: what was heard is
    /// kept until the client shows, with the next number, that it has arrived.
    async fn next(&mut self, after: u64, wait: Duration) -> Answer {
        if after + 1 == self.number && !self.last.is_empty() {
            return Ok(self.answer()); // the answer before was lost on its way
        }
        if after != self.number {
            let words = "that answer is not the last, nor the one before";
            return Ok(error(StatusCode::BAD_REQUEST, words));
        }
        if self.ended.is_none() {
            let first = timeout(wait, self.from.recv()).await;
            let Ok(first) = first else {
                let nothing = json!({ "number": after, "messages": [] });
                return Ok(Json(nothing).into_response());
            };
            self.last.clear();
            self.take(first);
            while let Ok(more) = self.from.try_recv() {
                self.take(Some(more));
            }
            if !self.last.is_empty() {
                self.number += 1;
                return Ok(self.answer());
            }
        }
        let (code, reason) = match self.ended {
            Some(Closed { code, reason }) => (code, reason),
            None => (1000, "bye"),
        };
        let closed = json!({ "type": "closed", "code": code, "reason": reason });
        Err((StatusCode::GONE, Json(closed)).into_response())
    }

    fn take(&mut self, told: Option<Result<String, Closed>>) {
        match told {
            Some(Ok(text)) => self.last.push(text),
            Some(Err(closed)) => self.ended = Some(closed),
            None => {}
        }
    }

    fn answer(&self) -> Response {
        let texts = self.last.iter();
        let messages = texts.map(|text| serde_json::from_str::<Value>(text).unwrap_or_default());
        let messages: Vec<_> = messages.collect();
        Json(json!({ "number": self.number, "messages": messages })).into_response()
    }
}

/// `POST`: says a text of `downbeat.v1.json`.
async fn say(
    State(polls): State<Polls>,
    Path((game, room)): Path<(String, String)>,
    headers: HeaderMap,
    text: String,
) -> Answer {
    let (_, seat) = polls.find(&headers, &format!("/ws/{game}/{room}")).await?;
    let said = seat.signs.try_send(Sign::Says(text));
    said.map_err(|_| error(StatusCode::TOO_MANY_REQUESTS, "say less at once, or poll"))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// `DELETE`: leaves.
async fn leave(
    State(polls): State<Polls>,
    Path((game, room)): Path<(String, String)>,
    headers: HeaderMap,
) -> Answer {
    let (key, _) = polls.find(&headers, &format!("/ws/{game}/{room}")).await?;
    polls.forget(&key);
    Ok(StatusCode::NO_CONTENT.into_response())
}

fn not_connected(why: &NotConnected) -> Response {
    match why {
        NotConnected::Refused { status, text } => {
            let status = StatusCode::from_u16(*status).unwrap_or(StatusCode::FORBIDDEN);
            error(status, text)
        }
        NotConnected::Closed(closed) => error(StatusCode::FORBIDDEN, closed.reason),
    }
}

fn error(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}
