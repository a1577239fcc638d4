//! The gate: who may upgrade to a WebSocket, decided before the upgrade.
//!
//! In: a request. Out: the game that it is for, or the HTTP status that PROTOCOL.md promises.

use std::sync::Arc;

use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, Method, StatusCode, Version, header};
use axum::response::{IntoResponse, Response};
use downbeat::{EnterError, is_room_name};

use crate::admission::{Address, Full};
use crate::limits::RETRY_AFTER_S;
use crate::member_link::Speech;
use crate::registry::GameEntry;
use crate::server::Server;

/// Why somebody is not let in. Source: PROTOCOL.md § Connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooManyOfAddress,
    TooMany,
    Draining,
    NotWebSocket,
    Origin,
    Subprotocol,
    UnknownGame,
    BadRoomName,
    MayNotOpen,
    TooManyRoomsOfAddress,
    TooManyRooms,
}

impl Refused {
    pub(crate) const ALL: [Self; 11] = [
        Self::TooManyOfAddress,
        Self::TooMany,
        Self::Draining,
        Self::NotWebSocket,
        Self::Origin,
        Self::Subprotocol,
        Self::UnknownGame,
        Self::BadRoomName,
        Self::MayNotOpen,
        Self::TooManyRoomsOfAddress,
        Self::TooManyRooms,
    ];

    /// The status, the word for metrics, and what a person reads.
    pub(crate) const fn outcome(self) -> (StatusCode, &'static str, &'static str) {
        use StatusCode as S;
        match self {
            Self::TooManyOfAddress => (
                S::TOO_MANY_REQUESTS,
                "too_many_of_address",
                "too many connections from this address (limits.connections_per_address)",
            ),
            Self::TooMany => (
                S::SERVICE_UNAVAILABLE,
                "too_many",
                "too many connections (limits.connections)",
            ),
            Self::Draining => (
                S::SERVICE_UNAVAILABLE,
                "draining",
                "the server is going away",
            ),
            Self::NotWebSocket => (
                S::BAD_REQUEST,
                "not_websocket",
                "this is for WebSockets of version 13",
            ),
            Self::Origin => (
                S::FORBIDDEN,
                "origin",
                "pages of this origin may not connect (allowed_origins)",
            ),
            Self::Subprotocol => (
                S::BAD_REQUEST,
                "subprotocol",
                "the subprotocol downbeat.v1 or downbeat.v1.json must be offered",
            ),
            Self::UnknownGame => (S::NOT_FOUND, "unknown_game", "no such game"),
            Self::BadRoomName => (
                S::NOT_FOUND,
                "bad_room_name",
                "a room's name is 1-64 of A-Z a-z 0-9 . _ -",
            ),
            Self::MayNotOpen => (
                S::FORBIDDEN,
                "may_not_open",
                "no such room, and it may not be opened (game.create)",
            ),
            Self::TooManyRoomsOfAddress => (
                S::TOO_MANY_REQUESTS,
                "too_many_rooms_of_address",
                "too many rooms opened from this address (limits.rooms_per_address)",
            ),
            Self::TooManyRooms => (
                S::SERVICE_UNAVAILABLE,
                "too_many_rooms",
                "too many rooms (limits.rooms)",
            ),
        }
    }
}

impl From<Full> for Refused {
    fn from(full: Full) -> Self {
        match full {
            Full::Address => Self::TooManyOfAddress,
            Full::All => Self::TooMany,
        }
    }
}

impl From<EnterError> for Refused {
    fn from(error: EnterError) -> Self {
        match error {
            EnterError::Draining => Self::Draining,
            EnterError::NoSuchRoom => Self::MayNotOpen,
            EnterError::TooManyRooms | EnterError::Busy => Self::TooManyRooms,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let (status, _, text) = self.outcome();
        let mut response = (status, format!("{text}\n")).into_response();
        if matches!(status.as_u16(), 429 | 503) {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, RETRY_AFTER_S.into());
        }
        response
    }
}

/// What somebody was let in for.
pub(crate) struct Admitted {
    pub(crate) game: Arc<dyn GameEntry>,
    /// The subprotocol that they will speak.
    pub(crate) speech: Speech,
    /// Whether the room may be opened for them.
    pub(crate) may_open: bool,
}

/// Judges a request for `/ws/{game}/{room}`: the first line that objects decides. That the
/// connection has a place was found out when it was accepted.
pub(crate) fn judge(
    server: &Server,
    request: &Parts,
    address: Address,
    (game, room): (&str, &str),
) -> Result<Admitted, Refused> {
    check(!server.draining.is_cancelled(), Refused::Draining)?;
    check(is_websocket(request), Refused::NotWebSocket)?;
    check(is_origin_allowed(server, &request.headers), Refused::Origin)?;
    let speech = offered_speech(&request.headers).ok_or(Refused::Subprotocol)?;
    let game = server.game(game).ok_or(Refused::UnknownGame)?;
    check(is_room_name(room), Refused::BadRoomName)?;
    let declared = server.config.may_open(game.name(), room);
    let may_open = declared && server.has_openings_left(address);
    match game.check(room, may_open) {
        Ok(()) => Ok(Admitted {
            game,
            speech,
            may_open,
        }),
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

fn is_origin_allowed(server: &Server, headers: &HeaderMap) -> bool {
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
fn lists<'a>(headers: &'a HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'a str> {
    let values = headers.get_all(name).into_iter();
    let texts = values.filter_map(|value| value.to_str().ok());
    texts.flat_map(|text| text.split(',')).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_those_of_the_protocol() {
        let mut seen = [400, 403, 404, 429, 503].map(|status| (status, 0));
        for refused in Refused::ALL {
            let (status, ..) = refused.outcome();
            let entry = seen.iter_mut().find(|(known, _)| *known == status.as_u16());
            entry.expect("a status of the protocol").1 += 1;
        }
        assert_eq!(seen, [(400, 2), (403, 2), (404, 2), (429, 2), (503, 3)]);
    }

    #[test]
    fn who_is_turned_away_for_a_while_is_told_when_to_come_again() {
        for refused in Refused::ALL {
            let response = refused.into_response();
            let may_retry = matches!(response.status().as_u16(), 429 | 503);
            let told = response.headers().contains_key(header::RETRY_AFTER);
            assert_eq!(told, may_retry, "{refused:?}");
        }
    }
}
