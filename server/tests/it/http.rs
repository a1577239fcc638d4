use std::net::SocketAddr;

use downbeat_server::{App, Config, Page};

use crate::stage::{Adder, Client, request, start, status};

async fn get(address: SocketAddr, path: &str) -> String {
    request(address, "GET", path, "").await
}

fn body(response: &str) -> &str {
    response.split_once("\r\n\r\n").map_or("", |(_, body)| body)
}

#[tokio::test]
async fn pages_come_with_their_headers_and_are_not_sent_twice() {
    let app = App::new().game::<Adder>().pages(|path| match path {
        "index.html" | "help/index.html" => Some(Page::html(b"<p>hello")),
        "a.js" => Some(Page::at(path, b"1".as_slice())),
        _ => None,
    });
    let running = app.start(Config::for_tests()).await.expect("starts");
    let page = get(running.addr(), "/").await;
    assert_eq!((status(&page), body(&page)), (200, "<p>hello"));
    for header in [
        "content-type: text/html; charset=utf-8",
        "cache-control: no-cache",
        "content-security-policy: default-src 'self'; connect-src 'self' ws: wss:; \
         img-src 'self' data:; style-src 'self' 'unsafe-inline'",
        "x-content-type-options: nosniff",
    ] {
        assert!(page.contains(header), "{header} in {page}");
    }
    let etag = page.lines().find_map(|line| line.strip_prefix("etag: "));
    let known = format!("If-None-Match: {}\r\n", etag.expect("an etag"));
    let again = request(running.addr(), "GET", "/", &known).await;
    assert_eq!((status(&again), body(&again)), (304, ""));

    assert_eq!(status(&get(running.addr(), "/help/").await), 200);
    let script = get(running.addr(), "/a.js?v=1").await;
    assert!(script.contains("content-type: text/javascript"), "{script}");
    assert_eq!(status(&get(running.addr(), "/b.js").await), 404);
    let posted = request(running.addr(), "POST", "/", "").await;
    assert_eq!(status(&posted), 405);
    let head = request(running.addr(), "HEAD", "/", "").await;
    assert_eq!((status(&head), body(&head)), (200, ""));
}

#[tokio::test]
async fn without_a_page_the_server_says_how_to_get_one() {
    let app = App::new().game::<Adder>().page_missing("Install Node.");
    let running = app.start(Config::for_tests()).await.expect("starts");
    let page = get(running.addr(), "/").await;
    assert_eq!(status(&page), 200);
    assert!(body(&page).starts_with("Install Node."), "{page}");
}

#[tokio::test]
async fn the_client_library_is_served() {
    let running = start().await;
    let script = get(running.addr(), "/downbeat/client.js").await;
    assert_eq!(status(&script), 200);
    assert!(script.contains("content-type: text/javascript"), "{script}");
    assert!(body(&script).contains("export"), "{script}");
}

#[tokio::test]
async fn rooms_are_listed() {
    let running = start().await;
    let rooms = async |path: &str| {
        let response = get(running.addr(), path).await;
        assert_eq!(status(&response), 200);
        body(&response).to_owned()
    };
    assert_eq!(rooms("/api/rooms?game=adder").await, "[]");
    let _ada = Client::join(running.addr(), "main", "Ada").await;
    let entry = r#""id":"main","members":1,"max":null,"locked":false,"metadata":{}}]"#;
    assert_eq!(rooms("/api/rooms?game=adder").await, format!("[{{{entry}"));
    let of_all = format!(r#"[{{"game":"adder",{entry}"#);
    assert_eq!(rooms("/api/rooms").await, of_all);
    let unknown = get(running.addr(), "/api/rooms?game=chess").await;
    assert_eq!(status(&unknown), 404);
    let posted = request(running.addr(), "POST", "/api/rooms", "").await;
    assert_eq!(status(&posted), 405);
}

#[tokio::test]
async fn metrics_are_on_the_admin_port_only() {
    let mut config = Config::for_tests();
    config.admin = Some(([127, 0, 0, 1], 0).into());
    let app = App::new().game::<Adder>();
    let running = app.start(config).await.expect("starts");
    let _ada = Client::join(running.addr(), "main", "Ada").await;
    let refused = Client::connect_with(
        running.addr(),
        crate::stage::handshake(running.addr(), "/ws/chess/main"),
    );
    assert_eq!(refused.await.err(), Some(404));
    assert_eq!(status(&get(running.addr(), "/metrics").await), 404);
    let admin = running.admin_addr().expect("an admin port");
    let metrics = get(admin, "/metrics").await;
    assert_eq!(status(&metrics), 200);
    for line in [
        "downbeat_ticks_total{tick_rate_hz=\"20\"} ",
        "downbeat_ticks_dropped_total{tick_rate_hz=\"20\"} 0",
        "downbeat_step_seconds_total{tick_rate_hz=\"20\"} ",
        "downbeat_rooms 1",
        "downbeat_members 1",
        "downbeat_connections ",
        "downbeat_messages_sent_total ",
        "downbeat_closes_total{code=\"4008\"} 0",
        "downbeat_closes_total{code=\"1006\"} 0",
        "downbeat_handshakes_total{outcome=\"accepted\"} 1",
        "downbeat_handshakes_total{outcome=\"unknown_game\"} 1",
        "downbeat_resident_memory_bytes ",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(metrics.trim_end().ends_with("# EOF"), "{metrics}");
}
