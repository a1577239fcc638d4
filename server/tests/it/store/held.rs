//! A database that answers, but where others hold what the store wants.

use std::time::Duration;

use downbeat_server::config::StoreConfig;
use downbeat_server::{Account, StoreError};

use super::faults::{again, behind, until, until_told};
use super::proxy::Line;
use super::services::{Fresh, Kind, on_all};
use super::suite::{line, session};

on_all!(servers:
    a_start_that_was_cut_off_keeps_nobody_out,
    what_was_given_up_in_its_transaction_is_not_committed,
    a_password_does_not_change_where_sessions_cannot_end,
    there_is_no_account_where_its_session_cannot_begin,
    the_store_is_found_again_while_what_is_old_is_swept,
);

mod sweeping {
    use super::all_that_is_old_is_swept_at_the_start;
    use crate::store::services::on_all;

    on_all!(all_that_is_old_is_swept_at_the_start);
}

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

async fn a_password_does_not_change_where_sessions_cannot_end(fresh: &Fresh) {
    let store = fresh.store().await;
    let id = store.create_account("Ada", "ada", "$1").await;
    let id = id.expect("made").id;
    store.save_session(session(1, "7")).await.expect("kept");
    store.stop().await;
    let config = StoreConfig {
        timeout: Duration::from_secs(1),
        ..fresh.config()
    };
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |health| health.up).await;
    let held = fresh
        .hold("begin; update downbeat_sessions set name = 'held'")
        .await;
    let told = store.change_password((id, "$2"), "7", &[0; 32]).await;
    assert_eq!(told, Err(StoreError::Unavailable));
    drop(held);
    until(&store, |health| health.queued == 0 && health.up).await;
    let account = again(async || store.account(id).await).await;
    assert_eq!(account.expect("there").password_hash, "$1");
    let row = again(async || store.session(&[1; 32]).await).await;
    assert!(row.is_some());
}

async fn there_is_no_account_where_its_session_cannot_begin(fresh: &Fresh) {
    with_tables(fresh).await;
    let config = StoreConfig {
        timeout: Duration::from_secs(1),
        ..fresh.config()
    };
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |health| health.up).await;
    let lock = match fresh.kind {
        Kind::Postgres => "begin; lock table downbeat_sessions in exclusive mode",
        _ => "lock tables downbeat_sessions write",
    };
    let held = fresh.hold(lock).await;
    let first = |_: &Account| Some(session(1, "7"));
    let told = store.register(("Ada", "ada"), "$", first).await;
    assert_eq!(told, Err(StoreError::Unavailable));
    drop(held);
    until(&store, |health| health.queued == 0 && health.up).await;
    let there = again(async || store.account_by_name("ada").await).await;
    assert_eq!(there, None);
    let there = again(async || store.session(&[1; 32]).await).await;
    assert_eq!(there, None);
}

/// Lines of a chat, long ago.
fn old_lines(lines: usize) -> String {
    let values = (0..lines).map(|n| format!("('old{n}', 'old', '7', 'Ada', 'long ago', 1)"));
    let values = values.collect::<Vec<_>>().join(", ");
    format!(
        "insert into downbeat_chat (chat_key, room, user_id, name, line, at_ms) values {values}"
    )
}

async fn the_store_is_found_again_while_what_is_old_is_swept(fresh: &Fresh) {
    with_tables(fresh).await;
    fresh.run(&old_lines(1)).await;
    let held = fresh
        .hold("begin; update downbeat_chat set line = 'held'")
        .await;
    let (proxy, mut config) = behind(fresh).await;
    // Longer than it takes to be caught at it.
    config.timeout = Duration::from_secs(2);
    let store = fresh.store_with(&config).await.expect("starts");
    until(&store, |health| {
        let idle = u32::try_from(health.idle).expect("few");
        health.up && health.connections > idle
    })
    .await;
    proxy.set(Line::Stalled);
    until_told(&store).await;
    proxy.set(Line::Open);
    until(&store, |health| health.up).await;
    drop(held);
}

async fn all_that_is_old_is_swept_at_the_start(fresh: &Fresh) {
    with_tables(fresh).await;
    fresh.run(&old_lines(1_700)).await;
    let store = fresh.store().await;
    store.append_chat(line(0)).expect("queued");
    until(&store, |health| health.queued == 0).await;
    let swept = async {
        while !again(async || store.chat_history("old", 1).await)
            .await
            .is_empty()
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let swept = tokio::time::timeout(Duration::from_secs(30), swept).await;
    swept.expect("all that is old is gone");
    let lines = again(async || store.chat_history("chat/main", 9).await).await;
    assert_eq!(lines, [line(0)]);
}
