//! The chat of the Channels tutorial, moved over: docs/coming-from-channels.md.

use std::time::Duration;

use downbeat::layer::{Address, LayerLimits, Message, Received, open_queue};
use downbeat_server::{App, Config, Peer, Visit};
use downbeat_tests::talk::Talk;
use serde_json::Value;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(10);

/// Reads on until something is said.
async fn hear(peer: &mut Peer) -> String {
    let heard = async {
        loop {
            let text = peer.receive().await.expect("not closed");
            let told: Value = serde_json::from_str(&text).expect("JSON");
            if let Some(said) = told["events"].as_array().and_then(|events| events.first()) {
                return said["message"].as_str().expect("a text").to_owned();
            }
        }
    };
    timeout(PATIENCE, heard).await.expect("heard in time")
}

#[tokio::test]
async fn the_chat_of_the_channels_tutorial_talks_to_browsers_and_to_consumers() {
    let app = App::new().game::<Talk>();
    let running = app.start(Config::for_tests()).await.expect("starts");
    let services = running.services();
    // What a Django consumer is to the layer.
    let layer = services.layer().clone();
    let unique = Address::Unique("specific");
    let consumer = open_queue(&*layer, unique, &LayerLimits::default()).expect("opened");
    layer
        .group_add("chat_lobby", consumer.name())
        .await
        .expect("added");

    let [ada, bob] =
        ["Ada", "Bob"].map(|name| services.connect(Visit::new("/ws/talk/lobby", name)));
    let (mut ada, mut bob) = (ada.await.expect("in"), bob.await.expect("in"));
    for peer in [&mut ada, &mut bob] {
        let welcome = timeout(PATIENCE, peer.receive()).await.expect("in time");
        assert!(welcome.expect("not closed").contains(r#""type":"welcome""#));
    }
    let said = r#"{"type":"input","seq":1,"input":{"message":"hello"}}"#;
    ada.send(said).await.expect("open");
    assert_eq!(hear(&mut ada).await, "hello");
    assert_eq!(hear(&mut bob).await, "hello");
    let received = timeout(PATIENCE, consumer.receive())
        .await
        .expect("in time");
    let Received::Message(message) = received else {
        panic!("{received:?}")
    };
    assert_eq!(
        *message,
        Message::of("chat.message").with("message", "hello")
    );

    let reply = Message::of("chat.message").with("message", "from Django");
    services
        .group_send("chat_lobby", reply)
        .await
        .expect("sent");
    assert_eq!(hear(&mut ada).await, "from Django");
    assert_eq!(hear(&mut bob).await, "from Django");
    ada.leave().await;
    bob.leave().await;
    running.stop().await.expect("stopped");
}
