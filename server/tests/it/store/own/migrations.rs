//! Migrations of a project that take their time, fail, or were interrupted.

use std::time::Duration;

use downbeat_server::config::{Config, DatabaseConfig};
use downbeat_server::{DatabaseError, Running};

use super::{config, start, told};
use crate::store::proxy::{Line, Proxy};
use crate::store::services::{Fresh, Kind, on_all};

on_all!(one_that_was_interrupted_is_told_with_what_to_do_about_it);

mod of_servers {
    use super::{long_ones_are_applied_whole, one_that_failed_keeps_nobody_out};
    use crate::store::services::on_all;

    on_all!(servers: long_ones_are_applied_whole, one_that_failed_keeps_nobody_out);
}

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

/// A start waits for 3 s.
async fn long_ones_are_applied_whole(fresh: &Fresh) {
    let sleep = match fresh.kind {
        Kind::Postgres => "select pg_sleep(5)",
        _ => "select sleep(5)",
    };
    let second = format!(
        "create table early (a int); {sleep}; create table late (a int); insert into late values (1)"
    );
    let config = with_second(fresh, &second);
    let running = start(config.clone()).await.expect("starts without");
    let all = "select a from late";
    until("applied", async || count(&running, all).await == Ok(1)).await;
    running.stop().await.expect("stops");
    let running = start(config).await.expect("starts again");
    assert_eq!(count(&running, all).await, Ok(1));
}

async fn one_that_was_interrupted_is_told_with_what_to_do_about_it(fresh: &Fresh) {
    let running = start(config(fresh)).await.expect("starts");
    running.stop().await.expect("stops");
    // What a crash leaves where tables know no transactions.
    let crashed = "update _sqlx_migrations set success = false where version = 1";
    fresh.run(crashed).await;
    let text = told(fresh, |config| {
        config.store.databases.remove("stats");
    });
    assert_eq!(
        text.await,
        "databases.game.migrations: migration 1 was interrupted: finish by hand what it began and \
         set success in its row of _sqlx_migrations, or undo it and delete that row"
    );
    fresh.run(&crashed.replace("false", "true")).await;
    let running = start(config(fresh)).await.expect("starts again");
    assert_eq!(count(&running, "select * from scores").await, Ok(3));
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
