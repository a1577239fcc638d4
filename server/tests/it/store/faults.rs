//! A database that is gone, slow, silent, or gone in the middle of a commit: nothing is lost that
//! was taken, nothing is written twice, and whoever asks is told at once.
//!
//! Times are a tenth of what a server has by default: "slow by 5 s" is slow by half a second for a
//! store that waits for 200 ms.

use std::time::{Duration, Instant};

use downbeat_server::config::StoreConfig;
use downbeat_server::{Store, StoreError, StoreHealth};

use super::proxy::{Line, Proxy};
use super::services::{Fresh, on_all};
use super::suite::{line, session};

on_all!(servers:
    gone_for_a_while_loses_nothing_and_takes_no_more_than_the_queue,
    silence_is_noticed_and_survived,
    slowness_is_survived,
    a_commit_that_was_not_answered_is_made_once,
    a_commit_that_did_not_arrive_is_made_once,
    what_was_given_up_is_never_made,
    gone_at_the_start_is_found_later,
    every_write_of_a_storm_of_cuts_is_made_once,
    more_reads_than_it_answers_do_not_make_it_look_gone,
);

const WITHIN: Duration = Duration::from_millis(200);
const SLOW: Duration = Duration::from_millis(500);

pub(super) async fn behind(fresh: &Fresh) -> (Proxy, StoreConfig) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    let config = StoreConfig {
        url: Some(fresh.url_at(Some(proxy.address))),
        timeout: WITHIN,
        queue: 50,
        pool_max: 4,
        ..StoreConfig::default()
    };
    (proxy, config)
}

/// A store that is up: a machine under load may have made it look otherwise for a moment.
async fn started(fresh: &Fresh) -> (Proxy, Store) {
    let (proxy, config) = behind(fresh).await;
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |health| health.up).await;
    (proxy, store)
}

pub(super) async fn until(store: &Store, is: impl Fn(&StoreHealth) -> bool) {
    let seen = async {
        while !is(&store.health()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    if tokio::time::timeout(Duration::from_secs(20), seen)
        .await
        .is_err()
    {
        panic!("{:?}", store.health());
    }
}

/// Asks until it is told: what a player does who tries again.
pub(super) async fn again<T>(mut ask: impl AsyncFnMut() -> Result<T, StoreError>) -> T {
    for _ in 0..400 {
        match ask().await {
            Ok(told) => return told,
            Err(StoreError::Unavailable) => tokio::time::sleep(Duration::from_millis(50)).await,
            Err(other) => panic!("{other}"),
        }
    }
    panic!("never told");
}

/// Fills the queue while nothing gets through, then sees that it does.
async fn survives(store: &Store, proxy: &Proxy, fault: Line, healed: impl AsyncFnOnce()) {
    store.append_chat(line(0)).expect("queued");
    until(store, |health| health.queued == 0).await;
    proxy.set(fault);
    until_told(store).await;
    let mut taken = 1;
    while store.append_chat(line(taken)).is_ok() {
        taken += 1;
        assert!(taken <= 51, "more than the queue holds");
    }
    assert_eq!(taken, 51);
    assert_eq!(store.append_chat(line(taken)), Err(StoreError::Full));
    assert_eq!(store.health().queued, 50);
    let begun = Instant::now();
    let asked = store.save_session(session(1, "7")).await;
    assert!(
        matches!(asked, Err(StoreError::Unavailable | StoreError::Full)),
        "{asked:?}"
    );
    let asked = store.account(1).await;
    assert_eq!(asked, Err(StoreError::Unavailable));
    assert!(
        begun.elapsed() < WITHIN * 20,
        "they wait no longer than they must"
    );
    healed().await;
    until(store, |health| {
        health.queued == 0 && health.up && health.writable
    })
    .await;
    let lines = again(async || store.chat_history("chat/main", 1_000).await).await;
    assert_eq!(lines, (0..51).map(line).collect::<Vec<_>>());
    let given_up = again(async || store.session(&[1; 32]).await).await;
    assert_eq!(given_up, None, "who was told no has not been let in later");
}

/// Asks until the store has noticed.
pub(super) async fn until_told(store: &Store) {
    for _ in 0..50 {
        if store.account(1).await == Err(StoreError::Unavailable) {
            return;
        }
    }
    panic!("{:?}", store.health());
}

async fn gone_for_a_while_loses_nothing_and_takes_no_more_than_the_queue(fresh: &Fresh) {
    let (proxy, store) = started(fresh).await;
    let health = store.health();
    assert!(health.up && health.was_up && health.writable);
    let healed = async || {
        assert!(!store.health().up);
        // A while in which it is looked for again and again.
        tokio::time::sleep(Duration::from_millis(600)).await;
        proxy.set(Line::Open);
    };
    survives(&store, &proxy, Line::Cut, healed).await;
}

async fn silence_is_noticed_and_survived(fresh: &Fresh) {
    let (proxy, store) = started(fresh).await;
    let healed = async || {
        tokio::time::sleep(WITHIN * 3).await;
        proxy.set(Line::Open);
    };
    survives(&store, &proxy, Line::Stalled, healed).await;
}

async fn slowness_is_survived(fresh: &Fresh) {
    let (proxy, store) = started(fresh).await;
    let healed = async || {
        tokio::time::sleep(SLOW * 3).await;
        proxy.set(Line::Open);
    };
    survives(&store, &proxy, Line::Slow(SLOW), healed).await;
}

async fn a_commit_that_was_not_answered_is_made_once(fresh: &Fresh) {
    a_cut_commit_is_made_once(fresh, Line::CutAfterCommit).await;
}

async fn a_commit_that_did_not_arrive_is_made_once(fresh: &Fresh) {
    a_cut_commit_is_made_once(fresh, Line::CutBeforeCommit).await;
}

/// Each of these would be told something else if it were made a second time.
async fn a_cut_commit_is_made_once(fresh: &Fresh, cut: Line) {
    let (proxy, mut config) = behind(fresh).await;
    // Long enough to be told in the end.
    config.timeout = Duration::from_secs(5);
    let store = fresh.store_with(&config).await.expect("starts");
    for token in 0..3 {
        store.save_session(session(token, "7")).await.expect("kept");
    }
    proxy.set(cut);
    assert_eq!(store.delete_sessions_of("7").await, Ok(3));
    assert_eq!(proxy.cuts(), 1, "the fault has fired");
    proxy.set(cut);
    let made = store.create_account("Ada", "ada", "$").await.expect("made");
    assert_eq!(proxy.cuts(), 2);
    proxy.set(cut);
    let taken = store.create_account("ADA", "ada", "$").await;
    assert_eq!(taken, Err(StoreError::NameTaken));
    assert_eq!(proxy.cuts(), 3);
    assert_eq!(store.account_by_name("ada").await, Ok(Some(made)));
    let health = store.health();
    assert_eq!((health.written, health.queued), (6, 0));
    assert!(health.retried >= 3, "{health:?}");
}

async fn what_was_given_up_is_never_made(fresh: &Fresh) {
    let (proxy, store) = started(fresh).await;
    proxy.set(Line::Stalled);
    let asking = (0..20).map(|n| {
        let store = store.clone();
        tokio::spawn(async move { store.create_account("Ada", &format!("ada{n}"), "$").await })
    });
    for asked in asking.collect::<Vec<_>>() {
        let told = asked.await.expect("no panic");
        assert_eq!(told, Err(StoreError::Unavailable));
    }
    proxy.set(Line::Open);
    until(&store, |health| health.queued == 0 && health.up).await;
    for n in 0..20 {
        let key = format!("ada{n}");
        let there = again(async || store.account_by_name(&key).await).await;
        assert_eq!(there, None);
    }
    let health = store.health();
    assert_eq!((health.given_up, health.written), (20, 0));
}

async fn gone_at_the_start_is_found_later(fresh: &Fresh) {
    let (proxy, config) = behind(fresh).await;
    proxy.set(Line::Cut);
    let store = fresh.store_with(&config).await.expect("starts without");
    let health = store.health();
    assert!(!health.up && !health.was_up);
    assert_eq!(store.account(1).await, Err(StoreError::Unavailable));
    store.append_chat(line(1)).expect("queued");
    proxy.set(Line::Open);
    until(&store, |health| health.up && health.queued == 0).await;
    let lines = again(async || store.chat_history("chat/main", 9).await).await;
    assert_eq!(lines, [line(1)]);
}

async fn every_write_of_a_storm_of_cuts_is_made_once(fresh: &Fresh) {
    let (proxy, mut config) = behind(fresh).await;
    config.queue = 10_000;
    config.timeout = Duration::from_secs(2);
    let store = fresh.store_with(&config).await.expect("starts");
    let faults = [Line::CutAfterCommit, Line::CutBeforeCommit];
    for n in 0..300 {
        if n % 30 == 0 {
            proxy.set(faults[usize::try_from(n / 30 % 2).expect("small")]);
        }
        store.append_chat(line(n)).expect("queued");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    proxy.set(Line::Open);
    until(&store, |health| health.queued == 0 && health.up).await;
    assert!(proxy.cuts() >= 3, "{}", proxy.cuts());
    let lines = again(async || store.chat_history("chat/main", 1_000).await).await;
    assert_eq!(lines, (0..300).map(line).collect::<Vec<_>>());
    assert_eq!(store.health().written, 300);
}

async fn more_reads_than_it_answers_do_not_make_it_look_gone(fresh: &Fresh) {
    let (proxy, mut config) = behind(fresh).await;
    // A read takes twice the line's delay at least, so no two connections answer all in time.
    config.timeout = Duration::from_secs(4);
    let store = fresh.store_with(&config).await.expect("starts");
    proxy.set(Line::Slow(Duration::from_millis(100)));
    let asking = (0..200).map(|_| {
        let store = store.clone();
        tokio::spawn(async move { (store.account(1).await, store.health().up) })
    });
    let (mut answered, mut unavailable) = (0, 0);
    for asked in asking.collect::<Vec<_>>() {
        match asked.await.expect("no panic") {
            (Ok(None), true) => answered += 1,
            (Err(StoreError::Unavailable), true) => unavailable += 1,
            other => panic!("{other:?} after {answered} and {unavailable}"),
        }
    }
    assert!(answered > 0 && unavailable > 0, "{answered} {unavailable}");
    proxy.set(Line::Open);
    assert_eq!(store.account(1).await, Ok(None));
}
