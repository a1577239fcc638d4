//! A project's own database that is not there.

use downbeat_server::Running;
use downbeat_server::config::ViewAuth;

use super::{config, get, start, view};
use crate::store::proxy::{Line, Proxy};
use crate::store::services::{Fresh, on_all};

on_all!(servers: a_database_that_is_gone_is_said_to_be_so_and_comes_back);

async fn a_database_that_is_gone_is_said_to_be_so_and_comes_back(fresh: &Fresh) {
    let proxy = Proxy::to(fresh.kind.address().expect("a server")).await;
    let mut config = config(fresh);
    let game = config.store.databases.get_mut("game").expect("there");
    game.url = Some(fresh.url_at(Some(proxy.address)));
    game.acquire = std::time::Duration::from_millis(200);
    game.timeout = std::time::Duration::from_millis(400);
    let all = view(
        "all",
        "select name from scores order by score",
        ViewAuth::Anyone,
    );
    config.store.views.insert("all".to_owned(), all);
    for fault in [Line::Cut, Line::Stalled] {
        // Once gone from the start, and once later.
        proxy.set(fault);
        let running = start(config.clone()).await.expect("starts without it");
        let (code, body, head) = get(&running, "/api/views/all", "").await;
        assert_eq!(
            (code, &body["error"]),
            (503, &serde_json::json!("unavailable"))
        );
        assert!(head.contains("retry-after: "), "{head}");
        proxy.set(Line::Open);
        until(&running, 200).await;
        proxy.set(fault);
        until(&running, 503).await;
        proxy.set(Line::Open);
        until(&running, 200).await;
        running.stop().await.expect("stops");
    }
}

async fn until(running: &Running, expected: u16) {
    for _ in 0..200 {
        if get(running, "/api/views/all", "").await.0 == expected {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("never {expected}");
}
