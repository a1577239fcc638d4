//! The session's cookie: what pages have instead of a token, so that no script can read it.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

use crate::gate::token::{Digest, Token};

const NAME: &str = "downbeat_session";

/// Whether the cookie may only travel over TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Secure(pub(crate) bool);

/// The session that a request's cookie names. Two cookies of that name are none: one of them may
/// be planted by a neighbouring host.
pub(crate) fn of(headers: &HeaderMap) -> Option<Digest> {
    let mut ours = pairs(headers).filter_map(token_in);
    match (ours.next(), ours.next()) {
        (Some(token), None) => Digest::of_token(str::from_utf8(token).ok()?),
        _ => None,
    }
}

/// Takes the session out of a request's cookies, and leaves a project's own: it is a secret that
/// no log of a hook must show.
pub(crate) fn remove(headers: &mut HeaderMap) {
    let others = pairs(headers).filter(|pair| token_in(pair).is_none());
    let others = others.collect::<Vec<_>>().join(&b"; "[..]);
    headers.remove(header::COOKIE);
    if !others.is_empty()
        && let Ok(others) = HeaderValue::from_bytes(&others)
    {
        headers.insert(header::COOKIE, others);
    }
}

/// As bytes: what neighbours set need not be text, and must not hide what is ours.
fn pairs(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    let values = headers.get_all(header::COOKIE).into_iter();
    let pairs = values.flat_map(|value| value.as_bytes().split(|&b| b == b';'));
    pairs.map(<[u8]>::trim_ascii)
}

fn token_in(pair: &[u8]) -> Option<&[u8]> {
    pair.strip_prefix(NAME.as_bytes())?.strip_prefix(b"=")
}

/// Tells a browser to keep a session.
pub(crate) fn set(token: &Token, lasts: Duration, secure: Secure) -> HeaderValue {
    header(token.text(), lasts.as_secs(), secure)
}

/// Tells a browser to forget it.
pub(crate) fn clear(secure: Secure) -> HeaderValue {
    header("", 0, secure)
}

fn header(value: &str, lasts_s: u64, Secure(secure): Secure) -> HeaderValue {
    let secure = if secure { "; Secure" } else { "" };
    let text =
        format!("{NAME}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={lasts_s}{secure}");
    let mut header = HeaderValue::from_str(&text).expect("letters and digits");
    header.set_sensitive(true);
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_comes_back_as_it_was_set() {
        let token = Token::random();
        let minute = Duration::from_secs(60);
        let set = set(&token, minute, Secure(true));
        let set = set.to_str().expect("text");
        let flags = "; HttpOnly; SameSite=Strict; Path=/; Max-Age=60; Secure";
        assert_eq!(set, format!("{NAME}={}{flags}", token.text()));
        let check = |sent: &[String], expect| {
            let mut headers = HeaderMap::new();
            for sent in sent {
                let sent = HeaderValue::from_bytes(sent.as_bytes());
                headers.append(header::COOKIE, sent.expect("a value"));
            }
            assert_eq!(of(&headers), expect, "{sent:?}");
        };
        let pair = format!("{NAME}={}", token.text());
        let good = Some(token.digest());
        check(std::slice::from_ref(&pair), good);
        check(&[format!("a=b; {pair}; c")], good);
        check(&[format!("a=\u{e9}; {pair}")], good);
        check(&[format!("{pair}\u{e9}")], None);
        check(&["a=b".into(), pair.clone()], good);
        check(&[], None);
        check(&[format!("x{pair}")], None);
        check(&[format!("{pair}A")], None);
        check(&[format!("{pair}; {pair}")], None);
        check(&[pair.clone(), pair], None);
    }

    #[test]
    fn hooks_see_all_cookies_but_ours_in_however_many_lines() {
        let check = |sent: &[&str], expect: Option<&str>| {
            let mut headers = HeaderMap::new();
            for sent in sent {
                let sent = HeaderValue::from_bytes(sent.as_bytes());
                headers.append(header::COOKIE, sent.expect("a value"));
            }
            remove(&mut headers);
            let left = headers.get(header::COOKIE).map(HeaderValue::as_bytes);
            assert_eq!(left, expect.map(str::as_bytes), "{sent:?}");
        };
        check(&["a=b; downbeat_session=x; c=d"], Some("a=b; c=d"));
        check(&["a=\u{e9}; downbeat_session=x"], Some("a=\u{e9}"));
        check(&["downbeat_session=x"], None);
        check(&["a=b", "downbeat_session=x; c=d"], Some("a=b; c=d"));
        check(&["downbeat_session_2=x"], Some("downbeat_session_2=x"));
        check(&[], None);
    }
}
