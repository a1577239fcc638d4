//! Who really asks: the client's address where proxies stand in between.
//!
//! In: the peer's address and the request's headers. Out: the client. Headers of whoever is not a
//! trusted proxy are a stranger's say about himself, and not read.

use std::net::{IpAddr, SocketAddr};

use axum::http::{HeaderMap, HeaderName};
use ipnet::IpNet;

use crate::admission::Address;
use crate::limits::FORWARDED_MAX;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Client {
    pub(crate) ip: IpAddr,
    /// What counts as one peer.
    pub(crate) address: Address,
    /// Whether TLS is spoken with the client, be it by us or by a trusted proxy.
    pub(crate) https: bool,
    /// Whether a trusted proxy stands in between.
    pub(crate) proxied: bool,
}

impl Client {
    /// The client of a request that came from this peer.
    pub(crate) fn of(trusted: &[IpNet], peer: (IpAddr, bool), headers: &HeaderMap) -> Self {
        let (peer, tls) = (peer.0.to_canonical(), peer.1);
        let proxied = is_trusted(trusted, peer);
        let (ip, https) = if proxied {
            let said = hops(headers, &FORWARDED_PROTO).next_back();
            let https = said.map_or(tls, |said| said.eq_ignore_ascii_case(b"https"));
            (forwarded(trusted, peer, headers), https)
        } else {
            (peer, tls)
        };
        Self {
            ip,
            address: ip.into(),
            https,
            proxied,
        }
    }
}

/// Whether this is one of our proxies.
pub(crate) fn is_trusted(trusted: &[IpNet], ip: IpAddr) -> bool {
    let ip = ip.to_canonical();
    trusted.iter().any(|network| network.contains(&ip))
}

/// From the right, where the nearest proxy writes: the first that is no proxy of ours. What stands
/// left of it, that one may have made up.
fn forwarded(trusted: &[IpNet], peer: IpAddr, headers: &HeaderMap) -> IpAddr {
    let mut nearest = peer;
    let hops: Vec<_> = hops(headers, &FORWARDED_FOR).collect();
    for hop in hops.into_iter().rev().take(FORWARDED_MAX) {
        let Some(ip) = std::str::from_utf8(hop).ok().and_then(address) else {
            return nearest;
        };
        nearest = ip;
        if !is_trusted(trusted, ip) {
            return ip;
        }
    }
    nearest
}

/// What each proxy wrote, the nearest last. As bytes: a client that begins the list with some that
/// are no text must not hide by it what our proxy adds.
fn hops<'a>(
    headers: &'a HeaderMap,
    name: &HeaderName,
) -> impl DoubleEndedIterator<Item = &'a [u8]> {
    let values = headers.get_all(name).into_iter();
    let hops = values.flat_map(|value| value.as_bytes().split(|byte| *byte == b','));
    hops.map(<[u8]>::trim_ascii)
}

/// An address, with a port behind it at some proxies.
fn address(text: &str) -> Option<IpAddr> {
    let with_port = || text.parse::<SocketAddr>().ok().map(|address| address.ip());
    let bare = text.trim_start_matches('[').trim_end_matches(']');
    let ip = bare.parse().ok().or_else(with_port)?;
    Some(IpAddr::to_canonical(&ip))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn client(peer: &str, forwarded: &[&str], proto: Option<&'static str>) -> Client {
        let trusted = ["10.0.0.0/8", "fd00::/8"].map(|net| net.parse().expect("a network"));
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append(FORWARDED_FOR, value.parse().expect("a value"));
        }
        if let Some(proto) = proto {
            headers.insert(FORWARDED_PROTO, HeaderValue::from_static(proto));
        }
        Client::of(
            &trusted,
            (peer.parse().expect("an address"), false),
            &headers,
        )
    }

    #[track_caller]
    fn check(peer: &str, forwarded: &[&str], expect: &str) {
        let got = client(peer, forwarded, None).ip.to_string();
        assert_eq!(got, expect, "{peer} {forwarded:?}");
    }

    #[test]
    fn a_stranger_says_nothing_about_himself() {
        check("192.0.2.1", &["198.51.100.7"], "192.0.2.1");
        let client = client("192.0.2.1", &[], Some("https"));
        assert!(!client.https && !client.proxied);
    }

    #[test]
    fn behind_proxies_the_rightmost_that_is_none_of_ours_counts() {
        check("10.0.0.1", &["198.51.100.7"], "198.51.100.7");
        check("10.0.0.1", &["1.1.1.1, 198.51.100.7"], "198.51.100.7");
        check(
            "10.0.0.1",
            &["1.1.1.1", "198.51.100.7, 10.0.0.2"],
            "198.51.100.7",
        );
        check("::ffff:10.0.0.1", &["198.51.100.7:4711"], "198.51.100.7");
        check("fd00::1", &["[2001:db8::1]:4711"], "2001:db8::1");
        check("10.0.0.1", &["10.9.9.9"], "10.9.9.9");
        check("10.0.0.1", &[], "10.0.0.1");
    }

    #[test]
    fn what_is_no_address_ends_the_list() {
        check("10.0.0.1", &["198.51.100.7, nonsense"], "10.0.0.1");
        check(
            "10.0.0.1",
            &["198.51.100.7, nonsense, 10.0.0.2"],
            "10.0.0.2",
        );
        check("10.0.0.1", &[""], "10.0.0.1");
        check("10.0.0.1", &["unknown"], "10.0.0.1");
    }

    #[test]
    fn what_is_no_text_hides_nothing_that_a_proxy_wrote() {
        check("10.0.0.1", &["\u{e9}, 198.51.100.7"], "198.51.100.7");
        check(
            "10.0.0.1",
            &["1.1.1.1", "\u{661}, 198.51.100.7"],
            "198.51.100.7",
        );
        check("10.0.0.1", &["1.1.1.1", "\u{e9}"], "10.0.0.1");
    }

    #[test]
    fn a_trusted_proxy_tells_whether_it_speaks_tls() {
        assert!(client("10.0.0.1", &[], Some("https")).https);
        assert!(client("10.0.0.1", &[], Some("http, https")).https);
        assert!(!client("10.0.0.1", &[], Some("https, http")).https);
        assert!(!client("10.0.0.1", &[], None).https);
    }
}
