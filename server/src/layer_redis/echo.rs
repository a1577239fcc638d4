//! What this process publishes comes back to it, in `pubsub`, where it has members of its own in
//! the group. They were given it at once, so what comes back is known again and dropped.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use crate::limits::{ECHO_AWAITED, ECHOES_MAX};

/// What is expected back, by the name under which it was published.
#[derive(Default)]
pub(super) struct Echoes(Mutex<BTreeMap<String, VecDeque<(u64, Instant)>>>);

impl Echoes {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, VecDeque<(u64, Instant)>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What was published before does not come back.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// Forgets what did not come back in time.
    pub(super) fn forget_old(&self) {
        self.lock().retain(|_, awaited| {
            awaited.retain(|(_, since)| since.elapsed() <= ECHO_AWAITED);
            !awaited.is_empty()
        });
    }

    /// Something is about to be published.
    pub(super) fn expect(&self, name: &str, bytes: &[u8]) {
        let mut all = self.lock();
        let awaited = all.entry(name.to_owned()).or_default();
        if awaited.len() >= ECHOES_MAX {
            awaited.pop_front();
        }
        awaited.push_back((digest(bytes), Instant::now()));
    }

    /// Something came: whether it is one of them, which then is expected no more. Of equal ones of
    /// two processes it does not matter which.
    pub(super) fn is_own(&self, name: &str, bytes: &[u8]) -> bool {
        let mut all = self.lock();
        let Some(awaited) = all.get_mut(name) else {
            return false;
        };
        let digest = digest(bytes);
        let place = awaited.iter().position(|(of, _)| *of == digest);
        if let Some(place) = place {
            awaited.remove(place);
        }
        if awaited.is_empty() {
            all.remove(name);
        }
        place.is_some()
    }

    /// Nothing comes any more under this name.
    pub(super) fn forget(&self, name: &str) {
        self.lock().remove(name);
    }
}

fn digest(bytes: &[u8]) -> u64 {
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_ones_own_is_known_again_once() {
        let echoes = Echoes::default();
        echoes.expect("group", b"a");
        echoes.expect("group", b"a");
        echoes.expect("group", b"b");
        assert!(!echoes.is_own("other", b"a"));
        assert!(!echoes.is_own("group", b"c"));
        for own in [b"b", b"a", b"a"] {
            assert!(echoes.is_own("group", own));
        }
        assert!(!echoes.is_own("group", b"a"), "this one is another's");
        assert!(echoes.lock().is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_came_back_is_not_awaited_for_ever() {
        let echoes = Echoes::default();
        echoes.expect("group", b"a");
        tokio::time::advance(2 * ECHO_AWAITED).await;
        echoes.forget_old();
        assert!(echoes.lock().is_empty());
        for _ in 0..2 * ECHOES_MAX {
            echoes.expect("group", b"a");
        }
        assert_eq!(echoes.lock()["group"].len(), ECHOES_MAX);
        echoes.forget("group");
        assert!(!echoes.is_own("group", b"a"));
        echoes.expect("group", b"a");
        echoes.clear();
        assert!(!echoes.is_own("group", b"a"), "of a session that ended");
    }
}
