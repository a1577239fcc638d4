//! A server whose store is gone: who plays goes on playing, and operators are told.

use downbeat_server::config::DatabaseConfig;
use downbeat_server::{App, Config, Running, Value};

use super::proxy::{Line, Proxy};
use super::services::{Fresh, Kind, on_all};
use crate::stage::{Adder, Client, request, status};

on_all!(servers: ticks_and_sockets_do_not_notice, row_25_connections_are_bounded);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn row_25_blocking_work_has_bounded_threads_and_disturbs_no_tick() {
    let mut config = Config::for_tests();
    config.admin = Some(([127, 0, 0, 1], 0).into());
    config.store.blocking_threads = 2;
    config.store.blocking_queue = 3;
    let app = App::new().game::<Adder>();
    let running = app.start(config).await.expect("starts");
    let (go, wait) = std::sync::mpsc::channel::<()>();
    let wait = std::sync::Arc::new(std::sync::Mutex::new(wait));
    let work = (0..8).map(|_| {
        let (blocking, wait) = (running.blocking().clone(), std::sync::Arc::clone(&wait));
        tokio::spawn(async move {
            let hold = move || drop(wait.lock().map(|wait| wait.recv_timeout(PATIENCE)));
            blocking.run(hold).await
        })
    });
    let work: Vec<_> = work.collect();
    let full = async {
        while running.blocking().counts().refused < 3 {
            tokio::task::yield_now().await;
        }
    };
    let full = tokio::time::timeout(PATIENCE, full).await;
    full.expect("three found no place");
    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    ada.send(ada.view.input(1, 41)).await;
    ada.see(|view| view.shared.sum == 41).await;
    assert_eq!(
        metric(&running, "downbeat_blocking_refused_total ").await,
        3
    );
    let counts = running.blocking().counts();
    assert_eq!((counts.running, counts.waiting), (2, 3));
    drop(go);
    let mut done = 0;
    for work in work {
        done += usize::from(work.await.expect("no panic").is_ok());
    }
    assert_eq!(done, 5);
}

/// Several times what any of this takes.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(20);

async fn row_25_connections_are_bounded(fresh: &Fresh) {
    let mut config = Config::for_tests();
    let database = DatabaseConfig {
        url: Some(fresh.url()),
        pool_max: 2,
        acquire: PATIENCE,
        ..DatabaseConfig::default()
    };
    config.store.databases.insert("game".to_owned(), database);
    let app = App::new().game::<Adder>();
    let running = app.start(config).await.expect("starts");
    let (sleep, count) = match fresh.kind {
        Kind::Postgres => (
            "select pg_sleep(0.05)::text",
            "select count(*) from pg_stat_activity where datname = current_database()",
        ),
        _ => (
            "select sleep(0.05)",
            "select count(*) from information_schema.processlist where db = database()",
        ),
    };
    let asking = (0..20).map(|n| {
        let database = running.database("game").expect("there");
        tokio::spawn(async move {
            database.query(sleep, &[]).await.expect("slept");
            // All but the last ask while others sleep.
            let rows = database.query(count, &[]).await.expect("counted");
            (n, rows[0].values()[0].clone())
        })
    });
    for asked in asking.collect::<Vec<_>>() {
        let (n, connections) = asked.await.expect("no panic");
        let Value::Int(connections) = connections else {
            panic!("{connections:?}");
        };
        assert!((1..=2).contains(&connections), "{connections} at the {n}th");
    }
}

async fn readyz(running: &Running) -> (u16, String) {
    let answer = request(running.addr(), "GET", "/readyz", "").await;
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    (status(&answer), body.to_owned())
}

/// Waits for what operators are to be told.
async fn until_ready(running: &Running, expected: (u16, &str)) {
    let mut last = readyz(running).await;
    for _ in 0..2_000 {
        if last.0 == expected.0 && last.1.starts_with(expected.1) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        last = readyz(running).await;
    }
    panic!("{last:?}, expected {expected:?}");
}

async fn metric(running: &Running, name: &str) -> u64 {
    let admin = running.admin_addr().expect("an admin port");
    let metrics = request(admin, "GET", "/metrics", "").await;
    let line = metrics.lines().find_map(|line| line.strip_prefix(name));
    let line = line.unwrap_or_else(|| panic!("{name} in {metrics}"));
    line.trim().parse().expect("a number")
}

async fn ticks_and_sockets_do_not_notice(fresh: &Fresh) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    proxy.set(Line::Cut);
    let mut config = Config::for_tests();
    config.admin = Some(([127, 0, 0, 1], 0).into());
    config.store.url = Some(fresh.url_at(Some(proxy.address)));
    config.store.timeout = std::time::Duration::from_millis(300);
    let app = App::new().game::<Adder>();
    let running = app.start(config).await.expect("starts without its store");
    let (code, text) = readyz(&running).await;
    assert_eq!(
        (code, text.as_str()),
        (503, "the store cannot be reached yet\n")
    );
    assert_eq!(metric(&running, "downbeat_store_up ").await, 0);
    proxy.set(Line::Open);
    until_ready(&running, (200, "ok\n")).await;

    let mut ada = Client::join(running.addr(), "main", "Ada").await;
    let mut sum = 0;
    for fault in [Line::Cut, Line::Stalled, Line::Open] {
        proxy.set(fault);
        // Somebody signs in, and the store is found gone.
        while fault != Line::Open && running.store().account(1).await.is_ok() {}
        for _ in 0..10 {
            sum += 1;
            ada.send(ada.view.input(sum, 1)).await;
            ada.see(|view| view.shared.sum == sum).await;
        }
        if fault != Line::Open {
            until_ready(&running, (200, "ok, but the store cannot be reached")).await;
        }
    }
    until_ready(&running, (200, "ok\n")).await;
    running.stop().await.expect("stops");
}
