//! A database that answers, but where others hold what the store wants.

use std::time::Duration;

use downbeat_server::StoreError;
use downbeat_server::config::StoreConfig;

use super::faults::{again, until};
use super::services::{Fresh, Kind, on_all};
use super::suite::line;

on_all!(servers:
    a_start_that_was_cut_off_keeps_nobody_out,
    what_was_given_up_in_its_transaction_is_not_committed,
);

/// Makes the tables.
async fn with_tables(fresh: &Fresh) {
    fresh.store().await.stop().await;
}

/// The lock that keeps two servers apart is a connection's; a start waits for 3 s.
async fn a_start_that_was_cut_off_keeps_nobody_out(fresh: &Fresh) {
    with_tables(fresh).await;
    let lock = match fresh.kind {
        Kind::Postgres => "begin; lock table downbeat_migrations in access exclusive mode",
        _ => "lock tables downbeat_migrations write",
    };
    let held = fresh.hold(lock).await;
    let store = fresh.store().await;
    assert!(!store.health().up);
    drop(held);
    until(&store, |health| health.up).await;
    let other = fresh.store().await;
    until(&other, |health| health.up).await;
}

async fn what_was_given_up_in_its_transaction_is_not_committed(fresh: &Fresh) {
    with_tables(fresh).await;
    let config = StoreConfig {
        timeout: Duration::from_secs(1),
        ..fresh.config()
    };
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |health| health.up).await;
    let ada = "begin; insert into downbeat_accounts (id, name, name_key, password_hash, \
               created_at_s) values (1, 'Ada', 'ada', '$', 0)";
    let held = fresh.hold(ada).await;
    let told = store.create_account("Ada", "ada", "$").await;
    assert_eq!(told, Err(StoreError::Unavailable));
    store.append_chat(line(0)).expect("queued");
    // Its transaction goes on; other writes must not suffer.
    drop(held);
    until(&store, |health| health.queued == 0 && health.up).await;
    let there = again(async || store.account_by_name("ada").await).await;
    assert_eq!(there, None);
    let lines = again(async || store.chat_history("chat/main", 9).await).await;
    assert_eq!(lines, [line(0)]);
    let health = store.health();
    assert_eq!((health.given_up, health.written), (1, 1));
}
