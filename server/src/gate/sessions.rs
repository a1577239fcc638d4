//! Sessions: who a token stands for, for how long, and until when somebody says otherwise.
//!
//! In: tokens' digests. Out: users. The store has all sessions; those in use are kept in memory as
//! well, so that a store that is down disturbs nobody who is signed in.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

use crate::gate::scope::{User, UserKind};
use crate::gate::token::{Digest, Token};
use crate::limits::SESSIONS_CACHED_MAX;
use crate::store::{Account, SessionRow, Store, StoreError};
use downbeat::UserId;

/// A session that is good.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    pub(crate) digest: Digest,
    pub(crate) user: User,
    pub(crate) expires_at_s: i64,
}

/// What is to be kept of an account.
pub(crate) struct NewAccount {
    pub(crate) name: String,
    /// The name, as it is compared.
    pub(crate) key: String,
    /// Of its password.
    pub(crate) hash: String,
}

/// All sessions.
pub(crate) struct Sessions {
    store: Store,
    lasts: Duration,
    /// For how long the store need not be asked again.
    trusted: Duration,
    memory: Mutex<Memory>,
}

#[derive(Default)]
struct Memory {
    known: BTreeMap<Digest, Known>,
    /// How often sessions were ended here: what was read before the last time may be over.
    endings: u64,
}

struct Known {
    session: Session,
    asked: Instant,
}

impl Sessions {
    pub(crate) fn new(store: Store, lasts: Duration, trusted: Duration) -> Self {
        Self {
            store,
            lasts,
            trusted,
            memory: Mutex::default(),
        }
    }

    /// Begins a session; it is stored when this returns.
    pub(crate) async fn begin(&self, user: User) -> Result<(Token, Session), StoreError> {
        let (token, session) = self.new_session(user);
        let endings = self.lock().endings;
        self.store.save_session(row_of(&session)).await?;
        self.remember(&session, endings);
        Ok((token, session))
    }

    /// Makes an account and begins its first session; both are stored when this returns.
    pub(crate) async fn register(
        &self,
        account: &NewAccount,
    ) -> Result<(Token, Session), StoreError> {
        let NewAccount { name, key, hash } = account;
        let endings = self.lock().endings;
        let mut begun = None;
        let first = |made: &Account| {
            let user = user_of_account(made.id, made.name.clone());
            let (_, session) = begun.insert(self.new_session(user));
            Some(row_of(session))
        };
        self.store.register((name, key), hash, first).await?;
        let (token, session) = begun.expect("made with the account");
        self.remember(&session, endings);
        Ok((token, session))
    }

    fn new_session(&self, user: User) -> (Token, Session) {
        let token = Token::random();
        let lasts = i64::try_from(self.lasts.as_secs()).unwrap_or(i64::MAX);
        let session = Session {
            digest: token.digest(),
            user,
            expires_at_s: now_s().saturating_add(lasts),
        };
        (token, session)
    }

    /// The session that a token stands for, if it is good.
    pub(crate) async fn find(&self, digest: Digest) -> Result<Option<Session>, StoreError> {
        let known = self.known(digest);
        if let Some((session, asked)) = &known
            && asked.elapsed() < self.trusted
        {
            return Ok(Some(session.clone()));
        }
        match (self.ask(&[digest]).await, known) {
            (Ok(mut good), _) => Ok(good.remove(&digest)),
            (Err(_), Some((session, _))) => Ok(Some(session)),
            (Err(error), None) => Err(error),
        }
    }

    /// Asks the store which of these sessions are over. If it does not answer, who is in stays in.
    pub(crate) async fn revalidate(
        &self,
        digests: &[Digest],
    ) -> Result<BTreeSet<Digest>, StoreError> {
        let was_asked = |digest: &Digest| {
            let known = self.known(*digest);
            known.is_some_and(|(_, asked)| asked.elapsed() < self.trusted / 2)
        };
        let old = digests.iter().copied();
        let old: Vec<_> = old.filter(|digest| !was_asked(digest)).collect();
        let good = self.ask(&old).await?;
        let over = old.into_iter().filter(|old| !good.contains_key(old));
        Ok(over.collect())
    }

    /// Ends one session.
    pub(crate) async fn end(&self, digest: Digest) -> Result<(), StoreError> {
        self.ending().known.remove(&digest);
        let deleted = self.store.delete_session(&digest.0).await;
        self.ending().known.remove(&digest); // it may have been read in between
        deleted
    }

    /// Ends all sessions of a user.
    pub(crate) async fn end_all_of(&self, user: &UserId) -> Result<(), StoreError> {
        let is_other = |_: &Digest, known: &mut Known| known.session.user.id != *user;
        self.ending().known.retain(is_other);
        let deleted = self.store.delete_sessions_of(user.as_str()).await;
        self.ending().known.retain(is_other); // some may have been read in between
        deleted.map(|_| ())
    }

    /// Gives the account of a session another password, and ends all other sessions of its user.
    pub(crate) async fn change_password(
        &self,
        password: (u64, &str),
        kept: &Session,
    ) -> Result<(), StoreError> {
        let user = &kept.user.id;
        let changed = self
            .store
            .change_password(password, user.as_str(), &kept.digest.0);
        changed.await?;
        self.ending()
            .known
            .retain(|digest, known| known.session.user.id != *user || *digest == kept.digest);
        Ok(())
    }

    /// Reads sessions from the store, and whether their accounts may still be used; answers those
    /// that are good.
    async fn ask(&self, digests: &[Digest]) -> Result<BTreeMap<Digest, Session>, StoreError> {
        let endings = self.lock().endings;
        let hashes: Vec<_> = digests.iter().map(|digest| digest.0).collect();
        let rows = self.store.sessions(&hashes).await?;
        let read = rows.iter().filter_map(of_row);
        let mut good: BTreeMap<Digest, Session> = read
            .filter(|session| session.expires_at_s > now_s())
            .map(|session| (session.digest, session))
            .collect();
        let accounts = good.values().filter_map(|good| account_of(&good.user));
        let accounts: BTreeSet<u64> = accounts.collect();
        let accounts: Vec<_> = accounts.into_iter().collect();
        let accounts = self.store.accounts(&accounts).await?;
        let open = accounts.iter().filter(|account| !account.banned);
        let open: BTreeSet<u64> = open.map(|account| account.id).collect();
        good.retain(|_, good| account_of(&good.user).is_none_or(|id| open.contains(&id)));
        for digest in digests {
            match good.get(digest) {
                Some(session) => self.remember(session, endings),
                None => drop(self.lock().known.remove(digest)),
            }
        }
        Ok(good)
    }

    fn known(&self, digest: Digest) -> Option<(Session, Instant)> {
        let memory = self.lock();
        let known = memory.known.get(&digest)?;
        let good = known.session.expires_at_s > now_s();
        good.then(|| (known.session.clone(), known.asked))
    }

    /// Keeps a session that was read or written after so many endings, unless there was another
    /// one since: it may have been this one's.
    fn remember(&self, session: &Session, endings: u64) {
        let mut memory = self.lock();
        if memory.endings != endings {
            return;
        }
        let known = &mut memory.known;
        if known.len() >= SESSIONS_CACHED_MAX && !known.contains_key(&session.digest) {
            // Digests are random, so the first is any; the store still has it.
            known.pop_first();
        }
        let entry = Known {
            session: session.clone(),
            asked: Instant::now(),
        };
        known.insert(session.digest, entry);
    }

    /// What is known, to take from it what ends; what is being read meanwhile is not added.
    fn ending(&self) -> MutexGuard<'_, Memory> {
        let mut memory = self.lock();
        memory.endings += 1;
        memory
    }

    fn lock(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn row_of(session: &Session) -> SessionRow {
    SessionRow {
        token_hash: session.digest.0,
        user: session.user.id.as_str().to_owned(),
        name: session.user.name.clone(),
        kind: session.user.kind.word().to_owned(),
        created_at_s: now_s(),
        expires_at_s: session.expires_at_s,
    }
}

fn of_row(row: &SessionRow) -> Option<Session> {
    Some(Session {
        digest: Digest(row.token_hash),
        user: User {
            id: UserId::new(&row.user).ok()?,
            name: row.name.clone(),
            kind: UserKind::of_word(&row.kind)?,
        },
        expires_at_s: row.expires_at_s,
    })
}

const ACCOUNT: &str = "account_";

/// The user of an account.
pub(crate) fn user_of_account(id: u64, name: String) -> User {
    User {
        id: UserId::new(&format!("{ACCOUNT}{id}")).expect("a word and a number"),
        name,
        kind: UserKind::Account,
    }
}

/// The account of a user, if it has one.
pub(crate) fn account_of(user: &User) -> Option<u64> {
    let number = user.id.as_str().strip_prefix(ACCOUNT)?;
    (user.kind == UserKind::Account).then(|| number.parse().ok())?
}

/// A guest that there has never been.
pub(crate) fn new_guest(name: String) -> User {
    let token = Token::random();
    User {
        id: UserId::new(&format!("guest_{}", &token.text()[..22])).expect("letters and digits"),
        name,
        kind: UserKind::Guest,
    }
}

/// Units: seconds since 1970.
pub(crate) fn now_s() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::StoreConfig;

    const HOUR: Duration = Duration::from_secs(3600);

    /// Sessions over a store of their own, which is asked each time unless trusted.
    async fn sessions(lasts: Duration, trusted: Duration) -> (Store, Sessions) {
        let store = Store::start(&StoreConfig::default(), None).await;
        let store = store.expect("started");
        let sessions = Sessions::new(store.clone(), lasts, trusted);
        (store, sessions)
    }

    async fn is_good(sessions: &Sessions, digest: Digest) -> bool {
        sessions.find(digest).await.expect("asked").is_some()
    }

    async fn is_over(sessions: &Sessions, digest: Digest) -> bool {
        let over = sessions.revalidate(&[digest]).await.expect("asked");
        over.contains(&digest)
    }

    #[tokio::test]
    async fn a_session_is_found_until_it_ends() {
        let (_, sessions) = sessions(HOUR, Duration::ZERO).await;
        let (token, session) = sessions
            .begin(new_guest("Ada".into()))
            .await
            .expect("begun");
        let found = sessions.find(token.digest()).await.expect("asked");
        assert_eq!(found.map(|found| found.user), Some(session.user));
        sessions.end(token.digest()).await.expect("ended");
        assert!(!is_good(&sessions, token.digest()).await);
        assert!(is_over(&sessions, token.digest()).await);
    }

    #[tokio::test]
    async fn a_session_that_another_process_ended_is_over_once_the_store_is_asked() {
        let (store, sessions) = sessions(HOUR, Duration::ZERO).await;
        let (token, _) = sessions
            .begin(new_guest("Ada".into()))
            .await
            .expect("begun");
        let hour = Sessions::new(store.clone(), HOUR, HOUR);
        assert!(is_good(&hour, token.digest()).await);
        store
            .delete_session(&token.digest().0)
            .await
            .expect("deleted");
        assert!(is_good(&hour, token.digest()).await, "not asked yet");
        assert!(is_over(&sessions, token.digest()).await);
        assert!(!is_good(&sessions, token.digest()).await);
    }

    #[tokio::test]
    async fn what_was_read_before_a_session_ended_is_not_remembered_after_it() {
        let (_, sessions) = sessions(HOUR, HOUR).await;
        let begin = async || {
            let begun = sessions.begin(new_guest("Ada".into())).await;
            begun.expect("begun").1
        };
        let (ada, bob) = (begin().await, begin().await);
        let read = sessions.lock().endings;
        sessions.end(ada.digest).await.expect("ended");
        sessions.remember(&ada, read);
        assert!(!is_good(&sessions, ada.digest).await);
        let read = sessions.lock().endings;
        sessions.end_all_of(&bob.user.id).await.expect("ended");
        sessions.remember(&bob, read);
        assert!(!is_good(&sessions, bob.digest).await);
    }

    #[tokio::test]
    async fn an_expired_session_lets_nobody_in() {
        let (_, sessions) = sessions(Duration::ZERO, HOUR).await;
        let (token, _) = sessions
            .begin(new_guest("Ada".into()))
            .await
            .expect("begun");
        assert!(!is_good(&sessions, token.digest()).await);
    }

    #[tokio::test]
    async fn a_ban_ends_sessions_of_that_account_alone() {
        let (store, sessions) = sessions(HOUR, Duration::ZERO).await;
        let ada = store.create_account("Ada", "ada", "x").await.expect("made");
        let bob = store.create_account("Bob", "bob", "x").await.expect("made");
        let begin = async |id, name: &str| {
            let user = user_of_account(id, name.to_owned());
            sessions.begin(user).await.expect("begun").0.digest()
        };
        let (ada_in, bob_in) = (begin(ada.id, "Ada").await, begin(bob.id, "Bob").await);
        store.set_banned(ada.id, true).await.expect("banned");
        let guest = sessions.begin(new_guest("Eve".into())).await;
        let guest = guest.expect("begun").0.digest();
        let over = sessions.revalidate(&[ada_in, bob_in, guest]).await;
        assert_eq!(over, Ok(BTreeSet::from([ada_in])));
    }

    #[tokio::test]
    async fn other_sessions_of_a_user_end_and_the_kept_one_stays() {
        let (store, sessions) = sessions(HOUR, HOUR).await;
        let ada = store.create_account("Ada", "ada", "x").await.expect("made");
        let (id, ada) = (ada.id, user_of_account(ada.id, ada.name));
        let (one, kept) = sessions.begin(ada.clone()).await.expect("begun");
        let (two, _) = sessions.begin(ada.clone()).await.expect("begun");
        let changed = sessions.change_password((id, "y"), &kept).await;
        changed.expect("changed");
        assert!(is_good(&sessions, one.digest()).await);
        assert!(!is_good(&sessions, two.digest()).await);
        sessions.end_all_of(&ada.id).await.expect("ended");
        assert!(!is_good(&sessions, one.digest()).await);
    }
}
