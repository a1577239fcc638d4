//! Keys of the gate: who may in, and over what.

use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;

use super::{Given, Key, Set, count, number, put, word, words};
use crate::config::{Config, Devices, Guests, JwtAlgorithm, JwtConfig, Secret};

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "proxies",
        expected: "addresses or networks like 10.0.0.0/8",
        default: "none",
        meaning: "whose X-Forwarded-For and X-Forwarded-Proto are believed",
        set: Set::Server(|c, given| {
            let networks: Option<Vec<_>> = words(given).iter().map(|text| network(text)).collect();
            put(&mut c.gate.proxies, networks)
        }),
    },
    Key {
        path: "tls.cert",
        expected: "a PEM file",
        default: "none, TLS is not spoken",
        meaning: "the certificate with its chain; read again when it changes and on SIGHUP",
        set: Set::Server(|c, given| put(&mut c.gate.tls.cert, file(given).map(Some))),
    },
    Key {
        path: "tls.key",
        expected: "a PEM file",
        default: "none",
        meaning: "the certificate's private key",
        set: Set::Server(|c, given| put(&mut c.gate.tls.key, file(given).map(Some))),
    },
    Key {
        path: "gate.guests",
        expected: "open, ticket or off",
        default: "open",
        meaning: "whether guests get in: with nothing, with a session and a ticket, never (401)",
        set: Set::Server(|c, given| {
            let guests = match word(given)? {
                "open" => Guests::Open,
                "ticket" => Guests::Ticket,
                "off" => Guests::Off,
                _ => return None,
            };
            put(&mut c.gate.guests, Some(guests))
        }),
    },
    Key {
        path: "gate.devices",
        expected: "allow, newest or refuse",
        default: "allow",
        meaning: "what another device of a user does: comes too, closes the others (4001), \
                  is refused (409)",
        set: Set::Server(|c, given| {
            let devices = match word(given)? {
                "allow" => Devices::Allow,
                "newest" => Devices::Newest,
                "refuse" => Devices::Refuse,
                _ => return None,
            };
            put(&mut c.gate.devices, Some(devices))
        }),
    },
    Key {
        path: "gate.session_s",
        expected: "seconds from 1 to 31536000",
        default: "2592000, 30 days",
        meaning: "how long a session lasts",
        set: Set::Server(|c, given| put(&mut c.gate.session, seconds(given, 1, 31_536_000))),
    },
    Key {
        path: "gate.ticket_s",
        expected: "seconds from 1 to 300",
        default: "30",
        meaning: "how long a ticket waits for its use",
        set: Set::Server(|c, given| put(&mut c.gate.ticket, seconds(given, 1, 300))),
    },
    Key {
        path: "gate.resume_s",
        expected: "seconds from 0 to 86400",
        default: "120",
        meaning: "how long a dropped connection can be resumed, in games that wait so long (grace_s)",
        set: Set::Server(|c, given| put(&mut c.gate.resume, seconds(given, 0, 86_400))),
    },
    Key {
        path: "gate.revalidate_s",
        expected: "seconds from 1 to 86400",
        default: "60",
        meaning: "how often the sessions of those who are in are looked at again",
        set: Set::Server(|c, given| put(&mut c.gate.revalidate, seconds(given, 1, 86_400))),
    },
    Key {
        path: "limits.connections_per_user",
        expected: super::COUNT,
        default: "4",
        meaning: "connections of one user (429)",
        set: Set::Server(|c, given| put(&mut c.gate.connections_per_user, count(given))),
    },
    Key {
        path: "limits.logins_per_account",
        expected: super::COUNT,
        default: "5",
        meaning: "attempts to log in to one account in a minute (429)",
        set: Set::Server(|c, given| put(&mut c.gate.logins_per_account, count(given))),
    },
    Key {
        path: "limits.logins_per_address",
        expected: super::COUNT,
        default: "10, no limit while listening on loopback without proxies",
        meaning: "attempts to log in or register from one address in 10 minutes (429)",
        set: Set::Server(|c, given| put(&mut c.gate.logins_per_address, count(given).map(Some))),
    },
    Key {
        path: "limits.guests_per_address",
        expected: super::COUNT,
        default: "60, no limit while listening on loopback without proxies",
        meaning: "guests made from one address in 10 minutes (429)",
        set: Set::Server(|c, given| put(&mut c.gate.guests_per_address, count(given).map(Some))),
    },
    Key {
        path: "jwt.*.algorithm",
        expected: "HS256, HS384, HS512, RS256, ES256 or EdDSA",
        default: "none, must be said",
        meaning: "the one algorithm of this key; tokens that name another are refused",
        set: Set::Named(|c, name, given| {
            let named = word(given)?;
            let mut all = JwtAlgorithm::ALL.into_iter();
            let algorithm = all.find(|algorithm| algorithm.name() == named);
            put(&mut jwt(c, name)?.algorithm, algorithm.map(Some))
        }),
    },
    Key {
        path: "jwt.*.key",
        expected: "a secret of at least 32 bytes, or a public key in PEM",
        default: "none, this or key_file must be said",
        meaning: "what tokens of this key are verified with",
        set: Set::Named(|c, name, given| {
            let key = word(given).filter(|key| !key.is_empty());
            put(
                &mut jwt(c, name)?.key,
                key.map(|key| Some(Secret::from(key))),
            )
        }),
    },
    Key {
        path: "jwt.*.key_file",
        expected: "a file",
        default: "none",
        meaning: "a file that holds the key",
        set: Set::Named(|c, name, given| put(&mut jwt(c, name)?.key_file, file(given).map(Some))),
    },
    Key {
        path: "jwt.*.kid",
        expected: "a text",
        default: "NAME",
        meaning: "the kid in the header of tokens that this key verifies",
        set: Set::Named(|c, name, given| put(&mut jwt(c, name)?.kid, text(given))),
    },
    Key {
        path: "jwt.*.issuer",
        expected: "a text",
        default: "none, must be said",
        meaning: "what iss must be",
        set: Set::Named(|c, name, given| put(&mut jwt(c, name)?.issuer, text(given))),
    },
    Key {
        path: "jwt.*.audience",
        expected: "a text",
        default: "none, must be said",
        meaning: "what aud must be, or have among others",
        set: Set::Named(|c, name, given| put(&mut jwt(c, name)?.audience, text(given))),
    },
    Key {
        path: "jwt.*.name_claim",
        expected: "a claim's name",
        default: "none, players name themselves",
        meaning: "the claim that holds what the player is called",
        set: Set::Named(|c, name, given| put(&mut jwt(c, name)?.name_claim, text(given))),
    },
];

/// The section of one key. An underscore ends its name in users' ids, and two names are taken.
fn jwt<'a>(config: &'a mut Config, name: &str) -> Option<&'a mut JwtConfig> {
    let is_free = !name.contains('_') && name.len() <= 16 && !["guest", "account"].contains(&name);
    is_free.then(|| config.gate.jwt.entry(name.to_owned()).or_default())
}

#[expect(
    clippy::option_option,
    reason = "a value of a key that has none by default"
)]
fn text(given: &Given) -> Option<Option<String>> {
    let text = word(given).filter(|text| !text.is_empty());
    text.map(|text| Some(text.to_owned()))
}

fn file(given: &Given) -> Option<std::path::PathBuf> {
    let path = word(given).filter(|path| !path.is_empty());
    path.map(Into::into)
}

fn seconds(given: &Given, min: u64, max: u64) -> Option<Duration> {
    number(given, min, max).map(Duration::from_secs)
}

fn network(text: &str) -> Option<IpNet> {
    let alone = || text.parse::<IpAddr>().ok().map(IpNet::from);
    text.parse().ok().or_else(alone)
}
