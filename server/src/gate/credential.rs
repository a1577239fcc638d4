//! What a request brings to say who it is from: read to the letter, one at most.
//!
//! In: headers. Out: a credential that has the right shape, or why it is of no use. Nothing here
//! knows whether it is good.

use std::fmt;

use axum::http::header::{AUTHORIZATION, SEC_WEBSOCKET_PROTOCOL};
use axum::http::{HeaderMap, Uri};

use crate::gate::lists;
use crate::gate::outcome::Refused;
use crate::gate::scope::User;
use crate::gate::token::Digest;

/// Who was recognised, and what that hangs on.
#[derive(Clone, Debug)]
pub(crate) struct Bearer {
    pub(crate) user: User,
    pub(crate) basis: Basis,
}

/// What makes a user this user; when it ends, the user has to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Basis {
    Session(Digest),
    /// A token of another site, issued at this second since 1970.
    Jwt {
        issued_at_s: i64,
    },
    /// A hook said so.
    Hook,
}

/// What came with a request.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Credential {
    None,
    Ticket(Digest),
    Resume(Digest),
    Session(Digest),
    Jwt(String),
}

impl Credential {
    /// The word for logs.
    pub(crate) const fn word(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Ticket(_) => "ticket",
            Self::Resume(_) => "resume",
            Self::Session(_) => "bearer",
            Self::Jwt(_) => "jwt",
        }
    }

    /// What tells it from others in logs.
    pub(crate) fn fingerprint(&self) -> Option<String> {
        let digest = match self {
            Self::None => return None,
            Self::Ticket(digest) | Self::Resume(digest) | Self::Session(digest) => *digest,
            Self::Jwt(text) => Digest::of(text),
        };
        Some(digest.fingerprint())
    }
}

/// As logs may have it: another site's token is here whole.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fingerprint = self.fingerprint().unwrap_or_default();
        write!(f, "{}({fingerprint})", self.word())
    }
}

const TICKET: &str = "ticket.";
const RESUME: &str = "resume.";

/// Whether an offered subprotocol is a credential rather than a language.
pub(crate) fn is_credential(word: &str) -> bool {
    word.starts_with(TICKET) || word.starts_with(RESUME)
}

/// What a request for a WebSocket brings.
pub(crate) fn of_websocket(headers: &HeaderMap, uri: &Uri) -> Result<Credential, Refused> {
    if is_in_query(uri) {
        return Err(Refused::TokenInQuery);
    }
    let words = lists(headers, &SEC_WEBSOCKET_PROTOCOL);
    let mut words = words.filter(|word| is_credential(word));
    let (word, another) = (words.next(), words.next());
    let bearer = of_bearer(headers)?;
    match (word, another, bearer) {
        (None, None, bearer) => Ok(bearer),
        (Some(word), None, Credential::None) => {
            let (make, text): (fn(_) -> _, _) = match word.strip_prefix(TICKET) {
                Some(text) => (Credential::Ticket, text),
                None => (
                    Credential::Resume,
                    word.strip_prefix(RESUME).unwrap_or(word),
                ),
            };
            let digest = Digest::of_token(text);
            digest.map(make).ok_or(Refused::BadCredential)
        }
        _ => Err(Refused::SeveralCredentials),
    }
}

/// What the `Authorization` header brings. Source: RFC 6750 § 2.1.
pub(crate) fn of_bearer(headers: &HeaderMap) -> Result<Credential, Refused> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let (value, another) = (values.next(), values.next());
    let Some(value) = value else {
        return Ok(Credential::None);
    };
    if another.is_some() {
        return Err(Refused::SeveralCredentials);
    }
    let text = value.to_str().map_err(|_| Refused::BadCredential)?;
    let (scheme, token) = text.split_once(' ').ok_or(Refused::BadCredential)?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Err(Refused::BadCredential);
    }
    if token.contains('.') {
        return Ok(Credential::Jwt(token.to_owned()));
    }
    let digest = Digest::of_token(token);
    digest
        .map(Credential::Session)
        .ok_or(Refused::BadCredential)
}

/// Whether somebody put a token where it ends up in logs and histories.
pub(crate) fn is_in_query(uri: &Uri) -> bool {
    const NAMES: [&str; 5] = ["token", "ticket", "resume", "session", "access_token"];
    let pairs = uri.query().into_iter().flat_map(|query| query.split('&'));
    let mut names = pairs.map(|pair| pair.split_once('=').map_or(pair, |(name, _)| name));
    names.any(|name| NAMES.iter().any(|bad| name.eq_ignore_ascii_case(bad)))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const TOKEN: &str = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

    #[track_caller]
    fn check(protocols: &[&str], bearers: &[&str], expect: Result<&str, Refused>) {
        let mut headers = HeaderMap::new();
        for (name, values) in [
            (SEC_WEBSOCKET_PROTOCOL, protocols),
            (AUTHORIZATION, bearers),
        ] {
            for value in values {
                let value = HeaderValue::from_str(&value.replace('@', TOKEN)).expect("a value");
                headers.append(&name, value);
            }
        }
        let read = of_websocket(&headers, &Uri::from_static("/ws/a/b?x=1"));
        let word = read
            .as_ref()
            .map(Credential::word)
            .map_err(|&refused| refused);
        assert_eq!(word, expect, "{protocols:?} {bearers:?}");
    }

    #[test]
    fn one_credential_is_read() {
        check(&["downbeat.v1"], &[], Ok("none"));
        check(&["downbeat.v1, ticket.@"], &[], Ok("ticket"));
        check(&["ticket.@", "downbeat.v1"], &[], Ok("ticket"));
        check(&["downbeat.v1, resume.@"], &[], Ok("resume"));
        check(&["downbeat.v1"], &["Bearer @"], Ok("bearer"));
        check(&["downbeat.v1"], &["bearer a.b.c"], Ok("jwt"));
    }

    #[test]
    fn several_are_refused_and_so_are_malformed_ones() {
        let several = Err(Refused::SeveralCredentials);
        check(&["ticket.@, ticket.@"], &[], several);
        check(&["ticket.@", "resume.@"], &[], several);
        check(&["ticket.@"], &["Bearer @"], several);
        check(&[], &["Bearer @", "Bearer @"], several);
        let bad = Err(Refused::BadCredential);
        check(&["ticket."], &[], bad);
        check(&["ticket.@A"], &[], bad);
        check(&["resume.AAAA"], &[], bad);
        check(&[], &["Basic dXNlcjpwYXNz"], bad);
        check(&[], &["Bearer"], bad);
        check(&[], &["Bearer "], bad);
        check(&[], &["Bearer  @"], bad);
        check(&[], &["@"], bad);
    }

    #[test]
    fn what_is_shown_of_a_token_is_of_no_use_to_get_in() {
        let jwt = Credential::Jwt("head.secret.tail".to_owned());
        assert_eq!(format!("{jwt:?}"), "jwt(273b8bb3)");
        assert_eq!(format!("{:?}", Credential::None), "none()");
    }

    #[test]
    fn a_token_in_the_query_is_refused() {
        for (query, expect) in [
            ("token=x", true),
            ("a=1&Ticket=x", true),
            ("access_token", true),
            ("tokens=x", false),
            ("a=token", false),
        ] {
            let uri: Uri = format!("/ws/a/b?{query}").parse().expect("a path");
            assert_eq!(is_in_query(&uri), expect, "{query}");
        }
    }
}
