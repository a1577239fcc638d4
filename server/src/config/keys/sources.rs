//! Keys of what brings inputs without a WebSocket, and of background work.

use super::{Key, Set, address, put, word};
use crate::config::Secret;
use crate::limits::ADMIN_TOKEN_BYTES_MIN;

pub(super) const KEYS: &[Key] = &[
    Key {
        path: "admin_token",
        expected: "a secret of at least 16 characters without spaces",
        default: "none: only programs of this machine, while admin is on loopback",
        meaning: "bearer token of the admin listener's /metrics and /admin/…, and of `downbeat send`",
        set: Set::Server(|c, given| {
            let token = word(given)?;
            let is_good =
                token.len() >= ADMIN_TOKEN_BYTES_MIN && token.bytes().all(|b| b.is_ascii_graphic());
            let token = is_good.then(|| Some(Secret::from(token)));
            put(&mut c.sources.admin_token, token)
        }),
    },
    Key {
        path: "lines.listen",
        expected: "an address and a port like 127.0.0.1:7779, or off",
        default: "off",
        meaning: "where devices connect that speak in lines of JSON over plain TCP",
        set: Set::Server(|c, given| {
            let off = (word(given)? == "off").then_some(None);
            put(
                &mut c.sources.lines,
                off.or_else(|| address(given).map(Some)),
            )
        }),
    },
];
