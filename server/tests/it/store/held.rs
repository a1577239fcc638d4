//! A database that answers, but where others hold what the store wants.

use super::faults::until;
use super::services::{Fresh, Kind, on_all};

on_all!(servers:
    a_start_that_was_cut_off_keeps_nobody_out,
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
