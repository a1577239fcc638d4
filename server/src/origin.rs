//! Which web pages may open a connection: origins parsed and compared part by part.
//!
//! In: the `Origin` and `Host` headers. Out: yes or no. Programs that are no browsers send no
//! `Origin`; they are let in, since only browsers carry other people's pages.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// Scheme, host and port of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    https: bool,
    /// In lower case; an IPv6 address with its brackets.
    host: String,
    port: u16,
}

/// A page, or with `*.` before the host all hosts below it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OriginPattern {
    subdomains_of: bool,
    origin: Origin,
}

/// Text that is no origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an origin: expected one like https://play.example.com or https://*.example.com")]
pub struct BadOrigin;

/// Which pages are let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Allowed {
    /// Those of this machine, on any port: what a developer uses.
    Loopback,
    /// Those that came from the host that they connect to.
    SameHost,
    /// These and no others.
    Listed(Vec<OriginPattern>),
}

impl Allowed {
    /// Whether a page of this origin may connect to this host.
    pub(crate) fn allows(&self, origin: &str, host: Option<&str>) -> bool {
        let Ok(origin) = origin.parse::<Origin>() else {
            return false;
        };
        match self {
            Self::Loopback => origin.is_loopback(),
            Self::SameHost => host.is_some_and(|host| origin.is_at(host)),
            Self::Listed(patterns) => patterns.iter().any(|pattern| pattern.matches(&origin)),
        }
    }
}

impl Origin {
    const fn default_port(https: bool) -> u16 {
        if https { 443 } else { 80 }
    }

    fn is_loopback(&self) -> bool {
        let bare = self.host.trim_start_matches('[').trim_end_matches(']');
        self.host == "localhost"
            || self.host.ends_with(".localhost")
            || bare.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
    }

    /// Whether this is the host and port that a `Host` header names. The scheme is the origin's:
    /// a proxy in front may speak TLS where this server does not.
    fn is_at(&self, host: &str) -> bool {
        let (name, port) = match split_port(host) {
            Some((name, Some(port))) => (name, port),
            Some((name, None)) => (name, Self::default_port(self.https)),
            None => return false,
        };
        name == self.host && port == self.port
    }
}

impl FromStr for Origin {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let (scheme, rest) = text.split_once("://").ok_or(BadOrigin)?;
        let https = match scheme.to_ascii_lowercase().as_str() {
            "https" => true,
            "http" => false,
            _ => return Err(BadOrigin),
        };
        let (host, port) = split_port(rest).ok_or(BadOrigin)?;
        Ok(Self {
            https,
            host,
            port: port.unwrap_or_else(|| Self::default_port(https)),
        })
    }
}

/// A host in lower case, and the port if there is one; `None` if it is neither name nor address.
fn split_port(text: &str) -> Option<(String, Option<u16>)> {
    let host_end = match text.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => text.find(':').unwrap_or(text.len()),
    };
    let (host, rest) = text.split_at(host_end);
    let port = match rest.strip_prefix(':') {
        Some(digits) if digits.bytes().all(|b| b.is_ascii_digit()) => Some(digits.parse().ok()?),
        None if rest.is_empty() => None,
        _ => return None,
    };
    let is_host = match host.strip_prefix('[').and_then(|h| h.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-._".contains(&b))
        }
    };
    is_host.then(|| (host.to_ascii_lowercase(), port))
}

impl OriginPattern {
    fn matches(&self, origin: &Origin) -> bool {
        let host = if self.subdomains_of {
            let below = origin.host.strip_suffix(&self.origin.host);
            below.is_some_and(|below| below.len() > 1 && below.ends_with('.'))
        } else {
            origin.host == self.origin.host
        };
        host && origin.https == self.origin.https && origin.port == self.origin.port
    }
}

impl FromStr for OriginPattern {
    type Err = BadOrigin;

    fn from_str(text: &str) -> Result<Self, BadOrigin> {
        let (plain, subdomains_of) = match text.split_once("://*.") {
            Some((scheme, rest)) => (format!("{scheme}://{rest}"), true),
            None => (text.to_owned(), false),
        };
        Ok(Self {
            subdomains_of,
            origin: plain.parse()?,
        })
    }
}

impl fmt::Display for OriginPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Origin { https, host, port } = &self.origin;
        let scheme = if *https { "https" } else { "http" };
        let below = if self.subdomains_of { "*." } else { "" };
        write!(f, "{scheme}://{below}{host}:{port}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(patterns: &[&str]) -> Allowed {
        let parse = |text: &&str| text.parse().expect("a pattern");
        Allowed::Listed(patterns.iter().map(parse).collect())
    }

    #[test]
    fn listed_origins_are_compared_part_by_part() {
        let allowed = listed(&["https://play.example.com", "http://10.0.0.5:8080"]);
        for (origin, expect) in [
            ("https://play.example.com", true),
            ("https://play.example.com:443", true),
            ("HTTPS://Play.Example.COM", true),
            ("http://play.example.com", false),
            ("https://play.example.com:8443", false),
            ("https://play.example.com.evil.net", false),
            ("https://play.example.com@evil.net", false),
            ("https://play.example.com/", false),
            ("https://notplay.example.com", false),
            ("http://10.0.0.5:8080", true),
            ("http://10.0.0.5", false),
            ("null", false),
            ("", false),
            ("https://", false),
            ("https://play.example.com, https://play.example.com", false),
            ("https://play.example.com:99999", false),
            ("https://play.example.com:+443", false),
            ("file:///etc/passwd", false),
        ] {
            assert_eq!(allowed.allows(origin, None), expect, "{origin}");
        }
    }

    #[test]
    fn a_star_stands_for_subdomains_only() {
        let allowed = listed(&["https://*.example.com"]);
        for (origin, expect) in [
            ("https://a.example.com", true),
            ("https://a.b.example.com", true),
            ("https://example.com", false),
            ("https://.example.com", false),
            ("https://evilexample.com", false),
            ("http://a.example.com", false),
            ("https://a.example.com:8443", false),
        ] {
            assert_eq!(allowed.allows(origin, None), expect, "{origin}");
        }
    }

    #[test]
    fn on_loopback_any_page_of_this_machine_will_do() {
        for (origin, expect) in [
            ("http://localhost:5173", true),
            ("http://127.0.0.1:7777", true),
            ("http://127.9.9.9", true),
            ("http://[::1]:7777", true),
            ("https://meadow.localhost", true),
            ("http://localhost.evil.net", false),
            ("http://evil.net:7777", false),
            ("null", false),
        ] {
            let host = Some("evil.net:7777");
            assert_eq!(Allowed::Loopback.allows(origin, host), expect, "{origin}");
        }
    }

    #[test]
    fn elsewhere_a_page_may_call_home() {
        for (origin, host, expect) in [
            ("https://play.example.com", "play.example.com", true),
            ("https://play.example.com", "play.example.com:443", true),
            ("http://10.0.0.5:7777", "10.0.0.5:7777", true),
            ("http://[fd00::1]:7777", "[fd00::1]:7777", true),
            ("http://10.0.0.5:7777", "10.0.0.5:7778", false),
            ("https://evil.net", "play.example.com", false),
            ("http://play.example.com:80", "play.example.com:443", false),
        ] {
            let allowed = Allowed::SameHost.allows(origin, Some(host));
            assert_eq!(allowed, expect, "{origin} at {host}");
        }
        assert!(!Allowed::SameHost.allows("https://play.example.com", None));
    }

    #[test]
    fn patterns_that_are_none_are_refused() {
        for text in [
            "*",
            "https://*",
            "example.com",
            "https://a.*.com",
            "ws://a.com",
        ] {
            assert_eq!(text.parse::<OriginPattern>(), Err(BadOrigin), "{text}");
        }
    }
}
