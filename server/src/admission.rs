//! Who may have one more connection, or open one more room: counts per address and in all.
//!
//! In: addresses. Out: permits that give their place back when they are dropped.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// What counts as one peer: an IPv4 address, or an IPv6 network of 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Address(IpAddr);

impl From<IpAddr> for Address {
    fn from(ip: IpAddr) -> Self {
        match ip.to_canonical() {
            IpAddr::V6(ip) => {
                let network = ip.to_bits() & (u128::MAX << 64);
                Self(IpAddr::V6(Ipv6Addr::from_bits(network)))
            }
            ip @ IpAddr::V4(_) => Self(ip),
        }
    }
}

/// Why there is no place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Full {
    /// This address has as many connections as it may have.
    Address,
    /// There are as many as there may be.
    All,
}

/// The connections that are open.
#[derive(Debug)]
pub(crate) struct Admission {
    max: u64,
    per_address_max: Option<u64>,
    open: Mutex<Open>,
    refused: [AtomicU64; 2],
}

#[derive(Debug, Default)]
struct Open {
    all: u64,
    by_address: BTreeMap<Address, u64>,
}

/// One connection's place.
#[derive(Debug)]
pub(crate) struct Permit {
    admission: Arc<Admission>,
    address: Option<Address>,
    of_all: u64,
}

impl Admission {
    pub(crate) fn new(max: u64, per_address_max: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            max,
            per_address_max,
            open: Mutex::default(),
            refused: Default::default(),
        })
    }

    /// Takes a place for a connection; of a proxy's, the address is not known yet.
    pub(crate) fn admit(self: &Arc<Self>, address: Option<Address>) -> Result<Permit, Full> {
        self.take(address, 1)
    }

    /// Counts a connection that came through a proxy, and has its place among all, as one of the
    /// client's.
    pub(crate) fn admit_proxied(self: &Arc<Self>, address: Address) -> Result<Permit, Full> {
        self.take(Some(address), 0)
    }

    fn take(self: &Arc<Self>, address: Option<Address>, of_all: u64) -> Result<Permit, Full> {
        let mut open = self.lock();
        if of_all > 0 && open.all >= self.max {
            return Err(self.refuse(Full::All));
        }
        if let Some(address) = address {
            let of_address = open.by_address.get(&address).copied().unwrap_or(0);
            if self.per_address_max.is_some_and(|max| of_address >= max) {
                return Err(self.refuse(Full::Address));
            }
            open.by_address.insert(address, of_address + 1);
        }
        open.all += of_all;
        Ok(Permit {
            admission: Arc::clone(self),
            address,
            of_all,
        })
    }

    /// How many are open.
    pub(crate) fn open(&self) -> u64 {
        self.lock().all
    }

    /// How many found no place, with the word for why.
    pub(crate) fn refused(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let counts = self.refused.iter().map(|n| n.load(Ordering::Relaxed));
        ["address", "all"].into_iter().zip(counts)
    }

    fn refuse(&self, full: Full) -> Full {
        let at = match full {
            Full::Address => 0,
            Full::All => 1,
        };
        self.refused[at].fetch_add(1, Ordering::Relaxed);
        full
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut open = self.admission.lock();
        open.all -= self.of_all;
        let Some(address) = self.address else {
            return;
        };
        if let Some(count) = open.by_address.get_mut(&address) {
            *count -= 1;
            if *count == 0 {
                open.by_address.remove(&address);
            }
        }
    }
}

/// Which rooms were opened from which address.
#[derive(Debug)]
pub(crate) struct Openings {
    per_address_max: Option<u64>,
    rooms: Mutex<OpenedBy>,
}

type OpenedBy = BTreeMap<Address, Vec<RoomId>>;

/// The right to open a room.
pub(crate) struct Opening<'a>(Option<(Address, MutexGuard<'a, OpenedBy>)>);

/// A game and a room's name.
pub(crate) type RoomId = (Arc<str>, String);

impl Openings {
    pub(crate) fn new(per_address_max: Option<u64>) -> Self {
        Self {
            per_address_max,
            rooms: Mutex::default(),
        }
    }

    /// Whether this address may open another; `is_open` tells which of its rooms still are.
    pub(crate) fn allows(&self, address: Address, is_open: impl Fn(&RoomId) -> bool) -> bool {
        self.opening(address, is_open).is_some()
    }

    /// The right of this address to open another room, if it has it. Nobody else has one
    /// meanwhile: of many who come at once none goes beyond what there may be.
    pub(crate) fn opening(
        &self,
        address: Address,
        is_open: impl Fn(&RoomId) -> bool,
    ) -> Option<Opening<'_>> {
        let Some(max) = self.per_address_max else {
            return Some(Opening(None));
        };
        let mut rooms = self.lock();
        if let Some(opened) = rooms.get_mut(&address) {
            opened.retain(is_open);
            if opened.is_empty() {
                rooms.remove(&address);
            } else if opened.len() as u64 >= max {
                return None;
            }
        }
        Some(Opening(Some((address, rooms))))
    }

    fn lock(&self) -> MutexGuard<'_, OpenedBy> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Opening<'_> {
    /// Remembers the room that was opened. Rooms that are gone are forgotten when their address
    /// comes again, or here, once many addresses are on the list.
    pub(crate) fn opened(self, room: RoomId, is_open: impl Fn(&RoomId) -> bool) {
        const SWEEP_FROM: usize = 1024;
        let Some((address, mut rooms)) = self.0 else {
            return;
        };
        if rooms.len() >= SWEEP_FROM && rooms.len().is_power_of_two() {
            rooms.retain(|_, opened| {
                opened.retain(&is_open);
                !opened.is_empty()
            });
        }
        let of_address = rooms.entry(address).or_default();
        if !of_address.contains(&room) {
            of_address.push(room);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ip: &str) -> Address {
        ip.parse::<IpAddr>().expect("an address").into()
    }

    #[test]
    fn a_place_comes_back_with_the_permit() {
        let admission = Admission::new(3, Some(2));
        let first = admission.admit(Some(at("10.0.0.1"))).expect("a place");
        let _second = admission.admit(Some(at("10.0.0.1"))).expect("a place");
        let full = |ip| admission.admit(Some(at(ip))).map(drop);
        assert_eq!(full("10.0.0.1"), Err(Full::Address));
        let _third = admission.admit(Some(at("10.0.0.2"))).expect("a place");
        assert_eq!(full("10.0.0.3"), Err(Full::All));
        drop(first);
        assert_eq!(full("10.0.0.1"), Ok(()));
        assert_eq!(admission.open(), 2);
        let refused: Vec<_> = admission.refused().collect();
        assert_eq!(refused, [("address", 1), ("all", 1)]);
    }

    #[test]
    fn clients_behind_a_proxy_are_counted_by_their_own_addresses() {
        let admission = Admission::new(3, Some(1));
        let _proxy = [0, 1].map(|_| admission.admit(None).expect("a place"));
        let ada = admission.admit_proxied(at("10.0.0.1")).expect("a place");
        let again = || admission.admit_proxied(at("10.0.0.1")).map(drop);
        assert_eq!(again(), Err(Full::Address));
        assert_eq!(admission.admit_proxied(at("10.0.0.2")).map(drop), Ok(()));
        drop(ada);
        assert_eq!(again(), Ok(()));
        assert_eq!(admission.open(), 2);
    }

    #[test]
    fn an_ipv6_network_is_one_peer_and_a_mapped_address_is_ipv4() {
        assert_eq!(at("2001:db8::1"), at("2001:db8::ffff:1"));
        assert_ne!(at("2001:db8::1"), at("2001:db8:0:1::1"));
        assert_eq!(at("::ffff:10.0.0.1"), at("10.0.0.1"));
    }

    #[test]
    fn rooms_that_are_gone_do_not_count() {
        let openings = Openings::new(Some(1));
        let room = |name: &str| (Arc::from("game"), name.to_owned());
        assert!(openings.allows(at("10.0.0.1"), |_| true));
        let opening = openings.opening(at("10.0.0.1"), |_| true);
        opening.expect("one").opened(room("a"), |_| true);
        assert!(!openings.allows(at("10.0.0.1"), |_| true));
        assert!(openings.allows(at("10.0.0.2"), |_| true));
        assert!(openings.allows(at("10.0.0.1"), |(_, name)| name != "a"));
    }
}
