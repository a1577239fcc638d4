//! What is known of a guest at its next join too: where it comes from.
//!
//! In: a request on its way to a room. Out: a number that says nothing by itself, and is never
//! sent. Users with more than a guest's session are known by their ids.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::LazyLock;

use downbeat::Refusal;
use downbeat_server::{Scope, Services, User};
use serde::{Deserialize, Serialize};

/// Another one at each start, so that no address can be told from its number.
static SALT: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// Where a guest comes from; nothing for whoever is known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Whence(Option<u64>);

/// What `GameOptions::admit` is given for the chat.
///
/// # Errors
/// None: the room judges.
pub async fn admit(scope: Scope, _: Services) -> Result<Whence, Refusal> {
    let is_guest = !scope.user.as_ref().is_some_and(User::is_signed_in);
    Ok(Whence(
        is_guest.then(|| SALT.hash_one(network_of(scope.peer))),
    ))
}

impl Whence {
    #[cfg(test)]
    pub(super) const fn new(number: u64) -> Self {
        Self(Some(number))
    }

    /// Beside the people's ids, none of which has a space in it.
    pub(super) fn key(self) -> Option<String> {
        self.0.map(|number| format!("from {number:x}"))
    }
}

/// An address, or the network of an IPv6 address: whoever has one has all of it.
fn network_of(address: IpAddr) -> u128 {
    match address.to_canonical() {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits() & (u128::MAX << 64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn network(address: &str) -> u128 {
        network_of(address.parse().expect("an address"))
    }

    #[test]
    fn an_address_or_a_network_of_ipv6_is_one_place() {
        assert_eq!(network("2001:db8::1"), network("2001:db8::ffff:2"));
        assert_eq!(network("::ffff:10.0.0.1"), network("10.0.0.1"));
        assert_ne!(network("2001:db8::1"), network("2001:db8:0:1::1"));
        assert_ne!(network("10.0.0.1"), network("10.0.0.2"));
    }
}
