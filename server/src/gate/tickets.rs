//! Tickets: what a page carries from its cookie to a WebSocket; good once, soon, for one room.
//!
//! In: users, games and rooms. Out: whom a ticket is for. They live in this process alone: who
//! asks for a ticket connects right after, to where the room is.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::admission::{Address, Full};
use crate::gate::credential::Bearer;
use crate::gate::token::{Digest, Token};
use crate::limits::{TICKETS_MAX, TICKETS_PER_CONNECTION_MAX, TICKETS_PER_USER_MAX};
use downbeat::UserId;

/// Whom a ticket lets in, and where.
#[derive(Clone, Debug)]
pub(crate) struct Ticket {
    pub(crate) bearer: Bearer,
    pub(crate) game: String,
    pub(crate) room: String,
}

/// The tickets that wait for their use.
pub(crate) struct Tickets {
    lasts: Duration,
    per_address_max: Option<u64>,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    tickets: BTreeMap<Digest, Held>,
    /// Each user's, the oldest first.
    of_user: BTreeMap<UserId, VecDeque<Digest>>,
    of_address: BTreeMap<Address, u64>,
    by_end: BTreeSet<(Instant, Digest)>,
}

struct Held {
    ticket: Ticket,
    /// Who asked for it.
    address: Address,
    ends: Instant,
}

impl Tickets {
    /// `connections` is how many one address may have.
    pub(crate) fn new(lasts: Duration, connections: Option<u64>) -> Self {
        let max = |connections: u64| connections.saturating_mul(TICKETS_PER_CONNECTION_MAX);
        Self {
            lasts,
            per_address_max: connections.map(max),
            waiting: Mutex::default(),
        }
    }

    /// From a ticket to the end of its time.
    pub(crate) const fn last(&self) -> Duration {
        self.lasts
    }

    /// Makes a ticket for somebody at this address. Those of one user beyond a few replace its
    /// oldest.
    pub(crate) fn issue(&self, ticket: Ticket, address: Address) -> Result<Token, Full> {
        let now = Instant::now();
        let mut waiting = self.lock();
        while let Some(&(ends, digest)) = waiting.by_end.first()
            && ends <= now
        {
            waiting.remove(digest);
        }
        let user = ticket.bearer.user.id.clone();
        let theirs = waiting.of_user.get(&user);
        let theirs = theirs.filter(|theirs| theirs.len() >= TICKETS_PER_USER_MAX);
        if let Some(oldest) = theirs.and_then(|theirs| theirs.front().copied()) {
            waiting.remove(oldest);
        }
        let of_address = waiting.of_address.get(&address).copied().unwrap_or(0);
        if self.per_address_max.is_some_and(|max| of_address >= max) {
            return Err(Full::Address);
        }
        if waiting.tickets.len() >= TICKETS_MAX {
            return Err(Full::All);
        }
        let token = Token::random();
        let (digest, ends) = (token.digest(), now + self.lasts);
        waiting.of_user.entry(user).or_default().push_back(digest);
        waiting.of_address.insert(address, of_address + 1);
        waiting.by_end.insert((ends, digest));
        let held = Held {
            ticket,
            address,
            ends,
        };
        waiting.tickets.insert(digest, held);
        Ok(token)
    }

    /// Uses a ticket up, whatever comes of it.
    pub(crate) fn take(&self, digest: Digest) -> Option<Ticket> {
        let held = self.lock().remove(digest)?;
        (Instant::now() < held.ends).then_some(held.ticket)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn remove(&mut self, digest: Digest) -> Option<Held> {
        let held = self.tickets.remove(&digest)?;
        self.by_end.remove(&(held.ends, digest));
        let user = &held.ticket.bearer.user.id;
        if let Some(theirs) = self.of_user.get_mut(user) {
            theirs.retain(|other| *other != digest);
            if theirs.is_empty() {
                self.of_user.remove(user);
            }
        }
        if let Some(theirs) = self.of_address.get_mut(&held.address) {
            *theirs -= 1;
            if *theirs == 0 {
                self.of_address.remove(&held.address);
            }
        }
        Some(held)
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::gate::credential::Basis;
    use crate::gate::sessions::new_guest;
    use crate::limits::TICKET_LASTS;

    fn ticket() -> Ticket {
        Ticket {
            bearer: Bearer {
                user: new_guest("Ada".into()),
                basis: Basis::Session(Token::random().digest()),
            },
            game: "meadow".into(),
            room: "main".into(),
        }
    }

    fn address(last: u8) -> Address {
        Address::from(std::net::IpAddr::from(Ipv4Addr::new(198, 51, 100, last)))
    }

    #[track_caller]
    fn issue(tickets: &Tickets, ticket: Ticket) -> Token {
        tickets.issue(ticket, address(1)).expect("a place")
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_once() {
        let tickets = Tickets::new(TICKET_LASTS, None);
        let token = issue(&tickets, ticket());
        let used = tickets.take(token.digest()).expect("good");
        assert_eq!((&*used.game, &*used.room), ("meadow", "main"));
        assert!(tickets.take(token.digest()).is_none(), "used up");
        assert!(tickets.take(Token::random().digest()).is_none(), "made up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_for_thirty_seconds_and_leaves_nothing_behind() {
        let tickets = Tickets::new(TICKET_LASTS, None);
        let token = issue(&tickets, ticket());
        let late = issue(&tickets, ticket());
        let _never_used = issue(&tickets, ticket());
        tokio::time::advance(Duration::from_millis(29_900)).await;
        assert!(tickets.take(token.digest()).is_some());
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(tickets.take(late.digest()).is_none());
        let _newest = issue(&tickets, ticket());
        let waiting = tickets.lock();
        assert_eq!((waiting.tickets.len(), waiting.by_end.len()), (1, 1));
        assert_eq!((waiting.of_user.len(), waiting.of_address.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_too_many_tickets_of_one_user_goes() {
        let tickets = Tickets::new(TICKET_LASTS, None);
        let ticket = ticket();
        let issue = || issue(&tickets, ticket.clone());
        let issued: Vec<_> = std::iter::repeat_with(issue)
            .take(TICKETS_PER_USER_MAX + 1)
            .collect();
        assert!(tickets.take(issued[0].digest()).is_none());
        assert!(tickets.take(issued[1].digest()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_uses_its_tickets_may_have_as_many_as_it_likes() {
        let tickets = Tickets::new(TICKET_LASTS, Some(1));
        let ticket = ticket();
        for _ in 0..1_000 {
            let token = issue(&tickets, ticket.clone());
            assert!(tickets.take(token.digest()).is_some());
        }
    }

    #[tokio::test(start_paused = true)]
    async fn one_address_cannot_hold_the_places_of_all() {
        let tickets = Tickets::new(TICKET_LASTS, Some(3));
        let may_hold = 3 * usize::try_from(TICKETS_PER_CONNECTION_MAX).expect("small");
        let issued: Vec<_> = (0..may_hold).map(|_| issue(&tickets, ticket())).collect();
        let refused = tickets.issue(ticket(), address(1));
        assert_eq!(refused.map(|_| ()), Err(Full::Address));
        assert!(tickets.issue(ticket(), address(2)).is_ok());
        assert!(tickets.take(issued[0].digest()).is_some());
        assert!(tickets.issue(ticket(), address(1)).is_ok());
    }
}
