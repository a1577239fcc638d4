//! Tickets: what a page carries from its cookie to a WebSocket; good once, soon, for one room.
//!
//! In: users, games and rooms. Out: whom a ticket is for. They live in this process alone: who
//! asks for a ticket connects right after, to where the room is.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::gate::credential::Bearer;
use crate::gate::token::{Digest, Token};
use crate::limits::{TICKETS_MAX, TICKETS_OF_USER_MAX, TICKETS_PER_USER_MAX};
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
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    tickets: BTreeMap<Digest, (Ticket, Instant)>,
    /// Used and replaced ones too, until their time is over.
    of_user: BTreeMap<UserId, VecDeque<Digest>>,
    /// In the order of their end, which is that of their beginning; used ones too.
    by_age: VecDeque<(Instant, UserId, Digest)>,
}

/// There are too many that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooManyTickets;

impl Tickets {
    pub(crate) fn new(lasts: Duration) -> Self {
        Self {
            lasts,
            waiting: Mutex::default(),
        }
    }

    /// From a ticket to the end of its time.
    pub(crate) const fn last(&self) -> Duration {
        self.lasts
    }

    /// Makes a ticket. Those of one user beyond a few replace its oldest.
    pub(crate) fn issue(&self, ticket: Ticket) -> Result<Token, TooManyTickets> {
        let now = Instant::now();
        let mut waiting = self.lock();
        waiting.forget_old(now);
        let user = ticket.bearer.user.id.clone();
        let issued = waiting.of_user.get(&user).map_or(0, VecDeque::len);
        if waiting.by_age.len() >= TICKETS_MAX || issued >= TICKETS_OF_USER_MAX {
            return Err(TooManyTickets);
        }
        let token = Token::random();
        let (digest, ends) = (token.digest(), now + self.lasts);
        let theirs = waiting.of_user.entry(user.clone()).or_default();
        theirs.push_back(digest);
        // It stays on the list, which is also how many there were lately.
        let surplus = theirs.len().checked_sub(TICKETS_PER_USER_MAX + 1);
        if let Some(oldest) = surplus.and_then(|at| theirs.get(at).copied()) {
            waiting.tickets.remove(&oldest);
        }
        waiting.by_age.push_back((ends, user, digest));
        waiting.tickets.insert(digest, (ticket, ends));
        Ok(token)
    }

    /// Uses a ticket up, whatever comes of it.
    pub(crate) fn take(&self, digest: Digest) -> Option<Ticket> {
        let (ticket, ends) = self.lock().tickets.remove(&digest)?;
        (Instant::now() < ends).then_some(ticket)
    }

    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Waiting {
    fn forget_old(&mut self, now: Instant) {
        while let Some((_, user, digest)) = self.by_age.pop_front_if(|(ends, ..)| *ends <= now) {
            self.tickets.remove(&digest);
            if let Some(theirs) = self.of_user.get_mut(&user) {
                theirs.retain(|other| *other != digest);
                if theirs.is_empty() {
                    self.of_user.remove(&user);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
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

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_once() {
        let tickets = Tickets::new(TICKET_LASTS);
        let token = tickets.issue(ticket()).expect("a place");
        let used = tickets.take(token.digest()).expect("good");
        assert_eq!((&*used.game, &*used.room), ("meadow", "main"));
        assert!(tickets.take(token.digest()).is_none(), "used up");
        assert!(tickets.take(Token::random().digest()).is_none(), "made up");
    }

    #[tokio::test(start_paused = true)]
    async fn a_ticket_is_good_for_thirty_seconds_and_leaves_nothing_behind() {
        let tickets = Tickets::new(TICKET_LASTS);
        let token = tickets.issue(ticket()).expect("a place");
        let late = tickets.issue(ticket()).expect("a place");
        tokio::time::advance(Duration::from_millis(29_900)).await;
        assert!(tickets.take(token.digest()).is_some());
        tokio::time::advance(Duration::from_millis(200)).await;
        assert!(tickets.take(late.digest()).is_none());
        let _newest = tickets.issue(ticket()).expect("a place");
        let waiting = tickets.lock();
        assert_eq!((waiting.by_age.len(), waiting.of_user.len()), (1, 1));
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_of_too_many_tickets_of_one_user_goes() {
        let tickets = Tickets::new(TICKET_LASTS);
        let ticket = ticket();
        let issue = || tickets.issue(ticket.clone()).expect("a place");
        let issued: Vec<_> = std::iter::repeat_with(issue)
            .take(TICKETS_PER_USER_MAX + 1)
            .collect();
        assert!(tickets.take(issued[0].digest()).is_none());
        assert!(tickets.take(issued[1].digest()).is_some());
    }
}
