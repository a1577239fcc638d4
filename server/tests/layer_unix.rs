//! The layer over a Unix socket: all that every layer must do, and what happens to its processes.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use downbeat::layer::{
    Address, Layer, LayerLimits, Message, Present, Received, Receiver, open_queue,
};
use downbeat::testing::layer::{Bus, suite};
use downbeat_server::UnixLayer;
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

const WITHIN: Duration = Duration::from_secs(20);

fn folder() -> (TempDir, PathBuf) {
    let folder = TempDir::new().expect("a folder");
    let path = folder.path().join("layer.sock");
    (folder, path)
}

async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let wait = async {
        while !is_so().await {
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert!(timeout(WITHIN, wait).await.is_ok(), "never so: {what}");
}

async fn start_with(path: &Path, limits: LayerLimits) -> Arc<UnixLayer> {
    let layer = UnixLayer::start(path, limits).expect("a layer");
    until("it is on the bus", async || layer.health().is_ok()).await;
    layer
}

async fn start(path: &Path) -> Arc<UnixLayer> {
    start_with(path, LayerLimits::default()).await
}

fn queue(layer: &Arc<UnixLayer>) -> Receiver {
    open_queue(&**layer, Address::Unique("test"), layer.limits()).expect("a channel")
}

async fn add(layer: &Arc<UnixLayer>, group: &str, receiver: &Receiver) {
    let added = layer.group_add(group, receiver.name()).await;
    added.expect("added");
}

fn text(text: &str) -> Arc<Message> {
    Arc::new(Message::of("test.text").with("text", text))
}

async fn receive(receiver: &Receiver) -> Received {
    let received = timeout(WITHIN, receiver.receive()).await;
    received.expect("something comes")
}

fn present(name: &str) -> Present {
    Present {
        id: name.to_lowercase(),
        name: name.into(),
    }
}

async fn appear(layer: &Arc<UnixLayer>, receiver: &Receiver, name: &str) {
    let appeared = layer.appear("g", receiver.name(), present(name)).await;
    appeared.expect("present");
}

async fn assert_present(layer: &Arc<UnixLayer>, names: &[&str]) {
    let expected: BTreeSet<_> = names.iter().map(|name| present(name)).collect();
    until(&format!("{names:?} are present"), async || {
        layer.present("g").await == Ok(expected.clone())
    })
    .await;
}

#[tokio::test]
async fn row_21_the_unix_layer_does_what_every_layer_must() {
    suite(async |limits| {
        let (folder, path) = folder();
        let here = start_with(&path, limits.clone()).await;
        let there = start_with(&path, limits).await;
        Bus {
            here,
            there,
            tells_far_full: false,
            keep: Box::new(folder),
        }
    })
    .await;
}

#[tokio::test]
async fn row_11_when_the_hub_dies_another_takes_over_and_the_gap_is_told() {
    let (_folder, path) = folder();
    let hub = start(&path).await;
    let (b, c) = (start(&path).await, start(&path).await);
    let (at_hub, at_b, at_c) = (queue(&hub), queue(&b), queue(&c));
    for (layer, receiver, name) in [
        (&hub, &at_hub, "Hub"),
        (&b, &at_b, "Bob"),
        (&c, &at_c, "Cy"),
    ] {
        add(layer, "g", receiver).await;
        appear(layer, receiver, name).await;
    }
    assert_present(&c, &["Bob", "Cy", "Hub"]).await;
    drop(hub);
    assert_eq!(receive(&at_b).await, Received::Missed(0));
    assert_eq!(receive(&at_c).await, Received::Missed(0));
    assert_present(&b, &["Bob", "Cy"]).await;
    assert_present(&c, &["Bob", "Cy"]).await;
    until("messages pass again", async || {
        b.group_send("g", text("again")).await.is_ok()
            && timeout(Duration::from_millis(200), at_c.receive())
                .await
                .is_ok()
    })
    .await;
    assert_eq!(b.counts().gaps, 1);
    drop(at_hub);
}

#[tokio::test]
async fn who_is_present_in_a_process_that_dies_leaves_at_once() {
    let (_folder, path) = folder();
    let (hub, other) = (start(&path).await, start(&path).await);
    let (ada, bob) = (queue(&hub), queue(&other));
    appear(&hub, &ada, "Ada").await;
    appear(&other, &bob, "Bob").await;
    assert_present(&hub, &["Ada", "Bob"]).await;
    // Its socket goes with its tasks; its channels are not closed before, as after a kill.
    std::mem::forget(bob);
    drop(other);
    assert_present(&hub, &["Ada"]).await;
    assert!(hub.health().is_ok());
}

#[tokio::test]
async fn who_comes_late_sees_who_is_there() {
    let (_folder, path) = folder();
    let hub = start(&path).await;
    let ada = queue(&hub);
    appear(&hub, &ada, "Ada").await;
    let late = start(&path).await;
    assert_present(&late, &["Ada"]).await;
}

#[tokio::test]
async fn a_named_channel_is_read_by_one_of_all_processes() {
    let (_folder, path) = folder();
    let layers = [start(&path).await, start(&path).await, start(&path).await];
    let named = || Address::Named("work".into());
    let open = |layer: &Arc<UnixLayer>| open_queue(&**layer, named(), layer.limits());
    let readers = [
        open(&layers[1]).expect("a channel"),
        open(&layers[2]).expect("a channel"),
    ];
    sleep(Duration::from_millis(500)).await;
    for number in 0..20 {
        let sent = layers[0].send("work", text(&number.to_string())).await;
        sent.expect("sent");
    }
    for reader in &readers {
        for _ in 0..10 {
            assert!(matches!(receive(reader).await, Received::Message(_)));
        }
        let more = timeout(Duration::from_millis(100), reader.receive()).await;
        assert!(more.is_err(), "each message comes once");
    }
}

#[tokio::test]
async fn who_finds_no_place_on_the_bus_is_told_why_and_comes_when_there_is_one() {
    let (_folder, path) = folder();
    let _hub = start(&path).await;
    let mut others = Vec::new();
    for _ in 1..256 {
        let other = tokio::net::UnixStream::connect(&path).await;
        others.push(other.expect("a socket"));
    }
    let late = UnixLayer::start(&path, LayerLimits::default()).expect("a layer");
    until("it is told why", async || {
        late.health()
            .is_err_and(|why| why.contains("256 processes"))
    })
    .await;
    others.pop();
    until("it is on the bus", async || late.health().is_ok()).await;
}

#[tokio::test]
async fn a_stale_socket_is_replaced_and_nothing_else() {
    let (folder, path) = folder();
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let layer = start(&path).await;
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(&path)
        .expect("a socket")
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    drop(layer);
    let file = folder.path().join("notes.txt");
    std::fs::write(&file, "mine").expect("written");
    let refused = UnixLayer::start(&file, LayerLimits::default());
    let error = refused.err().expect("refused").to_string();
    assert!(error.contains("is no socket"), "{error}");
    assert_eq!(std::fs::read(&file).expect("still there"), b"mine");
}

#[tokio::test(start_paused = true)]
async fn without_a_hub_sending_is_an_error_after_a_while() {
    let layer = UnixLayer::start(Path::new("/nowhere/layer.sock"), LayerLimits::default());
    let layer = layer.expect("it waits");
    let receiver = queue(&layer);
    add(&layer, "g", &receiver).await;
    let sent = layer.group_send("g", text("a")).await;
    let unavailable = "the layer is unavailable: no link at /nowhere/layer.sock: No such file";
    let told = sent.expect_err("nobody is there").to_string();
    assert!(told.starts_with(unavailable), "{told}");
    assert!(layer.health().is_err());
    assert_eq!(
        receive(&receiver).await,
        Received::Message(text("a")),
        "here it arrived"
    );
}

#[tokio::test]
async fn garbage_at_the_socket_disturbs_nobody() {
    use tokio::io::AsyncWriteExt as _;
    let (_folder, path) = folder();
    let (hub, other) = (start(&path).await, start(&path).await);
    let receiver = queue(&other);
    for garbage in [
        &b"GET / HTTP/1.1\r\n\r\n"[..],
        b"\xFF\xFF\xFF\xFF",
        b"\0\0\0\0",
        b"\0\0\0\x02\xFFx",
        b"\0\0\0\x05\x01!abc",
    ] {
        let mut socket = tokio::net::UnixStream::connect(&path)
            .await
            .expect("a socket");
        socket.write_all(garbage).await.expect("written");
        drop(socket);
    }
    let sent = hub.send(receiver.name(), text("a")).await;
    sent.expect("sent");
    assert_eq!(receive(&receiver).await, Received::Message(text("a")));
    assert_eq!((hub.counts().gaps, other.counts().gaps), (0, 0));
}

#[tokio::test]
async fn who_does_not_read_loses_its_own_only_and_is_told() {
    let (_folder, path) = folder();
    let (hub, reader) = (start(&path).await, start(&path).await);
    let mut deaf = tokio::net::UnixStream::connect(&path)
        .await
        .expect("a socket");
    say_hello(&mut deaf).await;
    let receiver = queue(&reader);
    add(&reader, "g", &receiver).await;
    let big = Arc::new(Message::of("test.big").with("big", "x".repeat(1024 * 1024)));
    for _ in 0..100 {
        hub.group_send("g", Arc::clone(&big)).await.expect("sent");
        assert!(matches!(receive(&receiver).await, Received::Message(_)));
    }
    assert_eq!(receiver.lost(), 0);
}

/// What a process says first, written by hand: it pins the bytes.
async fn say_hello(socket: &mut tokio::net::UnixStream) {
    say(socket, b"\x92\xACdeaddeaddead\xA5Hello").await;
}

async fn say(socket: &mut tokio::net::UnixStream, body: &[u8]) {
    use tokio::io::AsyncWriteExt as _;
    let length = u32::try_from(2 + body.len()).expect("short");
    let mut frame = length.to_be_bytes().to_vec();
    frame.extend([1, b'!']);
    frame.extend(body);
    socket.write_all(&frame).await.expect("written");
}

/// Reads until this was heard.
async fn hear(socket: &mut tokio::net::UnixStream, word: &[u8]) {
    use tokio::io::AsyncReadExt as _;
    let mut heard = Vec::new();
    while !heard.windows(word.len()).any(|piece| piece == word) {
        let more = timeout(WITHIN, socket.read_buf(&mut heard)).await;
        assert_ne!(more.expect("in time").expect("read"), 0, "{heard:?}");
    }
}

#[tokio::test]
async fn what_a_process_read_before_it_came_anew_is_forgotten() {
    let (_folder, path) = folder();
    let (hub, reader) = (start(&path).await, start(&path).await);
    let mut sockets = Vec::new();
    for _ in 0..2 {
        let socket = tokio::net::UnixStream::connect(&path).await;
        let mut socket = socket.expect("a socket");
        say_hello(&mut socket).await;
        hear(&mut socket, b"Welcome").await;
        if sockets.is_empty() {
            say(&mut socket, b"\x92\xACdeaddeaddead\x81\xA4Open\xA4work").await;
            until("it reads", async || {
                hub.send("work", text("first")).await.expect("sent");
                timeout(Duration::from_millis(50), hear(&mut socket, b"first"))
                    .await
                    .is_ok()
            })
            .await;
        }
        sockets.push(socket);
    }
    let named = Address::Named("work".into());
    let receiver = open_queue(&*reader, named, reader.limits()).expect("a channel");
    until("it reads", async || {
        hub.send("work", text("first")).await.expect("sent");
        timeout(Duration::from_millis(50), receiver.receive())
            .await
            .is_ok()
    })
    .await;
    for number in 0..4 {
        hub.send("work", text(&number.to_string()))
            .await
            .expect("sent");
    }
    let mut received = Vec::new();
    while received.last() != Some(&Received::Message(text("3"))) {
        received.push(receive(&receiver).await);
    }
    received.retain(|message| *message != Received::Message(text("first")));
    let all = ["0", "1", "2", "3"].map(|number| Received::Message(text(number)));
    assert_eq!(received, all);
}
