//! Migrations of a project that take their time, fail, or were interrupted.

use std::time::Duration;

use downbeat_server::config::{Config, DatabaseConfig};
use downbeat_server::{DatabaseError, Running};

use super::{config, start};
use crate::store::proxy::{Line, Proxy};
use crate::store::services::{Fresh, on_all};

on_all!(servers: one_that_failed_keeps_nobody_out);

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let seen = async {
        while !is_so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    let seen = tokio::time::timeout(Duration::from_secs(30), seen).await;
    assert!(seen.is_ok(), "never so: {what}");
}

async fn count(running: &Running, sql: &str) -> Result<usize, DatabaseError> {
    let game = running.database("game").expect("there");
    game.query(sql, &[]).await.map(|rows| rows.len())
}

/// Adds a second one to those of [`config`].
fn with_second(fresh: &Fresh, sql: &str) -> Config {
    let config = config(fresh);
    let folder = fresh.folder.path().join("migrations");
    std::fs::write(folder.join("0002_second.sql"), sql).expect("written");
    config
}

/// The lock that keeps two servers apart is a connection's.
async fn one_that_failed_keeps_nobody_out(fresh: &Fresh) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    proxy.set(Line::Cut);
    let mut broken = with_second(fresh, "select nothing from nowhere");
    let game = broken.store.databases.get_mut("game").expect("there");
    game.url = Some(fresh.url_at(Some(proxy.address)));
    game.acquire = Duration::from_millis(200);
    let plain = DatabaseConfig {
        url: Some(fresh.url()),
        ..DatabaseConfig::default()
    };
    broken.store.databases.insert("plain".to_owned(), plain);
    let running = start(broken).await.expect("starts without");
    proxy.set(Line::Open);
    let plain = running.database("plain").expect("there");
    until("at the second", async || {
        plain.query("select * from scores", &[]).await.is_ok()
    })
    .await;
    // Another server, whose folder is whole.
    let whole = with_second(fresh, "create table late (a int)");
    let other = start(whole).await.expect("starts");
    until("applied", async || {
        count(&other, "select a from late").await == Ok(0)
    })
    .await;
    drop(running);
}
