//! A database that is gone, silent, slow, locked or full, under a server with players: who plays
//! goes on playing, who wants to sign in is told to come back, and afterwards all is as before.
//!
//! Outages last a tenth of what is asked for, and a server waits for less than it does by itself;
//! with `FULL_OUTAGES=1` they last a minute, and the server has its own settings.

#[expect(dead_code, reason = "the store's own tests use the rest of it")]
#[path = "../../server/tests/it/store/services.rs"]
pub(crate) mod services;
#[path = "../../server/tests/it/store/proxy.rs"]
mod proxy;
#[path = "../../server/tests/it/store/disk.rs"]
mod disk;
mod scene;
mod commits;

use std::time::Duration;

use downbeat_server::DatabaseUrl;
use sqlx::{Connection as _, Executor as _};

use self::disk::Disk;
use self::proxy::{Line, Proxy};
use self::scene::{Place, Scene};
use self::services::{Fresh, Kind, on_all};

on_all!(servers:
    while_it_is_gone_players_go_on_and_logins_are_put_off,
    while_it_is_silent_players_go_on_and_logins_are_put_off,
    while_it_is_slow_players_go_on_and_logins_are_put_off,
    a_commit_that_is_cut_off_loses_and_doubles_nothing,
);

/// How long things last.
#[derive(Clone, Copy, Debug)]
struct Times {
    /// The database is gone for so long,
    outage: Duration,
    /// or every piece of its answers takes this,
    slow: Duration,
    /// and whoever asks waits for no longer than this.
    timeout: Duration,
}

fn times() -> Times {
    let full = Times {
        outage: Duration::from_secs(60),
        slow: Duration::from_secs(5),
        timeout: Duration::from_secs(2),
    };
    if std::env::var("FULL_OUTAGES").is_ok_and(|full| full == "1") {
        return full;
    }
    Times {
        outage: full.outage / 10,
        slow: full.slow / 10,
        // Five times this is longer than SQLite waits for a lock, as it is with a server's own.
        timeout: Duration::from_millis(300),
    }
}

async fn while_it_is_gone_players_go_on_and_logins_are_put_off(fresh: &Fresh) {
    survives(fresh, Line::Cut).await;
}

async fn while_it_is_silent_players_go_on_and_logins_are_put_off(fresh: &Fresh) {
    survives(fresh, Line::Stalled).await;
}

async fn while_it_is_slow_players_go_on_and_logins_are_put_off(fresh: &Fresh) {
    survives(fresh, Line::Slow(times().slow)).await;
}

async fn survives(fresh: &Fresh, fault: Line) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    let place = Place {
        direct: fresh.url(),
        through: fresh.url_at(Some(proxy.address)),
        can_be_read: false,
    };
    let mut scene = Scene::open(place).await;
    proxy.set(fault);
    scene.lives_through_it().await;
    proxy.set(Line::Open);
    scene.ends_as_it_began().await;
}

async fn a_commit_that_is_cut_off_loses_and_doubles_nothing(fresh: &Fresh) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    commits::are_made_once(fresh, &proxy).await;
}

/// A file can be read while another program writes to it, so only what must be written waits.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_file_is_locked_players_go_on_and_logins_are_put_off() {
    let fresh = Fresh::new(Kind::Sqlite).await.expect("always there");
    let mut scene = Scene::open(Place::file(fresh.url())).await;
    let other = sqlx::SqliteConnection::connect(&fresh.address_at(None)).await;
    let mut other = other.expect("open");
    other.execute("begin immediate").await.expect("locked");
    scene.lives_through_it().await;
    other.execute("rollback").await.expect("free");
    scene.ends_as_it_began().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_disk_is_full_players_go_on_and_logins_are_put_off() {
    let Some(disk) = Disk::new(4096) else {
        return;
    };
    let file = disk.path().join("x.db");
    let url = DatabaseUrl::new(format!("sqlite:{}", file.display()));
    let mut scene = Scene::open(Place::file(url)).await;
    disk.fill();
    scene.lives_through_it().await;
    disk.empty();
    scene.ends_as_it_began().await;
}
