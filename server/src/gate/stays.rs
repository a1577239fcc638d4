//! Who is in: every member with what it hangs on, over how many connections, and how it comes back.
//!
//! In: members as they are seated, and connections as they drop. Out: seats for those who show a
//! good resume token, and goodbyes to those whose session ended or who came with another device.
//! All of it is of this process, as the rooms are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use downbeat::wire::{Close, CloseCode};
use downbeat::{Seated, UserId};

use crate::admission::{Address, Permit};
use crate::config::{Devices, GateConfig};
use crate::gate::credential::{Basis, Bearer};
use crate::gate::outcome::Refused;
use crate::gate::token::{Digest, Token};
use crate::limits::STAYS_MAX;
use crate::registry::GameEntry;

pub(crate) const NOT_VALID: Close =
    Close::with_reason(CloseCode::Refused, "session is no longer valid");

/// All members, and the connections of all users.
pub(crate) struct Stays {
    devices: Devices,
    per_user_max: u64,
    /// Connections of one address; members that may come back are at most twice as many.
    per_address_max: Option<u64>,
    /// Whether anybody may come back. For how long is up to the rooms: as long as they keep the
    /// member.
    resumes: bool,
    table: Mutex<Table>,
}

#[derive(Default)]
struct Table {
    stays: BTreeMap<u64, Stay>,
    /// Resume tokens that are good.
    tokens: BTreeMap<Digest, u64>,
    of_user: BTreeMap<UserId, BTreeSet<u64>>,
    connections: BTreeMap<UserId, u64>,
    of_address: BTreeMap<Address, u64>,
    last: u64,
}

/// A member of a room, connected or not.
struct Stay {
    address: Address,
    bearer: Option<Bearer>,
    game: Arc<dyn GameEntry>,
    room: String,
    seated: Seated,
    current: Digest,
    /// The token before that, until it is known that the current one has arrived.
    previous: Option<Digest>,
    /// The number of the connection that serves it.
    connection: u64,
    /// That connection is gone.
    dropped: bool,
}

/// What a resume token stands for.
#[derive(Clone)]
pub(crate) struct Claimed {
    pub(crate) stay: u64,
    pub(crate) shown: Digest,
    pub(crate) bearer: Option<Bearer>,
    pub(crate) game: String,
    pub(crate) room: String,
}

/// One connection's place among those of its user; gives it back when it is dropped.
pub(crate) struct Place {
    stays: Arc<Stays>,
    user: Option<UserId>,
    /// The stay and the connection's number, once there is a seat.
    serves: OnceLock<(u64, u64)>,
    /// Behind a proxy: its place among those of the client's address.
    pub(crate) of_address: Option<Permit>,
}

/// Where a member sits down.
pub(crate) struct Where<'a> {
    pub(crate) game: &'a Arc<dyn GameEntry>,
    pub(crate) room: &'a str,
    /// From where it comes.
    pub(crate) address: Address,
}

impl Stays {
    pub(crate) fn new(config: &GateConfig, per_address_max: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            devices: config.devices,
            per_user_max: config.connections_per_user,
            per_address_max,
            resumes: !config.resume.is_zero(),
            table: Mutex::default(),
        })
    }

    /// A place for one more connection of a user. One that resumes replaces another, which may not
    /// know yet that it is gone.
    pub(crate) fn place(
        self: &Arc<Self>,
        user: Option<&UserId>,
        resumes: bool,
    ) -> Result<Place, Refused> {
        if let Some(user) = user {
            let mut table = self.lock();
            let others = table.connections.get(user).copied().unwrap_or(0);
            let max = self.per_user_max;
            match self.devices {
                _ if resumes && others < max.saturating_mul(2) => {}
                Devices::Refuse if others > 0 => return Err(Refused::OtherDevice),
                Devices::Newest if others < max.saturating_mul(2) => {}
                _ if others >= max => return Err(Refused::TooManyOfUser),
                _ => {}
            }
            table.connections.insert(user.clone(), others + 1);
        }
        Ok(Place {
            stays: Arc::clone(self),
            user: user.cloned(),
            serves: OnceLock::new(),
            of_address: None,
        })
    }

    /// Seats a new member: `enter` brings it into its room, told the token with which it can
    /// resume. The token is good before anybody can have read it.
    pub(crate) fn enter<E>(
        &self,
        place: &Place,
        bearer: Option<&Bearer>,
        to: &Where<'_>,
        enter: impl FnOnce(String) -> Result<Seated, E>,
    ) -> Result<Seated, E> {
        let mut table = self.lock();
        // Else one address could fill rooms with members that nobody plays: those who may not come
        // back leave with their connection.
        let theirs = table.of_address.get(&to.address).copied().unwrap_or(0);
        let resumable = self.resumes
            && table.stays.len() < STAYS_MAX
            && self
                .per_address_max
                .is_none_or(|max| theirs < max.saturating_mul(2));
        let token = Token::random();
        let shown = if resumable { token.text() } else { "" };
        let seated = enter(shown.to_owned())?;
        let user = bearer.map(|bearer| &bearer.user.id);
        if let Some(user) = user.filter(|_| self.devices == Devices::Newest) {
            table.close_all_of(user, Close::from(CloseCode::Fenced), |_| true);
        }
        table.last += 1;
        let id = table.last;
        *table.of_address.entry(to.address).or_default() += 1;
        let stay = Stay {
            address: to.address,
            bearer: bearer.cloned(),
            game: Arc::clone(to.game),
            room: to.room.to_owned(),
            seated,
            current: token.digest(),
            previous: None,
            connection: id,
            dropped: false,
        };
        if let Some(user) = user {
            table.of_user.entry(user.clone()).or_default().insert(id);
        }
        if resumable {
            table.tokens.insert(token.digest(), id);
        }
        table.stays.insert(id, stay);
        // A place serves one member once.
        let _ = place.serves.set((id, id));
        Ok(seated)
    }

    /// What a token stands for, if it is good and its member is still there.
    pub(crate) fn find(&self, shown: Digest) -> Option<Claimed> {
        let table = self.lock();
        let id = *table.tokens.get(&shown)?;
        let stay = table.stays.get(&id)?;
        let good = stay.game.is_member(&stay.room, stay.seated);
        good.then(|| Claimed {
            stay: id,
            shown,
            bearer: stay.bearer.clone(),
            game: stay.game.name().to_string(),
            room: stay.room.clone(),
        })
    }

    /// Brings a member back: `resume` hands the new link to its room, with the next token. `None`
    /// if the token has been used up in the meantime.
    ///
    /// All of it is one step, so that of two who show the same token the one who is fenced is also
    /// the one whose next token is worth nothing.
    pub(crate) fn resume<E>(
        &self,
        place: &Place,
        claimed: &Claimed,
        resume: impl FnOnce(Seated, String) -> Result<(), E>,
    ) -> Option<Result<(), E>> {
        let mut table = self.lock();
        let table = &mut *table;
        if table.tokens.get(&claimed.shown) != Some(&claimed.stay) {
            return None;
        }
        let stay = table.stays.get_mut(&claimed.stay)?;
        let token = Token::random();
        if let Err(error) = resume(stay.seated, token.text().to_owned()) {
            return Some(Err(error));
        }
        for old in [Some(stay.current), stay.previous].into_iter().flatten() {
            if old != claimed.shown {
                table.tokens.remove(&old);
            }
        }
        stay.previous = Some(claimed.shown);
        stay.current = token.digest();
        stay.dropped = false;
        table.last += 1;
        stay.connection = table.last;
        table.tokens.insert(token.digest(), claimed.stay);
        let _ = place.serves.set((claimed.stay, table.last));
        Some(Ok(()))
    }

    /// The sessions on which somebody's stay hangs.
    pub(crate) fn sessions(&self) -> BTreeSet<Digest> {
        let table = self.lock();
        let bearers = table.stays.values().filter_map(|stay| stay.bearer.as_ref());
        let sessions = bearers.filter_map(|bearer| match bearer.basis {
            Basis::Session(session) => Some(session),
            Basis::Jwt { .. } | Basis::Hook => None,
        });
        sessions.collect()
    }

    /// Throws out whose session ended.
    pub(crate) fn close_session(&self, session: Digest) {
        let hangs_on_it = |stay: &Stay| stay.basis() == Some(Basis::Session(session));
        self.lock().close(hangs_on_it, NOT_VALID);
    }

    /// Throws a user out, but for what hangs on one session.
    pub(crate) fn close_user(&self, user: &UserId, kept: Option<Digest>) {
        let kept = kept.map(Basis::Session);
        let goes = |stay: &Stay| kept.is_none() || stay.basis() != kept;
        self.lock().close_all_of(user, NOT_VALID, goes);
    }

    /// Forgets those whom their rooms do not keep any more. Whoever is kept is not forgotten: it
    /// must be found when its session ends.
    pub(crate) fn sweep(&self) {
        let waiting: Vec<u64> = {
            let table = self.lock();
            let waiting = table.stays.iter().filter(|(_, stay)| stay.dropped);
            waiting.map(|(id, _)| *id).collect()
        };
        // One at a time: nobody who wants in waits for all of them.
        for id in waiting {
            let mut table = self.lock();
            let is_over = table
                .stays
                .get(&id)
                .is_some_and(|stay| stay.dropped && !stay.game.is_member(&stay.room, stay.seated));
            if is_over {
                table.forget(id);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Stay {
    fn basis(&self) -> Option<Basis> {
        self.bearer.as_ref().map(|bearer| bearer.basis)
    }
}

impl Table {
    fn close_all_of(&mut self, user: &UserId, close: Close, goes: impl Fn(&Stay) -> bool) {
        let ids = self.of_user.get(user).cloned().unwrap_or_default();
        for id in ids {
            if self.stays.get(&id).is_some_and(&goes) {
                self.throw_out(id, close);
            }
        }
    }

    fn close(&mut self, goes: impl Fn(&Stay) -> bool, close: Close) {
        let gone = self.stays.iter().filter(|(_, stay)| goes(stay));
        let gone: Vec<u64> = gone.map(|(id, _)| *id).collect();
        for id in gone {
            self.throw_out(id, close);
        }
    }

    fn throw_out(&mut self, id: u64, close: Close) {
        if let Some(stay) = self.forget(id) {
            stay.game.close_member(&stay.room, stay.seated, close);
        }
    }

    fn forget(&mut self, id: u64) -> Option<Stay> {
        let stay = self.stays.remove(&id)?;
        if let Some(theirs) = self.of_address.get_mut(&stay.address) {
            *theirs -= 1;
            if *theirs == 0 {
                self.of_address.remove(&stay.address);
            }
        }
        self.tokens.remove(&stay.current);
        if let Some(previous) = stay.previous {
            self.tokens.remove(&previous);
        }
        let user = stay.bearer.as_ref().map(|bearer| &bearer.user.id);
        if let Some(user) = user
            && let Some(theirs) = self.of_user.get_mut(user)
        {
            theirs.remove(&id);
            if theirs.is_empty() {
                self.of_user.remove(user);
            }
        }
        Some(stay)
    }
}

impl Place {
    /// The peer has been told its new token: the one before it is worth nothing from now on.
    pub(crate) fn confirm(&self) {
        let Some(&(id, connection)) = self.serves.get() else {
            return;
        };
        let mut table = self.stays.lock();
        let table = &mut *table;
        let stay = table.stays.get_mut(&id);
        if let Some(stay) = stay.filter(|stay| stay.connection == connection)
            && let Some(previous) = stay.previous.take()
        {
            table.tokens.remove(&previous);
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut table = self.stays.lock();
        if let Some(user) = &self.user
            && let Some(count) = table.connections.get_mut(user)
        {
            *count -= 1;
            if *count == 0 {
                table.connections.remove(user);
            }
        }
        if let Some((id, connection)) = self.serves.get()
            && let Some(stay) = table.stays.get_mut(id)
            && stay.connection == *connection
        {
            stay.dropped = true;
        }
    }
}

impl std::fmt::Debug for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Place").finish_non_exhaustive()
    }
}
