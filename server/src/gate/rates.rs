//! How often somebody may try: attempts in a window that slides, per account or address.
//!
//! In: keys and the time. Out: yes, or how long to wait. Whoever has been quiet for a window is
//! forgotten.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::limits::RATES_REMEMBERED_MAX;

/// Attempts per key.
pub(crate) struct Rate<K> {
    /// `None` is no limit.
    max: Option<usize>,
    within: Duration,
    attempts: Mutex<BTreeMap<K, VecDeque<Instant>>>,
}

/// Too often; when to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooOften {
    pub(crate) retry_after_s: u32,
}

impl<K: Ord + Clone> Rate<K> {
    pub(crate) fn new(max: Option<u64>, within: Duration) -> Self {
        Self {
            max: max.map(|max| usize::try_from(max).unwrap_or(usize::MAX)),
            within,
            attempts: Mutex::default(),
        }
    }

    /// Counts an attempt, or refuses it; a refused one is not counted.
    pub(crate) fn attempt(&self, key: &K) -> Result<(), TooOften> {
        let Some(max) = self.max else {
            return Ok(());
        };
        let now = Instant::now();
        let lock = self.attempts.lock();
        let mut attempts = lock.unwrap_or_else(PoisonError::into_inner);
        if attempts.len() >= RATES_REMEMBERED_MAX && !attempts.contains_key(key) {
            self.make_place(&mut attempts, now);
        }
        let of_key = attempts.entry(key.clone()).or_default();
        while of_key.pop_front_if(|at| *at + self.within <= now).is_some() {}
        if of_key.len() < max {
            of_key.push_back(now);
            return Ok(());
        }
        let wait = of_key
            .front()
            .map_or(self.within, |at| *at + self.within - now);
        let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
        Err(TooOften {
            retry_after_s: u32::try_from(seconds).unwrap_or(u32::MAX),
        })
    }

    fn make_place(&self, attempts: &mut BTreeMap<K, VecDeque<Instant>>, now: Instant) {
        let is_quiet = |at: &Instant| *at + self.within <= now;
        attempts.retain(|_, of_key| !of_key.back().is_none_or(is_quiet));
        if attempts.len() >= RATES_REMEMBERED_MAX {
            let quietest = attempts
                .iter()
                .min_by_key(|(_, of_key)| of_key.back().copied());
            if let Some(quietest) = quietest.map(|(key, _)| key.clone()) {
                attempts.remove(&quietest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    #[tokio::test(start_paused = true)]
    async fn attempts_come_back_as_they_grow_old() {
        let rate = Rate::new(Some(2), MINUTE);
        assert_eq!(rate.attempt(&"ada"), Ok(()));
        tokio::time::advance(MINUTE / 2).await;
        assert_eq!(rate.attempt(&"ada"), Ok(()));
        assert_eq!(rate.attempt(&"ada"), Err(TooOften { retry_after_s: 30 }));
        assert_eq!(rate.attempt(&"bob"), Ok(()));
        tokio::time::advance(MINUTE / 2).await;
        assert_eq!(rate.attempt(&"ada"), Ok(()));
        assert!(rate.attempt(&"ada").is_err());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_limit_nothing_is_remembered() {
        let rate = Rate::new(None, MINUTE);
        for _ in 0..1000 {
            assert_eq!(rate.attempt(&"ada"), Ok(()));
        }
        assert!(rate.attempts.lock().expect("no panic").is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn so_many_keys_are_remembered_and_no_more() {
        let rate = Rate::new(Some(1), MINUTE);
        for key in 0..=RATES_REMEMBERED_MAX {
            assert_eq!(rate.attempt(&key), Ok(()));
        }
        assert_eq!(
            rate.attempts.lock().expect("no panic").len(),
            RATES_REMEMBERED_MAX
        );
        tokio::time::advance(MINUTE).await;
        assert_eq!(rate.attempt(&usize::MAX), Ok(()));
        assert_eq!(rate.attempts.lock().expect("no panic").len(), 1);
    }
}
