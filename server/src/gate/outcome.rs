//! The gate's table: every way not to get in, in the order in which the gate looks.

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use downbeat::EnterError;

use crate::admission::Full;
use crate::limits::RETRY_AFTER_S;

/// Why somebody is not let in. Source: PROTOCOL.md § Connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    TooManyOfAddress,
    TooMany,
    Draining,
    NotWebSocket,
    Origin,
    Subprotocol,
    TokenInQuery,
    SeveralCredentials,
    BadCredential,
    NoCredential,
    Unavailable,
    HookSlow,
    HookFailed,
    Denied,
    UnknownGame,
    BadRoomName,
    MayNotOpen,
    TooManyRoomsOfAddress,
    TooManyRooms,
    TooManyOfUser,
    OtherDevice,
}

/// One line of the table.
struct Line {
    refused: Refused,
    status: u16,
    /// For metrics and the audit.
    word: &'static str,
    /// For people.
    text: &'static str,
}

const fn line(refused: Refused, status: u16, word: &'static str, text: &'static str) -> Line {
    Line {
        refused,
        status,
        word,
        text,
    }
}

/// The gate from the outside in: the first line that objects decides.
#[rustfmt::skip]
const TABLE: &[Line] = {
    use Refused as R;
    &[
    // Limits: is there a place for this connection at all?
    line(R::TooManyOfAddress, 429, "too_many_of_address", "too many connections from this address (limits.connections_per_address)"),
    line(R::TooMany, 503, "too_many", "too many connections (limits.connections)"),
    line(R::Draining, 503, "draining", "the server is going away"),
    // Method and headers: is it a WebSocket?
    line(R::NotWebSocket, 400, "not_websocket", "this is for WebSockets of version 13"),
    // Origin: is the page one that may connect?
    line(R::Origin, 403, "origin", "pages of this origin may not connect (allowed_origins)"),
    // Subprotocol: do we speak the same language? (After the hooks if there are any: they may speak others.)
    line(R::Subprotocol, 400, "subprotocol", "the subprotocol downbeat.v1 or downbeat.v1.json must be offered"),
    // Who is it?
    line(R::TokenInQuery, 400, "token_in_query", "tokens do not belong into a query string, where logs keep them; send a ticket as a subprotocol, any other in Authorization"),
    line(R::SeveralCredentials, 400, "several_credentials", "one ticket, resume token or bearer token at most"),
    line(R::BadCredential, 401, "bad_credential", "this ticket or token is not good, not any more, or not here"),
    line(R::NoCredential, 401, "no_credential", "who connects must say who it is (gate.guests)"),
    line(R::Unavailable, 503, "store_unavailable", "sessions cannot be looked up at the moment"),
    line(R::HookSlow, 503, "hook_slow", "the server took too long to decide"),
    line(R::HookFailed, 500, "hook_failed", "the server could not decide"),
    line(R::Denied, 403, "denied", "refused"),
    // Where to?
    line(R::UnknownGame, 404, "unknown_game", "no such game"),
    line(R::BadRoomName, 404, "bad_room_name", "a room's name is 1-64 of A-Z a-z 0-9 . _ -"),
    line(R::MayNotOpen, 403, "may_not_open", "no such room, and it may not be opened (game.create)"),
    line(R::TooManyRoomsOfAddress, 429, "too_many_rooms_of_address", "too many rooms opened from this address (limits.rooms_per_address)"),
    line(R::TooManyRooms, 503, "too_many_rooms", "too many rooms (limits.rooms)"),
    // A seat for this user?
    line(R::TooManyOfUser, 429, "too_many_of_user", "too many connections of this user (limits.connections_per_user)"),
    line(R::OtherDevice, 409, "other_device", "this user is connected with another device (gate.devices)"),
    ]
};

impl Refused {
    /// How many there are.
    pub(crate) const COUNT: usize = TABLE.len();

    /// All of them, in the order of the gate.
    pub(crate) fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|line| line.refused)
    }

    /// Its number in the table.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The word for metrics and the audit.
    pub(crate) const fn word(self) -> &'static str {
        TABLE[self.index()].word
    }

    /// What a person reads.
    pub(crate) const fn text(self) -> &'static str {
        TABLE[self.index()].text
    }

    pub(crate) fn status(self) -> StatusCode {
        let status = StatusCode::from_u16(TABLE[self.index()].status);
        status.expect("the table has statuses of HTTP")
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
            EnterError::Gone => Self::BadCredential,
        }
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = (self.status(), format!("{}\n", self.text())).into_response();
        add_hints(&mut response, RETRY_AFTER_S);
        response
    }
}

/// What a status asks for: when to come again, or how to say who one is.
pub(crate) fn add_hints(response: &mut Response, retry_after_s: u32) {
    let (name, value) = match response.status().as_u16() {
        429 | 503 => (header::RETRY_AFTER, retry_after_s.into()),
        401 => (header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")),
        _ => return,
    };
    response.headers_mut().insert(name, value);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_has_a_line_for_each_outcome_in_their_order() {
        for (index, line) in TABLE.iter().enumerate() {
            assert_eq!(line.refused.index(), index, "{:?}", line.refused);
        }
        assert_eq!(Refused::COUNT, Refused::OtherDevice.index() + 1);
    }

    #[test]
    fn statuses_are_those_of_the_protocol() {
        let mut seen = [400, 401, 403, 404, 409, 429, 500, 503].map(|status| (status, 0));
        for refused in Refused::all() {
            let status = refused.status().as_u16();
            let entry = seen.iter_mut().find(|(known, _)| *known == status);
            entry.expect("a status of the protocol").1 += 1;
        }
        let expect = [
            (400, 4),
            (401, 2),
            (403, 3),
            (404, 2),
            (409, 1),
            (429, 3),
            (500, 1),
            (503, 5),
        ];
        assert_eq!(seen, expect);
    }

    #[test]
    fn who_is_turned_away_for_a_while_is_told_when_to_come_again() {
        for refused in Refused::all() {
            let response = refused.into_response();
            let status = response.status().as_u16();
            let has = |name| response.headers().contains_key(name);
            assert_eq!(
                has(header::RETRY_AFTER),
                matches!(status, 429 | 503),
                "{refused:?}"
            );
            assert_eq!(has(header::WWW_AUTHENTICATE), status == 401, "{refused:?}");
        }
    }
}
